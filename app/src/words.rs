//! Numbers as people of a language write them. Plain functions, because the tables of ICU would cost the bundle more
//! than everything else together.

use shutterpost_model::language::Language;
use shutterpost_model::time::Millis;

/// A number with its thousands grouped: `100,000` or `100.000`.
pub fn number(language: Language, value: i64) -> String {
    let separator = match language {
        Language::English => ',',
        Language::German => '.',
    };
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        text.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// Whether the singular is used; the same rule in English and German.
pub const fn is_one(count: i64) -> bool {
    count == 1
}

/// A part of a whole, rounded down so that 100 % means all: `97%` or `97 %`. `None` of nothing.
pub fn percent(language: Language, part: i64, whole: i64) -> Option<String> {
    let rounded = part.clamp(0, whole.max(0)).saturating_mul(100).checked_div(whole)?;
    Some(match language {
        Language::English => format!("{rounded}%"),
        Language::German => format!("{rounded}\u{a0}%"),
    })
}

/// A size for people, in decimal units with one decimal place above a megabyte: `640 kB`, `2.4 MB`, `3.5 GB`.
pub fn bytes(language: Language, size: i64) -> String {
    let size = size.max(0);
    if size < 1000 {
        return format!("{size}\u{a0}B");
    }
    if size < 1_000_000 {
        return format!("{}\u{a0}kB", (size + 500) / 1000);
    }
    let (tenths, unit) = match (size + 50_000) / 100_000 {
        tenths if tenths < 10_000 => (tenths, "MB"),
        tenths => ((tenths + 500) / 1000, "GB"),
    };
    let point = match language {
        Language::English => '.',
        Language::German => ',',
    };
    format!("{}{point}{}\u{a0}{unit}", number(language, tenths / 10), tenths % 10)
}

/// How long something plays, from milliseconds: `0:07`, `12:30`. What is shorter than a second is one.
pub fn playing(duration: i64) -> String {
    let seconds = ((duration.max(0) + 500) / 1000).max(1);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Exact date and time in UTC, for labels that the server and the browser must write alike; what people look at is a
/// [`crate::ui::Time`].
pub fn exact(language: Language, at: Millis) -> String {
    format!("{} UTC", at.readable(language, 0))
}

/// Percent-encodes a value of a query (RFC 3986, unreserved characters stay).
pub fn encode(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_as_the_reader_expects() {
        for (value, english, german) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1000, "1,000", "1.000"),
            (100_000, "100,000", "100.000"),
            (-1234, "−1,234", "−1.234"),
        ] {
            assert_eq!(number(Language::English, value), english);
            assert_eq!(number(Language::German, value), german);
        }
    }

    #[test]
    fn a_hundred_percent_means_all() {
        assert_eq!(percent(Language::English, 999, 1000).as_deref(), Some("99%"));
        assert_eq!(percent(Language::German, 5, 5).as_deref(), Some("100\u{a0}%"));
        assert_eq!(percent(Language::German, 0, 0), None);
    }

    #[test]
    fn lengths_are_minutes_and_seconds() {
        for (duration, text) in [(0, "0:01"), (499, "0:01"), (12_400, "0:12"), (59_600, "1:00"), (750_000, "12:30")] {
            assert_eq!(playing(duration), text);
        }
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(bytes(Language::English, 640), "640\u{a0}B");
        assert_eq!(bytes(Language::English, 639_600), "640\u{a0}kB");
        assert_eq!(bytes(Language::German, 2_449_999), "2,4\u{a0}MB");
        assert_eq!(bytes(Language::English, 39_960_000), "40.0\u{a0}MB");
        assert_eq!(bytes(Language::English, 999_940_000), "999.9\u{a0}MB");
        assert_eq!(bytes(Language::English, 999_960_000), "1.0\u{a0}GB");
        assert_eq!(bytes(Language::German, 3_500_000_000), "3,5\u{a0}GB");
    }
}
