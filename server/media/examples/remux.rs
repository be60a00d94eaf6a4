//! Cleans a film, makes its poster, or converts it, and prints what that took as a line of JSON.
//!
//! `cargo run --release -p shutterpost-media --example remux -- IN OUT`, `… -- --poster IN FOLDER` or
//! `… -- --convert IN OUT`.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use shutterpost_media::convert::{poster, transcode};
use shutterpost_media::sandbox::Sandbox;
use shutterpost_media::video::{Film, Source, Video, VideoLimits, probe};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let idle = peak_kilobytes()?;
    let seconds = match words.as_slice() {
        ["--poster", from, folder] => {
            let source = File::open(from)?;
            // Proven once, when the server starts.
            let sandbox = Sandbox::find()?;
            let started = Instant::now();
            let derived = poster(&sandbox, &source, &*film(&source)?, None)?;
            let seconds = started.elapsed().as_secs_f64();
            std::fs::create_dir_all(folder)?;
            for rendition in derived.renditions {
                let name = format!("{folder}/{}.{}", rendition.name.as_str(), rendition.encoding.extension());
                std::fs::write(name, &rendition.bytes)?;
            }
            seconds
        }
        ["--convert", from, to] => {
            let source = File::open(from)?;
            let limits = VideoLimits::default();
            let (video, sandbox) = (probe(&source, &limits)?, Sandbox::find()?);
            let started = Instant::now();
            transcode(&sandbox, &source, &video, None, &limits, &mut File::create(to)?)?;
            started.elapsed().as_secs_f64()
        }
        [from, to] => {
            let started = Instant::now();
            let source = File::open(from)?;
            film(&source)?.plan()?.write(&source, &mut File::create(to)?)?;
            started.elapsed().as_secs_f64()
        }
        _ => return Err("[--poster | --convert] IN OUT".into()),
    };
    let beyond = peak_kilobytes()?.saturating_sub(idle);
    println!("{{\"seconds\":{seconds:.6},\"idle_kb\":{idle},\"beyond_idle_kb\":{beyond}}}");
    Ok(())
}

fn film(source: &impl Source) -> Result<Box<Film>, Box<dyn Error>> {
    match probe(source, &VideoLimits::default())? {
        Video::Film(film) => Ok(film),
        Video::Webm(_) => Err("convert it first".into()),
    }
}

/// The most memory that this process ever had.
fn peak_kilobytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM")).ok_or("no VmHWM here")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse()?)
}
