//! Texts that other people wrote, made fit for a page or a mail.

/// The text without characters that are no text: control characters but for line feeds, and those that turn the
/// reading direction of what follows. Input is checked for them already; this is what holds if a check is missing.
pub(crate) fn plain(text: &str) -> String {
    text.trim().chars().filter(|&c| c == '\n' || !is_unfit(c)).collect()
}

/// The same in one line; every run of space is one space.
pub(crate) fn line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().filter(|&c| !is_unfit(c)).collect::<String>())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The same in one line of at most `longest` characters, with an ellipsis where something was left out.
pub(crate) fn short(text: &str, longest: usize) -> String {
    let text = line(text);
    if text.chars().count() <= longest {
        return text;
    }
    let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// An `https` address; `None` for everything else, so that no other scheme ever becomes a link.
pub(crate) fn https(url: &str) -> Option<String> {
    let fits = url.starts_with("https://") && !url.chars().any(|c| c.is_whitespace() || is_unfit(c));
    fits.then(|| url.to_owned())
}

fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + text.len() / 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_left_out() {
        assert_eq!(plain(" a\u{202e}b\u{0}\nc\r\n "), "ab\nc");
        assert_eq!(line("Subject\r\nBcc: all@example.com\u{2028}x"), "Subject Bcc: all@example.com x");
        assert_eq!(short("Sommerfest der Werke", 12), "Sommerfest…");
        assert_eq!(short("Sommerfest", 10), "Sommerfest");
    }

    #[test]
    fn only_https_becomes_a_link() {
        assert_eq!(https("https://example.com/a"), Some("https://example.com/a".to_owned()));
        for text in ["", "http://example.com", "javascript:alert(1)", "https://a b", " https://a"] {
            assert_eq!(https(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_inside_addresses_are_encoded() {
        assert_eq!(encode("https://a.example/s/x?y=ü&z"), "https%3A%2F%2Fa.example%2Fs%2Fx%3Fy%3D%C3%BC%26z");
    }
}
