//! The only form in which a file enters the store.

use std::sync::Arc;

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use shutterpost_model::captures::{Asked, Content, Piece};
use shutterpost_model::error::AppError;
use shutterpost_vault::data_key::DataKey;
use shutterpost_vault::stream::{self, FileId, Header, Opener};

use super::Storage;
use crate::context::World;
use crate::error::Failure;

/// What is read of an object before its segments can be found.
pub(super) const HEADER_BYTES: u64 = Header::LEN as u64;

/// A file sealed in segments, with the name under which it is stored. The name is the file's own id, which every segment
/// is bound to: an object put in another's place does not open.
#[derive(Debug)]
pub(crate) struct SealedFile {
    name: String,
    bytes: Vec<u8>,
}

impl SealedFile {
    pub(crate) fn seal(world: &World, key: &DataKey, plain: &[u8]) -> Result<Self, Failure> {
        let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
        let sealed = stream::seal_all(key, plain, &mut random);
        let bytes = sealed.map_err(|error| Failure::internal("a file cannot be sealed", error))?;
        let (header, _) = Header::parse(&bytes).map_err(|error| Failure::internal("a sealed file", error))?;
        Ok(Self { name: name(header.file_id()), bytes })
    }

    /// Whether stored bytes begin as a sealed file does.
    pub(crate) fn is_one(stored: &[u8]) -> bool {
        Header::parse(stored).is_ok()
    }

    /// The name under which it will be stored.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn into_parts(self) -> (String, Vec<u8>) {
        (self.name, self.bytes)
    }
}

/// A file in the store together with what opens it.
pub(crate) struct StoredFile {
    storage: Storage,
    name: String,
    key: Arc<DataKey>,
}

impl StoredFile {
    pub(crate) fn new(storage: &Storage, name: String, key: Arc<DataKey>) -> Self {
        Self { storage: storage.clone(), name, key }
    }
}

impl std::fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredFile")
    }
}

#[async_trait]
impl Content for StoredFile {
    /// [`shutterpost_model::error::Code::NotFound`] if the file was deleted since it was looked up.
    async fn read(&self, asked: Asked) -> Result<Piece, AppError> {
        Ok(self.storage.read(&self.name, &self.key, asked).await?)
    }
}

/// A name of 128 random bits, spread over 65 536 folders.
pub(super) fn name(id: FileId) -> String {
    let text = HEXLOWER.encode(id.bytes());
    let (first, rest) = text.split_at(2);
    let (second, _) = rest.split_at(2);
    format!("{first}/{second}/{text}")
}

fn id(name: &str) -> Result<FileId, Failure> {
    let text = name.rsplit('/').next().unwrap_or_default();
    let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(FileId::from_bytes).ok_or_else(|| Failure::Internal("a stored file has a name of another kind".into()))
}

/// Whether bytes begin as the sealed file of that name does, and are as long as it. What is in them shows when they are
/// opened.
pub(super) fn is_named(stored_name: &str, stored: &[u8]) -> bool {
    let Ok((header, _)) = Header::parse(stored) else { return false };
    let whole = stream::sealed_len(header.length()) == stored.len() as u64;
    whole && id(stored_name).is_ok_and(|id| id == header.file_id())
}

/// What opens the segments of an object, from its first bytes.
pub(super) fn opener(stored_name: &str, key: &DataKey, head: &[u8]) -> Result<Opener, Failure> {
    let damaged = |error| Failure::internal("a stored file", error);
    let (header, _) = Header::parse(head).map_err(damaged)?;
    Opener::of_file(key, header, id(stored_name)?).map_err(damaged)
}

/// A whole object, opened.
pub(super) fn open(stored_name: &str, key: &DataKey, stored: &[u8]) -> Result<Vec<u8>, Failure> {
    opener(stored_name, key, stored)?;
    stream::open_all(key, stored).map_err(|error| Failure::internal("a stored file", error))
}
