//! Looks: each is a matrix over the bytes of sRGB as they are, as everybody's filters are, so that a look is what people
//! know by its name. In linear light the same matrices would turn shadows grey.

use crate::picture::Rgb;

/// How the colours of a picture are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Filter {
    /// As it was taken.
    #[default]
    None,
    BlackAndWhite,
    Warm,
    Cool,
    /// Little contrast, as an old print.
    Faded,
    Vivid,
}

/// Of red, green and blue in how light a colour looks (Rec. 709).
const LIGHT: [f64; 3] = [0.2126, 0.7152, 0.0722];
/// Fractions of a whole in the integers below.
const BITS: u32 = 14;

/// What makes one colour out of three: factors, and what is added.
type Row = [i32; 4];

impl Filter {
    /// All filters.
    pub const ALL: [Filter; 6] =
        [Filter::None, Filter::BlackAndWhite, Filter::Warm, Filter::Cool, Filter::Faded, Filter::Vivid];

    /// The name in settings. Never changes.
    pub fn as_str(self) -> &'static str {
        match self {
            Filter::None => "none",
            Filter::BlackAndWhite => "black_and_white",
            Filter::Warm => "warm",
            Filter::Cool => "cool",
            Filter::Faded => "faded",
            Filter::Vivid => "vivid",
        }
    }

    /// Reads [`Filter::as_str`].
    pub fn parse(text: &str) -> Option<Filter> {
        Filter::ALL.into_iter().find(|filter| filter.as_str() == text)
    }

    /// `None` changes nothing.
    fn matrix(self) -> Option<[Row; 3]> {
        // Colourfulness, contrast around the middle, factors of red, green and blue, and what is added to them.
        Some(match self {
            Filter::None => return None,
            Filter::BlackAndWhite => rows(0.0, 1.05, [1.0; 3], [0.0; 3]),
            Filter::Warm => rows(1.05, 1.0, [1.06, 1.0, 0.88], [4.0, 1.0, 0.0]),
            Filter::Cool => rows(1.0, 1.0, [0.9, 1.0, 1.08], [0.0, 1.0, 5.0]),
            Filter::Faded => rows(0.72, 0.8, [1.0, 1.0, 0.98], [14.0, 12.0, 12.0]),
            Filter::Vivid => rows(1.32, 1.08, [1.0; 3], [0.0; 3]),
        })
    }

    /// The same matrix in the words of ffmpeg, for pixels of red, green, blue and a full alpha. It rounds each product by
    /// itself, so that a colour may differ by two of 255 steps.
    pub(crate) fn mixer(self) -> Option<String> {
        let [red, green, blue] = self.matrix()?;
        let channel = |name: char, [of_red, of_green, of_blue, added]: Row| {
            let factor = |part: i32| f64::from(part) / f64::from(1 << BITS);
            // Without the half that rounds. What is added hangs on alpha, which is 255 everywhere.
            let added = factor(added - (1 << (BITS - 1))) / 255.0;
            let (of_red, of_green, of_blue) = (factor(of_red), factor(of_green), factor(of_blue));
            format!("{name}r={of_red:.6}:{name}g={of_green:.6}:{name}b={of_blue:.6}:{name}a={added:.6}")
        };
        Some(format!("colorchannelmixer={}:{}:{}", channel('r', red), channel('g', green), channel('b', blue)))
    }

    pub(crate) fn apply(self, picture: &mut Rgb) {
        let Some([red, green, blue]) = self.matrix() else { return };
        let mix = |[of_red, of_green, of_blue, added]: Row, [red, green, blue]: [i32; 3]| {
            ((of_red * red + of_green * green + of_blue * blue + added) >> BITS).clamp(0, 255) as u8
        };
        for pixel in picture.bytes.as_chunks_mut::<3>().0 {
            let before = pixel.map(i32::from);
            *pixel = [mix(red, before), mix(green, before), mix(blue, before)];
        }
    }
}

fn rows(colourful: f64, contrast: f64, factors: [f64; 3], added: [f64; 3]) -> [Row; 3] {
    let whole = f64::from(1 << BITS);
    std::array::from_fn(|row| {
        let factor = factors.get(row).copied().unwrap_or(1.0) * contrast;
        // The middle stays where it is, whatever the contrast.
        let added = added.get(row).copied().unwrap_or(0.0) + 127.5 * (1.0 - contrast);
        let of = |column: usize| {
            let own = if row == column { colourful } else { 0.0 };
            let light = LIGHT.get(column).copied().unwrap_or(0.0) * (1.0 - colourful);
            ((own + light) * factor * whole).round() as i32
        };
        // A half, so that shifting rounds.
        [of(0), of(1), of(2), (added * whole).round() as i32 + (1 << (BITS - 1))]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(filter: Filter, pixels: &[[u8; 3]]) -> Vec<[u8; 3]> {
        let mut picture = Rgb { width: pixels.len() as u32, height: 1, bytes: pixels.as_flattened().to_vec() };
        filter.apply(&mut picture);
        picture.pixels().to_vec()
    }

    #[test]
    fn every_filter_makes_known_pixels() {
        let pixels = [[0, 0, 0], [255, 255, 255], [128, 128, 128], [200, 100, 50], [10, 180, 240]];
        let expected = [
            (Filter::None, pixels),
            (Filter::BlackAndWhite, [[0; 3], [255; 3], [128; 3], [117, 117, 117], [149, 149, 149]]),
            (Filter::Warm, [[4, 1, 0], [255, 255, 224], [140, 129, 113], [220, 100, 41], [7, 183, 215]]),
            (Filter::Cool, [[0, 1, 5], [230, 255, 255], [115, 129, 143], [180, 101, 59], [9, 181, 255]]),
            (Filter::Faded, [[40, 38, 38], [243, 241, 237], [142, 140, 138], [181, 121, 92], [78, 174, 206]]),
            (Filter::Vivid, [[0; 3], [255; 3], [128; 3], [234, 92, 20], [0, 195, 255]]),
        ];
        for (filter, expected) in expected {
            assert_eq!(after(filter, &pixels), expected, "{filter:?}");
        }
    }

    #[test]
    fn grey_stays_grey_where_no_colour_is_added() {
        for filter in [Filter::None, Filter::BlackAndWhite, Filter::Vivid] {
            for value in 0..=255 {
                let after = after(filter, &[[value; 3]]);
                assert!(after.iter().all(|[red, green, blue]| red == green && green == blue), "{filter:?} {value}");
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        assert!(Filter::ALL.iter().all(|filter| Filter::parse(filter.as_str()) == Some(*filter)));
        assert_eq!(Filter::parse("sepia"), None);
    }
}
