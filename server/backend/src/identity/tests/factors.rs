//! The second factor: showing it, running out of tries, and what a change of it ends.

use shutterpost_model::access::Actor;
use shutterpost_model::error::Code;
use shutterpost_model::identity::passkeys;
use shutterpost_model::identity::security::{FACTOR_TRIES, Method, Security, SignedIn};
use shutterpost_model::identity::{Accounts, Client, Directory, NewSession, SignIn};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::DAY;

use super::{Fixture, OWNER, PASSWORD, fixtures, form, secret};
use crate::identity::factors::code_at;
use crate::identity::session;
use crate::jobs::Permit;

const STEP: i64 = 30_000;
const MINUTE: i64 = 60_000;

/// An app in use, by somebody who is signed in.
pub(super) struct Enrolled {
    pub(super) secret: Secret,
    pub(super) session: NewSession,
    recovery: Vec<Secret>,
}

impl Fixture {
    /// The code that the app shows now.
    pub(super) fn code(&self, app: &Secret) -> Secret {
        secret(&code_at(app, self.deps.world.now()))
    }

    /// Sets up an app for the holder of a fresh session.
    pub(super) async fn enrol(&self, email: &str) -> Enrolled {
        let actor = self.actor(email).await;
        self.accounts.begin_totp(&actor).await.expect("begun");
        let setup = self.accounts.totp_setup(&actor).await.expect("read").expect("waits");
        let (session, recovery) =
            self.accounts.confirm_totp(&actor, self.code(&setup.secret)).await.expect("the code is right");
        // The step that confirmed it is used up.
        self.test.clock.advance(STEP);
        Enrolled { secret: setup.secret, session, recovery }
    }

    /// Shows the password and gets the cookie of a sign-in that waits.
    pub(super) async fn half(&self, email: &str) -> Secret {
        match self.accounts.sign_in(form(email, PASSWORD), Client::default()).await.expect("the password is right") {
            SignedIn::Factor(pending) => pending.cookie,
            SignedIn::Session(_) => panic!("no second factor was asked for"),
        }
    }

    pub(super) async fn show(&self, cookie: &Secret, code: &Secret) -> Result<NewSession, Code> {
        let shown = self.accounts.present_factor(cookie.expose(), code.clone(), Client::default()).await;
        shown.map_err(|error| error.of("code").unwrap_or(error.code))
    }

    pub(super) async fn activities(&self) -> Vec<String> {
        self.test
            .select("SELECT activity AS line FROM messages WHERE activity IS NOT NULL ORDER BY created_at, id")
            .await
    }
}

