//! Development mode only.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::Http;

/// `GET /dev/outbox`: mails that would have been sent, newest first.
pub(super) async fn outbox(State(http): State<Http>) -> Response {
    Json(http.operations().outbox().await).into_response()
}
