use super::*;

fn vector_keys() -> Keys {
    Keys::ephemeral(std::array::from_fn(|i| i as u8))
}

// Computed with Python's hmac and hashlib; the derivation is written out beside the tests of `keys`:
//   root = hkdf(seed, "root", name); key = hkdf(root, info…)
//   token = base32(hmac(key, len(id) as u64 BE ‖ id ‖ "o" or "v" ‖ generation as u32 BE)[:20])
#[test]
fn tokens_match_an_independent_computation() {
    let keys = vector_keys();
    assert_eq!(keys.link_token("lnk_1", LinkKind::Owner, 0).reveal(), "8mjxerkpexbqjgmhrhjkv7nnzd81989z");
    assert_eq!(keys.link_token("lnk_1", LinkKind::View, 7).reveal(), "z4zffq5sgrr4r4nameqyxd7ktwr46mc9");
    assert_eq!(keys.media_token("lnk_1", LinkKind::View, 7).reveal(), "rrmz0w4tb88v65n2qdbvqgp1cwcwqbyx");
    assert_eq!(keys.one_time_token("reset", "usr_1", 3).reveal(), "mYAAXwUTD4wpmwMqNila93n2-lU-gzI-UKE15C5omlo");
}

#[test]
fn every_input_changes_the_token() {
    let keys = Keys::ephemeral([1; 32]);
    let token = keys.link_token("lnk_1", LinkKind::View, 1);
    assert_eq!(token, keys.link_token("lnk_1", LinkKind::View, 1));
    assert_ne!(token, keys.link_token("lnk_2", LinkKind::View, 1));
    assert_ne!(token, keys.link_token("lnk_1", LinkKind::Owner, 1));
    assert_ne!(token, keys.link_token("lnk_1", LinkKind::View, 2));
    assert_ne!(token, Keys::ephemeral([2; 32]).link_token("lnk_1", LinkKind::View, 1));
    assert_ne!(token.bytes(), keys.media_token("lnk_1", LinkKind::View, 1).bytes());
    assert_ne!(keys.one_time_token("reset", "usr_1", 1), keys.one_time_token("invitation", "usr_1", 1));
}

#[test]
fn a_token_has_exactly_one_spelling() {
    let token = Keys::ephemeral([1; 32]).link_token("lnk_1", LinkKind::View, 1);
    let text = token.reveal();
    assert_eq!(text.len(), LinkToken::TEXT_CHARS);
    assert_eq!(LinkToken::parse(&text), Some(token));
    assert_eq!(LinkToken::parse(&text.to_uppercase()), None);
    assert_eq!(LinkToken::parse(&text[1..]), None);
    assert_eq!(LinkToken::parse(&format!("{text}0")), None);
    for bad in ['i', 'l', 'o', 'u', ' ', '-', '=', '\n', '\0'] {
        assert_eq!(LinkToken::parse(&format!("{bad}{}", &text[1..])), None, "{bad:?}");
    }
    assert_eq!(LinkToken::parse(&"ä".repeat(16)), None);

    let once = Keys::ephemeral([1; 32]).one_time_token("reset", "usr_1", 1).reveal();
    assert_eq!(once.len(), OneTimeToken::TEXT_CHARS);
    assert!(OneTimeToken::parse(&once).is_some());
    // 43 digits hold 258 bits: the last two must be zero, or one token would have four spellings.
    let last = once.as_bytes()[42];
    let spellings = (b'0'..=b'z').filter(|digit| *digit != last);
    let others = spellings.filter_map(|digit| OneTimeToken::parse(&format!("{}{}", &once[..42], char::from(digit))));
    assert!(others.into_iter().all(|other| other.reveal() != once));
}

#[test]
fn a_secret_survives_its_text_and_no_change() {
    let mut random = |buffer: &mut [u8]| buffer.copy_from_slice(&[0xA5; 32]);
    let secret = new_secret("spd_", &mut random);
    let text = secret.reveal().to_owned();
    assert_eq!(text.len(), ApiSecret::TEXT_CHARS);
    assert_eq!(secret.prefix(), "spd_");
    assert!(text.ends_with(secret.hint()));
    assert_eq!(ApiSecret::parse(&text), Some(secret));
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
        assert_eq!(ApiSecret::parse(std::str::from_utf8(&changed).unwrap()), None, "at {at}");
        assert_eq!(ApiSecret::parse(&text[..at]), None);
    }
    assert_eq!(ApiSecret::parse(&"ä".repeat(30)), None);
}

#[test]
#[should_panic(expected = "three lower-case letters")]
fn a_prefix_is_checked() {
    new_secret("device", &mut |_| ());
}

#[test]
fn debug_prints_only_the_name() {
    let keys = Keys::ephemeral([1; 32]);
    assert_eq!(format!("{:?}", keys.link_token("l", LinkKind::View, 0)), "LinkToken");
    assert_eq!(format!("{:?}", keys.media_token("l", LinkKind::View, 0)), "MediaToken");
    assert_eq!(format!("{:?}", keys.one_time_token("p", "i", 0)), "OneTimeToken");
    assert_eq!(format!("{:?}", new_secret("spt_", &mut |_| ())), "ApiSecret");
}
