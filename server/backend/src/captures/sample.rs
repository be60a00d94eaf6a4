//! A neutral picture for the preview of an event that has none yet. It has an id that no clock gives out, so it needs
//! no address of its own.

use std::sync::Arc;

use shutterpost_model::captures::{Encoding, MediaFile, RenditionFile};
use shutterpost_model::id::CaptureId;

const WEBP: &[u8] = include_bytes!("../../assets/sample.webp");
const JPEG: &[u8] = include_bytes!("../../assets/sample.jpg");
/// Pixels of both files.
pub(crate) const SIZE: (i32, i32) = (960, 1200);
/// Grows when the picture is replaced.
pub(crate) const REVISION: i32 = 1;

/// The id under which the sample is found: no random bits and the year 1970.
pub(crate) fn id() -> CaptureId {
    CaptureId::new(0, [0; 10])
}

/// The sample in any name, if it is what is asked for.
pub(super) fn media(capture: &CaptureId, file: RenditionFile) -> Option<MediaFile> {
    let bytes = match file.encoding {
        Encoding::WebP => WEBP,
        Encoding::Jpeg => JPEG,
        Encoding::Avif | Encoding::Mp4 | Encoding::Gif | Encoding::Png => return None,
    };
    (*capture == id() && file.revision == REVISION).then(|| MediaFile {
        content: Arc::new(bytes.to_vec()),
        media_type: file.encoding.media_type(),
        etag: format!("sample-{REVISION}-{}", file.encoding.extension()),
    })
}
