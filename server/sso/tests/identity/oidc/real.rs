//! oidc-provider, which the OpenID Foundation has certified, over the guard and real connections.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Request;
use serde_json::{Value, json};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;
use shutterpost_sso::fetch::{Fetch as _, GuardedFetch, Reach, SystemResolver};
use shutterpost_sso::oidc::RelyingParty;
use shutterpost_sso::oidc::attempt::{Attempt, Callback, matches};
use shutterpost_sso::oidc::connection::{Authentication, Connection, Sent};
use shutterpost_sso::oidc::reject::Reject;
use shutterpost_sso::oidc::report::Report;
use shutterpost_sso::oidc::signed_in::SignedIn;
use tokio_rustls::rustls::RootCertStore;
use url::Url;

use super::browser::{Browser, Place};
use super::provider::fill;

const REDIRECT: &str = "http://localhost:9/sso/oidc/callback";
const BACK: &str = "http://localhost:9/cms/sign-in";

/// The provider's clock is this machine's.
#[expect(clippy::disallowed_methods, reason = "the other program takes the time from there as well")]
fn now() -> Millis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("is after 1970");
    Millis(i64::try_from(now.as_millis()).expect("is before the year 292 million"))
}

fn provider() -> String {
    let file = std::env::var("SHUTTERPOST_TEST_IDPS").expect(
        "no identity providers for the tests; `cargo xtask test --only unit` starts them and sets SHUTTERPOST_TEST_IDPS",
    );
    let described = std::fs::read(&file).expect("the description of the identity providers");
    let described: Value = serde_json::from_slice(&described).expect("is JSON");
    described["oidc-provider"]["url"].as_str().expect("is described").to_owned()
}

fn fetch() -> GuardedFetch {
    // Patient: the machine may be busy with other tests.
    let deadline = Duration::from_secs(30);
    GuardedFetch::with(Reach::LoopbackToo, Arc::new(SystemResolver), RootCertStore::empty(), deadline)
}

async fn post(url: String, body: &Value) -> Value {
    let request = Request::post(url).header("content-type", "application/json").body(body.to_string().into_bytes());
    let answer = fetch().ask(request.expect("is a request")).await.expect("answers");
    assert!(answer.status().is_success(), "{:?}", String::from_utf8_lossy(answer.body()));
    if answer.body().is_empty() { Value::Null } else { serde_json::from_slice(answer.body()).expect("is JSON") }
}

/// A client of the test's own, and the relying party that it belongs to.
struct Rp {
    party: RelyingParty,
    connection: Connection,
    browser: Browser,
}

impl Rp {
    async fn register(settings: Value) -> Self {
        let issuer = provider();
        let mut client = json!({ "redirect_uris": [REDIRECT], "post_logout_redirect_uris": [BACK],
            "response_types": ["code"], "grant_types": ["authorization_code"] });
        client.as_object_mut().expect("is an object").extend(settings.as_object().expect("is an object").clone());
        let client = post(format!("{issuer}/reg"), &client).await;
        let text = |name: &str| client[name].as_str().expect("was given").to_owned();
        let connection = Connection::standard(&issuer, &text("client_id"), Secret::new(text("client_secret")));
        Self { party: RelyingParty::new(Arc::new(fetch())), connection, browser: Browser::default() }
    }

    /// Goes through the provider's pages; gives what comes back to us.
    async fn visit(&mut self, person: &str) -> (Attempt, Callback, Secret) {
        let redirect = REDIRECT.parse().expect("is an address");
        let started = self.party.start(&self.connection, &redirect, &fill, now()).await.expect("starts");
        let mut place = self.browser.open(&started.url);
        if let Place::Page { body, .. } = &place
            && body.contains("name=\"login\"")
        {
            let fields = [("prompt", "login"), ("login", person), ("password", "any")];
            place = self.browser.submit(&place, &fields);
        }
        if let Place::Page { .. } = &place {
            place = self.browser.submit(&place, &[("prompt", "consent")]);
        }
        let back = place.away();
        assert!(back.as_str().starts_with(REDIRECT), "{back}");
        let all: serde_json::Map<_, _> =
            back.query_pairs().map(|(name, value)| (name.into_owned(), json!(value))).collect();
        let callback = serde_json::from_value(Value::Object(all)).expect("are parameters");
        (started.attempt, callback, started.browser)
    }

    async fn finish(&self, visit: &(Attempt, Callback, Secret)) -> Result<SignedIn, Reject> {
        let (attempt, callback, browser) = visit;
        let mut report = Report::default();
        self.party.finish(&self.connection, attempt, callback, Some(browser), now(), &mut report).await
    }

