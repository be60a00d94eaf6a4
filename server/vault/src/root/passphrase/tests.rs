use std::fs::Permissions;

use super::*;
use crate::root::contract;
use crate::testing::{hex, source};

const OPERATOR: Passphrase<'static> =
    Passphrase::Operator { text: "tulip carousel nineteen ferry", cost: Params::FLOOR };

fn open(folder: &Path, passphrase: Passphrase<'_>) -> Result<PassphraseRoots, RootError> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    PassphraseRoots::open(folder, passphrase, &mut source(u64::from_be_bytes(seed)))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn it_keeps_the_contract() {
    for passphrase in [Passphrase::MachineMade, OPERATOR] {
        let folder = tempfile::tempdir().unwrap();
        let roots = open(&folder.path().join("made/on/the/way"), passphrase).unwrap();
        contract::check(&roots, 1, &mut source(1));
        contract::check(&roots, u32::MAX - 2, &mut source(2));
    }
}

// Computed with Python's cryptography, hmac and argon2-cffi; lp and hkdf as in the tests of `field`, with a salt in the
// place of the zeros where one is named. Every random byte is 0xA5, so root, salts and machine-made passphrase are too:
//   envelope(secret, salt, role, aad, plain): key = hkdf([role, "encrypt", 00000007], 32),
//     nonce + hkdf([role, "commit", 00000007], 16) + AESGCMSIV(key).encrypt(nonce, plain, aad)
//   operator's secret = hash_secret_raw(b"tulip carousel nineteen ferry", bytes([0xA5]*16), 2, 19456, 1, 32, Type.ID)
//   wrapped root = envelope(secret, salt, "root-file", lp(["spg1", 00000007, "machine" or "operator"]), root)
//   h = b"sR\x01\x01" + 00000007
//   wrapped key = h + envelope(root, b"", "root", lp(["spr1", 00000007, b"context", h]), bytes([9]*32))
#[test]
fn roots_match_an_independent_computation() {
    let mut fixed = |bytes: &mut [u8]| bytes.fill(0xA5);
    for (passphrase, expected) in [
        (
            Passphrase::MachineMade,
            "a5a5a5a5a5a5a5a5a5a5a5a58f35a311e23866072fcb78d65e4a1f981cb55751a50b510b839b9c35358c1c5ba69abfeb0774dd1c290c\
             326f857bd78af4387032234a7983c38320fdd3eed5ee",
        ),
        (
            OPERATOR,
            "a5a5a5a5a5a5a5a5a5a5a5a51e30ab3f17443ef4c27d5eda5212fbd1ae44cbac6489ef304f15f2485fd2cd1f54b5029e6ce906c80ab8\
             543d39893fb12ce3f0b874a640c86ea0e86bd45317a4",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let roots = PassphraseRoots::open(folder.path(), passphrase, &mut fixed).unwrap();
        roots.create(7, &mut fixed).unwrap();
        assert_eq!(hex(&roots.read(7).unwrap().wrapped), expected);
        assert_eq!(
            hex(&roots.wrap(7, b"context", &[9; 32], &mut fixed).unwrap()),
            "7352010100000007a5a5a5a5a5a5a5a5a5a5a5a55de0ecf857831a7c965e5cf47735cd5c13af5d0ed5d096748485a4b2fa381fbbbad4\
             bbc769c63e1837db9ddd90fbb7826e0c2114450be19f17895f7b3df8046c"
        );
    }
}

#[test]
fn roots_are_there_at_the_next_start() {
    for passphrase in [Passphrase::MachineMade, OPERATOR] {
        let folder = tempfile::tempdir().unwrap();
        let roots = open(folder.path(), passphrase).unwrap();
        roots.create(7, &mut source(3)).unwrap();
        let wrapped = roots.wrap(7, b"c", &[9; 32], &mut source(4)).unwrap();
        let again = open(folder.path(), passphrase).unwrap();
        assert_eq!(again.generations().unwrap(), [7]);
        assert_eq!(*again.unwrap(7, b"c", &wrapped).unwrap(), [9; 32]);
        for name in names(folder.path()) {
            let mode = fs::metadata(folder.path().join(&name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{name}");
        }
    }
}

#[test]
fn a_wrong_passphrase_is_noticed_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), OPERATOR).unwrap().create(1, &mut source(5)).unwrap();
    let wrong = Passphrase::Operator { text: "tulip carousel nineteen fairy", cost: Params::FLOOR };
    assert!(matches!(open(folder.path(), wrong), Err(RootError::WrongPassphrase { .. })));
    assert!(matches!(open(folder.path(), Passphrase::MachineMade), Err(RootError::NoPassphrase { .. })));
    let long = "x".repeat(password::MAX_PASSWORD_BYTES + 1);
    for text in ["", &long] {
        let unfit = Passphrase::Operator { text, cost: Params::FLOOR };
        assert!(matches!(open(folder.path(), unfit), Err(RootError::NoPassphrase { .. })));
    }
}

