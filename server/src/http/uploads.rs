//! Resumable uploads: tus 1.0.0 at `/uploads`. Translates headers into what is asked for, and what came of it into headers.

use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, BodyDataStream};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::StreamExt;
use serde_json::json;
use shutterpost_app::texts;
use shutterpost_model::error::AppError;
use shutterpost_model::id::UploadId;
use shutterpost_model::ingest::Accepted;
use shutterpost_model::time::Millis;
use shutterpost_model::uploads::ask::{self, Headers};
use shutterpost_model::uploads::{CHECKSUMS, Cut, EXTENSIONS, Incoming, Kind, PATH, Progress, Stage, VERSION};

use super::context::Context;
use super::{Http, problem};

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const DEFERRED: HeaderName = HeaderName::from_static("upload-defer-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const CONCAT: HeaderName = HeaderName::from_static("upload-concat");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
/// The capture that an upload became, and the address of its share page.
const CAPTURE: HeaderName = HeaderName::from_static("shutterpost-capture");
const SHARE_URL: HeaderName = HeaderName::from_static("shutterpost-share-url");

/// A client that sends nothing for so long is gone; what it sent is kept.
const SILENCE: Duration = Duration::from_secs(60);

/// Says the version on every answer, also on refusals by the guard; and which there are where another was asked for.
pub(super) fn complete(path: &str, response: &mut Response) {
    if !path.starts_with(PATH) {
        return;
    }
    let refused = response.status() == StatusCode::PRECONDITION_FAILED;
    let headers = response.headers_mut();
    headers.insert(RESUMABLE, HeaderValue::from_static(VERSION));
    if refused {
        headers.insert(HeaderName::from_static("tus-version"), HeaderValue::from_static(VERSION));
    }
}

/// `OPTIONS /uploads`: what is spoken here. Who may call: anybody.
pub(super) async fn discover(State(http): State<Http>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("tus-version"), HeaderValue::from_static(VERSION));
    headers.insert(HeaderName::from_static("tus-extension"), HeaderValue::from_static(EXTENSIONS));
    headers.insert(HeaderName::from_static("tus-checksum-algorithm"), HeaderValue::from_static(CHECKSUMS));
    headers.insert(HeaderName::from_static("tus-max-size"), http.services().uploads.largest().into());
    response
}

/// `POST /uploads`: begins an upload, which may bring its first bytes along. Who may call: devices, and tokens with
/// `captures:upload`.
pub(super) async fn create(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let begun = async {
        let ask = ask::create(Headers(&spoken(&parts.headers)))?;
        http.services().uploads.create(context.actor()?, ask, incoming(body)).await
    };
    answer(begun.await, &context, |progress| {
        let mut response = told(StatusCode::CREATED, progress);
        insert(response.headers_mut(), header::LOCATION, &format!("{PATH}/{}", progress.id));
        response
    })
}

/// `HEAD /uploads/{upload}`: how far it is. Who may call: its uploader.
pub(super) async fn look(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(upload): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let found = http.services().uploads.look(context.actor()?, &id(&upload)?).await?;
        ask::check(Headers(&spoken(&headers)))?;
        Ok(found)
    };
    answer(found.await, &context, |progress| {
        let mut response = told(StatusCode::OK, progress);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match progress.length {
            Some(length) => headers.insert(LENGTH, length.into()),
            None => headers.insert(DEFERRED, HeaderValue::from_static("1")),
        };
        match &progress.kind {
            Kind::Whole => {}
            Kind::Partial => insert(headers, CONCAT, "partial"),
            Kind::Joined(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| format!("{PATH}/{part}")).collect();
                insert(headers, CONCAT, &format!("final;{}", parts.join(" ")));
            }
        }
        if let Some(metadata) = &progress.metadata {
            insert(headers, METADATA, metadata.expose());
        }
        response
    })
}

/// `GET /uploads/{upload}`: the same and what became of it, as JSON for people and their programs. Who may call: its
/// uploader.
pub(super) async fn find(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(upload): Path<String>,
) -> Response {
    let found = async { http.services().uploads.look(context.actor()?, &id(&upload)?).await };
    match found.await {
        Ok(progress) => described(&progress, &context),
        Err(error) => problem::problem(&error, &context),
    }
}

