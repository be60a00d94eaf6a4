//! Uploads over REST: idempotency, and what bad input gets.

use axum::http::StatusCode;
use shutterpost_model::access::Role;

use crate::support::{App, As, PHOTO, Tenant, apps, tenant, text};

fn codes(answer: &crate::support::Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

/// Files below the folder of stored media.
fn objects(app: &App) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").path())
            .map(|path| if path.is_dir() { count(&path) } else { 1 })
            .sum()
    }
    count(&app.media)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_body_give_one_capture_and_the_same_answer() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let guest = r#"{"email":"a@example.com","name":"A"}"#;
        let same = r#"{"name":" A ","email":"A@EXAMPLE.com"}"#;
        let first = app.upload(&home.event, &home.device, "k1", PHOTO, Some(guest)).await;
        assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
        let again = app.upload(&home.event, &home.device, "k1", PHOTO, Some(same)).await;
        assert_eq!((again.status, again.json()), (StatusCode::CREATED, first.json()));
        let before = objects(&app);
        let other =
            app.upload(&home.event, &home.device, "k1", include_bytes!("../../assets/demo/six.jpg"), Some(guest)).await;
        assert_eq!(codes(&other), (422, "key_reused".into()));
        let other = app.upload(&home.event, &home.device, "k1", PHOTO, Some(r#"{"email":"b@example.com"}"#)).await;
        assert_eq!(codes(&other), (422, "key_reused".into()));
        assert_eq!(objects(&app), before);
        let listed = app.get(&format!("/api/v1/events/{}/captures", home.event), &home.editor_token).await.json();
        assert_eq!(listed["total"], 2, "the tenant's own and this one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_race_with_one_key_make_one_capture() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let uploads = (0..4).map(|_| app.upload(&home.event, &home.device, "race", PHOTO, None));
        let answers = futures_util::future::join_all(uploads).await;
        let ids: std::collections::BTreeSet<String> = answers
            .iter()
            .map(|answer| {
                assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
                text(&answer.json(), "/id")
            })
            .collect();
        assert_eq!(ids.len(), 1, "{}", app.database.kind);
    }
}

/// A PNG head that promises 65 535 × 65 535 pixels.
fn huge_png() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend_from_slice(&65_535u32.to_be_bytes());
    png.extend_from_slice(&65_535u32.to_be_bytes());
    png.extend_from_slice(&[8, 2, 0, 0, 0, 0x9a, 0x76, 0x82, 0x70]);
    png.extend_from_slice(b"\0\0\0\0IEND\xae\x42\x60\x82");
    png
}

