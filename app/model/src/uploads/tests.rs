//! What headers mean, and thousands of histories of one upload: writers that are cut, overtaken, late, wrong or lying,
//! against the one thing that must hold.

use super::ask::{self, Algorithm, Append, Bytes, Headers};
use super::decide::{self, Claim, Stored};
use super::metadata::Metadata;
use super::*;
use crate::error::Code;
use crate::id::EventId;

const LARGEST: u64 = 1000;
const NOW: Millis = Millis(1_800_000_000_000);

fn code<T: std::fmt::Debug>(result: Result<T, AppError>) -> Code {
    result.expect_err("refused").code
}

fn id(number: u8) -> UploadId {
    UploadId::new(NOW.0, [number; 10])
}

#[test]
fn a_request_says_its_version_once_and_hides_no_other_method() {
    let with = |headers: &[(&str, &str)]| ask::check(Headers(headers));
    assert!(with(&[("tus-resumable", "1.0.0")]).is_ok());
    for wrong in [&[][..], &[("tus-resumable", "0.2.2")], &[("tus-resumable", "1.0.0, 1.0.0")]] {
        assert_eq!(code(with(wrong)), Code::UploadVersion);
    }
    assert_eq!(code(with(&[("tus-resumable", "1.0.0"), ("tus-resumable", "1.0.0")])), Code::Invalid);
    assert_eq!(code(with(&[("tus-resumable", "1.0.0"), ("x-http-method-override", "PATCH")])), Code::Invalid);
}

#[test]
fn a_beginning_says_how_long_it_is_or_that_it_says_so_later() {
    let with = |more: &[(&str, &str)]| {
        let headers = [&[("tus-resumable", "1.0.0")], more].concat();
        ask::create(Headers(&headers))
    };
    assert_eq!(with(&[("upload-length", "7")]).expect("is read").length, Some(7));
    assert_eq!(with(&[("upload-defer-length", "1")]).expect("is read").length, None);
    for wrong in [
        &[][..],
        &[("upload-length", "7"), ("upload-defer-length", "1")],
        &[("upload-defer-length", "2")],
        &[("upload-length", "-1")],
        &[("upload-length", "+1")],
        &[("upload-length", "1e3")],
        &[("upload-length", "")],
        &[("upload-length", "0x10")],
        &[("upload-length", "99999999999999999999")],
        &[("upload-length", "7"), ("upload-length", "8")],
        &[("upload-length", "7"), ("upload-concat", "final;/uploads/x")],
        &[("upload-concat", "final;")],
        &[("upload-length", "7"), ("upload-concat", "whole")],
    ] {
        assert_eq!(code(with(wrong)), Code::Invalid, "{wrong:?}");
    }
    let brings = |kind: &str| with(&[("upload-length", "7"), ("content-type", kind), ("content-length", "3")]);
    let bytes = brings("application/offset+octet-stream").expect("is read").bytes.expect("brings bytes");
    assert_eq!(bytes, Bytes { size: Some(3), checksum: None });
    assert_eq!(code(brings("image/jpeg")), Code::ContentType);

    let (a, b) = (id(1), id(2));
    let joined = format!("final;/uploads/{a} https://photos.example/uploads/{b}");
    let ask = with(&[("upload-concat", &joined)]).expect("is read");
    assert_eq!(ask.kind, Kind::Joined(vec![a.clone(), b]));
    let twice = format!("final;/uploads/{a} /uploads/{a}");
    assert_eq!(code(with(&[("upload-concat", &twice)])), Code::Invalid);
}

#[test]
fn bytes_say_where_they_belong_and_what_they_are_checked_by() {
    let with = |more: &[(&str, &str)]| {
        let kind = ("content-type", "application/offset+octet-stream");
        let headers = [&[("tus-resumable", "1.0.0"), kind, ("upload-offset", "4")], more].concat();
        ask::append(Headers(&headers))
    };
    let found = with(&[("upload-checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")]).expect("is read");
    assert_eq!(found.offset, 4);
    assert_eq!(found.bytes.checksum.expect("a checksum").algorithm, Algorithm::Sha1);
    for wrong in
        ["md5 xLcZ", "sha1", "sha1 !!", "sha256 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="]
    {
        assert_eq!(code(with(&[("upload-checksum", wrong)])), Code::Invalid, "{wrong}");
    }
    let plain = [("tus-resumable", "1.0.0"), ("upload-offset", "4"), ("content-type", "application/octet-stream")];
    assert_eq!(code(ask::append(Headers(&plain))), Code::ContentType);
}

