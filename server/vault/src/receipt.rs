//! Erasure receipts: what was destroyed, when, and from which day on no backup can be read any more; signed, so that the
//! receipt can be shown to anybody later. Without personal data: ids, counts and times only.
//!
//! A receipt is a JSON document in one canonical form (fields in the order below, no spaces) and an Ed25519 signature over
//! its bytes, as a text that can be pasted: `base64url(document) "." base64url(signature)`.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data_key::KeyId;
use crate::sign::{PublicKey, SigningKey};

/// How many key ids a receipt names. More are counted and covered by the digest; an event can have a hundred thousand, and
/// the text is to be pasted.
pub const LISTED_KEYS: usize = 64;

const FORMAT: u32 = 1;
const DOMAIN: &str = "receipt";
/// A receipt is below 8 kB; whatever is longer is something else.
const MAX_TEXT_BYTES: usize = 32 * 1024;
const MAX_ID_BYTES: usize = 64;
const MAX_COUNTS: usize = 64;

/// Why a receipt cannot be made or is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not a receipt, or cut short.
    #[error("this is not an erasure receipt")]
    Malformed,
    /// Made by a newer program.
    #[error("the receipt has format {format}, newer than this program knows")]
    Newer { format: u32 },
    /// Signed by another key pair than the one given.
    #[error("the receipt names another signing key")]
    OtherKey,
    /// The document was changed, or not made here.
    #[error("the receipt was changed, or not made by this installation")]
    Refused,
    /// The receipt to be signed has a value that no receipt has.
    #[error("a receipt cannot hold this: {reason}")]
    Unfit { reason: &'static str },
}

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Erased {
    /// A person: guest, lead or user.
    Subject,
    /// A capture with its renditions.
    Capture,
    /// An event with all that belongs to it.
    Event,
    /// An organisation with all that belongs to it.
    Organisation,
}

/// The keys that were destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestroyedKeys {
    count: u64,
    digest: [u8; 32],
    listed: Vec<KeyId>,
}

impl DestroyedKeys {
    /// Of all ids, in any order; twice the same counts once.
    pub fn of(ids: impl IntoIterator<Item = KeyId>) -> DestroyedKeys {
        let ids: BTreeSet<KeyId> = ids.into_iter().collect();
        let mut digest = Sha256::new();
        for id in &ids {
            digest.update(id.bytes());
        }
        let listed = if ids.len() <= LISTED_KEYS { ids.iter().copied().collect() } else { Vec::new() };
        DestroyedKeys { count: ids.len() as u64, digest: digest.finalize().into(), listed }
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// SHA-256 over the 16 bytes of every id, in rising order.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The ids in rising order, if there are at most [`LISTED_KEYS`]; otherwise none.
    pub fn listed(&self) -> &[KeyId] {
        &self.listed
    }
}

/// An erasure receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The receipt's own id.
    pub id: String,
    /// The organisation's id.
    pub organisation: String,
    /// What kind of thing was erased.
    pub kind: Erased,
    /// The id of the thing that was erased.
    pub object: String,
    /// How many of what were destroyed, such as `"captures"`: 3. The names are lower-case letters and `_`.
    pub destroyed: BTreeMap<String, u64>,
    /// The keys that were destroyed.
    pub keys: DestroyedKeys,
    /// When, in unix milliseconds.
    pub erased_at: i64,
    /// When the last backup from which any of it could be read stops being readable, in unix milliseconds.
    pub last_backup_unreadable_at: i64,
}

impl Receipt {
    /// Signs the receipt and returns its text.
    ///
    /// # Errors
    /// [`ReceiptError::Unfit`] for ids, names or times that no receipt has: so that nothing personal gets in by mistake.
    pub fn sign(&self, signer: &SigningKey) -> Result<String, ReceiptError> {
        Ok(text(&Document::of(self, &signer.public())?.bytes(), signer))
    }
}

/// Checks a receipt's text, white space inside it ignored, and returns what it says.
///
/// # Errors
/// [`ReceiptError`], except `Unfit`.
pub fn verify(text: &str, public: &PublicKey) -> Result<Receipt, ReceiptError> {
    let (bytes, signature) = decode(text)?;
    if !public.verifies(DOMAIN, &bytes, &signature) {
        let named = Document::parse(&bytes)?.public_key;
        return Err(if named == public.id_text() { ReceiptError::Refused } else { ReceiptError::OtherKey });
    }
    let document = Document::parse(&bytes)?;
    let receipt = document.receipt().ok_or(ReceiptError::Malformed)?;
    // One receipt, one text: whoever compares or stores texts need not think of spellings.
    let canonical = Document::of(&receipt, public).is_ok_and(|again| again.bytes() == bytes);
    if canonical { Ok(receipt) } else { Err(ReceiptError::Malformed) }
}

