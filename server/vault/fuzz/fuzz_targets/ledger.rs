//! The ledger of erased keys: no bytes make the reader panic, and no change brings in an entry that was not written.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use shutterpost_vault::data_key::KeyId;
use shutterpost_vault::ledger::{self, Entry, LedgerError, LedgerWriter};
use shutterpost_vault::sign::{PublicKey, SigningKey};

struct Written {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    public: PublicKey,
}

static WRITTEN: LazyLock<Written> = LazyLock::new(|| {
    let signer = SigningKey::from_seed(&[1; 32]);
    let public = signer.public();
    let (mut writer, header) = LedgerWriter::new(signer, &mut |bytes: &mut [u8]| bytes.fill(2));
    let (mut bytes, mut entries) = (header.to_vec(), Vec::new());
    for n in 0..4 {
        let (entry, appended) = writer.append(KeyId::from_bytes([n; 16]), i64::from(n));
        bytes.extend(appended);
        entries.push(entry);
    }
    Written { bytes, entries, public }
});

fn check(bytes: &[u8]) {
    match ledger::verify(bytes, &WRITTEN.public) {
        Ok(entries) | Err(LedgerError::Torn { entries, .. }) => assert!(WRITTEN.entries.starts_with(&entries)),
        Err(_) => {}
    }
}

fuzz_target!(|data: &[u8]| {
    check(data);
    check(&[&WRITTEN.bytes[..128], data].concat());
    check(&[&WRITTEN.bytes[..], data].concat());
    let mut changed = WRITTEN.bytes.clone();
    changed.iter_mut().zip(data).for_each(|(byte, change)| *byte ^= change);
    check(&changed);
    // The first byte says where, the others are put there.
    if let Some((at, part)) = data.split_first() {
        let at = usize::from(*at) * 3 % WRITTEN.bytes.len();
        let mut moved = WRITTEN.bytes.clone();
        moved.splice(at..(at + part.len()).min(WRITTEN.bytes.len()), part.iter().copied());
        check(&moved);
    }
});
