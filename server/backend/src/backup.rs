//! Backups of both databases and of the stored objects, and the way back to any second of them.
//!
//! ```text
//! data/GENERATION/base/…          the whole database at one moment
//! data/GENERATION/wal/DAY/…       segments: what was committed since, a second each
//! keys/…                          the same of the key store
//! media/…                         stored objects as they are: they are sealed already
//! status.json                     what was shipped and checked, and when
//! ```
//!
//! A *generation* is an unbroken chain: each segment names its number and the hash of the one before. Who loses sight of
//! the write-ahead log (another program emptied it while no shipper ran) begins a new one with a new base copy.
//! SQLite is shipped by what is here, PostgreSQL by [`postgres`].
//!
//! This room knows the databases of SQLite as files. It must never open a database file or its `-shm` except through SQLite:
//! closing any other handle drops the locks that SQLite holds on them in this process.

mod base;
mod chain;
mod files;
mod media;
pub mod postgres;
mod restore;
mod retention;
mod sealed;
mod service;
mod ship;
mod sqlite;
mod status;
mod target;
mod wal;
mod work;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use shutterpost_model::time::{DAY, Millis};
use shutterpost_vault::data_key::DataKey;
use shutterpost_vault::root::Roots;

use crate::context::World;
use crate::db::DatabaseUrl;
use crate::storage::Storage;

pub use base::{BaseMade, base_now};
pub use restore::{At, Progress, Restored, RestoredMedia, Skipped, Wish, restore, restore_all, restore_media};
pub use service::{Running, Shipped};
pub use sqlite::Hold;
pub use status::{BaseStatus, DatabaseStatus, MediaStatus, Refused, Status};
pub use target::Target;

/// Longest that backups of the key store may be kept, in days: an erasure promises that none is older.
pub const MOST_KEY_DAYS: u32 = 7;

/// Which of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Database {
    Data,
    Keys,
}

impl Database {
    /// The first part of its objects' names.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Keys => "keys",
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Data => "the database",
            Self::Keys => "the key store",
        })
    }
}

/// How long backups are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Days until the last backup of a day's data is deleted.
    pub days: u32,
    /// Days of which every second can be restored; of older ones one copy a month.
    pub fine_days: u32,
    /// The same of the key store, every second of it. At most [`MOST_KEY_DAYS`].
    pub key_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 365, fine_days: 14, key_days: MOST_KEY_DAYS }
    }
}

/// Why a backup or a restore did not come about. Shown to the operator.
#[derive(Debug, thiserror::Error)]
pub enum BackupFailure {
    #[error("the backup target cannot be used: {0}")]
    Target(String),
    #[error("the backup target did not answer within {seconds} s. Look whether it is mounted and reachable")]
    Late { seconds: u64 },
    #[error("{database} at {path} cannot be read for a backup: {reason}")]
    Database { database: Database, path: PathBuf, reason: String },
    #[error("the root keys: {0}")]
    Roots(String),
    #[error("{path}: {reason}")]
    File { path: PathBuf, reason: String },
    #[error(
        "the target holds no backup of {database} from {at} or before. Look whether SHUTTERPOST_BACKUP or --from names the \
         right place, or choose a later time"
    )]
    None { database: Database, at: String },
    #[error("{name} is missing in the backup; the latest moment before it is {before}")]
    Missing { name: String, before: String },
    #[error("{name} is damaged or was not sealed with the backup key of this key file: {reason}")]
    Damaged { name: String, reason: String },
    #[error("{name} is not what its name says: it was exchanged with another object, or its chain was cut")]
    Exchanged { name: String },
    #[error(
        "{name} was sealed under a root key that is not here (generation {generation}). Backups of the key store end with \
         their root key after at most seven days; take a newer one, or put the folder of root keys back"
    )]
    RootGone { name: String, generation: u32 },
    #[error("{path} exists. Restore into an empty place, or say --force: what is there is moved aside, not deleted")]
    Exists { path: PathBuf },
    #[error("{path} is in use. Stop the server first")]
    InUse { path: PathBuf },
    #[error("the restored copy of {database} does not pass its check: {reason}")]
    Check { database: Database, reason: String },
    #[error("{database} on PostgreSQL cannot be backed up: {reason}")]
    Server { database: Database, reason: String },
    #[error(
        "the database and the key store lie on one server of PostgreSQL. A copy of it holds both, and the keys must not lie in \
         the backups of the data: move the key store to a server of its own (key_store), or to SQLite"
    )]
    Shared,
    #[error(
        "{names} of PostgreSQL {major} was not found{named}. Install PostgreSQL's packages of that version on this machine, or \
         name the folder of its programs (backup_postgres_programs)"
    )]
    Programs { names: String, major: u32, named: String },
}

