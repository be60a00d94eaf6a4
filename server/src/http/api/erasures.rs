//! Erasures over REST: what was made unreadable, and the signed receipts.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::privacy::{ErasureKind, ErasurePage, ErasureTarget, ErasureView, ReceiptFacts, ReceiptView};

use super::id;
use crate::http::context::Context;
use crate::http::{Http, problem};

/// An erasure in the API's form.
pub(super) fn erasure(view: &ErasureView) -> serde_json::Value {
    let ErasureView { id, kind, object, requested_at, finished_at, receipt } = view;
    let receipt = receipt.as_ref().map(|ReceiptView { text, facts }| {
        let ReceiptFacts { destroyed, keys, erased_at, last_backup_unreadable_at, .. } = facts;
        let destroyed: serde_json::Map<_, _> =
            destroyed.iter().map(|(name, count)| (name.clone(), (*count).into())).collect();
        json!({
            "text": text, "destroyed": destroyed, "keys": keys, "erased_at": erased_at.rfc3339(),
            "last_backup_unreadable_at": last_backup_unreadable_at.rfc3339(),
        })
    });
    json!({
        "id": id, "kind": kind, "object": object, "requested_at": requested_at.rfc3339(),
        "finished_at": finished_at.map(|at| at.rfc3339()), "receipt": receipt,
    })
}

/// What to list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ListQuery {
    #[serde(default)]
    cursor: Option<String>,
}

/// `GET /api/v1/erasures`. Who may call: tokens with `privacy:manage`.
pub(in crate::http) async fn list(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Response {
    let page = async {
        let Query(ListQuery { cursor }) = query.map_err(|_| AppError::new(Code::BadRequest))?;
        http.services().privacy.erasures(context.actor()?, cursor).await
    };
    match page.await {
        Ok(ErasurePage { items, next }) => {
            let items: Vec<_> = items.iter().map(erasure).collect();
            Json(json!({ "items": items, "next": next })).into_response()
        }
        Err(error) => problem::problem(&error, &context),
    }
}

/// `GET /api/v1/erasures/{erasure}`. Who may call: tokens with `privacy:manage`; of guests, tokens with `guests:write` too.
pub(in crate::http) async fn find(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(text): Path<String>,
) -> Response {
    let found = async { http.services().privacy.erasure(context.actor()?, &id(&text)?).await };
    match found.await {
        Ok(view) => Json(erasure(&view)).into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}

/// What is to be erased.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewErasure {
    kind: ErasureKind,
    object: String,
}

/// `POST /api/v1/erasures`: erases at once and for good. The object itself makes it idempotent: the second request gets
/// the first one's erasure. 202 without a receipt if the keys of a large event take longer. Who may call: tokens with `privacy:manage`; for guests, tokens with `guests:write` too.
pub(in crate::http) async fn create(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    body: Result<Json<NewErasure>, JsonRejection>,
) -> Response {
    let erased = async {
        let Json(NewErasure { kind, object }) = body.map_err(|_| AppError::new(Code::BadRequest))?;
        if kind == ErasureKind::Organisation {
            // A person has to sign in for that, and type its name.
            return Err(AppError::field("kind", Code::BadChoice));
        }
        http.services().privacy.erase(context.actor()?, &ErasureTarget::parse(kind, &object)?).await
    };
    match erased.await {
        Ok(view) => {
            let status = if view.receipt.is_some() { StatusCode::CREATED } else { StatusCode::ACCEPTED };
            let mut response = (status, Json(erasure(&view))).into_response();
            if let Ok(place) = HeaderValue::try_from(format!("/api/v1/erasures/{}", view.id)) {
                response.headers_mut().insert(header::LOCATION, place);
            }
            response
        }
        Err(error) => problem::problem(&error, &context),
    }
}
