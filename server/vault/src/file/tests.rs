use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::keys::{Keys, VaultError};
use crate::sign::Signing;
use crate::testing::source;

fn counting() -> impl FnMut(&mut [u8]) {
    let mut next = 0_u8;
    move |buffer| {
        for byte in buffer {
            next = next.wrapping_add(1);
            *byte = next;
        }
    }
}

#[test]
fn a_ring_is_created_once_and_then_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/on/the/way/keys.toml");
    let made = Keys::open_or_create(&path, &mut counting()).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing temporary stays");

    let mut refuse = |_: &mut [u8]| panic!("an existing ring needs no randomness");
    let opened = Keys::open_or_create(&path, &mut refuse).unwrap();
    assert_eq!(made.lookup("x", b"y"), opened.lookup("x", b"y"));
}

#[test]
fn whoever_comes_second_gets_the_first_ones_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let rings: Vec<_> = std::thread::scope(|scope| {
        let start = |seed: u8| {
            let path = &path;
            scope.spawn(move || {
                let mut next = seed;
                let mut random = move |buffer: &mut [u8]| {
                    buffer.fill_with(|| {
                        next = next.wrapping_mul(5).wrapping_add(seed | 1);
                        next
                    })
                };
                Keys::open_or_create(path, &mut random).unwrap().lookup("x", b"y")
            })
        };
        let threads: Vec<_> = (0..8).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(rings.iter().all(|ring| *ring == rings[0]));
}

#[test]
fn a_file_open_to_others_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    Keys::open_or_create(&path, &mut counting()).unwrap();
    for mode in [0o640, 0o604, 0o660, 0o610] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let message = Keys::open(&path).unwrap_err().to_string();
        assert!(message.contains(&format!("mode {mode:o}")) && message.contains("chmod 600"), "{message}");
    }
}

#[test]
fn damage_is_named_without_quoting_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    Keys::open_or_create(&path, &mut counting()).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let secret = good.split('"').nth(1).unwrap().to_owned();
    let cases = [
        (String::new(), "not a key file"),
        (good.replace("format = 2", "format = 3"), "newer"),
        (good.replace("format = 2", "format = 1"), "missing or one too many"),
        (good.replace("format = 2", "format = 0"), "missing or one too many"),
        (good.replace("link", "lnik"), "missing or one too many"),
        (good.replace(&secret, &secret[2..]), "32 bytes"),
        (good.replace(&secret, &secret.to_uppercase()), "hexadecimal"),
        (good.replacen('"', "", 1), "not a key file"),
        ("x".repeat(20_000), "too large"),
    ];
    for (text, expected) in cases {
        fs::write(&path, text).unwrap();
        let error = Keys::open(&path).unwrap_err();
        let message = format!("{error} {error:?}");
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains(&secret[..16]), "{message}");
    }
}

/// A file as the program of format 1 wrote it.
const FIRST: &str = "\
# The keys of this Shutterpost installation. Keep them secret, and keep a copy apart from the
# database's backups: without them, no link that was sent can be opened again.
format = 1

[keys]
link = \"0101010101010101010101010101010101010101010101010101010101010101\"
lookup = \"0202020202020202020202020202020202020202020202020202020202020202\"
one_time = \"0303030303030303030303030303030303030303030303030303030303030303\"
cursor = \"0404040404040404040404040404040404040404040404040404040404040404\"
";

fn values(text: &str) -> Vec<(String, String)> {
    let line = |line: &str| line.split_once(" = \"").map(|(name, value)| (name.to_owned(), value.replace('"', "")));
    text.lines().filter_map(line).collect()
}

#[test]
fn a_file_of_format_1_gets_what_it_lacks_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    fs::write(&path, FIRST).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(Keys::open(&path), Err(VaultError::Older { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), FIRST, "opening changes nothing");

    let upgraded = Keys::open_or_upgrade(&path, &mut source(1)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let (before, after) = (values(FIRST), values(&text));
    assert_eq!(after[..4], before[..], "bit for bit");
    let names: Vec<_> = after.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["link", "lookup", "one_time", "cursor", "audit", "backup", "webhook", "receipt"]);
    let mut fresh: Vec<_> = after[4..].iter().map(|(_, value)| value).collect();
    fresh.sort();
    fresh.dedup();
    assert_eq!(fresh.len(), 4, "each at random");
    assert!(fresh.iter().all(|value| value.len() == 64 && !value.contains("00000000")));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing temporary stays");

    let mut refuse = |_: &mut [u8]| panic!("an upgraded ring needs no randomness");
    for again in
        [Keys::open(&path), Keys::open_or_upgrade(&path, &mut refuse), Keys::open_or_create(&path, &mut refuse)]
    {
        let again = again.unwrap();
        assert_eq!(again.lookup("x", b"y"), upgraded.lookup("x", b"y"));
        assert_eq!(again.signing_key(Signing::Receipt).public(), upgraded.signing_key(Signing::Receipt).public());
        assert_eq!(again.backup_key(), upgraded.backup_key());
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn two_that_upgrade_at_once_end_up_with_one_ring() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let path = folder.path().join(format!("keys-{round}.toml"));
        fs::write(&path, FIRST).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let rings: Vec<_> = std::thread::scope(|scope| {
            let start = |seed: u64| {
                let path = &path;
                scope.spawn(move || {
                    Keys::open_or_upgrade(path, &mut source(seed)).unwrap().signing_key(Signing::Receipt).public()
                })
            };
            let threads: Vec<_> = (0..8).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(rings.iter().all(|ring| *ring == rings[0]));
        assert_eq!(Keys::open(&path).unwrap().signing_key(Signing::Receipt).public(), rings[0]);
    }
}
