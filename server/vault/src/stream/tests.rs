use std::time::Duration;

use aws_lc_rs::aead as second;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::kdf::Derivation;
use crate::testing::{Mix, damage, hex, key, source};

const SEALED_SEGMENT: usize = SEGMENT_BYTES + TAG_BYTES;

fn sealed(plain: &[u8], seed: u64) -> Vec<u8> {
    seal_all(&key(1), plain, &mut source(seed)).unwrap()
}

fn opener(key: &DataKey, sealed: &[u8]) -> Result<Opener, OpenError> {
    Opener::new(key, Header::parse(sealed)?.0)
}

// Computed with Python's cryptography (AESGCM), hmac and hashlib; lp and hkdf as in the tests of `field`, but with the
// salt in the place of the zeros:
//   covered = b"sS\x01\x01\x10" + id + version + salt + prefix + len(plain) as u64 BE + file id
//   header = covered + hkdf(["stream", "commit", covered], 32)
//   header + AESGCM(hkdf(["stream", "encrypt", covered], 32)).encrypt(prefix + i as u32 BE + last, segment, header) …
// with every random byte 0xA5.
#[test]
fn a_file_matches_an_independent_computation() {
    let plain: Vec<u8> = (0..70_000_u64).map(|i| ((i * i) >> 3) as u8).collect();
    let sealed = seal_all(&key(1), &plain, &mut |bytes: &mut [u8]| bytes.fill(0xA5)).unwrap();
    assert_eq!(sealed.len(), 70_150);
    assert_eq!(hex(&sealed[86..118]), "81ebca54671b801a2de26dd221bebce8b67e7456b40ed50a04d63f848e8e1e7b");
    let digest: [u8; 32] = Sha256::digest(&sealed).into();
    assert_eq!(hex(&digest), "ed007c6ccf25a512889065cf77ad38e28a06a4a907ece43a84731f10730cbba9");
}

#[test]
fn files_of_all_sizes_open() {
    let segment = SEGMENT_BYTES;
    for length in [0, 1, 16, segment - 1, segment, segment + 1, 2 * segment, 3 * segment - 5, 1_000_000] {
        let plain = Mix::new(1).bytes(length);
        let sealed = sealed(&plain, 2);
        assert_eq!(sealed.len() as u64, sealed_len(length as u64), "{length}");
        assert!(sealed.capacity() <= sealed.len() + TAG_BYTES, "one allocation");
        assert_eq!(open_all(&key(1), &sealed).unwrap(), plain);
        let opener = opener(&key(1), &sealed).unwrap();
        assert_eq!((opener.length(), opener.sealed_len()), (length as u64, sealed.len() as u64));
    }
    assert_eq!(sealed_len(u64::MAX), u64::MAX);
    assert_eq!(sealed_len(0), (Header::LEN + TAG_BYTES) as u64);
}

#[test]
fn a_file_is_exactly_as_long_as_declared() {
    let (key, mut random) = (key(1), source(3));
    assert_eq!(
        Sealer::new(&key, MAX_PLAIN_BYTES + 1, &mut random).unwrap_err(),
        SealError::TooLong { length: MAX_PLAIN_BYTES + 1 }
    );
    let mut sealer = Sealer::new(&key, SEGMENT_BYTES as u64 + 3, &mut random).unwrap();
    let mut out = Vec::new();
    assert_eq!(sealer.next_len(), Some(SEGMENT_BYTES));
    let wrong = SealError::WrongLength { expected: SEGMENT_BYTES, given: 3 };
    assert_eq!(sealer.seal_segment(b"abc", &mut out), Err(wrong));
    assert!(out.is_empty());
    sealer.seal_segment(&vec![1; SEGMENT_BYTES], &mut out).unwrap();
    assert_eq!(sealer.next_len(), Some(3));
    let mut last = *b"abc";
    let tag = sealer.seal_in_place(&mut last).unwrap();
    out.extend_from_slice(&last);
    out.extend_from_slice(&tag);
    assert_eq!(sealer.next_len(), None);
    assert_eq!(sealer.seal_segment(b"", &mut out), Err(SealError::Finished));
    let stored = [&sealer.header().bytes()[..], &out].concat();
    sealer.finish().unwrap();
    assert_eq!(&open_all(&key, &stored).unwrap()[SEGMENT_BYTES..], b"abc");

    let empty = Sealer::new(&key, 0, &mut random).unwrap();
    assert_eq!(empty.next_len(), Some(0), "an empty file has one empty segment");
    assert_eq!(empty.finish(), Err(SealError::Unfinished));
}

