//! The one thing we want from Exif data: the orientation.

/// Orientation 1 to 8 from a TIFF structure (the payload of an Exif segment); 1 where it is missing or nonsense. Looks
/// at the first directory only and follows no further offset, so loops and far pointers have nothing to act on.
pub(super) fn orientation(exif: &[u8]) -> u8 {
    find(exif).filter(|value| (1..=8).contains(value)).unwrap_or(1)
}

fn find(exif: &[u8]) -> Option<u8> {
    // PNG and WebP hold the TIFF structure as it is, some writers put JPEG's prefix before it there as well.
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let big_endian = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let u32_at = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    const ORIENTATION: u16 = 0x0112;
    const SHORT: u16 = 3;
    let directory = u32_at(4)? as usize;
    let entries = u16_at(directory)?;
    for index in 0..usize::from(entries) {
        let entry = directory.checked_add(2 + index * 12)?;
        if u16_at(entry)? == ORIENTATION {
            let sound = u16_at(entry + 2)? == SHORT && u32_at(entry + 4)? == 1;
            return if sound { u8::try_from(u16_at(entry + 8)?).ok() } else { None };
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiff(big_endian: bool, tag: u16, kind: u16, count: u32, value: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        let short = |bytes: &mut Vec<u8>, v: u16| {
            bytes.extend_from_slice(&if big_endian { v.to_be_bytes() } else { v.to_le_bytes() });
        };
        let long = |bytes: &mut Vec<u8>, v: u32| {
            bytes.extend_from_slice(&if big_endian { v.to_be_bytes() } else { v.to_le_bytes() });
        };
        bytes.extend_from_slice(if big_endian { b"MM\0*" } else { b"II*\0" });
        long(&mut bytes, 8);
        short(&mut bytes, 2);
        for (tag, kind, count, value) in [(0x010F, 2, 4, 0), (tag, kind, count, value)] {
            short(&mut bytes, tag);
            short(&mut bytes, kind);
            long(&mut bytes, count);
            short(&mut bytes, value);
            short(&mut bytes, 0);
        }
        long(&mut bytes, 8); // A loop back to the first directory.
        bytes
    }

    #[test]
    fn reads_both_byte_orders() {
        for value in 1..=8 {
            assert_eq!(orientation(&tiff(true, 0x0112, 3, 1, value)), value as u8);
            assert_eq!(orientation(&tiff(false, 0x0112, 3, 1, value)), value as u8);
        }
        assert_eq!(orientation(&[b"Exif\0\0".to_vec(), tiff(true, 0x0112, 3, 1, 6)].concat()), 6);
    }

    #[test]
    fn nonsense_is_upright() {
        for nonsense in [
            tiff(true, 0x0112, 3, 1, 0),
            tiff(true, 0x0112, 3, 1, 9),
            tiff(true, 0x0112, 3, 1, 0x0106),
            tiff(true, 0x0112, 4, 1, 6),
            tiff(true, 0x0112, 3, u32::MAX, 6),
            tiff(true, 0x0113, 3, 1, 6),
            Vec::new(),
            b"MM\0*\xFF\xFF\xFF\xFF".to_vec(),
            b"II*\0\x08\0\0\0\xFF\xFF".to_vec(),
        ] {
            assert_eq!(orientation(&nonsense), 1);
        }
        let whole = tiff(true, 0x0112, 3, 1, 6);
        for length in 0..whole.len() {
            assert!([1, 6].contains(&orientation(&whole[..length])));
        }
    }
}
