//! What fails again and again fills no disk, stops nothing else, and is told of.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex};

use shutterpost_model::time::DAY;
use shutterpost_vault::data_key::{DataKey, KeyId};

use super::stage::Stage;
use crate::backup::{At, Database, restore_media};
use crate::storage::{SealedFile, Storage};

const MINUTE: i64 = 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_fails_its_check_is_deleted_and_made_again_later_and_later() {
    let (mut stage, odd) = Stage::with_odd_target().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    let good = stage.objects("/base/");
    let sql = "PRAGMA foreign_keys = OFF; INSERT INTO notes (id, parent, body) VALUES (7777, 99, x'00');";
    stage.writer.execute_batch(sql).expect("refers to nothing");
    stage.clock().advance(DAY);
    let begun = stage.clock_now();
    let copies = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&copies);
    odd.at_each_call(Some(Box::new(move |name| {
        if let Some((_, copy)) = name.split_once("/base/") {
            seen.lock().expect("is whole").insert(copy.split('-').next().and_then(|time| time.parse::<i64>().ok()));
        }
    })));
    for minute in 0..600 {
        stage.settle(&mut service);
        assert_eq!(stage.objects("/base/"), good, "after {minute} minutes");
        stage.clock().advance(MINUTE);
    }
    odd.at_each_call(None);
    let copies = copies.lock().expect("is whole").clone();
    // The good one is read as well.
    let minutes: Vec<i64> =
        copies.into_iter().flatten().filter(|at| *at >= begun.0).map(|at| (at - begun.0) / MINUTE).collect();
    assert_eq!(minutes, [0, 10, 30, 70, 150, 310, 550]);
    let problem = stage.backups().status().expect("reads").data.base_problem;
    assert!(problem.is_some_and(|problem| problem.contains("notes")));

    stage.writer.execute_batch("DELETE FROM notes WHERE id = 7777").expect("deletes");
    stage.clock().advance(4 * 60 * MINUTE);
    stage.settle(&mut service);
    assert_eq!(stage.objects("/base/").len(), 2);
    assert_eq!(stage.backups().status().expect("reads").data.base_problem, None);
    assert!(stage.restored(At::Latest) == stage.present());
}

/// A copy that cannot be deleted is deleted before the next one is made.
#[tokio::test(flavor = "multi_thread")]
async fn copies_that_fail_do_not_gather_while_nothing_can_be_deleted() {
    let (stage, odd) = Stage::with_odd_target().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    let sql = "PRAGMA foreign_keys = OFF; INSERT INTO notes (id, parent, body) VALUES (7777, 99, x'00');";
    stage.writer.execute_batch(sql).expect("refers to nothing");
    odd.keep_all(true);
    for _ in 0..5 {
        stage.clock().advance(DAY);
        stage.settle(&mut service);
    }
    assert_eq!(stage.objects("/base/").len(), 2, "the good one and one that failed");
    odd.keep_all(false);
    stage.clock().advance(DAY);
    stage.settle(&mut service);
    assert_eq!(stage.objects("/base/").len(), 1);
}

