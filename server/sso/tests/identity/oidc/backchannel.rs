//! Ends of sessions: the addresses we send browsers to, and the tokens that providers send us.

use serde_json::{Value, json};
use shutterpost_model::pii::Secret;
use shutterpost_sso::oidc::attempt;
use shutterpost_sso::oidc::logout::Ended;
use shutterpost_sso::oidc::reject::Reject;
use url::Url;

use super::keys::{ELLIPTIC, Key, OTHER_ELLIPTIC, PSS, RSA};
use super::provider::*;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": CLIENT, "iat": seconds(), "exp": seconds() + 120, "jti": "bWJq", "sid": "08a5019c",
        "sub": SUBJECT, "events": { EVENT: {} } })
}

async fn by(signer: &Key, header: &Value, claims: &Value) -> Result<Ended, Reject> {
    let op = Op::new();
    op.script(|script| script.keys = vec![ELLIPTIC.public(), RSA.public()]);
    op.party().ended(&connection(), &signer.token(header, claims), NOW).await
}

async fn with(change: impl FnOnce(&mut Value)) -> Result<Ended, Reject> {
    let mut claims = claims();
    change(&mut claims);
    by(&ELLIPTIC, &ELLIPTIC.header(), &claims).await
}

fn code(outcome: Result<Ended, Reject>) -> &'static str {
    outcome.expect_err("is refused").code()
}

fn without(name: &'static str) -> impl FnOnce(&mut Value) {
    move |claims| {
        claims.as_object_mut().expect("is an object").remove(name).expect("was there");
    }
}

#[tokio::test]
async fn back_channel_logout() {
    let ended = with(|_| {}).await.expect("is accepted");
    assert_eq!((ended.id.as_str(), ended.session.as_deref()), ("bWJq", Some("08a5019c")));
    assert_eq!(ended.sub.expect("has one").expose(), SUBJECT);
    // As long as the token would be accepted, and no shorter.
    assert_eq!(ended.forget, NOW.plus(11 * 60_000));
    let ended = with(without("sub")).await.expect("is accepted");
    assert!(ended.sub.is_none() && ended.session.is_some());
    let ended = with(without("sid")).await.expect("is accepted");
    assert!(ended.sub.is_some() && ended.session.is_none());
    for signer in [RSA, PSS] {
        by(&signer, &signer.header(), &claims()).await.expect("is accepted");
    }
    for kind in ["logout+jwt", "JWT", "jwt", "application/logout+jwt"] {
        let mut header = ELLIPTIC.header();
        header["typ"] = json!(kind);
        by(&ELLIPTIC, &header, &claims()).await.expect(kind);
    }
}

#[tokio::test]
async fn back_channel_logout_alg_none() {
    assert_eq!(code(by(&Key::Nobody, &json!({ "alg": "none" }), &claims()).await), "algorithm");
    assert_eq!(code(by(&Key::Nobody, &ELLIPTIC.header(), &claims()).await), "signature");
}

#[tokio::test]
async fn back_channel_logout_wrong_alg() {
    let hmac = Key::Hmac(SECRET.as_bytes().to_vec());
    assert_eq!(code(by(&hmac, &hmac.header(), &claims()).await), "algorithm");
    assert_eq!(code(by(&ELLIPTIC, &json!({ "alg": "RS256", "kid": "elliptic" }), &claims()).await), "unknown_key");
    assert_eq!(code(by(&ELLIPTIC, &json!({ "alg": "XX", "kid": "elliptic" }), &claims()).await), "algorithm");
    assert_eq!(code(by(&OTHER_ELLIPTIC, &ELLIPTIC.header(), &claims()).await), "signature");
    assert_eq!(code(by(&OTHER_ELLIPTIC, &OTHER_ELLIPTIC.header(), &claims()).await), "unknown_key");
}

#[tokio::test]
async fn a_token_without_a_key_id_needs_a_single_key_that_fits() {
    let op = Op::new();
    let token = ELLIPTIC.token(&json!({ "alg": "ES256" }), &claims());
    op.script(|script| script.keys.push(RSA.public()));
    op.party().ended(&connection(), &token, NOW).await.expect("only one can have signed");
    op.script(|script| script.keys.push(OTHER_ELLIPTIC.public()));
    assert_eq!(code(op.party().ended(&connection(), &token, NOW).await), "ambiguous_key");
}

#[tokio::test]
async fn back_channel_logout_no_event() {
    assert_eq!(code(with(without("events")).await), "logout_event");
}

#[tokio::test]
async fn back_channel_logout_wrong_event() {
    for events in [json!({}), json!({ "http://schemas.openid.net/event/other": {} }), json!({ EVENT: "x" })] {
        assert_eq!(code(with(|claims| claims["events"] = events).await), "logout_event");
    }
    assert_eq!(code(with(|claims| claims["events"] = json!([EVENT])).await), "token");
}

/// With one it would be an ID token.
#[tokio::test]
async fn back_channel_logout_with_nonce() {
    assert_eq!(code(with(|claims| claims["nonce"] = json!("x")).await), "logout_nonce");
}

#[tokio::test]
async fn back_channel_logout_wrong_aud() {
    for audience in [json!("another"), json!([CLIENT, "another"]), json!([])] {
        assert_eq!(code(with(|claims| claims["aud"] = audience).await), "audience");
    }
    assert_eq!(code(with(without("aud")).await), "audience");
    with(|claims| claims["aud"] = json!([CLIENT])).await.expect("is accepted");
}

