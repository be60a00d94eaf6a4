//! Forms of one's own security: second factor, recovery codes, sessions.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::identity::{NewSession, SessionLimits};
use shutterpost_model::pii::Secret;

use super::form::Fields;
use super::passkeys::answered;
use super::posted::{Done, Posted};
use super::{cookies, qr};
use crate::http::Http;
use crate::http::context::Context;

/// `POST /cms/account/security`: end, end_others. Who may call: anybody signed in, for themselves.
pub(in crate::http) async fn sessions(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, security, form) = (posted.actor()?, &posted.services().security, &posted.form);
            let done = match posted.intent() {
                "end" => {
                    security.end_session(actor, &form.parse("session", Code::NotFound)?).await?;
                    "session_ended"
                }
                "end_others" => {
                    security.end_other_sessions(actor).await?;
                    "sessions_ended"
                }
                _ => return Err(AppError::new(Code::BadRequest)),
            };
            Ok(Done::To(format!("/cms/account/security?done={done}")))
        })
        .await
}

/// `POST /cms/account/two-factor`: begin, confirm, remove, recovery. Who may call: anybody signed in, for themselves.
pub(in crate::http) async fn two_factor(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, security, form) = (posted.actor()?, &posted.services().security, &posted.form);
            let passkeys = &posted.services().passkeys;
            match posted.intent() {
                // Without an answer it was sent to be asked once more who it is; the passkey comes after that.
                "add_passkey" if form.text("credential").is_empty() => {
                    passkeys.begin_add(actor, None).await?;
                    Ok(Done::To("/cms/account/two-factor?done=confirmed".into()))
                }
                "add_passkey" => {
                    let answer = answered(posted, "credential");
                    let (session, codes) = passkeys.add(actor, form.pii("name"), answer).await?;
                    Ok(enrolled(&session, &codes, "passkey_added"))
                }
                "rename_passkey" => {
                    let passkey = form.parse("passkey", Code::NotFound)?;
                    passkeys.rename(actor, &passkey, form.pii("name")).await?;
                    Ok(Done::To("/cms/account/two-factor?done=passkey_renamed".into()))
                }
                "remove_passkey" => {
                    let session = passkeys.remove(actor, &form.parse("passkey", Code::NotFound)?).await?;
                    let to = "/cms/account/two-factor?done=passkey_removed".into();
                    Ok(Done::Session { to, cookies: cookies::session(&session), clear: false })
                }
                "begin" => {
                    security.begin_totp(actor).await?;
                    Ok(Done::To("/cms/account/two-factor".into()))
                }
                "confirm" => {
                    let (session, codes) = security.confirm_totp(actor, form.secret("code")).await?;
                    Ok(enrolled(&session, &codes, "factor_added"))
                }
                "remove" => {
                    let session = security.remove_totp(actor, form.secret("password"), form.secret("code")).await?;
                    let to = "/cms/account/two-factor?done=factor_removed".into();
                    Ok(Done::Session { to, cookies: cookies::session(&session), clear: false })
                }
                "recovery" => {
                    let codes = security.renew_recovery(actor).await?;
                    Ok(Done::Issued { secret: lines(&codes), cookies: Vec::new() })
                }
                _ => Err(AppError::new(Code::BadRequest)),
            }
        })
        .await
}

/// `POST /cms/sign-in-settings`: require, relax, own_require, own_relax, arm, disarm, limits. Who may call: owners.
pub(in crate::http) async fn rules(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (directory, actor) = (&posted.services().directory, posted.actor()?);
            let mut done = "rules_saved";
            match posted.intent() {
                "own_require" => directory.require_own_sign_in(actor, true).await?,
                "own_relax" => directory.require_own_sign_in(actor, false).await?,
                "arm" => {
                    let user = posted.form.parse("user", Code::BadChoice)?;
                    directory.arm_owner(actor, &user, posted.form.parse("days", Code::BadChoice)?).await?;
                    done = "owner_armed";
                }
                "disarm" => {
                    directory.disarm_owner(actor, &posted.form.parse("user", Code::NotFound)?).await?;
                    done = "owner_disarmed";
                }
                "require" => directory.require_factor(actor, true).await?,
                "relax" => directory.require_factor(actor, false).await?,
                "limits" => {
                    let limits = SessionLimits {
                        idle: chosen(&posted.form, "idle")?,
                        absolute: chosen(&posted.form, "absolute")?,
                    };
                    directory.limit_sessions(actor, limits).await?;
                }
                _ => return Err(AppError::new(Code::BadRequest)),
            }
            Ok(Done::To(format!("/cms/sign-in-settings?done={done}")))
        })
        .await
}

/// A number of minutes; empty for none.
fn chosen(form: &Fields, field: &str) -> Result<Option<i64>, AppError> {
    match form.text(field) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| AppError::field(field, Code::BadChoice)),
    }
}

/// A new factor: its recovery codes, which the first one brings, or that it is in use.
fn enrolled(session: &NewSession, codes: &[Secret], done: &str) -> Done {
    let cookies = cookies::session(session);
    if codes.is_empty() {
        Done::Session { to: format!("/cms/account/two-factor?done={done}"), cookies, clear: false }
    } else {
        Done::Issued { secret: lines(codes), cookies }
    }
}

fn lines(codes: &[Secret]) -> String {
    let codes: Vec<&str> = codes.iter().map(Secret::expose).collect();
    codes.join("\n")
}

/// `GET /cms/account/two-factor/qr.svg`: what the authenticator app scans, while it is being set up. Who may call:
/// anybody signed in, for themselves.
pub(in crate::http) async fn qr(State(http): State<Http>, Extension(context): Extension<Context>) -> Response {
    let found = async {
        let setup = http.services().security.totp_setup(context.actor()?).await?;
        setup.map(|setup| setup.uri.expose().to_owned()).ok_or_else(|| AppError::new(Code::NotFound))
    };
    let mut response = qr::answer(found.await, &context);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
