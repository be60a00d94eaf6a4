//! What holds of every store: a folder, a bucket, one that keeps versions, and one behind a bad network.

use std::collections::BTreeMap;

use shutterpost_vault::data_key::KeyId;

use super::proxy::{Proxy, Trouble};
use super::*;
use crate::testing::kms;

/// A store of the suite, and how it is seen without anything in between.
struct Case {
    name: &'static str,
    storage: Storage,
    direct: Storage,
    proxy: Option<Proxy>,
    _folder: Option<tempfile::TempDir>,
}

/// A bucket of the test's own in moto, and its address behind something else.
async fn bucket(name: &str, versioned: bool, behind: Option<&str>) -> (Storage, Storage) {
    let endpoint = kms();
    let bucket = format!("{name}-{}", std::process::id());
    s3::make_bucket(&endpoint, &bucket, versioned).await;
    let open = |endpoint: &str| {
        let url = format!("s3://{bucket}/our/own place?region=us-east-1&endpoint={endpoint}");
        Storage::bucket(&url, s3::Patience::HASTE).expect("reads")
    };
    (open(behind.unwrap_or(&endpoint)), open(&endpoint))
}

async fn cases(test: &str) -> Vec<Case> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let storage = Storage::folder(folder.path()).expect("opens");
    let mut cases = vec![Case { name: "folder", direct: storage.clone(), storage, proxy: None, _folder: Some(folder) }];
    for (name, versioned, trouble) in [
        ("bucket", false, None),
        ("versions", true, None),
        ("refuses", true, Some(Trouble::Refuses)),
        ("cuts", true, Some(Trouble::Cuts)),
    ] {
        let proxy = match trouble {
            Some(trouble) => Some(Proxy::start(&kms(), trouble).await),
            None => None,
        };
        let behind = proxy.as_ref().map(|proxy| proxy.address.as_str());
        let (storage, direct) = bucket(&format!("{test}-{name}"), versioned, behind).await;
        cases.push(Case { name, storage, direct, proxy, _folder: None });
    }
    cases
}

fn key() -> DataKey {
    DataKey::from_bytes(KeyId::from_bytes([1; 16]), 1, &[7; 32])
}

fn plain(length: u32) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

