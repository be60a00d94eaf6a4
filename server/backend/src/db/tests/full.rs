//! A database on a file system that is really full. SQLite alone: the disk of a PostgreSQL is not ours to fill.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use tempfile::TempDir;

use super::count;
use crate::db::{DatabaseUrl, Db, on_db, write_tx};
use crate::error::Failure;
use crate::schema::identity_organisations as organisations;
use crate::testing::disk::Disk;

/// Two organisations in one transaction, the second with as long a name.
async fn insert(db: &Db, number: i64, length: usize) -> Result<(), Failure> {
    let name = "x".repeat(length);
    write_tx!(db, tx => {
        for (id, name) in [(format!("org_{number}_a"), "x"), (format!("org_{number}_b"), name.as_str())] {
            on_db!(tx, c => diesel::insert_into(organisations::table)
                .values((organisations::id.eq(&id), organisations::name.eq(name), organisations::created_at.eq(0)))
                .execute(c).await)?;
        }
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_as_such_and_a_transaction_is_written_whole_or_not_at_all() {
    let folder = TempDir::new().expect("a folder");
    let Some(disk) = Disk::mount(folder.path(), "4m") else { return };
    let url = DatabaseUrl::Sqlite(folder.path().join("full.sqlite"));
    let db = Db::open(&url, 2).await.expect("an empty one fits");
    let mut written = 0;
    let failure = loop {
        match insert(&db, written, 200_000).await {
            Ok(()) => written += 1,
            Err(failure) => break failure,
        }
        assert!(written < 100, "the disk is not that large");
    };
    assert!(matches!(failure, Failure::Full(_)), "{failure:?}");
    assert_eq!(count(&db).await, 2 * written);
    disk.grow("16m");
    insert(&db, written, 200_000).await.expect("there is room now");
    assert_eq!(count(&db).await, 2 * (written + 1));
}
