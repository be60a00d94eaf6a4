//! Where the bytes of captures and logos lie: in a folder, or in a bucket of S3. Names are random and say nothing; whatever
//! has meaning is in the database. With `crate::backup` the only home of `object_store`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use shutterpost_model::captures::{Asked, Piece};
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::DataKey;

use crate::error::Failure;

mod bucket;
mod examine;
mod folder;
mod pieces;
pub(crate) mod s3;
mod sealed;

#[cfg(test)]
mod tests;

#[cfg(feature = "measuring")]
pub mod measure;

pub use bucket::Versions;
#[cfg(test)]
pub(crate) use examine::Flaw;
pub(crate) use pieces::Pieces;
pub(crate) use sealed::{SealedFile, StoredFile};

/// The object that the readiness check writes and deletes again.
const PROBE: &str = "ready/check";
/// How long a bucket that took the probe is believed to take objects: its requests cost money.
const BELIEVED: Duration = Duration::from_secs(15);
/// How long a bucket may take for the probe.
const PROBE_WAIT: Duration = Duration::from_secs(10);

/// Why the store cannot be used. Shown to the operator.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    #[error("{0:?} is not a known kind of storage; use file:PATH or s3://BUCKET/PREFIX?region=REGION")]
    UnknownScheme(String),
    #[error("the storage folder {path} cannot be used: {reason}")]
    Folder { path: PathBuf, reason: String },
    #[error("the bucket cannot be used: {0}")]
    Bucket(String),
}

/// A store of objects; cheap to clone.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    place: Place,
    /// When a bucket last took the probe.
    ready: Arc<Mutex<Option<Instant>>>,
    /// Names of objects stored since the last backup asked; none if none does.
    fresh: Option<Arc<Mutex<Vec<String>>>>,
    #[cfg(test)]
    puts_left: Option<Arc<std::sync::atomic::AtomicI64>>,
}

/// What the store is, for what `object_store` does not do alike.
#[derive(Clone)]
enum Place {
    Folder(Arc<PathBuf>),
    Bucket(Arc<s3::Own>),
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
    /// Opens `file:PATH`, whose folder is made if missing and closed to everybody but its owner, or
    /// `s3://BUCKET/PREFIX?region=REGION`, which is asked nothing yet.
    ///
    /// # Errors
    /// An unknown scheme (named; the rest may hold a secret), an address that does not read, or a folder that cannot be
    /// made or used.
    pub fn parse(url: &str) -> Result<Self, StorageFailure> {
        if url.starts_with("s3:") { Self::bucket(url, s3::Patience::OBJECTS) } else { Self::folder(&folder_of(url)?) }
    }

    fn bucket(url: &str, patience: s3::Patience) -> Result<Self, StorageFailure> {
        let s3::Bucket { store, own } = s3::open(url, patience).map_err(StorageFailure::Bucket)?;
        Ok(Self::of(store, Place::Bucket(Arc::new(own))))
    }

    /// A store in a local folder.
    pub fn folder(path: &Path) -> Result<Self, StorageFailure> {
        let (store, absolute) = open(path)?;
        Ok(Self::of(store, Place::Folder(Arc::new(absolute))))
    }

    fn of(store: Arc<dyn ObjectStore>, place: Place) -> Self {
        Self {
            store,
            place,
            ready: Arc::default(),
            fresh: None,
            #[cfg(test)]
            puts_left: None,
        }
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
        match &self.place {
            Place::Folder(folder) => {
                self.store.put(&name.into(), PutPayload::from(bytes)).await.map_err(failure)?;
                folder::close(folder, name).await
            }
            Place::Bucket(_) => bucket::put(&self.store, name, bytes.into()).await,
        }
    }

    /// A file, opened; [`Failure::NotFound`] if there is none.
    pub(crate) async fn get(&self, name: &str, key: &DataKey) -> Result<Vec<u8>, Failure> {
        sealed::open(name, key, &self.get_unsealed(name).await?)
    }

    /// The bytes of an object as stored: for backups, and for sealing what an older version left.
    pub(crate) async fn get_unsealed(&self, name: &str) -> Result<Vec<u8>, Failure> {
        match &self.place {
            Place::Folder(_) => {
                let result = self.store.get(&name.into()).await.map_err(failure)?;
                Ok(result.bytes().await.map_err(failure)?.into())
            }
            Place::Bucket(_) => bucket::get(&self.store, name).await,
        }
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

    /// Deletes an object, with every version of it that a bucket kept; one that is not there is deleted already.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), Failure> {
        match &self.place {
            Place::Folder(folder) if folder::is_unfinished(name) => folder::remove(folder, name).await,
            Place::Folder(_) => self.delete_plainly(name).await,
            Place::Bucket(own) => match own.versioning().await? {
                s3::Versioning::Kept => own.delete_versions(name).await,
                // Where we may not ask the bucket, `doctor` says so.
                s3::Versioning::Never | s3::Versioning::Unknown(_) => self.delete_plainly(name).await,
            },
        }
    }

    async fn delete_plainly(&self, name: &str) -> Result<(), Failure> {
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

    /// The objects on one shelf, with what crashes left unfinished in a folder.
    pub(crate) async fn list(&self, shelf: &str) -> Result<Vec<Stored>, Failure> {
        match &self.place {
            Place::Folder(folder) => folder::list(folder, shelf).await,
            Place::Bucket(_) => bucket::list(&self.store, shelf).await,
        }
    }

    /// Takes back uploads in parts that began before this and were never finished; gives how many. A folder has none: what
    /// is unfinished there is listed.
    pub(crate) async fn abandon_uploads(&self, before: Millis) -> Result<u64, Failure> {
        match &self.place {
            Place::Folder(_) => Ok(0),
            Place::Bucket(own) => own.abandon_uploads(before).await,
        }
    }

    /// Whether objects can be written and deleted.
    pub async fn check(&self) -> Result<(), Failure> {
        let probe = async {
            self.store.put(&PROBE.into(), PutPayload::from_static(b"ready")).await.map_err(unwritten)?;
            self.delete(PROBE).await
        };
        if let Place::Folder(_) = &self.place {
            return probe.await;
        }
        let ready = || self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready().is_some_and(|at| at.elapsed() < BELIEVED) {
            return Ok(());
        }
        let outcome = tokio::time::timeout(PROBE_WAIT, probe).await;
        outcome.map_err(|_| Failure::Internal("storage: the bucket takes too long for a small object".into()))??;
        *ready() = Some(Instant::now());
        Ok(())
    }

    /// Whether what is deleted may still be kept elsewhere.
    pub async fn versions(&self) -> Result<Versions, Failure> {
        match &self.place {
            Place::Folder(_) => Ok(Versions::None),
            Place::Bucket(own) => Ok(match own.versioning().await? {
                s3::Versioning::Never => Versions::None,
                s3::Versioning::Kept => Versions::Deleted,
                s3::Versioning::Unknown(reason) => Versions::Unknown(reason),
            }),
        }
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

/// As [`failure`], of something written: what is not found then is the bucket, and no object that somebody asked for.
fn unwritten(error: object_store::Error) -> Failure {
    match error {
        error @ object_store::Error::NotFound { .. } => Failure::internal("storage", error),
        other => failure(other),
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
