//! Uploads in pieces over HTTP: tus 1.0.0, by its headers. What a real client makes of them is tried in `crash/resumed.rs`.

use axum::body::Body;
use axum::http::StatusCode;
use data_encoding::BASE64;
use sha1::{Digest, Sha1};
use shutterpost::http::registry::RouteSpec;

use crate::support::{Answer, App, As, PHOTO, Tenant, apps, tenant};

const BYTES: &str = "application/offset+octet-stream";
/// Bytes that are here of an upload that was begun.
pub(crate) const FIRST: usize = 5;

fn metadata(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{key} {}", BASE64.encode(value.as_bytes()))).collect();
    pairs.join(",")
}

/// What a request of the route needs to be one of the protocol.
pub(crate) fn headers(spec: &RouteSpec, home: &Tenant) -> Vec<(&'static str, String)> {
    let of = |pairs: &[(&'static str, &str)]| {
        let version = [("tus-resumable", "1.0.0")];
        version.iter().chain(pairs).map(|(name, value)| (*name, (*value).to_owned())).collect()
    };
    match (spec.method, spec.path) {
        ("POST", "/uploads") => {
            of(&[("upload-length", "9"), ("upload-metadata", &metadata(&[("event", &home.event)]))])
        }
        ("PATCH", _) => of(&[("content-type", BYTES), ("upload-offset", &FIRST.to_string())]),
        (_, path) if path.starts_with("/uploads") => of(&[]),
        _ => Vec::new(),
    }
}

async fn send(app: &App, who: &As, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut request = app.request(method, path, who).header("tus-resumable", "1.0.0");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(body.to_vec())).expect("a request")).await
}