/// One that differs from the right one.
pub(super) fn wrong(code: &Secret) -> Secret {
    let last = if code.expose().ends_with('0') { '1' } else { '0' };
    secret(&format!("{}{last}", &code.expose()[..5]))
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_takes_password_and_code() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let cookie = host.half(OWNER).await;
        assert!(host.accounts.awaits_factor(cookie.expose()).await.expect("read"));
        // A waiting sign-in is no session.
        assert!(host.accounts.session(cookie.expose()).await.expect("read").is_none());
        let session = host.show(&cookie, &host.code(&app.secret)).await.expect("right");
        assert!(host.resolve(&session).await.is_some());
        // Nor is a session a waiting sign-in; and what waited is over.
        assert!(!host.accounts.awaits_factor(session.cookie.expose()).await.expect("read"));
        assert!(!host.accounts.awaits_factor(cookie.expose()).await.expect("read"));
        assert_eq!(host.show(&cookie, &host.code(&app.secret)).await.err(), Some(Code::SignInNeeded));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let code = host.code(&app.secret);
        host.show(&host.half(OWNER).await, &code).await.expect("right");
        let second = host.half(OWNER).await;
        assert_eq!(host.show(&second, &code).await.err(), Some(Code::WrongCode), "the same code again");
        let before = secret(&code_at(&app.secret, host.deps.world.now().plus(-STEP)));
        assert_eq!(host.show(&second, &before).await.err(), Some(Code::WrongCode), "of the step before");
        host.test.clock.advance(STEP);
        assert!(host.show(&second, &host.code(&app.secret)).await.is_ok(), "the next one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_with_one_code_at_the_same_time_one_wins() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        for round in 0..10 {
            host.test.clock.advance(STEP);
            let code = host.code(&app.secret);
            let (one, other) = (host.half(OWNER).await, host.half(OWNER).await);
            let (first, second) = tokio::join!(host.show(&one, &code), host.show(&other, &code));
            let won = [&first, &second].into_iter().filter(|shown| shown.is_ok()).count();
            assert_eq!(won, 1, "{}: round {round}: {:?} {:?}", host.test.kind, first.err(), second.err());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_sign_in_has_five_tries_and_ten_minutes() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let cookie = host.half(OWNER).await;
        let code = host.code(&app.secret);
        for n in 1..=FACTOR_TRIES {
            let refused = if n < FACTOR_TRIES { Code::WrongCode } else { Code::SignInNeeded };
            assert_eq!(host.show(&cookie, &wrong(&code)).await.err(), Some(refused));
        }
        assert_eq!(host.show(&cookie, &code).await.err(), Some(Code::SignInNeeded), "even the right one");
        let cookie = host.half(OWNER).await;
        host.test.clock.advance(10 * MINUTE);
        assert_eq!(host.show(&cookie, &host.code(&app.secret)).await.err(), Some(Code::SignInNeeded), "too late");
        let cookie = host.half(OWNER).await;
        host.test.clock.advance(10 * MINUTE - 1);
        assert!(host.show(&cookie, &host.code(&app.secret)).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_on_is_slowed_down_and_the_person_is_told_once() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let mut right_refused = 0;
        for _ in 0..12 {
            let cookie = host.half(OWNER).await;
            let code = host.code(&app.secret);
            for _ in 0..3 {
                assert!(host.show(&cookie, &wrong(&code)).await.is_err());
            }
            // The throttle belongs to the account: a new sign-in does not lift it.
            right_refused += i32::from(host.show(&cookie, &code).await.is_err());
            host.test.clock.advance(2 * STEP);
        }
        assert_eq!(right_refused, 0, "a pause lifts the delay, and a right code forgets the wrong ones");
        for _ in 0..8 {
            let cookie = host.half(OWNER).await;
            let code = host.code(&app.secret);
            for _ in 0..FACTOR_TRIES {
                assert!(host.show(&cookie, &wrong(&code)).await.is_err());
            }
            host.test.clock.advance(MINUTE);
        }
        let told = host.activities().await;
        assert_eq!(told.iter().filter(|what| *what == "codes_guessed").count(), 1, "{told:?}");
        // At once after so many, not even the right one is taken.
        let cookie = host.half(OWNER).await;
        host.show(&cookie, &wrong(&host.code(&app.secret))).await.expect_err("refused");
        assert_eq!(host.show(&cookie, &host.code(&app.secret)).await.err(), Some(Code::WrongCode));
        host.test.clock.advance(15 * MINUTE);
        assert!(host.show(&host.half(OWNER).await, &host.code(&app.secret)).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_code_is_refused() {
    for host in fixtures().await {
        host.enrol(OWNER).await;
        for typed in ["000000", "", "1234567", "１２３４５６", "12345 ", "' OR 1=1"] {
            host.test.clock.advance(15 * MINUTE);
            let cookie = host.half(OWNER).await;
            assert_eq!(host.show(&cookie, &secret(typed)).await.err(), Some(Code::WrongCode), "{typed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_factor_is_in_use_from_its_first_code_on_and_not_before() {
    for host in fixtures().await {
        let actor = host.actor(OWNER).await;
        host.accounts.begin_totp(&actor).await.expect("begun");
        assert!(host.sign_in(OWNER, PASSWORD).await.is_ok(), "no code is asked for yet");
        let setup = host.accounts.totp_setup(&actor).await.expect("read").expect("waits");
        let code = host.code(&setup.secret);
        let refused = host.accounts.confirm_totp(&actor, wrong(&code)).await.expect_err("refused");
        assert_eq!(refused.of("code"), Some(Code::WrongCode));
        host.test.clock.advance(15 * MINUTE - 1);
        assert!(host.accounts.totp_setup(&actor).await.expect("read").is_some(), "phones are slow to be found");
        host.test.clock.advance(1);
        assert!(host.accounts.totp_setup(&actor).await.expect("read").is_none(), "not for ever");
        let actor = host.actor(OWNER).await;
        let late = host.accounts.confirm_totp(&actor, host.code(&setup.secret)).await.expect_err("refused");
        assert_eq!(late.code, Code::LinkExpired);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_factor_in_use_is_not_replaced_without_it() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let actor = host.resolve(&app.session).await.expect("signed in");
        assert_eq!(host.accounts.begin_totp(&actor).await.expect_err("refused").code, Code::Conflict);
        let code = host.code(&app.secret);
        let remove = |password: &str, code: &Secret| host.accounts.remove_totp(&actor, secret(password), code.clone());
        let refused = remove("not the password at all", &code).await.expect_err("refused");
        assert_eq!(refused.of("password"), Some(Code::WrongPassword));
        let refused = remove(PASSWORD, &wrong(&code)).await.expect_err("refused");
        assert_eq!(refused.of("code"), Some(Code::WrongCode));
        let session = remove(PASSWORD, &code).await.expect("both are right");
        assert!(host.resolve(&app.session).await.is_none(), "the cookie changed");
        assert!(host.resolve(&session).await.is_some());
        assert!(host.sign_in(OWNER, PASSWORD).await.is_ok(), "the password is enough again");
        assert_eq!(host.test.count("identity_recovery_codes", "1 = 1").await, 0);
        assert_eq!(host.activities().await, ["factor_added", "factor_removed", "new_device"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_factor_ends_the_other_sessions_and_sign_ins() {
    for host in fixtures().await {
        let elsewhere = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        let app = host.enrol(OWNER).await;
        assert!(host.resolve(&elsewhere).await.is_none());
        assert!(host.resolve(&app.session).await.is_some());
        let cookie = host.half(OWNER).await;
        let actor = host.resolve(&app.session).await.expect("signed in");
        host.accounts.end_other_sessions(&actor).await.expect("ended");
        assert_eq!(host.show(&cookie, &host.code(&app.secret)).await.err(), Some(Code::SignInNeeded));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_is_good_once_and_only_for_its_own() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let (max, _) = (host.member("max@host.example", shutterpost_model::access::Role::Admin).await, ());
        let others = host.enrol("max@host.example").await;
        assert_eq!(app.recovery.len(), 10);
        let mine = &app.recovery[0];
        assert_eq!(host.show(&host.half("max@host.example").await, mine).await.err(), Some(Code::WrongCode));
        assert_eq!(host.test.count("identity_totp", "failures = 1").await, 1, "{}: a try like any", host.test.kind);
        let (one, other) = (host.half(OWNER).await, host.half(OWNER).await);
        let (first, second) = tokio::join!(host.show(&one, mine), host.show(&other, mine));
        assert_eq!([&first, &second].into_iter().filter(|shown| shown.is_ok()).count(), 1, "at the same time");
        assert_eq!(host.show(&host.half(OWNER).await, mine).await.err(), Some(Code::WrongCode), "again");
        let actor = host.resolve(&app.session).await.expect("signed in");
        assert_eq!(host.accounts.overview(&actor).await.expect("read").recovery_left, 9);
        let renewed = host.accounts.renew_recovery(&actor).await.expect("renewed");
        host.test.clock.advance(15 * MINUTE);
        assert_eq!(host.show(&host.half(OWNER).await, &app.recovery[1]).await.err(), Some(Code::WrongCode), "old set");
        assert!(host.show(&host.half(OWNER).await, &renewed[1]).await.is_ok());
        assert!(host.show(&host.half("max@host.example").await, &others.recovery[0]).await.is_ok(), "{max}");
        assert_eq!(host.test.count("identity_totp", "failures = 0").await, 2, "{}: forgiven", host.test.kind);
        let told = host.activities().await;
        assert_eq!(told.iter().filter(|what| *what == "recovery_used").count(), 3, "{told:?}");
        // Nothing of a code is in the database.
        let dump = host.test.dump().await;
        assert!(renewed.iter().all(|code| !dump.contains(code.expose())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_password_does_not_go_round_the_factor() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let waiting = host.half(OWNER).await;
        let email = shutterpost_model::pii::Pii::new(OWNER.to_owned());
        let language = shutterpost_model::language::Language::English;
        host.accounts.request_reset(email, language, Client::default()).await.expect("asked");
        let token = host.reset_tokens().await.pop().expect("a token");
        let other = "seven purple lanterns over the quay";
        host.accounts.reset_password(&token, secret(other), Client::default()).await.expect("reset");
        assert_eq!(host.show(&waiting, &host.code(&app.secret)).await.err(), Some(Code::SignInNeeded));
        let again = host.accounts.sign_in(form(OWNER, other), Client::default()).await.expect("right");
        assert!(matches!(again, SignedIn::Factor(_)), "the factor is still asked for");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_brings_no_code_back() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        host.test.clock.advance(5 * STEP);
        let late = host.code(&app.secret);
        host.show(&host.half(OWNER).await, &late).await.expect("right");
        let then = host.deps.world.now();
        host.test.clock.set(then.plus(-3 * STEP));
        let early = host.code(&app.secret);
        assert_eq!(host.show(&host.half(OWNER).await, &early).await.err(), Some(Code::WrongCode));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sensitive_asks_again_after_a_quarter_of_an_hour() {
    for host in fixtures().await {
        let session = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        host.test.clock.advance(15 * MINUTE - 1);
        let actor = host.resolve(&session).await.expect("signed in");
        assert!(host.invite(&actor, "one@host.example", shutterpost_model::access::Role::Viewer).await.is_ok());
        host.test.clock.advance(1);
        let actor = host.resolve(&session).await.expect("signed in");
        let late = host.invite(&actor, "two@host.example", shutterpost_model::access::Role::Viewer).await;
        assert_eq!(late.expect_err("refused").code, Code::ConfirmNeeded);
        let changed = host.directory.change_role(&actor, &host.owner, shutterpost_model::access::Role::Viewer).await;
        assert_eq!(changed.expect_err("refused").code, Code::ConfirmNeeded);
        let removed = host.directory.remove_member(&actor, &host.owner).await;
        assert_eq!(removed.expect_err("refused").code, Code::ConfirmNeeded);
        let refused = host.accounts.confirm(&actor, secret("not the password at all")).await.expect_err("refused");
        assert_eq!(refused.of("proof"), Some(Code::WrongPassword));
        let (renewed, confirmed) = host.accounts.confirm(&actor, secret(PASSWORD)).await.expect("right");
        assert!(host.invite(&confirmed, "two@host.example", shutterpost_model::access::Role::Viewer).await.is_ok());
        assert!(host.resolve(&session).await.is_none(), "the cookie changed");
        assert!(host.resolve(&renewed).await.expect("signed in").is_confirmed(host.deps.world.now()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_factor_the_password_alone_does_not_confirm() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let actor = host.resolve(&app.session).await.expect("signed in");
        let refused = host.accounts.confirm(&actor, secret(PASSWORD)).await.expect_err("refused");
        assert_eq!(refused.of("proof"), Some(Code::WrongCode));
        let code = host.code(&app.secret);
        let (renewed, _) = host.accounts.confirm(&actor, code.clone()).await.expect("right");
        let actor = host.resolve(&renewed).await.expect("signed in");
        assert!(host.accounts.confirm(&actor, code).await.is_err(), "used up");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_and_end_their_own_sessions_and_no_others() {
    for host in fixtures().await {
        let agent =
            |device: &str| Client { device: device.into(), address: "192.0.2.7".parse().ok(), ..Client::default() };
        let sign_in = |device: &str| host.accounts.sign_in(form(OWNER, PASSWORD), agent(device));
        let begun = host.deps.world.now();
        let phone = sign_in("Safari · iOS").await.expect("signed in").session().expect("a session");
        host.test.clock.advance(MINUTE);
        let desk = sign_in("Firefox · Windows").await.expect("signed in").session().expect("a session");
        host.test.clock.advance(MINUTE);
        let actor = host.resolve(&desk).await.expect("signed in");
        let overview = host.accounts.overview(&actor).await.expect("read");
        let seen: Vec<_> = overview.sessions.iter().map(|one| (one.device.get().as_str(), one.this)).collect();
        assert_eq!(seen, [("Firefox · Windows", true), ("Safari · iOS", false)]);
        let times: Vec<_> = overview.sessions.iter().map(|one| (one.first_seen, one.last_seen)).collect();
        assert_eq!(times, [(begun.plus(MINUTE), begun.plus(2 * MINUTE)), (begun, begun)]);
        assert!(overview.sessions.iter().all(|one| one.address.as_ref().is_some_and(|at| at.get() == "192.0.2.7")));
        assert_eq!(overview.sign_ins.len(), 2);
        assert!(overview.sign_ins.iter().all(|one| one.succeeded && one.method == Method::Password));

        host.member("max@host.example", shutterpost_model::access::Role::Viewer).await;
        let max = host.actor("max@host.example").await;
        let id = &overview.sessions[1].id;
        assert_eq!(host.accounts.end_session(&max, id).await.expect_err("refused").code, Code::NotFound);
        assert!(host.resolve(&phone).await.is_some());
        host.accounts.end_session(&actor, id).await.expect("ended");
        assert!(host.resolve(&phone).await.is_none());
        assert!(host.resolve(&desk).await.is_some());
        // Sealed: neither is readable where it is stored.
        let dump = host.test.dump().await;
        assert!(!dump.contains("192.0.2.7") && !dump.contains("Firefox"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_is_known_is_not_told_about() {
    for host in fixtures().await {
        let sign_in = |known: Option<Secret>| {
            let client = Client { known, device: "Firefox · Linux".into(), ..Client::default() };
            let form: SignIn = form(OWNER, PASSWORD);
            async { host.accounts.sign_in(form, client).await.expect("signed in").session().expect("a session") }
        };
        let first = sign_in(None).await.known.expect("a cookie to be known by");
        assert!(host.activities().await.is_empty(), "the first of all is no news");
        assert!(sign_in(Some(first.clone())).await.known.is_none());
        assert!(host.activities().await.is_empty());
        for _ in 0..5 {
            sign_in(None).await;
        }
        assert_eq!(host.activities().await, ["new_device"; 3], "no more than three in a day");
        host.test.clock.advance(DAY + 1);
        sign_in(Some(secret("made up"))).await;
        assert_eq!(host.activities().await.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_are_forgotten_after_ninety_days() {
    for host in fixtures().await {
        host.actor(OWNER).await;
        let sweep = || session::sweep(&host.deps.db, &host.deps.world, PERMIT);
        host.test.clock.advance(90 * DAY - 1);
        sweep().await.expect("swept");
        assert_eq!(host.test.count("identity_sign_ins", "1 = 1").await, 1);
        host.test.clock.advance(1);
        sweep().await.expect("swept");
        assert_eq!(host.test.count("identity_sign_ins", "1 = 1").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_and_not_finished_is_forgotten() {
    for host in fixtures().await {
        host.member("max@host.example", shutterpost_model::access::Role::Admin).await;
        host.enrol(OWNER).await;
        host.half(OWNER).await;
        let max = host.actor("max@host.example").await;
        host.accounts.begin_totp(&max).await.expect("begun");
        passkeys::Passkeys::begin_sign_in(&host.accounts, None).await.expect("asked");
        host.test.clock.advance(DAY);
        let forgotten = session::sweep(&host.deps.db, &host.deps.world, PERMIT).await.expect("swept");
        // A sign-in, an app and a question; and the sessions of both.
        assert_eq!(forgotten, 5, "{}", host.test.kind);
        assert_eq!(host.test.count("identity_totp", "confirmed_at IS NOT NULL").await, 1);
        for (table, left) in [("identity_totp", 1), ("identity_pending", 0), ("identity_ceremonies", 0)] {
            assert_eq!(host.test.count(table, "1 = 1").await, left, "{}: {table}", host.test.kind);
        }
    }
}

const PERMIT: &Permit = &Permit::of_test();

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_signs_a_member_out_and_an_admin_no_owner() {
    for host in fixtures().await {
        let user = host.member("max@host.example", shutterpost_model::access::Role::Admin).await;
        let theirs = host.sign_in("max@host.example", PASSWORD).await.expect("signed in");
        let owner: Actor = host.actor(OWNER).await;
        let max = host.resolve(&theirs).await.expect("signed in");
        let refused = host.directory.sign_out_member(&max, &host.owner).await.expect_err("refused");
        assert_eq!(refused.code, Code::RoleTooHigh);
        host.directory.sign_out_member(&owner, &user).await.expect("signed out");
        assert!(host.resolve(&theirs).await.is_none());
        let (_, nina) = host.neighbour("Neighbour", "nina@neighbour.example").await;
        let refused = host.directory.sign_out_member(&owner, &nina).await.expect_err("refused");
        assert_eq!(refused.code, Code::NotFound);
    }
}
