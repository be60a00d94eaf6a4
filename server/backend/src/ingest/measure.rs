//! The picture work of an upload for `examples/measure_media.rs`, in steps: the functions that an upload runs, in its order
//! and on the same kinds of threads, with sealing or without. Rows and messages are left out; they are the same either way.
//! Not in the program.

use std::fmt;
use std::sync::Arc;

use futures_util::future::join_all;
use shutterpost_media::inspect::Limits;
use shutterpost_media::strip::strip;
use shutterpost_model::id::{CaptureId, OrganisationId};
use shutterpost_vault::data_key::DataKey;

use super::commit::etag;
use super::converter::Converter;
use super::pictures::{self, Pictures};
use super::pool::{Lane, Pool};
use crate::captures::rows as captures_rows;
use crate::context::World;
use crate::error::Failure;
use crate::keystore::KeyStore;
use crate::storage::Storage;
use crate::storage::measure::AnyFile;

/// What the pictures of an upload need of an installation.
pub struct PictureWork {
    world: World,
    keystore: KeyStore,
    storage: Storage,
    pool: Pool,
    organisation: OrganisationId,
}

/// An upload's files before they are sealed: the original, then the renditions.
pub struct Made {
    pictures: Vec<Vec<u8>>,
    etags: Vec<String>,
}

/// The same on their way into the store.
pub struct Ready {
    files: Vec<AnyFile>,
    etags: Vec<String>,
    /// `None`: not sealed.
    key: Option<Arc<DataKey>>,
}

/// The same in the store.
pub struct Stored {
    names: Vec<String>,
    etags: Vec<String>,
    key: Option<Arc<DataKey>>,
    bytes: usize,
}

impl PictureWork {
    /// Starts one thread for pictures, and works for an organisation of its own.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub fn start(world: World, keystore: KeyStore, storage: Storage) -> std::io::Result<Self> {
        let organisation = world.id(OrganisationId::new);
        Ok(Self { world, keystore, storage, pool: Pool::start(Some(1), None)?, organisation })
    }

    /// Hashes, inspects, strips and derives, without a logo, which would only add to what sealing is held against.
    ///
    /// # Errors
    /// What an upload of that file would be answered.
    pub async fn make(&self, upload: Arc<Vec<u8>>) -> Result<Made, Failure> {
        let limits = Limits::default();
        let shared = Arc::clone(&upload);
        let examined = blocking(move || pictures::examine(&shared, &limits)).await?;
        let inspected = examined.inspected.map_err(pictures::failure)?;
        let size = upload.len();
        let work = move || {
            let Pictures { original, renditions, .. } =
                pictures::make(&upload, inspected, None, &limits, &Converter::default())?;
            let etags = renditions.iter().map(|rendition| etag(&rendition.bytes)).collect();
            let renditions = renditions.into_iter().map(|rendition| rendition.bytes);
            Ok(Made { pictures: std::iter::once(original).chain(renditions).collect(), etags })
        };
        self.pool.run(Lane::Now, inspected.cost(size), work).await?
    }

    /// Has the key store make a key for one more capture, and seals under it.
    ///
    /// # Errors
    /// When the key store cannot be written.
    pub async fn seal(&self, made: Made) -> Result<Ready, Failure> {
        let capture = self.world.id(CaptureId::new);
        let key = captures_rows::key(&self.organisation, capture.as_str());
        let key = self.keystore.make_one(&key).await?;
        let (world, shared) = (self.world.clone(), Arc::clone(&key));
        let Made { pictures, etags } = made;
        let sealing = move || pictures.iter().map(|plain| AnyFile::sealed(&world, &shared, plain)).collect();
        let files: Result<Vec<AnyFile>, Failure> = blocking(sealing).await?;
        Ok(Ready { files: files?, etags, key: Some(key) })
    }

    /// Takes the files as they are.
    pub fn leave(&self, made: Made) -> Ready {
        let Made { pictures, etags } = made;
        let files = pictures.into_iter().map(|plain| AnyFile::plain(&self.world, plain)).collect();
        Ready { files, etags, key: None }
    }

    /// Writes the files; they are on the disk when this returns.
    ///
    /// # Errors
    /// A full disk, for one.
    pub async fn put(&self, ready: Ready) -> Result<Stored, Failure> {
        let Ready { files, etags, key } = ready;
        let bytes = files.iter().map(AnyFile::len).sum();
        let names = files.iter().map(|file| file.name().to_owned()).collect();
        let puts = join_all(files.into_iter().map(|file| {
            let storage = self.storage.clone();
            async move { storage.put_any(file).await }
        }));
        puts.await.into_iter().collect::<Result<(), Failure>>()?;
        Ok(Stored { names, etags, key, bytes })
    }

    /// Reads every file back, compares it with what was stored, and deletes it.
    ///
    /// # Errors
    /// [`Failure::Internal`] if one is not what it was.
    pub async fn check(&self, upload: &[u8], stored: Stored) -> Result<(), Failure> {
        let original = strip(upload).map_err(pictures::failure)?;
        let expected = std::iter::once(etag(&original)).chain(stored.etags);
        for (name, expected) in stored.names.iter().zip(expected) {
            let bytes = match &stored.key {
                Some(key) => self.storage.get(name, key).await?,
                None => self.storage.get_unsealed(name).await?,
            };
            if etag(&bytes) != expected {
                return Err(Failure::Internal("a stored file is not what was stored".into()));
            }
        }
        self.storage.delete_all(&stored.names).await;
        Ok(())
    }
}

impl Stored {
    /// How many.
    pub fn files(&self) -> usize {
        self.names.len()
    }

    /// How long all of them are together, as stored.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

macro_rules! named_only {
    ($($type:ident),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($type))
            }
        }
    )*};
}

named_only!(PictureWork, Made, Ready, Stored);

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.map_err(|error| Failure::internal("the work on a picture ended early", error))
}
