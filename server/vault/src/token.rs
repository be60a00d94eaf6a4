//! Tokens that travel in links and headers. Link, media and one-time tokens are derived from the key ring and what the
//! database keeps (id, kind, generation), so a stolen database opens nothing and a link can be shown again; a new
//! generation revokes. API secrets are random and shown once.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::encoding::{BASE32, is_base62, push_base62};
use crate::kdf::hmac;
use crate::keys::{Keys, Random};

/// Which kind of share link: part of the token, so that a view link cannot be turned into an owner link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// May delete and see own data; travels only in a message to its guest.
    Owner,
    /// May look and save.
    View,
}

/// Gives a token type of `$bytes` bytes its text form and the house rules for secrets.
macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $chars:literal, $encoding:expr) => {
        $(#[$doc])*
        #[derive(Clone, Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The length of the text form, in characters (all ASCII).
            pub const TEXT_CHARS: usize = $chars;

            /// The text form, for the link itself and nowhere else.
            pub fn reveal(&self) -> String {
                $encoding.encode(&self.0)
            }

            /// The raw bytes, for [`Keys::lookup`].
            pub fn bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// Reads the text form. Strict: `None` for another length, case or spelling. Says nothing about whether
            /// the token is good.
            pub fn parse(text: &str) -> Option<$name> {
                if text.len() != $chars {
                    return None;
                }
                let bytes = Zeroizing::new($encoding.decode(text.as_bytes()).ok()?);
                Some($name(bytes.as_slice().try_into().ok()?))
            }
        }

        secret!($name);

        impl PartialEq for $name {
            fn eq(&self, other: &$name) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $name {}
    };
}

macro_rules! secret {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

token! {
    /// The token of a share link, `/s/{token}`: 160 bits, 32 characters of `0-9a-z` without i, l, o, u.
    LinkToken, 20, 32, BASE32
}

token! {
    /// The token under which a share link's media lie, `/m/{token}/…`: 160 bits, written as [`LinkToken`]. It opens
    /// pictures only; the page's token cannot be computed from it.
    MediaToken, 20, 32, BASE32
}

token! {
    /// A token to be used once, in an invitation or to reset a password: 256 bits, 43 characters of base64url.
    OneTimeToken, 32, 43, BASE64URL_NOPAD
}

impl Keys {
    /// The token of a share link: the first 20 bytes of HMAC-SHA-256(link key, length-prefixed id ‖ kind ‖ generation).
    pub fn link_token(&self, link_id: &str, kind: LinkKind, generation: u32) -> LinkToken {
        LinkToken(link_mac(&self.link, link_id, kind, generation))
    }

    /// The media token of a share link. As [`Keys::link_token`], under a key of its own.
    pub fn media_token(&self, link_id: &str, kind: LinkKind, generation: u32) -> MediaToken {
        MediaToken(link_mac(&self.media, link_id, kind, generation))
    }

    /// A one-time token. `purpose` is a constant such as `"invitation"` or `"reset"` and has a key of its own; a new
    /// `generation` makes the former token worthless.
    pub fn one_time_token(&self, purpose: &str, id: &str, generation: u32) -> OneTimeToken {
        let key = self.one_time_key(purpose);
        OneTimeToken(hmac(&key, &[&length(id), id.as_bytes(), &generation.to_be_bytes()]))
    }
}

fn link_mac(key: &[u8; 32], link_id: &str, kind: LinkKind, generation: u32) -> [u8; 20] {
    let kind = match kind {
        LinkKind::Owner => b"o",
        LinkKind::View => b"v",
    };
    let mac = hmac(key, &[&length(link_id), link_id.as_bytes(), kind, &generation.to_be_bytes()]);
    *mac.first_chunk().expect("a tag has 32 bytes")
}

fn length(text: &str) -> [u8; 8] {
    (text.len() as u64).to_be_bytes()
}

/// A random secret such as a device's token: a prefix of three letters and `_`, 43 base62 digits holding 256 bits, and
/// 6 base62 digits of checksum. The checksum lets a typing error be told from a revoked token without the database,
/// and secret scanners recognise a leak.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ApiSecret(String);

secret!(ApiSecret);

const PREFIX_CHARS: usize = 4;
const BODY_CHARS: usize = 43;
const CHECKSUM_CHARS: usize = 6;

/// Makes a secret. `prefix` tells what it opens, such as `"spd_"` for a device, and never changes.
///
/// # Panics
/// If `prefix` is not three lower-case letters and an underscore: it is a constant of the program.
pub fn new_secret(prefix: &str, random: &mut Random<'_>) -> ApiSecret {
    assert!(is_prefix(prefix), "a prefix is three lower-case letters and an underscore");
    let mut bytes = Zeroizing::new([0; 32]);
    random(bytes.as_mut());
    // Reserved at once, so that growing does not leave a copy of the secret behind in freed memory.
    let mut text = String::with_capacity(ApiSecret::TEXT_CHARS);
    text.push_str(prefix);
    push_base62(&mut text, bytes.as_mut_slice(), BODY_CHARS);
    let checksum = checksum(&text);
    text.push_str(&checksum);
    ApiSecret(text)
}

impl ApiSecret {
    /// The length of the text form, in characters (all ASCII).
    pub const TEXT_CHARS: usize = PREFIX_CHARS + BODY_CHARS + CHECKSUM_CHARS;

    /// Reads the text form: `None` where prefix, length, alphabet or checksum are wrong. Says nothing about whether
    /// the secret is good.
    pub fn parse(text: &str) -> Option<ApiSecret> {
        if text.len() != Self::TEXT_CHARS || !text.is_ascii() {
            return None;
        }
        let (covered, check) = text.split_at(PREFIX_CHARS + BODY_CHARS);
        let (prefix, body) = covered.split_at(PREFIX_CHARS);
        let good = is_prefix(prefix) && is_base62(body) && checksum(covered) == check;
        good.then(|| ApiSecret(text.to_owned()))
    }

    /// What the secret opens, such as `"spd_"`.
    pub fn prefix(&self) -> &str {
        self.0.get(..PREFIX_CHARS).unwrap_or_default()
    }

    /// The last four characters, to tell secrets apart in a list. Part of the checksum: they reveal next to nothing.
    pub fn hint(&self) -> &str {
        self.0.get(Self::TEXT_CHARS - 4..).unwrap_or_default()
    }

    /// The text form, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The bytes for [`Keys::lookup`].
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl PartialEq for ApiSecret {
    fn eq(&self, other: &ApiSecret) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for ApiSecret {}

fn is_prefix(prefix: &str) -> bool {
    matches!(prefix.as_bytes(), [a, b, c, b'_'] if [a, b, c].iter().all(|letter| letter.is_ascii_lowercase()))
}

fn checksum(covered: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(covered.as_bytes()).into();
    let first: [u8; 4] = *digest.first_chunk().expect("SHA-256 has 32 bytes");
    let mut text = String::with_capacity(CHECKSUM_CHARS);
    push_base62(&mut text, first, CHECKSUM_CHARS);
    text
}

#[cfg(test)]
mod tests;
