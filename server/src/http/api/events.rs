//! Events over REST.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;
use shutterpost_model::events::{Event, EventSummary};

use super::id;
use crate::http::context::Context;
use crate::http::{Http, problem};

fn summary(event: &EventSummary) -> serde_json::Value {
    let EventSummary { id, name, starts_on, ends_on, time_zone, captures, cover: _ } = event;
    json!({
        "id": id, "name": name, "starts_on": starts_on, "ends_on": ends_on, "time_zone": time_zone, "captures": captures,
    })
}

/// `GET /api/v1/events`. Who may call: tokens with `events:read`.
pub(in crate::http) async fn list(State(http): State<Http>, Extension(context): Extension<Context>) -> Response {
    let found = async { http.services().events.list(context.actor()?).await };
    match found.await {
        Ok(events) => Json(json!({ "items": events.iter().map(summary).collect::<Vec<_>>() })).into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}

/// `GET /api/v1/events/{event}`. Who may call: tokens with `events:read`.
pub(in crate::http) async fn find(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
) -> Response {
    let found = async { http.services().events.find(context.actor()?, &id(&event)?).await };
    match found.await {
        Ok(event) => {
            let Event { id, draft, branding: _, logo: _, consents, captures, created_at, version: _ } = event;
            Json(json!({
                "id": id, "name": draft.name, "starts_on": draft.starts_on, "ends_on": draft.ends_on,
                "time_zone": draft.time_zone, "retention_days": draft.retention_days, "kept_until": draft.kept_until(),
                "captures": captures, "consents": consents, "created_at": created_at.rfc3339(),
            }))
            .into_response()
        }
        Err(error) => problem::problem(&error, &context),
    }
}
