use super::*;
use crate::testing::{Mix, damage, hex, key, source};

const ABOUT: KeyAbout<'static> = KeyAbout { organisation: "org_1", purpose: Purpose::Subject };

fn kek(n: u8) -> Kek {
    Kek::new(key(n))
}

// Computed as in the tests of `field`, with role "wrap", header = b"sW\x01\x01" + id + version, plain = the child's
// secret, and associated data lp(["spw1", "org_1", "subject", child's id, child's version, id, version, header]).
#[test]
fn a_wrapped_key_matches_an_independent_computation() {
    let wrapped = kek(1).wrap(&key(2), &ABOUT, &mut |bytes: &mut [u8]| bytes.fill(0xA5));
    assert_eq!(wrapped.len(), WRAPPED_BYTES);
    assert_eq!(
        hex(&wrapped),
        "73570101010101010101010101010101010101010001a5a5a5a5a5a5a5a5a5a5a5a56f5fb27894cf693526d4ae2a59f026a24774274a\
         dad31acc8a21cf49a5186f147dd5697969b6da4d8ddc63ac6cdbea080de0300ae323130b151830b3b614adc7"
    );
    assert_eq!(kek(1).unwrap(key(2).id(), 1, &ABOUT, &wrapped), Ok(key(2)));
    assert_eq!(wrapped_by(&wrapped), Ok((key(1).id(), 1)));
}

#[test]
fn a_wrapped_key_stands_in_for_no_other() {
    let child = key(2);
    let wrapped = kek(1).wrap(&child, &ABOUT, &mut source(1));
    let open = |kek: &Kek, id, version, about: &KeyAbout<'_>| kek.unwrap(id, version, about, &wrapped);
    assert_eq!(open(&kek(1), child.id(), 1, &ABOUT), Ok(key(2)));
    assert_eq!(open(&kek(1), key(3).id(), 1, &ABOUT), Err(OpenError::Refused));
    assert_eq!(open(&kek(1), child.id(), 2, &ABOUT), Err(OpenError::Refused));
    assert_eq!(open(&kek(1), child.id(), 1, &KeyAbout { organisation: "org_2", ..ABOUT }), Err(OpenError::Refused));
    for purpose in Purpose::ALL.into_iter().filter(|purpose| *purpose != ABOUT.purpose) {
        assert_eq!(open(&kek(1), child.id(), 1, &KeyAbout { purpose, ..ABOUT }), Err(OpenError::Refused));
    }
    assert_eq!(open(&kek(3), child.id(), 1, &ABOUT), Err(OpenError::OtherKey));
    let renewed = Kek::new(DataKey::from_bytes(key(1).id(), 2, key(1).secret()));
    assert_eq!(open(&renewed, child.id(), 1, &ABOUT), Err(OpenError::OtherKey));
    let impostor = Kek::new(DataKey::from_bytes(key(1).id(), 1, &[9; 32]));
    assert_eq!(open(&impostor, child.id(), 1, &ABOUT), Err(OpenError::Refused));
}

#[test]
fn a_wrapped_key_is_no_field_and_a_field_no_wrapped_key() {
    let context = crate::field::FieldContext { organisation: "org_1", table: "t", column: "c", row: "r" };
    let wrapped = kek(1).wrap(&key(2), &ABOUT, &mut source(1));
    assert_eq!(key(1).open(&context, &wrapped), Err(OpenError::Malformed));
    let field = key(1).seal(&context, b"x", &mut source(1));
    assert_eq!(kek(1).unwrap(key(2).id(), 1, &ABOUT, &field), Err(OpenError::Malformed));
}

#[test]
fn ten_thousand_damaged_keys_are_refused() {
    let (kek, child, mut random, mut mix) = (kek(1), key(2), source(2), Mix::new(3));
    for round in 0..10_000 {
        let wrapped = kek.wrap(&child, &ABOUT, &mut random);
        let damaged = damage(&wrapped, &mut mix);
        assert!(kek.unwrap(child.id(), 1, &ABOUT, &damaged).is_err(), "round {round}: {}", hex(&damaged));
        // Whatever this says, it says so without a panic.
        wrapped_by(&damaged).ok();
    }
}

#[test]
fn a_rewrapped_key_is_the_same_key_under_the_next() {
    let (old, new, mut random) = (kek(1), kek(4), source(4));
    let wrapped = old.wrap(&key(2), &ABOUT, &mut random);
    let again = old.rewrap(&new, key(2).id(), 1, &ABOUT, &wrapped, &mut random).unwrap();
    assert_eq!(new.unwrap(key(2).id(), 1, &ABOUT, &again), Ok(key(2)));
    assert_eq!(old.unwrap(key(2).id(), 1, &ABOUT, &again), Err(OpenError::OtherKey));
    let refused = old.rewrap(&new, key(3).id(), 1, &ABOUT, &wrapped, &mut random);
    assert_eq!(refused, Err(OpenError::Refused));
}

#[test]
fn purposes_have_stable_names() {
    for purpose in Purpose::ALL {
        assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose));
    }
    assert_eq!(Purpose::parse("Subject"), None);
    let names = Purpose::ALL.map(Purpose::as_str);
    assert_eq!(names.join(" "), "organisation installation subject event capture upload lookup hold");
}

#[test]
fn debug_prints_only_the_name() {
    assert_eq!(format!("{:?}", kek(1)), "Kek");
}
