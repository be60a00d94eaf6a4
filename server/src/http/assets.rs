//! Static files: the browser's bundle from Trunk's folder, and what is compiled in.

use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use shutterpost_app::cms::{Asset, Assets};

use super::share_cache::{Coding, brotli, gzip};
use super::{Http, guard};

/// For files whose name changes with their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const A_DAY: &str = "public, max-age=86400";

/// The font of the CMS, named after its content.
const FONT_NAME: &str = "inter-f80bb070.woff2";
const FONT: &[u8] = include_bytes!("../../../public/fonts/inter-f80bb070.woff2");

/// Why the bundle cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("{0} is missing; `cargo xtask bundle` makes it")]
    Missing(PathBuf),
    #[error("{0} does not name the bundle's files; it was made by another version of Trunk")]
    Unreadable(PathBuf),
}

/// Reads what Trunk wrote about the bundle: the JSON of our `pattern_script`, and the integrity of each file from
/// Trunk's preload links. The whole contract with Trunk is here.
pub fn read_bundle(site: &FilePath) -> Result<Assets, BundleError> {
    let path = site.join("assets.html");
    let html = std::fs::read_to_string(&path).map_err(|_| BundleError::Missing(path.clone()))?;
    parse_bundle(&html).ok_or(BundleError::Unreadable(path))
}

fn parse_bundle(html: &str) -> Option<Assets> {
    let data = html.split_once(r#"id="bundle">"#)?.1.split_once("</script>")?.0;
    let data: serde_json::Value = serde_json::from_str(data).ok()?;
    let asset = |name: &str| {
        let href = data.get(name)?.as_str()?.to_owned();
        let integrity = integrity(html, &href);
        Some(Asset { href, integrity })
    };
    Some(Assets { js: asset("js")?, wasm: asset("wasm")?, stylesheets: Vec::new() })
}

/// The `integrity` of the link to a file.
fn integrity(html: &str, href: &str) -> Option<String> {
    html.split('<').filter(|tag| tag.contains(href)).find_map(|tag| {
        let value = tag.split_once("integrity=\"")?.1.split_once('"')?.0;
        Some(value.to_owned())
    })
}

/// `GET /pkg/{file}`: the bundle, in the best coding that lies beside it (`.br`, `.gz`).
pub(super) async fn bundle(State(http): State<Http>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let name = FilePath::new(&file);
    let plain = name.components().all(|part| matches!(part, Component::Normal(_)));
    let Some(site) = http.config().site.as_ref().filter(|_| plain) else {
        return guard::empty(StatusCode::NOT_FOUND);
    };
    let media_type = match name.extension().and_then(|extension| extension.to_str()) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        _ => return guard::empty(StatusCode::NOT_FOUND),
    };
    let path = site.join(name);
    let (suffix, coding) = match negotiated(&headers) {
        Coding::Brotli => (".br", Some("br")),
        Coding::Gzip => (".gz", Some("gzip")),
        Coding::Identity => ("", None),
    };
    let mut compressed = path.clone().into_os_string();
    compressed.push(suffix);
    let (bytes, coding) = match tokio::fs::read(&compressed).await {
        Ok(bytes) => (bytes, coding),
        Err(_) => match tokio::fs::read(&path).await {
            Ok(bytes) => (bytes, None),
            Err(_) => return guard::empty(StatusCode::NOT_FOUND),
        },
    };
    coded(media_type, coding, bytes)
}

