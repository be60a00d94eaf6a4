//! What the log file shows and SQLite does not take as committed.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::stage::Stage;
use crate::backup::wal::{Log, Position};
use crate::backup::{At, Database, sqlite};

/// The log's file, and where in it SQLite's commits end.
fn end(stage: &Stage) -> (Log, File, Position) {
    let (log, mut file) = Log::read(&stage.source.log()).expect("reads").expect("is there");
    let committed = sqlite::count(&stage.source).expect("counts").in_log;
    let end = log.after(&mut file, committed).expect("reads").expect("is in the log");
    let file = File::options().read(true).write(true).open(stage.source.log()).expect("opens");
    (log, file, end)
}

/// A writer dies when its frames are written and before it tells the others; the next one writes over them.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_nobody_was_told_of_is_not_shipped() {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    for _ in 0..3 {
        stage.write(3);
        service.tick();
        let (log, file, end) = end(&stage);
        let pages: u32 = stage.writer.query_row("PRAGMA page_count", (), |row| row.get(0)).expect("counts");
        let frame = log.forged(&end, 2, pages, &vec![0xaa; log.page_size as usize]);
        file.write_all_at(&frame, log.bytes(end.frame)).expect("writes");
        stage.clock().advance(1000);
        service.tick();
        assert!(stage.restored(At::Latest) == stage.present(), "it was shipped");
        stage.write(3);
        service.tick();
        assert!(stage.restored(At::Latest) == stage.present(), "what was written over it is shipped");
    }
    drop(service);
    // The same at a start.
    let (log, file, end) = end(&stage);
    let frame = log.forged(&end, 2, 3, &vec![0xaa; log.page_size as usize]);
    file.write_all_at(&frame, log.bytes(end.frame)).expect("writes");
    let mut service = stage.service();
    stage.settle(&mut service);
    stage.write(3);
    service.tick();
    assert!(stage.restored(At::Latest) == stage.present());
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_whose_end_is_no_longer_in_the_log_begins_anew() {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    stage.write(3);
    service.tick();
    let (log, file, end) = end(&stage);
    // The checksum of the last frame that was shipped.
    file.write_all_at(&[1, 2, 3, 4], log.bytes(end.frame - 1) + 16).expect("writes");
    stage.write(3);
    stage.clock().advance(1000);
    stage.settle(&mut service);
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 2);
    stage.write(3);
    stage.settle(&mut service);
    assert!(stage.restored(At::Latest) == stage.present());
}
