//! The permission matrix: every route × every kind of caller × every state of the object (`states.rs`), against values written by hand in `matrix.csv` from the
//! table of roles. A route without a row fails; so does a row without a route, a row that nobody passes, and a refusal
//! that changes the database.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::{StatusCode, header};
use shutterpost::http::registry::{RouteSpec, routes};
use shutterpost_model::access::Role;
use shutterpost_model::time::DAY;

use crate::states;
use crate::support::{
    ADMIN, Answer, App, As, Tenant, apps, design_file, exported, issued, old_token, path_of, tenant, token, token_id,
};

const MINUTE: i64 = 60_000;
const MATRIX: &str = include_str!("../matrix.csv");

/// What a caller meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Let through; the request may still be wrong in itself.
    Passes,
    /// 403 with the page that asks once more who it is.
    Ask,
    /// 401, or the way to the sign-in.
    SignIn,
    /// 403.
    Forbidden,
    /// 404.
    Missing,
}

pub(crate) fn verdict(text: &str) -> Verdict {
    match text {
        "yes" => Verdict::Passes,
        "ask" => Verdict::Ask,
        "401" => Verdict::SignIn,
        "403" => Verdict::Forbidden,
        "404" => Verdict::Missing,
        other => panic!("{other:?} is no verdict"),
    }
}

pub(crate) struct Row {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) cells: BTreeMap<String, Verdict>,
}

fn matrix() -> Vec<Row> {
    let mut lines = MATRIX.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let head: Vec<&str> = lines.next().expect("a head").split(',').collect();
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            assert_eq!(fields.len(), head.len(), "{line}");
            let cells = head[2..].iter().zip(&fields[2..]).map(|(name, text)| ((*name).to_owned(), verdict(text)));
            Row { method: fields[0].into(), path: fields[1].into(), cells: cells.collect() }
        })
        .collect()
}

/// The request of a caller who asks for this tenant's objects.
pub(crate) fn concrete(spec: &RouteSpec, home: &Tenant) -> String {
    let share = |url: &str| path_of(url).trim_start_matches("/s/").to_owned();
    let token = if spec.path.ends_with("/delete") { share(&home.owner_url) } else { share(&home.view_url) };
    match spec.path {
        "/m/{token}/{file}" => home.picture.clone(),
        "/fonts/{file}" => "/fonts/inter-f80bb070.woff2".into(),
        "/assets/{file}" => shutterpost_app::share::script_path().into(),
        "/api/v1/events/{event}/design/files/{file}" => {
            format!("/api/v1/events/{}/design/files/{}", home.event, home.design_file)
        }
        path if path.starts_with("/sso/saml/") => path.replace("{connection}", &home.saml),
        path if path.starts_with("/sso/") => path.replace("{connection}", &home.oidc),
        path => path
            .replace("{connection}", &home.connection)
            .replace("{event}", &home.event)
            .replace("{capture}", &home.capture)
            .replace("{guest}", &home.guest)
            .replace("{logo}", &home.logo)
            .replace("{object}", &home.guest)
            .replace("{erasure}", &home.erasure)
            .replace("{upload}", &home.upload)
            .replace("{export}", &home.export)
            .replace("{token}", &token)
            .replace("{file}", "thumb-1.webp")
            .replace("{*file}", "bundle.js"),
    }
}

fn seen(answer: &Answer) -> Verdict {
    let location = answer.header("location");
    match answer.status {
        StatusCode::UNAUTHORIZED => Verdict::SignIn,
        StatusCode::SEE_OTHER if location.starts_with("/cms/sign-in") && !location.contains("done=") => Verdict::SignIn,
        StatusCode::SEE_OTHER if location == "/support/sign-in" => Verdict::SignIn,
        StatusCode::FORBIDDEN if answer.text().contains("name=\"proof\"") => Verdict::Ask,
        StatusCode::FORBIDDEN => Verdict::Forbidden,
        StatusCode::NOT_FOUND => Verdict::Missing,
        StatusCode::INTERNAL_SERVER_ERROR => panic!("an internal error is no verdict"),
        _ => Verdict::Passes,
    }
}

pub(crate) fn input(path: &str, home: &Tenant) -> serde_json::Value {
    let event = &home.event;
    match path {
        "/fn/cms/captures/list" => {
            serde_json::json!({ "event": event, "filter": {}, "cursor": null, "limit": 10 })
        }
        "/fn/cms/captures/delete" | "/fn/cms/captures/restore" => serde_json::json!({ "event": event, "captures": [] }),
        "/fn/cms/guests/reveal" => serde_json::json!({ "guest": home.guest }),
        _ => serde_json::json!({}),
    }
}

