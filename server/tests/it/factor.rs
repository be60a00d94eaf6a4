//! The second factor through the pages: signing in with it, being asked once more who one is, and what its cookies open.

use axum::http::StatusCode;
use shutterpost_model::access::Role;
use shutterpost_model::pii::Secret;
use totp_rs::Builder;

use crate::support::{App, As, PASSWORD, apps, tenant};

/// The code that an app shows now.
pub(crate) fn code(app: &App, secret: &Secret) -> String {
    let seconds = u64::try_from(app.deps.world.now().0 / 1000).expect("after 1970");
    let secret = totp_rs::Secret::try_from_base32(secret.expose()).expect("a secret");
    let totp = Builder::new().with_secret(secret).with_account_name("").build().expect("an app");
    totp.generate(seconds).to_string()
}

/// Sets up an app for somebody, by the ports.
pub(crate) async fn enrol(app: &App, email: &str) -> Secret {
    let actor = app.actor(&app.sign_in(email).await).await;
    let security = &app.http.services().security;
    security.begin_totp(&actor).await.expect("begun");
    let setup = security.totp_setup(&actor).await.expect("read").expect("waits");
    security.confirm_totp(&actor, Secret::new(code(app, &setup.secret))).await.expect("the code is right");
    setup.secret
}

/// The cookie of a sign-in that waits for its second factor.
pub(crate) async fn half_signed_in(app: &App, email: &str) -> As {
    let answer = app.form("/cms/sign-in", &As::Nobody, &[("email", email), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    assert!(answer.header("location").starts_with("/cms/sign-in/code"), "{}", answer.header("location"));
    As::Pending(value(answer.header("set-cookie"), "__Host-shutterpost-factor").expect("its cookie"))
}

/// The value that a `Set-Cookie` gives to the cookie.
pub(crate) fn value(set: &str, name: &str) -> Option<String> {
    let text = set.strip_prefix(name)?.strip_prefix('=')?;
    Some(text.split(';').next().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_step_leads_where_the_first_wanted_to_go() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let email = home.email(Role::Admin);
        let secret = enrol(&app, &email).await;
        app.database.clock.advance(30_000);
        let fields = [("email", &*email), ("password", PASSWORD), ("remember", "on")];
        let answer = app.form("/cms/sign-in?next=/cms/people", &As::Nobody, &fields).await;
        assert_eq!(answer.header("location"), "/cms/sign-in/code?next=/cms/people");
        let pending = As::Pending(value(answer.header("set-cookie"), "__Host-shutterpost-factor").expect("a cookie"));
        assert!(answer.headers.get_all("set-cookie").iter().count() == 1, "no session yet");

        let page = app.get("/cms/sign-in/code?next=/cms/people", &pending).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains("one-time-code"));
        let wrong = app.form("/cms/sign-in/code?next=/cms/people", &pending, &[("code", "000000")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!wrong.text().contains("000000"), "what was typed is not sent back");
        let right = [("code", &*code(&app, &secret))];
        let answer = app.form("/cms/sign-in/code?next=/cms/people", &pending, &right).await;
        assert_eq!(answer.header("location"), "/cms/people", "{}", answer.text());
        let set: Vec<String> =
            answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text").to_owned()).collect();
        assert_eq!(set.len(), 3, "{set:?}");
        for cookie in &set {
            assert!(cookie.contains("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
        }
        assert!(set.iter().any(|cookie| cookie.starts_with("__Host-shutterpost-factor=;")), "{set:?}");
        let session = set.iter().find_map(|cookie| value(cookie, "__Host-shutterpost")).expect("a session");
        assert_eq!(app.get("/cms/people", &As::Cookie(session)).await.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_113_the_second_step_leads_only_into_the_cms() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let email = home.email(Role::Admin);
        let secret = enrol(&app, &email).await;
        let within = [("/cms/people", "/cms/people"), ("%2Fcms%2Fevents", "/cms/events")];
        let beyond = crate::cross_site::ELSEWHERE.iter().map(|next| (*next, "/cms/overview"));
        for (next, to) in beyond.chain(within) {
            app.database.clock.advance(30_000);
            let first = format!("/cms/sign-in?next={next}");
            let fields = [("email", &*email), ("password", PASSWORD)];
            let answer = app.form(&first, &As::Nobody, &fields).await;
            assert_eq!(answer.header("location"), format!("/cms/sign-in/code?next={to}"), "{next}");
            let pending =
                As::Pending(value(answer.header("set-cookie"), "__Host-shutterpost-factor").expect("its cookie"));
            // Whatever the first step said, the second looks for itself.
            let second = format!("/cms/sign-in/code?next={next}");
            let answer = app.form(&second, &pending, &[("code", &code(&app, &secret))]).await;
            assert_eq!(answer.header("location"), to, "{next}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_too_many_wrong_codes_the_password_is_asked_for_again() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let email = home.email(Role::Viewer);
        let secret = enrol(&app, &email).await;
        app.database.clock.advance(30_000);
        let pending = half_signed_in(&app, &email).await;
        for _ in 0..4 {
            let answer = app.form("/cms/sign-in/code", &pending, &[("code", "000000")]).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let answer = app.form("/cms/sign-in/code", &pending, &[("code", "000000")]).await;
        assert_eq!(answer.header("location"), "/cms/sign-in?done=sign_in_again");
        let answer = app.form("/cms/sign-in/code", &pending, &[("code", &code(&app, &secret))]).await;
        assert!(answer.header("location").starts_with("/cms/sign-in"), "{}", answer.header("location"));
        assert!(!answer.header("set-cookie").starts_with("__Host-shutterpost="));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sensitive_is_done_by_the_very_form_that_confirms() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let session = app.sign_in(&home.email(Role::Owner)).await;
        app.database.clock.advance(16 * 60_000);
        let invite = |proof: Option<&'static str>| {
            let mut fields =
                vec![("intent", "invite"), ("email", "late@home.example"), ("role", "viewer"), ("language", "en")];
            fields.extend(proof.map(|proof| ("proof", proof)));
            fields
        };
        let before = app.database.count("identity_invitations", "1 = 1").await;
        let asked = app.form("/cms/people", &session, &invite(None)).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN);
        for part in ["action=\"/cms/people\"", "value=\"late@home.example\"", "name=\"proof\""] {
            assert!(asked.text().contains(part), "{part}");
        }
        let wrong = app.form("/cms/people", &session, &invite(Some("not the password at all"))).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!wrong.text().contains("not the password at all"));
        assert_eq!(app.database.count("identity_invitations", "1 = 1").await, before, "nothing was done yet");

        let done = app.form("/cms/people", &session, &invite(Some(PASSWORD))).await;
        assert_eq!(done.header("location"), "/cms/people?done=invited", "{}", done.text());
        let renewed = value(done.header("set-cookie"), "__Host-shutterpost").expect("another cookie");
        assert_eq!(app.get("/cms/people", &As::Cookie(renewed)).await.status, StatusCode::OK);
        let old = app.get("/cms/people", &session).await;
        assert_eq!(old.status, StatusCode::SEE_OTHER, "the cookie from before opens nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_is_not_asked_who_they_are() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let session = app.sign_in(&home.email(Role::Viewer)).await;
        app.database.clock.advance(16 * 60_000);
        let answer = app.form("/cms/people", &session, &[("intent", "invite"), ("email", "x@home.example")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(!answer.text().contains("name=\"proof\""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_qr_code_is_there_while_an_app_is_set_up_and_never_after() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let session = app.sign_in(&home.email(Role::Editor)).await;
        let qr = "/cms/account/two-factor/qr.svg";
        assert_eq!(app.get(qr, &session).await.status, StatusCode::NOT_FOUND);
        let begun = app.form("/cms/account/two-factor", &session, &[("intent", "begin")]).await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER);
        let picture = app.get(qr, &session).await;
        assert_eq!(picture.header("content-type"), "image/svg+xml");
        assert_eq!(picture.header("cache-control"), "no-store");
        let actor = app.actor(&session).await;
        let setup = app.http.services().security.totp_setup(&actor).await.expect("read").expect("waits");
        let fields = [("intent", "confirm"), ("code", &*code(&app, &setup.secret))];
        let shown = app.form("/cms/account/two-factor", &session, &fields).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert_eq!(shown.header("cache-control"), "no-store");
        assert!(shown.text().contains("recovery-codes"));
        let renewed = As::Cookie(value(shown.header("set-cookie"), "__Host-shutterpost").expect("another cookie"));
        assert_eq!(app.get(qr, &renewed).await.status, StatusCode::NOT_FOUND);
        assert!(!app.get("/cms/account/two-factor", &renewed).await.text().contains("recovery-codes"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lacks_the_factor_asked_for_is_led_to_where_it_is_set_up() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let (owner, editor) = (home.email(Role::Owner), home.email(Role::Editor));
        let member = app.sign_in(&editor).await;
        assert_eq!(app.get("/cms/events", &member).await.status, StatusCode::OK);
        let secret = enrol(&app, &owner).await;
        app.database.clock.advance(30_000);
        let pending = half_signed_in(&app, &owner).await;
        let answer = app.form("/cms/sign-in/code", &pending, &[("code", &code(&app, &secret))]).await;
        let mut set = answer
            .headers
            .get_all("set-cookie")
            .iter()
            .filter_map(|set| value(set.to_str().ok()?, "__Host-shutterpost"));
        let session = As::Cookie(set.next_back().expect("a session"));
        let page = app.get("/cms/sign-in-settings", &session).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains("value=\"require\""), "{}", page.text());
        let answer = app.form("/cms/sign-in-settings", &session, &[("intent", "require")]).await;
        assert_eq!(answer.header("location"), "/cms/sign-in-settings?done=rules_saved", "{}", answer.text());

        let answer = app.get("/cms/events", &member).await;
        assert_eq!(answer.header("location"), "/cms/account/two-factor");
        let page = app.get("/cms/account/two-factor", &member).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains("asks for two-factor sign-in"), "{}", page.text());
        assert!(!page.text().contains("href=\"/cms/events\""), "nothing is offered that is not open");
        let answer = app.form("/cms/events", &member, &[("intent", "create"), ("name", "Party")]).await;
        assert_eq!(answer.header("location"), "/cms/account/two-factor");
        // Programs go on: what their token may do was decided by somebody who was asked.
        assert_eq!(app.get("/api/v1/events", &home.admin_token).await.status, StatusCode::OK);
        enrol(&app, &editor).await;
    }
}