#[test]
fn a_lost_machine_made_passphrase_is_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), Passphrase::MachineMade).unwrap().create(1, &mut source(6)).unwrap();
    let path = folder.path().join(PASSPHRASE_FILE);
    let kept = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let message = open(folder.path(), Passphrase::MachineMade).unwrap_err().to_string();
    assert!(
        message.contains("missing") && message.contains("key backup") && message.contains("passphrase"),
        "{message}"
    );
    assert!(!path.exists());
    fs::write(&path, &kept).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(open(folder.path(), Passphrase::MachineMade).is_ok());
    for damaged in [&b""[..], b"abc", &kept[1..], &[b'g'; 64]] {
        fs::write(&path, damaged).unwrap();
        assert!(matches!(open(folder.path(), Passphrase::MachineMade), Err(RootError::Malformed { .. })));
    }
}

#[test]
fn an_operator_may_take_over_and_give_back() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), Passphrase::MachineMade).unwrap().create(1, &mut source(7)).unwrap();
    let roots = open(folder.path(), OPERATOR).unwrap();
    let wrapped = roots.wrap(1, b"", &[1; 32], &mut source(8)).unwrap();
    roots.create(2, &mut source(9)).unwrap();
    assert_eq!(*roots.unwrap(1, b"", &wrapped).unwrap(), [1; 32], "the older generation opens until it is destroyed");
    roots.destroy(1).unwrap();
    fs::remove_file(folder.path().join(PASSPHRASE_FILE)).unwrap();
    open(folder.path(), OPERATOR).unwrap().wrap(2, b"", &[1; 32], &mut source(10)).unwrap();
    // At another cost, which the next generation takes.
    let dearer =
        Passphrase::Operator { text: "tulip carousel nineteen ferry", cost: Params::new(19_456, 3, 1).unwrap() };
    let roots = open(folder.path(), dearer).unwrap();
    roots.create(3, &mut source(11)).unwrap();
    assert!(fs::read_to_string(roots.path(3)).unwrap().contains("passes = 3"));
    roots.wrap(2, b"", &[1; 32], &mut source(12)).unwrap();
}

#[test]
fn argon2id_runs_once_for_all_generations() {
    let folder = tempfile::tempdir().unwrap();
    let roots = open(folder.path(), OPERATOR).unwrap();
    for generation in 1..20 {
        roots.create(generation, &mut source(generation.into())).unwrap();
        roots.wrap(generation, b"", &[1; 32], &mut source(1)).unwrap();
    }
    assert_eq!(roots.stretched.lock().unwrap().len(), 1);
    let again = open(folder.path(), OPERATOR).unwrap();
    for generation in 1..20 {
        again.wrap(generation, b"", &[1; 32], &mut source(1)).unwrap();
    }
    assert_eq!(again.stretched.lock().unwrap().len(), 1);
}

