//! A server under load from wrk, against another with the same bytes. Each has core 0 in turn, the load comes from core 1.
//! What counts is the processor time of the server's whole process tree; every request must be in its log, and every
//! answer must be as long as the one that was compared byte by byte before.

use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{
    nginx::{self, Site},
    pairs::{Pairs, Side, median, rounded},
};
use crate::{
    failure::{Failure, While as _},
    process::{capture, command},
    progress,
    running::{Running, cpu_seconds, free_port},
    server::Place,
};

/// Where whatever is measured runs.
pub const CORE: &str = "0";
const LOAD_CORE: &str = "1";
pub const SECONDS: &str = "4";
const CONNECTIONS: f64 = 32.0;
/// More than any head of ours.
const HEAD: f64 = 2048.0;

/// One of the two while it is measured.
pub struct Server {
    running: Running,
    pub port: u16,
    scheme: &'static str,
    log: PathBuf,
    /// What the log says of each request of the load, and of no other.
    marks: Vec<String>,
}

impl Server {
    /// Our server, ready.
    pub fn ours(place: &Place, binary: &Path, folder: &Path, marks: Vec<String>) -> Result<Self, Failure> {
        let log = folder.join("ours.log");
        let mut ours = super::ours(place, binary, folder);
        let mut ours = super::pinned(CORE, ours.arg("serve"));
        super::log_to(&mut ours, &log)?;
        let mut running = Running::start(&mut ours)?;
        running
            .wait_for(place.port, "/readyz", Duration::from_secs(60))
            .map_err(|failure| super::with_log(&failure, &log))?;
        Ok(Self { running, port: place.port, scheme: "http", log, marks })
    }

    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// nginx with one file, taking connections.
    pub fn nginx(nginx: &Path, root: &Path, site: &Site<'_>, marks: Vec<String>) -> Result<Self, Failure> {
        let port = free_port()?;
        site.write(root, port)?;
        let mut theirs = super::pinned(CORE, command(nginx).arg("-p").arg(root).args(["-c", "nginx.conf"]));
        let mut running = Running::start(&mut theirs)?.ended_by("QUIT");
        running
            .wait_until("it takes connections", Duration::from_secs(10), || {
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
            })
            .map_err(|failure| super::with_log(&failure, &root.join(nginx::ERRORS)))?;
        Ok(Self { running, port, scheme: site.transport.scheme(), log: root.join(nginx::LOG), marks })
    }
}

/// What is asked for, again and again.
pub struct Load<'a> {
    pub wrk: &'a Path,
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    /// Bytes of an answer without its head.
    pub body: usize,
}

impl Load<'_> {
    /// Pairs of requests per second of processor time, with the absolute figures.
    pub fn compare(
        &self,
        ours: &Server,
        theirs: &Server,
        count: usize,
    ) -> Result<(Pairs, Map<String, Value>), Failure> {
        let mut bursts = (Vec::new(), Vec::new());
        let mut load = |side: Side| {
            let (server, all) = if side == Side::Ours { (ours, &mut bursts.0) } else { (theirs, &mut bursts.1) };
            let burst = self.burst(server)?;
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
        for (name, bursts) in [("ours", &bursts.0), ("theirs", &bursts.1)] {
            let median_of = |value: fn(&Burst) -> f64| json!(rounded(median(bursts.iter().map(value).collect())));
            more.insert(
                format!("{name}_bytes"),
                median_of(|burst| (burst.report.bytes / burst.report.requests).round()),
            );
            // How much of its core it used: both should be near 1, or the load was too little to compare them under.
            more.insert(format!("{name}_busy"), median_of(|burst| burst.cpu / burst.report.seconds));
        }
        Ok((pairs, more))
    }

    /// One burst of load; an answer other than success makes it worthless, and so does a request that the log knows not.
    fn burst(&self, server: &Server) -> Result<Burst, Failure> {
        // Or some bursts of log would fill a small disk.
        fs::OpenOptions::new()
            .write(true)
            .open(&server.log)
            .and_then(|log| log.set_len(0))
            .or_fail("emptying a log")?;
        let mut wrk = command(self.wrk);
        wrk.args(["-t1", &format!("-c{CONNECTIONS}"), "--timeout", "10s", &format!("-d{SECONDS}s")]);
        for (name, value) in self.headers {
            wrk.args(["-H", &format!("{name}: {value}")]);
        }
        wrk.arg(format!("{}://127.0.0.1:{}{}", server.scheme, server.port, self.path));
        let before = cpu_seconds(server.running.pid())?;
        let printed = capture(&mut super::pinned(LOAD_CORE, &mut wrk))?;
        if printed.contains("Non-2xx") || printed.contains("Socket errors") {
            return Err(Failure::new(format!("not every answer was a success:\n{printed}")));
        }
        let report = Report::read(&printed).or_fail("reading wrk's report")?;
        if !report.fits(self.body as f64) {
            return Err(Failure::new(format!("these cannot be answers of {} bytes:\n{printed}", self.body)));
        }
        // Writing the log belongs to the work.
        let written = Instant::now();
        let mut logged = 0;
        while logged < report.requests as usize {
            if written.elapsed() > Duration::from_secs(10) {
                return Err(Failure::new(format!("{} requests, of which the log has {logged}", report.requests)));
            }
            progress::pause(Duration::from_millis(200));
            let log = fs::read_to_string(&server.log).or_fail("reading a log")?;
            logged = log.lines().filter(|line| server.marks.iter().all(|mark| line.contains(mark))).count();
        }
        Ok(Burst { report, cpu: cpu_seconds(server.running.pid())? - before })
    }
}

