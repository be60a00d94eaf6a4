//! Pages of the CMS and the forms that are posted to them.
//!
//! A form posts to its own page. Success answers 303 to a page with `?done=`; failure renders the same page again
//! with the error and what was typed. No script is needed for either.

pub(super) mod form;
pub(super) mod passkeys;
pub(super) mod posted;
pub(super) mod connections;
pub(super) mod designs;
pub(super) mod domains;
pub(super) mod identity;
pub(super) mod events;
pub(super) mod captures;
pub(super) mod exports;
pub(super) mod messages;
pub(super) mod privacy;
mod qr;
pub(super) mod security;
pub(super) mod support;
pub(super) mod cookies;
pub(super) mod trash;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{Redirect, Response};
use leptos::nonce::Nonce;
use leptos::prelude::provide_context;
use shutterpost_app::cms::{FormOutcome, RequestContext, provide_request_context, shell};
use shutterpost_model::access::Credential;
use shutterpost_model::error::{AppError, Code};

use super::context::{Context, Failed};
use super::{Http, functions, headers, problem};

/// `GET /` and `GET /cms`: to the overview, which leads to the sign-in where needed.
pub(super) async fn home() -> Redirect {
    Redirect::to("/cms/overview")
}

/// `GET` of any page. Who may call: as the entry of each page says; what it shows is decided by the ports.
pub(super) async fn page(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    request: Request,
) -> Response {
    render(&http, &context, FormOutcome::default(), request).await
}

/// The page with the outcome of a form.
pub(super) async fn render(http: &Http, context: &Context, outcome: FormOutcome, request: Request) -> Response {
    let status = outcome.error.as_ref().map(problem::status);
    let code = outcome.error.as_ref().map(|error| error.code);
    // Whoever cannot be told is shown what anybody sees; what went wrong shows where the page asks for its data.
    let (me, support) = match &context.actor {
        Some(actor) => {
            let services = http.services();
            let me = match actor.credential() {
                Credential::Support { .. } => services.support.me(actor).await.ok(),
                _ => services.accounts.me(actor).await.ok(),
            };
            (me, services.support.notices(actor).await.unwrap_or_default())
        }
        None => (None, Vec::new()),
    };
    let given = RequestContext { support, ..functions::request_context(http, context, me, outcome) };
    let nonce = Nonce::new();
    let policy = headers::cms_policy(&nonce);
    let assets = http.assets().cloned().unwrap_or_default();
    let handler = leptos_axum::render_app_async_with_context(
        move || {
            provide_context(nonce.clone());
            provide_request_context(given.clone());
        },
        move || shell(assets.clone()),
    );
    let mut response = handler(request).await;
    // What the page itself found out (not there, not allowed) says more than what was wrong with the form.
    if let Some(status) = status.filter(|_| response.status() == StatusCode::OK) {
        *response.status_mut() = status;
    }
    if let Some(code) = code {
        response.extensions_mut().insert(Failed(code));
    }
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A whole page that says what is wrong, for refusals in front of a handler.
pub(super) async fn error_page(http: &Http, context: &Context, error: &AppError) -> Response {
    let mut error = error.clone();
    error.request_id = Some(context.request.as_str().to_owned());
    let path = match error.code {
        Code::Forbidden => "/cms/error/forbidden",
        Code::NotFound => "/cms/error/not-found",
        _ => "/cms/error",
    };
    let outcome = FormOutcome { error: Some(error), ..FormOutcome::default() };
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static(path);
    render(http, context, outcome, request).await
}
