use super::*;
use crate::keys::Keys;
use crate::sign::Signing;
use crate::testing::{Mix, damage, hex, source};

fn signer(n: u8) -> SigningKey {
    Keys::ephemeral([n; 32]).signing_key(Signing::Ledger)
}

/// A ledger of `count` entries.
fn ledger(seed: u64, count: u8) -> Vec<u8> {
    let (mut writer, header) = LedgerWriter::new(signer(1), &mut source(seed));
    let mut bytes = header.to_vec();
    for n in 0..count {
        bytes.extend(writer.append(KeyId::from_bytes([n; 16]), 1_763_800_000_000 + i64::from(n)).1);
    }
    bytes
}

fn check(bytes: &[u8]) -> Result<Vec<Entry>, LedgerError> {
    verify(bytes, &signer(1).public())
}

// Computed with Python's cryptography and hashlib; lp as in the tests of `field`:
//   sign(domain, m) = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).sign(
//     lp([b"shutterpost/1", b"signed", domain]) + m)
//   h = b"spledger" + 00000001 + 4 zeros + bytes([0xA5]*16) + sha256(public key)[:16] + 16 zeros
//   h += sign("ledger-header", h)
//   e = i as u64 BE + bytes([i + 1]*16) + (1763800000000 + i) as i64 BE + sha256(h or the former e); e += sign("ledger-entry", e)
#[test]
fn a_ledger_matches_an_independent_computation() {
    let signer = SigningKey::from_seed(&std::array::from_fn(|i| i as u8));
    let public = signer.public();
    let (mut writer, header) = LedgerWriter::new(signer, &mut |bytes: &mut [u8]| bytes.fill(0xA5));
    let mut bytes = header.to_vec();
    for n in 0..2 {
        bytes.extend(writer.append(KeyId::from_bytes([n + 1; 16]), 1_763_800_000_000 + i64::from(n)).1);
    }
    let digest: [u8; 32] = Sha256::digest(&bytes).into();
    assert_eq!(hex(&digest), "78056f110b6095fae96fc29bf7fe6db5b94bb51782a7072239919806fb330bd3");
    assert_eq!(verify(&bytes, &public).unwrap().len(), 2);
}

#[test]
fn entries_come_back_in_order_and_a_writer_goes_on() {
    let (mut writer, header) = LedgerWriter::new(signer(1), &mut source(1));
    let mut bytes = header.to_vec();
    assert_eq!(check(&bytes), Ok(Vec::new()));
    let mut made = Vec::new();
    for n in 0..40_u8 {
        if n % 7 == 3 {
            let start = begin(&bytes, &signer(1).public()).unwrap();
            assert!(start.fits(&bytes[..ENTRY_BYTES]));
            let mark = writer.mark();
            assert!(mark.fits(&bytes[bytes.len() - ENTRY_BYTES..]));
            assert_eq!(mark.bytes(), bytes.len() as u64);
            writer = LedgerWriter::at(signer(1), start);
            writer.catch_up(&bytes[ENTRY_BYTES..]).unwrap();
            assert_eq!(writer.mark(), mark);
        }
        let (entry, appended) = writer.append(KeyId::from_bytes([n; 16]), i64::from(n) - 5);
        assert_eq!(
            (entry.sequence, entry.key, entry.erased_at),
            (n.into(), KeyId::from_bytes([n; 16]), i64::from(n) - 5)
        );
        bytes.extend(appended);
        made.push(entry);
    }
    assert_eq!(check(&bytes), Ok(made));
}

#[test]
fn a_torn_end_is_told_from_tampering() {
    let whole = ledger(2, 5);
    let entries = check(&whole).unwrap();
    for length in ENTRY_BYTES..whole.len() {
        let good = length / ENTRY_BYTES;
        let expected = match length % ENTRY_BYTES {
            0 => Ok(entries[..good - 1].to_vec()),
            _ => Err(LedgerError::Torn {
                entries: entries[..good - 1].to_vec(),
                good_bytes: (good * ENTRY_BYTES) as u64,
            }),
        };
        assert_eq!(check(&whole[..length]), expected, "{length} bytes");
    }
    // Space that a file system gave, but never filled.
    for zeros in [1, 127, 128, 1000, BLOCK_BYTES] {
        let torn = [&whole[..], &vec![0; zeros]].concat();
        let Err(LedgerError::Torn { entries: good, good_bytes }) = check(&torn) else { panic!("{zeros} zeros") };
        assert_eq!((good, good_bytes), (entries.clone(), whole.len() as u64));
        let mut writer = LedgerWriter::at(signer(1), begin(&torn, &signer(1).public()).unwrap());
        assert!(writer.catch_up(&torn[ENTRY_BYTES..]).is_err());
        assert_eq!(writer.mark().bytes(), good_bytes, "and knows where to go on");
    }
    let far = [&whole[..], &[0; BLOCK_BYTES + 1]].concat();
    assert_eq!(check(&far), Err(LedgerError::Tampered { sequence: 5 }), "more than one write leaves");
    let mut wiped = whole.clone();
    wiped[ENTRY_BYTES * 2..ENTRY_BYTES * 3].fill(0);
    assert_eq!(check(&wiped), Err(LedgerError::Tampered { sequence: 1 }), "zeros in the middle are no torn end");
}

