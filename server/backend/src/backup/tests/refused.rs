//! What does not lead to the moment that was asked for is named, and what leads nearest to it is taken.

use std::fs;

use shutterpost_vault::keys::Keys;

use super::stage::{Rows, Stage};
use crate::backup::{At, BackupFailure, Database, Progress, Wish, restore, restore_all};

/// A chain of six segments, and the rows after each.
async fn chain() -> (Stage, Vec<Rows>) {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    let mut present = Vec::new();
    for _ in 0..6 {
        stage.write(2);
        stage.clock().advance(1000);
        service.tick();
        present.push(stage.present());
    }
    service.finish();
    assert_eq!(stage.objects("/wal/").len(), 6);
    (stage, present)
}

/// Restores the latest moment and expects it to end before an object of this name, with these rows.
fn ends_before(stage: &mut Stage, name: &str, rows: &Rows, what: &str) {
    let restored = stage.try_restore(At::Latest).expect(what);
    let skipped = restored.skipped.first().expect(what);
    assert!(skipped.name.contains(name) && !skipped.reason.is_empty() && !restored.whole, "{what}: {restored:?}");
    assert!(stage.rows_of(&restored) == *rows, "{what}: all that leads there, and nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_torn_changed_or_exchanged_segment_is_named_and_ends_what_comes_back() {
    let (mut stage, present) = chain().await;
    let names = stage.objects("/wal/");
    let paths: Vec<_> = names.iter().map(|name| stage.target().join(name)).collect();
    let whole: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).expect("is there")).collect();
    let put = |at: usize, bytes: &[u8]| fs::write(&paths[at], bytes).expect("writes");

    fs::remove_file(&paths[2]).expect("removes");
    ends_before(&mut stage, "segment 3", &present[1], "missing");
    for (torn, what) in [
        (whole[2][..whole[2].len() - 1].to_vec(), "torn"),
        (whole[2][..20].to_vec(), "nearly gone"),
        (Vec::new(), "empty"),
        ([&whole[2][..], &[0]].concat(), "longer"),
        (whole[2].iter().enumerate().map(|(at, byte)| if at == 2000 { byte ^ 1 } else { *byte }).collect(), "changed"),
        (whole[3].clone(), "exchanged"),
    ] {
        put(2, &torn);
        ends_before(&mut stage, &names[2], &present[1], what);
    }
    // The head of one before the body of another.
    let length = |object: &[u8]| 8 + u32::from_be_bytes(object[4..8].try_into().expect("four")) as usize;
    put(2, &[&whole[2][..length(&whole[2])], &whole[3][length(&whole[3])..]].concat());
    ends_before(&mut stage, &names[2], &present[1], "mixed");
    put(2, &whole[2]);

    fs::remove_file(&paths[5]).expect("removes");
    ends_before(&mut stage, "segment 6", &present[4], "cut off");
    put(5, &whole[5]);
    assert!(stage.restored(At::Latest) == stage.present());
    assert!(stage.try_restore(At::Latest).expect("comes back").whole);
}

/// Changes a byte near the end of an object.
fn damage(stage: &Stage, name: &str) {
    let path = stage.target().join(name);
    let mut bytes = fs::read(&path).expect("is there");
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).expect("writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_base_is_found_by_the_next_check_and_the_new_copy_stays() {
    let (mut stage, _) = chain().await;
    damage(&stage, &stage.objects("/base/")[0]);
    let refused = stage.try_restore(At::Latest).expect_err("there is no other");
    assert!(matches!(&refused, BackupFailure::Damaged { name, .. } if name.contains("/base/")), "{refused}");
    stage.clock().advance(2 * 86_400_000);
    let mut service = stage.service();
    stage.settle(&mut service);
    let status = stage.backups().status().expect("reads").data;
    assert!(
        status.base_problem.is_some_and(|problem| problem.contains("damaged")),
        "the next copy checks the last chain"
    );
    let bases = stage.objects("/base/");
    assert_eq!(bases.len(), 2);
    assert_eq!(status.base.map(|base| base.name).as_ref(), bases.last(), "it is whole itself");
    // It was checked and needs nothing else, so the next one is made in a day.
    stage.clock().advance(3_600_000);
    stage.settle(&mut service);
    assert_eq!(stage.objects("/base/").len(), 2);
    assert!(stage.restored(At::Latest) == stage.present());
}

