//! Archives over REST: made, looked at, downloaded in one piece and in two.

use axum::body::Body;
use axum::http::{StatusCode, header};

use shutterpost_model::access::Role;

use crate::support::{Answer, App, As, PASSWORD, PHOTO, apps, tenant, text};

async fn make(app: &App, who: &As, event: &str, body: &str) -> Answer {
    let request = app.request("POST", &format!("/api/v1/events/{event}/exports"), who);
    let request = request.header("idempotency-key", "an export").header(header::CONTENT_TYPE, "application/json");
    app.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

async fn get(app: &App, who: &As, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = app.request(method, path, who);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::empty()).expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_downloaded_in_one_piece_and_in_two() {
    for app in apps().await {
        let (home, other) = (tenant(&app, "home").await, tenant(&app, "other").await);
        let who = &home.editor_token;
        let answer = app.upload(&home.event, &home.device, "second", PHOTO, None).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let answer = make(&app, who, &home.event, "{}").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        let id = text(&answer.json(), "/id");
        let place = format!("/api/v1/exports/{id}");
        assert_eq!(answer.header("location"), place);
        assert_eq!(answer.json()["state"], "preparing");
        let archive = format!("{place}/archive");
        assert_eq!(get(&app, who, "GET", &archive, &[]).await.status, StatusCode::CONFLICT);
        app.work().await;
        let found = get(&app, who, "GET", &place, &[]).await.json();
        assert_eq!((&found["state"], &found["captures"]), (&"ready".into(), &2.into()), "{found}");
        assert_eq!(found["archive"], archive.as_str());

        let whole = get(&app, who, "GET", &archive, &[]).await;
        assert_eq!((whole.status, whole.header("content-type")), (StatusCode::OK, "application/zip"));
        let bytes = whole.body.clone();
        let length = bytes.len().to_string();
        assert_eq!((whole.header("content-length"), whole.header("accept-ranges")), (&*length, "bytes"));
        assert_eq!(found["length"], bytes.len());
        assert!(bytes.starts_with(b"PK\x03\x04") && bytes.windows(4).any(|window| window == b"PK\x05\x06"));
        let etag = whole.header("etag").to_owned();
        let head = get(&app, who, "HEAD", &archive, &[]).await;
        assert_eq!((head.status, head.header("content-length"), head.body.len()), (StatusCode::OK, &*length, 0));

        let cut = bytes.len() / 10 * 9;
        let range = format!("bytes={cut}-");
        let rest = get(&app, who, "GET", &archive, &[("range", &range), ("if-range", &etag)]).await;
        assert_eq!(rest.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(rest.header("content-range"), format!("bytes {cut}-{}/{length}", bytes.len() - 1));
        assert!(rest.body[..] == bytes[cut..], "{}", app.database.kind);
        let part = get(&app, who, "GET", &archive, &[("range", "bytes=10-19")]).await;
        assert_eq!((part.header("content-length"), &part.body[..]), ("10", &bytes[10..20]));
        let another = get(&app, who, "GET", &archive, &[("range", &range), ("if-range", "\"exp_other\"")]).await;
        assert_eq!((another.status, another.body.len()), (StatusCode::OK, bytes.len()), "not a part of another");
        let behind = get(&app, who, "GET", &archive, &[("range", &format!("bytes={length}-"))]).await;
        assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE);
        let known = get(&app, who, "GET", &archive, &[("if-none-match", &etag)]).await;
        assert_eq!(known.status, StatusCode::NOT_MODIFIED);

        for path in [&place, &archive] {
            let stranger = get(&app, &other.editor_token, "GET", path, &[("range", &range)]).await;
            assert_eq!(stranger.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(get(&app, &home.viewer_token, "GET", path, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        for wrong in ["{", "{\"capture\":[]}", "[]", "{\"captures\":[1]}"] {
            let request = app.request("POST", &format!("/api/v1/events/{}/exports", home.event), who);
            let request = request.header("idempotency-key", "wrong").body(Body::from(wrong)).expect("a request");
            assert_eq!(app.send(request).await.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        let request = app.request("POST", &format!("/api/v1/events/{}/exports", home.event), who);
        let answer = app.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(text(&answer.json(), "/code"), "key_missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cms_makes_archives_and_lets_them_be_resumed() {
    for app in apps().await {
        let (home, other) = (tenant(&app, "home").await, tenant(&app, "other").await);
        let editor = app.sign_in(&home.email(Role::Editor)).await;
        let (grid, page) = (format!("/cms/events/{}", home.event), format!("/cms/events/{}/exports", home.event));
        let selected = [("intent", "export"), ("capture", &*home.capture)];
        for _ in 0..2 {
            let answer = app.form(&grid, &editor, &selected).await;
            assert_eq!(answer.header("location"), format!("{page}?done=export_made"), "{}", answer.text());
        }
        let actor = app.actor(&editor).await;
        let event = home.event.parse().expect("an id");
        let exports = &app.http.services().exports;
        // The tenant's own was there before.
        let listed = exports.list(&actor, &event).await.expect("listed");
        assert_eq!(listed.len(), 2, "{}: sent twice, it is one", app.database.kind);
        let id = &listed[0].id;
        app.work().await;
        let html = app.get(&page, &editor).await.text();
        let archive = format!("/cms/exports/{id}/archive");
        assert!(html.contains(&format!("href=\"{archive}\"")) && html.contains("Ready"), "{html}");
        let whole = get(&app, &editor, "GET", &archive, &[]).await;
        assert_eq!((whole.status, whole.header("content-type")), (StatusCode::OK, "application/zip"));
        assert!(whole.header("content-disposition").starts_with("attachment;"));
        let (cut, etag) = (whole.body.len() / 2, whole.header("etag").to_owned());
        let headers = [("range", &*format!("bytes={cut}-")), ("if-range", &*etag)];
        let rest = get(&app, &editor, "GET", &archive, &headers).await;
        assert!(rest.status == StatusCode::PARTIAL_CONTENT && rest.body[..] == whole.body[cut..]);
        let stranger = app.sign_in(&other.email(Role::Owner)).await;
        assert_eq!(app.get(&archive, &stranger).await.status, StatusCode::NOT_FOUND);
        assert_eq!(app.form(&grid, &editor, &[("intent", "export")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_leave_in_an_archive_for_owners_who_show_who_they_are() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let page = format!("/cms/events/{}/exports", home.event);
        let create = [("intent", "create"), ("people", "on"), ("key", "none")];
        let admin = app.sign_in(&home.email(Role::Admin)).await;
        assert_eq!(app.form(&page, &admin, &create).await.status, StatusCode::FORBIDDEN);
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let answer = app.form(&page, &owner, &create).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let again = app.form(&page, &owner, &create).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER);
        app.work().await;
        let actor = app.actor(&owner).await;
        let event = home.event.parse().expect("an id");
        let listed = app.http.services().exports.list(&actor, &event).await.expect("listed");
        let made: Vec<_> = listed.iter().filter(|export| export.people).collect();
        assert_eq!(made.len(), 1, "{}: sent twice, it is one", app.database.kind);
        let id = made[0].id.to_string();
        let download = [("intent", "download"), ("export", &*id)];
        let answer = app.form(&page, &owner, &download).await;
        let archive = format!("/cms/exports/{id}/archive");
        assert_eq!(answer.header("location"), archive);
        let whole = get(&app, &owner, "GET", &archive, &[]).await;
        assert_eq!(whole.status, StatusCode::OK);
        assert!(whole.body.windows(11).any(|window| window == b"consents.cs"));
        for path in [&archive, &format!("/api/v1/exports/{id}/archive")] {
            let who = if path.starts_with("/api") { &home.admin_token } else { &admin };
            assert_eq!(get(&app, who, "GET", path, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
        }

        // A quarter of an hour later the page asks once more, and the proof leads on.
        app.database.clock.advance(16 * 60_000);
        assert_eq!(get(&app, &owner, "GET", &archive, &[]).await.status, StatusCode::FORBIDDEN);
        let asked = app.form(&page, &owner, &download).await;
        assert!(asked.status == StatusCode::FORBIDDEN && asked.text().contains("name=\"proof\""), "{}", asked.text());
        let proved = app.form(&page, &owner, &[&download[..], &[("proof", PASSWORD)]].concat()).await;
        assert_eq!((proved.status, proved.header("location")), (StatusCode::SEE_OTHER, &*archive), "{}", proved.text());
        let mails = app.outbox.list().await.expect("the outbox");
        let told = mails.iter().filter(|mail| mail.subject.get() == "An archive with guests and consents was made");
        assert_eq!(told.count(), 1, "{}", app.database.kind);
    }
}
