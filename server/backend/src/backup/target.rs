//! Where backups go: an object store of its own. Takes and gives bytes that are sealed already.
//!
//! Calls block: backups have threads of their own. None blocks for ever: a disk of a network that is away hangs, and a
//! call that hangs cannot be ended, only left behind.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::path::Path as Name;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use tokio::runtime::Handle;

use super::BackupFailure;
use crate::storage::{self, s3};

/// Bytes asked for at once, and sent at once. S3 takes nothing below five megabytes, but for the last part.
const PART_BYTES: usize = 8 << 20;
/// S3 takes no more than ten thousand.
const MOST_PARTS: u64 = 9000;
/// Parts on their way at once.
const PARTS: usize = 4;
/// While so many calls hang no other is begun: each of them keeps one of the process's threads for files.
const MOST_HANGING: usize = 4;
/// How long a call is waited for, unless [`Target::within`] says otherwise.
const DEADLINE: Duration = Duration::from_secs(60);

/// The bytes of an object; cheap to clone.
pub(super) type Object = PutPayload;

/// A place for backups; cheap to clone.
#[derive(Clone)]
pub struct Target {
    store: Arc<dyn ObjectStore>,
    /// None in S3.
    folder: Option<Arc<PathBuf>>,
    handle: Handle,
    deadline: Duration,
    /// Calls that were given up and have not ended.
    hanging: Arc<AtomicUsize>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target")
    }
}

impl Target {
    /// Opens `file:FOLDER` or `s3://BUCKET/PREFIX?region=REGION`. Called inside the runtime that will do its work.
    ///
    /// # Errors
    /// [`BackupFailure::Target`]: an unknown kind of target (named; the rest may hold a secret), an address that does not
    /// read, or a folder that cannot be made or used.
    pub fn parse(url: &str) -> Result<Self, BackupFailure> {
        let (store, folder) = match url.split_once(':') {
            Some(("s3", _)) => {
                let opened = s3::open(url, s3::Patience::BACKUP);
                (opened.map_err(|reason| BackupFailure::Target(format!("s3: {reason}")))?.store, None)
            }
            Some(("file", _)) => {
                let opened = storage::folder_of(url).and_then(|folder| storage::open(&folder));
                let (store, folder) = opened.map_err(|error| BackupFailure::Target(error.to_string()))?;
                (store, Some(Arc::new(folder)))
            }
            other => {
                let kind = other.map_or("", |(kind, _)| kind);
                let known = "file:FOLDER or s3://BUCKET/PREFIX?region=REGION";
                return Err(BackupFailure::Target(format!("{kind:?} is not a known kind of it; use {known}")));
            }
        };
        let handle = Handle::current();
        Ok(Self { store, folder, handle, deadline: DEADLINE, hanging: Arc::default() })
    }

    /// The same target, whose calls are given up after so long.
    pub(super) fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The same target with another store, which does what tests want of it.
    #[cfg(test)]
    pub(super) fn through(self, store: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        Self { store: store(Arc::clone(&self.store)), ..self }
    }

    fn late(&self) -> BackupFailure {
        BackupFailure::Late { seconds: self.deadline.as_secs() }
    }

