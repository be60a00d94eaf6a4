//! Archives of entries of any name and length, sent from any byte on as the server sends them, and read back by a reader
//! that was written from the description of the format alone. Files of many gigabytes are there without being kept: what
//! their bytes are follows from where they are.

use std::ops::Range;

use shutterpost_media::zip::{Entry, Modified, Plan, Refused, central, central_length, local, local_length};

/// Archives of at most so many bytes are sent whole.
const WHOLE: u64 = 20_000;
/// Beyond what 16 bits count.
const ENTRIES_MOST: usize = 66_000;
/// Of all names together.
const NAMES_MOST: usize = 2_000_000;
/// Bytes whose checksum is worked out; that of other files is any number.
const CHECKED_MOST: u64 = 20_000;
/// What is sent at once of a file.
const PIECE: u64 = 4096;

/// Of what is cut once.
const MIDDLE: &[u8] = &[128];

/// No number of 32 bits is as large as this; it says that the true one stands elsewhere.
const LARGE: u64 = 0xFFFF_FFFF;
const LENGTH_MOST: u64 = u64::MAX >> 1;

/// An archive is laid out, sent and read back.
pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    far_on(&mut input);
    let archive = Archive::read(&mut input);
    archive.reads_back();
    archive.goes_on_anywhere(bytes);
}

pub fn corpus() -> Vec<Vec<u8>> {
    let nowhere = [0; 25];
    let far = |entries: u64, files: u64, directory: u64| {
        let numbers = [entries << 16, files, directory].map(u64::to_be_bytes).concat();
        [&numbers[..], &[1]].concat()
    };
    const BORDER: [u8; 25] =
        [7, 1, b'x', 127, 0, 0, 0, 0, 0, 2, b'y', b'z', 1, 0, 0, 0, 0, 5, 1, b'v', 130, 4, 4, 0, 0];
    let small = [0x00, 3, b'a', b'/', b'b', 0, 0, 0, 0, 0x02, 9, 0xC3, 0xBC, 0, 200, 46, 3, 7, 1, 2, 3];
    [
        vec![],
        [&nowhere[..], &small].concat(),
        // A file that ends below the border, one that begins at it, and one behind it.
        [&nowhere[..], &BORDER].concat(),
        [&nowhere[..], &[4, 1, b'x', 0, 0, 1, 0, 0, 0, 0, 1, 9, 9], &small].concat(),
        // More entries than 16 bits count.
        [&nowhere[..], &[1, 2, b'n', b'm', 3, 0, 0, 0, 0, 6, 0xFF, 0xFE, 0, 1, b'l', 1, 1]].concat(),
        // Names at the border.
        [&nowhere[..], &[0x10, 6, 0x10, 5, b'q', 0x08, 0, 0, 0x10, 7, b'r']].concat(),
        [far(65_533, LARGE - 40, LARGE - 60), small.to_vec()].concat(),
        [far(70_000, LENGTH_MOST - 200, 90), small.to_vec()].concat(),
    ]
    .into()
}

/// What is left of the input; nothing but noughts at its end.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn number(&mut self, bytes: usize) -> u64 {
        (0..bytes).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A name of exactly so many bytes, which begins with what the input says.
    fn name(&mut self, length: usize) -> String {
        let mut name = String::from_utf8_lossy(self.take(length.min(12))).into_owned();
        name.truncate(name.floor_char_boundary(length));
        let missing = length - name.len();
        name + &"n".repeat(missing)
    }
}

