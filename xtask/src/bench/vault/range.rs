//! The last 64 KiB of a sealed film of 100 MB, against the first 64 KiB: processor time per range, and bytes read. Read by
//! what answers a request with a Range header (`StoredFile` of the backend); no upload makes a file of that size yet, so
//! there is no HTTP around it. The film has whole segments alone, so that both ranges lie in exactly one.

use serde_json::{Map, Value, json};

use super::program::{self, Dialogue, figure};
use crate::{
    bench::pairs::{Better, Pairs, Side, rounded},
    checkout::Checkout,
    failure::Failure,
    scratch::Scratch,
};

/// Per side and pair.
const RANGES: u32 = 5000;

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let program = program::backend(checkout)?;
    let folder = Scratch::new("vault-range")?;
    let mut work = Dialogue::start(&program, &["range".as_ref(), &folder.path().join("data")])?;
    let (mut read, mut film) = ([0.0, 0.0], 0.0);
    let mut once = |side: Side| {
        let (place, read) = match side {
            Side::Ours => ("last", &mut read[0]),
            Side::Theirs => ("first", &mut read[1]),
        };
        let done = work.ask(&format!("{place} {RANGES}"))?;
        *read = figure(&done, "read")? / f64::from(RANGES);
        film = figure(&done, "film")?;
        Ok(figure(&done, "cpu")? * 1e6 / f64::from(RANGES))
    };
    // Once each for caches.
    for side in [Side::Ours, Side::Theirs] {
        once(side)?;
    }
    let pairs = Pairs::measure(count, once)?;
    let (ours, theirs) = pairs.medians();
    let [ours_read, theirs_read] = read;
    let mut more = Map::new();
    more.insert("unit".into(), json!("µs of CPU per range"));
    more.insert("ours".into(), json!(rounded(ours)));
    more.insert("theirs".into(), json!(rounded(theirs)));
    more.insert("ours_read_bytes".into(), json!(ours_read as u64));
    more.insert("theirs_read_bytes".into(), json!(theirs_read as u64));
    more.insert("film_bytes".into(), json!(film as u64));
    Ok(pairs.line("vault-range", "the first 64 KiB of the same film", Better::Lower, more))
}
