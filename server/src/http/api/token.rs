//! What a token learns about itself over REST.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;
use shutterpost_model::tokens::OwnToken;

use crate::http::context::Context;
use crate::http::{Http, problem};

/// `GET /api/v1/token`: name, scopes in effect, and when the secret that was shown ends. Never the secret. Who may call:
/// any API token, for itself.
pub(in crate::http) async fn find(State(http): State<Http>, Extension(context): Extension<Context>) -> Response {
    let found = async { http.services().directory.own_token(context.actor()?).await };
    match found.await {
        Ok(OwnToken { id, organisation, name, scopes, expires_at }) => Json(json!({
            "id": id, "organisation": organisation, "name": name, "scopes": scopes,
            "expires_at": expires_at.map(|at| at.rfc3339()),
        }))
        .into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}
