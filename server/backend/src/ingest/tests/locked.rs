//! Uploads into a database that another process has locked.

use std::time::Duration;

use shutterpost_model::error::Code;
use shutterpost_model::ingest::{Ingest, Upload};
use tokio::sync::oneshot;

use super::super::fixture::{ANNA, OBJECTS, stands, upload_of};
use super::super::{IngestConfig, IngestService};
use super::code;
use crate::db::{Db, write_tx};
use crate::jobs::Wake;
use crate::services::Deps;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_locked_for_too_long_is_busy_and_keeps_nothing_of_the_upload() {
    for stand in stands().await {
        // A process of its own, as far as the database can tell: other connections, and less patience.
        let db = Db::open_waiting(&stand.test.url, 2, Duration::from_millis(50)).await.expect("opens");
        let deps = Deps { db, ..stand.deps.clone() };
        let config = IngestConfig { threads: Some(1), ..IngestConfig::default() };
        let ingest = IngestService::start(deps, config, Wake::default()).expect("a thread");
        let upload = || Upload { key: Some("locked".into()), ..upload_of(ANNA) };
        let before = stand.test.dump().await;

        let (locked, is_locked) = oneshot::channel();
        let (release, released) = oneshot::channel::<()>();
        let (db, sqlite) = (stand.test.db.clone(), stand.test.db.is_sqlite());
        let holder = tokio::spawn(async move {
            write_tx!(db, tx => {
                // A transaction of SQLite holds the lock as soon as it begins.
                if !sqlite {
                    tx.execute_sql("LOCK TABLE captures IN EXCLUSIVE MODE").await?;
                }
                locked.send(()).ok();
                released.await.ok();
                Ok(())
            })
        });
        is_locked.await.expect("the lock is held");
        for _ in 0..2 {
            let refused = ingest.accept(&stand.device, &stand.event, upload()).await;
            assert_eq!(code(refused), Code::Busy, "{}", stand.test.kind);
            assert_eq!(stand.objects().await, 0, "the files that were stored first are gone again");
        }
        release.send(()).expect("the holder waits");
        holder.await.expect("no panic").expect("ends");
        assert_eq!(stand.test.dump().await, before);

        ingest.accept(&stand.device, &stand.event, upload()).await.expect("the lock is gone");
        assert_eq!((stand.objects().await, stand.list().await.total), (OBJECTS, 1));
    }
}
