use aws_lc_rs::aead as second;
use proptest::prelude::*;

use super::*;
use crate::kdf::Derivation;
use crate::testing::{Mix, damage, hex, key, source};

const CONTEXT: FieldContext<'static> =
    FieldContext { organisation: "org_1", table: "guests", column: "email", row: "gst_1" };

fn fixed(bytes: &mut [u8]) {
    bytes.fill(0xA5);
}

// Computed with Python's cryptography (AESGCMSIV), hmac and hashlib:
//   lp(parts) = b"".join(len(p).to_bytes(8,"big")+p for p in parts)
//   hkdf(parts, n): prk = hmac(b"\0"*32, secret); okm = hmac(prk, b"shutterpost/1" + lp(parts) + b"\x01")[:n]
//   header = b"sF\x01\x01" + id + version; padded = (len(plain) as u32 BE + plain) with zeros to 32
//   key = hkdf(["field", "encrypt", id, version], 32); commitment = hkdf(["field", "commit", id, version], 16)
//   header + nonce + commitment + AESGCMSIV(key).encrypt(nonce, padded,
//     lp(["sp1", "org_1", "guests", "email", "gst_1", id, version, header]))
// with id = bytes([1]*16), version = 00 01, secret = bytes(range(1, 33)), nonce = bytes([0xA5]*12).
#[test]
fn a_field_matches_an_independent_computation() {
    assert_eq!(
        hex(&key(1).seal(&CONTEXT, b"ana@example.org", &mut fixed)),
        "73460101010101010101010101010101010101010001a5a5a5a5a5a5a5a5a5a5a5a5e30064aba153fbf2d23b50fac2449573a5f32c3b\
         aee135c34a76d9687ef66328b7eb4a37b3eb2c87f3619ca1a03579716170c48e0fbc66ee8458ce48bf3c8aac"
    );
}

#[test]
fn a_field_opens_and_its_length_shows_in_steps_only() {
    let key = key(1);
    let steps = [(0, 32), (28, 32), (29, 64), (60, 64), (61, 128), (125, 256), (252, 256), (253, 512), (509, 768)];
    for (length, padded) in steps {
        assert_eq!(padded_len(length), padded, "{length}");
    }
    let mut random = source(1);
    for length in (0..300).chain([1000, 65_536, 1_000_000]) {
        let plain = vec![b'x'; length];
        let sealed = key.seal(&CONTEXT, &plain, &mut random);
        assert_eq!(sealed.len(), sealed_len(length));
        assert_eq!(sealed.capacity(), sealed.len(), "never moved while it held the open text");
        assert_eq!(**key.open(&CONTEXT, &sealed).unwrap(), plain);
        assert_eq!(key_of(&sealed), Ok((key.id(), 1)));
    }
}

#[test]
fn equal_values_do_not_look_equal() {
    let (key, mut random) = (key(1), source(1));
    assert_ne!(key.seal(&CONTEXT, b"x", &mut random), key.seal(&CONTEXT, b"x", &mut random));
}

#[test]
fn a_field_opens_in_its_place_only() {
    let contexts: Vec<FieldContext<'_>> = ["org_1", "org_2", ""]
        .into_iter()
        .flat_map(|organisation| ["guests", "leads", ""].map(|table| (organisation, table)))
        .flat_map(|(organisation, table)| ["email", "name", ""].map(|column| (organisation, table, column)))
        .flat_map(|(organisation, table, column)| {
            ["gst_1", "gst_2", "1gst_"].map(|row| FieldContext { organisation, table, column, row })
        })
        .collect();
    let keys = [key(1), DataKey::from_bytes(key(1).id(), 2, key(1).secret()), key(2)];
    let mut random = source(2);
    let mut tried = 0;
    for (i, key) in keys.iter().enumerate() {
        for context in &contexts {
            let sealed = key.seal(context, b"ana@example.org", &mut random);
            for (j, other) in keys.iter().enumerate() {
                for place in &contexts {
                    let opened = other.open(place, &sealed);
                    let home = i == j && place == context;
                    assert_eq!(opened.is_ok(), home, "{context:?} under key {i} in {place:?} under key {j}");
                    tried += 1;
                }
            }
        }
    }
    assert_eq!(tried, 243 * 243);
}

