//! Forms of sign-in, account, people and API tokens.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use shutterpost_model::access::Role;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::identity::{AcceptInvitation, Invite, NewSession, SignIn, TokenDraft};

use super::form::Fields;
use super::{Done, answer};
use crate::http::Http;
use crate::http::context::{COOKIE, Context};

fn session(new: &NewSession, to: String) -> Done {
    let age = new.max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let cookie = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax{age}", new.cookie.expose());
    Done::Session { to, cookie, clear: false }
}

/// A path within the CMS to go on to; anything else leads to the overview.
fn next(uri: &Uri) -> String {
    let wanted = uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("next="));
    let path = wanted.map(|text| text.replace("%2F", "/").replace("%2f", "/")).unwrap_or_default();
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_'));
    if plain && path.starts_with("/cms/") && !path.contains("//") { path } else { "/cms/overview".to_owned() }
}

/// `POST /cms/sign-in`. Who may call: anybody.
pub(in crate::http) async fn sign_in(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    uri: Uri,
    form: Fields,
) -> Response {
    let input =
        SignIn { email: form.pii("email"), password: form.secret("password"), remember: form.ticked("remember") };
    let result = http.services().accounts.sign_in(input, context.client.clone()).await;
    let result = result.map(|new| session(&new, next(&uri)));
    answer(&http, &context, uri, &form, result).await
}

/// `POST /cms/sign-out`. Who may call: anybody signed in.
pub(in crate::http) async fn sign_out(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    uri: Uri,
    form: Fields,
) -> Response {
    let result = async {
        http.services().accounts.sign_out(context.actor()?).await?;
        let cookie = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
        Ok(Done::Session { to: "/cms/sign-in?done=signed_out".into(), cookie, clear: true })
    };
    let result = result.await;
    answer(&http, &context, uri, &form, result).await
}

/// `POST /cms/forgot`. Who may call: anybody; the answer is the same for every address.
pub(in crate::http) async fn forgot(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    uri: Uri,
    form: Fields,
) -> Response {
    let accounts = &http.services().accounts;
    let result = accounts.request_reset(form.pii("email"), context.language, context.client.clone()).await;
    let result = result.map(|()| Done::To("/cms/forgot?done=reset_requested".into()));
    answer(&http, &context, uri, &form, result).await
}

/// `POST /cms/reset/{token}`. Who may call: the holder of the link.
pub(in crate::http) async fn reset(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    uri: Uri,
    Path(token): Path<String>,
    form: Fields,
) -> Response {
    let accounts = &http.services().accounts;
    let result = accounts.reset_password(&token, form.secret("password"), context.client.clone()).await;
    let result = result.map(|()| Done::To("/cms/sign-in?done=password_set".into()));
    answer(&http, &context, uri, &form, result).await
}

/// `POST /cms/invitation/{token}`. Who may call: the holder of the link.
pub(in crate::http) async fn accept(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    uri: Uri,
    Path(token): Path<String>,
    form: Fields,
) -> Response {
    let result = async {
        let language = if form.has("language") { form.language("language")? } else { context.language };
        let accept = AcceptInvitation { name: form.pii("name"), password: form.secret("password"), language };
        let new = http.services().accounts.accept_invitation(&token, accept, context.client.clone()).await?;
        Ok(session(&new, "/cms/overview?done=joined".into()))
    };
    let result = result.await;
    answer(&http, &context, uri, &form, result).await
}

fn role(form: &Fields) -> Result<Role, AppError> {
    Role::from_name(form.text("role")).ok_or_else(|| AppError::field("role", Code::BadChoice))
}

/// `POST /cms/people`: invite, renew, revoke, role, remove. Who may call: admins and owners.
pub(in crate::http) async fn people(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    uri: Uri,
    form: Fields,
) -> Response {
    let result = async {
        let (actor, directory) = (context.actor()?, &http.services().directory);
        let done = match form.text("intent") {
            "invite" => {
                let language = if form.has("language") { form.language("language")? } else { context.language };
                directory.invite(actor, Invite { email: form.pii("email"), role: role(&form)?, language }).await?;
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
                directory.change_role(actor, &form.parse("user", Code::NotFound)?, role(&form)?).await?;
                "role_changed"
            }
            "remove" => {
                directory.remove_member(actor, &form.parse("user", Code::NotFound)?).await?;
                "member_removed"
            }
            _ => return Err(AppError::new(Code::BadRequest)),
        };
        Ok(Done::To(format!("/cms/people?done={done}")))
    };
    let result = result.await;
    answer(&http, &context, uri, &form, result).await
}

/// `POST /cms/tokens`: create, revoke. Who may call: admins and owners.
pub(in crate::http) async fn tokens(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    uri: Uri,
    form: Fields,
) -> Response {
    let result = async {
        let (actor, directory) = (context.actor()?, &http.services().directory);
        match form.text("intent") {
            "create" => {
                let draft = TokenDraft { name: form.text("name").trim().to_owned(), role: role(&form)? };
                let issued = directory.create_token(actor, draft).await?;
                Ok(Done::Issued(issued.secret.expose().to_owned()))
            }
            "revoke" => {
                directory.revoke_token(actor, &form.parse("token", Code::NotFound)?).await?;
                Ok(Done::To("/cms/tokens?done=token_revoked".into()))
            }
            _ => Err(AppError::new(Code::BadRequest)),
        }
    };
    let result = result.await;
    answer(&http, &context, uri, &form, result).await
}

/// `POST /cms/account`: profile, password, organisation. Who may call: anybody signed in, for themselves.
pub(in crate::http) async fn account(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    uri: Uri,
    form: Fields,
) -> Response {
    let result = async {
        let (actor, accounts) = (context.actor()?, &http.services().accounts);
        let to = match form.text("intent") {
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
    };
    let result = result.await;
    answer(&http, &context, uri, &form, result).await
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
