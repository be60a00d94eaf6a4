//! Passkeys: what is taken from one, what never is, and what a change of them ends.

mod standing;

use shutterpost_model::access::{Actor, Role};
use shutterpost_model::error::Code;
use shutterpost_model::identity::passkeys::{CEREMONY_GOOD, NewCeremony, PasskeyAnswer, Passkeys};
use shutterpost_model::identity::security::{Method, Security, SignedIn};
use shutterpost_model::identity::{Accounts, Client, NewSession};
use shutterpost_model::pii::{Pii, Secret};

use super::{Fixture, OWNER, PASSWORD, code, fixtures, form, secret};
use crate::identity::session;
use crate::jobs::Permit;
use crate::testing::Authenticator;

const OTHER: &str = "otto@host.example";

fn label(text: &str) -> Pii<String> {
    Pii::new(text.into())
}

pub(super) fn new_answer(device: &mut Authenticator, question: &NewCeremony) -> PasskeyAnswer {
    PasskeyAnswer { credential: secret(&device.create(&question.options)), browser: Some(question.browser.clone()) }
}

fn answer(device: &mut Authenticator, question: &NewCeremony) -> PasskeyAnswer {
    PasskeyAnswer { credential: secret(&device.get(&question.options)), browser: Some(question.browser.clone()) }
}

impl Fixture {
    /// Puts the device's passkey into use for somebody.
    async fn equip(&self, email: &str, device: &mut Authenticator) -> (NewSession, Vec<Secret>) {
        let actor = self.actor(email).await;
        self.equip_actor(&actor, device).await
    }

    async fn equip_actor(&self, actor: &Actor, device: &mut Authenticator) -> (NewSession, Vec<Secret>) {
        let question = self.accounts.begin_add(actor, None).await.expect("asked");
        let given = new_answer(device, &question);
        self.accounts.add(actor, label("Phone"), given).await.expect("taken")
    }

    async fn question(&self) -> NewCeremony {
        self.accounts.begin_sign_in(None).await.expect("asked")
    }

    /// Signs in by passkey alone.
    async fn alone(&self, given: PasskeyAnswer) -> Result<NewSession, Code> {
        Passkeys::sign_in(&self.accounts, given, Client::default()).await.map_err(|error| error.code)
    }

    /// A whole sign-in with the device.
    async fn enters(&self, device: &mut Authenticator) -> Result<NewSession, Code> {
        let question = self.question().await;
        self.alone(answer(device, &question)).await
    }

    /// Whoever has this device, signed in by it.
    async fn actor_by(&self, device: &mut Authenticator) -> Actor {
        let session = self.enters(device).await.expect("right");
        self.resolve(&session).await.expect("a session")
    }

    async fn pending(&self, email: &str) -> Secret {
        match Accounts::sign_in(&self.accounts, form(email, PASSWORD), Client::default()).await.expect("right") {
            SignedIn::Factor(pending) => pending.cookie,
            SignedIn::Session(_) => panic!("no second factor was asked for"),
        }
    }

    async fn asked(&self, pending: &Secret) -> NewCeremony {
        self.accounts.begin_present(pending, None).await.expect("asked")
    }

