//! What an upload of 12 megapixels takes with a branding and without: processor seconds of whole processes in turn, and the
//! most memory of each. Beside it how long somebody waits who changes a branding: a preview, by the clock.

use std::{fs, path::Path};

use serde_json::{Map, Value, json};

use super::{
    load::CORE,
    pairs::{Better, Pairs, Side, median, percentile, rounded},
    pinned,
    vault::program,
};
use crate::{
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    process::{capture, command},
    scratch::Scratch,
};

/// Uploads of one process: it should run for a second and more. The branding is prepared anew for each.
const TIMES: u32 = 4;
/// Previews of one process.
const PREVIEWS: u32 = 21;

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    debian::program("taskset", &["util-linux"], "this measurement")?;
    let time = debian::program("time", &["time"], "this measurement")?;
    let program = program::branding(checkout)?;
    let folder = Scratch::new("branding")?;
    let photo = program::photo(checkout, folder.path(), 4000, 3000)?;
    let report = folder.path().join("time");
    let once = |side: Side| -> Result<(f64, f64), Failure> {
        let mut work = command(&time);
        work.args(["--format", "%U %S %M", "--output"]).arg(&report).arg(&program);
        work.arg("--upload").arg(&photo).args(["--times", &TIMES.to_string()]);
        if side == Side::Theirs {
            work.arg("--plain");
        }
        capture(&mut pinned(CORE, &mut work))?;
        figures(&report)
    };
    once(Side::Ours)?;
    let mut memory = (Vec::new(), Vec::new());
    let pairs = Pairs::measure(count, |side| {
        let (seconds, kilobytes) = once(side)?;
        match side {
            Side::Ours => memory.0.push(kilobytes),
            Side::Theirs => memory.1.push(kilobytes),
        }
        Ok(seconds)
    })?;
    let (branded, plain) = pairs.medians();
    let mut more = Map::new();
    more.insert("unit".into(), json!("processor seconds an upload"));
    more.insert("branded".into(), json!(rounded(branded / f64::from(TIMES))));
    more.insert("plain".into(), json!(rounded(plain / f64::from(TIMES))));
    more.insert("memory_branded_kb".into(), json!(median(memory.0)));
    more.insert("memory_plain_kb".into(), json!(median(memory.1)));
    let mut words = command(&program);
    let printed = capture(&mut pinned(CORE, words.args(["--preview", "--times", &PREVIEWS.to_string()])))?;
    let printed: Value = serde_json::from_str(printed.trim()).or_fail("reading what the previews took")?;
    let previews: Vec<f64> =
        printed.get("milliseconds").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_f64).collect();
    more.insert("preview_ms".into(), json!(rounded(median(previews.clone()))));
    more.insert("preview_p95_ms".into(), json!(rounded(percentile(previews, 0.95))));
    Ok(pairs.line("branding", "the same upload without a branding", Better::Lower, more))
}

/// Processor seconds and the most kilobytes, as `time` wrote them.
fn figures(report: &Path) -> Result<(f64, f64), Failure> {
    let report = fs::read_to_string(report).or_fail("reading what `time` wrote")?;
    let figures: Vec<f64> = report.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    match figures.as_slice() {
        [.., user, system, kilobytes] => Ok((user + system, *kilobytes)),
        _ => Err(Failure::new(format!("`time` wrote {report}"))),
    }
}