#[tokio::test]
async fn back_channel_logout_wrong_issuer() {
    for issuer in ["https://op.example/", "https://other.example"] {
        assert_eq!(code(with(|claims| claims["iss"] = json!(issuer)).await), "issuer");
    }
    assert_eq!(code(with(without("iss")).await), "missing_iss");
}

#[tokio::test]
async fn a_token_that_ends_a_session_has_its_time_and_a_name() {
    let now = seconds();
    for iat in [now + 61, now - 601, i64::MAX, i64::MIN] {
        assert_eq!(code(with(|claims| claims["iat"] = json!(iat)).await), "issued_at");
    }
    assert_eq!(code(with(without("iat")).await), "missing_iat");
    assert_eq!(code(with(|claims| claims["exp"] = json!(now)).await), "expired");
    with(without("exp")).await.expect("older providers give none");
    assert_eq!(code(with(without("jti")).await), "logout_id");
    for jti in ["".to_owned(), "x".repeat(256), "a\nb".to_owned()] {
        assert_eq!(code(with(|claims| claims["jti"] = json!(jti)).await), "logout_id");
    }
    let nobody = with(|claims| {
        claims.as_object_mut().expect("is an object").retain(|name, _| name != "sub" && name != "sid");
    });
    assert_eq!(code(nobody.await), "logout_target");
    for name in ["sub", "sid"] {
        for odd in ["".to_owned(), "x".repeat(256), "a\u{0}".to_owned()] {
            assert_eq!(code(with(|claims| claims[name] = json!(odd)).await), "logout_target");
        }
    }
}

/// An ID token is none, nor is a token of another kind; and nobody is asked because of what cannot be read.
#[tokio::test]
async fn only_tokens_that_end_sessions_end_sessions() {
    let id_token = json!({ "iss": ISSUER, "aud": CLIENT, "iat": seconds(), "exp": seconds() + 300, "sub": SUBJECT,
        "jti": "x", "sid": "08a5019c" });
    assert_eq!(code(by(&ELLIPTIC, &ELLIPTIC.header(), &id_token).await), "logout_event");
    for (name, value) in [("typ", json!("at+jwt")), ("crit", json!(["exp"])), ("kid", json!(7))] {
        let mut header = ELLIPTIC.header();
        header[name] = value;
        assert_eq!(code(by(&ELLIPTIC, &header, &claims()).await), "token", "{name}");
    }
    let op = Op::new();
    let party = op.party();
    let twice = ELLIPTIC.token_of_text(&ELLIPTIC.header(), r#"{"iss":"https://op.example","iss":"x"}"#);
    let huge = "x".repeat(20_000);
    for raw in ["", ".", "..", "a.b.c", "x.y", "e30.e30.", &twice, &huge] {
        assert_eq!(code(party.ended(&connection(), raw, NOW).await), "token", "{raw:.20}");
    }
    assert_eq!(op.script(|script| script.asked.len()), 0);
}

#[tokio::test]
async fn tokens_by_unknown_keys_make_us_ask_once_a_minute() {
    let op = Op::new();
    let party = op.party();
    let token = OTHER_ELLIPTIC.token(&OTHER_ELLIPTIC.header(), &claims());
    for _ in 0..100 {
        assert_eq!(code(party.ended(&connection(), &token, NOW).await), "unknown_key");
    }
    assert_eq!(op.asked("/keys"), 2, "at first, and once for the unknown one");
    op.script(|script| script.keys.push(OTHER_ELLIPTIC.public()));
    party.ended(&connection(), &token, NOW.plus(60_000)).await.expect("has been published since");
}

fn back() -> Url {
    "https://photos.example/cms/sign-in".parse().expect("is an address")
}

#[tokio::test]
async fn rp_init_logout() {
    let op = Op::new();
    let id_token = sign_in(&op, |_| {}).await.expect("is accepted").id_token;
    let end = op.party().end_session(&connection(), Some(&id_token), &back(), &fill, NOW).await;
    let end = end.expect("is there").expect("ends sessions");
    assert!(end.url.as_str().starts_with("https://op.example/end?"), "{}", end.url);
    let parameter = |name: &str| end.url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value);
    assert_eq!(parameter("id_token_hint").as_deref(), Some(id_token.expose()));
    assert_eq!(parameter("client_id").as_deref(), Some(CLIENT));
    assert_eq!(parameter("post_logout_redirect_uri").as_deref(), Some(back().as_str()));
    assert_eq!(parameter("state").as_deref(), Some(end.state.expose()));

    // An address has a length.
    let signed_in = sign_in(&op, |script| {
        script.claims["groups"] = (0..300).map(|index| json!(format!("a group with a long name {index}"))).collect();
    });
    let id_token = signed_in.await.expect("is accepted").id_token;
    let end = op.party().end_session(&connection(), Some(&id_token), &back(), &fill, NOW).await;
    let end = end.expect("is there").expect("ends sessions");
    assert!(!end.url.as_str().contains("id_token_hint") && end.url.as_str().contains("client_id="), "{}", end.url);

    let op = Op::new();
    op.script(|script| script.metadata["end_session_endpoint"] = json!(null));
    let end = op.party().end_session(&connection(), None, &back(), &fill, NOW).await;
    assert!(end.expect("is there").is_none());
}

#[tokio::test]
async fn rp_init_logout_invalid_state_and_no_state() {
    let op = Op::new();
    let end = op.party().end_session(&connection(), None, &back(), &fill, NOW).await;
    let end = end.expect("is there").expect("ends sessions");
    let kept = attempt::hash(&end.state);
    assert!(attempt::matches(&end.state, &kept));
    for wrong in ["", "guessed", kept.as_str()] {
        assert!(!attempt::matches(&Secret::new(wrong.to_owned()), &kept));
    }
}
