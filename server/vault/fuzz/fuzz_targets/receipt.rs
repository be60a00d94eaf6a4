//! Erasure receipts: no text makes the reader panic, signed or not, and what it accepts it would have written itself.

#![no_main]

use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use shutterpost_vault::receipt;
use shutterpost_vault::sign::SigningKey;

static SIGNER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed(&[1; 32]));

fuzz_target!(|data: &[u8]| {
    let public = SIGNER.public();
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = receipt::key_of(text);
        assert!(receipt::verify(text, &public).is_err(), "a forgery");
    }
    // Any document under a right signature, so that the fuzzer gets past that.
    let signature = SIGNER.sign("receipt", data);
    let text = format!("{}.{}", BASE64URL_NOPAD.encode(data), BASE64URL_NOPAD.encode(&signature));
    if let Ok(receipt) = receipt::verify(&text, &public) {
        assert_eq!(receipt.sign(&SIGNER).expect("it was accepted"), text);
    }
});
