//! Writes a HEIC of nothing but its picture.

use std::ops::Range;

use crate::container::pieces::Pieces;
use crate::error::MediaError;

/// An item of the new file; the first one is the primary, the others are its tiles.
pub(super) struct Kept {
    pub(super) kind: [u8; 4],
    /// Where its data lie in the original.
    pub(super) data: Vec<Range<usize>>,
    /// Its data, where they are made anew.
    pub(super) made: Option<Vec<u8>>,
    /// Boxes of the original, with their essential bit.
    pub(super) properties: Vec<(bool, Range<usize>)>,
}

pub(super) fn file(original: &[u8], items: Vec<Kept>) -> Result<Pieces, MediaError> {
    const LARGE: MediaError = MediaError::Malformed("a HEIC of more than 4 GB");
    // At most 1024 tiles: ids fit two bytes.
    let ids: Vec<u16> = (1..).take(items.len()).collect();

    let mut handler = vec![0; 8];
    handler.extend_from_slice(b"pict");
    handler.extend_from_slice(&[0; 13]);
    let mut entries = vec![0, 0, 0, 0];
    entries.extend_from_slice(&(items.len() as u16).to_be_bytes());
    for (id, item) in ids.iter().zip(&items) {
        // Tiles are hidden: the grid is the picture.
        let mut entry = vec![2, 0, 0, u8::from(*id > 1)];
        entry.extend_from_slice(&id.to_be_bytes());
        entry.extend_from_slice(&[0, 0]);
        entry.extend_from_slice(&item.kind);
        entry.push(0);
        entries.extend(boxed(b"infe", &entry));
    }
    let mut references = vec![0; 4];
    if let Some((first, tiles)) = ids.split_first().filter(|(_, tiles)| !tiles.is_empty()) {
        let mut reference = first.to_be_bytes().to_vec();
        reference.extend_from_slice(&(tiles.len() as u16).to_be_bytes());
        tiles.iter().for_each(|tile| reference.extend_from_slice(&tile.to_be_bytes()));
        references.extend(boxed(b"dimg", &reference));
    }

    let (container, associations) = properties(original, &ids, &items)?;
    let lengths: Vec<usize> = items
        .iter()
        .map(|item| item.made.as_ref().map_or_else(|| item.data.iter().map(Range::len).sum(), Vec::len))
        .collect();
    let data_bytes: usize = lengths.iter().sum();
    let head = |first_byte: u32| {
        let mut locations = vec![0, 0, 0, 0, 0x44, 0];
        locations.extend_from_slice(&(items.len() as u16).to_be_bytes());
        let mut at = first_byte;
        for (id, length) in ids.iter().zip(&lengths) {
            locations.extend_from_slice(&id.to_be_bytes());
            locations.extend_from_slice(&[0, 0, 0, 1]);
            locations.extend_from_slice(&at.to_be_bytes());
            locations.extend_from_slice(&(*length as u32).to_be_bytes()); // the sum was checked
            at = at.saturating_add(*length as u32);
        }
        let mut meta = vec![0; 4];
        meta.extend(boxed(b"hdlr", &handler));
        meta.extend(boxed(b"pitm", &[0, 0, 0, 0, 0, 1]));
        meta.extend(boxed(b"iloc", &locations));
        meta.extend(boxed(b"iinf", &entries));
        if references.len() > 4 {
            meta.extend(boxed(b"iref", &references));
        }
        let both = [boxed(b"ipco", &container), boxed(b"ipma", &associations)].concat();
        meta.extend(boxed(b"iprp", &both));
        let mut head = boxed(b"ftyp", b"heic\0\0\0\0mif1heic");
        head.extend(boxed(b"meta", &meta));
        head.extend_from_slice(&(data_bytes as u32 + 8).to_be_bytes());
        head.extend_from_slice(b"mdat");
        head
    };
    // Offsets have a fixed size, so a first try says how long the head is.
    let head_bytes = head(0).len();
    if u32::try_from(head_bytes + data_bytes + 8).is_err() {
        return Err(LARGE);
    }
    let mut pieces = Pieces::default();
    pieces.make(head(head_bytes as u32))?;
    for item in items {
        match item.made {
            Some(bytes) => pieces.make(bytes)?,
            None => item.data.into_iter().try_for_each(|range| pieces.copy(range))?,
        }
    }
    Ok(pieces)
}

/// The properties, each once, and which item has which.
fn properties(original: &[u8], ids: &[u16], items: &[Kept]) -> Result<(Vec<u8>, Vec<u8>), MediaError> {
    let mut container = Vec::new();
    let mut known: Vec<Range<usize>> = Vec::new();
    let mut associations = vec![0, 0, 0, 1]; // indices of two bytes
    associations.extend_from_slice(&(items.len() as u32).to_be_bytes());
    for (id, item) in ids.iter().zip(items) {
        associations.extend_from_slice(&id.to_be_bytes());
        let count = u8::try_from(item.properties.len()).map_err(|_| MediaError::Malformed("too many properties"))?;
        associations.push(count);
        for (essential, range) in &item.properties {
            let index = match known.iter().position(|other| other == range) {
                Some(index) => index,
                None => {
                    container.extend_from_slice(original.get(range.clone()).ok_or(MediaError::Truncated)?);
                    known.push(range.clone());
                    known.len() - 1
                }
            };
            let index = u16::try_from(index + 1).ok().filter(|index| *index < 0x8000);
            let index = index.ok_or(MediaError::Malformed("too many properties"))?;
            associations.extend_from_slice(&(index | u16::from(*essential) << 15).to_be_bytes());
        }
    }
    Ok((container, associations))
}

fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut whole = (content.len() as u32 + 8).to_be_bytes().to_vec(); // far below 4 GB: properties and short lists
    whole.extend_from_slice(kind);
    whole.extend_from_slice(content);
    whole
}
