//! Passkeys through the pages: the question that the browser fetches, its cookie, and the form with the answer.

use axum::body::Body;
use axum::http::{StatusCode, header};
use shutterpost_backend::testing::Authenticator;
use shutterpost_model::access::Role;
use shutterpost_model::identity::passkeys::PasskeyAnswer;
use shutterpost_model::pii::{Pii, Secret};

use crate::factor::{half_signed_in, value};
use crate::support::{Answer, App, As, apps, encode, tenant};

const COOKIE: &str = "__Host-shutterpost-passkey";

/// Puts the device's passkey into use for somebody, by the ports; gives its id.
pub(crate) async fn equip(app: &App, email: &str, device: &mut Authenticator) -> String {
    let actor = app.actor(&app.sign_in(email).await).await;
    let passkeys = &app.http.services().passkeys;
    device.origin = app.deps.origin.clone();
    let question = passkeys.begin_add(&actor, None).await.expect("asked");
    device.site = site(&question.options, "/rp/id");
    let credential = Secret::new(device.create(&question.options));
    let answer = PasskeyAnswer { credential, browser: Some(question.browser) };
    let (session, _) = passkeys.add(&actor, Pii::new("Phone".into()), answer).await.expect("taken");
    let actor = app.actor(&As::Cookie(session.cookie.expose().to_owned())).await;
    passkeys.list(&actor).await.expect("read").remove(0).id.to_string()
}

fn site(options: &str, pointer: &str) -> String {
    let options: serde_json::Value = serde_json::from_str(options).expect("JSON");
    options.pointer(pointer).and_then(serde_json::Value::as_str).expect("a site").to_owned()
}

