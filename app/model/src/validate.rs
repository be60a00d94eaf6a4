//! Rules for what people and programs send in, the same on both sides of the wire.

use crate::error::{Code, FieldError};

/// Longest name of a person, an event or a device, in characters.
pub const NAME: usize = 120;
/// Longest short text (a headline, a subject), in characters.
pub const LINE: usize = 160;
/// Longest long text (a message, a legal text), in characters.
pub const TEXT: usize = 4000;
/// Longest e-mail address (RFC 5321 §4.5.3.1), in bytes.
pub const EMAIL: usize = 254;

/// Collects what is wrong, field by field.
#[derive(Debug, Default)]
pub struct Check {
    errors: Vec<FieldError>,
}

impl Check {
    /// Notes a problem of a field.
    pub fn fail(&mut self, field: impl Into<String>, code: Code) {
        self.errors.push(FieldError { field: field.into(), code });
    }

    /// Notes the problem if the rule found one.
    pub fn rule(&mut self, field: impl Into<String>, result: Result<(), Code>) {
        if let Err(code) = result {
            self.fail(field, code);
        }
    }

    /// Notes the problem if there is one, and gives the value otherwise.
    pub fn value<T>(&mut self, field: impl Into<String>, result: Result<T, Code>) -> Option<T> {
        result.map_err(|code| self.fail(field, code)).ok()
    }

    /// All problems, or none.
    pub fn finish(self) -> Result<(), crate::error::AppError> {
        if self.errors.is_empty() { Ok(()) } else { Err(crate::error::AppError::invalid(self.errors)) }
    }

    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }
}

/// Text without control or bidirectional override characters, within the length.
fn clean(text: &str, longest: usize, line_breaks: bool) -> Result<(), Code> {
    if text.chars().count() > longest {
        return Err(Code::TooLong);
    }
    let bad = |c: char| {
        (c.is_control() && !(line_breaks && matches!(c, '\n' | '\r')))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    if text.chars().any(bad) { Err(Code::BadText) } else { Ok(()) }
}

/// A text of one line that may be empty.
pub fn line(text: &str, longest: usize) -> Result<(), Code> {
    clean(text, longest, false)
}

/// A text of several lines that may be empty.
pub fn paragraph(text: &str) -> Result<(), Code> {
    clean(text, TEXT, true)
}

/// A name: one line that is not empty.
pub fn name(text: &str) -> Result<(), Code> {
    if text.trim().is_empty() { Err(Code::Required) } else { line(text, NAME) }
}

/// Checks an e-mail address and gives its canonical form: trimmed, lower case, without a trailing dot.
///
/// Accepted is what people have (the dot-atom form of RFC 5322 with a domain of LDH labels, or an internationalised
/// domain as typed); quoted local parts, comments and address literals are refused.
pub fn email(text: &str) -> Result<String, Code> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Code::Required);
    }
    if text.len() > EMAIL {
        return Err(Code::TooLong);
    }
    let (local, domain) = text.rsplit_once('@').ok_or(Code::BadEmail)?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let local_fits = !local.is_empty()
        && local.len() <= 64
        && local.chars().all(atom)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && part.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let domain_fits = domain.contains('.') && domain.split('.').all(label);
    if local_fits && domain_fits { Ok(format!("{local}@{domain}").to_lowercase()) } else { Err(Code::BadEmail) }
}

/// Checks a telephone number and gives it in E.164 form: `+`, 8 to 15 digits. Spaces, dots, dashes, slashes and
/// brackets are dropped and a leading `00` becomes `+`; national numbers are refused, because only the guest's
/// country would make them unique.
pub fn phone(text: &str) -> Result<String, Code> {
    let compact: String =
        text.trim().chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '/' | '(' | ')' | '\u{a0}')).collect();
    if compact.is_empty() {
        return Err(Code::Required);
    }
    let digits = compact.strip_prefix('+').or_else(|| compact.strip_prefix("00")).ok_or(Code::BadPhone)?;
    let valid =
        (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if valid { Ok(format!("+{digits}")) } else { Err(Code::BadPhone) }
}

/// An empty text or an `https` address without credentials or spaces.
pub fn url(text: &str) -> Result<(), Code> {
    if text.is_empty() {
        return Ok(());
    }
    line(text, 500)?;
    let rest = text.strip_prefix("https://").ok_or(Code::BadUrl)?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let bad = host.is_empty()
        || host.contains('@')
        || text.chars().any(|c| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\'));
    if bad { Err(Code::BadUrl) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_canonical_form() {
        for (text, expected) in [
            (" Anna.Muster@Example.COM. ", Ok("anna.muster@example.com".to_owned())),
            ("jörg@müller.example", Ok("jörg@müller.example".to_owned())),
            ("", Err(Code::Required)),
            ("a@b", Err(Code::BadEmail)),
            ("\"quoted\"@example.com", Err(Code::BadEmail)),
            ("victim@example.com\r\nBcc: all@example.com", Err(Code::BadEmail)),
            ("a..b@example.com", Err(Code::BadEmail)),
            ("a@[127.0.0.1]", Err(Code::BadEmail)),
            ("a@-x.example", Err(Code::BadEmail)),
        ] {
            assert_eq!(email(text), expected, "{text}");
        }
        assert_eq!(email(&format!("{}@example.com", "a".repeat(320))), Err(Code::TooLong));
    }

    #[test]
    fn numbers_are_international_or_refused() {
        for (text, expected) in [
            ("+49 (30) 1234-567", Ok("+49301234567".to_owned())),
            ("0049301234567", Ok("+49301234567".to_owned())),
            ("0301234567", Err(Code::BadPhone)),
            ("+0123456789", Err(Code::BadPhone)),
            ("+49\u{661}\u{662}\u{663}4567890", Err(Code::BadPhone)),
            ("", Err(Code::Required)),
        ] {
            assert_eq!(phone(text), expected, "{text}");
        }
    }

    #[test]
    fn names_are_one_clean_line() {
        assert_eq!(name("Sommerfest – <b>Köln</b> 🎉"), Ok(()));
        assert_eq!(name("  "), Err(Code::Required));
        assert_eq!(name(&"x".repeat(10_000)), Err(Code::TooLong));
        assert_eq!(name("a\u{202e}b"), Err(Code::BadText));
        assert_eq!(name("a\nb"), Err(Code::BadText));
        assert_eq!(paragraph("a\nb"), Ok(()));
    }

    #[test]
    fn links_are_https_and_plain() {
        assert_eq!(url("https://example.com/privacy?x=1"), Ok(()));
        for text in ["http://example.com", "javascript:alert(1)", "https://a@b.example", "https://a\"b", "https://"] {
            assert_eq!(url(text), Err(Code::BadUrl), "{text}");
        }
    }
}
