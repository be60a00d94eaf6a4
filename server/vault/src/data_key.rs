//! Data keys: the random 256-bit keys of the key store. One belongs to an organisation, a person, an event, a capture;
//! destroying it makes everything sealed under it unreadable, wherever copies of that lie.

use std::fmt;
use std::sync::OnceLock;

use data_encoding::HEXLOWER;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::envelope::Envelope;
use crate::keys::Random;

/// Why sealed data does not open. Never says more to whoever changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not sealed data, cut short, or damaged in its outer form.
    #[error("this is not sealed data, or it is damaged in its outer form")]
    Malformed,
    /// Sealed by a newer program.
    #[error("sealed in format {version} with algorithm {algorithm}, which this program does not know")]
    Unsupported { version: u8, algorithm: u8 },
    /// The data names another key, or another version of it, than the one given.
    #[error("sealed under another key or another version of it")]
    OtherKey,
    /// Changed, moved here from another place, or sealed under another secret than the key of that name has.
    #[error("the sealed data was changed, moved, or sealed under another secret")]
    Refused,
}

/// The name of a key: 16 random bytes that mean nothing. Not secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 16]);

impl KeyId {
    /// A new id.
    pub fn random(random: &mut Random<'_>) -> KeyId {
        let mut bytes = [0; 16];
        random(&mut bytes);
        KeyId(bytes)
    }

    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> KeyId {
        KeyId(bytes)
    }

    /// The 16 bytes, as stored in binary columns.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The text form: 32 lower-case hexadecimal digits.
    pub fn as_text(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// Reads the text form. Strict: `None` for another length or case.
    pub fn parse(text: &str) -> Option<KeyId> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
        Some(KeyId(bytes.try_into().ok()?))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({})", self.as_text())
    }
}

/// A random 256-bit key with its id and version. What encrypts is derived from it, separately for each use, and for
/// sealed fields once per `DataKey`: keep one while it is needed rather than making it anew for each field.
/// Overwritten on drop.
pub struct DataKey {
    id: KeyId,
    version: u16,
    // Boxed, so that moving a key leaves no copy behind.
    secret: Box<Zeroizing<[u8; 32]>>,
    field: OnceLock<Envelope>,
}

impl DataKey {
    /// A new key. `version` starts at 1 and rises when the key of that id is renewed.
    pub fn random(id: KeyId, version: u16, random: &mut Random<'_>) -> DataKey {
        let mut key = DataKey::from_bytes(id, version, &[0; 32]);
        random(key.secret.as_mut_slice());
        key
    }

    /// The key with this secret, as unwrapped.
    pub fn from_bytes(id: KeyId, version: u16, secret: &[u8; 32]) -> DataKey {
        let mut boxed = Box::new(Zeroizing::new([0; 32]));
        boxed.copy_from_slice(secret);
        DataKey { id, version, secret: boxed, field: OnceLock::new() }
    }

    /// The key's name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Which version of it.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// The secret itself, to be wrapped and for nothing else.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// What seals fields under this key, derived at the first use.
    pub(crate) fn field(&self) -> &Envelope {
        self.field.get_or_init(|| Envelope::derive(self, "field"))
    }
}

impl PartialEq for DataKey {
    fn eq(&self, other: &DataKey) -> bool {
        let secret: bool = self.secret.ct_eq(other.secret.as_slice()).into();
        secret && self.id == other.id && self.version == other.version
    }
}

impl Eq for DataKey {}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = KeyId::from_bytes(std::array::from_fn(|i| i as u8 * 17));
        let text = id.as_text();
        assert_eq!(text, "00112233445566778899aabbccddeeff");
        assert_eq!(KeyId::parse(&text), Some(id));
        for bad in ["", "0", &text[2..], &text.to_uppercase(), &format!("{text}00"), &format!(" {text}")] {
            assert_eq!(KeyId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn debug_prints_only_the_name() {
        let key = DataKey::random(KeyId::from_bytes([1; 16]), 1, &mut |bytes: &mut [u8]| bytes.fill(7));
        assert_eq!(format!("{key:?}"), "DataKey");
        assert_eq!(key.secret(), &[7; 32]);
    }

    #[test]
    fn keys_are_equal_in_all_or_not_at_all() {
        let id = KeyId::from_bytes([1; 16]);
        let key = DataKey::from_bytes(id, 1, &[7; 32]);
        assert_eq!(key, DataKey::from_bytes(id, 1, &[7; 32]));
        assert_ne!(key, DataKey::from_bytes(id, 2, &[7; 32]));
        assert_ne!(key, DataKey::from_bytes(id, 1, &[8; 32]));
        assert_ne!(key, DataKey::from_bytes(KeyId::from_bytes([2; 16]), 1, &[7; 32]));
    }
}
