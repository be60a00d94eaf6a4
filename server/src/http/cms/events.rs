//! Forms of events, branding and devices, and the preview of the share page.

use std::str::FromStr;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{BrandTexts, Branding, ConsentText, DeviceDraft, EventDraft, LogoChange};
use shutterpost_model::id::EventId;
use shutterpost_model::language::Language;
use shutterpost_model::privacy::ErasureTarget;

use super::form::{Fields, File};
use super::posted::{Done, Posted, PostedFiles};
use super::privacy::erased;
use crate::http::context::Context;
use crate::http::{Http, problem};

/// The id in the path; a malformed one is like a foreign one.
pub(super) fn id<T: FromStr>(text: &str) -> Result<T, AppError> {
    text.parse().map_err(|_| AppError::new(Code::NotFound))
}

fn draft(form: &Fields) -> Result<EventDraft, AppError> {
    let draft = EventDraft {
        name: form.text("name").trim().to_owned(),
        starts_on: form.parse("starts_on", Code::BadDate)?,
        ends_on: form.parse("ends_on", Code::BadDate)?,
        time_zone: form.text("time_zone").trim().to_owned(),
        retention_days: form.parse("retention_days", Code::OutOfRange)?,
    };
    draft.check().finish()?;
    Ok(draft)
}

/// `POST /cms/events/new`. Who may call: admins and owners.
pub(in crate::http) async fn create(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let event = posted.services().events.create(posted.actor()?, draft(&posted.form)?).await?;
            Ok(Done::To(format!("/cms/events/{event}?done=event_created")))
        })
        .await
}

/// `POST /cms/events/{event}/settings`: save, delete, erase. Who may call: admins and owners.
pub(in crate::http) async fn settings(Path(event): Path<String>, posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, events, form) = (posted.actor()?, &posted.services().events, &posted.form);
            let event: EventId = id(&event)?;
            match posted.intent() {
                "save" => {
                    events.update(actor, &event, draft(form)?, form.parse("version", Code::Conflict)?).await?;
                    Ok(Done::To(format!("/cms/events/{event}/settings?done=event_saved")))
                }
                "delete" => {
                    events.delete(actor, &event).await?;
                    Ok(Done::To(format!("/cms/events?done=event_deleted&undo={event}")))
                }
                "erase" => {
                    let target = ErasureTarget::Event(event);
                    Ok(erased(&posted.services().privacy.erase(actor, &target).await?))
                }
                _ => Err(AppError::new(Code::BadRequest)),
            }
        })
        .await
}

fn texts(form: &Fields, language: Language) -> BrandTexts {
    // Browsers send CRLF for line breaks in a text area.
    let text = |name: &str| form.text(&format!("{}.{name}", language.tag())).replace("\r\n", "\n").trim().to_owned();
    BrandTexts {
        headline: text("headline"),
        message: text("message"),
        legal: text("legal"),
        mail_subject: text("mail_subject"),
        mail_message: text("mail_message"),
    }
}

fn branding_of(form: &Fields) -> Result<Branding, AppError> {
    let branding = Branding {
        accent: form.parse("accent", Code::BadColour)?,
        backdrop: form.parse("backdrop", Code::BadColour)?,
        english: texts(form, Language::English),
        german: texts(form, Language::German),
        privacy_url: form.text("privacy_url").trim().to_owned(),
        imprint_url: form.text("imprint_url").trim().to_owned(),
        mark_pictures: form.ticked("mark_pictures"),
    };
    branding.check()?;
    Ok(branding)
}

fn logo_change(form: &Fields, files: Vec<File>) -> LogoChange {
    match files.into_iter().find(|file| !file.bytes.is_empty()) {
        Some(file) => LogoChange::Replace(file.bytes),
        None if form.ticked("remove_logo") => LogoChange::Remove,
        None => LogoChange::Keep,
    }
}

