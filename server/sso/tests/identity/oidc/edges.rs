//! The last that is taken and the first that is not; and what a log is told.

use serde_json::json;
use shutterpost_model::pii::Secret;
use shutterpost_sso::oidc::attempt::Callback;
use shutterpost_sso::oidc::connection::Connection;

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

#[tokio::test]
async fn settings_that_cannot_be_are_refused_before_anybody_is_asked() {
    let op = Op::new();
    let party = op.party();
    let refused = |connection: Connection| {
        let party = &party;
        async move { party.start(&connection, &redirect(), &fill, NOW).await.map(drop).map_err(|reject| reject.code()) }
    };
    for (length, fits) in [(1, true), (255, true), (256, false), (0, false)] {
        let connection = Connection { client_id: "x".repeat(length), ..connection() };
        let outcome = refused(connection).await;
        assert_eq!(outcome, if fits { Ok(()) } else { Err("setting_client_id") }, "{length}");
    }
    for scope in ["", "two words", "two\u{a0}words", "über"] {
        let mut connection = connection();
        connection.scopes.push(scope.to_owned());
        assert_eq!(refused(connection).await, Err("setting_scope"), "{scope:?}");
    }
    for issuer in ["http://op.example", "https://op.example?a=b", "https://op.example#x", "no address", ""] {
        let connection = Connection { issuer: issuer.to_owned(), ..connection() };
        assert_eq!(refused(connection).await, Err("setting_issuer"), "{issuer:?}");
    }
}

#[test]
fn logs_name_what_they_speak_of_and_hide_its_secrets() {
    let op = Op::new();
    assert!(format!("{:?}", op.party()).contains("Providers"));
    let callback = Callback { code: Some(Secret::new("hidden".to_owned())), ..Callback::default() };
    assert_eq!(format!("{callback:?}"), "Callback");
}
