//! Measures what sealing costs where pictures and films are stored, for `cargo xtask bench vault`. It does a piece of work
//! for each line of its input, answers with one line of JSON, and ends with its input.
//!
//! - `measure_media ingest FOLDER PHOTO`: `sealed N` and `plain N` do the picture work of N uploads of the photo.
//! - `measure_media range FOLDER`: `first N` and `last N` read 64 KiB of a film of 100 MB N times.
//!
//! It is here because what is measured is private to the backend: the steps of an upload and the store's way of reading a
//! range. Nothing is copied, so the measurement cannot drift from the product. Processor time is that of all threads.
#![expect(clippy::print_stdout, reason = "this is what the program is for")]

use std::error::Error;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use shutterpost_backend::context::{Clock, Random, World};
use shutterpost_backend::db::DatabaseUrl;
use shutterpost_backend::error::Failure;
use shutterpost_backend::ingest::measure::PictureWork;
use shutterpost_backend::keys::open_roots;
use shutterpost_backend::keystore::{KeyStore, LedgerPlaces};
use shutterpost_backend::roots::Address;
use shutterpost_backend::storage::{Storage, measure};
use shutterpost_model::captures::{Asked, Content};
use shutterpost_model::time::Millis;
use shutterpost_vault::keys::Keys;

const RANGE: usize = 64 << 10;
/// Whole segments alone, so that the first and the last 64 KiB lie in one segment each.
const FILM: usize = 100_000_000_usize.next_multiple_of(RANGE);

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    // As the server has it.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.as_slice() {
        [what, folder, photo] if what == Path::new("ingest") => {
            let photo = Arc::new(std::fs::read(photo)?);
            let work = runtime.block_on(picture_work(folder))?;
            answer(|form, times| runtime.block_on(uploads(&work, &photo, form, times)))
        }
        [what, folder] if what == Path::new("range") => {
            let plain = noise();
            let storage = Storage::folder(folder)?;
            let film = runtime.block_on(measure::film(&storage, &world(), &plain)).map_err(told)?;
            answer(|place, times| runtime.block_on(ranges(&*film, &plain, place, times)))
        }
        _ => Err("say `ingest FOLDER PHOTO` or `range FOLDER`".into()),
    }
}

/// Answers each line, which is a word and a number.
fn answer(mut work: impl FnMut(&str, u32) -> Outcome<Value>) -> Outcome<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (word, times) = line.split_once(' ').ok_or("a line is a word and a number")?;
        println!("{}", work(word, times.parse()?)?);
    }
    Ok(())
}

async fn picture_work(folder: &Path) -> Outcome<PictureWork> {
    let world = world();
    std::fs::create_dir_all(folder)?;
    let roots = open_roots(&Address::Folder(folder.join("roots")), None, &world)?;
    let url = DatabaseUrl::Sqlite(folder.join("keys.sqlite"));
    let ledger = LedgerPlaces::new(folder.join("ledger"), Vec::new(), &Keys::ephemeral([7; 32]));
    let keystore = KeyStore::open(&url, 4, roots, ledger, world.clone()).await?;
    Ok(PictureWork::start(world, keystore, Storage::folder(&folder.join("media"))?)?)
}

/// Every file is read back and compared, outside of the time.
async fn uploads(work: &PictureWork, photo: &Arc<Vec<u8>>, form: &str, times: u32) -> Outcome<Value> {
    let (mut cpu, mut sealing, mut files, mut bytes) = (0.0, 0.0, 0, 0);
    for _ in 0..times {
        let start = cpu_seconds();
        let made = work.make(Arc::clone(photo)).await.map_err(told)?;
        let before = cpu_seconds();
        let ready = match form {
            "sealed" => work.seal(made).await.map_err(told)?,
            "plain" => work.leave(made),
            _ => return Err("say `sealed` or `plain`".into()),
        };
        sealing += cpu_seconds() - before;
        let stored = work.put(ready).await.map_err(told)?;
        cpu += cpu_seconds() - start;
        files += stored.files();
        bytes += stored.bytes();
        work.check(photo, stored).await.map_err(told)?;
    }
    Ok(json!({ "cpu": cpu, "sealing_cpu": sealing, "files": files, "bytes": bytes }))
}

/// Every answer is compared, outside of the time.
async fn ranges(film: &dyn Content, plain: &[u8], place: &str, times: u32) -> Outcome<Value> {
    let last = plain.len() - RANGE;
    let (asked, first) = match place {
        "first" => (Asked::From(0, Some(RANGE as u64 - 1)), 0),
        "last" => (Asked::Last(RANGE as u64), last),
        _ => return Err("say `first` or `last`".into()),
    };
    let expected = plain.get(first..first + RANGE).ok_or("the film is longer than a range")?;
    let (mut cpu, read_before) = (0.0, bytes_read()?);
    for _ in 0..times {
        let start = cpu_seconds();
        let piece = film.read(asked).await?;
        cpu += cpu_seconds() - start;
        if piece.bytes != expected || piece.first != first as u64 || piece.total != plain.len() as u64 {
            return Err("a range is not what it is in the film".into());
        }
    }
    Ok(json!({ "cpu": cpu, "read": bytes_read()? - read_before, "film": plain.len() }))
}

/// A film of which no two segments are equal.
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let mut film = Vec::with_capacity(FILM);
    while film.len() < FILM {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        film.extend_from_slice(&state.to_be_bytes());
    }
    film
}

/// Of the whole process.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Bytes that this process has read so far, from the page cache or not.
fn bytes_read() -> Outcome<u64> {
    let io = std::fs::read_to_string("/proc/self/io")?;
    let line = io.lines().find_map(|line| line.strip_prefix("rchar:")).ok_or("/proc/self/io has no rchar")?;
    Ok(line.trim().parse()?)
}

fn told(failure: Failure) -> Box<dyn Error> {
    format!("{failure:?}").into()
}

/// The system's randomness, and a clock that stands still: nothing here depends on the time.
fn world() -> World {
    World { clock: Arc::new(Still), random: Arc::new(System) }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Millis {
        Millis(1_800_000_000_000)
    }
}

struct System;

impl Random for System {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system has randomness");
    }
}
