//! Questions to passkeys, which the browser fetches before it sends a form. The answers come with the forms.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::identity::passkeys::{NewCeremony, PasskeyAnswer};

use super::cookies;
use super::posted::Posted;
use crate::http::context::Context;
use crate::http::{Http, problem};

/// The question as JSON, with the cookie of the browser that may answer it.
fn asked(question: Result<NewCeremony, AppError>, context: &Context) -> Response {
    match question {
        Ok(question) => {
            let cookie = cookies::ceremony(&question);
            let mut response = ([(header::CONTENT_TYPE, "application/json")], question.options).into_response();
            if let Ok(cookie) = HeaderValue::try_from(cookie) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(error) => problem::function(error, context),
    }
}

/// What a form brought from a passkey, by the name of its field.
pub(super) fn answered(posted: &Posted, field: &str) -> PasskeyAnswer {
    PasskeyAnswer { credential: posted.form.secret(field), browser: posted.context.ceremony.clone() }
}

/// `POST /cms/passkeys/add`. Who may call: anybody signed in, for themselves.
pub(in crate::http) async fn add(State(http): State<Http>, Extension(context): Extension<Context>) -> Response {
    let question = async { http.services().passkeys.begin_add(context.actor()?, context.ceremony.as_ref()).await };
    asked(question.await, &context)
}

/// `POST /cms/passkeys/confirm`. Who may call: anybody signed in, for themselves.
pub(in crate::http) async fn confirm(State(http): State<Http>, Extension(context): Extension<Context>) -> Response {
    let question = async { http.services().passkeys.begin_confirm(context.actor()?, context.ceremony.as_ref()).await };
    asked(question.await, &context)
}

/// `POST /cms/sign-in/code/passkey`. Who may call: whoever showed the password just now.
pub(in crate::http) async fn present(State(http): State<Http>, Extension(context): Extension<Context>) -> Response {
    let question = async {
        let pending = context.pending.as_ref().ok_or_else(|| AppError::new(Code::SignInNeeded))?;
        http.services().passkeys.begin_present(pending, context.ceremony.as_ref()).await
    };
    asked(question.await, &context)
}

/// `POST /cms/sign-in/passkey`. Who may call: anybody.
pub(in crate::http) async fn sign_in(State(http): State<Http>, Extension(context): Extension<Context>) -> Response {
    asked(http.services().passkeys.begin_sign_in(context.ceremony.as_ref()).await, &context)
}
