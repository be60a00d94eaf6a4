//! Proving once that an account is one's own, so that the provider is enough from then on.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use shutterpost_app::cms::FormOutcome;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::pii::Secret;
use shutterpost_model::sso::TieView;

use super::{connection, one, set_cookies};
use crate::http::Http;
use crate::http::cms::{self, cookies};
use crate::http::context::Context;

/// `GET /sso/{connection}/tie`. Who may call: whoever the provider has proved just now, by its cookie.
pub(in crate::http) async fn tie(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    shown(&http, &context, &id, uri, None).await
}

/// `POST /sso/{connection}/tie`. Who may call: as above.
pub(in crate::http) async fn prove(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    uri: Uri,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Response {
    let tied = async {
        let secret = |name| Secret::new(one(&pairs, name).unwrap_or_default());
        let (connection, cookie) = (connection(&id)?, cookie(&context)?);
        let proof = (secret("password"), secret("code"));
        http.services().sso.tie(&connection, cookie, proof, context.client.clone()).await
    };
    match tied.await {
        Ok((session, next)) => {
            let to = next.as_deref().and_then(cms::identity::place).unwrap_or(cms::identity::OVERVIEW);
            let mut response = Redirect::to(to).into_response();
            set_cookies(response.headers_mut(), cookies::session(&session));
            set_cookies(response.headers_mut(), vec![cookies::tie_ended()]);
            response
        }
        Err(error) => shown(&http, &context, &id, uri, Some(error)).await,
    }
}

fn cookie(context: &Context) -> Result<&str, AppError> {
    context.tie.as_ref().map(Secret::expose).ok_or_else(|| AppError::new(Code::SignInNeeded))
}

async fn shown(http: &Http, context: &Context, id: &str, uri: Uri, error: Option<AppError>) -> Response {
    let view = async { http.services().sso.tie_view(&connection(id)?, cookie(context)?).await };
    let TieView { connection, email, two_factor } = match view.await {
        Ok(view) => view,
        // Too late, or tied already: from the beginning.
        Err(error) if error.code == Code::SignInNeeded => {
            let mut response = Redirect::to("/cms/sign-in?done=sign_in_again").into_response();
            set_cookies(response.headers_mut(), vec![cookies::tie_ended()]);
            return response;
        }
        Err(error) => return cms::error_page(http, context, &error).await,
    };
    let two_factor = if two_factor { "1" } else { "" };
    let values = [("connection", connection), ("email", email.get().clone()), ("two_factor", two_factor.to_owned())];
    let outcome = FormOutcome {
        error: error.map(|error| AppError { request_id: Some(context.request.as_str().to_owned()), ..error }),
        values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        action: uri.path().to_owned(),
        ..FormOutcome::default()
    };
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri;
    let mut response = cms::render(http, context, outcome, request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
