//! What `cargo xtask fuzz` runs of this crate: histories of resumable uploads (tus), spoken in headers that may be damaged.
//! Bytes say what happens next: requests, bytes that come, cuts, crashes, time. A store in memory carries out what is
//! decided, as the real one does, and after each step what must hold is looked at.

#[path = "fuzz_tus/heads.rs"]
mod heads;

use std::collections::BTreeMap;
use std::process::ExitCode;

use data_encoding::BASE64;
use shutterpost_fuzz::{Target, as_it_is};
use shutterpost_model::error::Code;
use shutterpost_model::id::UploadId;
use shutterpost_model::time::Millis;
use shutterpost_model::uploads::ask::{self, Append, Bytes, Checksum, Headers};
use shutterpost_model::uploads::decide::{self, Claim, Stored};
use shutterpost_model::uploads::{KEPT, Kind, PATH, VERSION};

use crate::heads::{BYTES, Lines, assert_told, damage, judge_append, judge_create, text};

/// Small, so that its border is met.
const LARGEST: u64 = 400;
const NOW: Millis = Millis(1_800_000_000_000);
/// More uploads and steps find nothing that fewer do not.
const UPLOADS_MOST: usize = 16;
const STEPS_MOST: usize = 300;

fn main() -> ExitCode {
    shutterpost_fuzz::main(&[Target { name: "tus", corpus, mend: as_it_is, run: history }])
}

/// What is left of the input; nothing but noughts at its end.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit.max(1)
    }

    /// Up to somewhat more than the largest file.
    fn size(&mut self) -> u64 {
        (u64::from(self.byte()) << 8 | u64::from(self.byte())) % (LARGEST + 20)
    }

    fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// An upload as the store has it.
struct Kept {
    id: UploadId,
    stored: Stored,
    /// The bytes that count. Of a joined one those of its parts when it began.
    disk: Vec<u8>,
    gone: bool,
}

/// A request that brings bytes.
struct Writer {
    upload: usize,
    claim: Claim,
    /// How many it says that it brings, and how many came.
    size: Option<u64>,
    came: u64,
    /// What came and counts only if the checksum of all of it fits, which one in two does.
    held: Option<(Checksum, Vec<u8>)>,
}

struct Store {
    now: Millis,
    uploads: Vec<Kept>,
    writers: Vec<Writer>,
    /// What was taken in, by the key under which it is taken in once.
    captures: BTreeMap<String, Vec<u8>>,
}

fn history(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut store = Store { now: NOW, uploads: Vec::new(), writers: Vec::new(), captures: BTreeMap::new() };
    for _ in 0..STEPS_MOST {
        if input.0.is_empty() {
            break;
        }
        let before: Vec<(Stored, Vec<u8>)> =
            store.uploads.iter().map(|kept| (kept.stored.clone(), kept.disk.clone())).collect();
        let captures = store.captures.clone();
        store.step(&mut input);
        store.holds_what_it_said(&before, &captures);
    }
}

