//! What an organisation puts on the pictures of an event: filter, background, frame, overlay, logo and a line of text, one
//! set for each format of a picture.
//!
//! A [`Branding`] is plain data. [`Branding::prepare`] checks it and decodes what belongs to it, once; then it goes onto
//! any number of pictures, as a [`Mark`](crate::mark::Mark). Nothing can fail from there on. Sizes are told in
//! thousandths of the picture's shorter side, so that a branding looks the same in every rendition.

mod error;
pub mod drawing;
mod filter;
mod frame;
mod layer;
mod preview;
mod put_on;
mod text;

use std::fmt;
use std::sync::Arc;

pub use error::{BrandingError, Part, TextFault};
pub use filter::Filter;
pub use preview::{Sample, base, preview};

use crate::branding::drawing::Drawing;
use crate::branding::layer::Layer;
use crate::inspect::Limits;
use crate::mark;
pub(crate) use put_on::{Fitted, Prepared};

/// The longer side of a prepared overlay: that of the largest rendition.
const OVERLAY_SIDE: u32 = 2048;
/// The longer side of a prepared logo or frame. Larger than any rendition shows them.
const PART_SIDE: u32 = 1024;
/// Of one picture of a branding. An overlay is rarely larger than 24 megapixels as PNG, which is 96 MB decoded.
const PART_LIMITS: Limits = Limits { max_bytes: 20_000_000, max_pixels: 24_000_000, max_side: 10_000 };

/// What the proportions of a picture are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Portrait,
    Landscape,
    /// The sides differ by no more than a fiftieth.
    Square,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 3] = [Format::Portrait, Format::Landscape, Format::Square];

    /// The format of a picture of this size in pixels, as shown.
    pub fn of(width: u32, height: u32) -> Format {
        let (short, long) = (u64::from(width.min(height)), u64::from(width.max(height)));
        if long * 50 <= short * 51 {
            Format::Square
        } else if width > height {
            Format::Landscape
        } else {
            Format::Portrait
        }
    }
}

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
    /// 0 is invisible, 255 hides what lies below.
    pub alpha: u8,
}

impl Colour {
    /// Reads `#rrggbb` and `#rrggbbaa`.
    pub fn parse(text: &str) -> Option<Colour> {
        let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        let [red, green, blue, alpha] = match digits.len() {
            6 => (value << 8 | 0xFF).to_be_bytes(),
            8 => value.to_be_bytes(),
            _ => return None,
        };
        Some(Colour { red, green, blue, alpha })
    }
}

/// One of nine places in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    TopLeft,
    Top,
    TopRight,
    Left,
    Centre,
    Right,
    BottomLeft,
    Bottom,
    BottomRight,
}

/// The colour behind a picture that is made smaller to leave room around it. The whole keeps its size; the picture keeps
/// its proportions and lies in the middle of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Background {
    /// Its alpha does not count: there is nothing behind it.
    pub colour: Colour,
    /// Thousandths of the shorter side, at most 300.
    pub top: u16,
    /// As [`Background::top`].
    pub right: u16,
    /// As [`Background::top`].
    pub bottom: u16,
    /// As [`Background::top`].
    pub left: u16,
}

/// Lies on the edges of the picture.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// Of one colour.
    Plain {
        colour: Colour,
        /// Thousandths of the shorter side, 1 to 250.
        width: u16,
    },
    /// Of a picture in nine parts (SVG, PNG, WebP or JPEG): its corners keep their proportions, its edges are stretched, its
    /// middle is left out.
    Parts {
        picture: Arc<[u8]>,
        /// How much of each of its edges is frame, in thousandths of its own shorter side, 1 to 499.
        slice: u16,
        /// Thousandths of the shorter side, 1 to 250.
        width: u16,
    },
}

/// How an overlay of other proportions than the picture is laid on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fit {
    /// All of it on all of the picture, out of its proportions.
    Stretch,
    /// On all of the picture; what is too long is cut off on both sides alike.
    Cover,
    /// All of it, in the middle.
    Contain,
}

/// Lies on the whole picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Overlay {
    /// SVG, or PNG or WebP with transparency.
    pub picture: Arc<[u8]>,
    pub fit: Fit,
}

/// A sign in one of nine places.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    /// SVG, PNG, WebP or JPEG.
    pub picture: Arc<[u8]>,
    pub place: Place,
    /// Its longer side, in thousandths of the picture's shorter side, 20 to 1000.
    pub size: u16,
    /// From the edges, in thousandths of the shorter side, at most 400.
    pub margin: u16,
}

/// How thick letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weight {
    Regular,
    Bold,
}

/// A line of text in Inter. One that is too long for the picture is set smaller.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// At most 120 characters, all of which the font has: see [`TextFault`].
    pub text: String,
    pub colour: Colour,
    /// What lies behind the letters, if they would be hard to read on a picture.
    pub backing: Option<Colour>,
    pub weight: Weight,
    pub place: Place,
    /// Of the letters, in thousandths of the picture's shorter side, 10 to 300.
    pub size: u16,
    /// From the edges, in thousandths of the shorter side, at most 400.
    pub margin: u16,
}

/// All that is put on pictures of one format, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Branding {
    pub filter: Filter,
    pub background: Option<Background>,
    pub frame: Option<Frame>,
    pub overlay: Option<Overlay>,
    pub logo: Option<Logo>,
    pub line: Option<Line>,
}

