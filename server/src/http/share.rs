//! Share pages: plain handlers that render a view model. No script needed, no cookie, no session looked up.

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use shutterpost_app::share as view;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::share::LinkKind;

use super::context::Context;
use super::problem::{document_response, guest};
use super::share_cache::{Coding, Page};
use super::verify::Asked;
use super::{Http, guard};

/// `GET /s/{token}`. Who may call: whoever holds the token. Wrong, expired, revoked and foreign tokens give one page.
pub(super) async fn page(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let sequence = http.shares().sequence();
    let share = match http.services().shares.page(&token).await {
        Ok(Some(share)) => share,
        Ok(None) => return guest(&AppError::new(Code::NotFound), &context),
        Err(error) => return guest(&error, &context),
    };
    let language = context.language;
    let kept = tokio::task::spawn_blocking(move || {
        let document = view::page(&share.page, language);
        http.shares().keep(&token, language, &share, sequence, &document.html, &document.csp)
    })
    .await;
    match kept {
        Ok(page) => respond(&page, &headers),
        Err(_) => guest(&AppError::new(Code::Internal), &context),
    }
}

/// A finished page as a response: 304 if the reader has it.
pub(super) fn respond(page: &Page, request: &HeaderMap) -> Response {
    let text = |name| request.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let coding = Coding::negotiate(text(header::ACCEPT_ENCODING));
    let (headers, body) = page.in_coding(coding);
    if page.matches(text(header::IF_NONE_MATCH)) {
        let mut response = guard::empty(StatusCode::NOT_MODIFIED);
        *response.headers_mut() = headers.clone();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response
    } else {
        let mut response = Response::new(Body::from(body.clone()));
        *response.headers_mut() = headers.clone();
        response
    }
}

/// `GET /s/{token}/delete`: asks once more. Who may call: the holder of an owner link.
pub(super) async fn confirm(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(token): Path<String>,
) -> Response {
    match http.services().shares.page(&token).await {
        Ok(Some(share)) if share.page.kind == LinkKind::Owner => {
            document_response(StatusCode::OK, view::confirm_delete(&share.page, context.language), context.language)
        }
        Ok(_) => guest(&AppError::new(Code::NotFound), &context),
        Err(error) => guest(&error, &context),
    }
}

/// `POST /s/{token}/delete`: erases photo and contact data. Who may call: the holder of an owner link.
pub(super) async fn delete(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(token): Path<String>,
) -> Response {
    match http.services().privacy.erase_by_owner(&token, context.client.clone()).await {
        Ok(Some(erasure)) => {
            // In the language that the guest was reading in, whatever the browser asks for.
            let mut to = format!("/s/{token}/deleted?lang={}", context.language.tag());
            if let Some(receipt) = erasure.receipt {
                to.push_str("&receipt=");
                to.push_str(&receipt.text);
            }
            Redirect::to(&to).into_response()
        }
        Ok(None) => guest(&AppError::new(Code::NotFound), &context),
        Err(error) => guest(&error, &context),
    }
}

/// `GET /s/{token}/deleted`: says that it is done, with the receipt. The token is dead by now, so the page is the same
/// for everybody; a receipt that is not ours is not shown.
pub(super) async fn deleted(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let receipt =
        query.ok().map(|Query(asked)| asked.receipt).filter(|text| http.services().privacy.verify(text).is_ok());
    document_response(StatusCode::OK, view::deleted(context.language, receipt.as_deref()), context.language)
}
