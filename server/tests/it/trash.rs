//! The trash through its doors: what was deleted answers as gone at once, and comes back as it was.

use axum::body::Body;
use axum::http::StatusCode;
use shutterpost_model::access::Role;
use shutterpost_model::time::DAY;

use crate::support::{Answer, App, As, PHOTO, apps, old_token, path_of, tenant, text};

async fn post(app: &App, path: &str, who: &As) -> Answer {
    app.send(app.request("POST", path, who).body(Body::empty()).expect("a request")).await
}

async fn status(app: &App, path: &str) -> StatusCode {
    app.get(path, &As::Nobody).await.status
}

/// Mails to somebody so far.
async fn mails(app: &App, to: &str) -> usize {
    app.work().await;
    app.outbox.list().await.expect("the outbox").iter().filter(|mail| mail.to.get() == to).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_deleted_in_the_cms_is_gone_everywhere_until_they_are_restored() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let (own, view) = (path_of(&home.owner_url), path_of(&home.view_url));
        let (admin, editor) =
            (app.sign_in(&home.email(Role::Admin)).await, app.sign_in(&home.email(Role::Editor)).await);
        let page = format!("/cms/captures/{}", home.capture);
        let delete = [("intent", "trash_guest"), ("guest", home.guest.as_str())];
        for _ in 0..2 {
            for path in [&own, &view, &home.picture] {
                assert_eq!(status(&app, path).await, StatusCode::OK, "{path}");
            }
            let answer = app.form(&page, &editor, &delete).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
            let to = answer.header("location").to_owned();
            assert_eq!(to, format!("/cms/events/{}?done=guest_deleted&undo={}", home.event, home.guest));
            // Their pages were cached a moment ago.
            for path in [&own, &view, &home.picture, &format!("{own}/delete")] {
                assert_eq!(status(&app, path).await, StatusCode::NOT_FOUND, "{path}");
            }
            assert_eq!(app.get(&page, &admin).await.status, StatusCode::NOT_FOUND);
            let guest = format!("/api/v1/guests/{}", home.guest);
            assert_eq!(app.get(&guest, &home.admin_token).await.status, StatusCode::NOT_FOUND);
            let list = format!("/api/v1/events/{}/captures", home.event);
            assert_eq!(app.get(&list, &home.admin_token).await.json()["total"], 0);

            // Undo, offered on the page that it leads to.
            let shown = app.get(&to, &admin).await.text();
            assert!(shown.contains(&format!("name=\"item\" value=\"{}\"", home.guest)), "{shown}");
            let trash = app.get("/cms/trash", &admin).await.text();
            assert!(trash.contains("g…@h….example") && trash.contains("editor of home"), "{trash}");
            let next = format!("/cms/events/{}", home.event);
            let undo = [("intent", "restore"), ("item", home.guest.as_str()), ("next", next.as_str())];
            assert_eq!(app.form("/cms/trash", &editor, &undo).await.status, StatusCode::FORBIDDEN);
            let answer = app.form("/cms/trash", &admin, &undo).await;
            assert_eq!(answer.header("location"), format!("{next}?done=trash_restored&n=1"));
        }
        assert_eq!(status(&app, &own).await, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_whoever_is_in_the_trash() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let admin = app.sign_in(&home.email(Role::Admin)).await;
        let email = "guest@home.example";
        let answer = post(&app, &format!("/api/v1/guests/{}/trash", home.guest), &home.editor_token).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
        assert_eq!(mails(&app, email).await, 0);
        let again = [("intent", "send_again"), ("message", home.message.as_str())];
        assert_eq!(app.form("/cms/messages", &admin, &again).await.status, StatusCode::CONFLICT);
        assert!(!app.get("/cms/messages", &admin).await.text().contains(&home.message));
        let answer = post(&app, &format!("/api/v1/trash/{}/restore", home.guest), &home.admin_token).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
        assert_eq!(app.form("/cms/messages", &admin, &again).await.status, StatusCode::SEE_OTHER);
        assert_eq!(mails(&app, email).await, 1, "the control");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_the_trash_takes_no_uploads_and_shows_no_page() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let admin = app.sign_in(&home.email(Role::Admin)).await;
        let (own, logo) = (path_of(&home.owner_url), home.picture.replace("web-1.webp", "logo.png"));
        for path in [&own, &home.picture] {
            assert_eq!(status(&app, path).await, StatusCode::OK, "{path}");
        }
        let settings = format!("/cms/events/{}/settings", home.event);
        let answer = app.form(&settings, &admin, &[("intent", "delete")]).await;
        assert_eq!(answer.header("location"), format!("/cms/events?done=event_deleted&undo={}", home.event));
        for path in [&own, &home.picture, &logo] {
            assert_eq!(status(&app, path).await, StatusCode::NOT_FOUND, "{path}");
        }
        let upload = app.upload(&home.event, &home.device, "late", PHOTO, None).await;
        assert_eq!(upload.status, StatusCode::UNAUTHORIZED, "{}", upload.text());
        let upload = app.upload(&home.event, &home.admin_token, "late", PHOTO, None).await;
        assert_eq!(upload.status, StatusCode::NOT_FOUND, "{}", upload.text());
        assert_eq!(app.get(&settings, &admin).await.status, StatusCode::NOT_FOUND);

        let restored = app.form("/cms/trash", &admin, &[("intent", "restore"), ("item", &home.event)]).await;
        assert_eq!(restored.header("location"), "/cms/trash?done=trash_restored&n=1");
        assert_eq!(status(&app, &own).await, StatusCode::OK);
        let upload = app.upload(&home.event, &home.device, "late", PHOTO, None).await;
        assert_eq!(upload.status, StatusCode::CREATED, "{}", upload.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_is_out_in_the_same_moment_and_back_with_a_restoration() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let admin = app.sign_in(&home.email(Role::Admin)).await;
        let user = app.actor(&admin).await.user().expect("a person").to_string();
        assert_eq!(app.get("/cms/people", &admin).await.status, StatusCode::OK);
        app.form("/cms/people", &owner, &[("intent", "remove"), ("user", &user)]).await;
        let answer = app.get("/cms/people", &admin).await;
        assert!(answer.header("location").starts_with("/cms/sign-in"), "{}", answer.status);
        let nowhere = app.sign_in(&home.email(Role::Admin)).await;
        assert_eq!(app.get("/cms/people", &nowhere).await.status, StatusCode::FORBIDDEN);
        let trash = app.get("/cms/trash?kind=member", &owner).await.text();
        assert!(trash.contains("admin@home.example") && trash.contains("Owner of home"), "{trash}");
        let fields = [("intent", "restore"), ("item", user.as_str()), ("item", home.removed.as_str())];
        let answer = app.form("/cms/trash?kind=member", &owner, &fields).await;
        assert_eq!(answer.header("location"), "/cms/trash?kind=member&done=trash_restored&n=2");
        assert_eq!(app.get("/cms/people", &nowhere).await.status, StatusCode::OK, "with the role of before");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_client_deletes_and_restores() {
    for app in apps().await {
        let (home, other) = (tenant(&app, "home").await, tenant(&app, "other").await);
        let trash = format!("/api/v1/guests/{}/trash", home.guest);
        let restore = format!("/api/v1/trash/{}/restore", home.guest);
        for _ in 0..2 {
            assert_eq!(post(&app, &trash, &home.editor_token).await.status, StatusCode::NO_CONTENT);
        }
        let listed = app.get("/api/v1/trash?kind=guest", &home.admin_token).await.json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
        assert_eq!(
            (&listed["items"][0]["object"], &listed["items"][0]["event"]),
            (&home.guest.clone().into(), &home.event.clone().into())
        );
        assert_eq!(text(&listed, "/items/0/kind"), "guest");
        assert!(!listed.to_string().contains("@"), "no contact data: {listed}");
        let all = app.get("/api/v1/trash", &home.admin_token).await.json();
        assert_eq!(all["items"].as_array().map(Vec::len), Some(1), "without the member who was removed: {all}");
        let member = format!("/api/v1/trash/{}/restore", home.removed);
        let answer = post(&app, &member, &home.admin_token).await;
        assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::FORBIDDEN, &"role_too_high".into()));
        // A token from before there were scopes does what its role may, as it did.
        let old = old_token(&app, &app.sign_in(&home.email(Role::Owner)).await).await;
        let all = app.get("/api/v1/trash", &old).await.json();
        assert_eq!(all["items"].as_array().map(Vec::len), Some(2), "with the member who was removed: {all}");
        assert_eq!(post(&app, &member, &old).await.status, StatusCode::NO_CONTENT);
        for (path, code) in [("?kind=person", 422), ("?cursor=x", 400), ("?page=2", 400)] {
            let answer = app.get(&format!("/api/v1/trash{path}"), &home.admin_token).await;
            assert_eq!(answer.status.as_u16(), code, "{path}");
        }
        for who in [&home.editor_token, &home.viewer_token, &home.device] {
            assert_eq!(post(&app, &restore, who).await.status, StatusCode::FORBIDDEN);
        }
        assert_eq!(post(&app, &restore, &other.admin_token).await.status, StatusCode::NOT_FOUND);
        for _ in 0..2 {
            assert_eq!(post(&app, &restore, &home.admin_token).await.status, StatusCode::NO_CONTENT);
        }
        assert_eq!(status(&app, &path_of(&home.owner_url)).await, StatusCode::OK);
        assert_eq!(post(&app, "/api/v1/trash/nonsense/restore", &home.admin_token).await.status, StatusCode::NOT_FOUND);

        // A month later there is no way back, though the sweep has not come yet.
        assert_eq!(post(&app, &trash, &home.editor_token).await.status, StatusCode::NO_CONTENT);
        app.database.clock.advance(30 * DAY + 1);
        assert_eq!(post(&app, &restore, &home.admin_token).await.status, StatusCode::NOT_FOUND);
        assert_eq!(status(&app, &path_of(&home.owner_url)).await, StatusCode::NOT_FOUND);
    }
}
