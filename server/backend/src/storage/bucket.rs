//! What a bucket needs beside `object_store`: large objects in parts, and lists that come in pages.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path as Name;
use object_store::{GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use shutterpost_model::time::Millis;

use super::{Stored, failure, unwritten};
use crate::error::Failure;

/// Bytes sent and asked for at once. S3 takes nothing below five megabytes, but for the last part.
const PART_BYTES: usize = 8 << 20;
/// Parts on their way at once.
const PARTS: usize = 4;

/// What becomes of deleted objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// Nothing is kept of them.
    None,
    /// The bucket keeps versions, which are deleted with the object.
    Deleted,
    /// We may not ask the bucket. What it said.
    Unknown(String),
}

/// Stores an object, which is there whole or not at all.
pub(super) async fn put(store: &Arc<dyn ObjectStore>, name: &str, bytes: Bytes) -> Result<(), Failure> {
    let name = Name::from(name);
    if bytes.len() <= PART_BYTES {
        return store.put(&name, PutPayload::from(bytes)).await.map(|_| ()).map_err(unwritten);
    }
    let mut upload = store.put_multipart(&name).await.map_err(unwritten)?;
    let Err(error) = send(&mut *upload, &bytes).await else { return Ok(()) };
    // The last answer may have got lost. Names are random, so what is there under this one is this.
    if store.head(&name).await.is_ok_and(|found| found.size == bytes.len() as u64) {
        return Ok(());
    }
    if let Err(error) = upload.abort().await {
        tracing::warn!(error.cause = %error, "an upload that failed stays unfinished; the sweep takes it back");
    }
    Err(unwritten(error))
}

async fn send(upload: &mut dyn MultipartUpload, bytes: &Bytes) -> object_store::Result<()> {
    let mut parts = Vec::new();
    let mut rest = bytes.clone();
    while !rest.is_empty() {
        let part = rest.split_to(rest.len().min(PART_BYTES));
        parts.push(upload.put_part(PutPayload::from(part)));
    }
    stream::iter(parts).buffer_unordered(PARTS).try_collect::<Vec<()>>().await?;
    upload.complete().await.map(|_| ())
}

/// A whole object, in pieces that each come within the time of a request.
pub(super) async fn get(store: &Arc<dyn ObjectStore>, name: &str) -> Result<Vec<u8>, Failure> {
    let name = Name::from(name);
    let part = PART_BYTES as u64;
    let first = GetOptions { range: Some(GetRange::Bounded(0..part)), ..GetOptions::default() };
    let first = store.get_opts(&name, first).await.map_err(failure)?;
    let size = first.meta.size;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    bytes.extend_from_slice(&first.bytes().await.map_err(failure)?);
    while (bytes.len() as u64) < size {
        let at = bytes.len() as u64;
        let more = store.get_range(&name, at..size.min(at + part)).await.map_err(failure)?;
        if more.is_empty() {
            return Err(Failure::Internal("storage: an object ended early".into()));
        }
        bytes.extend_from_slice(&more);
    }
    Ok(bytes)
}

/// Everything below a shelf, page after page.
pub(super) async fn list(store: &Arc<dyn ObjectStore>, shelf: &str) -> Result<Vec<Stored>, Failure> {
    let listed = store.list(Some(&Name::from(shelf)));
    let stored = listed.map_ok(|found| Stored {
        name: found.location.to_string(),
        written_at: Millis(found.last_modified.timestamp_millis()),
    });
    stored.try_collect().await.map_err(failure)
}
