//! Picture designs: what an organisation puts on the pictures of an event. Filter, background, frame, overlay, logo and a
//! line of text; one for all pictures, or one for each format.
//!
//! Sizes are told in thousandths of the picture's shorter side, so that a design looks the same in every rendition.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{AppError, Code};
use crate::events::colour::Colour;
use crate::id::DesignFileId;
use crate::validate::{self, Check};

/// Longest line of text, in characters.
pub const TEXT_LONGEST: usize = 120;
/// Most files of an event's design.
pub const FILES_MOST: usize = 30;
/// Largest file of a design, in bytes.
pub const FILE_LARGEST: usize = 20_000_000;
/// The room around a picture on one side, in thousandths.
pub const ROOM: std::ops::RangeInclusive<u16> = 0..=300;
/// How wide a frame is, in thousandths.
pub const FRAME_WIDTH: std::ops::RangeInclusive<u16> = 1..=250;
/// How much of each edge of a frame's picture is frame, in thousandths of its own shorter side.
pub const FRAME_SLICE: std::ops::RangeInclusive<u16> = 1..=499;
/// The longer side of a logo, in thousandths.
pub const LOGO_SIZE: std::ops::RangeInclusive<u16> = 20..=1000;
/// The size of letters, in thousandths.
pub const TEXT_SIZE: std::ops::RangeInclusive<u16> = 10..=300;
/// From the edges to a logo or a line, in thousandths.
pub const MARGIN: std::ops::RangeInclusive<u16> = 0..=400;

/// An enumeration whose names are those of the API, of forms and of what is stored. They never change.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == name)
            }
        }
    )+};
}

// After the macro, which it uses.
mod port;

pub use port::{ApplyState, Designs, PreviewOn, Progress};

choices! {
    /// What the proportions of a picture are called. Films have the format of their first picture.
    Format {
        Portrait = "portrait",
        Landscape = "landscape",
        /// The sides differ by no more than a fiftieth.
        Square = "square",
    }
    /// How the colours of a picture are changed.
    Filter {
        None = "none",
        BlackAndWhite = "black_and_white",
        Warm = "warm",
        Cool = "cool",
        Faded = "faded",
        Vivid = "vivid",
    }
    /// One of nine places in a picture.
    Place {
        TopLeft = "top_left",
        Top = "top",
        TopRight = "top_right",
        Left = "left",
        Centre = "centre",
        Right = "right",
        BottomLeft = "bottom_left",
        Bottom = "bottom",
        BottomRight = "bottom_right",
    }
    /// How an overlay of other proportions than the picture is laid on it.
    Fit {
        /// All of it on all of the picture, out of its proportions.
        Stretch = "stretch",
        /// On all of the picture; what is too long is cut off on both sides alike.
        Cover = "cover",
        /// All of it, in the middle.
        Contain = "contain",
    }
    /// How thick letters are.
    Weight {
        Regular = "regular",
        Bold = "bold",
    }
    /// What a file of a design is for.
    FileKind {
        Overlay = "overlay",
        Frame = "frame",
        Logo = "logo",
    }
}

/// A colour that may let through what lies below: `#rrggbb` or `#rrggbbaa`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tint {
    pub colour: Colour,
    /// 0 is invisible, 255 hides what lies below.
    pub alpha: u8,
}

impl From<Colour> for Tint {
    fn from(colour: Colour) -> Self {
        Self { colour, alpha: u8::MAX }
    }
}

impl fmt::Display for Tint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { colour, alpha } = self;
        if *alpha == u8::MAX { write!(f, "{colour}") } else { write!(f, "{colour}{alpha:02x}") }
    }
}

impl FromStr for Tint {
    type Err = Code;

