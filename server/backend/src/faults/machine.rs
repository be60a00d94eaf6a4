//! The machine that an installation of these tests runs on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shutterpost_vault::ledger::ENTRY_BYTES;
use shutterpost_vault::ledger::file::FILE;
use tempfile::TempDir;

use super::choice::Choice;
use super::disk::Disk;
use super::vfs;

pub(super) const DATA: &str = "test.sqlite";
pub(super) const KEYS: &str = "keys.sqlite";
pub(super) const OBJECTS: &str = "objects";
pub(super) const LEDGER: &str = "ledger";
pub(super) const ROOTS: &str = "roots";

/// What file systems write at once, and the ledger syncs at the latest.
const BLOCK: usize = 4096;

/// Kinds of calls that leave the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Files of the data database.
    Data,
    /// Files of the key store.
    Keys,
    /// Ledger, and files of roots.
    Files,
    Objects,
    Roots,
}

/// Why a call was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no power.
    Off,
    /// The one call that fails; the next may succeed.
    Failed,
}

impl From<Refused> for std::io::Error {
    fn from(refused: Refused) -> Self {
        Self::other(format!("a fault of the test: {refused:?}"))
    }
}

/// An object whose last change is not known to be on the disk.
#[derive(Debug)]
pub(super) enum Object {
    /// Being written under a name of its own.
    Staged,
    /// Has its name, but the folder is not synced.
    Renamed,
    /// What a store would leave that syncs nothing.
    Unsynced,
    /// Deleting syncs no folder: it may come back.
    Deleted(Vec<u8>),
}

#[derive(Debug, Default)]
struct State {
    off: bool,
    /// Calls that change something until the power is cut.
    cut_in: Option<u64>,
    /// Which kind of call fails, and how many are made before it.
    failing: Option<(Call, u64)>,
    /// The call that fails over a network is made, and its answer is lost.
    late: bool,
    /// Syncs of this kind do nothing and say that they did.
    lying: Option<Call>,
    disk: Disk,
    objects: BTreeMap<String, Object>,
    /// Ledger and roots at the moment of the cut. Their calls sync what they write before they return.
    small: Vec<(PathBuf, Vec<u8>)>,
}

/// Cheap to clone. Its folder is gone with the last clone.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    folder: Arc<TempDir>,
    root: PathBuf,
    state: Arc<Mutex<State>>,
}

impl Machine {
    /// A running machine on whose disk is what the folder holds.
    pub(super) fn new(folder: TempDir) -> Self {
        let root = folder.path().canonicalize().expect("is there");
        let mut disk = Disk::default();
        for name in [DATA, KEYS].iter().flat_map(|name| [(*name).to_owned(), format!("{name}-wal")]) {
            if let Ok(bytes) = std::fs::read(root.join(&name)) {
                disk.put(&name, bytes);
            }
        }
        let state = Arc::new(Mutex::new(State { disk, ..State::default() }));
        let machine = Self { folder: Arc::new(folder), root, state };
        vfs::add(machine.clone_weakly());
        machine
    }

    fn clone_weakly(&self) -> Weak {
        Weak { folder: Arc::downgrade(&self.folder), root: self.root.clone(), state: Arc::clone(&self.state) }
    }

    pub(super) const fn folder(&self) -> &Arc<TempDir> {
        &self.folder
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power is cut after so many more calls that change something.
    pub(super) fn cut_in(&self, calls: usize) {
        self.state().cut_in = Some(calls as u64);
    }

    /// The power is cut now, if it was not before.
    pub(super) fn cut(&self) {
        let mut state = self.state();
        self.off(&mut state);
    }

    pub(super) fn is_off(&self) -> bool {
        self.state().off
    }

    /// Syncs of this kind do nothing from now on: the control of the tests.
    pub(super) fn lie(&self, about: Option<Call>) {
        self.state().lying = about;
    }

    pub(super) fn lies(&self, about: Call) -> bool {
        self.state().lying == Some(about)
    }

    /// The call of this kind after so many others fails, once. Over a network it may be made nevertheless: `late` says
    /// that only its answer is lost.
    pub(super) fn fail(&self, call: Call, after: u64, late: bool) {
        let mut state = self.state();
        (state.failing, state.late) = (Some((call, after)), late);
    }

    pub(super) fn is_late(&self) -> bool {
        self.state().late
    }

    /// From now on all goes well; says whether a call did fail.
    pub(super) fn mend(&self) -> bool {
        self.state().failing.take().is_none()
    }

    fn off(&self, state: &mut State) {
        if std::mem::replace(&mut state.off, true) {
            return;
        }
        for folder in [LEDGER, ROOTS] {
            let entries = std::fs::read_dir(self.path(folder)).into_iter().flatten();
            for entry in entries.map(|entry| entry.expect("lists").path()) {
                state.small.push((entry.clone(), std::fs::read(&entry).unwrap_or_default()));
            }
        }
    }

    /// Asks before a call that changes something is made.
    pub(super) fn change(&self, call: Call) -> Result<(), Refused> {
        let mut state = self.state();
        match &mut state.cut_in {
            Some(0) => self.off(&mut state),
            Some(left) => *left -= 1,
            None => {}
        }
        state.asked(call)
    }

    /// Asks before a call that changes nothing is made.
    pub(super) fn look(&self, call: Call) -> Result<(), Refused> {
        self.state().asked(call)
    }

    pub(super) fn with_disk<T>(&self, work: impl FnOnce(&mut Disk) -> T) -> T {
        work(&mut self.state().disk)
    }

    /// Notes how far an object is; `None` when it is safe.
    pub(super) fn note(&self, name: &str, object: Option<Object>) {
        let mut state = self.state();
        // With the power off nothing gets any further.
        if state.off {
            return;
        }
        match object {
            Some(object) => state.objects.insert(name.to_owned(), object),
            None => state.objects.remove(name),
        };
    }

    /// Another machine with what is left on this one's disk, whose power was cut.
    ///
    /// # Errors
    /// A text that says which database cannot be read.
    pub(super) fn recover(self, choice: &mut Choice) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        let mut state = self.state();
        assert!(state.off, "it is running");
        for (name, bytes) in state.disk.after_cut(choice) {
            std::fs::write(root.join(name), bytes).expect("is written");
        }
        let known = ledger_count(root)?;
        for (path, mut bytes) in std::mem::take(&mut state.small) {
            if path.ends_with(FILE) {
                tear(&mut bytes, known, choice);
            }
            let path = root.join(path.strip_prefix(&self.root).expect("of this machine"));
            std::fs::create_dir_all(path.parent().expect("has one")).expect("is made");
            std::fs::write(&path, bytes).expect("is written");
            close(&path);
        }
        let objects = root.join(OBJECTS);
        std::fs::rename(self.path(OBJECTS), &objects).expect("is moved");
        for (name, object) in std::mem::take(&mut state.objects) {
            object.after_cut(&objects.join(&name), choice);
        }
        drop(state);
        Ok(Self::new(folder))
    }
}

