//! Paging cursors: authenticated, so that nobody makes one up, but not secret. What a client sees is opaque to it.

use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

use crate::kdf::hmac;
use crate::keys::Keys;

/// 128 bits: forging one is out of reach, and the cursor stays short.
const TAG_BYTES: usize = 16;
/// A longer text was not made here.
const MAX_TEXT_BYTES: usize = 4096;

impl Keys {
    /// Makes a cursor of `payload`, which the holder can read but not change: put in what the page's query needs and
    /// what it must belong to (event, filter), nothing personal.
    pub fn seal_cursor(&self, payload: &[u8]) -> String {
        let tag = hmac(&self.cursor, &[payload]);
        let mut sealed = payload.to_vec();
        sealed.extend_from_slice(tag.first_chunk::<TAG_BYTES>().expect("a tag has 32 bytes"));
        BASE64URL_NOPAD.encode(&sealed)
    }

    /// The payload of a cursor made by [`Keys::seal_cursor`] with this ring; `None` for anything else.
    pub fn open_cursor(&self, text: &str) -> Option<Vec<u8>> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let mut sealed = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (payload, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
        let expected = hmac(&self.cursor, &[payload]);
        if !bool::from(expected.first_chunk::<TAG_BYTES>()?.ct_eq(tag)) {
            return None;
        }
        sealed.truncate(sealed.len() - TAG_BYTES);
        Some(sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_unchanged_and_with_its_ring() {
        let keys = Keys::ephemeral([1; 32]);
        for payload in [&b""[..], b"1700000000000|cap_1"] {
            let text = keys.seal_cursor(payload);
            assert_eq!(keys.open_cursor(&text).as_deref(), Some(payload));
            assert_eq!(Keys::ephemeral([2; 32]).open_cursor(&text), None);
            for at in 0..text.len() {
                let mut changed = text.clone().into_bytes();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                assert_eq!(keys.open_cursor(std::str::from_utf8(&changed).unwrap()), None);
                assert_eq!(keys.open_cursor(&text[..at]), None);
            }
        }
        for nonsense in ["", "=", "ä", "a b", &"A".repeat(5000)] {
            assert_eq!(keys.open_cursor(nonsense), None);
        }
    }
}
