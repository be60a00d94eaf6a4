//! Captures over REST.

use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;
use shutterpost_model::captures::{Capture, CaptureFilter, CaptureSummary, PAGE, Rendition};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::guests::GuestInput;
use shutterpost_model::id::{CaptureId, EventId};
use shutterpost_model::ingest::Upload;
use shutterpost_model::messages::MessageView;
use shutterpost_model::share::LinkKind;
use shutterpost_model::time::Millis;

use super::{guests, id};
use crate::http::cms::form::{File, multipart};
use crate::http::context::Context;
use crate::http::{Http, problem};

/// `GET /api/v1/events/{event}/captures?cursor&limit`. Who may call: tokens with `captures:read`.
pub(in crate::http) async fn list(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
    query: Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let found = async {
        let event: EventId = id(&event)?;
        let Query(query) = query.map_err(|_| AppError::new(Code::BadRequest))?;
        let (mut cursor, mut limit) = (None, PAGE);
        for (name, value) in query {
            match name.as_str() {
                "cursor" => cursor = Some(value),
                "limit" => limit = value.parse().map_err(|_| AppError::field("limit", Code::OutOfRange))?,
                _ => return Err(AppError::field(name, Code::UnknownField)),
            }
        }
        http.services().captures.list(context.actor()?, &event, CaptureFilter::default(), cursor, limit).await
    };
    match found.await {
        Ok(page) => {
            let items: Vec<_> = page.items.iter().map(summary).collect();
            Json(json!({ "items": items, "next": page.next, "total": page.total })).into_response()
        }
        Err(error) => problem::problem(&error, &context),
    }
}

fn summary(capture: &CaptureSummary) -> serde_json::Value {
    let CaptureSummary {
        id,
        kind,
        duration,
        unplayable,
        captured_at,
        width,
        height,
        thumb: _,
        guests,
        delivery,
        deleted_at: _,
    } = capture;
    json!({
        "id": id, "status": "ready", "kind": kind, "duration": duration, "unplayable": unplayable,
        "captured_at": captured_at.rfc3339(),
        "width": width, "height": height, "guests": guests, "delivery": delivery,
    })
}

/// `GET /api/v1/captures/{capture}`. Who may call: tokens with `captures:read`.
pub(in crate::http) async fn find(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(capture): Path<String>,
) -> Response {
    let found = async {
        let capture = http.services().captures.find(context.actor()?, &id(&capture)?).await?;
        // The trash is the CMS's; over REST a deleted capture is gone.
        if capture.deleted_at.is_some() { Err(AppError::new(Code::NotFound)) } else { Ok(capture) }
    };
    match found.await {
        Ok(capture) => Json(whole(&capture)).into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}

fn whole(capture: &Capture) -> serde_json::Value {
    let share_url = capture.links.iter().find(|link| link.kind == LinkKind::View).and_then(|link| link.url.as_deref());
    let renditions: Vec<_> = capture
        .renditions
        .iter()
        .map(|Rendition { name, encoding, width, height, size, url: _ }| {
            json!({ "name": name, "media_type": encoding.media_type(), "width": width, "height": height, "size": size })
        })
        .collect();
    let messages: Vec<_> = capture
        .messages
        .iter()
        .map(|MessageView { id, state, reason, created_at, sent_at, .. }| {
            json!({
                "id": id, "state": state, "reason": reason, "created_at": created_at.rfc3339(),
                "sent_at": sent_at.map(Millis::rfc3339),
            })
        })
        .collect();
    json!({
        "id": capture.id, "event": capture.event, "status": "ready", "kind": capture.kind, "duration": capture.duration,
        "unplayable": capture.unplayable,
        "captured_at": capture.captured_at.rfc3339(),
        "received_at": capture.received_at.rfc3339(), "width": capture.width, "height": capture.height, "size": capture.size,
        "share_url": share_url, "renditions": renditions,
        "guests": capture.guests.iter().map(guests::guest).collect::<Vec<_>>(), "messages": messages,
    })
}

/// `DELETE /api/v1/captures/{capture}`: moves it to the trash. Who may call: tokens with `captures:write`.
pub(in crate::http) async fn delete(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(capture): Path<String>,
) -> Response {
    let done = async {
        let (actor, captures) = (context.actor()?, &http.services().captures);
        let capture: CaptureId = id(&capture)?;
        let found = captures.find(actor, &capture).await?;
        if found.deleted_at.is_some() {
            return Err(AppError::new(Code::NotFound));
        }
        captures.delete(actor, &found.event, &[capture]).await
    };
    match done.await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}

/// `POST /api/v1/events/{event}/captures`: multipart with `file` and optionally `guest` (JSON) and `captured_at` (unix
/// milliseconds). Who may call: a device of the event, or tokens with `captures:upload`.
pub(in crate::http) async fn create(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let accepted = async {
        let event: EventId = id(&event)?;
        let key = idempotency_key(&headers)?;
        let form = form.map_err(|_| AppError::new(Code::ContentType))?;
        let (fields, files) = multipart(form, |field| field == "file").await?;
        let known = ["guest", "captured_at"];
        if let Some(name) = fields.names().find(|name| !known.contains(name)) {
            return Err(AppError::field(name, Code::UnknownField));
        }
        let mut files = files.into_iter();
        let (Some(File { declared, bytes, .. }), None) = (files.next(), files.next()) else {
            return Err(AppError::field("file", Code::Required));
        };
        let guest = fields.given("guest").map(GuestInput::read).transpose()?;
        let captured_at = match fields.given("captured_at") {
            None => None,
            Some(text) => Some(Millis(text.parse().map_err(|_| AppError::field("captured_at", Code::BadDate))?)),
        };
        let upload = Upload { bytes, declared, guest, key: Some(key), captured_at };
        http.services().ingest.accept(context.actor()?, &event, upload).await
    };
    match accepted.await {
        Ok(accepted) => {
            let place = HeaderValue::try_from(format!("/api/v1/captures/{}", accepted.id));
            let mut response = (StatusCode::CREATED, Json(accepted)).into_response();
            if let Ok(place) = place {
                response.headers_mut().insert(header::LOCATION, place);
            }
            response
        }
        Err(error) => problem::problem(&error, &context),
    }
}

/// 1 to 255 printable ASCII characters.
pub(in crate::http) fn idempotency_key(headers: &HeaderMap) -> Result<String, AppError> {
    let key = headers.get("idempotency-key").ok_or_else(|| AppError::new(Code::KeyMissing))?;
    let text = key.to_str().map_err(|_| AppError::new(Code::BadRequest))?.trim();
    if (1..=255).contains(&text.len()) { Ok(text.to_owned()) } else { Err(AppError::new(Code::KeyMissing)) }
}
