//! Places in the write-ahead log of PostgreSQL, and the names of its files.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in the log, in bytes since its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Lsn(pub(super) u64);

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

impl Lsn {
    /// The beginning of its file.
    pub(super) const fn file_start(self, file_bytes: u64) -> Self {
        Self(self.0 - self.0 % file_bytes)
    }

    /// The beginning of the next file.
    pub(super) const fn file_end(self, file_bytes: u64) -> Self {
        Self(self.file_start(file_bytes).0 + file_bytes)
    }

    /// The name of its file: timeline, the upper half of the address, and the number of the file in it.
    pub(super) fn file_name(self, timeline: u32, file_bytes: u64) -> String {
        format!("{timeline:08X}{:08X}{:08X}", self.0 >> 32, (self.0 & 0xffff_ffff) / file_bytes)
    }
}

/// The timeline and the beginning of a file, from its name; with whether it is still being written. `None` for other
/// names.
pub(super) fn parse_file_name(name: &str, file_bytes: u64) -> Option<(u32, Lsn, bool)> {
    let bare = name.strip_suffix(".partial");
    let digits = bare.unwrap_or(name);
    if digits.len() != 24 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let part = |range| digits.get(range).and_then(|part| u32::from_str_radix(part, 16).ok());
    let (timeline, upper, number) = (part(0..8)?, part(8..16)?, part(16..24)?);
    Some((timeline, Lsn((u64::from(upper) << 32) + u64::from(number) * file_bytes), bare.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: u64 = 16 << 20;

    #[test]
    fn names_of_files_are_as_the_server_makes_them() {
        let lsn = Lsn(0x1_0300_0218);
        assert_eq!(lsn.to_string(), "1/3000218");
        assert_eq!(lsn.file_name(2, FILE), "000000020000000100000003");
        assert_eq!(parse_file_name("000000020000000100000003.partial", FILE), Some((2, lsn.file_start(FILE), true)));
        assert_eq!(parse_file_name("000000020000000100000003", FILE), Some((2, Lsn(0x1_0300_0000), false)));
        assert_eq!(lsn.file_end(FILE), Lsn(0x1_0400_0000));
        assert_eq!(parse_file_name("00000002.history", FILE), None);
    }
}