impl BackupFailure {
    /// Whether the target did not answer, so that nothing else need be asked.
    const fn is_late(&self) -> bool {
        matches!(self, Self::Late { .. })
    }

    /// Whether one object of the backup is the reason, so that others may do.
    pub(crate) const fn is_of_the_copy(&self) -> bool {
        matches!(
            self,
            Self::Target(_)
                | Self::Missing { .. }
                | Self::Damaged { .. }
                | Self::Exchanged { .. }
                | Self::RootGone { .. }
                | Self::Check { .. }
        )
    }
}

/// What backups are made of and where they go. Cheap to clone.
#[derive(Clone)]
pub struct Backups(Arc<Inner>);

struct Inner {
    target: Target,
    key: DataKey,
    roots: Arc<dyn Roots>,
    world: World,
    retention: Retention,
    limits: ship::Limits,
    /// Base copies that failed and are still to be deleted.
    failed_bases: Mutex<BTreeSet<String>>,
}

impl fmt::Debug for Backups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backups")
    }
}

impl Backups {
    /// Backups to and from a target, sealed under the key ring's backup key; those of the key store also under the root
    /// keys of their day.
    pub fn new(target: Target, key: DataKey, roots: Arc<dyn Roots>, world: World, retention: Retention) -> Self {
        Self::limited(target, key, roots, world, retention, ship::Limits::default())
    }

    fn limited(
        target: Target,
        key: DataKey,
        roots: Arc<dyn Roots>,
        world: World,
        retention: Retention,
        limits: ship::Limits,
    ) -> Self {
        let target = target.within(limits.deadline);
        Self(Arc::new(Inner { target, key, roots, world, retention, limits, failed_bases: Mutex::default() }))
    }

    /// What was shipped and checked, as last noted in the target; nothing noted is a default.
    ///
    /// # Errors
    /// [`BackupFailure::Target`], or [`BackupFailure::Damaged`] when it does not read.
    pub fn status(&self) -> Result<Status, BackupFailure> {
        Status::read(&self.0.target)
    }

    /// Copies what the store holds and the target does not, and deletes there what is past its time. Names what is refused
    /// and goes on.
    ///
    /// # Errors
    /// [`BackupFailure::Late`].
    pub fn copy_media(&self, storage: &Storage) -> Result<MediaStatus, BackupFailure> {
        media::compare(self, storage)
    }

    fn now(&self) -> Millis {
        self.0.world.now()
    }
}

/// A database of SQLite that is backed up: which, and its file.
#[derive(Debug, Clone)]
pub struct Source {
    pub database: Database,
    pub path: PathBuf,
}

impl Source {
    /// The file behind a URL; none for PostgreSQL, which is a [`postgres::Cluster`].
    pub fn of(database: Database, url: &DatabaseUrl) -> Option<Self> {
        match url {
            DatabaseUrl::Sqlite(path) => Some(Self { database, path: path.clone() }),
            DatabaseUrl::Postgres(_) => None,
        }
    }

    fn log(&self) -> PathBuf {
        beside(&self.path, "-wal")
    }

    fn refused(&self, reason: impl fmt::Display) -> BackupFailure {
        BackupFailure::Database { database: self.database, path: self.path.clone(), reason: reason.to_string() }
    }
}

/// The path with something appended to its last part.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    text.into()
}

fn file_failure(path: &Path, error: impl fmt::Display) -> BackupFailure {
    BackupFailure::File { path: path.to_owned(), reason: error.to_string() }
}

/// Days of retention in milliseconds.
const fn days(days: u32) -> i64 {
    DAY.saturating_mul(days as i64)
}
