//! An OpenID provider that listens on this machine and says whatever a test wants.

use std::sync::{Arc, Mutex};

use axum::routing::{get, post};
use axum::{Json, Router};
use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

use crate::support::App;

pub(crate) const CLIENT: &str = "shutterpost";

pub(super) struct Op {
    issuer: String,
    claims: Arc<Mutex<Value>>,
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[1; 32]).expect("is a key")
}

fn token(claims: &Value) -> String {
    let encode = |part: &Value| BASE64URL_NOPAD.encode(part.to_string().as_bytes());
    let signed = format!("{}.{}", encode(&json!({ "alg": "ES256", "kid": "one" })), encode(claims));
    let signature: Signature = key().sign(signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature.to_bytes()))
}

fn keys() -> Value {
    let point = key().verifying_key().to_sec1_point(false);
    let number = |bytes: Option<&p256::FieldBytes>| BASE64URL_NOPAD.encode(bytes.expect("is a point"));
    json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "one", "use": "sig",
        "x": number(point.x()), "y": number(point.y()) }] })
}

impl Op {
    /// Listens until the test ends.
    pub(super) async fn listen() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let claims = Arc::new(Mutex::new(Value::Null));
        let document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "end_session_endpoint": format!("{issuer}/end"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        let said = Arc::clone(&claims);
        let tokens = move || async move {
            let claims = said.lock().expect("no test panics here").clone();
            Json(json!({ "access_token": "SlAV32hkKG", "token_type": "Bearer", "expires_in": 300,
                "id_token": token(&claims) }))
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(move || async move { Json(document) }))
            .route("/keys", get(|| async { Json(keys()) }))
            .route("/token", post(tokens));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, claims }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What the next ID token says.
    pub(super) fn vouch(&self, app: &App, subject: &str, nonce: &str, more: &Value) {
        let now = app.deps.world.now().0 / 1000;
        let mut claims = json!({ "iss": self.issuer, "sub": subject, "aud": CLIENT, "exp": now + 300, "iat": now,
            "nonce": nonce, "sid": format!("sid-{subject}"), "email": format!("{subject}@people.example"),
            "email_verified": true });
        claims.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        *self.claims.lock().expect("no test panics here") = claims;
    }

    /// A token that ends everything of somebody.
    pub(super) fn logout(&self, app: &App, id: &str, subject: &str) -> String {
        let now = app.deps.world.now().0 / 1000;
        token(&json!({ "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": id, "sub": subject,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} } }))
    }
}
