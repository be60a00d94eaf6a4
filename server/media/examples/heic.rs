//! Decodes a photo to RGB and prints what that takes as a line of JSON: once by the clock, then several times by several
//! threads, each of which has one photo at a time, as in the server.
//!
//! `cargo run --release -p shutterpost-media --example heic -- PHOTO [--times N] [--threads N] [--pixels FILE]`; the file
//! gets red, green and blue of each pixel and nothing else.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use shutterpost_media::error::MediaError;
use shutterpost_media::inspect::Limits;
use shutterpost_media::pixels::pixels;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut photo, mut times, mut threads, mut to) = (None, 4_u32, 1_u32, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--times" => times = arguments.next().ok_or("--times N")?.parse()?,
            "--threads" => threads = arguments.next().ok_or("--threads N")?.parse()?,
            "--pixels" => to = arguments.next(),
            _ => photo = Some(argument),
        }
    }
    let bytes = std::fs::read(photo.ok_or("which photo?")?)?;
    let limits = Limits::default();

    let idle = peak_kilobytes()?;
    let started = Instant::now();
    let decoded = pixels(&bytes, &limits)?;
    let alone = started.elapsed().as_secs_f64();
    let peak = peak_kilobytes()?;
    let (width, height) = (decoded.width, decoded.height);
    if let Some(to) = to {
        std::fs::write(to, &decoded.rgb)?;
    }
    drop(decoded);

    let next = AtomicU32::new(0);
    let work = || -> Result<(), MediaError> {
        while next.fetch_add(1, Ordering::Relaxed) < times {
            pixels(&bytes, &limits)?;
        }
        Ok(())
    };
    let (started, before) = (Instant::now(), processor_seconds());
    thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.into_iter().try_for_each(|one| one.join().unwrap_or(Err(MediaError::Malformed("a decoder gave up"))))
    })?;
    let (wall, processor) = (started.elapsed().as_secs_f64(), processor_seconds() - before);
    println!(
        "{{\"width\":{width},\"height\":{height},\"alone\":{alone:.6},\"wall\":{wall:.6},\"processor\":{processor:.6},\
         \"idle_kb\":{idle},\"peak_kb\":{peak}}}"
    );
    Ok(())
}

/// Of all threads of this process.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that this process ever had.
fn peak_kilobytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM")).ok_or("no VmHWM here")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse()?)
}
