//! A server of PostgreSQL as the URL of a database names it, and what it says of itself.

use std::fmt;
use std::time::Duration;

use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use percent_encoding::percent_decode_str;
use shutterpost_model::time::Millis;
use zeroize::Zeroizing;

use super::session::Session;
use super::wal::Lsn;
use crate::backup::target::Target;
use crate::backup::{BackupFailure, Database};

/// How long a connection and a question may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// No statement of ours may wait for long.
const SETTINGS: &str =
    "SET statement_timeout = '10s'; SET TimeZone = 'UTC'; SET application_name = 'shutterpost backup';";

/// Where a server is, as whom to speak to it, and about which database.
#[derive(Clone)]
pub struct Server {
    database: Database,
    url: Zeroizing<String>,
    address: String,
    password: Option<Zeroizing<String>>,
    name: String,
    role: String,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct Facts {
    /// The first number of its version.
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    pub(super) system: String,
    #[diesel(sql_type = Text)]
    wal_level: String,
    #[diesel(sql_type = BigInt)]
    senders: i64,
    #[diesel(sql_type = Bool)]
    may_replicate: bool,
    #[diesel(sql_type = Bool)]
    is_standby: bool,
    #[diesel(sql_type = BigInt)]
    file: i64,
    #[diesel(sql_type = BigInt)]
    kept_limit: i64,
}

pub(super) const FACTS: &str = "SELECT current_setting('server_version_num')::bigint / 10000 AS version, \
    (SELECT system_identifier::text FROM pg_control_system()) AS system, current_setting('wal_level') AS wal_level, \
    least(current_setting('max_wal_senders')::bigint, current_setting('max_replication_slots')::bigint) AS senders, \
    (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user) AS may_replicate, \
    pg_is_in_recovery() AS is_standby, pg_size_bytes(current_setting('wal_segment_size')) AS file, \
    CASE current_setting('max_slot_wal_keep_size') WHEN '-1' THEN -1 \
        ELSE pg_size_bytes(current_setting('max_slot_wal_keep_size')) END AS kept_limit";

/// Why a server cannot be backed up, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error(
        "the role of the database URL may not replicate. As administrator: ALTER ROLE … REPLICATION, and let it in by a \
         line `host replication …` of pg_hba.conf"
    )]
    Role,
    #[error("wal_level is minimal. Set wal_level = replica and restart the server")]
    WalLevel,
    #[error(
        "it lets nobody replicate. Set max_wal_senders and max_replication_slots to 5 or more and restart the server"
    )]
    Senders,
    #[error("it is a standby. Set the database URL to the primary")]
    Standby,
}

impl Facts {
    /// The first number of its version.
    pub fn major(&self) -> u32 {
        u32::try_from(self.version).unwrap_or(0)
    }

    /// Whether it can be backed up.
    ///
    /// # Errors
    /// [`Unfit`] with what to do.
    pub fn fit(&self) -> Result<(), Unfit> {
        if self.is_standby {
            return Err(Unfit::Standby);
        }
        if !self.may_replicate {
            return Err(Unfit::Role);
        }
        if self.wal_level == "minimal" {
            return Err(Unfit::WalLevel);
        }
        // The receiver and a base copy.
        if self.senders < 2 {
            return Err(Unfit::Senders);
        }
        Ok(())
    }

    /// Whether both are about one server.
    pub fn is_of_the_same_server(&self, other: &Self) -> bool {
        self.system == other.system
    }

    /// Whether the server lets go of the log before it fills its disk when nobody fetches it.
    pub const fn limits_what_it_keeps(&self) -> bool {
        self.kept_limit >= 0
    }

    /// Bytes of a file of the log.
    pub(super) fn file_bytes(&self) -> u64 {
        u64::try_from(self.file).unwrap_or(16 << 20).max(1 << 20)
    }
}

/// What the server keeps of its log for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalKept {
    /// Bytes that were not fetched yet.
    pub bytes: u64,
    /// Whether somebody fetches them now.
    pub is_fetched: bool,
}

