//! What the parameter set of an H.264 stream says about its pictures. Only enough of it to tell what every browser plays
//! from what it does not, and how large the pictures really are.

/// Of one sequence parameter set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Eight bits, and one sample of colour for four of light.
    pub(super) plain: bool,
}

/// Reads a parameter set with its one byte of header; `None` where it makes no sense.
pub(super) fn sequence(unit: &[u8]) -> Option<Sequence> {
    let mut bits = Bits { bytes: without_escapes(unit.get(1..)?), at: 0 };
    let profile = bits.take(8)?;
    bits.take(16)?; // constraints, level
    bits.number()?; // id
    let (mut chroma, mut deep) = (1, false);
    if matches!(profile, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244) {
        chroma = bits.number()?;
        if chroma == 3 {
            bits.take(1)?;
        }
        deep = bits.number()? > 0;
        deep |= bits.number()? > 0;
        bits.take(1)?;
        if bits.take(1)? == 1 {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.take(1)? == 1 {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.number()?; // frame numbers
    match bits.number()? {
        0 => drop(bits.number()?),
        1 => {
            bits.take(1)?;
            bits.number()?;
            bits.number()?;
            let cycle = bits.number()?;
            for _ in 0..(cycle <= 255).then_some(cycle)? {
                bits.number()?;
            }
        }
        _ => {}
    }
    bits.number()?; // reference frames
    bits.take(1)?;
    let columns = bits.number()?.checked_add(1)?;
    let rows = bits.number()?.checked_add(1)?;
    let fields = 2 - bits.take(1)?;
    if fields == 2 {
        bits.take(1)?;
    }
    bits.take(1)?;
    let (mut width, mut height) = (columns.checked_mul(16)?, rows.checked_mul(16)?.checked_mul(fields)?);
    if bits.take(1)? == 1 {
        let (across, down) = if chroma == 1 { (2, 2 * fields) } else { (1, fields) };
        let [left, right, top, bottom] = [bits.number()?, bits.number()?, bits.number()?, bits.number()?];
        width = width.checked_sub(left.checked_add(right)?.checked_mul(across)?)?;
        height = height.checked_sub(top.checked_add(bottom)?.checked_mul(down)?)?;
    }
    (width > 0 && height > 0).then_some(Sequence { width, height, plain: chroma == 1 && !deep })
}

fn skip_scaling_list(bits: &mut Bits, length: u32) -> Option<()> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..length {
        if next != 0 {
            let number = i64::from(bits.number()?);
            let delta = if number % 2 == 1 { (number + 1) / 2 } else { -number / 2 };
            next = (last + delta).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

/// The stream escapes what looks like a start code: a 3 after two zeros is not data.
fn without_escapes(bytes: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(bytes.len());
    let mut zeros = 0;
    for byte in bytes {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        clean.push(*byte);
    }
    clean
}

struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    /// Up to 32 bits.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// A number in Exp-Golomb code.
    fn number(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.take(zeros)?;
        ((1_u64 << zeros) - 1 + u64::from(rest)).try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_encoders_write() {
        // x264: 1280 x 720, High, 4:2:0 in eight bits; 1920 x 1080 with cropping; the same in High 4:4:4.
        let unit = [
            0x67, 0x64, 0x00, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05, 0xBB, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
            0x00, 0x03, 0x03, 0xC0, 0xF1, 0x83, 0x19, 0x60,
        ];
        assert_eq!(sequence(&unit), Some(Sequence { width: 1280, height: 720, plain: true }));
        for length in 0..9 {
            assert_eq!(sequence(&unit[..length]), None);
        }
    }

    #[test]
    fn noise_never_panics() {
        let mut state = 1_u32;
        for _ in 0..20_000 {
            let unit: Vec<u8> = (0..40)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            sequence(&unit);
        }
    }
}
