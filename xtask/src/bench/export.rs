//! An archive of an event downloaded from the server, against npm's archiver making one of the same files: megabytes per
//! second of processor time, at archiver's level 5 and without compressing.
//!
//! What is compared: ours opens sealed files and answers on a port; archiver reads plain files and its archive goes
//! nowhere. So the ratio says what a download costs a server, and ours does more for it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{
    load::{CORE, Server},
    pairs::{Better, Pairs, Side, median, rounded},
    pinned,
    vault::program,
};
use crate::{
    booth, bundle,
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    http::{self, Connection, Response},
    node,
    process::{capture, command},
    progress,
    running::{Memory, cpu_seconds, free_port, memory},
    scratch::Scratch,
    server::{self, Place, Profile},
};

const PACKAGE: &str = "archiver@8.0.0";
const PEER: &str = "\
import { ZipArchive } from 'archiver';
import { readdirSync } from 'node:fs';
import { Writable } from 'node:stream';
const [folder, level] = process.argv.slice(2);
const before = process.cpuUsage();
let bytes = 0;
const nowhere = new Writable({ write(chunk, _, done) { bytes += chunk.length; done(); } });
const archive = new ZipArchive(level === 'stored' ? { store: true } : { zlib: { level: Number(level) } });
archive.on('error', (error) => { throw error; });
nowhere.on('finish', () => {
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ bytes, seconds: (user + system) / 1e6 }));
});
archive.pipe(nowhere);
for (const name of readdirSync(folder)) archive.file(`${folder}/${name}`, { name });
archive.finalize();
";

/// Files in the archive.
const FILES: usize = 100;
/// Of the photo, in pixels.
const SIZE: (u32, u32) = (1960, 1470);
/// Per pair: processor time is told in hundredths of a second.
const DOWNLOADS: usize = 5;
/// How long an archive may take to be laid out.
const PREPARED_WITHIN: Duration = Duration::from_secs(60);

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let peer = install_peer(checkout)?;
    let folder = Scratch::new("export")?;
    let photo = program::photo(checkout, folder.path(), SIZE.0, SIZE.1)?;
    let site = bundle::ensure(checkout, bundle::Kind::Release)?;
    let binary = server::build(checkout, Profile::Release)?;

    let place = Place { data: folder.path().join("data"), site, port: free_port()? };
    fs::create_dir_all(&place.data).or_fail("making the data folder")?;
    let demo = super::demo(super::ours(&place, &binary, folder.path()), folder.path(), &[])?;
    let ours = Server::ours(&place, &binary, folder.path(), Vec::new())?;
    debian::program("python3", &["python3"], "this measurement")?;
    let client = Client { port: ours.port, bearer: format!("Bearer {}", super::text(&demo, "/api_token")?) };
    let captures = fill(ours.port, &demo, &photo)?;
    let step = progress::step("AVIF of them, which is left for later", "about 3 minutes");
    super::settle(ours.pid())?;
    step.done();
    let plain = folder.path().join("plain");
    fs::create_dir_all(&plain).or_fail("making a folder")?;

    let archive = client.prepared(super::text(&demo, "/event")?, &captures)?;
    let whole = client.get(&archive, &[])?;
    client.resumes(&archive, &whole)?;
    unpack(&whole.body, &plain, folder.path())?;
    let megabytes = whole.body.len() as f64 / 1e6;
    progress::note(&format!("an archive of {megabytes:.1} MB, {count} pairs twice"));

    let mut peaks = Vec::new();
    let mut more = Map::new();
    let mut against = |level: &str| {
        let pairs = Pairs::measure(count, |side| match side {
            Side::Ours => {
                let before = cpu_seconds(ours.pid())?;
                for _ in 0..DOWNLOADS {
                    if client.get(&archive, &[])?.body != whole.body {
                        return Err(Failure::new("the archive is another one than before"));
                    }
                }
                peaks.push(memory(ours.pid())?);
                Ok(megabytes * DOWNLOADS as f64 / (cpu_seconds(ours.pid())? - before))
            }
            Side::Theirs => {
                let mut theirs = command("node");
                theirs.arg("zip.mjs").arg(&plain).arg(level).current_dir(&peer);
                let said: Value = serde_json::from_str(&capture(&mut pinned(CORE, &mut theirs))?)
                    .or_fail("reading what archiver took")?;
                let figure = |name| said.get(name).and_then(Value::as_f64).or_fail("reading what archiver took");
                // Photos do not become smaller: an archive of half the size would lack some.
                if figure("bytes")? < megabytes * 5e5 {
                    return Err(Failure::new("archiver's archive cannot hold these files"));
                }
                Ok(megabytes / figure("seconds")?)
            }
        })?;
        Ok::<_, Failure>(pairs)
    };
    let stored = against("stored")?;
    let level_5 = against("5")?;
    let (ratio, min, max) = stored.ratio();
    let (ours_rate, theirs_rate) = level_5.medians();
    more.insert("unit".into(), json!("MB per CPU second"));
    more.insert("ours".into(), json!(ours_rate.round()));
    more.insert("theirs".into(), json!(rounded(theirs_rate)));
    more.insert("stored".into(), json!({"ratio": rounded(ratio), "min": rounded(min), "max": rounded(max)}));
    more.insert("megabytes".into(), json!(rounded(megabytes)));
    more.insert("resumed_at_90_percent".into(), json!("byte for byte the same"));
    let resident = |memory: &Memory| memory.resident as f64 / 1024.0;
    more.insert("server_mb".into(), json!(rounded(median(peaks.iter().map(resident).collect()))));
    Ok(level_5.line("export", "npm archiver at level 5; `stored`: the same without compressing", Better::Higher, more))
}

