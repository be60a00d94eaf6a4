//! HEIC: one coded picture, or a grid of coded tiles as phones write it, in the boxes of ISO 23008-12.
//!
//! The stripped file is written anew from the few boxes that matter: the coded data of the primary picture, the sizes,
//! the decoder's parameters, colours and turns. Thumbnails, depth and gain maps, alpha, Exif, XMP and unknown boxes stay
//! behind. Nothing is followed more than one step: a grid consists of coded pictures, never of further grids.

mod boxes;
mod sps;
mod write;

use std::ops::Range;

use crate::container::heif::boxes::{Item, Meta};
use crate::container::heif::write::Kept;
use crate::container::{Walked, be16, be32, check_size, decoded_bytes, is_icc};
use crate::error::MediaError;
use crate::inspect::Limits;

/// 100 megapixels in tiles of 512 x 512 are 400.
const MAX_TILES: usize = 1024;
/// Of all properties but the decoder's parameters and colours; nothing travels hidden in what looks like a size.
const MAX_PROPERTY_BYTES: usize = 64;
/// A decoder's block: coded pictures are up to that much larger than shown.
const BLOCK: u32 = 64;

const UNSOUND: MediaError = MediaError::Malformed("a HEIC box that does not fit");

pub(super) fn walk(bytes: &[u8], limits: &Limits) -> Result<Walked, MediaError> {
    let meta = Meta::read(bytes)?;
    let primary = meta.item(meta.primary)?;
    match &primary.kind {
        b"hvc1" => walk_coded(bytes, limits, &meta, primary),
        b"grid" => walk_grid(bytes, limits, &meta, primary),
        b"av01" => Err(MediaError::Unsupported("AVIF")),
        _ => Err(MediaError::Unsupported("a HEIC of another kind than one picture or a grid")),
    }
}

fn walk_coded(bytes: &[u8], limits: &Limits, meta: &Meta, item: &Item) -> Result<Walked, MediaError> {
    let properties = Properties::of(bytes, meta, item)?;
    let (width, height) = properties.size.ok_or(MediaError::Malformed("a HEIC picture without a size"))?;
    check_size(width, height, limits)?;
    check_coded(bytes, &properties, (width, height))?;
    let data = units(bytes, &meta.extents(bytes, item)?, properties.unit_length_bytes(bytes)?)?;
    let (width, height) = properties.shown(width, height)?;
    let kept = vec![Kept { kind: *b"hvc1", data, made: None, properties: properties.kept }];
    let pieces = write::file(bytes, kept)?;
    // Planes of 16 bits with the decoder's notes beside them, and RGBA.
    let decoded_bytes = decoded_bytes(width, height, 14);
    Ok(Walked { width, height, orientation: 1, decoded_bytes, pieces })
}

fn walk_grid(bytes: &[u8], limits: &Limits, meta: &Meta, grid: &Item) -> Result<Walked, MediaError> {
    let properties = Properties::of(bytes, meta, grid)?;
    if properties.decoder.is_some() {
        return Err(MediaError::Malformed("a grid that is coded"));
    }
    let mut description = Vec::new();
    for extent in meta.extents(bytes, grid)? {
        let part = bytes.get(extent).ok_or(MediaError::Truncated)?;
        if description.len() + part.len() > 16 {
            return Err(UNSOUND);
        }
        description.extend_from_slice(part);
    }
    let Grid { rows, columns, width, height } = Grid::read(&description)?;
    check_size(width, height, limits)?;
    if properties.size.is_some_and(|size| size != (width, height)) {
        return Err(MediaError::Malformed("a grid of another size than its picture"));
    }
    let tiles = &meta.tiles;
    if tiles.len() != rows as usize * columns as usize || tiles.len() > MAX_TILES {
        return Err(MediaError::Malformed("a grid of too many or too few tiles"));
    }

    let mut kept = vec![Kept { kind: *b"grid", data: Vec::new(), made: Some(description), properties: Vec::new() }];
    let mut first: Option<(u32, u32)> = None;
    let mut colours = Vec::new();
    let mut checked: Vec<Range<usize>> = Vec::new();
    for tile in tiles {
        let tile = meta.item(*tile)?;
        if &tile.kind != b"hvc1" {
            return Err(MediaError::Malformed("a tile that is no coded picture"));
        }
        let properties = Properties::of(bytes, meta, tile)?;
        let size = properties.size.ok_or(MediaError::Malformed("a tile without a size"))?;
        if *first.get_or_insert(size) != size || properties.turns() {
            return Err(MediaError::Malformed("tiles that differ in size or are turned"));
        }
        // All tiles share one set of parameters as a rule: look at each set once.
        let decoder = properties.decoder.clone().unwrap_or_default();
        if !checked.contains(&decoder) {
            check_coded(bytes, &properties, size)?;
            checked.push(decoder);
        }
        let data = units(bytes, &meta.extents(bytes, tile)?, properties.unit_length_bytes(bytes)?)?;
        if colours.is_empty() {
            colours.clone_from(&properties.colours);
        }
        kept.push(Kept { kind: *b"hvc1", data, made: None, properties: properties.kept });
    }
    let (tile_width, tile_height) = first.unwrap_or_default();
    check_size(tile_width, tile_height, limits)?;
    let covers = |tile: u32, count: u32, side: u32| {
        let all = u64::from(tile) * u64::from(count);
        all >= u64::from(side) && all - u64::from(tile) < u64::from(side)
    };
    if !covers(tile_width, columns, width) || !covers(tile_height, rows, height) {
        return Err(MediaError::Malformed("tiles that do not cover the grid"));
    }

    let tile_bytes = decoded_bytes(tile_width, tile_height, 14);
    let decoded_bytes = decoded_bytes(width, height, 4).saturating_add(tile_bytes);
    let (width, height) = properties.shown(width, height)?;
    if let Some(picture) = kept.first_mut() {
        // Colours that only the tiles name are those of the whole.
        let known = !properties.colours.is_empty();
        picture.properties = properties.kept;
        picture.properties.extend(colours.into_iter().filter(|_| !known));
    }
    Ok(Walked { width, height, orientation: 1, decoded_bytes, pieces: write::file(bytes, kept)? })
}

