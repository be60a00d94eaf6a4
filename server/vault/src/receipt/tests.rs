use proptest::prelude::*;

use super::*;
use crate::keys::Keys as Ring;
use crate::sign::Signing;
use crate::testing::{Mix, damage};

fn signer(n: u8) -> SigningKey {
    Ring::ephemeral([n; 32]).signing_key(Signing::Receipt)
}

fn receipt() -> Receipt {
    Receipt {
        id: "rcp_1".into(),
        organisation: "org_1".into(),
        kind: Erased::Subject,
        object: "gst_1".into(),
        destroyed: BTreeMap::from([("captures".into(), 3), ("messages".into(), 7)]),
        keys: DestroyedKeys::of([KeyId::from_bytes([2; 16]), KeyId::from_bytes([1; 16])]),
        erased_at: 1_763_800_000_000,
        last_backup_unreadable_at: 1_764_404_800_500,
    }
}

// Computed with Python's cryptography, json and hashlib: sign as in the tests of `ledger`, with the domain "receipt" over
// json.dumps(document, separators=(",", ":")).
#[test]
fn a_receipt_matches_an_independent_computation() {
    let signer = SigningKey::from_seed(&std::array::from_fn(|i| i as u8));
    let text = receipt().sign(&signer).unwrap();
    assert_eq!(
        text,
        "eyJmb3JtYXQiOjEsInJlY2VpcHQiOiJyY3BfMSIsIm9yZ2FuaXNhdGlvbiI6Im9yZ18xIiwiZXJhc2VkIjoic3ViamVjdCIsIm9iamVjdCI6Imdz\
         dF8xIiwiZGVzdHJveWVkIjp7ImNhcHR1cmVzIjozLCJtZXNzYWdlcyI6N30sImtleXMiOnsiY291bnQiOjIsInNoYTI1NiI6ImYwM2Y3MDJkNjAx\
         NmExOWMxNmZmMDExZWE2MGE4ZjgxMDgxNDQ2NjI0ZjRjMTIyNGRlMDk5MDMwZTM2YzFmN2MiLCJpZHMiOlsiMDEwMTAxMDEwMTAxMDEwMTAxMDEw\
         MTAxMDEwMTAxMDEiLCIwMjAyMDIwMjAyMDIwMjAyMDIwMjAyMDIwMjAyMDIwMiJdfSwiZXJhc2VkX2F0IjoiMjAyNS0xMS0yMlQwODoyNjo0MFoi\
         LCJsYXN0X2JhY2t1cF91bnJlYWRhYmxlX2F0IjoiMjAyNS0xMS0yOVQwODoyNjo0MC41WiIsInB1YmxpY19rZXkiOiI1NjQ3NWFhNzU0NjM0NzRj\
         MDI4NWRmNWRiZjJiY2FiNyJ9.iW-8mojlKbex63zmyPhprDhKKt3IpoVBrqhu1MY8M0ace4UiwE7aIO1lEj_92Kw6XFz3nJeHyI0nqFAExsmxCQ"
    );
    assert_eq!(verify(&text, &signer.public()), Ok(receipt()));
    assert_eq!(key_of(&text), Ok(signer.public().id_text()));
}

#[test]
fn a_pasted_receipt_may_have_broken_lines() {
    let text = receipt().sign(&signer(1)).unwrap();
    let broken: Vec<_> = text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pasted = format!("  {}\r\n", broken.join("\r\n"));
    assert_eq!(verify(&pasted, &signer(1).public()), Ok(receipt()));
}

#[test]
fn another_key_is_told_from_a_change() {
    let text = receipt().sign(&signer(1)).unwrap();
    assert_eq!(verify(&text, &signer(2).public()), Err(ReceiptError::OtherKey));
    let (document, signature) = text.split_once('.').unwrap();
    let bytes = BASE64URL_NOPAD.decode(document.as_bytes()).unwrap();
    let changed = String::from_utf8(bytes).unwrap().replace("\"captures\":3", "\"captures\":4");
    let forged = format!("{}.{signature}", BASE64URL_NOPAD.encode(changed.as_bytes()));
    assert_eq!(verify(&forged, &signer(1).public()), Err(ReceiptError::Refused));
}

#[test]
fn every_character_counts() {
    let text = receipt().sign(&signer(1)).unwrap();
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(verify(&changed, &signer(1).public()).is_err(), "at {at}");
        assert!(verify(&text[..at], &signer(1).public()).is_err(), "{at} characters");
    }
}

