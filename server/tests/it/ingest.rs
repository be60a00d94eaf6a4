//! Uploads over REST: idempotency, and what bad input gets.

use axum::http::StatusCode;
use shutterpost_model::access::Role;

use crate::support::{App, As, PHOTO, Tenant, apps, multipart, tenant, text};

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

/// Status, code and what is said of fields: `422 invalid guest.name=too_long`.
fn told(answer: &crate::support::Answer) -> String {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.text());
    let problem = answer.json();
    for field in ["title", "status", "request_id"] {
        assert!(problem.get(field).is_some(), "{problem}");
    }
    let (status, code) = codes(answer);
    let fields = problem["errors"].as_array().cloned().unwrap_or_default();
    let fields: String = fields.iter().map(|of| format!(" {}={}", text(of, "/field"), text(of, "/code"))).collect();
    format!("{status} {code}{fields}")
}

/// Sends an upload as it is; the answer is what is expected and nothing is left behind.
async fn refused(app: &App, home: &Tenant, name: &str, upload: BadUpload<'_>, expected: &str) {
    let BadUpload { kind, key, body } = upload;
    let before = (app.database.dump().await, objects(app));
    let path = format!("/api/v1/events/{}/captures", home.event);
    let mut request = app.request("POST", &path, &home.device).header("content-type", kind);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let answer = app.send(request.body(body.into()).expect("a request")).await;
    assert_eq!(told(&answer), expected, "{name}");
    assert!(before == (app.database.dump().await, objects(app)), "{name} left something behind");
}

struct BadUpload<'a> {
    kind: &'a str,
    key: Option<&'a [u8]>,
    body: Vec<u8>,
}