fn described(progress: &Progress, context: &Context) -> Response {
    let Progress { id, kind: _, offset, length, expires_at, metadata: _, stage } = progress;
    let mut body = json!({
        "id": id, "status": "open", "offset": offset, "length": length, "expires_at": expires_at.rfc3339(),
    });
    let more = match stage {
        Stage::Open => json!({}),
        Stage::Done(Accepted { id, status: _, share_url }) => {
            json!({ "status": "done", "capture": id, "share_url": share_url })
        }
        Stage::Refused(error) => {
            let text = |code| texts::error(code, context.language);
            let fields = error.fields.iter();
            let fields: Vec<_> = fields
                .map(|field| json!({ "field": field.field, "code": field.code, "detail": text(field.code) }))
                .collect();
            json!({ "status": "refused", "code": error.code, "detail": text(error.code), "errors": fields })
        }
    };
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    Json(body).into_response()
}

/// `PATCH /uploads/{upload}`: takes bytes. Who may call: its uploader.
pub(super) async fn append(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(upload): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let added = async {
        let (uploads, actor, id) = (&http.services().uploads, context.actor()?, id(&upload)?);
        let ask = match ask::append(Headers(&spoken(&parts.headers))) {
            Ok(ask) => ask,
            // Whose it is comes first: what is not there is not there, however it is asked for.
            Err(error) => return Err(uploads.look(actor, &id).await.err().unwrap_or(error)),
        };
        uploads.append(actor, &id, ask, incoming(body)).await
    };
    answer(added.await, &context, |progress| told(StatusCode::NO_CONTENT, progress))
}

/// `DELETE /uploads/{upload}`: ends it and erases its bytes. Who may call: its uploader.
pub(super) async fn end(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(upload): Path<String>,
    headers: HeaderMap,
) -> Response {
    let ended = async {
        let (uploads, actor, id) = (&http.services().uploads, context.actor()?, id(&upload)?);
        if let Err(error) = ask::check(Headers(&spoken(&headers))) {
            return Err(uploads.look(actor, &id).await.err().unwrap_or(error));
        }
        uploads.end(actor, &id).await
    };
    match ended.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}

/// A file that was refused is refused whenever it is asked about, so that no client takes it for uploaded or tries again.
fn answer(
    outcome: Result<Progress, AppError>,
    context: &Context,
    good: impl FnOnce(&Progress) -> Response,
) -> Response {
    match outcome {
        Ok(Progress { stage: Stage::Refused(error), .. }) | Err(error) => problem::problem(&error, context),
        Ok(progress) => good(&progress),
    }
}

/// What every good answer says.
fn told(status: StatusCode, progress: &Progress) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(OFFSET, progress.offset.into());
    match &progress.stage {
        Stage::Done(Accepted { id, status: _, share_url }) => {
            insert(headers, CAPTURE, id.as_str());
            insert(headers, SHARE_URL, share_url);
        }
        Stage::Open | Stage::Refused(_) => insert(headers, EXPIRES, &http_date(progress.expires_at)),
    }
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// The form of dates in HTTP (RFC 9110 §5.6.7).
fn http_date(at: Millis) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = at.date();
    let since_1970 = usize::try_from(at.0.div_euclid(shutterpost_model::time::DAY).rem_euclid(7)).unwrap_or(0);
    let day = DAYS.get(since_1970).copied().unwrap_or_default();
    let month = MONTHS.get(usize::from(date.month()).saturating_sub(1)).copied().unwrap_or_default();
    let (hour, minute) = at.hour_minute();
    let second = at.0.rem_euclid(60_000) / 1000;
    format!("{day}, {:02} {month} {:04} {hour:02}:{minute:02}:{second:02} GMT", date.day(), date.year())
}

/// The id in a path; a malformed one is like a foreign one.
fn id(text: &str) -> Result<UploadId, AppError> {
    text.parse().map_err(|_| shutterpost_model::error::Code::NotFound.into())
}

/// The headers that mean something here. One that is no text is none of the values that are known.
fn spoken(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let known = |name: &str| {
        name.starts_with("upload-")
            || matches!(
                name,
                "tus-resumable" | "content-type" | "content-length" | "transfer-encoding" | "x-http-method-override"
            )
    };
    let named = headers.iter().filter(|(name, _)| known(name.as_str()));
    named.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("\u{fffd}"))).collect()
}

struct Stream(BodyDataStream);

fn incoming(body: Body) -> Box<dyn Incoming> {
    Box::new(Stream(body.into_data_stream()))
}

#[async_trait]
impl Incoming for Stream {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Cut> {
        match tokio::time::timeout(SILENCE, self.0.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(bytes))) => Ok(Some(bytes.into())),
            Ok(Some(Err(_))) | Err(_) => Err(Cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(http_date(Millis(784_111_777_000)), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(Millis(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
