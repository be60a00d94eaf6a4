//! What an organisation asks of everybody who works in it.

use shutterpost_model::access::{Permission, Role};
use shutterpost_model::error::Code;
use shutterpost_model::identity::security::Security;
use shutterpost_model::identity::{Accounts, Client, Directory, SessionLimits, SignIn};

use super::{OWNER, PASSWORD, code, fixtures, form, secret};

const MEMBER: &str = "max@host.example";
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_others_for_a_second_factor_has_it() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let refused = host.directory.require_factor(&owner, true).await;
        assert_eq!(refused.err().map(|error| error.code), Some(Code::FactorFirst));
        assert!(!host.actor(OWNER).await.lacks_factor(), "nothing was switched on");
        assert!(host.actor(OWNER).await.may(Permission::SignInManage));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_factor_asked_for_is_kept_until_it_is_asked_for_no_more() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let owner = host.resolve(&app.session).await.expect("signed in");
        host.directory.require_factor(&owner, true).await.expect("has it");
        let rules = host.directory.sign_in_rules(&owner).await.expect("read");
        assert!(rules.factor_required_at.is_some() && rules.with_factor == 1);
        let owner = host.resolve(&app.session).await.expect("signed in");
        assert!(!owner.lacks_factor(), "who has it is not concerned");
        let kept = host.accounts.remove_totp(&owner, secret(PASSWORD), host.code(&app.secret)).await;
        assert_eq!(kept.err().map(|error| error.code), Some(Code::FactorKept));
        host.directory.require_factor(&owner, false).await.expect("has it");
        host.accounts.remove_totp(&owner, secret(PASSWORD), host.code(&app.secret)).await.expect("no more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lacks_the_factor_may_nothing_from_the_next_request_on_until_it_is_set_up() {
    for host in fixtures().await {
        host.member(MEMBER, Role::Admin).await;
        let under_way = host.sign_in(MEMBER, PASSWORD).await.expect("signed in");
        assert!(host.resolve(&under_way).await.is_some_and(|actor| actor.may(Permission::EventRead)));
        let app = host.enrol(OWNER).await;
        let owner = host.resolve(&app.session).await.expect("signed in");
        host.once(host.directory.require_factor(&owner, true)).await;

        let member = host.resolve(&under_way).await.expect("still signed in");
        assert!(member.lacks_factor() && Permission::ALL.iter().all(|permission| !member.may(*permission)));
        assert_eq!(code(host.directory.people(&member).await), Code::FactorNeeded);
        let me = host.accounts.me(&member).await.expect("one's own account");
        assert!(me.factor_needed && !me.may(Permission::EventRead));

        let own = host.enrol(MEMBER).await;
        let member = host.resolve(&own.session).await.expect("signed in");
        host.directory.people(&member).await.expect("may again what the role may");
        let people = host.directory.people(&owner).await.expect("read");
        assert!(people.members.iter().all(|member| member.two_factor));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_organisation_asks_and_another_does_not() {
    for host in fixtures().await {
        let (other, _) = host.neighbour("Another", "nina@another.example").await;
        let nina = host.enrol("nina@another.example").await;
        let nina = host.resolve(&nina.session).await.expect("signed in");
        host.directory.require_factor(&nina, true).await.expect("has it");
        assert!(host.actor(OWNER).await.may(Permission::EventRead), "somebody else's rule");
        host.test
            .execute(&format!(
                "UPDATE identity_memberships SET organisation_id = '{other}' WHERE user_id = '{}'",
                host.owner
            ))
            .await;
        assert!(host.actor(OWNER).await.lacks_factor(), "by the first organisation of theirs too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_alone_make_the_rules_and_show_again_who_they_are() {
    for host in fixtures().await {
        host.member(MEMBER, Role::Admin).await;
        let admin = host.actor(MEMBER).await;
        let limits = SessionLimits { idle: Some(15), absolute: None };
        assert_eq!(host.refused(host.directory.require_factor(&admin, true)).await.code, Code::Forbidden);
        assert_eq!(host.refused(host.directory.limit_sessions(&admin, limits)).await.code, Code::Forbidden);
        assert_eq!(host.refused(host.directory.sign_in_rules(&admin)).await.code, Code::Forbidden);
        let owner = host.actor(OWNER).await;
        host.test.clock.advance(20 * MINUTE);
        assert_eq!(host.refused(host.directory.limit_sessions(&owner, limits)).await.code, Code::ConfirmNeeded);
        assert_eq!(host.refused(host.directory.require_factor(&owner, true)).await.code, Code::ConfirmNeeded);
        for wrong in
            [SessionLimits { idle: Some(16), absolute: None }, SessionLimits { idle: None, absolute: Some(-60) }]
        {
            let error = host.refused(host.directory.limit_sessions(&owner, wrong)).await;
            let field = if wrong.idle.is_some() { "idle" } else { "absolute" };
            assert_eq!(error.of(field), Some(Code::BadChoice));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_end_sessions_under_way_to_the_millisecond() {
    for host in fixtures().await {
        let remembered = || async {
            let sign_in = SignIn { remember: true, ..form(OWNER, PASSWORD) };
            host.accounts.sign_in(sign_in, Client::default()).await.expect("signed in").session().expect("a session")
        };
        let before = remembered().await;
        let owner = host.actor(OWNER).await;
        let limits = SessionLimits { idle: Some(15), absolute: Some(60) };
        host.once(host.directory.limit_sessions(&owner, limits)).await;
        host.directory.limit_sessions(&owner, limits).await.expect("nothing to do");
        assert_eq!(host.directory.sign_in_rules(&owner).await.expect("read").limits, limits);

        host.test.clock.advance(15 * MINUTE - 1);
        assert!(host.resolve(&before).await.is_some());
        host.test.clock.advance(15 * MINUTE);
        assert!(host.resolve(&before).await.is_none(), "{}: idle", host.test.kind);

        let busy = remembered().await;
        for _ in 0..5 {
            host.test.clock.advance(10 * MINUTE);
            assert!(host.resolve(&busy).await.is_some());
        }
        host.test.clock.advance(10 * MINUTE - 1);
        assert!(host.resolve(&busy).await.is_some());
        host.test.clock.advance(1);
        assert!(host.resolve(&busy).await.is_none(), "{}: absolute", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_never_loosen_those_of_the_installation() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let limits = SessionLimits { idle: Some(7 * 24 * 60), absolute: Some(14 * 24 * 60) };
        host.directory.limit_sessions(&owner, limits).await.expect("limited");
        let session = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        host.test.clock.advance(HOUR);
        assert!(host.resolve(&session).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_limit_has_ended_is_no_session_of_the_list() {
    for host in fixtures().await {
        let sign_in = SignIn { remember: true, ..form(OWNER, PASSWORD) };
        host.accounts.sign_in(sign_in, Client::default()).await.expect("signed in");
        let owner = host.actor(OWNER).await;
        host.accounts.switch_organisation(&owner, &host.organisation).await.expect("theirs");
        host.test.execute(&format!("UPDATE identity_sessions SET organisation_id = '{}'", host.organisation)).await;
        let limits = SessionLimits { idle: Some(15), absolute: None };
        host.directory.limit_sessions(&owner, limits).await.expect("limited");
        assert_eq!(host.accounts.overview(&owner).await.expect("read").sessions.len(), 2);
        host.test.clock.advance(15 * MINUTE);
        let owner = host.actor(OWNER).await;
        assert_eq!(host.accounts.overview(&owner).await.expect("read").sessions.len(), 1, "{}", host.test.kind);
    }
}