    /// Waits for a call. One that is given up may still do its work later.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<T, BackupFailure> {
        if self.hanging.load(Ordering::SeqCst) >= MOST_HANGING {
            return Err(self.late());
        }
        let mut call = self.handle.spawn(work);
        match self.wait_for(async { tokio::time::timeout(self.deadline, &mut call).await }) {
            Ok(Ok(outcome)) => outcome.map_err(|error| BackupFailure::Target(told(&error))),
            Ok(Err(error)) => Err(BackupFailure::Target(format!("a call ended early: {error}"))),
            Err(_) => {
                let hanging = Arc::clone(&self.hanging);
                hanging.fetch_add(1, Ordering::SeqCst);
                self.handle.spawn(async move {
                    drop(call.await);
                    hanging.fetch_sub(1, Ordering::SeqCst);
                });
                Err(self.late())
            }
        }
    }

    /// Waits for a step of an upload, which ends when it is given up.
    fn wait_here<T>(&self, work: impl Future<Output = object_store::Result<T>>) -> Result<T, BackupFailure> {
        match self.wait_for(async { tokio::time::timeout(self.deadline, work).await }) {
            Ok(outcome) => outcome.map_err(|error| BackupFailure::Target(told(&error))),
            Err(_) => Err(self.late()),
        }
    }

    /// Waits for what the stores of objects do, which is not only in the target.
    pub(super) fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::task::block_in_place(|| self.handle.block_on(work))
    }

    /// Lets some time pass.
    pub(super) fn rest(&self, time: Duration) {
        // Made inside, for a timer belongs to a runtime.
        self.wait_for(async { tokio::time::sleep(time).await });
    }

    /// Stores an object; it is durable when this returns. One of that name is replaced in one step.
    pub(super) fn put(&self, name: &str, object: impl Into<Object>) -> Result<(), BackupFailure> {
        let (store, name, object) = (Arc::clone(&self.store), Name::from(name), object.into());
        self.wait(async move { store.put(&name, object).await }).map(|_| ())
    }

    /// Begins an object of about this length, too long to be held in memory. Without [`Upload::finish`] there is none.
    pub(super) fn upload(&self, name: &str, length: u64) -> Result<Upload, BackupFailure> {
        let (store, name) = (Arc::clone(&self.store), Name::from(name));
        let upload = self.wait(async move { store.put_multipart(&name).await })?;
        let part = PART_BYTES.max(usize::try_from(length / MOST_PARTS).unwrap_or(PART_BYTES));
        Ok(Upload { target: self.clone(), parts: WriteMultipart::new_with_chunk_size(upload, part) })
    }

    /// A whole object; `None` if there is none.
    pub(super) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, BackupFailure> {
        let (store, name) = (Arc::clone(&self.store), Name::from(name));
        let got = self.wait(async move {
            match store.get(&name).await {
                Ok(result) => result.bytes().await.map(Some),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })?;
        Ok(got.map(Into::into))
    }

    /// To read an object from its beginning.
    pub(super) fn open(&self, name: &str) -> Result<Reader, BackupFailure> {
        let (store, name) = (Arc::clone(&self.store), Name::from(name));
        let object = name.clone();
        let meta = self.wait(async move { store.head(&name).await })?;
        Ok(Reader { target: self.clone(), name: object, size: meta.size, asked: 0, buffer: Vec::new(), taken: 0 })
    }

    /// Names of the objects below a folder, sorted.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, BackupFailure> {
        let (store, prefix) = (Arc::clone(&self.store), Name::from(folder));
        let mut names = self.wait(async move {
            store.list(Some(&prefix)).map_ok(|meta| meta.location.to_string()).try_collect::<Vec<_>>().await
        })?;
        names.sort_unstable();
        Ok(names)
    }

    /// Names of the folders in a folder, without it, sorted.
    pub(super) fn folders(&self, folder: &str) -> Result<Vec<String>, BackupFailure> {
        let (store, prefix) = (Arc::clone(&self.store), Name::from(folder));
        let listed = self.wait(async move { store.list_with_delimiter(Some(&prefix)).await })?;
        let last = |path: Name| path.filename().map(str::to_owned);
        let mut names: Vec<String> = listed.common_prefixes.into_iter().filter_map(last).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Deletes what a crash left of uploads below a folder. The store writes to `NAME#1` first and never lists that. In S3
    /// a rule of the bucket does it, because parts of uploads are not to be seen below a folder.
    pub(super) fn clear_unfinished(&self, folder: &str) -> std::io::Result<()> {
        let Some(root) = &self.folder else { return Ok(()) };
        let entries = match std::fs::read_dir(root.join(folder)) {
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
        let (store, name) = (Arc::clone(&self.store), Name::from(name));
        self.wait(async move {
            match store.delete(&name).await {
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
        target.wait_here(async {
            parts.wait_for_capacity(PARTS).await?;
            parts.write(bytes);
            Ok(())
        })
    }

    /// The object is durable when this returns.
    pub(super) fn finish(self) -> Result<(), BackupFailure> {
        let Self { target, parts } = self;
        target.wait_here(parts.finish()).map(|_| ())
    }

    /// Takes back what was sent.
    pub(super) fn abandon(self) {
        let Self { target, parts } = self;
        if let Err(failure) = target.wait_here(parts.abort()) {
            tracing::warn!(error.cause = %failure, "an upload that was given up stays unfinished in the target");
        }
    }
}

/// Reads an object in large pieces.
pub(super) struct Reader {
    target: Target,
    name: Name,
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
                let (store, name, asked) = (Arc::clone(&self.target.store), self.name.clone(), self.asked..end);
                let read = self.target.wait(async move { store.get_range(&name, asked).await })?;
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
