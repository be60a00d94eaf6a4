//! Signing in by an organisation's own identity provider: where browsers leave for it, and where they and it come back.
//!
//! What comes from a provider comes from another site. It is proved by its own signature, or bound to an attempt and to the
//! browser that began it; the session's cookie is never read here.

mod arrive;
mod leave;
mod tie;

pub(super) use arrive::{acs, answered, callback};
pub(super) use leave::{confirm, leaving, left, logout, metadata, signed_out, slo, slo_posted, start, test};
pub(super) use tie::{prove, tie};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use shutterpost_app::cms::FormOutcome;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::ConnectionId;

use super::context::Context;
use super::{Http, cms};

/// The connection of an address. What is none is not there.
fn connection(text: &str) -> Result<ConnectionId, AppError> {
    text.parse().map_err(|_| AppError::new(Code::NotFound))
}

/// A page that belongs to no address of its own.
async fn page(http: &Http, context: &Context, path: &'static str, outcome: FormOutcome) -> Response {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static(path);
    let mut response = cms::render(http, context, outcome, request).await;
    // Addresses with what a provider gave must not travel on.
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Says in plain words which check refused.
async fn refused(http: &Http, context: &Context, check: &'static str) -> Response {
    let mut error = AppError::new(Code::BadRequest);
    error.request_id = Some(context.request.as_str().to_owned());
    let outcome = FormOutcome { intent: check.to_owned(), error: Some(error), ..FormOutcome::default() };
    let mut response = page(http, context, "/cms/sso/refused", outcome).await;
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// The one value of that name; several are none, because nobody knows which is meant.
fn one(pairs: &[(String, String)], wanted: &str) -> Option<String> {
    let mut found = pairs.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value);
    let first = found.next()?;
    found.next().is_none().then(|| first.clone())
}

fn set_cookies(headers: &mut HeaderMap, cookies: Vec<String>) {
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}
