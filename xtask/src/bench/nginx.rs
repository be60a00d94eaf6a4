//! nginx as the peer that serves one answer of ours as a file: the same bytes, the same headers, as one would set it up to
//! be fast.

use std::{fs, io, path::Path};

use crate::{
    failure::{Failure, While as _},
    http::Response,
    process::{capture, command},
};

/// Where it logs, from its folder.
pub const LOG: &str = "access.log";
pub const ERRORS: &str = "error.log";
/// Its certificate, likewise.
pub const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";
/// How TLS encrypts, as its log names it.
pub const CIPHER: &str = "TLSv1.3 TLS_AES_256_GCM_SHA384";

/// Headers that nginx writes itself, or that belong to one connection or request.
const OWN: [&str; 13] = [
    "accept-ranges",
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

/// What it serves, and how.
pub struct Site<'a> {
    pub path: &'a str,
    /// Our answer, with gzip or without.
    pub page: &'a Response,
    pub transport: Transport<'a>,
}

/// What lies between it and the client.
#[derive(Debug, Clone, Copy)]
pub enum Transport<'a> {
    Plain,
    /// TLS 1.3 with AES-256-GCM and a certificate of its own, made by this openssl.
    Tls(&'a Path),
}

impl Transport<'_> {
    /// The scheme of its address.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Tls(_) => "https",
        }
    }
}

impl Site<'_> {
    /// Writes a folder with the file and a configuration that stays in the foreground: master and one worker.
    pub fn write(&self, root: &Path, port: u16) -> Result<(), Failure> {
        self.write_file(root).or_fail("writing nginx's folder")?;
        if let Transport::Tls(openssl) = self.transport {
            // ECDSA: the handshake is not what is measured.
            capture(
                command(openssl)
                    .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
                    .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"])
                    .args(["-keyout", KEY, "-out", CERTIFICATE])
                    .current_dir(root),
            )?;
        }
        fs::write(root.join("nginx.conf"), self.configuration(port)).or_fail("writing nginx's configuration")
    }

    fn is_compressed(&self) -> bool {
        self.page.header("content-encoding") == Some("gzip")
    }

    fn write_file(&self, root: &Path) -> io::Result<()> {
        let file = root.join("html").join(self.path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap_or(root))?;
        if !self.is_compressed() {
            return fs::write(&file, &self.page.body);
        }
        fs::write(&file, b"only the compressed file is served")?;
        let mut compressed = file.file_name().unwrap_or_default().to_owned();
        compressed.push(".gz");
        fs::write(file.with_file_name(compressed), &self.page.body)
    }

    /// The user is for those who are root, whose folder the worker must read too; nginx ignores it for others. The buffer
    /// of the log is what our own log does: lines are written together, and within a second.
    fn configuration(&self, port: u16) -> String {
        let headers: String = self
            .page
            .headers
            .iter()
            .filter(|(name, _)| !OWN.contains(&name.as_str()))
            .map(|(name, value)| format!("add_header {name} {};\n", quoted(value)))
            .collect();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path tmp-{name};\n"))
            .collect();
        let kind = self.page.header("content-type").and_then(|kind| kind.split(';').next()).unwrap_or("text/html");
        let gzip = if self.is_compressed() { "gzip_static on;\ngzip_vary on;\n" } else { "" };
        let (log, listen, tls) = match self.transport {
            Transport::Plain => ("combined", "", String::new()),
            Transport::Tls(_) => ("tls", " ssl", tls()),
        };
        format!(
            "user root;\ndaemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log {ERRORS};\n\
             events {{ worker_connections 256; }}\n\
             http {{\n{tls}access_log {LOG} {log} buffer=64k flush=1s;\n{temporary}default_type {kind};\n\
             charset utf-8;\nsendfile on;\ntcp_nopush on;\nkeepalive_requests 100000000;\n{gzip}\
             server {{\nlisten 127.0.0.1:{port}{listen};\nroot html;\n{headers}}}\n}}\n"
        )
    }
}

/// One version and one cipher, so that nothing is negotiated; nginx's usual log with both at the end of each line.
fn tls() -> String {
    let (version, cipher) = CIPHER.split_once(' ').unwrap_or((CIPHER, ""));
    format!(
        "log_format tls '$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
         \"$http_referer\" \"$http_user_agent\" $ssl_protocol $ssl_cipher';\n\
         ssl_certificate {CERTIFICATE};\nssl_certificate_key {KEY};\nssl_protocols {version};\n\
         ssl_conf_command Ciphersuites {cipher};\n"
    )
}

/// A value in quotes. A dollar sign would name a variable, and cannot be escaped; one that is left out costs nothing.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response { status: 200, headers, body: b"bytes".to_vec() }
    }

    #[test]
    fn headers_are_taken_over_unless_nginx_writes_them_itself() {
        let headers = [
            ("content-type", "text/html; charset=utf-8"),
            ("content-encoding", "gzip"),
            ("etag", "\"a\""),
            ("x-test", "a \"b\" $c"),
        ];
        let text = Site { path: "/s/a", page: &page(&headers), transport: Transport::Plain }.configuration(8080);
        assert!(text.contains("add_header x-test \"a \\\"b\\\" c\";"), "{text}");
        assert!(text.contains("default_type text/html;"), "{text}");
        assert!(text.contains("gzip_static on;") && text.contains("listen 127.0.0.1:8080;"), "{text}");
        assert!(!text.contains("etag") && !text.contains("ssl"), "{text}");
    }

    #[test]
    fn a_file_that_is_not_compressed_is_served_as_it_is_and_over_tls_if_that_is_wanted() {
        let page = page(&[("content-type", "image/jpeg")]);
        let site = Site { path: "/m/a/large-1.jpg", page: &page, transport: Transport::Tls(Path::new("openssl")) };
        let text = site.configuration(8443);
        assert!(text.contains("listen 127.0.0.1:8443 ssl;") && text.contains("ssl_protocols TLSv1.3;"), "{text}");
        assert!(text.contains("Ciphersuites TLS_AES_256_GCM_SHA384;") && text.contains("access.log tls "), "{text}");
        assert!(!text.contains("gzip"), "{text}");
        let folder = crate::scratch::Scratch::new("nginx-test").unwrap();
        site.write_file(folder.path()).unwrap();
        assert_eq!(fs::read(folder.path().join("html/m/a/large-1.jpg")).unwrap(), b"bytes");
    }
}
