//! Whether the process lives and whether it can work, and the numbers behind it.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::Http;
use crate::metrics::CONTENT_TYPE;

/// `GET /healthz`: the process answers.
pub(super) async fn process() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: database, storage and keys work. 503 with the names of the parts that do not. How long jobs have been
/// due is said, and makes nothing unready: pages and uploads work while mail waits.
pub(super) async fn ready(State(http): State<Http>) -> Response {
    let parts = http.operations().check().await;
    let all = parts.iter().all(|(_, works)| *works);
    let mut body: Map<String, Value> = parts.into_iter().map(|(name, works)| (name.to_owned(), works.into())).collect();
    if let Some(millis) = http.operations().lag().await {
        body.insert("job_lag_seconds".into(), (millis / 1000).into());
    }
    (if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body)).into_response()
}

/// `GET /metrics` on the admin port: everything that is counted, in the OpenMetrics text format.
pub(super) async fn metrics(State(http): State<Http>) -> Response {
    match http.metrics().text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
