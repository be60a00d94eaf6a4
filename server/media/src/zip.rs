//! A ZIP archive of stored files, of which every byte's place is known before the first is written: lengths and checksums
//! are given up front, nothing is compressed, and nothing follows a file that had to be found out while it was written.
//!
//! So an archive has a length and can be read from anywhere, and whoever sends it keeps nothing of it. ZIP64 is used where
//! the older form has no room, and nowhere else.

/// What of an entry is in the archive beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Below 65 536 bytes of UTF-8, with `/` between folders. The caller sees to it that no other is like it.
    pub name: String,
    /// Bytes of the file.
    pub length: u64,
    /// CRC-32 of the file, as ZIP has it (IEEE).
    pub crc: u32,
    /// When it was made, by the clock on its wall.
    pub modified: Modified,
}

/// A moment as ZIP has it: without a zone, in steps of two seconds, from 1980 to 2107.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modified {
    pub date: u16,
    pub time: u16,
}

impl Modified {
    /// What lies outside of what ZIP knows becomes the nearest that it does. Month and day count from 1.
    pub fn new(year: i32, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Self {
        let (year, month, day, hour, minute, second) = match year {
            ..1980 => (1980, 1, 1, 0, 0, 0),
            1980..=2107 => (year, month.clamp(1, 12), day.clamp(1, 31), hour.min(23), minute.min(59), second.min(59)),
            _ => (2107, 12, 31, 23, 59, 58),
        };
        let years = u16::try_from(year - 1980).unwrap_or(0);
        Self {
            date: years << 9 | u16::from(month) << 5 | u16::from(day),
            time: (u16::from(hour) << 11) | (u16::from(minute) << 5) | (u16::from(second) / 2),
        }
    }
}

/// Why something cannot be in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its name is empty, or has more than 65 535 bytes.
    Name,
    /// The archive would have more bytes than can be counted.
    Length,
}

const LOCAL: u64 = 30;
const CENTRAL: u64 = 46;
const END: u64 = 22;
const END_64: u64 = 56;
const LOCATOR_64: u64 = 20;
/// Head of the extra field of ZIP64.
const EXTRA: u64 = 4;
/// Says "see the extra field" in place of a number of 32 bits, and of 16.
const LARGE: u64 = 0xFFFF_FFFF;
const MANY: u64 = 0xFFFF;

/// Made on Unix, by the rules of 4.5.
const MADE_BY: u16 = 3 << 8 | 45;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// `-rw-r--r--`, a file.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// Counts where everything comes to lie, entry after entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plan {
    entries: u64,
    /// Bytes of all entries.
    files: u64,
    /// Bytes of what is said of them at the end.
    directory: u64,
}

impl Plan {
    /// A plan that was counted so far before: its entries, their bytes, and those of the directory.
    pub const fn resume(entries: u64, files: u64, directory: u64) -> Self {
        Self { entries, files, directory }
    }

    /// Where the next entry begins, which is this one.
    ///
    /// # Errors
    /// [`Refused`]; the plan is as it was then.
    pub fn add(&mut self, entry: &Entry) -> Result<u64, Refused> {
        if entry.name.is_empty() || entry.name.len() > usize::from(u16::MAX) {
            return Err(Refused::Name);
        }
        let offset = self.files;
        let taken = local_length(entry).checked_add(entry.length);
        let files = taken.and_then(|taken| taken.checked_add(self.files)).ok_or(Refused::Length)?;
        let directory = self.directory.checked_add(central_length(entry, offset)).ok_or(Refused::Length)?;
        // With the end of it, far below what can be counted.
        if files.checked_add(directory).is_none_or(|sum| sum > u64::MAX >> 1) {
            return Err(Refused::Length);
        }
        *self = Self { entries: self.entries + 1, files, directory };
        Ok(offset)
    }

    /// How many entries there are.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Where the directory begins: behind the last entry.
    pub const fn directory_at(&self) -> u64 {
        self.files
    }

    /// Where the end of the directory begins.
    pub const fn end(&self) -> u64 {
        self.files + self.directory
    }

    /// Bytes of the whole archive.
    pub const fn length(&self) -> u64 {
        self.end() + if self.is_large() { END_64 + LOCATOR_64 + END } else { END }
    }