/// Uploads the photo again and again; the ids of the captures.
fn fill(port: u16, demo: &Value, photo: &Path) -> Result<Vec<String>, Failure> {
    let photo = fs::read(photo).or_fail("reading the photo")?;
    let step = progress::step(&format!("{FILES} photos into an event"), "about 2 minutes");
    let upload = |number: usize| {
        let accepted = booth::upload(port, demo, &format!("bench-{number}"), &photo, None)?;
        Ok(super::text(&accepted, "/id")?.to_owned())
    };
    let captures = (0..FILES).map(upload).collect::<Result<_, Failure>>()?;
    step.done();
    Ok(captures)
}

/// Whoever downloads.
struct Client {
    port: u16,
    bearer: String,
}

impl Client {
    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Response, Failure> {
        let headers = [&[("Authorization", self.bearer.as_str())], headers].concat();
        let answer = http::get(self.port, path, &headers).or_fail(format_args!("asking for {path}"))?;
        if answer.status == 200 || answer.status == 206 {
            return Ok(answer);
        }
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        Err(Failure::new(format!("{path} answers {}: {text}", answer.status)))
    }

    /// The path of an archive of the captures, once it is laid out.
    fn prepared(&self, event: &str, captures: &[String]) -> Result<String, Failure> {
        let path = format!("/api/v1/events/{event}/exports");
        let headers = [
            ("Authorization", self.bearer.as_str()),
            ("Content-Type", "application/json"),
            ("Idempotency-Key", "bench-export"),
        ];
        let body = json!({ "captures": captures }).to_string();
        let mut connection = Connection::open(self.port).or_fail("connecting")?;
        let answer = connection.post(&path, &headers, body.as_bytes()).or_fail("asking for an archive")?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status != 201 {
            return Err(Failure::new(format!("{path} answers {}: {text}", answer.status)));
        }
        let begun: Value = serde_json::from_str(&text).or_fail("reading the export")?;
        let export = format!("/api/v1/exports/{}", super::text(&begun, "/id")?);
        let started = Instant::now();
        loop {
            let now = self.get(&export, &[])?;
            let now: Value = serde_json::from_slice(&now.body).or_fail("reading the export")?;
            match super::text(&now, "/state")? {
                "ready" => return Ok(format!("{export}/archive")),
                "preparing" if started.elapsed() < PREPARED_WITHIN => progress::pause(Duration::from_millis(200)),
                state => return Err(Failure::new(format!("the export is {state}"))),
            }
        }
    }

    /// A download that was cut at nine tenths goes on where it was.
    fn resumes(&self, archive: &str, whole: &Response) -> Result<(), Failure> {
        let from = whole.body.len() / 10 * 9;
        let etag = whole.header("etag").or_fail("reading the archive's ETag")?;
        let range = format!("bytes={from}-");
        let rest = self.get(archive, &[("Range", &range), ("If-Range", etag)])?;
        let same = rest.status == 206 && Some(rest.body.as_slice()) == whole.body.get(from..);
        if same { Ok(()) } else { Err(Failure::new("the rest of a download is not what was left of it")) }
    }
}

/// The archive's files, as the peer reads them.
fn unpack(archive: &[u8], to: &Path, folder: &Path) -> Result<(), Failure> {
    let file = folder.join("archive.zip");
    fs::write(&file, archive).or_fail("writing the archive")?;
    let script = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
    capture(command("python3").args(["-c", script]).arg(&file).arg(to))?;
    // Whatever folders it has, the peer is to have one.
    let flat = |from: PathBuf| -> Result<(), Failure> {
        let name = from.file_name().map(ToOwned::to_owned).or_fail("reading a name")?;
        fs::rename(&from, to.join(name)).or_fail("moving a file")
    };
    files_below(to)?.into_iter().filter(|file| file.parent() != Some(to)).try_for_each(flat)?;
    for entry in fs::read_dir(to).or_fail("reading a folder")?.flatten() {
        if entry.path().is_dir() {
            fs::remove_dir_all(entry.path()).or_fail("removing a folder")?;
        }
    }
    Ok(())
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).or_fail("reading a folder")?.flatten() {
        if entry.path().is_dir() {
            files.extend(files_below(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn install_peer(checkout: &Checkout) -> Result<PathBuf, Failure> {
    let folder = checkout.cache.join("bench/archiver");
    fs::create_dir_all(&folder).or_fail(format_args!("making {}", folder.display()))?;
    // Written last, with the version: an interrupted or older installation is none.
    let mark = folder.join("installed");
    if !fs::read_to_string(&mark).is_ok_and(|found| found == PACKAGE) {
        let step = progress::step(&format!("npm install {PACKAGE}"), "once, about 10 s");
        node::install_package(&folder, &[PACKAGE])?;
        fs::write(&mark, PACKAGE).or_fail("marking the peer as installed")?;
        step.done();
    }
    fs::write(folder.join("zip.mjs"), PEER).or_fail("writing the peer")?;
    Ok(folder)
}
