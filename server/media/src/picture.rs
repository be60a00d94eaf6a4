//! Decoded pixels.

/// Pixels of `C` bytes each, row by row without padding: 3 for RGB, 4 for RGBA with straight alpha. sRGB unless the
/// profile beside it says otherwise.
#[derive(Clone)]
pub(crate) struct Picture<const C: usize> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// `width * height * C` bytes.
    pub(crate) bytes: Vec<u8>,
}

pub(crate) type Rgb = Picture<3>;
pub(crate) type Rgba = Picture<4>;

/// A part of a picture, in its pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Area {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl<const C: usize> Picture<C> {
    /// The whole picture as an area.
    pub(crate) fn area(&self) -> Area {
        Area { left: 0, top: 0, width: self.width, height: self.height }
    }

    /// The bytes of one row of an area; empty outside of the picture.
    pub(crate) fn row(&self, area: Area, row: u32) -> &[u8] {
        let start = ((area.top + row) as usize * self.width as usize + area.left as usize) * C;
        self.bytes.get(start..start + area.width as usize * C).unwrap_or_default()
    }

    pub(crate) fn row_mut(&mut self, area: Area, row: u32) -> &mut [u8] {
        let start = ((area.top + row) as usize * self.width as usize + area.left as usize) * C;
        self.bytes.get_mut(start..start + area.width as usize * C).unwrap_or_default()
    }

    pub(crate) fn pixels(&self) -> &[[u8; C]] {
        self.bytes.as_chunks().0
    }
}

/// The size of a picture fitted into a box without enlarging it, at least one pixel a side.
pub(crate) fn fit(width: u32, height: u32, box_width: u32, box_height: u32) -> (u32, u32) {
    let scale = (f64::from(box_width) / f64::from(width)).min(f64::from(box_height) / f64::from(height));
    if scale >= 1.0 {
        return (width, height);
    }
    let scaled = |side: u32, limit: u32| ((f64::from(side) * scale).round() as u32).clamp(1, limit.max(1));
    (scaled(width, box_width), scaled(height, box_height))
}

/// The largest area of the proportions `to_width : to_height`, centred across and a little above the middle, where
/// faces are.
pub(crate) fn cover(width: u32, height: u32, to_width: u32, to_height: u32) -> Area {
    const FROM_THE_TOP: f64 = 0.35;
    let scale = (f64::from(width) / f64::from(to_width)).min(f64::from(height) / f64::from(to_height));
    let side = |to: u32, limit: u32| ((f64::from(to) * scale).round() as u32).clamp(1, limit);
    let (area_width, area_height) = (side(to_width, width), side(to_height, height));
    let top = (f64::from(height - area_height) * FROM_THE_TOP).round() as u32;
    Area { left: (width - area_width) / 2, top, width: area_width, height: area_height }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fitting_never_enlarges_and_keeps_a_pixel() {
        assert_eq!(fit(4000, 3000, 2048, 2048), (2048, 1536));
        assert_eq!(fit(3000, 4000, 2048, 2048), (1536, 2048));
        assert_eq!(fit(2048, 2048, 2048, 2048), (2048, 2048));
        assert_eq!(fit(100, 50, 320, 320), (100, 50));
        assert_eq!(fit(30_000, 2, 320, 320), (320, 1));
        assert_eq!(fit(1, 1, 320, 320), (1, 1));
    }

    #[test]
    fn covering_cuts_and_stays_inside() {
        assert_eq!(cover(1200, 630, 1200, 630), Area { left: 0, top: 0, width: 1200, height: 630 });
        assert_eq!(cover(2400, 630, 1200, 630), Area { left: 600, top: 0, width: 1200, height: 630 });
        assert_eq!(cover(1200, 1630, 1200, 630), Area { left: 0, top: 350, width: 1200, height: 630 });
        for (width, height) in [(1, 1), (1, 5000), (5000, 1), (2047, 1535), (3, 2)] {
            let area = cover(width, height, 1200, 630);
            assert!(area.width >= 1 && area.left + area.width <= width);
            assert!(area.height >= 1 && area.top + area.height <= height);
        }
    }
}
