//! Erasures through their doors: REST, the CMS, the guest's own, and the public page that checks receipts.

use axum::body::Body;
use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use shutterpost_model::access::Role;

use crate::support::{Answer, App, As, apps, path_of, tenant, text};

async fn post(app: &App, who: &As, body: &Value) -> Answer {
    let request = app.request("POST", "/api/v1/erasures", who).header(header::CONTENT_TYPE, "application/json");
    app.send(request.body(Body::from(body.to_string())).expect("a request")).await
}

async fn delete(app: &App, path: &str, who: &As) -> Answer {
    app.send(app.request("DELETE", path, who).body(Body::empty()).expect("a request")).await
}

/// What the public page says of a receipt, without signing in.
async fn checked(app: &App, receipt: &str) -> String {
    let answer = app.form("/verify", &As::Nobody, &[("receipt", receipt)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let page = answer.text();
    let address = app.get(&format!("/verify?receipt={receipt}"), &As::Nobody).await.text();
    assert_eq!(page, address, "typed or followed, it is the same page");
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_client_erases_and_anybody_checks_the_receipt() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let guest = format!("/api/v1/guests/{}", home.guest);
        let first = delete(&app, &guest, &home.editor_token).await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.text());
        let first = first.json();
        assert_eq!(delete(&app, &guest, &home.editor_token).await.json(), first, "again, the same");
        assert_eq!(app.get(&guest, &home.editor_token).await.status, StatusCode::NOT_FOUND);
        let one = format!("/api/v1/erasures/{}", text(&first, "/id"));
        assert_eq!(app.get(&one, &home.editor_token).await.json(), first);
        assert_eq!(first["receipt"]["destroyed"]["guests"], 1);

        let receipt = text(&first, "/receipt/text");
        let page = checked(&app, &receipt).await;
        assert!(page.contains(&home.guest) && page.contains(&text(&first, "/id")), "{page}");
        let broken = checked(&app, &receipt[..receipt.len() - 4]).await;
        assert!(!broken.contains(&home.guest) || broken.contains(&receipt[..40]), "says nothing of what it names");
        assert_ne!(page, broken);
        let hostile = app.form("/verify", &As::Nobody, &[("receipt", "</textarea><script>alert(1)</script>")]).await;
        assert!(!hostile.text().contains("<script>alert"));

        let event = json!({ "kind": "event", "object": home.event });
        assert_eq!(post(&app, &home.editor_token, &event).await.status, StatusCode::FORBIDDEN);
        let answer = post(&app, &home.admin_token, &event).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        assert_eq!(answer.header("location"), format!("/api/v1/erasures/{}", text(&answer.json(), "/id")));
        assert!(answer.json()["finished_at"].is_null());
        assert_eq!(app.get(&format!("/api/v1/events/{}", home.event), &home.admin_token).await.status, 404);
        assert_eq!(app.get(&path_of(&home.view_url), &As::Nobody).await.status, StatusCode::NOT_FOUND);
        let all = app.get("/api/v1/erasures", &home.admin_token).await.json();
        assert_eq!(all["items"].as_array().map(Vec::len), Some(3));
        for (body, status) in [
            (json!({ "kind": "event", "object": "evt_x" }), StatusCode::NOT_FOUND),
            (json!({ "kind": "organisation", "object": home.organisation.as_str() }), StatusCode::UNPROCESSABLE_ENTITY),
            (json!({ "kind": "person", "object": "x" }), StatusCode::BAD_REQUEST),
            (json!({ "kind": "guest", "object": home.capture }), StatusCode::NOT_FOUND),
        ] {
            assert_eq!(post(&app, &home.admin_token, &body).await.status, status, "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_deletes_gets_a_receipt_to_keep() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let page = path_of(&home.owner_url);
        let answer = app.form(&format!("{page}/delete"), &As::Nobody, &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let to = answer.header("location").to_owned();
        let receipt = to.split("receipt=").nth(1).expect("a receipt").to_owned();
        let done = app.get(&to, &As::Nobody).await.text();
        assert!(done.contains(&receipt), "{done}");
        assert!(checked(&app, &receipt).await.contains(&home.capture));
        let forged = app.get(&to.replace(&receipt, "aGVsbG8.eA"), &As::Nobody).await.text();
        assert!(!forged.contains("aGVsbG8"), "what is not ours is not shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sees_every_erasure_and_ends_the_organisation() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let (owner, admin) = (app.sign_in(&home.email(Role::Owner)).await, app.sign_in(&home.email(Role::Admin)).await);
        let erased = app.form(&format!("/cms/captures/{}", home.capture), &admin, &[("intent", "erase")]).await;
        assert_eq!(erased.status, StatusCode::SEE_OTHER, "{}", erased.text());
        let page = erased.header("location").split('?').next().expect("a path").to_owned();
        let shown = app.get(&page, &owner).await.text();
        assert!(shown.contains(&home.capture), "{shown}");
        let file = app.get(&format!("{page}/receipt.txt"), &owner).await;
        assert!(file.header("content-disposition").starts_with("attachment"));
        assert!(checked(&app, &file.text()).await.contains(&home.capture));

        let end = |name: &'static str| [("intent", "erase_organisation"), ("confirm", name)];
        let wrong = app.form("/cms/privacy", &owner, &end("hone")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(app.form("/cms/privacy", &admin, &end("home")).await.status, StatusCode::FORBIDDEN);
        let ended = app.form("/cms/privacy", &owner, &end("home")).await;
        assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.text());
        let last = app.get(ended.header("location"), &As::Nobody).await.text();
        assert!(last.contains(home.organisation.as_str()), "{last}");
        for who in [&owner, &admin] {
            let answer = app.get("/cms/overview", who).await;
            assert!(answer.header("location").starts_with("/cms/sign-in"), "{}: {}", answer.status, answer.text());
        }
        assert_eq!(app.get("/api/v1/events", &home.admin_token).await.status, StatusCode::UNAUTHORIZED);
        app.work().await;
    }
}