/// How far a server is, and who fetches for the slot.
#[derive(Debug, Clone, diesel::QueryableByName)]
struct SlotRow {
    #[diesel(sql_type = BigInt)]
    flushed: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    received: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pid: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    state: Option<String>,
    #[diesel(sql_type = Text)]
    timeline: String,
    #[diesel(sql_type = BigInt)]
    clock: i64,
}

/// The same, read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// Everything committed is before it.
    pub(super) flushed: Lsn,
    /// What the receiver has on its disk is before it.
    pub(super) received: Option<Lsn>,
    pub(super) pid: Option<i64>,
    /// The server let go of what was not fetched.
    pub(super) is_lost: bool,
    pub(super) timeline: u32,
    /// The server's clock.
    pub(super) clock: Millis,
}

#[derive(diesel::QueryableByName)]
pub(super) struct Yes {
    #[diesel(sql_type = Bool)]
    pub(super) yes: bool,
}

impl Server {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`BackupFailure::Server`], without the URL, which may hold a password.
    pub fn parse(database: Database, url: &str) -> Result<Self, BackupFailure> {
        let wrong = |reason: &str| BackupFailure::Server { database, reason: format!("its URL {reason}") };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        // By hand: hosts may be several or none (a socket), which the URLs of browsers do not know.
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("does not begin with postgres://"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (who, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, secret) = who.split_once(':').map_or((who, None), |(user, secret)| (user, Some(secret)));
        let mut password = secret.map(|secret| Zeroizing::new(decoded(secret)));
        let (mut role, mut name) = (decoded(user), decoded(path));
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "password" => {
                    password = Some(Zeroizing::new(decoded(value)));
                    continue;
                }
                "user" => role = decoded(value),
                "dbname" => name = decoded(value),
                _ => {}
            }
            kept.push(pair);
        }
        if role.is_empty() {
            return Err(wrong("names no role: postgres://ROLE@HOST/DATABASE"));
        }
        let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
        Ok(Self {
            database,
            url: Zeroizing::new(url.to_owned()),
            address: format!("{scheme}://{user}@{hosts}/{path}{query}"),
            password,
            name: if name.is_empty() { role.clone() } else { name },
            role,
        })
    }

    /// Which of our databases.
    pub const fn database(&self) -> Database {
        self.database
    }

    /// The URL without its password.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.as_str())
    }

    /// The database on the server.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn role(&self) -> &str {
        &self.role
    }

    /// The name under which the server keeps its log for us: one for each database on it.
    pub(super) fn slot(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        format!("shutterpost_{}", self.name.chars().map(plain).take(40).collect::<String>())
    }

    pub(super) fn refused(&self, reason: impl fmt::Display) -> BackupFailure {
        BackupFailure::Server { database: self.database, reason: reason.to_string() }
    }

    /// What it says of itself, and what it keeps for us.
    ///
    /// # Errors
    /// [`BackupFailure::Server`] if it does not answer.
    pub async fn ask(&self) -> Result<(Facts, Option<WalKept>), BackupFailure> {
        let asked = async {
            let mut conn = establish(&self.url).await?;
            let facts = diesel::sql_query(FACTS).get_result::<Facts>(&mut conn).await.map_err(told)?;
            // A standby has no place of its own in the log.
            let slot = if facts.is_standby { None } else { slot(&mut conn, &self.slot()).await? };
            let kept = slot.map(|slot| WalKept {
                bytes: slot.received.map_or(0, |received| slot.flushed.0.saturating_sub(received.0)),
                is_fetched: slot.pid.is_some(),
            });
            Ok::<_, String>((facts, kept))
        };
        asked.await.map_err(|reason| self.refused(reason))
    }

    pub(super) fn connect(&self, target: &Target) -> Result<Session, BackupFailure> {
        let conn = target.wait_for(establish(&self.url)).map_err(|reason| self.refused(reason))?;
        Ok(Session::new(self.clone(), target.clone(), conn))
    }

    /// Lets the server forget how far its log was fetched, so that it keeps none of it for us. Gives whether it knew.
    ///
    /// # Errors
    /// [`BackupFailure::Server`], also if a server of ours runs and fetches.
    pub async fn forget(&self) -> Result<bool, BackupFailure> {
        let forgotten = async {
            let mut conn = establish(&self.url).await?;
            match slot(&mut conn, &self.slot()).await? {
                None => Ok(false),
                Some(Slot { pid: Some(_), .. }) => {
                    Err("a running server of Shutterpost fetches its log; stop it first".into())
                }
                Some(_) => drop_slot(&mut conn, &self.slot()).await.map(|()| true),
            }
        };
        forgotten.await.map_err(|reason: String| self.refused(reason))
    }
}

