//! What backups ask of a server by SQL.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::server::{FACTS, Facts, PATIENCE, Server, Slot, Yes, drop_slot, establish, slot, told};
use super::wal::Lsn;
use crate::backup::BackupFailure;
use crate::backup::target::Target;

/// One process of an installation ships.
const LOCK: i64 = 0x5348_5554_4241_434b;
/// A writer that waits for us must not be taken for a deadlock, which the server looks for after a second.
const LOCK_WAIT: &str = "SET lock_timeout = '500ms'";
/// Brings to the server's disk what was committed without waiting for that.
const FLUSH: &str = "SET synchronous_commit = local; SELECT pg_logical_emit_message(true, 'shutterpost', '')";
/// Tables of which rows are counted.
const TABLES: &str = "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables \
                      WHERE schemaname = ANY (current_schemas(false)) ORDER BY 1";

/// A place in the log, and the rows of each table there.
pub(super) type Counted = (Lsn, BTreeMap<String, i64>);

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(diesel::QueryableByName)]
struct Rows {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// A connection to a server.
pub(super) struct Session {
    server: Server,
    target: Target,
    conn: AsyncPgConnection,
}

impl Session {
    pub(super) const fn new(server: Server, target: Target, conn: AsyncPgConnection) -> Self {
        Self { server, target, conn }
    }

    /// To a private server, as a role that it lets in.
    pub(super) fn private(server: &Server, url: &str, target: &Target) -> Result<Self, BackupFailure> {
        let conn = target.wait_for(establish(url)).map_err(|reason| server.refused(reason))?;
        Ok(Self::new(server.clone(), target.clone(), conn))
    }

    fn wait<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, String>,
    ) -> Result<T, BackupFailure> {
        // A server that vanished from the network would not even refuse.
        self.wait_long(async |conn| {
            let late = |_| Err("it does not answer".into());
            tokio::time::timeout(PATIENCE, work(conn)).await.unwrap_or_else(late)
        })
    }

