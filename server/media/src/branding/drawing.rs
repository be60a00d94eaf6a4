//! SVG to pixels. What comes from strangers is XML, style sheets and a small program for a drawing machine, so it is looked
//! at three times before anything is drawn: as text (no document type with entities), as elements (only those that draw,
//! only references inside the file, no expansion without end) and as the finished list of shapes, whose cost is counted
//! before it is paid. The renderer is given nothing to reach out with: no fonts, no pictures, no files, no network.
//!
//! A drawing never leaves as SVG. What is kept and shown is pixels.

mod examine;
mod weigh;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::roxmltree::{Document, Error as XmlError, ParsingOptions};
use resvg::usvg::{ImageHrefResolver, Options, Size, Tree};

use crate::branding::layer::Layer;
use crate::branding::put_on::proportional;

/// Of the file, in bytes.
pub const MAX_BYTES: u64 = 2_000_000;
/// Of what is drawn, in pixels.
pub const MAX_SIDE: u32 = 2048;
/// A drawing's own units; larger numbers lose their fractions.
const MAX_UNITS: f32 = 100_000.0;
/// Elements, attributes' owners, comments and texts of the file.
const MAX_NODES: u32 = 60_000;
/// Of one element. The parser compares each with those before it.
const MAX_ATTRIBUTES: usize = 500;
/// For code that goes into a drawing as deep as it is nested. Untouched memory costs nothing.
const STACK_BYTES: usize = 64 << 20;

/// Why a drawing is refused. [`DrawingError::code`] is for clients; the texts are for the log and hold nothing of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DrawingError {
    /// More bytes than the limit.
    #[error("the drawing has {bytes} bytes, {limit} are allowed")]
    TooLarge { bytes: u64, limit: u64 },
    /// Not SVG in UTF-8, or cut off, or damaged.
    #[error("the drawing is damaged: {0}")]
    Malformed(&'static str),
    /// Entities of its own, which can be made to grow without end or to name files.
    #[error("the drawing declares entities")]
    Entities,
    /// A program.
    #[error("the drawing has a script")]
    Script,
    /// It wants something from outside of itself.
    #[error("the drawing refers to something outside of the file")]
    External,
    /// Something that we do not draw; without it the drawing would look different.
    #[error("the drawing uses {0}, which is not drawn: change it to paths, or export it as PNG")]
    Unsupported(&'static str),
    /// A reference that leads back to itself.
    #[error("the drawing refers to itself")]
    Loop,
    /// It would take too long or too much memory.
    #[error("the drawing has too many {0}")]
    TooComplex(&'static str),
    /// A side of nothing, or of more than 100 000 units.
    #[error("the drawing has no size that can be drawn")]
    Size,
    /// The renderer failed, which good drawings cannot cause.
    #[error("the drawing cannot be drawn")]
    GaveUp,
}

impl DrawingError {
    /// A stable code for clients, to be translated there.
    pub fn code(&self) -> &'static str {
        match self {
            DrawingError::TooLarge { .. } => "file_too_large",
            DrawingError::Malformed(_) | DrawingError::GaveUp => "drawing_malformed",
            DrawingError::Entities => "drawing_entities",
            DrawingError::Script => "drawing_script",
            DrawingError::External => "drawing_external",
            DrawingError::Unsupported(_) => "drawing_unsupported",
            DrawingError::Loop => "drawing_loop",
            DrawingError::TooComplex(_) => "drawing_too_complex",
            DrawingError::Size => "drawing_size",
        }
    }
}

/// Whether the file looks like SVG rather than like a picture made of pixels. What it is decides [`Drawing::from_bytes`].
pub fn is_drawing(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// An SVG that was found harmless, not yet drawn.
pub struct Drawing(Tree);

impl fmt::Debug for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.size();
        write!(f, "Drawing {}x{}", size.width(), size.height())
    }
}

/// A drawing as pixels: premultiplied RGBA, row by row.
#[derive(Clone, PartialEq, Eq)]
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pixels {}x{}", self.width, self.height)
    }
}

impl Pixels {
    pub(crate) fn into_layer(self) -> Layer {
        let Pixels { width, height, bytes } = self;
        Layer { width, height, bytes }
    }
}

