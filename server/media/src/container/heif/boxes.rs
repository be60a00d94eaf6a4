//! Reads the boxes of a HEIC: items, where their data lie, their properties, and which tiles the primary one is made of.

use std::ops::Range;

use super::UNSOUND;
use crate::container::be32;
use crate::error::MediaError;

/// A photo of a phone has some 50 to 500.
const MAX_ITEMS: usize = 4096;
const MAX_PROPERTIES: usize = 4096;
/// Of all items together.
const MAX_ASSOCIATIONS: usize = 65_536;

const TOO_MANY: MediaError = MediaError::Malformed("too many items");

pub(super) struct Item {
    pub(super) id: u32,
    pub(super) kind: [u8; 4],
}

pub(super) struct Property {
    pub(super) kind: [u8; 4],
    /// Header and content.
    pub(super) whole: Range<usize>,
    pub(super) content: Range<usize>,
}

struct Location {
    id: u32,
    /// Whether offsets count from the `idat` box instead of the file.
    in_idat: bool,
    extents: Vec<(u64, u64)>,
}

#[derive(Default)]
pub(super) struct Meta {
    pub(super) primary: u32,
    /// What the primary item is derived from.
    pub(super) tiles: Vec<u32>,
    items: Vec<Item>,
    locations: Vec<Location>,
    properties: Vec<Property>,
    associations: Vec<(u32, Vec<(bool, u16)>)>,
    idat: Option<Range<usize>>,
}

impl Meta {
    pub(super) fn read(bytes: &[u8]) -> Result<Meta, MediaError> {
        let mut meta = None;
        let mut film = false;
        let mut at = 0;
        while at < bytes.len() {
            let Some(found) = Box::read(bytes, at, bytes.len())? else { break };
            at = found.content.end;
            match &found.kind {
                b"meta" if meta.is_some() => return Err(MediaError::Malformed("a second meta box")),
                b"meta" => meta = Some(found.content),
                b"moov" => film = true,
                _ => {}
            }
        }
        match meta {
            Some(content) => Meta::read_content(bytes, content),
            None if film => Err(MediaError::Animated),
            None => Err(MediaError::Truncated),
        }
    }

    fn read_content(bytes: &[u8], content: Range<usize>) -> Result<Meta, MediaError> {
        let children = children(bytes, content.start + 4..content.end)?; // behind version and flags
        let only = |kind: &[u8; 4]| -> Result<Option<Range<usize>>, MediaError> {
            let mut found = children.iter().filter(|child| &child.kind == kind).map(|child| child.content.clone());
            match (found.next(), found.next()) {
                (first, None) => Ok(first),
                _ => Err(MediaError::Malformed("a HEIC box that may come once came twice")),
            }
        };
        let of = |range: Range<usize>| Fields::new(bytes.get(range).unwrap_or_default());
        let needed = |range: Option<Range<usize>>| range.ok_or(UNSOUND);

        let mut meta = Meta { idat: only(b"idat")?, ..Meta::default() };
        let mut handler = of(needed(only(b"hdlr")?)?);
        handler.skip(8)?;
        if handler.name()? != *b"pict" {
            return Err(MediaError::NotAnImage);
        }
        let mut primary = of(needed(only(b"pitm")?)?);
        let version = primary.version()?;
        meta.primary = primary.id(version >= 1)?;
        meta.items = read_items(bytes, needed(only(b"iinf")?)?)?;
        meta.locations = read_locations(of(needed(only(b"iloc")?)?))?;
        if let Some(references) = only(b"iref")? {
            meta.tiles = read_tiles(bytes, references, meta.primary)?;
        }
        for child in self::children(bytes, needed(only(b"iprp")?)?)? {
            match &child.kind {
                b"ipco" if meta.properties.is_empty() => meta.properties = self::children(bytes, child.content)?,
                b"ipco" => return Err(MediaError::Malformed("a HEIC box that may come once came twice")),
                b"ipma" => read_associations(of(child.content), &mut meta.associations)?,
                _ => {}
            }
        }
        Ok(meta)
    }

    pub(super) fn item(&self, id: u32) -> Result<&Item, MediaError> {
        self.items.iter().find(|item| item.id == id).ok_or(MediaError::Malformed("an item that is not there"))
    }

    /// Numbered from 1.
    pub(super) fn property(&self, index: u16) -> Option<&Property> {
        self.properties.get(usize::from(index).checked_sub(1)?)
    }

