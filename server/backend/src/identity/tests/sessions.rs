//! What a session is and when it ends.

use shutterpost_model::access::Role;
use shutterpost_model::error::Code;
use shutterpost_model::identity::{Accounts, Client, Directory, SignIn};
use shutterpost_model::language::Language;
use shutterpost_model::pii::Pii;
use shutterpost_model::time::DAY;

use super::{OWNER, PASSWORD, fixtures, form};
use crate::identity::session;
use crate::jobs::Permit;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_session_ends_after_an_idle_hour_and_after_twelve_in_all() {
    for host in fixtures().await {
        let idle = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        host.test.clock.advance(HOUR - 1);
        assert!(host.resolve(&idle).await.is_some());
        host.test.clock.advance(HOUR);
        assert!(host.resolve(&idle).await.is_none(), "{}: idle", host.test.kind);

        let busy = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        for _ in 0..(12 * 2 - 1) {
            host.test.clock.advance(30 * MINUTE);
            assert!(host.resolve(&busy).await.is_some());
        }
        host.test.clock.advance(30 * MINUTE);
        assert!(host.resolve(&busy).await.is_none(), "{}: absolute", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remembered_session_lasts_longer_and_ends_too() {
    for host in fixtures().await {
        let remembered = || async {
            let sign_in = SignIn { remember: true, ..form(OWNER, PASSWORD) };
            host.accounts.sign_in(sign_in, Client::default()).await.expect("signed in").session().expect("a session")
        };
        let idle = remembered().await;
        assert_eq!(idle.max_age, Some(30 * 24 * 3600));
        host.test.clock.advance(14 * DAY - 1);
        assert!(host.resolve(&idle).await.is_some());
        host.test.clock.advance(14 * DAY);
        assert!(host.resolve(&idle).await.is_none());

        let busy = remembered().await;
        for _ in 0..29 {
            host.test.clock.advance(DAY);
            assert!(host.resolve(&busy).await.is_some());
        }
        host.test.clock.advance(DAY);
        assert!(host.resolve(&busy).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn use_is_noted_at_most_once_a_minute() {
    for host in fixtures().await {
        let session = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        let before = host.test.dump().await;
        host.test.clock.advance(MINUTE - 1);
        host.resolve(&session).await.expect("signed in");
        assert_eq!(host.test.dump().await, before);
        host.test.clock.advance(1);
        host.resolve(&session).await.expect("signed in");
        assert_ne!(host.test.dump().await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_destroys_the_session() {
    for host in fixtures().await {
        let session = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        let actor = host.resolve(&session).await.expect("signed in");
        host.once(host.accounts.sign_out(&actor)).await;
        assert!(host.resolve(&session).await.is_none());
        assert_eq!(host.test.count("identity_sessions", "1 = 1").await, 0);
        host.accounts.sign_out(&actor).await.expect("twice is once");
        let late = host.accounts.switch_organisation(&actor, &host.organisation);
        assert_eq!(host.refused(late).await.code, Code::SignInNeeded, "{}: it has ended", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_cookies_open_nothing() {
    for host in fixtures().await {
        let session = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        let cookie = session.cookie.expose();
        let longer = format!("{cookie}A");
        for made_up in ["", "A", &"A".repeat(43), "ü", &cookie[1..], &longer] {
            assert_eq!(host.accounts.session(made_up).await, Ok(None), "{made_up}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_person_is_out_at_once() {
    for host in fixtures().await {
        let session = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        host.test.execute("UPDATE identity_users SET disabled_at = 1").await;
        assert!(host.resolve(&session).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organisation_is_the_chosen_one_or_the_first() {
    for host in fixtures().await {
        let (other, _) = host.neighbour("Another", "nina@another.example").await;
        let (aardvark, _) = host.neighbour("Aardvark", OWNER).await;
        let session = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        let actor = host.resolve(&session).await.expect("signed in");
        assert_eq!(actor.organisation(), Some(&aardvark), "the first by name");

        host.once(host.accounts.switch_organisation(&actor, &host.organisation)).await;
        let actor = host.resolve(&session).await.expect("signed in");
        assert_eq!(actor.organisation(), Some(&host.organisation));
        let error = host.refused(host.accounts.switch_organisation(&actor, &other)).await;
        assert_eq!(error.code, Code::NotFound, "not a member");

        let me = host.accounts.me(&actor).await.expect("own data");
        let names: Vec<&str> = me.organisations.iter().map(|mine| mine.name.as_str()).collect();
        assert_eq!(names, ["Aardvark", "Host"]);
        assert_eq!(me.current.as_ref().map(|current| current.name.as_str()), Some("Host"));
        assert_eq!(me.email.get(), OWNER);
        assert!(!me.factor_needed && !me.own_sign_in_needed, "nobody asks for one");

        // Removed from the current one: that session ends, another falls back to what is left.
        host.member("second@host.example", Role::Owner).await;
        let second = host.actor("second@host.example").await;
        let elsewhere = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        host.once(host.directory.remove_member(&second, &host.owner)).await;
        assert!(host.resolve(&session).await.is_none());
        let actor = host.resolve(&elsewhere).await.expect("signed in elsewhere");
        assert_eq!(actor.organisation(), Some(&aardvark));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_changes_and_names_only_fields() {
    for host in fixtures().await {
        let actor = host.actor(OWNER).await;
        let name = || Pii::new(" Olga Petrowna ".to_owned());
        host.once(host.accounts.update_profile(&actor, name(), Language::English)).await;
        let me = host.accounts.me(&actor).await.expect("own data");
        assert_eq!(me.name.get(), "Olga Petrowna");
        let fields =
            host.test.select("SELECT fields AS line FROM audit_entries WHERE action = 'identity.update_profile'").await;
        assert_eq!(fields, [r#"["name"]"#]);
        host.once(host.accounts.update_profile(&actor, name(), Language::German)).await;
        assert_eq!(host.accounts.me(&actor).await.expect("own data").language, Language::German, "{}", host.test.kind);
        let error = host.refused(host.accounts.update_profile(&actor, Pii::new("\n".into()), Language::German)).await;
        assert_eq!(error.of("name"), Some(Code::Required));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_removes_what_ended() {
    for host in fixtures().await {
        let remember = SignIn { remember: true, ..form(OWNER, PASSWORD) };
        let kept = host.accounts.sign_in(remember, Client::default()).await.expect("signed in");
        let kept = kept.session().expect("a session");
        host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        host.test.clock.advance(HOUR);
        let removed = session::sweep(&host.deps.db, &host.deps.world, &Permit::of_test()).await.expect("swept");
        assert_eq!(removed, 1);
        assert!(host.resolve(&kept).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_for_a_new_password_are_forgotten_thirty_days_after_they_ended() {
    for host in fixtures().await {
        let email = Pii::new(OWNER.to_owned());
        host.accounts.request_reset(email, Language::English, Client::default()).await.expect("asked");
        let permit = Permit::of_test();
        let sweep = || session::sweep(&host.deps.db, &host.deps.world, &permit);
        // They were good for half an hour.
        host.test.clock.advance(30 * MINUTE + 30 * DAY);
        assert_eq!(sweep().await.expect("swept"), 0, "{}: messages refer to them", host.test.kind);
        host.test.clock.advance(1);
        assert_eq!(sweep().await.expect("swept"), 1, "{}", host.test.kind);
        assert_eq!(host.test.count("identity_resets", "1 = 1").await, 0);
    }
}
