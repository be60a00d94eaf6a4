//! Text forms of secrets: Crockford's base32 in lower case, and base62 of fixed width.

use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};

/// Crockford's alphabet in lower case: no i, l, o or u, so that a token read aloud or from a print stays itself.
/// Decoding is strict: another case, a look-alike or a stray character is an error, so that a token has one spelling.
pub(crate) static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    specification.encoding().expect("32 distinct symbols")
});

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Appends `bytes`, read as one big-endian number, as exactly `digits` base62 digits.
pub(crate) fn push_base62(text: &mut String, mut bytes: impl AsMut<[u8]>, digits: usize) {
    let number = bytes.as_mut();
    let start = text.len();
    for _ in 0..digits {
        let mut remainder = 0_u32;
        for byte in number.iter_mut() {
            let value = remainder << 8 | u32::from(*byte);
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        let digit = BASE62.get(remainder as usize).expect("a remainder of 62 is below 62");
        text.insert(start, char::from(*digit));
    }
    debug_assert!(number.iter().all(|byte| *byte == 0), "too few digits");
}

/// Whether `text` consists of base62 digits only.
pub(crate) fn is_base62(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base62_has_a_fixed_width() {
        let base62 = |bytes: &[u8], digits| {
            let mut text = String::new();
            push_base62(&mut text, bytes.to_vec(), digits);
            text
        };
        assert_eq!(base62(&[0; 32], 43), "0".repeat(43));
        assert_eq!(base62(&61_u32.to_be_bytes(), 6), "00000z");
        assert_eq!(base62(&62_u32.to_be_bytes(), 6), "000010");
        assert_eq!(base62(&u32::MAX.to_be_bytes(), 6), "4gfFC3");
        assert_eq!(base62(&[255; 32], 43).len(), 43);
    }
}
