//! Frames: a colour, or a picture in nine parts of which eight are drawn.

use crate::branding::layer::{Laid, Layer};
use crate::branding::put_on::part;
use crate::branding::{BrandingError, Colour, Part, read};
use crate::picture::Area;

/// A frame that was checked and decoded.
pub(crate) enum Frame {
    Plain { colour: Colour, width: u16 },
    Parts(Box<Parts>),
}

impl Frame {
    pub(crate) fn prepare(frame: &super::Frame, side: u32) -> Result<Frame, BrandingError> {
        Ok(match frame {
            super::Frame::Plain { colour, width } => Frame::Plain { colour: *colour, width: *width },
            super::Frame::Parts { picture, slice, width } => {
                let picture = read(Part::Frame, picture, side)?;
                Frame::Parts(Box::new(Parts::of(&picture, *slice, *width)))
            }
        })
    }
}

/// The eight parts: by rows, from the upper left.
pub(crate) struct Parts {
    corners: [Layer; 4],
    top: Layer,
    left: Layer,
    right: Layer,
    bottom: Layer,
    /// Thousandths of the shorter side.
    width: u16,
}

impl Parts {
    fn of(picture: &Layer, slice: u16, width: u16) -> Parts {
        let (across, down) = (picture.width, picture.height);
        // At least a pixel for each part, and something in between: a picture of one pixel serves as all of them.
        let slice = part((across, down), slice).clamp(1, (across.min(down).saturating_sub(1) / 2).max(1));
        let (right, bottom) = (across.saturating_sub(slice), down.saturating_sub(slice));
        let (inner_width, inner_height) = (right.saturating_sub(slice).max(1), bottom.saturating_sub(slice).max(1));
        let middle = |at: u32, whole: u32| at.min(whole.saturating_sub(1));
        let (column, row) = (middle(slice, across), middle(slice, down));
        let cut = |left, top, width, height| picture.cut(Area { left, top, width, height });
        Parts {
            corners: [
                cut(0, 0, slice, slice),
                cut(right, 0, slice, slice),
                cut(0, bottom, slice, slice),
                cut(right, bottom, slice, slice),
            ],
            top: cut(column, 0, inner_width, slice),
            left: cut(0, row, slice, inner_height),
            right: cut(right, row, slice, inner_height),
            bottom: cut(column, bottom, inner_width, slice),
            width,
        }
    }

    /// All parts around a picture.
    pub(crate) fn around(&self, (width, height): (u32, u32)) -> Vec<Laid> {
        let thick = part((width, height), self.width).clamp(1, (width.min(height) / 2).max(1));
        let (right, bottom) = (width.saturating_sub(thick), height.saturating_sub(thick));
        let (across, down) = (right.saturating_sub(thick), bottom.saturating_sub(thick));
        let [top_left, top_right, bottom_left, bottom_right] = &self.corners;
        let (near, right, bottom) = (i64::from(thick), i64::from(right), i64::from(bottom));
        let mut laid: Vec<Laid> =
            [(top_left, 0, 0), (top_right, right, 0), (bottom_left, 0, bottom), (bottom_right, right, bottom)]
                .map(|(corner, left, top)| corner.resized(thick, thick).at(left, top))
                .into();
        if across > 0 {
            laid.push(self.top.resized(across, thick).at(near, 0));
            laid.push(self.bottom.resized(across, thick).at(near, bottom));
        }
        if down > 0 {
            laid.push(self.left.resized(thick, down).at(0, near));
            laid.push(self.right.resized(thick, down).at(right, near));
        }
        laid
    }
}
