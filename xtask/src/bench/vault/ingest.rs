//! The picture work of an upload of 12 megapixels with sealing against without: processor time of all threads. The backend
//! does for it what it does for an upload (`server/backend/src/ingest/measure.rs`): hash, inspect, strip, decode, make all
//! renditions, then seal each file under a new key that the key store has on its disk, or not, and write it. Every file is
//! read back and compared, outside of the time.

use std::fs;

use serde_json::{Map, Value, json};

use super::program::{self, Dialogue, figure};
use crate::{
    bench::pairs::{Better, Pairs, Side, median, rounded},
    checkout::Checkout,
    failure::{Failure, While as _},
    scratch::Scratch,
};

const WIDTH: u32 = 4000;
const HEIGHT: u32 = 3000;
/// Per side and pair.
const UPLOADS: u32 = 4;

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let program = program::backend(checkout)?;
    let folder = Scratch::new("vault-ingest")?;
    let photo = program::photo(checkout, folder.path(), WIDTH, HEIGHT)?;
    let photo_bytes = fs::metadata(&photo).or_fail("looking at the photo")?.len();
    let mut work = Dialogue::start(&program, &["ingest".as_ref(), &folder.path().join("data"), &photo])?;
    let (mut sealing, mut files, mut bytes) = (Vec::new(), 0.0, 0.0);
    let mut once = |side: Side| {
        let form = if side == Side::Ours { "sealed" } else { "plain" };
        let done = work.ask(&format!("{form} {UPLOADS}"))?;
        if side == Side::Ours {
            sealing.push(figure(&done, "sealing_cpu")? / f64::from(UPLOADS));
            files = figure(&done, "files")? / f64::from(UPLOADS);
            bytes = figure(&done, "bytes")? / f64::from(UPLOADS);
        }
        Ok(figure(&done, "cpu")? / f64::from(UPLOADS))
    };
    // Once each for caches and for the realm's key.
    for side in [Side::Ours, Side::Theirs] {
        once(side)?;
    }
    let pairs = Pairs::measure(count, once)?;
    let (ours, theirs) = pairs.medians();
    let sealing = median(sealing);
    let mut more = Map::new();
    more.insert("unit".into(), json!("CPU seconds per upload"));
    more.insert("ours".into(), json!(rounded(ours)));
    more.insert("theirs".into(), json!(rounded(theirs)));
    // Measured around the sealing itself, which the noise of everything else does not blur.
    more.insert("sealing".into(), json!(rounded(sealing)));
    more.insert("sealing_share".into(), json!(rounded(sealing / theirs)));
    more.insert("megapixels".into(), json!(f64::from(WIDTH * HEIGHT) / 1e6));
    more.insert("photo_bytes".into(), json!(photo_bytes));
    more.insert("files".into(), json!(files as u64));
    more.insert("sealed_bytes".into(), json!(bytes as u64));
    Ok(pairs.line("vault-ingest", "the same picture work without sealing", Better::Lower, more))
}
