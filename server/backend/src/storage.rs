//! Where the bytes of captures and logos lie. Names are random and say nothing; whatever has meaning is in the
//! database. With `crate::backup` the only home of `object_store`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use shutterpost_model::captures::{Asked, Piece};
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::DataKey;

use crate::error::Failure;

mod folder;
mod sealed;

#[cfg(feature = "measuring")]
pub mod measure;

pub(crate) use sealed::{SealedFile, StoredFile};

/// The object that the readiness check writes and deletes again.
const PROBE: &str = "ready/check";

/// Why the store cannot be used. Shown to the operator.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    #[error("{0:?} is not a known kind of storage; use file:PATH")]
    UnknownScheme(String),
    #[error("the storage folder {path} cannot be used: {reason}")]
    Folder { path: PathBuf, reason: String },
}

/// A store of objects; cheap to clone.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    folder: Arc<PathBuf>,
    /// Names of objects stored since the last backup asked; none if none does.
    fresh: Option<Arc<Mutex<Vec<String>>>>,
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
        Self::folder(&folder_of(url)?)
    }

    /// A store in a local folder.
    pub fn folder(path: &Path) -> Result<Self, StorageFailure> {
        let (store, absolute) = open(path)?;
        Ok(Self {
            store,
            folder: Arc::new(absolute),
            fresh: None,
            #[cfg(test)]
            puts_left: None,
        })
    }

    /// The same store, which remembers what is stored until a backup asks for it.
    #[must_use]
    pub fn remembering(self) -> Self {
        Self { fresh: Some(Arc::default()), ..self }
    }

    /// A store in a local folder with something of the test's before it.
    #[cfg(test)]
    pub(crate) fn behind(path: &Path, front: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        let storage = Self::folder(path).expect("a folder for objects");
        Self { store: front(storage.store), ..storage }
    }

    /// Names of what was stored since the last call, by this process.
    pub(crate) fn take_fresh(&self) -> Vec<String> {
        let fresh = self.fresh.as_ref().map(|fresh| fresh.lock().unwrap_or_else(PoisonError::into_inner));
        fresh.map(|mut names| std::mem::take(&mut *names)).unwrap_or_default()
    }

    /// Stores a file; it is on the disk, name and content, when this returns.
    ///
    /// # Errors
    /// [`Failure::Full`] when the disk or the quota is.
    pub(crate) async fn put(&self, file: SealedFile) -> Result<(), Failure> {
        #[cfg(test)]
        self.count_put()?;
        let (name, bytes) = file.into_parts();
        self.write(&name, bytes).await?;
        if let Some(fresh) = &self.fresh {
            fresh.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        }
        Ok(())
    }

    /// Stores what a backup holds under the name. Only a whole sealed file of that name is taken.
    pub(crate) async fn put_back(&self, name: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        if !sealed::is_named(name, &bytes) {
            return Err(Failure::Internal(
                "what the backup holds under the name of an object is not that object".into(),
            ));
        }
        self.write(name, bytes).await
    }

    async fn write(&self, name: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        self.store.put(&name.into(), PutPayload::from(bytes)).await.map_err(failure)?;
        folder::close(&self.folder, name).await
    }

    /// A file, opened; [`Failure::NotFound`] if there is none.
    pub(crate) async fn get(&self, name: &str, key: &DataKey) -> Result<Vec<u8>, Failure> {
        sealed::open(name, key, &self.get_unsealed(name).await?)
    }

    /// The bytes of an object as stored: for backups, and for sealing what an older version left.
    pub(crate) async fn get_unsealed(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let result = self.store.get(&name.into()).await.map_err(failure)?;
        Ok(result.bytes().await.map_err(failure)?.into())
    }

    /// Some bytes of a file. Reads and opens no more than the segments that they lie in.
    pub(crate) async fn read(&self, name: &str, key: &DataKey, asked: Asked) -> Result<Piece, Failure> {
        if asked == Asked::All {
            let bytes = self.get(name, key).await?;
            let total = bytes.len() as u64;
            return Ok(Piece { bytes, first: 0, total });
        }
        let path = name.into();
        let head = self.store.get_range(&path, 0..sealed::HEADER_BYTES).await.map_err(failure)?;
        let opener = sealed::opener(name, key, &head)?;
        let total = opener.length();
        let (first, length) = asked.of(total);
        let located = opener.locate(first, length);
        if located.take == 0 {
            return Ok(Piece { bytes: Vec::new(), first, total });
        }
        let stored = self.store.get_range(&path, located.cipher.clone()).await.map_err(failure)?;
        let bytes = opener.open_range(&located, &stored).map_err(|error| Failure::internal("a stored file", error))?;
        Ok(Piece { bytes, first, total })
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

/// The folder that a URL names.
pub(crate) fn folder_of(url: &str) -> Result<PathBuf, StorageFailure> {
    let unknown = || StorageFailure::UnknownScheme(url.split(':').next().unwrap_or_default().to_owned());
    let rest = url.strip_prefix("file:").ok_or_else(unknown)?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() { Err(unknown()) } else { Ok(path.into()) }
}

/// Opens a folder as a store of objects, made if missing and closed to others; gives its absolute path too.
pub(crate) fn open(path: &Path) -> Result<(Arc<dyn ObjectStore>, PathBuf), StorageFailure> {
    let refused = |reason: String| StorageFailure::Folder { path: path.to_owned(), reason };
    folder::prepare(path).map_err(|error| refused(error.to_string()))?;
    // Absolute, so that a later change of the working directory moves nothing.
    let absolute = path.canonicalize().map_err(|error| refused(error.to_string()))?;
    let store = LocalFileSystem::new_with_prefix(&absolute).map_err(|error| refused(error.to_string()))?;
    Ok((Arc::new(store.with_fsync(true)), absolute))
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

    use shutterpost_vault::data_key::KeyId;

    use super::*;
    use crate::testing as test;

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
}
