//! Changing a password, by the old one and by a link.

use shutterpost_model::access::Role;
use shutterpost_model::error::Code;
use shutterpost_model::identity::{Accounts, Client, SignIn};
use shutterpost_model::language::Language;
use shutterpost_model::pii::Pii;

use super::{Fixture, OTHER_PASSWORD, OWNER, PASSWORD, code, fixtures, form, secret};

const MINUTE: i64 = 60_000;

async fn ask(host: &Fixture, email: &str) {
    let email = Pii::new(email.to_owned());
    host.accounts
        .request_reset(email, Language::German, Client::default())
        .await
        .expect("the answer is always the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_all_sessions_for_a_new_one_and_is_told_by_mail() {
    for host in fixtures().await {
        let other = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        let own = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        let actor = host.resolve(&own).await.expect("signed in");
        ask(&host, OWNER).await;

        let change = |current: &str, new: &str| host.accounts.change_password(&actor, secret(current), secret(new));
        let error = host.refused(change("wrong", OTHER_PASSWORD)).await;
        assert_eq!(error.of("current"), Some(Code::WrongPassword));
        for (new, expected) in [
            ("short", Code::PasswordShort),
            ("olga owner olga owner", Code::PasswordWeak),
            (&"long".repeat(100), Code::PasswordLong),
        ] {
            let error = host.refused(change(PASSWORD, new)).await;
            assert_eq!(error.of("new"), Some(expected), "{new}");
        }
        assert!(host.resolve(&own).await.is_some(), "what was refused ends nothing");
        let new = host.once(change(PASSWORD, OTHER_PASSWORD)).await;
        assert!(host.resolve(&own).await.is_none(), "a cookie known from before the change opens nothing after it");
        assert!(host.resolve(&other).await.is_none());
        let actor = host.resolve(&new).await.expect("goes on");
        assert_eq!((actor.user(), actor.organisation()), (Some(&host.owner), Some(&host.organisation)));
        assert_eq!((new.max_age, host.test.count("identity_sessions", "1 = 1").await), (None, 1));
        assert_eq!(code(host.sign_in(OWNER, PASSWORD).await), Code::SignInFailed);
        host.sign_in(OWNER, OTHER_PASSWORD).await.expect("the new password is good");
        assert_eq!(host.test.count("messages", "template = 'password_changed'").await, 1);
        assert!(host.reset_tokens().await.is_empty(), "a link sent before is worthless");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_after_a_change_stays_where_and_as_long_as_the_one_before() {
    for host in fixtures().await {
        let (aardvark, _) = host.neighbour("Aardvark", OWNER).await;
        let remember = SignIn { remember: true, ..form(OWNER, PASSWORD) };
        let old = host.accounts.sign_in(remember, Client::default()).await.expect("signed in");
        let old = old.session().expect("a session");
        let actor = host.resolve(&old).await.expect("signed in");
        assert_eq!(actor.organisation(), Some(&aardvark), "the first by name");
        host.accounts.switch_organisation(&actor, &host.organisation).await.expect("switched");
        let change = || host.accounts.change_password(&actor, secret(PASSWORD), secret(OTHER_PASSWORD));
        let new = change().await.expect("changed");
        assert_eq!(new.max_age, old.max_age);
        let there = host.resolve(&new).await.expect("signed in");
        assert_eq!(there.organisation(), Some(&host.organisation));

        // The old session has ended: what still comes in its name changes nothing.
        let late = host.accounts.change_password(&actor, secret(OTHER_PASSWORD), secret(PASSWORD));
        assert_eq!(host.refused(late).await.code, Code::SignInNeeded, "{}", host.test.kind);
        assert!(host.resolve(&new).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_link_works_once_and_ends_all_sessions() {
    for host in fixtures().await {
        let session = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        host.once(host.accounts.request_reset(Pii::new(OWNER.into()), Language::German, Client::default())).await;
        ask(&host, OWNER).await;
        assert_eq!(host.test.count("messages", "template = 'reset' AND language = 'de'").await, 2);
        let tokens = host.reset_tokens().await;
        let [first, second] = &tokens[..] else { panic!("two links") };
        assert!(!host.test.dump().await.contains(first.as_str()), "only a hash is stored");
        host.accounts.check_reset(first).await.expect("good");

        let reset = |token: &str, password: &str| {
            let (token, password) = (token.to_owned(), secret(password));
            let accounts = &host.accounts;
            async move { accounts.reset_password(&token, password, Client::default()).await }
        };
        let error = host.refused(reset(first, "qwerty123456789")).await;
        assert_eq!(error.of("password"), Some(Code::PasswordWeak), "a refused password does not use the link up");
        host.once(reset(first, OTHER_PASSWORD)).await;
        assert!(host.resolve(&session).await.is_none());
        host.sign_in(OWNER, OTHER_PASSWORD).await.expect("the new password is good");
        assert_eq!(host.test.count("messages", "template = 'password_changed'").await, 1);
        for used in [first.as_str(), second.as_str(), "made up", &"A".repeat(43)] {
            assert_eq!(code(host.accounts.check_reset(used).await), Code::LinkExpired, "{used}");
            assert_eq!(host.refused(reset(used, PASSWORD)).await.code, Code::LinkExpired);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_link_is_good_for_half_an_hour() {
    for host in fixtures().await {
        ask(&host, OWNER).await;
        let token = host.reset_tokens().await.remove(0);
        host.test.clock.advance(30 * MINUTE - 1);
        host.accounts.check_reset(&token).await.expect("good");
        host.test.clock.advance(1);
        assert_eq!(code(host.accounts.check_reset(&token).await), Code::LinkExpired);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_uses_at_once_of_one_link_are_one() {
    for host in fixtures().await {
        ask(&host, OWNER).await;
        let token = host.reset_tokens().await.remove(0);
        let (one, two) = tokio::join!(
            host.accounts.reset_password(&token, secret(PASSWORD), Client::default()),
            host.accounts.reset_password(&token, secret(OTHER_PASSWORD), Client::default()),
        );
        assert!(one.is_ok() != two.is_ok(), "{}: {one:?} {two:?}", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_tells_nothing_and_floods_nobody() {
    for host in fixtures().await {
        let nobody = Pii::new("nobody@host.example".to_owned());
        host.once(host.accounts.request_reset(nobody, Language::English, Client::default())).await;
        assert_eq!(host.test.count("messages", "1 = 1").await, 0);
        for _ in 0..5 {
            ask(&host, OWNER).await;
        }
        assert_eq!(host.test.count("messages", "1 = 1").await, 3);
        host.test.clock.advance(61 * MINUTE);
        ask(&host, OWNER).await;
        assert_eq!(host.test.count("messages", "1 = 1").await, 4);

        let email = Pii::new("not an address".to_owned());
        let error = host.refused(host.accounts.request_reset(email, Language::English, Client::default())).await;
        assert_eq!(error.of("email"), Some(Code::BadEmail));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_reset_takes_its_time_and_no_hash_whoever_is_meant() {
    for host in fixtures().await {
        host.member("slow@host.example", Role::Viewer).await;
        for _ in 0..7 {
            assert_eq!(code(host.sign_in("slow@host.example", "wrong").await), Code::SignInFailed);
        }
        host.member("factor@host.example", Role::Viewer).await;
        host.enrol("factor@host.example").await;
        let disabled = host.member("dora@host.example", Role::Viewer).await;
        host.test.execute(&format!("UPDATE identity_users SET disabled_at = 1 WHERE id = '{disabled}'")).await;
        for (email, mails) in [
            ("nobody@host.example", 0),
            (OWNER, 1),
            ("slow@host.example", 1),
            ("factor@host.example", 1),
            ("dora@host.example", 0),
        ] {
            let (work, began) = (host.accounts.hasher.work(), std::time::Instant::now());
            let before = host.test.count("messages", "template = 'reset'").await;
            host.once(host.accounts.request_reset(Pii::new(email.into()), Language::German, Client::default())).await;
            // Never sooner: what the accounts differ by is done within this time.
            assert!(began.elapsed() >= std::time::Duration::from_millis(100), "{}: {email}", host.test.kind);
            assert_eq!(host.accounts.hasher.work(), work, "{}: {email}", host.test.kind);
            let sent = host.test.count("messages", "template = 'reset'").await - before;
            assert_eq!(sent, mails, "{}: {email}", host.test.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_helps_a_throttled_account() {
    for host in fixtures().await {
        for _ in 0..8 {
            assert_eq!(code(host.sign_in(OWNER, "wrong").await), Code::SignInFailed);
        }
        ask(&host, OWNER).await;
        let token = host.reset_tokens().await.remove(0);
        host.accounts.reset_password(&token, secret(OTHER_PASSWORD), Client::default()).await.expect("set");
        host.sign_in(OWNER, OTHER_PASSWORD).await.expect("not throttled any more");
    }
}
