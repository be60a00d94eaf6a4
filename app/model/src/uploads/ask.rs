//! What a request asks for, read from its headers alone. A header that comes twice, or is no number where one belongs, is
//! refused: what two programs on the way may read differently is not guessed at.

use data_encoding::BASE64;

use super::metadata::Metadata;
use super::{Kind, PATH, VERSION};
use crate::error::{AppError, Code};
use crate::id::UploadId;

/// The media type of bytes that belong at an offset.
const BYTES: &str = "application/offset+octet-stream";
/// Uploads joined in one.
const JOINED_MOST: usize = 100;

/// Names, in lower case, and values of a request's headers.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a>(pub &'a [(&'a str, &'a str)]);

impl<'a> Headers<'a> {
    /// The one value of a header.
    fn one(&self, name: &str) -> Result<Option<&'a str>, AppError> {
        let mut values = self.0.iter().filter(|(other, _)| *other == name).map(|(_, value)| value.trim());
        let first = values.next();
        if values.next().is_some() { Err(AppError::field(name, Code::BadRequest)) } else { Ok(first) }
    }

    /// A number of bytes: digits alone, and few enough for every database.
    fn number(&self, name: &str) -> Result<Option<u64>, AppError> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let digits = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        number.map(Some).ok_or_else(|| AppError::field(name, Code::BadRequest))
    }
}

/// By what bytes are checked before they count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    pub algorithm: Algorithm,
    pub digest: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Sha1,
    Sha256,
}

/// The bytes of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bytes {
    /// How many; `None` if the client does not say beforehand.
    pub size: Option<u64>,
    pub checksum: Option<Checksum>,
}

/// To begin an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    pub kind: Kind,
    /// All bytes; `None` if that is said later, or follows from what is joined.
    pub length: Option<u64>,
    pub metadata: Metadata,
    /// Bytes that come along.
    pub bytes: Option<Bytes>,
}

/// To add bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    pub offset: u64,
    /// All bytes, where that was to be said later.
    pub length: Option<u64>,
    pub bytes: Bytes,
}

/// What every request but the discovery must say, and none may: the version; and that its method is another.
pub fn check(headers: Headers<'_>) -> Result<(), AppError> {
    // Whoever is in front of us decided by the method that it saw.
    if headers.one("x-http-method-override")?.is_some() {
        return Err(AppError::field("x-http-method-override", Code::BadRequest));
    }
    match headers.one("tus-resumable")? {
        Some(VERSION) => Ok(()),
        _ => Err(AppError::new(Code::UploadVersion)),
    }
}

/// Reads a POST.
pub fn create(headers: Headers<'_>) -> Result<Create, AppError> {
    check(headers)?;
    let kind = kind(headers)?;
    let metadata = headers.one("upload-metadata")?.filter(|text| !text.is_empty());
    let metadata = metadata.map(Metadata::read).transpose()?.unwrap_or_default();
    let length = headers.number("upload-length")?;
    let deferred = match headers.one("upload-defer-length")? {
        None => false,
        Some("1") => true,
        Some(_) => return Err(AppError::field("upload-defer-length", Code::BadRequest)),
    };
    let sized = match kind {
        Kind::Whole | Kind::Partial => length.is_some() != deferred,
        // It follows from what is joined.
        Kind::Joined(_) => length.is_none() && !deferred,
    };
    if !sized {
        return Err(AppError::field("upload-length", Code::BadRequest));
    }
    let bytes = match headers.one("content-type")? {
        Some(BYTES) => Some(bytes(headers)?),
        // Some clients name a type of nothing.
        _ if headers.number("content-length")?.unwrap_or(0) == 0 && headers.one("transfer-encoding")?.is_none() => None,
        _ => return Err(AppError::new(Code::ContentType)),
    };
    if matches!(kind, Kind::Joined(_)) && bytes.as_ref().is_some_and(|bytes| bytes.size != Some(0)) {
        return Err(AppError::new(Code::UploadJoined));
    }
    Ok(Create { kind, length, metadata, bytes })
}

/// Reads a PATCH.
pub fn append(headers: Headers<'_>) -> Result<Append, AppError> {
    check(headers)?;
    if headers.one("content-type")? != Some(BYTES) {
        return Err(AppError::new(Code::ContentType));
    }
    let offset = headers.number("upload-offset")?.ok_or_else(|| AppError::field("upload-offset", Code::BadRequest))?;
    Ok(Append { offset, length: headers.number("upload-length")?, bytes: bytes(headers)? })
}

fn bytes(headers: Headers<'_>) -> Result<Bytes, AppError> {
    let size = headers.number("content-length")?;
    let checksum = headers.one("upload-checksum")?.map(checksum).transpose()?;
    Ok(Bytes { size, checksum })
}

fn checksum(text: &str) -> Result<Checksum, AppError> {
    let wrong = || AppError::field("upload-checksum", Code::BadRequest);
    let (name, digest) = text.split_once(' ').ok_or_else(wrong)?;
    let (algorithm, size) = match name {
        "sha1" => (Algorithm::Sha1, 20),
        "sha256" => (Algorithm::Sha256, 32),
        _ => return Err(wrong()),
    };
    let digest = BASE64.decode(digest.as_bytes()).map_err(|_| wrong())?;
    if digest.len() == size { Ok(Checksum { algorithm, digest }) } else { Err(wrong()) }
}

fn kind(headers: Headers<'_>) -> Result<Kind, AppError> {
    let wrong = || AppError::field("upload-concat", Code::BadRequest);
    let text = match headers.one("upload-concat")? {
        None => return Ok(Kind::Whole),
        Some("partial") => return Ok(Kind::Partial),
        Some(text) => text.strip_prefix("final;").ok_or_else(wrong)?,
    };
    let parts = text.split(' ').filter(|part| !part.is_empty()).map(|part| named(part).ok_or_else(wrong));
    let parts: Vec<UploadId> = parts.collect::<Result<_, _>>()?;
    let mut once = parts.clone();
    once.sort_unstable();
    once.dedup();
    // Bytes twice in one file would be more than were ever sent.
    let fits = (1..=JOINED_MOST).contains(&parts.len()) && once.len() == parts.len();
    if fits { Ok(Kind::Joined(parts)) } else { Err(wrong()) }
}

/// The upload behind an address, whole or path alone.
fn named(address: &str) -> Option<UploadId> {
    let (before, id) = address.rsplit_once('/')?;
    if before.ends_with(PATH) { id.parse().ok() } else { None }
}
