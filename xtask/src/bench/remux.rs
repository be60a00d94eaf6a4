//! A film cleaned with its index first, against ffmpeg copying it without metadata: whole processes by the clock, for
//! films of three sizes. Beside it the picture that stands for a film, against ffmpeg's own choice of one, and the memory
//! that cleaning takes beyond that of a process which does nothing.

use std::{fs, path::Path, process::Command, time::Instant};

use serde_json::{Map, Value, json};

use super::{
    load::CORE,
    pairs::{Better, Pairs, Side, rounded},
    pinned,
    vault::program,
};
use crate::{
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    process::{capture, command},
    progress,
    scratch::Scratch,
};

/// Megabytes of the films.
const SIZES: [u32; 3] = [3, 10, 30];
/// Films cleaned per side, pair and size.
const TIMES: u32 = 8;
/// Of the film whose poster is made.
const POSTER_SIZE: u32 = 10;

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let ffmpeg = debian::program("ffmpeg", &["ffmpeg"], "this measurement")?;
    debian::program("bwrap", &["bubblewrap"], "this measurement")?;
    let ours = program::media(checkout)?;
    let folder = Scratch::new("remux")?;
    let (mut more, mut lines, mut beyond) = (Map::new(), Vec::new(), 0.0_f64);
    for size in SIZES {
        let film = film(&ffmpeg, folder.path(), size)?;
        let to = folder.path().join("out.mp4");
        let mut once = |side: Side| match side {
            Side::Ours => timed(command(&ours).arg(&film).arg(&to), &mut beyond),
            Side::Theirs => {
                let mut words = command(&ffmpeg);
                words.args(["-nostdin", "-y", "-v", "error", "-i"]).arg(&film);
                timed(words.args(["-c", "copy", "-map_metadata", "-1", "-movflags", "+faststart"]).arg(&to), &mut 0.0)
            }
        };
        progress::note(&format!("a film of {size} MB"));
        once(Side::Ours)?;
        once(Side::Theirs)?;
        let pairs =
            Pairs::measure(count, |side| (0..TIMES).try_fold(0.0, |sum, _| Ok(sum + once(side)? / f64::from(TIMES))))?;
        let (ours, theirs) = pairs.medians();
        more.insert(format!("ratio_{size}mb"), json!(rounded(pairs.ratio().0)));
        more.insert(format!("ours_{size}mb"), json!(rounded(ours)));
        more.insert(format!("theirs_{size}mb"), json!(rounded(theirs)));
        lines.push(pairs);
    }
    more.insert("unit".into(), json!("seconds"));
    more.insert("beyond_idle_mb".into(), json!(rounded(beyond / 1024.0)));
    poster(&ours, &ffmpeg, folder.path(), count, &mut more)?;
    // The worst of the sizes is the one to be judged by.
    lines.sort_by(|a, b| a.ratio().0.total_cmp(&b.ratio().0));
    let worst = lines.pop().or_fail("measuring")?;
    Ok(worst.line("remux", "ffmpeg -c copy -map_metadata -1 -movflags +faststart", Better::Lower, more))
}

/// Ours makes all files of the poster in the sandbox, theirs decodes a hundred pictures and writes one.
fn poster(
    ours: &Path,
    ffmpeg: &Path,
    folder: &Path,
    count: usize,
    more: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let film = film(ffmpeg, folder, POSTER_SIZE)?;
    let pairs = Pairs::measure(count, |side| match side {
        Side::Ours => {
            let mut words = command(ours);
            let printed = run(words.arg("--poster").arg(&film).arg(folder.join("poster")))?;
            let seconds = printed.get("seconds").and_then(Value::as_f64);
            seconds.or_fail("reading how long the poster took")
        }
        Side::Theirs => {
            let mut words = command(ffmpeg);
            words.args(["-nostdin", "-y", "-v", "error", "-i"]).arg(&film);
            timed(words.args(["-vf", "thumbnail", "-frames:v", "1"]).arg(folder.join("poster.png")), &mut 0.0)
        }
    })?;
    let (ratio, min, max) = pairs.ratio();
    let (ours, theirs) = pairs.medians();
    let figures = [("ratio", ratio), ("min", min), ("max", max), ("ours", ours), ("theirs", theirs)];
    let figures: Map<String, Value> =
        figures.into_iter().map(|(name, value)| (name.to_owned(), json!(rounded(value)))).collect();
    more.insert("poster".into(), Value::Object(figures));
    Ok(())
}

/// Seconds of a whole process; `beyond` grows to the most memory that it says it took.
fn timed(words: &mut Command, beyond: &mut f64) -> Result<f64, Failure> {
    let started = Instant::now();
    let printed = run(words)?;
    let seconds = started.elapsed().as_secs_f64();
    if let Some(kilobytes) = printed.get("beyond_idle_kb").and_then(Value::as_f64) {
        *beyond = beyond.max(kilobytes);
    }
    Ok(seconds)
}

/// On one core; what it printed, if that is JSON.
fn run(words: &mut Command) -> Result<Value, Failure> {
    let printed = capture(&mut pinned(CORE, words))?;
    Ok(serde_json::from_str(printed.trim()).unwrap_or(Value::Null))
}

/// A film as phones record it, with its index last, of about that many megabytes.
fn film(ffmpeg: &Path, folder: &Path, megabytes: u32) -> Result<std::path::PathBuf, Failure> {
    let film = folder.join(format!("{megabytes}mb.mp4"));
    if !film.exists() {
        // 8 Mbit a second.
        let source = format!("testsrc2=size=1280x720:rate=30:duration={megabytes}");
        let sound = format!("sine=duration={megabytes}");
        let mut words = command(ffmpeg);
        words.args(["-nostdin", "-y", "-v", "error", "-f", "lavfi", "-i", &source, "-f", "lavfi", "-i", &sound]);
        words.args(["-vf", "noise=alls=40:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
        words.args(["-b:v", "7800k", "-minrate", "7800k", "-maxrate", "7800k", "-bufsize", "4M", "-c:a", "aac"]);
        capture(words.args(["-metadata", "location=+52.52+013.40/", "-metadata", "title=a film"]).arg(&film))?;
        let bytes = fs::metadata(&film).or_fail("looking at the film")?.len();
        progress::note(&format!("made a film of {:.1} MB", bytes as f64 / 1e6));
    }
    Ok(film)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_prints_is_read_and_the_most_memory_kept() {
        let mut beyond = 5.0;
        timed(command("echo").arg("{\"beyond_idle_kb\":7}"), &mut beyond).unwrap();
        timed(command("echo").arg("{\"beyond_idle_kb\":6}"), &mut beyond).unwrap();
        timed(command("echo").arg("no JSON"), &mut beyond).unwrap();
        assert_eq!(beyond, 7.0);
    }
}
