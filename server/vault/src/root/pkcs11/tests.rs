//! Against SoftHSM2, each test in a process and with a token of its own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cryptoki::context::{CInitializeArgs, CInitializeFlags};
use cryptoki::object::{Attribute, AttributeType, ObjectClass};

use super::softhsm::{Token, with_token, write_secret};
use super::*;
use crate::root::contract;
use crate::testing::source;

fn open(token: &Token) -> Pkcs11Roots {
    Pkcs11Roots::open(&token.location).expect("the token opens")
}

fn fresh() -> impl FnMut(&mut [u8]) {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    source(u64::from_be_bytes(seed))
}

#[test]
fn it_keeps_the_contract() {
    with_token(module_path!(), "it_keeps_the_contract", |token| {
        let roots = open(token);
        contract::check(&roots, 1, &mut fresh());
        contract::check(&roots, u32::MAX - 2, &mut fresh());
    });
}

#[test]
fn a_key_stays_in_the_module() {
    with_token(module_path!(), "a_key_stays_in_the_module", |token| {
        let roots = open(token);
        roots.create(1, &mut fresh()).unwrap();
        let seen = roots.pool.with(|session| {
            let keys = roots.keys(session, 1)?;
            let wanted = [
                AttributeType::Token,
                AttributeType::Private,
                AttributeType::AlwaysSensitive,
                AttributeType::NeverExtractable,
                AttributeType::Local,
                AttributeType::Modifiable,
                AttributeType::Wrap,
                AttributeType::Derive,
                AttributeType::Label,
                AttributeType::ValueLen,
            ];
            let value = session.get_attributes(keys[0].1, &[AttributeType::Value]);
            assert!(value.map_or(true, |values| values.is_empty()), "the key can be read");
            Ok(session.get_attributes(keys[0].1, &wanted)?)
        });
        let expected = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::AlwaysSensitive(true),
            Attribute::NeverExtractable(true),
            Attribute::Local(true),
            Attribute::Modifiable(false),
            Attribute::Wrap(false),
            Attribute::Derive(false),
            Attribute::Label(b"photos-root-0000000001".to_vec()),
            Attribute::ValueLen(32.into()),
        ];
        assert_eq!(seen.unwrap(), expected);
    });
}

#[test]
fn what_is_destroyed_stays_destroyed() {
    with_token(module_path!(), "what_is_destroyed_stays_destroyed", |token| {
        let roots = open(token);
        for generation in [1, 2] {
            roots.create(generation, &mut fresh()).unwrap();
        }
        let wrapped = roots.wrap(1, b"c", &[9; 32], &mut fresh()).unwrap();
        roots.destroy(1).unwrap();
        let left = roots.pool.with(|session| Ok(session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY)])?));
        assert_eq!(left.unwrap().len(), 1, "the object is gone, not only marked");

        // A crash between the mark and the end of the key.
        let cut = roots.wrap(2, b"c", &[9; 32], &mut fresh()).unwrap();
        roots.pool.with(|session| roots.names.mark_destroyed(session, 2)).unwrap();
        for again in [roots, open(token)] {
            for (generation, wrapped) in [(1, &wrapped), (2, &cut)] {
                let destroyed = again.create(generation, &mut fresh()).unwrap_err();
                assert!(matches!(destroyed, RootError::Destroyed { generation: g } if g == generation), "{destroyed}");
                let destroyed = again.unwrap(generation, b"c", wrapped).unwrap_err();
                assert!(matches!(destroyed, RootError::Destroyed { generation: g } if g == generation), "{destroyed}");
            }
            assert!(again.generations().unwrap().is_empty());
        }
        let finished = open(token);
        let left = finished.pool.with(|session| finished.names.living(session)).unwrap();
        assert!(left.is_empty(), "the start finishes what was cut short");
    });
}

#[test]
fn installations_on_one_token_do_not_see_each_other() {
    with_token(module_path!(), "installations_on_one_token_do_not_see_each_other", |token| {
        let ours = open(token);
        let other = Location { prefix: "photo".into(), ..token.location.clone() };
        let theirs = Pkcs11Roots::open(&other).unwrap();
        ours.create(1, &mut fresh()).unwrap();
        assert!(theirs.generations().unwrap().is_empty());
        theirs.create(1, &mut fresh()).unwrap();
        theirs.destroy(1).unwrap();
        assert_eq!(ours.generations().unwrap(), [1]);
    });
}