/// Begins the upload of a photo and sends its first bytes; gives its id.
pub(crate) async fn begun(app: &App, who: &As, event: &str) -> String {
    let (length, metadata) = (PHOTO.len().to_string(), metadata(&[("event", event)]));
    let headers = [("upload-length", &*length), ("upload-metadata", &metadata), ("content-type", BYTES)];
    let answer = send(app, who, "POST", "/uploads", &headers, &PHOTO[..FIRST]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert_eq!(answer.header("upload-offset"), FIRST.to_string());
    answer.header("location").strip_prefix("/uploads/").expect("an address").to_owned()
}

pub(crate) async fn append(app: &App, who: &As, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    let offset = offset.to_string();
    send(app, who, "PATCH", path, &[("content-type", BYTES), ("upload-offset", &offset)], bytes).await
}

pub(crate) async fn end(app: &App, who: &As, upload: &str) {
    let answer = send(app, who, "DELETE", &format!("/uploads/{upload}"), &[], b"").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_in_pieces_is_a_capture_with_its_share_page() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let guest = r#"{"email":"pieces@guests.example","consents":[{"purpose":"delivery","granted":true}]}"#;
        let metadata = metadata(&[("guest", guest), ("filename", "photo.jpg"), ("filetype", "image/jpeg")]);
        let headers = [("upload-defer-length", "1"), ("upload-metadata", &*metadata)];
        let answer = send(&app, &home.device, "POST", "/uploads", &headers, b"").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        assert_eq!(answer.header("tus-resumable"), "1.0.0");
        assert!(answer.header("upload-expires").ends_with(" GMT"));
        let path = answer.header("location").to_owned();

        let half = PHOTO.len() / 2;
        let answer = append(&app, &home.device, &path, 0, &PHOTO[..half]).await;
        assert_eq!((answer.status, answer.header("upload-offset")), (StatusCode::NO_CONTENT, &*half.to_string()));
        let looked = send(&app, &home.device, "HEAD", &path, &[], b"").await;
        assert_eq!(looked.status, StatusCode::OK);
        assert_eq!(looked.header("cache-control"), "no-store");
        assert_eq!((looked.header("upload-offset"), looked.header("upload-length")), (&*half.to_string(), ""));
        assert_eq!(looked.header("upload-defer-length"), "1");
        assert_eq!(looked.header("upload-metadata"), metadata);
        let open = app.get(&path, &home.device).await.json();
        assert_eq!((&open["status"], &open["offset"]), (&"open".into(), &half.into()));

        let wrong = [
            ("content-type", BYTES),
            ("upload-offset", &*half.to_string()),
            ("upload-checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ];
        assert_eq!(send(&app, &home.device, "PATCH", &path, &wrong, &PHOTO[half..]).await.status.as_u16(), 460);
        assert_eq!(append(&app, &home.device, &path, 0, PHOTO).await.status, StatusCode::CONFLICT);
        let (length, checksum) = (PHOTO.len().to_string(), BASE64.encode(&Sha1::digest(&PHOTO[half..])));
        let checksum = format!("sha1 {checksum}");
        let right = [wrong[0], wrong[1], ("upload-checksum", &*checksum), ("upload-length", &*length)];
        let done = send(&app, &home.device, "PATCH", &path, &right, &PHOTO[half..]).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{}: {}", app.database.kind, done.text());
        assert_eq!(done.header("upload-offset"), length);
        let capture = done.header("shutterpost-capture").to_owned();
        let page = crate::support::path_of(done.header("shutterpost-share-url"));
        assert_eq!(app.get(&page, &As::Nobody).await.status, StatusCode::OK);
        let told = app.get(&path, &home.device).await.json();
        assert_eq!((&told["status"], &told["capture"]), (&"done".into(), &capture.clone().into()));
        let found = app.get(&format!("/api/v1/captures/{capture}"), &home.admin_token).await.json();
        assert_eq!((&found["size"], found["messages"].as_array().map(Vec::len)), (&PHOTO.len().into(), Some(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_protocol_is_refused_in_its_words() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let found =
            app.send(app.request("OPTIONS", "/uploads", &As::Nobody).body(Body::empty()).expect("a request")).await;
        assert_eq!(found.status, StatusCode::NO_CONTENT);
        assert_eq!(found.header("tus-version"), "1.0.0");
        assert_eq!(found.header("tus-max-size"), "40000000");
        assert!(found.header("tus-extension").contains("concatenation"));
        assert_eq!(found.header("tus-checksum-algorithm"), "sha1,sha256");

        let path = format!("/uploads/{}", home.upload);
        let who = &home.editor_token;
        let before = app.database.dump().await;
        for (method, at) in [("POST", "/uploads"), ("HEAD", &*path), ("PATCH", &path), ("DELETE", &path)] {
            let plain = app.request(method, at, who).header("content-type", BYTES).header("upload-offset", "5");
            let answer = app.send(plain.body(Body::empty()).expect("a request")).await;
            assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{method}");
            assert_eq!((answer.header("tus-version"), answer.header("tus-resumable")), ("1.0.0", "1.0.0"), "{method}");
        }
        let hidden = [("x-http-method-override", "DELETE"), ("content-type", BYTES), ("upload-offset", "5")];
        for method in ["POST", "PATCH", "DELETE", "HEAD"] {
            let at = if method == "POST" { "/uploads" } else { &path };
            assert_eq!(send(&app, who, method, at, &hidden, b"").await.status.as_u16(), 422, "{method}");
        }
        let kind = [("content-type", "application/octet-stream"), ("upload-offset", "5")];
        assert_eq!(send(&app, who, "PATCH", &path, &kind, b"x").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let large = [("upload-length", "40000001")];
        assert_eq!(send(&app, &home.device, "POST", "/uploads", &large, b"").await.status.as_u16(), 413);
        let no_event = [("upload-length", "9")];
        assert_eq!(send(&app, who, "POST", "/uploads", &no_event, b"").await.json()["errors"][0]["field"], "event");
        let answer = app.send(app.request("HEAD", &path, &As::Nobody).body(Body::empty()).expect("a request")).await;
        assert_eq!((answer.status, answer.header("tus-resumable")), (StatusCode::UNAUTHORIZED, "1.0.0"));
        assert!(app.database.dump().await == before, "a refusal changes nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_stays_refused_and_says_why() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let headers = [("upload-length", "12"), ("content-type", BYTES)];
        let answer = send(&app, &home.device, "POST", "/uploads", &headers, b"no pi").await;
        let path = answer.header("location").to_owned();
        let refused = append(&app, &home.device, &path, 5, b"cture!!").await;
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, &"file_kind".into())
        );
        assert_eq!(send(&app, &home.device, "HEAD", &path, &[], b"").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let told = app.get(&path, &home.device).await.json();
        assert_eq!((&told["status"], &told["code"]), (&"refused".into(), &"file_kind".into()));
        assert!(told["detail"].as_str().is_some_and(|text| text.contains("not accepted")), "{told}");
    }
}
