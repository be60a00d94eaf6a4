//! The logs: one line per request with allow-listed fields, and the tracing events of the services.
//!
//! Both are JSON lines on standard output (text in development). A request line is a struct, so that a field cannot
//! slip in: no path, no query, no address, no user agent, no name.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shutterpost_model::time::Millis;
use tracing_subscriber::EnvFilter;

use crate::config::LogConfig;

/// What is logged of a request.
#[derive(Debug, Clone)]
pub struct RequestLine {
    pub at: Millis,
    pub request: String,
    pub method: &'static str,
    /// The route's template, e.g. `/s/{token}`; never the path.
    pub route: &'static str,
    pub status: u16,
    /// Microseconds until the response's head was ready.
    pub micros: u64,
    /// Stable error code, if the request failed.
    pub code: Option<&'static str>,
    /// Random id of the organisation acted in.
    pub organisation: Option<String>,
    /// Served from the cache of share pages.
    pub cached: bool,
}

impl RequestLine {
    /// One JSON object and a line break. Every value is a constant, a number or an id of our own, so none needs escaping.
    fn write(&self, out: &mut Vec<u8>) {
        let Self { at, request, method, route, status, micros, code, organisation, cached } = self;
        let written = write!(
            out,
            r#"{{"timestamp":"{}","level":"INFO","message":"request","request.id":"{request}","http.method":"{method}","http.route":"{route}","http.status":{status},"http.micros":{micros}"#,
            at.rfc3339(),
        );
        debug_assert!(written.is_ok(), "a vector takes every byte");
        if let Some(code) = code {
            out.extend_from_slice(br#","error.code":""#);
            out.extend_from_slice(code.as_bytes());
            out.push(b'"');
        }
        if let Some(organisation) = organisation {
            out.extend_from_slice(br#","organisation.id":""#);
            out.extend_from_slice(organisation.as_bytes());
            out.push(b'"');
        }
        if *cached {
            out.extend_from_slice(br#","share.cached":true"#);
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Lines that are gathered before the writer is woken early.
const BATCH: usize = 256;
/// Lines that wait at most; then requests wait for the writer.
const MOST: usize = 4096;
/// How long the first line of a batch waits for others. Waking the writer for each line would cost a busy server more
/// than everything else it does for a cached page.
const GATHER: Duration = Duration::from_millis(20);
/// How long the end of the process may wait for the last lines, should nobody read them.
const LAST: Duration = Duration::from_secs(2);

/// Takes request lines and writes them in batches on a thread of its own, so that no request waits for a write.
/// When too many wait the request waits as well: a log line is never dropped. When the last clone goes, the lines that
/// wait are written first.
#[derive(Debug, Clone)]
pub struct RequestLog {
    queue: Option<Arc<Queue>>,
}

impl RequestLog {
    /// Lines go to standard output.
    pub fn to_stdout() -> Self {
        Self::to(std::io::stdout())
    }

    /// Lines go to the writer, which is flushed after every batch.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        std::thread::Builder::new()
            .name("request-log".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.write_all(writer)
            })
            .expect("a thread can be started at start-up");
        Self { queue: Some(Arc::new(Queue(shared))) }
    }

    /// Lines go nowhere, for commands that serve nothing.
    pub const fn off() -> Self {
        Self { queue: None }
    }

    pub fn line(&self, line: RequestLine) {
        if let Some(queue) = &self.queue {
            queue.0.push(line);
        }
    }
}

/// What the clones share; the writer has the same without this wrapper, and ends when this is dropped.
#[derive(Debug)]
struct Queue(Arc<Shared>);

impl Drop for Queue {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        self.0.work.notify_one();
        let written = self.0.room.wait_timeout_while(state, LAST, |state| !state.ended);
        drop(written);
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Rung for the writer.
    work: Condvar,
    /// Rung by the writer.
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<RequestLine>,
    /// No more lines will come.
    closed: bool,
    /// All lines have been written.
    ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: RequestLine) {
        let state = self.room.wait_while(self.lock(), |state| state.lines.len() >= MOST && !state.ended);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.lines.push(line);
        if matches!(state.lines.len(), 1 | BATCH) {
            self.work.notify_one();
        }
    }

    fn write_all(&self, mut writer: impl Write) {
        let (mut lines, mut bytes) = (Vec::new(), Vec::new());
        loop {
            let state = self.work.wait_while(self.lock(), |state| state.lines.is_empty() && !state.closed);
            let state = state.unwrap_or_else(PoisonError::into_inner);
            let gathered =
                self.work.wait_timeout_while(state, GATHER, |state| state.lines.len() < BATCH && !state.closed);
            let (mut state, _) = gathered.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut state.lines, &mut lines);
            if lines.is_empty() {
                state.ended = true;
                self.room.notify_all();
                return;
            }
            drop(state);
            self.room.notify_all();
            for line in lines.drain(..) {
                line.write(&mut bytes);
            }
            if let Err(error) = writer.write_all(&bytes).and_then(|()| writer.flush()) {
                tracing::error!(error.kind = %error.kind(), "the request log cannot be written");
            }
            bytes.clear();
        }
    }
}

/// Starts the tracing subscriber. Called once by the binary.
pub fn init(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    if config.json {
        builder.json().flatten_event(true).with_span_list(false).init();
    } else {
        builder.compact().init();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> RequestLine {
        RequestLine {
            at: Millis(0),
            request: "req_1".into(),
            method: "GET",
            route: "/s/{token}",
            status: 404,
            micros: 12,
            code: Some("not_found"),
            organisation: Some("org_1".into()),
            cached: true,
        }
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_before_the_log_is_gone() {
        // Nothing, less than a batch, exactly one, and more than may wait.
        for count in [0, 3, BATCH, 3 * MOST] {
            let kept = Kept::default();
            let log = RequestLog::to(kept.clone());
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| (0..count).for_each(|_| log.clone().line(line())));
                }
            });
            drop(log);
            let text = kept.0.lock().expect("no panic");
            assert_eq!(text.split(|byte| *byte == b'\n').count() - 1, 2 * count);
        }
    }

    #[test]
    fn a_line_is_one_json_object() {
        let mut out = Vec::new();
        line().write(&mut out);
        let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(value["http.route"], "/s/{token}");
        assert_eq!(value["error.code"], "not_found");
        assert_eq!(value["share.cached"], true);
    }
}
