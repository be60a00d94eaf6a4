//! A target in S3, against moto.

use shutterpost_model::time::DAY;
use shutterpost_vault::data_key::{DataKey, KeyId};

use super::stage::Stage;
use crate::backup::{At, BackupFailure, Database, Target, restore_media};
use crate::storage::{SealedFile, Storage, s3};
use crate::testing::kms;

/// The whole life of a backup: a chain, a copy in several parts, pruning, objects, and the way back.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_does_as_well_as_a_folder() {
    let mut stage = Stage::new().await;
    let endpoint = kms();
    let bucket = format!("backups-{}", std::process::id());
    s3::make_bucket(&endpoint, &bucket, false).await;
    stage.url = Some(format!("s3://{bucket}/here/there?region=us-east-1&endpoint={endpoint}"));
    let storage = stage.test.deps().storage;
    let key = DataKey::from_bytes(KeyId::from_bytes([1; 16]), 1, &[7; 32]);
    let file = SealedFile::seal(&stage.test.world, &key, b"a picture").expect("is sealed");
    let picture = file.name().to_owned();
    storage.put(file).await.expect("is stored");

    let mut service = stage.service();
    stage.settle(&mut service);
    let mut moments = Vec::new();
    for _ in 0..4 {
        stage.write(60);
        stage.clock().advance(1000);
        service.tick();
        moments.push((stage.clock_now(), stage.present()));
        stage.clock().advance(1000);
    }
    let large = "INSERT INTO notes (id, parent, body) VALUES (9999, 1, randomblob(20000000))";
    stage.writer.execute_batch(large).expect("is written");
    stage.clock().advance(DAY);
    stage.settle(&mut service);
    assert_eq!(stage.objects("/base/").len(), 2, "the second has more than one part");
    for (at, rows) in &moments {
        assert!(stage.restored(At::Time(*at)) == *rows);
    }
    assert!(stage.restored(At::Latest) == stage.present());
    drop(service);

    let mut service = stage.service();
    service.tick();
    stage.write(2);
    stage.settle(&mut service);
    assert!(stage.restored(At::Latest) == stage.present());
    let status = stage.backups().status().expect("reads");
    assert_eq!((status.data.problem, status.data.base_problem, status.media.problem), (None, None, None));
    assert_eq!(stage.backups().generations(Database::Data).expect("lists").len(), 1, "it goes on after a start");

    let elsewhere = Storage::folder(&stage.test.folder().join("elsewhere")).expect("opens");
    let restored = restore_media(&stage.backups(), &elsewhere, &mut |_| {}).expect("comes back");
    assert_eq!((restored.objects, restored.bad.count), (1, 0));
    assert_eq!(elsewhere.names().await, &[picture]);

    // A month in few steps: each look is many requests, and moto answers one after the other.
    for _ in 0..3 {
        stage.clock().advance(10 * DAY);
        stage.settle(&mut service);
    }
    assert!(stage.objects("/wal/").is_empty(), "what is past its time is deleted");
}

/// What is stored in a bucket is copied as what is in a folder, and comes back into either.
#[tokio::test(flavor = "multi_thread")]
async fn objects_in_a_bucket_are_copied_and_come_back() {
    let stage = Stage::new().await;
    let endpoint = kms();
    let bucket = format!("objects-{}", std::process::id());
    s3::make_bucket(&endpoint, &bucket, false).await;
    let url = format!("s3://{bucket}/media?region=us-east-1&endpoint={endpoint}");
    let storage = Storage::parse(&url).expect("reads");
    let key = DataKey::from_bytes(KeyId::from_bytes([1; 16]), 1, &[7; 32]);
    let mut names = Vec::new();
    for length in [9, 9_000_000] {
        let file = SealedFile::seal(&stage.test.world, &key, &vec![7; length]).expect("is sealed");
        names.push(file.name().to_owned());
        storage.put(file).await.expect("is stored");
    }
    names.sort_unstable();
    let copied = stage.backups().copy_media(&storage).expect("is copied");
    assert_eq!((copied.objects, copied.problem), (2, None));
    storage.delete(&names[0]).await.expect("is lost");
    let elsewhere = Storage::folder(&stage.test.folder().join("elsewhere")).expect("opens");
    for (into, objects) in [(&storage, 1), (&elsewhere, 2)] {
        let restored = restore_media(&stage.backups(), into, &mut |_| {}).expect("comes back");
        assert_eq!((restored.objects, restored.bad.count), (objects, 0));
        let mut there = into.names().await;
        there.sort_unstable();
        assert_eq!(there, names);
        assert_eq!(into.get(&names[0], &key).await.expect("is whole").first(), Some(&7));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_and_an_address_that_does_not_read_are_refused() {
    let endpoint = kms();
    let url = format!("s3://nowhere-{}/x?region=us-east-1&endpoint={endpoint}", std::process::id());
    let refused = Target::parse(&url).expect("reads").put("one", b"x".to_vec()).expect_err("is not there");
    assert!(matches!(&refused, BackupFailure::Target(reason) if reason.contains("NoSuchBucket")), "{refused}");
    let refused = Target::parse("s3://user:secret@bucket").expect_err("has no region").to_string();
    assert!(!refused.contains("secret"), "{refused}");
    let refused = Target::parse("ftp://nowhere").expect_err("is unknown").to_string();
    assert!(refused.contains("ftp") && refused.contains("s3://"), "{refused}");
}
