//! From an upload to the files that are stored. Runs on the pool's threads.

use sha2::{Digest, Sha256};
use shutterpost_media::derive::{Derived, derive};
use shutterpost_media::error::MediaError;
use shutterpost_media::inspect::{Inspected, Limits, inspect};
use shutterpost_media::mark::Mark;
use shutterpost_media::rendition::Rendition;
use shutterpost_media::strip::strip;
use shutterpost_model::error::Code;

use crate::error::Failure;
use crate::events::logos_code;

/// What an upload is, before any pixel is decoded.
#[derive(Debug, Clone)]
pub(super) struct Examined {
    pub(super) file_hash: [u8; 32],
    /// What the container says, or why the file is refused.
    pub(super) inspected: Result<Inspected, MediaError>,
}

pub(super) fn examine(bytes: &[u8], limits: &Limits) -> Examined {
    Examined { file_hash: Sha256::digest(bytes).into(), inspected: inspect(bytes, limits) }
}

/// Everything that is stored of an upload.
#[derive(Debug)]
pub(super) struct Pictures {
    /// The upload without metadata.
    pub(super) original: Vec<u8>,
    /// Pixels of the upright picture.
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) renditions: Vec<Rendition>,
}

/// Strips and derives. `logo` is blended in.
pub(super) fn make(
    bytes: &[u8],
    inspected: Inspected,
    logo: Option<&[u8]>,
    limits: &Limits,
) -> Result<Pictures, Failure> {
    let original = strip(bytes).map_err(failure)?;
    // Our own file, so a failure is ours.
    let mark = logo.map(|logo| Mark::from_bytes(logo, limits)).transpose();
    let mark = mark.map_err(|error| Failure::internal("the stored logo does not read", error))?;
    let derived = derive(&original, Some(inspected.orientation), mark.as_ref(), limits).map_err(failure)?;
    let Derived { width, height, renditions, backdrop: _, placeholder: _ } = derived;
    let side = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    Ok(Pictures { original, width: side(width), height: side(height), renditions })
}

/// What a refused file becomes: a code for the client, and the reason in the log where it is our fault.
pub(super) fn failure(error: MediaError) -> Failure {
    match logos_code(error) {
        Code::Internal => Failure::internal("a picture could not be encoded", error),
        code => code.into(),
    }
}

/// Whether the declared type is what the file holds. Programs that know no better declare none, or bytes.
pub(super) fn check_declared(declared: Option<&str>, inspected: &Inspected) -> Result<(), Code> {
    let declared = declared.and_then(|text| text.split(';').next()).map(|text| text.trim().to_ascii_lowercase());
    match declared.as_deref() {
        None | Some("" | "application/octet-stream") => Ok(()),
        // Not registered, but sent by many.
        Some("image/jpg" | "image/pjpeg") if inspected.format.media_type() == "image/jpeg" => Ok(()),
        Some(text) if text == inspected.format.media_type() => Ok(()),
        Some(_) => Err(Code::FileMismatch),
    }
}

#[cfg(test)]
mod tests {
    use shutterpost_media::inspect::SourceFormat;

    use super::*;

    #[test]
    fn a_wrong_declaration_is_refused() {
        let inspected = Inspected { format: SourceFormat::Jpeg, width: 1, height: 1, orientation: 1, memory_bytes: 0 };
        for (declared, expected) in [
            (None, Ok(())),
            (Some("image/jpeg"), Ok(())),
            (Some("IMAGE/JPG; q=1"), Ok(())),
            (Some("application/octet-stream"), Ok(())),
            (Some("image/png"), Err(Code::FileMismatch)),
            (Some("text/html"), Err(Code::FileMismatch)),
        ] {
            assert_eq!(check_declared(declared, &inspected), expected, "{declared:?}");
        }
    }
}