#[test]
fn ten_thousand_ranges_equal_the_plain_file() {
    let plain = Mix::new(4).bytes(10 * SEGMENT_BYTES + 1234);
    let sealed = sealed(&plain, 5);
    let opener = opener(&key(1), &sealed).unwrap();
    let mut mix = Mix::new(6);
    let edges = [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, plain.len() - 1, plain.len(), usize::MAX];
    for round in 0..10_000 {
        let mut pick = |limit| if mix.below(4) == 0 { edges[mix.below(edges.len())] } else { mix.below(limit) };
        let (offset, length) = (pick(plain.len() + 10), pick(if round % 2 == 0 { 3000 } else { plain.len() }));
        let located = opener.locate(offset as u64, length as u64);
        let cipher = located.cipher.start as usize..located.cipher.end as usize;
        let expected = plain.get(offset..offset.saturating_add(length).min(plain.len())).unwrap_or_default();
        assert_eq!(located.take, expected.len() as u64);
        // At most one segment more than needed on either side is read.
        let most = expected.len() + 2 * SEGMENT_BYTES + (expected.len() / SEGMENT_BYTES + 2) * TAG_BYTES;
        assert!(cipher.len() <= most, "{offset}+{length} reads {cipher:?}");
        assert_eq!(opener.open_range(&located, &sealed[cipher]).unwrap(), expected, "{offset}+{length}");
    }
}

#[test]
fn a_range_is_refused_if_other_bytes_were_read() {
    let plain = Mix::new(7).bytes(4 * SEGMENT_BYTES);
    let sealed = sealed(&plain, 8);
    let opener = opener(&key(1), &sealed).unwrap();
    let located = opener.locate(70_000, 100_000);
    let (start, end) = (located.cipher.start as usize, located.cipher.end as usize);
    assert_eq!(located.first_segment, 1);
    assert!(opener.open_range(&located, &sealed[start..end]).is_ok());
    assert_eq!(opener.open_range(&located, &sealed[start..end - 1]), Err(OpenError::Malformed));
    assert_eq!(opener.open_range(&located, &sealed[start + 1..end + 1]), Err(OpenError::Refused));
    let shifted = start + SEALED_SEGMENT..end + SEALED_SEGMENT;
    assert_eq!(opener.open_range(&located, &sealed[shifted]), Err(OpenError::Refused));
    let mut planted = located.clone();
    planted.first_segment = u32::MAX;
    assert_eq!(opener.open_range(&planted, &sealed[start..end]), Err(OpenError::Malformed));
}

#[test]
fn ten_thousand_damaged_files_are_refused() {
    let key = key(1);
    let mut mix = Mix::new(9);
    for round in 0..10_000 {
        // Every tenth has several segments; the others are small, so that the header and the tags are hit often.
        let length = if round % 10 == 0 { mix.below(3 * SEGMENT_BYTES) } else { mix.below(200) };
        let plain = mix.bytes(length);
        let sealed = sealed(&plain, round);
        let damaged = damage(&sealed, &mut mix);
        assert!(open_all(&key, &damaged).is_err(), "round {round}, {length} bytes");
    }
}

#[test]
fn cut_extended_reordered_and_mixed_files_are_refused() {
    let key = key(1);
    let plain = Mix::new(10).bytes(5 * SEGMENT_BYTES);
    let (a, b) = (sealed(&plain, 11), sealed(&plain, 12));
    let segments = |file: &[u8]| file[Header::LEN..].chunks(SEALED_SEGMENT).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let joined = |header: &[u8], segments: &[Vec<u8>]| [&header[..Header::LEN], &segments.concat()].concat();
    let (ours, theirs) = (segments(&a), segments(&b));
    assert_eq!(open_all(&key, &joined(&a, &ours)).unwrap(), plain);

    for kept in 0..5 {
        assert!(open_all(&key, &joined(&a, &ours[..kept])).is_err(), "cut to {kept} segments");
        // A header that was made to fit is not genuine any more.
        let mut header = a[..Header::LEN].to_vec();
        header[62..70].copy_from_slice(&((kept * SEGMENT_BYTES) as u64).to_be_bytes());
        assert_eq!(open_all(&key, &joined(&header, &ours[..kept])), Err(OpenError::Refused));
    }
    for extended in [joined(&a, &[&ours[..], &ours[4..]].concat()), [&a[..], b"x"].concat()] {
        assert!(open_all(&key, &extended).is_err());
    }
    for i in 0..5 {
        for (j, their) in theirs.iter().enumerate() {
            let mut reordered = ours.clone();
            reordered.swap(i, j);
            assert_eq!(open_all(&key, &joined(&a, &reordered)).is_ok(), i == j, "{i} and {j} exchanged");
            let mut mixed = ours.clone();
            mixed[i].clone_from(their);
            assert!(open_all(&key, &joined(&a, &mixed)).is_err(), "{i} from {j} of another file");
        }
    }
    assert!(open_all(&key, &joined(&b, &ours)).is_err(), "the header of another file");
}

