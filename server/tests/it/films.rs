//! Films and animations, from the upload to the bytes that a browser plays.

use axum::body::Body;
use axum::http::StatusCode;
use shutterpost_model::access::Role;

use crate::support::{Answer, App, As, Tenant, apps, multipart, path_of, tenant};

const FILM: &[u8] = include_bytes!("../../backend/src/ingest/fixture/film.mp4");
const GIF: &[u8] = include_bytes!("../../backend/src/ingest/fixture/moving.gif");

/// Uploads over REST; gives the capture and its media token.
async fn taken(app: &App, home: &Tenant, key: &str, declared: &str, bytes: &[u8]) -> (String, String) {
    let request = app
        .request("POST", &format!("/api/v1/events/{}/captures", home.event), &home.device)
        .header("idempotency-key", key)
        .header("content-type", "multipart/form-data; boundary=line")
        .body(Body::from(multipart(&[("file", Some(declared), bytes.to_vec())])));
    let answer = app.send(request.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let accepted = answer.json();
    let text = |name: &str| accepted[name].as_str().expect("text").to_owned();
    let page = app.get(&path_of(&text("share_url")), &As::Nobody).await.text();
    let token = page.split("/m/").nth(1).and_then(|rest| rest.split('/').next()).expect("a picture on the page");
    (text("id"), token.to_owned())
}

async fn asked(app: &App, method: &str, path: &str, who: &As, range: Option<&str>) -> Answer {
    let mut request = app.request(method, path, who);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    app.send(request.body(Body::empty()).expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_sent_in_pieces_to_whoever_may_see_it() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let (capture, token) = taken(&app, &home, "film", "video/mp4", FILM).await;
        // The event's logo is put on it, and until then nobody gets it without.
        assert_eq!(app.get(&format!("/m/{token}/film-1.mp4"), &As::Nobody).await.status, StatusCode::NOT_FOUND);
        app.finish().await;
        let shown = app.get(&format!("/api/v1/captures/{capture}"), &home.editor_token).await.json();
        assert_eq!((shown["kind"].as_str(), shown["duration"].is_number()), (Some("film"), true), "{shown}");
        assert_eq!(shown["unplayable"].as_bool(), Some(false), "{shown}");
        let editor = app.sign_in(&home.email(Role::Editor)).await;
        let guest = (format!("/m/{token}/film-1.mp4"), As::Nobody);
        for (path, who) in [guest, (format!("/cms/media/{capture}/film-1.mp4"), editor)] {
            let whole = asked(&app, "GET", &path, &who, None).await;
            assert_eq!((whole.status, whole.header("content-type")), (StatusCode::OK, "video/mp4"), "{path}");
            assert_eq!((whole.header("accept-ranges"), whole.header("content-disposition")), ("bytes", "inline"));
            assert_eq!(whole.header("x-content-type-options"), "nosniff");
            assert!(whole.header("content-security-policy").contains("sandbox"), "{path}");
            assert_eq!(&whole.body[4..8], b"ftyp");
            let length = whole.body.len();

            let head = asked(&app, "HEAD", &path, &who, None).await;
            assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "{path}");
            assert_eq!((head.header("content-type"), head.header("accept-ranges")), ("video/mp4", "bytes"));
            assert_eq!(head.header("content-length"), length.to_string());

            // What a browser asks for first, and what it asks for when somebody jumps.
            for (range, from, to) in
                [("bytes=0-1", 0, 2), ("bytes=100-199", 100, 200), ("bytes=-50", length - 50, length)]
            {
                let part = asked(&app, "GET", &path, &who, Some(range)).await;
                assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{path} {range}");
                assert_eq!(part.header("content-range"), format!("bytes {from}-{}/{length}", to - 1));
                assert_eq!((part.body.as_slice(), part.header("content-type")), (&whole.body[from..to], "video/mp4"));
            }
            let behind = asked(&app, "GET", &path, &who, Some(&format!("bytes={length}-"))).await;
            assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE, "{path}");
        }
        for path in
            [format!("/m/{token}/film-2.mp4"), format!("/m/{token}/film-1.gif"), format!("/m/{token}/film-1.webp")]
        {
            assert_eq!(app.get(&path, &As::Nobody).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_animation_plays_as_a_film_and_is_saved_as_it_was() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let (capture, token) = taken(&app, &home, "gif", "image/gif", GIF).await;
        for (file, media_type, begin) in
            [("film-1.mp4", "video/mp4", &b"\0\0\0"[..]), ("film-1.gif", "image/gif", b"GIF")]
        {
            let answer = app.get(&format!("/m/{token}/{file}"), &As::Nobody).await;
            assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, media_type));
            assert!(answer.body.starts_with(begin), "{file}");
        }
        let shown = app.get(&format!("/api/v1/captures/{capture}"), &home.editor_token).await.json();
        assert_eq!((shown["kind"].as_str(), shown["duration"].as_i64()), (Some("animation"), Some(500)), "{shown}");
        let renditions = shown["renditions"].as_array().expect("a list");
        let film =
            |media_type: &str| renditions.iter().any(|one| one["name"] == "film" && one["media_type"] == media_type);
        assert!(film("video/mp4") && film("image/gif"), "{shown}");
        let list = app.get(&format!("/api/v1/events/{}/captures", home.event), &home.editor_token).await.json();
        let mut items = list["items"].as_array().expect("a list").iter();
        assert!(items.any(|item| item["id"] == capture.as_str() && item["kind"] == "animation"), "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn avif_is_there_when_the_jobs_are_done_and_the_cached_page_is_gone() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let path = path_of(&home.view_url);
        let page = app.get(&path, &As::Nobody).await;
        let token = page.text().split("/m/").nth(1).and_then(|rest| rest.split('/').next()).expect("one").to_owned();
        let file = format!("/m/{token}/web-1.avif");
        assert_eq!(app.get(&file, &As::Nobody).await.status, StatusCode::NOT_FOUND);
        app.finish().await;
        let answer = app.get(&file, &As::Nobody).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "image/avif"));
        assert_eq!(app.database.count("jobs", "kind = 'finish_capture'").await, 0);
        assert!(app.database.count("share_changes", &format!("target = '{}'", home.capture)).await > 0);
    }
}
