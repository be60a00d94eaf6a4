//! The last that is taken and the first that is not; and what a log is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{Request, Response};
use serde_json::json;
use shutterpost_model::pii::Secret;
use shutterpost_sso::fetch::{Fetch, FetchError};
use shutterpost_sso::oidc::RelyingParty;
use shutterpost_sso::oidc::attempt::Callback;
use shutterpost_sso::oidc::connection::Connection;
use url::Url;

use super::keys::ELLIPTIC;
use super::provider::*;

/// A sign-in that must be a new one, with the provider's word for when the last was.
async fn again(auth_time: Option<i64>) -> Result<(), &'static str> {
    let op = Op::new();
    let party = op.party();
    let started = party.start_again(&connection(), &redirect(), &fill, NOW).await.expect("starts");
    let mut begun = begin(&op, &party, &connection()).await;
    let parameter =
        |name: &str| started.url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    assert_eq!(parameter("prompt").as_deref(), Some("login"), "it is asked to ask anew");
    assert_eq!(parameter("max_age").as_deref(), Some("0"), "and to say when it did");
    assert_eq!(begun.parameter("prompt").or(begun.parameter("max_age")), None);
    begun.callback.state = parameter("state").map(Secret::new);
    begun.attempt = started.attempt;
    begun.browser = Some(started.browser);
    op.script(|script| {
        script.claims["nonce"] = json!(parameter("nonce"));
        if let Some(auth_time) = auth_time {
            script.claims["auth_time"] = json!(auth_time);
        }
    });
    begun.finish(&party, &connection()).await.map(drop).map_err(|reject| reject.code())
}

/// Who has to show once more who they are is not let through by an earlier sign-in, nor by a provider that does not say.
#[tokio::test]
async fn an_earlier_sign_in_does_not_count_where_a_new_one_was_asked_for() {
    let now = seconds();
    assert_eq!(again(Some(now)).await, Ok(()));
    assert_eq!(again(Some(now + 5)).await, Ok(()));
    assert_eq!(again(Some(now - 60)).await, Ok(()), "clocks differ");
    assert_eq!(again(Some(now - 61)).await, Err("not_anew"));
    assert_eq!(again(Some(0)).await, Err("not_anew"));
    assert_eq!(again(None).await, Err("not_anew"));
    // Nobody asked for a new one here.
    with_claims(|claims| claims["auth_time"] = json!(now - 86_400)).await.expect("is accepted");
    with_claims(|_| {}).await.expect("is accepted");
}

/// A page where claims belong, as a gateway in front of the provider shows it, is no claims.
#[tokio::test]
async fn user_info_of_another_kind_is_refused() {
    let told = |kind: &'static str| async move {
        let op = Op::new();
        op.script(|script| script.metadata["userinfo_endpoint"] = json!("https://op.example/userinfo"));
        sign_in(&op, |script| {
            script.user_info = Some(json!({ "sub": SUBJECT }));
            script.user_info_kind = kind;
        })
        .await
    };
    told("application/json").await.expect("is accepted");
    assert_eq!(code(told("text/html").await), "user_info_malformed");
}

#[tokio::test]
async fn names_addresses_and_groups_have_a_length() {
    let person = |name: &'static str, value: serde_json::Value| async move {
        with_claims(|claims| claims[name] = value).await.expect("is accepted").person
    };
    let domain = "@example.com";
    for (length, fits) in [(254, true), (255, false)] {
        let email = format!("{}{domain}", "x".repeat(length - domain.len()));
        assert_eq!(person("email", json!(email)).await.email.is_some(), fits, "{length}");
    }
    for (length, fits) in [(256, true), (257, false)] {
        let group = "x".repeat(length);
        assert_eq!(person("groups", json!([group])).await.groups.len(), usize::from(fits), "{length}");
    }
    for (length, fits) in [(1, true), (255, true), (256, false)] {
        assert_eq!(person("sid", json!("x".repeat(length))).await.session.is_some(), fits, "{length}");
    }
    assert_eq!(person("groups", json!(["a\u{0}b", "c"])).await.groups, ["c"]);
}

#[tokio::test]
async fn a_name_is_put_together_where_there_is_none() {
    let name = |claims: serde_json::Value| async move {
        let given = with_claims(|all| {
            for (name, value) in claims.as_object().expect("is an object") {
                all[name] = value.clone();
            }
        });
        given.await.expect("is accepted").person.name.map(|name| name.expose().clone())
    };
    assert_eq!(name(json!({ "name": "Alice A.", "given_name": "Bob" })).await.as_deref(), Some("Alice A."));
    assert_eq!(name(json!({ "given_name": "Alice", "family_name": "A." })).await.as_deref(), Some("Alice A."));
    assert_eq!(name(json!({ "family_name": "A." })).await.as_deref(), Some("A."));
    assert_eq!(name(json!({})).await, None);
    assert_eq!(name(json!({ "name": " \u{200e}\u{202e} " })).await, None);
}