#[test]
fn a_wrong_last_flag_is_refused() {
    let key = key(1);
    let (header, cipher) = Header::new(&key, 2 * SEGMENT_BYTES as u64, &mut source(13));
    let opener = Opener::new(&key, header.clone()).unwrap();
    for (index, last, opens) in [(0, false, true), (0, true, false), (1, true, true), (1, false, false)] {
        let mut segment = vec![7; SEGMENT_BYTES];
        let tag = cipher.seal_as(&header, index, last, &mut segment);
        segment.extend_from_slice(&tag);
        assert_eq!(opener.open_in_place(index, &mut segment).is_ok(), opens, "{index} {last}");
    }
}

#[test]
fn a_file_opens_under_its_own_key_only() {
    let sealed = sealed(b"a picture", 14);
    assert_eq!(open_all(&key(2), &sealed), Err(OpenError::OtherKey));
    let renewed = DataKey::from_bytes(key(1).id(), 2, key(1).secret());
    assert_eq!(open_all(&renewed, &sealed), Err(OpenError::OtherKey));
    let impostor = DataKey::from_bytes(key(1).id(), 1, &[9; 32]);
    assert_eq!(open_all(&impostor, &sealed), Err(OpenError::Refused));
    assert_eq!(Header::parse(&sealed).unwrap().0.key_of(), (key(1).id(), 1));
}

#[test]
fn a_whole_file_in_the_place_of_another_is_noticed_by_its_id() {
    let key = key(1);
    let (a, b) = (sealed(b"a", 15), sealed(b"b", 16));
    let header = |file: &[u8]| Header::parse(file).unwrap().0;
    assert_ne!(header(&a).file_id(), header(&b).file_id());
    assert!(Opener::of_file(&key, header(&a), header(&a).file_id()).is_ok());
    assert_eq!(Opener::of_file(&key, header(&b), header(&a).file_id()).unwrap_err(), OpenError::Refused);
    let id = header(&a).file_id();
    assert_eq!(FileId::from_bytes(*id.bytes()), id);
}

#[test]
fn a_segment_is_checked_before_anything_of_it_is_returned() {
    let plain = vec![7; SEGMENT_BYTES + 10];
    let sealed = sealed(&plain, 17);
    let opener = opener(&key(1), &sealed).unwrap();
    let mut segment = sealed[Header::LEN..Header::LEN + SEALED_SEGMENT].to_vec();
    segment[5] ^= 1;
    let mut out = b"before".to_vec();
    assert_eq!(opener.open_segment(0, &segment, &mut out), Err(OpenError::Refused));
    assert_eq!(out, b"before");
    assert!(opener.open_in_place(0, &mut segment).is_err());
    assert!(!segment.windows(8).any(|part| part == [7; 8]), "no plain text stays in the buffer");
    assert_eq!(opener.open_segment(2, &segment, &mut out), Err(OpenError::Malformed), "past the end");
    assert_eq!(opener.open_segment(u32::MAX, &[], &mut out), Err(OpenError::Malformed));
    assert_eq!(opener.sealed_segment_len(1), Some(26));
    assert_eq!(opener.sealed_segment_len(2), None);
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let mut sealed = sealed(b"x", 18);
    sealed[4] = 20;
    assert_eq!(open_all(&key(1), &sealed), Err(OpenError::Unsupported { version: 1, algorithm: 1 }));
    sealed[2] = 2;
    assert_eq!(open_all(&key(1), &sealed), Err(OpenError::Unsupported { version: 2, algorithm: 1 }));
    assert_eq!(open_all(&key(1), &sealed[..Header::LEN - 1]), Err(OpenError::Malformed));
    sealed[0] = 0;
    assert_eq!(open_all(&key(1), &sealed), Err(OpenError::Malformed));
}

