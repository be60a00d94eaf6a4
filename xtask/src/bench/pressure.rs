//! A cached share page while eight photos are in work, against the same page while nothing is: the time below which 99 of
//! 100 answers come. The server has all cores, as it does where it runs; whoever asks shares them. Beside it the most
//! memory that the server holds while eight photos of 24 megapixels come at once.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{
    pairs::{Better, Pairs, Side, median, percentile, rounded},
    vault::program,
};
use crate::{
    booth, bundle,
    checkout::Checkout,
    failure::{Failure, While as _},
    http::Connection,
    progress,
    running::{Running, free_port, memory},
    scratch::Scratch,
    server::{self, Place, Profile},
};

/// Uploads in work at any time.
const UPLOADS: usize = 8;
/// 12 megapixels, as phones take them.
const USUAL: (u32, u32) = (4000, 3000);
/// 24 megapixels, as cameras do.
const LARGE: (u32, u32) = (6000, 4000);
/// How long the page is asked for, per side and pair.
const ASKED: Duration = Duration::from_secs(8);
/// Between two questions: a guest is no load.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let folder = Scratch::new("pressure")?;
    let read = |(width, height)| {
        let file = program::photo(checkout, folder.path(), width, height)?;
        fs::read(file).or_fail("reading a photo")
    };
    let (usual, large) = (read(USUAL)?, read(LARGE)?);
    let site = bundle::ensure(checkout, bundle::Kind::Release)?;
    let binary = server::build(checkout, Profile::Release)?;
    let place = Place { data: folder.path().join("data"), site, port: free_port()? };
    fs::create_dir_all(&place.data).or_fail("making the data folder")?;
    let demo = super::demo(super::ours(&place, &binary, folder.path()), folder.path(), &[])?;
    let path = super::path_of(super::text(&demo, "/share/view")?).or_fail("reading the demo's view link")?;
    let log = folder.path().join("server.log");

    let mut server = start(&place, &binary, folder.path(), &log)?;
    let booth = Booth { port: place.port, demo: &demo, numbers: AtomicU64::new(0) };
    let mut all = (Vec::new(), Vec::new());
    let pairs = Pairs::measure(count, |side| {
        let times = match side {
            Side::Ours => booth.under_load(&usual, || ask(place.port, path))?,
            Side::Theirs => {
                super::settle(server.pid())?;
                ask(place.port, path)?
            }
        };
        let share = percentile(times.clone(), 0.99);
        if side == Side::Ours {
            all.0.extend(times)
        } else {
            all.1.extend(times)
        }
        Ok(share)
    })?;
    let mut more = Map::new();
    more.insert("unit".into(), json!("milliseconds, p99"));
    for (name, times) in [("loaded", all.0), ("idle", all.1)] {
        more.insert(format!("{name}_p50"), json!(rounded(median(times.clone()))));
        more.insert(format!("{name}_p99"), json!(rounded(percentile(times, 0.99))));
    }
    // Anew, or what the allocator kept of before would count.
    drop(server);
    server = start(&place, &binary, folder.path(), &log)?;
    super::settle(server.pid())?;
    let idle = memory(server.pid())?.resident;
    booth.at_once(&large)?;
    let most = high_water(server.pid())?;
    more.insert("idle_mb".into(), json!(idle / 1024));
    more.insert("eight_of_24_megapixels_mb".into(), json!(most / 1024));
    Ok(pairs.line("pressure", "the same page while nothing is in work", Better::Lower, more))
}

fn start(place: &Place, binary: &Path, folder: &Path, log: &Path) -> Result<Running, Failure> {
    let mut ours = super::ours(place, binary, folder);
    super::log_to(ours.arg("serve"), log)?;
    let mut running = Running::start(&mut ours)?;
    let ready = running.wait_for(place.port, "/readyz", Duration::from_secs(60));
    ready.map_err(|failure| super::with_log(&failure, log))?;
    Ok(running)
}

/// Milliseconds to each answer, for a while.
fn ask(port: u16, path: &str) -> Result<Vec<f64>, Failure> {
    let mut connection = Connection::open(port).or_fail("connecting")?;
    let (began, mut times) = (Instant::now(), Vec::new());
    while began.elapsed() < ASKED {
        let asked = Instant::now();
        let answer = connection.get(path, &[("Accept-Language", "en")]).or_fail("asking for the page")?;
        times.push(asked.elapsed().as_secs_f64() * 1000.0);
        if answer.status != 200 {
            return Err(Failure::new(format!("{path} answers {}", answer.status)));
        }
        progress::pause(PAUSE);
    }
    Ok(times)
}

/// The most memory that a process has ever held, in kilobytes.
fn high_water(pid: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).or_fail("reading a process's memory")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    number.or_fail("reading a process's memory")
}

/// Whoever uploads.
struct Booth<'a> {
    port: u16,
    demo: &'a Value,
    numbers: AtomicU64,
}

impl Booth<'_> {
    fn upload(&self, photo: &[u8]) -> Result<(), Failure> {
        let key = format!("bench-{}", self.numbers.fetch_add(1, Ordering::Relaxed));
        booth::upload(self.port, self.demo, &key, photo, None).map(|_| ())
    }

    /// Does something while eight uploads are in work, all the time.
    fn under_load<T>(&self, photo: &[u8], measured: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let upload = || {
                while !over.load(Ordering::Relaxed) {
                    self.upload(photo)?;
                }
                Ok(())
            };
            let booths: Vec<_> = (0..UPLOADS).map(|_| scope.spawn(upload)).collect();
            // Until the first of them are decoded.
            progress::pause(Duration::from_secs(1));
            let measured = measured();
            over.store(true, Ordering::Relaxed);
            joined(booths)?;
            measured
        })
    }

    /// Eight uploads that begin together.
    fn at_once(&self, photo: &[u8]) -> Result<(), Failure> {
        thread::scope(|scope| joined((0..UPLOADS).map(|_| scope.spawn(|| self.upload(photo))).collect()))
    }
}

fn joined(all: Vec<thread::ScopedJoinHandle<'_, Result<(), Failure>>>) -> Result<(), Failure> {
    let ended = all.into_iter().map(|one| one.join().unwrap_or_else(|_| Err(Failure::new("an upload panicked"))));
    // Every one is waited for before the first failure is told.
    ended.collect::<Vec<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_held_something() {
        assert!(high_water(std::process::id()).unwrap() > 100);
    }
}
