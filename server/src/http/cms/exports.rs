//! Archives for download: made from the CMS, and sent.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::exports::{ExportView, Wanted};
use shutterpost_model::id::{CaptureId, EventId, ExportId};

use super::events::id;
use super::posted::{Done, Posted};
use crate::http::api::exports::send;
use crate::http::context::Context;
use crate::http::{Http, problem};

/// To the page of the event's exports.
fn made(view: &ExportView) -> Done {
    Done::To(format!("/cms/events/{}/exports?done=export_made", view.event))
}

/// `POST /cms/events/{event}/exports`: create, of the whole event, for owners with `people`; download, which asks for the
/// archive as its link does, after showing who one is where that is needed. Who may call: editors and above.
pub(in crate::http) async fn act(Path(event): Path<String>, posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, exports, form) = (posted.actor()?, &posted.services().exports, &posted.form);
            let event: EventId = id(&event)?;
            match posted.intent() {
                "create" => {
                    let wanted = Wanted { captures: Vec::new(), people: form.ticked("people") };
                    // Of the page as it was: sent twice, it is one export.
                    let key = format!("page {} {}", form.text("key"), wanted.people);
                    Ok(made(&exports.create(actor, &event, &wanted, &key).await?))
                }
                "download" => {
                    let export: ExportId = form.parse("export", Code::NotFound)?;
                    exports.check(actor, &export).await?;
                    Ok(Done::To(format!("/cms/exports/{export}/archive")))
                }
                _ => Err(AppError::new(Code::BadRequest)),
            }
        })
        .await
}

/// An archive of the ticked captures. The same captures are the same export, as long as there is one.
pub(super) async fn of_selection(
    posted: &Posted,
    event: &EventId,
    mut captures: Vec<CaptureId>,
) -> Result<Done, AppError> {
    if captures.is_empty() {
        return Err(AppError::field("capture", Code::Required));
    }
    captures.sort_unstable();
    captures.dedup();
    let names: Vec<&str> = captures.iter().map(CaptureId::as_str).collect();
    let key = format!("selection {}", names.join(" "));
    let wanted = Wanted { captures, people: false };
    Ok(made(&posted.services().exports.create(posted.actor()?, event, &wanted, &key).await?))
}

/// `GET /cms/exports/{export}/archive`: the archive, or one range of its bytes. Who may call: editors and above; with guests
/// in it, owners who showed lately who they are.
pub(in crate::http) async fn archive(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let opened = async { http.services().exports.open(context.actor()?, &id(&text)?).await };
    match opened.await {
        Ok(download) => send(download, &headers),
        Err(error) => problem::problem(&error, &context),
    }
}