/// Fetches a question; gives it and the cookie that came with it.
pub(crate) async fn asked(app: &App, path: &str, who: &As) -> (String, String) {
    let request = app.request("POST", path, who).body(Body::empty()).expect("a request");
    let answer = app.send(request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let set = answer.header("set-cookie");
    assert!(set.contains("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=300"), "{set}");
    (answer.text(), value(set, COOKIE).expect("a cookie"))
}

/// Posts a form from the browser with this cookie.
pub(crate) async fn with_cookie(app: &App, path: &str, who: &As, browser: &str, fields: &[(&str, &str)]) -> Answer {
    let own = match who {
        As::Cookie(cookie) => format!("__Host-shutterpost={cookie}; "),
        As::Pending(cookie) => format!("__Host-shutterpost-factor={cookie}; "),
        As::Nobody | As::Bearer(_) | As::Staff(_) | As::StaffPending(_) => String::new(),
    };
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let request = app
        .request("POST", path, &As::Nobody)
        .header(header::COOKIE, format!("{own}{COOKIE}={browser}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body.join("&")));
    app.send(request.expect("a request")).await
}

/// A new passkey of a device, and the browser that asked for it.
pub(crate) async fn made(app: &App, session: &As, device: &mut Authenticator) -> (String, String) {
    let (options, browser) = asked(app, "/cms/passkeys/add", session).await;
    device.origin = app.deps.origin.clone();
    device.site = site(&options, "/rp/id");
    (device.create(&options), browser)
}

/// Signs in by the device alone.
pub(crate) async fn enter(app: &App, device: &mut Authenticator) -> As {
    let (options, browser) = asked(app, "/cms/sign-in/passkey", &As::Nobody).await;
    let fields = [("intent", "passkey"), ("credential", &*device.get(&options))];
    let answer = with_cookie(app, "/cms/sign-in", &As::Nobody, &browser, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    As::Cookie(session(&answer))
}

fn session(answer: &Answer) -> String {
    let mut set = answer.headers.get_all("set-cookie").iter().filter_map(|set| set.to_str().ok());
    set.find_map(|set| value(set, "__Host-shutterpost")).expect("a session")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_leads_from_the_sign_in_page_to_where_one_wanted_to_go() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let mut phone = Authenticator::new(1);
        equip(&app, &home.email(Role::Admin), &mut phone).await;
        let page = app.get("/cms/sign-in", &As::Nobody).await.text();
        for part in ["data-passkey=\"/cms/sign-in/passkey\"", "autocomplete=\"username webauthn\""] {
            assert!(page.contains(part), "{part}");
        }
        let path = "/cms/sign-in?next=/cms/people";
        let (options, browser) = asked(&app, "/cms/sign-in/passkey", &As::Nobody).await;
        assert!(options.contains("\"userVerification\":\"required\"") && options.contains("\"allowCredentials\":[]"));
        let credential = phone.get(&options);
        let fields = [("intent", "passkey"), ("credential", &*credential)];
        let other = app.form(path, &As::Nobody, &fields).await;
        assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "another browser");
        assert!(other.text().contains("This passkey was not accepted."));
        let answer = with_cookie(&app, path, &As::Nobody, &browser, &fields).await;
        assert_eq!(answer.header("location"), "/cms/people", "{}", answer.text());
        let session = As::Cookie(session(&answer));
        assert_eq!(app.get("/cms/people", &session).await.status, StatusCode::OK);
        let again = with_cookie(&app, path, &As::Nobody, &browser, &fields).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "the same answer once more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_password_a_passkey_is_offered_beside_the_code() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let email = home.email(Role::Viewer);
        let mut phone = Authenticator::new(1);
        equip(&app, &email, &mut phone).await;
        let pending = half_signed_in(&app, &email).await;
        let page = app.get("/cms/sign-in/code?next=/cms/events", &pending).await.text();
        assert!(page.contains("data-passkey=\"/cms/sign-in/code/passkey\"") && page.contains("Recovery code"));
        let (options, browser) = asked(&app, "/cms/sign-in/code/passkey", &pending).await;
        let path = "/cms/sign-in/code?next=/cms/events";
        let wrong = [("intent", "passkey"), ("credential", "{}")];
        let refused = with_cookie(&app, path, &pending, &browser, &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let credential = phone.get(&options);
        let fields = [("intent", "passkey"), ("credential", &*credential)];
        let answer = with_cookie(&app, path, &pending, &browser, &fields).await;
        assert_eq!(answer.header("location"), "/cms/events", "{}", answer.text());
        let session = As::Cookie(session(&answer));
        assert_eq!(app.get("/cms/events", &session).await.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_that_asks_once_more_takes_a_passkey() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let mut phone = Authenticator::new(1);
        equip(&app, &home.email(Role::Owner), &mut phone).await;
        let owner = enter(&app, &mut phone).await;
        app.database.clock.advance(16 * 60_000);
        let add = app.request("POST", "/cms/passkeys/add", &owner).body(Body::empty()).expect("a request");
        assert_eq!(app.send(add).await.status, StatusCode::FORBIDDEN);
        let invite = [("intent", "invite"), ("email", "late@home.example"), ("role", "viewer"), ("language", "en")];
        let page = app.form("/cms/people", &owner, &invite).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        let page = page.text();
        assert!(page.contains("data-passkey=\"/cms/passkeys/confirm\"") && page.contains("name=\"passkey_proof\""));
        let (options, browser) = asked(&app, "/cms/passkeys/confirm", &owner).await;
        let proof = phone.get(&options);
        let mut fields = invite.to_vec();
        fields.push(("passkey_proof", "{}"));
        let refused = with_cookie(&app, "/cms/people", &owner, &browser, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        fields.pop();
        fields.push(("passkey_proof", &proof));
        let done = with_cookie(&app, "/cms/people", &owner, &browser, &fields).await;
        assert_eq!(done.header("location"), "/cms/people?done=invited", "{}", done.text());
        assert_eq!(app.get("/cms/people", &As::Cookie(session(&done))).await.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_passkey_brings_recovery_codes_and_the_list_shows_it() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let page = "/cms/account/two-factor";
        let start = app.sign_in(&home.email(Role::Editor)).await;
        let (credential, browser) = made(&app, &start, &mut Authenticator::new(1)).await;
        let fields = [("intent", "add_passkey"), ("name", "My <phone>"), ("credential", &*credential)];
        let answer = with_cookie(&app, page, &start, &browser, &fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(answer.text().contains("recovery-codes") && !answer.text().contains("<phone>"));
        let session = As::Cookie(session(&answer));
        let shown = app.get(page, &session).await.text();
        assert!(shown.contains("My &lt;phone&gt;") && shown.contains("Works without password"), "{shown}");
        assert!(!shown.contains("recovery-codes"), "they are shown once");
        assert_eq!(app.get(page, &start).await.status, StatusCode::SEE_OTHER, "the cookie from before opens nothing");
    }
}
