//! A HEIC of 12 megapixels decoded to RGB, against pillow-heif (libheif and libde265), on two cores and two threads. Ours
//! has a photo on each thread, as the server does, theirs the threads in turn at one photo. Processor seconds count; beside
//! them the clock, for two threads and for somebody who waits for one photo, and memory. Both pictures are compared, or a
//! decoder could win by its thumbnail.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Map, Value, json};

use super::{
    pairs::{Better, Pairs, Side, median, rounded},
    pinned, renditions,
    vault::program,
};
use crate::{
    checkout::Checkout,
    failure::{Failure, While as _},
    moto, node,
    process::{capture, command, run},
    progress,
    scratch::Scratch,
};

const VERSION: &str = "1.8.1";
/// Of Pillow beside it, which takes no part in decoding.
const PILLOW: &str = "13.0.0";
const CORES: &str = "0,1";
const THREADS: u32 = 2;
/// Photos decoded in one process, after a first one.
const TIMES: u32 = 6;
/// In pixels.
const SIZE: (u32, u32) = (4000, 3000);
/// Of 255. They enlarge chroma in ways of their own, which is visible at sharp edges of colour and nowhere else.
const MEAN_DIFFERENCE_MOST: f64 = 2.0;

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let ours = program::heic(checkout)?;
    let python = install(checkout)?;
    let script = checkout.root.join("xtask/peers/pillow-heif/heic.py");
    let photo = photo(checkout, &python, &script)?;
    let folder = Scratch::new("heic")?;
    let [times, threads] = [TIMES, THREADS].map(|number| number.to_string());
    let once = |side: Side, pixels: Option<&Path>| -> Result<Took, Failure> {
        let mut work = match side {
            Side::Ours => {
                let mut work = command(&ours);
                work.arg(&photo).args(["--times", &times, "--threads", &threads]);
                if pixels.is_some() {
                    work.arg("--pixels");
                }
                work
            }
            Side::Theirs => {
                let mut work = command(&python);
                work.arg(&script).arg("decode").arg(&photo).args([&times, &threads]);
                work
            }
        };
        Took::of(work.args(pixels))
    };

    let files = ["ours", "theirs"].map(|name| folder.path().join(name));
    let difference = difference(&python, &script, &files, &once)?;
    // The same against itself: how much of a ratio is the machine's.
    let control = Pairs::measure(3, |_| Ok(once(Side::Ours, None)?.processor))?.ratio().0;
    let mut all = (Vec::new(), Vec::new());
    let pairs = Pairs::measure(count, |side| {
        let took = once(side, None)?;
        match side {
            Side::Ours => all.0.push(took),
            Side::Theirs => all.1.push(took),
        }
        Ok(took.processor)
    })?;

    let (ours_seconds, theirs_seconds) = pairs.medians();
    let mut more = Map::new();
    more.insert("unit".into(), json!("processor seconds a photo of 12 megapixels"));
    more.insert("ours".into(), json!(rounded(ours_seconds)));
    more.insert("theirs".into(), json!(rounded(theirs_seconds)));
    more.insert("control".into(), json!(rounded(control)));
    let values = |all: &[Took], value: Clock| all.iter().map(value).collect::<Vec<f64>>();
    let clocks: [(&str, Clock); 2] = [("wall_two_threads", |took| took.wall), ("wall_one_photo", |took| took.alone)];
    for (name, value) in clocks {
        let pairs = Pairs::of(&values(&all.0, value), &values(&all.1, value));
        let ((ratio, min, max), (ours, theirs)) = (pairs.ratio(), pairs.medians());
        let figures = json!({
            "ratio": rounded(ratio), "min": rounded(min), "max": rounded(max),
            "ours": rounded(ours), "theirs": rounded(theirs),
        });
        more.insert(name.into(), figures);
    }
    let memory = [&all.0, &all.1].map(|all| median(values(all, |took| took.peak)));
    let beyond = [&all.0, &all.1].map(|all| median(values(all, |took| took.peak - took.idle)));
    let [ours_memory, theirs_memory] = memory;
    more.insert("memory_ratio".into(), json!(rounded(ours_memory / theirs_memory)));
    more.insert("memory_kb".into(), json!({ "ours": ours_memory, "theirs": theirs_memory }));
    more.insert("memory_beyond_idle_kb".into(), json!({ "ours": beyond[0], "theirs": beyond[1] }));
    more.insert("difference".into(), difference);
    let bytes = fs::metadata(&photo).or_fail("looking at the photo")?.len();
    more.insert("photo_bytes".into(), json!(bytes));
    Ok(pairs.line("heic", &format!("pillow-heif {VERSION} on two threads"), Better::Lower, more))
}

/// What one process took.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Took {
    size: (f64, f64),
    /// Seconds by the clock of the first photo, by itself.
    alone: f64,
    /// Seconds a photo of those after it.
    wall: f64,
    processor: f64,
    /// Kilobytes before the first photo, and the most while it was decoded.
    idle: f64,
    peak: f64,
}