/// Microsoft names groups elsewhere when they are many; an administrator has to hear of it.
#[tokio::test]
async fn groups_that_were_left_out_are_noticed() {
    let noticed = |name: &'static str, value: serde_json::Value| async move {
        !with_claims(|claims| claims[name] = value).await.expect("is accepted").notices.is_empty()
    };
    assert!(noticed("_claim_names", json!({ "groups": "src1" })).await);
    assert!(noticed("hasgroups", json!(true)).await);
    assert!(noticed("hasgroups", json!("true")).await);
    for (name, value) in [
        ("_claim_names", json!({ "address": "src1" })),
        ("hasgroups", json!(false)),
        ("hasgroups", json!("false")),
        ("groups", json!(["a"])),
    ] {
        assert!(!noticed(name, value).await, "{name}");
    }
}

/// A token may be ten minutes old and a minute ahead, and `nbf` a minute as well.
#[tokio::test]
async fn tokens_have_their_time_to_the_second() {
    let now = seconds();
    for (name, seconds, fits) in [
        ("iat", now - 600, true),
        ("iat", now - 601, false),
        ("iat", now + 60, true),
        ("iat", now + 61, false),
        ("nbf", now + 60, true),
        ("nbf", now + 61, false),
        ("nbf", 0, true),
    ] {
        let outcome = with_claims(|claims| claims[name] = json!(seconds)).await;
        assert_eq!(
            outcome.map(drop).map_err(|reject| reject.code()),
            if fits { Ok(()) } else { Err("issued_at") },
            "{name}"
        );
    }
    assert_eq!(code(with_claims(|claims| claims["nbf"] = json!("soon")).await), "token");
}

/// Anybody may send a token that ends sessions.
#[tokio::test]
async fn tokens_that_end_sessions_have_a_length() {
    let op = Op::new();
    let party = op.party();
    let claims = |filler: usize| {
        json!({ "iss": ISSUER, "aud": CLIENT, "iat": seconds(), "jti": "x", "sub": SUBJECT,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} }, "more": "x".repeat(filler) })
    };
    let token = |length: usize| {
        let mut typed = ELLIPTIC.header();
        typed["typ"] = json!("logout+jwt");
        // Base64 has no text of every fourth length: the other header makes up for it.
        let mut tokens = [ELLIPTIC.header(), typed].into_iter().flat_map(|header| {
            let about = (length - ELLIPTIC.token(&header, &claims(0)).len()) / 4 * 3;
            (about - 4..about + 4).map(move |filler| ELLIPTIC.token(&header, &claims(filler)))
        });
        tokens.find(|token| token.len() == length).expect("is possible")
    };
    party.ended(&connection(), &token(16 * 1024), NOW).await.expect("fits");
    let refused = party.ended(&connection(), &token(16 * 1024 + 1), NOW).await.expect_err("is too long");
    assert_eq!(refused.code(), "token");
}

/// A provider at every address, that counts who is asked how often.
#[derive(Debug, Clone, Default)]
struct Everywhere(Arc<Mutex<HashMap<String, usize>>>);

#[async_trait]
impl Fetch for Everywhere {
    fn admits(&self, _: &Url) -> Result<(), FetchError> {
        Ok(())
    }

    async fn ask(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
        let issuer = format!("https://{}", request.uri().host().expect("has one"));
        let body = if request.uri().path() == "/keys" {
            json!({ "keys": [ELLIPTIC.public()] })
        } else {
            *self.0.lock().expect("no test panics here").entry(issuer.clone()).or_default() += 1;
            json!({ "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"] })
        };
        Ok(Response::new(body.to_string().into_bytes()))
    }
}

/// What is kept of providers is bounded, and those in use stay.
#[tokio::test]
async fn of_256_providers_the_one_longest_unused_is_forgotten() {
    let everywhere = Everywhere::default();
    let party = RelyingParty::new(Arc::new(everywhere.clone()));
    let issuer = |number: usize| format!("https://op{number}.example");
    let asked = |number: usize| everywhere.0.lock().expect("no test panics here")[&issuer(number)];
    let start = async |number: usize, at: i64| {
        let connection = Connection { issuer: issuer(number), ..connection() };
        party.start(&connection, &redirect(), &fill, NOW.plus(at)).await.expect("starts");
    };
    for (number, at) in (0..256).zip(0..) {
        start(number, at).await;
    }
    for (number, at) in (0..256).zip(1000..) {
        start(number, at).await;
        assert_eq!(asked(number), 1, "all are known still: {number}");
    }
    start(0, 2000).await;
    start(256, 2001).await;
    start(0, 2002).await;
    start(2, 2003).await;
    assert_eq!((asked(0), asked(2)), (1, 1), "they were in use later");
    start(1, 2004).await;
    assert_eq!(asked(1), 2, "it had to make room");
}

#[test]
fn a_client_id_has_255_letters_at_most() {
    let op = Op::new();
    for (length, expected) in [(255, Ok(())), (256, Err("setting_client_id"))] {
        let connection = Connection { client_id: "x".repeat(length), ..connection() };
        assert_eq!(connection.check(&op).map_err(|reject| reject.code()), expected, "{length}");
    }
}

#[test]
fn logs_name_what_they_speak_of_and_hide_its_secrets() {
    let op = Op::new();
    assert!(format!("{:?}", op.party()).contains("Providers"));
    let callback = Callback { code: Some(Secret::new("hidden".to_owned())), ..Callback::default() };
    assert_eq!(format!("{callback:?}"), "Callback");
}