    async fn present(&self, pending: &Secret, given: PasskeyAnswer) -> Result<NewSession, Code> {
        let shown = self.accounts.present(pending, given, Client::default()).await;
        shown.map_err(|error| error.code)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_the_second_factor() {
    for host in fixtures().await {
        let mut phone = Authenticator::new(1);
        let (session, recovery) = host.equip(OWNER, &mut phone).await;
        assert_eq!(recovery.len(), 10, "the first factor brings them");
        assert!(host.resolve(&session).await.is_some());
        let pending = host.pending(OWNER).await;
        let offered = host.accounts.offered(&pending).await.expect("read");
        assert!(offered.passkey && !offered.code);
        let question = host.asked(&pending).await;
        let session = host.present(&pending, answer(&mut phone, &question)).await.expect("right");
        assert!(host.resolve(&session).await.is_some());
        let question = host.accounts.begin_present(&pending, None).await;
        assert_eq!(code(question), Code::SignInNeeded, "what waited is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_in_without_a_password() {
    for host in fixtures().await {
        let mut phone = Authenticator::new(1);
        host.equip(OWNER, &mut phone).await;
        let session = host.enters(&mut phone).await.expect("right");
        let actor = host.resolve(&session).await.expect("a session");
        assert_eq!(actor.user(), Some(&host.owner));
        let overview = host.accounts.overview(&actor).await.expect("read");
        assert!(overview.sign_ins.iter().any(|one| one.succeeded && one.method == Method::Passkey));
        let [mine] = &host.accounts.list(&actor).await.expect("read")[..] else { panic!("one passkey") };
        assert!(mine.verifies && mine.last_used.is_some() && !mine.refused);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_another_origin_is_refused() {
    for host in fixtures().await {
        let mut phone = Authenticator::new(1);
        host.equip(OWNER, &mut phone).await;
        for origin in ["https://photos.example.evil.example", "http://photos.example", "https://photos.example:8443"] {
            let mut elsewhere = Authenticator { origin: origin.into(), ..phone.clone() };
            assert_eq!(host.enters(&mut elsewhere).await.err(), Some(Code::PasskeyRefused), "{origin}");
        }
        assert!(host.enters(&mut phone).await.is_ok(), "the control");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_for_another_site_is_refused() {
    for host in fixtures().await {
        let mut phone = Authenticator::new(1);
        host.equip(OWNER, &mut phone).await;
        for site in ["example", "other.example", "www.photos.example"] {
            let mut elsewhere = Authenticator { site: site.into(), ..phone.clone() };
            assert_eq!(host.enters(&mut elsewhere).await.err(), Some(Code::PasskeyRefused), "{site}");
        }
        assert!(host.enters(&mut phone).await.is_ok(), "the control");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_once() {
    for host in fixtures().await {
        let mut phone = Authenticator::new(1);
        host.equip(OWNER, &mut phone).await;
        let question = host.question().await;
        let given = answer(&mut phone, &question);
        assert!(host.alone(given.clone()).await.is_ok(), "the control");
        assert_eq!(host.alone(given).await.err(), Some(Code::PasskeyRefused), "the same answer again");
        let again = answer(&mut phone, &question);
        assert_eq!(host.alone(again).await.err(), Some(Code::PasskeyRefused), "another one to the same question");
        // A wrong answer uses it up as well.
        let question = host.question().await;
        let mut elsewhere = Authenticator { origin: "https://evil.example".into(), ..phone.clone() };
        assert!(host.alone(answer(&mut elsewhere, &question)).await.is_err());
        assert_eq!(host.alone(answer(&mut phone, &question)).await.err(), Some(Code::PasskeyRefused));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_answers_to_one_question_at_the_same_time_one_wins() {
    for host in fixtures().await {
        let mut phone = Authenticator::new(1);
        host.equip(OWNER, &mut phone).await;
        for round in 0..10 {
            let question = host.question().await;
            let (one, other) = (answer(&mut phone, &question), answer(&mut phone, &question));
            let (first, second) = tokio::join!(host.alone(one), host.alone(other));
            let won = [&first, &second].into_iter().filter(|entered| entered.is_ok()).count();
            assert!(won <= 1, "{}: round {round}: {first:?} {second:?}", host.test.kind);
        }
        assert!(host.test.count("identity_ceremonies", "1 = 1").await <= 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_somebody_else_is_refused() {
    for host in fixtures().await {
        host.member(OTHER, Role::Editor).await;
        let (mut mine, mut theirs) = (Authenticator::new(1), Authenticator::new(2));
        host.equip(OWNER, &mut mine).await;
        host.equip(OTHER, &mut theirs).await;
        let (my_sign_in, their_sign_in) = (host.pending(OWNER).await, host.pending(OTHER).await);
        let (my_question, their_question) = (host.asked(&my_sign_in).await, host.asked(&their_sign_in).await);
        let given = answer(&mut mine, &their_question);
        assert_eq!(host.present(&my_sign_in, given).await.err(), Some(Code::PasskeyRefused));
        let given = answer(&mut mine, &my_question);
        assert!(host.present(&my_sign_in, given).await.is_ok(), "the control");
        // Nor was theirs used up by it.
        let given = answer(&mut theirs, &their_question);
        assert!(host.present(&their_sign_in, given).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_of_another_account_is_refused() {
    for host in fixtures().await {
        host.member(OTHER, Role::Editor).await;
        let (mut mine, mut theirs) = (Authenticator::new(1), Authenticator::new(2));
        host.equip(OWNER, &mut mine).await;
        host.equip(OTHER, &mut theirs).await;
        let pending = host.pending(OWNER).await;
        let question = host.asked(&pending).await;
        let given = answer(&mut theirs, &question);
        assert_eq!(host.present(&pending, given).await.err(), Some(Code::PasskeyRefused));
        // Nor does it open the other account by naming it.
        let mut posing = Authenticator { handle: mine.handle.clone(), ..theirs.clone() };
        assert_eq!(host.enters(&mut posing).await.err(), Some(Code::PasskeyRefused));
        assert!(host.enters(&mut theirs).await.is_ok(), "the control");
        let question = host.asked(&pending).await;
        assert!(host.present(&pending, answer(&mut mine, &question)).await.is_ok(), "the control");
        // A known passkey cannot be put into use once more, for anybody.
        let actor = host.actor_by(&mut theirs).await;
        let question = host.accounts.begin_add(&actor, None).await.expect("asked");
        let given = new_answer(&mut mine.clone(), &question);
        assert_eq!(code(host.accounts.add(&actor, label("Theirs"), given).await), Code::PasskeyRefused);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_browser_or_purpose_gets_nowhere_with_an_answer() {
    for host in fixtures().await {
        let mut phone = Authenticator::new(1);
        let (session, _) = host.equip(OWNER, &mut phone).await;
        let actor = host.resolve(&session).await.expect("a session");
        let (question, other) = (host.question().await, host.question().await);
        assert_ne!(question.browser.expose(), other.browser.expose());
        for browser in [None, Some(other.browser.clone()), Some(secret("x"))] {
            let given = PasskeyAnswer { browser, ..answer(&mut phone, &question) };
            assert_eq!(host.alone(given).await.err(), Some(Code::PasskeyRefused));
        }
        let given = answer(&mut phone, &question);
        let confirmed = Passkeys::confirm(&host.accounts, &actor, given).await;
        assert_eq!(code(confirmed), Code::PasskeyRefused, "asked for signing in");
        assert!(host.alone(answer(&mut phone, &question)).await.is_ok(), "the control");
        // One browser may have several questions open.
        let first = host.question().await;
        let second = host.accounts.begin_sign_in(Some(&first.browser)).await.expect("asked");
        assert_eq!(first.browser.expose(), second.browser.expose());
        assert!(host.alone(answer(&mut phone, &first)).await.is_ok());
        assert!(host.alone(answer(&mut phone, &second)).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_good_for_five_minutes() {
    for host in fixtures().await {
        let mut phone = Authenticator::new(1);
        host.equip(OWNER, &mut phone).await;
        let (early, late) = (host.question().await, host.question().await);
        assert_eq!(early.max_age, 300, "of the cookie, in seconds");
        host.test.clock.advance(CEREMONY_GOOD - 1);
        assert!(host.alone(answer(&mut phone, &early)).await.is_ok(), "the control");
        host.test.clock.advance(1);
        assert_eq!(host.alone(answer(&mut phone, &late)).await.err(), Some(Code::PasskeyRefused));
        assert_eq!(host.test.count("identity_ceremonies", "1 = 1").await, 1);
        session::sweep(&host.deps.db, &host.deps.world, &Permit::of_test()).await.expect("swept");
        assert_eq!(host.test.count("identity_ceremonies", "1 = 1").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_that_counts_backwards_is_refused_for_good() {
    for host in fixtures().await {
        let mut phone = Authenticator { counter: 5, ..Authenticator::new(1) };
        host.equip(OWNER, &mut phone).await;
        let mut copy = phone.clone();
        assert!(host.enters(&mut phone).await.is_ok(), "the control");
        assert_eq!(host.enters(&mut copy).await.err(), Some(Code::PasskeyRefused), "the same count again");
        let told = "activity = 'passkey_copied'";
        assert_eq!(host.test.count("messages", told).await, 1);
        assert_eq!(host.test.count("audit_entries", "action = 'identity.refuse_passkey'").await, 1);
        assert_eq!(host.enters(&mut phone).await.err(), Some(Code::PasskeyRefused), "nor is the right one any more");
        assert_eq!(host.test.count("messages", told).await, 1);
        // It is a factor still: the password alone opens nothing.
        let pending = host.pending(OWNER).await;
        let question = host.asked(&pending).await;
        assert_eq!(host.present(&pending, answer(&mut phone, &question)).await.err(), Some(Code::PasskeyRefused));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_knowing_its_owner_a_passkey_is_a_second_factor_and_no_more() {
    for host in fixtures().await {
        let mut key = Authenticator { verifies: false, ..Authenticator::new(1) };
        let (session, _) = host.equip(OWNER, &mut key).await;
        let actor = host.resolve(&session).await.expect("a session");
        assert!(!host.accounts.list(&actor).await.expect("read")[0].verifies);
        assert_eq!(host.enters(&mut key).await.err(), Some(Code::PasskeyRefused));
        let pending = host.pending(OWNER).await;
        let question = host.asked(&pending).await;
        assert!(host.present(&pending, answer(&mut key, &question)).await.is_ok(), "the control");
        key.verifies = true;
        assert!(host.enters(&mut key).await.is_ok(), "once it has a PIN");
        let actor = host.actor_by(&mut key).await;
        assert!(host.accounts.list(&actor).await.expect("read")[0].verifies, "and that is remembered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_tells_more_than_it_was_asked_is_let_in() {
    for host in fixtures().await {
        let mut phone = Authenticator { talkative: true, ..Authenticator::new(1) };
        host.equip(OWNER, &mut phone).await;
        assert!(host.enters(&mut phone).await.is_ok(), "{}: alone", host.test.kind);
        let pending = host.pending(OWNER).await;
        let question = host.asked(&pending).await;
        let shown = host.present(&pending, answer(&mut phone, &question)).await;
        assert!(shown.is_ok(), "{}: behind the password", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_passkeys_and_disabled_accounts_are_refused_alike() {
    for host in fixtures().await {
        let mut phone = Authenticator::new(1);
        host.equip(OWNER, &mut phone).await;
        let mut stranger = Authenticator { handle: phone.handle.clone(), ..Authenticator::new(9) };
        let question = host.question().await;
        let given = answer(&mut stranger, &question);
        let unknown = Passkeys::sign_in(&host.accounts, given, Client::default()).await.expect_err("unknown");
        assert!(host.enters(&mut phone).await.is_ok(), "the control");
        host.test.execute("UPDATE identity_users SET disabled_at = 1").await;
        let question = host.question().await;
        let given = answer(&mut phone, &question);
        let disabled = Passkeys::sign_in(&host.accounts, given, Client::default()).await.expect_err("disabled");
        assert_eq!(unknown, disabled);
        for text in ["", "{}", "null", "[1]", &"x".repeat(100_000)] {
            let given = PasskeyAnswer { credential: secret(text), browser: Some(question.browser.clone()) };
            assert_eq!(host.alone(given).await.err(), Some(Code::PasskeyRefused));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_passkey_is_taken_for_this_site_this_question_and_this_person_alone() {
    for host in fixtures().await {
        host.member(OTHER, Role::Editor).await;
        let (mine, theirs) = (host.actor(OWNER).await, host.actor(OTHER).await);
        let refused = async |device: Authenticator| {
            let question = host.accounts.begin_add(&mine, None).await.expect("asked");
            let given = new_answer(&mut device.clone(), &question);
            code(host.accounts.add(&mine, label("Phone"), given).await)
        };
        let device = Authenticator::new(1);
        let origin = "https://evil.example".to_owned();
        assert_eq!(refused(Authenticator { origin, ..device.clone() }).await, Code::PasskeyRefused);
        assert_eq!(
            refused(Authenticator { site: "evil.example".into(), ..device.clone() }).await,
            Code::PasskeyRefused
        );
        let question = host.accounts.begin_add(&theirs, None).await.expect("asked");
        let given = new_answer(&mut device.clone(), &question);
        assert_eq!(code(host.accounts.add(&mine, label("Phone"), given).await), Code::PasskeyRefused);
        assert_eq!(host.test.count("identity_passkeys", "1 = 1").await, 0);
        let question = host.accounts.begin_add(&mine, None).await.expect("asked");
        let mut device = device.clone();
        let given = new_answer(&mut device, &question);
        host.accounts.add(&mine, label("Phone"), given.clone()).await.expect("the control");
        let again = host.actor_by(&mut device).await;
        assert_eq!(code(host.accounts.add(&again, label("Phone"), given).await), Code::PasskeyRefused, "again");
        host.test.clock.advance(16 * 60_000);
        assert_eq!(code(host.accounts.begin_add(&again, None).await), Code::ConfirmNeeded);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_know_the_account_by_a_number_that_says_nothing() {
    for host in fixtures().await {
        let (mut phone, mut key) = (Authenticator::new(1), Authenticator::new(2));
        let (session, _) = host.equip(OWNER, &mut phone).await;
        let actor = host.resolve(&session).await.expect("a session");
        let question = host.accounts.begin_add(&actor, None).await.expect("asked");
        assert!(question.options.contains("excludeCredentials") && question.options.contains(OWNER));
        let given = new_answer(&mut key, &question);
        let (_, recovery) = host.accounts.add(&actor, label("Key"), given).await.expect("taken");
        assert!(recovery.is_empty(), "there are codes already");
        assert_eq!(phone.handle, key.handle, "one person, one number");
        assert_eq!(phone.handle.len(), 86, "64 bytes");
        host.member(OTHER, Role::Viewer).await;
        let mut theirs = Authenticator::new(3);
        host.equip(OTHER, &mut theirs).await;
        assert_ne!(phone.handle, theirs.handle);
        let dump = host.test.dump().await;
        for shown in [&*phone.handle, "Phone"] {
            assert!(!dump.contains(shown), "{shown} lies open in the database");
        }
    }
}
