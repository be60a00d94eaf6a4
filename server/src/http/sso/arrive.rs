//! Where browsers come back from a provider.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use shutterpost_model::identity::security::SignedIn;
use shutterpost_model::pii::Secret;
use shutterpost_model::sso::{Answer, Arrived, OidcAnswer, SamlAnswer};

use super::{connection, one, refused, set_cookies};
use crate::http::Http;
use crate::http::cms::{self, cookies};
use crate::http::context::Context;

type Pairs = Vec<(String, String)>;

/// `GET /sso/oidc/{connection}/callback`. Who may call: anybody; the answer must belong to an attempt of this browser.
pub(in crate::http) async fn callback(
    state: State<Http>,
    context: Extension<Context>,
    path: Path<String>,
    Query(pairs): Query<Pairs>,
) -> Response {
    arrived(state, context, path, oidc(&pairs)).await
}

/// `POST /sso/oidc/{connection}/callback`: the same by a form, as Apple does. Who may call: as above.
pub(in crate::http) async fn answered(
    state: State<Http>,
    context: Extension<Context>,
    path: Path<String>,
    Form(pairs): Form<Pairs>,
) -> Response {
    arrived(state, context, path, oidc(&pairs)).await
}

/// `POST /sso/saml/{connection}/acs`. Who may call: anybody; the answer must be signed and belong to an attempt of this
/// browser.
pub(in crate::http) async fn acs(
    state: State<Http>,
    context: Extension<Context>,
    path: Path<String>,
    Form(pairs): Form<Pairs>,
) -> Response {
    let response = Secret::new(one(&pairs, "SAMLResponse").unwrap_or_default());
    let answer = SamlAnswer { response, relay_state: one(&pairs, "RelayState").map(Secret::new) };
    arrived(state, context, path, Answer::Saml(answer)).await
}

/// What a provider says of its refusal (`error_description`) is not even read.
fn oidc(pairs: &[(String, String)]) -> Answer {
    let secret = |name| one(pairs, name).map(Secret::new);
    Answer::Oidc(OidcAnswer {
        state: secret("state"),
        code: secret("code"),
        iss: one(pairs, "iss"),
        error: one(pairs, "error"),
        user: secret("user"),
    })
}

async fn arrived(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    answer: Answer,
) -> Response {
    let ended = async {
        let connection = connection(&id)?;
        let who = (context.client.clone(), context.language);
        http.services().sso.arrive(&connection, answer, context.browser.clone(), who).await
    };
    let mut response = match ended.await {
        Ok(arrived) => go_on(&http, &context, &id, arrived).await,
        Err(error) => cms::error_page(&http, &context, &error).await,
    };
    set_cookies(response.headers_mut(), vec![cookies::provider_ended()]);
    response
}

async fn go_on(http: &Http, context: &Context, id: &str, arrived: Arrived) -> Response {
    let place = |next: Option<&String>| {
        next.and_then(|next| cms::identity::place(next)).unwrap_or(cms::identity::OVERVIEW).to_owned()
    };
    let (to, cookies) = match arrived {
        Arrived::SignedIn { signed_in: SignedIn::Session(new), next } => (place(next.as_ref()), cookies::session(&new)),
        Arrived::SignedIn { signed_in: SignedIn::Factor(new), next } => {
            (format!("/cms/sign-in/code?next={}", place(next.as_ref())), vec![cookies::pending(&new)])
        }
        Arrived::Tie { cookie, max_age } => (format!("/sso/{id}/tie"), vec![cookies::tie(&cookie, max_age)]),
        Arrived::Confirmed { session, next } => (place(next.as_ref()), cookies::session(&session)),
        Arrived::Tested => (format!("/cms/sign-in-settings/connections/{id}"), Vec::new()),
        Arrived::Refused { check } => return refused(http, context, check).await,
    };
    let mut response = Redirect::to(&to).into_response();
    set_cookies(response.headers_mut(), cookies);
    response
}
