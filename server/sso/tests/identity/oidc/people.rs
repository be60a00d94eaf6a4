//! What is believed of a person, and what is asked about them at UserInfo.

use serde_json::{Value, json};
use shutterpost_sso::oidc::connection::Connection;

use super::provider::*;

/// A header cannot hold every text; the library would panic.
#[tokio::test]
async fn an_access_token_that_fits_in_no_header_is_refused() {
    for odd in [json!("a\r\nX-Admin: 1"), json!("a\u{0}"), json!(""), json!("x".repeat(9000)), json!("\u{e4}")] {
        let op = Op::new();
        op.script(|script| script.metadata["userinfo_endpoint"] = json!("https://op.example/userinfo"));
        let outcome = sign_in(&op, |script| {
            script.access_token = odd;
            script.user_info = Some(json!({ "sub": SUBJECT }));
        });
        assert_eq!(code(outcome.await), "access_token");
        assert_eq!(op.asked("/userinfo"), 0);
    }
}

#[tokio::test]
async fn user_info_that_is_none_is_refused() {
    for (answer, expected) in [
        (None, "user_info_status"),
        (Some(json!({})), "user_info_malformed"),
        (Some(json!("no")), "user_info_malformed"),
        (Some(json!({ "sub": "" })), "user_info_subject"),
    ] {
        let op = Op::new();
        op.script(|script| script.metadata["userinfo_endpoint"] = json!("https://op.example/userinfo"));
        assert_eq!(code(sign_in(&op, |script| script.user_info = answer).await), expected);
    }
}

/// `email_verified` counts as said and where said, and only beside an address.
#[tokio::test]
async fn an_address_is_verified_when_the_provider_says_so() {
    let email = |verified: Option<Value>| {
        with_claims(move |claims| {
            claims["email"] = json!("a@example.com");
            if let Some(verified) = verified {
                claims["email_verified"] = verified;
            }
        })
    };
    for (said, expected) in [
        (Some(json!(true)), true),
        (Some(json!("true")), true),
        (Some(json!(false)), false),
        (Some(json!("false")), false),
        (None, false),
    ] {
        let person = email(said.clone()).await.expect("is accepted").person;
        assert_eq!(person.email_verified, expected, "{said:?}");
        assert_eq!(person.email.expect("has one").expose(), "a@example.com");
    }
    assert_eq!(code(email(Some(json!("yes"))).await), "token");

    // The address of one document with the proof of the other.
    let op = Op::new();
    op.script(|script| script.metadata["userinfo_endpoint"] = json!("https://op.example/userinfo"));
    let outcome = sign_in(&op, |script| {
        script.claims["email"] = json!("victim@example.com");
        script.user_info = Some(json!({ "sub": SUBJECT, "email": "own@example.com", "email_verified": true }));
    });
    let person = outcome.await.expect("is accepted").person;
    assert_eq!(
        (person.email.expect("has one").expose().as_str(), person.email_verified),
        ("victim@example.com", false)
    );

    for odd in ["no address", "@example.com", "a@", "a b@example.com", "a@example.com\r\nBcc: x@example.com"] {
        let person = with_claims(|claims| {
            claims["email"] = json!(odd);
            claims["email_verified"] = json!(true);
        });
        let person = person.await.expect("is accepted").person;
        assert!(person.email.is_none() && !person.email_verified, "{odd}");
    }
}

#[tokio::test]
async fn names_and_groups_have_limits() {
    let person = with_claims(|claims| {
        claims["name"] = json!(format!("  A\u{202e}\r\nB\u{0}{}", "x".repeat(1000)));
        claims["sid"] = json!("x".repeat(5000));
        claims["groups"] = (0..2000).map(|index| json!(format!("group {index}"))).collect();
        claims["amr"] = json!(["pwd", "otp"]);
        claims["acr"] = json!("urn:example:high");
        claims["auth_time"] = json!(seconds() - 60);
    });
    let person = person.await.expect("is accepted").person;
    let name = person.name.expect("has one");
    assert!(name.expose().starts_with("ABxx") && name.expose().len() == 200, "{}", name.expose());
    assert_eq!((person.groups.len(), person.session), (500, None));
    assert_eq!(person.methods, ["pwd", "otp", "urn:example:high"]);
    assert_eq!(person.authenticated_at, Some(NOW.plus(-60_000)));

    let connection = Connection {
        group_claims: ["https://example.com/teams", "/realm_access/roles", "role"].map(str::to_owned).to_vec(),
        ..connection()
    };
    let op = Op::new();
    let outcome = sign_in_by(&op, &connection, |script| {
        script.claims["https://example.com/teams"] = json!(["b", 7, "", "x".repeat(300), "b"]);
        script.claims["realm_access"] = json!({ "roles": ["a"] });
        script.claims["role"] = json!("c");
        script.claims["groups"] = json!(["not asked for"]);
    });
    assert_eq!(outcome.await.expect("is accepted").person.groups, ["a", "b", "c"]);
}