impl BadUpload<'_> {
    const MULTIPART: &'static str = "multipart/form-data; boundary=line";

    fn of(body: Vec<u8>) -> Self {
        Self { kind: Self::MULTIPART, key: Some(b"bad"), body }
    }

    fn file(declared: &str, bytes: &[u8]) -> Self {
        Self::of(multipart(&[("file", Some(declared), bytes.to_vec())]))
    }

    fn part(name: &str, bytes: &[u8]) -> Self {
        Self::of(multipart(&[("file", Some("image/jpeg"), PHOTO.to_vec()), (name, None, bytes.to_vec())]))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_pictures_get_their_code_and_leave_nothing_behind() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        app.get("/api/v1/events", &home.device).await;
        let jpeg = |bytes: &[u8]| BadUpload::file("image/jpeg", bytes);
        for (name, upload, expected) in [
            ("an empty file", jpeg(b""), "422 file_empty"),
            ("one byte", jpeg(&[0xff]), "422 file_truncated"),
            ("a truncated photo", jpeg(&PHOTO[..PHOTO.len() / 2]), "422 file_truncated"),
            ("a head alone", jpeg(&PHOTO[..300]), "422 file_truncated"),
            ("a zip named .jpg", jpeg(b"PK\x03\x04\x14\0\0\0\0\0"), "415 file_kind"),
            ("a web page", jpeg(b"<!doctype html><script>alert(1)</script>"), "415 file_kind"),
            ("a photo declared as PNG", BadUpload::file("image/png", PHOTO), "415 file_mismatch"),
            ("65 535 pixels square", BadUpload::file("image/png", &huge_png()), "422 file_pixels"),
            ("a second frame header", jpeg(&second_frame()), "422 file_damaged"),
        ] {
            refused(&app, &home, name, upload, expected).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_that_do_not_fit_are_told_by_field_and_leave_nothing_behind() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        app.get("/api/v1/events", &home.device).await;
        let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(10_000));
        let longer = format!(r#"{{"name":"{}"}}"#, "x".repeat(17_000));
        for (name, guest, expected) in [
            ("a name of 10 000 characters", long.as_bytes(), "422 invalid guest.name=too_long"),
            ("a guest of 17 kB", longer.as_bytes(), "422 invalid guest=too_long"),
            ("a NUL in a name", br#"{"name":"a\u0000b"}"#, "422 invalid guest.name=bad_text"),
            ("a name that turns the line", "{\"name\":\"a\u{202e}b\"}".as_bytes(), "422 invalid guest.name=bad_text"),
            ("an unknown field", br#"{"nickname":"x"}"#, "422 invalid guest.nickname=unknown_field"),
            ("no JSON", b"{", "422 invalid guest=bad_request"),
            ("a list", b"[]", "422 invalid guest=bad_request"),
            ("no UTF-8", b"{\"name\":\"\xe4\"}", "422 invalid guest=bad_text"),
            ("a second header", br#"{"email":"a@b\r\nBcc: c@d.example"}"#, "422 invalid guest.email=bad_email"),
            (
                "a purpose nobody asked about",
                br#"{"email":"a@example.com","consents":[{"purpose":"astrology","granted":true}]}"#,
                "422 invalid guest.consents.purpose=bad_choice",
            ),
            (
                "a text version that never was",
                br#"{"email":"a@example.com","consents":[{"purpose":"delivery","granted":true,"text_version":9}]}"#,
                "422 invalid guest.consents.text_version=bad_choice",
            ),
        ] {
            refused(&app, &home, name, BadUpload::part("guest", guest), expected).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_named_and_leave_nothing_behind() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        app.get("/api/v1/events", &home.device).await;
        let keyed = |key: Option<&'static [u8]>| BadUpload { key, ..BadUpload::file("image/jpeg", PHOTO) };
        let two = multipart(&[("file", None, PHOTO.to_vec()), ("file", None, PHOTO.to_vec())]);
        for (name, upload, expected) in [
            ("no key", keyed(None), "400 key_missing"),
            ("an empty key", keyed(Some(b"")), "400 key_missing"),
            ("a key of 256 characters", keyed(Some(&[b'k'; 256])), "400 key_missing"),
            ("a key in Latin-1", keyed(Some(b"\xe4")), "400 bad_request"),
            ("no form", BadUpload { kind: "image/jpeg", ..BadUpload::of(PHOTO.to_vec()) }, "415 content_type"),
            ("no parts", BadUpload::of(b"--line--\r\n".to_vec()), "422 invalid file=required"),
            ("two files", BadUpload::of(two), "422 invalid file=required"),
            ("a form that breaks off", BadUpload::of(b"--line\r\nContent-Disp".to_vec()), "400 bad_request"),
            ("a field nobody knows", BadUpload::part("gest", b"{}"), "422 invalid gest=unknown_field"),
            ("a time that is none", BadUpload::part("captured_at", b"soon"), "422 invalid captured_at=bad_date"),
            (
                "a time beyond all calendars",
                BadUpload::part("captured_at", b"9223372036854775807"),
                "422 invalid captured_at=out_of_range",
            ),
        ] {
            refused(&app, &home, name, upload, expected).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_do_not_fit_are_problems_too() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let long = "x".repeat(10_000);
        let list = format!("/api/v1/events/{}/captures", home.event);
        for (path, expected) in [
            (format!("/api/v1/events/{long}/captures"), "404 not_found"),
            (format!("/api/v1/captures/{long}"), "404 not_found"),
            ("/api/v1/captures/%ff".into(), "404 not_found"),
            ("/api/v1/nonsense".into(), "404 not_found"),
            (format!("{list}?cursor={long}"), "400 bad_cursor"),
            (format!("{list}?cursor=%ff"), "400 bad_cursor"),
            (format!("{list}?limit=many"), "422 invalid limit=out_of_range"),
            (format!("{list}?page=2"), "422 invalid page=unknown_field"),
        ] {
            assert_eq!(told(&app.get(&path, &home.editor_token).await), expected, "{path}");
        }
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
        let photo = || multipart(&[("file", Some("image/jpeg"), PHOTO.to_vec())]);
        let accepted = send("application/json", &editor, photo()).await;
        assert_eq!(accepted.status, StatusCode::CREATED, "{}", accepted.text());
        let plain = send("text/html", &editor, photo()).await;
        assert_eq!(plain.status, StatusCode::SEE_OTHER);
        assert!(plain.header("location").contains("done=captures_uploaded"));
        let broken = multipart(&[("file", Some("image/jpeg"), PHOTO[..5000].to_vec())]);
        let refused = send("application/json", &editor, broken).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());

        // The script repeats what got no answer, by the key of that file.
        let keyed = async |key: &str| {
            let request = app
                .request("POST", &path, &editor)
                .header("content-type", "multipart/form-data; boundary=line")
                .header("accept", "application/json")
                .header("idempotency-key", key);
            app.send(request.body(photo().into()).expect("a request")).await
        };
        let (first, again, other) = (keyed("cms-1").await, keyed("cms-1").await, keyed("cms-2").await);
        assert_eq!((first.status, first.json()), (StatusCode::CREATED, again.json()));
        assert_ne!(first.json()["id"], other.json()["id"]);
        assert_eq!(codes(&keyed("").await), (400, "key_missing".into()));
    }
}
