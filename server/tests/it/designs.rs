//! Picture designs over REST: a file, a design, and all captures with it.

use axum::body::Body;
use axum::http::{StatusCode, header};
use serde_json::json;

use crate::support::{Answer, App, As, Tenant, apps, multipart, path_of, tenant, text};

const MULTIPART: &str = "multipart/form-data; boundary=line";
const DRAWING: &[u8] =
    br##"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path fill="#0a0" d="M0 0h9v9H0z"/></svg>"##;

async fn save(app: &App, home: &Tenant, who: &As, body: &serde_json::Value) -> Answer {
    let request = app.request("PUT", &format!("/api/v1/events/{}/design", home.event), who);
    let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()));
    app.send(request.expect("a request")).await
}

async fn post(app: &App, home: &Tenant, who: &As, what: &str) -> Answer {
    let path = format!("/api/v1/events/{}/design/{what}", home.event);
    app.post(&path, who, "application/json", Body::empty()).await
}

async fn add(app: &App, home: &Tenant, kind: &str, bytes: &[u8]) -> Answer {
    let parts =
        [("kind", None, kind.as_bytes().to_vec()), ("name", None, b"Green".to_vec()), ("file", None, bytes.into())];
    let path = format!("/api/v1/events/{}/design/files", home.event);
    app.post(&path, &home.editor_token, MULTIPART, multipart(&parts)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gives_an_event_a_design_and_takes_it_back() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let (kind, who) = (app.database.kind, &home.editor_token);
        let path = format!("/api/v1/events/{}/design", home.event);
        let before = app.get(&path, &home.viewer_token).await.json();
        assert_eq!((&before["version"], &before["design"]["same_for_all"]), (&0.into(), &true.into()), "{kind}");
        let refused = save(&app, &home, &home.viewer_token, &json!({ "version": 0, "design": {} })).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{kind}");

        let added = add(&app, &home, "logo", DRAWING).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
        assert_eq!((&added.json()["name"], &added.json()["kind"]), (&"Green".into(), &"logo".into()), "{kind}");
        let file = text(&added.json(), "/id");
        let script = add(&app, &home, "logo", br#"<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>"#).await;
        assert_eq!(script.status, StatusCode::UNPROCESSABLE_ENTITY, "{kind}");
        assert!(script.text().contains("drawing_script"), "{}", script.text());

        let remove = async |who: &As| {
            let request = app.request("DELETE", &format!("{path}/files/{file}"), who).body(Body::empty());
            app.send(request.expect("a request")).await
        };
        let logo = |size: u16| json!({ "file": file, "place": "bottom_right", "size": size, "margin": 40 });
        let wrong = json!({ "version": 0, "design": { "landscape": { "logo": logo(5) } } });
        let answer = save(&app, &home, who, &wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{kind}");
        assert!(answer.text().contains("landscape.logo.size"), "{}", answer.text());
        let right = json!({ "version": 0, "design": { "landscape": { "logo": logo(400) } } });
        let answer = save(&app, &home, who, &right).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "version": 1 })), "{kind}");
        assert_eq!(save(&app, &home, who, &right).await.status, StatusCode::CONFLICT, "{kind}");
        let named = remove(who).await;
        assert!(named.status == StatusCode::CONFLICT && named.text().contains("design_file_used"), "{kind}");
        assert_eq!(save(&app, &home, who, &json!([])).await.status, StatusCode::BAD_REQUEST, "{kind}");

        app.finish().await;
        let begun = post(&app, &home, who, "apply").await.json();
        assert_eq!((&begun["state"], &begun["done"]), (&"running".into(), &0.into()), "{kind}");
        assert_eq!(post(&app, &home, who, "pause").await.json()["state"], "paused", "{kind}");
        app.finish().await;
        let progress = format!("{path}/progress");
        assert_eq!(app.get(&progress, &home.viewer_token).await.json()["state"], "paused", "{kind}");
        assert_eq!(post(&app, &home, who, "resume").await.json()["state"], "running", "{kind}");
        app.finish().await;
        let done = app.get(&progress, &home.viewer_token).await.json();
        assert_eq!(
            (&done["state"], &done["done"], &done["failed"]),
            (&"done".into(), &done["all"], &0.into()),
            "{kind}"
        );
        // The page shows the next revision, and what was sent before still shows a picture.
        let page = app.get(&path_of(&home.view_url), &As::Nobody).await;
        assert!(page.status == StatusCode::OK && page.text().contains("web-2."), "{kind}");
        assert_eq!(app.get(&home.picture, &As::Nobody).await.status, StatusCode::OK, "{kind}");

        assert_eq!(post(&app, &home, who, "undo").await.json()["state"], "undoing", "{kind}");
        app.finish().await;
        let undone = app.get(&progress, who).await.json();
        assert_eq!((&undone["state"], &undone["can_undo"]), (&"done".into(), &false.into()), "{kind}");
        assert_eq!(post(&app, &home, who, "undo").await.status, StatusCode::CONFLICT, "{kind}");
        let plain = app.get(&path, who).await.json();
        let unused = plain["files"].as_array().expect("files").iter().filter(|file| file["used"] == false).count();
        assert_eq!((&plain["version"], unused), (&2.into(), 2), "{kind}");
        // Nothing needs it any more.
        assert_eq!(remove(&home.viewer_token).await.status, StatusCode::FORBIDDEN, "{kind}");
        assert_eq!(remove(who).await.status, StatusCode::NO_CONTENT, "{kind}");
        assert_eq!(remove(who).await.status, StatusCode::NOT_FOUND, "{kind}");
    }
}
