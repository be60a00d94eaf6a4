//! Opening the pools: the URL picks the database, and what cannot be trusted is refused.

use std::path::{Path, PathBuf};
use std::time::Duration;

use deadpool::{Runtime, managed::Timeouts};
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::migrate::{self, Content};
use super::{Checkpoints, Db, Sqlite};

/// Least SQLite: older ones can corrupt a database when a WAL is reset.
const SQLITE_LEAST: i32 = 3_051_003;
/// How long a request waits for a connection before the answer is "busy".
const WAIT: Duration = Duration::from_secs(5);
/// How long a statement waits for a lock that somebody else holds before the answer is "busy".
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(5);
/// Rows deleted are overwritten (`secure_delete`), commits survive a power cut (`FULL`), and a damaged or hostile
/// schema runs nothing (`trusted_schema`).
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                       PRAGMA secure_delete = ON; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; \
                       PRAGMA cache_size = -4096;";
/// For a connection whose checkpoints somebody else makes.
pub(super) const NO_CHECKPOINTS: &str = "PRAGMA wal_autocheckpoint = 0";
/// No statement may hold a connection for ever; times are the server's own, in UTC.
const SETTINGS: &str = "SET statement_timeout = '30s'; SET TimeZone = 'UTC';";
/// diesel gives the text of an error but not its code, so the text must not be a translation. Only some users may set
/// this; with others the setting of the server counts, and from a translation an error is read as internal.
const ENGLISH: &str = "DO $$ BEGIN PERFORM set_config('lc_messages', 'C', false); \
                       EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;";

/// Builds a pool; a macro, because deadpool's bounds on the manager cannot be named for a generic connection.
macro_rules! pool {
    ($manager:expr, $size:expr) => {
        Pool::builder($manager)
            .max_size($size)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: Some(WAIT) })
            .build()
            .map_err(|error| StartFailure::Open(error.to_string()))
    };
}

/// Why the database cannot be used. Shown to the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    #[error("a database URL begins with sqlite: or postgres://, and not with {0:?}")]
    UnknownScheme(String),
    #[error("SQLite {found} is too old: versions before 3.51.3 can corrupt a database; build with the bundled one")]
    OldSqlite { found: String },
    #[error(
        "the database was written by a newer version of Shutterpost (it knows the migration {0}); \
         start that version, or restore a backup made before the upgrade"
    )]
    Newer(String),
    #[error("the database cannot be opened: {0}")]
    Open(String),
    #[error("a migration failed: {0}")]
    Migration(String),
    #[error("another process holds the migration lock for more than {0} seconds")]
    Locked(u64),
}

/// A checked `DATABASE_URL`.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// Path of the database file; `:memory:` is refused, because readers and writer would see different databases.
    Sqlite(PathBuf),
    Postgres(String),
}

impl DatabaseUrl {
    /// Reads `sqlite:PATH`, `sqlite://PATH`, `postgres://…` or `postgresql://…`.
    pub fn parse(url: &str) -> Result<Self, StartFailure> {
        // Only the scheme may be printed: a URL holds a password.
        let unknown = || StartFailure::UnknownScheme(url.split(':').next().unwrap_or_default().to_owned());
        let (scheme, rest) = url.split_once(':').ok_or_else(unknown)?;
        match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() || path == ":memory:" { Err(unknown()) } else { Ok(Self::Sqlite(path.into())) }
            }
            "postgres" | "postgresql" if rest.starts_with("//") => Ok(Self::Postgres(url.to_owned())),
            _ => Err(unknown()),
        }
    }
}

impl Db {
    /// Opens the database, checks that it can be trusted and runs pending migrations under a lock, but for those that
    /// follow [`crate::upgrade::seal`].
    /// `connections` bounds the pool of PostgreSQL and the readers of SQLite.
    pub async fn open(url: &DatabaseUrl, connections: usize) -> Result<Self, StartFailure> {
        Self::open_waiting(url, connections, LOCK_WAIT).await
    }

    /// The same, waiting so long for locks.
    pub(crate) async fn open_waiting(
        url: &DatabaseUrl,
        connections: usize,
        lock_wait: Duration,
    ) -> Result<Self, StartFailure> {
        let db = Self::connect(url, connections, lock_wait)?;
        migrate::run(url, Content::Data { until: Some(migrate::BEFORE_SEALING) }).await?;
        Ok(db)
    }

    /// Runs what must wait until everything stored is sealed.
    pub(crate) async fn migrate_fully(&self, url: &DatabaseUrl) -> Result<(), StartFailure> {
        migrate::run(url, Content::Data { until: None }).await
    }