#[tokio::test(flavor = "multi_thread")]
async fn instead_of_a_damaged_base_the_one_before_leads_to_the_same_moment() {
    let (mut stage, present) = chain().await;
    stage.clock().advance(86_400_000);
    let mut service = stage.service();
    stage.settle(&mut service);
    stage.write(2);
    stage.clock().advance(1000);
    service.tick();
    let bases = stage.objects("/base/");
    assert_eq!(bases.len(), 2);
    damage(&stage, &bases[1]);
    let restored = stage.try_restore(At::Latest).expect("comes back");
    let skipped: Vec<_> = restored.skipped.iter().map(|skipped| &skipped.name).collect();
    assert!(skipped == [&bases[1]] && restored.whole && restored.segments == 7, "{restored:?}");
    assert!(stage.rows_of(&restored) == stage.present());

    // A generation beside it is what is left when that one is damaged as well.
    damage(&stage, &bases[0]);
    let refused = stage.try_restore(At::Latest).expect_err("nothing leads anywhere");
    assert!(matches!(&refused, BackupFailure::Damaged { .. }), "{refused}");
    crate::backup::base_now(&stage.backups(), &stage.source).expect("is made");
    let by_hand = stage.present();
    stage.clock().advance(1000);
    stage.write(2);
    service.tick();
    let restored = stage.try_restore(At::Latest).expect("comes back");
    assert!(restored.skipped.len() == 2 && !restored.whole && restored.segments == 0, "{restored:?}");
    assert!(stage.rows_of(&restored) == by_hand && by_hand != present[5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_databases_come_back_together_or_not_at_all() {
    let (stage, _) = chain().await;
    let folder = stage.test.folder().to_owned();
    let (one, two) = (folder.join("one.sqlite"), folder.join("two.sqlite"));
    fs::write(&one, b"mine").expect("writes");
    let wish = |to: &std::path::Path| Wish { database: Database::Data, at: At::Latest, to: to.to_owned(), force: true };
    let part = folder.join("two.sqlite.restoring");
    let backups = stage.backups();
    let mut taken = false;
    let refused = restore_all(&backups, &[wish(&one), wish(&two)], &mut |progress| {
        if progress == Progress::Moving {
            fs::remove_file(&part).expect("was written before anything is moved");
            taken = true;
        }
    });
    assert!(taken && matches!(&refused, Err(BackupFailure::File { .. })), "{refused:?}");
    assert_eq!(fs::read(&one).expect("is there"), b"mine", "the first was put back");
    assert!(!two.exists());
    let left = fs::read_dir(&folder).expect("lists").filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let left: Vec<_> = left.filter(|name| name.contains("restor")).collect();
    assert!(left.is_empty(), "{left:?}");

    // What is damaged is found before anything is moved.
    damage(&stage, &stage.objects("/base/")[0]);
    restore_all(&backups, &[wish(&one), wish(&two)], &mut |_| {}).expect_err("is damaged");
    assert_eq!(fs::read(&one).expect("is there"), b"mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_backup_key_opens_nothing_and_before_the_first_backup_there_is_none() {
    let (mut stage, _) = chain().await;
    let wish = |to: &str| Wish {
        database: stage.source.database,
        at: At::Latest,
        to: stage.test.folder().join(to),
        force: false,
    };
    let other = stage.backups_with(&Keys::ephemeral([8; 32]));
    let refused = restore(&other, &wish("other.sqlite"), &mut |_| {}).expect_err("another key");
    assert!(matches!(&refused, BackupFailure::Damaged { .. }), "{refused}");
    assert!(!stage.test.folder().join("other.sqlite").exists());
    let refused = stage.try_restore(At::Time(shutterpost_model::time::Millis(1))).expect_err("too early");
    assert!(matches!(&refused, BackupFailure::None { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_not_written_over() {
    let (mut stage, _) = chain().await;
    let to = stage.test.folder().join("mine.sqlite");
    fs::write(&to, b"mine").expect("writes");
    let wish = |force| Wish { database: Database::Data, at: At::Latest, to: to.clone(), force };
    let refused = restore(&stage.backups(), &wish(false), &mut |_| {}).expect_err("exists");
    assert!(matches!(refused, BackupFailure::Exists { .. }), "{refused}");
    assert_eq!(fs::read(&to).expect("is there"), b"mine");
    let restored = restore(&stage.backups(), &wish(true), &mut |_| {}).expect("is told to");
    assert_eq!(restored.moved.len(), 1);
    assert_eq!(fs::read(&restored.moved[0]).expect("is there"), b"mine");

    let open = rusqlite::Connection::open(&to).expect("opens");
    open.query_row("SELECT count(*) FROM notes", (), |row| row.get::<_, i64>(0)).expect("reads");
    let refused = restore(&stage.backups(), &wish(true), &mut |_| {}).expect_err("in use");
    assert!(matches!(refused, BackupFailure::InUse { .. }), "{refused}");
    drop(open);
    stage.write(1);
    restore(&stage.backups(), &wish(true), &mut |_| {}).expect("is free again");
}
