//! The store for `examples/measure_media.rs`: files that are not sealed, to hold sealed ones against, and a film to read
//! ranges of. Not in the program.

use std::fmt;
use std::sync::Arc;

use shutterpost_model::captures::Content;
use shutterpost_vault::data_key::{DataKey, KeyId};
use shutterpost_vault::stream::FileId;

use super::{SealedFile, Storage, StoredFile, sealed};
use crate::context::World;
use crate::error::Failure;

/// A file on its way into the store, sealed or not.
pub(crate) struct AnyFile {
    name: String,
    bytes: Vec<u8>,
}

impl AnyFile {
    pub(crate) fn sealed(world: &World, key: &DataKey, plain: &[u8]) -> Result<Self, Failure> {
        let (name, bytes) = SealedFile::seal(world, key, plain)?.into_parts();
        Ok(Self { name, bytes })
    }

    pub(crate) fn plain(world: &World, bytes: Vec<u8>) -> Self {
        Self { name: sealed::name(FileId::from_bytes(world.bytes())), bytes }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

impl fmt::Debug for AnyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyFile")
    }
}

impl Storage {
    /// As [`Storage::put`].
    pub(crate) async fn put_any(&self, file: AnyFile) -> Result<(), Failure> {
        self.write(&file.name, file.bytes).await
    }
}

/// Seals and stores a file under a key of its own, and returns what an answer to a request with a Range header is read
/// from.
///
/// # Errors
/// As of an upload: a full disk, for one.
pub async fn film(storage: &Storage, world: &World, plain: &[u8]) -> Result<Arc<dyn Content>, Failure> {
    let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
    let key = Arc::new(DataKey::random(KeyId::random(&mut random), 1, &mut random));
    let file = SealedFile::seal(world, &key, plain)?;
    let name = file.name().to_owned();
    storage.put(file).await?;
    Ok(Arc::new(StoredFile::new(storage, name, key)))
}
