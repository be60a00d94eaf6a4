//! Chains hold through writes, checkpoints, crashes and other programs.

use shutterpost_model::time::Millis;

use super::stage::{Rows, Stage};
use crate::backup::{At, Database};

/// Anything that may happen to a database and its shipper, in any order; each recorded moment is restored and compared.
#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_moment_comes_back() {
    for seed in [1, 2, 3] {
        let mut stage = Stage::of(Database::Data, seed).await;
        let mut service = stage.service();
        stage.settle(&mut service);
        let mut recorded: Vec<(Millis, Rows)> = Vec::new();
        for _ in 0..70 {
            match stage.pick(12) {
                0..=3 => {
                    let rows = stage.pick(20) + 1;
                    stage.write(rows);
                }
                4 => {
                    let half = stage.pick(2);
                    let sql = format!("DELETE FROM notes WHERE id % 5 = {half}");
                    stage.writer.execute_batch(&sql).expect("deletes");
                }
                5 => stage
                    .writer
                    .execute_batch("UPDATE notes SET parent = 4 - parent WHERE id % 3 = 0")
                    .expect("updates"),
                // Longer than a segment, and longer than the log may become.
                6 => stage.write(100),
                7 => {
                    let sql = "BEGIN; UPDATE notes SET body = x'00'; ROLLBACK;";
                    stage.writer.execute_batch(sql).expect("rolls back");
                }
                8 => {
                    let mode = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"][stage.pick(4) as usize];
                    stage.writer.execute_batch("PRAGMA busy_timeout = 0").expect("is set");
                    let busy = stage.writer.query_row(&format!("PRAGMA wal_checkpoint({mode})"), (), |_| Ok(()));
                    busy.expect("may be busy, but does not fail");
                }
                // The process dies; before the next one starts, somebody may write.
                9 => {
                    drop(service);
                    if stage.pick(2) == 0 {
                        stage.write(2);
                    }
                    service = stage.service();
                }
                10 => stage.writer.execute_batch("VACUUM").expect("vacuums"),
                _ => {
                    stage.clock().advance(86_400_000);
                    stage.write(1);
                }
            }
            if stage.pick(3) > 0 {
                stage.clock().advance(1000);
                stage.settle(&mut service);
                recorded.push((stage.clock_now(), stage.present()));
                stage.clock().advance(1000);
            }
        }
        assert!(recorded.len() > 30);
        let now = stage.clock_now();
        for (at, rows) in recorded.iter().filter(|(at, _)| at.0 > now.0 - 13 * 86_400_000) {
            let back = stage.restored(At::Time(*at));
            assert!(back == *rows, "seed {seed}: {} has {} rows, not {}", at.rfc3339(), back.len(), rows.len());
        }
        stage.settle(&mut service);
        assert!(stage.restored(At::Latest) == stage.present());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_in_the_target_after_one_tick() {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    for rows in [1, 5, 60] {
        stage.write(rows);
        service.tick();
        assert!(stage.restored(At::Latest) == stage.present());
    }
    let status = stage.backups().status().expect("reads");
    assert!(status.data.problem.is_none() && status.data.base.is_some_and(|base| base.verified_at.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_goes_on_with_the_chain_and_a_clean_end_leaves_nothing_unshipped() {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    stage.write(5);
    service.tick();
    stage.write(5);
    drop(service);
    stage.write(5);
    let mut service = stage.service();
    service.tick();
    assert!(stage.restored(At::Latest) == stage.present());
    stage.write(5);
    service.finish();
    assert!(stage.restored(At::Latest) == stage.present());
    let generations = stage.backups().generations(Database::Data).expect("lists");
    assert_eq!(generations.len(), 1, "one chain through crash and start");
    assert_eq!(stage.objects("/base/").len(), 1, "and no copy more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_somebody_emptied_begins_a_new_chain() {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    stage.write(5);
    service.tick();
    let (before, then) = (stage.present(), stage.clock_now());
    drop(service);
    stage.write(5);
    let busy: i64 = stage.writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0)).expect("runs");
    assert_eq!(busy, 0, "nobody holds the log");
    stage.write(5);
    stage.clock().advance(5000);
    let mut service = stage.service();
    stage.settle(&mut service);
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 2);
    assert!(stage.restored(At::Latest) == stage.present());
    assert!(stage.restored(At::Time(then)) == before, "the old chain still leads to its moments");
}

/// The log is emptied while the shipper runs, by the shipper alone, and stays small.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_emptied_and_the_chain_goes_on() {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    stage.writer.execute_batch("PRAGMA wal_autocheckpoint = 0").expect("is set");
    for _ in 0..60 {
        stage.write(10);
        service.tick();
    }
    let log = std::fs::metadata(stage.source.log()).expect("is there").len();
    assert!(log < 400_000, "{log} bytes");
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 1);
    assert!(stage.restored(At::Latest) == stage.present());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_shippers_the_second_stands_back_until_the_first_ends() {
    let mut stage = Stage::new().await;
    let mut first = stage.service();
    stage.settle(&mut first);
    let mut second = stage.service();
    stage.write(5);
    second.tick();
    assert!(stage.restored(At::Latest) != stage.present(), "the second ships nothing");
    first.tick();
    assert!(stage.restored(At::Latest) == stage.present());
    stage.write(5);
    drop(first);
    second.tick();
    assert!(stage.restored(At::Latest) == stage.present(), "it takes over");
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_beside_a_running_server_does_not_hide_its_chain() {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    stage.write(5);
    stage.clock().advance(1000);
    let made = crate::backup::base_now(&stage.backups(), &stage.source).expect("is made");
    assert!(made.rows > 0 && made.root.is_none());
    stage.clock().advance(1000);
    assert!(stage.restored(At::Latest) == stage.present());
    stage.write(5);
    service.tick();
    assert!(stage.restored(At::Latest) == stage.present(), "the chain reaches further than the copy");
    drop(service);
    stage.settle(&mut stage.service());
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 2, "the chain and the copy");
}

/// Another process writes as fast as it can and makes its own checkpoints all the time.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_writer_with_checkpoints_of_its_own_breaks_no_chain() {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    let path = stage.source.path.clone();
    let busy = std::thread::spawn(move || {
        let writer = rusqlite::Connection::open(path).expect("opens");
        writer.busy_timeout(std::time::Duration::from_secs(10)).expect("is set");
        writer.execute_batch("PRAGMA wal_autocheckpoint = 5; PRAGMA synchronous = OFF;").expect("is set");
        for _ in 0..1500 {
            // Always in pairs.
            let sql = "BEGIN IMMEDIATE; INSERT INTO notes (parent, body) VALUES (1, zeroblob(900));
                       INSERT INTO notes (parent, body) VALUES (2, zeroblob(900)); COMMIT;";
            writer.execute_batch(sql).expect("writes");
        }
    });
    let mut moments = vec![stage.clock_now()];
    while !busy.is_finished() {
        stage.clock().advance(1000);
        service.tick();
        moments.push(stage.clock_now());
    }
    busy.join().expect("wrote all");
    service.tick();
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 1);
    assert!(stage.restored(At::Latest) == stage.present());
    let step = (moments.len() / 10).max(1);
    for moment in moments.into_iter().step_by(step) {
        let rows = stage.restored(At::Time(moment));
        let ones = rows.iter().filter(|(_, parent, _)| *parent == 1).count();
        assert_eq!(rows.len(), 2 * ones, "a transaction came back whole or not at all");
    }
}