#[test]
fn files_open_to_others_are_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let roots = open(folder.path(), Passphrase::MachineMade).unwrap();
    roots.create(1, &mut source(13)).unwrap();
    for name in ["passphrase", "root-0000000001.toml"] {
        let path = folder.path().join(name);
        for mode in [0o640, 0o604, 0o660, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let message = open(folder.path(), Passphrase::MachineMade).unwrap_err().to_string();
            assert!(message.contains(&format!("mode {mode:o}")) && message.contains("chmod 600"), "{message}");
            assert!(message.contains(name), "{message}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    fs::set_permissions(folder.path(), Permissions::from_mode(0o770)).unwrap();
    let message = open(folder.path(), Passphrase::MachineMade).unwrap_err().to_string();
    assert!(message.contains("chmod 700"), "{message}");
}

#[test]
fn damage_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let roots = open(folder.path(), OPERATOR).unwrap();
    roots.create(1, &mut source(14)).unwrap();
    let path = roots.path(1);
    let good = fs::read_to_string(&path).unwrap();
    let value = |name: &str| {
        let line = good.lines().find(|line| line.starts_with(name)).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    let wrapped = value("wrapped");
    let mut flipped = wrapped.clone().into_bytes();
    flipped[100] = if flipped[100] == b'0' { b'1' } else { b'0' };
    let flipped = String::from_utf8(flipped).unwrap();
    let cases = [
        (String::new(), "not a root file"),
        (good.replace("format = 1", "format = 2"), "newer"),
        (good.replace("format = 1", "format = 0"), "two generations"),
        (good.replace("generation = 1", "generation = 2"), "two generations"),
        (good.replace("wrapped", "warpped"), "missing or one too many"),
        (good.replace(&wrapped, &wrapped.to_uppercase()), "hexadecimal"),
        (good.replace(&wrapped, &wrapped[..40]), "cut short"),
        (good.replace(&wrapped, &flipped), "does not open"),
        (good.replace(&value("salt"), "00"), "salt"),
        (good.replace("memory_kib = 19456", "memory_kib = 4000000000"), "absurd"),
        (good.replace("passes = 2", "passes = 1"), "absurd"),
        (good.split("\n[argon2id]").next().unwrap().to_owned(), "passphrase"),
        ("x".repeat(5000), "too large"),
    ];
    for (text, expected) in cases {
        fs::write(&path, &text).unwrap();
        let message = open(folder.path(), OPERATOR).unwrap_err().to_string();
        assert!(message.contains(expected), "{expected}: {message}");
        assert!(!message.contains(&wrapped[..16]), "{message}");
    }
}

#[test]
fn a_destroyed_root_is_overwritten_not_only_unlinked() {
    let folder = tempfile::tempdir().unwrap();
    let roots = open(folder.path(), Passphrase::MachineMade).unwrap();
    roots.create(1, &mut source(15)).unwrap();
    roots.create(2, &mut source(16)).unwrap();
    let witness = folder.path().join("witness");
    fs::hard_link(roots.path(1), &witness).unwrap();
    let before = fs::read(&witness).unwrap();
    roots.destroy(1).unwrap();
    let after = fs::read(&witness).unwrap();
    assert_eq!(after.len(), before.len());
    assert!(!after.windows(4).zip(before.windows(4)).any(|(after, before)| after == before));
    assert!(after.windows(32).all(|part| part != [0; 32]), "noise, not zeros, which a file system may leave out");
    let expected = ["passphrase", "root-0000000001.destroyed", "root-0000000002.toml", "witness"];
    assert_eq!(names(folder.path()), expected);
    assert!(matches!(roots.create(1, &mut source(17)), Err(RootError::Destroyed { generation: 1 })), "never again");
    assert!(matches!(roots.unwrap(1, b"", b""), Err(RootError::Destroyed { generation: 1 })));
    assert!(matches!(roots.unwrap(3, b"", b""), Err(RootError::Unknown { generation: 3 })));
}

#[test]
fn an_interrupted_destruction_holds_and_is_finished_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let roots = open(folder.path(), Passphrase::MachineMade).unwrap();
    roots.create(1, &mut source(18)).unwrap();
    let wrapped = roots.wrap(1, b"", &[1; 32], &mut source(19)).unwrap();
    // As a crash right after the first step leaves it.
    disk::mark(&roots.tombstone(1)).unwrap();
    assert!(roots.path(1).exists());
    assert!(matches!(roots.unwrap(1, b"", &wrapped), Err(RootError::Destroyed { .. })));
    assert!(roots.generations().unwrap().is_empty());
    let again = open(folder.path(), Passphrase::MachineMade).unwrap();
    assert!(!again.path(1).exists());
    again.destroy(1).unwrap();
}

#[test]
fn another_process_notices_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path(), OPERATOR).unwrap(), open(folder.path(), OPERATOR).unwrap());
    one.create(1, &mut source(20)).unwrap();
    let wrapped = two.wrap(1, b"", &[1; 32], &mut source(21)).unwrap();
    assert_eq!(*one.unwrap(1, b"", &wrapped).unwrap(), [1; 32]);
    one.destroy(1).unwrap();
    assert!(matches!(two.unwrap(1, b"", &wrapped), Err(RootError::Destroyed { .. })));
}

#[test]
fn two_that_create_one_generation_end_up_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|seed| {
                scope.spawn(move || {
                    let roots = open(folder, Passphrase::MachineMade).unwrap();
                    let created = roots.create(1, &mut source(100 + seed));
                    let exists = matches!(created, Err(RootError::Exists { generation: 1 }));
                    assert!(created.is_ok() || exists);
                    (created.is_ok(), roots.wrap(1, b"", &[seed as u8; 32], &mut source(seed)).unwrap())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|(created, _)| *created).count(), 1);
    let roots = open(folder, Passphrase::MachineMade).unwrap();
    for (seed, (_, wrapped)) in results.iter().enumerate() {
        assert_eq!(*roots.unwrap(1, b"", wrapped).unwrap(), [seed as u8; 32]);
    }
    assert_eq!(names(folder), ["passphrase", "root-0000000001.toml"], "nothing temporary stays");
}

#[test]
fn debug_prints_only_the_name() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(format!("{:?}", open(folder.path(), OPERATOR).unwrap()), "PassphraseRoots");
    assert_eq!(format!("{OPERATOR:?}"), "Passphrase");
}
