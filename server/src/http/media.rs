//! Pictures and films: for guests under a media token, for members by sign-in.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use shutterpost_model::captures::{Asked, Content, MediaFile, Piece, RenditionFile, RenditionName};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, EventId, LogoId};

use super::context::Context;
use super::problem::guest as guest_error;
use super::{Http, guard, problem};

/// Bytes of a film in memory at once, whatever is asked for. Pictures are smaller than that and sent as a whole.
const PIECE: u64 = 1 << 20;

/// How a file is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Whole,
    InPieces,
}

impl Sent {
    fn of(file: Option<RenditionFile>) -> Self {
        if file.is_some_and(|file| file.name == RenditionName::Film) { Self::InPieces } else { Self::Whole }
    }
}

/// `GET /m/{token}/{file}`. Who may call: whoever has the page. The link's state is checked each time.
pub(super) async fn guest(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path((token, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let shares = &http.services().shares;
    let parsed = RenditionFile::parse(&file);
    let found = match parsed {
        Some(file) => shares.media(&token, file).await,
        None if file == "logo.png" => shares.logo(&token).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(media)) => match respond(media, &headers, Sent::of(parsed)).await {
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
        let media = http.services().captures.media(context.actor()?, &capture, file).await?;
        respond(media, &headers, Sent::of(Some(file))).await
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
        respond(media, &headers, Sent::Whole).await
    };
    match found.await {
        Ok(response) => response,
        Err(error) => problem::problem(&error, &context),
    }
}

/// Bytes with validators, all or one range of them (RFC 9110). Asked about every time (`no-cache`), because a revoked link
/// must stop its pictures too.
async fn respond(media: MediaFile, request: &HeaderMap, sent: Sent) -> Result<Response, AppError> {
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
        match (sent, range) {
            (Sent::InPieces, range) => in_pieces(content, range).await?,
            (Sent::Whole, None) => Response::new(Body::from(content.read(Asked::All).await?.bytes)),
            (Sent::Whole, Some(range)) => {
                let Piece { bytes, first, total } = content.read(range).await?;
                partial((first, bytes.len() as u64), total, Body::from(bytes))
            }
        }
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

/// The same, read while it is sent.
async fn in_pieces(content: Arc<dyn Content>, range: Option<Asked>) -> Result<Response, AppError> {
    // One byte tells how many there are.
    let Piece { total, .. } = content.read(Asked::From(0, Some(0))).await?;
    let (first, wanted) = range.unwrap_or(Asked::All).of(total);
    let body = Body::from_stream(stream::unfold((content, first, wanted), next));
    let mut response = match range {
        None => Response::new(body),
        Some(_) => partial((first, wanted), total, body),
    };
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(wanted));
    Ok(response)
}

/// The bytes from a position on that are still wanted.
type Rest = (Arc<dyn Content>, u64, u64);

/// The next of them. A failure ends the connection, so that nobody takes a part for the whole.
async fn next((content, first, wanted): Rest) -> Option<(Result<Vec<u8>, AppError>, Rest)> {
    if wanted == 0 {
        return None;
    }
    let last = first + wanted.min(PIECE) - 1;
    let read = content.read(Asked::From(first, Some(last))).await.and_then(|piece| match piece.bytes.len() as u64 {
        0 => Err(AppError::new(Code::Internal)),
        length => Ok((piece.bytes, length)),
    });
    Some(match read {
        Ok((bytes, length)) => (Ok(bytes), (content, first + length, wanted.saturating_sub(length))),
        Err(error) => (Err(error), (content, first, 0)),
    })
}

/// A range of so many bytes from a position on; none if there is nothing of what was asked for.
fn partial((first, length): (u64, u64), total: u64, body: Body) -> Response {
    let (status, range) = match length {
        0 => (StatusCode::RANGE_NOT_SATISFIABLE, format!("bytes */{total}")),
        length => (StatusCode::PARTIAL_CONTENT, format!("bytes {first}-{}/{total}", first + length - 1)),
    };
    let mut response = Response::new(body);
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

    #[tokio::test]
    async fn a_film_is_never_in_memory_as_a_whole() {
        let bytes: Vec<u8> = (0..(2 * PIECE + 7)).map(|number| (number % 251) as u8).collect();
        let content: Arc<dyn Content> = Arc::new(bytes.clone());
        let (mut rest, mut sent) = ((content, 5, 2 * PIECE), Vec::new());
        while let Some((read, after)) = next(rest).await {
            let read = read.expect("reads");
            assert!(read.len() as u64 <= PIECE);
            sent.extend(read);
            rest = after;
        }
        assert_eq!(sent, bytes[5..5 + 2 * PIECE as usize]);
        // One that became shorter meanwhile is cut off, not filled up.
        let short: Arc<dyn Content> = Arc::new(vec![1, 2, 3]);
        let (read, rest) = next((short, 0, 9)).await.expect("has some");
        assert_eq!(read.expect("reads"), [1, 2, 3]);
        assert!(matches!(next(rest).await, Some((Err(_), (_, _, 0)))));
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
