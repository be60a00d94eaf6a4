//! A cached share page, against nginx serving the same bytes: requests per second of the server's processor time, that of
//! all its threads and workers. Both log every request in batches, both answer with the same headers and the same gzip,
//! each on core 0 with the load from core 1.

use std::fs;

use serde_json::{Value, json};

use super::{
    load::{Load, SECONDS, Server},
    nginx::{Site, Transport},
    pairs::Better,
};
use crate::{
    bundle,
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    http, progress,
    running::free_port,
    scratch::Scratch,
    server::{self, Place, Profile},
};

const HEADERS: [(&str, &str); 2] = [("Accept-Encoding", "gzip"), ("Accept-Language", "en")];

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

    let ours = Server::ours(&place, &binary, folder.path(), vec![r#""share.cached":true"#.to_owned()])?;
    let page = ask(ours.port, path)?;
    let same = Site { path, page: &page, transport: Transport::Plain };
    let theirs = Server::nginx(&nginx, &folder.path().join("nginx"), &same, vec!["\" 200 ".to_owned()])?;
    if ask(theirs.port, path)?.body != page.body {
        return Err(Failure::new("nginx does not serve the same bytes"));
    }

    progress::note(&format!("{} bytes of gzip, {count} pairs of {SECONDS} s each side", page.body.len()));
    let load = Load { wrk: &wrk, path, headers: &HEADERS, body: page.body.len() };
    let (pairs, mut more) = load.compare(&ours, &theirs, count)?;
    more.insert("gzip_bytes".into(), json!(page.body.len()));
    let against = "nginx, the same bytes by gzip_static, access log written in batches too";
    Ok(pairs.line("share", against, Better::Higher, more))
}

fn ask(port: u16, path: &str) -> Result<http::Response, Failure> {
    let page = http::get(port, path, &HEADERS).or_fail(format_args!("asking for {path}"))?;
    if page.status == 200 && page.header("content-encoding") == Some("gzip") {
        Ok(page)
    } else {
        Err(Failure::new(format!("{path} answers {} with {:?}", page.status, page.headers)))
    }
}