    pub(super) fn properties_of(&self, id: u32) -> &[(bool, u16)] {
        let found = self.associations.iter().find(|(item, _)| *item == id);
        found.map(|(_, properties)| properties.as_slice()).unwrap_or_default()
    }

    /// Where an item's data lie in the file.
    pub(super) fn extents(&self, bytes: &[u8], item: &Item) -> Result<Vec<Range<usize>>, MediaError> {
        let location = self.locations.iter().find(|location| location.id == item.id);
        let location = location.ok_or(MediaError::Malformed("an item without a place"))?;
        let within = if location.in_idat { self.idat.clone().ok_or(UNSOUND)? } else { 0..bytes.len() };
        let range = |&(offset, length): &(u64, u64)| {
            let start = usize::try_from(offset).ok()?.checked_add(within.start)?;
            // No length means all the rest.
            let end = if length == 0 { within.end } else { start.checked_add(usize::try_from(length).ok()?)? };
            (start < end && end <= within.end).then_some(start..end)
        };
        location.extents.iter().map(|extent| range(extent).ok_or(MediaError::Truncated)).collect()
    }
}

type Box = Property;

impl Box {
    /// The box at a place, or none where there is something else, such as what a phone leaves behind the last one.
    fn read(bytes: &[u8], at: usize, end: usize) -> Result<Option<Box>, MediaError> {
        let Some(kind) = bytes.get(at + 4..).and_then(<[u8]>::first_chunk::<4>) else {
            return Err(MediaError::Truncated);
        };
        if !kind.iter().all(|letter| letter.is_ascii_graphic() || *letter == b' ') {
            return Ok(None);
        }
        let (header, length) = match be32(bytes, at).ok_or(MediaError::Truncated)? {
            0 => (8, (end - at) as u64),
            1 => {
                let long = bytes.get(at + 8..).and_then(<[u8]>::first_chunk).ok_or(MediaError::Truncated)?;
                (16, u64::from_be_bytes(*long))
            }
            length => (8, u64::from(length)),
        };
        if length < header as u64 {
            return Err(UNSOUND);
        }
        let stop = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
        let stop = stop.filter(|stop| *stop <= end).ok_or(MediaError::Truncated)?;
        Ok(Some(Box { kind: *kind, whole: at..stop, content: at + header..stop }))
    }
}

fn children(bytes: &[u8], range: Range<usize>) -> Result<Vec<Box>, MediaError> {
    let mut children = Vec::new();
    let mut at = range.start;
    while at < range.end {
        if children.len() >= MAX_PROPERTIES {
            return Err(TOO_MANY);
        }
        let child = Box::read(bytes, at, range.end)?.ok_or(UNSOUND)?;
        at = child.content.end;
        children.push(child);
    }
    Ok(children)
}

fn read_items(bytes: &[u8], range: Range<usize>) -> Result<Vec<Item>, MediaError> {
    let mut fields = Fields::new(bytes.get(range.clone()).unwrap_or_default());
    let version = fields.version()?;
    let count = fields.number(if version == 0 { 2 } else { 4 })?;
    if count > MAX_ITEMS as u64 {
        return Err(TOO_MANY);
    }
    let start = range.start + if version == 0 { 6 } else { 8 };
    let mut items = Vec::with_capacity(count as usize);
    for entry in children(bytes, start..range.end)? {
        let mut fields = Fields::new(bytes.get(entry.content).unwrap_or_default());
        let version = fields.version()?;
        if &entry.kind != b"infe" || !(2..=3).contains(&version) {
            return Err(MediaError::Unsupported("a HEIC with item entries of another version"));
        }
        let id = fields.id(version == 3)?;
        let protection = fields.number(2)?;
        let kind = fields.name()?;
        if protection != 0 {
            return Err(MediaError::Unsupported("a protected HEIC"));
        }
        items.push(Item { id, kind });
    }
    Ok(items)
}

