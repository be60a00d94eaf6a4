//! An attempt, an answer and an assertion: each good once, in one browser, at one connection.

use serde_json::json;
use shutterpost_model::error::Code;
use shutterpost_model::identity::{Accounts as _, Client};
use shutterpost_model::language::Language;
use shutterpost_model::pii::Secret;
use shutterpost_model::sso::{Answer, Arrived, OidcAnswer, SingleSignOn as _};

use super::fixture::{Away, check, hosts, secret, session};
use crate::identity::{AccountsService, PasswordPolicy};
use crate::jobs::Permit;
use crate::sso::{SsoService, sweep};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_the_provider_proves_is_let_in_to_where_they_wanted() {
    for host in hosts().await {
        let away = host.start(&host.oidc).await;
        host.vouch(&away, "paula", &json!({}));
        let arrived = host.back(&away).await.expect("an answer");
        let Arrived::SignedIn { next, .. } = &arrived else { panic!("{arrived:?}") };
        assert_eq!(next.as_deref(), Some("/cms/people"));
        let actor = host.inside(arrived).await;
        assert_eq!(actor.organisation(), Some(&host.organisation));
        assert_eq!(host.test.count("sso_attempts", "1 = 1").await, 0);
        assert_eq!(host.test.count("audit_entries", "action = 'sso.join'").await, 1);
        let again = host.inside(host.visit("paula", &json!({})).await).await;
        assert_eq!(again.user(), actor.user());
        assert_eq!(host.test.count("audit_entries", "action = 'sso.sign_in'").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_44_45_an_answer_without_its_state_or_browser_changes_nothing_but_the_trail() {
    for host in hosts().await {
        let away = host.start(&host.oidc).await;
        host.vouch(&away, "paula", &json!({}));
        let before = host.without_trail().await;
        for (state, browser, why) in [
            (None, Some(away.browser.clone()), "state"),
            (Some(secret("k7Jm3vQ0hXw2c9aTt5Yz1A")), Some(away.browser.clone()), "state"),
            (Some(away.state.clone()), None, "other_browser"),
            (Some(away.state.clone()), Some(secret("of another browser")), "other_browser"),
        ] {
            let answer = Answer::Oidc(OidcAnswer { state, code: Some(secret("c")), ..OidcAnswer::default() });
            let who = (Client::default(), Language::English);
            assert_eq!(check(host.sso.arrive(&away.connection, answer, browser, who).await), why);
        }
        assert_eq!(host.without_trail().await, before, "{}", host.test.kind);
        assert_eq!(host.refusals().await, 4);
        // What was begun is still good in its own browser, and then no more.
        session(host.back(&away).await.expect("an answer"));
        assert_eq!(check(host.back(&away).await), "state");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_46_47_69_of_two_answers_at_the_same_time_one_wins() {
    for host in hosts().await {
        for round in 0..4 {
            let away = host.start(&host.oidc).await;
            host.vouch(&away, "paula", &json!({}));
            let (one, other) = tokio::join!(host.back(&away), host.back(&away));
            let won =
                [one, other].into_iter().filter(|arrived| matches!(arrived, Ok(Arrived::SignedIn { .. }))).count();
            assert_eq!(won, 1, "{} in round {round}", host.test.kind);
        }
        // The nonce of another attempt.
        let (first, second) = (host.start(&host.oidc).await, host.start(&host.oidc).await);
        host.vouch(&first, "paula", &json!({}));
        assert_eq!(check(host.back(&second).await), "nonce");
        assert_eq!(check(host.back(&second).await), "state", "a refused attempt is over");
        assert_eq!(host.test.count("identity_sessions", "connection_id IS NOT NULL").await, 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_29_an_attempt_of_one_connection_is_none_at_another() {
    for host in hosts().await {
        let away = host.start(&host.oidc).await;
        host.vouch(&away, "paula", &json!({}));
        let elsewhere = Away { connection: host.foreign.clone(), ..away.clone() };
        assert_eq!(check(host.back(&elsewhere).await), "state");
        let there = host.start(&host.foreign).await;
        let here = Away { connection: host.oidc.clone(), ..there };
        assert_eq!(check(host.back(&here).await), "state");
        // A form of SAML at a connection of OpenID Connect, and the other way round.
        let wrong = Away { connection: host.saml.clone(), ..away.clone() };
        assert_eq!(host.back(&wrong).await.err().map(|error| error.code), Some(Code::NotFound));
        assert_eq!(host.back_saying(&away, "a b c").await.err().map(|error| error.code), Some(Code::NotFound));
        session(host.back(&away).await.expect("an answer"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_outlives_a_restart_and_not_its_time() {
    for host in hosts().await {
        let away = host.start(&host.oidc).await;
        host.vouch(&away, "paula", &json!({}));
        let accounts = std::sync::Arc::new(AccountsService::new(host.deps.clone(), PasswordPolicy::FLOOR));
        let restarted = SsoService::new(host.deps.clone(), accounts);
        let (state, code) = (Some(away.state.clone()), Some(secret("c")));
        let answer = Answer::Oidc(OidcAnswer { state, code, ..OidcAnswer::default() });
        let who = (Client::default(), Language::English);
        let arrived = restarted.arrive(&away.connection, answer, Some(away.browser.clone()), who).await;
        session(arrived.expect("an answer"));

        let late = host.start(&host.oidc).await;
        host.test.clock.advance(15 * 60_000);
        host.vouch(&late, "paula", &json!({}));
        assert_eq!(check(host.back(&late).await), "state");
        assert_eq!(host.test.count("sso_attempts", "1 = 1").await, 1);
        sweep(&host.deps.db, &host.deps.world, &Permit::of_test()).await.expect("swept");
        assert_eq!(host.test.count("sso_attempts", "1 = 1").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_24_25_26_an_assertion_is_good_once_and_asked_for() {
    for host in hosts().await {
        let away = host.start(&host.saml).await;
        let arrived = host.back_saying(&away, "a1 paula paula@people.example").await.expect("an answer");
        let opened = session(arrived);
        assert_eq!(check(host.back_saying(&away, "a1 paula paula@people.example").await), "saml_unsolicited");
        // The same assertion under an attempt of its thief.
        let thief = host.start(&host.saml).await;
        assert_eq!(check(host.back_saying(&thief, "a1 paula paula@people.example").await), "used");
        // Two at the same instant, each with an attempt: exactly one wins.
        let (one, other) = (host.start(&host.saml).await, host.start(&host.saml).await);
        let said = "a2 paula paula@people.example";
        let (one, other) = tokio::join!(host.back_saying(&one, said), host.back_saying(&other, said));
        let won = [one, other].into_iter().filter(|arrived| matches!(arrived, Ok(Arrived::SignedIn { .. }))).count();
        assert_eq!(won, 1, "{}", host.test.kind);
        // In another browser.
        let mut other = host.start(&host.saml).await;
        other.browser = secret("of another browser");
        assert_eq!(check(host.back_saying(&other, "a3 paula paula@people.example").await), "other_browser");
        // The provider's session ends after two hours, and so does ours.
        assert!(host.resolve(&opened).await.is_some());
        for _ in 0..3 {
            host.test.clock.advance(45 * 60_000);
            host.resolve(&opened).await;
        }
        assert!(host.resolve(&opened).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_off_or_unknown_is_not_there() {
    for host in hosts().await {
        let away = host.start(&host.oidc).await;
        host.vouch(&away, "paula", &json!({}));
        host.test.execute("UPDATE sso_connections SET state = 'off'").await;
        let before = host.test.dump().await;
        let unknown = host.deps.world.id(shutterpost_model::id::ConnectionId::new);
        let code = |error: Option<shutterpost_model::error::AppError>| error.map(|error| error.code);
        for connection in [&host.oidc, &unknown] {
            let there = Away { connection: connection.clone(), ..away.clone() };
            assert_eq!(code(host.back(&there).await.err()), Some(Code::NotFound));
            let started = host.sso.start(connection, None, Client::default()).await;
            assert_eq!(code(started.err()), Some(Code::NotFound));
            assert_eq!(code(host.sso.ended(connection, "a.b.c").await.err()), Some(Code::NotFound));
            let state: Secret = secret("s");
            assert_eq!(code(host.sso.signed_out(connection, &state).await.err()), Some(Code::NotFound));
        }
        assert_eq!(host.test.dump().await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_lets_nobody_in_and_keeps_its_report() {
    for host in hosts().await {
        host.test.execute("UPDATE sso_connections SET state = 'off'").await;
        let begun = host.sso.start_test(&host.owner, &host.oidc).await.expect("begins");
        let away = host.away(&host.oidc, begun);
        host.vouch(&away, "paula", &json!({}));
        let users = host.test.count("identity_users", "1 = 1").await;
        let sessions = host.test.count("identity_sessions", "1 = 1").await;
        assert!(matches!(host.back(&away).await, Ok(Arrived::Tested)));
        assert_eq!(host.test.count("identity_users", "1 = 1").await, users);
        assert_eq!(host.test.count("identity_sessions", "1 = 1").await, sessions);
        let of_ours = format!("tested_at IS NOT NULL AND id = '{}'", host.oidc);
        assert_eq!(host.test.count("sso_connections", &of_ours).await, 1);
        // One that fails is kept as well, and does not count.
        host.test.execute("UPDATE sso_connections SET tested_at = NULL, last_report = NULL").await;
        let begun = host.sso.start_test(&host.owner, &host.oidc).await.expect("begins");
        let away = host.away(&host.oidc, begun);
        host.vouch(&away, "paula", &json!({ "aud": "somebody else" }));
        assert!(matches!(host.back(&away).await, Ok(Arrived::Tested)));
        assert_eq!(host.test.count("sso_connections", "last_report IS NOT NULL AND tested_at IS NULL").await, 1);
        // Another organisation's is not there.
        let foreign = host.sso.start_test(&host.owner, &host.foreign).await;
        assert_eq!(foreign.err().map(|error| error.code), Some(Code::NotFound));
        // Whoever began one and has signed out meanwhile tests nothing any more.
        host.test.execute("UPDATE sso_connections SET last_report = NULL").await;
        let begun = host.sso.start_test(&host.owner, &host.oidc).await.expect("begins");
        let away = host.away(&host.oidc, begun);
        host.vouch(&away, "paula", &json!({}));
        host.accounts.sign_out(&host.owner).await.expect("signed out");
        assert_eq!(check(host.back(&away).await), "used", "{}", host.test.kind);
        let told = host.test.count("sso_connections", "last_report IS NOT NULL OR tested_at IS NOT NULL").await;
        assert_eq!(told, 0, "{}", host.test.kind);
    }
}