/// Load for some seconds.
struct Burst {
    report: Report,
    /// Seconds of processor time that the server used.
    cpu: f64,
}

impl Burst {
    fn rate(&self) -> f64 {
        self.report.requests / self.cpu
    }
}

/// What wrk says at its end.
#[derive(Debug, PartialEq)]
struct Report {
    requests: f64,
    seconds: f64,
    /// All bytes that were read, heads and answers cut short at the end among them.
    bytes: f64,
    /// How far off `bytes` may be, which is printed with two digits.
    rounding: f64,
}

impl Report {
    /// Reads `  123456 requests in 4.00s, 1.23GB read`.
    fn read(printed: &str) -> Option<Self> {
        let (requests, rest) = printed.lines().find_map(|line| line.split_once(" requests in "))?;
        let (seconds, read) = rest.trim().strip_suffix(" read")?.split_once("s, ")?;
        let read = read.strip_suffix('B')?;
        let unit = read.trim_start_matches(|sign: char| sign.is_ascii_digit() || sign == '.');
        let factor = 1024_f64.powi(["", "K", "M", "G"].iter().position(|known| *known == unit)?.try_into().ok()?);
        Some(Self {
            requests: requests.trim().parse().ok()?,
            seconds: seconds.parse().ok()?,
            bytes: read.strip_suffix(unit)?.parse::<f64>().ok()? * factor,
            rounding: 0.005 * factor,
        })
    }

    /// Whether all of these answers can have had a body of so many bytes.
    fn fits(&self, body: f64) -> bool {
        let least = self.requests * body;
        let most = self.requests * (body + HEAD) + CONNECTIONS * (body + HEAD);
        self.requests > 0.0 && self.bytes + self.rounding >= least && self.bytes - self.rounding <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(read: &str) -> Option<Report> {
        Report::read(&format!("Running 4s test\n  1 threads and 32 connections\n  {read} read\nRequests/sec: 19.27\n"))
    }

    #[test]
    fn reads_wrk() {
        let of = |read| report(read).map(|report| (report.requests, report.seconds, report.bytes, report.rounding));
        let megabyte = 1024.0 * 1024.0;
        assert_eq!(of("81374 requests in 4.10s, 210.05MB"), Some((81_374.0, 4.1, 210.05 * megabyte, 0.005 * megabyte)));
        assert_eq!(of("8 requests in 4.00s, 1.50KB"), Some((8.0, 4.0, 1536.0, 5.12)));
        assert_eq!(of("8 requests in 4.00s, 150.00B"), Some((8.0, 4.0, 150.0, 0.005)));
        assert_eq!(of("8 requests in 4.00s, 1.50XB"), None);
    }

    #[test]
    fn answers_of_another_length_are_noticed() {
        let fits = |read, body| report(read).unwrap().fits(body);
        // 1.21 GB, give or take 5 MB, of heads, bodies and 32 answers that were cut short.
        assert!(fits("4310 requests in 4.00s, 1.21GB", 300_000.0));
        assert!(!fits("4310 requests in 4.00s, 1.21GB", 305_000.0));
        assert!(!fits("4310 requests in 4.00s, 1.21GB", 290_000.0));
        assert!(!fits("0 requests in 4.00s, 0.00B", 300_000.0));
    }
}
