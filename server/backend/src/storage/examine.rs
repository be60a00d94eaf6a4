//! Looking whether a file is whole, piece by piece, so that no more than a piece of it is in memory.

use object_store::ObjectStoreExt;
use object_store::path::Path as Name;
use shutterpost_vault::data_key::DataKey;

use super::{Storage, failure, sealed};
use crate::error::Failure;

/// Plain bytes of a piece; whole segments.
const PIECE_BYTES: u64 = 4 << 20;

/// What is wrong with an object that a row names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is not there.
    Missing,
    /// It is longer or shorter than it was.
    Length,
    /// It does not open under its key.
    Sealed,
}

impl Flaw {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Length => "length",
            Self::Sealed => "sealed",
        }
    }
}

impl Storage {
    /// Looks whether a file is there, as long as it should be, and opens under its key to its last byte. Gives how many
    /// bytes were read.
    ///
    /// # Errors
    /// A store that does not answer, of which nothing can be said.
    pub(crate) async fn examine(
        &self,
        name: &str,
        key: &DataKey,
        length: Option<u64>,
    ) -> Result<Result<u64, Flaw>, Failure> {
        let path = Name::from(name);
        let stored = match self.store.head(&path).await {
            Ok(found) => found.size,
            Err(object_store::Error::NotFound { .. }) => return Ok(Err(Flaw::Missing)),
            Err(error) => return Err(failure(error)),
        };
        if stored < sealed::HEADER_BYTES {
            return Ok(Err(Flaw::Length));
        }
        let head = match self.store.get_range(&path, 0..sealed::HEADER_BYTES).await {
            Ok(head) => head,
            Err(object_store::Error::NotFound { .. }) => return Ok(Err(Flaw::Missing)),
            Err(error) => return Err(failure(error)),
        };
        let Ok(opener) = sealed::opener(name, key, &head) else { return Ok(Err(Flaw::Sealed)) };
        if opener.sealed_len() != stored || length.is_some_and(|length| length != opener.length()) {
            return Ok(Err(Flaw::Length));
        }
        let mut at = 0;
        while at < opener.length() {
            let located = opener.locate(at, PIECE_BYTES);
            let stored = match self.store.get_range(&path, located.cipher.clone()).await {
                Ok(stored) => stored,
                Err(object_store::Error::NotFound { .. }) => return Ok(Err(Flaw::Missing)),
                Err(error) => return Err(failure(error)),
            };
            match opener.open_range(&located, &stored) {
                Ok(plain) => at += plain.len() as u64,
                Err(_) => return Ok(Err(Flaw::Sealed)),
            }
        }
        Ok(Ok(stored))
    }
}
