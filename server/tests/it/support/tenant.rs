//! An organisation with everything in it that tests ask for, made through the doors that people use.

use axum::body::Body;
use axum::http::{StatusCode, header};
use shutterpost_backend::identity::PasswordPolicy;
use shutterpost_backend::identity::admin::{self, NewMember};
use shutterpost_model::access::{Actor, Role};
use shutterpost_model::designs::{FileKind, NewDesignFile};
use shutterpost_model::id::OrganisationId;
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::privacy::ErasureTarget;

use super::{App, As, PASSWORD, PHOTO, json, multipart, path_of, segment, text};

/// An organisation with a member of each role, an event with two devices' worth of access, tokens, and a capture with a guest.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) organisation: OrganisationId,
    pub(crate) name: &'static str,
    pub(crate) event: String,
    pub(crate) device: As,
    pub(crate) device_id: String,
    pub(crate) admin_token: As,
    pub(crate) editor_token: As,
    pub(crate) viewer_token: As,
    pub(crate) token_id: String,
    pub(crate) capture: String,
    pub(crate) guest: String,
    pub(crate) view_url: String,
    pub(crate) owner_url: String,
    pub(crate) message: String,
    pub(crate) link: String,
    pub(crate) invitation: String,
    pub(crate) logo: String,
    /// A file of the event's picture design, which no part names.
    pub(crate) design_file: String,
    /// Of a guest who was erased.
    pub(crate) erasure: String,
    /// Of all captures that were there then.
    pub(crate) export: String,
    /// To an identity provider, begun and off.
    pub(crate) connection: String,
    /// A member who is in the trash.
    pub(crate) removed: String,
    /// Connections to an identity provider, by OpenID Connect and by SAML, which are on.
    pub(crate) oidc: String,
    pub(crate) saml: String,
    /// Path of a picture on the share page.
    pub(crate) picture: String,
    /// Begun by the editor's token, and its first bytes are here.
    pub(crate) upload: String,
}

impl Tenant {
    pub(crate) fn email(&self, role: Role) -> String {
        format!("{}@{}.example", role.as_str(), self.name)
    }
}

