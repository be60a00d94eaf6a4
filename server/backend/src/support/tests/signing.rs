//! Joining the staff and signing in.

use super::*;
use crate::support::session::{ABSOLUTE, IDLE};

#[tokio::test(flavor = "multi_thread")]
async fn password_and_factor_are_set_together_by_a_link_that_works_once() {
    for f in fixtures().await {
        let token = f.invite(SAM).await;
        let setup = f.support.invitation(&token).await.expect("open").setup;
        let accept = |password: &str, code: Secret| {
            let (token, password) = (token.clone(), secret(password));
            let support = &f.support;
            async move { support.accept_invitation(&token, password, code, Client::default()).await }
        };
        let wrong = accept(STAFF_PASSWORD, secret("000000")).await.expect_err("no code");
        assert_eq!(wrong.of("code"), Some(Code::WrongCode));
        let weak = accept("passwordpassword", f.code(&setup.secret)).await.expect_err("weak");
        assert_eq!(weak.of("password"), Some(Code::PasswordWeak), "{weak:?}");
        assert_eq!(f.test.count("support_staff", "password_hash IS NOT NULL OR totp_secret IS NOT NULL").await, 0);
        let codes = accept(STAFF_PASSWORD, f.code(&setup.secret)).await.expect("joined");
        assert_eq!(codes.len(), 10);
        assert_eq!(code(accept(STAFF_PASSWORD, f.code(&setup.secret)).await), Code::LinkExpired);
        assert_eq!(code(f.support.invitation(&token).await), Code::LinkExpired);
        // Who has joined is not invited again; a link that was not used is replaced.
        let again = admin::invite(&f.deps, pii("Sam"), pii(SAM), Language::English).await;
        assert_eq!(code(again), Code::Conflict);
        let (first, second) = (f.invite(TOM).await, f.invite(TOM).await);
        assert_eq!(code(f.support.invitation(&first).await), Code::LinkExpired);
        assert!(f.support.invitation(&second).await.is_ok());
        f.test.clock.advance(48 * 60 * MINUTE - 1);
        assert!(f.support.invitation(&second).await.is_ok());
        f.test.clock.advance(1);
        assert_eq!(code(f.support.invitation(&second).await), Code::LinkExpired);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_alone_opens_nothing() {
    for f in fixtures().await {
        let sign_in = |email: &'static str, password: &str| {
            let (support, password) = (&f.support, secret(password));
            async move { support.sign_in(pii(email), password, Client::default()).await }
        };
        // Invited and not joined: there is no password that would be right.
        f.invite(TOM).await;
        assert_eq!(code(sign_in(TOM, STAFF_PASSWORD).await), Code::SignInFailed);
        assert_eq!(code(sign_in(TOM, "").await), Code::SignInFailed);
        assert_eq!(code(sign_in("nobody@shutterpost.example", STAFF_PASSWORD).await), Code::SignInFailed);

        let (app, codes) = f.join(SAM).await;
        assert_eq!(code(sign_in(SAM, PASSWORD).await), Code::SignInFailed);
        let pending = sign_in(SAM, STAFF_PASSWORD).await.expect("the password is right").cookie;
        assert_eq!(f.test.count("support_sessions", "1 = 1").await, 0);
        assert_eq!(f.support.staff(pending.expose()).await, Ok(None));
        assert_eq!(f.support.acting(pending.expose()).await, Ok(Acting::Nobody));
        assert_eq!(f.accounts.session(pending.expose()).await, Ok(None));
        assert_eq!(f.support.awaits_factor(pending.expose()).await, Ok(true));

        // Five tries, then the password again.
        let present = |cookie: Secret, code: Secret| {
            let support = &f.support;
            async move { support.present_factor(cookie.expose(), code, Client::default()).await }
        };
        for _ in 0..4 {
            assert_eq!(code(present(pending.clone(), secret("000000")).await), Code::Invalid);
        }
        assert_eq!(code(present(pending.clone(), secret("000000")).await), Code::SignInNeeded);
        assert_eq!(f.support.awaits_factor(pending.expose()).await, Ok(false));
        f.test.clock.advance(20 * MINUTE);

        // A code is good once, also of two at the same time; so is a recovery code.
        let (one, two) = (sign_in(SAM, STAFF_PASSWORD).await, sign_in(SAM, STAFF_PASSWORD).await);
        let (one, two) = (one.expect("right").cookie, two.expect("right").cookie);
        let shown = f.code(&app);
        let (one, two) = tokio::join!(present(one, shown.clone()), present(two, shown));
        assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1, "{}", f.test.kind);
        let recovery = codes.first().expect("a code").clone();
        let pending = sign_in(SAM, STAFF_PASSWORD).await.expect("right").cookie;
        let session = present(pending, recovery.clone()).await.expect("a recovery code");
        assert_eq!(session.max_age, None, "the browser keeps no session of the staff");
        let pending = sign_in(SAM, STAFF_PASSWORD).await.expect("right").cookie;
        assert_eq!(code(present(pending, recovery).await), Code::Invalid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down() {
    for f in fixtures().await {
        f.join(SAM).await;
        for _ in 0..6 {
            let wrong = f.support.sign_in(pii(SAM), secret("no password of theirs"), Client::default()).await;
            assert_eq!(code(wrong), Code::SignInFailed);
        }
        let right = f.support.sign_in(pii(SAM), secret(STAFF_PASSWORD), Client::default()).await;
        assert_eq!(code(right), Code::SignInFailed, "the right one too, for a while");
        f.test.clock.advance(2_000);
        assert!(f.support.sign_in(pii(SAM), secret(STAFF_PASSWORD), Client::default()).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_after_a_quarter_of_an_hour_unused_and_after_eight_hours() {
    for f in fixtures().await {
        let (app, _) = f.join(SAM).await;
        let session = f.sign_in(SAM, &app).await;
        let alive = || async { f.support.staff(session.cookie.expose()).await.expect("read").is_some() };
        // Signing in took a code's time after the session began.
        f.test.clock.advance(IDLE - 30_000 - 1);
        assert!(alive().await);
        f.test.clock.advance(IDLE - 1);
        assert!(alive().await, "use makes it go on");
        f.test.clock.advance(IDLE);
        assert!(!alive().await);

        let session = f.sign_in(SAM, &app).await;
        let alive = || async { f.support.staff(session.cookie.expose()).await.expect("read").is_some() };
        let mut age = 30_000;
        while age + 10 * MINUTE < ABSOLUTE {
            f.test.clock.advance(10 * MINUTE);
            age += 10 * MINUTE;
            assert!(alive().await, "{age}");
        }
        f.test.clock.advance(ABSOLUTE - 1 - age);
        assert!(alive().await);
        f.test.clock.advance(1);
        assert!(!alive().await, "use does not make it longer");
        assert!(crate::support::sweep(&crate::jobs::Permit::of_test(), &f.deps).await.expect("swept") >= 2);
        assert_eq!(f.test.count("support_sessions", "1 = 1").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_shut_out_or_loses_the_factor_is_out_at_once() {
    for f in fixtures().await {
        let (mut session, mut staff) = f.arrive(SAM).await;
        f.let_in((&mut session, &mut staff), SupportAccess::Read).await;
        f.acts(&session).await;
        assert_eq!(admin::disable(&f.deps, &pii(SAM)).await, Ok(true));
        assert_eq!(f.acting(&session).await, Acting::Nobody);
        assert_eq!(f.support.staff(session.cookie.expose()).await, Ok(None));
        let refused = f.support.sign_in(pii(SAM), secret(STAFF_PASSWORD), Client::default()).await;
        assert_eq!(code(refused), Code::SignInFailed);
        assert!(f.trail().await.contains(&"support.end system".to_owned()));
        assert_eq!(admin::disable(&f.deps, &pii(SAM)).await, Ok(false));

        let (session, _) = f.arrive(TOM).await;
        let link = admin::remove_factor(&f.deps, &pii(TOM)).await.expect("removed").expect("a link");
        assert_eq!(f.support.staff(session.cookie.expose()).await, Ok(None));
        // The password went along: nobody has one without a factor.
        let refused = f.support.sign_in(pii(TOM), secret(STAFF_PASSWORD), Client::default()).await;
        assert_eq!(code(refused), Code::SignInFailed);
        assert!(f.support.invitation(&token(&link)).await.is_ok());
        let names = admin::list(&f.deps).await.expect("listed");
        assert_eq!(
            names.iter().map(|one| (one.joined, one.disabled)).collect::<Vec<_>>(),
            [(true, true), (false, false)]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_are_no_users_and_users_no_staff() {
    for f in fixtures().await {
        // One person may be both, with one address and two accounts that know nothing of each other.
        let (app, _) = f.join(OWNER).await;
        let form = SignIn { email: pii(OWNER), password: secret(STAFF_PASSWORD), remember: false };
        assert_eq!(code(f.accounts.sign_in(form, Client::default()).await), Code::SignInFailed);
        let user = f.support.sign_in(pii(OWNER), secret(PASSWORD), Client::default()).await;
        assert_eq!(code(user), Code::SignInFailed);
        let session = f.sign_in(OWNER, &app).await;
        assert_eq!(f.accounts.session(session.cookie.expose()).await, Ok(None));
        assert_eq!(f.acting(&session).await, Acting::Outside);
        for column in ["email", "name", "password_hash", "totp_secret"] {
            let hex = if f.test.kind == "sqlite" {
                format!("lower(hex({column}))")
            } else {
                format!("encode({column}, 'hex')")
            };
            let found = f.test.select(&format!("SELECT {hex} AS line FROM support_staff")).await;
            assert_eq!(found.len(), 1);
            for plain in ["olga", "Sam", "argon2"] {
                let plain = data_encoding::HEXLOWER.encode(plain.as_bytes());
                assert!(found.iter().all(|value| !value.contains(&plain)), "{column}");
            }
        }
    }
}
