//! Transactions that get in each other's way. What the database asks to be tried again is "busy", never a failure.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::error::{AppError, Code};
use tokio::sync::oneshot;

use super::insert;
use crate::db::{DatabaseUrl, Db, Tx, on_db, write_tx};
use crate::error::Failure;
use crate::schema::identity_organisations as organisations;
use crate::testing::{TestDatabase, databases};

async fn rename(tx: &mut Tx, id: &str, name: &str) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(organisations::table)
        .filter(organisations::id.eq(id))
        .set(organisations::name.eq(name))
        .execute(c).await)?;
    Ok(())
}

/// Databases with two organisations, on which transactions really run side by side.
async fn postgres() -> Vec<TestDatabase> {
    let mut found = Vec::new();
    for test in databases().await.into_iter().filter(|test| !test.db.is_sqlite()) {
        write_tx!(test.db, tx => {
            insert(tx, "org_one").await?;
            insert(tx, "org_two").await
        })
        .expect("writes");
        found.push(test);
    }
    found
}

fn is_busy(outcome: Result<(), Failure>) -> bool {
    let failure = outcome.expect_err("cannot be done");
    let shown = format!("{failure:?}");
    assert_eq!(AppError::from(failure).code, Code::Busy, "{shown}");
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_transactions_that_wait_for_each_other_one_is_written_and_one_is_busy() {
    for test in postgres().await {
        let (one_has_begun, one_began) = oneshot::channel();
        let (two_has_begun, two_began) = oneshot::channel();
        let both = [
            ("first", ["org_one", "org_two"], one_has_begun, two_began),
            ("second", ["org_two", "org_one"], two_has_begun, one_began),
        ];
        let tasks = both.map(|(name, [here, there], begun, other)| {
            let db = test.db.clone();
            tokio::spawn(async move {
                write_tx!(db, tx => {
                    rename(tx, here, name).await?;
                    begun.send(()).ok();
                    other.await.ok();
                    rename(tx, there, name).await
                })
            })
        });
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.expect("no panic"));
        }
        let (written, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!((written.len(), refused.len()), (1, 1));
        assert!(refused.into_iter().all(is_busy));
        let names = test.select("SELECT name AS line FROM identity_organisations GROUP BY name").await;
        assert_eq!(names.len(), 1, "both rows by the same one: {names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_whose_rows_changed_under_it_is_busy() {
    for test in postgres().await {
        let db = test.db.clone();
        let outcome = write_tx!(test.db, tx => {
            tx.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
            rename(tx, "org_one", "here").await?;
            write_tx!(db, tx => rename(tx, "org_two", "there").await)?;
            rename(tx, "org_two", "here").await
        });
        assert!(is_busy(outcome));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_for_a_row_or_a_result_is_busy() {
    for test in postgres().await {
        let db = Db::open_waiting(&test.url, 2, Duration::from_millis(50)).await.expect("opens");
        let outcome: Result<(), Failure> = write_tx!(test.db, tx => {
            rename(tx, "org_one", "here").await?;
            // The failure of the other one, which waited for this row.
            write_tx!(db, tx => rename(tx, "org_one", "there").await)
        });
        assert!(is_busy(outcome));
        for sql in [
            "SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(5)",
            "SET LOCAL lock_timeout = 0; SELECT id FROM identity_organisations FOR UPDATE NOWAIT",
        ] {
            let db = test.db.clone();
            let outcome: Result<(), Failure> = write_tx!(test.db, tx => {
                rename(tx, "org_two", "here").await?;
                write_tx!(db, tx => tx.execute_sql(sql).await)
            });
            assert!(is_busy(outcome), "{sql}");
        }
    }
}

/// The meaning of some errors is in their text alone, so it must be the one that is searched for.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_in_english_if_it_may_be_told_and_is_used_if_not() {
    for test in postgres().await {
        assert_eq!(test.select("SELECT current_setting('lc_messages') AS line").await, ["C"]);
        let DatabaseUrl::Postgres(url) = &test.url else { unreachable!("not SQLite") };
        let sign = if url.contains('?') { '&' } else { '?' };
        // A role that may read a little and set nothing.
        let url = format!("{url}{sign}options=-c%20role%3Dpg_monitor");
        let db = Db::connect(&DatabaseUrl::Postgres(url), 1, Duration::from_secs(1)).expect("a good URL");
        db.ping().await.expect("connects");
    }
}
