//! The picture size in HEVC's sequence parameters: what a decoder will allocate, whatever the container says.

/// The coded sizes of all parameter sets in a decoder configuration; none if one of them does not read.
pub(super) fn sizes(configuration: &[u8]) -> Option<Vec<(u32, u32)>> {
    const SEQUENCE: u8 = 33;
    let mut sizes = Vec::new();
    let arrays = *configuration.get(22)?;
    let mut rest = configuration.get(23..)?;
    for _ in 0..arrays {
        let (&[kind, c1, c2], mut after) = rest.split_first_chunk()?;
        for _ in 0..u16::from_be_bytes([c1, c2]) {
            let (length, behind) = after.split_first_chunk()?;
            let (unit, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            after = behind;
            // The unit's own header counts: that is what a decoder goes by.
            let own = unit.first()? >> 1 & 0x3F;
            // Nothing but parameters: notes would travel with the original.
            if own != kind & 0x3F || !(32..=34).contains(&own) {
                return None;
            }
            if own == SEQUENCE {
                sizes.push(size(unit)?);
            }
        }
        rest = after;
    }
    Some(sizes)
}

fn size(unit: &[u8]) -> Option<(u32, u32)> {
    let payload = without_emulation(unit.get(2..)?);
    let mut bits = Bits { bytes: &payload, at: 0 };
    bits.read(4)?;
    let sub_layers = bits.read(3)?;
    bits.read(1)?;
    bits.skip(88 + 8); // general profile and level
    let present: Vec<(u32, u32)> =
        (0..sub_layers).map(|_| Some((bits.read(1)?, bits.read(1)?))).collect::<Option<_>>()?;
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers as usize));
    }
    for (profile, level) in present {
        bits.skip(88 * profile as usize + 8 * level as usize);
    }
    bits.exponential()?;
    const SEPARATE_PLANES: u32 = 3;
    if bits.exponential()? == SEPARATE_PLANES {
        bits.read(1)?;
    }
    Some((bits.exponential()?, bits.exponential()?))
}

/// Takes out the bytes that keep start codes from appearing; looks at no more than the size needs.
fn without_emulation(bytes: &[u8]) -> Vec<u8> {
    const ENOUGH: usize = 256;
    let mut zeros = 0;
    let mut plain = Vec::with_capacity(ENOUGH);
    for byte in bytes.iter().take(ENOUGH) {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        plain.push(*byte);
    }
    plain
}

struct Bits<'bytes> {
    bytes: &'bytes [u8],
    at: usize,
}

impl Bits<'_> {
    fn read(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// An exponential Golomb number.
    fn exponential(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.read(1)? == 0 {
            zeros += 1;
            if zeros > 24 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.read(zeros)?)
    }
}