#[test]
fn another_process_sees_it_at_once() {
    with_token(module_path!(), "another_process_sees_it_at_once", |token| {
        let (roots, file) = (open(token), token.folder().join("wrapped"));
        if token.role().is_some() {
            assert_eq!(*roots.unwrap(1, b"c", &fs::read(file).unwrap()).unwrap(), [9; 32]);
            roots.create(2, &mut fresh()).unwrap();
            roots.destroy(1).unwrap();
            return;
        }
        roots.create(1, &mut fresh()).unwrap();
        let wrapped = roots.wrap(1, b"c", &[9; 32], &mut fresh()).unwrap();
        fs::write(file, &wrapped).unwrap();
        assert!(token.beside("destroy").wait().unwrap().success());
        assert!(matches!(roots.unwrap(1, b"c", &wrapped), Err(RootError::Destroyed { generation: 1 })));
        assert!(matches!(roots.create(2, &mut fresh()), Err(RootError::Exists { generation: 2 })));
        assert_eq!(roots.generations().unwrap(), [2]);
    });
}

/// Both may have made a key; what either wraps, both unwrap, and one call of destroy ends it all.
#[test]
fn two_processes_that_create_at_once_agree() {
    const GENERATIONS: u32 = 12;
    with_token(module_path!(), "two_processes_that_create_at_once_agree", |token| {
        let roots = open(token);
        let file = |role: &str, generation: u32| token.folder().join(format!("{role}-{generation}"));
        if let Some(role) = token.role() {
            for generation in 1..=GENERATIONS {
                let first = match roots.create(generation, &mut fresh()) {
                    Ok(()) => "first",
                    Err(RootError::Exists { .. }) => "second",
                    Err(other) => panic!("{other}"),
                };
                fs::write(file(&format!("{role}-was"), generation), first).unwrap();
                let wrapped = roots.wrap(generation, b"c", &[9; 32], &mut fresh()).unwrap();
                fs::write(file(&role, generation), wrapped).unwrap();
            }
            return;
        }
        for mut process in ["a", "b"].map(|role| token.beside(role)) {
            assert!(process.wait().unwrap().success());
        }
        for generation in 1..=GENERATIONS {
            let was = ["a-was", "b-was"].map(|role| fs::read_to_string(file(role, generation)).unwrap());
            assert!(was.iter().any(|was| was == "first"), "{was:?}");
            for role in ["a", "b"] {
                let wrapped = fs::read(file(role, generation)).unwrap();
                assert_eq!(*roots.unwrap(generation, b"c", &wrapped).unwrap(), [9; 32]);
            }
            roots.destroy(generation).unwrap();
            assert!(roots.pool.with(|session| roots.names.keys(session, generation)).unwrap().is_empty());
        }
    });
}

#[test]
fn of_two_keys_of_one_generation_both_open_what_they_wrapped() {
    with_token(module_path!(), "of_two_keys_of_one_generation_both_open_what_they_wrapped", |token| {
        let roots = open(token);
        let generate = |id| roots.pool.with(|session| roots.names.generate(session, 1, [id; ID_BYTES])).unwrap();
        generate(7);
        let before = roots.wrap(1, b"c", &[1; 32], &mut fresh()).unwrap();
        generate(3);
        let after = roots.wrap(1, b"c", &[2; 32], &mut fresh()).unwrap();
        assert_ne!(before[HEADER_BYTES..][..ID_BYTES], after[HEADER_BYTES..][..ID_BYTES], "the least id wraps");
        assert_eq!(*roots.unwrap(1, b"c", &before).unwrap(), [1; 32]);
        assert_eq!(*roots.unwrap(1, b"c", &after).unwrap(), [2; 32]);
        assert!(matches!(roots.create(1, &mut fresh()), Err(RootError::Exists { .. })));
        roots.destroy(1).unwrap();
        assert!(roots.generations().unwrap().is_empty());
        assert!(roots.pool.with(|session| roots.names.keys(session, 1)).unwrap().is_empty());
    });
}

#[test]
fn a_wrong_pin_is_tried_once() {
    with_token(module_path!(), "a_wrong_pin_is_tried_once", |token| {
        write_secret(&token.location.pin, "161803\n");
        let pool = Pool::open(&token.location).unwrap();
        for _ in 0..2 {
            let refused = pool.with(|_| Ok(())).unwrap_err().to_string();
            assert!(refused.contains("refuses the PIN") && refused.contains("/pin"), "{refused}");
        }
        write_secret(&token.location.pin, "314159\n");
        let refused = pool.with(|_| Ok(())).unwrap_err().to_string();
        assert!(refused.contains("not tried again"), "{refused}");
        open(token).create(1, &mut fresh()).unwrap();
    });
}

