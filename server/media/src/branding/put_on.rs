//! A prepared branding onto pictures of one size.

use crate::branding::filter::Filter;
use crate::branding::layer::{Laid, Layer, Trimmed, fill};
use crate::branding::{Background, Colour, Fit, Place, frame, text};
use crate::picture::{Area, Rgb, fit};
use crate::resize::resize;

/// Checked and decoded.
pub(crate) struct Prepared {
    pub(crate) filter: Filter,
    pub(crate) background: Option<Background>,
    pub(crate) frame: Option<frame::Frame>,
    pub(crate) overlay: Option<(Trimmed, Fit)>,
    pub(crate) logo: Option<Logo>,
    pub(crate) line: Option<text::Line>,
}

/// A decoded logo and where it goes.
pub(crate) struct Logo {
    pub(crate) layer: Layer,
    pub(crate) place: Place,
    pub(crate) size: u16,
    pub(crate) margin: u16,
}

/// All of a branding at the size of a picture.
pub(crate) struct Fitted {
    filter: Filter,
    background: Option<(Area, Colour)>,
    /// How many pixels of each edge are covered.
    border: Option<(u32, Colour)>,
    layers: Vec<Laid>,
}

/// So many thousandths of the shorter side, in pixels.
pub(crate) fn part((width, height): (u32, u32), thousandths: u16) -> u32 {
    ((u64::from(width.min(height)) * u64::from(thousandths) + 500) / 1000) as u32
}

impl Prepared {
    /// Sizes must not be zero.
    pub(crate) fn fitted(&self, width: u32, height: u32) -> Fitted {
        let size = (width, height);
        let mut layers = Vec::new();
        let border = match &self.frame {
            None => None,
            Some(frame::Frame::Plain { colour, width }) => Some((part(size, *width).max(1), *colour)),
            Some(frame::Frame::Parts(parts)) => {
                layers.extend(parts.around(size));
                None
            }
        };
        layers.extend(self.overlay.as_ref().map(|(overlay, fit)| laid(overlay, *fit, size)));
        layers.extend(self.logo.as_ref().map(|logo| logo.laid(size)));
        layers.extend(self.line.as_ref().map(|line| line.laid(size)));
        let background = self.background.map(|background| (room(background, size), background.colour));
        Fitted { filter: self.filter, background, border, layers }
    }
}

impl Fitted {
    /// The picture must have the size that was said.
    pub(crate) fn put_on(&self, picture: &mut Rgb) {
        self.filter.apply(picture);
        if let Some((room, colour)) = self.background {
            shrink(picture, room, colour);
        }
        self.lay_layers(picture);
    }

    /// How colours are changed first.
    pub(crate) fn filter(&self) -> Filter {
        self.filter
    }

    /// Where the picture goes, if it is made smaller.
    pub(crate) fn room(&self) -> Option<Area> {
        self.background.map(|(room, _)| room)
    }

    /// What lies over the pixels of a picture, the background around its room included: for a picture whose colours are
    /// changed and which is made smaller elsewhere.
    pub(crate) fn lay_over(&self, picture: &mut Rgb) {
        if let Some((room, colour)) = self.background {
            around(picture, room, Colour { alpha: 255, ..colour });
        }
        self.lay_layers(picture);
    }

    fn lay_layers(&self, picture: &mut Rgb) {
        if let Some((width, colour)) = self.border {
            edge(picture, width, colour);
        }
        self.layers.iter().for_each(|layer| layer.lay_over(picture));
    }
}

impl Logo {
    fn laid(&self, size: (u32, u32)) -> Laid {
        let side = part(size, self.size).max(1);
        let (width, height) = proportional((self.layer.width, self.layer.height), side);
        self.layer.resized(width, height).placed(self.place, size, part(size, self.margin))
    }
}

/// The size whose longer side is `side`.
pub(crate) fn proportional((width, height): (u32, u32), side: u32) -> (u32, u32) {
    let long = u64::from(width.max(height)).max(1);
    let scaled = |part: u32| ((u64::from(part) * u64::from(side) + long / 2) / long).max(1) as u32;
    (scaled(width), scaled(height))
}

/// The overlay at the size of the picture, only what can be seen of it.
fn laid(overlay: &Trimmed, how: Fit, (width, height): (u32, u32)) -> Laid {
    let (across, down) = (f64::from(width) / f64::from(overlay.width), f64::from(height) / f64::from(overlay.height));
    let (across, down) = match how {
        Fit::Stretch => (across, down),
        Fit::Cover => (across.max(down), across.max(down)),
        Fit::Contain => (across.min(down), across.min(down)),
    };
    // Of the whole overlay, which is centred where it does not fit.
    let left = (f64::from(width) - f64::from(overlay.width) * across) / 2.0;
    let top = (f64::from(height) - f64::from(overlay.height) * down) / 2.0;
    let Area { left: from_left, top: from_top, width: seen_width, height: seen_height } = overlay.area;
    let edges = |start: f64, from: u32, length: u32, scale: f64| {
        let begin = (start + f64::from(from) * scale).round() as i64;
        let end = (start + f64::from(from + length) * scale).round() as i64;
        (begin, (end - begin).max(1) as u32)
    };
    let (left, seen_width) = edges(left, from_left, seen_width, across);
    let (top, seen_height) = edges(top, from_top, seen_height, down);
    cut_and_resized(&overlay.seen, (left, top), (seen_width, seen_height), (width, height))
}