/// Mostly an empty form: whoever is let through learns that it is wrong in itself.
fn body(spec: &RouteSpec, home: &Tenant) -> (&'static str, Vec<u8>) {
    const FORM: &str = "application/x-www-form-urlencoded";
    const MULTIPART: &str = "multipart/form-data; boundary=line";
    match (spec.method, spec.path) {
        ("POST", path) if path.ends_with("/captures") => {
            (MULTIPART, crate::support::multipart(&[("file", Some("image/jpeg"), crate::support::PHOTO.to_vec())]))
        }
        ("POST", path) if ["/branding", "/design", "/design/preview"].iter().any(|end| path.ends_with(end)) => {
            (MULTIPART, crate::support::multipart(&[]))
        }
        ("POST", "/cms/sign-in") => {
            let (email, password) = (home.email(Role::Viewer), crate::support::PASSWORD);
            (FORM, format!("email={email}&password={password}").into_bytes())
        }
        ("POST", "/support/sign-in") => {
            let (email, password) = (crate::staff::READER, crate::support::PASSWORD);
            (FORM, format!("email={email}&password={password}").into_bytes())
        }
        _ => (FORM, Vec::new()),
    }
}

/// What somebody posts who comes back after a while: the form of a page that does something sensitive.
pub(crate) fn sensitive(spec: &RouteSpec, home: &Tenant) -> Option<String> {
    match (spec.method, spec.path) {
        ("POST", "/cms/people") => Some("intent=invite&email=late@home.example&role=viewer&language=en".into()),
        ("POST", "/cms/tokens") => Some("intent=create&name=Late&preset=read&expires=7".into()),
        ("POST", "/cms/sign-in-settings") => Some("intent=limits&idle=60&absolute=".into()),
        ("POST", "/cms/trash") => Some(format!("intent=erase&item={}", home.event)),
        ("POST", "/cms/privacy") => Some(format!("intent=erase_organisation&confirm={}", home.name)),
        ("POST", "/cms/events/{event}/settings") => Some("intent=delete".into()),
        ("POST", "/cms/events/{event}/exports") => Some("intent=create&people=on&key=late".into()),
        ("POST", "/cms/sign-in-settings/domains") => Some("intent=add&domain=late.example".into()),
        ("POST", "/cms/sign-in-settings/connections/new") => Some("kind=oidc&provider=okta&name=Late".into()),
        ("POST", "/cms/sign-in-settings/connections/{connection}") => Some("intent=delete".into()),
        ("POST", "/cms/account/two-factor") => Some("intent=begin".into()),
        ("POST", "/cms/support-access") => Some(format!("intent=allow&grant=sup_{}&minutes=5", "0".repeat(32))),
        _ => None,
    }
}

