//! Every form, driven to its success: the confirmation that its redirect asks for is one that the pages have words for,
//! and none of their words is for nothing.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{StatusCode, header};
use shutterpost_app::cms::done::KEYS;
use shutterpost_backend::identity::PasswordPolicy;
use shutterpost_backend::identity::admin::{NewMember, create_member};
use shutterpost_backend::testing::Authenticator;
use shutterpost_model::access::Role;
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};

use crate::passkeys::{enter, equip, made, with_cookie};
use crate::support::{Answer, App, As, PASSWORD, PHOTO, Tenant, apps, multipart, tenant};
use crate::{factor, staff};

const NEW_PASSWORD: &str = "walnut-orbit-candle-93";

/// Sends forms and gathers what their redirects ask to be confirmed.
struct Forms<'a> {
    app: &'a App,
    seen: BTreeSet<String>,
}

impl Forms<'_> {
    fn note(&mut self, path: &str, answer: &Answer) {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text());
        let to = answer.header("location");
        let query = to.split_once('?').map_or("", |(_, query)| query);
        let key = query.split('&').find_map(|pair| pair.strip_prefix("done="));
        self.seen.insert(key.unwrap_or_else(|| panic!("{path} leads to {to}, which confirms nothing")).to_owned());
    }

    async fn post(&mut self, path: &str, who: &As, fields: &[(&str, &str)]) {
        let answer = self.app.form(path, who, fields).await;
        self.note(&format!("{path} {fields:?}"), &answer);
    }

    async fn post_parts(&mut self, path: &str, who: &As, parts: &[(&str, Option<&str>, Vec<u8>)]) {
        let request = self
            .app
            .request("POST", path, who)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=line")
            .body(Body::from(multipart(parts)));
        let answer = self.app.send(request.expect("a request")).await;
        self.note(path, &answer);
    }

    /// The link in the newest mail to somebody.
    async fn mailed(&self, to: &str, path: &str) -> String {
        self.app.work().await;
        let mails = self.app.outbox.list().await.expect("the outbox");
        let mail = mails.iter().rev().find(|mail| mail.to.get() == to && mail.text.get().contains(path));
        let text = mail.expect("a mail").text.get().clone();
        let start = text.find(path).expect("a link");
        text[start..].split_whitespace().next().expect("a link").to_owned()
    }
}

async fn people(forms: &mut Forms<'_>, home: &Tenant, owner: &As) {
    let joined = forms.mailed(&format!("new@{}.example", home.name), "/cms/invitation/").await;
    let fields = [("name", "New Person"), ("password", NEW_PASSWORD), ("language", "de")];
    forms.post(&joined, &As::Nobody, &fields).await;
    let second = [("intent", "invite"), ("email", "second@home.example"), ("role", "viewer"), ("language", "en")];
    forms.post("/cms/people", owner, &second).await;
    let actor = forms.app.actor(owner).await;
    let found = forms.app.http.services().directory.people(&actor).await.expect("people");
    let invitation = found.invitations.first().expect("the open invitation").id.to_string();
    for intent in ["renew", "revoke"] {
        forms.post("/cms/people", owner, &[("intent", intent), ("invitation", &invitation)]).await;
    }
    let member = NewMember {
        name: Pii::new("Passing".into()),
        email: Pii::new("passing@home.example".into()),
        password: Secret::new(PASSWORD.into()),
        role: Role::Viewer,
        language: Language::English,
    };
    let member = create_member(&forms.app.deps, PasswordPolicy::FLOOR, &home.organisation, member).await;
    let user = member.expect("created").to_string();
    forms.post("/cms/people", owner, &[("intent", "role"), ("user", &user), ("role", "editor")]).await;
    forms.post("/cms/people", owner, &[("intent", "sign_out"), ("user", &user)]).await;
    forms.post("/cms/people", owner, &[("intent", "remove"), ("user", &user)]).await;
    forms.post("/cms/trash", owner, &[("intent", "restore"), ("item", &user), ("next", "/cms/people")]).await;
    forms.post("/cms/people", owner, &[("intent", "remove"), ("user", &user)]).await;
    forms.post("/cms/trash?kind=member", owner, &[("intent", "erase"), ("item", &user)]).await;
    forms.post("/cms/sign-in-settings", owner, &[("intent", "limits"), ("idle", "60"), ("absolute", "")]).await;
    let second = NewMember {
        name: Pii::new("Second Owner".into()),
        email: Pii::new("second-owner@home.example".into()),
        password: Secret::new(PASSWORD.into()),
        role: Role::Owner,
        language: Language::English,
    };
    let second = create_member(&forms.app.deps, PasswordPolicy::FLOOR, &home.organisation, second).await;
    let second = second.expect("created").to_string();
    factor::enrol(forms.app, "second-owner@home.example").await;
    let arm = [("intent", "arm"), ("user", &*second), ("days", "1")];
    forms.post("/cms/sign-in-settings", owner, &arm).await;
    forms.post("/cms/sign-in-settings", owner, &[("intent", "disarm"), ("user", &second)]).await;
    let renew = [("intent", "renew"), ("token", &*home.token_id), ("expires", "7"), ("replaced", "overlaps")];
    assert_eq!(forms.app.form("/cms/tokens", owner, &renew).await.status, StatusCode::OK);
    for intent in ["end_previous", "revoke"] {
        forms.post("/cms/tokens", owner, &[("intent", intent), ("token", &home.token_id)]).await;
    }
}

