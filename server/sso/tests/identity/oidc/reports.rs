//! What an administrator sees who tries a connection.

use serde_json::json;
use shutterpost_sso::fetch::FetchError;
use shutterpost_sso::oidc::connection::Connection;
use shutterpost_sso::oidc::report::{Check, Outcome, Report};

use super::provider::*;

/// The names of those that passed, and the code of the one that failed.
fn shown(report: &Report) -> (Vec<Check>, Option<(Check, &'static str)>) {
    let mut passed = Vec::new();
    let mut failed = None;
    for (check, outcome) in report.checks() {
        match outcome {
            Outcome::Passed => passed.push(check),
            Outcome::Failed(code, words) => {
                assert!(!words.is_empty() && failed.is_none(), "{words}");
                failed = Some((check, code));
            }
            Outcome::NotReached => {}
        }
    }
    (passed, failed)
}

#[tokio::test]
async fn a_probe_goes_as_far_as_it_can_without_a_person() {
    let op = Op::new();
    let mut report = Report::default();
    op.party().probe(&connection(), NOW, &mut report).await.expect("works");
    let upto = |last: Check| Check::ALL.into_iter().take_while(|check| *check <= last).collect::<Vec<_>>();
    assert_eq!(shown(&report), (upto(Check::ClientAuthentication), None));

    for (path, last, failed, code) in [
        ("/.well-known/openid-configuration", Check::Settings, Check::Discovery, "discovery_unreachable"),
        ("/keys", Check::Endpoints, Check::Keys, "keys_unreachable"),
    ] {
        let op = Op::new();
        op.script(|script| script.unreachable.insert(path.to_owned(), FetchError::Certificate));
        let mut report = Report::default();
        op.party().probe(&connection(), NOW, &mut report).await.expect_err("does not work");
        assert_eq!(shown(&report), (upto(last), Some((failed, code))));
    }
    let op = Op::new();
    op.script(|script| script.metadata["issuer"] = json!("https://other.example"));
    let mut report = Report::default();
    op.party().probe(&connection(), NOW, &mut report).await.expect_err("does not work");
    assert_eq!(shown(&report), (upto(Check::Discovery), Some((Check::DiscoveryIssuer, "discovery_issuer"))));
    let mut report = Report::default();
    let wrong = Connection { client_id: String::new(), ..connection() };
    op.party().probe(&wrong, NOW, &mut report).await.expect_err("does not work");
    assert_eq!(shown(&report), (vec![], Some((Check::Settings, "setting_client_id"))));
}

/// An administrator who has just mended something is not told what was wrong before.
#[tokio::test]
async fn a_probe_asks_anew() {
    let op = Op::new();
    let party = op.party();
    op.script(|script| script.metadata["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]));
    let mut report = Report::default();
    party.probe(&connection(), NOW, &mut report).await.expect_err("does not work");
    op.script(|script| script.metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]));
    let mut report = Report::default();
    party.probe(&connection(), NOW, &mut report).await.expect("works");
}

#[tokio::test]
async fn a_sign_in_reports_every_check() {
    let finish = |change: fn(&mut Script)| async move {
        let op = Op::new();
        op.script(|script| script.metadata["userinfo_endpoint"] = json!("https://op.example/userinfo"));
        let party = op.party();
        let mut begun = begin(&op, &party, &connection()).await;
        op.script(|script| script.user_info = Some(json!({ "sub": SUBJECT })));
        op.script(change);
        // The report says what the outcome says, in all cases.
        drop(begun.finish(&party, &connection()).await);
        shown(&begun.report)
    };
    assert_eq!(finish(|_| {}).await, (Check::ALL.to_vec(), None));
    type Case = (fn(&mut Script), Check, &'static str);
    let cases: [Case; 8] = [
        (|script| script.tokens = Some((401, json!({ "error": "invalid_client" }))), Check::Exchange, "invalid_client"),
        (|script| script.claims["iss"] = json!("https://other.example"), Check::Issuer, "issuer"),
        (|script| script.claims["aud"] = json!("another"), Check::Audience, "audience"),
        (|script| script.claims["exp"] = json!(0), Check::Expiry, "expired"),
        (|script| script.claims["nonce"] = json!("x"), Check::Nonce, "nonce"),
        (|script| script.claims["sub"] = json!(""), Check::Subject, "subject"),
        (|script| script.user_info = None, Check::UserInfo, "user_info_status"),
        (|script| script.user_info = Some(json!({ "sub": "x" })), Check::UserInfoSubject, "user_info_subject"),
    ];
    for (change, failed, code) in cases {
        let before = Check::ALL.into_iter().take_while(|check| *check != failed).collect::<Vec<_>>();
        assert_eq!(finish(change).await, (before, Some((failed, code))), "{code}");
    }
}

/// What was not needed is not called passed.
#[tokio::test]
async fn checks_that_were_not_needed_are_not_reached() {
    let op = Op::new();
    let party = op.party();
    let mut begun = begin(&op, &party, &connection()).await;
    begun.finish(&party, &connection()).await.expect("is accepted");
    let (passed, failed) = shown(&begun.report);
    let missing: Vec<_> = Check::ALL.into_iter().filter(|check| !passed.contains(check)).collect();
    assert_eq!((missing, failed), (vec![Check::UserInfo, Check::UserInfoSubject], None));
}
