//! Errors in the form that each surface speaks.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use shutterpost_app::texts;
use shutterpost_model::error::AppError;
use shutterpost_model::language::Language;

use super::context::{Context, Failed};

/// What a request without a bearer token is asked for (RFC 6750 §3).
pub(super) const TOKEN_NEEDED: &str = r#"Bearer realm="shutterpost""#;
/// The same for one that is unknown, revoked or past its end; which of them is nobody's business.
pub(super) const INVALID_TOKEN: &str = r#"Bearer realm="shutterpost", error="invalid_token""#;

/// The HTTP status of an error.
pub(super) fn status(error: &AppError) -> StatusCode {
    StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// RFC 9457 problem details; `code` and the codes of `errors` are stable, the texts are not.
pub(super) fn problem(error: &AppError, context: &Context) -> Response {
    let language = context.language;
    let text = |code| texts::error(code, language).to_string();
    let errors: Vec<_> = error
        .fields
        .iter()
        .map(|field| json!({"field": field.field, "code": field.code, "detail": text(field.code)}))
        .collect();
    let mut body = json!({
        "type": format!("about:blank#{}", error.code),
        "title": text(error.code),
        "status": error.code.status(),
        "code": error.code,
        "request_id": context.request,
    });
    if !errors.is_empty()
        && let Some(body) = body.as_object_mut()
    {
        body.insert("errors".into(), errors.into());
    }
    if let (Some(scope), Some(body)) = (error.scope, body.as_object_mut()) {
        body.insert("scope".into(), scope.as_str().into());
    }
    let mut response = (status(error), Json(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    if matches!(error.code.status(), 429 | 503) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    let missing = error
        .scope
        .map(|scope| format!(r#"Bearer realm="shutterpost", error="insufficient_scope", scope="{}""#, scope.as_str()));
    if let Some(challenge) = missing.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response.extensions_mut().insert(Failed(error.code));
    response
}

/// An error as the JSON of a server function.
pub(super) fn function(mut error: AppError, context: &Context) -> Response {
    error.request_id = Some(context.request.as_str().to_owned());
    let mut response = (status(&error), Json(&error)).into_response();
    response.extensions_mut().insert(Failed(error.code));
    response
}

/// An error for a guest: the not-found page, or "something went wrong" with the request id.
pub(super) fn guest(error: &AppError, context: &Context) -> Response {
    let document = if error.code.status() == 404 {
        shutterpost_app::share::not_found(context.language)
    } else {
        shutterpost_app::share::error(context.language, context.request.as_str())
    };
    let mut response = document_response(status(error), document, context.language);
    response.extensions_mut().insert(Failed(error.code));
    response
}

/// A document for guests with its own policy.
pub(super) fn document_response(
    status: StatusCode,
    document: shutterpost_app::share::Document,
    language: Language,
) -> Response {
    let shutterpost_app::share::Document { html, csp } = document;
    let mut response = (status, axum::response::Html(html)).into_response();
    let headers = response.headers_mut();
    if let Ok(csp) = HeaderValue::try_from(csp) {
        headers.insert(header::CONTENT_SECURITY_POLICY, csp);
    }
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding, Accept-Language"));
    response
}
