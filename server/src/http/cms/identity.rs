//! Forms of sign-in, account, people and API tokens.

use axum::extract::Path;
use axum::http::Uri;
use axum::response::Response;
use shutterpost_model::access::Role;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{TokenId, UserId};
use shutterpost_model::identity::security::SignedIn;
use shutterpost_model::identity::{AcceptInvitation, Invite, NewSession, SignIn};
use shutterpost_model::language::Language;
use shutterpost_model::tokens::{Lifetime, Replaced, Scopes, TokenDraft, TokenRenewal, TokenScope};

use super::form::Fields;
use super::posted::{Done, Posted};
use super::{cookies, passkeys};

fn session(new: &NewSession, to: String) -> Done {
    Done::Session { to, cookies: cookies::session(new), clear: false }
}

/// Into the CMS, or on to the second factor and then there.
fn admitted(signed_in: &SignedIn, to: String) -> Done {
    match signed_in {
        SignedIn::Session(new) => session(new, to),
        SignedIn::Factor(new) => {
            let to = format!("/cms/sign-in/code?next={}", place(&to).unwrap_or(OVERVIEW));
            Done::Session { to, cookies: vec![cookies::pending(new)], clear: false }
        }
    }
}

/// Where everybody begins.
pub(in crate::http) const OVERVIEW: &str = "/cms/overview";

/// A path within the CMS to go on to; anything else leads to the overview.
fn next(uri: &Uri) -> String {
    wanted(uri).unwrap_or_else(|| OVERVIEW.to_owned())
}

/// The path within the CMS that the address names, if it names one.
pub(in crate::http) fn wanted(uri: &Uri) -> Option<String> {
    let wanted = uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("next="))?;
    place(&wanted.replace("%2F", "/").replace("%2f", "/")).map(str::to_owned)
}

/// The path, if it is one within the CMS and nothing else.
pub(in crate::http) fn place(path: &str) -> Option<&str> {
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_'));
    (plain && path.starts_with("/cms/") && !path.contains("//")).then_some(path)
}

/// `POST /cms/sign-in`. Who may call: anybody.
pub(in crate::http) async fn sign_in(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let form = &posted.form;
            if posted.intent() == "passkey" {
                let answer = passkeys::answered(posted, "credential");
                let new = posted.services().passkeys.sign_in(answer, posted.context.client.clone()).await?;
                return Ok(session(&new, next(&posted.page)));
            }
            if form.ticked("company") {
                return company(posted).await;
            }
            let (email, password) = (form.pii("email"), form.secret("password"));
            let input = SignIn { email, password, remember: form.ticked("remember") };
            let new = posted.services().accounts.sign_in(input, posted.context.client.clone()).await?;
            Ok(admitted(&new, next(&posted.page)))
        })
        .await
}

/// To the connection that the address's domain leads to. The answer is the same for every address of a domain.
async fn company(posted: &Posted) -> Result<Done, AppError> {
    let found = posted.services().domains.connection_of(&posted.form.pii("email")).await?;
    let connection = found.ok_or_else(|| AppError::field("email", Code::NoConnection))?;
    Ok(Done::To(format!("/sso/{connection}/start?next={}", next(&posted.page))))
}

/// `POST /cms/sign-in/code`. Who may call: whoever showed the password just now.
pub(in crate::http) async fn factor(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (security, context) = (&posted.services().security, &posted.context);
            let pending = context.pending.as_ref().ok_or_else(|| AppError::new(Code::SignInNeeded))?;
            let client = context.client.clone();
            let shown = if posted.intent() == "passkey" {
                posted.services().passkeys.present(pending, passkeys::answered(posted, "credential"), client).await
            } else {
                security.present_factor(pending.expose(), posted.form.secret("code"), client).await
            };
            let (to, mut set) = match shown {
                Ok(new) => (next(&posted.page), cookies::session(&new)),
                // Tried too often, or too late: from the beginning.
                Err(error) if error.code == Code::SignInNeeded => {
                    ("/cms/sign-in?done=sign_in_again".to_owned(), Vec::new())
                }
                Err(error) => return Err(error),
            };
            set.push(cookies::pending_ended());
            Ok(Done::Session { to, cookies: set, clear: false })
        })
        .await
}

