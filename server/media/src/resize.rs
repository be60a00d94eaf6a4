//! Resizing in linear light with Lanczos: averaging sRGB values as they are would darken fine detail.
//!
//! Rows stream through: a band of source rows is made linear and narrowed (by `fast_image_resize`, which has the SIMD
//! for it), then each result row is summed from the few narrowed rows in its reach. No linear copy of the source ever
//! exists, which for a photo of 12 megapixels would be 72 MB.

use std::sync::LazyLock;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U16x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::picture::{Area, Rgb};

/// Pixels of the source narrowed at once: 2 MB of them in linear light. The horizontal weights are computed anew for each
/// band, so smaller bands are slow, and larger ones take memory beside a decoded picture, when there is least of it.
const BAND_PIXELS: u32 = 400_000;
/// Lanczos lobes.
const LOBES: f64 = 3.0;

static TO_LINEAR: LazyLock<[u16; 256]> = LazyLock::new(|| {
    std::array::from_fn(|value| {
        let value = value as f64 / 255.0;
        let linear = if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
        (linear * 65_535.0).round() as u16
    })
});

static TO_SRGB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let convert = |linear: u32| {
        let linear = f64::from(linear) / 65_535.0;
        let value = if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
        (value * 255.0).round() as u8
    };
    (0..=65_535).map(convert).collect()
});

/// A colour value made linear, 0 to 65 535.
pub(crate) fn linear(value: u8) -> u16 {
    TO_LINEAR.get(usize::from(value)).copied().unwrap_or_default()
}

/// The inverse of [`linear`].
pub(crate) fn srgb(linear: u16) -> u8 {
    TO_SRGB.get(usize::from(linear)).copied().unwrap_or_default()
}

/// Resizes an area of a picture to `width` x `height`, none of them zero.
pub(crate) fn resize(source: &Rgb, area: Area, width: u32, height: u32) -> Rgb {
    let mut result = Rgb { width, height, bytes: Vec::with_capacity(width as usize * height as usize * 3) };
    if (area.width, area.height) == (width, height) {
        (0..height).for_each(|row| result.bytes.extend_from_slice(source.row(area, row)));
        return result;
    }
    let reaches = reaches(area.height, height);
    let mut pending = reaches.iter().peekable();
    let longest = reaches.iter().map(|reach| reach.weights.len()).max().unwrap_or(1);
    let mut rows = Rows { ring: vec![vec![0.0; width as usize * 3]; longest] };
    let mut sum = vec![0.0; width as usize * 3];
    let mut band = Band::new(area.width, width);

    let band_rows = (BAND_PIXELS / area.width.max(1)).clamp(16, 256);
    let mut first = 0;
    while first < area.height && pending.peek().is_some() {
        let count = band_rows.min(area.height - first);
        band.narrow(source, area, first, count);
        for (row, narrowed) in (first..).zip(band.rows(count)) {
            rows.put(row, narrowed);
            while let Some(reach) = pending.next_if(|reach| reach.end() <= row + 1) {
                rows.sum(reach, &mut sum);
                // The float's conversion saturates, which cuts off what Lanczos overshoots.
                result.bytes.extend(sum.iter().map(|value| srgb((value + 0.5) as u16)));
            }
        }
        first += count;
    }
    result
}

/// The source rows a result row is made of.
struct Reach {
    first: u32,
    /// One for each row from `first` on; they sum up to 1.
    weights: Vec<f32>,
}

impl Reach {
    fn end(&self) -> u32 {
        self.first + self.weights.len() as u32
    }
}

fn reaches(from: u32, to: u32) -> Vec<Reach> {
    let scale = f64::from(from) / f64::from(to);
    let stretch = scale.max(1.0);
    let reach = |row: u32| {
        let centre = (f64::from(row) + 0.5) * scale;
        let first = (centre - LOBES * stretch).floor().max(0.0) as u32;
        let end = ((centre + LOBES * stretch).ceil() as u32).clamp(first + 1, from.max(first + 1));
        let weights: Vec<f64> = (first..end).map(|at| lanczos((f64::from(at) + 0.5 - centre) / stretch)).collect();
        let total: f64 = weights.iter().sum();
        Reach { first, weights: weights.iter().map(|weight| (weight / total) as f32).collect() }
    };
    (0..to).map(reach).collect()
}

fn lanczos(at: f64) -> f64 {
    use std::f64::consts::PI;
    if at == 0.0 {
        1.0
    } else if at.abs() >= LOBES {
        0.0
    } else {
        let at = at * PI;
        LOBES * at.sin() * (at / LOBES).sin() / (at * at)
    }
}

/// The last few narrowed rows; row `n` lies at `n` modulo the number of places.
struct Rows {
    ring: Vec<Vec<f32>>,
}

impl Rows {
    fn put(&mut self, row: u32, narrowed: &[U16x3]) {
        let place = row as usize % self.ring.len();
        let Some(place) = self.ring.get_mut(place) else { return };
        for (place, pixel) in place.as_chunks_mut::<3>().0.iter_mut().zip(narrowed) {
            *place = pixel.0.map(f32::from);
        }
    }