/// Where an overlay covers much more than the picture, only what is over the picture is made: the sides of a layer are
/// never more than twice those of what it is laid on.
fn cut_and_resized(
    layer: &Layer,
    (left, top): (i64, i64),
    (to_width, to_height): (u32, u32),
    size: (u32, u32),
) -> Laid {
    let (columns, left, to_width) = inside(layer.width, left, to_width, size.0);
    let (rows, top, to_height) = inside(layer.height, top, to_height, size.1);
    let area = Area { left: columns.0, top: rows.0, width: columns.1, height: rows.1 };
    if (area.width, area.height) == (layer.width, layer.height) {
        return layer.resized(to_width, to_height).at(left, top);
    }
    layer.cut(area).resized(to_width, to_height).at(left, top)
}

/// Which of `length` pixels, drawn as `drawn` from `at`, come near a picture of `whole`; where that begins and how long it
/// is when drawn.
fn inside(length: u32, at: i64, drawn: u32, whole: u32) -> ((u32, u32), i64, u32) {
    if drawn <= whole {
        return ((0, length), at, drawn);
    }
    let scale = f64::from(drawn) / f64::from(length);
    let first = ((-at as f64 / scale).floor().max(0.0) as u32).min(length.saturating_sub(1));
    let end = (((i64::from(whole) - at) as f64 / scale).ceil().max(0.0) as u32).clamp(first + 1, length);
    let begin = at + (f64::from(first) * scale).round() as i64;
    let drawn = ((f64::from(end - first) * scale).round() as u32).max(1);
    ((first, end - first), begin, drawn)
}

/// Where the picture goes.
fn room(background: Background, (width, height): (u32, u32)) -> Area {
    let Background { colour: _, top, right, bottom, left } = background;
    let side = |thousandths| part((width, height), thousandths);
    let (left, top) = (side(left), side(top));
    let room_width = width.saturating_sub(left + side(right)).max(1);
    let room_height = height.saturating_sub(top + side(bottom)).max(1);
    let (in_width, in_height) = fit(width, height, room_width, room_height);
    let left = (left + (room_width - in_width) / 2).min(width - in_width);
    let top = (top + (room_height - in_height) / 2).min(height - in_height);
    Area { left, top, width: in_width, height: in_height }
}

fn shrink(picture: &mut Rgb, room: Area, Colour { red, green, blue, alpha: _ }: Colour) {
    if room == picture.area() {
        return;
    }
    let small = resize(picture, picture.area(), room.width, room.height);
    picture.bytes.as_chunks_mut::<3>().0.fill([red, green, blue]);
    for row in 0..room.height {
        let from = small.row(small.area(), row);
        let to = picture.row_mut(room, row);
        if to.len() == from.len() {
            to.copy_from_slice(from);
        }
    }
}

/// All but the room.
fn around(picture: &mut Rgb, room: Area, colour: Colour) {
    let (width, height) = (picture.width, picture.height);
    let (right, bottom) = (room.left + room.width, room.top + room.height);
    fill(picture, Area { left: 0, top: 0, width, height: room.top }, colour);
    fill(picture, Area { left: 0, top: room.top, width: room.left, height: room.height }, colour);
    let rest = width.saturating_sub(right);
    fill(picture, Area { left: right, top: room.top, width: rest, height: room.height }, colour);
    fill(picture, Area { left: 0, top: bottom, width, height: height.saturating_sub(bottom) }, colour);
}

/// A border of one colour over the edges.
fn edge(picture: &mut Rgb, thickness: u32, colour: Colour) {
    let (width, height) = (picture.width, picture.height);
    let (across, down) = (thickness.min(width.div_ceil(2)), thickness.min(height.div_ceil(2)));
    let middle = height.saturating_sub(2 * down);
    fill(picture, Area { left: 0, top: 0, width, height: down }, colour);
    fill(picture, Area { left: 0, top: down, width: across, height: middle }, colour);
    let right = width.saturating_sub(across).max(across);
    fill(picture, Area { left: right, top: down, width: width - right, height: middle }, colour);
    let bottom = height.saturating_sub(down).max(down);
    fill(picture, Area { left: 0, top: bottom, width, height: height - bottom }, colour);
}
