//! Whether the process lives and whether it can work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::Http;

/// `GET /healthz`: the process answers.
pub(super) async fn process() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: database, storage and keys work. 503 with the names of the parts that do not.
pub(super) async fn ready(State(http): State<Http>) -> Response {
    let parts = http.operations().check().await;
    let all = parts.iter().all(|(_, works)| *works);
    let body: Map<String, Value> = parts.into_iter().map(|(name, works)| (name.to_owned(), works.into())).collect();
    (if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body)).into_response()
}