    fn get(&self, row: u32) -> &[f32] {
        self.ring.get(row as usize % self.ring.len()).map(Vec::as_slice).unwrap_or_default()
    }

    /// Four rows at a time: the sum is loaded and stored a quarter as often.
    fn sum(&self, reach: &Reach, sum: &mut [f32]) {
        sum.fill(0.0);
        let (fours, rest) = reach.weights.as_chunks::<4>();
        let mut row = reach.first;
        for [a, b, c, d] in fours {
            let rows = self.get(row).iter().zip(self.get(row + 1)).zip(self.get(row + 2)).zip(self.get(row + 3));
            for (sum, (((p, q), r), s)) in sum.iter_mut().zip(rows) {
                *sum += a * p + b * q + c * r + d * s;
            }
            row += 4;
        }
        for weight in rest {
            sum.iter_mut().zip(self.get(row)).for_each(|(sum, value)| *sum += weight * value);
            row += 1;
        }
    }
}

/// Buffers for narrowing a band of rows.
struct Band {
    resizer: Resizer,
    from_width: u32,
    to_width: u32,
    linear: Vec<U16x3>,
    narrowed: Vec<U16x3>,
}

impl Band {
    fn new(from_width: u32, to_width: u32) -> Band {
        Band { resizer: Resizer::new(), from_width, to_width, linear: Vec::new(), narrowed: Vec::new() }
    }

    fn narrow(&mut self, source: &Rgb, area: Area, first: u32, count: u32) {
        let table = &*TO_LINEAR;
        let linear = |value: u8| table.get(usize::from(value)).copied().unwrap_or_default();
        self.linear.clear();
        for row in first..first + count {
            let pixels = source.row(area, row).as_chunks::<3>().0;
            self.linear.extend(pixels.iter().map(|pixel| U16x3::new(pixel.map(linear))));
        }
        self.narrowed.resize(self.to_width as usize * count as usize, U16x3::new([0; 3]));
        let from = TypedImageRef::new(self.from_width, count, &self.linear).expect("as many rows as were pushed");
        let mut to = TypedImage::from_pixels_slice(self.to_width, count, &mut self.narrowed)
            .expect("resized to this size two lines above");
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        self.resizer.resize_typed(&from, &mut to, &options).expect("both are whole pictures of one pixel type");
    }

    fn rows(&self, count: u32) -> impl Iterator<Item = &[U16x3]> {
        self.narrowed.chunks_exact(self.to_width as usize).take(count as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Rgb {
        let bytes = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
        Rgb { width, height, bytes }
    }

    #[test]
    fn every_value_survives_the_way_there_and_back() {
        assert!((0..=255).all(|value| srgb(linear(value)) == value));
    }

    #[test]
    fn an_even_picture_stays_even_at_any_size() {
        let source = picture(97, 613, |_, _| [200, 17, 90]);
        for (width, height) in [(97, 613), (50, 300), (1, 1), (300, 1000), (97, 10), (10, 613)] {
            let result = resize(&source, source.area(), width, height);
            assert_eq!(result.pixels().len(), (width * height) as usize);
            assert!(result.pixels().iter().all(|pixel| *pixel == [200, 17, 90]), "{width}x{height}");
        }
    }

    #[test]
    fn black_and_white_average_to_half_the_light() {
        let source = picture(400, 800, |x, y| if (x + y) % 2 == 0 { [255; 3] } else { [0; 3] });
        let result = resize(&source, source.area(), 40, 80);
        // Half of the light is 188 in sRGB; averaging the values themselves would give 128.
        let inner = Area { left: 5, top: 5, width: 30, height: 70 };
        assert!((0..70).all(|row| result.row(inner, row).iter().all(|value| value.abs_diff(188) <= 2)));
    }

    #[test]
    fn places_stay_where_they_are() {
        // A gradient over both axes, longer than a band.
        let source = picture(512, 1024, |x, y| [(x / 2) as u8, (y / 4) as u8, 0]);
        let result = resize(&source, source.area(), 128, 128);
        for (at, [red, green, _]) in result.pixels().iter().enumerate() {
            let (x, y) = (at % 128, at / 128);
            assert!((4..124).contains(&x) || red.abs_diff((x * 2 + 1) as u8) <= 3);
            assert!(red.abs_diff((x * 2) as u8 + 1) <= 3, "{x} {y}: {red}");
            assert!(green.abs_diff((y * 2) as u8 + 1) <= 3, "{x} {y}: {green}");
        }
    }

    #[test]
    fn an_area_is_cut_out() {
        let source = picture(100, 100, |x, y| if x >= 50 && y >= 50 { [255; 3] } else { [0; 3] });
        let area = Area { left: 50, top: 50, width: 50, height: 50 };
        assert!(resize(&source, area, 50, 50).bytes.iter().all(|value| *value == 255));
        assert!(resize(&source, area, 20, 25).bytes.iter().all(|value| *value == 255));
    }
}
