//! Passwords that everybody tries first. See `assets/NOTICE.md` for where the list comes from and how it is made.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// Truncated SHA-256 hashes, sorted: nobody wants the words themselves in a binary, and a search is twenty comparisons.
static HASHES: &[u8] = include_bytes!("../../assets/common_passwords.bin");
const HASH_BYTES: usize = 8;

/// Whether the whole password, whatever its case, is on the list.
pub(super) fn contains(password: &str) -> bool {
    let canonical: String = password.nfc().collect::<String>().to_lowercase();
    let digest: [u8; 32] = Sha256::digest(canonical.as_bytes()).into();
    let wanted: &[u8; HASH_BYTES] = digest.first_chunk().expect("SHA-256 has 32 bytes");
    let (hashes, _) = HASHES.as_chunks::<HASH_BYTES>();
    hashes.binary_search(wanted).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_whole() {
        let (hashes, rest) = HASHES.as_chunks::<HASH_BYTES>();
        assert!(rest.is_empty());
        assert_eq!(hashes.len(), 19_640);
        assert!(hashes.is_sorted());
    }

    #[test]
    fn common_passwords_are_found() {
        for password in ["password", "Password", "123456789987654321", "friend of emily"] {
            assert!(contains(password), "{password}");
        }
        assert!(!contains("tulip carousel nineteen ferry"));
        assert!(!contains(""));
    }
}