/// The description of a grid.
struct Grid {
    rows: u32,
    columns: u32,
    width: u32,
    height: u32,
}

impl Grid {
    fn read(description: &[u8]) -> Result<Grid, MediaError> {
        let &[0, flags, rows, columns] = description.first_chunk().ok_or(UNSOUND)? else {
            return Err(MediaError::Unsupported("a HEIC grid of another version"));
        };
        let (width, height) = if flags & 1 == 0 {
            (be16(description, 4).map(u32::from), be16(description, 6).map(u32::from))
        } else {
            (be32(description, 4), be32(description, 8))
        };
        let (width, height) = width.zip(height).ok_or(UNSOUND)?;
        Ok(Grid { rows: u32::from(rows) + 1, columns: u32::from(columns) + 1, width, height })
    }
}

/// What the properties of one item say.
#[derive(Default)]
struct Properties {
    size: Option<(u32, u32)>,
    /// The box with the decoder's parameters.
    decoder: Option<Range<usize>>,
    /// Boxes of colour that are kept, with their essential bit.
    colours: Vec<(bool, Range<usize>)>,
    /// Crops and quarter turns, in their order.
    steps: Vec<Step>,
    /// All boxes that are kept, with their essential bit.
    kept: Vec<(bool, Range<usize>)>,
}

enum Step {
    Crop(u32, u32),
    Turn(u8),
    Mirror,
}

impl Properties {
    fn of(bytes: &[u8], meta: &Meta, item: &Item) -> Result<Properties, MediaError> {
        let mut found = Properties::default();
        for (essential, index) in meta.properties_of(item.id) {
            let property = meta.property(*index).ok_or(MediaError::Malformed("a property that is not there"))?;
            let content = bytes.get(property.content.clone()).ok_or(MediaError::Truncated)?;
            if !matches!(&property.kind, b"hvcC" | b"colr") && content.len() > MAX_PROPERTY_BYTES {
                return Err(UNSOUND);
            }
            match &property.kind {
                b"ispe" => {
                    let size = be32(content, 4).zip(be32(content, 8)).ok_or(UNSOUND)?;
                    if found.size.replace(size).is_some() {
                        return Err(MediaError::Malformed("two sizes of one picture"));
                    }
                }
                b"hvcC" => {
                    if found.decoder.replace(property.content.clone()).is_some() {
                        return Err(MediaError::Malformed("two sets of parameters of one picture"));
                    }
                }
                b"colr" => {
                    if !is_colour(content)? {
                        continue;
                    }
                    found.colours.push((*essential, property.whole.clone()));
                }
                b"pixi" | b"pasp" => {}
                b"irot" => found.steps.push(Step::Turn(content.first().ok_or(UNSOUND)? & 3)),
                b"imir" => found.steps.push(Step::Mirror),
                b"clap" => found.steps.push(crop(content)?),
                _ if *essential => return Err(MediaError::Unsupported("a HEIC with unknown essential properties")),
                _ => continue,
            }
            found.kept.push((*essential, property.whole.clone()));
        }
        Ok(found)
    }

    fn turns(&self) -> bool {
        !self.steps.is_empty()
    }

    /// How many bytes of a unit's length precede it in the coded data.
    fn unit_length_bytes(&self, bytes: &[u8]) -> Result<usize, MediaError> {
        let decoder = self.decoder.clone().ok_or(MediaError::Malformed("a coded picture without parameters"))?;
        let byte = bytes.get(decoder).and_then(|decoder| decoder.get(21)).ok_or(UNSOUND)?;
        Ok(usize::from(byte & 3) + 1)
    }

