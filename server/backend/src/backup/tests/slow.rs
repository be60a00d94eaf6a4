//! A target that is slow, hangs, or loses its answers holds up nobody but the backups.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::stage::Stage;
use crate::backup::{At, Database};
use crate::keystore::Copies;

/// Whatever the target is asked, at that moment others can write: no lock is held meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_the_target_in_order_to_write() {
    let (mut stage, odd) = Stage::with_odd_target().await;
    let writer = Connection::open(&stage.source.path).expect("opens");
    writer.busy_timeout(Duration::from_secs(3)).expect("is set");
    let (written, refused) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let counts = (Arc::clone(&written), Arc::clone(&refused));
    odd.at_each_call(Some(Box::new(move |name| {
        // Of these there are hundreds when shelves are compared, in a thread of their own.
        if name.starts_with("media") {
            return;
        }
        let count = match writer.execute("INSERT INTO notes (parent, body) VALUES (1, zeroblob(2000))", ()) {
            Ok(_) => &counts.0,
            Err(_) => &counts.1,
        };
        count.fetch_add(1, Ordering::SeqCst);
    })));
    let mut service = stage.service();
    stage.settle(&mut service);
    for _ in 0..20 {
        stage.write(20);
        service.tick();
    }
    // A start, and a base copy of its own.
    drop(service);
    stage.clock().advance(86_400_000);
    let mut service = stage.service();
    stage.settle(&mut service);
    odd.at_each_call(None);
    service.tick();
    assert_eq!(refused.load(Ordering::SeqCst), 0, "of {}", written.load(Ordering::SeqCst));
    assert!(written.load(Ordering::SeqCst) > 50);
    assert!(stage.restored(At::Latest) == stage.present());
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 1);
}

/// Segments have one name a number.
fn assert_one_chain(stage: &mut Stage) {
    assert!(stage.restored(At::Latest) == stage.present());
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 1);
    let names = stage.objects("/wal/");
    let numbers: BTreeSet<_> = names.iter().filter_map(|name| name.rsplit('/').next()?.split('-').next()).collect();
    assert_eq!(numbers.len(), names.len(), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_hangs_is_given_up_and_gone_on_with() {
    let (mut stage, odd) = Stage::with_odd_target().await;
    stage.settle(&mut stage.service());
    // What hangs is given up soon; before, the machine may be slow.
    stage.deadline = Duration::from_millis(500);
    let mut service = stage.service();
    service.tick();
    stage.write(5);
    odd.hang(true);
    for _ in 0..10 {
        service.tick();
        // Not locked, not even for a moment.
        stage.writer.busy_timeout(Duration::ZERO).expect("is set");
        stage.write(5);
        stage.clock().advance(1000);
    }
    assert!((1..=4).contains(&odd.hanging()), "{} calls hang", odd.hanging());
    assert!(!stage.backups().reach(1, stage.clock_now()).await, "nobody knows how far backups are");
    odd.hang(false);
    while odd.hanging() > 0 {
        std::thread::park_timeout(Duration::from_millis(2));
    }
    for _ in 0..3 {
        stage.clock().advance(10_000);
        stage.settle(&mut service);
    }
    assert_one_chain(&mut stage);
    let status = stage.backups().status().expect("reads");
    assert!(status.data.problem.is_none(), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_was_stored_without_an_answer_is_not_stored_under_a_second_name() {
    let (mut stage, odd) = Stage::with_odd_target().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    for _ in 0..3 {
        stage.write(5);
        odd.leave_unanswered(1);
        for _ in 0..3 {
            stage.clock().advance(1000);
            service.tick();
            stage.write(1);
        }
    }
    service.tick();
    assert_one_chain(&mut stage);
}
