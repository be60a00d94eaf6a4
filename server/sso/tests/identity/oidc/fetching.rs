//! What we fetch of a provider, when, and how often at most.

use std::sync::Arc;

use serde_json::json;
use shutterpost_sso::fetch::FetchError;
use tokio::task::JoinSet;

use super::keys::{ELLIPTIC, OTHER_ELLIPTIC};
use super::provider::*;

const MINUTE: i64 = 60_000;

/// A hundred tokens by an unknown key are one question, and another a minute later.
#[tokio::test]
async fn unknown_keys_make_us_ask_once_a_minute() {
    let op = Op::new();
    let party = op.party();
    let mut attempts = Vec::new();
    for _ in 0..100 {
        attempts.push(begin(&op, &party, &connection()).await);
    }
    op.script(|script| script.signer = OTHER_ELLIPTIC);
    assert_eq!(op.asked("/keys"), 1, "at the first start");
    for begun in &mut attempts {
        assert_eq!(code(begun.finish(&party, &connection()).await), "unknown_key");
    }
    assert_eq!(op.asked("/keys"), 2);
    let late = |begun: &mut Begun, after: i64| begun.now = NOW.plus(after);
    late(&mut attempts[0], MINUTE - 1);
    assert_eq!(code(attempts[0].finish(&party, &connection()).await), "unknown_key");
    assert_eq!(op.asked("/keys"), 2);
    late(&mut attempts[0], MINUTE);
    assert_eq!(code(attempts[0].finish(&party, &connection()).await), "unknown_key");
    assert_eq!(op.asked("/keys"), 3);
}

/// Whoever brings bad tokens must not make us fetch anything, or forget what is right.
#[tokio::test]
async fn wrong_claims_and_signatures_make_us_ask_nothing() {
    let op = Op::new();
    let party = op.party();
    let changes: [fn(&mut Script); 4] = [
        |script| script.claims["iss"] = json!("https://other.example"),
        |script| script.claims["exp"] = json!(0),
        |script| script.claims["nonce"] = json!("x"),
        |script| {
            script.header = Some(ELLIPTIC.header());
            script.signer = OTHER_ELLIPTIC;
        },
    ];
    for change in changes {
        let mut begun = begin(&op, &party, &connection()).await;
        op.script(change);
        begun.finish(&party, &connection()).await.expect_err("is refused");
        op.script(|script| {
            script.claims["iss"] = json!(ISSUER);
            script.claims["exp"] = json!(seconds() + 300);
            script.signer = ELLIPTIC;
            script.header = None;
        });
    }
    begin(&op, &party, &connection()).await.finish(&party, &connection()).await.expect("is accepted");
    assert_eq!((op.asked("/.well-known/openid-configuration"), op.asked("/keys")), (1, 1));
}

#[tokio::test]
async fn documents_are_believed_for_an_hour() {
    let op = Op::new();
    let party = op.party();
    for (after, asked) in [(0, 1), (60 * MINUTE - 1, 1), (60 * MINUTE, 2), (-1, 3)] {
        party.start(&connection(), &redirect(), &fill, NOW.plus(after)).await.expect("starts");
        assert_eq!(op.asked("/.well-known/openid-configuration"), asked, "{after}");
    }
}

#[tokio::test]
async fn one_question_serves_all_who_wait() {
    let op = Op::new();
    let party = Arc::new(op.party());
    let mut starts = JoinSet::new();
    for _ in 0..20 {
        let party = Arc::clone(&party);
        starts.spawn(async move { party.start(&connection(), &redirect(), &fill, NOW).await.map(drop) });
    }
    assert!(starts.join_all().await.into_iter().all(|started| started == Ok(())));
    assert_eq!((op.asked("/.well-known/openid-configuration"), op.asked("/keys")), (1, 1));
}

/// A failure is told again for a moment, and then looked at anew.
#[tokio::test]
async fn a_provider_that_is_away_is_not_besieged() {
    let op = Op::new();
    let party = op.party();
    let configuration = "/.well-known/openid-configuration";
    op.script(|script| script.unreachable.insert(configuration.to_owned(), FetchError::TooSlow));
    for after in [0, 1, 9_999] {
        let refused = party.start(&connection(), &redirect(), &fill, NOW.plus(after)).await.expect_err("is away");
        assert_eq!(refused.code(), "discovery_unreachable");
    }
    assert_eq!(op.asked(configuration), 1);
    op.script(|script| script.unreachable.clear());
    party.start(&connection(), &redirect(), &fill, NOW.plus(10_000)).await.expect("is back");
}

#[tokio::test]
async fn endpoints_must_be_https() {
    for (name, url) in [
        ("authorization_endpoint", "javascript:alert(1)"),
        ("authorization_endpoint", "http://op.example/authorize"),
        ("token_endpoint", "http://op.example/token"),
        ("token_endpoint", "file:///etc/hosts"),
        ("jwks_uri", "http://127.0.0.1/keys"),
        ("userinfo_endpoint", "http://op.example/userinfo"),
        ("end_session_endpoint", "javascript:alert(1)"),
    ] {
        let op = Op::new();
        op.script(|script| script.metadata[name] = json!(url));
        let refused = op.party().start(&connection(), &redirect(), &fill, NOW).await.expect_err(url);
        assert_eq!(refused.code(), "endpoint", "{name}");
        assert!(refused.to_string().contains(name), "{refused}");
    }
    let op = Op::new();
    op.script(|script| script.metadata["token_endpoint"] = json!(null));
    let refused = op.party().start(&connection(), &redirect(), &fill, NOW).await.expect_err("there is none");
    assert_eq!(refused.code(), "endpoint");
}

/// What the guard says of an address arrives as it is.
#[tokio::test]
async fn what_cannot_be_fetched_is_named() {
    for error in [FetchError::Private, FetchError::Redirect(302), FetchError::TooLong, FetchError::TooSlow] {
        for (path, expected, document) in [
            ("/token", "token_endpoint_unreachable", "the provider's token endpoint"),
            ("/userinfo", "user_info_unreachable", "the provider's UserInfo endpoint"),
        ] {
            let op = Op::new();
            op.script(|script| script.metadata["userinfo_endpoint"] = json!("https://op.example/userinfo"));
            let outcome = sign_in(&op, |script| {
                script.unreachable.insert(path.to_owned(), error);
            });
            let refused = outcome.await.expect_err("is refused");
            assert_eq!(refused.code(), expected);
            let said = refused.to_string();
            assert!(said.contains(&error.to_string()) && said.contains(document), "{said}");
        }
        for (path, expected, document) in [
            ("/.well-known/openid-configuration", "discovery_unreachable", "the provider's configuration"),
            ("/keys", "keys_unreachable", "the provider's keys"),
        ] {
            let op = Op::new();
            op.script(|script| script.unreachable.insert(path.to_owned(), error));
            let refused = op.party().start(&connection(), &redirect(), &fill, NOW).await.expect_err("is refused");
            assert_eq!(refused.code(), expected);
            assert!(refused.to_string().contains(document), "{refused}");
        }
    }
}
