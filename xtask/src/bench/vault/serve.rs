//! A rendition of about 300 kB that lies sealed in the store, against nginx serving the plain file over TLS: requests per
//! second of the server's processor time.
//!
//! What is compared: each side has the bytes pass AES-256-GCM once. Ours looks the link up, opens the file and answers in
//! the clear, as it does behind a proxy; nginx finds the file in the page cache and encrypts what it sends, which is why
//! it cannot use sendfile. Both keep connections open and log every request. wrk's share of TLS is on its own core.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::{Value, json};

use super::program;
use crate::{
    bench::{
        self,
        load::{Load, SECONDS, Server},
        nginx::{self, Site, Transport},
        pairs::Better,
    },
    booth, bundle,
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    http::{self, Response},
    process::{command, shown},
    progress,
    running::free_port,
    scratch::Scratch,
    server::{self, Place, Profile},
};

/// Of a test photo whose largest JPEG is of the size that is wanted.
const WIDTH: u32 = 1960;
const HEIGHT: u32 = 1470;
const FILE: &str = "large-1.jpg";
const LEAST_BYTES: usize = 250_000;
const MOST_BYTES: usize = 350_000;

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let nginx = debian::program("nginx", &["nginx-light"], "this measurement")?;
    let openssl = debian::program("openssl", &["openssl"], "this measurement")?;
    let wrk = debian::program("wrk", &["wrk"], "this measurement")?;
    let folder = Scratch::new("vault-serve")?;
    let photo = program::photo(checkout, folder.path(), WIDTH, HEIGHT)?;
    let site = bundle::ensure(checkout, bundle::Kind::Release)?;
    let binary = server::build(checkout, Profile::Release)?;

    let place = Place { data: folder.path().join("data"), site, port: free_port()? };
    fs::create_dir_all(&place.data).or_fail("making the data folder")?;
    let demo = bench::demo(bench::ours(&place, &binary, folder.path()), folder.path(), &[])?;
    let marks = [r#""http.route":"/m/{token}/{file}""#, r#""http.status":200"#];
    let ours = Server::ours(&place, &binary, folder.path(), marks.map(str::to_owned).to_vec())?;
    let page = upload(ours.port, &demo, &photo)?;
    let path = media(ours.port, &page)?;
    let picture = ask(ours.port, &path)?;
    let bytes = picture.body.len();

    let root = folder.path().join("nginx");
    let same = Site { path: &path, page: &picture, transport: Transport::Tls(&openssl) };
    let marks = vec![format!("\" 200 {bytes} "), nginx::CIPHER.to_owned()];
    let theirs = Server::nginx(&nginx, &root, &same, marks)?;
    let answer = ask_tls(&openssl, &root, theirs.port, &path)?;
    if answer.status != 200 || answer.body != picture.body {
        return Err(Failure::new(format!("nginx answers {} and not the same bytes", answer.status)));
    }

    progress::note(&format!("a JPEG of {bytes} bytes, {count} pairs of {SECONDS} s each side"));
    let (pairs, mut more) =
        Load { wrk: &wrk, path: &path, headers: &[], body: bytes }.compare(&ours, &theirs, count)?;
    let (ours_rate, theirs_rate) = pairs.medians();
    more.insert("ours_megabytes".into(), json!((ours_rate * bytes as f64 / 1e6).round()));
    more.insert("theirs_megabytes".into(), json!((theirs_rate * bytes as f64 / 1e6).round()));
    more.insert("bytes".into(), json!(bytes));
    let against = "nginx serving the plain file over TLS 1.3 with AES-256-GCM, access log on; ours opens the sealed file \
                   and answers without TLS, as behind a proxy";
    Ok(pairs.line("vault-serve", against, Better::Higher, more))
}

/// Uploads a photo and returns the path of its share page.
fn upload(port: u16, demo: &Value, photo: &Path) -> Result<String, Failure> {
    let photo = fs::read(photo).or_fail("reading the photo")?;
    let accepted = booth::upload(port, demo, "bench-1", &photo, None)?;
    let url = bench::text(&accepted, "/share_url")?;
    Ok(bench::path_of(url).or_fail("reading the photo's share link")?.to_owned())
}

/// The path of the large JPEG, whose token the share page tells.
fn media(port: u16, page: &str) -> Result<String, Failure> {
    let shown = booth::pictures(port, page)?;
    let folder = shown.ok_or_else(|| Failure::new(format!("{page} shows no picture")))?;
    Ok(format!("{folder}{FILE}"))
}

/// Our answer, which must be a picture of the wanted size.
fn ask(port: u16, path: &str) -> Result<Response, Failure> {
    let answer = http::get(port, path, &[]).or_fail(format_args!("asking for {path}"))?;
    let (kind, bytes) = (answer.header("content-type"), answer.body.len());
    if answer.status == 200 && kind == Some("image/jpeg") && (LEAST_BYTES..=MOST_BYTES).contains(&bytes) {
        Ok(answer)
    } else {
        Err(Failure::new(format!("{path} answers {} with {kind:?} of {bytes} bytes", answer.status)))
    }
}

/// nginx's answer, opened by openssl, which checks the certificate.
fn ask_tls(openssl: &Path, root: &Path, port: u16, path: &str) -> Result<Response, Failure> {
    let mut client = command(openssl);
    client
        .args(["s_client", "-quiet", "-tls1_3", "-verify_return_error", "-CAfile", nginx::CERTIFICATE])
        .args(["-connect", &format!("127.0.0.1:{port}")])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let doing = format!("running `{}`", shown(&client));
    let mut running = client.spawn().or_fail(&doing)?;
    let request = http::head("GET", path, port, &[("Connection", "close")]);
    // Closed at once; it stays until the server closes.
    running.stdin.take().or_fail(&doing)?.write_all(request.as_bytes()).or_fail(&doing)?;
    let Output { status, stdout, stderr } = running.wait_with_output().or_fail(&doing)?;
    http::read_response(&mut &stdout[..]).map_err(|error| {
        let said = String::from_utf8_lossy(&stderr);
        Failure::new(format!("while {doing}: {error}; it ended with {status}: {}", said.trim()))
    })
}