/// Everything below the bucket's prefix, of every version; nothing for a folder.
async fn remains(storage: &Storage) -> Vec<String> {
    match &storage.place {
        Place::Folder(_) => Vec::new(),
        Place::Bucket(own) => own.all_versions().await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_is_read_listed_and_deleted_for_good() {
    let world = test::world();
    for Case { name: case, storage, direct, proxy, .. } in cases("conform").await {
        storage.check().await.unwrap_or_else(|failure| panic!("{case}: {failure:?}"));
        assert!(direct.names().await.is_empty() && remains(&direct).await.is_empty(), "{case}: the probe is gone");
        let mut stored = BTreeMap::new();
        // The last two go in several parts.
        for length in [0, 1, 65_536, 200_000, 8_600_000, 19_000_000] {
            let bytes = plain(length);
            let file = SealedFile::seal(&world, &key(), &bytes).expect("is sealed");
            let name = file.name().to_owned();
            storage.put(file).await.unwrap_or_else(|failure| panic!("{case}: {length}: {failure:?}"));
            stored.insert(name, bytes);
        }
        let mut listed = storage.names().await;
        listed.sort_unstable();
        assert!(listed.iter().eq(stored.keys()), "{case}: {listed:?}");
        for (name, bytes) in &stored {
            assert!(storage.get(name, &key()).await.expect("is read") == *bytes, "{case}");
            assert!(direct.get(name, &key()).await.expect("is whole") == *bytes, "{case}");
            for asked in [Asked::From(0, Some(9)), Asked::From(65_530, Some(65_560)), Asked::Last(70_000)] {
                let Piece { bytes: piece, first, total } = storage.read(name, &key(), asked).await.expect("is read");
                let first = first as usize;
                assert_eq!(total, bytes.len() as u64, "{case}");
                assert!(bytes[first.min(bytes.len())..].starts_with(&piece), "{case}: {asked:?}");
            }
            let mut pieces = storage.pieces(name, &key()).await.expect("is there");
            assert_eq!(pieces.length(), bytes.len() as u64);
            let from = bytes.len() / 2;
            pieces.skip_to(from as u64);
            let mut read = Vec::new();
            while let Some(piece) = pieces.next().await.expect("is read") {
                read.extend(piece);
            }
            assert!(read == bytes[from..], "{case}: piece by piece");
            let examined = storage.examine(name, &key(), Some(bytes.len() as u64)).await.expect("answers");
            assert!(examined.is_ok(), "{case}: {examined:?}");
            let other = storage.examine(name, &key(), Some(bytes.len() as u64 + 1)).await.expect("answers");
            assert_eq!(other, Err(Flaw::Length), "{case}");
        }
        for name in stored.keys() {
            for _ in 0..2 {
                storage.delete(name).await.unwrap_or_else(|failure| panic!("{case}: {failure:?}"));
            }
            assert!(matches!(storage.get(name, &key()).await, Err(Failure::NotFound)), "{case}");
            assert_eq!(storage.examine(name, &key(), None).await.expect("answers"), Err(Flaw::Missing), "{case}");
        }
        assert!(direct.names().await.is_empty(), "{case}");
        assert_eq!(remains(&direct).await, Vec::<String>::new(), "{case}: no version remains");
        assert!(proxy.is_none_or(|proxy| proxy.troubled() > 50), "{case}: the network was bad");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_object_is_named_by_what_is_wrong_with_it() {
    let world = test::world();
    for Case { name: case, storage, .. } in cases("flaws").await {
        if case == "refuses" || case == "cuts" {
            continue;
        }
        let (one, two) = (SealedFile::seal(&world, &key(), &plain(200_000)), SealedFile::seal(&world, &key(), b"two"));
        let (name, bytes) = one.expect("is sealed").into_parts();
        let (_, other) = two.expect("is sealed").into_parts();
        let flipped = bytes.iter().enumerate().map(|(at, byte)| if at == 150_000 { byte ^ 1 } else { *byte }).collect();
        for (changed, flaw) in [
            (bytes.clone(), None),
            (bytes[..bytes.len() - 1].to_vec(), Some(Flaw::Length)),
            (bytes[..10].to_vec(), Some(Flaw::Length)),
            ([&bytes[..], b"x"].concat(), Some(Flaw::Length)),
            (flipped, Some(Flaw::Sealed)),
            (other, Some(Flaw::Sealed)),
            (plain(500), Some(Flaw::Sealed)),
        ] {
            storage.store.put(&name.as_str().into(), PutPayload::from(changed)).await.expect("is written");
            let examined = storage.examine(&name, &key(), None).await.expect("answers");
            assert_eq!(examined.err(), flaw, "{case}");
        }
        let elsewhere = DataKey::from_bytes(KeyId::from_bytes([2; 16]), 1, &[8; 32]);
        storage.store.put(&name.as_str().into(), PutPayload::from(bytes)).await.expect("is written");
        assert_eq!(storage.examine(&name, &elsewhere, None).await.expect("answers"), Err(Flaw::Sealed), "{case}");
    }
}

/// What fails leaves a whole object or none, what was taken is there, and nothing is there twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_network_loses_nothing_and_leaves_nothing_half() {
    let world = test::world();
    for trouble in [Trouble::Refuses, Trouble::Cuts] {
        let proxy = Proxy::start(&kms(), trouble).await;
        let name = if trouble == Trouble::Refuses { "bad-refuses" } else { "bad-cuts" };
        let (hasty, direct) = bucket(name, true, Some(&proxy.address)).await;
        let url = |address: &str| {
            format!("s3://{name}-{}/our/own place?region=us-east-1&endpoint={address}", std::process::id())
        };
        // One that gives up after the first failure, so that failures are seen here.
        let once = s3::Patience { attempts: 1, ..s3::Patience::HASTE };
        let storage = Storage::bucket(&url(&proxy.address), once).expect("reads");
        let (mut taken, mut failed) = (BTreeMap::new(), Vec::new());
        for round in 0..30_u32 {
            let bytes = plain(if round % 10 == 9 { 9_000_000 } else { 1000 * (round + 1) });
            let file = SealedFile::seal(&world, &key(), &bytes).expect("is sealed");
            let name = file.name().to_owned();
            match storage.put(file).await {
                Ok(()) => drop(taken.insert(name, bytes)),
                Err(_) => failed.push((name, bytes)),
            }
        }
        assert!(!taken.is_empty() && !failed.is_empty(), "{} taken, {} failed", taken.len(), failed.len());
        for (name, bytes) in &taken {
            assert!(direct.get(name, &key()).await.expect("is there") == *bytes, "{trouble:?}");
        }
        for (name, bytes) in &failed {
            match direct.get(name, &key()).await {
                Ok(found) => assert!(found == *bytes, "{trouble:?}: half an object"),
                Err(failure) => assert!(matches!(failure, Failure::NotFound), "{trouble:?}: {failure:?}"),
            }
            // As an upload that failed does.
            hasty.delete(name).await.unwrap_or_else(|failure| panic!("{trouble:?}: {failure:?}"));
        }
        let mut listed = direct.names().await;
        listed.sort_unstable();
        assert!(listed.iter().eq(taken.keys()), "{trouble:?}: nothing lost and nothing twice");
        let future = Millis(world.now().0.max(4_000_000_000_000));
        direct.abandon_uploads(future).await.expect("unfinished uploads are taken back");
        assert_eq!(direct.abandon_uploads(future).await.expect("is asked again"), 0, "{trouble:?}");
        for name in taken.keys() {
            direct.delete(name).await.expect("is deleted");
        }
        assert!(remains(&direct).await.is_empty(), "{trouble:?}: no version remains");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_were_never_finished_are_taken_back_when_they_are_old() {
    let (storage, _) = bucket("unfinished", false, None).await;
    let mut upload = storage.store.put_multipart(&"ab/cd/abcd".into()).await.expect("begins");
    upload.put_part(PutPayload::from(plain(100))).await.expect("is sent");
    assert!(storage.names().await.is_empty(), "a part is no object");
    assert_eq!(storage.abandon_uploads(Millis(0)).await.expect("is asked"), 0, "it may be at work");
    assert_eq!(storage.abandon_uploads(Millis(4_000_000_000_000)).await.expect("is asked"), 1);
    assert!(upload.complete().await.is_err(), "it is gone");
    assert!(storage.names().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_many_pages_is_whole() {
    let (storage, _) = bucket("pages", false, None).await;
    let names: Vec<String> = (0..1_050).map(|n| format!("ab/cd/abcd{n:028}")).collect();
    for name in &names {
        storage.store.put(&name.as_str().into(), PutPayload::from_static(b"x")).await.expect("is written");
    }
    storage.store.put(&"abc/de/x".into(), PutPayload::from_static(b"x")).await.expect("is written");
    let mut listed: Vec<String> =
        storage.list("ab").await.expect("lists").into_iter().map(|stored| stored.name).collect();
    listed.sort_unstable();
    assert_eq!(listed, names, "more than S3 gives at once, and of this shelf alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_says_in_words_what_is_wrong() {
    let url = format!("s3://nobody-{}/x?region=us-east-1&endpoint={}", std::process::id(), kms());
    let storage = Storage::bucket(&url, s3::Patience::HASTE).expect("reads");
    let Err(Failure::Internal(reason)) = storage.check().await else { panic!("there is no such bucket") };
    assert!(reason.contains("NoSuchBucket"), "{reason}");
    let nowhere = Storage::bucket(
        "s3://x/y?region=us-east-1&endpoint=http://127.0.0.1:1",
        s3::Patience { attempts: 2, ..s3::Patience::HASTE },
    );
    let Err(Failure::Internal(reason)) = nowhere.expect("reads").check().await else { panic!("nobody is there") };
    assert!(!reason.contains("test"), "no credential is told: {reason}");
    let (kept, _) = bucket("said-kept", true, None).await;
    assert_eq!(kept.versions().await.expect("is asked"), Versions::Deleted);
    let (plain, _) = bucket("said-plain", false, None).await;
    assert_eq!(plain.versions().await.expect("is asked"), Versions::None);
}
