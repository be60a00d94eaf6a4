//! Measures a backup and a restore of a generated database, one JSON line a figure: `{"name","unit","value"}`.
//! Arguments: a folder with room for four times the database and twice the objects, the database's size in megabytes
//! (1000), the megabytes written while it is being shipped (100), and those of stored objects (0), of 400 kB each. 10 GB
//! within 15 minutes are 11.4 MB/s.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use rusqlite::Connection;
use shutterpost_backend::backup::{
    At, Backups, Database, Retention, Shipped, Source, Target, Wish, restore, restore_media,
};
use shutterpost_backend::context::{Clock, Random, World};
use shutterpost_backend::db::{DatabaseUrl, Db};
use shutterpost_backend::storage::Storage;
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::{DataKey, KeyId};
use shutterpost_vault::keys::Keys;
use shutterpost_vault::root::passphrase::{Passphrase, PassphraseRoots};
use shutterpost_vault::stream::{self, Header};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const MEGABYTE: u64 = 1_000_000;

/// Begins in 2027 and counts the time since the start.
struct Stopwatch(Instant);

impl Clock for Stopwatch {
    fn now(&self) -> Millis {
        Millis(1_800_000_000_000).plus(i64::try_from(self.0.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

/// Bytes good enough for measuring.
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            *byte = (state ^ (state >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes()[0];
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn report(name: &str, unit: &str, value: f64) {
    println!("{{\"name\":\"{name}\",\"unit\":\"{unit}\",\"value\":{value:.3}}}");
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("say a folder")?;
    let megabytes = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let shipped = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let objects = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(Path::new(&folder), megabytes, shipped, objects))
}

async fn measure(folder: &Path, megabytes: u64, shipped: u64, objects: u64) -> Outcome<()> {
    let world = World { clock: Arc::new(Stopwatch(Instant::now())), random: Arc::new(Counting(AtomicU64::new(1))) };
    let url = DatabaseUrl::Sqlite(folder.join("measured.sqlite"));
    let source = Source::of(Database::Data, &url).ok_or("is a file")?;
    let db = Db::open(&url, 2).await?;
    let writer = Connection::open(&source.path)?;
    writer.busy_timeout(Duration::from_secs(10))?;
    writer.execute_batch("CREATE TABLE blobs (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")?;
    fill(&writer, megabytes)?;

    let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
    let roots = PassphraseRoots::open(&folder.join("roots"), Passphrase::MachineMade, &mut random)?;
    let target = Target::parse(&format!("file:{}", folder.join("target").display()))?;
    let key = Keys::ephemeral([7; 32]).backup_key();
    let backups = Backups::new(target, key, Arc::new(roots), world.clone(), Retention::default());
    let storage = Storage::folder(&folder.join("objects"))?;

    let started = Instant::now();
    let running = backups.clone().start(vec![Shipped { source, hold: None, db }], Vec::new(), storage)?;
    while backups.status()?.data.base.is_none() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let bytes = backups.status()?.data.base.map_or(0, |base| base.bytes);
    report("backup-and-check", "MB/s", rate(bytes, started));
    fill(&writer, shipped)?;
    running.stop().await;

    let before = cpu_seconds()?;
    let started = Instant::now();
    let wish = Wish { database: Database::Data, at: At::Latest, to: folder.join("restored.sqlite"), force: false };
    let from = backups.clone();
    let restored = tokio::task::spawn_blocking(move || restore(&from, &wish, &mut |_| {})).await??;
    report("restore", "MB/s", rate(restored.bytes, started));
    report("restore-time", "s", started.elapsed().as_secs_f64());
    report("restore-cpu", "s", cpu_seconds()? - before);
    report("restored", "MB", restored.bytes as f64 / MEGABYTE as f64);
    report("segments", "count", restored.segments as f64);
    if objects > 0 {
        seal_objects(&folder.join("target/media"), &world, objects)?;
        let storage = Storage::folder(&folder.join("elsewhere"))?;
        let started = Instant::now();
        let media = tokio::task::spawn_blocking(move || restore_media(&backups, &storage, &mut |_| {})).await??;
        report("restore-objects", "MB/s", rate(media.bytes, started));
        report("objects", "count", media.objects as f64);
    }
    report("peak-memory", "MB", peak_bytes()? / MEGABYTE as f64);
    Ok(())
}

fn rate(bytes: u64, since: Instant) -> f64 {
    bytes as f64 / MEGABYTE as f64 / since.elapsed().as_secs_f64()
}

/// Rows of 4 kB in transactions of a megabyte.
fn fill(writer: &Connection, megabytes: u64) -> rusqlite::Result<()> {
    for _ in 0..megabytes {
        writer.execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
             INSERT INTO blobs (body) SELECT randomblob(4000) FROM n",
        )?;
    }
    Ok(())
}

/// Puts sealed objects where backups of a store have them.
fn seal_objects(folder: &Path, world: &World, megabytes: u64) -> Outcome<()> {
    let key = DataKey::from_bytes(KeyId::from_bytes([1; 16]), 1, &[7; 32]);
    let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
    let mut plain = vec![0; 400_000];
    random(&mut plain);
    for _ in 0..megabytes * MEGABYTE / plain.len() as u64 {
        let sealed = stream::seal_all(&key, &plain, &mut random)?;
        let id = HEXLOWER.encode(Header::parse(&sealed)?.0.file_id().bytes());
        let (shelf, rest) = id.split_at(2);
        let shelf = folder.join(shelf).join(rest.split_at(2).0);
        std::fs::create_dir_all(&shelf)?;
        std::fs::write(shelf.join(&id), sealed)?;
    }
    Ok(())
}

/// Of all threads of this process.
fn cpu_seconds() -> Outcome<f64> {
    const TICKS: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = text.rsplit_once(") ").ok_or("an unknown form of /proc/self/stat")?;
    let ticks: f64 = fields.split(' ').skip(11).take(2).map(|field| field.parse().unwrap_or(0.0)).sum();
    Ok(ticks / TICKS)
}

fn peak_bytes() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak in /proc/self/status")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kilobytes * 1024.0)
}
