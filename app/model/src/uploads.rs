//! Uploads that come in pieces and go on after whatever cut them: tus 1.0.0. What a request asks for is read from its
//! headers ([`ask`]), and what is decided about it depends on that and on what is stored ([`decide`]). Both are plain
//! functions, so that histories of thousands of requests can be tried without a server.

pub mod ask;
pub mod decide;
pub mod metadata;

#[cfg(test)]
mod tests;

use async_trait::async_trait;

use crate::access::Actor;
use crate::error::AppError;
use crate::id::UploadId;
use crate::ingest::Accepted;
use crate::pii::Pii;
use crate::time::{DAY, Millis};
use ask::{Append, Create};

/// The version of the protocol that is spoken.
pub const VERSION: &str = "1.0.0";
/// What of it is spoken beyond its core.
pub const EXTENSIONS: &str =
    "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,concatenation";
/// By what a piece may be checked.
pub const CHECKSUMS: &str = "sha1,sha256";
/// Address of the uploads.
pub const PATH: &str = "/uploads";
/// How long an upload may lie untouched before it ends, in milliseconds.
pub const KEPT: i64 = 7 * DAY;
/// Uploads that one uploader may have open at a time.
pub const OPEN_MOST: i64 = 200;

/// What an upload is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A file by itself.
    Whole,
    /// A part of a file, to be joined with others.
    Partial,
    /// Joined of partial ones, in this order.
    Joined(Vec<UploadId>),
}

/// How far an upload is, as whoever uploads is told.
#[derive(Debug, Clone)]
pub struct Progress {
    pub id: UploadId,
    pub kind: Kind,
    /// Bytes that are on the disk.
    pub offset: u64,
    /// All bytes; `None` until the client says.
    pub length: Option<u64>,
    pub expires_at: Millis,
    /// `Upload-Metadata` as it came. Gone when the upload is done.
    pub metadata: Option<Pii<String>>,
    pub stage: Stage,
}

/// What became of an upload.
#[derive(Debug, Clone)]
pub enum Stage {
    /// Bytes are still to come; or all are here and will be taken in as soon as somebody asks.
    Open,
    /// It is a capture.
    Done(Accepted),
    /// The file is none that can be taken; sending it again changes nothing.
    Refused(AppError),
}

/// The bytes of a request, as they come.
#[async_trait]
pub trait Incoming: Send {
    /// The next bytes; `None` when the request ended as it should.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Cut>;
}

/// The client or its network went away in the middle of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

/// The port of uploads in pieces. An upload is its uploader's own: the device's, or the API token's; for everybody else
/// it is not there.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Begins an upload. Bytes that come along are taken like those of [`Uploads::append`].
    async fn create(&self, actor: &Actor, create: Create, body: Box<dyn Incoming>) -> Result<Progress, AppError>;

    /// How far it is. If all bytes are here and the answer to the last ones was lost, the file is taken in now.
    async fn look(&self, actor: &Actor, upload: &UploadId) -> Result<Progress, AppError>;

    /// Takes bytes. Those that it says yes to are on the disk; with the last one the file is taken in, once, whatever is
    /// lost on the way.
    async fn append(
        &self,
        actor: &Actor,
        upload: &UploadId,
        append: Append,
        body: Box<dyn Incoming>,
    ) -> Result<Progress, AppError>;

    /// Ends an upload and erases its bytes.
    async fn end(&self, actor: &Actor, upload: &UploadId) -> Result<(), AppError>;

    /// The largest file in bytes.
    fn largest(&self) -> u64;
}
