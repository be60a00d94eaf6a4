//! What does not lead to the moment that was asked for is refused by name.

use std::fs;

use shutterpost_vault::keys::Keys;

use super::stage::Stage;
use crate::backup::{At, BackupFailure, Database, Wish, restore};

/// A chain of six segments.
async fn chain() -> Stage {
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.settle(&mut service);
    for _ in 0..6 {
        stage.write(2);
        stage.clock().advance(1000);
        service.tick();
    }
    service.finish();
    assert_eq!(stage.objects("/wal/").len(), 6);
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_torn_changed_or_exchanged_segment_is_named() {
    let mut stage = chain().await;
    let names = stage.objects("/wal/");
    let paths: Vec<_> = names.iter().map(|name| stage.target().join(name)).collect();
    let whole: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).expect("is there")).collect();
    let put = |at: usize, bytes: &[u8]| fs::write(&paths[at], bytes).expect("writes");

    fs::remove_file(&paths[2]).expect("removes");
    let refused = stage.try_restore(At::Latest).expect_err("missing");
    assert!(matches!(&refused, BackupFailure::Missing { name, .. } if name.contains("segment 3")), "{refused}");
    put(2, &whole[2]);

    for (torn, what) in [
        (whole[2][..whole[2].len() - 1].to_vec(), "torn"),
        (whole[2][..20].to_vec(), "nearly gone"),
        (Vec::new(), "empty"),
        ([&whole[2][..], &[0]].concat(), "longer"),
        (whole[2].iter().enumerate().map(|(at, byte)| if at == 2000 { byte ^ 1 } else { *byte }).collect(), "changed"),
    ] {
        put(2, &torn);
        let refused = stage.try_restore(At::Latest).expect_err(what);
        assert!(matches!(&refused, BackupFailure::Damaged { name, .. } if *name == names[2]), "{what}: {refused}");
    }

    put(2, &whole[3]);
    let refused = stage.try_restore(At::Latest).expect_err("exchanged");
    assert!(matches!(&refused, BackupFailure::Exchanged { name } if *name == names[2]), "{refused}");

    // The head of one before the body of another.
    let length = |object: &[u8]| 8 + u32::from_be_bytes(object[4..8].try_into().expect("four")) as usize;
    put(2, &[&whole[2][..length(&whole[2])], &whole[3][length(&whole[3])..]].concat());
    let refused = stage.try_restore(At::Latest).expect_err("mixed");
    assert!(matches!(&refused, BackupFailure::Exchanged { .. } | BackupFailure::Damaged { .. }), "{refused}");
    put(2, &whole[2]);

    fs::remove_file(&paths[5]).expect("removes");
    let refused = stage.try_restore(At::Latest).expect_err("cut off");
    assert!(matches!(&refused, BackupFailure::Missing { name, .. } if name.contains("segment 6")), "{refused}");
    put(5, &whole[5]);
    assert!(stage.restored(At::Latest) == stage.present());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_base_is_refused_and_found_by_the_next_check() {
    let mut stage = chain().await;
    let base = stage.target().join(&stage.objects("/base/")[0]);
    let mut bytes = fs::read(&base).expect("is there");
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    fs::write(&base, &bytes).expect("writes");
    let refused = stage.try_restore(At::Latest).expect_err("damaged");
    assert!(matches!(&refused, BackupFailure::Damaged { name, .. } if name.contains("/base/")), "{refused}");
    stage.clock().advance(2 * 86_400_000);
    let mut service = stage.service();
    stage.settle(&mut service);
    let status = stage.backups().status().expect("reads");
    assert!(
        status.data.base_problem.is_some_and(|problem| problem.contains("damaged")),
        "the next copy checks the last chain"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_backup_key_opens_nothing_and_before_the_first_backup_there_is_none() {
    let mut stage = chain().await;
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
    let mut stage = chain().await;
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
