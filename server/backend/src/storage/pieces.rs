//! Reading a file piece by piece, so that no more than a piece of it is in memory.

use std::fmt;

use object_store::ObjectStoreExt;
use object_store::path::Path as Name;
use shutterpost_vault::data_key::DataKey;
use shutterpost_vault::stream::Opener;

use super::{Storage, failure, sealed};
use crate::error::Failure;

/// Plain bytes of a piece; whole segments.
const PIECE_BYTES: u64 = 4 << 20;

/// A file that is read from its beginning, or from anywhere.
pub(crate) struct Pieces {
    storage: Storage,
    name: Name,
    opener: Opener,
    at: u64,
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pieces")
    }
}

impl Pieces {
    /// Plain bytes of the whole file.
    pub(crate) fn length(&self) -> u64 {
        self.opener.length()
    }

    /// Goes on from there.
    pub(crate) const fn skip_to(&mut self, at: u64) {
        self.at = at;
    }

    /// The next plain bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        // To the end of a piece counted from the beginning: pieces are whole segments, wherever it began.
        let wanted = PIECE_BYTES - self.at % PIECE_BYTES;
        let located = self.opener.locate(self.at, wanted);
        if located.take == 0 {
            return Ok(None);
        }
        let stored = self.storage.store.get_range(&self.name, located.cipher.clone()).await.map_err(failure)?;
        let plain = self.opener.open_range(&located, &stored);
        let plain = plain.map_err(|error| Failure::internal("a stored file", error))?;
        self.at += plain.len() as u64;
        Ok(Some(plain))
    }
}

impl Storage {
    /// A file to be read piece by piece; [`Failure::NotFound`] if there is none.
    pub(crate) async fn pieces(&self, name: &str, key: &DataKey) -> Result<Pieces, Failure> {
        let path = Name::from(name);
        let head = self.store.get_range(&path, 0..sealed::HEADER_BYTES).await.map_err(failure)?;
        Ok(Pieces { storage: self.clone(), opener: sealed::opener(name, key, &head)?, name: path, at: 0 })
    }
}
