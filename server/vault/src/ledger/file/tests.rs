use tempfile::TempDir;

use super::*;
use crate::keys::Keys;
use crate::sign::Signing;
use crate::testing::source;

struct Disk {
    folder: TempDir,
}

impl Disk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place(name).join(FILE)
    }

    fn open(&self, copies: &[&str], known: bool) -> Result<LedgerFile, LedgerFileError> {
        let copies: Vec<PathBuf> = copies.iter().map(|name| self.place(name)).collect();
        let signer = Keys::ephemeral([1; 32]).signing_key(Signing::Ledger);
        LedgerFile::open(&self.place("a"), &copies, signer, known, &mut source(3))
    }
}

fn keys(from: u8, count: u8) -> Vec<KeyId> {
    (from..from + count).map(|n| KeyId::from_bytes([n; 16])).collect()
}

fn read_all(ledger: &LedgerFile) -> Vec<KeyId> {
    ledger.after(None).unwrap().0.into_iter().map(|entry| entry.key).collect()
}

#[test]
fn what_was_appended_is_there_after_a_start() {
    let disk = Disk::new();
    let ledger = disk.open(&["b"], false).unwrap();
    let mark = ledger.after(None).unwrap().1;
    assert_eq!(mark.count, 0);
    ledger.append(&keys(0, 40), 7).unwrap();
    ledger.append(&[], 7).unwrap();
    ledger.append(&keys(40, 3), 8).unwrap();
    drop(ledger);
    let ledger = disk.open(&["b"], true).unwrap();
    assert_eq!(read_all(&ledger), keys(0, 43));
    let (entries, newest) = ledger.after(Some(mark)).unwrap();
    assert_eq!((entries.len(), newest.count), (43, 43));
    assert!(ledger.after(Some(newest)).unwrap().0.is_empty());
    assert_eq!(std::fs::read(disk.file("a")).unwrap(), std::fs::read(disk.file("b")).unwrap());
}

#[test]
fn two_writers_take_turns() {
    let disk = Disk::new();
    let (one, two) = (disk.open(&["b"], false).unwrap(), disk.open(&["b"], true).unwrap());
    std::thread::scope(|scope| {
        for (ledger, from) in [(&one, 0), (&two, 100)] {
            scope.spawn(move || {
                for n in 0..20 {
                    ledger.append(&keys(from + n * 5, 5), 1).unwrap();
                }
            });
        }
    });
    let mut all = read_all(&one);
    assert_eq!(all, read_all(&two));
    all.sort_unstable_by_key(|key| *key.bytes());
    assert_eq!(all, keys(0, 200));
    assert_eq!(std::fs::read(disk.file("a")).unwrap(), std::fs::read(disk.file("b")).unwrap());
}

#[test]
fn a_lost_or_older_place_is_made_whole_from_the_other() {
    let disk = Disk::new();
    let ledger = disk.open(&["b"], false).unwrap();
    ledger.append(&keys(0, 5), 1).unwrap();
    let older = std::fs::read(disk.file("a")).unwrap();
    ledger.append(&keys(5, 5), 1).unwrap();
    drop(ledger);
    for place in ["a", "b"] {
        for lose in [None, Some(&older[..]), Some(&older[..older.len() - 9])] {
            match lose {
                None => std::fs::remove_file(disk.file(place)).unwrap(),
                Some(bytes) => std::fs::write(disk.file(place), bytes).unwrap(),
            }
            let ledger = disk.open(&["b"], true).unwrap();
            assert_eq!(read_all(&ledger), keys(0, 10), "{place}");
            assert_eq!(std::fs::read(disk.file("a")).unwrap(), std::fs::read(disk.file("b")).unwrap());
        }
    }
    // A second place may be added later.
    let ledger = disk.open(&["b", "c"], true).unwrap();
    ledger.append(&keys(10, 1), 1).unwrap();
    assert_eq!(std::fs::read(disk.file("a")).unwrap(), std::fs::read(disk.file("c")).unwrap());
}

#[test]
fn a_line_is_told_of_only_when_every_place_has_it() {
    let disk = Disk::new();
    let ledger = disk.open(&["b"], false).unwrap();
    let aside = disk.place("b").join("aside");
    std::fs::rename(disk.file("b"), &aside).unwrap();
    assert!(ledger.append(&keys(0, 2), 1).is_err());
    assert!(ledger.after(None).is_err());
    std::fs::rename(&aside, disk.file("b")).unwrap();
    assert_eq!(read_all(&ledger), keys(0, 2));
    assert_eq!(std::fs::read(disk.file("a")).unwrap(), std::fs::read(disk.file("b")).unwrap());
}

#[test]
fn a_write_cut_short_is_passed_over() {
    let disk = Disk::new();
    let ledger = disk.open(&["b"], false).unwrap();
    ledger.append(&keys(0, 3), 1).unwrap();
    let whole = std::fs::read(disk.file("a")).unwrap();
    for torn in [&[1; 50][..], &[0; ENTRY_BYTES * 2]] {
        std::fs::write(disk.file("a"), [&whole[..], torn].concat()).unwrap();
        assert_eq!(read_all(&disk.open(&["b"], true).unwrap()), keys(0, 3));
        let ledger = disk.open(&["b"], true).unwrap();
        ledger.append(&keys(3, 1), 1).unwrap();
        assert_eq!(read_all(&ledger), keys(0, 4));
        std::fs::write(disk.file("a"), &whole).unwrap();
        std::fs::write(disk.file("b"), &whole).unwrap();
    }
}

#[test]
fn a_ledger_that_is_missing_cut_or_foreign_is_refused() {
    let disk = Disk::new();
    assert!(matches!(disk.open(&[], true), Err(LedgerFileError::Missing { .. })));
    assert!(!disk.file("a").exists(), "none is begun in place of a lost one");
    let ledger = disk.open(&[], false).unwrap();
    ledger.append(&keys(0, 4), 1).unwrap();
    let mark = ledger.after(None).unwrap().1;
    let whole = std::fs::read(disk.file("a")).unwrap();
    std::fs::write(disk.file("a"), &whole[..whole.len() - ENTRY_BYTES]).unwrap();
    assert!(matches!(ledger.append(&keys(9, 1), 1), Err(LedgerFileError::Behind { .. })), "exchanged while in use");
    let ledger = disk.open(&[], true).unwrap();
    assert!(matches!(ledger.after(Some(mark)), Err(LedgerFileError::Behind { count: 4, .. })));
    ledger.append(&keys(9, 1), 1).unwrap();
    assert!(matches!(ledger.after(Some(mark)), Err(LedgerFileError::Behind { .. })), "as long, but not the same");

    std::fs::create_dir(disk.place("b")).unwrap();
    std::fs::write(disk.file("b"), &whole).unwrap();
    assert!(matches!(disk.open(&["b"], true), Err(LedgerFileError::Differ { .. })));

    let signer = Keys::ephemeral([2; 32]).signing_key(Signing::Ledger);
    let foreign = LedgerFile::open(&disk.place("a"), &[], signer, true, &mut source(3));
    assert!(matches!(foreign, Err(LedgerFileError::Untrue { source: LedgerError::OtherKey, .. })));

    let mut changed = whole;
    changed[ENTRY_BYTES * 2 + 10] ^= 1;
    std::fs::write(disk.file("a"), &changed).unwrap();
    let changed = disk.open(&[], true).unwrap();
    assert!(matches!(changed.after(None), Err(LedgerFileError::Untrue { .. })));
    assert!(matches!(changed.append(&keys(0, 1), 1), Err(LedgerFileError::Untrue { .. })));
}
