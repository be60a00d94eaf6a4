//! API tokens as programs meet them: what is said about a token, and what is said when it does not suffice.

use axum::body::Body;
use axum::http::{StatusCode, header};
use shutterpost_model::access::Role;
use shutterpost_model::time::DAY;

use crate::support::{ADMIN, Answer, App, As, PHOTO, apps, issued, tenant, token};

const TOKEN: &str = "/api/v1/token";

async fn post(app: &App, path: &str, who: &As, body: &str) -> Answer {
    let request = app.request("POST", path, who).header(header::CONTENT_TYPE, "application/json");
    app.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_learns_what_it_may_and_for_how_long() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let who = token(&app, &owner, "Camera", &["captures:upload", "events:read"]).await;
        let answer = app.get(TOKEN, &who).await;
        let told = answer.json();
        assert_eq!(told["name"], "Camera");
        assert_eq!(told["scopes"], serde_json::json!(["events:read", "captures:upload"]));
        assert_eq!(told["expires_at"], app.deps.world.now().plus(90 * DAY).rfc3339());
        assert_eq!(told.as_object().expect("an object").len(), 5, "{told}");
        let As::Bearer(secret) = &who else { panic!("a bearer secret") };
        assert!(!answer.text().contains(secret.as_str()));
        assert_eq!(answer.header("www-authenticate"), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_is_named_and_a_missing_role_is_not() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let who = token(&app, &owner, "Guests", &["guests:write"]).await;
        let scope = |answer: &Answer| {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
            let problem = answer.json();
            assert_eq!(problem["code"], "insufficient_scope");
            let scope = problem["scope"].as_str().expect("a scope").to_owned();
            let challenge = format!(r#"Bearer realm="shutterpost", error="insufficient_scope", scope="{scope}""#);
            assert_eq!(answer.header("www-authenticate"), challenge);
            scope
        };
        assert_eq!(scope(&app.get("/api/v1/events", &who).await), "events:read");
        assert_eq!(scope(&app.upload(&home.event, &who, "k", PHOTO, None).await), "captures:upload");
        // The route lets it in; what it asks for needs more.
        let erasure = format!(r#"{{"kind":"capture","object":"{}"}}"#, home.capture);
        assert_eq!(scope(&post(&app, "/api/v1/erasures", &who, &erasure).await), "privacy:manage");
        let german = app.request("GET", "/api/v1/trash", &who).header("accept-language", "de");
        let answer = app.send(german.body(Body::empty()).expect("a request")).await;
        assert_eq!(scope(&answer), "trash:manage");
        assert!(answer.json()["title"].as_str().expect("a title").contains("Scope"), "{}", answer.text());

        let answer = app.get("/api/v1/events", &home.device).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (StatusCode::FORBIDDEN, ""));
        assert_eq!(answer.json()["code"], "forbidden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_and_a_wrong_one_are_asked_for_in_their_own_words() {
    const INVALID: &str = r#"Bearer realm="shutterpost", error="invalid_token""#;
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        for (who, challenge) in [
            (As::Nobody, r#"Bearer realm="shutterpost""#),
            (owner, r#"Bearer realm="shutterpost""#),
            (As::Bearer("spt_unknown".into()), INVALID),
            (As::Bearer(String::new()), INVALID),
        ] {
            let answer = app.get(TOKEN, &who).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert_eq!(answer.header("www-authenticate"), challenge);
        }
        assert_eq!(app.get(TOKEN, &home.viewer_token).await.status, StatusCode::OK);
        app.database.clock.advance(90 * DAY - 1);
        assert_eq!(app.get(TOKEN, &home.viewer_token).await.status, StatusCode::OK);
        app.database.clock.advance(1);
        let answer = app.get(TOKEN, &home.viewer_token).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (StatusCode::UNAUTHORIZED, INVALID));
        let page = app.get("/cms/overview", &As::Nobody).await;
        assert_eq!(page.header("www-authenticate"), "", "browsers are not asked for a token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_see_captures_does_not_see_guests() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let path = format!("/api/v1/captures/{}", home.capture);
        let blind = token(&app, &owner, "Wall", &["captures:read"]).await;
        assert_eq!(app.get(&path, &blind).await.json()["guests"], serde_json::json!([]));
        let seeing = token(&app, &owner, "CRM", &["captures:read", "guests:read"]).await;
        assert_eq!(app.get(&path, &seeing).await.json()["guests"][0]["id"], home.guest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn presets_stand_for_scopes_and_unknown_ones_for_nothing() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let admin = app.sign_in(&home.email(Role::Admin)).await;
        for (preset, scopes) in [
            ("upload", &["captures:upload"][..]),
            ("read", &["events:read", "captures:read", "guests:read"]),
            ("all", ADMIN),
        ] {
            // What is ticked under another choice is not meant.
            let fields = [
                ("intent", "create"),
                ("name", preset),
                ("preset", preset),
                ("scope", "trash:manage"),
                ("expires", "7"),
            ];
            let who = issued(&app, "/cms/tokens", &admin, &fields).await;
            assert_eq!(app.get(TOKEN, &who).await.json()["scopes"], serde_json::json!(scopes));
        }
        let before = app.database.count("identity_tokens", "1 = 1").await;
        for (preset, scope, expires, until) in [
            ("choose", "people:manage", "7", ""),
            ("choose", "", "7", ""),
            ("owner", "events:read", "7", ""),
            ("read", "", "", ""),
            ("read", "", "3650", ""),
            ("read", "", "date", ""),
            ("read", "", "date", "2099-01-01"),
        ] {
            let fields = [
                ("intent", "create"),
                ("name", "Odd"),
                ("preset", preset),
                ("scope", scope),
                ("expires", expires),
                ("until", until),
            ];
            let answer = app.form("/cms/tokens", &admin, &fields).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            assert!(!answer.text().contains("issued-secret"), "{fields:?}");
        }
        assert_eq!(app.database.count("identity_tokens", "1 = 1").await, before);
    }
}
