//! Sealed fields and wrapped keys: no bytes make the parsers panic, none that were not sealed open, and every value
//! survives being sealed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shutterpost_vault::data_key::{DataKey, KeyId};
use shutterpost_vault::field::{self, FieldContext};
use shutterpost_vault::wrap::{self, Kek, KeyAbout, Purpose};

const HEADER_BYTES: usize = 22;

fuzz_target!(|data: &[u8]| {
    let key = DataKey::from_bytes(KeyId::from_bytes([1; 16]), 1, &[2; 32]);
    let context = FieldContext { organisation: "org_1", table: "guests", column: "email", row: "gst_1" };
    let mut random = |bytes: &mut [u8]| bytes.fill(3);

    let _ = field::key_of(data);
    let _ = wrap::wrapped_by(data);
    let sealed = key.seal(&context, data, &mut random);
    assert_eq!(key.open(&context, &sealed).expect("just sealed").as_slice(), data);
    assert!(key.open(&context, data).is_err(), "a forgery");

    // Past the header, which the fuzzer would have to guess: the rest of a field from its bytes, or a field changed by
    // them.
    let header = &sealed[..HEADER_BYTES];
    assert!(key.open(&context, &[header, data].concat()).is_err(), "a forgery");
    let mut changed = key.seal(&context, b"ana@example.org", &mut random);
    changed.iter_mut().zip(data).for_each(|(byte, change)| *byte ^= change);
    let untouched = data.iter().take(changed.len()).all(|byte| *byte == 0);
    assert_eq!(key.open(&context, &changed).is_ok(), untouched);

    let kek = Kek::new(DataKey::from_bytes(KeyId::from_bytes([4; 16]), 1, &[5; 32]));
    let about = KeyAbout { organisation: "org_1", purpose: Purpose::Subject };
    assert!(kek.unwrap(key.id(), 1, &about, data).is_err(), "a forgery");
    let mut wrapped = kek.wrap(&key, &about, &mut random);
    wrapped.iter_mut().zip(data).for_each(|(byte, change)| *byte ^= change);
    let untouched = data.iter().take(wrapped.len()).all(|byte| *byte == 0);
    assert_eq!(kek.unwrap(key.id(), 1, &about, &wrapped).is_ok(), untouched);
});
