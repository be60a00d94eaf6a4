//! Brand colours, their contrast, and a readable neighbour for those that have too little.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Code;

/// An opaque sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour(pub u8, pub u8, pub u8);

/// Least contrast of text on its ground (WCAG 2.2, 1.4.3).
pub const READABLE: f64 = 4.5;

impl Colour {
    pub const WHITE: Self = Self(255, 255, 255);
    pub const BLACK: Self = Self(0, 0, 0);
    /// The accent of an event that chose none.
    pub const ACCENT: Self = Self(0x2f, 0x5b, 0xd7);
    /// The backdrop of an event that chose none.
    pub const BACKDROP: Self = Self(0x14, 0x16, 0x1c);

    /// Relative luminance, 0 to 1 (WCAG 2.2).
    pub fn luminance(self) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(self.0) + 0.7152 * channel(self.1) + 0.0722 * channel(self.2)
    }

    /// Contrast ratio, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Black or white, whichever reads better on this colour. One of them always reaches 4.5.
    pub fn ink(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// The nearest mix with black or white that reads on the ground; the colour itself if it does already.
    pub fn readable_on(self, ground: Self) -> Self {
        let target = ground.ink();
        let mix = |from: u8, to: u8, step: u16| {
            let (from, to) = (u16::from(from), u16::from(to));
            u8::try_from((from * (32 - step) + to * step) / 32).unwrap_or(u8::MAX)
        };
        (0..=32)
            .map(|step| Self(mix(self.0, target.0, step), mix(self.1, target.1, step), mix(self.2, target.2, step)))
            .find(|candidate| candidate.contrast(ground) >= READABLE)
            .unwrap_or(target)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl FromStr for Colour {
    type Err = Code;

    fn from_str(text: &str) -> Result<Self, Code> {
        let digits = text.strip_prefix('#').ok_or(Code::BadColour)?;
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Code::BadColour);
        }
        let value = u32::from_str_radix(digits, 16).map_err(|_| Code::BadColour)?;
        let [_, red, green, blue] = value.to_be_bytes();
        Ok(Self(red, green, blue))
    }
}

impl Serialize for Colour {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        assert!((Colour::WHITE.contrast(Colour::BLACK) - 21.0).abs() < 0.01);
        assert!((Colour(0x77, 0x77, 0x77).contrast(Colour::WHITE) - 4.48).abs() < 0.01);
    }

    #[test]
    fn every_colour_has_ink_and_a_readable_neighbour() {
        for value in (0..=0x00ff_ffff_u32).step_by(4099) {
            let [_, r, g, b] = value.to_be_bytes();
            let colour = Colour(r, g, b);
            assert!(colour.ink().contrast(colour) >= READABLE, "{colour}");
            assert!(Colour::ACCENT.readable_on(colour).contrast(colour) >= READABLE, "{colour}");
            assert_eq!(colour.to_string().parse(), Ok(colour));
        }
    }

    #[test]
    fn only_hex_notation_is_a_colour() {
        for text in ["red", "#fff", "#12345g", "123456", "#1234567", "#+12345"] {
            assert_eq!(text.parse::<Colour>(), Err(Code::BadColour), "{text}");
        }
    }
}