impl Store {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 12 {
            0 | 1 if self.uploads.len() < UPLOADS_MOST => self.create(input),
            2..=4 => self.append(input),
            5..=7 => self.bytes_come(input),
            8 => self.request_ends(input),
            9 => {
                let upload = self.any(input);
                self.told(upload, input.byte().is_multiple_of(4));
            }
            10 => self.end(input),
            11 => self.time_passes(input),
            _ => {}
        }
    }

    /// One of the uploads, or one that never was.
    fn any(&self, input: &mut Input<'_>) -> usize {
        // The latest more often than others.
        match input.byte() {
            at @ 0..128 => usize::from(at) % (self.uploads.len() + 1),
            _ => self.uploads.len().saturating_sub(1),
        }
    }

    fn stored(&self, upload: usize) -> Option<&Stored> {
        self.uploads.get(upload).filter(|kept| !kept.gone).map(|kept| &kept.stored)
    }

    fn create(&mut self, input: &mut Input<'_>) {
        let how = input.byte();
        let mut lines: Lines = vec![("tus-resumable", VERSION.to_owned())];
        match how & 0b111 {
            0..=2 => lines.push(("upload-length", input.size().to_string())),
            3 => lines.push(("upload-defer-length", "1".to_owned())),
            4 | 5 => {
                lines.push(("upload-concat", "partial".to_owned()));
                lines.push(("upload-length", (input.byte() % 40).to_string()));
            }
            _ => {
                let parts = (0..input.below(4)).map(|_| {
                    let upload = self.any(input);
                    let id = self.uploads.get(upload).map_or("upl_none", |kept| kept.id.as_str());
                    format!("{PATH}/{id}")
                });
                let parts: Vec<String> = parts.collect();
                lines.push(("upload-concat", format!("final;{}", parts.join(" "))));
            }
        }
        if how & 0b1000 != 0 {
            lines.push(("content-type", BYTES.to_owned()));
            lines.push(("content-length", input.size().to_string()));
        }
        match how >> 6 {
            1 => lines.push(("upload-metadata", "filetype aW1hZ2UvanBlZw==,x,idempotencykey Ym9vdGg=".to_owned())),
            2 => lines.push(("upload-metadata", text(input))),
            _ => {}
        }
        damage(&mut lines, input);
        let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let ask = match ask::create(Headers(&lines)) {
            Ok(ask) => ask,
            Err(error) => return assert_told(&error),
        };
        judge_create(&lines, &ask);
        let begun = match decide::create(&ask, LARGEST) {
            Ok(begun) => begun,
            Err(error) => {
                assert_eq!(error.code, Code::TooLarge);
                let most = ask.length.unwrap_or(LARGEST).min(LARGEST);
                let brings = ask.bytes.as_ref().and_then(|bytes| bytes.size);
                assert!(ask.length > Some(LARGEST) || brings > Some(most), "refused though it fits");
                return;
            }
        };
        assert_eq!((begun.length, begun.claim.is_some()), (ask.length, ask.bytes.is_some()));
        let (length, disk) = match &ask.kind {
            Kind::Whole | Kind::Partial => (begun.length, Vec::new()),
            Kind::Joined(parts) => match self.join(parts) {
                Some(disk) => (Some(disk.len() as u64), disk),
                None => return,
            },
        };
        let random = [self.uploads.len() as u8; 10];
        let expires_at = self.now.plus(KEPT);
        let offset = disk.len() as u64;
        let stored = Stored { kind: ask.kind, length, offset, closed: false, expires_at, claim: 0 };
        let upload = self.uploads.len();
        self.uploads.push(Kept { id: UploadId::new(self.now.0, random), stored, disk, gone: false });
        if let (Some(claim), Some(bytes)) = (begun.claim, ask.bytes) {
            assert!(claim.most <= LARGEST && bytes.size.is_none_or(|size| size <= claim.most));
            self.begin(upload, claim, bytes);
        }
        self.told(upload, false);
    }

    /// The bytes of uploads that may be joined.
    fn join(&self, parts: &[UploadId]) -> Option<Vec<u8>> {
        let place = |id: &UploadId| self.uploads.iter().position(|kept| kept.id == *id);
        let found: Vec<Option<&Stored>> = parts.iter().map(|id| self.stored(place(id)?)).collect();
        let good = |part: &&Stored| {
            part.kind == Kind::Partial && part.length == Some(part.offset) && self.now < part.expires_at
        };
        let sum: u64 = found.iter().flatten().map(|part| part.offset).sum();
        let expected = found.iter().all(|part| part.as_ref().is_some_and(good)) && sum <= LARGEST;
        match decide::join(found, LARGEST, self.now) {
            Ok(length) => {
                assert!(expected && length == sum, "joined what does not fit together");
                let disks = parts.iter().filter_map(|id| self.uploads.get(place(id)?));
                Some(disks.flat_map(|kept| kept.disk.iter().copied()).collect())
            }
            Err(error) => {
                assert!(!expected, "{error:?}");
                None
            }
        }
    }

    fn append(&mut self, input: &mut Input<'_>) {
        let (upload, how) = (self.any(input), input.byte());
        let end = self.stored(upload).map_or(0, |stored| stored.offset);
        let offset = if how & 0b11 == 0 { input.size() } else { end };
        let mut lines: Lines = vec![
            ("tus-resumable", VERSION.to_owned()),
            ("content-type", BYTES.to_owned()),
            ("upload-offset", offset.to_string()),
        ];
        if how & 0b1100 == 0 {
            lines.push(("upload-length", input.size().to_string()));
        }
        if how & 0b1_0000 != 0 {
            lines.push(("content-length", input.size().to_string()));
        }
        if how & 0b1110_0000 == 0 {
            let (name, size) = if input.byte().is_multiple_of(2) { ("sha1", 20) } else { ("sha256", 32) };
            lines.push(("upload-checksum", format!("{name} {}", BASE64.encode(&vec![input.byte(); size]))));
        }
        damage(&mut lines, input);
        let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let ask = match ask::append(Headers(&lines)) {
            Ok(ask) => ask,
            Err(error) => return assert_told(&error),
        };
        judge_append(&lines, &ask);
        let expected = self.expected(upload, &ask);
        match decide::append(&ask, self.stored(upload), LARGEST, self.now) {
            Err(error) => assert_eq!(expected, Err(error.code)),
            Ok(claim) => {
                assert_eq!(expected, Ok(()));
                let known = claim.length.unwrap_or(LARGEST);
                assert_eq!((claim.offset, claim.most), (ask.offset, known - ask.offset));
                self.begin(upload, claim, ask.bytes);
                self.told(upload, input.byte().is_multiple_of(8));
            }
        }
    }

    /// What must be answered, said in other words than the rules are.
    fn expected(&self, upload: usize, ask: &Append) -> Result<(), Code> {
        let Some(Stored { kind, length, offset, expires_at, .. }) = self.stored(upload) else {
            return Err(Code::NotFound);
        };
        if self.now >= *expires_at {
            return Err(Code::UploadEnded);
        }
        if matches!(kind, Kind::Joined(_)) {
            return Err(Code::UploadJoined);
        }
        let same_length = length.is_none() || ask.length.is_none() || *length == ask.length;
        let end = length.or(ask.length).unwrap_or(LARGEST);
        if ask.offset != *offset || !same_length || end < *offset {
            return Err(Code::UploadOffset);
        }
        if end > LARGEST || ask.bytes.size.is_some_and(|size| u128::from(*offset) + u128::from(size) > end.into()) {
            return Err(Code::TooLarge);
        }
        Ok(())
    }

    /// The one statement that takes a claim.
    fn begin(&mut self, upload: usize, claim: Claim, bytes: Bytes) {
        let Some(Kept { stored, .. }) = self.uploads.get_mut(upload) else { return };
        if stored.claim + 1 == claim.number && stored.offset == claim.offset && !stored.closed {
            (stored.claim, stored.length) = (claim.number, claim.length);
            let held = bytes.checksum.map(|checksum| (checksum, Vec::new()));
            self.writers.push(Writer { upload, claim, size: bytes.size, came: 0, held });
        }
    }

    /// The one statement that makes bytes count.
    fn advance(&mut self, upload: usize, claim: Claim, at: u64, bytes: &[u8]) -> bool {
        let Some(Kept { stored, disk, gone: false, .. }) = self.uploads.get_mut(upload) else { return false };
        if !decide::holds(stored, claim, at) {
            return false;
        }
        assert_eq!(stored.claim, claim.number, "an overtaken writer wrote");
        // What lies behind would be what others left.
        disk.truncate(at as usize);
        disk.extend_from_slice(bytes);
        stored.offset += bytes.len() as u64;
        stored.expires_at = self.now.plus(KEPT);
        true
    }

    fn bytes_come(&mut self, input: &mut Input<'_>) {
        let index = input.below(self.writers.len());
        let most = input.below(80);
        let bytes = input.take(most);
        let Some(writer) = self.writers.get_mut(index) else { return };
        let at = writer.claim.offset + writer.came;
        writer.came += bytes.len() as u64;
        let mut goes_on = writer.came <= writer.claim.most;
        if let (true, Some((_, held))) = (goes_on, &mut writer.held) {
            held.extend_from_slice(bytes);
        } else if goes_on {
            let (upload, claim) = (writer.upload, writer.claim);
            goes_on = self.advance(upload, claim, at, bytes);
        }
        if !goes_on {
            self.writers.remove(index);
        }
    }

    fn request_ends(&mut self, input: &mut Input<'_>) {
        let (index, how) = (input.below(self.writers.len()), input.byte());
        if index >= self.writers.len() {
            return;
        }
        let Writer { upload, claim, size, came, held } = self.writers.remove(index);
        let whole = how % 4 != 0 && size.is_none_or(|size| size == came);
        if let Some((checksum, held)) = held
            && whole
            && checksum.digest.first().is_some_and(|byte| byte % 2 == 0)
        {
            self.advance(upload, claim, claim.offset, &held);
        }
        self.told(upload, how % 8 == 1);
    }

    /// How far an upload is; what is all there is taken in. A crash may come between taking it in and noting that.
    fn told(&mut self, upload: usize, crash: bool) {
        let there = self.uploads.get(upload).is_some_and(|kept| !kept.gone);
        let expired = self.uploads.get(upload).is_some_and(|kept| self.now >= kept.stored.expires_at);
        match decide::living(self.stored(upload), self.now) {
            Err(error) if there => assert!(expired && error.code == Code::UploadEnded),
            Err(error) => return assert_eq!(error.code, Code::NotFound),
            Ok(_) => assert!(there && !expired, "what is over is not told"),
        }
        let Some(Kept { id, stored, disk, .. }) = self.uploads.get(upload) else { return };
        let ripe = !expired && !stored.closed && stored.kind != Kind::Partial && stored.length == Some(stored.offset);
        if !ripe {
            return;
        }
        let parts = if let Kind::Joined(parts) = &stored.kind { parts.clone() } else { Vec::new() };
        let place = |id: &UploadId| self.uploads.iter().position(|kept| kept.id == *id && !kept.gone);
        let places: Vec<Option<usize>> = parts.iter().map(place).collect();
        if places.contains(&None) {
            return;
        }
        let parts: Vec<usize> = places.into_iter().flatten().collect();
        let file = if parts.is_empty() {
            disk.clone()
        } else {
            parts.iter().filter_map(|part| self.uploads.get(*part)).flat_map(|part| part.disk.clone()).collect()
        };
        assert_eq!(&file, disk, "a part changed after it was joined");
        let id = id.as_str().to_owned();
        let known = self.captures.entry(id).or_insert_with(|| file.clone());
        assert_eq!(*known, file, "a second capture of one upload");
        if crash {
            return;
        }
        for part in parts {
            self.remove(part);
        }
        if let Some(kept) = self.uploads.get_mut(upload) {
            kept.stored.closed = true;
        }
    }

    fn end(&mut self, input: &mut Input<'_>) {
        let upload = self.any(input);
        // Rare, or histories would be short.
        if input.byte().is_multiple_of(4) && decide::living(self.stored(upload), self.now).is_ok() {
            self.remove(upload);
        }
    }

    fn remove(&mut self, upload: usize) {
        if let Some(kept) = self.uploads.get_mut(upload) {
            kept.gone = true;
        }
    }

    /// A while, and now and then the sweep of what nobody went on with.
    fn time_passes(&mut self, input: &mut Input<'_>) {
        let times = i64::from(input.byte() % 8);
        self.now = self.now.plus(KEPT / 7 * times);
        if input.byte().is_multiple_of(4) {
            let now = self.now;
            self.uploads.iter_mut().filter(|kept| now >= kept.stored.expires_at).for_each(|kept| kept.gone = true);
        }
    }

    fn holds_what_it_said(&self, before: &[(Stored, Vec<u8>)], captures: &BTreeMap<String, Vec<u8>>) {
        for (kept, (was, disk)) in self.uploads.iter().zip(before) {
            let is = &kept.stored;
            assert!(is.offset >= was.offset, "the end went back");
            assert!(is.claim >= was.claim && is.expires_at >= was.expires_at && is.kind == was.kind);
            assert!(was.length.is_none() || is.length == was.length, "another length");
            assert!(is.closed || !was.closed, "opened again");
            assert!(kept.disk.starts_with(disk), "what was acknowledged is lost");
            assert!(!was.closed || (is.offset, &kept.disk) == (was.offset, disk), "written after its end");
        }
        for kept in &self.uploads {
            let Stored { offset, length, closed, .. } = kept.stored;
            assert_eq!(offset, kept.disk.len() as u64);
            assert!(offset <= length.unwrap_or(LARGEST) && length.is_none_or(|length| length <= LARGEST));
            let capture = self.captures.get(kept.id.as_str());
            assert!(!closed || capture == Some(&kept.disk), "finished, and no capture");
            assert!(capture.is_none() || length == Some(offset), "a capture of a part");
        }
        assert!(captures.iter().all(|(id, file)| self.captures.get(id) == Some(file)), "a capture changed");
    }
}

