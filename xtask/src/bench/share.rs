//! A cached share page, against nginx serving the same bytes: requests per second of the server's processor time, that of
//! all its threads and workers. Both log every request in batches, both answer with the same headers and the same gzip,
//! each on core 0 with the load from core 1.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{
    nginx,
    pairs::{Better, Pairs, Side, median, rounded},
};
use crate::{
    bundle,
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    http,
    process::{capture, command},
    progress,
    running::{Running, cpu_seconds, free_port},
    scratch::Scratch,
    server::{self, Place, Profile},
};

const SERVER_CORE: &str = "0";
const LOAD_CORE: &str = "1";
const SECONDS: &str = "4";
/// More than any head of ours.
const HEAD: f64 = 2048.0;

/// One of the two while it is measured.
struct Server {
    running: Running,
    port: u16,
    log: PathBuf,
    /// What the log says of each request of the load, and of no other.
    mark: &'static str,
}

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    debian::program("taskset", &["util-linux"], "this measurement")?;
    let nginx = debian::program("nginx", &["nginx-light"], "this measurement")?;
    let wrk = debian::program("wrk", &["wrk"], "this measurement")?;
    let site = bundle::ensure(checkout, bundle::Kind::Release)?;
    let binary = server::build(checkout, Profile::Release)?;

    let folder = Scratch::new("share")?;
    let place = Place { data: folder.path().join("data"), site, port: free_port()? };
    fs::create_dir_all(&place.data).or_fail("making the data folder")?;
    let demo = super::demo(super::ours(&place, &binary, folder.path()), folder.path(), &[])?;
    let path = super::path_of(super::text(&demo, "/share/view")?).or_fail("reading the demo's view link")?;

    let ours = start_ours(&place, &binary, folder.path())?;
    let page = ask(ours.port, path)?;
    let theirs = start_nginx(&nginx, &folder.path().join("nginx"), path, &page)?;
    if ask(theirs.port, path)?.body != page.body {
        return Err(Failure::new("nginx does not serve the same bytes"));
    }

    progress::note(&format!("{} bytes of gzip, {count} pairs of {SECONDS} s each side", page.body.len()));
    let mut bursts = (Vec::new(), Vec::new());
    let mut load = |side: Side| {
        let (server, all) = if side == Side::Ours { (&ours, &mut bursts.0) } else { (&theirs, &mut bursts.1) };
        let burst = burst(server, &wrk, path)?;
        let body = page.body.len() as f64;
        if burst.bytes < body || burst.bytes > body + HEAD {
            return Err(Failure::new(format!("answers of {:.0} bytes cannot be the page of {body}", burst.bytes)));
        }
        let rate = burst.rate();
        all.push(burst);
        Ok(rate)
    };
    // Once each for caches.
    for side in [Side::Ours, Side::Theirs] {
        load(side)?;
    }
    let pairs = Pairs::measure(count, load)?;

    let (ours_rate, theirs_rate) = pairs.medians();
    let mut more = Map::new();
    more.insert("unit".into(), json!("requests per CPU second"));
    more.insert("ours".into(), json!(ours_rate.round()));
    more.insert("theirs".into(), json!(theirs_rate.round()));
    more.insert("gzip_bytes".into(), json!(page.body.len()));
    for (name, bursts) in [("ours", &bursts.0), ("theirs", &bursts.1)] {
        let median_of = |value: fn(&Burst) -> f64| json!(rounded(median(bursts.iter().map(value).collect())));
        more.insert(format!("{name}_bytes"), median_of(|burst| burst.bytes.round()));
        // How much of its core it used: both should be near 1, or the load was too little to compare them under.
        more.insert(format!("{name}_busy"), median_of(|burst| burst.cpu / burst.seconds));
    }
    let against = "nginx, the same bytes by gzip_static, access log written in batches too";
    Ok(pairs.line("share", against, Better::Higher, more))
}