pub(crate) async fn ask(app: &App, spec: &RouteSpec, (name, who): (&str, &As), home: &Tenant) -> Verdict {
    let path = concrete(spec, home);
    let answer = if spec.path.starts_with("/fn/") {
        app.call(spec.path.trim_start_matches("/fn/"), who, input(spec.path, home)).await
    } else {
        let mut request = app.request(spec.method, &path, who).header("idempotency-key", "matrix");
        for (name, value) in crate::uploads::headers(spec, home) {
            request = request.header(name, value);
        }
        let (kind, mut body) = body(spec, home);
        if let Some(form) = sensitive(spec, home).filter(|_| name == "stale") {
            body = form.into_bytes();
        }
        if spec.method == "POST" && spec.path != "/uploads" {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        app.send(request.body(Body::from(body)).expect("a request")).await
    };
    seen(&answer)
}

/// Callers by the names of the matrix's head.
async fn callers(app: &App, home: &Tenant, other: &Tenant) -> Vec<(&'static str, As)> {
    let mut callers = vec![("anonymous", As::Nobody)];
    for (name, role) in [
        ("owner", Role::Owner),
        ("admin", Role::Admin),
        ("editor", Role::Editor),
        ("viewer", Role::Viewer),
        ("reporter", Role::Reporter),
    ] {
        callers.push((name, app.sign_in(&home.email(role)).await));
    }
    callers.push(("stranger", app.sign_in(&other.email(Role::Owner)).await));
    callers.push(("ex_member", ex_member(app, home).await));
    callers.push(("device", home.device.clone()));
    callers.push(("other_device", other.device.clone()));
    callers.push(("admin_token", home.admin_token.clone()));
    callers.push(("editor_token", home.editor_token.clone()));
    callers.push(("viewer_token", home.viewer_token.clone()));
    callers.push(("stranger_token", other.editor_token.clone()));
    callers.push(("revoked_token", revoked_token(app, home).await));
    callers.push(("pending", pending(app, home).await));
    let owner = app.actor(&app.sign_in(&home.email(Role::Owner)).await).await;
    app.http.services().security.begin_totp(&owner).await.expect("begun");
    let owner = app.sign_in(&home.email(Role::Owner)).await;
    for scope in ADMIN {
        callers.push((*scope, token(app, &owner, scope, &[*scope]).await));
    }
    callers.push(("old_token", old_token(app, &owner).await));
    callers.push((
        "demoted_token",
        token_of_somebody(app, home, "demoted", [("intent", "role"), ("role", "viewer")]).await,
    ));
    callers.push(("left_token", token_of_somebody(app, home, "left", [("intent", "remove"), ("role", "")]).await));
    callers.extend(staff(app, home).await);
    callers
}

/// Our own staff: with the password alone, let in by nobody, and let in to look and to change.
async fn staff(app: &App, home: &Tenant) -> Vec<(&'static str, As)> {
    let mut nobodys = crate::staff::join(app, "nobodys@shutterpost.example").await;
    let mut reader = crate::staff::join(app, crate::staff::READER).await;
    let mut writer = crate::staff::join(app, "writer@shutterpost.example").await;
    let pending = nobodys.half_signed_in(app).await;
    let (outside, mut reads, mut writes) =
        (nobodys.sign_in(app).await, reader.sign_in(app).await, writer.sign_in(app).await);
    crate::staff::let_in(app, home, &mut reads, "read").await;
    crate::staff::let_in(app, home, &mut writes, "write").await;
    vec![("staff_pending", pending), ("staff", outside), ("staff_read", reads), ("staff_write", writes)]
}

/// A token with all scopes, made by an admin to whom something happened since.
async fn token_of_somebody(app: &App, home: &Tenant, who: &str, then: [(&str, &str); 2]) -> As {
    let (user, session) = admin(app, home, who).await;
    let made = token(app, &session, who, ADMIN).await;
    let owner = app.sign_in(&home.email(Role::Owner)).await;
    let fields = [then[0], then[1], ("user", user.as_str())];
    let answer = app.form("/cms/people", &owner, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    made
}

/// The owner in a session that showed more than a quarter of an hour ago who it is.
async fn stale(app: &App, home: &Tenant) -> As {
    let session = app.sign_in(&home.email(Role::Owner)).await;
    app.database.clock.advance(16 * MINUTE);
    session
}

/// A token whose last day is over.
async fn expired_token(app: &App, home: &Tenant) -> As {
    let owner = app.sign_in(&home.email(Role::Owner)).await;
    let today = app.deps.world.now().date().to_string();
    let fields =
        [("intent", "create"), ("name", "Expired"), ("preset", "all"), ("expires", "date"), ("until", &*today)];
    let made = issued(app, "/cms/tokens", &owner, &fields).await;
    app.database.clock.advance(DAY);
    made
}

/// A new admin, signed in.
async fn admin(app: &App, home: &Tenant, name: &str) -> (String, As) {
    use shutterpost_backend::identity::admin::{NewMember, create_member};
    use shutterpost_model::pii::{Pii, Secret};
    let email = format!("{name}@{}.example", home.name);
    let member = NewMember {
        name: Pii::new(name.into()),
        email: Pii::new(email.clone()),
        password: Secret::new(crate::support::PASSWORD.into()),
        role: Role::Admin,
        language: shutterpost_model::language::Language::English,
    };
    let policy = shutterpost_backend::identity::PasswordPolicy::FLOOR;
    let user = create_member(&app.deps, policy, &home.organisation, member).await.expect("created");
    (user.to_string(), app.sign_in(&email).await)
}

/// Somebody with a session who was removed from the organisation a moment ago.
async fn ex_member(app: &App, home: &Tenant) -> As {
    let (user, session) = admin(app, home, "ex").await;
    let owner = app.sign_in(&home.email(Role::Owner)).await;
    let answer = app.form("/cms/people", &owner, &[("intent", "remove"), ("user", user.as_str())]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    session
}

/// Somebody with an authenticator app who has shown the password.
async fn pending(app: &App, home: &Tenant) -> As {
    admin(app, home, "careful").await;
    let email = format!("careful@{}.example", home.name);
    crate::factor::enrol(app, &email).await;
    crate::factor::half_signed_in(app, &email).await
}

async fn revoked_token(app: &App, home: &Tenant) -> As {
    let owner = app.sign_in(&home.email(Role::Owner)).await;
    let made = token(app, &owner, "Revoked", ADMIN).await;
    let id = token_id(app, &owner, "Revoked").await;
    let answer = app.form("/cms/tokens", &owner, &[("intent", "revoke"), ("token", &id)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    made
}

/// Routes whose success ends what later cells need; they come last, and each success gets a caller or object of its own.
fn destructive(spec: &RouteSpec) -> bool {
    spec.method == "DELETE"
        || spec.path == "/cms/sign-out"
        || spec.path == "/support/sign-out"
        || spec.path == "/api/v1/guests/{guest}/trash"
        || (spec.method == "POST" && spec.path == "/s/{token}/delete")
}

// One test a database: the longest of all, so they run side by side.
#[tokio::test(flavor = "multi_thread")]
async fn every_caller_meets_what_the_table_says_on_sqlite() {
    meets_the_table("sqlite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_caller_meets_what_the_table_says_on_postgres() {
    meets_the_table("postgres").await;
}

async fn meets_the_table(kind: &str) {
    let rows = matrix();
    let found: Vec<App> = apps().await.into_iter().filter(|app| app.database.kind == kind).collect();
    assert_eq!(found.len(), 1, "the name of the database");
    for app in found {
        let specs: Vec<RouteSpec> = routes(&app.http).iter().map(|route| route.spec).collect();
        let known: BTreeSet<(&str, &str)> = specs.iter().map(|spec| (spec.method, spec.path)).collect();
        let written: BTreeSet<(&str, &str)> = rows.iter().map(|row| (row.method.as_str(), row.path.as_str())).collect();
        assert_eq!(written, known, "each route has one row and each row a route");

        let (mut home, other) = (tenant(&app, "home").await, tenant(&app, "other").await);
        // First, because it takes a day, and sessions do not last that long; then what takes a while.
        let expired = expired_token(&app, &home).await;
        let stale = stale(&app, &home).await;
        let mut callers = callers(&app, &home, &other).await;
        callers.extend([("expired_token", expired), ("stale", stale)]);
        // The first was for a day.
        home.export = exported(&app, &home.event, &home.editor_token, "late").await;
        // Whoever calls for the first time leaves a "last seen"; the clock stands still, so only the first.
        for (_, who) in &callers {
            app.get("/support", who).await;
            app.get("/api/v1/events", who).await;
            app.get("/cms/account", who).await;
        }
        let mut wrong = Vec::new();
        let mut cells = states::meet(&app, &home, &rows, &callers, &mut wrong).await;
        let (late, early): (Vec<&RouteSpec>, Vec<&RouteSpec>) = specs.iter().partition(|spec| destructive(spec));
        for spec in early.into_iter().chain(late) {
            let row = rows.iter().find(|row| row.method == spec.method && row.path == spec.path).expect("has a row");
            assert!(
                row.cells.values().any(|cell| *cell == Verdict::Passes),
                "nobody passes {} {}",
                spec.method,
                spec.path
            );
            let before = app.database.dump().await;
            let (refused, passing): (Vec<_>, Vec<_>) =
                callers.iter().partition(|(name, _)| row.cells[*name] != Verdict::Passes);
            for (name, who) in refused {
                cells += 1;
                let found = ask(&app, spec, (name, who), &home).await;
                if found != row.cells[*name] {
                    wrong.push(format!("{} {} {name}: {found:?}, not {:?}", spec.method, spec.path, row.cells[*name]));
                }
            }
            assert!(
                app.database.dump().await == before,
                "a refusal of {} {} changed the database",
                spec.method,
                spec.path
            );
            for (name, who) in passing {
                cells += 1;
                let found = if destructive(spec) {
                    // What is gone afterwards must not be what the next caller asks for.
                    let fresh = fresh(&app, &home, name, spec).await;
                    let who = if spec.path == "/cms/sign-out" { fresh.1 } else { who.clone() };
                    ask(&app, spec, (name, &who), &fresh.0).await
                } else {
                    ask(&app, spec, (name, who), &home).await
                };
                if found != Verdict::Passes {
                    wrong.push(format!("{} {} {name}: {found:?}, not Passes", spec.method, spec.path));
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {cells} cells on {}:\n{}", wrong.len(), app.database.kind, wrong.join("\n"));
        assert!(cells >= 5_000, "{cells} cells");
    }
}

/// Pages of the way to an identity provider and back: an attempt begins or ends there, bound to its browser.
const ON_THE_WAY: &[&str] = &[
    "/sso/{connection}/start",
    "/sso/oidc/{connection}/callback",
    "/sso/oidc/{connection}/signed-out",
    "/sso/saml/{connection}/slo",
];

/// The links in the mails that wait, by what stands before the token.
async fn mailed(app: &App, before: &str) -> String {
    app.work().await;
    let mails = app.outbox.list().await.expect("the outbox");
    let texts = mails.iter().map(|mail| mail.text.get().clone());
    let mut links =
        texts.filter_map(|text| text.split_whitespace().find(|word| word.contains(before)).map(str::to_owned));
    path_of(&links.next_back().expect("a mail with such a link"))
}

#[tokio::test(flavor = "multi_thread")]
async fn case_109_no_page_changes_anything_by_being_read() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let staff = crate::staff::join(&app, crate::staff::READER).await.sign_in(&app).await;
        app.form("/cms/forgot", &As::Nobody, &[("email", &home.email(Role::Viewer))]).await;
        let links = [mailed(&app, "/cms/reset/").await, mailed(&app, "/cms/invitation/").await];
        // The first call of each leaves a "last seen"; the clock stands still.
        for (path, who) in [("/cms/account", &owner), ("/support", &staff), ("/api/v1/events", &home.admin_token)] {
            assert_eq!(app.get(path, who).await.status, StatusCode::OK, "{path}");
        }
        let mut before = app.database.dump().await;
        let specs = routes(&app.http).into_iter().map(|route| route.spec);
        let read = specs.filter(|spec| spec.method == "GET" && !ON_THE_WAY.contains(&spec.path));
        let paths = read.map(|spec| (spec.path, concrete(&spec, &home)));
        let (mut found, mut count) = (0, 0);
        for (route, path) in paths.chain(links.map(|path| ("a mailed link", path))) {
            let who = match path.split('/').nth(1) {
                Some("api") => &home.admin_token,
                Some("support") => &staff,
                _ => &owner,
            };
            for method in ["GET", "HEAD"] {
                let answer = app.send(app.request(method, &path, who).body(Body::empty()).expect("a request")).await;
                assert!(!answer.status.is_server_error(), "{method} {path}: {}", answer.status);
                let after = app.database.dump().await;
                assert!(after == before, "{method} {route} changed the database on {}", app.database.kind);
                before = after;
                count += 1;
                found += usize::from(answer.status == StatusCode::OK);
            }
        }
        assert!(found > 60, "{found} of {count}: most pages are there");
        // The control: what a form changes is seen.
        let fields = [("intent", "profile"), ("name", "Olivia"), ("language", "en")];
        assert_eq!(app.form("/cms/account", &owner, &fields).await.status, StatusCode::SEE_OTHER);
        assert!(app.database.dump().await != before);
    }
}

/// The tenant with a capture, a guest and a file of its own for one destructive request, and a session that may end.
async fn fresh(app: &App, home: &Tenant, caller: &str, spec: &RouteSpec) -> (Tenant, As) {
    let email = format!("{}-{}@guests.example", caller.replace(':', "-"), spec.path.len());
    let guest = format!(r#"{{"email":"{email}"}}"#);
    let key = format!("{caller} {} {}", spec.method, spec.path);
    let answer = app.upload(&home.event, &home.device, &key, crate::support::PHOTO, Some(&guest)).await;
    let capture = crate::support::text(&answer.json(), "/id");
    let owner = app.sign_in(&home.email(Role::Owner)).await;
    let found = app.capture(&owner, &capture).await;
    let links = found["links"].as_array().expect("links").clone();
    let link = links.iter().find(|link| link["kind"] == "owner").expect("an owner link");
    let role = Role::from_name(caller).unwrap_or(Role::Owner);
    let session = app.sign_in(&home.email(role)).await;
    let design_file = if spec.path.ends_with("/design/files/{file}") {
        design_file(app, &app.actor(&owner).await, &home.event).await
    } else {
        home.design_file.clone()
    };
    let tenant = Tenant {
        design_file,
        guest: crate::support::text(&found, "/guests/0/id"),
        view_url: crate::support::text(&answer.json(), "/share_url"),
        owner_url: crate::support::text(link, "/url"),
        capture,
        upload: crate::uploads::begun(app, &home.editor_token, &home.event).await,
        ..home.clone()
    };
    (tenant, session)
}
