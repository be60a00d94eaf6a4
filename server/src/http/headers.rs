//! Security headers. One place sets them, each only where the response has none yet, so that a handler may differ.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::registry::Surface;

/// Everything off: nothing here uses a sensor.
const PERMISSIONS: &str =
    "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()";

/// For responses that are no page: nothing may run, nothing may be framed.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// The policy of a CMS page: scripts only by this response's nonce and what they load.
pub(super) fn cms_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; connect-src 'self'; \
         style-src 'self'; img-src 'self' blob: data:; media-src 'self'; font-src 'self'; manifest-src 'self'; frame-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    )
}

/// Completes the headers of a response.
pub(super) fn complete(headers: &mut HeaderMap, surface: Surface, https: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::CONTENT_SECURITY_POLICY, NOTHING);
    set(HeaderName::from_static("permissions-policy"), PERMISSIONS);
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains; preload");
    }
    match surface {
        Surface::Page | Surface::Function | Surface::Api => {
            set(header::CACHE_CONTROL, "no-store");
            set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
        }
        Surface::Guest => {
            set(header::CACHE_CONTROL, "private, no-cache");
            // Link previews of messengers and social networks fetch the picture from elsewhere.
            set(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
            set(HeaderName::from_static("x-robots-tag"), "noindex, noarchive");
        }
        Surface::Plain => set(header::CACHE_CONTROL, "no-cache"),
    }
}