#[test]
fn every_bit_counts() {
    let whole = ledger(3, 3);
    for bit in 0..whole.len() * 8 {
        let mut changed = whole.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let sequence = (bit / 8 / ENTRY_BYTES) as u64;
        match check(&changed) {
            Err(LedgerError::Tampered { sequence: at }) => assert_eq!(at + 1, sequence),
            Err(LedgerError::Torn { .. }) | Ok(_) => panic!("bit {bit}"),
            Err(_) => assert_eq!(sequence, 0, "only the header is refused otherwise"),
        }
    }
}

#[test]
fn entries_left_out_exchanged_or_from_elsewhere_are_noticed() {
    let (whole, other) = (ledger(4, 5), ledger(5, 5));
    let entries = |bytes: &[u8]| bytes.chunks(ENTRY_BYTES).map(<[u8]>::to_vec).collect::<Vec<_>>();
    for i in 1..6 {
        for j in 1..6 {
            let mut changed = entries(&whole);
            changed.swap(i, j);
            assert_eq!(check(&changed.concat()).is_ok(), i == j);
            let mut mixed = entries(&whole);
            mixed[i] = entries(&other)[j].clone();
            assert!(matches!(check(&mixed.concat()), Err(LedgerError::Tampered { .. })));
        }
        if i < 5 {
            let mut shorter = entries(&whole);
            shorter.remove(i);
            assert_eq!(check(&shorter.concat()), Err(LedgerError::Tampered { sequence: i as u64 - 1 }));
        }
    }
    let mut header = entries(&whole);
    header[0] = entries(&other)[0].clone();
    assert_eq!(check(&header.concat()), Err(LedgerError::Tampered { sequence: 0 }));
    assert_eq!(verify(&whole, &signer(2).public()), Err(LedgerError::OtherKey));
    let mut newer = whole;
    newer[11] = 2;
    assert_eq!(check(&newer), Err(LedgerError::Newer { format: 2 }));
}

#[test]
fn a_cut_end_shows_to_whoever_remembers_it() {
    let whole = ledger(6, 5);
    let mut writer = LedgerWriter::at(signer(1), begin(&whole, &signer(1).public()).unwrap());
    writer.catch_up(&whole[ENTRY_BYTES..]).unwrap();
    let mark = writer.mark();
    let newest = |bytes: &[u8]| bytes.last_chunk::<ENTRY_BYTES>().unwrap().to_vec();
    assert!(mark.fits(&newest(&whole)));
    assert!(!mark.fits(&newest(&whole[..whole.len() - ENTRY_BYTES])));
    assert!(!mark.fits(&newest(&ledger(7, 5))), "another ledger");
    let rest = &ledger(6, 8)[whole.len()..];
    assert_eq!(read(rest, mark, &signer(1).public()).unwrap().len(), 3, "and reads on from there");
    assert_eq!(read(&rest[ENTRY_BYTES..], mark, &signer(1).public()), Err(LedgerError::Tampered { sequence: 5 }));
}

#[test]
fn what_is_written_between_two_syncs_lies_in_one_block() {
    let (mut writer, _) = LedgerWriter::new(signer(1), &mut source(8));
    for n in 0..100_usize {
        let (start, room) = ((n + 1) * ENTRY_BYTES, writer.room());
        assert!((1..=32).contains(&room));
        let end = start + room * ENTRY_BYTES;
        assert_eq!(start / BLOCK_BYTES, (end - 1) / BLOCK_BYTES);
        assert_eq!(end % BLOCK_BYTES, 0);
        writer.append(KeyId::from_bytes([0; 16]), 0);
    }
}

#[test]
fn nonsense_and_damage_are_refused_without_a_panic() {
    let (whole, mut mix) = (ledger(9, 4), Mix::new(10));
    let entries = check(&whole).unwrap();
    for _ in 0..3_000 {
        let damaged = damage(&whole, &mut mix);
        match check(&damaged) {
            // What is left of the beginning may be whole; nothing that was not written may appear.
            Ok(good) | Err(LedgerError::Torn { entries: good, .. }) => assert!(entries.starts_with(&good)),
            Err(_) => {}
        }
        let length = mix.below(600);
        let mut nonsense = mix.bytes(length);
        assert!(check(&nonsense).is_err());
        nonsense.splice(..0, whole[..ENTRY_BYTES].iter().copied());
        assert!(length == 0 || check(&nonsense).is_err());
    }
}

#[test]
fn debug_prints_only_the_name() {
    assert_eq!(format!("{:?}", LedgerWriter::new(signer(1), &mut source(1)).0), "LedgerWriter");
}
