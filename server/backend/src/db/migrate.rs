//! Embedded migrations: forward only, run at start under a lock so that two instances that start together do not
//! run them twice.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use diesel::Connection;
use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{DatabaseUrl, StartFailure, connect};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const KEYS_SQLITE: EmbeddedMigrations = embed_migrations!("migrations/keys/sqlite");
const KEYS_POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/keys/postgres");

/// Which tables a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// The tables of the product; up to a version, or all.
    Data {
        until: Option<&'static str>,
    },
    Keys,
}

/// The migration after which the program seals what is stored.
pub(super) const BEFORE_SEALING: &str = "20261124000000";
/// Any constant of our own; PostgreSQL's advisory locks are numbers.
const LOCK: i64 = 0x5348_5554_5445_5250;
/// Longer than any migration should take.
const LOCK_SECONDS: u64 = 60;

pub(super) async fn run(url: &DatabaseUrl, content: Content) -> Result<(), StartFailure> {
    let url = url.clone();
    tokio::task::spawn_blocking(move || match url {
        DatabaseUrl::Sqlite(path) => sqlite(&path, content),
        DatabaseUrl::Postgres(url) => postgres(&url, content),
    })
    .await
    .map_err(|error| StartFailure::Migration(error.to_string()))?
}

fn sqlite(path: &Path, content: Content) -> Result<(), StartFailure> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| StartFailure::Open(error.to_string()))?;
    }
    let _lock = lock_file(&path.with_extension("lock"))?;
    let path = path.to_str().ok_or_else(|| StartFailure::Open("the path is not UTF-8".into()))?;
    let mut conn = connect::sqlite(path, connect::LOCK_WAIT).map_err(|error| StartFailure::Open(error.to_string()))?;
    match content {
        Content::Data { until } => apply(&mut conn, || SQLITE, until),
        Content::Keys => apply(&mut conn, || KEYS_SQLITE, None),
    }
}

/// An operating-system lock that ends with the process, whatever happens to it.
fn lock_file(path: &Path) -> Result<File, StartFailure> {
    let open = |error: std::io::Error| StartFailure::Open(error.to_string());
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(open)?;
    for _ in 0..LOCK_SECONDS * 20 {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => std::thread::park_timeout(Duration::from_millis(50)),
            Err(std::fs::TryLockError::Error(error)) => return Err(open(error)),
        }
    }
    Err(StartFailure::Locked(LOCK_SECONDS))
}

fn postgres(url: &str, content: Content) -> Result<(), StartFailure> {
    let mut conn = AsyncConnectionWrapper::<AsyncPgConnection>::establish(url)
        .map_err(|error| StartFailure::Open(error.to_string()))?;
    let lock = format!("SET lock_timeout = '{LOCK_SECONDS}s'; SELECT pg_advisory_lock({LOCK})");
    conn.batch_execute(&lock).map_err(|_| StartFailure::Locked(LOCK_SECONDS))?;
    // The lock ends with the connection, on every way out.
    match content {
        Content::Data { until } => apply(&mut conn, || POSTGRES, until),
        Content::Keys => apply(&mut conn, || KEYS_POSTGRES, None),
    }
}

fn apply<C, DB>(conn: &mut C, source: fn() -> EmbeddedMigrations, until: Option<&str>) -> Result<(), StartFailure>
where
    DB: Backend,
    C: MigrationHarness<DB>,
{
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| StartFailure::Migration(error.to_string());
    let known: Vec<Box<dyn Migration<DB>>> = source().migrations().map_err(failed)?;
    let known: Vec<MigrationVersion<'static>> = known.iter().map(|m| m.name().version().as_owned()).collect();
    for applied in conn.applied_migrations().map_err(failed)? {
        if !known.contains(&applied) {
            return Err(StartFailure::Newer(applied.to_string()));
        }
    }
    for migration in conn.pending_migrations(source()).map_err(failed)? {
        if until.is_some_and(|until| migration.name().version() > MigrationVersion::from(until)) {
            break;
        }
        conn.run_migration(&*migration).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;

    use super::*;
    use crate::schema::identity_memberships;

    #[test]
    fn an_older_database_is_brought_up_to_date_with_what_it_holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("old.sqlite");
        let mut conn = connect::sqlite(path.to_str().expect("UTF-8"), connect::LOCK_WAIT).expect("opens");
        conn.run_next_migration(SQLITE).expect("the first version");
        conn.batch_execute(
            "INSERT INTO identity_organisations VALUES ('org_1', 'Host', 0), ('org_2', 'Other', 0);
             INSERT INTO identity_users VALUES ('usr_1', 'a@b.example', 'A', 'en', NULL, 0, 0, 0, NULL);
             INSERT INTO identity_memberships VALUES ('org_1', 'usr_1', 'owner', 0), ('org_2', 'usr_1', 'owner', 0);
             INSERT INTO identity_sessions VALUES ('ses_1', x'01', 'usr_1', 'org_1', 0, 0, 7, 9, 9),
                 ('ses_2', x'02', 'usr_1', 'org_1', 0, 0, 8, 9, 9), ('ses_3', x'03', 'usr_1', NULL, 0, 0, 9, 9, 9);",
        )
        .expect("writes");
        apply(&mut conn, || SQLITE, None).expect("is brought up to date");
        let seen: Vec<Option<i64>> = identity_memberships::table
            .order(identity_memberships::organisation_id)
            .select(identity_memberships::last_seen_at)
            .load(&mut conn)
            .expect("reads");
        assert_eq!(seen, [Some(8), None]);
    }

    /// A migration that exists for one database only would make two products.
    #[test]
    fn both_databases_have_the_same_migrations() {
        for (sqlite, postgres) in [(SQLITE, POSTGRES), (KEYS_SQLITE, KEYS_POSTGRES)] {
            let sqlite: Vec<Box<dyn Migration<diesel::sqlite::Sqlite>>> = sqlite.migrations().expect("embedded");
            let postgres: Vec<Box<dyn Migration<diesel::pg::Pg>>> = postgres.migrations().expect("embedded");
            assert_eq!(
                sqlite.iter().map(|m| m.name().to_string()).collect::<Vec<_>>(),
                postgres.iter().map(|m| m.name().to_string()).collect::<Vec<_>>()
            );
        }
    }
}
