//! What somebody might try who controls the browser, a provider, or the network between; what an honest sign-in does is
//! beside each.

use serde_json::json;
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;
use shutterpost_sso::oidc::attempt;
use shutterpost_sso::oidc::connection::Connection;

use super::keys::{ED, ELLIPTIC, Key, OTHER_ELLIPTIC, RSA, WEAK_RSA};
use super::provider::*;

const MINUTE: i64 = 60_000;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

#[tokio::test]
async fn a_state_that_is_missing_wrong_or_of_another_sign_in_is_refused() {
    let op = Op::new();
    let party = op.party();
    let other = begin(&op, &party, &connection()).await;
    for state in [None, Some(secret("")), Some(secret("guessed")), other.callback.state] {
        let mut begun = begin(&op, &party, &connection()).await;
        begun.callback.state = state;
        assert_eq!(code(begun.finish(&party, &connection()).await), "state");
    }
    assert_eq!(op.asked("/token"), 0, "no code is spent");
    begin(&op, &party, &connection()).await.finish(&party, &connection()).await.expect("is accepted");
}

/// Login CSRF: the attacker's own, complete answer in the victim's browser.
#[tokio::test]
async fn an_answer_in_another_browser_is_refused() {
    let op = Op::new();
    let party = op.party();
    let victim = begin(&op, &party, &connection()).await;
    for browser in [None, Some(secret("")), Some(secret("guessed")), victim.browser] {
        let mut begun = begin(&op, &party, &connection()).await;
        begun.browser = browser;
        assert_eq!(code(begun.finish(&party, &connection()).await), "other_browser");
    }
    assert_eq!(op.asked("/token"), 0, "no code is spent");
}

#[tokio::test]
async fn a_stored_attempt_neither_shows_state_nor_cookie() {
    let op = Op::new();
    let party = op.party();
    let mut begun = begin(&op, &party, &connection()).await;
    let stored = serde_json::to_string(&begun.attempt).expect("is stored");
    let (state, browser) = (begun.callback.state.as_ref().expect("has one"), begun.browser.as_ref().expect("has one"));
    assert!(!stored.contains(state.expose()) && !stored.contains(browser.expose()), "{stored}");
    assert_eq!(begun.attempt.state_hash(), attempt::hash(state), "by which it is found");
    let shown = format!("{:?} {:?} {:?}", begun.attempt, begun.callback, begun.browser);
    for hidden in [state.expose(), browser.expose(), &begun.parameter("nonce").expect("has one")] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    begun.attempt = serde_json::from_str(&stored).expect("is read");
    begun.finish(&party, &connection()).await.expect("is accepted");
}

#[tokio::test]
async fn a_sign_in_takes_a_quarter_of_an_hour_at_most() {
    let op = Op::new();
    let party = op.party();
    for (after, accepted) in
        [(-1, false), (0, true), (10 * MINUTE, true), (15 * MINUTE - 1, true), (15 * MINUTE, false), (i64::MAX, false)]
    {
        let mut begun = begin(&op, &party, &connection()).await;
        begun.now = NOW.plus(after);
        // Made when the person has found their telephone.
        op.script(|script| script.claims["iat"] = json!(begun.now.0 / 1000));
        op.script(|script| script.claims["exp"] = json!(begun.now.0 / 1000 + 300));
        let expires = begun.attempt.expires();
        assert_eq!(expires, Millis(NOW.0 + 15 * MINUTE));
        match begun.finish(&party, &connection()).await {
            Ok(_) => assert!(accepted, "{after}"),
            Err(reject) => assert_eq!((reject.code(), accepted), ("attempt_expired", false), "{after}"),
        }
    }
}

#[tokio::test]
async fn an_attempt_belongs_to_its_connection() {
    let op = Op::new();
    let party = op.party();
    let mut begun = begin(&op, &party, &connection()).await;
    let client = Connection { client_id: "another".to_owned(), ..connection() };
    let issuer = Connection { issuer: "https://other.example".to_owned(), ..connection() };
    for other in [client, issuer] {
        assert_eq!(code(begun.finish(&party, &other).await), "other_connection");
    }
}