/// `POST /cms/sign-out`. Who may call: anybody signed in.
pub(in crate::http) async fn sign_out(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let leave = posted.services().sso.sign_out(posted.actor()?).await?;
            let cookies = vec![cookies::session_ended()];
            if let Some(leave) = leave {
                return Ok(Done::Gone { leave, cookies });
            }
            Ok(Done::Session { to: "/cms/sign-in?done=signed_out".into(), cookies, clear: true })
        })
        .await
}

/// `POST /cms/forgot`. Who may call: anybody; the answer is the same for every address.
pub(in crate::http) async fn forgot(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (accounts, context) = (&posted.services().accounts, &posted.context);
            accounts.request_reset(posted.form.pii("email"), context.language, context.client.clone()).await?;
            Ok(Done::To("/cms/forgot?done=reset_requested".into()))
        })
        .await
}

/// `POST /cms/reset/{token}`. Who may call: the holder of the link.
pub(in crate::http) async fn reset(Path(token): Path<String>, posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (accounts, client) = (&posted.services().accounts, posted.context.client.clone());
            accounts.reset_password(&token, posted.form.secret("password"), client).await?;
            Ok(Done::To("/cms/sign-in?done=password_set".into()))
        })
        .await
}

/// `POST /cms/invitation/{token}`. Who may call: the holder of the link.
pub(in crate::http) async fn accept(Path(token): Path<String>, posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (accounts, form) = (&posted.services().accounts, &posted.form);
            let (name, password) = (form.pii("name"), form.secret("password"));
            let accept = AcceptInvitation { name, password, language: language(posted)? };
            let new = accounts.accept_invitation(&token, accept, posted.context.client.clone()).await?;
            Ok(match new {
                SignedIn::Session(new) => session(&new, "/cms/overview?done=joined".into()),
                factor @ SignedIn::Factor(_) => admitted(&factor, OVERVIEW.into()),
            })
        })
        .await
}

/// The chosen language, or that of the browser where none was asked for.
fn language(posted: &Posted) -> Result<Language, AppError> {
    if posted.form.has("language") { posted.form.language("language") } else { Ok(posted.context.language) }
}

fn role(form: &Fields) -> Result<Role, AppError> {
    Role::from_name(form.text("role")).ok_or_else(|| AppError::field("role", Code::BadChoice))
}

/// `POST /cms/people`: invite, renew, revoke, role, remove. Who may call: admins and owners.
pub(in crate::http) async fn people(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, directory, form) = (posted.actor()?, &posted.services().directory, &posted.form);
            let done = match posted.intent() {
                "invite" => {
                    let language = language(posted)?;
                    directory.invite(actor, Invite { email: form.pii("email"), role: role(form)?, language }).await?;
                    "invited"
                }
                "renew" => {
                    directory.renew_invitation(actor, &form.parse("invitation", Code::NotFound)?).await?;
                    "invitation_renewed"
                }
                "revoke" => {
                    directory.revoke_invitation(actor, &form.parse("invitation", Code::NotFound)?).await?;
                    "invitation_revoked"
                }
                "role" => {
                    directory.change_role(actor, &form.parse("user", Code::NotFound)?, role(form)?).await?;
                    "role_changed"
                }
                "sign_out" => {
                    directory.sign_out_member(actor, &form.parse("user", Code::NotFound)?).await?;
                    "member_signed_out"
                }
                "remove" => {
                    let user: UserId = form.parse("user", Code::NotFound)?;
                    directory.remove_member(actor, &user).await?;
                    return Ok(Done::To(format!("/cms/people?done=member_removed&undo={user}")));
                }
                _ => return Err(AppError::new(Code::BadRequest)),
            };
            Ok(Done::To(format!("/cms/people?done={done}")))
        })
        .await
}

/// The ticked scopes; a name that nobody offers is refused.
fn scopes(form: &Fields) -> Result<Scopes, AppError> {
    let names = form.all("scope").map(TokenScope::from_name);
    names.collect::<Option<_>>().ok_or_else(|| AppError::field("scope", Code::BadChoice))
}