#[test]
fn places_with_the_same_letters_are_different() {
    let sealed = key(1).seal(&FieldContext { organisation: "a", row: "bc", ..CONTEXT }, b"x", &mut source(1));
    let refused = key(1).open(&FieldContext { organisation: "ab", row: "c", ..CONTEXT }, &sealed);
    assert_eq!(refused, Err(OpenError::Refused));
}

#[test]
fn ten_thousand_damaged_fields_are_refused() {
    let (key, mut random, mut mix) = (key(1), source(3), Mix::new(4));
    for round in 0..10_000 {
        let length = mix.below(300);
        let plain = mix.bytes(length);
        let sealed = key.seal(&CONTEXT, &plain, &mut random);
        let damaged = damage(&sealed, &mut mix);
        assert!(key.open(&CONTEXT, &damaged).is_err(), "round {round}: {} became {}", hex(&sealed), hex(&damaged));
        // Whatever this says, it says so without a panic.
        key_of(&damaged).ok();
    }
}

#[test]
fn every_bit_counts() {
    let key = key(1);
    let sealed = key.seal(&CONTEXT, b"ana@example.org", &mut source(5));
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(key.open(&CONTEXT, &changed).is_err(), "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert!(key.open(&CONTEXT, &sealed[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn parts_of_two_fields_make_no_third() {
    let (key, mut random) = (key(1), source(6));
    let parts = [0, 2, 4, 20, 22, 34, 50, 82, 98];
    let (a, b) = (key.seal(&CONTEXT, b"ana", &mut random), key.seal(&CONTEXT, b"bob", &mut random));
    for from in parts {
        for to in parts.into_iter().filter(|to| *to > from) {
            let mut mixed = a.clone();
            mixed[from..to].copy_from_slice(&b[from..to]);
            let same = mixed == a || mixed == b;
            assert_eq!(key.open(&CONTEXT, &mixed).is_ok(), same, "bytes {from} to {to}");
        }
    }
}

/// A key with the id and version of another: what a mistake in the key store, or somebody who may write there, could
/// bring about.
#[test]
fn a_key_of_the_same_name_is_refused_by_its_commitment_before_the_tag_is_looked_at() {
    let ours = key(1);
    let theirs = DataKey::from_bytes(ours.id(), 1, &[9; 32]);
    let mut random = source(7);
    let (sealed, other) = (ours.seal(&CONTEXT, b"x", &mut random), theirs.seal(&CONTEXT, b"x", &mut random));
    assert_eq!(theirs.open(&CONTEXT, &sealed), Err(OpenError::Refused));
    // The tag of `other` is right under their key. Only the commitment says that it was made for another.
    let mut planted = other.clone();
    planted[34..50].copy_from_slice(&sealed[34..50]);
    assert!(theirs.open(&CONTEXT, &other).is_ok());
    assert_eq!(theirs.open(&CONTEXT, &planted), Err(OpenError::Refused));
    assert_eq!(ours.open(&CONTEXT, &planted), Err(OpenError::Refused));
}

#[test]
fn a_wrong_padding_is_refused_though_it_is_authentic() {
    let key = key(1);
    let header = Header { key: key.id(), version: 1 }.bytes(MAGIC);
    let seal = |plain: &[u8]| key.field().seal(&header, &associated(&CONTEXT, &key, &header), &[plain], &mut source(8));
    let padded = |length: u32, total: usize| {
        let mut plain = vec![0; total];
        plain[..4].copy_from_slice(&length.to_be_bytes());
        plain
    };
    assert!(key.open(&CONTEXT, &seal(&padded(5, 32))).is_ok());
    let mut dirty = padded(5, 32);
    dirty[31] = 1;
    let cases = [
        dirty,
        padded(29, 32),
        padded(u32::MAX, 32),
        padded(5, 64),
        padded(5, 31),
        padded(5, 33),
        padded(0, 4),
        Vec::new(),
        vec![0; 3],
    ];
    for (case, plain) in cases.iter().enumerate() {
        assert_eq!(key.open(&CONTEXT, &seal(plain)), Err(OpenError::Malformed), "case {case}");
    }
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let key = key(1);
    let mut sealed = key.seal(&CONTEXT, b"x", &mut source(9));
    sealed[2] = 2;
    assert_eq!(key.open(&CONTEXT, &sealed), Err(OpenError::Unsupported { version: 2, algorithm: 1 }));
    assert_eq!(key_of(&sealed), Err(OpenError::Unsupported { version: 2, algorithm: 1 }));
    sealed[2..4].copy_from_slice(&[1, 9]);
    assert_eq!(key.open(&CONTEXT, &sealed), Err(OpenError::Unsupported { version: 1, algorithm: 9 }));
    assert_eq!(key.open(&CONTEXT, b""), Err(OpenError::Malformed));
    assert_eq!(key_of(b"sW"), Err(OpenError::Malformed));
}

/// 25 000 messages each way against the implementation of AWS-LC.
#[test]
fn both_libraries_agree() {
    let key = key(1);
    let bytes = Derivation::of(key.secret()).key::<32>(&[&b"field"[..], b"encrypt", key.id().bytes(), &[0, 1]]);
    let other = second::LessSafeKey::new(second::UnboundKey::new(&second::AES_256_GCM_SIV, &*bytes).unwrap());
    let header = Header { key: key.id(), version: 1 }.bytes(MAGIC);
    let (mut random, mut mix) = (source(10), Mix::new(11));
    for _ in 0..25_000 {
        let (length, row) = (mix.below(600), mix.next().to_string());
        let plain = mix.bytes(length);
        let context = FieldContext { row: &row, ..CONTEXT };
        let aad = associated(&context, &key, &header);

        let sealed = key.seal(&context, &plain, &mut random);
        let nonce = second::Nonce::try_assume_unique_for_key(&sealed[22..34]).unwrap();
        let mut text = sealed[50..].to_vec();
        let opened = other.open_in_place(nonce, second::Aad::from(&aad), &mut text).unwrap();
        assert_eq!(opened[..4], (length as u32).to_be_bytes());
        assert_eq!(opened[4..4 + length], plain);

        let mut theirs = opened.to_vec();
        let nonce: [u8; 12] = mix.bytes(12).try_into().unwrap();
        let unique = second::Nonce::assume_unique_for_key(nonce);
        other.seal_in_place_append_tag(unique, second::Aad::from(&aad), &mut theirs).unwrap();
        let envelope = [&header[..], &nonce, &sealed[34..50], &theirs].concat();
        assert_eq!(**key.open(&context, &envelope).unwrap(), plain);
    }
}

/// Ten million nonces from the system's own source, and each seal draws exactly one. Compared by their first 64 bits,
/// two of which would be equal by chance once in 370 000 runs.
#[test]
fn ten_million_nonces_are_unique() {
    let mut random = |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    let first = |nonce: [u8; 12]| u64::from_be_bytes(*nonce.first_chunk().unwrap());
    let mut nonces: Vec<u64> = (0..10_000_000).map(|_| first(crate::envelope::nonce(&mut random))).collect();
    nonces.sort_unstable();
    assert!(nonces.windows(2).all(|pair| pair[0] != pair[1]));

    let mut drawn = Vec::new();
    let mut mix = Mix::new(12);
    let mut recording = |bytes: &mut [u8]| {
        mix.fill(bytes);
        drawn.push(bytes.to_vec());
    };
    let sealed: Vec<_> = (0..100).map(|_| key(1).seal(&CONTEXT, b"x", &mut recording)).collect();
    assert_eq!(drawn.len(), 100);
    assert!(sealed.iter().zip(&drawn).all(|(sealed, drawn)| sealed[22..34] == drawn[..]));
}

proptest! {
    #[test]
    fn any_value_opens_in_its_place_and_in_no_other(
        plain in proptest::collection::vec(any::<u8>(), 0..700),
        organisation in ".{0,20}", row in ".{0,20}", other_organisation in ".{0,20}", other_row in ".{0,20}",
        seed in any::<u64>(),
    ) {
        let key = key(1);
        let home = FieldContext { organisation: &organisation, row: &row, ..CONTEXT };
        let away = FieldContext { organisation: &other_organisation, row: &other_row, ..CONTEXT };
        let sealed = key.seal(&home, &plain, &mut source(seed));
        prop_assert_eq!(&**key.open(&home, &sealed).unwrap(), &plain);
        prop_assert_eq!(key.open(&away, &sealed).is_ok(), home == away);
    }

    #[test]
    fn nonsense_does_not_open(bytes in proptest::collection::vec(any::<u8>(), 0..300), header in any::<bool>()) {
        let key = key(1);
        let mut sealed = bytes;
        if header {
            sealed.splice(..0, Header { key: key.id(), version: 1 }.bytes(MAGIC));
        }
        prop_assert!(key.open(&CONTEXT, &sealed).is_err());
        key_of(&sealed).ok();
    }
}
