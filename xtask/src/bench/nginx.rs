//! nginx as the peer of a cached page: the same bytes, the same headers, as one would set it up to be fast.

use std::{fs, io, path::Path};

use crate::http::Response;

/// Where it logs, from its folder.
pub const LOG: &str = "access.log";
pub const ERRORS: &str = "error.log";

/// Headers that nginx writes itself, or that belong to one connection or request.
const OWN: [&str; 12] = [
    "content-type",
    "content-length",
    "content-encoding",
    "date",
    "etag",
    "last-modified",
    "connection",
    "transfer-encoding",
    "vary",
    "server",
    "keep-alive",
    "x-request-id",
];

/// Writes a folder with the page and a configuration that stays in the foreground: master and one worker.
pub fn write(root: &Path, port: u16, path: &str, page: &Response) -> io::Result<()> {
    let file = root.join("html").join(path.trim_start_matches('/'));
    fs::create_dir_all(file.parent().unwrap_or(root))?;
    fs::write(&file, b"only the compressed file is served")?;
    let mut compressed = file.file_name().unwrap_or_default().to_owned();
    compressed.push(".gz");
    fs::write(file.with_file_name(compressed), &page.body)?;
    fs::write(root.join("nginx.conf"), configuration(port, page))
}

/// The user is for those who are root, whose folder the worker must read too; nginx ignores it for others. The buffer
/// of the log is what our own log does: lines are written together, and within a second.
fn configuration(port: u16, page: &Response) -> String {
    let headers: String = page
        .headers
        .iter()
        .filter(|(name, _)| !OWN.contains(&name.as_str()))
        .map(|(name, value)| format!("add_header {name} {};\n", quoted(value)))
        .collect();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path tmp-{name};\n"))
        .collect();
    let kind = page.header("content-type").and_then(|kind| kind.split(';').next()).unwrap_or("text/html");
    format!(
        "user root;\ndaemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log {ERRORS};\n\
         events {{ worker_connections 256; }}\n\
         http {{\naccess_log {LOG} combined buffer=64k flush=1s;\n{temporary}default_type {kind};\ncharset utf-8;\n\
         sendfile on;\ntcp_nopush on;\nkeepalive_requests 100000000;\ngzip_static on;\ngzip_vary on;\n\
         server {{\nlisten 127.0.0.1:{port};\nroot html;\n{headers}}}\n}}\n"
    )
}

/// A value in quotes. A dollar sign would name a variable, and cannot be escaped; one that is left out costs nothing.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_taken_over_unless_nginx_writes_them_itself() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![
            header("content-type", "text/html; charset=utf-8"),
            header("etag", "\"a\""),
            header("x-test", "a \"b\" $c"),
        ];
        let text = configuration(8080, &Response { status: 200, headers, body: Vec::new() });
        assert!(text.contains("add_header x-test \"a \\\"b\\\" c\";"), "{text}");
        assert!(text.contains("default_type text/html;"), "{text}");
        assert!(!text.contains("etag"), "{text}");
    }
}
