//! Files of databases on a disk that keeps what was synced, and of the rest what it likes.

use std::collections::BTreeMap;

use super::choice::Choice;

/// What a disk writes at once.
const SECTOR: usize = 512;

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Resize(usize),
}

/// A file without its name.
#[derive(Debug, Default)]
struct Inode {
    synced: Vec<u8>,
    /// In the order in which they were made. A write that is dropped while a later one to the same place is kept, or the
    /// other way round, is all that reordering can do.
    since: Vec<Change>,
}

/// Which file a name leads to: for programs, and on the disk since the folder was last synced.
#[derive(Debug, Clone, Copy, Default)]
struct Name {
    now: Option<usize>,
    synced: Option<usize>,
}

/// The files of a folder.
#[derive(Debug, Default)]
pub(super) struct Disk {
    inodes: Vec<Inode>,
    names: BTreeMap<String, Name>,
}

/// What becomes of changes that were not synced when the power is cut.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Dropped,
    Kept,
    /// Each by itself.
    Some,
    /// Each sector by itself.
    Torn,
    /// So many are kept; the one after them is torn; the rest is dropped.
    First(usize),
}

impl Disk {
    /// A file that is on the disk from the beginning.
    pub(super) fn put(&mut self, name: &str, bytes: Vec<u8>) {
        self.inodes.push(Inode { synced: bytes, since: Vec::new() });
        let inode = Some(self.inodes.len() - 1);
        self.names.insert(name.to_owned(), Name { now: inode, synced: inode });
    }

    /// The file of a name, made if there is none.
    pub(super) fn open(&mut self, name: &str) -> usize {
        let entry = self.names.entry(name.to_owned()).or_default();
        *entry.now.get_or_insert_with(|| {
            self.inodes.push(Inode::default());
            self.inodes.len() - 1
        })
    }

    pub(super) fn write(&mut self, inode: usize, at: usize, bytes: &[u8]) {
        self.inodes[inode].since.push(Change::Write { at, bytes: bytes.to_vec() });
    }

    pub(super) fn resize(&mut self, inode: usize, length: usize) {
        self.inodes[inode].since.push(Change::Resize(length));
    }

    pub(super) fn sync(&mut self, inode: usize) {
        let Inode { synced, since } = &mut self.inodes[inode];
        for change in since.drain(..) {
            change.apply(synced);
        }
    }

    pub(super) fn sync_folder(&mut self) {
        for name in self.names.values_mut() {
            name.synced = name.now;
        }
    }

    pub(super) fn delete(&mut self, name: &str) {
        if let Some(name) = self.names.get_mut(name) {
            name.now = None;
        }
    }

    /// What the disk holds after a power cut.
    pub(super) fn after_cut(&self, choice: &mut Choice) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for (name, Name { now, synced }) in &self.names {
            let Some(inode) = (if choice.one_in(2) { *now } else { *synced }) else { continue };
            files.insert(name.clone(), self.inodes[inode].after_cut(choice));
        }
        files
    }
}

impl Inode {
    fn after_cut(&self, choice: &mut Choice) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let fate = match choice.below(6) {
            0 => Fate::Dropped,
            1 => Fate::Kept,
            2 => Fate::Some,
            3 => Fate::Torn,
            _ => Fate::First(choice.below(self.since.len() + 1)),
        };
        for (index, change) in self.since.iter().enumerate() {
            let (kept, torn) = match fate {
                Fate::Dropped => (false, false),
                Fate::Kept => (true, false),
                Fate::Some => (choice.one_in(2), false),
                Fate::Torn => (true, true),
                Fate::First(whole) => (index <= whole, index == whole),
            };
            match change {
                Change::Write { at, bytes: written } if torn => {
                    for (at, sector) in sectors(*at, written) {
                        if choice.one_in(2) {
                            overwrite(&mut bytes, at, sector);
                        }
                    }
                }
                change if kept => change.apply(&mut bytes),
                _ => {}
            }
        }
        bytes
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes: written } => overwrite(bytes, *at, written),
            Self::Resize(length) => bytes.resize(*length, 0),
        }
    }
}

/// Behind the end of what is there, the hole before it reads as zeros.
fn overwrite(bytes: &mut Vec<u8>, at: usize, written: &[u8]) {
    let end = at + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at..end].copy_from_slice(written);
}

/// A write, cut where sectors of the disk begin.
fn sectors(at: usize, bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut all = Vec::new();
    let (mut from, mut rest) = (at, bytes);
    while !rest.is_empty() {
        let (sector, later) = rest.split_at((SECTOR - from % SECTOR).min(rest.len()));
        all.push((from, sector));
        (from, rest) = (from + sector.len(), later);
    }
    all
}

#[test]
fn what_was_synced_stays_and_what_was_not_is_any_of_both() {
    let (mut first, mut second, mut zero) = (0, 0, 0);
    for seed in 0..200 {
        let mut disk = Disk::default();
        disk.put("a", vec![1; 2000]);
        let inode = disk.open("a");
        disk.write(inode, 0, &[2; 100]);
        disk.sync(inode);
        disk.write(inode, 600, &[3; 1500]);
        disk.resize(inode, 3000);
        let other = disk.open("b");
        disk.write(other, 0, &[4; 10]);
        disk.sync(other);
        let files = disk.after_cut(&mut Choice::new(seed));
        let a = &files["a"];
        assert_eq!((&a[..100], a[599]), (&[2; 100][..], 1), "synced, or never touched");
        first += usize::from(a[600] == 3);
        second += usize::from(a.get(1900) == Some(&3));
        zero += usize::from(a.len() > 2100 && a[2050] == 0);
        assert!(
            a.len() == 2000 || a.len() == 2100 || a.len() == 3000 || (2000..2100).contains(&a.len()),
            "{}",
            a.len()
        );
        assert!(files.get("b").is_none_or(|b| *b == [4; 10]), "its name was not synced, its bytes were");
    }
    assert!((50..150).contains(&first) && (50..150).contains(&second) && zero > 5, "{first} {second} {zero}");
}
