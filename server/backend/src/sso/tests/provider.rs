//! An OpenID provider that says whatever a test wants, and a stand-in for SAML: what a real signature proves is shown in the
//! crate of the protocols, against three providers.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;
use shutterpost_sso::Person;
use shutterpost_sso::fetch::{Fetch, FetchError};
use shutterpost_sso::saml::connection::{Connection, Unusable};
use shutterpost_sso::saml::login::{Attempt, Consumed, Departure, Form, OneUse, Proved, Tracker};
use shutterpost_sso::saml::logout::{Demand, LogoutAttempt, LogoutMessage, LogoutTracker, NameId, Outcome};
use shutterpost_sso::saml::reject::Reject;
use shutterpost_sso::saml::report::Report;
use shutterpost_sso::saml::{SamlVerifier, Verifier};
use url::Url;

pub(super) const ISSUER: &str = "https://op.example";
pub(super) const CLIENT: &str = "shutterpost";

#[derive(Debug, Default)]
struct Script {
    claims: Value,
}

/// The provider. Cheap to clone: all are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Op(Arc<Mutex<Script>>);

fn key() -> SigningKey {
    SigningKey::from_slice(&[1; 32]).expect("is a key")
}

/// A token with these claims, signed by the provider.
pub(super) fn token(claims: &Value) -> String {
    let encode = |part: &Value| BASE64URL_NOPAD.encode(part.to_string().as_bytes());
    let signed = format!("{}.{}", encode(&json!({ "alg": "ES256", "kid": "one" })), encode(claims));
    let signature: Signature = key().sign(signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature.to_bytes()))
}

impl Op {
    /// What the next ID token says.
    pub(super) fn says(&self, claims: Value) {
        self.0.lock().expect("no test panics here").claims = claims;
    }
}

#[async_trait]
impl Fetch for Op {
    fn admits(&self, url: &Url) -> Result<(), FetchError> {
        if url.scheme() == "https" { Ok(()) } else { Err(FetchError::Address) }
    }

    async fn ask(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        // Whoever else is on the way to it overtakes here.
        tokio::task::yield_now().await;
        let body = match request.uri().path() {
            "/.well-known/openid-configuration" => json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{ISSUER}/authorize"),
                "token_endpoint": format!("{ISSUER}/token"),
                "jwks_uri": format!("{ISSUER}/keys"),
                "end_session_endpoint": format!("{ISSUER}/end"),
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }),
            "/keys" => {
                let point = key().verifying_key().to_sec1_point(false);
                let number = |bytes: Option<&p256::FieldBytes>| BASE64URL_NOPAD.encode(bytes.expect("is a point"));
                json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "one", "use": "sig",
                    "x": number(point.x()), "y": number(point.y()) }] })
            }
            "/token" => {
                let claims = self.0.lock().expect("no test panics here").claims.clone();
                json!({ "access_token": "SlAV32hkKG", "token_type": "Bearer", "expires_in": 300,
                    "id_token": token(&claims) })
            }
            _ => return Ok(http::Response::builder().status(404).body(Vec::new()).expect("is an answer")),
        };
        let answer = http::Response::builder().status(200).header("content-type", "application/json");
        Ok(answer.body(body.to_string().into_bytes()).expect("is an answer"))
    }
}

/// Believes what is sent: `assertion subject email`, of which the session is called `index-assertion`; and in a form that
/// ends sessions `message subject session…`. Everything but the proof is the real verifier's.
#[derive(Debug)]
pub(super) struct Believer;

impl SamlVerifier for Believer {
    fn start(&self, connection: &Connection, attempt: &Attempt<'_>) -> Result<(Departure, Tracker), Unusable> {
        Verifier.start(connection, attempt)
    }

    fn consume(&self, connection: &Connection, tracker: Option<&Tracker>, form: &Form<'_>, now: Millis) -> Consumed {
        let [id, subject, email] = form.saml_response.split(' ').collect::<Vec<_>>()[..] else {
            return Verifier.consume(connection, tracker, form, now);
        };
        let outcome = match tracker {
            None => Err(Reject::Unsolicited),
            Some(_) => Ok(Proved {
                person: Person {
                    issuer: connection.provider.clone(),
                    subject: Pii::new(subject.to_owned()),
                    email: Some(Pii::new(email.to_owned())),
                    email_verified: true,
                    name: None,
                    groups: Vec::new(),
                    methods: Vec::new(),
                    session: Some(format!("index-{id}")),
                    authenticated_at: Some(now),
                    until: Some(now.plus(2 * 3_600_000)),
                },
                name_id: NameId {
                    value: Pii::new(subject.to_owned()),
                    format: None,
                    qualifier: None,
                    sp_qualifier: None,
                },
                assertion: OneUse { id: id.to_owned(), keep_until: now.plus(600_000) },
                certificate: [0; 32],
            }),
        };
        let report = Report { lines: Vec::new(), code: None, reason: None };
        Consumed { outcome, report }
    }

    fn start_logout(
        &self,
        connection: &Connection,
        attempt: &LogoutAttempt<'_>,
    ) -> Result<(Departure, LogoutTracker), Unusable> {
        Verifier.start_logout(connection, attempt)
    }

    fn finish_logout(
        &self,
        connection: &Connection,
        tracker: &LogoutTracker,
        message: &LogoutMessage<'_>,
        now: Millis,
    ) -> Result<Outcome, Reject> {
        Verifier.finish_logout(connection, tracker, message, now)
    }

    fn receive_logout(
        &self,
        connection: &Connection,
        message: &LogoutMessage<'_>,
        now: Millis,
    ) -> Result<Demand, Reject> {
        if let LogoutMessage::Post { value, relay_state } = message
            && let [id, subject, sessions @ ..] = &value.split(' ').collect::<Vec<_>>()[..]
        {
            return Ok(Demand {
                name_id: NameId {
                    value: Pii::new((*subject).to_owned()),
                    format: None,
                    qualifier: None,
                    sp_qualifier: None,
                },
                sessions: sessions.iter().map(|session| (*session).to_owned()).collect(),
                message: OneUse { id: (*id).to_owned(), keep_until: now.plus(600_000) },
                relay_state: relay_state.map(str::to_owned),
            });
        }
        Verifier.receive_logout(connection, message, now)
    }

    fn answer_logout(
        &self,
        connection: &Connection,
        demand: &Demand,
        id: [u8; 20],
        now: Millis,
    ) -> Result<Departure, Unusable> {
        Verifier.answer_logout(connection, demand, id, now)
    }
}
