//! The database: SQLite or PostgreSQL, chosen at run time by `DATABASE_URL`.
//!
//! Reads use [`on_db!`] on a [`Conn`]; writes use [`write_tx!`], which opens an immediate transaction in a task of its
//! own, so that a client that hangs up cannot leave a transaction open. One query body serves both databases.

mod connect;
mod migrate;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::sqlite::SqliteConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use crate::error::Failure;

pub use connect::sqlite_version;
pub use connect::{DatabaseUrl, StartFailure};

pub(crate) type Sqlite = SyncConnectionWrapper<SqliteConnection>;

/// The pools. Cheap to clone.
#[derive(Clone)]
pub enum Db {
    /// One writer, several readers: SQLite allows one writing transaction at a time anyway, and readers never wait.
    Sqlite {
        writer: Pool<Sqlite>,
        readers: Pool<Sqlite>,
        checkpoints: Checkpoints,
    },
    Postgres(Pool<AsyncPgConnection>),
}

/// Who brings SQLite's log into the database: the connection that writes, or somebody else.
#[derive(Clone, Debug, Default)]
pub struct Checkpoints(Arc<AtomicBool>);

impl Checkpoints {
    fn leave(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn are_left(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite { .. } => "Db::Sqlite",
            Self::Postgres(_) => "Db::Postgres",
        })
    }
}

/// A connection of either database, taken from its pool.
#[expect(clippy::large_enum_variant, reason = "lives on the stack of one query; a box would be an allocation a query")]
pub(crate) enum Conn {
    Sqlite(Object<Sqlite>),
    Postgres(Object<AsyncPgConnection>),
}

impl Db {
    /// A connection to read with.
    pub(crate) async fn read(&self) -> Result<Conn, Failure> {
        match self {
            Self::Sqlite { readers, .. } => Ok(Conn::Sqlite(readers.get().await?)),
            Self::Postgres(pool) => Ok(Conn::Postgres(pool.get().await?)),
        }
    }

    /// From now on SQLite does not bring its log into the database by itself: the shipper of backups does, which cannot
    /// have it emptied before it was shipped. Nothing for PostgreSQL.
    pub(crate) async fn leave_checkpoints(&self) {
        let Self::Sqlite { writer, checkpoints, .. } = self else { return };
        checkpoints.leave();
        // The one that is open already; it does not matter if it cannot be had now, for it only costs time.
        let set = async { Conn::Sqlite(writer.get().await?).execute_sql(connect::NO_CHECKPOINTS).await };
        if let Err(failure) = set.await {
            tracing::warn!(error.cause = ?failure, "the connection that writes keeps its own checkpoints");
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Failure> {
        let mut conn = self.read().await?;
        conn.execute_sql("SELECT 1").await
    }
}

impl Conn {
    /// Itself; a [`Tx`] has this too, by dereferencing.
    pub(crate) const fn conn(&mut self) -> &mut Self {
        self
    }

    /// Runs SQL without parameters and without a result.
    pub(crate) async fn execute_sql(&mut self, sql: &str) -> Result<(), Failure> {
        match self {
            Self::Sqlite(conn) => conn.batch_execute(sql).await?,
            Self::Postgres(conn) => conn.batch_execute(sql).await?,
        }
        Ok(())
    }
}

/// An open write transaction. Made by [`write_tx!`] alone; dereferences to its connection, so that whatever reads
/// also reads inside a transaction.
pub(crate) struct Tx {
    conn: Option<Conn>,
}

impl Tx {
    /// Opens a transaction that holds the write lock from the start (SQLite), so that it cannot fail half-way.
    pub(crate) async fn begin(db: &Db) -> Result<Self, Failure> {
        let (mut conn, sql) = match db {
            Db::Sqlite { writer, .. } => (Conn::Sqlite(writer.get().await?), "BEGIN IMMEDIATE"),
            Db::Postgres(pool) => (Conn::Postgres(pool.get().await?), "BEGIN"),
        };
        // From here on a drop without `commit` throws the connection away, and the database rolls back with it.
        let mut tx = Self { conn: None };
        conn.execute_sql(sql).await?;
        tx.conn = Some(conn);
        Ok(tx)
    }

    pub(crate) async fn commit(mut self) -> Result<(), Failure> {
        let outcome = self.execute_sql("COMMIT").await;
        if outcome.is_ok() {
            // Back to the pool.
            self.conn.take();
        }
        outcome
    }

    pub(crate) async fn roll_back(mut self) {
        if self.execute_sql("ROLLBACK").await.is_ok() {
            self.conn.take();
        }
    }
}

impl std::ops::Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.conn.as_ref().expect("a transaction keeps its connection until it ends")
    }
}

impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn.as_mut().expect("a transaction keeps its connection until it ends")
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        // Neither committed nor rolled back: the connection must not return to its pool with an open transaction.
        match self.conn.take() {
            Some(Conn::Sqlite(object)) => drop(Object::take(object)),
            Some(Conn::Postgres(object)) => drop(Object::take(object)),
            None => {}
        }
    }
}

/// Runs one query body on whichever database the connection belongs to.
///
/// `on_db!(conn, c => table.load::<Row>(c).await)` gives `Result<_, Failure>`; `conn` is a [`Conn`] or a [`Tx`].
/// Where the databases differ: `on_db!(conn, sqlite c => …, postgres c => …)`.
macro_rules! on_db {
    ($conn:expr, sqlite $s:ident => $sqlite:expr, postgres $p:ident => $postgres:expr $(,)?) => {
        match $conn.conn() {
            $crate::db::Conn::Sqlite(object) => {
                let $s = &mut **object;
                $sqlite.map_err($crate::error::Failure::from)
            }
            $crate::db::Conn::Postgres(object) => {
                let $p = &mut **object;
                $postgres.map_err($crate::error::Failure::from)
            }
        }
    };
    ($conn:expr, $c:ident => $body:expr) => {
        $crate::db::on_db!($conn, sqlite $c => $body, postgres $c => $body)
    };
}

/// Runs a body in a write transaction: `write_tx!(db, tx => { …; Ok(value) })` gives `Result<_, Failure>`.
///
/// The body owns what it captures (it becomes a task), may use `?` with [`Failure`], and is committed if it ends in
/// `Ok`, else rolled back. Dropping the returned future does not stop the task.
macro_rules! write_tx {
    ($db:expr, $tx:ident => $body:expr) => {{
        let db = $crate::db::Db::clone(&$db);
        $crate::db::finish(tokio::spawn(async move {
            let mut transaction = $crate::db::Tx::begin(&db).await?;
            let result: Result<_, $crate::error::Failure> = async {
                #[allow(unused_mut, reason = "bodies that only pass it on need no mutable binding")]
                let mut $tx = &mut transaction;
                $body
            }
            .await;
            match result {
                Ok(value) => transaction.commit().await.map(|()| value),
                Err(failure) => {
                    transaction.roll_back().await;
                    Err(failure)
                }
            }
        }))
        .await
    }};
}

/// Waits for the task of [`write_tx!`].
pub(crate) async fn finish<T>(task: tokio::task::JoinHandle<Result<T, Failure>>) -> Result<T, Failure> {
    task.await.map_err(|error| Failure::internal("the task of a transaction ended early", error))?
}

pub(crate) use {on_db, write_tx};