#[test]
fn a_signed_document_in_another_form_is_no_receipt() {
    let signer = signer(1);
    let text = |document: &str| text(document.as_bytes(), &signer);
    let good = String::from_utf8(Document::of(&receipt(), &signer.public()).unwrap().bytes()).unwrap();
    assert_eq!(verify(&text(&good), &signer.public()), Ok(receipt()));
    for (from, to) in [
        (":1,", ": 1,"),
        ("\"destroyed\":{\"captures\":3,\"messages\":7}", "\"destroyed\":{\"messages\":7,\"captures\":3}"),
        ("\"object\":", "\"name\":\"Ana\",\"object\":"),
        ("gst_1", "ana@example.org"),
        ("captures", "Ana Example"),
        ("\"count\":2", "\"count\":3"),
        ("\"count\":2", "\"count\":-2"),
        ("08:26:40Z", "08:26:40.0Z"),
        ("08:26:40Z", "08:26:40+00:00"),
        ("2025-11-22T", "+999999-11-22T"),
        ("subject", "Subject"),
        ("\"format\":1", "\"format\":0"),
        ("01010101\"", "01010102\""),
        (&signer.public().id_text(), "00"),
    ] {
        assert!(good.contains(from), "{from}");
        let changed = good.replacen(from, to, 1);
        assert_eq!(verify(&text(&changed), &signer.public()), Err(ReceiptError::Malformed), "{to}");
    }
    let newer = good.replacen("\"format\":1", "\"format\":2", 1);
    assert_eq!(verify(&text(&newer), &signer.public()), Err(ReceiptError::Newer { format: 2 }));
}

#[test]
fn nothing_personal_fits_in() {
    let signer = signer(1);
    let unfit = |change: fn(&mut Receipt)| {
        let mut receipt = receipt();
        change(&mut receipt);
        matches!(receipt.sign(&signer), Err(ReceiptError::Unfit { .. }))
    };
    assert!(unfit(|receipt| receipt.object = "ana@example.org".into()));
    assert!(unfit(|receipt| receipt.object = "Ana Example".into()));
    assert!(unfit(|receipt| receipt.organisation = String::new()));
    assert!(unfit(|receipt| receipt.id = "x".repeat(65)));
    assert!(unfit(|receipt| receipt.destroyed = BTreeMap::from([("Ana Example".into(), 1)])));
    assert!(unfit(|receipt| receipt.destroyed = (0..65).map(|n| ("x".repeat(n), 1)).collect()));
    assert!(unfit(|receipt| receipt.erased_at = i64::MAX));
}

#[test]
fn many_keys_are_counted_and_covered_but_not_named() {
    let ids: Vec<_> = (0..100_000_u32).map(|n| KeyId::from_bytes(u128::from(n).to_be_bytes())).collect();
    let few = DestroyedKeys::of(ids[..LISTED_KEYS].iter().copied());
    assert_eq!((few.count(), few.listed()), (64, &ids[..64]));
    let many = DestroyedKeys::of(ids.iter().rev().chain(&ids).copied());
    assert_eq!((many.count(), many.listed()), (100_000, &[][..]));
    assert_ne!(*many.digest(), *DestroyedKeys::of(ids[1..].iter().copied()).digest());
    for keys in [few, many, DestroyedKeys::of([])] {
        let receipt = Receipt { keys, kind: Erased::Event, ..receipt() };
        let text = receipt.sign(&signer(1)).unwrap();
        assert!(text.len() < 8 * 1024);
        assert_eq!(verify(&text, &signer(1).public()), Ok(receipt));
    }
}

#[test]
fn nonsense_and_damage_are_refused_without_a_panic() {
    let (text, mut mix) = (receipt().sign(&signer(1)).unwrap(), Mix::new(1));
    let public = signer(1).public();
    for _ in 0..10_000 {
        let damaged = String::from_utf8_lossy(&damage(text.as_bytes(), &mut mix)).into_owned();
        key_of(&damaged).ok();
        // Only white space may come or go.
        let same = damaged.split_ascii_whitespace().collect::<String>() == text;
        assert_eq!(verify(&damaged, &public).is_ok(), same, "{damaged}");
    }
    for nonsense in ["", ".", "..", "a.b", "e30.", &format!("{}.", "A".repeat(100_000)), &"[".repeat(30_000)] {
        assert_eq!(verify(nonsense, &public), Err(ReceiptError::Malformed));
    }
    // Deep nesting under a right signature: the parser has a limit of its own.
    let deep = "[".repeat(20_000);
    assert_eq!(verify(&super::text(deep.as_bytes(), &signer(1)), &public), Err(ReceiptError::Malformed));
}

proptest! {
    #[test]
    fn any_receipt_survives_its_text(
        id in "[A-Za-z0-9_-]{1,64}", object in "[A-Za-z0-9_-]{1,64}",
        destroyed in proptest::collection::btree_map("[a-z_]{1,20}", any::<u64>(), 0..20),
        ids in proptest::collection::vec(any::<[u8; 16]>(), 0..80),
        erased_at in -1_000_000_000_000..4_000_000_000_000_i64, later in 0..100_000_000_000_i64,
    ) {
        let receipt = Receipt {
            id, object, destroyed, erased_at,
            organisation: "org_1".into(),
            kind: Erased::Organisation,
            keys: DestroyedKeys::of(ids.into_iter().map(KeyId::from_bytes)),
            last_backup_unreadable_at: erased_at + later,
        };
        let text = receipt.sign(&signer(1)).unwrap();
        prop_assert_eq!(verify(&text, &signer(1).public()), Ok(receipt));
    }
}
