//! Feeds damaged input to a function until something breaks.
//!
//! Fuzzers that follow the code's branches need a nightly compiler. This one needs none: it starts from sound files that
//! each target makes itself, damages them by a seed, and so can be repeated to the byte. What crashed lies in a file that
//! the same program takes as an argument.
//!
//! A crate joins in by an example of a few lines, `fn main() { shutterpost_fuzz::main(&[…]) }`, and a line for each target
//! in `xtask/src/fuzz.rs`.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod mutate;

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::mutate::Mutator;

/// Something to be fuzzed.
#[derive(Debug)]
pub struct Target {
    /// As on the command line.
    pub name: &'static str,
    /// Sound inputs to start from, the smaller the better.
    pub corpus: fn() -> Vec<Vec<u8>>,
    /// Mends what every damage would break, such as checksums, so that more than the first check is reached.
    pub mend: fn(Vec<u8>) -> Vec<u8>,
    /// Must return for any input, and panic where it finds that something does not hold.
    pub run: fn(&[u8]),
}

/// For targets that need no mending.
pub fn as_it_is(input: Vec<u8>) -> Vec<u8> {
    input
}

/// Longer inputs find nothing that shorter ones do not.
const LONGEST: usize = 256 * 1024;
/// One input, in an optimised build, on a busy machine.
const SLOWEST: Duration = Duration::from_secs(20);

/// `NAME [--seconds N] [--seed N] [--crashes FOLDER]` fuzzes; `NAME FILE…` runs the target on files.
pub fn main(targets: &[Target]) -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(target) = arguments.next().and_then(|name| targets.iter().find(|target| target.name == name)) else {
        let names: Vec<&str> = targets.iter().map(|target| target.name).collect();
        eprintln!("which target? There are: {}", names.join(", "));
        return ExitCode::FAILURE;
    };
    let (mut seconds, mut seed, mut crashes, mut files) = (60, 1, PathBuf::from("."), Vec::new());
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|number| number.parse().ok());
        match argument.as_str() {
            "--seconds" => seconds = number().unwrap_or(seconds),
            "--seed" => seed = number().unwrap_or(seed),
            "--crashes" => crashes = arguments.next().map_or(crashes, PathBuf::from),
            _ => files.push(argument),
        }
    }
    let outcome = if files.is_empty() {
        fuzz(target, Duration::from_secs(seconds), seed, &crashes)
    } else {
        files.iter().try_for_each(|file| {
            (target.run)(&fs::read(file).map_err(|error| format!("{file}: {error}"))?);
            println!("{file}: nothing broke");
            Ok(())
        })
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn fuzz(target: &Target, time: Duration, seed: u64, crashes: &Path) -> Result<(), String> {
    fs::create_dir_all(crashes).map_err(|error| format!("{}: {error}", crashes.display()))?;
    // Written before each run: what aborts the process or hangs leaves its input there.
    let running = crashes.join(format!("running-{}-{}", target.name, std::process::id()));
    let file = File::create(&running).map_err(|error| format!("{}: {error}", running.display()))?;
    let note = |input: &[u8]| {
        file.set_len(0)
            .and_then(|()| file.write_all_at(input, 0))
            .map_err(|error| format!("{}: {error}", running.display()))
    };
    let started = Instant::now();
    let watched = Arc::new(AtomicU64::new(0));
    watch(started, Arc::clone(&watched));

    let mut corpus = (target.corpus)();
    for input in &corpus {
        note(input)?;
        if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
            return Err(keep(&running, crashes, target.name, "sound"));
        }
    }
    let mut mutator = Mutator::new(seed);
    let mut rounds = 0_u64;
    let mut slowest = Duration::ZERO;
    while started.elapsed() < time {
        let mut input = (target.mend)(mutator.damaged(&corpus));
        input.truncate(LONGEST);
        note(&input)?;
        let begun = started.elapsed();
        watched.store(begun.as_millis() as u64 + 1, Ordering::Relaxed);
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        watched.store(0, Ordering::Relaxed);
        if outcome.is_err() {
            return Err(keep(&running, crashes, target.name, &format!("{seed}-{rounds}")));
        }
        slowest = slowest.max(started.elapsed() - begun);
        rounds += 1;
        // Damage adds up: some of what was survived is damaged further. Which is up to the seed alone.
        if let Some(place) = mutator.place(corpus.len()) {
            corpus.push(input);
            corpus.swap_remove(place.min(corpus.len() - 1));
        }
    }
    fs::remove_file(&running).ok();
    println!("{}: {rounds} inputs from seed {seed}, the slowest took {} ms", target.name, slowest.as_millis());
    Ok(())
}

/// Ends the process, and so leaves the input, if one takes too long.
fn watch(started: Instant, watched: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        loop {
            std::thread::park_timeout(Duration::from_secs(1));
            let since = watched.load(Ordering::Relaxed);
            if since > 0 && started.elapsed() > Duration::from_millis(since) + SLOWEST {
                eprintln!("an input takes longer than {} seconds", SLOWEST.as_secs());
                std::process::abort();
            }
        }
    });
}

fn keep(running: &Path, crashes: &Path, name: &str, which: &str) -> String {
    let kept = crashes.join(format!("{name}-{which}"));
    match fs::rename(running, &kept) {
        Ok(()) => format!("{name} broke; its input is {}", kept.display()),
        Err(error) => format!("{name} broke; its input could not be kept as {}: {error}", kept.display()),
    }
}
