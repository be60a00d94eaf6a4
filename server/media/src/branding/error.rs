//! Why a branding is refused.

use crate::branding::drawing::DrawingError;
use crate::error::MediaError;

/// The pictures of a branding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    Overlay,
    Frame,
    Logo,
}

/// Why a branding is refused. [`BrandingError::code`] is for clients; the texts are for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrandingError {
    /// A number is outside of what is allowed.
    #[error("{field} is {value}, {least} to {greatest} are allowed")]
    Number { field: &'static str, value: u16, least: u16, greatest: u16 },
    /// A picture of the branding has more bytes than the limit.
    #[error("the {part:?} has {bytes} bytes, {limit} are allowed")]
    TooLarge { part: Part, bytes: u64, limit: u64 },
    /// A picture of the branding cannot be read.
    #[error("the {part:?}: {error}")]
    Picture { part: Part, error: MediaError },
    /// A drawing (SVG) of the branding is refused.
    #[error("the {part:?}: {error}")]
    Drawing { part: Part, error: DrawingError },
    /// The line of text cannot be set.
    #[error("the line of text: {0}")]
    Text(#[from] TextFault),
    /// The picture a preview is made of cannot be read, or the preview cannot be encoded.
    #[error("the sample: {0}")]
    Sample(MediaError),
}

/// Why a line of text cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// Nothing to be seen.
    #[error("it is empty")]
    Empty,
    /// More characters than the limit.
    #[error("it has {characters} characters, {limit} are allowed")]
    TooLong { characters: usize, limit: usize },
    /// The font has no letter for a character: it has those of western European languages.
    #[error("the font has no letter for character {place}")]
    NoLetter {
        /// Which character, counted from 1.
        place: usize,
    },
}

impl BrandingError {
    /// A stable code for clients, to be translated there.
    pub fn code(&self) -> &'static str {
        match self {
            BrandingError::Number { .. } => "branding_number",
            BrandingError::TooLarge { .. } => "file_too_large",
            BrandingError::Picture { error, .. } | BrandingError::Sample(error) => error.code(),
            BrandingError::Drawing { error, .. } => error.code(),
            BrandingError::Text(TextFault::Empty) => "branding_text_empty",
            BrandingError::Text(TextFault::TooLong { .. }) => "branding_text_too_long",
            BrandingError::Text(TextFault::NoLetter { .. }) => "branding_text_letter",
        }
    }
}
