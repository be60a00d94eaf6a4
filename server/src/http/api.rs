//! The REST API: bearer tokens, RFC 9457 problems, keyset cursors. Its description is `openapi.json`; a test holds that
//! it names exactly the routes of the registry.

pub(super) mod captures;
pub(super) mod designs;
pub(super) mod erasures;
pub(super) mod events;
pub(super) mod exports;
pub(super) mod guests;
pub(super) mod token;
pub(super) mod trash;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// The description as it is served.
pub const OPENAPI: &str = include_str!("api/openapi.json");

/// `GET /api/openapi.json`. Who may call: anybody.
pub(super) async fn openapi() -> Response {
    let mut response = OPENAPI.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The id in a path; a malformed one is like a foreign one.
fn id<T: std::str::FromStr>(text: &str) -> Result<T, shutterpost_model::error::AppError> {
    text.parse().map_err(|_| shutterpost_model::error::Code::NotFound.into())
}
