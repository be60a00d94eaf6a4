//! Archives over REST: made, looked at, downloaded in one piece and in two.

use axum::body::Body;
use axum::http::{StatusCode, header};

use crate::support::{Answer, App, As, PHOTO, apps, tenant, text};

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