/// The photo with a second, larger frame header behind its first.
fn second_frame() -> Vec<u8> {
    let at = PHOTO.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a baseline photo");
    let length = usize::from(PHOTO[at + 2]) * 256 + usize::from(PHOTO[at + 3]) + 2;
    let mut bytes = PHOTO[..at + length].to_vec();
    let mut second = PHOTO[at..at + length].to_vec();
    second[5..9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    bytes.extend_from_slice(&second);
    bytes.extend_from_slice(&PHOTO[at + length..]);
    bytes
}

async fn refused(app: &App, home: &Tenant, name: &str, file: &[u8], guest: Option<&str>, expected: &[u16]) {
    let before = (app.database.dump().await, objects(app));
    let answer = app.upload(&home.event, &home.device, name, file, guest).await;
    assert!(expected.contains(&answer.status.as_u16()), "{name}: {} {}", answer.status, answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json", "{name}");
    let problem = answer.json();
    for field in ["code", "title", "status", "request_id"] {
        assert!(problem.get(field).is_some(), "{name}: {problem}");
    }
    assert!(before == (app.database.dump().await, objects(app)), "{name} left something behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_gets_a_clear_problem_and_leaves_nothing_behind() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        app.get("/api/v1/events", &home.editor_token).await;
        for (name, file, expected) in [
            ("an empty file", Vec::new(), &[422][..]),
            ("one byte", vec![0xff], &[415, 422]),
            ("a truncated photo", PHOTO[..PHOTO.len() / 2].to_vec(), &[422]),
            ("a head alone", PHOTO[..300].to_vec(), &[422]),
            ("a zip named .jpg", b"PK\x03\x04\x14\0\0\0\0\0".to_vec(), &[415]),
            ("a web page", b"<!doctype html><script>alert(1)</script>".to_vec(), &[415]),
            ("65 535 pixels square", huge_png(), &[415, 422]),
            ("a second frame header", second_frame(), &[422]),
        ] {
            refused(&app, &home, name, &file, None, expected).await;
        }
        let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(10_000));
        for (name, guest) in [
            ("a name of 10 000 characters", long.as_str()),
            ("an unknown field", r#"{"nickname":"x"}"#),
            ("no JSON", "{"),
            ("an address that is none", r#"{"email":"a@b\r\nBcc: c@d.example"}"#),
            (
                "a purpose nobody asked about",
                r#"{"email":"a@example.com","consents":[{"purpose":"astrology","granted":true}]}"#,
            ),
            (
                "a text version that never was",
                r#"{"email":"a@example.com","consents":[{"purpose":"delivery","granted":true,"text_version":9}]}"#,
            ),
        ] {
            refused(&app, &home, name, PHOTO, Some(guest), &[400, 422]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_named() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let path = format!("/api/v1/events/{}/captures", home.event);
        let send = async |kind: &str, key: Option<&str>, body: Vec<u8>| {
            let mut request = app.request("POST", &path, &home.device).header("content-type", kind);
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            codes(&app.send(request.body(body.into()).expect("a request")).await)
        };
        let multipart = "multipart/form-data; boundary=line";
        assert_eq!(send(multipart, None, Vec::new()).await, (400, "key_missing".into()));
        assert_eq!(send("image/jpeg", Some("k"), PHOTO.to_vec()).await, (415, "content_type".into()));
        assert_eq!(send(multipart, Some("k"), b"--line--\r\n".to_vec()).await, (422, "invalid".into()));
        assert_eq!(send(multipart, Some("k"), b"--line\r\nContent-Disp".to_vec()).await, (400, "bad_request".into()));
        let latin =
            crate::support::multipart(&[("file", None, PHOTO.to_vec()), ("guest", None, vec![b'{', 0xe4, b'}'])]);
        assert_eq!(send(multipart, Some("k"), latin).await, (422, "invalid".into()));
        let unknown = crate::support::multipart(&[("file", None, PHOTO.to_vec()), ("gest", None, b"{}".to_vec())]);
        assert_eq!(send(multipart, Some("k"), unknown).await, (422, "invalid".into()));
        let png = crate::support::multipart(&[("file", Some("image/png"), PHOTO.to_vec())]);
        assert_eq!(send(multipart, Some("k"), png).await, (415, "file_mismatch".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_belongs_to_its_event() {
    for app in apps().await {
        let (home, other) = (tenant(&app, "home").await, tenant(&app, "other").await);
        app.upload(&home.event, &home.device, "second", PHOTO, None).await;
        let list = |event: &str, query: &str| format!("/api/v1/events/{event}/captures?limit=1{query}");
        let first = app.get(&list(&home.event, ""), &home.editor_token).await.json();
        let cursor = text(&first, "/next");
        let second = app.get(&list(&home.event, &format!("&cursor={cursor}")), &home.editor_token).await.json();
        assert_ne!(first["items"][0]["id"], second["items"][0]["id"]);
        assert!(second["next"].is_null(), "two captures make two pages");
        let foreign = app.get(&list(&other.event, &format!("&cursor={cursor}")), &other.editor_token).await;
        assert_eq!(codes(&foreign), (400, "bad_cursor".into()));
        let flipped = if cursor.ends_with('A') { "B" } else { "A" };
        let altered = format!("{}{flipped}", &cursor[..cursor.len() - 1]);
        let altered = app.get(&list(&home.event, &format!("&cursor={altered}")), &home.editor_token).await;
        assert_eq!(codes(&altered), (400, "bad_cursor".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cms_takes_files_too() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let editor = app.sign_in(&home.email(Role::Editor)).await;
        let path = format!("/cms/events/{}/captures", home.event);
        let send = async |accept: &str, who: &As, body: Vec<u8>| {
            let request = app
                .request("POST", &path, who)
                .header("content-type", "multipart/form-data; boundary=line")
                .header("accept", accept);
            app.send(request.body(body.into()).expect("a request")).await
        };
        let photo = || crate::support::multipart(&[("file", Some("image/jpeg"), PHOTO.to_vec())]);
        let accepted = send("application/json", &editor, photo()).await;
        assert_eq!(accepted.status, StatusCode::CREATED, "{}", accepted.text());
        let plain = send("text/html", &editor, photo()).await;
        assert_eq!(plain.status, StatusCode::SEE_OTHER);
        assert!(plain.header("location").contains("done=captures_uploaded"));
        let broken = crate::support::multipart(&[("file", Some("image/jpeg"), PHOTO[..5000].to_vec())]);
        let refused = send("application/json", &editor, broken).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
    }
}
