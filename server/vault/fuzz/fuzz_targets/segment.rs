//! Sealed files: no header or segment makes the parsers panic, no changed file opens, and every range of a file equals
//! that of the plain one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shutterpost_vault::data_key::{DataKey, KeyId};
use shutterpost_vault::stream::{self, Header, Opener};

fuzz_target!(|data: &[u8]| {
    let key = DataKey::from_bytes(KeyId::from_bytes([1; 16]), 1, &[2; 32]);
    let mut random = |bytes: &mut [u8]| bytes.fill(3);

    if let Ok((header, _)) = Header::parse(data) {
        assert!(Opener::new(&key, header).is_err(), "a forgery");
    }
    assert!(stream::open_all(&key, data).is_err(), "a forgery");

    // The first bytes choose a range, the others are the file.
    let Some((numbers, plain)) = data.split_first_chunk::<16>() else { return };
    let (offset, length) = numbers.split_at(8);
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("eight bytes"));
    let (offset, length) = (number(offset), number(length));
    let sealed = stream::seal_all(&key, plain, &mut random).expect("not too long");
    let (header, _) = Header::parse(&sealed).expect("just made");
    let opener = Opener::new(&key, header).expect("just made");
    let located = opener.locate(offset, length);
    let cipher = &sealed[located.cipher.start as usize..located.cipher.end as usize];
    let opened = opener.open_range(&located, cipher).expect("just made");
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(plain.len());
    let to = from.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(plain.len());
    assert_eq!(opened, &plain[from..to]);

    let mut changed = sealed.clone();
    changed.iter_mut().zip(data).for_each(|(byte, change)| *byte ^= change);
    assert_eq!(stream::open_all(&key, &changed).is_ok(), changed == sealed);
    assert!(stream::open_all(&key, &[&sealed[..Header::LEN], data].concat()).is_err(), "a forgery");
});
