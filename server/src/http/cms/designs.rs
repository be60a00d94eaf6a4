//! The form of an event's picture design, and what a draft of it looks like.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use shutterpost_app::cms::designs::form::{choosing, open_format, open_sheet, read, upload_of};
use shutterpost_app::texts;
use shutterpost_model::designs::{FileKind, Format, NewDesignFile, PreviewOn};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::EventId;

use super::events::id;
use super::form::File;
use super::posted::{Done, Posted, PostedFiles};
use crate::http::context::Failed;
use crate::http::problem;

/// Characters of a file's name that are kept.
const NAME_LONGEST: usize = 80;

/// Stores a file and chooses it for the part that it is for, as if it had been chosen in the form.
async fn take_file(posted: &mut Posted, event: &EventId, format: Format, file: NewDesignFile) -> Result<(), AppError> {
    let kind = file.kind;
    let added = posted.services().designs.add_file(posted.actor()?, event, file).await?;
    for (field, value) in choosing(format, kind, &added.id) {
        posted.form.set(&field, value);
    }
    Ok(())
}

/// What was wrong with a file stands under the field that it was chosen in.
fn at(field: &str, error: AppError) -> AppError {
    match error.fields.first() {
        Some(wrong) => AppError::field(field, wrong.code),
        None => error,
    }
}

/// Stores the files that came with the form, before anything else is done with it.
async fn take_in(posted: &mut Posted, event: &str, files: Result<Vec<File>, AppError>) -> Result<(), AppError> {
    let files = files?;
    let event: EventId = id(event)?;
    match posted.intent() {
        "save" | "preview" => {
            for File { field, name, bytes, .. } in files.into_iter().filter(|file| !file.bytes.is_empty()) {
                let Some((format, kind)) = upload_of(&field) else { continue };
                let name: String = name.unwrap_or_default().trim().chars().take(NAME_LONGEST).collect();
                let name = if name.is_empty() { kind.as_str().to_owned() } else { name };
                let file = NewDesignFile { kind, name, bytes };
                take_file(posted, &event, format, file).await.map_err(|error| at(&field, error))?;
            }
            Ok(())
        }
        "event_logo" => {
            let (actor, events) = (posted.actor()?, &posted.services().events);
            let logo = events.find(actor, &event).await?.logo.ok_or(AppError::new(Code::NotFound))?;
            let bytes = events.logo(actor, &event, &logo.id).await?;
            let format = open_sheet(&posted.form.without_secrets());
            let file = NewDesignFile { kind: FileKind::Logo, name: "logo.png".into(), bytes };
            take_file(posted, &event, format, file).await
        }
        _ => Ok(()),
    }
}

/// `POST /cms/events/{event}/design`: save; preview and event_logo, which come back with the page; remove_file; apply, pause,
/// resume, undo. Who may call: editors and above.
pub(in crate::http) async fn act(Path(event): Path<String>, posted: PostedFiles) -> Response {
    let (mut posted, files) = posted.read_by(|field| upload_of(field).is_some()).await;
    let taken = take_in(&mut posted, &event, files).await;
    posted
        .answer(async |posted| {
            taken?;
            let (actor, designs, form) = (posted.actor()?, &posted.services().designs, &posted.form);
            let event: EventId = id(&event)?;
            let page = format!("/cms/events/{event}/design");
            let values = form.without_secrets();
            match posted.intent() {
                "save" => {
                    let version = form.parse("version", Code::Conflict)?;
                    designs.save(actor, &event, read(&values)?, version).await?;
                    let format = open_format(&values).as_str();
                    Ok(Done::To(format!("{page}?format={format}&done=design_saved")))
                }
                "preview" | "event_logo" => {
                    // What cannot be read is said under its field; what cannot be drawn is said by the page.
                    read(&values)?;
                    Ok(Done::Again)
                }
                "remove_file" => {
                    designs.remove_file(actor, &event, &form.parse("file", Code::NotFound)?).await?;
                    Ok(Done::To(format!("{page}?done=design_file_removed")))
                }
                "apply" => {
                    designs.apply(actor, &event).await?;
                    Ok(Done::To(format!("{page}?done=design_applying")))
                }
                "pause" => {
                    designs.pause(actor, &event).await?;
                    Ok(Done::To(format!("{page}?done=design_paused")))
                }
                "resume" => {
                    designs.resume(actor, &event).await?;
                    Ok(Done::To(format!("{page}?done=design_resumed")))
                }
                "undo" => {
                    designs.undo(actor, &event).await?;
                    Ok(Done::To(format!("{page}?done=design_undone")))
                }
                _ => Err(AppError::new(Code::BadRequest)),
            }
        })
        .await
}

/// `POST /cms/events/{event}/design/preview`: the draft in the form as a JPEG; what is wrong with it in plain words. Files in
/// the form are not looked at. Who may call: editors and above.
pub(in crate::http) async fn preview(Path(event): Path<String>, posted: PostedFiles) -> Response {
    let (posted, files) = posted.read_by(|field| upload_of(field).is_some()).await;
    let drawn = async {
        files?;
        let event: EventId = id(&event)?;
        let values = posted.form.without_secrets();
        let on = posted.form.given("on").unwrap_or("sample").parse::<PreviewOn>();
        let on = on.map_err(|code| AppError::field("on", code))?;
        let draft = read(&values)?;
        posted.services().designs.preview(posted.actor()?, &event, &draft, on, open_format(&values)).await
    };
    match drawn.await {
        Ok(picture) => ([(header::CONTENT_TYPE, "image/jpeg")], picture).into_response(),
        Err(error) => {
            let code = error.fields.first().map_or(error.code, |wrong| wrong.code);
            let words = texts::error(code, posted.context.language);
            let mut response = (problem::status(&error), words).into_response();
            response.extensions_mut().insert(Failed(error.code));
            response
        }
    }
}
