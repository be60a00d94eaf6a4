//! The trash over REST: ids and dates. Names stay in the CMS, where a person answers for looking at them.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::privacy::trash::{TrashItem, TrashKind, TrashPage, Trashed};

use super::id;
use crate::http::context::Context;
use crate::http::{Http, problem};

/// What to list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ListQuery {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    cursor: Option<String>,
}

/// A line of the trash in the API's form.
fn item(item: &TrashItem) -> serde_json::Value {
    let TrashItem { kind, object, what, deleted_at, deleted_by: _, restorable_until, may_restore: _ } = item;
    let event = match what {
        Trashed::Capture { event, .. } | Trashed::Guest { event, .. } => Some(event),
        Trashed::Event { .. } | Trashed::Member { .. } => None,
    };
    json!({
        "object": object, "kind": kind, "event": event, "deleted_at": deleted_at.rfc3339(),
        "restorable_until": restorable_until.rfc3339(),
    })
}

/// `GET /api/v1/trash?kind&cursor`. Who may call: tokens with `trash:manage`.
pub(in crate::http) async fn list(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Response {
    let page = async {
        let Query(ListQuery { kind, cursor }) = query.map_err(|_| AppError::new(Code::BadRequest))?;
        let kind = match kind {
            Some(name) => Some(TrashKind::from_name(&name).ok_or_else(|| AppError::field("kind", Code::BadChoice))?),
            None => None,
        };
        http.services().trash.list(context.actor()?, kind, cursor).await
    };
    match page.await {
        Ok(TrashPage { items, next }) => {
            let items: Vec<_> = items.iter().map(item).collect();
            Json(json!({ "items": items, "next": next })).into_response()
        }
        Err(error) => problem::problem(&error, &context),
    }
}

/// `POST /api/v1/trash/{object}/restore`: brings it back as it was; again, nothing more. Who may call: tokens with `trash:manage`.
pub(in crate::http) async fn restore(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(text): Path<String>,
) -> Response {
    let done = async { http.services().trash.restore(context.actor()?, &id(&text)?).await };
    match done.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}
