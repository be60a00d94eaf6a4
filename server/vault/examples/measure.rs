//! Measures the vault, one JSON line a figure: `{"name","unit","value"}`. Rates are per second of processor time of the
//! one thread that works, so that a busy machine does not change them much. Arguments choose figures by the beginning of
//! their names; without any, all are measured.

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::aead as second;
use rustix::time::{ClockId, clock_gettime};
use shutterpost_vault::data_key::{DataKey, KeyId};
use shutterpost_vault::field::FieldContext;
use shutterpost_vault::password::Params;
use shutterpost_vault::root::Roots;
use shutterpost_vault::root::passphrase::{Passphrase, PassphraseRoots};
use shutterpost_vault::stream::{self, Header, Opener, SEGMENT_BYTES, Sealer, TAG_BYTES};
use shutterpost_vault::wrap::{Kek, KeyAbout, Purpose};

/// How long a rate is measured, in seconds of processor time.
const SECONDS: f64 = 1.0;
const MEGABYTE: f64 = 1e6;
const FIELDS: usize = 200_000;
const KEYS: usize = 100_000;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let measurements: [(&str, fn()); 8] = [
        ("aead-seal", aead_seal),
        ("second-seal", second_seal),
        ("aead-open", aead_open),
        ("stream-whole", stream_whole),
        ("field", field),
        ("second-field", second_field),
        ("rewrap", rewrap),
        ("root", root),
    ];
    for (name, measure) in measurements {
        if wanted.is_empty() || wanted.iter().any(|wanted| name.starts_with(wanted.as_str())) {
            measure();
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn report(name: &str, unit: &str, value: f64) {
    println!("{{\"name\":\"{name}\",\"unit\":\"{unit}\",\"value\":{value:.3}}}");
}

fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has randomness");
}

fn key(version: u16) -> DataKey {
    DataKey::random(KeyId::random(&mut random), version, &mut random)
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// How often `work` runs in a second of processor time.
fn rate(mut work: impl FnMut()) -> f64 {
    for _ in 0..100 {
        work();
    }
    let start = cpu_seconds();
    let mut runs = 0_u32;
    loop {
        for _ in 0..100 {
            work();
        }
        runs += 100;
        let spent = cpu_seconds() - start;
        if spent >= SECONDS {
            return f64::from(runs) / spent;
        }
    }
}

/// Segments of 64 KiB sealed in place: to be held against `openssl speed -evp aes-256-gcm -bytes 65536`.
fn aead_seal() {
    let mut sealer = Sealer::new(&key(1), stream::MAX_PLAIN_BYTES, &mut random).expect("not too long");
    let mut segment = vec![0x5a; SEGMENT_BYTES];
    let rate = rate(|| {
        black_box(sealer.seal_in_place(&mut segment).expect("the file is long enough"));
    });
    report("aead-seal", "MB/s of CPU", rate * SEGMENT_BYTES as f64 / MEGABYTE);
}

/// The same work by the library that was not chosen.
fn second_seal() {
    let mut bytes = [0; 32];
    random(&mut bytes);
    let key = second::UnboundKey::new(&second::AES_256_GCM, &bytes).expect("32 bytes");
    let key = second::LessSafeKey::new(key);
    let mut segment = vec![0x5a; SEGMENT_BYTES];
    let aad = [7; Header::LEN];
    let mut counter = 0_u64;
    let rate = rate(|| {
        counter += 1;
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&counter.to_le_bytes());
        let nonce = second::Nonce::assume_unique_for_key(nonce);
        let tag = key.seal_in_place_separate_tag(nonce, second::Aad::from(&aad), &mut segment);
        black_box(tag.expect("seals").as_ref());
    });
    report("second-seal", "MB/s of CPU", rate * SEGMENT_BYTES as f64 / MEGABYTE);
}

/// One segment opened, the copy from the bytes that were read included.
fn aead_open() {
    let key = key(1);
    let sealed = stream::seal_all(&key, &vec![0x5a; SEGMENT_BYTES], &mut random).expect("not too long");
    let (header, segment) = Header::parse(&sealed).expect("just made");
    let opener = Opener::new(&key, header.clone()).expect("just made");
    let mut plain = Vec::with_capacity(SEGMENT_BYTES + TAG_BYTES);
    let opened = rate(|| {
        plain.clear();
        opener.open_segment(0, black_box(segment), &mut plain).expect("just made");
        black_box(&plain);
    });
    report("aead-open", "MB/s of CPU", opened * SEGMENT_BYTES as f64 / MEGABYTE);
    report("aead-open-segment", "µs of CPU", 1e6 / opened);
    let opened = rate(|| {
        black_box(Opener::new(&key, header.clone()).expect("just made"));
    });
    report("aead-open-header", "µs of CPU", 1e6 / opened);
}

/// A rendition of 300 kB, sealed and opened whole, as ingest and serving do.
fn stream_whole() {
    let key = key(1);
    let plain = vec![0x5a; 300_000];
    let sealed = stream::seal_all(&key, &plain, &mut random).expect("not too long");
    let seals = rate(|| {
        black_box(stream::seal_all(&key, black_box(&plain), &mut random).expect("not too long"));
    });
    report("stream-whole-seal", "µs of CPU", 1e6 / seals);
    let opens = rate(|| {
        black_box(stream::open_all(&key, black_box(&sealed)).expect("just made"));
    });
    report("stream-whole-open", "µs of CPU", 1e6 / opens);
}

/// An e-mail address sealed and opened, a line of text, and a long answer.
fn field() {
    let key = key(1);
    let context = FieldContext { organisation: "org_0", table: "guests", column: "email", row: "gst_0" };
    for (name, length) in [("field-24", 24), ("field-200", 200), ("field-long", 2_000)] {
        let plain = vec![b'x'; length];
        let mut micros: Vec<f64> = (0..FIELDS)
            .map(|_| {
                let start = Instant::now();
                let sealed = key.seal(&context, black_box(&plain), &mut random);
                black_box(key.open(&context, black_box(&sealed)).expect("just made"));
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        micros.sort_by(f64::total_cmp);
        let at = |part: f64| micros.get((micros.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN);
        report(&format!("{name}-p50"), "µs", at(0.50));
        report(&format!("{name}-p99"), "µs", at(0.99));
        let pairs = rate(|| {
            let sealed = key.seal(&context, black_box(&plain), &mut random);
            black_box(key.open(&context, black_box(&sealed)).expect("just made"));
        });
        report(&format!("{name}-cpu"), "µs of CPU", 1e6 / pairs);
    }
    let fresh = rate(|| {
        let key = DataKey::from_bytes(key.id(), 1, black_box(key.secret()));
        black_box(key.open(&context, &key.seal(&context, b"ana@example.org", &mut random)).expect("just made"));
    });
    report("field-fresh-key", "µs of CPU", 1e6 / fresh);
}

/// AES-256-GCM-SIV alone, sealed and opened by the library that was not chosen, for what an address becomes.
fn second_field() {
    let mut bytes = [0; 32];
    random(&mut bytes);
    let key = second::UnboundKey::new(&second::AES_256_GCM_SIV, &bytes).expect("32 bytes");
    let key = second::LessSafeKey::new(key);
    let aad = [7; 150];
    let pairs = rate(|| {
        let mut nonce = [0; 12];
        random(&mut nonce);
        let unique = || second::Nonce::assume_unique_for_key(nonce);
        let mut text = [0x5a; 32];
        let tag = key.seal_in_place_separate_tag(unique(), second::Aad::from(&aad), &mut text).expect("seals");
        let mut sealed = [&text[..], tag.as_ref()].concat();
        black_box(key.open_in_place(unique(), second::Aad::from(&aad), &mut sealed).expect("just made"));
    });
    report("second-field", "µs of CPU", 1e6 / pairs);
}

/// Keys unwrapped from one organisation key and wrapped under the next.
fn rewrap() {
    let (old, new) = (Kek::new(key(1)), Kek::new(key(2)));
    let about = KeyAbout { organisation: "org_0", purpose: Purpose::Subject };
    let wrapped: Vec<_> = (0..KEYS)
        .map(|_| {
            let child = key(1);
            (child.id(), old.wrap(&child, &about, &mut random))
        })
        .collect();
    let start = cpu_seconds();
    for (id, wrapped) in &wrapped {
        black_box(old.rewrap(&new, *id, 1, &about, wrapped, &mut random).expect("just made"));
    }
    let spent = cpu_seconds() - start;
    report("rewrap", "keys/s of CPU", KEYS as f64 / spent);
    report("rewrap-million", "s of CPU", spent * 1e6 / KEYS as f64);
}

/// What the passphrase backend adds to a start: the folder opened, and one organisation key unwrapped.
fn root() {
    let operator = Passphrase::Operator { text: "tulip carousel nineteen ferry", cost: Params::DEFAULT };
    for (name, passphrase) in [("root-start", Passphrase::MachineMade), ("root-start-argon2id", operator)] {
        let folder = tempfile::tempdir().expect("a folder");
        let roots = PassphraseRoots::open(folder.path(), passphrase, &mut random).expect("opens");
        for generation in 1..=4 {
            roots.create(generation, &mut random).expect("a new generation");
        }
        let wrapped = roots.wrap(4, b"", &[1; 32], &mut random).expect("wraps");
        let start = Instant::now();
        let roots = PassphraseRoots::open(folder.path(), passphrase, &mut random).expect("opens");
        black_box(roots.unwrap(4, b"", &wrapped).expect("just wrapped"));
        report(name, "ms", start.elapsed().as_secs_f64() * 1e3);
    }
}
