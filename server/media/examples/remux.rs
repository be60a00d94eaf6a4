//! Cleans a film: `cargo run --release -p shutterpost-media --example remux -- IN OUT`, or `-- --poster IN FOLDER`.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs::File;

use shutterpost_media::convert::{poster, transcode};
use shutterpost_media::sandbox::Sandbox;
use shutterpost_media::video::{Video, VideoLimits, probe};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let limits = VideoLimits::default();
    match words.as_slice() {
        ["--poster", from, folder] => {
            let source = File::open(from)?;
            let Video::Film(film) = probe(&source, &limits)? else { return Err("convert it first".into()) };
            for rendition in poster(&Sandbox::find()?, &source, &film, None)?.renditions {
                let name = format!("{folder}/{}.{}", rendition.name.as_str(), rendition.encoding.extension());
                std::fs::write(name, &rendition.bytes)?;
            }
        }
        ["--convert", from, to] => {
            let source = File::open(from)?;
            let video = probe(&source, &limits)?;
            println!("{:?} {:?}", video.info(), video.treatment());
            transcode(&Sandbox::find()?, &source, &video, &limits, &mut File::create(to)?)?;
        }
        [from, to] => {
            let source = File::open(from)?;
            let Video::Film(film) = probe(&source, &limits)? else { return Err("convert it first".into()) };
            let before = memory("VmHWM")?;
            film.plan()?.write(&source, &mut File::create(to)?)?;
            println!("{:?} {:?}, {before} kB, {} kB at most", film.info, film.treatment(), memory("VmHWM")?);
        }
        _ => return Err("[--poster | --convert] IN OUT".into()),
    }
    Ok(())
}

/// A line of the kernel's about this process, in kilobytes.
fn memory(name: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).ok_or("no such line")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse()?)
}
