//! All renditions of a photo against sharp (libvips), which most others use: processor seconds, memory at the peak, and
//! beside them the bytes and the score of every file, without which speed says nothing.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Map, Value, json};

use super::{
    load::CORE,
    pairs::{Better, Pairs, Side, median, rounded},
    pinned,
};
use crate::{
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    node,
    process::{capture, cargo, command, on_path, run},
    progress,
    scratch::Scratch,
};

/// How often one process makes the set: it should run for a second and more.
const TIMES: u32 = 3;

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    pub name: &'static str,
    /// In pixels.
    pub size: (u32, u32),
    /// How sharp is used: `best` decodes once, `usual` for each size.
    pub way: &'static str,
    pub avif: bool,
}

/// All of them.
pub const COMPARISONS: [Comparison; 4] = [
    Comparison { name: "renditions-12", size: (4000, 3000), way: "best", avif: false },
    Comparison { name: "renditions-24", size: (6000, 4000), way: "best", avif: false },
    Comparison { name: "renditions-usual", size: (4000, 3000), way: "usual", avif: false },
    Comparison { name: "renditions-avif", size: (4000, 3000), way: "best", avif: true },
];

/// Runs one and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize, name: &str) -> Result<Value, Failure> {
    let comparison =
        COMPARISONS.into_iter().find(|one| one.name == name).or_fail(format_args!("looking for {name}"))?;
    debian::program("taskset", &["util-linux"], "this measurement")?;
    let time = debian::program("time", &["time"], "this measurement")?;
    let peer = checkout.root.join("xtask/peers/sharp");
    node::install_locked(&peer)?;
    let ours = example(checkout, "derive", &[])?;
    let score = example(checkout, "score", &["--features", "score"])?;
    let photo = photo(checkout, &peer, comparison.size)?;
    let folder = Scratch::new("renditions")?;

    let once = |side: Side, times: u32, out: Option<&Path>| -> Result<(f64, f64), Failure> {
        let mut work = command(&time);
        let report = folder.path().join("time");
        work.args(["--format", "%U %S %M", "--output"]).arg(&report);
        match side {
            Side::Ours => {
                work.arg(&ours).arg("--set").arg(&photo).args(["--times", &times.to_string()]);
                if comparison.avif {
                    work.arg("--avif");
                }
                if let Some(out) = out {
                    work.arg("--out").arg(out);
                }
            }
            Side::Theirs => {
                work.arg("node").arg(peer.join("set.mjs")).arg(&photo).args([comparison.way, &times.to_string()]);
                if comparison.avif {
                    work.env("AVIF", "1");
                }
                work.args(out);
            }
        }
        capture(&mut pinned(CORE, &mut work))?;
        let report = fs::read_to_string(&report).or_fail("reading what `time` wrote")?;
        let figures: Vec<f64> = report.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
        match figures.as_slice() {
            [.., user, system, kilobytes] => Ok((user + system, *kilobytes)),
            _ => Err(Failure::new(format!("`time` wrote {report}"))),
        }
    };

    let (mut memory, outs) = ((Vec::new(), Vec::new()), ["ours", "theirs"].map(|name| folder.path().join(name)));
    once(Side::Ours, 1, outs.first().map(PathBuf::as_path))?;
    once(Side::Theirs, 1, outs.last().map(PathBuf::as_path))?;
    let files = scores(&peer, &score, &photo, &outs)?;
    // The same against itself: how much of a ratio is the machine's.
    let control = Pairs::measure(3, |_| Ok(once(Side::Ours, TIMES, None)?.0))?.ratio().0;
    let pairs = Pairs::measure(count, |side| {
        let (seconds, kilobytes) = once(side, TIMES, None)?;
        match side {
            Side::Ours => memory.0.push(kilobytes),
            Side::Theirs => memory.1.push(kilobytes),
        }
        Ok(seconds)
    })?;
    let (ours_seconds, theirs_seconds) = pairs.medians();
    let (ours_memory, theirs_memory) = (median(memory.0), median(memory.1));
    let mut more = Map::new();
    more.insert("unit".into(), json!("processor seconds a photo"));
    more.insert("ours".into(), json!(rounded(ours_seconds / f64::from(TIMES))));
    more.insert("theirs".into(), json!(rounded(theirs_seconds / f64::from(TIMES))));
    more.insert("control".into(), json!(rounded(control)));
    more.insert("memory_ratio".into(), json!(rounded(ours_memory / theirs_memory)));
    more.insert("memory_ours_kb".into(), json!(ours_memory));
    more.insert("memory_theirs_kb".into(), json!(theirs_memory));
    more.insert("files".into(), files);
    Ok(pairs.line(name, &format!("sharp, its {} way", comparison.way), Better::Lower, more))
}

