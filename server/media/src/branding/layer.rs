//! Pixels that are laid over others. Premultiplied, so that laying and resizing need no division and no colour of invisible
//! pixels comes through.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::branding::{Colour, Place};
use crate::picture::{Area, Rgb, Rgba};

/// Premultiplied pixels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Layer {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// `width * height * 4` bytes; no colour is above its alpha.
    pub(crate) bytes: Vec<u8>,
}

/// A layer in its place. May reach beyond the picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Laid {
    pub(crate) layer: Layer,
    pub(crate) left: i64,
    pub(crate) top: i64,
}

/// A layer of which only what can be seen is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Trimmed {
    /// Of the whole.
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) seen: Layer,
    pub(crate) area: Area,
}

/// `value` times `alpha`, both of 255, rounded. Exact, without a division.
fn times(value: u8, alpha: u8) -> u8 {
    let product = u32::from(value) * u32::from(alpha) + 128;
    ((product + (product >> 8)) >> 8) as u8
}

/// A colour as one premultiplied pixel.
pub(crate) fn pixel(Colour { red, green, blue, alpha }: Colour) -> [u8; 4] {
    [times(red, alpha), times(green, alpha), times(blue, alpha), alpha]
}

/// Lays one premultiplied pixel over one without transparency.
fn lay(under: &mut [u8; 3], [red, green, blue, alpha]: [u8; 4]) {
    match alpha {
        0 => {}
        255 => *under = [red, green, blue],
        _ => {
            let rest = 255 - alpha;
            let over = |under: u8, over: u8| over.saturating_add(times(under, rest));
            let [under_red, under_green, under_blue] = *under;
            *under = [over(under_red, red), over(under_green, green), over(under_blue, blue)];
        }
    }
}

impl Layer {
    /// Of pixels with straight alpha.
    pub(crate) fn of_straight(picture: Rgba) -> Layer {
        let Rgba { width, height, mut bytes } = picture;
        for place in bytes.as_chunks_mut::<4>().0 {
            let [red, green, blue, alpha] = *place;
            *place = pixel(Colour { red, green, blue, alpha });
        }
        Layer { width, height, bytes }
    }

    fn row(&self, area: Area, row: u32) -> &[u8] {
        let start = ((area.top + row) as usize * self.width as usize + area.left as usize) * 4;
        self.bytes.get(start..start + area.width as usize * 4).unwrap_or_default()
    }

    /// A part of it; empty outside.
    pub(crate) fn cut(&self, area: Area) -> Layer {
        let bytes = (0..area.height).flat_map(|row| self.row(area, row)).copied().collect();
        Layer { width: area.width, height: area.height, bytes }
    }

    /// Larger or smaller, out of its proportions if need be. A side of zero counts as one.
    pub(crate) fn resized(&self, width: u32, height: u32) -> Layer {
        let (width, height) = (width.max(1), height.max(1));
        if (self.width, self.height) == (width, height) {
            return self.clone();
        }
        let from = ImageRef::new(self.width, self.height, &self.bytes, PixelType::U8x4).expect("four bytes a pixel");
        let mut to = Image::new(width, height, PixelType::U8x4);
        // It is premultiplied already.
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false);
        Resizer::new().resize(&from, &mut to, &options).expect("both are whole pictures of one pixel type");
        let mut bytes = to.into_vec();
        // Lanczos overshoots, colours and alpha each by themselves.
        for [red, green, blue, alpha] in bytes.as_chunks_mut::<4>().0 {
            [*red, *green, *blue] = [(*red).min(*alpha), (*green).min(*alpha), (*blue).min(*alpha)];
        }
        Layer { width, height, bytes }
    }

    /// Without the empty rows and columns around it.
    pub(crate) fn trimmed(self) -> Trimmed {
        let area = self.seen();
        let (width, height) = (self.width, self.height);
        let seen = if (area.width, area.height) == (width, height) { self } else { self.cut(area) };
        Trimmed { width, height, seen, area }
    }

    /// What of it is not fully transparent; one pixel if nothing.
    fn seen(&self) -> Area {
        let (mut left, mut right, mut top, mut bottom) = (self.width, 0, self.height, 0);
        let rows = self.bytes.as_chunks::<4>().0.chunks_exact(self.width.max(1) as usize);
        for (row, pixels) in (0..).zip(rows) {
            let visible = |pixel: &[u8; 4]| pixel[3] != 0;
            let Some(first) = pixels.iter().position(visible) else { continue };
            let last = pixels.iter().rposition(visible).unwrap_or(first);
            left = left.min(first as u32);
            right = right.max(last as u32 + 1);
            top = top.min(row);
            bottom = row + 1;
        }
        if right <= left {
            return Area { left: 0, top: 0, width: 1, height: 1 };
        }
        Area { left, top, width: right - left, height: bottom - top }
    }

    pub(crate) fn at(self, left: i64, top: i64) -> Laid {
        Laid { layer: self, left, top }
    }

    /// In one of nine places of a picture of `width` x `height`.
    pub(crate) fn placed(self, place: Place, (width, height): (u32, u32), margin: u32) -> Laid {
        let along = |whole: u32, part: u32, at: i8| {
            let (whole, part, margin) = (i64::from(whole), i64::from(part), i64::from(margin));
            // Where the margin is too much it gives way.
            let margin = margin.min((whole - part).max(0) / 2);
            match at {
                -1 => margin,
                0 => (whole - part) / 2,
                _ => whole - part - margin,
            }
        };
        let (across, down) = match place {
            Place::TopLeft => (-1, -1),
            Place::Top => (0, -1),
            Place::TopRight => (1, -1),
            Place::Left => (-1, 0),
            Place::Centre => (0, 0),
            Place::Right => (1, 0),
            Place::BottomLeft => (-1, 1),
            Place::Bottom => (0, 1),
            Place::BottomRight => (1, 1),
        };
        let (left, top) = (along(width, self.width, across), along(height, self.height, down));
        self.at(left, top)
    }
}

impl Laid {
    /// Lays it over a picture. Touches only the pixels under it.
    pub(crate) fn lay_over(&self, picture: &mut Rgb) {
        let Laid { layer, left, top } = self;
        let (from_left, across) = overlap(*left, layer.width, picture.width);
        let (from_top, down) = overlap(*top, layer.height, picture.height);
        if across == 0 || down == 0 {
            return;
        }
        let from = Area { left: from_left, top: from_top, width: across, height: down };
        let to = Area { left: (*left).max(0) as u32, top: (*top).max(0) as u32, width: across, height: down };
        for row in 0..down {
            let over = layer.row(from, row).as_chunks::<4>().0;
            let under = picture.row_mut(to, row).as_chunks_mut::<3>().0;
            under.iter_mut().zip(over).for_each(|(under, over)| lay(under, *over));
        }
    }
}

/// How far into a layer what is inside of the picture begins, and how long it is.
fn overlap(at: i64, length: u32, whole: u32) -> (u32, u32) {
    let begin = (-at).clamp(0, i64::from(length));
    let end = (i64::from(whole) - at).clamp(begin, i64::from(length));
    (begin as u32, (end - begin) as u32)
}

/// Lays one colour over an area of a picture.
pub(crate) fn fill(picture: &mut Rgb, area: Area, colour: Colour) {
    let over = pixel(colour);
    for row in 0..area.height {
        picture.row_mut(area, row).as_chunks_mut::<3>().0.iter_mut().for_each(|under| lay(under, over));
    }
}