/// `purpose.N`, `english.N`, `german.N` from 0 upwards.
fn consents(form: &Fields) -> Vec<ConsentText> {
    let line = |name: &str, index: usize| form.text(&format!("{name}.{index}")).trim().to_owned();
    (0..shutterpost_model::guests::CONSENTS_MOST)
        .take_while(|index| form.has(&format!("purpose.{index}")))
        .map(|index| ConsentText {
            purpose: line("purpose", index),
            version: 0,
            english: line("english", index),
            german: line("german", index),
        })
        .filter(|text| !(text.purpose.is_empty() && text.english.is_empty() && text.german.is_empty()))
        .collect()
}

/// `POST /cms/events/{event}/branding`: save, consents. Who may call: editors and above.
pub(in crate::http) async fn branding(Path(event): Path<String>, posted: PostedFiles) -> Response {
    let (posted, files) = posted.read("logo").await;
    posted
        .answer(async |posted| {
            let files = files?;
            let (actor, events, form) = (posted.actor()?, &posted.services().events, &posted.form);
            let event: EventId = id(&event)?;
            match posted.intent() {
                "save" => {
                    let version = form.parse("version", Code::Conflict)?;
                    let logo = logo_change(form, files);
                    events.update_branding(actor, &event, branding_of(form)?, logo, version).await?;
                    Ok(Done::To(format!("/cms/events/{event}/branding?done=branding_saved")))
                }
                "consents" => {
                    events.update_consents(actor, &event, consents(form)).await?;
                    Ok(Done::To(format!("/cms/events/{event}/branding?tab=consents&done=consents_saved")))
                }
                _ => Err(AppError::new(Code::BadRequest)),
            }
        })
        .await
}

/// `POST /cms/events/{event}/devices`: create, revoke. Who may call: admins and owners.
pub(in crate::http) async fn devices(Path(event): Path<String>, posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, events, form) = (posted.actor()?, &posted.services().events, &posted.form);
            let event: EventId = id(&event)?;
            match posted.intent() {
                "create" => {
                    let draft = DeviceDraft { name: form.text("name").trim().to_owned() };
                    let issued = events.create_device(actor, &event, draft).await?;
                    Ok(Done::Issued { secret: issued.secret.expose().to_owned(), cookies: Vec::new() })
                }
                "revoke" => {
                    events.revoke_device(actor, &event, &form.parse("device", Code::NotFound)?).await?;
                    Ok(Done::To(format!("/cms/events/{event}/devices?done=device_revoked")))
                }
                _ => Err(AppError::new(Code::BadRequest)),
            }
        })
        .await
}

/// `GET /cms/preview/{event}`: the share page with draft values from the query. Who may call: viewers and above.
pub(in crate::http) async fn preview(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
    uri: Uri,
) -> Response {
    let found = async {
        let mut page = http.services().shares.preview(context.actor()?, &id::<EventId>(&event)?).await?;
        let draft = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri)
            .map(|axum::extract::Query(pairs)| pairs)
            .unwrap_or_default();
        let asked = draft.iter().find(|(name, _)| name == "lang").and_then(|(_, tag)| Language::from_tag(tag));
        let language = asked.unwrap_or(context.language);
        apply_draft(&mut page.branding, &draft, language);
        Ok::<_, AppError>((page, language))
    };
    match found.await {
        Ok((page, language)) => {
            let document = shutterpost_app::share::preview(&page, language);
            let mut response = problem::document_response(StatusCode::OK, document, language);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => problem::guest(&error, &context),
    }
}

/// Puts draft values over the saved ones; what does not fit is left as saved, because it is still being typed.
fn apply_draft(branding: &mut Branding, draft: &[(String, String)], language: Language) {
    for (name, value) in draft {
        let mut changed = branding.clone();
        let texts = match language {
            Language::English => &mut changed.english,
            Language::German => &mut changed.german,
        };
        match name.as_str() {
            "accent" => changed.accent = value.parse().unwrap_or(changed.accent),
            "backdrop" => changed.backdrop = value.parse().unwrap_or(changed.backdrop),
            "headline" => texts.headline.clone_from(value),
            "message" => texts.message.clone_from(value),
            "legal" => texts.legal.clone_from(value),
            _ => continue,
        }
        if changed.check().is_ok() {
            *branding = changed;
        }
    }
}
