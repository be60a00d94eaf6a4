//! The OpenID Foundation's list for relying parties of the code flow, name by name; what it calls accepted is beside what
//! it calls refused. Not on it because we do not do it: refresh tokens, dynamic registration, implicit and hybrid flows.
//! `3rdPartyInitiatedLogin` is a matter of addresses and cookies and is shown with the server's routes for signing in.

use serde_json::{Value, json};
use shutterpost_model::pii::Secret;
use shutterpost_sso::fetch::FetchError;
use shutterpost_sso::oidc::connection::{Authentication, Connection, Sent};

use super::keys::{ED, ELLIPTIC, Key, OTHER_ELLIPTIC, OTHER_RSA, PSS, RSA};
use super::provider::*;

fn remove(name: &'static str) -> impl FnOnce(&mut Value) {
    move |claims| {
        claims.as_object_mut().expect("is an object").remove(name).expect("was there");
    }
}

#[tokio::test]
async fn response_type_code() {
    let op = Op::new();
    let party = op.party();
    let mut begun = begin(&op, &party, &connection()).await;
    assert!(begun.url.as_str().starts_with("https://op.example/authorize?"), "{}", begun.url);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", redirect().as_str()),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(begun.parameter(name).as_deref(), Some(value), "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(begun.parameter(name).map(|value| value.len()), Some(43), "{name} has 256 bits");
    }
    let signed_in = begun.finish(&party, &connection()).await.expect("is accepted");
    assert_eq!(signed_in.person.subject.expose(), SUBJECT);
    assert_eq!(signed_in.person.issuer, ISSUER);
    let (form, _) = op.last_form();
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["redirect_uri"], redirect().as_str());
    assert_eq!(form["code_verifier"].len(), 43);
}

#[tokio::test]
async fn invalid_issuer_in_id_token() {
    for issuer in ["https://op.example/", "https://OP.example", "http://op.example", "https://other.example", ""] {
        let outcome = with_claims(|claims| claims["iss"] = json!(issuer)).await;
        assert!(["issuer", "token"].contains(&code(outcome)), "{issuer}");
    }
    assert_eq!(code(with_claims(remove("iss")).await), "missing_iss");
    assert!(with_claims(|claims| claims["iss"] = json!(ISSUER)).await.is_ok());
}

#[tokio::test]
async fn missing_sub() {
    assert_eq!(code(with_claims(remove("sub")).await), "missing_sub");
}

#[tokio::test]
async fn missing_aud() {
    assert_eq!(code(with_claims(remove("aud")).await), "audience");
    assert_eq!(code(with_claims(|claims| claims["aud"] = json!([])).await), "audience");
}

#[tokio::test]
async fn missing_iat() {
    assert_eq!(code(with_claims(remove("iat")).await), "missing_iat");
}

#[tokio::test]
async fn invalid_aud() {
    assert_eq!(code(with_claims(|claims| claims["aud"] = json!("another client")).await), "audience");
    assert!(with_claims(|claims| claims["aud"] = json!([CLIENT])).await.is_ok());
}

#[tokio::test]
async fn nonce_invalid() {
    assert_eq!(code(with_claims(|claims| claims["nonce"] = json!("another")).await), "nonce");
    assert_eq!(code(with_claims(remove("nonce")).await), "nonce");
}

#[tokio::test]
async fn id_token_sig_alg_none() {
    let outcome = scripted(|script| script.signer = Key::Nobody).await;
    assert_eq!(code(outcome), "algorithm");
    for name in ["None", "NONE", "nOnE", ""] {
        let outcome = scripted(|script| {
            script.signer = Key::Nobody;
            script.header = Some(json!({ "alg": name }));
        });
        assert_eq!(code(outcome.await), "algorithm", "{name}");
    }
}

/// A signature of another key under the name of the right one; the right one is accepted.
async fn invalid_signature(right: Key, wrong: Key) {
    let outcome = scripted(|script| {
        script.keys = vec![right.public()];
        script.header = Some(right.header());
        script.signer = wrong;
    });
    assert_eq!(code(outcome.await), "signature");
    let outcome = scripted(|script| {
        script.keys = vec![right.public()];
        script.signer = right;
    });
    outcome.await.expect("is accepted");
}

#[tokio::test]
async fn id_token_bad_sig_rs256() {
    invalid_signature(RSA, OTHER_RSA).await;
}

#[tokio::test]
async fn id_token_bad_sig_es256() {
    invalid_signature(ELLIPTIC, OTHER_ELLIPTIC).await;
}

/// We take no HS256, so that a good one is refused as well.
#[tokio::test]
async fn id_token_bad_sig_hs256() {
    for secret in [&b"another"[..], SECRET.as_bytes()] {
        let outcome = scripted(|script| script.signer = Key::Hmac(secret.to_vec())).await;
        assert_eq!(code(outcome), "algorithm");
    }
}

#[tokio::test]
async fn id_token_sig_ps256_and_eddsa() {
    for signer in [PSS, ED] {
        let algorithm = signer.algorithm();
        let outcome = scripted(|script| {
            script.keys = vec![signer.public()];
            script.signer = signer;
        });
        assert!(outcome.await.is_ok(), "{algorithm}");
    }
}

#[tokio::test]
async fn kid_absent_single_jwks() {
    let outcome = scripted(|script| script.header = Some(json!({ "alg": "ES256" })));
    outcome.await.expect("there is only one key");
}

#[tokio::test]
async fn kid_absent_multiple_matching_keys() {
    let outcome = scripted(|script| {
        script.keys.push(OTHER_ELLIPTIC.public());
        script.header = Some(json!({ "alg": "ES256" }));
    });
    assert_eq!(code(outcome.await), "ambiguous_key");
    // Of another kind it is no candidate.
    let outcome = scripted(|script| {
        script.keys.push(RSA.public());
        script.header = Some(json!({ "alg": "ES256" }));
    });
    outcome.await.expect("only one key can have signed");
}