impl Branding {
    /// Checks every number and decodes every picture. Takes up to about 250 MB and a second for the largest that is
    /// accepted; keep what comes out, and not this, between two uploads.
    ///
    /// # Errors
    /// [`BrandingError`], which names what has to be changed.
    pub fn prepare(&self) -> Result<Ready, BrandingError> {
        self.prepare_for(OVERLAY_SIDE)
    }

    /// The same for pictures that are smaller.
    fn prepare_for(&self, side: u32) -> Result<Ready, BrandingError> {
        let Branding { filter, background, frame, overlay, logo, line } = self;
        self.check()?;
        let frame = frame.as_ref().map(|frame| frame::Frame::prepare(frame, side.min(PART_SIDE))).transpose()?;
        let overlay = overlay.as_ref().map(|overlay| {
            Ok::<_, BrandingError>((read(Part::Overlay, &overlay.picture, side)?.trimmed(), overlay.fit))
        });
        let logo = logo.as_ref().map(|logo| {
            let layer = read(Part::Logo, &logo.picture, side.min(PART_SIDE))?;
            Ok::<_, BrandingError>(put_on::Logo { layer, place: logo.place, size: logo.size, margin: logo.margin })
        });
        let line = line.as_ref().map(text::Line::prepare).transpose()?;
        Ok(Ready(Arc::new(Prepared {
            filter: *filter,
            background: *background,
            frame,
            overlay: overlay.transpose()?,
            logo: logo.transpose()?,
            line,
        })))
    }

    /// Checks every number; decodes nothing.
    fn check(&self) -> Result<(), BrandingError> {
        let within = |field: &'static str, value: u16, least: u16, greatest: u16| {
            if (least..=greatest).contains(&value) {
                return Ok(());
            }
            Err(BrandingError::Number { field, value, least, greatest })
        };
        if let Some(Background { colour: _, top, right, bottom, left }) = self.background {
            let sides = [("top", top), ("right", right), ("bottom", bottom), ("left", left)];
            sides.into_iter().try_for_each(|(side, value)| within(side, value, 0, 300))?;
        }
        match self.frame {
            None => {}
            Some(Frame::Plain { width, .. }) => within("frame width", width, 1, 250)?,
            Some(Frame::Parts { slice, width, .. }) => {
                within("frame width", width, 1, 250)?;
                within("frame slice", slice, 1, 499)?;
            }
        }
        if let Some(logo) = &self.logo {
            within("logo size", logo.size, 20, 1000)?;
            within("logo margin", logo.margin, 0, 400)?;
        }
        if let Some(line) = &self.line {
            within("text size", line.size, 10, 300)?;
            within("text margin", line.margin, 0, 400)?;
        }
        Ok(())
    }
}

/// A branding that was checked and decoded. Holds at most 25 MB; cloning shares them.
#[derive(Clone)]
pub struct Ready(Arc<Prepared>);

/// What is put on pictures of each format; on those of a format that has none, nothing.
#[derive(Debug, Clone, Default)]
pub struct Brandings {
    pub portrait: Option<Ready>,
    pub landscape: Option<Ready>,
    pub square: Option<Ready>,
}

impl Brandings {
    /// One for all formats.
    pub fn same(ready: &Ready) -> Brandings {
        let ready = Some(ready.clone());
        Brandings { portrait: ready.clone(), landscape: ready.clone(), square: ready }
    }

    /// What is put on pictures of this format.
    pub fn of(&self, format: Format) -> Option<&Ready> {
        match format {
            Format::Portrait => self.portrait.as_ref(),
            Format::Landscape => self.landscape.as_ref(),
            Format::Square => self.square.as_ref(),
        }
    }

    /// What goes onto pictures of this size.
    pub(crate) fn fitted(&self, width: u32, height: u32) -> Option<Fitted> {
        self.of(Format::of(width, height)).map(|Ready(prepared)| prepared.fitted(width, height))
    }
}

/// A picture of a branding, its longer side at most (a drawing's: exactly) `side`.
fn read(part: Part, bytes: &[u8], side: u32) -> Result<Layer, BrandingError> {
    if bytes.len() as u64 > PART_LIMITS.max_bytes {
        let (bytes, limit) = (bytes.len() as u64, PART_LIMITS.max_bytes);
        return Err(BrandingError::TooLarge { part, bytes, limit });
    }
    if drawing::is_drawing(bytes) {
        let read = Drawing::from_bytes(bytes).and_then(|drawing| {
            let (width, height) = drawing.fitted(side);
            drawing.draw(width, height)
        });
        return Ok(read.map_err(|error| BrandingError::Drawing { part, error })?.into_layer());
    }
    let picture = mark::read(bytes, &PART_LIMITS, side).map_err(|error| BrandingError::Picture { part, error })?;
    Ok(Layer::of_straight(picture))
}

// What is in a branding is an organisation's: neither its pictures nor its words are for logs.

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Frame::Plain { colour, width } => write!(f, "Frame of {colour:?}, {width} wide"),
            Frame::Parts { picture, slice, width } => {
                write!(f, "Frame of {} bytes, {slice} of each edge, {width} wide", picture.len())
            }
        }
    }
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Overlay of {} bytes, {:?}", self.picture.len(), self.fit)
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Logo { picture, place, size, margin } = self;
        write!(f, "Logo of {} bytes, {place:?}, {size} large, {margin} from the edge", picture.len())
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { text, place, size, margin, .. } = self;
        write!(f, "Line of {} bytes, {place:?}, {size} large, {margin} from the edge", text.len())
    }
}

#[cfg(test)]
mod tests;
