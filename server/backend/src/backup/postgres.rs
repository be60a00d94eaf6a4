//! Backups of PostgreSQL, by its own programs: `pg_receivewal` receives the write-ahead log each second, `pg_basebackup`
//! copies the whole server, and a private `postgres` replays both. They go into the same chains as those of SQLite
//! ([`super::sealed`]): what is stored of the log is a segment, a copy is a base.
//!
//! A base copy holds a whole server. So data and key store must lie on two servers, or the keys would lie in the
//! backups of the data.

mod base;
mod private;
mod programs;
mod receiver;
mod restore;
mod server;
mod session;
mod ship;
mod wal;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shutterpost_model::time::Millis;

use super::{BackupFailure, Database};
use crate::db::DatabaseUrl;

pub use base::copy_now;
#[cfg(test)]
pub(crate) use programs::Identity;
pub use programs::Programs;
pub use restore::restore_cluster;
pub use server::{Facts, Server, Unfit, WalKept};
pub(super) use ship::Seen;
pub(super) use work::Work;

use wal::Lsn;

/// A server of PostgreSQL that is backed up.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub server: Server,
    /// The server of the other database, which must not be the same.
    pub other: Option<Server>,
    /// For what is on its way to the target, and for checking copies.
    pub folder: PathBuf,
    pub programs: Programs,
}

impl Cluster {
    /// Those of the two databases that are PostgreSQL. `folder` is for what is on its way to the target.
    ///
    /// # Errors
    /// [`BackupFailure::Server`] if a URL does not read.
    pub fn of(
        data: &DatabaseUrl,
        keys: &DatabaseUrl,
        folder: &std::path::Path,
        programs: &Programs,
    ) -> Result<Vec<Self>, BackupFailure> {
        let server = |database, url: &DatabaseUrl| match url {
            DatabaseUrl::Sqlite(_) => Ok(None),
            DatabaseUrl::Postgres(url) => Server::parse(database, url).map(Some),
        };
        let (data, keys) = (server(Database::Data, data)?, server(Database::Keys, keys)?);
        let cluster = |server: &Option<Server>, other: &Option<Server>| {
            server.clone().map(|server| Self {
                folder: folder.join(server.database().as_str()),
                server,
                other: other.clone(),
                programs: programs.clone(),
            })
        };
        Ok([cluster(&data, &keys), cluster(&keys, &data)].into_iter().flatten().collect())
    }
}

/// What the head of a base says of the server that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CopyHead {
    pub(super) history: History,
    /// First version number, which the program that replays must have.
    major: u32,
    /// Bytes of a file of the log.
    file_bytes: u64,
    /// The database on the server, and the role that owns it.
    name: String,
    role: String,
    /// How far the log must be replayed at least: before it files are of different moments.
    whole: Lsn,
    /// How far the log must be replayed until the rows are as they were counted.
    counted: Lsn,
    /// From then on it can be restored, by our clock; what the server's showed then.
    usable_from: Millis,
    clock: Millis,
    rows: BTreeMap<String, i64>,
}

/// What the head of a segment says of the piece of the log that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PieceHead {
    pub(super) history: History,
    from: Lsn,
    to: Lsn,
    /// What the server's clock showed at the segment's time.
    clock: Millis,
}

/// Whose log it is. Only what has the same may follow in a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct History {
    /// The server's own name for itself, which a restored one keeps.
    system: String,
    /// Counted up when a server is restored or takes over.
    timeline: u32,
    /// By whom the chain is continued.
    slot: String,
}