/// What a preset stands for, or the ticked scopes.
fn wanted_scopes(posted: &Posted) -> Result<Scopes, AppError> {
    let role = posted.actor()?.role();
    match posted.form.text("preset") {
        "upload" => Ok([TokenScope::CapturesUpload].into_iter().collect()),
        "read" => Ok(Scopes::reading()),
        "all" => Ok(role.map_or_else(Scopes::default, Scopes::of_role)),
        "" | "choose" => scopes(&posted.form),
        _ => Err(AppError::field("preset", Code::BadChoice)),
    }
}

/// A number of days, or `date` with the day in `until`.
fn lifetime(form: &Fields) -> Result<Lifetime, AppError> {
    match form.text("expires") {
        "date" => Ok(Lifetime::Until(form.parse("until", Code::BadDate)?)),
        _ => Ok(Lifetime::Days(form.parse("expires", Code::BadChoice)?)),
    }
}

fn replaced(form: &Fields) -> Result<Replaced, AppError> {
    match form.text("replaced") {
        "overlaps" => Ok(Replaced::Overlaps),
        "ends" => Ok(Replaced::EndsNow),
        _ => Err(AppError::field("replaced", Code::BadChoice)),
    }
}

/// `POST /cms/tokens`: create, renew, end the replaced secret, revoke. Who may call: admins and owners.
pub(in crate::http) async fn tokens(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, directory, form) = (posted.actor()?, &posted.services().directory, &posted.form);
            let token = || form.parse::<TokenId>("token", Code::NotFound);
            match posted.intent() {
                "create" => {
                    let (scopes, lifetime) = (wanted_scopes(posted)?, lifetime(form)?);
                    let draft = TokenDraft { name: form.text("name").trim().to_owned(), scopes, lifetime };
                    let issued = directory.create_token(actor, draft).await?;
                    Ok(Done::Issued { secret: issued.secret.expose().to_owned(), cookies: Vec::new() })
                }
                "renew" => {
                    let renewal = TokenRenewal { lifetime: lifetime(form)?, replaced: replaced(form)? };
                    let issued = directory.renew_token(actor, &token()?, renewal).await?;
                    Ok(Done::Issued { secret: issued.secret.expose().to_owned(), cookies: Vec::new() })
                }
                "end_previous" => {
                    directory.end_previous_secret(actor, &token()?).await?;
                    Ok(Done::To("/cms/tokens?done=token_previous_ended".into()))
                }
                "revoke" => {
                    directory.revoke_token(actor, &token()?).await?;
                    Ok(Done::To("/cms/tokens?done=token_revoked".into()))
                }
                _ => Err(AppError::new(Code::BadRequest)),
            }
        })
        .await
}

/// `POST /cms/account`: profile, password, organisation. Who may call: anybody signed in, for themselves.
pub(in crate::http) async fn account(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, accounts, form) = (posted.actor()?, &posted.services().accounts, &posted.form);
            let to = match posted.intent() {
                "profile" => {
                    accounts.update_profile(actor, form.pii("name"), form.language("language")?).await?;
                    "/cms/account?done=profile_saved"
                }
                "password" => {
                    let new = accounts.change_password(actor, form.secret("current"), form.secret("new")).await?;
                    return Ok(session(&new, "/cms/account?done=password_changed".into()));
                }
                "organisation" => {
                    accounts.switch_organisation(actor, &form.parse("organisation", Code::NotFound)?).await?;
                    "/cms/overview?done=organisation_switched"
                }
                _ => return Err(AppError::new(Code::BadRequest)),
            };
            Ok(Done::To(to.to_owned()))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_leads_only_into_the_cms() {
        for (uri, to) in [
            ("/cms/sign-in?next=/cms/events/evt_1", "/cms/events/evt_1"),
            ("/cms/sign-in?next=%2Fcms%2Fpeople", "/cms/people"),
            ("/cms/sign-in?next=https://evil.example/cms/", "/cms/overview"),
            ("/cms/sign-in?next=//evil.example/cms/", "/cms/overview"),
            ("/cms/sign-in?next=/cms//evil.example", "/cms/overview"),
            ("/cms/sign-in", "/cms/overview"),
        ] {
            assert_eq!(next(&uri.parse().expect("a URI")), to, "{uri}");
        }
    }
}
