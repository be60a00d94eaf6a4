//! Why a file was refused.

/// Why a file was refused. [`MediaError::code`] is for clients; the texts are for the log and hold nothing of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// More bytes than the limit.
    #[error("the file has {bytes} bytes, {limit} are allowed")]
    TooLarge { bytes: u64, limit: u64 },
    /// The first bytes are those of no picture format we know.
    #[error("the file is not a picture")]
    NotAnImage,
    /// A picture, but of a kind we do not read.
    #[error("unsupported: {0}")]
    Unsupported(&'static str),
    /// More than one frame.
    #[error("animated pictures are not accepted")]
    Animated,
    /// The file ends before the picture does.
    #[error("the file is cut off")]
    Truncated,
    /// The file contradicts its format.
    #[error("damaged: {0}")]
    Malformed(&'static str),
    /// More pixels, or a longer side, than the limits allow.
    #[error("{width} x {height} pixels are too many")]
    TooManyPixels { width: u32, height: u32 },
    /// An encoder failed, which good input cannot cause.
    #[error("cannot encode: {0}")]
    Encode(&'static str),
}

impl MediaError {
    /// A stable code for clients, to be translated there.
    pub fn code(&self) -> &'static str {
        match self {
            MediaError::Empty => "file_empty",
            MediaError::TooLarge { .. } => "file_too_large",
            MediaError::NotAnImage => "file_not_an_image",
            MediaError::Unsupported(_) => "image_unsupported",
            MediaError::Animated => "image_animated",
            MediaError::Truncated => "image_truncated",
            MediaError::Malformed(_) => "image_malformed",
            MediaError::TooManyPixels { .. } => "image_too_many_pixels",
            MediaError::Encode(_) => "image_encoding_failed",
        }
    }
}
