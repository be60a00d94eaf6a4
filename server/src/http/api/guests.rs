//! Guests over REST. Contact data stay masked: a token is not a person who answers for a reveal.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;
use shutterpost_model::guests::{ConsentView, GuestView};
use shutterpost_model::privacy::ErasureTarget;

use super::erasures::erasure;
use super::id;
use crate::http::context::Context;
use crate::http::{Http, problem};

/// A guest in the API's form.
pub(super) fn guest(view: &GuestView) -> serde_json::Value {
    let GuestView { id, event, name, email, phone, masked, language, captures, consents, created_at } = view;
    let consents: Vec<_> = consents
        .iter()
        .map(|ConsentView { purpose, granted, text_version, recorded_at }| {
            json!({ "purpose": purpose, "granted": granted, "text_version": text_version, "recorded_at": recorded_at.rfc3339() })
        })
        .collect();
    json!({
        "id": id, "event": event, "name": name, "email": email, "phone": phone, "masked": masked, "language": language,
        "captures": captures, "consents": consents, "created_at": created_at.rfc3339(),
    })
}

/// `GET /api/v1/guests/{guest}`. Who may call: tokens with `guests:read`.
pub(in crate::http) async fn find(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(text): Path<String>,
) -> Response {
    let found = async { http.services().guests.find(context.actor()?, &id(&text)?).await };
    match found.await {
        Ok(view) => Json(guest(&view)).into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}

/// `DELETE /api/v1/guests/{guest}`: erases, and gives the erasure with its receipt; again, the same one. Who may call:
/// tokens with `guests:write`.
pub(in crate::http) async fn delete(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(text): Path<String>,
) -> Response {
    let done = async {
        let target = ErasureTarget::Guest(id(&text)?);
        http.services().privacy.erase(context.actor()?, &target).await
    };
    match done.await {
        Ok(view) => Json(erasure(&view)).into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}

/// `POST /api/v1/guests/{guest}/trash`: moves the guest to the trash; again, nothing more. Who may call: tokens with
/// `guests:write`.
pub(in crate::http) async fn trash(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(text): Path<String>,
) -> Response {
    let done = async { http.services().guests.delete(context.actor()?, &id(&text)?).await };
    match done.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}