async fn account(forms: &mut Forms<'_>, home: &Tenant) {
    let (editor, viewer) = (home.email(Role::Editor), home.email(Role::Viewer));
    let session = forms.app.sign_in(&editor).await;
    forms.post("/cms/account", &session, &[("intent", "profile"), ("name", "Renamed"), ("language", "de")]).await;
    let organisation = [("intent", "organisation"), ("organisation", home.organisation.as_str())];
    forms.post("/cms/account", &session, &organisation).await;
    let password = [("intent", "password"), ("current", PASSWORD), ("new", NEW_PASSWORD)];
    forms.post("/cms/account", &session, &password).await;
    let session = forms.app.sign_in(&viewer).await;
    forms.post("/cms/sign-out", &session, &[]).await;
    forms.post("/cms/forgot", &As::Nobody, &[("email", &viewer)]).await;
    let reset = forms.mailed(&viewer, "/cms/reset/").await;
    forms.post(&reset, &As::Nobody, &[("password", NEW_PASSWORD)]).await;
}

async fn security(forms: &mut Forms<'_>, home: &Tenant) {
    let page = "/cms/account/security";
    let email = home.email(Role::Reporter);
    let (session, other) = (forms.app.sign_in(&email).await, forms.app.sign_in(&email).await);
    let actor = forms.app.actor(&other).await;
    let overview = forms.app.http.services().security.overview(&actor).await.expect("read");
    let id = overview.sessions.iter().find(|one| !one.this).expect("the other").id.to_string();
    forms.post(page, &other, &[("intent", "end"), ("session", &id)]).await;
    forms.post(page, &other, &[("intent", "end_others")]).await;
    assert_ne!(forms.app.get(page, &session).await.status, StatusCode::OK);
    let secret = factor::enrol(forms.app, &email).await;
    let pending = factor::half_signed_in(forms.app, &email).await;
    for _ in 0..4 {
        forms.app.form("/cms/sign-in/code", &pending, &[("code", "no code")]).await;
    }
    forms.post("/cms/sign-in/code", &pending, &[("code", "no code")]).await;
    forms.app.database.clock.advance(30_000);
    let pending = factor::half_signed_in(forms.app, &email).await;
    let code = factor::code(forms.app, &secret);
    let answer = forms.app.form("/cms/sign-in/code", &pending, &[("code", &code)]).await;
    let cookie = factor::value(answer.header("set-cookie"), "__Host-shutterpost").expect("a session");
    forms.app.database.clock.advance(30_000);
    let code = factor::code(forms.app, &secret);
    let fields = [("intent", "remove"), ("password", PASSWORD), ("code", &*code)];
    forms.post("/cms/account/two-factor", &As::Cookie(cookie), &fields).await;
}