/// Histories that end well, and some that know nothing of endings.
fn corpus() -> Vec<Vec<u8>> {
    // What a step reads, in its order: its kind, the upload or the writer, how, numbers, no damage, no crash.
    let (begun, sent) = ([0, 0, 0, 6, 0, 0], [2, 255, 0b0010_1101, 0, 0, 1]);
    let whole =
        [&begun[..], &sent, &[5, 0, 4, 1, 2, 3, 4, 8, 0, 4], &sent, &[5, 0, 2, 5, 6, 8, 0, 2, 9, 255, 1]].concat();
    let described = [&[0, 64][..], whole.get(2..).unwrap_or_default()].concat();
    let partial = [&[0, 4, 3, 0, 0][..], &sent, &[5, 0, 3, 7, 8, 9, 8, 0, 2]].concat();
    let joined = [&partial[..], &partial, &[0, 7, 2, 0, 1, 0, 0, 9, 255, 1]].concat();
    let told_later = [2, 255, 0b0010_0001, 0, 4, 0, 0, 1, 5, 0, 4, 1, 2, 3, 4, 8, 0, 2, 11, 9, 1];
    let deferred = [&[0, 3, 0, 0][..], &told_later].concat();
    let fits = [2, 255, 0b0000_0101, 0, 2, 0, 0, 1, 5, 0, 6, 1, 2, 3, 4, 5, 6, 8, 0, 2];
    let checked = [&begun[..], &fits].concat();
    let one_after_another = [&joined[..], &whole, &deferred, &checked].concat();
    let mut all = vec![whole, described, joined, deferred, checked, one_after_another];
    let mut state = 1_u32;
    all.extend((0..6).map(|_| {
        let byte = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..1500).map(byte).collect()
    }));
    all
}
