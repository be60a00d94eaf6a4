//! A provider that says whatever a test wants, behind the port by which providers are reached.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use http::{Request, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;
use shutterpost_sso::fetch::{Fetch, FetchError};
use shutterpost_sso::oidc::RelyingParty;
use shutterpost_sso::oidc::attempt::{Attempt, Callback};
use shutterpost_sso::oidc::connection::Connection;
use shutterpost_sso::oidc::reject::Reject;
use shutterpost_sso::oidc::report::Report;
use shutterpost_sso::oidc::signed_in::SignedIn;
use url::Url;

use super::keys::{ELLIPTIC, Key};

/// 2027-01-15, 08:00 UTC.
pub const NOW: Millis = Millis(1_800_000_000_000);
pub const ISSUER: &str = "https://op.example";
pub const CLIENT: &str = "shutterpost";
pub const SECRET: &str = "a secret of 32 letters for tests";
pub const SUBJECT: &str = "248289761001";
const ACCESS_TOKEN: &str = "SlAV32hkKG";

pub fn seconds() -> i64 {
    NOW.0 / 1000
}

/// What it says.
#[derive(Debug)]
pub struct Script {
    /// Under which it answers, whatever its documents say.
    address: String,
    pub metadata: Value,
    pub keys: Vec<Value>,
    pub signer: Key,
    /// Of the ID token; of its signer if there is none.
    pub header: Option<Value>,
    pub claims: Value,
    /// Instead of the tokens.
    pub tokens: Option<(u16, Value)>,
    pub access_token: Value,
    pub user_info: Option<Value>,
    /// What it calls that.
    pub user_info_kind: &'static str,
    /// Addresses at which nobody answers.
    pub unreachable: HashMap<String, FetchError>,
    /// Path of each question, and the form that came with it.
    pub asked: Vec<(String, Vec<u8>, Option<String>)>,
}

/// The provider.
#[derive(Debug, Clone)]
pub struct Op(Arc<Mutex<Script>>);

impl Op {
    pub fn new() -> Self {
        Self::of(&connection())
    }