/// Puts a file in the target's place while the work is done.
fn without_target(stage: &mut Stage, work: impl FnOnce(&mut Stage)) {
    let (target, away) = (stage.target(), stage.test.folder().join("away"));
    std::fs::rename(&target, &away).expect("is moved");
    std::fs::write(&target, b"not a folder").expect("is written");
    work(stage);
    std::fs::remove_file(&target).expect("is removed");
    std::fs::rename(&away, &target).expect("is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_away_is_caught_up_with() {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    without_target(&mut stage, |stage| {
        for _ in 0..3 {
            stage.write(40);
            service.tick();
        }
    });
    let before = stage.backups().status().expect("reads").data;
    stage.clock().advance(10_000);
    service.tick();
    assert!(stage.restored(At::Latest) == stage.present());
    let after = stage.backups().status().expect("reads").data;
    assert!(after.problem.is_none() && after.shipped_until > before.shipped_until, "{after:?}");
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 1, "the chain waited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_away_for_too_long_does_not_fill_the_disk() {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    without_target(&mut stage, |stage| {
        for _ in 0..100 {
            stage.write(40);
            service.tick();
        }
    });
    let log = std::fs::metadata(stage.source.log()).expect("is there").len();
    assert!(log < 3_000_000, "{log} bytes for 6 MB written");
    stage.clock().advance(10_000);
    stage.settle(&mut service);
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 2, "a new chain");
    assert!(stage.restored(At::Latest) == stage.present());

    // The file stays long, but the log in it is short.
    without_target(&mut stage, |stage| {
        stage.write(5);
        service.tick();
    });
    service.tick();
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 2, "the same chain");
    assert!(stage.restored(At::Latest) == stage.present());
}
