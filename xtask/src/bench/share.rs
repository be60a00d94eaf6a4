//! A cached share page, against nginx serving the same bytes: requests per second of the server's processor time. Both
//! log every request, both answer with the same headers and the same gzip, each on core 0 with the load from core 1.

use std::{fs, path::Path, time::Duration};

use serde_json::{Map, Value, json};

use super::pairs::{Better, Pairs, Side, rounded};
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
    let demo = super::demo(&place, &binary, folder.path(), &[])?;
    let log = fs::File::create(folder.path().join("ours.log")).or_fail("making our log")?;
    let mut ours = super::pinned(SERVER_CORE, &mut place.command(&binary));
    ours.arg("serve").env("SHUTTERPOST_DEV", "0");
    super::log_to(&mut ours, log)?;
    let mut ours = Running::start(&mut ours)?;
    ours.wait_for(place.port, "/readyz", Duration::from_secs(60))?;

    let link = demo.pointer("/share/view").and_then(Value::as_str).or_fail("reading the demo's view link")?;
    let path = super::path_of(link).or_fail("reading the demo's view link")?;
    let page = http::get(place.port, path, &[("Accept-Encoding", "gzip"), ("Accept-Language", "en")])
        .or_fail("asking for the share page")?;
    if page.status != 200 || page.header("content-encoding") != Some("gzip") {
        return Err(Failure::new(format!("{path} answers {} with {:?}", page.status, page.headers)));
    }

    let port = free_port()?;
    let root = folder.path().join("nginx");
    write_nginx(&root, port, path, &page).or_fail("writing nginx's folder")?;
    let mut theirs = super::pinned(SERVER_CORE, command(&nginx).arg("-p").arg(&root).args(["-c", "nginx.conf"]));
    let mut theirs = Running::start(&mut theirs)?.ended_by("QUIT");
    theirs.wait_for(port, path, Duration::from_secs(10))?;
    let same = http::get(port, path, &[("Accept-Encoding", "gzip")]).or_fail("asking nginx")?;
    if same.body != page.body || same.header("content-encoding") != Some("gzip") {
        return Err(Failure::new("nginx does not serve the same bytes"));
    }

    progress::note(&format!("{} bytes of gzip, {count} pairs of {SECONDS} s each side", page.body.len()));
    let load = |side: Side| {
        let (port, pid) = if side == Side::Ours { (place.port, ours.pid()) } else { (port, theirs.pid()) };
        let before = cpu_seconds(pid)?;
        let requests = requests(&wrk, port, path)?;
        Ok(requests / (cpu_seconds(pid)? - before))
    };
    for side in [Side::Ours, Side::Theirs] {
        load(side)?;
    }
    let pairs = Pairs::measure(count, load)?;
    let (ours_rate, theirs_rate) = pairs.medians();
    let mut more = Map::new();
    more.insert("unit".into(), json!("requests per CPU second"));
    more.insert("ours".into(), json!(rounded(ours_rate)));
    more.insert("theirs".into(), json!(rounded(theirs_rate)));
    more.insert("gzip_bytes".into(), json!(page.body.len()));
    Ok(pairs.line("share", "nginx static, gzip_static", Better::Higher, more))
}

/// How many requests one burst got through; an answer other than success makes it worthless.
fn requests(wrk: &Path, port: u16, path: &str) -> Result<f64, Failure> {
    let mut wrk = super::pinned(
        LOAD_CORE,
        command(wrk)
            .args(["-t1", "-c32", &format!("-d{SECONDS}s"), "-H", "Accept-Encoding: gzip", "-H", "Accept-Language: en"])
            .arg(format!("http://127.0.0.1:{port}{path}")),
    );
    let text = capture(&mut wrk)?;
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        return Err(Failure::new(format!("not every answer was a success:\n{text}")));
    }
    read_requests(&text).or_fail("reading wrk's report")
}

/// `  123456 requests in 4.00s, 1.23GB read`
fn read_requests(text: &str) -> Option<f64> {
    text.lines().find_map(|line| line.split_once(" requests in "))?.0.trim().parse().ok()
}

/// A configuration in the foreground with one process, so that its processor time is all in one place.
fn write_nginx(root: &Path, port: u16, path: &str, page: &http::Response) -> std::io::Result<()> {
    let file = root.join("html").join(path.trim_start_matches('/'));
    fs::create_dir_all(file.parent().unwrap_or(root))?;
    fs::write(&file, b"only the compressed file is served")?;
    fs::write(
        file.with_file_name(format!("{}.gz", file.file_name().unwrap_or_default().to_string_lossy())),
        &page.body,
    )?;
    // nginx writes these itself, or they belong to one connection.
    let own = [
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
    let headers: String = page
        .headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| {
            format!("add_header {name} \"{}\";\n", value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', ""))
        })
        .collect();
    let kind = page.header("content-type").unwrap_or("text/html").split(';').next().unwrap_or("text/html").to_owned();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path tmp-{name};\n"))
        .collect();
    let conf = format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid nginx.pid;\nerror_log error.log;\n\
         events {{ worker_connections 256; }}\n\
         http {{\naccess_log access.log combined;\n{temporary}default_type {kind};\ncharset utf-8;\n\
         sendfile on;\ntcp_nopush on;\nkeepalive_requests 100000000;\ngzip_static on;\ngzip_vary on;\n\
         server {{\nlisten 127.0.0.1:{port};\nroot html;\n{headers}}}\n}}\n"
    );
    fs::write(root.join("nginx.conf"), conf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_wrk() {
        let text = "Running 4s test\n  1 threads and 32 connections\n  81374 requests in 4.10s, 210.05MB read\nRequests/sec:  19853.27\n";
        assert_eq!(read_requests(text), Some(81374.0));
    }
}