    async fn sign_in(&mut self, person: &str) -> Result<SignedIn, Reject> {
        let visit = self.visit(person).await;
        self.finish(&visit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_by_each_client_authentication_and_algorithm() {
    for (method, algorithm, person, verified) in [
        ("client_secret_basic", "RS256", "alice", true),
        ("client_secret_post", "PS256", "bob", false),
        ("client_secret_basic", "ES256", "alice", true),
        ("client_secret_basic", "EdDSA", "bob", false),
    ] {
        let settings = json!({ "token_endpoint_auth_method": method, "id_token_signed_response_alg": algorithm });
        let mut rp = Rp::register(settings).await;
        let Authentication::Secret { sent, .. } = &mut rp.connection.authentication else { panic!("has a secret") };
        *sent = if method == "client_secret_post" { Sent::InForm } else { Sent::AsPublished };
        let signed_in = rp.sign_in(person).await.unwrap_or_else(|reject| panic!("{method}, {algorithm}: {reject}"));
        let person_found = signed_in.person;
        assert_eq!(person_found.subject.expose(), person);
        assert_eq!(person_found.email.expect("is told").expose(), &format!("{person}@example.test"));
        assert_eq!(person_found.email_verified, verified);
        assert!(person_found.groups.contains(&"staff".to_owned()), "{:?}", person_found.groups);
        assert!(person_found.name.is_some());
    }
}

/// The provider refuses a code without its verifier, a second use, and the secret of another client.
#[tokio::test(flavor = "multi_thread")]
async fn codes_work_once_and_with_their_verifier() {
    let mut rp = Rp::register(json!({})).await;
    let visit = rp.visit("alice").await;
    rp.finish(&visit).await.expect("is accepted");
    assert_eq!(rp.finish(&visit).await.expect_err("was used").code(), "invalid_grant");

    // The code of one sign-in in another: our state and cookie are right, the verifier is not.
    let stolen = rp.visit("alice").await;
    let (attempt, mut callback, browser) = rp.visit("alice").await;
    callback.code = stolen.1.code;
    let refused = rp.finish(&(attempt, callback, browser)).await.expect_err("is another's");
    assert_eq!(refused.code(), "invalid_grant");

    let visit = rp.visit("alice").await;
    let right = rp.connection.clone();
    rp.connection = Connection::standard(&right.issuer, &right.client_id, Secret::new("wrong".to_owned()));
    assert_eq!(rp.finish(&visit).await.expect_err("has no secret").code(), "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_answers_name_it() {
    let mut rp = Rp::register(json!({})).await;
    let (attempt, mut callback, browser) = rp.visit("alice").await;
    assert_eq!(callback.iss.as_deref(), Some(rp.connection.issuer.as_str()));
    callback.iss = None;
    let visit = (attempt, callback, browser);
    assert_eq!(rp.finish(&visit).await.expect_err("is not named").code(), "issuer_parameter_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_between_start_and_callback_are_found() {
    let mut rp = Rp::register(json!({})).await;
    rp.sign_in("alice").await.expect("by the old key");
    let visit = rp.visit("alice").await;
    post(format!("{}/rotate", rp.connection.issuer), &json!({})).await;
    rp.finish(&visit).await.expect("by the new key");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_signs_out_whom_we_send() {
    let mut rp = Rp::register(json!({})).await;
    let id_token = rp.sign_in("alice").await.expect("is accepted").id_token;
    let (party, connection) = (&rp.party, &rp.connection);
    let back: Url = BACK.parse().expect("is an address");
    let end = party.end_session(connection, Some(&id_token), &back, &fill, now()).await;
    let end = end.expect("is there").expect("ends sessions");
    let page = rp.browser.open(&end.url);
    let returned = rp.browser.submit(&page, &[("logout", "yes")]).away();
    assert!(returned.as_str().starts_with(BACK), "{returned}");
    let state = returned.query_pairs().find(|(name, _)| name == "state").expect("comes back").1.into_owned();
    assert!(matches(&Secret::new(state), &shutterpost_sso::oidc::attempt::hash(&end.state)));

    // Whose address is not registered is not sent there.
    let foreign: Url = "https://attacker.example/".parse().expect("is an address");
    let end = party.end_session(connection, Some(&id_token), &foreign, &fill, now()).await;
    let end = end.expect("is there").expect("ends sessions");
    let Place::Page { status, .. } = rp.browser.open(&end.url) else { panic!("leads away") };
    assert_eq!(status, 400);
}

/// Takes one request, and gives its form.
fn receive() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let port = listener.local_addr().expect("has an address").port();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut request = Vec::new();
        let mut part = [0; 4096];
        loop {
            let length = stream.read(&mut part).expect("sends");
            request.extend_from_slice(&part[..length]);
            let text = String::from_utf8_lossy(&request).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let wanted =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if length == 0 || body.len() >= wanted.unwrap_or(0) {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").expect("reads");
                sender.send(body.to_owned()).expect("is waited for");
                return;
            }
        }
    });
    (port, receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_us_of_sessions_that_it_ends() {
    let (port, receiver) = receive();
    let mut rp = Rp::register(json!({
        "backchannel_logout_uri": format!("http://127.0.0.1:{port}/sso/oidc/backchannel-logout"),
        "backchannel_logout_session_required": true,
    }))
    .await;
    let signed_in = rp.sign_in("alice").await.expect("is accepted");
    let session = signed_in.person.session.expect("is named");

    // Signed out there, without us.
    let page = rp.browser.open(&format!("{}/session/end", rp.connection.issuer).parse().expect("is an address"));
    rp.browser.submit(&page, &[("logout", "yes")]);
    let form = receiver.recv_timeout(Duration::from_secs(30)).expect("we are told");
    let token = url::form_urlencoded::parse(form.as_bytes()).find(|(name, _)| name == "logout_token");
    let token = token.expect("has a token").1.into_owned();

    let ended = rp.party.ended(&rp.connection, &token, now()).await.expect("is accepted");
    assert_eq!(ended.session, Some(session));
    assert_eq!(ended.sub.expect("is named").expose(), signed_in.sub.expose());
    // Of another client it is none of that one's business.
    let other = Rp::register(json!({})).await;
    let refused = other.party.ended(&other.connection, &token, now()).await.expect_err("is another's");
    assert_eq!(refused.code(), "audience");
    assert_eq!(
        rp.party.ended(&rp.connection, signed_in.id_token.expose(), now()).await.map(drop).map_err(|r| r.code()),
        Err("logout_event")
    );
}
