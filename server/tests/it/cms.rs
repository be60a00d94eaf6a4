//! The CMS without script: pages as they are first sent, and forms.

use axum::http::StatusCode;
use shutterpost_model::access::Role;
use shutterpost_model::time::DAY;

use crate::support::{As, PASSWORD, apps, cookie_of, tenant};

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_whole_before_any_script_runs() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        for (path, holds) in [
            ("/cms/overview".to_owned(), "Party"),
            ("/cms/events".to_owned(), "Party"),
            (format!("/cms/events/{}", home.event), home.capture.as_str()),
            (format!("/cms/events/{}/settings", home.event), "Europe/Berlin"),
            (format!("/cms/events/{}/branding", home.event), "#2f5bd7"),
            (format!("/cms/events/{}/design", home.event), "name=\"landscape.filter\""),
            (format!("/cms/events/{}/devices", home.event), "Booth"),
            (format!("/cms/captures/{}", home.capture), "qr.svg"),
            ("/cms/messages".to_owned(), "g…@h….example"),
            ("/cms/people".to_owned(), "viewer@home.example"),
            ("/cms/tokens".to_owned(), "spt_"),
            ("/cms/audit".to_owned(), &home.capture),
            ("/cms/account".to_owned(), "owner@home.example"),
        ] {
            let answer = app.get(&path, &owner).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert!(answer.text().contains(holds), "{path} holds no {holds}:\n{}", answer.text());
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            let policy = answer.header("content-security-policy");
            assert!(policy.contains("'strict-dynamic'") && !policy.contains("unsafe-inline"), "{policy}");
            assert!(!answer.text().contains(" style=\""), "{path} has an inline style");
        }
        // Guests' addresses are masked until somebody asks.
        assert!(
            !app.get(&format!("/cms/captures/{}", home.capture), &owner).await.text().contains("guest@home.example")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_form_comes_back_with_what_was_typed() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let fields = [
            ("name", "</textarea><script>alert(1)</script>"),
            ("starts_on", "2027-05-02"),
            ("ends_on", "2027-05-01"),
            ("time_zone", "Europe/Berlin"),
            ("retention_days", "30"),
        ];
        let answer = app.form("/cms/events/new", &owner, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let page = answer.text();
        assert!(page.contains("2027-05-02") && !page.contains("<script>alert(1)"), "{page}");
        let unknown =
            app.form("/cms/sign-in", &As::Nobody, &[("email", "who@home.example"), ("password", PASSWORD)]).await;
        assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
        assert!(unknown.text().contains("who@home.example") && !unknown.text().contains(PASSWORD));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_accounts_and_wrong_passwords_look_alike() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let known = home.email(Role::Viewer);
        let ask = async |email: &str| {
            let answer =
                app.form("/cms/sign-in", &As::Nobody, &[("email", email), ("password", "wrong-wrong-wrong")]).await;
            // The request id and the nonce differ in every answer, the address is what was typed.
            let page = answer.text().replace(email, "");
            (answer.status, answer.headers.get("set-cookie").is_some(), page.split("req_").count(), page.len() / 64)
        };
        let wrong = ask(&known).await;
        let unknown = ask("nobody@home.example").await;
        assert_eq!(wrong, unknown);
        assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_on_the_server() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let session = app.sign_in(&home.email(Role::Viewer)).await;
        assert_eq!(app.get("/cms/overview", &session).await.status, StatusCode::OK);
        let out = app.form("/cms/sign-out", &session, &[]).await;
        assert!(out.header("set-cookie").contains("Max-Age=0") && out.header("clear-site-data").contains("storage"));
        assert_eq!(app.get("/cms/overview", &session).await.status, StatusCode::SEE_OTHER);

        let idle = app.sign_in(&home.email(Role::Viewer)).await;
        app.database.clock.advance(61 * 60_000);
        assert_eq!(app.get("/cms/overview", &idle).await.status, StatusCode::SEE_OTHER);

        let kept = [("email", home.email(Role::Viewer)), ("password", PASSWORD.into()), ("remember", "on".into())];
        let kept: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let kept = app.form("/cms/sign-in", &As::Nobody, &kept).await;
        assert!(kept.header("set-cookie").contains("Max-Age="));
        let kept = As::Cookie(cookie_of(&kept));
        app.database.clock.advance(13 * DAY);
        assert_eq!(app.get("/cms/overview", &kept).await.status, StatusCode::OK);
        app.database.clock.advance(18 * DAY);
        assert_eq!(app.get("/cms/overview", &kept).await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_joins_by_the_mailed_link() {
    for app in apps().await {
        tenant(&app, "home").await;
        app.work().await;
        let mails = app.outbox.list().await.expect("the outbox");
        let mail = mails.iter().find(|mail| mail.to.get() == "new@home.example").expect("the invitation");
        let text = mail.text.get();
        let start = text.find("/cms/invitation/").expect("a link");
        let link: String = text[start..].split_whitespace().next().expect("a link").to_owned();
        assert_eq!(app.get(&link, &As::Nobody).await.status, StatusCode::OK);
        let fields = [("name", "New Person"), ("password", "walnut-orbit-candle-93"), ("language", "de")];
        let joined = app.form(&link, &As::Nobody, &fields).await;
        assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.text());
        let session = As::Cookie(cookie_of(&joined));
        let page = app.get("/cms/overview", &session).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains("<html lang=\"de\""), "the chosen language");
        assert_eq!(app.form(&link, &As::Nobody, &fields).await.status, StatusCode::GONE, "a link works once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_is_mailed_once_with_its_owner_link() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        app.work().await;
        app.work().await;
        let mails = app.outbox.list().await.expect("the outbox");
        let photos: Vec<_> = mails.iter().filter(|mail| mail.to.get() == "guest@home.example").collect();
        assert_eq!(photos.len(), 1);
        assert!(photos[0].text.get().contains(&home.owner_url), "{}", photos[0].text.get());
        assert!(photos[0].html.get().contains(&home.owner_url));
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let found = app.capture(&owner, &home.capture).await;
        assert_eq!(found["messages"][0]["state"], "sent");
        let again = [("intent", "send_again"), ("message", home.message.as_str())];
        let again = app.form(&format!("/cms/captures/{}", home.capture), &owner, &again).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
        app.work().await;
        let mails = app.outbox.list().await.expect("the outbox");
        assert_eq!(mails.iter().filter(|mail| mail.to.get() == "guest@home.example").count(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_leaves_exactly_one_audit_entry() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let count = async || {
            let dump = app.database.dump().await;
            dump.matches("aud_").count()
        };
        let event = format!("/cms/events/{}", home.event);
        let capture = format!("/cms/captures/{}", home.capture);
        let steps: Vec<(String, Vec<(&str, &str)>)> = vec![
            (
                format!("{event}/settings"),
                vec![
                    ("intent", "save"),
                    ("name", "Gala"),
                    ("starts_on", "2027-01-15"),
                    ("ends_on", "2027-01-16"),
                    ("time_zone", "UTC"),
                    ("retention_days", "90"),
                    ("version", "2"),
                ],
            ),
            (format!("{event}/devices"), vec![("intent", "create"), ("name", "Second")]),
            (format!("{event}/devices"), vec![("intent", "revoke"), ("device", &home.device_id)]),
            (event.clone(), vec![("intent", "delete"), ("capture", &home.capture)]),
            (event.clone(), vec![("intent", "restore"), ("capture", &home.capture)]),
            (capture.clone(), vec![("intent", "renew_link"), ("link", &home.link)]),
            (capture.clone(), vec![("intent", "revoke_link"), ("link", &home.link)]),
            (capture.clone(), vec![("intent", "delete_guest"), ("guest", &home.guest)]),
            ("/cms/people".into(), vec![("intent", "renew"), ("invitation", &home.invitation)]),
            ("/cms/people".into(), vec![("intent", "revoke"), ("invitation", &home.invitation)]),
            (
                "/cms/tokens".into(),
                vec![("intent", "renew"), ("token", &home.token_id), ("expires", "7"), ("replaced", "overlaps")],
            ),
            ("/cms/tokens".into(), vec![("intent", "end_previous"), ("token", &home.token_id)]),
            ("/cms/tokens".into(), vec![("intent", "revoke"), ("token", &home.token_id)]),
            ("/cms/account".into(), vec![("intent", "profile"), ("name", "Renamed"), ("language", "en")]),
            (format!("{event}/settings"), vec![("intent", "delete")]),
        ];
        for (path, fields) in steps {
            let before = count().await;
            let answer = app.form(&path, &owner, &fields).await;
            assert!(
                answer.status.is_redirection() || answer.status.is_success(),
                "{path} {fields:?}: {}",
                answer.status
            );
            assert_eq!(count().await, before + 1, "{path} {fields:?} on {}", app.database.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_every_session_and_begins_another() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let here = app.sign_in(&home.email(Role::Editor)).await;
        let elsewhere = app.sign_in(&home.email(Role::Editor)).await;
        let change = [("intent", "password"), ("current", PASSWORD), ("new", "quarry-violet-lantern-77-tide")];
        let answer = app.form("/cms/account", &here, &change).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let fresh = As::Cookie(cookie_of(&answer));
        for ended in [&here, &elsewhere] {
            let page = app.get("/cms/overview", ended).await;
            assert!(page.header("location").starts_with("/cms/sign-in"), "on {}", app.database.kind);
        }
        assert_eq!(app.get("/cms/overview", &fresh).await.status, StatusCode::OK);
    }
}
