//! Pictures: for guests under a media token, for members by sign-in.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use shutterpost_model::captures::{MediaFile, RenditionFile};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, EventId, LogoId};

use super::context::Context;
use super::problem::guest as guest_error;
use super::{Http, guard, problem};

/// `GET /m/{token}/{file}`. Who may call: whoever has the page. The link's state is checked each time.
pub(super) async fn guest(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path((token, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let shares = &http.services().shares;
    let found = match RenditionFile::parse(&file) {
        Some(file) => shares.media(&token, file).await,
        None if file == "logo.png" => shares.logo(&token).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(media)) => respond(media, &headers),
        Ok(None) => guest_error(&AppError::new(Code::NotFound), &context),
        Err(error) => guest_error(&error, &context),
    }
}

/// `GET /cms/media/{capture}/{file}`. Who may call: viewers and above.
pub(super) async fn cms(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path((capture, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let (capture, file) = capture
            .parse::<CaptureId>()
            .ok()
            .zip(RenditionFile::parse(&file))
            .ok_or_else(|| AppError::new(Code::NotFound))?;
        http.services().captures.media(context.actor()?, &capture, file).await
    };
    match found.await {
        Ok(media) => respond(media, &headers),
        Err(error) => problem::problem(&error, &context),
    }
}

/// `GET /cms/logos/{event}/{logo}`. Who may call: viewers and above.
pub(super) async fn logo(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path((event, logo)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let missing = || AppError::new(Code::NotFound);
        let (event, logo): (EventId, LogoId) =
            (event.parse().map_err(|_| missing())?, logo.parse().map_err(|_| missing())?);
        let bytes = http.services().events.logo(context.actor()?, &event, &logo).await?;
        Ok::<_, AppError>(MediaFile { bytes, media_type: "image/png", etag: logo.into_string() })
    };
    match found.await {
        Ok(media) => respond(media, &headers),
        Err(error) => problem::problem(&error, &context),
    }
}

/// Bytes with validators. Asked about every time (`no-cache`), because a revoked link must stop its pictures too.
fn respond(media: MediaFile, request: &HeaderMap) -> Response {
    let MediaFile { bytes, media_type, etag } = media;
    let known = request
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/").trim_matches('"') == etag));
    let mut response = if known { guard::empty(StatusCode::NOT_MODIFIED) } else { Response::new(Body::from(bytes)) };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    if let Ok(etag) = HeaderValue::try_from(format!("\"{etag}\"")) {
        headers.insert(header::ETAG, etag);
    }
    response
}