    /// The one of that connection.
    pub fn of(connection: &Connection) -> Self {
        let issuer = &connection.issuer;
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "end_session_endpoint": format!("{issuer}/end"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            // What it says of algorithms must not matter.
            "id_token_signing_alg_values_supported": ["HS256", "none", "RS256"],
        });
        let claims = json!({
            "iss": issuer,
            "sub": SUBJECT,
            "aud": connection.client_id,
            "exp": seconds() + 300,
            "iat": seconds(),
        });
        Self(Arc::new(Mutex::new(Script {
            address: issuer.clone(),
            metadata,
            keys: vec![ELLIPTIC.public()],
            signer: ELLIPTIC,
            header: None,
            claims,
            tokens: None,
            access_token: json!(ACCESS_TOKEN),
            user_info: None,
            user_info_kind: "application/json",
            unreachable: HashMap::new(),
            asked: Vec::new(),
        })))
    }

    /// Changes what it says.
    pub fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.0.lock().expect("no test panics here"))
    }

    /// How often it was asked for that path.
    pub fn asked(&self, path: &str) -> usize {
        self.script(|script| script.asked.iter().filter(|(asked, ..)| asked == path).count())
    }

    /// The form that came last to the token endpoint, and its `Authorization`.
    pub fn last_form(&self) -> (HashMap<String, String>, Option<String>) {
        let last = self.script(|script| script.asked.iter().rev().find(|(path, ..)| path == "/token").cloned());
        let (_, body, authorization) = last.expect("was asked");
        (url::form_urlencoded::parse(&body).into_owned().collect(), authorization)
    }

    pub fn party(&self) -> RelyingParty {
        RelyingParty::new(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Fetch for Op {
    fn admits(&self, url: &Url) -> Result<(), FetchError> {
        if url.scheme() == "https" { Ok(()) } else { Err(FetchError::Address) }
    }

    async fn ask(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
        // Whoever else is on the way to it overtakes here.
        tokio::task::yield_now().await;
        self.script(|script| {
            let url = request.uri().to_string();
            let path = url.strip_prefix(&script.address).unwrap_or(&url).to_owned();
            let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
            script.asked.push((path.clone(), request.body().clone(), authorization.map(str::to_owned)));
            if let Some(error) = script.unreachable.get(&path) {
                return Err(*error);
            }
            let (status, body) = match path.as_str() {
                "/.well-known/openid-configuration" => (200, script.metadata.clone()),
                "/keys" => (200, json!({ "keys": script.keys })),
                "/token" => script.tokens.clone().unwrap_or_else(|| {
                    let header = script.header.clone().unwrap_or_else(|| script.signer.header());
                    let id_token = script.signer.token(&header, &script.claims);
                    let tokens = json!({ "access_token": script.access_token, "token_type": "Bearer",
                        "expires_in": 300, "id_token": id_token });
                    (200, tokens)
                }),
                "/userinfo" => match &script.user_info {
                    Some(claims) => (200, claims.clone()),
                    None => (404, json!({})),
                },
                _ => (404, json!({})),
            };
            let kind = if path == "/userinfo" { script.user_info_kind } else { "application/json" };
            let answer = Response::builder().status(status).header("content-type", kind);
            Ok(answer.body(body.to_string().into_bytes()).expect("is an answer"))
        })
    }
}

pub fn connection() -> Connection {
    Connection::standard(ISSUER, CLIENT, Secret::new(SECRET.to_owned()))
}

pub fn redirect() -> Url {
    "https://photos.example/sso/oidc/callback".parse().expect("is an address")
}

/// Bytes that never come twice.
pub fn fill(bytes: &mut [u8]) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    for chunk in bytes.chunks_mut(32) {
        let hash = Sha256::digest(NEXT.fetch_add(1, Ordering::SeqCst).to_le_bytes());
        chunk.copy_from_slice(&hash[..chunk.len()]);
    }
}

/// A sign-in between its two requests, as an honest browser and provider would go on with it.
#[derive(Debug)]
pub struct Begun {
    pub url: Url,
    pub attempt: Attempt,
    pub callback: Callback,
    pub browser: Option<Secret>,
    pub now: Millis,
    pub report: Report,
}

impl Begun {
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    pub async fn finish(&mut self, party: &RelyingParty, connection: &Connection) -> Result<SignedIn, Reject> {
        let (attempt, callback, browser) = (&self.attempt, &self.callback, self.browser.as_ref());
        party.finish(connection, attempt, callback, browser, self.now, &mut self.report).await
    }
}

/// Begins a sign-in, and has the provider put its nonce into the next token.
pub async fn begin(op: &Op, party: &RelyingParty, connection: &Connection) -> Begun {
    let started = party.start(connection, &redirect(), &fill, NOW).await.expect("starts");
    let mut begun = Begun {
        url: started.url,
        attempt: started.attempt,
        callback: Callback::default(),
        browser: Some(started.browser),
        now: NOW,
        report: Report::default(),
    };
    begun.callback.state = begun.parameter("state").map(Secret::new);
    begun.callback.code = Some(Secret::new("SplxlOBeZQQYbYS6WxSbIA".to_owned()));
    let nonce = begun.parameter("nonce").expect("has a nonce");
    op.script(|script| script.claims["nonce"] = json!(nonce));
    begun
}

/// A whole sign-in, with the provider's words changed after it has begun. It ends at another server of ours, which has not
/// asked the provider for anything before.
pub async fn sign_in(op: &Op, change: impl FnOnce(&mut Script)) -> Result<SignedIn, Reject> {
    sign_in_by(op, &connection(), change).await
}

pub async fn sign_in_by(
    op: &Op,
    connection: &Connection,
    change: impl FnOnce(&mut Script),
) -> Result<SignedIn, Reject> {
    let mut begun = begin(op, &op.party(), connection).await;
    op.script(change);
    begun.finish(&op.party(), connection).await
}

/// The same at a provider of its own.
pub async fn scripted(change: impl FnOnce(&mut Script)) -> Result<SignedIn, Reject> {
    sign_in(&Op::new(), change).await
}

/// What becomes of a sign-in whose claims are changed.
pub async fn with_claims(change: impl FnOnce(&mut Value)) -> Result<SignedIn, Reject> {
    scripted(|script| change(&mut script.claims)).await
}

/// The refusal's code.
pub fn code(outcome: Result<SignedIn, Reject>) -> &'static str {
    outcome.expect_err("is refused").code()
}

/// `at_hash` of an access token under a hash of 256 bits.
pub fn at_hash(access_token: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(access_token.as_bytes())[..16])
}