    /// Opens the database of the key store in the same way.
    pub(crate) async fn open_keys(url: &DatabaseUrl, connections: usize) -> Result<Self, StartFailure> {
        let db = Self::connect(url, connections, LOCK_WAIT)?;
        migrate::run(url, Content::Keys).await?;
        Ok(db)
    }

    /// Opens a database as it is: nothing is made and no migration runs.
    pub(crate) fn attach(url: &DatabaseUrl) -> Result<Self, StartFailure> {
        match url {
            DatabaseUrl::Sqlite(path) if !path.exists() => {
                Err(StartFailure::Open(format!("there is no {}", path.display())))
            }
            _ => Self::connect(url, 1, LOCK_WAIT),
        }
    }

    pub(super) fn connect(url: &DatabaseUrl, connections: usize, lock_wait: Duration) -> Result<Self, StartFailure> {
        match url {
            DatabaseUrl::Sqlite(path) => {
                check_sqlite()?;
                let checkpoints = Checkpoints::default();
                let writer = sqlite_pool(path, 1, lock_wait, &checkpoints)?;
                let readers = sqlite_pool(path, connections, lock_wait, &checkpoints)?;
                Ok(Self::Sqlite { writer, readers, checkpoints })
            }
            DatabaseUrl::Postgres(url) => {
                let config = config(move |url| {
                    let url = url.to_owned();
                    async move {
                        let mut conn = AsyncPgConnection::establish(&url).await?;
                        let lock_wait = lock_wait.as_millis();
                        let sql = format!("{SETTINGS} SET lock_timeout = '{lock_wait}ms'; {ENGLISH}");
                        conn.batch_execute(&sql).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
                        Ok(conn)
                    }
                    .boxed()
                });
                let manager = AsyncDieselConnectionManager::new_with_config(url.clone(), config);
                pool!(manager, connections).map(Self::Postgres)
            }
        }
    }
}

fn check_sqlite() -> Result<(), StartFailure> {
    sqlite_version().map(|_| ())
}

/// The version that is really linked, not the one of the headers, if it can be trusted.
///
/// # Errors
/// [`StartFailure::OldSqlite`].
pub fn sqlite_version() -> Result<String, StartFailure> {
    #[expect(unsafe_code, reason = "a constant of the library; diesel has no safe way to ask before connecting")]
    // SAFETY: takes nothing and returns a number compiled into the library.
    let found = unsafe { libsqlite3_sys::sqlite3_libversion_number() };
    let version = format!("{}.{}.{}", found / 1_000_000, found / 1000 % 1000, found % 1000);
    if found >= SQLITE_LEAST { Ok(version) } else { Err(StartFailure::OldSqlite { found: version }) }
}

/// A plain connection with the pragmas set, as the migrations use it.
pub(super) fn sqlite(path: &str, lock_wait: Duration) -> ConnectionResult<SqliteConnection> {
    let mut conn = SqliteConnection::establish(path)?;
    // The wait first: the mode of the journal is set under a lock.
    let sql = format!("PRAGMA busy_timeout = {}; {PRAGMAS}", lock_wait.as_millis());
    diesel::connection::SimpleConnection::batch_execute(&mut conn, &sql)
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

fn sqlite_pool(
    path: &Path,
    size: usize,
    lock_wait: Duration,
    checkpoints: &Checkpoints,
) -> Result<Pool<Sqlite>, StartFailure> {
    let path = path.to_str().ok_or_else(|| StartFailure::Open("the path is not UTF-8".into()))?;
    let checkpoints = checkpoints.clone();
    let config = config(move |path| {
        let (path, left) = (path.to_owned(), checkpoints.are_left());
        async move {
            let open = move || {
                let mut conn = sqlite(&path, lock_wait)?;
                if left {
                    diesel::connection::SimpleConnection::batch_execute(&mut conn, NO_CHECKPOINTS)
                        .map_err(ConnectionError::CouldntSetupConfiguration)?;
                }
                ConnectionResult::Ok(conn)
            };
            let conn = tokio::task::spawn_blocking(open)
                .await
                .map_err(|error| ConnectionError::BadConnection(error.to_string()))??;
            Ok(SyncConnectionWrapper::new(conn))
        }
        .boxed()
    });
    pool!(AsyncDieselConnectionManager::new_with_config(path, config), size)
}

fn config<C: AsyncConnection + 'static>(
    setup: impl Fn(&str) -> BoxFuture<'_, ConnectionResult<C>> + Send + Sync + 'static,
) -> ManagerConfig<C> {
    let mut config = ManagerConfig::default();
    // `Verified` would ask the database before every use; a dead connection shows itself on its first query.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(setup);
    config
}
