//! The public page that verifies receipts of erasures.

use axum::Extension;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use shutterpost_app::share as view;

use super::Http;
use super::context::Context;
use super::problem::document_response;

/// What is to be verified.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    pub(super) receipt: String,
}

/// The page's address with a receipt to verify. Nothing in a receipt is personal.
pub(super) fn address(receipt: &str) -> String {
    format!("/verify?receipt={}", utf8_percent_encode(receipt, NON_ALPHANUMERIC))
}

/// `GET /verify`, with or without `receipt`. Who may call: anybody.
pub(super) async fn page(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    answer(&http, &context, &query.map(|Query(asked)| asked).unwrap_or_default())
}

/// `POST /verify`: the same for receipts that are too long for an address. Changes nothing. Who may call: anybody.
pub(super) async fn check(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    form: Result<Form<Asked>, FormRejection>,
) -> Response {
    answer(&http, &context, &form.map(|Form(asked)| asked).unwrap_or_default())
}

fn answer(http: &Http, context: &Context, Asked { receipt }: &Asked) -> Response {
    let privacy = &http.services().privacy;
    let receipt = receipt.trim();
    let found = (!receipt.is_empty()).then(|| privacy.verify(receipt));
    let shown = found.as_ref().map(|found| found.as_ref().map_err(|fault| *fault));
    let document = view::verify(shown, receipt, &privacy.public_key(), context.language);
    document_response(StatusCode::OK, document, context.language)
}
