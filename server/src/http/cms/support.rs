//! Forms of support: the staff's own pages, and what owners decide.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::pii::Secret;
use shutterpost_model::support::{AskAccess, SupportAccess};

use super::posted::{Done, Posted};
use super::{cookies, qr};
use crate::http::Http;
use crate::http::context::Context;

fn session(to: &str, cookies: Vec<String>) -> Done {
    Done::Session { to: to.to_owned(), cookies, clear: false }
}

/// `POST /support/sign-in`. Who may call: anybody. A right password leads to the second factor and nowhere else.
pub(in crate::http) async fn sign_in(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (support, form) = (&posted.services().support, &posted.form);
            let client = posted.context.client.clone();
            let new = support.sign_in(form.pii("email"), form.secret("password"), client).await?;
            Ok(session("/support/sign-in/code", vec![cookies::staff_pending(&new)]))
        })
        .await
}

/// `POST /support/sign-in/code`. Who may call: whoever showed the password just now.
pub(in crate::http) async fn factor(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (support, context) = (&posted.services().support, &posted.context);
            let pending = context.pending.as_ref().ok_or_else(|| AppError::new(Code::SignInNeeded))?;
            let shown = support.present_factor(pending.expose(), posted.form.secret("code"), context.client.clone());
            match shown.await {
                Ok(new) => Ok(session("/support", vec![cookies::staff(&new), cookies::staff_pending_ended()])),
                // Tried too often, or too late: from the beginning.
                Err(error) if error.code == Code::SignInNeeded => {
                    Ok(session("/support/sign-in?done=sign_in_again", vec![cookies::staff_pending_ended()]))
                }
                Err(error) => Err(error),
            }
        })
        .await
}

/// `POST /support/sign-out`. Who may call: staff.
pub(in crate::http) async fn sign_out(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            posted.services().support.sign_out(posted.context.staff()?).await?;
            let cookies = vec![cookies::staff_ended()];
            Ok(Done::Session { to: "/support/sign-in?done=signed_out".into(), cookies, clear: true })
        })
        .await
}

/// `POST /support/invitation/{token}`. Who may call: the holder of the link.
pub(in crate::http) async fn accept(Path(token): Path<String>, posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (support, form, client) = (&posted.services().support, &posted.form, posted.context.client.clone());
            let codes = support.accept_invitation(&token, form.secret("password"), form.secret("code"), client).await?;
            let codes: Vec<&str> = codes.iter().map(Secret::expose).collect();
            Ok(Done::Issued { secret: codes.join("\n"), cookies: Vec::new() })
        })
        .await
}

/// `GET /support/invitation/{token}/qr.svg`: what the authenticator app scans. Who may call: the holder of the link.
pub(in crate::http) async fn qr(
    State(http): State<Http>,
    Path(token): Path<String>,
    Extension(context): Extension<Context>,
) -> Response {
    let found = http.services().support.invitation(&token).await;
    let mut response = qr::answer(found.map(|found| found.setup.uri.expose().to_owned()), &context);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `POST /support`: ask, open, leave, finish, approve. Who may call: staff, for themselves; approve as the second person.
pub(in crate::http) async fn desk(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (staff, support, form) = (posted.context.staff()?, &posted.services().support, &posted.form);
            let grant = || form.parse("grant", Code::NotFound);
            let done = match posted.intent() {
                "ask" => {
                    let access = SupportAccess::from_name(form.text("access"));
                    let ask = AskAccess {
                        organisation: form.parse("organisation", Code::NotFound)?,
                        reason: form.pii("reason"),
                        minutes: form.parse("minutes", Code::OutOfRange)?,
                        access: access.ok_or_else(|| AppError::field("access", Code::BadChoice))?,
                    };
                    // Not there is said at the field that it was typed into.
                    support.ask(staff, ask).await.map_err(|error| match error.code {
                        Code::NotFound => AppError::field("organisation", Code::NotFound),
                        _ => error,
                    })?;
                    "support_asked"
                }
                "open" => {
                    let renewed = support.open(staff, &grant()?).await?;
                    return Ok(session("/cms/overview", vec![cookies::staff(&renewed)]));
                }
                "leave" => {
                    support.leave(staff).await?;
                    "support_left"
                }
                "finish" => {
                    support.finish(staff, &grant()?).await?;
                    "support_ended"
                }
                "approve" => {
                    support.approve(staff, &form.parse("approval", Code::NotFound)?).await?;
                    "support_approved"
                }
                _ => return Err(AppError::new(Code::BadRequest)),
            };
            Ok(Done::To(format!("/support?done={done}")))
        })
        .await
}

/// `POST /cms/support-access`: allow, refuse, end, approve. Who may call: owners.
pub(in crate::http) async fn access(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, support, form) = (posted.actor()?, &posted.services().support, &posted.form);
            let grant = || form.parse("grant", Code::NotFound);
            let done = match posted.intent() {
                "allow" => {
                    let grant = grant()?;
                    support.allow(actor, &grant, form.parse("minutes", Code::OutOfRange)?).await?;
                    "support_allowed"
                }
                "refuse" => {
                    support.refuse(actor, &grant()?).await?;
                    "support_refused"
                }
                "end" => {
                    support.end(actor, &grant()?).await?;
                    "support_ended"
                }
                "approve" => {
                    support.approve_act(actor, &form.parse("approval", Code::NotFound)?).await?;
                    "support_approved"
                }
                _ => return Err(AppError::new(Code::BadRequest)),
            };
            Ok(Done::To(format!("/cms/support-access?done={done}")))
        })
        .await
}
