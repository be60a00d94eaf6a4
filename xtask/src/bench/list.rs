//! The captures of a large event over the REST API: a page at nine tenths of the depth against the first page. A list
//! that pages by offset shows itself here. On SQLite, and on PostgreSQL where one can be started.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::pairs::{Better, Pairs, Side, median, percentile, rounded};
use crate::{
    bundle,
    checkout::Checkout,
    failure::{Failure, While as _},
    http::Connection,
    postgres::Postgres,
    progress,
    running::{Running, cpu_seconds, free_port},
    scratch::Scratch,
    server::{self, Place, Profile},
};

const CAPTURES: usize = 100_000;
const PAGE: usize = 100;
/// Requests per side and pair.
const REQUESTS: usize = 200;

/// One of the two databases.
struct Database<'a> {
    name: &'static str,
    /// `None`: what an installation has that configures nothing, which is SQLite.
    url: Option<String>,
    binary: &'a Path,
    site: PathBuf,
}

/// What was measured on one database.
struct Measured {
    pairs: Pairs,
    more: Map<String, Value>,
}

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let site = bundle::ensure(checkout, bundle::Kind::Release)?;
    let binary = server::build(checkout, Profile::Release)?;
    let sqlite = Database { name: "sqlite", url: None, binary: &binary, site: site.clone() };
    let Measured { pairs, more } = sqlite.measure(count)?;
    let mut line = Map::new();
    line.insert("captures".into(), json!(CAPTURES));
    line.insert("unit".into(), json!("milliseconds"));
    line.insert("database".into(), json!(sqlite.name));
    line.extend(more);
    line.insert("postgres".into(), measure_postgres(&binary, site, count)?);
    Ok(pairs.line("list", "the first page of the same list", Better::Lower, line))
}

/// The same figures as an object; null where no PostgreSQL can be started.
fn measure_postgres(binary: &Path, site: PathBuf, count: usize) -> Result<Value, Failure> {
    let server = match Postgres::start() {
        Ok(server) => server,
        Err(failure) => {
            progress::note(&format!("not measured on PostgreSQL: {failure}"));
            return Ok(Value::Null);
        }
    };
    let postgres = Database { name: "postgres", url: Some(server.url()), binary, site };
    let Measured { pairs, more } = postgres.measure(count)?;
    let (ratio, min, max) = pairs.ratio();
    let mut line = Map::new();
    for (name, value) in [("ratio", ratio), ("min", min), ("max", max)] {
        line.insert(name.into(), json!(rounded(value)));
    }
    line.extend(more);
    Ok(Value::Object(line))
}

impl Database<'_> {
    fn measure(&self, count: usize) -> Result<Measured, Failure> {
        let folder = Scratch::new(&format!("list-{}", self.name))?;
        let place = Place { data: folder.path().join("data"), site: self.site.clone(), port: free_port()? };
        fs::create_dir_all(&place.data).or_fail("making the data folder")?;
        let step = progress::step(&format!("an event of {CAPTURES} captures on {}", self.name), "about 20 s");
        let seed = self.command(&place, folder.path());
        let demo = super::demo(seed, folder.path(), &["--bulk", &CAPTURES.to_string()])?;
        step.done();

        let log = folder.path().join("ours.log");
        let mut ours = self.command(&place, folder.path());
        ours.arg("serve");
        super::log_to(&mut ours, &log)?;
        let mut ours = Running::start(&mut ours)?;
        ours.wait_for(place.port, "/readyz", Duration::from_secs(60))
            .map_err(|failure| super::with_log(&failure, &log))?;
        let mut list = List {
            connection: Connection::open(place.port).or_fail("connecting")?,
            first: format!("/api/v1/events/{}/captures?limit={PAGE}", super::text(&demo, "/event")?),
            bearer: format!("Bearer {}", super::text(&demo, "/api_token")?),
        };
        let deep = list.walk()?;
        list.compare(&deep, ours.pid(), count)
    }

    fn command(&self, place: &Place, folder: &Path) -> Command {
        let mut command = super::ours(place, self.binary, folder);
        if let Some(url) = &self.url {
            command.env("DATABASE_URL", url);
        }
        command
    }
}

/// A client of the list.
struct List {
    connection: Connection,
    first: String,
    bearer: String,
}

impl List {
    fn ask(&mut self, path: &str) -> Result<Vec<u8>, Failure> {
        let headers = [("Authorization", self.bearer.as_str())];
        let response = self.connection.get(path, &headers).or_fail(format_args!("asking for {path}"))?;
        if response.status == 200 {
            Ok(response.body)
        } else {
            let body = String::from_utf8_lossy(&response.body).into_owned();
            Err(Failure::new(format!("{path} answers {}: {body}", response.status)))
        }
    }

    /// The path of a page and the cursor behind it, after checking that it is full.
    fn next(&mut self, path: &str) -> Result<String, Failure> {
        let page: Value = serde_json::from_slice(&self.ask(path)?).or_fail("reading a page")?;
        let items = page.get("items").and_then(Value::as_array).map_or(0, Vec::len);
        if items != PAGE {
            return Err(Failure::new(format!("{path} has {items} captures instead of {PAGE}")));
        }
        let cursor = page.get("next").and_then(Value::as_str).or_fail("reading a page's next cursor")?;
        Ok(format!("{}&cursor={}", self.first, super::encoded(cursor)))
    }

    /// The path of the page at nine tenths of the depth, reached as a client reaches it.
    fn walk(&mut self) -> Result<String, Failure> {
        let step = progress::step("walking to nine tenths of the depth", "a few seconds");
        let mut path = self.first.clone();
        for _ in 0..CAPTURES / PAGE * 9 / 10 {
            path = self.next(&path)?;
        }
        // The page itself must be full as well, or there is less to send than for the first.
        self.next(&path)?;
        step.done();
        Ok(path)
    }

    fn compare(&mut self, deep: &str, server: u32, count: usize) -> Result<Measured, Failure> {
        let first = self.first.clone();
        let mut sides = [Times::default(), Times::default()];
        let [deeps, firsts] = &mut sides;
        let pairs = Pairs::measure(count, |side| {
            let (path, times) = if side == Side::Ours { (deep, &mut *deeps) } else { (&*first, &mut *firsts) };
            let before = cpu_seconds(server)?;
            let mut burst = Vec::with_capacity(REQUESTS);
            for _ in 0..REQUESTS {
                let started = Instant::now();
                self.ask(path)?;
                burst.push(started.elapsed().as_secs_f64() * 1000.0);
            }
            times.cpu.push((cpu_seconds(server)? - before) * 1000.0 / REQUESTS as f64);
            times.latency.extend_from_slice(&burst);
            Ok(median(burst))
        })?;
        let mut more = Map::new();
        for (name, Times { latency, cpu }) in ["deep", "first"].into_iter().zip(sides) {
            more.insert(format!("{name}_p50"), json!(rounded(percentile(latency.clone(), 0.50))));
            more.insert(format!("{name}_p99"), json!(rounded(percentile(latency, 0.99))));
            more.insert(format!("{name}_cpu"), json!(rounded(median(cpu))));
        }
        Ok(Measured { pairs, more })
    }
}

/// Milliseconds of one side: until each answer was read, and of the server's processor time per request of a burst.
#[derive(Default)]
struct Times {
    latency: Vec<f64>,
    cpu: Vec<f64>,
}