/// Plans that were counted elsewhere, as those of the database are: the end of such an archive says the same, and one more
/// entry is counted as it should be.
fn far_on(input: &mut Input<'_>) {
    let (entries, files, directory) = (input.number(8) >> 16, input.number(8), input.number(8));
    let large = input.byte() % 2 == 1;
    if files.checked_add(directory).is_none_or(|sum| sum > LENGTH_MOST) {
        return;
    }
    let mut plan = Plan::resume(entries, files, directory);
    let end = plan.end_bytes();
    assert_eq!(plan.length(), plan.end() + end.len() as u64);
    let read = |range: Range<u64>| slice(&end, range.start - plan.end()..range.end - plan.end());
    assert_eq!(End::find(&read, plan.length()), End { entries, files, directory, at: plan.end() });
    let entry = Entry { name: "name".into(), length: if large { LARGE } else { 5 }, crc: 0, modified: MODIFIED };
    add(&mut plan, &entry);
}

const MODIFIED: Modified = Modified { date: 0x21, time: 0 };

/// Adds an entry, and sees to it that what is counted is what the format says; `None` if it was refused for a reason.
fn add(plan: &mut Plan, entry: &Entry) -> Option<u64> {
    let before = *plan;
    let (name, offset) = (entry.name.len(), before.directory_at());
    let lengths = if entry.length >= LARGE { 16 } else { 0 };
    let place = if offset >= LARGE { 8 } else { 0 };
    let extra = |numbers: u128| if numbers == 0 { 0 } else { 4 + numbers };
    let file = 30 + name as u128 + extra(lengths) + u128::from(entry.length);
    let line = 46 + name as u128 + extra(lengths + place);
    let sum = u128::from(before.end()) + file + line;
    let name_fits = (1..=65_535).contains(&name);
    match plan.add(entry) {
        Ok(at) => {
            assert!(name_fits && sum <= u128::from(LENGTH_MOST));
            assert_eq!((at, plan.entries()), (offset, before.entries() + 1));
            assert_eq!(u128::from(plan.directory_at()), u128::from(offset) + file);
            assert_eq!(u128::from(plan.end()), sum);
            let directory = plan.end() - plan.directory_at();
            assert_eq!(Plan::resume(plan.entries(), plan.directory_at(), directory), *plan);
            Some(at)
        }
        Err(refused) => {
            assert_eq!(*plan, before, "a refusal changes nothing");
            match refused {
                Refused::Name => assert!(!name_fits),
                Refused::Length => assert!(name_fits && sum > u128::from(LENGTH_MOST)),
            }
            None
        }
    }
}

/// A file of an archive, with the places that are kept of it.
struct File {
    entry: Entry,
    at: u64,
    /// Of its line in the directory, counted from the directory's beginning.
    line_at: u64,
    /// Whether the checksum is that of its bytes.
    checked: bool,
}

struct Archive {
    files: Vec<File>,
    plan: Plan,
}

impl Archive {
    fn read(input: &mut Input<'_>) -> Self {
        let mut archive = Self { files: Vec::new(), plan: Plan::default() };
        let (mut names, mut checkable) = (0, CHECKED_MOST);
        while !input.0.is_empty() && archive.files.len() < ENTRIES_MOST && names < NAMES_MOST {
            let kind = input.byte();
            if kind & 7 == 6 {
                // The one before, again and again.
                let (times, last) = (input.number(2), archive.files.last());
                let Some(entry) = last.filter(|file| file.entry.name.len() < 20).map(|file| file.entry.clone()) else {
                    continue;
                };
                for time in 0..times.min((ENTRIES_MOST - archive.files.len()) as u64) {
                    let entry = Entry { name: format!("{time}"), ..entry.clone() };
                    archive.push(entry, &mut checkable);
                    names += 5;
                }
                continue;
            }
            let length = match kind >> 3 & 3 {
                0 => usize::from(input.byte() % 33),
                1 => 0,
                2 => 65_529 + usize::from(input.byte() % 12),
                _ => input.number(2) as usize % 3000,
            };
            names += length;
            let name = input.name(length);
            let begins = archive.plan.directory_at().saturating_add(30 + name.len() as u64);
            let length = match kind & 7 {
                0 => u64::from(input.byte() % 4),
                width @ 1..=2 => input.number(width.into()),
                3 => input.number(4),
                4 => input.number(8) >> (input.byte() % 64),
                5 => LARGE - 128 + u64::from(input.byte()),
                // So that the next one begins about the border.
                _ => (LARGE - 128 + u64::from(input.byte())).saturating_sub(begins),
            };
            let date = (input.number(2), input.byte(), input.byte());
            let modified = Modified::new(date.0 as i32 - 1000, date.1, date.2, date.1, date.2, date.1);
            assert!((1..=12).contains(&(modified.date >> 5 & 15)) && modified.date & 31 >= 1, "no day");
            assert!(modified.time >> 11 < 24 && modified.time >> 5 & 63 < 60 && modified.time & 31 < 30, "no time");
            archive.push(Entry { name, length, crc: date.0 as u32, modified }, &mut checkable);
        }
        archive
    }