    /// The size after crops and turns.
    fn shown(&self, width: u32, height: u32) -> Result<(u32, u32), MediaError> {
        let (mut width, mut height) = (width, height);
        for step in &self.steps {
            match *step {
                Step::Turn(1 | 3) => (width, height) = (height, width),
                Step::Turn(_) | Step::Mirror => {}
                Step::Crop(to_width, to_height) => {
                    // Padding up to the coder's blocks goes; a picture that hides more than that is another's to crop,
                    // as the hidden part would travel with the original.
                    let padding = |from: u32, to: u32| to >= 1 && to <= from && from - to < BLOCK;
                    if !padding(width, to_width) || !padding(height, to_height) {
                        return Err(MediaError::Unsupported("a HEIC that hides a part of its picture"));
                    }
                    (width, height) = (to_width, to_height);
                }
            }
        }
        Ok((width, height))
    }
}

/// Whether a box of colour is kept: a profile that is one, or the numbers of a colour space.
fn is_colour(content: &[u8]) -> Result<bool, MediaError> {
    const PQ: u16 = 16;
    const HLG: u16 = 18;
    match content.first_chunk() {
        Some(b"prof" | b"rICC") => Ok(is_icc(content.get(4..).unwrap_or_default())),
        Some(b"nclx") => match be16(content, 6) {
            Some(PQ | HLG) => Err(MediaError::Unsupported("a HEIC in HDR without a picture for other screens")),
            Some(_) if content.len() == 11 => Ok(true),
            _ => Err(UNSOUND),
        },
        _ => Ok(false),
    }
}

fn crop(content: &[u8]) -> Result<Step, MediaError> {
    let side = |at: usize| {
        let (numerator, denominator) = be32(content, at).zip(be32(content, at + 4)).ok_or(UNSOUND)?;
        let exact = denominator != 0 && numerator % denominator == 0;
        exact.then(|| numerator / denominator).ok_or(MediaError::Unsupported("a HEIC cropped to parts of pixels"))
    };
    Ok(Step::Crop(side(0)?, side(8)?))
}

/// Whether the decoder's parameters speak of the same size: what they say is what the decoder allocates.
fn check_coded(bytes: &[u8], properties: &Properties, (width, height): (u32, u32)) -> Result<(), MediaError> {
    let decoder = properties.decoder.clone().ok_or(MediaError::Malformed("a coded picture without parameters"))?;
    let decoder = bytes.get(decoder).ok_or(MediaError::Truncated)?;
    let sizes = sps::sizes(decoder).ok_or(MediaError::Malformed("parameters of a decoder that do not read"))?;
    let fits = |coded: u32, shown: u32| coded >= shown && coded - shown < BLOCK;
    if sizes.is_empty() || !sizes.iter().all(|coded| fits(coded.0, width) && fits(coded.1, height)) {
        return Err(MediaError::Malformed("coded data of another size than the picture"));
    }
    Ok(())
}

/// The units of a coded picture, which must fill its data exactly and bring no parameters of their own: those would
/// override the ones that were checked. Notes (SEI) stay behind.
fn units(bytes: &[u8], extents: &[Range<usize>], length_bytes: usize) -> Result<Vec<Range<usize>>, MediaError> {
    const WRONG: MediaError = MediaError::Malformed("coded data that do not fit their picture");
    let [extent] = extents else {
        return Err(MediaError::Unsupported("a HEIC whose coded data lie in several places"));
    };
    let mut kept: Vec<Range<usize>> = Vec::new();
    let mut at = extent.start;
    while at < extent.end {
        let start = at + length_bytes;
        let length = bytes.get(at..start).ok_or(MediaError::Truncated)?;
        let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let end = start.checked_add(length).filter(|end| *end <= extent.end).ok_or(WRONG)?;
        match bytes.get(start..end).and_then(<[u8]>::first).map(|byte| byte >> 1 & 0x3F) {
            Some(39 | 40) => {}
            Some(0..=31 | 35..=38) => match kept.last_mut() {
                Some(last) if last.end == at => last.end = end,
                _ => kept.push(at..end),
            },
            _ => return Err(WRONG),
        }
        at = end;
    }
    if kept.is_empty() || kept.len() > 16 { Err(WRONG) } else { Ok(kept) }
}

/// The numbers of the colour space, of a file that this module wrote: primaries and transfer.
pub(crate) fn colour_numbers(stripped: &[u8]) -> Option<(u16, u16)> {
    const REACH: usize = 256 * 1024;
    let head = stripped.get(..REACH.min(stripped.len()))?;
    let at = head.windows(8).position(|name| name == b"colrnclx")?;
    be16(head, at + 8).zip(be16(head, at + 10))
}
