//! An installation per test and per database, two organisations in it, and a client that speaks HTTP to the router.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use shutterpost::config::HttpConfig;
use shutterpost::http::{Http, HttpParts, Operations, build_router};
use shutterpost::log::RequestLog;
use shutterpost::metrics::Metrics;
use shutterpost_app::mail::Writer;
use shutterpost_backend::connections::dns::{Texts, Unavailable};
use shutterpost_backend::connections::providers::Providers;
use shutterpost_backend::context::World;
use shutterpost_backend::identity::PasswordPolicy;
use shutterpost_backend::identity::admin::{self, NewMember};
use shutterpost_backend::jobs::Wake;
use shutterpost_backend::jobs::worker::Worker;
use shutterpost_backend::messages::mailer::OutboxMailer;
use shutterpost_backend::services::{Backend, Deps, Options};
use shutterpost_backend::storage::Storage;
use shutterpost_backend::testing::{self, TestDatabase};
use shutterpost_model::access::{Actor, Role};
use shutterpost_model::error::AppError;
use shutterpost_model::id::OrganisationId;
use shutterpost_model::language::Language;
use shutterpost_model::messages::OutboxMail;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::privacy::ErasureTarget;
use tower::ServiceExt;

pub(crate) const ORIGIN: &str = "http://localhost:8080";
pub(crate) const PASSWORD: &str = "copper-meadow-lantern-77";

/// A small real photo.
pub(crate) const PHOTO: &[u8] = include_bytes!("../../assets/demo/two.jpg");

/// An installation on one database.
pub(crate) struct App {
    pub(crate) router: Router,
    pub(crate) http: Http,
    pub(crate) deps: Deps,
    pub(crate) worker: Arc<Worker>,
    pub(crate) outbox: OutboxMailer,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) database: TestDatabase,
    pub(crate) media: PathBuf,
    pub(crate) names: Arc<Names>,
}

/// Stands in for DNS: every name has these texts.
#[derive(Debug, Default)]
pub(crate) struct Names(pub(crate) std::sync::Mutex<Vec<String>>);

#[async_trait]
impl Texts for Names {
    async fn texts(&self, _: &str, _: &World) -> Result<Vec<String>, Unavailable> {
        Ok(self.0.lock().expect("nobody panicked").clone())
    }
}

struct Parts(OutboxMailer);

#[async_trait]
impl Operations for Parts {
    async fn check(&self) -> Vec<(&'static str, bool)> {
        vec![("database", true)]
    }

    async fn lag(&self) -> Option<i64> {
        None
    }

    async fn outbox(&self) -> Vec<OutboxMail> {
        self.0.list().await.expect("the outbox can be read")
    }

    fn changed(&self) {}
}

/// One installation per database that the tests have.
pub(crate) async fn apps() -> Vec<App> {
    apps_behind(&[]).await
}

/// The same behind these proxies.
pub(crate) async fn apps_behind(trusted_proxies: &[IpAddr]) -> Vec<App> {
    let mut apps = Vec::new();
    for database in testing::databases().await {
        apps.push(app(database, trusted_proxies.to_vec()).await);
    }
    apps
}

