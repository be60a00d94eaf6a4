//! A line of text as outlines of the project's own font. No other font is ever looked for.

use std::sync::LazyLock;

use resvg::tiny_skia::{FillRule, Paint, Path, PathBuilder, Pixmap, Transform};
use rustybuzz::ttf_parser::{GlyphId, OutlineBuilder, Tag};
use rustybuzz::{Face, UnicodeBuffer, Variation};

use crate::branding::error::TextFault;
use crate::branding::layer::{Laid, Layer};
use crate::branding::put_on::part;
use crate::branding::{Colour, Place, Weight};

/// Longer lines cannot be read on a picture.
const MAX_CHARACTERS: usize = 120;
/// Around the letters to the edge of what is behind them, of their size.
const AIR: f32 = 0.3;

/// Inter as pages have it: the letters of western European languages, in weights 400 to 650.
static FONT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    wuff::decompress_woff2(include_bytes!("../../../../public/fonts/inter-f80bb070.woff2")).expect("our own file")
});

/// A line whose letters were found and set.
pub(crate) struct Line {
    /// Of all letters; x and y grow to the right and down, the base line is at 0. One unit is the size of the letters.
    /// `None` is blank.
    outline: Option<Path>,
    /// From the beginning of the first letter to the end of the last.
    width: f32,
    /// From the base line up, and down.
    above: f32,
    below: f32,
    colour: Colour,
    backing: Option<Colour>,
    place: Place,
    size: u16,
    margin: u16,
}

impl Line {
    pub(crate) fn prepare(line: &super::Line) -> Result<Line, TextFault> {
        let super::Line { text, colour, backing, weight, place, size, margin } = line;
        let text = text.trim();
        let characters = text.chars().count();
        if characters == 0 {
            return Err(TextFault::Empty);
        }
        if characters > MAX_CHARACTERS {
            return Err(TextFault::TooLong { characters, limit: MAX_CHARACTERS });
        }
        let mut face = Face::from_slice(&FONT, 0).expect("our own file");
        let value = match weight {
            Weight::Regular => 400.0,
            Weight::Bold => 650.0,
        };
        face.set_variations(&[Variation { tag: Tag::from_bytes(b"wght"), value }]);
        // Before shaping, which would put an empty box in its place.
        if let Some(missing) = text.chars().position(|letter| face.glyph_index(letter).is_none()) {
            return Err(TextFault::NoLetter { place: missing + 1 });
        }

        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        let shaped = rustybuzz::shape(&face, &[], buffer);
        let unit = 1.0 / face.units_per_em() as f32;
        let mut outlines = Outlines { path: PathBuilder::new(), unit, left: 0.0, top: 0.0 };
        let mut pen = (0, 0);
        for (letter, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            outlines.left = (pen.0 + position.x_offset) as f32 * unit;
            outlines.top = -((pen.1 + position.y_offset) as f32) * unit;
            // Letters without an outline are blanks.
            face.outline_glyph(GlyphId(letter.glyph_id as u16), &mut outlines);
            pen = (pen.0 + position.x_advance, pen.1 + position.y_advance);
        }
        Ok(Line {
            outline: outlines.path.finish(),
            width: pen.0 as f32 * unit,
            above: f32::from(face.ascender()) * unit,
            below: -f32::from(face.descender()) * unit,
            colour: *colour,
            backing: *backing,
            place: *place,
            size: *size,
            margin: *margin,
        })
    }

    /// The line for pictures of this size.
    pub(crate) fn laid(&self, picture: (u32, u32)) -> Laid {
        let margin = part(picture, self.margin);
        let air = if self.backing.is_some() { AIR } else { 0.0 };
        let widest = picture.0.saturating_sub(2 * margin).max(1) as f32;
        let size = (part(picture, self.size).max(1) as f32).min(widest / (self.width + 2.0 * air));
        let side = |units: f32| ((units * size).ceil() as u32).clamp(1, picture.0.max(picture.1));
        let (width, height) = (side(self.width + 2.0 * air), side(self.above + self.below + air));
        self.draw(width, height, size, air).placed(self.place, picture, margin)
    }

    fn draw(&self, width: u32, height: u32, size: f32, air: f32) -> Layer {
        let mut pixmap = Pixmap::new(width, height).expect("both sides are at least a pixel and at most the picture's");
        if let Some(Colour { red, green, blue, alpha }) = self.backing {
            pixmap.fill(resvg::tiny_skia::Color::from_rgba8(red, green, blue, alpha));
        }
        if let Some(outline) = &self.outline {
            let mut paint = Paint::default();
            let Colour { red, green, blue, alpha } = self.colour;
            paint.set_color_rgba8(red, green, blue, alpha);
            paint.anti_alias = true;
            let base = (self.above + air / 2.0) * size;
            let transform = Transform::from_row(size, 0.0, 0.0, size, air * size, base);
            pixmap.fill_path(outline, &paint, FillRule::Winding, transform, None);
        }
        Layer { width, height, bytes: pixmap.take() }
    }
}

/// Collects the outlines of letters in one path.
struct Outlines {
    path: PathBuilder,
    unit: f32,
    left: f32,
    top: f32,
}

impl Outlines {
    fn point(&self, x: f32, y: f32) -> (f32, f32) {
        (self.left + x * self.unit, self.top - y * self.unit)
    }
}

impl OutlineBuilder for Outlines {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.point(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.point(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.point(x1, y1), self.point(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.point(x1, y1), self.point(x2, y2), self.point(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
