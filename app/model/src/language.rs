//! The languages people read: chosen by the user's profile, a guest's language or `Accept-Language`.

use serde::{Deserialize, Serialize};

/// A language that every text of the product exists in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Language {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "de")]
    German,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// Own name, for a language switch.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// Reads a tag such as `de`, `de-AT` or `DE_ch`; `None` for languages we do not speak.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The best of our languages for an `Accept-Language` header (RFC 9110 §12.5.4); English if none fits.
    /// Only the first 20 entries are looked at, so that a long header costs nothing.
    pub fn negotiate(header: &str) -> Self {
        let mut best: Option<(f32, Self)> = None;
        for entry in header.split(',').take(20) {
            let mut parts = entry.split(';');
            let Some(language) = parts.next().and_then(|tag| Self::from_tag(tag.trim())) else { continue };
            let quality = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(1.0, |text| text.trim().parse::<f32>().unwrap_or(0.0));
            if quality > 0.0 && best.is_none_or(|(highest, _)| quality > highest) {
                best = Some((quality, language));
            }
        }
        best.map_or(Self::English, |(_, language)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_gets_the_language_asked_for_first() {
        for (header, language) in [
            ("", Language::English),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("en-GB,de;q=0.9", Language::English),
            ("fr, de;q=0.5, en;q=0.7", Language::English),
            ("fr, de;q=0.5, en;q=0", Language::German),
            ("*", Language::English),
        ] {
            assert_eq!(Language::negotiate(header), language, "{header}");
        }
    }
}