async fn app(database: TestDatabase, trusted_proxies: Vec<IpAddr>) -> App {
    let media = database.folder().join("media");
    let names = Arc::new(Names::default());
    let deps = Deps {
        db: database.db.clone(),
        world: database.world.clone(),
        keys: database.keys.clone(),
        keystore: database.keystore.clone(),
        storage: Storage::folder(&media).expect("a temporary folder"),
        providers: Providers { names: Arc::<Names>::clone(&names), ..Providers::with_loopback() },
        origin: ORIGIN.into(),
    };
    let site = database.folder().join("site");
    std::fs::create_dir(&site).expect("a temporary folder");
    std::fs::write(site.join("bundle.js"), "export {}").expect("a temporary folder");
    let outbox = OutboxMailer::new(database.folder().join("outbox"));
    let options = Options { password: PasswordPolicy::FLOOR, ..Options::default() };
    let mailer = Arc::new(outbox.clone());
    let Backend { services, worker } =
        Backend::new(deps.clone(), options, Wake::default(), mailer, Arc::new(Writer)).expect("starts");
    let metrics = Arc::new(Metrics::new(deps.world.now()));
    let http = Http::new(HttpParts {
        services,
        world: deps.world.clone(),
        config: HttpConfig {
            address: [127, 0, 0, 1].into(),
            port: 8080,
            admin: None,
            origin: ORIGIN.into(),
            trusted_proxies,
            dns_server: None,
            site: Some(site),
            dev: true,
            upload_bytes: 40_000_000,
        },
        assets: None,
        log: RequestLog::off(),
        metrics: Arc::clone(&metrics),
        operations: Arc::new(Parts(outbox.clone())),
    });
    http.shares().catch_up().await;
    App {
        router: build_router(http.clone()),
        http,
        deps,
        worker: Arc::new(worker),
        outbox,
        metrics,
        database,
        media,
        names,
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON, not {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// How a request is authorised.
#[derive(Debug, Clone)]
pub(crate) enum As {
    Nobody,
    Cookie(String),
    /// Showed a password and has a second factor still to show.
    Pending(String),
    Bearer(String),
    /// One of our own staff.
    Staff(String),
    /// One of the staff who showed the password alone.
    StaffPending(String),
}

impl App {
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router always answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
        // Case 92, wherever a test looks.
        for set in parts.headers.get_all(header::SET_COOKIE) {
            assert!(crate::cookies::is_for_our_host_alone(set.to_str().expect("text")), "{set:?}");
        }
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn request(&self, method: &str, path: &str, who: &As) -> http::request::Builder {
        let builder = Request::builder().method(method).uri(path).header("sec-fetch-site", "same-origin");
        match who {
            As::Nobody => builder,
            As::Cookie(cookie) => builder.header(header::COOKIE, format!("__Host-shutterpost={cookie}")),
            As::Pending(cookie) => builder.header(header::COOKIE, format!("__Host-shutterpost-factor={cookie}")),
            As::Staff(cookie) => builder.header(header::COOKIE, format!("__Host-shutterpost-staff={cookie}")),
            As::StaffPending(cookie) => {
                builder.header(header::COOKIE, format!("__Host-shutterpost-staff-factor={cookie}"))
            }
            As::Bearer(token) => builder.header(header::AUTHORIZATION, format!("Bearer {token}")),
        }
    }

    pub(crate) async fn get(&self, path: &str, who: &As) -> Answer {
        self.send(self.request("GET", path, who).body(Body::empty()).expect("a request")).await
    }

    pub(crate) async fn form(&self, path: &str, who: &As, fields: &[(&str, &str)]) -> Answer {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let request = self
            .request("POST", path, who)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.join("&")));
        self.send(request.expect("a request")).await
    }

    /// Posts a body of this type.
    pub(crate) async fn post(&self, path: &str, who: &As, kind: &str, body: impl Into<Body>) -> Answer {
        let request = self.request("POST", path, who).header(header::CONTENT_TYPE, kind).body(body.into());
        self.send(request.expect("a request")).await
    }

    pub(crate) async fn call(&self, name: &str, who: &As, input: serde_json::Value) -> Answer {
        let request = self
            .request("POST", &format!("/fn/{name}"), who)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(Body::from(input.to_string()));
        self.send(request.expect("a request")).await
    }

    /// Who the holder of the cookie is to the ports.
    pub(crate) async fn actor(&self, who: &As) -> Actor {
        let As::Cookie(cookie) = who else { panic!("a signed-in person") };
        self.http.services().accounts.session(cookie).await.expect("an answer").expect("a session")
    }

    /// Everything about a capture, as its page gets it.
    pub(crate) async fn capture(&self, who: &As, capture: &str) -> serde_json::Value {
        let capture = capture.parse().expect("an id");
        json(self.http.services().captures.find(&self.actor(who).await, &capture).await)
    }

    /// Uploads over REST.
    pub(crate) async fn upload(&self, event: &str, who: &As, key: &str, file: &[u8], guest: Option<&str>) -> Answer {
        let mut parts = vec![("file", Some("image/jpeg"), file.to_vec())];
        if let Some(guest) = guest {
            parts.push(("guest", Some("application/json"), guest.as_bytes().to_vec()));
        }
        let request = self
            .request("POST", &format!("/api/v1/events/{event}/captures"), who)
            .header("idempotency-key", key)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=line")
            .body(Body::from(multipart(&parts)));
        self.send(request.expect("a request")).await
    }

    /// Does all jobs that are due, but for slow ones.
    pub(crate) async fn work(&self) -> usize {
        self.worker.run_due().await
    }

    /// Slow ones too.
    pub(crate) async fn finish(&self) -> usize {
        self.worker.run_all_due().await
    }

    pub(crate) async fn sign_in(&self, email: &str) -> As {
        let answer = self.form("/cms/sign-in", &As::Nobody, &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        As::Cookie(cookie_of(&answer))
    }
}

pub(crate) fn cookie_of(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    let value = cookie.strip_prefix("__Host-shutterpost=").expect("the session cookie");
    value.split(';').next().expect("a value").to_owned()
}

pub(crate) fn multipart(parts: &[(&str, Option<&str>, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, media_type, bytes) in parts {
        let file = if *name == "file" || *name == "logo" { "; filename=\"x\"" } else { "" };
        body.extend_from_slice(
            format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n").as_bytes(),
        );
        if let Some(media_type) = media_type {
            body.extend_from_slice(format!("Content-Type: {media_type}\r\n").as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--line--\r\n");
    body
}

pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

/// An organisation with a member of each role, an event with two devices' worth of access, tokens, and a capture with a guest.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) organisation: OrganisationId,
    pub(crate) name: &'static str,
    pub(crate) event: String,
    pub(crate) device: As,
    pub(crate) device_id: String,
    pub(crate) admin_token: As,
    pub(crate) editor_token: As,
    pub(crate) viewer_token: As,
    pub(crate) token_id: String,
    pub(crate) capture: String,
    pub(crate) guest: String,
    pub(crate) view_url: String,
    pub(crate) owner_url: String,
    pub(crate) message: String,
    pub(crate) link: String,
    pub(crate) invitation: String,
    pub(crate) logo: String,
    /// Of a guest who was erased.
    pub(crate) erasure: String,
    /// Of all captures that were there then.
    pub(crate) export: String,
    /// To an identity provider, begun and off.
    pub(crate) connection: String,
    /// A member who is in the trash.
    pub(crate) removed: String,
    /// Connections to an identity provider, by OpenID Connect and by SAML, which are on.
    pub(crate) oidc: String,
    pub(crate) saml: String,
    /// Path of a picture on the share page.
    pub(crate) picture: String,
    /// Begun by the editor's token, and its first bytes are here.
    pub(crate) upload: String,
}

impl Tenant {
    pub(crate) fn email(&self, role: Role) -> String {
        format!("{}@{}.example", role.as_str(), self.name)
    }
}

/// Makes an organisation through the doors that people use.
pub(crate) async fn tenant(app: &App, name: &'static str) -> Tenant {
    let password = || Secret::new(PASSWORD.to_owned());
    let pii = |text: String| Pii::new(text);
    let policy = PasswordPolicy::FLOOR;
    let owner_email = format!("owner@{name}.example");
    let created = admin::create_owner(
        &app.deps,
        policy,
        name,
        pii(format!("Owner of {name}")),
        pii(owner_email.clone()),
        password(),
    );
    let (organisation, _) = created.await.expect("created");
    for role in [Role::Admin, Role::Editor, Role::Viewer, Role::Reporter] {
        let member = NewMember {
            name: pii(format!("{} of {name}", role.as_str())),
            email: pii(format!("{}@{name}.example", role.as_str())),
            password: password(),
            role,
            language: Language::English,
        };
        admin::create_member(&app.deps, policy, &organisation, member).await.expect("created");
    }
    let owner = app.sign_in(&owner_email).await;
    let today = app.deps.world.now().date();
    let (start, end) = (today.to_string(), today.plus_days(1).to_string());
    let answer = app
        .form(
            "/cms/events/new",
            &owner,
            &[
                ("name", "Party"),
                ("starts_on", &start),
                ("ends_on", &end),
                ("time_zone", "Europe/Berlin"),
                ("retention_days", "365"),
            ],
        )
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let event = segment(answer.header("location"), "events");
    let logo = brand(app, &owner, &event).await;
    let device =
        issued(app, &format!("/cms/events/{event}/devices"), &owner, &[("intent", "create"), ("name", "Booth")]).await;
    let actor = app.actor(&owner).await;
    let services = app.http.services();
    let devices = json(services.events.devices(&actor, &event.parse().expect("an id")).await);
    let admin_token = token(app, &owner, "A", ADMIN).await;
    let editor_token = token(app, &owner, "E", EDITOR).await;
    let viewer_token = token(app, &owner, "V", VIEWER).await;
    let tokens = json(services.directory.tokens(&actor).await);
    let invited =
        [("intent", "invite"), ("email", &format!("new@{name}.example")), ("role", "viewer"), ("language", "en")];
    assert_eq!(app.form("/cms/people", &owner, &invited).await.status, StatusCode::SEE_OTHER);
    let people = json(services.directory.people(&actor).await);

    let guest = format!(
        r#"{{"name":"Guest","email":"guest@{name}.example","consents":[{{"purpose":"delivery","granted":true}}]}}"#
    );
    let erasure = erased(app, &owner, &event, &device).await;
    let fields = [("kind", "oidc"), ("provider", "okta"), ("name", "Staff")];
    let answer = app.form("/cms/sign-in-settings/connections/new", &owner, &fields).await;
    let connection = segment(answer.header("location"), "connections");
    let removed = removed(app, &owner, &organisation, name).await;
    let answer = app.upload(&event, &device, "first", PHOTO, Some(&guest)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let accepted = answer.json();
    let capture = text(&accepted, "/id");
    let found = app.capture(&owner, &capture).await;
    let links = found["links"].as_array().expect("links").clone();
    let owner_link = links.iter().find(|link| link["kind"] == "owner").expect("an owner link");
    Tenant {
        upload: crate::uploads::begun(app, &editor_token, &event).await,
        organisation,
        name,
        device,
        admin_token,
        erasure,
        export: exported(app, &event, &editor_token, "first").await,
        connection,
        removed,
        device_id: text(&devices, "/0/id"),
        editor_token,
        viewer_token,
        token_id: text(&tokens, "/0/id"),
        guest: text(&found, "/guests/0/id"),
        view_url: text(&accepted, "/share_url"),
        owner_url: text(owner_link, "/url"),
        message: text(&found, "/messages/0/id"),
        link: text(owner_link, "/id"),
        invitation: text(&people, "/invitations/0/id"),
        event,
        capture,
        logo,
        picture: picture(app, &text(&accepted, "/share_url")).await,
        oidc: crate::sso::oidc(app, &owner, "http://127.0.0.1:9").await,
        saml: crate::sso::saml(app, &owner).await,
    }
}

/// Asks for an export of the event's captures.
pub(crate) async fn exported(app: &App, event: &str, token: &As, key: &str) -> String {
    let request = app.request("POST", &format!("/api/v1/events/{event}/exports"), token);
    let request = request.header("idempotency-key", key).body(Body::empty());
    let answer = app.send(request.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    text(&answer.json(), "/id")
}

/// Erases somebody who was there for a moment.
async fn erased(app: &App, owner: &As, event: &str, device: &As) -> String {
    let answer = app.upload(event, device, "gone", PHOTO, Some(r#"{"phone":"+4915112345678"}"#)).await;
    let found = app.capture(owner, &text(&answer.json(), "/id")).await;
    let guest = ErasureTarget::Guest(text(&found, "/guests/0/id").parse().expect("an id"));
    let erased = json(app.http.services().privacy.erase(&app.actor(owner).await, &guest).await);
    text(&erased, "/id")
}

/// Somebody who was a member for a moment.
async fn removed(app: &App, owner: &As, organisation: &OrganisationId, name: &str) -> String {
    let member = NewMember {
        name: Pii::new(format!("Removed of {name}")),
        email: Pii::new(format!("removed@{name}.example")),
        password: Secret::new(PASSWORD.to_owned()),
        role: Role::Viewer,
        language: Language::English,
    };
    let user = admin::create_member(&app.deps, PasswordPolicy::FLOOR, organisation, member).await.expect("created");
    let fields = [("intent", "remove"), ("user", user.as_str())];
    assert_eq!(app.form("/cms/people", owner, &fields).await.status, StatusCode::SEE_OTHER);
    user.to_string()
}

/// Path of the first picture that a share page shows.
pub(crate) async fn picture(app: &App, url: &str) -> String {
    let page = app.get(&path_of(url), &As::Nobody).await.text();
    let start = page.find("/m/").expect("a picture on the page");
    page[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || "/-._".contains(*c)).collect()
}

pub(crate) async fn brand(app: &App, owner: &As, event: &str) -> String {
    let field = |name: &'static str, value: &str| (name, None, value.as_bytes().to_vec());
    let parts = vec![
        field("intent", "save"),
        field("version", "1"),
        field("accent", "#2f5bd7"),
        field("backdrop", "#14161c"),
        field("en.headline", "Hello"),
        field("mark_pictures", "on"),
        ("logo", Some("image/png"), include_bytes!("../../assets/demo/logo.png").to_vec()),
    ];
    let request = app
        .request("POST", &format!("/cms/events/{event}/branding"), owner)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=line")
        .body(Body::from(multipart(&parts)));
    let answer = app.send(request.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let actor = app.actor(owner).await;
    let found = json(app.http.services().events.find(&actor, &event.parse().expect("an id")).await);
    text(&found, "/logo/id")
}

/// Scopes as far as an admin, an editor and a viewer reach.
pub(crate) const ADMIN: &[&str] = &[
    "events:read",
    "captures:read",
    "captures:upload",
    "captures:write",
    "guests:read",
    "guests:write",
    "trash:manage",
    "privacy:manage",
];
pub(crate) const EDITOR: &[&str] = &["events:read", "captures:write", "guests:write"];
pub(crate) const VIEWER: &[&str] = &["events:read", "captures:read", "guests:read"];

/// Makes an API token with these scopes for three months.
pub(crate) async fn token(app: &App, who: &As, name: &str, scopes: &[&str]) -> As {
    let mut fields = vec![("intent", "create"), ("name", name), ("preset", "choose"), ("expires", "90")];
    fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
    issued(app, "/cms/tokens", who, &fields).await
}

/// A token as a version without scopes wrote it, which no door makes any more.
pub(crate) async fn old_token(app: &App, owner: &As) -> As {
    let made = token(app, owner, "From before", ADMIN).await;
    let id = token_id(app, owner, "From before").await;
    let old = "role = 'admin', scopes = NULL, cap = NULL, expires_at = NULL";
    app.database.execute(&format!("UPDATE identity_tokens SET {old} WHERE id = '{id}'")).await;
    made
}

/// The id of the token with this name.
pub(crate) async fn token_id(app: &App, owner: &As, name: &str) -> String {
    let tokens = json(app.http.services().directory.tokens(&app.actor(owner).await).await);
    let found = tokens.as_array().expect("tokens").iter().find(|token| token["name"] == name).expect("the token");
    found["id"].as_str().expect("an id").to_owned()
}

/// Posts a form that issues a secret, and reads the secret from the page.
pub(crate) async fn issued(app: &App, path: &str, who: &As, fields: &[(&str, &str)]) -> As {
    let answer = app.form(path, who, fields).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let page = answer.text();
    let start = page.find("spd_").or_else(|| page.find("spt_")).expect("a secret on the page");
    let secret: String = page[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    As::Bearer(secret)
}

/// What a port answers, as JSON.
pub(crate) fn json<T: serde::Serialize>(answer: Result<T, AppError>) -> serde_json::Value {
    serde_json::to_value(answer.expect("an answer")).expect("JSON")
}

pub(crate) fn text(value: &serde_json::Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(serde_json::Value::as_str)
        .unwrap_or_else(|| panic!("{pointer} in {value}"))
        .to_owned()
}

/// The path segment after the named one.
pub(crate) fn segment(path: &str, after: &str) -> String {
    let mut parts = path.split(['/', '?']);
    parts.find(|part| *part == after).expect("the segment before");
    parts.next().expect("the segment").to_owned()
}

/// The path of a whole address.
pub(crate) fn path_of(url: &str) -> String {
    url.strip_prefix(ORIGIN).expect("our own origin").to_owned()
}
