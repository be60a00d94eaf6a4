//! What is decided about a request, given what is stored. The store carries it out, and asks once more, in one statement,
//! whether what was decided on is still so: [`Claim`].

use super::Kind;
use super::ask::{Append, Bytes, Create};
use crate::error::{AppError, Code};
use crate::time::Millis;

/// What is stored of an upload, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub kind: Kind,
    pub length: Option<u64>,
    /// Bytes that count: they are on the disk, and whoever uploads is told so.
    pub offset: u64,
    /// Whether nothing more can come: it is a capture, or was refused.
    pub closed: bool,
    pub expires_at: Millis,
    /// How often writing was begun. Only the last one who began may make bytes count.
    pub claim: i64,
}

/// The right to write, as long as nobody else began after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub number: i64,
    /// Where writing begins.
    pub offset: u64,
    /// The length as it is known from now on.
    pub length: Option<u64>,
    /// How many bytes may come at most.
    pub most: u64,
}

/// An upload as it is written down at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    pub length: Option<u64>,
    /// What of the request's bytes is taken, if it brings any.
    pub claim: Option<Claim>,
}

/// Whether an upload may begin; `largest` is the limit of files.
///
/// # Errors
/// [`Code::TooLarge`].
pub fn create(ask: &Create, largest: u64) -> Result<Begun, AppError> {
    if ask.length.is_some_and(|length| length > largest) {
        return Err(Code::TooLarge.into());
    }
    let most = ask.length.unwrap_or(largest);
    let claim = match &ask.bytes {
        None => None,
        Some(bytes) => {
            room(bytes, most)?;
            Some(Claim { number: 1, offset: 0, length: ask.length, most })
        }
    };
    Ok(Begun { length: ask.length, claim })
}

/// Whether bytes may be added.
///
/// # Errors
/// [`Code::NotFound`], [`Code::UploadEnded`], [`Code::UploadJoined`], [`Code::UploadOffset`] for a gap, an overlap or
/// another length than before, [`Code::TooLarge`].
pub fn append(ask: &Append, stored: Option<&Stored>, largest: u64, now: Millis) -> Result<Claim, AppError> {
    let stored = living(stored, now)?;
    if matches!(stored.kind, Kind::Joined(_)) {
        return Err(Code::UploadJoined.into());
    }
    if ask.offset != stored.offset {
        return Err(Code::UploadOffset.into());
    }
    let length = match (stored.length, ask.length) {
        (Some(known), Some(said)) if known != said => return Err(Code::UploadOffset.into()),
        (None, Some(said)) if said < stored.offset => return Err(Code::UploadOffset.into()),
        (None, Some(said)) if said > largest => return Err(Code::TooLarge.into()),
        (known, said) => known.or(said),
    };
    let most = length.unwrap_or(largest).saturating_sub(stored.offset);
    room(&ask.bytes, most)?;
    Ok(Claim { number: stored.claim.saturating_add(1), offset: stored.offset, length, most })
}

/// Whether the upload is there to be looked at, ended or joined.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::UploadEnded`] if it lay for too long.
pub fn living(stored: Option<&Stored>, now: Millis) -> Result<&Stored, AppError> {
    let stored = stored.ok_or(Code::NotFound)?;
    if now >= stored.expires_at { Err(Code::UploadEnded.into()) } else { Ok(stored) }
}

/// The length of an upload that is joined of these, each of which must be a whole partial one.
///
/// # Errors
/// [`Code::NotFound`] and [`Code::UploadEnded`] as for each of them; [`Code::UploadOffset`] if one is not at its end;
/// [`Code::TooLarge`].
pub fn join<'a>(
    parts: impl IntoIterator<Item = Option<&'a Stored>>,
    largest: u64,
    now: Millis,
) -> Result<u64, AppError> {
    let mut length = 0_u64;
    for part in parts {
        let part = living(part, now)?;
        if part.kind != Kind::Partial {
            return Err(AppError::field("upload-concat", Code::BadChoice));
        }
        if part.length != Some(part.offset) {
            return Err(Code::UploadOffset.into());
        }
        length = length.saturating_add(part.offset);
    }
    if length > largest { Err(Code::TooLarge.into()) } else { Ok(length) }
}

/// Whether the bytes that a request announces have room.
fn room(bytes: &Bytes, most: u64) -> Result<(), AppError> {
    if bytes.size.is_some_and(|size| size > most) { Err(Code::TooLarge.into()) } else { Ok(()) }
}

/// What the store asks before bytes count: nobody began to write since, and nobody moved the end.
pub const fn holds(stored: &Stored, claim: Claim, offset: u64) -> bool {
    stored.claim == claim.number && stored.offset == offset && !stored.closed
}
