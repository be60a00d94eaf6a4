//! The logs: one line per request with allow-listed fields, and the tracing events of the services.
//!
//! Both are JSON lines on standard output (text in development). A request line is a struct, so that a field cannot
//! slip in: no path, no query, no address, no user agent, no name.

use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

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

/// Takes request lines and writes them in batches on a thread of its own, so that no request waits for a write.
/// When the queue is full the request waits: a log line is never dropped.
#[derive(Debug, Clone)]
pub struct RequestLog {
    queue: Option<SyncSender<RequestLine>>,
}

impl RequestLog {
    /// Lines go to standard output.
    pub fn to_stdout() -> Self {
        Self::to(std::io::stdout())
    }

    /// Lines go to the writer, which is flushed whenever no line waits.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        let (queue, lines) = sync_channel(4096);
        std::thread::Builder::new()
            .name("request-log".into())
            .spawn(move || write_lines(&lines, writer))
            .expect("a thread can be started at start-up");
        Self { queue: Some(queue) }
    }

    /// Lines go nowhere, for commands that serve nothing.
    pub const fn off() -> Self {
        Self { queue: None }
    }

    pub fn line(&self, line: RequestLine) {
        if let Some(queue) = &self.queue
            && queue.send(line).is_err()
        {
            tracing::error!("the request log has ended");
        }
    }
}

fn write_lines(lines: &Receiver<RequestLine>, mut writer: impl Write) {
    let mut buffer = Vec::with_capacity(64 * 1024);
    while let Ok(first) = lines.recv() {
        first.write(&mut buffer);
        while buffer.len() < 60 * 1024 {
            match lines.try_recv() {
                Ok(line) => line.write(&mut buffer),
                Err(_) => break,
            }
        }
        if let Err(error) = writer.write_all(&buffer).and_then(|()| writer.flush()) {
            tracing::error!(error.kind = %error.kind(), "the request log cannot be written");
        }
        buffer.clear();
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

    #[test]
    fn a_line_is_one_json_object() {
        let line = RequestLine {
            at: Millis(0),
            request: "req_1".into(),
            method: "GET",
            route: "/s/{token}",
            status: 404,
            micros: 12,
            code: Some("not_found"),
            organisation: Some("org_1".into()),
            cached: true,
        };
        let mut out = Vec::new();
        line.write(&mut out);
        let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(value["http.route"], "/s/{token}");
        assert_eq!(value["error.code"], "not_found");
        assert_eq!(value["share.cached"], true);
    }
}
