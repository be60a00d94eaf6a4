//! Derives the renditions of one file and prints what came out, how long it took and the most memory it took.
//!
//! `cargo run --release -p shutterpost-media --example derive -- PHOTO [LOGO] [--out FOLDER] [--times N]`
//! `… -- --set PHOTO [--avif] [--times N] [--out FOLDER]` makes the set of files that others are measured with: by one
//! call or, with AVIF, in both stages.
//! `… --example derive -- --synthesise WIDTH HEIGHT FILE` makes a test photo: noise, gradients and edges.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use shutterpost_media::derive::{derive, stage1, stage2};
use shutterpost_media::inspect::{Limits, inspect};
use shutterpost_media::mark::Mark;
use shutterpost_media::rendition::Rendition;
use shutterpost_media::strip::strip;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (mut files, mut out, mut times) = (Vec::new(), None, 1_u32);
    let (mut set, mut avif) = (false, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--out" => out = arguments.next().map(PathBuf::from),
            "--set" => set = true,
            "--avif" => avif = true,
            "--times" => times = arguments.next().ok_or("--times N")?.parse()?,
            "--synthesise" => {
                let (width, height) = (arguments.next().ok_or("WIDTH")?, arguments.next().ok_or("HEIGHT")?);
                return synthesise(width.parse()?, height.parse()?, &arguments.next().ok_or("FILE")?);
            }
            _ => files.push(argument),
        }
    }
    let mut files = files.into_iter();
    let bytes = std::fs::read(files.next().ok_or("which photo?")?)?;
    let limits = Limits::default();
    if set {
        return measured_set(&bytes, &limits, avif, times, out);
    }
    let mark =
        files.next().map(|logo| Mark::from_bytes(&std::fs::read(logo)?, &limits).map_err(Box::<dyn Error>::from));
    let mark = mark.transpose()?;

    let started = Instant::now();
    let inspected = inspect(&bytes, &limits)?;
    let inspecting = started.elapsed();
    let started = Instant::now();
    let stripped = strip(&bytes)?;
    let stripping = started.elapsed();
    println!("{inspected:?}: inspected in {inspecting:?}, stripped to {} bytes in {stripping:?}", stripped.len());

    let mut best = None;
    for _ in 0..times {
        let started = Instant::now();
        let derived = derive(&bytes, None, mark.as_ref(), &limits)?;
        let took = started.elapsed();
        if best.as_ref().is_none_or(|(best, _)| took < *best) {
            best = Some((took, derived));
        }
    }
    let (took, derived) = best.ok_or("--times must be above zero")?;
    println!("derived in {took:?} (best of {times}), backdrop {:?}", derived.backdrop);
    for rendition in &derived.renditions {
        println!("  {rendition:?}");
        if let Some(folder) = &out {
            std::fs::create_dir_all(folder)?;
            let name = format!("{}.{}", rendition.name.as_str(), rendition.encoding.extension());
            std::fs::write(folder.join(name), &rendition.bytes)?;
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("no VmHWM here"));
    Ok(())
}

/// As often as said, so that a process lives long enough to be measured; the files of the last time are kept.
fn measured_set(
    bytes: &[u8],
    limits: &Limits,
    avif: bool,
    times: u32,
    out: Option<PathBuf>,
) -> Result<(), Box<dyn Error>> {
    let mut made: Vec<Rendition> = Vec::new();
    for _ in 0..times {
        made = if avif {
            let one = std::num::NonZeroUsize::MIN;
            let mut first = stage1(bytes, None, None, limits, one)?.renditions;
            first.extend(stage2(bytes, None, None, limits, one)?);
            first
        } else {
            derive(bytes, None, None, limits)?.renditions
        };
    }
    for rendition in &made {
        println!("{rendition:?}");
        if let Some(folder) = &out {
            std::fs::create_dir_all(folder)?;
            let name = format!("{}.{}", rendition.name.as_str(), rendition.encoding.extension());
            std::fs::write(folder.join(name), &rendition.bytes)?;
        }
    }
    Ok(())
}

fn synthesise(width: u16, height: u16, file: &str) -> Result<(), Box<dyn Error>> {
    let mut state = 1_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 28) as f32 - 8.0
    };
    let mut rgb = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
    for y in 0..height {
        for x in 0..width {
            let (x, y) = (f32::from(x), f32::from(y));
            let edge = if ((x / 90.0).sin() + (y / 70.0).cos()) > 0.6 { 60.0 } else { 0.0 };
            let texture = (x * 0.35).sin() * (y * 0.29).sin() * 14.0;
            let base = [
                90.0 + 80.0 * (x / 900.0).sin(),
                110.0 + 60.0 * (y / 700.0).cos(),
                120.0 + 50.0 * ((x + y) / 1100.0).sin(),
            ];
            rgb.extend(base.map(|base| (base + edge + texture + noise()) as u8));
        }
    }
    jpeg_encoder::Encoder::new_file(file, 92)?.encode(&rgb, width, height, jpeg_encoder::ColorType::Rgb)?;
    Ok(())
}