/// 25 000 segments each way against the implementation of AWS-LC.
#[test]
fn both_libraries_agree() {
    let key = key(1);
    let mut mix = Mix::new(19);
    for round in 0..25_000 {
        let length = if round % 500 == 0 { mix.below(SEGMENT_BYTES) } else { mix.below(1000) };
        let plain = mix.bytes(length);
        let sealed = sealed(&plain, round);
        let (header, segment) = Header::parse(&sealed).unwrap();
        let (covered, _) = header.bytes().split_at(86);
        let derivation = Derivation::salted(&header.bytes()[23..55], key.secret());
        let bytes = derivation.key::<32>(&[&b"stream"[..], b"encrypt", covered]);
        let other = second::LessSafeKey::new(second::UnboundKey::new(&second::AES_256_GCM, &*bytes).unwrap());
        let prefix = *header.bytes()[55..].first_chunk().unwrap();
        let nonce = || second::Nonce::assume_unique_for_key(cipher::nonce(prefix, 0, true));

        let mut text = segment.to_vec();
        let opened = other.open_in_place(nonce(), second::Aad::from(header.bytes()), &mut text).unwrap();
        assert_eq!(opened, plain);
        let mut theirs = plain.clone();
        other.seal_in_place_append_tag(nonce(), second::Aad::from(header.bytes()), &mut theirs).unwrap();
        assert_eq!(theirs, segment, "the same bytes");
        assert_eq!(open_all(&key, &[&header.bytes()[..], &theirs].concat()).unwrap(), plain);
    }
}

/// Nonces of one file rise, so none comes twice: ten million of them, more than the longest file has segments of.
#[test]
fn ten_million_nonces_of_a_file_are_unique() {
    let number = |nonce: [u8; 12]| nonce.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let mut before = None;
    for index in 0..5_000_000 {
        for last in [false, true] {
            let now = number(cipher::nonce([0xA5; 7], index, last));
            assert!(before < Some(now));
            before = Some(now);
        }
    }
    assert!(u128::from(segments(MAX_PLAIN_BYTES)) <= u128::from(u32::MAX));
}

#[test]
fn two_files_have_different_keys_and_nonces() {
    let mut seen = std::collections::HashSet::new();
    let mut random = |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    for _ in 0..1000 {
        let file = seal_all(&key(1), b"", &mut random).unwrap();
        assert!(seen.insert(file[23..62].to_vec()) && seen.insert(file[70..].to_vec()));
    }
}

#[test]
fn debug_prints_only_the_name() {
    let sealed = sealed(b"x", 20);
    assert_eq!(format!("{:?}", opener(&key(1), &sealed).unwrap()), "Opener");
    assert_eq!(format!("{:?}", Sealer::new(&key(1), 0, &mut source(1)).unwrap()), "Sealer");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_time: Duration::from_secs(10).as_millis() as u32, ..ProptestConfig::default() })]
    #[test]
    fn any_range_of_any_file_equals_the_plain_one(
        length in 0..200_000_usize, offset in any::<u64>(), take in any::<u64>(), near in any::<bool>(), seed in any::<u64>(),
    ) {
        let plain = Mix::new(seed).bytes(length);
        let sealed = sealed(&plain, seed);
        let opener = opener(&key(1), &sealed).unwrap();
        let (offset, take) = if near { (offset % 200_000, take % 200_000) } else { (offset, take) };
        let located = opener.locate(offset, take);
        let from = usize::try_from(offset).unwrap().min(length);
        let to = from.saturating_add(usize::try_from(take).unwrap()).min(length);
        let cipher = &sealed[located.cipher.start as usize..located.cipher.end as usize];
        prop_assert_eq!(opener.open_range(&located, cipher).unwrap(), &plain[from..to]);
    }

    #[test]
    fn nonsense_does_not_open(bytes in proptest::collection::vec(any::<u8>(), 0..400), genuine in 0..Header::LEN) {
        let mut file = sealed(b"a picture", 21);
        file.truncate(genuine);
        file.extend(bytes);
        prop_assert!(open_all(&key(1), &file).is_err());
        if let Ok((header, _)) = Header::parse(&file) {
            prop_assert!(Opener::new(&key(1), header).is_err());
        }
    }
}
