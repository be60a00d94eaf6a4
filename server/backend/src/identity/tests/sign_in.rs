//! Sign-in: what is right, what is wrong, and that nobody learns why.

use std::sync::Arc;

use shutterpost_model::access::Role;
use shutterpost_model::error::Code;
use shutterpost_model::identity::{Accounts, Client};
use shutterpost_model::pii::Pii;

use super::{Fixture, OWNER, PASSWORD, code, fixtures, form};
use crate::identity::queries::users;
use crate::identity::{AccountsService, PasswordPolicy, admin};

#[tokio::test(flavor = "multi_thread")]
async fn the_right_password_opens_a_session() {
    for host in fixtures().await {
        let session = host.once(host.sign_in(" Olga@Host.example ", PASSWORD)).await;
        assert_eq!(session.max_age, None);
        let actor = host.resolve(&session).await.expect("signed in");
        assert_eq!((actor.user(), actor.role()), (Some(&host.owner), Some(Role::Owner)));
        assert_eq!(actor.organisation(), Some(&host.organisation));
        let stored = host.test.dump().await;
        assert!(!stored.contains(session.cookie.expose()), "{}: only a hash is stored", host.test.kind);

        let again = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        assert_ne!(again.cookie.expose(), session.cookie.expose(), "the id is new each time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_wrong_and_disabled_look_the_same() {
    for host in fixtures().await {
        let disabled = host.member("dora@host.example", Role::Admin).await;
        let sql = format!("UPDATE identity_users SET disabled_at = 1 WHERE id = '{disabled}'");
        host.test.execute(&sql).await;
        let mut work = Vec::new();
        for (email, password) in [
            (OWNER, "wrong"),
            ("nobody@host.example", PASSWORD),
            ("not an address", PASSWORD),
            ("dora@host.example", PASSWORD),
            (OWNER, ""),
        ] {
            let before = host.accounts.hasher.work();
            let error = host.refused(host.sign_in(email, password)).await;
            assert_eq!((error.code, error.fields.len()), (Code::SignInFailed, 0), "{email}");
            work.push(host.accounts.hasher.work() - before);
        }
        assert_eq!(work, [1; 5], "{}: one hash each", host.test.kind);
    }
}

/// One account of each kind, by its address.
const KINDS: [&str; 5] =
    ["nobody@host.example", "known@host.example", "slow@host.example", "dora@host.example", "factor@host.example"];

async fn one_of_each_kind(host: &Fixture) {
    for email in KINDS.into_iter().skip(1) {
        host.member(email, Role::Editor).await;
    }
    host.enrol("factor@host.example").await;
    for _ in 0..7 {
        assert_eq!(code(host.sign_in("slow@host.example", "wrong").await), Code::SignInFailed);
    }
    let user = admin::find_user_by_email(&host.deps, &Pii::new("dora@host.example".into())).await;
    let disabled = user.expect("read").expect("known");
    host.test.execute(&format!("UPDATE identity_users SET disabled_at = 1 WHERE id = '{disabled}'")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kind_of_account_shows_in_what_a_wrong_password_costs_or_leaves() {
    for host in fixtures().await {
        one_of_each_kind(&host).await;
        for email in KINDS {
            let before = host.accounts.hasher.work();
            let error = host.refused(host.sign_in(email, "wrong-wrong-wrong")).await;
            assert_eq!((error.code, error.fields.len(), error.scope), (Code::SignInFailed, 0, None), "{email}");
            assert_eq!(host.accounts.hasher.work() - before, 1, "{}: {email}", host.test.kind);
        }
        // The right one opens something for two of them alone; the work is the same for all.
        for (email, opens) in KINDS.into_iter().zip([false, true, false, false, true]) {
            let before = host.accounts.hasher.work();
            let answer = host.accounts.sign_in(form(email, PASSWORD), Client::default()).await;
            assert_eq!(answer.is_ok(), opens, "{}: {email}", host.test.kind);
            assert_eq!(host.accounts.hasher.work() - before, 1, "{}: {email}", host.test.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_never_hashes_on_more_threads_than_there_are_cores() {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    for host in fixtures().await {
        let accounts = Arc::new(AccountsService::new(host.deps.clone(), PasswordPolicy::FLOOR));
        let crowd = (0..200).map(|number| {
            let (accounts, email) = (Arc::clone(&accounts), format!("nobody-{number}@host.example"));
            tokio::spawn(async move { accounts.sign_in(form(&email, PASSWORD), Client::default()).await })
        });
        let crowd: Vec<_> = crowd.collect();
        let (mut hashed, mut busy) = (0, 0);
        for attempt in crowd {
            match code(attempt.await.expect("no panic")) {
                Code::SignInFailed => hashed += 1,
                Code::Busy => busy += 1,
                other => panic!("{}: {other}", host.test.kind),
            }
        }
        assert_eq!((hashed + busy, accounts.hasher.work()), (200, hashed), "{}: a hash for each", host.test.kind);
        let most = accounts.hasher.most_at_once();
        assert!((1..=cores as u64).contains(&most), "{most} hashes at once on {cores} cores");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_slows_down_and_recovers() {
    for host in fixtures().await {
        for _ in 0..5 {
            assert_eq!(code(host.sign_in(OWNER, "wrong").await), Code::SignInFailed);
        }
        host.sign_in(OWNER, PASSWORD).await.expect("five failures are free");
        for _ in 0..6 {
            assert_eq!(code(host.sign_in(OWNER, "wrong").await), Code::SignInFailed);
        }
        host.test.clock.advance(1999);
        let before = host.accounts.hasher.work();
        assert_eq!(code(host.sign_in(OWNER, PASSWORD).await), Code::SignInFailed, "the same answer as to a wrong one");
        assert_eq!(host.accounts.hasher.work() - before, 1, "and the same work");
        host.test.clock.advance(1);
        host.sign_in(OWNER, PASSWORD).await.expect("two seconds are over");
        assert_eq!(host.test.count("identity_users", "failures = 0 AND throttled_until = 0").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_at_once_are_all_counted() {
    for host in fixtures().await {
        let attempts = (0..12).map(|_| host.sign_in(OWNER, "wrong"));
        let outcomes = futures_util::future::join_all(attempts).await;
        assert!(outcomes.into_iter().all(|outcome| code(outcome) == Code::SignInFailed));
        // The sixth starts a delay; from then on nothing is tried, so nothing is counted.
        assert_eq!(host.test.count("identity_users", "failures = 6").await, 1, "{}", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_may_not_try_for_ever() {
    for host in fixtures().await {
        let client = || Client { address: "192.0.2.7".parse().ok(), ..Client::default() };
        let attempt = || host.accounts.sign_in(form("nobody@host.example", "wrong"), client());
        for _ in 0..10 {
            assert_eq!(code(attempt().await), Code::SignInFailed);
        }
        assert_eq!(code(attempt().await), Code::TooMany);
        assert_eq!(code(host.accounts.sign_in(form(OWNER, PASSWORD), client()).await), Code::TooMany);
        host.test.clock.advance(2000);
        host.accounts.sign_in(form(OWNER, PASSWORD), client()).await.expect("one more every two seconds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_of_hashes_is_an_answer_not_a_failure_of_the_account() {
    for host in fixtures().await {
        let taken = host.accounts.hasher.occupy().await;
        let error = host.refused(host.sign_in(OWNER, PASSWORD)).await;
        assert_eq!(error.code, Code::Busy);
        assert_eq!(host.test.count("identity_users", "failures = 0").await, 1, "nothing was tried");
        drop(taken);
        host.sign_in(OWNER, PASSWORD).await.expect("there is room again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_of_another_cost_is_renewed() {
    for host in fixtures().await {
        let policy = PasswordPolicy::new(20_000, 2, 1).expect("above the floor");
        let dearer = AccountsService::new(host.deps.clone(), policy);
        dearer.sign_in(form(OWNER, PASSWORD), Client::default()).await.expect("signed in");
        let user = admin::find_user_by_email(&host.deps, &Pii::new(OWNER.into())).await.expect("read").expect("known");
        let mut conn = host.deps.db.read().await.expect("a connection");
        let stored = users::by_id(&mut conn, &host.deps.keystore, &user).await.expect("read").expect("known").password;
        assert!(stored.expect("set").hash.expose().contains("m=20000,"), "{}", host.test.kind);
        drop(conn);
        dearer.sign_in(form(OWNER, PASSWORD), Client::default()).await.expect("the renewed hash is good");
    }
}