fn start_ours(place: &Place, binary: &Path, folder: &Path) -> Result<Server, Failure> {
    let log = folder.join("ours.log");
    let mut ours = super::ours(place, binary, folder);
    let mut ours = super::pinned(SERVER_CORE, ours.arg("serve"));
    super::log_to(&mut ours, &log)?;
    let mut running = Running::start(&mut ours)?;
    running
        .wait_for(place.port, "/readyz", Duration::from_secs(60))
        .map_err(|failure| super::with_log(&failure, &log))?;
    Ok(Server { running, port: place.port, log, mark: r#""share.cached":true"# })
}

fn start_nginx(nginx: &Path, root: &Path, path: &str, page: &http::Response) -> Result<Server, Failure> {
    let port = free_port()?;
    nginx::write(root, port, path, page).or_fail("writing nginx's folder")?;
    let mut theirs = super::pinned(SERVER_CORE, command(nginx).arg("-p").arg(root).args(["-c", "nginx.conf"]));
    let mut running = Running::start(&mut theirs)?.ended_by("QUIT");
    running
        .wait_for(port, path, Duration::from_secs(10))
        .map_err(|failure| super::with_log(&failure, &root.join(nginx::ERRORS)))?;
    Ok(Server { running, port, log: root.join(nginx::LOG), mark: "\" 200 " })
}

fn ask(port: u16, path: &str) -> Result<http::Response, Failure> {
    let page = http::get(port, path, &[("Accept-Encoding", "gzip"), ("Accept-Language", "en")])
        .or_fail(format_args!("asking for {path}"))?;
    if page.status == 200 && page.header("content-encoding") == Some("gzip") {
        Ok(page)
    } else {
        Err(Failure::new(format!("{path} answers {} with {:?}", page.status, page.headers)))
    }
}

/// Load for some seconds.
#[derive(Debug, PartialEq)]
struct Burst {
    requests: f64,
    seconds: f64,
    /// Bytes of one answer with its head.
    bytes: f64,
    /// Seconds of processor time that the server used.
    cpu: f64,
}

impl Burst {
    fn rate(&self) -> f64 {
        self.requests / self.cpu
    }
}

/// One burst of load; an answer other than success makes it worthless, and so does a request that the log knows not.
fn burst(server: &Server, wrk: &Path, path: &str) -> Result<Burst, Failure> {
    // Or some bursts of log would fill a small disk.
    fs::OpenOptions::new().write(true).open(&server.log).and_then(|log| log.set_len(0)).or_fail("emptying a log")?;
    let mut wrk = super::pinned(
        LOAD_CORE,
        command(wrk)
            .args(["-t1", "-c32", "--timeout", "10s", &format!("-d{SECONDS}s")])
            .args(["-H", "Accept-Encoding: gzip", "-H", "Accept-Language: en"])
            .arg(format!("http://127.0.0.1:{}{path}", server.port)),
    );
    let before = cpu_seconds(server.running.pid())?;
    let report = capture(&mut wrk)?;
    if report.contains("Non-2xx") || report.contains("Socket errors") {
        return Err(Failure::new(format!("not every answer was a success:\n{report}")));
    }
    let (requests, seconds, bytes) = read_report(&report).or_fail("reading wrk's report")?;
    // Writing the log belongs to the work.
    let written = Instant::now();
    let mut logged = 0;
    while logged < requests as usize {
        if written.elapsed() > Duration::from_secs(10) {
            return Err(Failure::new(format!("{requests} requests, of which the log has {logged}")));
        }
        progress::pause(Duration::from_millis(200));
        let log = fs::read_to_string(&server.log).or_fail("reading a log")?;
        logged = log.lines().filter(|line| line.contains(server.mark)).count();
    }
    Ok(Burst { requests, seconds, bytes: bytes / requests, cpu: cpu_seconds(server.running.pid())? - before })
}

/// Requests, seconds and bytes of `  123456 requests in 4.00s, 1.23GB read`.
fn read_report(report: &str) -> Option<(f64, f64, f64)> {
    let (requests, rest) = report.lines().find_map(|line| line.split_once(" requests in "))?;
    let (seconds, read) = rest.trim().strip_suffix(" read")?.split_once("s, ")?;
    let read = read.strip_suffix('B')?;
    let unit = read.trim_start_matches(|sign: char| sign.is_ascii_digit() || sign == '.');
    let factor = 1024_f64.powi(["", "K", "M", "G"].iter().position(|known| *known == unit)?.try_into().ok()?);
    let bytes = read.strip_suffix(unit)?.parse::<f64>().ok()? * factor;
    Some((requests.trim().parse().ok()?, seconds.parse().ok()?, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_wrk() {
        let report =
            |read| format!("Running 4s test\n  1 threads and 32 connections\n  {read} read\nRequests/sec: 19.27\n");
        let of = |read| read_report(&report(read));
        assert_eq!(of("81374 requests in 4.10s, 210.05MB"), Some((81_374.0, 4.1, 210.05 * 1024.0 * 1024.0)));
        assert_eq!(of("8 requests in 4.00s, 1.50KB"), Some((8.0, 4.0, 1536.0)));
        assert_eq!(of("8 requests in 4.00s, 150.00B"), Some((8.0, 4.0, 150.0)));
        assert_eq!(of("8 requests in 4.00s, 1.50XB"), None);
    }
}
