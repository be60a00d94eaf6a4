//! Where backups go: an object store of its own. Takes and gives bytes that are sealed already.
//!
//! Calls block: backups have a thread of their own.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::TryStreamExt;
use object_store::path::Path as Name;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use tokio::runtime::Handle;

use super::BackupFailure;
use crate::storage::{self, StorageFailure};

/// Bytes asked for at once, and sent at once.
const PART_BYTES: usize = 4 << 20;
/// Parts on their way at once.
const PARTS: usize = 4;

/// A place for backups; cheap to clone.
#[derive(Clone)]
pub struct Target {
    store: Arc<dyn ObjectStore>,
    folder: Arc<PathBuf>,
    handle: Handle,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target")
    }
}

impl Target {
    /// Opens a URL of the same kinds as `storage`. Called inside the runtime that will do its work.
    ///
    /// # Errors
    /// As [`crate::storage::Storage::parse`].
    pub fn parse(url: &str) -> Result<Self, StorageFailure> {
        let (store, folder) = storage::open(&storage::folder_of(url)?)?;
        Ok(Self { store, folder: Arc::new(folder), handle: Handle::current() })
    }

    fn wait<T>(&self, work: impl Future<Output = object_store::Result<T>>) -> Result<T, BackupFailure> {
        self.wait_for(work).map_err(|error| BackupFailure::Target(told(&error)))
    }

    /// Waits for what the stores of objects do, which is not only in the target.
    pub(super) fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::task::block_in_place(|| self.handle.block_on(work))
    }

    /// Stores an object; it is durable when this returns. One of that name is replaced in one step.
    pub(super) fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), BackupFailure> {
        self.wait(self.store.put(&Name::from(name), PutPayload::from(bytes))).map(|_| ())
    }

    /// Begins an object that is too long to be held in memory. Without [`Upload::finish`] there is none.
    pub(super) fn upload(&self, name: &str) -> Result<Upload, BackupFailure> {
        let upload = self.wait(self.store.put_multipart(&Name::from(name)))?;
        Ok(Upload { target: self.clone(), parts: WriteMultipart::new_with_chunk_size(upload, PART_BYTES) })
    }

    /// A whole object; `None` if there is none.
    pub(super) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, BackupFailure> {
        let got = self.wait(async {
            match self.store.get(&Name::from(name)).await {
                Ok(result) => result.bytes().await.map(Some),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })?;
        Ok(got.map(Into::into))
    }

    /// To read an object from its beginning.
    pub(super) fn open(&self, name: &str) -> Result<Reader, BackupFailure> {
        let meta = self.wait(self.store.head(&Name::from(name)))?;
        Ok(Reader {
            target: self.clone(),
            name: name.to_owned(),
            size: meta.size,
            asked: 0,
            buffer: Vec::new(),
            taken: 0,
        })
    }

    /// Names of the objects below a folder, sorted.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, BackupFailure> {
        let prefix = Name::from(folder);
        let found = self.store.list(Some(&prefix)).map_ok(|meta| meta.location.to_string()).try_collect::<Vec<_>>();
        let mut names = self.wait(found)?;
        names.sort_unstable();
        Ok(names)
    }

    /// Names of the folders in a folder, without it, sorted.
    pub(super) fn folders(&self, folder: &str) -> Result<Vec<String>, BackupFailure> {
        let prefix = Name::from(folder);
        let listed = self.wait(self.store.list_with_delimiter(Some(&prefix)))?;
        let last = |path: Name| path.filename().map(str::to_owned);
        let mut names: Vec<String> = listed.common_prefixes.into_iter().filter_map(last).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Deletes what a crash left of uploads below a folder. The store writes to `NAME#1` first and never lists that.
    pub(super) fn clear_unfinished(&self, folder: &str) -> std::io::Result<()> {
        let entries = match std::fs::read_dir(self.folder.join(folder)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_string_lossy().contains('#') {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Deletes an object; one that is not there is deleted already.
    pub(super) fn delete(&self, name: &str) -> Result<(), BackupFailure> {
        self.wait(async {
            match self.store.delete(&Name::from(name)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }
}

/// The store's words, with the operating system's behind them.
fn told(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(current) = cause {
        let more = current.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = current.source();
    }
    text
}

/// An object on its way.
pub(super) struct Upload {
    target: Target,
    parts: WriteMultipart,
}

impl Upload {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), BackupFailure> {
        let Self { target, parts } = self;
        target.wait(async {
            parts.wait_for_capacity(PARTS).await?;
            parts.write(bytes);
            Ok(())
        })
    }

    /// The object is durable when this returns.
    pub(super) fn finish(self) -> Result<(), BackupFailure> {
        let Self { target, parts } = self;
        target.wait(parts.finish()).map(|_| ())
    }
}

/// Reads an object in large pieces.
pub(super) struct Reader {
    target: Target,
    name: String,
    size: u64,
    asked: u64,
    buffer: Vec<u8>,
    taken: usize,
}

impl Reader {
    /// Bytes of the object.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Fills the buffer; `false` if the object ends before.
    pub(super) fn read(&mut self, mut into: &mut [u8]) -> Result<bool, BackupFailure> {
        while !into.is_empty() {
            let (_, rest) = self.buffer.split_at(self.taken.min(self.buffer.len()));
            if rest.is_empty() {
                if self.asked >= self.size {
                    return Ok(false);
                }
                let end = self.size.min(self.asked + PART_BYTES as u64);
                let name = Name::from(self.name.as_str());
                let read = self.target.wait(self.target.store.get_range(&name, self.asked..end))?;
                self.buffer = read.into();
                if self.buffer.is_empty() {
                    return Ok(false);
                }
                (self.asked, self.taken) = (end, 0);
                continue;
            }
            let length = rest.len().min(into.len());
            let ((now, later), (bytes, _)) = (into.split_at_mut(length), rest.split_at(length));
            now.copy_from_slice(bytes);
            into = later;
            self.taken += length;
        }
        Ok(true)
    }
}