async fn passkeys(forms: &mut Forms<'_>, home: &Tenant) {
    let page = "/cms/account/two-factor";
    let email = home.email(Role::Reporter);
    let session = forms.app.sign_in(&email).await;
    forms.post(page, &session, &[("intent", "add_passkey"), ("name", "Phone"), ("credential", "")]).await;
    let mut phone = Authenticator::new(1);
    equip(forms.app, &email, &mut phone).await;
    let session = enter(forms.app, &mut phone).await;
    // There are recovery codes by now, so that the second one and the app bring none.
    let (credential, cookie) = made(forms.app, &session, &mut Authenticator::new(2)).await;
    let fields = [("intent", "add_passkey"), ("name", "Key"), ("credential", &*credential)];
    let answer = with_cookie(forms.app, page, &session, &cookie, &fields).await;
    forms.note(page, &answer);
    let session = enter(forms.app, &mut phone).await;
    let actor = forms.app.actor(&session).await;
    let security = &forms.app.http.services().security;
    security.begin_totp(&actor).await.expect("begun");
    let setup = security.totp_setup(&actor).await.expect("read").expect("waits");
    let code = factor::code(forms.app, &setup.secret);
    forms.post(page, &session, &[("intent", "confirm"), ("code", &code)]).await;
    let session = enter(forms.app, &mut phone).await;
    let actor = forms.app.actor(&session).await;
    let mine = forms.app.http.services().passkeys.list(&actor).await.expect("read").remove(1).id.to_string();
    forms.post(page, &session, &[("intent", "rename_passkey"), ("passkey", &mine), ("name", "Spare")]).await;
    forms.post(page, &session, &[("intent", "remove_passkey"), ("passkey", &mine)]).await;
}

async fn connections(forms: &mut Forms<'_>, home: &Tenant, owner: &As) {
    forms.post("/cms/sign-in-settings", owner, &[("intent", "relax")]).await;
    let list = "/cms/sign-in-settings/connections";
    let new = [("kind", "oidc"), ("provider", "other"), ("name", "Another")];
    forms.post(&format!("{list}/new"), owner, &new).await;
    let page = format!("{list}/{}", home.connection);
    // Nothing answers there, and that is what the report says.
    let settings = [("issuer", "http://127.0.0.1:9"), ("client_id", "client"), ("secret", "secret")];
    forms.post(&page, owner, &[&[("intent", "oidc")][..], &settings].concat()).await;
    forms.post(&page, owner, &[("intent", "probe")]).await;
    forms.post(&page, owner, &[("intent", "admit"), ("group.0", "crew"), ("role.0", "viewer")]).await;
    // As after a sign-in that was a test.
    forms.app.database.execute("UPDATE sso_connections SET tested_at = 1").await;
    for intent in ["on", "off", "delete"] {
        forms.post(&page, owner, &[("intent", intent)]).await;
    }
    let new = [("kind", "saml"), ("provider", "okta"), ("name", "X")];
    let answer = forms.app.form(&format!("{list}/new"), owner, &new).await;
    let page = answer.header("location").split('?').next().expect("a page").to_owned();
    let parts = [("intent", None, b"metadata".to_vec()), ("metadata", Some("text/xml"), b"<html></html>".to_vec())];
    let request = forms
        .app
        .request("POST", &page, owner)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=line")
        .body(Body::from(multipart(&parts)));
    let answer = forms.app.send(request.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("This is not the metadata of an identity provider."), "{}", answer.text());

    let domains = "/cms/sign-in-settings/domains";
    let domain = ("domain", "home.example");
    forms.post(domains, owner, &[("intent", "add"), domain]).await;
    let actor = forms.app.actor(owner).await;
    let views = forms.app.http.services().domains.list(&actor).await.expect("listed");
    let unproved = forms.app.form(domains, owner, &[("intent", "verify"), domain]).await;
    assert_eq!(unproved.status, StatusCode::CONFLICT);
    forms.app.names.0.lock().expect("nobody panicked").push(views[0].proof.clone());
    forms.post(domains, owner, &[("intent", "verify"), domain]).await;
    let connection = page.rsplit('/').next().expect("an id");
    forms.post(domains, owner, &[("intent", "route"), domain, ("connection", connection)]).await;

    // From the sign-in an address leads there by its domain alone.
    let company = async |email: &str| {
        let fields = [("company", "on"), ("email", email)];
        forms.app.form("/cms/sign-in?next=/cms/people", &As::Nobody, &fields).await
    };
    let (off, unknown) = (company("anna@home.example").await, company("anna@elsewhere.example").await);
    assert_eq!((off.status, unknown.status), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY));
    forms.app.database.execute(&format!("UPDATE sso_connections SET state = 'on' WHERE id = '{connection}'")).await;
    let member = home.email(Role::Editor);
    assert!(member.ends_with("@home.example"), "{member}");
    let (known, stranger) = (company(&member).await, company("nobody@home.example").await);
    for answer in [&known, &stranger] {
        assert_eq!(answer.header("location"), format!("/sso/{connection}/start?next=/cms/people"));
    }
    assert_eq!(known.text(), stranger.text());
    forms.post(domains, owner, &[("intent", "remove"), domain]).await;
}