    const fn is_large(&self) -> bool {
        self.entries >= MANY || self.files >= LARGE || self.directory >= LARGE
    }

    /// The last bytes of the archive, behind the directory.
    pub fn end_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.is_large() {
            bytes.extend(0x0606_4b50_u32.to_le_bytes());
            bytes.extend((END_64 - 12).to_le_bytes());
            bytes.extend(MADE_BY.to_le_bytes());
            bytes.extend(45_u16.to_le_bytes());
            bytes.extend([0; 8]); // this disk, and that of the directory
            for number in [self.entries, self.entries, self.directory, self.files] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(0x0706_4b50_u32.to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(self.end().to_le_bytes());
            bytes.extend(1_u32.to_le_bytes());
        }
        bytes.extend(0x0605_4b50_u32.to_le_bytes());
        bytes.extend([0; 4]);
        for _ in 0..2 {
            bytes.extend(short(self.entries).to_le_bytes());
        }
        bytes.extend(long(self.directory).to_le_bytes());
        bytes.extend(long(self.files).to_le_bytes());
        bytes.extend([0; 2]); // no comment
        bytes
    }
}

/// The number, or that it is too large for its place.
fn long(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn short(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

const fn is_large_file(entry: &Entry) -> bool {
    entry.length >= LARGE
}

/// Bytes in front of an entry's file.
pub fn local_length(entry: &Entry) -> u64 {
    // In front of a file both its lengths must be there, although they are one.
    LOCAL + entry.name.len() as u64 + if is_large_file(entry) { EXTRA + 16 } else { 0 }
}

/// Bytes of an entry in the directory.
pub fn central_length(entry: &Entry, offset: u64) -> u64 {
    let lengths = if is_large_file(entry) { 16 } else { 0 };
    let numbers = lengths + if offset >= LARGE { 8 } else { 0 };
    CENTRAL + entry.name.len() as u64 + if numbers > 0 { EXTRA + numbers } else { 0 }
}

/// What stands in front of an entry's file.
pub fn local(entry: &Entry) -> Vec<u8> {
    let numbers = if is_large_file(entry) { vec![entry.length, entry.length] } else { Vec::new() };
    let mut bytes = Vec::with_capacity(usize::try_from(local_length(entry)).unwrap_or(0));
    bytes.extend(0x0403_4b50_u32.to_le_bytes());
    common(&mut bytes, entry, &numbers);
    bytes.extend(entry.name.as_bytes());
    extra(&mut bytes, &numbers);
    bytes
}

/// What stands in the directory for an entry that begins there.
pub fn central(entry: &Entry, offset: u64) -> Vec<u8> {
    let mut numbers = if is_large_file(entry) { vec![entry.length, entry.length] } else { Vec::new() };
    if offset >= LARGE {
        numbers.push(offset);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(central_length(entry, offset)).unwrap_or(0));
    bytes.extend(0x0201_4b50_u32.to_le_bytes());
    bytes.extend(MADE_BY.to_le_bytes());
    common(&mut bytes, entry, &numbers);
    bytes.extend([0; 6]); // no comment, the first disk, nothing said of its inside
    bytes.extend(ATTRIBUTES.to_le_bytes());
    bytes.extend(long(offset).to_le_bytes());
    bytes.extend(entry.name.as_bytes());
    extra(&mut bytes, &numbers);
    bytes
}

/// What is said of a file in both places.
fn common(bytes: &mut Vec<u8>, entry: &Entry, numbers: &[u64]) {
    let needs: u16 = if numbers.is_empty() { 20 } else { 45 };
    let extra = if numbers.is_empty() { 0 } else { EXTRA + 8 * numbers.len() as u64 };
    bytes.extend(needs.to_le_bytes());
    bytes.extend(FLAGS.to_le_bytes());
    bytes.extend([0; 2]); // stored
    bytes.extend(entry.modified.time.to_le_bytes());
    bytes.extend(entry.modified.date.to_le_bytes());
    bytes.extend(entry.crc.to_le_bytes());
    for _ in 0..2 {
        bytes.extend(long(entry.length).to_le_bytes());
    }
    bytes.extend(short(entry.name.len() as u64).to_le_bytes());
    bytes.extend(short(extra).to_le_bytes());
}

fn extra(bytes: &mut Vec<u8>, numbers: &[u64]) {
    if numbers.is_empty() {
        return;
    }
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(short(8 * numbers.len() as u64).to_le_bytes());
    for number in numbers {
        bytes.extend(number.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Seek, SeekFrom, Write};
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use super::*;

    /// Bit by bit: a second opinion.
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
        })
    }

    fn entry(name: &str, bytes: &[u8]) -> Entry {
        let modified = Modified::new(2027, 1, 15, 8, 30, 59);
        Entry { name: name.into(), length: bytes.len() as u64, crc: crc(bytes), modified }
    }

    /// An archive in a file of the temporary folder, deleted with it.
    struct Archive(PathBuf);

    impl Archive {
        fn new(name: &str) -> (Self, File) {
            let path = std::env::temp_dir().join(format!("zip-{}-{name}.zip", std::process::id()));
            let file = File::create(&path).expect("a temporary file");
            (Self(path), file)
        }

        fn whole(name: &str, files: &[(&str, Vec<u8>)]) -> Self {
            let (archive, mut file) = Self::new(name);
            let bytes = written(files);
            file.write_all(&bytes).expect("is written");
            archive
        }
    }

    impl Drop for Archive {
        fn drop(&mut self) {
            drop(std::fs::remove_file(&self.0));
        }
    }

    fn written(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let (mut plan, mut bytes, mut directory) = (Plan::default(), Vec::new(), Vec::new());
        for (name, content) in files {
            let entry = entry(name, content);
            let offset = plan.add(&entry).expect("fits");
            assert_eq!(offset, bytes.len() as u64, "it lies where it was planned");
            let head = local(&entry);
            assert_eq!(head.len() as u64, local_length(&entry));
            bytes.extend(head);
            bytes.extend(content);
            directory.extend(central(&entry, offset));
        }
        assert_eq!(plan.directory_at(), bytes.len() as u64);
        bytes.extend(directory);
        assert_eq!(plan.end(), bytes.len() as u64);
        bytes.extend(plan.end_bytes());
        assert_eq!(plan.length(), bytes.len() as u64);
        bytes
    }

    /// What a program says; `None` if this machine has none.
    fn asked(program: &str, arguments: &[&str], path: &Path) -> Option<String> {
        let output = Command::new(program).args(arguments).arg(path).output().ok()?;
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{program}: {text}");
        Some(text)
    }

    /// Names, lengths and checksums as Python reads them.
    const LIST: &str = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nbad = z.testzip()\nassert bad is None, bad\n\
                        for i in z.infolist():\n print(i.filename, i.file_size, i.CRC, i.date_time, oct(i.external_attr >> 16))";
    /// The same without reading the files.
    const COUNT: &str = "import sys, zipfile\nl = zipfile.ZipFile(sys.argv[1]).infolist()\n\
                         print(len(l), l[-1].filename, l[-1].file_size, l[-1].header_offset)";

    #[test]
    fn other_programs_read_what_is_in_it() {
        let large: Vec<u8> = (0..300_000_u32).map(|n| (n % 253) as u8).collect();
        let files = [
            ("Sommerfest/a.jpg", large),
            ("Sommerfest/leer.txt", Vec::new()),
            ("Sommerfest/Grüße 🎈.json", b"{}".to_vec()),
        ];
        let archive = Archive::whole("plain", &files);
        let python = asked("python3", &["-c", LIST], &archive.0).expect("the tests need Python");
        let lines: Vec<&str> = python.lines().collect();
        assert_eq!(lines.len(), 3);
        for (line, (name, bytes)) in lines.iter().zip(&files) {
            let expected = format!("{name} {} {} (2027, 1, 15, 8, 30, 58) 0o100644", bytes.len(), crc(bytes));
            assert_eq!(*line, expected);
        }
        for (program, arguments) in [("unzip", ["-t"]), ("7z", ["t"]), ("bsdtar", ["-tf"])] {
            asked(program, &arguments, &archive.0);
        }
    }

    #[test]
    fn an_archive_without_entries_is_one() {
        let archive = Archive::whole("empty", &[]);
        assert_eq!(std::fs::metadata(&archive.0).expect("is there").len(), END);
        assert_eq!(asked("python3", &["-c", LIST], &archive.0).as_deref(), Some(""));
    }

    #[test]
    fn a_changed_byte_is_noticed_by_who_reads() {
        let (archive, mut file) = Archive::new("changed");
        let mut bytes = written(&[("a", vec![7; 1000])]);
        bytes[500] ^= 1;
        file.write_all(&bytes).expect("is written");
        let output = Command::new("python3").args(["-c", LIST]).arg(&archive.0).output().expect("Python");
        assert!(!output.status.success(), "the checksum is in the archive");
    }

    #[test]
    fn more_entries_than_sixteen_bits_count_make_it_large_and_no_fewer() {
        for (many, large) in [(65_534_u64, false), (65_535, true), (70_000, true)] {
            let files: Vec<(String, Vec<u8>)> = (0..many).map(|n| (format!("{n}"), Vec::new())).collect();
            let files: Vec<(&str, Vec<u8>)> =
                files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
            let archive = Archive::whole(&format!("many-{many}"), &files);
            let bytes = std::fs::read(&archive.0).expect("is there");
            assert_eq!(bytes[bytes.len() - 42..].starts_with(b"PK\x06\x07"), large, "{many}");
            let counted = asked("python3", &["-c", COUNT], &archive.0).expect("the tests need Python");
            assert!(counted.starts_with(&format!("{many} {} 0 ", many - 1)), "{counted}");
            asked("unzip", &["-tqq"], &archive.0);
        }
    }

    #[test]
    fn a_file_beyond_four_gigabytes_and_what_follows_it_are_found() {
        // A hole in the file takes no room on the disk.
        let (archive, mut file) = Archive::new("large");
        let length = LARGE + 5;
        let mut plan = Plan::default();
        let first = Entry { length, crc: 0, ..entry("large.mp4", b"") };
        let second = entry("behind.txt", b"here");
        let offsets = [plan.add(&first).expect("fits"), plan.add(&second).expect("fits")];
        file.write_all(&local(&first)).expect("is written");
        file.seek(SeekFrom::Current(length as i64)).expect("seeks");
        file.write_all(&local(&second)).expect("is written");
        file.write_all(b"here").expect("is written");
        for (entry, offset) in [&first, &second].into_iter().zip(offsets) {
            let bytes = central(entry, offset);
            assert_eq!(bytes.len() as u64, central_length(entry, offset));
            file.write_all(&bytes).expect("is written");
        }
        file.write_all(&plan.end_bytes()).expect("is written");
        assert_eq!(file.metadata().expect("is there").len(), plan.length());
        let counted = asked("python3", &["-c", COUNT], &archive.0).expect("the tests need Python");
        assert_eq!(counted.trim(), format!("2 behind.txt 4 {}", offsets[1]));
        const READ: &str = "import sys, zipfile\nprint(zipfile.ZipFile(sys.argv[1]).read('behind.txt'))";
        assert_eq!(asked("python3", &["-c", READ], &archive.0).expect("Python").trim(), "b'here'");
    }

    #[test]
    fn what_does_not_fit_is_refused_and_changes_nothing() {
        let mut plan = Plan::default();
        plan.add(&entry("a", b"x")).expect("fits");
        let before = plan;
        assert_eq!(plan.add(&entry("", b"x")), Err(Refused::Name));
        assert_eq!(plan.add(&entry(&"n".repeat(65_536), b"x")), Err(Refused::Name));
        assert_eq!(plan.add(&Entry { length: u64::MAX, ..entry("a", b"") }), Err(Refused::Length));
        assert_eq!(plan.add(&Entry { length: u64::MAX >> 1, ..entry("a", b"") }), Err(Refused::Length));
        assert_eq!(plan, before);
    }

    #[test]
    fn moments_that_zip_does_not_know_become_the_nearest() {
        assert_eq!(Modified::new(1970, 5, 5, 5, 5, 5), Modified { date: 1 << 5 | 1, time: 0 });
        assert_eq!(Modified::new(9999, 1, 1, 0, 0, 0), Modified::new(2107, 12, 31, 23, 59, 59));
        assert_eq!(Modified::new(1980, 0, 0, 99, 99, 99), Modified::new(1980, 1, 1, 23, 59, 59));
    }
}