/// Makes an organisation through the doors that people use.
pub(crate) async fn tenant(app: &App, name: &'static str) -> Tenant {
    let password = || Secret::new(PASSWORD.to_owned());
    let pii = |text: String| Pii::new(text);
    let policy = PasswordPolicy::FLOOR;
    let owner_email = format!("owner@{name}.example");
    let created = admin::create_owner(
        &app.deps,
        policy,
        name,
        pii(format!("Owner of {name}")),
        pii(owner_email.clone()),
        password(),
    );
    let (organisation, _) = created.await.expect("created");
    for role in [Role::Admin, Role::Editor, Role::Viewer, Role::Reporter] {
        let member = NewMember {
            name: pii(format!("{} of {name}", role.as_str())),
            email: pii(format!("{}@{name}.example", role.as_str())),
            password: password(),
            role,
            language: Language::English,
        };
        admin::create_member(&app.deps, policy, &organisation, member).await.expect("created");
    }
    let owner = app.sign_in(&owner_email).await;
    let today = app.deps.world.now().date();
    let (start, end) = (today.to_string(), today.plus_days(1).to_string());
    let answer = app
        .form(
            "/cms/events/new",
            &owner,
            &[
                ("name", "Party"),
                ("starts_on", &start),
                ("ends_on", &end),
                ("time_zone", "Europe/Berlin"),
                ("retention_days", "365"),
            ],
        )
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let event = segment(answer.header("location"), "events");
    let logo = brand(app, &owner, &event).await;
    let device =
        issued(app, &format!("/cms/events/{event}/devices"), &owner, &[("intent", "create"), ("name", "Booth")]).await;
    let actor = app.actor(&owner).await;
    let services = app.http.services();
    let devices = json(services.events.devices(&actor, &event.parse().expect("an id")).await);
    let design_file = design_file(app, &actor, &event).await;
    let admin_token = token(app, &owner, "A", ADMIN).await;
    let editor_token = token(app, &owner, "E", EDITOR).await;
    let viewer_token = token(app, &owner, "V", VIEWER).await;
    let tokens = json(services.directory.tokens(&actor).await);
    let invited =
        [("intent", "invite"), ("email", &format!("new@{name}.example")), ("role", "viewer"), ("language", "en")];
    assert_eq!(app.form("/cms/people", &owner, &invited).await.status, StatusCode::SEE_OTHER);
    let people = json(services.directory.people(&actor).await);

    let guest = format!(
        r#"{{"name":"Guest","email":"guest@{name}.example","consents":[{{"purpose":"delivery","granted":true}}]}}"#
    );
    let erasure = erased(app, &owner, &event, &device).await;
    let fields = [("kind", "oidc"), ("provider", "okta"), ("name", "Staff")];
    let answer = app.form("/cms/sign-in-settings/connections/new", &owner, &fields).await;
    let connection = segment(answer.header("location"), "connections");
    let removed = removed(app, &owner, &organisation, name).await;
    let answer = app.upload(&event, &device, "first", PHOTO, Some(&guest)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let accepted = answer.json();
    let capture = text(&accepted, "/id");
    let found = app.capture(&owner, &capture).await;
    let links = found["links"].as_array().expect("links").clone();
    let owner_link = links.iter().find(|link| link["kind"] == "owner").expect("an owner link");
    Tenant {
        upload: crate::uploads::begun(app, &editor_token, &event).await,
        organisation,
        name,
        device,
        admin_token,
        erasure,
        export: exported(app, &event, &editor_token, "first").await,
        connection,
        removed,
        device_id: text(&devices, "/0/id"),
        editor_token,
        viewer_token,
        token_id: text(&tokens, "/0/id"),
        guest: text(&found, "/guests/0/id"),
        view_url: text(&accepted, "/share_url"),
        owner_url: text(owner_link, "/url"),
        message: text(&found, "/messages/0/id"),
        link: text(owner_link, "/id"),
        invitation: text(&people, "/invitations/0/id"),
        event,
        capture,
        logo,
        design_file,
        picture: picture(app, &text(&accepted, "/share_url")).await,
        oidc: crate::sso::oidc(app, &owner, "http://127.0.0.1:9").await,
        saml: crate::sso::saml(app, &owner).await,
    }
}

/// A file of the event's picture design that no part names; gives its id.
pub(crate) async fn design_file(app: &App, actor: &Actor, event: &str) -> String {
    let file = NewDesignFile {
        kind: FileKind::Logo,
        name: "Sign".into(),
        bytes: include_bytes!("../../../assets/demo/logo.png").to_vec(),
    };
    let designs = &app.http.services().designs;
    text(&json(designs.add_file(actor, &event.parse().expect("an id"), file).await), "/id")
}

/// Asks for an export of the event's captures.
pub(crate) async fn exported(app: &App, event: &str, token: &As, key: &str) -> String {
    let request = app.request("POST", &format!("/api/v1/events/{event}/exports"), token);
    let request = request.header("idempotency-key", key).body(Body::empty());
    let answer = app.send(request.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    text(&answer.json(), "/id")
}

/// Erases somebody who was there for a moment.
async fn erased(app: &App, owner: &As, event: &str, device: &As) -> String {
    let answer = app.upload(event, device, "gone", PHOTO, Some(r#"{"phone":"+4915112345678"}"#)).await;
    let found = app.capture(owner, &text(&answer.json(), "/id")).await;
    let guest = ErasureTarget::Guest(text(&found, "/guests/0/id").parse().expect("an id"));
    let erased = json(app.http.services().privacy.erase(&app.actor(owner).await, &guest).await);
    text(&erased, "/id")
}

/// Somebody who was a member for a moment.
async fn removed(app: &App, owner: &As, organisation: &OrganisationId, name: &str) -> String {
    let member = NewMember {
        name: Pii::new(format!("Removed of {name}")),
        email: Pii::new(format!("removed@{name}.example")),
        password: Secret::new(PASSWORD.to_owned()),
        role: Role::Viewer,
        language: Language::English,
    };
    let user = admin::create_member(&app.deps, PasswordPolicy::FLOOR, organisation, member).await.expect("created");
    let fields = [("intent", "remove"), ("user", user.as_str())];
    assert_eq!(app.form("/cms/people", owner, &fields).await.status, StatusCode::SEE_OTHER);
    user.to_string()
}

/// Path of the first picture that a share page shows.
pub(crate) async fn picture(app: &App, url: &str) -> String {
    let page = app.get(&path_of(url), &As::Nobody).await.text();
    let start = page.find("/m/").expect("a picture on the page");
    page[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || "/-._".contains(*c)).collect()
}

pub(crate) async fn brand(app: &App, owner: &As, event: &str) -> String {
    let field = |name: &'static str, value: &str| (name, None, value.as_bytes().to_vec());
    let parts = vec![
        field("intent", "save"),
        field("version", "1"),
        field("accent", "#2f5bd7"),
        field("backdrop", "#14161c"),
        field("en.headline", "Hello"),
        field("mark_pictures", "on"),
        ("logo", Some("image/png"), include_bytes!("../../../assets/demo/logo.png").to_vec()),
    ];
    let request = app
        .request("POST", &format!("/cms/events/{event}/branding"), owner)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=line")
        .body(Body::from(multipart(&parts)));
    let answer = app.send(request.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let actor = app.actor(owner).await;
    let found = json(app.http.services().events.find(&actor, &event.parse().expect("an id")).await);
    text(&found, "/logo/id")
}

/// Scopes as far as an admin, an editor and a viewer reach.
pub(crate) const ADMIN: &[&str] = &[
    "events:read",
    "events:write",
    "captures:read",
    "captures:upload",
    "captures:write",
    "guests:read",
    "guests:write",
    "trash:manage",
    "privacy:manage",
];
const EDITOR: &[&str] = &["events:read", "events:write", "captures:write", "guests:write"];
const VIEWER: &[&str] = &["events:read", "captures:read", "guests:read"];

/// Makes an API token with these scopes for three months.
pub(crate) async fn token(app: &App, who: &As, name: &str, scopes: &[&str]) -> As {
    let mut fields = vec![("intent", "create"), ("name", name), ("preset", "choose"), ("expires", "90")];
    fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
    issued(app, "/cms/tokens", who, &fields).await
}

/// A token as a version without scopes wrote it, which no door makes any more.
pub(crate) async fn old_token(app: &App, owner: &As) -> As {
    let made = token(app, owner, "From before", ADMIN).await;
    let id = token_id(app, owner, "From before").await;
    let old = "role = 'admin', scopes = NULL, cap = NULL, expires_at = NULL";
    app.database.execute(&format!("UPDATE identity_tokens SET {old} WHERE id = '{id}'")).await;
    made
}

/// The id of the token with this name.
pub(crate) async fn token_id(app: &App, owner: &As, name: &str) -> String {
    let tokens = json(app.http.services().directory.tokens(&app.actor(owner).await).await);
    let found = tokens.as_array().expect("tokens").iter().find(|token| token["name"] == name).expect("the token");
    found["id"].as_str().expect("an id").to_owned()
}

/// Posts a form that issues a secret, and reads the secret from the page.
pub(crate) async fn issued(app: &App, path: &str, who: &As, fields: &[(&str, &str)]) -> As {
    let answer = app.form(path, who, fields).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let page = answer.text();
    let start = page.find("spd_").or_else(|| page.find("spt_")).expect("a secret on the page");
    let secret: String = page[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    As::Bearer(secret)
}