    fn push(&mut self, mut entry: Entry, checkable: &mut u64) {
        let checked = entry.length <= *checkable;
        if checked {
            *checkable -= entry.length;
            entry.crc = crc(&content(self.files.len(), 0..entry.length));
        }
        let line_at = self.plan.end() - self.plan.directory_at();
        let Some(at) = add(&mut self.plan, &entry) else { return };
        assert_eq!(local(&entry).len() as u64, local_length(&entry));
        assert_eq!(central(&entry, at).len() as u64, central_length(&entry, at));
        self.files.push(File { entry, at, line_at, checked });
    }

    /// What is sent next by somebody who is there: to the end of it, or a piece.
    fn piece(&self, at: u64) -> Vec<u8> {
        let Self { files, plan } = self;
        if at >= plan.end() {
            return rest(plan.end_bytes(), at - plan.end());
        }
        if at >= plan.directory_at() {
            let inside = at - plan.directory_at();
            let file = &files[files.partition_point(|file| file.line_at <= inside) - 1];
            return rest(central(&file.entry, file.at), inside - file.line_at);
        }
        let index = files.partition_point(|file| file.at <= at) - 1;
        let file = &files[index];
        let (head, inside) = (local(&file.entry), at - file.at);
        match inside.checked_sub(head.len() as u64) {
            None => rest(head, inside),
            Some(from) => content(index, from..file.entry.length.min(from + PIECE)),
        }
    }

