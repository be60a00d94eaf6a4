//! What operators' programs are told: on a door of its own, of everything that alerts ask for, and of nobody.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use shutterpost::http::{build_admin_router, registry};
use shutterpost::monitor::Monitor;
use shutterpost_backend::backup::postgres::Programs;
use shutterpost_backend::doctor::{FIGURES, Patient};
use shutterpost_backend::roots::Address;
use shutterpost_vault::keys::Keys;
use shutterpost_vault::ledger::file::LedgerFile;
use shutterpost_vault::sign::Signing;
use tower::ServiceExt;

use crate::support::{App, As, apps, tenant};

const ALERTS: &str = include_str!("../../../docs/alerts.yml");

/// Asks the admin port.
async fn ask(app: &App, path: &str) -> (StatusCode, String, String) {
    let request = Request::builder().uri(path).body(Body::empty()).expect("a request");
    let response = build_admin_router(app.http.clone()).oneshot(request).await.expect("always answers");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
    let kind = parts.headers.get("content-type").map(|value| value.to_str().expect("text").to_owned());
    (parts.status, kind.unwrap_or_default(), String::from_utf8(body).expect("text"))
}

fn patient(app: &App) -> Patient {
    let folder = app.database.folder();
    let backup = folder.join("backup");
    std::fs::create_dir_all(&backup).expect("a temporary folder");
    // As the backups note it.
    std::fs::write(
        backup.join("status.json"),
        r#"{"data": {"shipped_until": 1700000000000}, "media": {"compared_at": 1700000000000, "objects": 7}}"#,
    )
    .expect("a temporary folder");
    Patient {
        // Nobody listens there, so nothing leaves this machine.
        origin: "https://127.0.0.1:1".into(),
        data: folder.to_owned(),
        database: app.database.url.clone(),
        key_store: app.database.keys_url.clone(),
        storage: format!("file:{}", app.media.display()),
        keys: folder.join("none.json"),
        roots: Address::Folder(app.database.roots()),
        passphrase_file: None,
        opened: None,
        ledger: folder.join("signed"),
        ledger_copy: None,
        backup: Some(format!("file:{}", backup.display())),
        programs: Programs::new(None),
    }
}

/// Makes the key file that the patient names, and a ledger that its key signs.
fn with_keys(app: &App) {
    let mut random = |bytes: &mut [u8]| app.deps.world.random.fill(bytes);
    let folder = app.database.folder();
    let keys = Keys::open_or_create(&folder.join("none.json"), &mut random).expect("made");
    let signer = keys.signing_key(Signing::Ledger);
    LedgerFile::open(&folder.join("signed"), &[], signer, false, &mut random).expect("begun");
}

/// Names of metrics in a text that holds other words too.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with("shutterpost_") || word.starts_with("process_")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_on_the_admin_port_alone() {
    for app in apps().await {
        assert_eq!(app.get("/metrics", &As::Nobody).await.status, StatusCode::NOT_FOUND);
        for route in registry::admin_routes() {
            assert_eq!(ask(&app, route.spec.path).await.0, StatusCode::OK, "{}", route.spec.path);
        }
        for path in ["/cms/sign-in", "/api/v1/events", "/s/x", "/"] {
            assert_eq!(ask(&app, path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_template() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let secret = format!("/s/{}", "x".repeat(32));
        app.get(&secret, &As::Nobody).await;
        app.get(&format!("/cms/events/{}", home.event), &As::Nobody).await;
        let (_, kind, text) = ask(&app, "/metrics").await;
        assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
        let line = r#"shutterpost_http_requests_total{method="GET",route="/s/{token}",status="4xx"} 1"#;
        assert!(text.contains(line), "{text}");
        assert!(text.contains(r#"shutterpost_http_request_seconds_count{route="/cms/events/{event}"} 1"#), "{text}");
        assert!(!text.contains(&secret) && !text.contains(home.event.as_str()) && !text.contains("org_"));
        assert!(text.ends_with("# EOF\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monitor_says_what_doctor_finds() {
    for app in apps().await {
        let metrics = Arc::clone(&app.metrics);
        let (db, world) = (app.deps.db.clone(), app.deps.world.clone());
        Monitor::new(patient(&app), db, world, Arc::clone(&metrics)).look().await;
        let (_, _, text) = ask(&app, "/metrics").await;
        let holds = |line: &str| assert!(text.contains(line), "{}: {line} in {text}", app.database.kind);
        holds("shutterpost_check_state{check=\"key file\"} 2");
        holds("shutterpost_check_state{check=\"address\"} 0");
        holds("shutterpost_check_state{check=\"certificate\"} 1");
        holds("shutterpost_checks_timestamp_seconds 1800000000");
        holds("shutterpost_backup_objects 7");
        holds("shutterpost_root_key_generation 1");
        holds("shutterpost_jobs_due{kind=\"erase\"} 0");
        if app.database.kind == "sqlite" {
            holds("shutterpost_backup_shipped_timestamp_seconds{database=\"data\"} 1700000000");
            holds("shutterpost_backup_verified_timestamp_seconds{database=\"keys\"} 0");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_that_an_alert_asks_for_is_there() {
    let app = apps().await.into_iter().next().expect("SQLite is always there");
    with_keys(&app);
    let (db, world) = (app.deps.db.clone(), app.deps.world.clone());
    app.get("/", &As::Nobody).await;
    Monitor::new(patient(&app), db, world, Arc::clone(&app.metrics)).look().await;
    let (_, _, text) = ask(&app, "/metrics").await;
    // What a doctor may say, and this one did not have at hand.
    let figures: Vec<String> = FIGURES.iter().map(|(name, _)| format!("shutterpost_{name}")).collect();
    let told: BTreeSet<&str> = names(&text).into_iter().chain(figures.iter().map(String::as_str)).collect();
    let asked = names(ALERTS);
    assert!(asked.len() >= 10, "{asked:?}");
    let missing: Vec<_> = asked.difference(&told).collect();
    assert!(missing.is_empty(), "{missing:?} in {told:?}");
}
