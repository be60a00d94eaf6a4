//! Blind indexes: what a sealed column is looked up by. Equal values in one column of one scope have equal indexes, which
//! is what a stolen key store shows; without the lookup key no value can be tried out against them. Only for values of
//! which there are too many to guess a meaning from their frequency: addresses and phones, never names or postcodes.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::data_key::DataKey;
use crate::kdf::Derivation;

/// The length of a blind index in bytes: two values of a million collide with a chance below 2^-88.
pub const INDEX_BYTES: usize = 16;

/// The index of one column in one scope. Keep it for many look-ups.
pub struct ColumnIndex {
    // Boxed, so that moving it leaves no copy of the key behind; it is overwritten on drop.
    keyed: Box<Hmac<Sha256>>,
}

impl ColumnIndex {
    /// `key` is the organisation's lookup key, `column` a constant such as `"guests.email"`, `scope` the id within which
    /// equal values may show as equal, such as an event's, or empty.
    pub fn new(key: &DataKey, column: &'static str, scope: &str) -> ColumnIndex {
        let (id, version) = (key.id(), key.version().to_be_bytes());
        let derived = Derivation::of(key.secret()).key::<32>(&[
            b"index".as_slice(),
            id.bytes(),
            &version,
            column.as_bytes(),
            scope.as_bytes(),
        ]);
        let keyed = Hmac::new_from_slice(derived.as_slice()).expect("HMAC takes keys of any length");
        ColumnIndex { keyed: Box::new(keyed) }
    }

    /// The index of a value in its one canonical spelling: the first 16 bytes of HMAC-SHA-256.
    pub fn of(&self, canonical: &str) -> [u8; INDEX_BYTES] {
        let mut mac = Hmac::clone(&self.keyed);
        mac.update(canonical.as_bytes());
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        *tag.first_chunk().expect("a tag has 32 bytes")
    }
}

impl fmt::Debug for ColumnIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ColumnIndex")
    }
}

/// The spelling under which an e-mail address is indexed. Takes an address as the application's check left it (trimmed,
/// lower case) and removes what one address may still differ in: NFC in the local part, IDNA (UTS #46) in the domain, so
/// that `münchen.example` and `xn--mnchen-3ya.example` are one. Dots and `+` stay: they are part of the address.
pub fn email(address: &str) -> Zeroizing<String> {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    // A domain that is none by IDNA's rules is indexed as it stands; it still finds itself.
    let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_owned());
    // NFC grows UTF-8 at most threefold; reserved at once, so that no copy is left behind in freed memory.
    let mut spelling = Zeroizing::new(String::with_capacity(local.len() * 3 + 1 + domain.len()));
    spelling.extend(local.nfc());
    spelling.push('@');
    spelling.push_str(&domain);
    spelling
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{hex, key};

    // Computed with Python: the derivation is written out beside the tests of `field`, with the info parts "index", id,
    // version, column, scope; index = hmac(derived, value)[:16].
    #[test]
    fn indexes_match_an_independent_computation() {
        let index = ColumnIndex::new(&key(1), "guests.email", "evt_1");
        assert_eq!(hex(&index.of("ana@example.org")), "68ab466aded9b02784bfe732967ba7fc");
    }

    #[test]
    fn only_equal_values_of_one_column_scope_and_key_are_equal() {
        let index = ColumnIndex::new(&key(1), "guests.email", "evt_1");
        let value = index.of("ana@example.org");
        assert_eq!(value, ColumnIndex::new(&key(1), "guests.email", "evt_1").of("ana@example.org"));
        assert_ne!(value, index.of("ana@example.com"));
        for other in [
            ColumnIndex::new(&key(1), "guests.phone", "evt_1"),
            ColumnIndex::new(&key(1), "guests.email", "evt_2"),
            ColumnIndex::new(&key(1), "guests.emaile", "vt_1"),
            ColumnIndex::new(&key(2), "guests.email", "evt_1"),
        ] {
            assert_ne!(value, other.of("ana@example.org"));
        }
        assert_eq!(format!("{index:?}"), "ColumnIndex");
    }

    #[test]
    fn one_address_has_one_spelling() {
        assert_eq!(*email("ana@m\u{fc}nchen.example"), "ana@xn--mnchen-3ya.example");
        assert_eq!(email("ana@mu\u{308}nchen.example"), email("ana@xn--mnchen-3ya.example"));
        assert_eq!(email("a\u{308}na@example.org"), email("\u{e4}na@example.org"));
        assert_ne!(email("a.na@example.org"), email("ana@example.org"));
        assert_ne!(email("ana+x@example.org"), email("ana@example.org"));
        for odd in ["", "@", "ana", "ana@", "ana@-", "ana@xn--a", &"@".repeat(300), &format!("a@{}", "x".repeat(300))] {
            assert_eq!(email(odd), email(odd));
        }
    }
}
