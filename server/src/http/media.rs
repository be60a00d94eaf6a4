//! Pictures: for guests under a media token, for members by sign-in.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use shutterpost_model::captures::{Asked, MediaFile, Piece, RenditionFile};
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
        Ok(Some(media)) => match respond(media, &headers).await {
            Ok(response) => response,
            Err(error) => guest_error(&error, &context),
        },
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
        respond(http.services().captures.media(context.actor()?, &capture, file).await?, &headers).await
    };
    match found.await {
        Ok(response) => response,
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
        let media = MediaFile { content: Arc::new(bytes), media_type: "image/png", etag: logo.into_string() };
        respond(media, &headers).await
    };
    match found.await {
        Ok(response) => response,
        Err(error) => problem::problem(&error, &context),
    }
}

/// Bytes with validators, all or one range of them (RFC 9110). Asked about every time (`no-cache`), because a revoked link
/// must stop its pictures too.
async fn respond(media: MediaFile, request: &HeaderMap) -> Result<Response, AppError> {
    let MediaFile { content, media_type, etag } = media;
    let text = |name: header::HeaderName| request.get(name).and_then(|value| value.to_str().ok());
    let is_this = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"') == etag;
    let known = text(header::IF_NONE_MATCH).is_some_and(|tags| tags.split(',').any(is_this));
    let mut response = if known {
        guard::empty(StatusCode::NOT_MODIFIED)
    } else {
        let range = text(header::RANGE).and_then(asked);
        // A part of another version would not fit what the client has.
        let range = range.filter(|_| text(header::IF_RANGE).is_none_or(is_this));
        let piece = content.read(range.unwrap_or(Asked::All)).await?;
        if range.is_some() { partial(piece) } else { Response::new(Body::from(piece.bytes)) }
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(etag) = HeaderValue::try_from(format!("\"{etag}\"")) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}

/// One range of bytes. Anything else, several ranges among it, is as if nothing had been asked for, which RFC 9110 allows
/// and which is never more work than the file itself.
pub(super) fn asked(range: &str) -> Option<Asked> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    match (first.trim(), last.trim()) {
        ("", last) => number(last).map(Asked::Last),
        (first, "") => number(first).map(|first| Asked::From(first, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Asked::From(first, Some(last)))
        }
    }
}

fn partial(piece: Piece) -> Response {
    let Piece { bytes, first, total } = piece;
    let (status, range) = match bytes.len() as u64 {
        0 => (StatusCode::RANGE_NOT_SATISFIABLE, format!("bytes */{total}")),
        length => (StatusCode::PARTIAL_CONTENT, format!("bytes {first}-{}/{total}", first + length - 1)),
    };
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    if let Ok(range) = HeaderValue::try_from(range) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read_and_everything_else_passed_over() {
        assert_eq!(asked("bytes=0-0"), Some(Asked::From(0, Some(0))));
        assert_eq!(asked("bytes=10-"), Some(Asked::From(10, None)));
        assert_eq!(asked("bytes=-5"), Some(Asked::Last(5)));
        for none in ["", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,3-4", "items=0-1", "bytes=+1-2", "bytes=a-b"] {
            assert_eq!(asked(none), None, "{none}");
        }
        assert_eq!(asked("bytes=0-99999999999999999999999"), None);
    }

    #[test]
    fn ranges_are_cut_at_the_end_and_none_is_beyond_it() {
        for (asked, found) in [
            (Asked::All, (0, 10)),
            (Asked::From(4, None), (4, 6)),
            (Asked::From(4, Some(u64::MAX)), (4, 6)),
            (Asked::From(9, Some(9)), (9, 1)),
            (Asked::From(10, None), (10, 0)),
            (Asked::Last(3), (7, 3)),
            (Asked::Last(99), (0, 10)),
            (Asked::Last(0), (10, 0)),
        ] {
            assert_eq!(asked.of(10), found, "{asked:?}");
        }
    }
}