fn read_locations(mut fields: Fields) -> Result<Vec<Location>, MediaError> {
    let version = fields.version()?;
    if version > 2 {
        return Err(MediaError::Unsupported("a HEIC with locations of another version"));
    }
    let sizes = fields.number(2)?;
    let size = |shift: u32| (sizes >> shift & 15) as usize;
    let (offset_bytes, length_bytes, base_bytes) = (size(12), size(8), size(4));
    let index_bytes = if version == 0 { 0 } else { size(0) };
    let count = fields.number(if version < 2 { 2 } else { 4 })?;
    if count > MAX_ITEMS as u64 {
        return Err(TOO_MANY);
    }
    let mut locations = Vec::with_capacity(count as usize);
    let mut all = 0_u64;
    for _ in 0..count {
        let id = fields.id(version == 2)?;
        let method = if version == 0 { 0 } else { fields.number(2)? & 15 };
        let elsewhere = fields.number(2)?;
        let base = fields.number(base_bytes)?;
        let extents = fields.number(2)?;
        all += extents;
        if all > 2 * MAX_ITEMS as u64 {
            return Err(TOO_MANY);
        }
        let mut places = Vec::with_capacity(extents as usize);
        for _ in 0..extents {
            fields.number(index_bytes)?;
            let offset = fields.number(offset_bytes)?.checked_add(base).ok_or(UNSOUND)?;
            places.push((offset, fields.number(length_bytes)?));
        }
        // Items that we do not want may lie wherever they like; one that we want and cannot reach has no place.
        if method <= 1 && elsewhere == 0 && !places.is_empty() {
            locations.push(Location { id, in_idat: method == 1, extents: places });
        }
    }
    Ok(locations)
}

/// The items that the primary one is derived from.
fn read_tiles(bytes: &[u8], range: Range<usize>, primary: u32) -> Result<Vec<u32>, MediaError> {
    let long = Fields::new(bytes.get(range.clone()).unwrap_or_default()).version()? >= 1;
    let mut tiles = Vec::new();
    for reference in children(bytes, range.start + 4..range.end)? {
        if &reference.kind != b"dimg" {
            continue;
        }
        let mut fields = Fields::new(bytes.get(reference.content).unwrap_or_default());
        if fields.id(long)? != primary {
            continue;
        }
        let count = fields.number(2)?;
        if !tiles.is_empty() || count > MAX_ITEMS as u64 {
            return Err(TOO_MANY);
        }
        for _ in 0..count {
            let tile = fields.id(long)?;
            if tile == primary {
                return Err(MediaError::Malformed("a picture that is made of itself"));
            }
            tiles.push(tile);
        }
    }
    Ok(tiles)
}

fn read_associations(mut fields: Fields, associations: &mut Vec<(u32, Vec<(bool, u16)>)>) -> Result<(), MediaError> {
    let version = fields.version()?;
    let wide = fields.flags & 1 == 1;
    let count = fields.number(4)?;
    if count > MAX_ITEMS as u64 {
        return Err(TOO_MANY);
    }
    let mut all: usize = associations.iter().map(|(_, properties)| properties.len()).sum();
    for _ in 0..count {
        let id = fields.id(version >= 1)?;
        let number = fields.number(1)?;
        let mut properties = Vec::with_capacity(number as usize);
        for _ in 0..number {
            let value = fields.number(if wide { 2 } else { 1 })? as u16;
            let bit = if wide { 0x8000 } else { 0x80 };
            // Index 0 stands for none.
            if value & (bit - 1) != 0 {
                properties.push((value & bit != 0, value & (bit - 1)));
            }
        }
        all += properties.len();
        if all > MAX_ASSOCIATIONS || associations.len() >= MAX_ITEMS {
            return Err(TOO_MANY);
        }
        associations.push((id, properties));
    }
    Ok(())
}

/// Big-endian numbers, one after another.
struct Fields<'bytes> {
    rest: &'bytes [u8],
    flags: u32,
}

impl<'bytes> Fields<'bytes> {
    fn new(bytes: &'bytes [u8]) -> Self {
        Fields { rest: bytes, flags: 0 }
    }

    fn skip(&mut self, count: usize) -> Result<(), MediaError> {
        self.rest = self.rest.get(count..).ok_or(UNSOUND)?;
        Ok(())
    }

    /// Of 0 to 8 bytes.
    fn number(&mut self, bytes: usize) -> Result<u64, MediaError> {
        let (number, rest) = self.rest.split_at_checked(bytes).filter(|_| bytes <= 8).ok_or(UNSOUND)?;
        self.rest = rest;
        Ok(number.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn version(&mut self) -> Result<u8, MediaError> {
        let both = self.number(4)? as u32;
        self.flags = both & 0xFF_FFFF;
        Ok((both >> 24) as u8)
    }

    fn id(&mut self, long: bool) -> Result<u32, MediaError> {
        Ok(self.number(if long { 4 } else { 2 })? as u32)
    }

    fn name(&mut self) -> Result<[u8; 4], MediaError> {
        Ok((self.number(4)? as u32).to_be_bytes())
    }
}
