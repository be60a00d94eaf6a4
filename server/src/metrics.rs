//! What Prometheus is told: requests as they are answered, the process, and what the monitor found last. Numbers,
//! route templates and names of our own; nothing of a person, an organisation or an event.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use shutterpost_backend::db::sqlite_version;
use shutterpost_backend::doctor::{FIGURES, Finding, State};
use shutterpost_backend::jobs::Backlog;
use shutterpost_model::time::Millis;

use crate::http::PAGE;
use crate::log::RequestLine;

/// The type of what [`Metrics::text`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds: from a cached page to an upload on a bad network.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Everything that is counted in this process.
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels<3>, Counter>,
    seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    cached: Cached,
    facts: Arc<Facts>,
}

/// What is counted of a page out of the cache, at hand: finding it by its labels costs as much as some pages do.
struct Cached {
    all: Counter,
    whole: Counter,
    unchanged: Counter,
    seconds: Histogram,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

impl Metrics {
    /// Nothing counted yet, in a process that began at `start`.
    pub fn new(start: Millis) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process { start }));
        let ours = registry.sub_registry_with_prefix("shutterpost");
        let sqlite = sqlite_version().unwrap_or_default();
        let build = [("version", env!("CARGO_PKG_VERSION").to_owned()), ("sqlite", sqlite)];
        ours.register("build", "The running program, and the SQLite in it", Info::new(build.to_vec()));
        let requests = Family::default();
        ours.register("http_requests", "Answered requests", requests.clone());
        let all = Counter::default();
        ours.register("http_cached", "Share pages answered from the cache", all.clone());
        let seconds: Family<Labels<1>, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(histogram as fn() -> Histogram);
        let help = "Time until the head of an answer was ready";
        ours.register_with_unit("http_request", help, Unit::Seconds, seconds.clone());
        let of_page = |status| requests.get_or_create_owned(&[("method", "GET"), ("route", PAGE), ("status", status)]);
        let (whole, unchanged) = (of_page("2xx"), of_page("3xx"));
        let cached = Cached { all, whole, unchanged, seconds: seconds.get_or_create_owned(&[("route", PAGE)]) };
        let facts = Arc::new(Facts::default());
        ours.register_collector(Box::new(Arc::clone(&facts)));
        Self { registry, requests, seconds, cached, facts }
    }

    /// Counts an answered request.
    pub fn request(&self, line: &RequestLine) {
        let seconds = f64::from(u32::try_from(line.micros).unwrap_or(u32::MAX)) / 1e6;
        if line.cached {
            let Cached { all, whole, unchanged, seconds: taken } = &self.cached;
            all.inc();
            if line.status == 304 {
                unchanged.inc()
            } else {
                whole.inc()
            };
            return taken.observe(seconds);
        }
        let class = match line.status {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        let labels = [("method", line.method), ("route", line.route), ("status", class)];
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&[("route", line.route)]).observe(seconds);
    }

    /// What the monitor found; takes the place of what it found before.
    pub fn found(&self, found: Found) {
        *self.facts.0.write().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }

    /// Everything, in the OpenMetrics text format.
    ///
    /// # Errors
    /// None of its own: writing to a text does not fail.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

/// One look at the installation.
#[derive(Debug)]
pub struct Found {
    pub at: Millis,
    pub findings: Vec<Finding>,
    /// `None`: the database did not say.
    pub backlog: Option<Vec<Backlog>>,
}

/// The last look.
#[derive(Debug, Default)]
struct Facts(RwLock<Option<Found>>);

impl Collector for Facts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let found = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(Found { at, findings, backlog }) = found.as_ref() else { return Ok(()) };
        gauge(
            &mut encoder,
            "checks_timestamp_seconds",
            "When the installation was last looked at",
            [(None, time(*at))],
        )?;

        let mut checks: Vec<(&'static str, State)> = Vec::new();
        for Finding { check, state, .. } in findings {
            match checks.iter_mut().find(|(name, _)| name == check) {
                Some((_, worst)) => *worst = (*worst).max(*state),
                None => checks.push((check, *state)),
            }
        }
        let states = checks.into_iter().map(|(check, state)| {
            let value = match state {
                State::Good => 0.0,
                State::Warning => 1.0,
                State::Failure => 2.0,
            };
            (Some(("check", check)), value)
        });
        gauge(&mut encoder, "check_state", "What doctor says: 0 good, 1 warning, 2 failure", states)?;

        for (name, help) in FIGURES {
            let figures = findings.iter().flat_map(|finding| &finding.figures).filter(|figure| figure.name == name);
            gauge(&mut encoder, name, help, figures.map(|figure| (figure.of, figure.value)))?;
        }

        let jobs = |value: fn(&Backlog) -> i64| {
            let rows = backlog.iter().flatten();
            rows.map(move |row| (Some(("kind", row.kind)), number(value(row))))
        };
        gauge(&mut encoder, "jobs_due", "Jobs that are due and not done", jobs(|row| row.due))?;
        let help = "How long the job that waits longest has been due";
        let lags = jobs(|row| row.lag).map(|(of, millis)| (of, millis / 1000.0));
        gauge(&mut encoder, "jobs_lag_seconds", help, lags)?;
        gauge(&mut encoder, "jobs_failing", "Jobs that failed three times or more", jobs(|row| row.failing))
    }
}

/// A gauge with its values, if there are any.
fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Option<(&'static str, &'static str)>, f64)>,
) -> fmt::Result {
    let mut values = values.into_iter().peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (of, value) in values {
        match of {
            Some(label) => metric.encode_family(&[label])?.encode_gauge(&value)?,
            None => metric.encode_gauge(&value)?,
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds and counts are far below 2^53")]
const fn number(value: i64) -> f64 {
    value as f64
}

const fn time(at: Millis) -> f64 {
    number(at.0) / 1000.0
}

/// What the operating system says of this process, under the names that all programs use.
#[derive(Debug)]
struct Process {
    start: Millis,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        #[expect(clippy::cast_precision_loss, reason = "seconds of a processor are few")]
        let used = used.tv_sec as f64 + used.tv_nsec as f64 / 1e9;
        let cpu = encoder.encode_descriptor("process_cpu_seconds", "Processor time used", None, MetricType::Counter);
        cpu?.encode_counter::<NoLabelSet, f64, u64>(&used, None)?;
        let started = [(None, time(self.start))];
        gauge(&mut encoder, "process_start_time_seconds", "When the process began", started)?;
        let resident = resident().map(|bytes| (None, bytes));
        gauge(&mut encoder, "process_resident_memory_bytes", "Memory in use", resident)?;
        let open = std::fs::read_dir("/proc/self/fd").ok().and_then(|files| u32::try_from(files.count()).ok());
        let open = open.map(|count| (None, f64::from(count)));
        gauge(&mut encoder, "process_open_fds", "Open files and connections", open)
    }
}

/// Bytes of memory that are the process's now. Linux alone tells.
fn resident() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u32 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let page = u32::try_from(rustix::param::page_size()).ok()?;
    Some(f64::from(pages) * f64::from(page))
}