/// For the operator's eyes.
pub(super) fn told(error: diesel::result::Error) -> String {
    error.to_string()
}

pub(super) async fn establish(url: &str) -> Result<AsyncPgConnection, String> {
    let open = async {
        let mut conn = AsyncPgConnection::establish(url).await.map_err(|error| error.to_string())?;
        conn.batch_execute(SETTINGS).await.map_err(told)?;
        Ok(conn)
    };
    tokio::time::timeout(PATIENCE, open).await.unwrap_or_else(|_| Err("it does not answer".into()))
}

pub(super) async fn slot(conn: &mut AsyncPgConnection, name: &str) -> Result<Option<Slot>, String> {
    const SLOT: &str = "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint AS flushed, \
        (restart_lsn - '0/0')::bigint AS received, active_pid::bigint AS pid, wal_status AS state, \
        left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) AS timeline, \
        ceil(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS clock \
        FROM pg_replication_slots WHERE slot_name = $1";
    let rows: Vec<SlotRow> = diesel::sql_query(SLOT).bind::<Text, _>(name).load(conn).await.map_err(told)?;
    let Some(SlotRow { flushed, received, pid, state, timeline, clock }) = rows.into_iter().next() else {
        return Ok(None);
    };
    let place = |place: i64| Lsn(u64::try_from(place).unwrap_or(0));
    Ok(Some(Slot {
        flushed: place(flushed),
        received: received.map(place),
        pid,
        is_lost: state.as_deref() == Some("lost"),
        timeline: u32::from_str_radix(&timeline, 16).map_err(|error| error.to_string())?,
        clock: Millis(clock),
    }))
}

pub(super) async fn drop_slot(conn: &mut AsyncPgConnection, name: &str) -> Result<(), String> {
    let sql =
        "SELECT pg_drop_replication_slot(slot_name) IS NOT NULL AS yes FROM pg_replication_slots WHERE slot_name = $1";
    let dropped: Vec<Yes> = diesel::sql_query(sql).bind::<Text, _>(name).load(conn).await.map_err(told)?;
    debug_assert!(dropped.len() <= 1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_url_is_kept_apart_and_shown_nowhere() {
        let parse = |url: &str| Server::parse(Database::Data, url).expect("reads");
        let server = parse("postgres://app:a%20b%3Ac@one.example:5433/photos?sslmode=require");
        assert_eq!(server.address(), "postgres://app@one.example:5433/photos?sslmode=require");
        assert_eq!((server.password(), server.name(), server.role()), (Some("a b:c"), "photos", "app"));
        assert_eq!(server.slot(), "shutterpost_photos");
        let server = parse("postgres:///?host=%2Frun%2Fpostgresql&user=app&password=secret");
        assert_eq!(server.address(), "postgres://@/?host=%2Frun%2Fpostgresql&user=app");
        assert_eq!((server.password(), server.name(), server.role()), (Some("secret"), "app", "app"));
        assert_eq!(format!("{server:?}"), "Server");
        let refused = Server::parse(Database::Data, "postgres://:secret@host/db").expect_err("names no role");
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
}
