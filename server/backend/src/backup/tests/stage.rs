//! A database that tests write to as another process would, and what ships it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use shutterpost_vault::keys::Keys;
use shutterpost_vault::root::passphrase::{Passphrase, PassphraseRoots};

use super::odd::OddStore;
use crate::backup::service::{Service, Shipped};
use crate::backup::ship::Limits;
use crate::backup::{At, BackupFailure, Backups, Database, Restored, Retention, Source, Target, Wish, restore};
use crate::storage::Storage;
use crate::testing::{TestClock, TestDatabase, databases};

/// Enough for a loaded machine, where nothing hangs on purpose.
const LONG: Duration = Duration::from_secs(30);

/// Every row.
pub(super) type Rows = Vec<(i64, i64, Vec<u8>)>;

pub(super) struct Stage {
    pub(super) test: TestDatabase,
    pub(super) writer: Connection,
    pub(super) source: Source,
    roots: Arc<PassphraseRoots>,
    /// Where the target is, if not in a folder.
    pub(super) url: Option<String>,
    /// What the target does beside what it is told.
    pub(super) odd: Option<Arc<OddStore>>,
    /// How long its calls are waited for.
    pub(super) deadline: Duration,
    state: u64,
    restores: u32,
}

impl Stage {
    pub(super) async fn new() -> Self {
        Self::of(Database::Data, 1).await
    }

    /// One whose target can be made odd.
    pub(super) async fn with_odd_target() -> (Self, Arc<OddStore>) {
        let odd = OddStore::new();
        let stage = Self { odd: Some(Arc::clone(&odd)), ..Self::new().await };
        (stage, odd)
    }

    pub(super) async fn of(database: Database, seed: u64) -> Self {
        let test = databases().await.remove(0);
        let path = test.folder().join("watched.sqlite");
        let writer = Connection::open(&path).expect("opens");
        writer
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;
                 CREATE TABLE parents (id INTEGER PRIMARY KEY);
                 CREATE TABLE notes (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id), body BLOB NOT NULL);
                 CREATE INDEX notes_parent ON notes (parent);
                 INSERT INTO parents VALUES (1), (2), (3);",
            )
            .expect("makes tables");
        let world = test.world.clone();
        let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
        let roots = PassphraseRoots::open(&test.roots(), Passphrase::MachineMade, &mut random).expect("opens");
        let source = Source { database, path };
        Self {
            test,
            writer,
            source,
            roots: Arc::new(roots),
            url: None,
            odd: None,
            deadline: LONG,
            state: seed,
            restores: 0,
        }
    }

    pub(super) fn clock(&self) -> &TestClock {
        &self.test.clock
    }

    pub(super) fn target(&self) -> PathBuf {
        self.test.folder().join("target")
    }

    /// Backups with limits so small that logs are emptied and transactions spread over segments.
    pub(super) fn backups(&self) -> Backups {
        self.backups_with(&Keys::ephemeral([7; 32]))
    }

    pub(super) fn backups_with(&self, keys: &Keys) -> Backups {
        let folder = format!("file:{}", self.target().display());
        let mut target = Target::parse(self.url.as_ref().unwrap_or(&folder)).expect("opens");
        if let Some(odd) = &self.odd {
            target = target.through(|store| odd.around(store));
        }
        let limits = Limits {
            segment: 40_000,
            log: 120_000,
            most: 1_500_000,
            deadline: self.deadline,
            patience: Duration::from_millis(1500),
        };
        let (roots, world) = (self.roots.clone(), self.test.world.clone());
        Backups::limited(target, keys.backup_key(), roots, world, Retention::default(), limits)
    }

    /// As a start of the server makes it.
    pub(super) fn service(&self) -> Service {
        self.service_with(self.test.deps().storage)
    }

    pub(super) fn service_with(&self, storage: Storage) -> Service {
        let hold = crate::backup::Hold::begin(&self.source).expect("holds");
        let shipped = Shipped { source: self.source.clone(), hold, db: self.test.db.clone() };
        Service::new(self.backups(), vec![shipped], Vec::new(), storage)
    }

    /// Ticks until nothing is left to be done.
    pub(super) fn settle(&self, service: &mut Service) {
        loop {
            service.tick();
            if !service.is_busy() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// A number below `below`, the same in every run.
    pub(super) fn pick(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    /// One transaction that adds rows.
    pub(super) fn write(&mut self, rows: u64) {
        self.writer.execute_batch("BEGIN IMMEDIATE").expect("begins");
        for _ in 0..rows {
            let (parent, length) = (self.pick(3) + 1, self.pick(3000));
            let body: Vec<u8> = (0..length).map(|n| (n ^ parent) as u8).collect();
            let values = (parent as i64, body);
            self.writer.execute("INSERT INTO notes (parent, body) VALUES (?1, ?2)", values).expect("inserts");
        }
        self.writer.execute_batch("COMMIT").expect("commits");
    }

    pub(super) fn present(&self) -> Rows {
        rows(&self.writer)
    }

    pub(super) fn try_restore(&mut self, at: At) -> Result<Restored, BackupFailure> {
        self.restores += 1;
        let to = self.test.folder().join(format!("restored-{}.sqlite", self.restores));
        let wish = Wish { database: self.source.database, at, to, force: false };
        restore(&self.backups(), &wish, &mut |_| {})
    }

    pub(super) fn restored(&mut self, at: At) -> Rows {
        let restored = self.try_restore(at).expect("comes back");
        self.rows_of(&restored)
    }

    /// The rows of what came back, which is deleted then.
    pub(super) fn rows_of(&self, restored: &Restored) -> Rows {
        let rows = rows(&Connection::open(&restored.path).expect("opens"));
        for path in crate::backup::sqlite::files(&restored.path) {
            std::fs::remove_file(path).ok();
        }
        rows
    }

    /// Names of the objects of the target below a folder.
    pub(super) fn objects(&self, part: &str) -> Vec<String> {
        let mut names = self.backups().0.target.list(self.source.database.as_str()).expect("lists");
        names.retain(|name| name.contains(part));
        names.sort_unstable();
        names
    }
}

fn rows(conn: &Connection) -> Rows {
    let mut query = conn.prepare("SELECT id, parent, body FROM notes ORDER BY id").expect("is valid");
    let rows = query.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("reads");
    rows.collect::<Result<_, _>>().expect("reads")
}

impl Stage {
    pub(super) fn clock_now(&self) -> shutterpost_model::time::Millis {
        self.test.world.now()
    }
}
