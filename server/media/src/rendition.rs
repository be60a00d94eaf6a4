//! What comes out: names, sizes and encodings.

use std::fmt;

/// Which rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    /// At most 320 pixels on the longer side: lists and grids.
    Thumb,
    /// At most 960: the share page on a phone.
    Web,
    /// At most 2048: to keep.
    Large,
    /// Exactly 1200 x 630: the card others show for a link (Open Graph).
    Og,
}

impl Name {
    /// All names, smallest first.
    pub const ALL: [Name; 4] = [Name::Thumb, Name::Web, Name::Large, Name::Og];

    /// The name in URLs and in the store. Never changes.
    pub fn as_str(self) -> &'static str {
        match self {
            Name::Thumb => "thumb",
            Name::Web => "web",
            Name::Large => "large",
            Name::Og => "og",
        }
    }

    /// Reads [`Name::as_str`].
    pub fn parse(text: &str) -> Option<Name> {
        Name::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

/// How a rendition is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// The smallest by far, and the slowest to make: comes in the second stage.
    Avif,
    WebP,
    Jpeg,
}

impl Encoding {
    /// All encodings, the preferred one first.
    pub const ALL: [Encoding; 3] = [Encoding::Avif, Encoding::WebP, Encoding::Jpeg];
    /// What is there as soon as a link is valid.
    pub const FIRST: [Encoding; 2] = [Encoding::WebP, Encoding::Jpeg];

    /// The media type, such as `image/webp`.
    pub fn media_type(self) -> &'static str {
        match self {
            Encoding::Avif => "image/avif",
            Encoding::WebP => "image/webp",
            Encoding::Jpeg => "image/jpeg",
        }
    }

    /// The ending of a file name, without the dot. Never changes.
    pub fn extension(self) -> &'static str {
        match self {
            Encoding::Avif => "avif",
            Encoding::WebP => "webp",
            Encoding::Jpeg => "jpg",
        }
    }

    /// Reads [`Encoding::extension`].
    pub fn parse(text: &str) -> Option<Encoding> {
        Encoding::ALL.into_iter().find(|encoding| encoding.extension() == text)
    }
}

/// A finished file. Holds no metadata whatever and no profile: it is sRGB.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendition {
    pub name: Name,
    pub encoding: Encoding,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Rendition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rendition { name, encoding, width, height, bytes } = self;
        write!(f, "{name:?} {encoding:?} {width}x{height}, {} bytes", bytes.len())
    }
}
