//! Whether the brand's colours stand out from each other, and what to offer if not.

use shutterpost_model::events::colour::Colour;

/// Least contrast of a control with its ground (WCAG 2.2, 1.4.11). Text on the accent is black or white, whichever
/// reads better, and needs no check.
pub const VISIBLE: f64 = 3.0;

/// A verdict on two colours as typed.
#[derive(Debug, Clone, PartialEq)]
pub enum Contrast {
    /// Not both of them are colours yet.
    Unknown,
    /// Visible, with the ratio.
    Good(f64),
    /// Hard to see, with the ratio and the nearest accent that can even be read.
    Bad(f64, Colour),
}

/// Looks at accent and backdrop as they stand in the form.
pub fn judge(accent: &str, backdrop: &str) -> Contrast {
    let (Ok(accent), Ok(backdrop)) = (accent.parse::<Colour>(), backdrop.parse::<Colour>()) else {
        return Contrast::Unknown;
    };
    let ratio = accent.contrast(backdrop);
    if ratio >= VISIBLE { Contrast::Good(ratio) } else { Contrast::Bad(ratio, accent.readable_on(backdrop)) }
}

/// A ratio with one decimal place, rounded down so that 4.49 does not pass for 4.5.
pub fn ratio_text(ratio: f64, decimal_point: char) -> String {
    // By whole numbers: formatting a float is 7 kB of code in the bundle. Ratios lie between 1 and 21.
    #[expect(clippy::cast_possible_truncation, reason = "at most 210")]
    let tenths = (ratio * 10.0).floor() as i64;
    format!("{}{decimal_point}{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accent_that_drowns_gets_a_readable_neighbour() {
        assert!(matches!(judge("#2f5bd7", "#14161c"), Contrast::Good(_)), "the defaults");
        let Contrast::Bad(ratio, offer) = judge("#2f3b57", "#14161c") else { panic!("too dark") };
        assert!(ratio < VISIBLE);
        assert!(matches!(judge(&offer.to_string(), "#14161c"), Contrast::Good(_)));
        assert_eq!(judge("#12", "#000000"), Contrast::Unknown);
    }

    #[test]
    fn ratios_are_never_rounded_up() {
        assert_eq!(ratio_text(4.499, '.'), "4.4");
        assert_eq!(ratio_text(4.5, ','), "4,5");
        assert_eq!(ratio_text(21.0, '.'), "21.0");
    }
}