/// For the register of the shim, which must not keep folders alive.
#[derive(Debug, Clone)]
pub(super) struct Weak {
    folder: std::sync::Weak<TempDir>,
    root: PathBuf,
    state: Arc<Mutex<State>>,
}

impl Weak {
    /// The machine that the path belongs to, if it is this one; `None` also when it is gone.
    pub(super) fn holds(&self, path: &Path) -> Option<Machine> {
        let folder = path.starts_with(&self.root).then(|| self.folder.upgrade())??;
        Some(Machine { folder, root: self.root.clone(), state: Arc::clone(&self.state) })
    }

    pub(super) fn is_gone(&self) -> bool {
        self.folder.strong_count() == 0
    }
}

impl State {
    fn asked(&mut self, call: Call) -> Result<(), Refused> {
        if self.off {
            return Err(Refused::Off);
        }
        match &mut self.failing {
            Some((kind, 0)) if *kind == call => {
                self.failing = None;
                Err(Refused::Failed)
            }
            Some((kind, left)) if *kind == call => {
                *left -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Object {
    fn after_cut(self, path: &Path, choice: &mut Choice) {
        if let Self::Deleted(bytes) = self {
            if choice.one_in(2) {
                std::fs::write(path, bytes).expect("is written");
            }
            return;
        }
        let Ok(bytes) = std::fs::read(path) else { return };
        let staged = || PathBuf::from(format!("{}#1", path.display()));
        let part = &bytes[..choice.below(bytes.len())];
        match (self, choice.below(3)) {
            (Self::Renamed | Self::Unsynced, 0) => return,
            (Self::Unsynced, 1) => return std::fs::write(path, part).expect("is written"),
            (Self::Staged, 0) => std::fs::write(staged(), part).expect("is written"),
            (Self::Staged | Self::Renamed, 1) => std::fs::write(staged(), &bytes).expect("is written"),
            _ => {}
        }
        std::fs::remove_file(path).expect("is there");
    }
}

/// How many entries of the ledger the key store has seen, asked of a copy so that its log stays as the cut left it.
fn ledger_count(root: &Path) -> Result<usize, String> {
    let copy = tempfile::tempdir().expect("a temporary folder");
    for name in [KEYS.to_owned(), format!("{KEYS}-wal")] {
        if root.join(&name).exists() {
            std::fs::copy(root.join(&name), copy.path().join(&name)).expect("is copied");
        }
    }
    let count = rusqlite::Connection::open(copy.path().join(KEYS))
        .and_then(|conn| conn.query_row("SELECT ledger_count FROM keystore", [], |row| row.get::<_, i64>(0)))
        .map_err(|error| format!("the key store is damaged: {error}"))?;
    Ok(usize::try_from(count).expect("a count"))
}

/// What a cut leaves of a ledger: entries that the key store knows of were synced before, and so was every block but the
/// last.
fn tear(ledger: &mut Vec<u8>, known: usize, choice: &mut Choice) {
    let length = ledger.len();
    let least = ((known + 1) * ENTRY_BYTES).max(length.saturating_sub(1) / BLOCK * BLOCK).min(length);
    match choice.below(3) {
        0 => {}
        1 => ledger.truncate(least + choice.below(length - least + 1)),
        _ => {
            let from = least.next_multiple_of(512).min(length);
            ledger[from..].fill(0);
        }
    }
}

fn close(path: &Path) {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    set_permissions(path, Permissions::from_mode(0o600)).expect("is set");
    set_permissions(path.parent().expect("has one"), Permissions::from_mode(0o700)).expect("is set");
}
