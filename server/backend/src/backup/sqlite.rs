//! What backups ask of SQLite: to keep the log from beginning anew, to copy a moment, to check a copy.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{BackupFailure, Source, beside, file_failure};

/// How long a lock is waited for.
const WAIT: Duration = Duration::from_secs(5);
/// Pages copied at once.
const STEP: i32 = 4096;
/// A read begins a transaction only when it touches the database.
const TOUCH: &str = "SELECT count(*) FROM sqlite_schema";

/// An open read transaction. While it lasts SQLite cannot begin its log anew, unless all of the log was already in the
/// database when the transaction began; then it can do so once. Either way no frame is lost between the end of the log
/// as this transaction saw it and the present. That is what the shipper's chain stands on: it always begins the next
/// hold before it ends the last.
///
/// Closing it never empties the log, although it may be the last connection.
pub struct Hold {
    conn: Connection,
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}

impl Hold {
    /// Begins one; `None` if there is no such database yet.
    ///
    /// # Errors
    /// [`BackupFailure::Database`].
    pub fn begin(source: &Source) -> Result<Option<Self>, BackupFailure> {
        if !source.path.exists() {
            return Ok(None);
        }
        Self::on(source).map(Some)
    }

    pub(super) fn on(source: &Source) -> Result<Self, BackupFailure> {
        let conn = open(source)?;
        begin_read(&conn).map_err(|error| source.refused(error))?;
        Ok(Self { conn })
    }

    /// Leaves the transaction open until the process ends, for commands that are short. Their other connections are
    /// then never the last to close, which would empty the log before it is shipped.
    pub fn until_exit(self) {
        std::mem::forget(self.conn);
    }

    /// Copies the database as this transaction sees it into a new file that nobody else can read.
    pub(super) fn copy(&self, source: &Source, to: &Path) -> Result<(), BackupFailure> {
        let failed = |error: rusqlite::Error| source.refused(format!("the copy to {} failed: {error}", to.display()));
        let made = File::options().write(true).create_new(true).mode(0o600).open(to);
        made.map_err(|error| file_failure(to, error))?;
        let mut copy = Connection::open(to).map_err(failed)?;
        // Nobody needs the copy if this process ends; what is sealed from it is synced.
        copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;").map_err(failed)?;
        let backup = Backup::new(&self.conn, &mut copy).map_err(failed)?;
        loop {
            match backup.step(STEP).map_err(failed)? {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                _ => return Err(source.refused("the database is locked")),
            }
        }
    }

    /// Rows of each table as this transaction sees it.
    pub(super) fn rows(&self, source: &Source) -> Result<BTreeMap<String, i64>, BackupFailure> {
        count_rows(&self.conn).map_err(|error| source.refused(error))
    }
}

fn begin_read(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("BEGIN")?;
    conn.query_row(TOUCH, (), |row| row.get::<_, i64>(0)).map(|_| ())
}

/// A connection that leaves the log alone.
fn open(source: &Source) -> Result<Connection, BackupFailure> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&source.path, flags)?;
        conn.busy_timeout(WAIT)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        conn.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;")?;
        let mode: String = conn.query_row("PRAGMA journal_mode", (), |row| row.get(0))?;
        Ok((conn, mode))
    };
    let (conn, mode) = open().map_err(|error: rusqlite::Error| source.refused(error))?;
    if mode == "wal" { Ok(conn) } else { Err(source.refused(format!("its journal is {mode} and not wal"))) }
}

/// While it lives nobody writes to the database.
pub(super) struct WriteLock {
    _conn: Connection,
}

impl WriteLock {
    /// `None` if somebody else kept it for too long.
    pub(super) fn take(source: &Source) -> Result<Option<Self>, BackupFailure> {
        let conn = open(source)?;
        match conn.execute_batch("BEGIN IMMEDIATE") {
            Ok(()) => Ok(Some(Self { _conn: conn })),
            Err(error) if is_busy(&error) => Ok(None),
            Err(error) => Err(source.refused(error)),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Committed frames in the log, as SQLite knows them, and how many of them are in the database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) in_log: u64,
    pub(super) in_database: u64,
}

/// Counts the frames and does nothing.
pub(super) fn count(source: &Source) -> Result<Counted, BackupFailure> {
    let counted = counted(source, "PRAGMA wal_checkpoint(NOOP)")?;
    counted.ok_or_else(|| source.refused("SQLite does not say how long its log is"))
}

/// Brings as many committed frames into the database as readers allow; waits for nobody. `None` if somebody else is doing
/// that just now.
pub(super) fn checkpoint(source: &Source) -> Result<Option<Counted>, BackupFailure> {
    counted(source, "PRAGMA wal_checkpoint(PASSIVE)")
}

fn counted(source: &Source, pragma: &str) -> Result<Option<Counted>, BackupFailure> {
    let conn = open(source)?;
    let (in_log, in_database): (i64, i64) =
        conn.query_row(pragma, (), |row| Ok((row.get(1)?, row.get(2)?))).map_err(|error| source.refused(error))?;
    // Both are -1 if the lock of checkpoints was taken.
    let counts = u64::try_from(in_log).ok().zip(u64::try_from(in_database).ok());
    Ok(counts.map(|(in_log, in_database)| Counted { in_log, in_database }))
}

/// Whether another connection has the database open.
pub(super) fn is_in_use(path: &Path) -> bool {
    let exclusive = || {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        conn.busy_timeout(Duration::ZERO)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE;")?;
        conn.query_row(TOUCH, (), |row| row.get::<_, i64>(0))?;
        conn.execute_batch("BEGIN IMMEDIATE; ROLLBACK;")
    };
    // Whatever else is wrong with it (it may be damaged, and that be the reason to restore) is no use by another.
    exclusive().is_err_and(|error| is_busy(&error))
}

fn count_rows(conn: &Connection) -> rusqlite::Result<BTreeMap<String, i64>> {
    let mut tables =
        conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?;
    let names: Vec<String> = tables.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut rows = BTreeMap::new();
    for name in names {
        let quoted = name.replace('"', "\"\"");
        let count = conn.query_row(&format!("SELECT count(*) FROM \"{quoted}\""), (), |row| row.get(0))?;
        rows.insert(name, count);
    }
    Ok(rows)
}

/// Checks a copy that nobody else uses: every page and index, every reference between tables. Gives its rows by table.
///
/// # Errors
/// What is wrong with it, in SQLite's words.
pub(super) fn check(path: &Path) -> Result<BTreeMap<String, i64>, String> {
    let look = || -> rusqlite::Result<Result<BTreeMap<String, i64>, String>> {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        conn.execute_batch("PRAGMA cache_size = -65536; PRAGMA trusted_schema = OFF;")?;
        let found: Vec<String> =
            conn.prepare("PRAGMA integrity_check(3)")?.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
        if found != ["ok"] {
            return Ok(Err(found.join("; ")));
        }
        let broken: Vec<String> = conn
            .prepare("PRAGMA foreign_key_check")?
            .query_map((), |row| row.get(0))?
            .take(3)
            .collect::<Result<_, _>>()?;
        if !broken.is_empty() {
            return Ok(Err(format!("rows that refer to nothing in {}", broken.join(", "))));
        }
        count_rows(&conn).map(Ok)
    };
    look().map_err(|error| error.to_string())?
}

/// A database's file with those that SQLite keeps beside it.
pub(super) fn files(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| beside(path, suffix))
}