/// The [`PublicKey::id_text`] of the key that a receipt says it was signed by. Nothing of it is proven before [`verify`].
///
/// # Errors
/// [`ReceiptError::Malformed`], [`ReceiptError::Newer`].
pub fn key_of(text: &str) -> Result<String, ReceiptError> {
    let (bytes, _) = decode(text)?;
    Ok(Document::parse(&bytes)?.public_key)
}

fn text(document: &[u8], signer: &SigningKey) -> String {
    let signature = signer.sign(DOMAIN, document);
    format!("{}.{}", BASE64URL_NOPAD.encode(document), BASE64URL_NOPAD.encode(&signature))
}

fn decode(text: &str) -> Result<(Vec<u8>, [u8; 64]), ReceiptError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(ReceiptError::Malformed);
    }
    // Mail programs break long lines.
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let (document, signature) = compact.split_once('.').ok_or(ReceiptError::Malformed)?;
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| ReceiptError::Malformed);
    let signature = decode(signature)?.try_into().map_err(|_| ReceiptError::Malformed)?;
    Ok((decode(document)?, signature))
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// The document as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    receipt: String,
    organisation: String,
    erased: Erased,
    object: String,
    destroyed: BTreeMap<String, u64>,
    keys: Keys,
    erased_at: String,
    last_backup_unreadable_at: String,
    public_key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    count: u64,
    sha256: String,
    ids: Vec<String>,
}

impl Document {
    fn of(receipt: &Receipt, public: &PublicKey) -> Result<Document, ReceiptError> {
        let Receipt { id, organisation, kind, object, destroyed, keys, erased_at, last_backup_unreadable_at } = receipt;
        let unfit = |reason| ReceiptError::Unfit { reason };
        if ![id, organisation, object].into_iter().all(|id| is_id(id)) {
            return Err(unfit("an id has letters, digits, - and _ only"));
        }
        if destroyed.len() > MAX_COUNTS || !destroyed.keys().all(|name| is_name(name)) {
            return Err(unfit("a count's name has lower-case letters and _ only"));
        }
        let time = |millis: &i64| {
            let time = Timestamp::from_millisecond(*millis).map_err(|_| unfit("a time is out of range"))?;
            Ok(time.to_string())
        };
        Ok(Document {
            format: FORMAT,
            receipt: id.clone(),
            organisation: organisation.clone(),
            erased: *kind,
            object: object.clone(),
            destroyed: destroyed.clone(),
            keys: Keys {
                count: keys.count,
                sha256: HEXLOWER.encode(&keys.digest),
                ids: keys.listed.iter().map(KeyId::as_text).collect(),
            },
            erased_at: time(erased_at)?,
            last_backup_unreadable_at: time(last_backup_unreadable_at)?,
            public_key: public.id_text(),
        })
    }

    fn parse(bytes: &[u8]) -> Result<Document, ReceiptError> {
        let format: Format = serde_json::from_slice(bytes).map_err(|_| ReceiptError::Malformed)?;
        if format.format > FORMAT {
            return Err(ReceiptError::Newer { format: format.format });
        }
        serde_json::from_slice(bytes).map_err(|_| ReceiptError::Malformed)
    }

    fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings, numbers and lists are JSON")
    }

    fn receipt(self) -> Option<Receipt> {
        let Document {
            format: _,
            receipt,
            organisation,
            erased,
            object,
            destroyed,
            keys,
            erased_at,
            last_backup_unreadable_at,
            public_key: _,
        } = self;
        let time = |text: String| text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
        Some(Receipt {
            id: receipt,
            organisation,
            kind: erased,
            object,
            destroyed,
            keys: keys.destroyed()?,
            erased_at: time(erased_at)?,
            last_backup_unreadable_at: time(last_backup_unreadable_at)?,
        })
    }
}

impl Keys {
    /// `None` unless count, digest and list fit together.
    fn destroyed(self) -> Option<DestroyedKeys> {
        let Keys { count, sha256, ids } = self;
        let listed = ids.iter().map(|id| KeyId::parse(id)).collect::<Option<Vec<_>>>()?;
        let digest = HEXLOWER.decode(sha256.as_bytes()).ok()?.try_into().ok()?;
        let keys = DestroyedKeys { count, digest, listed };
        let fits = if count > LISTED_KEYS as u64 {
            keys.listed.is_empty()
        } else {
            keys == DestroyedKeys::of(keys.listed.iter().copied())
        };
        fits.then_some(keys)
    }
}

fn is_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.len() <= MAX_ID_BYTES && text.bytes().all(fits)
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    !text.is_empty() && text.len() <= MAX_ID_BYTES && text.bytes().all(fits)
}

#[cfg(test)]
mod tests;
