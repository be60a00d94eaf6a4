//! Where the bytes of captures and logos lie. Names are random and say nothing; whatever has meaning is in the
//! database. The only home of `object_store`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use shutterpost_model::time::Millis;

use crate::context::World;
use crate::error::Failure;

mod folder;

/// The object that the readiness check writes and deletes again.
const PROBE: &str = "ready/check";

/// Why the store cannot be used. Shown to the operator.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    #[error("SHUTTERPOST_STORAGE: {0:?} is not a known kind of storage; use file:PATH")]
    UnknownScheme(String),
    #[error("the storage folder {path} cannot be used: {reason}")]
    Folder { path: PathBuf, reason: String },
}

/// A store of objects; cheap to clone.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    folder: Arc<PathBuf>,
    #[cfg(test)]
    puts_left: Option<Arc<std::sync::atomic::AtomicI64>>,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Storage")
    }
}

/// An object found in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) name: String,
    /// When it was written, by the store's own clock.
    pub(crate) written_at: Millis,
}

impl Storage {
    /// Opens `file:PATH`. The folder is made if missing and closed to everybody but its owner.
    ///
    /// # Errors
    /// An unknown scheme (named; the rest may hold a secret), or a folder that cannot be made or used.
    pub fn parse(url: &str) -> Result<Self, StorageFailure> {
        let unknown = || StorageFailure::UnknownScheme(url.split(':').next().unwrap_or_default().to_owned());
        let rest = url.strip_prefix("file:").ok_or_else(unknown)?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() { Err(unknown()) } else { Self::folder(Path::new(path)) }
    }

    /// A store in a local folder.
    pub fn folder(path: &Path) -> Result<Self, StorageFailure> {
        let refused = |reason: String| StorageFailure::Folder { path: path.to_owned(), reason };
        folder::prepare(path).map_err(|error| refused(error.to_string()))?;
        // Absolute, so that a later change of the working directory moves nothing.
        let absolute = path.canonicalize().map_err(|error| refused(error.to_string()))?;
        let store =
            LocalFileSystem::new_with_prefix(&absolute).map_err(|error| refused(error.to_string()))?.with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            folder: Arc::new(absolute),
            #[cfg(test)]
            puts_left: None,
        })
    }

    /// A new name: 128 random bits, spread over 65 536 folders.
    pub(crate) fn new_name(world: &World) -> String {
        let text = HEXLOWER.encode(&world.bytes::<16>());
        let (first, rest) = text.split_at(2);
        let (second, _) = rest.split_at(2);
        format!("{first}/{second}/{text}")
    }

    /// Stores an object; it is on the disk, name and content, when this returns.
    ///
    /// # Errors
    /// [`Failure::Full`] when the disk or the quota is.
    pub(crate) async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        #[cfg(test)]
        self.count_put()?;
        self.store.put(&name.into(), PutPayload::from(bytes)).await.map_err(failure)?;
        folder::close(&self.folder, name).await
    }

    /// The bytes of an object; [`Failure::NotFound`] if there is none.
    pub(crate) async fn get(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let result = self.store.get(&name.into()).await.map_err(failure)?;
        Ok(result.bytes().await.map_err(failure)?.into())
    }

    /// Deletes an object; one that is not there is deleted already.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), Failure> {
        if folder::is_unfinished(name) {
            return folder::remove(&self.folder, name).await;
        }
        match self.store.delete(&name.into()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }

    /// Deletes objects whose rows are gone or were never written. What fails is left to the jobs and to the sweep.
    pub(crate) async fn delete_all(&self, names: &[String]) {
        for name in names {
            if let Err(failure) = self.delete(name).await {
                tracing::warn!(error.cause = ?failure, "an object was not deleted at once; a job or the sweep will");
            }
        }
    }

    /// The first parts of names, to list the store piece by piece.
    pub(crate) fn shelves() -> impl Iterator<Item = String> {
        (0..=u8::MAX).map(|byte| HEXLOWER.encode(&[byte]))
    }

    /// The objects on one shelf, with what crashes left unfinished there.
    pub(crate) async fn list(&self, shelf: &str) -> Result<Vec<Stored>, Failure> {
        folder::list(&self.folder, shelf).await
    }

    /// Whether objects can be written and deleted.
    pub async fn check(&self) -> Result<(), Failure> {
        self.store.put(&PROBE.into(), PutPayload::from_static(b"ready")).await.map_err(failure)?;
        self.delete(PROBE).await
    }

    /// The same store, which is full after so many more objects.
    #[cfg(test)]
    pub(crate) fn full_after(&self, puts: i64) -> Self {
        Self { puts_left: Some(Arc::new(puts.into())), ..self.clone() }
    }

    #[cfg(test)]
    fn count_put(&self) -> Result<(), Failure> {
        let left = self.puts_left.as_ref().map_or(1, |left| left.fetch_sub(1, std::sync::atomic::Ordering::SeqCst));
        if left > 0 { Ok(()) } else { Err(Failure::Full("the test's disk is full".into())) }
    }

    /// Names of all objects.
    #[cfg(test)]
    pub(crate) async fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for shelf in Self::shelves() {
            names.extend(self.list(&shelf).await.expect("the folder lists").into_iter().map(|stored| stored.name));
        }
        names
    }
}

/// Finds the operating system's reason inside the store's error.
fn failure(error: object_store::Error) -> Failure {
    if matches!(error, object_store::Error::NotFound { .. }) {
        return Failure::NotFound;
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        if let Some(io) = current.downcast_ref::<std::io::Error>()
            && matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        {
            return Failure::Full(io.to_string());
        }
        cause = current.source();
    }
    Failure::internal("storage", error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_known_schemes_are_opened_and_secrets_are_not_printed() {
        for url in ["s3://user:secret@bucket", "secret", "file:", ""] {
            let error = Storage::parse(url).expect_err(url).to_string();
            assert!(error.contains("file:PATH"), "{error}");
            assert!(url == "secret" || !error.contains("secret"), "{error}");
        }
    }

    #[tokio::test]
    async fn objects_are_kept_private_and_deleted_twice() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().join("a/b");
        let storage = Storage::parse(&format!("file:{}", root.display())).expect("opens");
        let name = "ab/cd/abcd0000000000000000000000000000";
        storage.put(name, b"bytes".to_vec()).await.expect("is stored");
        assert_eq!(storage.get(name).await.expect("is there"), b"bytes");
        assert_eq!(storage.names().await, [name]);
        let mode = |path: &Path| std::fs::metadata(path).expect("exists").permissions().mode() & 0o777;
        assert_eq!(mode(&root.join(name)), 0o600);
        for directory in ["", "ab", "ab/cd"] {
            assert_eq!(mode(&root.join(directory)), 0o700, "{directory}");
        }
        for _ in 0..2 {
            storage.delete(name).await.expect("deleting twice is no error");
        }
        assert!(matches!(storage.get(name).await, Err(Failure::NotFound)));
        storage.check().await.expect("is ready");
        assert!(storage.names().await.is_empty());
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
}
