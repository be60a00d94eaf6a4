//! Forms of captures: selections, uploads, and the acts on a single capture.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, EventId, GuestId};
use shutterpost_model::ingest::{Accepted, Upload};
use shutterpost_model::privacy::ErasureTarget;
use shutterpost_model::share::LinkKind;

use super::events::id;
use super::exports;
use super::form::{Fields, File};
use super::posted::{Done, Posted, PostedFiles};
use super::privacy::erased;
use crate::http::api::captures::idempotency_key;
use crate::http::context::Context;
use crate::http::{Http, problem};

/// `POST /cms/events/{event}`: delete, restore or export the ticked captures. Who may call: editors and above.
pub(in crate::http) async fn select(Path(event): Path<String>, posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, captures) = (posted.actor()?, &posted.services().captures);
            let event: EventId = id(&event)?;
            let ids = posted.form.all("capture").map(id).collect::<Result<Vec<CaptureId>, _>>()?;
            let (count, done) = match posted.intent() {
                "export" => return exports::of_selection(posted, &event, ids).await,
                "delete" => (captures.delete(actor, &event, &ids).await?, "captures_deleted"),
                "restore" => (captures.restore(actor, &event, &ids).await?, "captures_restored"),
                _ => return Err(AppError::new(Code::BadRequest)),
            };
            Ok(Done::To(format!("/cms/events/{event}?done={done}&n={count}")))
        })
        .await
}

/// `POST /cms/events/{event}/captures`: files dropped or picked. With `Accept: application/json` one file and its
/// answer; as a plain form any number, then back to the grid. Who may call: editors and above.
pub(in crate::http) async fn upload(Path(event): Path<String>, headers: HeaderMap, posted: PostedFiles) -> Response {
    let json = headers.get(header::ACCEPT).is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let (mut posted, files) = posted.read("file").await;
    let accepted = accept(&posted, &event, files, &headers).await;
    match accepted {
        Ok(accepted) if json => (StatusCode::CREATED, Json(accepted.into_iter().next())).into_response(),
        Err(error) if json => problem::problem(&error, &posted.context),
        accepted => {
            // The page to show again is the grid, one level up.
            let grid = format!("/cms/events/{event}");
            posted.page = grid.parse().unwrap_or_default();
            posted.form = Fields::default();
            posted.form.push("intent".into(), "upload".into());
            posted.answer(async |_| Ok(Done::To(format!("{grid}?done=captures_uploaded&n={}", accepted?.len())))).await
        }
    }
}

/// Takes the files, at least one, up to the first that cannot be taken. The script sends one at a time, with a key, so that
/// it may ask again when an answer was lost.
async fn accept(
    posted: &Posted,
    event: &str,
    files: Result<Vec<File>, AppError>,
    headers: &HeaderMap,
) -> Result<Vec<Accepted>, AppError> {
    let event: EventId = id(event)?;
    let files = files?;
    let keyed = files.len() == 1 && headers.contains_key("idempotency-key");
    let key = if keyed { Some(idempotency_key(headers)?) } else { None };
    let mut accepted = Vec::new();
    for File { declared, bytes, .. } in files {
        // Browsers guess the type from the file's name; only what the file holds counts here.
        let declared = declared.filter(|declared| declared.starts_with("image/"));
        let upload = Upload { bytes, declared, guest: None, key: key.clone(), captured_at: None };
        accepted.push(posted.services().ingest.accept(posted.actor()?, &event, upload).await?);
    }
    if accepted.is_empty() { Err(AppError::field("file", Code::Required)) } else { Ok(accepted) }
}

/// `POST /cms/captures/{capture}`: delete, restore, send_again, renew_link, revoke_link, trash_guest, delete_guest, erase.
/// Who may call: editors and above; to erase, admins.
pub(in crate::http) async fn act(Path(capture): Path<String>, posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, services, form) = (posted.actor()?, posted.services(), &posted.form);
            let capture: CaptureId = id(&capture)?;
            let page = format!("/cms/captures/{capture}");
            // A second click finds no capture any more, and gets the same erasure.
            let target = match posted.intent() {
                "delete_guest" => Some(ErasureTarget::Guest(form.parse("guest", Code::NotFound)?)),
                "erase" => Some(ErasureTarget::Capture(capture.clone())),
                _ => None,
            };
            if let Some(target) = target {
                return Ok(erased(&services.privacy.erase(actor, &target).await?));
            }
            let found = services.captures.find(actor, &capture).await?;
            let own = std::slice::from_ref(&capture);
            let done = match posted.intent() {
                "delete" => {
                    services.captures.delete(actor, &found.event, own).await?;
                    let grid = format!("/cms/events/{}", found.event);
                    return Ok(Done::To(format!("{grid}?done=captures_deleted&n=1&undo={capture}")));
                }
                "trash_guest" => {
                    let guest: GuestId = form.parse("guest", Code::NotFound)?;
                    services.guests.delete(actor, &guest).await?;
                    // The capture may have gone with its guest.
                    let to = match services.captures.find(actor, &capture).await {
                        Ok(_) => page,
                        Err(_) => format!("/cms/events/{}", found.event),
                    };
                    return Ok(Done::To(format!("{to}?done=guest_deleted&undo={guest}")));
                }
                "restore" => {
                    services.captures.restore(actor, &found.event, own).await?;
                    "captures_restored&n=1"
                }
                "send_again" => {
                    services.messages.send_again(actor, &form.parse("message", Code::NotFound)?).await?;
                    "sent_again"
                }
                "renew_link" => {
                    services.shares.renew(actor, &form.parse("link", Code::NotFound)?).await?;
                    "link_renewed"
                }
                "revoke_link" => {
                    services.shares.revoke(actor, &form.parse("link", Code::NotFound)?).await?;
                    "link_revoked"
                }
                _ => return Err(AppError::new(Code::BadRequest)),
            };
            Ok(Done::To(format!("{page}?done={done}")))
        })
        .await
}

/// `GET /cms/captures/{capture}/qr.svg`: the view link as a QR code. Who may call: viewers and above.
pub(in crate::http) async fn qr(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(capture): Path<String>,
) -> Response {
    let found = async {
        let capture = http.services().captures.find(context.actor()?, &id(&capture)?).await?;
        let link = capture.links.into_iter().find(|link| link.kind == LinkKind::View).and_then(|link| link.url);
        link.ok_or_else(|| AppError::new(Code::NotFound))
    };
    super::qr::answer(found.await, &context)
}
