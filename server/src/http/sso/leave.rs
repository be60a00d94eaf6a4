//! Where browsers leave for a provider, and where sessions end at one side or the other.

use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form, Json};
use serde_json::json;
use shutterpost_app::cms::FormOutcome;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::pii::Secret;
use shutterpost_model::sso::{Begun, Departure, Leave, LogoutMessage};
use url::Url;

use super::{connection, one, page, refused, set_cookies};
use crate::http::Http;
use crate::http::cms::posted::{Done, Posted};
use crate::http::cms::{self, cookies};
use crate::http::context::Context;
use crate::http::problem;

type Pairs = Vec<(String, String)>;

/// `GET /sso/{connection}/start?next=…`. Who may call: anybody.
pub(in crate::http) async fn start(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    let begun = async {
        let next = cms::identity::wanted(&uri);
        http.services().sso.start(&connection(&id)?, next, context.client.clone()).await
    };
    match begun.await {
        Ok(begun) => leaving(&http, &context, begun).await,
        Err(error) => cms::error_page(&http, &context, &error).await,
    }
}

/// `POST /sso/{connection}/test`. Who may call: owners, who showed lately who they are.
pub(in crate::http) async fn test(Path(id): Path<String>, posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let begun = posted.services().sso.start_test(posted.actor()?, &connection(&id)?).await?;
            Ok(Done::Begun(begun))
        })
        .await
}

/// `POST /sso/confirm`: shows once more who one is. Who may call: anybody signed in who came by a connection and has nothing
/// else to show.
pub(in crate::http) async fn confirm(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let next = cms::identity::place(posted.form.text("next")).map(str::to_owned);
            Ok(Done::Begun(posted.services().sso.start_confirm(posted.actor()?, next).await?))
        })
        .await
}

/// On to the provider, or why not.
pub(in crate::http) async fn leaving(http: &Http, context: &Context, begun: Begun) -> Response {
    match begun {
        Begun::Leave(Departure { leave, browser }) => {
            let mut response = left(http, context, leave).await;
            set_cookies(response.headers_mut(), vec![cookies::provider(&browser)]);
            response
        }
        Begun::Refused { check } => refused(http, context, check).await,
    }
}

/// The page on the way to a provider. Forms of ours may lead to no other site, and some browsers take redirections of their
/// answers for part of them: hence a page.
pub(in crate::http) async fn left(http: &Http, context: &Context, leave: Leave) -> Response {
    let (outcome, action) = match leave {
        Leave::To(url) => (FormOutcome { intent: "to".into(), action: url, ..FormOutcome::default() }, None),
        Leave::Form { action, fields } => {
            let origin = Url::parse(&action).map(|url| url.origin().ascii_serialization()).ok();
            let outcome = FormOutcome { intent: "form".into(), action, values: fields, ..FormOutcome::default() };
            (outcome, origin)
        }
    };
    let mut response = page(http, context, "/cms/sso/leaving", outcome).await;
    // Only this one form may leave, and only for there.
    if let Some(origin) = action
        && let Some(policy) = response.headers().get(header::CONTENT_SECURITY_POLICY).and_then(|p| p.to_str().ok())
        && let Ok(policy) =
            HeaderValue::try_from(policy.replace("form-action 'self'", &format!("form-action {origin}")))
    {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// `POST /sso/oidc/{connection}/logout`: a provider ends sessions. Who may call: whoever has its signed token.
pub(in crate::http) async fn logout(
    State(http): State<Http>,
    Path(id): Path<String>,
    Form(pairs): Form<Pairs>,
) -> Response {
    let ended = async {
        let token = one(&pairs, "logout_token").ok_or_else(|| AppError::new(Code::BadRequest))?;
        http.services().sso.ended(&connection(&id)?, &token).await
    };
    let mut response = match ended.await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => (problem::status(&error), Json(json!({ "error": "invalid_request" }))).into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `GET /sso/oidc/{connection}/signed-out`: back from a sign-out at the provider. Who may call: anybody.
pub(in crate::http) async fn signed_out(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Response {
    let back = async {
        let connection = connection(&id)?;
        match one(&pairs, "state").map(Secret::new) {
            Some(state) => http.services().sso.signed_out(&connection, &state).await,
            None => Ok(false),
        }
    };
    match back.await {
        Ok(ours) => ended(ours),
        Err(error) => cms::error_page(&http, &context, &error).await,
    }
}

/// To the sign-in, which says that somebody signed out; where nobody did, to where everybody begins.
pub(in crate::http) fn ended(ours: bool) -> Response {
    Redirect::to(if ours { "/cms/sign-in?done=signed_out" } else { "/cms/overview" }).into_response()
}

/// `GET /sso/saml/{connection}/metadata`: what a provider has to know of us. Who may call: anybody.
pub(in crate::http) async fn metadata(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Response {
    let written = async { http.services().sso.metadata(&connection(&id)?).await };
    match written.await {
        Ok(xml) => ([(header::CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response(),
        Err(error) => cms::error_page(&http, &context, &error).await,
    }
}

/// `GET /sso/saml/{connection}/slo`: a signed message about signing out. Who may call: whoever has one of the provider's.
pub(in crate::http) async fn slo(
    state: State<Http>,
    context: Extension<Context>,
    path: Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    told(state, context, path, Some(LogoutMessage::Redirect(query.unwrap_or_default()))).await
}

/// `POST /sso/saml/{connection}/slo`: the same by a form. Who may call: as above.
pub(in crate::http) async fn slo_posted(
    state: State<Http>,
    context: Extension<Context>,
    path: Path<String>,
    Form(pairs): Form<Pairs>,
) -> Response {
    let relay_state = one(&pairs, "RelayState");
    let message = match (one(&pairs, "SAMLRequest"), one(&pairs, "SAMLResponse")) {
        (Some(value), None) => Some(LogoutMessage::Request { value, relay_state }),
        (None, Some(value)) => Some(LogoutMessage::Response { value, relay_state }),
        _ => None,
    };
    told(state, context, path, message).await
}

async fn told(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    message: Option<LogoutMessage>,
) -> Response {
    let answer = async {
        let message = message.ok_or_else(|| AppError::new(Code::BadRequest))?;
        http.services().sso.logout_message(&connection(&id)?, message).await
    };
    match answer.await {
        Ok(Some(leave)) => left(&http, &context, leave).await,
        Ok(None) => ended(true),
        Err(error) => cms::error_page(&http, &context, &error).await,
    }
}