async fn captures(forms: &mut Forms<'_>, home: &Tenant, owner: &As) {
    let event = format!("/cms/events/{}", home.event);
    let capture = format!("/cms/captures/{}", home.capture);
    let photo = [("file", Some("image/jpeg"), PHOTO.to_vec())];
    forms.post_parts(&format!("{event}/captures"), owner, &photo).await;
    forms.post(&format!("{event}/exports"), owner, &[("intent", "create"), ("key", "none")]).await;
    for (page, fields) in [
        (&event, vec![("intent", "export"), ("capture", &*home.capture)]),
        (&event, vec![("intent", "delete"), ("capture", &*home.capture)]),
        (&event, vec![("intent", "restore"), ("capture", &home.capture)]),
        (&capture, vec![("intent", "delete")]),
        (&capture, vec![("intent", "restore")]),
        (&capture, vec![("intent", "renew_link"), ("link", &home.link)]),
        (&capture, vec![("intent", "send_again"), ("message", &home.message)]),
        (&"/cms/messages".to_owned(), vec![("intent", "send_again"), ("message", &home.message)]),
        (&capture, vec![("intent", "revoke_link"), ("link", &home.link)]),
        (&capture, vec![("intent", "trash_guest"), ("guest", &home.guest)]),
        (&"/cms/trash".to_owned(), vec![("intent", "restore"), ("item", &home.guest)]),
        (&capture, vec![("intent", "delete_guest"), ("guest", &home.guest)]),
    ] {
        forms.post(page, owner, &fields).await;
    }
}

async fn events(forms: &mut Forms<'_>, home: &Tenant, owner: &As) {
    let event = format!("/cms/events/{}", home.event);
    let mut draft = vec![
        ("name", "Gala"),
        ("starts_on", "2027-01-15"),
        ("ends_on", "2027-01-16"),
        ("time_zone", "UTC"),
        ("retention_days", "90"),
    ];
    forms.post("/cms/events/new", owner, &draft).await;
    // The second version: the tenant's branding was the first change.
    draft.extend([("intent", "save"), ("version", "2")]);
    forms.post(&format!("{event}/settings"), owner, &draft).await;
    let part = |name: &'static str, value: &str| (name, None, value.as_bytes().to_vec());
    let branding =
        [part("intent", "save"), part("version", "3"), part("accent", "#2f5bd7"), part("backdrop", "#14161c")];
    forms.post_parts(&format!("{event}/branding"), owner, &branding).await;
    let consents = [
        part("intent", "consents"),
        part("purpose.0", "delivery"),
        part("english.0", "Send me my photo"),
        part("german.0", "Schickt mir mein Foto"),
    ];
    forms.post_parts(&format!("{event}/branding"), owner, &consents).await;
    let device = [("intent", "revoke"), ("device", home.device_id.as_str())];
    forms.post(&format!("{event}/devices"), owner, &device).await;
    forms.post(&format!("{event}/settings"), owner, &[("intent", "delete")]).await;
}