    /// A part of the archive, asked for at once.
    fn range(&self, range: Range<u64>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let mut piece = self.piece(at);
            assert!(!piece.is_empty(), "the archive ends before its length");
            piece.truncate(usize::try_from(range.end - at).unwrap_or(usize::MAX));
            at += piece.len() as u64;
            bytes.append(&mut piece);
        }
        assert_eq!(bytes.len() as u64, range.end - range.start);
        bytes
    }

    /// Whatever parts it is asked for in, the bytes are the same: whole where it is small, about its borders where not.
    fn goes_on_anywhere(&self, cuts: &[u8]) {
        let length = self.plan.length();
        assert!(self.piece(length).is_empty(), "something behind the end");
        if length <= WHOLE {
            self.is_the_same_in_parts(0..length, cuts);
            return;
        }
        let few = self.files.len().saturating_sub(3);
        let shown = self.files.iter().enumerate().filter(|(index, _)| *index < 12 || *index >= few);
        let mut places: Vec<u64> = vec![0, self.plan.directory_at(), self.plan.end(), length, LARGE, LARGE + 1];
        for (_, file) in shown {
            let bytes_at = file.at + local_length(&file.entry);
            places.extend([
                file.at,
                bytes_at,
                bytes_at + file.entry.length / 2,
                self.plan.directory_at() + file.line_at,
            ]);
        }
        places.sort_unstable();
        places.dedup();
        for place in places.into_iter().filter(|place| *place <= length) {
            self.is_the_same_in_parts(place.saturating_sub(70)..length.min(place + 70), cuts);
        }
    }

    fn is_the_same_in_parts(&self, range: Range<u64>, cuts: &[u8]) {
        let whole = self.range(range.clone());
        let mut parts = Vec::new();
        let mut at = range.start;
        // The input's own bytes say where it is cut; without any, in the middle.
        let cuts = if cuts.is_empty() { MIDDLE } else { cuts };
        let mut steps = cuts.iter().cycle().map(|cut| 1 + u64::from(*cut) * (range.end - range.start) / 256);
        while at < range.end {
            let next = at.saturating_add(steps.next().unwrap_or(1)).min(range.end);
            parts.extend(self.range(at..next));
            at = next;
        }
        assert!(parts == whole, "{range:?} is another thing in parts");
    }

    /// Everything is found from the end on, as programs do that unpack it.
    fn reads_back(&self) {
        let end = End::find(&|range| self.range(range), self.plan.length());
        assert_eq!(end.entries, self.files.len() as u64);
        assert_eq!(end.files + end.directory, end.at);
        let directory = self.range(end.files..end.at);
        let mut lines = Fields(&directory);
        let mut behind = 0;
        for (index, file) in self.files.iter().enumerate() {
            lines.are(&[b"PK\x01\x02", &[45, 3]]);
            let said = Said::read(&mut lines);
            let (name, extra, comment) = (lines.short(), lines.short(), lines.short());
            assert_eq!((comment, lines.short(), lines.short(), lines.long()), (0, 0, 0, 0o100_644 << 16));
            let at = lines.long();
            assert!(lines.take(name.into()) == file.entry.name.as_bytes(), "another name");
            let mut numbers = Large::read(lines.take(extra.into()));
            let (size, packed) = (numbers.or(said.size), numbers.or(said.packed));
            let at = numbers.or(at);
            numbers.is_over(said.needs);
            assert_eq!((size, packed, at), (file.entry.length, file.entry.length, behind), "{index}");
            assert_eq!(said.crc, file.entry.crc);
            assert_eq!((said.time, said.date), (file.entry.modified.time, file.entry.modified.date));

            let head = self.range(at..at + 30 + u64::from(name) + if size >= LARGE { 20 } else { 0 });
            let mut head = Fields(&head);
            head.are(&[b"PK\x03\x04"]);
            let in_front = Said::read(&mut head);
            let (name_in_front, extra) = (head.short(), head.short());
            assert!(head.take(name_in_front.into()) == file.entry.name.as_bytes(), "another name in front");
            let mut numbers = Large::read(head.take(extra.into()));
            assert_eq!((numbers.or(in_front.size), numbers.or(in_front.packed)), (size, size));
            numbers.is_over(in_front.needs);
            assert!(head.0.is_empty(), "{index}: something before the file");
            let same = |said: &Said| (said.flags, said.method, said.time, said.date, said.crc);
            assert_eq!(same(&said), same(&in_front));
            assert_eq!((said.flags, said.method), (0x0800, 0));

            let bytes_at = at + local_length(&file.entry);
            behind = bytes_at + size;
            if file.checked {
                assert_eq!(crc(&self.range(bytes_at..behind)), said.crc, "{index}: other bytes");
            }
        }
        assert!(lines.0.is_empty(), "something behind the directory");
        assert_eq!(behind, end.files, "something between the files and the directory");
    }
}

/// What the end of an archive says.
#[derive(Debug, PartialEq, Eq)]
struct End {
    entries: u64,
    /// Where the directory begins, and how long it is.
    files: u64,
    directory: u64,
    /// Where the end begins.
    at: u64,
}