    /// The same for as long as it takes.
    fn wait_long<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, String>,
    ) -> Result<T, BackupFailure> {
        let Self { server, target, conn } = self;
        target.wait_for(work(conn)).map_err(|reason| server.refused(reason))
    }

    /// Lets some time pass.
    pub(super) fn rest(&self, time: Duration) {
        self.target.rest(time);
    }

    pub(super) fn facts(&mut self) -> Result<Facts, BackupFailure> {
        self.wait(async |conn| diesel::sql_query(FACTS).get_result(conn).await.map_err(told))
    }

    /// Whether this connection is the one of all that ships.
    pub(super) fn claim(&mut self) -> Result<bool, BackupFailure> {
        let sql = format!("SELECT pg_try_advisory_lock({LOCK}) AS yes");
        let got: Yes = self.wait(async |conn| diesel::sql_query(sql).get_result(conn).await.map_err(told))?;
        Ok(got.yes)
    }

    pub(super) fn slot(&mut self, name: &str) -> Result<Option<Slot>, BackupFailure> {
        self.wait(async |conn| slot(conn, name).await)
    }

    /// Makes a slot; the server keeps its log from now on.
    pub(super) fn create_slot(&mut self, name: &str) -> Result<(), BackupFailure> {
        let sql = "SELECT pg_create_physical_replication_slot($1, true) IS NOT NULL AS yes";
        let made = async |conn: &mut AsyncPgConnection| {
            diesel::sql_query(sql).bind::<Text, _>(name).get_result::<Yes>(conn).await.map_err(told)
        };
        self.wait(made).map(drop)
    }

    pub(super) fn drop_slot(&mut self, name: &str) -> Result<(), BackupFailure> {
        self.wait(async |conn| drop_slot(conn, name).await)
    }

    /// Ends the server's side of a receiver that outlived its process.
    pub(super) fn end_backend(&mut self, pid: i64) -> Result<(), BackupFailure> {
        let sql = format!("SELECT pg_terminate_backend({pid}) AS yes");
        let ended =
            async |conn: &mut AsyncPgConnection| diesel::sql_query(sql).get_result::<Yes>(conn).await.map_err(told);
        self.wait(ended).map(drop)
    }

    /// Names of all roles that may do anything.
    pub(super) fn administrator(&mut self) -> Result<Option<String>, BackupFailure> {
        let sql = "SELECT rolname::text AS name FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY oid LIMIT 1";
        let found: Vec<Name> = self.wait(async |conn| diesel::sql_query(sql).load(conn).await.map_err(told))?;
        Ok(found.into_iter().next().map(|found| found.name))
    }

    /// Whether an extension could be made here.
    pub(super) fn offers(&mut self, extension: &str) -> Result<bool, BackupFailure> {
        let sql = "SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = $1) AS yes";
        let asked = async |conn: &mut AsyncPgConnection| {
            diesel::sql_query(sql).bind::<Text, _>(extension).get_result::<Yes>(conn).await.map_err(told)
        };
        self.wait(asked).map(|found| found.yes)
    }

    /// The rows of each table.
    pub(super) fn rows(&mut self) -> Result<BTreeMap<String, i64>, BackupFailure> {
        self.wait_long(async |conn| {
            conn.batch_execute("SET statement_timeout = 0").await.map_err(told)?;
            let tables = tables(conn).await?;
            count(conn, &tables).await
        })
    }

    /// The rows of each table at a place in the log, which is given too: whoever replays until there must find as many.
    /// Writers wait for a moment, as they do while an index is made; `None` if they kept us waiting for too long.
    pub(super) fn rows_at(&mut self, other: &mut Self) -> Result<Option<Counted>, BackupFailure> {
        let tables = self.wait(async |conn| {
            conn.batch_execute(LOCK_WAIT).await.map_err(told)?;
            tables(conn).await
        })?;
        let lock = format!("BEGIN; LOCK TABLE {} IN SHARE MODE", tables.join(", "));
        if !tables.is_empty()
            && let Err(error) = self.wait(async |conn| Ok(conn.batch_execute(&lock).await))?
        {
            tracing::debug!(error.cause = %error, "tables are in use and are counted later");
            return self.roll_back().map(|()| None);
        }
        // Everything that is committed is in the log, and nothing is under way.
        let place = other.wait(async |conn| {
            conn.batch_execute(FLUSH).await.map_err(told)?;
            conn.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0")
                .await
                .map_err(told)?;
            let sql = "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint AS number";
            let place: Number = diesel::sql_query(sql).get_result(conn).await.map_err(told)?;
            Ok(Lsn(u64::try_from(place.number).unwrap_or(0)))
        });
        self.roll_back()?;
        let place = place?;
        let rows = other.wait_long(async |conn| count(conn, &tables).await);
        other.roll_back()?;
        Ok(Some((place, rows?)))
    }

    fn roll_back(&mut self) -> Result<(), BackupFailure> {
        self.wait(async |conn| conn.batch_execute("ROLLBACK").await.map_err(told))
    }
}

async fn tables(conn: &mut AsyncPgConnection) -> Result<Vec<String>, String> {
    let names: Vec<Name> = diesel::sql_query(TABLES).load(conn).await.map_err(told)?;
    Ok(names.into_iter().map(|table| table.name).collect())
}

async fn count(conn: &mut AsyncPgConnection, tables: &[String]) -> Result<BTreeMap<String, i64>, String> {
    let mut all = BTreeMap::new();
    for table in tables {
        // The name was quoted by the server.
        let quoted = table.replace('\'', "''");
        let sql = format!("SELECT '{quoted}' AS name, count(*) AS rows FROM {table}");
        let Rows { name, rows } = diesel::sql_query(sql).get_result(conn).await.map_err(told)?;
        all.insert(name, rows);
    }
    Ok(all)
}