/// A file under the name of its content, in a coding that the client accepts.
fn coded(media_type: &'static str, coding: Option<&'static str>, bytes: impl Into<Body>) -> Response {
    let mut response = fixed(media_type, FOR_EVER, bytes);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(coding) = coding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

fn negotiated(headers: &HeaderMap) -> Coding {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    Coding::negotiate(accepted.unwrap_or_default())
}

fn fixed(media_type: &'static str, cache: &'static str, bytes: impl Into<Body>) -> Response {
    let mut response = Response::new(bytes.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// A compiled-in text in every coding, compressed when the first client asks for it.
struct Text {
    plain: &'static str,
    media_type: &'static str,
    brotli: Bytes,
    gzip: Bytes,
}

impl Text {
    fn new(plain: &'static str, media_type: &'static str) -> Self {
        Self { plain, media_type, brotli: brotli(plain.as_bytes()), gzip: gzip(plain.as_bytes()) }
    }

    fn respond(&self, coding: Coding) -> Response {
        let Self { plain, media_type, brotli, gzip } = self;
        match coding {
            Coding::Brotli => coded(media_type, Some("br"), brotli.clone()),
            Coding::Gzip => coded(media_type, Some("gzip"), gzip.clone()),
            Coding::Identity => coded(media_type, None, *plain),
        }
    }
}

static SHARE_SCRIPT: LazyLock<Text> =
    LazyLock::new(|| Text::new(shutterpost_app::share::SCRIPT, "text/javascript; charset=utf-8"));
static CMS_STYLESHEET: LazyLock<Text> =
    LazyLock::new(|| Text::new(shutterpost_app::cms::stylesheet(), "text/css; charset=utf-8"));

/// `GET /assets/{file}`: style sheet of the CMS and script of the share pages, under names with their hash.
pub(super) async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("/assets/{file}");
    if path == shutterpost_app::share::script_path() {
        SHARE_SCRIPT.respond(negotiated(&headers))
    } else if path == shutterpost_app::cms::stylesheet_path() {
        CMS_STYLESHEET.respond(negotiated(&headers))
    } else {
        guard::empty(StatusCode::NOT_FOUND)
    }
}

/// `GET /fonts/{file}`.
pub(super) async fn font(Path(file): Path<String>) -> Response {
    if file == FONT_NAME { fixed("font/woff2", FOR_EVER, FONT) } else { guard::empty(StatusCode::NOT_FOUND) }
}

/// `GET /robots.txt`.
pub(super) async fn robots() -> Response {
    fixed("text/plain; charset=utf-8", A_DAY, &include_bytes!("../../../public/robots.txt")[..])
}

/// `GET /favicon.svg`.
pub(super) async fn favicon() -> Response {
    fixed("image/svg+xml", A_DAY, &include_bytes!("../../../public/favicon.svg")[..])
}

/// `GET /favicon.ico`.
pub(super) async fn favicon_ico() -> Response {
    fixed("image/x-icon", A_DAY, &include_bytes!("../../../public/favicon.ico")[..])
}

/// `GET /apple-touch-icon.png`.
pub(super) async fn touch_icon() -> impl IntoResponse {
    fixed("image/png", A_DAY, &include_bytes!("../../../public/apple-touch-icon.png")[..])
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use sha2::{Digest, Sha256};

    use super::*;

    /// As written by Trunk 0.21.14 with our `Trunk.toml`.
    const TRUNK: &str = r#"<!DOCTYPE html><html lang="en"><head><title>Shutterpost</title>
<script type="application/json" id="bundle">{"js":"/pkg/frontend-1a2b.js","wasm":"/pkg/frontend-1a2b_bg.wasm"}</script>
<link rel="modulepreload" href="/pkg/frontend-1a2b.js" crossorigin="anonymous" integrity="sha384-js"><link rel="preload" href="/pkg/frontend-1a2b_bg.wasm" crossorigin="anonymous" integrity="sha384-wasm" as="fetch" type="application/wasm"></head><body></body></html>"#;

    #[test]
    fn the_bundle_is_read_from_what_trunk_wrote() {
        let assets = parse_bundle(TRUNK).expect("reads");
        assert_eq!(assets.js.href, "/pkg/frontend-1a2b.js");
        assert_eq!(assets.js.integrity.as_deref(), Some("sha384-js"));
        assert_eq!(assets.wasm.integrity.as_deref(), Some("sha384-wasm"));
        assert!(parse_bundle("<html></html>").is_none());
    }

    #[test]
    fn the_font_has_the_name_of_its_content_and_the_sheet_asks_for_it() {
        let digest = HEXLOWER.encode(&Sha256::digest(FONT));
        assert_eq!(FONT_NAME, format!("inter-{}.woff2", &digest[..8]));
        assert!(shutterpost_app::cms::stylesheet().contains(&format!("/fonts/{FONT_NAME}")));
    }
}