impl Drawing {
    /// Reads and examines an SVG.
    ///
    /// # Errors
    /// [`DrawingError`]; the first that is found.
    pub fn from_bytes(bytes: &[u8]) -> Result<Drawing, DrawingError> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(DrawingError::TooLarge { bytes: bytes.len() as u64, limit: MAX_BYTES });
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|_| DrawingError::Malformed("it is not text in UTF-8"))?;
        let text = without_document_type(text)?;
        // No `<` is inside of an element, wherever it ends.
        let attributes = |piece: &str| piece.bytes().filter(|byte| *byte == b'=').count();
        if text.split('<').any(|piece| attributes(piece) > MAX_ATTRIBUTES) {
            return Err(DrawingError::TooComplex("attributes"));
        }
        with_stack(|| {
            let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, entity_resolver: None };
            let document = Document::parse_with_options(&text, options).map_err(named)?;
            examine::examine(&document)?;
            let tree = Tree::from_xmltree(&document, &options_of_renderer()).map_err(|error| match error {
                resvg::usvg::Error::InvalidSize => DrawingError::Size,
                resvg::usvg::Error::ElementsLimitReached => DrawingError::TooComplex("elements"),
                _ => DrawingError::Malformed("it is not SVG"),
            })?;
            let (width, height) = (tree.size().width(), tree.size().height());
            let drawable = |side: f32| side > 0.0 && side <= MAX_UNITS;
            if !drawable(width) || !drawable(height) {
                return Err(DrawingError::Size);
            }
            weigh::weigh(&tree)?;
            Ok(Drawing(tree))
        })
    }

    /// Its size with the longer side at `side` pixels.
    pub fn fitted(&self, side: u32) -> (u32, u32) {
        let size = self.0.size();
        let scale = f64::from(size.width().max(size.height()));
        // Of whole numbers, whatever the drawing's own unit is.
        let whole = |length: f32| (f64::from(length) / scale * 1_000_000.0).round() as u32;
        proportional((whole(size.width()), whole(size.height())), side.clamp(1, MAX_SIDE))
    }

    /// Draws it on pixels of this size, out of its proportions if need be. Takes a few seconds and 180 MB for the worst
    /// that is accepted at the largest size, and next to nothing for a logo.
    ///
    /// # Errors
    /// [`DrawingError::Size`] for a side of zero or more than [`MAX_SIDE`] pixels, [`DrawingError::GaveUp`].
    pub fn draw(&self, width: u32, height: u32) -> Result<Pixels, DrawingError> {
        if width > MAX_SIDE || height > MAX_SIDE {
            return Err(DrawingError::Size);
        }
        with_stack(|| {
            let mut pixmap = Pixmap::new(width, height).ok_or(DrawingError::Size)?;
            let size = self.0.size();
            let transform = Transform::from_scale(width as f32 / size.width(), height as f32 / size.height());
            resvg::render(&self.0, transform, &mut pixmap.as_mut());
            Ok(Pixels { width, height, bytes: pixmap.take() })
        })
    }
}

/// Old programs write a document type without anything in it, which says nothing; one that declares something is refused.
fn without_document_type(text: &str) -> Result<std::borrow::Cow<'_, str>, DrawingError> {
    const START: &str = "<!DOCTYPE";
    let Some(start) = text.find(START) else { return Ok(text.into()) };
    let (before, rest) = text.split_at(start);
    let end = rest.find('>').ok_or(DrawingError::Malformed("it is cut off"))?;
    let (declared, after) = rest.split_at(end + 1);
    if declared.contains('[') {
        return Err(DrawingError::Entities);
    }
    // A second one is refused by the parser.
    Ok(format!("{before}{after}").into())
}

fn named(error: XmlError) -> DrawingError {
    match error {
        XmlError::DtdDetected
        | XmlError::UnknownEntityReference(..)
        | XmlError::MalformedEntityReference(_)
        | XmlError::EntityReferenceLoop(_) => DrawingError::Entities,
        XmlError::NodesLimitReached => DrawingError::TooComplex("elements"),
        _ => DrawingError::Malformed("it is not XML"),
    }
}

/// The renderer's window on the world, bricked up. Pictures and text are refused before, and the code for them is not even
/// compiled in.
fn options_of_renderer() -> Options<'static> {
    Options {
        resources_dir: None,
        default_size: Size::from_wh(100.0, 100.0).expect("neither is zero"),
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    }
}

/// Runs foreign code that calls itself as often as a drawing is nested, and that may give up: on a thread with room enough
/// whatever the caller's has.
fn with_stack<T: Send>(work: impl FnOnce() -> Result<T, DrawingError> + Send) -> Result<T, DrawingError> {
    std::thread::scope(|scope| {
        let guarded = || catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(DrawingError::GaveUp));
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, guarded);
        thread.map_err(|_| DrawingError::GaveUp)?.join().unwrap_or(Err(DrawingError::GaveUp))
    })
}