    fn from_str(text: &str) -> Result<Self, Code> {
        let (colour, alpha) = match text.split_at_checked(7) {
            Some((colour, "")) => (colour, u8::MAX),
            Some((colour, alpha)) if alpha.len() == 2 && alpha.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                (colour, u8::from_str_radix(alpha, 16).map_err(|_| Code::BadColour)?)
            }
            Some(_) | None => return Err(Code::BadColour),
        };
        Ok(Self { colour: colour.parse()?, alpha })
    }
}

impl Serialize for Tint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Tint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The colour behind a picture that is made smaller to leave room around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Background {
    pub colour: Colour,
    /// [`ROOM`].
    pub top: u16,
    pub right: u16,
    pub bottom: u16,
    pub left: u16,
}

/// Lies on the edges of the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Frame {
    /// Of one colour.
    Plain {
        colour: Tint,
        /// [`FRAME_WIDTH`].
        width: u16,
    },
    /// Of a picture in nine parts.
    Picture {
        file: DesignFileId,
        /// [`FRAME_SLICE`].
        slice: u16,
        /// [`FRAME_WIDTH`].
        width: u16,
    },
}

/// Lies on the whole picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    pub file: DesignFileId,
    pub fit: Fit,
}

/// A sign in one of nine places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logo {
    pub file: DesignFileId,
    pub place: Place,
    /// [`LOGO_SIZE`].
    pub size: u16,
    /// [`MARGIN`].
    pub margin: u16,
}

/// A line of text. One that is too long for the picture is set smaller.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Not empty, at most [`TEXT_LONGEST`] characters.
    pub text: String,
    pub colour: Tint,
    /// What lies behind the letters, if they would be hard to read on a picture.
    #[serde(default)]
    pub backing: Option<Tint>,
    pub weight: Weight,
    pub place: Place,
    /// [`TEXT_SIZE`].
    pub size: u16,
    /// [`MARGIN`].
    pub margin: u16,
}

impl fmt::Debug for Line {
    /// The words are the organisation's, and not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, place, size, margin, .. } = self;
        write!(f, "Line of {} bytes, {place:?}, {size} large, {margin} from the edge", text.len())
    }
}

/// All that is put on pictures of one format, in this order. The default changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parts {
    pub filter: Filter,
    pub background: Option<Background>,
    pub frame: Option<Frame>,
    pub overlay: Option<Overlay>,
    pub logo: Option<Logo>,
    pub line: Option<Line>,
}

impl Default for Parts {
    fn default() -> Self {
        Self { filter: Filter::None, background: None, frame: None, overlay: None, logo: None, line: None }
    }
}

impl Parts {
    /// The files that are named, each with what it is for and the name of its field.
    pub fn files(&self) -> Vec<(&'static str, FileKind, &DesignFileId)> {
        let frame = match &self.frame {
            Some(Frame::Picture { file, .. }) => Some(("frame.file", FileKind::Frame, file)),
            Some(Frame::Plain { .. }) | None => None,
        };
        let overlay = self.overlay.as_ref().map(|overlay| ("overlay.file", FileKind::Overlay, &overlay.file));
        let logo = self.logo.as_ref().map(|logo| ("logo.file", FileKind::Logo, &logo.file));
        frame.into_iter().chain(overlay).chain(logo).collect()
    }

    fn check(&self, format: &str, check: &mut Check) {
        let mut within = |field: &str, value: u16, range: std::ops::RangeInclusive<u16>| {
            if !range.contains(&value) {
                check.fail(format!("{format}.{field}"), Code::OutOfRange);
            }
        };
        if let Some(Background { colour: _, top, right, bottom, left }) = self.background {
            within("background.top", top, ROOM);
            within("background.right", right, ROOM);
            within("background.bottom", bottom, ROOM);
            within("background.left", left, ROOM);
        }
        match self.frame {
            None => {}
            Some(Frame::Plain { width, .. }) => within("frame.width", width, FRAME_WIDTH),
            Some(Frame::Picture { slice, width, .. }) => {
                within("frame.width", width, FRAME_WIDTH);
                within("frame.slice", slice, FRAME_SLICE);
            }
        }
        if let Some(logo) = &self.logo {
            within("logo.size", logo.size, LOGO_SIZE);
            within("logo.margin", logo.margin, MARGIN);
        }
        if let Some(line) = &self.line {
            within("line.size", line.size, TEXT_SIZE);
            within("line.margin", line.margin, MARGIN);
            let text = if line.text.trim().is_empty() {
                Err(Code::Required)
            } else {
                validate::line(&line.text, TEXT_LONGEST)
            };
            check.rule(format!("{format}.line.text"), text);
        }
    }
}

