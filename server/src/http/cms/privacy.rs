//! Forms and files of erasures.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::privacy::{ErasureTarget, ErasureView};

use super::events::id;
use super::posted::{Done, Posted};
use crate::http::context::Context;
use crate::http::{Http, problem, verify};

/// To the page of an erasure that was just asked for.
pub(super) fn erased(view: &ErasureView) -> Done {
    Done::To(format!("/cms/privacy/{}?done=erased", view.id))
}

/// `POST /cms/privacy`: erase_organisation, with its name typed as `confirm`. Nobody can sign in to it afterwards, so the
/// receipt is shown on the public page. Who may call: owners.
pub(in crate::http) async fn act(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, services) = (posted.actor()?, posted.services());
            if posted.intent() != "erase_organisation" {
                return Err(AppError::new(Code::BadRequest));
            }
            let me = services.accounts.me(actor).await?;
            let own = me.current.ok_or_else(|| AppError::new(Code::Forbidden))?;
            if posted.form.text("confirm").trim() != own.name {
                return Err(AppError::field("confirm", Code::BadChoice));
            }
            let view = services.privacy.erase(actor, &ErasureTarget::Organisation(own.id)).await?;
            let receipt = view.receipt.ok_or_else(|| AppError::new(Code::Internal))?;
            Ok(Done::To(verify::address(&receipt.text)))
        })
        .await
}

/// `GET /cms/privacy/{erasure}/receipt.txt`: the receipt as a file. Who may call: admins; of guests, editors too.
pub(in crate::http) async fn receipt(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(text): Path<String>,
) -> Response {
    let found = async {
        let view = http.services().privacy.erasure(context.actor()?, &id(&text)?).await?;
        let receipt = view.receipt.ok_or_else(|| AppError::new(Code::NotFound))?;
        Ok((view.id, receipt.text))
    };
    match found.await {
        Ok((id, text)) => {
            let mut response = text.into_response();
            let name = format!("attachment; filename=\"receipt-{id}.txt\"");
            if let Ok(name) = HeaderValue::try_from(name) {
                response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
            }
            response
        }
        Err(error) => problem::problem(&error, &context),
    }
}