#[tokio::test]
async fn ignores_unparseable_key_in_jwks() {
    let outcome = scripted(|script| {
        let odd = [json!({ "kty": "RSA", "n": 7 }), json!({ "kty": "XYZ" }), json!(null), json!({ "kid": "elliptic" })];
        script.keys.splice(0..0, odd);
    });
    outcome.await.expect("the others work");
}

#[tokio::test]
async fn invalid_at_hash() {
    assert_eq!(code(with_claims(|claims| claims["at_hash"] = json!(at_hash("another"))).await), "access_token");
    with_claims(|claims| claims["at_hash"] = json!(at_hash("SlAV32hkKG"))).await.expect("is accepted");
}

/// Optional in the code flow; then UserInfo's subject is what ties the access token to the ID token.
#[tokio::test]
async fn missing_at_hash() {
    with_claims(|_| {}).await.expect("is accepted");
}

#[tokio::test]
async fn invalid_sub_in_userinfo_response() {
    let user_info = |subject: &'static str| async move {
        let op = Op::new();
        op.script(|script| script.metadata["userinfo_endpoint"] = json!("https://op.example/userinfo"));
        sign_in(&op, |script| {
            script.user_info = Some(json!({ "sub": subject, "email": "a@example.com", "email_verified": true }));
        })
        .await
    };
    assert_eq!(code(user_info("248289761002").await), "user_info_subject");
    let person = user_info(SUBJECT).await.expect("is accepted").person;
    assert_eq!(person.email.expect("was told").expose(), "a@example.com");
    assert!(person.email_verified);
}

#[tokio::test]
async fn client_secret_basic() {
    for methods in [json!(null), json!(["client_secret_post", "client_secret_basic"])] {
        let op = Op::new();
        op.script(|script| script.metadata["token_endpoint_auth_methods_supported"] = methods);
        sign_in(&op, |_| {}).await.expect("is accepted");
        let (form, authorization) = op.last_form();
        assert!(authorization.expect("is in the header").starts_with("Basic "));
        assert!(!form.contains_key("client_secret"));
    }
}

#[tokio::test]
async fn client_secret_post() {
    let op = Op::new();
    op.script(|script| script.metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]));
    sign_in(&op, |_| {}).await.expect("is accepted");
    let (form, authorization) = op.last_form();
    assert_eq!((form["client_secret"].as_str(), authorization), (SECRET, None));

    // Where both are offered, the settings may choose.
    let op = Op::new();
    let mut chosen = connection();
    let Authentication::Secret { sent, .. } = &mut chosen.authentication else { panic!("has a secret") };
    *sent = Sent::InForm;
    sign_in_by(&op, &chosen, |_| {}).await.expect("is accepted");
    assert_eq!(op.last_form().0["client_secret"], SECRET);

    let op = Op::new();
    op.script(|script| script.metadata["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]));
    let refused = op.party().start(&connection(), &redirect(), &fill, NOW).await.expect_err("before anybody signs in");
    assert_eq!(refused.code(), "client_authentication");
}

#[tokio::test]
async fn form_post_error() {
    let op = Op::new();
    let party = op.party();
    let mut begun = begin(&op, &party, &connection()).await;
    begun.callback.code = None;
    begun.callback.error = Some("access_denied".to_owned());
    assert_eq!(code(begun.finish(&party, &connection()).await), "provider_access_denied");
    assert_eq!(op.asked("/token"), 0);
}

#[tokio::test]
async fn discovery_issuer_mismatch() {
    for issuer in ["https://op.example/", "https://other.example", "https://op.example?x", "https://Op.example"] {
        let op = Op::new();
        op.script(|script| script.metadata["issuer"] = json!(issuer));
        let refused = op.party().start(&connection(), &redirect(), &fill, NOW).await.expect_err(issuer);
        assert_eq!(refused.code(), "discovery_issuer", "{issuer}");
    }
    // Of an issuer with a path the document lies under it.
    let with_path = Connection::standard("https://op.example/tenant", CLIENT, Secret::new(SECRET.to_owned()));
    sign_in_by(&Op::of(&with_path), &with_path, |_| {}).await.expect("is accepted");
}

#[tokio::test]
async fn discovery_jwks_uri_keys() {
    let op = Op::new();
    op.script(|script| script.unreachable.insert("/keys".to_owned(), FetchError::TooSlow));
    let refused = op.party().start(&connection(), &redirect(), &fill, NOW).await.expect_err("has no keys");
    assert_eq!(refused.code(), "keys_unreachable");
}

#[tokio::test]
async fn key_rotation_op_sign_key() {
    let op = Op::new();
    let party = op.party();
    begin(&op, &party, &connection()).await.finish(&party, &connection()).await.expect("by the old key");
    op.script(|script| {
        script.keys = vec![OTHER_ELLIPTIC.public()];
        script.signer = OTHER_ELLIPTIC;
    });
    begin(&op, &party, &connection()).await.finish(&party, &connection()).await.expect("by the new key");
    assert_eq!(op.asked("/keys"), 2);
}

#[tokio::test]
async fn key_rotation_op_sign_key_just_before_signing() {
    let op = Op::new();
    let party = op.party();
    let mut begun = begin(&op, &party, &connection()).await;
    op.script(|script| {
        script.keys.insert(0, OTHER_ELLIPTIC.public());
        script.signer = OTHER_ELLIPTIC;
    });
    begun.finish(&party, &connection()).await.expect("is accepted");
}