/// The provider compares the verifier; what we send must be this attempt's.
#[tokio::test]
async fn each_attempt_sends_its_own_pkce_verifier() {
    let op = Op::new();
    let party = op.party();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut begun = begin(&op, &party, &connection()).await;
        begun.finish(&party, &connection()).await.expect("is accepted");
        let (form, _) = op.last_form();
        let challenge = begun.parameter("code_challenge").expect("has one");
        assert_eq!(attempt::hash(&secret(&form["code_verifier"])), challenge, "is its SHA-256");
        seen.push(challenge);
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_code_that_the_provider_does_not_take_signs_nobody_in() {
    for (error, expected) in [
        ("invalid_grant", "invalid_grant"),
        ("invalid_client", "invalid_client"),
        ("unauthorized_client", "invalid_client"),
        ("invalid_request", "exchange_refused"),
        ("<script>", "exchange_refused"),
    ] {
        let answer = json!({ "error": error, "error_description": "<script>alert(1)</script>" });
        let refused = scripted(|script| script.tokens = Some((400, answer))).await.expect_err("is refused");
        assert_eq!(refused.code(), expected);
        assert!(!format!("{refused} {refused:?}").contains("script"), "{refused}");
    }
    for (status, answer, expected) in [
        (200, json!({}), "token_endpoint_malformed"),
        (200, json!("no"), "token_endpoint_malformed"),
        (500, json!([]), "token_endpoint_malformed"),
        (200, json!({ "access_token": "x", "token_type": "Bearer" }), "no_id_token"),
        (200, json!({ "access_token": "x", "token_type": "Bearer", "id_token": "x.y" }), "token"),
        (200, json!({ "access_token": "x", "token_type": "Bearer", "id_token": "" }), "token"),
    ] {
        let outcome = scripted(|script| script.tokens = Some((status, answer.clone()))).await;
        assert_eq!(code(outcome), expected, "{answer}");
    }
}

#[tokio::test]
async fn no_algorithm_is_confused_with_another() {
    let public = serde_json::to_vec(&RSA.public()).expect("is JSON");
    let modulus = RSA.public()["n"].as_str().expect("is text").as_bytes().to_vec();
    for secret in [public, modulus, Vec::new()] {
        // HS256 with what is public, under the name of the key that is published.
        let outcome = scripted(|script| {
            script.keys = vec![RSA.public()];
            script.header = Some(json!({ "alg": "HS256", "kid": "first" }));
            script.signer = Key::Hmac(secret);
        });
        assert_eq!(code(outcome.await), "algorithm");
    }
    for (algorithm, signer) in [("RS256", ELLIPTIC), ("EdDSA", ELLIPTIC), ("ES256", ED), ("PS256", ED)] {
        let outcome = scripted(|script| {
            script.keys = vec![signer.public()];
            script.header = Some(json!({ "alg": algorithm, "kid": signer.id() }));
            script.signer = signer;
        });
        assert_eq!(code(outcome.await), "unknown_key", "{algorithm}");
    }
    for algorithm in ["RS384", "RS512", "PS384", "ES384", "ES512", "HS512", "RSA-OAEP", "A256GCM", "rs256", "XX"] {
        let outcome = scripted(|script| {
            script.header = Some(json!({ "alg": algorithm, "kid": "elliptic" }));
        });
        assert!(["algorithm", "token"].contains(&code(outcome.await)), "{algorithm}");
    }
    // A key that is published for another algorithm, or for encryption.
    for (name, value) in [("alg", "ES384"), ("use", "enc"), ("alg", "RS256")] {
        let op = Op::new();
        op.script(|script| {
            script.keys = vec![ELLIPTIC.public(), RSA.public()];
            script.keys[0][name] = json!(value);
        });
        assert_eq!(code(sign_in(&op, |_| {}).await), "unknown_key", "{name} {value}");
    }
}

#[tokio::test]
async fn a_token_of_another_kind_is_no_id_token() {
    for (name, value) in [
        ("typ", json!("at+jwt")),
        ("typ", json!("logout+jwt")),
        ("typ", json!("JOSE+JSON")),
        ("cty", json!("JWT")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
    ] {
        let outcome = scripted(|script| {
            let mut header = ELLIPTIC.header();
            header[name] = value.clone();
            script.header = Some(header);
        });
        assert_eq!(code(outcome.await), "token", "{name} {value}");
    }
    // What points to a key elsewhere is not looked at.
    let outcome = scripted(|script| {
        script.header = Some(json!({ "alg": "ES256", "kid": "elliptic", "typ": "JWT", "jwk": OTHER_ELLIPTIC.public(),
            "jku": "https://attacker.example/keys", "x5u": "https://attacker.example/chain" }));
    });
    outcome.await.expect("is accepted");
    let outcome = scripted(|script| {
        script.header = Some(json!({ "alg": "ES256", "jwk": OTHER_ELLIPTIC.public() }));
        script.signer = OTHER_ELLIPTIC;
    });
    assert_eq!(code(outcome.await), "signature");
}

#[tokio::test]
async fn a_weak_key_proves_nothing() {
    let op = Op::new();
    op.script(|script| {
        script.keys.push(WEAK_RSA.public());
        script.signer = WEAK_RSA;
    });
    assert_eq!(code(sign_in(&op, |_| {}).await), "unknown_key");
}

#[tokio::test]
async fn an_audience_besides_us_is_refused() {
    for audience in [json!([CLIENT, "another"]), json!(["another", CLIENT]), json!([CLIENT, ""])] {
        assert_eq!(code(with_claims(|claims| claims["aud"] = audience).await), "audience");
    }
    for party in ["another", ""] {
        assert_eq!(code(with_claims(|claims| claims["azp"] = json!(party)).await), "authorized_party");
    }
    with_claims(|claims| claims["azp"] = json!(CLIENT)).await.expect("is accepted");
}

#[tokio::test]
async fn a_token_has_its_time() {
    let at = |name: &'static str, seconds: i64| with_claims(move |claims| claims[name] = json!(seconds));
    let now = seconds();
    assert_eq!(code(at("exp", now).await), "expired");
    assert_eq!(code(at("exp", now - 3600).await), "expired");
    assert_eq!(code(at("exp", 0).await), "expired");
    at("exp", now + 1).await.expect("is accepted");
    for iat in [now + 61, now - 601, 0, i64::MIN / 2000] {
        assert!(["issued_at", "token"].contains(&code(at("iat", iat).await)), "{iat}");
    }
    at("iat", now + 60).await.expect("is accepted");
    at("iat", now - 600).await.expect("is accepted");
    assert_eq!(code(at("nbf", now + 61).await), "issued_at");
    at("nbf", now).await.expect("is accepted");
    let without = with_claims(|claims| {
        claims.as_object_mut().expect("is an object").remove("exp");
    });
    assert_eq!(code(without.await), "missing_exp");
    for odd in [json!("soon"), json!(null), json!(1e300), json!(u64::MAX), json!([])] {
        let outcome = with_claims(|claims| claims["exp"] = odd.clone()).await;
        assert!(["token", "expired"].contains(&code(outcome)), "{odd}");
    }
}

#[tokio::test]
async fn a_subject_has_1_to_255_letters() {
    let subject = |subject: String| with_claims(move |claims| claims["sub"] = json!(subject));
    for odd in ["".to_owned(), "x".repeat(256), "x".repeat(5000), "a\u{0}b".to_owned(), "bj\u{f6}rn".to_owned()] {
        assert_eq!(code(subject(odd).await), "subject");
    }
    subject("x".repeat(255)).await.expect("is accepted");
    for odd in [json!(7), json!(null), json!(["a"]), json!({})] {
        assert_eq!(code(with_claims(|claims| claims["sub"] = odd).await), "token");
    }
}

/// Mix-up: the answer of another provider (RFC 9207).
#[tokio::test]
async fn an_answer_that_names_another_provider_is_refused() {
    for (advertised, named, expected) in [
        (true, Some(ISSUER), Ok(())),
        (false, Some(ISSUER), Ok(())),
        (false, None, Ok(())),
        (true, None, Err("issuer_parameter_missing")),
        (true, Some("https://attacker.example"), Err("issuer_parameter")),
        (false, Some("https://attacker.example"), Err("issuer_parameter")),
        (false, Some("https://op.example/"), Err("issuer_parameter")),
        (false, Some(""), Err("issuer_parameter")),
    ] {
        let op = Op::new();
        op.script(|script| script.metadata["authorization_response_iss_parameter_supported"] = json!(advertised));
        let party = op.party();
        let mut begun = begin(&op, &party, &connection()).await;
        begun.callback.iss = named.map(str::to_owned);
        let outcome = begun.finish(&party, &connection()).await;
        assert_eq!(outcome.map(drop).map_err(|reject| reject.code()), expected, "{advertised} {named:?}");
        assert_eq!(op.asked("/token"), usize::from(expected.is_ok()), "no code is sent anywhere before");
    }
}

#[tokio::test]
async fn nothing_of_a_providers_error_is_repeated() {
    for (error, expected) in [
        ("access_denied", "provider_access_denied"),
        ("login_required", "provider_interaction_required"),
        ("server_error", "provider_unavailable"),
        ("<script>alert(1)</script>", "provider_error"),
        ("", "provider_error"),
    ] {
        let op = Op::new();
        let party = op.party();
        let mut begun = begin(&op, &party, &connection()).await;
        begun.callback.error = Some(error.to_owned());
        let refused = begun.finish(&party, &connection()).await.expect_err("is refused");
        assert_eq!(refused.code(), expected);
        let shown = format!("{refused} {refused:?} {:?} {:?}", begun.callback, begun.report);
        assert!(!shown.contains("script"), "{shown}");
        assert_eq!(op.asked("/token"), 0, "the code beside an error is not used");
    }
    let op = Op::new();
    op.script(|script| script.metadata["issuer"] = json!("https://x.example/<script>\"'&\u{202e}"));
    let refused = op.party().start(&connection(), &redirect(), &fill, NOW).await.expect_err("is another");
    let shown = refused.to_string();
    assert!(shown.contains("https://x.example/script") && !shown.contains(['<', '"', '\u{202e}']), "{shown}");
}

#[tokio::test]
async fn a_name_twice_in_a_token_is_refused() {
    let op = Op::new();
    let party = op.party();
    let mut begun = begin(&op, &party, &connection()).await;
    let token = op.script(|script| {
        let claims = script.claims.to_string();
        let twice = format!("{},\"sub\":\"somebody else\"}}", claims.trim_end_matches('}'));
        ELLIPTIC.token_of_text(&ELLIPTIC.header(), &twice)
    });
    op.script(|script| {
        let answer = json!({ "access_token": "x", "token_type": "Bearer", "id_token": token });
        script.tokens = Some((200, answer));
    });
    assert_eq!(code(begun.finish(&party, &connection()).await), "token");
}