#[test]
fn metadata_is_read_and_what_is_unknown_means_nothing() {
    let encode = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
    let event = EventId::new(1, [1; 10]);
    let header = format!(
        "event {}, filename {},filetype {},guest {},idempotencykey {},capturedat {},relativePath",
        encode(event.as_str()),
        encode("größe.jpg"),
        encode("image/jpeg"),
        encode(r#"{"email":"anna@example.com"}"#),
        encode("booth-1"),
        encode("1800000000000"),
    );
    let found = Metadata::read(&header).expect("is read");
    assert_eq!(found.event, Some(event));
    assert_eq!(found.declared.as_deref(), Some("image/jpeg"));
    assert_eq!(found.key.as_deref(), Some("booth-1"));
    assert_eq!(found.captured_at, Some(NOW));
    assert!(found.guest.is_some_and(|guest| guest.email.is_some()));
    for wrong in [
        "a b c".to_owned(),
        ",".to_owned(),
        "filetype ???".to_owned(),
        "filetype aW1hZ2U=, filetype aW1hZ2U=".to_owned(),
        format!("guest {}", encode("[]")),
        format!("guest {}", encode(r#"{"nick":"x"}"#)),
        format!("capturedat {}", encode("yesterday")),
        format!("idempotencykey {}", encode("a\nb")),
        "filetype /////w==".to_owned(),
        format!("x {}", "A".repeat(40_000)),
    ] {
        assert_eq!(code(Metadata::read(&wrong)), Code::Invalid, "{}", &wrong[..20.min(wrong.len())]);
    }
}

#[test]
fn only_whole_partial_uploads_are_joined() {
    let part = |offset, length| Stored { kind: Kind::Partial, length, offset, ..stored() };
    let join = |parts: &[Option<&Stored>]| decide::join(parts.iter().copied(), LARGEST, NOW);
    let (one, two) = (part(3, Some(3)), part(4, Some(4)));
    assert_eq!(join(&[Some(&one), Some(&two)]).expect("joins"), 7);
    assert_eq!(code(join(&[Some(&one), None])), Code::NotFound);
    assert_eq!(code(join(&[Some(&one), Some(&part(3, Some(4)))])), Code::UploadOffset);
    assert_eq!(code(join(&[Some(&one), Some(&part(3, None))])), Code::UploadOffset);
    assert_eq!(code(join(&[Some(&Stored { kind: Kind::Whole, ..one.clone() })])), Code::Invalid);
    assert_eq!(code(join(&[Some(&part(LARGEST, Some(LARGEST))), Some(&two)])), Code::TooLarge);
}

const fn stored() -> Stored {
    Stored { kind: Kind::Whole, length: None, offset: 0, closed: false, expires_at: Millis(NOW.0 + KEPT), claim: 0 }
}

/// SplitMix64: the same histories in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % most
    }
}

/// A request under way.
struct Writer {
    claim: Claim,
    at: u64,
    /// What came and counts only when all of it is there and its checksum fits.
    held: Option<Vec<u8>>,
    /// Whether what it sends is what stands in the file. A checksum finds out; without one it is the client's own fault.
    true_bytes: bool,
}

/// An upload as a store has it.
struct Store {
    stored: Stored,
    disk: Vec<u8>,
    now: Millis,
}

impl Store {
    /// Makes bytes count, as the one statement of the store does.
    fn advance(&mut self, claim: Claim, at: u64, bytes: &[u8]) -> bool {
        if !decide::holds(&self.stored, claim, at) {
            return false;
        }
        // Whatever lies behind the end is what writers left who were overtaken.
        self.disk.truncate(at as usize);
        self.disk.extend_from_slice(bytes);
        self.stored.offset += bytes.len() as u64;
        self.stored.closed = self.stored.length == Some(self.stored.offset);
        true
    }
}

/// What must be answered, said in other words than the rules are.
fn expected(store: &Store, ask: &Append) -> Result<(), Code> {
    let Stored { length, offset, expires_at, .. } = store.stored;
    if store.now >= expires_at {
        return Err(Code::UploadEnded);
    }
    let same_length = length.is_none() || ask.length.is_none() || length == ask.length;
    let end = length.or(ask.length).unwrap_or(LARGEST);
    if ask.offset != offset || !same_length || (length.is_none() && end < offset) {
        return Err(Code::UploadOffset);
    }
    if end > LARGEST || ask.bytes.size.is_some_and(|size| offset + size > end) {
        return Err(Code::TooLarge);
    }
    Ok(())
}

fn history(seed: u64) -> [usize; 3] {
    let mut dice = Dice(seed);
    let size = 1 + dice.below(60);
    let file: Vec<u8> = (0..size).map(|_| dice.below(256) as u8).collect();
    let length = if dice.below(3) == 0 { None } else { Some(size) };
    let mut store = Store { stored: Stored { length, ..stored() }, disk: Vec::new(), now: NOW };
    let mut writers: Vec<Writer> = Vec::new();
    let mut counts = [0; 3];
    for _ in 0..120 {
        let (before, disk) = (store.stored.clone(), store.disk.clone());
        match dice.below(10) {
            0..=2 => {
                let offset = match dice.below(4) {
                    0 => dice.below(size + 3),
                    _ => store.stored.offset,
                };
                let said = match dice.below(6) {
                    0 => Some(dice.below(size + 3)),
                    1 | 2 => Some(size),
                    _ => None,
                };
                let body = (dice.below(2) == 0).then(|| dice.below(size + 2));
                let ask = Append { offset, length: said, bytes: Bytes { size: body, checksum: None } };
                let wanted = expected(&store, &ask);
                match decide::append(&ask, Some(&store.stored), LARGEST, store.now) {
                    Ok(claim) => {
                        assert_eq!(wanted, Ok(()), "seed {seed}");
                        // A length that is not the file's is the client's own and ends the story: leave it out.
                        if claim.length.is_some_and(|length| length != size) {
                            continue;
                        }
                        store.stored.claim = claim.number;
                        store.stored.length = claim.length;
                        store.stored.closed = store.stored.length == Some(store.stored.offset);
                        let checked = dice.below(3) == 0;
                        let true_bytes = !checked || dice.below(3) != 0;
                        let held = checked.then(Vec::new);
                        writers.push(Writer { claim, at: claim.offset, held, true_bytes });
                        counts[0] += 1;
                    }
                    Err(error) => {
                        assert_eq!(wanted, Err(error.code), "seed {seed}");
                        assert_eq!((&store.stored, &store.disk), (&before, &disk), "a refusal changes nothing");
                    }
                }
            }
            3..=7 if !writers.is_empty() => {
                let index = dice.below(writers.len() as u64) as usize;
                let writer = &mut writers[index];
                let from = writer.at.min(size) as usize;
                let most = size - from as u64;
                let bytes = &file[from..from + dice.below(most + 1) as usize];
                let alone = store.stored.claim == writer.claim.number;
                let sent: Vec<u8> = if writer.true_bytes { bytes.to_vec() } else { bytes.iter().map(|b| !b).collect() };
                writer.at += sent.len() as u64;
                if let Some(held) = &mut writer.held {
                    held.extend(sent);
                } else {
                    let at = writer.at - sent.len() as u64;
                    let counted = store.advance(writer.claim, at, &sent);
                    assert!(alone || !counted, "seed {seed}: an overtaken writer wrote");
                    if !counted {
                        writers.remove(index);
                        counts[1] += 1;
                    }
                }
            }
            8 if !writers.is_empty() => {
                // The end of a request, or a cut. A checked one counts now or never.
                let writer = writers.remove(dice.below(writers.len() as u64) as usize);
                if let Some(held) = writer.held
                    && writer.true_bytes
                    && dice.below(4) != 0
                {
                    store.advance(writer.claim, writer.claim.offset, &held);
                }
            }
            9 if dice.below(60) == 0 => store.now = store.now.plus(KEPT),
            _ => {}
        }
        assert!(store.stored.offset >= before.offset, "seed {seed}: the end went back");
        assert!(before.length.is_none() || store.stored.length == before.length, "seed {seed}: another length");
        assert_eq!(store.stored.offset as usize, store.disk.len(), "seed {seed}");
        assert!(file.starts_with(&store.disk), "seed {seed}: not the file");
    }
    counts[2] = usize::from(store.disk == file);
    counts
}

/// Case 53.
#[test]
fn whatever_writers_do_the_bytes_are_the_files() {
    let mut sums = [0; 3];
    for seed in 0..20_000 {
        for (sum, count) in sums.iter_mut().zip(history(seed)) {
            *sum += count;
        }
    }
    let [begun, overtaken, whole] = sums;
    assert!(begun > 100_000 && overtaken > 10_000 && whole > 5_000, "{sums:?}: a test of too little");
}
