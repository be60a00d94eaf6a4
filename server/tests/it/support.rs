//! An installation per test and per database, two organisations in it, and a client that speaks HTTP to the router.

mod tenant;

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
use shutterpost_backend::jobs::Wake;
use shutterpost_backend::jobs::worker::Worker;
use shutterpost_backend::messages::mailer::OutboxMailer;
use shutterpost_backend::services::{Backend, Deps, Options};
use shutterpost_backend::storage::Storage;
use shutterpost_backend::testing::{self, TestDatabase};
use shutterpost_model::access::Actor;
use shutterpost_model::error::AppError;
use shutterpost_model::messages::OutboxMail;
use tower::ServiceExt;

pub(crate) use tenant::{
    ADMIN, Tenant, brand, design_file, exported, issued, old_token, picture, tenant, token, token_id,
};

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
        let file =
            if *name == "file" || *name == "logo" || name.ends_with(".upload") { "; filename=\"x\"" } else { "" };
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