/// What is put on the pictures of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Design {
    /// Whether the parts of landscape pictures count for all. Those of the other formats are kept meanwhile.
    pub same_for_all: bool,
    pub portrait: Parts,
    pub landscape: Parts,
    pub square: Parts,
}

impl Default for Design {
    fn default() -> Self {
        Self { same_for_all: true, portrait: Parts::default(), landscape: Parts::default(), square: Parts::default() }
    }
}

impl Design {
    /// What counts for pictures of the format.
    pub const fn of(&self, format: Format) -> &Parts {
        if self.same_for_all { &self.landscape } else { self.own(format) }
    }

    /// What was entered for the format, whether it counts or not.
    pub const fn own(&self, format: Format) -> &Parts {
        match format {
            Format::Portrait => &self.portrait,
            Format::Landscape => &self.landscape,
            Format::Square => &self.square,
        }
    }

    /// As [`Design::own`], to be changed.
    pub const fn own_mut(&mut self, format: Format) -> &mut Parts {
        match format {
            Format::Portrait => &mut self.portrait,
            Format::Landscape => &mut self.landscape,
            Format::Square => &mut self.square,
        }
    }

    /// Whether no picture is changed by it.
    pub fn is_plain(&self) -> bool {
        let plain = Parts::default();
        Format::ALL.iter().all(|format| *self.of(*format) == plain)
    }

    /// Every file that is named, also where it does not count.
    pub fn files(&self) -> Vec<(String, FileKind, &DesignFileId)> {
        let of = |format: Format| {
            let files = self.own(format).files().into_iter();
            files.map(move |(field, kind, file)| (format!("{}.{field}", format.as_str()), kind, file))
        };
        Format::ALL.iter().copied().flat_map(of).collect()
    }

    /// The rules that need no file. Also of what does not count: it would at the next change.
    ///
    /// # Errors
    /// [`Code::Invalid`] with fields such as `landscape.logo.size`.
    pub fn check(&self) -> Result<(), AppError> {
        let mut check = Check::default();
        for format in Format::ALL {
            self.own(*format).check(format.as_str(), &mut check);
        }
        check.finish()
    }
}

/// A file that parts of the design can name. Its bytes never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesignFile {
    pub id: DesignFileId,
    pub kind: FileKind,
    /// As its owner called it.
    pub name: String,
    /// `image/png`, `image/webp`, `image/jpeg` or `image/svg+xml`.
    pub media_type: String,
    /// Bytes.
    pub size: i64,
    /// Whether the saved design names it, the one that older pictures have, or the one that undoing would bring back. It
    /// cannot be removed meanwhile.
    pub used: bool,
}

/// A file to be added.
#[derive(Clone, PartialEq, Eq)]
pub struct NewDesignFile {
    pub kind: FileKind,
    pub name: String,
    /// SVG, PNG, WebP or, for logos and frames, JPEG.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for NewDesignFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewDesignFile {:?}, {} bytes", self.kind, self.bytes.len())
    }
}

/// The design of an event with what its page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesignView {
    pub design: Design,
    /// Counts up with every change; a save with an older number is a [`Code::Conflict`]. 0 before the first.
    pub version: i32,
    /// All files of the event, used or not, oldest first.
    pub files: Vec<DesignFile>,
}

#[cfg(test)]
mod tests;