async fn designs(forms: &mut Forms<'_>, home: &Tenant, owner: &As) {
    let page = format!("/cms/events/{}/design", home.event);
    let part = |name: &'static str, value: &str| (name, None, value.as_bytes().to_vec());
    for (version, filter) in [("0", "warm"), ("1", "vivid")] {
        let saved = [
            part("intent", "save"),
            part("version", version),
            part("same_for_all", "on"),
            part("landscape.filter", filter),
        ];
        forms.post_parts(&page, owner, &saved).await;
        forms.post_parts(&page, owner, &[part("intent", "apply")]).await;
    }
    for intent in ["pause", "resume", "undo"] {
        forms.post_parts(&page, owner, &[part("intent", intent)]).await;
    }
    let remove = [part("intent", "remove_file"), part("file", &home.design_file)];
    forms.post_parts(&page, owner, &remove).await;
}

async fn support(forms: &mut Forms<'_>, home: &Tenant, owner: &As) {
    let mut first = staff::join(forms.app, "first@shutterpost.example").await;
    let mut second = staff::join(forms.app, "second@shutterpost.example").await;
    let (first, second) = (first.sign_in(forms.app).await, second.sign_in(forms.app).await);
    let reason = ("reason", "The gallery of yesterday is empty");
    let organisation = ("organisation", home.organisation.as_str());
    let ask = [("intent", "ask"), organisation, reason, ("minutes", "30"), ("access", "write")];
    let page = "/cms/support-access";
    forms.post("/support", &first, &ask).await;
    let grant = staff::asked(forms.app, &first).await;
    let grant = grant.as_str();
    forms.post(page, owner, &[("intent", "allow"), ("grant", grant), ("minutes", "30")]).await;
    let first = staff::open(forms.app, &first, grant).await;
    let event = format!("/cms/events/{}", home.event);
    forms.app.form(&event, &first, &[("intent", "delete"), ("capture", &*home.capture)]).await;
    let approval = staff::waiting(forms.app, &second).await;
    forms.post("/support", &second, &[("intent", "approve"), ("approval", approval.as_str())]).await;
    forms.post("/support", &first, &[("intent", "leave")]).await;
    forms.post("/support", &first, &[("intent", "finish"), ("grant", grant)]).await;
    forms.post("/support", &second, &ask).await;
    let grant = staff::asked(forms.app, &second).await;
    forms.post(page, owner, &[("intent", "refuse"), ("grant", grant.as_str())]).await;
    forms.post("/support/sign-out", &second, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_asks_for_a_confirmation_that_there_is() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let mut forms = Forms { app: &app, seen: BTreeSet::new() };
        support(&mut forms, &home, &owner).await;
        people(&mut forms, &home, &owner).await;
        account(&mut forms, &home).await;
        security(&mut forms, &home).await;
        passkeys(&mut forms, &home).await;
        connections(&mut forms, &home, &owner).await;
        captures(&mut forms, &home, &owner).await;
        designs(&mut forms, &home, &owner).await;
        events(&mut forms, &home, &owner).await;
        let words: BTreeSet<String> = KEYS.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(forms.seen, words, "sent, and known to the pages");
    }
}

/// What the forms above do not reach cannot send an unknown key either.
#[test]
fn no_source_of_a_form_names_an_unknown_confirmation() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/cms");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).expect("the forms") {
        let path = entry.expect("an entry").path();
        let source = std::fs::read_to_string(&path).expect("UTF-8");
        for rest in source.split("done=").skip(1) {
            let key: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            // `done={done}` and the like: a value of the code, met by driving the form.
            if !key.is_empty() {
                assert!(KEYS.contains(&&*key), "{}: {key}", path.display());
                found += 1;
            }
        }
    }
    assert!(found > 10, "{found} confirmations");
}