/// With the target away at the start nothing is known and nothing can be shipped, and the log does not fill the disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_ships_does_not_grow_without_bounds() {
    for refused in ["", "data"] {
        let (mut stage, odd) = Stage::with_odd_target().await;
        odd.refuse(Some(refused));
        let mut service = stage.service();
        for _ in 0..100 {
            stage.write(40);
            service.tick();
        }
        let log = fs::metadata(stage.source.log()).expect("is there").len();
        assert!(log < 3_000_000, "{log} bytes for 6 MB written, {refused:?} refused");
        odd.refuse(None);
        stage.clock().advance(10_000);
        stage.settle(&mut service);
        stage.write(1);
        service.tick();
        assert!(stage.restored(At::Latest) == stage.present());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_does_not_read_is_written_anew_and_hinders_no_restore() {
    let (mut stage, _) = Stage::with_odd_target().await;
    stage.settle(&mut stage.service());
    fs::write(stage.target().join("status.json"), b"{torn").expect("writes");
    let restored = stage.try_restore(At::Latest).expect("comes back");
    assert!(restored.whole && restored.skipped.iter().any(|skipped| skipped.name == "status.json"), "{restored:?}");
    let mut service = stage.service();
    stage.write(2);
    stage.settle(&mut service);
    service.finish();
    let status = stage.backups().status().expect("reads again");
    assert!(status.data.generation.is_some() && status.data.shipped_until.is_some());
    assert!(stage.restored(At::Latest) == stage.present());
}

/// Three objects in a store, in the order in which they were stored.
async fn objects(stage: &Stage, storage: &Storage) -> Vec<String> {
    let key = DataKey::from_bytes(KeyId::from_bytes([1; 16]), 1, &[7; 32]);
    let mut names = Vec::new();
    for content in [b"one", b"two", b"six"] {
        let file = SealedFile::seal(&stage.test.world, &key, content).expect("is sealed");
        names.push(file.name().to_owned());
        storage.put(file).await.expect("is stored");
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_copied_holds_up_no_other() {
    let (stage, odd) = Stage::with_odd_target().await;
    let storage = stage.test.deps().storage.remembering();
    let mut service = stage.service_with(storage.clone());
    stage.settle(&mut service);
    let names = objects(&stage, &storage).await;
    let there = |name: &String| stage.target().join("media").join(name).exists();
    odd.refuse(Some(&names[0]));
    stage.clock().advance(10_000);
    service.tick();
    assert_eq!(names.iter().map(there).collect::<Vec<_>>(), [false, true, true]);
    let media = stage.backups().status().expect("reads").media;
    assert_eq!((media.waiting.names, media.waiting.count), (vec![names[0].clone()], 1));
    assert!(media.problem.is_some_and(|problem| problem.contains(&names[0])));
    odd.refuse(None);
    stage.clock().advance(10_000);
    service.tick();
    assert!(names.iter().all(there));
    let media = stage.backups().status().expect("reads").media;
    assert_eq!((media.waiting.count, media.problem), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn comparing_and_restoring_go_on_after_a_bad_object_and_name_it() {
    let (stage, odd) = Stage::with_odd_target().await;
    let storage = stage.test.deps().storage;
    let mut names = objects(&stage, &storage).await;
    names.sort_unstable();
    let there = |name: &String| stage.target().join("media").join(name).exists();
    odd.refuse(Some(&names[0]));
    let mut service = stage.service();
    stage.settle(&mut service);
    assert_eq!(names.iter().map(there).collect::<Vec<_>>(), [false, true, true]);
    let media = stage.backups().status().expect("reads").media;
    assert_eq!((media.objects, media.bad.names), (3, vec![names[0].clone()]));
    odd.refuse(None);
    stage.clock().advance(3_600_000);
    stage.settle(&mut service);
    assert!(names.iter().all(there), "tried again within the hour");
    assert_eq!(stage.backups().status().expect("reads").media.bad.count, 0);

    fs::write(stage.target().join("media").join(&names[0]), b"nothing that was sealed").expect("is damaged");
    let elsewhere = Storage::folder(&stage.test.folder().join("elsewhere")).expect("opens");
    let restored = restore_media(&stage.backups(), &elsewhere, &mut |_| {}).expect("goes on");
    assert_eq!((restored.objects, restored.bad.count, &restored.bad.names), (2, 1, &vec![names[0].clone()]));
    assert_eq!(elsewhere.names().await, &names[1..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_deleted_is_named_and_the_rest_is_deleted() {
    let (mut stage, odd) = Stage::with_odd_target().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    for _ in 0..3 {
        stage.write(1);
        stage.clock().advance(DAY);
        stage.settle(&mut service);
    }
    let bases = stage.objects("/base/");
    assert_eq!(bases.len(), 4);
    odd.refuse(Some(&bases[1]));
    for _ in 0..20 {
        stage.clock().advance(DAY);
        stage.settle(&mut service);
    }
    let left = stage.objects("/base/");
    assert!(left.contains(&bases[1]) && !left.contains(&bases[2]) && !left.contains(&bases[3]), "{left:?}");
    assert_eq!(stage.backups().status().expect("reads").pruning.names, [bases[1].clone()]);
    assert!(stage.objects("/wal/").is_empty(), "the old segments went");
    odd.refuse(None);
    stage.clock().advance(3_600_000);
    stage.settle(&mut service);
    assert!(!stage.objects("/base/").contains(&bases[1]));
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 1);
}