impl End {
    fn find(read: &dyn Fn(Range<u64>) -> Vec<u8>, length: u64) -> Self {
        let bytes = read(length - 22..length);
        let mut fields = Fields(&bytes);
        fields.are(&[b"PK\x05\x06", &[0; 4]]);
        let entries = fields.short();
        assert_eq!(fields.short(), entries);
        let (directory, files, comment) = (fields.long(), fields.long(), fields.short());
        assert_eq!(comment, 0);
        let short = |of: u64| u16::try_from(of).unwrap_or(u16::MAX);
        let long = |of: u64| u32::try_from(of).unwrap_or(u32::MAX);
        let old = Self { entries: entries.into(), files: files.into(), directory: directory.into(), at: length - 22 };
        let has_room = entries != u16::MAX && files != u32::MAX && directory != u32::MAX;
        if has_room {
            return old;
        }
        let bytes = read(length - 42..length - 22);
        let mut fields = Fields(&bytes);
        fields.are(&[b"PK\x06\x07", &[0; 4]]);
        let at = fields.huge();
        assert_eq!((fields.long(), at), (1, length - 98));
        let bytes = read(at..at + 56);
        let mut fields = Fields(&bytes);
        fields.are(&[b"PK\x06\x06", &44_u64.to_le_bytes(), &[45, 3, 45, 0], &[0; 8]]);
        let (entries, same) = (fields.huge(), fields.huge());
        let (directory, files) = (fields.huge(), fields.huge());
        assert_eq!(entries, same);
        let shown = Self {
            entries: short(entries).into(),
            files: long(files).into(),
            directory: long(directory).into(),
            at: length - 22,
        };
        assert_eq!(shown, old, "the old end says another thing");
        Self { entries, files, directory, at }
    }
}

/// What both places say of a file.
struct Said {
    needs: u16,
    flags: u16,
    method: u16,
    time: u16,
    date: u16,
    crc: u32,
    packed: u32,
    size: u32,
}

impl Said {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            needs: fields.short(),
            flags: fields.short(),
            method: fields.short(),
            time: fields.short(),
            date: fields.short(),
            crc: fields.long(),
            packed: fields.long(),
            size: fields.long(),
        }
    }
}

/// The numbers of the one extra field, each of which is there if its place says so, and only then.
struct Large<'a>(Option<Fields<'a>>);

impl<'a> Large<'a> {
    fn read(extra: &'a [u8]) -> Self {
        if extra.is_empty() {
            return Self(None);
        }
        let mut fields = Fields(extra);
        assert_eq!((fields.short(), usize::from(fields.short())), (1, extra.len() - 4));
        assert!(!fields.0.is_empty(), "an extra field of nothing");
        Self(Some(fields))
    }

    fn or(&mut self, number: u32) -> u64 {
        if number < u32::MAX {
            return number.into();
        }
        let number = self.0.as_mut().expect("a number elsewhere").huge();
        assert!(number >= LARGE, "there was room for it");
        number
    }

    fn is_over(&self, needs: u16) {
        assert_eq!(needs, if self.0.is_some() { 45 } else { 20 });
        assert!(self.0.as_ref().is_none_or(|fields| fields.0.is_empty()), "more numbers than places");
    }
}

/// Numbers, the lowest byte first.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn are(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| assert_eq!(self.take(part.len()), *part));
    }

    fn huge(&mut self) -> u64 {
        self.take(8).iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn long(&mut self) -> u32 {
        self.take(4).iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
    }

    fn short(&mut self) -> u16 {
        self.take(2).iter().rev().fold(0, |number, byte| number << 8 | u16::from(*byte))
    }
}

fn slice(bytes: &[u8], range: Range<u64>) -> Vec<u8> {
    bytes[range.start as usize..range.end as usize].to_vec()
}

fn rest(mut bytes: Vec<u8>, from: u64) -> Vec<u8> {
    let from = usize::try_from(from).map_or(bytes.len(), |from| from.min(bytes.len()));
    bytes.split_off(from)
}

/// Bytes of a file, by where they are: no two files are alike, and none is the same from another place on.
fn content(file: usize, range: Range<u64>) -> Vec<u8> {
    let byte = |at: u64| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8 ^ (file as u8).wrapping_mul(151);
    range.map(byte).collect()
}

/// Bit by bit, as the format describes it.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
