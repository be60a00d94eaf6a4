//! Forms of connections to identity providers. Who may call all of them: owners.

use axum::extract::Path;
use axum::response::Response;
use shutterpost_model::access::Role;
use shutterpost_model::connections::{
    Admission, Kind, MOST_ROLES, NewConnection, OidcDraft, Provider, RoleRule, SamlShape, Signed, State,
};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::ConnectionId;

use super::form::Fields;
use super::posted::{Done, Posted, PostedText};

const LIST: &str = "/cms/sign-in-settings/connections";

/// `POST /cms/sign-in-settings/connections/new`.
pub(in crate::http) async fn create(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let form = &posted.form;
            let new = NewConnection {
                kind: Kind::from_name(form.text("kind")).ok_or_else(|| AppError::field("kind", Code::BadChoice))?,
                provider: Provider::from_name(form.text("provider"))
                    .ok_or_else(|| AppError::field("provider", Code::BadChoice))?,
                name: form.text("name").to_owned(),
            };
            let id = posted.services().connections.create(posted.actor()?, new).await?;
            Ok(Done::To(format!("{LIST}/{id}?done=connection_created")))
        })
        .await
}

/// `POST /cms/sign-in-settings/connections/{connection}`: oidc, metadata, metadata_url, shape, add_certificate,
/// remove_certificate, admit, probe, on, off, delete.
pub(in crate::http) async fn act(Path(connection): Path<String>, posted: PostedText) -> Response {
    let posted = posted.read("metadata").await;
    posted
        .answer(async |posted| {
            let id: ConnectionId = connection.parse().map_err(|_| AppError::new(Code::NotFound))?;
            let (actor, port, form) = (posted.actor()?, &posted.services().connections, &posted.form);
            let mut done = "connection_saved";
            match posted.intent() {
                "oidc" => port.enter_oidc(actor, &id, oidc(form)).await?,
                "metadata" => port.enter_metadata(actor, &id, form.text("metadata").as_bytes().to_vec()).await?,
                "metadata_url" => port.fetch_metadata(actor, &id, form.text("metadata_url")).await?,
                "shape" => port.shape_saml(actor, &id, shape(form)?).await?,
                "add_certificate" => port.add_certificate(actor, &id, form.text("certificate")).await?,
                "remove_certificate" => port.remove_certificate(actor, &id, form.text("fingerprint")).await?,
                "admit" => port.admit(actor, &id, admission(form)?).await?,
                "probe" => {
                    port.probe(actor, &id).await?;
                    done = "connection_tested";
                }
                "on" => {
                    port.switch(actor, &id, State::On).await?;
                    done = "connection_switched";
                }
                "off" => {
                    port.switch(actor, &id, State::Off).await?;
                    done = "connection_switched";
                }
                "delete" => {
                    port.delete(actor, &id).await?;
                    return Ok(Done::To(format!("{LIST}?done=connection_deleted")));
                }
                _ => return Err(AppError::new(Code::BadRequest)),
            }
            Ok(Done::To(format!("{LIST}/{id}?done={done}")))
        })
        .await
}

fn oidc(form: &Fields) -> OidcDraft {
    let text = |name: &str| form.text(name).to_owned();
    OidcDraft {
        issuer: text("issuer"),
        client_id: text("client_id"),
        realm: text("realm"),
        team_id: text("team_id"),
        key_id: text("key_id"),
        secret: form.secret("secret"),
        group_claims: text("group_claims"),
    }
}

fn shape(form: &Fields) -> Result<SamlShape, AppError> {
    let text = |name: &str| form.text(name).trim().to_owned();
    Ok(SamlShape {
        signed: Signed::from_name(form.text("signed")).ok_or_else(|| AppError::field("signed", Code::BadChoice))?,
        subject: text("attribute_subject"),
        email: text("attribute_email"),
        name: text("attribute_name"),
        groups: text("attribute_groups"),
        trust_email: form.ticked("trust_email"),
    })
}

/// `group.N` and `role.N` from 0 upwards; rows without a group are none.
fn admission(form: &Fields) -> Result<Admission, AppError> {
    let role = |name: &str, field: &str| Role::from_name(name).ok_or_else(|| AppError::field(field, Code::BadChoice));
    let mut role_map = Vec::new();
    // One more than may be, so that too many are refused and not cut.
    for index in (0..=MOST_ROLES).take_while(|index| form.has(&format!("group.{index}"))) {
        let group = form.text(&format!("group.{index}")).trim();
        if !group.is_empty() {
            let role = role(form.text(&format!("role.{index}")), "role_map")?;
            role_map.push(RoleRule { group: group.to_owned(), role });
        }
    }
    Ok(Admission {
        trust_factor: form.ticked("trust_factor"),
        just_in_time: form.ticked("just_in_time"),
        default_role: form.given("default_role").map(|name| role(name, "default_role")).transpose()?,
        role_map,
    })
}
