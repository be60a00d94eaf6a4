//! The forms of the trash.

use axum::response::Response;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::privacy::ErasureTarget;
use shutterpost_model::privacy::trash::{TrashKind, TrashTarget};

use super::identity::place;
use super::posted::{Done, Posted};
use super::privacy::erased;

/// Most rows of one restoration: twenty pages of the list.
const MOST: usize = 1000;

/// `POST /cms/trash`: restore (every `item`), erase (one). With `next` it leads back to where something was deleted. Who
/// may call: admins and above; a role that they could not grant, they cannot give back.
pub(in crate::http) async fn act(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, services, form) = (posted.actor()?, posted.services(), &posted.form);
            let items = form.all("item").map(|text| text.parse::<TrashTarget>().map_err(AppError::new));
            let items = items.collect::<Result<Vec<_>, _>>()?;
            match (posted.intent(), items.as_slice()) {
                ("restore" | "erase", []) => Err(AppError::field("item", Code::Required)),
                ("restore", items) if items.len() > MOST => Err(AppError::field("item", Code::OutOfRange)),
                ("restore", items) => {
                    for item in items {
                        services.trash.restore(actor, item).await?;
                    }
                    let to = place(form.text("next")).map_or_else(|| list(posted), |path| format!("{path}?"));
                    Ok(Done::To(format!("{to}done=trash_restored&n={}", items.len())))
                }
                ("erase", [item]) => {
                    let target = match item {
                        TrashTarget::Capture(id) => ErasureTarget::Capture(id.clone()),
                        TrashTarget::Guest(id) => ErasureTarget::Guest(id.clone()),
                        TrashTarget::Event(id) => ErasureTarget::Event(id.clone()),
                        TrashTarget::Member(id) => {
                            services.trash.erase_member(actor, id).await?;
                            return Ok(Done::To(format!("{}done=member_erased", list(posted))));
                        }
                    };
                    Ok(erased(&services.privacy.erase(actor, &target).await?))
                }
                _ => Err(AppError::new(Code::BadRequest)),
            }
        })
        .await
}

/// The list as it was filtered, ready for a further parameter.
fn list(posted: &Posted) -> String {
    let query = posted.page.query().unwrap_or_default();
    let kind = query.split('&').find_map(|pair| pair.strip_prefix("kind=")).and_then(TrashKind::from_name);
    kind.map_or_else(|| "/cms/trash?".to_owned(), |kind| format!("/cms/trash?kind={}&", kind.as_str()))
}