impl Took {
    fn of(work: &mut Command) -> Result<Self, Failure> {
        Self::read(&capture(&mut pinned(CORES, work))?)
    }

    fn read(printed: &str) -> Result<Self, Failure> {
        let printed: Value = serde_json::from_str(printed.trim()).or_fail("reading what decoding took")?;
        let figure = |name: &str| {
            printed.get(name).and_then(Value::as_f64).or_fail(format_args!("reading {name} of what decoding took"))
        };
        Ok(Self {
            size: (figure("width")?, figure("height")?),
            alone: figure("alone")?,
            wall: figure("wall")? / f64::from(TIMES),
            processor: figure("processor")? / f64::from(TIMES),
            idle: figure("idle_kb")?,
            peak: figure("peak_kb")?,
        })
    }
}

/// What of a measurement is compared.
type Clock = fn(&Took) -> f64;

/// Decodes once on one side, into a file if one is given.
type Once<'a> = &'a dyn Fn(Side, Option<&Path>) -> Result<Took, Failure>;

/// How far the two pictures are apart, which are to be the same one.
fn difference(python: &Path, script: &Path, files: &[PathBuf; 2], once: Once<'_>) -> Result<Value, Failure> {
    let [ours, theirs] = files;
    let (width, height) = SIZE;
    for (side, file) in [(Side::Ours, ours), (Side::Theirs, theirs)] {
        let size = once(side, Some(file))?.size;
        if size != (f64::from(width), f64::from(height)) {
            return Err(Failure::new(format!("{side:?} decoded {size:?} pixels, and not {width} x {height}")));
        }
    }
    let mut compare = command(python);
    compare.arg(script).arg("compare").args(files).args([width.to_string(), height.to_string()]);
    let found: Value = serde_json::from_str(capture(&mut compare)?.trim()).or_fail("reading the difference")?;
    let figure = |name: &str| found.get(name).and_then(Value::as_f64).or_fail("reading the difference");
    let (mean, most) = (figure("mean")?, figure("max")?);
    if mean > MEAN_DIFFERENCE_MOST {
        return Err(Failure::new(format!("these are two pictures: they differ by {mean:.2} of 255 on average")));
    }
    progress::note(&format!("the pictures differ by {mean:.3} of 255 on average, {most} at most"));
    Ok(json!({ "mean": rounded(mean), "max": most }))
}

/// The photo of the renditions as a phone would write it, by the peer's own encoder.
fn photo(checkout: &Checkout, python: &Path, script: &Path) -> Result<PathBuf, Failure> {
    let sharp = checkout.root.join("xtask/peers/sharp");
    node::install_locked(&sharp)?;
    let jpeg = renditions::photo(checkout, &sharp, SIZE)?;
    let file = jpeg.with_extension(format!("{VERSION}.heic"));
    if !file.is_file() {
        let step = progress::step("a HEIC in tiles of 512 pixels", "once, about 30 s");
        // Moved when it is whole: an interrupted one is none.
        let begun = file.with_extension("begun.heic");
        run(command(python).arg(script).arg("make").arg(&jpeg).arg(&begun))?;
        fs::rename(&begun, &file).or_fail(format_args!("moving {}", begun.display()))?;
        step.done();
    }
    Ok(file)
}

/// The Python of an environment that has the peer, in the cache folder.
fn install(checkout: &Checkout) -> Result<PathBuf, Failure> {
    let root = checkout.cache.join("bench").join(format!("pillow-heif-{VERSION}-{PILLOW}"));
    // The last thing that an installation makes: one that was cut short is begun anew.
    let whole = root.join("whole");
    let python = root.join("bin/python");
    // The environment points to the Python that made it, which may be gone.
    if whole.is_file() && capture(command(&python).args(["-c", "import pillow_heif"])).is_ok() {
        return Ok(python);
    }
    let base = moto::python("this measurement")?;
    let step = progress::step(&format!("pip install pillow-heif {VERSION}"), "once, about 15 s");
    run(command(base).args(["-m", "venv", "--clear"]).arg(&root))?;
    let wanted = [format!("pillow-heif=={VERSION}"), format!("pillow=={PILLOW}")];
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(command(&python).args(quiet).args(wanted))?;
    fs::write(&whole, "").or_fail(format_args!("writing {}", whole.display()))?;
    step.done();
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_took_is_told_a_photo() {
        let printed = r#"{"width":4,"height":3,"alone":0.5,"wall":6.0,"processor":12.0,"idle_kb":10,"peak_kb":30}"#;
        let took = Took::read(printed).unwrap();
        assert_eq!((took.size, took.alone, took.wall, took.processor), ((4.0, 3.0), 0.5, 1.0, 2.0));
        assert_eq!((took.idle, took.peak), (10.0, 30.0));
        assert!(Took::read(&printed.replace("wall", "walls")).is_err());
        assert!(Took::read("").is_err());
    }
}