#[test]
fn a_pin_file_that_others_can_read_is_refused() {
    with_token(module_path!(), "a_pin_file_that_others_can_read_is_refused", |token| {
        let pin = &token.location.pin;
        fs::set_permissions(pin, Permissions::from_mode(0o644)).unwrap();
        let refused = Pkcs11Roots::open(&token.location).unwrap_err();
        assert!(matches!(refused, RootError::OpenToOthers { mode: 0o644, .. }), "{refused}");
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
        write_secret(pin, "\n");
        let refused = Pkcs11Roots::open(&token.location).unwrap_err().to_string();
        assert!(refused.contains("is empty"), "{refused}");
        fs::remove_file(pin).unwrap();
        let refused = Pkcs11Roots::open(&token.location).unwrap_err().to_string();
        assert!(refused.contains("cannot open") && refused.contains("/pin"), "{refused}");
    });
}

#[test]
fn a_missing_module_or_token_is_named() {
    with_token(module_path!(), "a_missing_module_or_token_is_named", |token| {
        let text = token.folder().join("softhsm2.conf").display().to_string();
        for (module, expected) in [
            ("/nowhere/p11.so", "no module /nowhere/p11.so"),
            ("libsofthsm2.so", "no module"),
            (&text, "not a PKCS#11"),
        ] {
            let location = Location { module: Path::new(module).to_owned(), ..token.location.clone() };
            let refused = Pkcs11Roots::open(&location).unwrap_err();
            assert!(matches!(refused, RootError::Unusable { .. }), "{refused}");
            assert!(refused.to_string().contains(expected), "{refused}");
        }
        let location = Location { token: "other".into(), ..token.location.clone() };
        let refused = Pkcs11Roots::open(&location).unwrap_err();
        assert!(matches!(refused, RootError::Unavailable { .. }), "{refused}");
        let text = refused.to_string();
        assert!(text.contains("no token \"other\"") && text.contains("\"shutterpost\""), "{text}");
    });
}

#[test]
fn lost_sessions_are_opened_again() {
    with_token(module_path!(), "lost_sessions_are_opened_again", |token| {
        let roots = open(token);
        roots.create(1, &mut fresh()).unwrap();
        let wrapped = roots.wrap(1, b"c", &[9; 32], &mut fresh()).unwrap();
        let module = roots.pool.module();
        for loss in ["sessions", "signed out", "module", "nothing"] {
            match loss {
                "sessions" => {
                    module.clone().finalize().unwrap();
                    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
                }
                "signed out" => roots.pool.with(|session| Ok(session.logout()?)).unwrap(),
                "module" => module.clone().finalize().unwrap(),
                _ => {}
            }
            assert_eq!(*roots.unwrap(1, b"c", &wrapped).unwrap(), [9; 32], "after {loss}");
            assert_eq!(roots.generations().unwrap(), [1], "after {loss}");
        }
        // The token goes, and comes back.
        let (tokens, away) = (token.folder().join("tokens"), token.folder().join("away"));
        fs::rename(&tokens, &away).unwrap();
        fs::create_dir(&tokens).unwrap();
        module.clone().finalize().unwrap();
        for _ in 0..2 {
            let gone = roots.unwrap(1, b"c", &wrapped).unwrap_err();
            assert!(matches!(gone, RootError::Unavailable { .. }), "{gone}");
        }
        fs::remove_dir_all(&tokens).unwrap();
        fs::rename(&away, &tokens).unwrap();
        assert_eq!(*roots.unwrap(1, b"c", &wrapped).unwrap(), [9; 32]);
    });
}

#[test]
fn many_threads_share_few_sessions() {
    with_token(module_path!(), "many_threads_share_few_sessions", |token| {
        let roots = open(token);
        roots.create(1, &mut fresh()).unwrap();
        std::thread::scope(|scope| {
            for n in 0..12 {
                let roots = &roots;
                scope.spawn(move || {
                    for round in 0..20 {
                        let wrapped = roots.wrap(1, &[n, round], &[n; 32], &mut fresh()).unwrap();
                        assert_eq!(*roots.unwrap(1, &[n, round], &wrapped).unwrap(), [n; 32]);
                        assert!(matches!(roots.unwrap(1, &[n], &wrapped), Err(RootError::Refused)));
                    }
                });
            }
        });
    });
}
