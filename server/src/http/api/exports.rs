//! Exports over REST: archives of an event's originals.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use shutterpost_model::captures::Asked;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::exports::{Archive, Download, ExportState, ExportView, Wanted};
use shutterpost_model::id::{CaptureId, EventId};

use super::captures::idempotency_key;
use super::id;
use crate::http::context::Context;
use crate::http::media::asked;
use crate::http::{Http, guard, problem};

/// What is wanted; nothing is all of the event.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewExport {
    #[serde(default)]
    captures: Vec<String>,
}

fn export(view: &ExportView) -> serde_json::Value {
    let ExportView { id, event, state, captures, prepared, people: _, length, by: _, created_at, expires_at } = view;
    let archive = (*state == ExportState::Ready).then(|| format!("/api/v1/exports/{id}/archive"));
    json!({
        "id": id, "event": event, "state": state, "captures": captures, "prepared": prepared, "length": length,
        "archive": archive, "created_at": created_at.rfc3339(), "expires_at": expires_at.rfc3339(),
    })
}

/// `POST /api/v1/events/{event}/exports`: freezes captures of the event, all or those named in the body, and prepares an
/// archive of their originals. Who may call: tokens with `captures:write`.
pub(in crate::http) async fn create(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let made = async {
        let event: EventId = id(&event)?;
        let key = idempotency_key(&headers)?;
        let NewExport { captures } = match &body[..] {
            [] => NewExport::default(),
            // A list would be read as well, field by field, and nobody means that.
            body if !body.trim_ascii_start().starts_with(b"{") => return Err(AppError::new(Code::BadRequest)),
            body => serde_json::from_slice(body).map_err(|_| AppError::new(Code::BadRequest))?,
        };
        let captures = captures.iter().map(|capture| id(capture)).collect::<Result<Vec<CaptureId>, _>>()?;
        // Guests and consents are for people who show who they are.
        let wanted = Wanted { captures, people: false };
        http.services().exports.create(context.actor()?, &event, &wanted, &key).await
    };
    match made.await {
        Ok(view) => {
            let mut response = (StatusCode::CREATED, Json(export(&view))).into_response();
            if let Ok(place) = HeaderValue::try_from(format!("/api/v1/exports/{}", view.id)) {
                response.headers_mut().insert(header::LOCATION, place);
            }
            response
        }
        Err(error) => problem::problem(&error, &context),
    }
}

/// `GET /api/v1/exports/{export}`. Who may call: tokens with `captures:write`.
pub(in crate::http) async fn find(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(text): Path<String>,
) -> Response {
    let found = async { http.services().exports.find(context.actor()?, &id(&text)?).await };
    match found.await {
        Ok(view) => Json(export(&view)).into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}

/// `GET /api/v1/exports/{export}/archive`: the archive, or one range of its bytes. Who may call: tokens with `captures:write`.
pub(in crate::http) async fn archive(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let opened = async { http.services().exports.open(context.actor()?, &id(&text)?).await };
    match opened.await {
        Ok(download) => send(download, &headers),
        Err(error) => problem::problem(&error, &context),
    }
}

/// Every byte is known before the first, so there is a length, a validator, and a way to go on after a cut.
pub(in crate::http) fn send(download: Download, request: &HeaderMap) -> Response {
    let Download { length, etag, name, mut archive } = download;
    let text = |name: header::HeaderName| request.get(name).and_then(|value| value.to_str().ok());
    let is_this = |tag: &str| tag.trim().trim_matches('"') == etag;
    if text(header::IF_NONE_MATCH).is_some_and(|tags| tags.split(',').any(is_this)) {
        return guard::empty(StatusCode::NOT_MODIFIED);
    }
    let range = text(header::RANGE).and_then(asked);
    // A part of another archive would not fit what the client has.
    let range = range.filter(|_| text(header::IF_RANGE).is_none_or(is_this));
    let (first, wanted) = range.unwrap_or(Asked::All).of(length);
    let (status, place) = match (range, wanted) {
        (None, _) => (StatusCode::OK, None),
        (Some(_), 0) => (StatusCode::RANGE_NOT_SATISFIABLE, Some(format!("bytes */{length}"))),
        (Some(_), _) => (StatusCode::PARTIAL_CONTENT, Some(format!("bytes {first}-{}/{length}", first + wanted - 1))),
    };
    archive.seek(first);
    let mut response = Response::new(Body::from_stream(stream::unfold((archive, wanted), piece)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(wanted));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Some(place) = place.and_then(|place| HeaderValue::try_from(place).ok()) {
        headers.insert(header::CONTENT_RANGE, place);
    }
    if let Ok(etag) = HeaderValue::try_from(format!("\"{etag}\"")) {
        headers.insert(header::ETAG, etag);
    }
    let encoded = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
    if let Ok(disposition) =
        HeaderValue::try_from(format!("attachment; filename=\"archive.zip\"; filename*=UTF-8''{encoded}"))
    {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// The next bytes of those that are wanted. A failure ends the connection, so that nobody takes a part for the whole.
async fn piece(
    (mut archive, wanted): (Box<dyn Archive>, u64),
) -> Option<(Result<Vec<u8>, AppError>, (Box<dyn Archive>, u64))> {
    if wanted == 0 {
        return None;
    }
    match archive.next().await {
        Ok(Some(mut bytes)) => {
            bytes.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
            let left = wanted - bytes.len() as u64;
            Some((Ok(bytes), (archive, left)))
        }
        Ok(None) => Some((Err(AppError::new(Code::Internal)), (archive, 0))),
        Err(error) => Some((Err(error), (archive, 0))),
    }
}