fn example(checkout: &Checkout, name: &str, features: &[&str]) -> Result<PathBuf, Failure> {
    let step = progress::step(&format!("{name} of shutterpost-media (release)"), "about 4 minutes at first");
    let mut build = cargo(checkout)?;
    build.args(["build", "--locked", "--release", "--package", "shutterpost-media", "--example", name]);
    run(build.args(features))?;
    step.done();
    Ok(checkout.target().join("release/examples").join(name))
}

/// Real photos at their own scale, from a package of backgrounds; one made by ourselves where there is none.
pub fn photo(checkout: &Checkout, peer: &Path, (width, height): (u32, u32)) -> Result<PathBuf, Failure> {
    let folder = checkout.cache.join("bench/photos");
    let file = folder.join(format!("{width}x{height}.jpg"));
    if file.is_file() {
        return Ok(file);
    }
    fs::create_dir_all(&folder).or_fail(format_args!("making {}", folder.display()))?;
    let package = folder.join("mate-backgrounds");
    let natural = package.join("usr/share/backgrounds/mate/nature");
    if on_path("apt-get").is_some() && !natural.is_dir() {
        debian::unpack("mate-backgrounds", &package)?;
    }
    let (width, height) = (width.to_string(), height.to_string());
    match fs::read_dir(&natural) {
        Ok(entries) => {
            let mut photos: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            photos.retain(|photo| photo.extension().is_some_and(|end| end == "jpg"));
            photos.sort();
            run(command("node").arg(peer.join("corpus.mjs")).args([&width, &height]).arg(&file).args(photos))?;
        }
        Err(_) => {
            let derive = example(checkout, "derive", &[])?;
            run(command(derive).args(["--synthesise", &width, &height]).arg(&file))?;
        }
    }
    Ok(file)
}

/// Bytes and score of each file of both sides.
fn scores(peer: &Path, score: &Path, photo: &Path, folders: &[PathBuf; 2]) -> Result<Value, Failure> {
    let [ours, theirs] = folders;
    run(command("node").arg(peer.join("unpack.mjs")).arg(photo).args(folders))?;
    let mut files = BTreeMap::new();
    for name in ["thumb", "web", "large"] {
        for end in ["webp", "jpg", "avif"] {
            let file = format!("{name}.{end}");
            if !ours.join(&file).is_file() {
                continue;
            }
            let shown = |folder: &Path| folder.join(format!("{file}.png"));
            let mut scoring: Command = command(score);
            scoring.arg(ours.join(format!("{name}.reference.png"))).arg(shown(ours)).arg(shown(theirs));
            let printed = capture(&mut scoring)?;
            let found: Vec<f64> = printed.lines().filter_map(|line| line.parse().ok()).collect();
            let [our_score, their_score] = found.as_slice() else {
                return Err(Failure::new(format!("the scores of {file} are {printed}")));
            };
            let bytes =
                |folder: &Path| fs::metadata(folder.join(&file)).map(|file| file.len()).or_fail("reading a size");
            let (our_bytes, their_bytes) = (bytes(ours)?, bytes(theirs)?);
            let figures = json!({
                "score": rounded(*our_score), "score_theirs": rounded(*their_score),
                "bytes": our_bytes, "bytes_theirs": their_bytes,
            });
            files.insert(file, figures);
        }
    }
    Ok(json!(files))
}
