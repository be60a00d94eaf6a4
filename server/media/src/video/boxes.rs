//! The boxes of ISO base media files (MP4, MOV): reading and writing them one by one.

use crate::error::MediaError;

pub(super) type Name = [u8; 4];

/// Of any box; the long form has eight bytes more.
pub(super) const HEADER_BYTES: u64 = 8;
pub(super) const LONG_HEADER_BYTES: u64 = 16;

const SHORT: MediaError = MediaError::Malformed("a box that is too short for what it is");

/// How a box begins.
pub(super) struct Header {
    pub(super) name: Name,
    pub(super) header_bytes: u64,
    /// With the header; `None` for one that reaches to the end of the file.
    pub(super) bytes: Option<u64>,
}

/// Reads the first 8 or 16 bytes of a box; `None` where there are fewer or the size is impossible.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let mut fields = Fields(bytes);
    let short = fields.u32().ok()?;
    let name = fields.name().ok()?;
    let (header_bytes, bytes) = match short {
        0 => (HEADER_BYTES, None),
        1 => (LONG_HEADER_BYTES, Some(fields.u64().ok()?)),
        short => (HEADER_BYTES, Some(u64::from(short))),
    };
    (bytes.is_none_or(|bytes| bytes >= header_bytes)).then_some(Header { name, header_bytes, bytes })
}

/// The boxes inside of one that is in memory.
pub(super) struct Boxes<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<(Name, &'a [u8]), MediaError>;

    fn next(&mut self) -> Option<Self::Item> {
        // QuickTime ends some lists with four zero bytes.
        if self.0.len() < HEADER_BYTES as usize && self.0.iter().all(|byte| *byte == 0) {
            return None;
        }
        let read = (|| {
            let Header { name, header_bytes, bytes } = header(self.0)?;
            // "To the end of the file" makes no sense inside of another.
            let whole = self.0.get(..usize::try_from(bytes?).ok()?)?;
            self.0 = self.0.get(whole.len()..)?;
            Some((name, whole.get(header_bytes as usize..)?))
        })();
        if read.is_none() {
            self.0 = &[];
        }
        Some(read.ok_or(MediaError::Malformed("a box that does not fit into the one around it")))
    }
}

/// The payload of the only box of a name; an error where there are two.
pub(super) fn only<'a>(inside: &'a [u8], name: &Name) -> Result<Option<&'a [u8]>, MediaError> {
    let mut found = None;
    for next in Boxes(inside) {
        let (found_name, payload) = next?;
        if found_name == *name && found.replace(payload).is_some() {
            return Err(MediaError::Malformed("a box that may come once came twice"));
        }
    }
    Ok(found)
}

/// As [`only`], where the file cannot do without.
pub(super) fn needed<'a>(inside: &'a [u8], name: &Name) -> Result<&'a [u8], MediaError> {
    only(inside, name)?.ok_or(MediaError::Malformed("a box is missing that every film has"))
}

/// Reads numbers one after the other.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], MediaError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], MediaError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<(), MediaError> {
        self.bytes(count).map(drop)
    }

    pub(super) fn u8(&mut self) -> Result<u8, MediaError> {
        Ok(u8::from_be_bytes(self.take()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, MediaError> {
        Ok(u16::from_be_bytes(self.take()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, MediaError> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, MediaError> {
        Ok(u64::from_be_bytes(self.take()?))
    }

    pub(super) fn i32(&mut self) -> Result<i32, MediaError> {
        Ok(i32::from_be_bytes(self.take()?))
    }

    pub(super) fn i64(&mut self) -> Result<i64, MediaError> {
        Ok(i64::from_be_bytes(self.take()?))
    }

    pub(super) fn name(&mut self) -> Result<Name, MediaError> {
        self.take()
    }

    /// Version and flags, with which many boxes begin.
    pub(super) fn version_and_flags(&mut self) -> Result<(u8, u32), MediaError> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00FF_FFFF))
    }

    /// 32 bits in version 0, 64 in version 1; all bits set, which stands for unknown, is `None`.
    pub(super) fn time(&mut self, version: u8) -> Result<Option<u64>, MediaError> {
        if version == 0 {
            let time = self.u32()?;
            return Ok((time != u32::MAX).then_some(u64::from(time)));
        }
        let time = self.u64()?;
        Ok((time != u64::MAX).then_some(time))
    }
}

/// A box of parts one after the other. None of ours comes near 4 GiB.
pub(super) fn boxed(name: &Name, parts: &[&[u8]]) -> Vec<u8> {
    let bytes = HEADER_BYTES as usize + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut made = Vec::with_capacity(bytes);
    made.extend_from_slice(&(bytes as u32).to_be_bytes());
    made.extend_from_slice(name);
    parts.iter().for_each(|part| made.extend_from_slice(part));
    made
}

/// A box that begins with version and flags.
pub(super) fn full(name: &Name, version: u8, flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let word = (u32::from(version) << 24 | flags).to_be_bytes();
    let mut all: Vec<&[u8]> = Vec::with_capacity(parts.len() + 1);
    all.push(&word);
    all.extend_from_slice(parts);
    boxed(name, &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_sizes() {
        let long = [&1_u32.to_be_bytes()[..], b"mdat", &20_u64.to_be_bytes(), &[0; 4]].concat();
        let Header { name, header_bytes, bytes } = header(&long).unwrap();
        assert_eq!((&name, header_bytes, bytes), (b"mdat", 16, Some(20)));
        assert!(header(&[0, 0, 0, 0, b'm', b'd', b'a', b't']).unwrap().bytes.is_none());
        for wrong in [&[0, 0, 0, 7, b'f', b'r', b'e', b'e'][..], &[0, 0, 0, 8], &long[..12]] {
            assert!(header(wrong).is_none());
        }
        let short = [&1_u32.to_be_bytes()[..], b"mdat", &15_u64.to_be_bytes()].concat();
        assert!(header(&short).is_none());
    }

    #[test]
    fn children_stay_inside_of_their_parents() {
        let two = [boxed(b"one ", &[b"1"]), boxed(b"two ", &[]), vec![0; 4]].concat();
        assert_eq!(Boxes(&two).count(), 2);
        assert_eq!(only(&two, b"one ").unwrap(), Some(&b"1"[..]));
        assert!(only(&two.repeat(2), b"one ").is_err());
        for length in (4..9).chain(13..17) {
            assert!(Boxes(&two[..length]).any(|next| next.is_err()), "{length}");
        }
        assert!(Boxes(&[0, 0, 0, 0, b'f', b'r', b'e', b'e']).any(|next| next.is_err()));
    }
}
