//! What holds of a folder alone, and of names and addresses. What holds of every store is in `tests/conform.rs`.

mod conform;
mod proxy;

use std::os::unix::fs::PermissionsExt;

use shutterpost_vault::data_key::KeyId;

use super::*;
use crate::testing as test;

#[test]
fn only_known_schemes_are_opened_and_secrets_are_not_printed() {
    for url in ["ftp://user:secret@bucket", "secret", "file:", ""] {
        let error = Storage::parse(url).expect_err(url).to_string();
        assert!(error.contains("file:PATH") && error.contains("s3://BUCKET"), "{error}");
        assert!(url == "secret" || !error.contains("secret"), "{error}");
    }
    for url in ["s3://user:secret@bucket?region=x", "s3://bucket/secret", "s3://bucket?region=x&secret=1"] {
        let error = Storage::parse(url).expect_err(url).to_string();
        assert!(error.contains("bucket cannot be used") && !error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn objects_are_kept_private_and_deleted_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("a/b");
    let storage = Storage::parse(&format!("file:{}", root.display())).expect("opens");
    let key = DataKey::from_bytes(KeyId::from_bytes([1; 16]), 1, &[7; 32]);
    let file = SealedFile::seal(&test::world(), &key, b"bytes").expect("is sealed");
    let name = &*file.name().to_owned();
    storage.put(file).await.expect("is stored");
    assert_eq!(storage.get(name, &key).await.expect("is there"), b"bytes");
    assert_eq!(storage.names().await, [name]);
    let mode = |path: &Path| std::fs::metadata(path).expect("exists").permissions().mode() & 0o777;
    assert_eq!(mode(&root.join(name)), 0o600);
    for directory in root.join(name).ancestors().skip(1).take(3) {
        assert_eq!(mode(directory), 0o700, "{}", directory.display());
    }
    for _ in 0..2 {
        storage.delete(name).await.expect("deleting twice is no error");
    }
    assert!(matches!(storage.get(name, &key).await, Err(Failure::NotFound)));
    storage.check().await.expect("is ready");
    assert!(storage.names().await.is_empty());
}

#[tokio::test]
async fn a_range_is_what_it_is_in_the_plain_file_and_a_changed_or_moved_object_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let storage = Storage::folder(folder.path()).expect("opens");
    let key = DataKey::from_bytes(KeyId::from_bytes([1; 16]), 1, &[7; 32]);
    let plain: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let world = test::world();
    let (one, two) = (SealedFile::seal(&world, &key, &plain), SealedFile::seal(&world, &key, b"another"));
    let (one, two) = (one.expect("is sealed"), two.expect("is sealed"));
    let names = [one.name().to_owned(), two.name().to_owned()];
    for file in [one, two] {
        storage.put(file).await.expect("is stored");
    }
    for asked in [Asked::All, Asked::From(65_530, Some(65_560)), Asked::From(199_999, None), Asked::Last(70_000)] {
        let Piece { bytes, first, total } = storage.read(&names[0], &key, asked).await.expect("is read");
        let start = first as usize;
        assert_eq!((&plain[start..start + bytes.len()], total), (&bytes[..], 200_000), "{asked:?}");
        assert!(!bytes.is_empty());
    }
    let beyond = storage.read(&names[0], &key, Asked::From(200_000, None)).await.expect("is read");
    assert_eq!((beyond.bytes.len(), beyond.total), (0, 200_000));

    let path = |name: &str| folder.path().join(name);
    let stored = std::fs::read(path(&names[0])).expect("is there");
    for changed in [
        std::fs::read(path(&names[1])).expect("is there"),
        stored[..stored.len() - 1].to_vec(),
        stored.iter().enumerate().map(|(at, byte)| if at == 150_000 { byte ^ 1 } else { *byte }).collect(),
        plain.clone(),
    ] {
        std::fs::write(path(&names[0]), changed).expect("is written");
        assert!(matches!(storage.get(&names[0], &key).await, Err(Failure::Internal(_))));
    }
}

#[test]
fn a_full_disk_is_recognised_inside_the_stores_error() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot write")]
    struct Wrapped(#[source] std::io::Error);
    let wrapped = |kind: std::io::ErrorKind| object_store::Error::Generic {
        store: "LocalFileSystem",
        source: Box::new(Wrapped(kind.into())),
    };
    assert!(matches!(failure(wrapped(std::io::ErrorKind::StorageFull)), Failure::Full(_)));
    assert!(matches!(failure(wrapped(std::io::ErrorKind::QuotaExceeded)), Failure::Full(_)));
    assert!(matches!(failure(wrapped(std::io::ErrorKind::PermissionDenied)), Failure::Internal(_)));
}

#[tokio::test]
async fn unfinished_uploads_are_listed_and_deleted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let storage = Storage::folder(folder.path()).expect("opens");
    std::fs::create_dir_all(folder.path().join("ab/cd")).expect("made");
    std::fs::write(folder.path().join("ab/cd/abcd#1"), b"half").expect("written");
    assert_eq!(storage.names().await, ["ab/cd/abcd#1"]);
    storage.delete("ab/cd/abcd#1").await.expect("is deleted");
    assert!(storage.names().await.is_empty());
}
