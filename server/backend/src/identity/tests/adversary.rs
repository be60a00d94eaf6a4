//! What somebody tries who knows much already: a password, a code or a link of another person, a copy of the database.

use std::net::IpAddr;

use shutterpost_model::access::Role;
use shutterpost_model::error::Code;
use shutterpost_model::identity::security::{FACTOR_TRIES, Security};
use shutterpost_model::identity::{Accounts, Client, Directory};
use shutterpost_model::language::Language;
use shutterpost_model::pii::Pii;
use shutterpost_model::time::DAY;
use shutterpost_model::tokens::Scopes;
use shutterpost_vault::token::new_secret;

use super::factors::wrong;
use super::tokens::draft;
use super::{Fixture, OTHER_PASSWORD, OWNER, PASSWORD, code, fixtures, form, secret};
use crate::identity::bearer;

const MAX: &str = "max@host.example";
const IVO: &str = "ivo@guest.example";
const MINUTE: i64 = 60_000;
/// Long enough and of no list; all of it is the name of an organisation.
const OF_THE_HOTEL: &str = "grandhotel lausanne 12";

fn from(address: &str) -> Client {
    Client { address: Some(address.parse::<IpAddr>().expect("an address")), ..Client::default() }
}

impl Fixture {
    /// What a thief of the database reads in a column of hashes.
    async fn stolen(&self, table: &str, column: &str) -> Vec<[u8; 32]> {
        let hex =
            if self.deps.db.is_sqlite() { format!("lower(hex({column}))") } else { format!("encode({column}, 'hex')") };
        let found = self.test.select(&format!("SELECT {hex} AS line FROM {table}")).await;
        let bytes = |hex: &String| data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hexadecimal digits");
        found.iter().map(|hex| bytes(hex).try_into().expect("32 bytes")).collect()
    }

    async fn number(&self, sql: &str) -> i64 {
        self.test.select(&format!("SELECT CAST({sql} AS TEXT) AS line FROM identity_totp")).await[0]
            .parse()
            .expect("a number")
    }

    async fn told_of_guesses(&self) -> usize {
        self.activities().await.iter().filter(|what| *what == "codes_guessed").count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_74_a_thousand_codes_over_hours_are_few_tries_and_one_mail_a_day() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let guess = async |minutes: usize| {
            for _ in 0..minutes {
                let cookie = host.half(OWNER).await;
                let guessed = wrong(&host.code(&app.secret));
                for _ in 0..FACTOR_TRIES {
                    host.show(&cookie, &guessed).await.expect_err("refused");
                }
                host.test.clock.advance(MINUTE);
            }
        };
        guess(200).await;
        // Five that cost nothing, then one after each pause, which grows to a quarter of an hour.
        let tried = host.number("failures").await;
        assert!((15..40).contains(&tried), "{}: {tried} codes were compared", host.test.kind);
        assert_eq!(host.told_of_guesses().await, 1, "{}", host.test.kind);
        // Meanwhile nobody gets in, and afterwards whoever has the app does.
        let cookie = host.half(OWNER).await;
        host.show(&cookie, &wrong(&host.code(&app.secret))).await.expect_err("refused");
        assert_eq!(host.show(&cookie, &host.code(&app.secret)).await.err(), Some(Code::WrongCode));
        host.test.clock.advance(15 * MINUTE);
        let session = host.show(&host.half(OWNER).await, &host.code(&app.secret)).await.expect("right");
        assert!(host.resolve(&session).await.is_some());
        assert_eq!(host.number("failures").await, 0);
        host.test.clock.advance(DAY);
        guess(10).await;
        assert_eq!(host.told_of_guesses().await, 2, "{}: the next day is told of too", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_77_the_code_of_ones_own_app_opens_no_other_account() {
    for host in fixtures().await {
        host.member(MAX, Role::Admin).await;
        let (owner, max) = (host.enrol(OWNER).await, host.enrol(MAX).await);
        let (of_owner, of_max) = (host.code(&owner.secret), host.code(&max.secret));
        assert_ne!(of_owner.expose(), of_max.expose());
        for (email, theirs) in [(OWNER, &of_max), (MAX, &of_owner)] {
            assert_eq!(host.show(&host.half(email).await, theirs).await.err(), Some(Code::WrongCode), "{email}");
        }
        // Neither was used up by that: each is good where it belongs, at the same moment.
        for (email, own) in [(OWNER, &of_owner), (MAX, &of_max)] {
            let session = host.show(&host.half(email).await, own).await.expect("one's own");
            let actor = host.resolve(&session).await.expect("signed in");
            assert_eq!(host.accounts.me(&actor).await.expect("own data").email.get(), email);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_89_what_the_database_keeps_of_secrets_opens_nothing() {
    for host in fixtures().await {
        let session = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        let actor = host.resolve(&session).await.expect("signed in");
        host.member(MAX, Role::Admin).await;
        host.enrol(MAX).await;
        let waits = host.half(MAX).await;
        let email = Pii::new(OWNER.to_owned());
        host.accounts.request_reset(email, Language::English, Client::default()).await.expect("asked");
        let invitation = host.invite(&actor, IVO, Role::Editor).await.expect("invited");
        let issued = host.directory.create_token(&actor, draft(Scopes::reading())).await.expect("made");

        let mut hashes = Vec::new();
        for (table, column) in [
            ("identity_sessions", "secret_hash"),
            ("identity_pending", "secret_hash"),
            ("identity_resets", "token_hash"),
            ("identity_invitations", "token_hash"),
            ("identity_tokens", "secret_hash"),
        ] {
            let found = host.stolen(table, column).await;
            assert!(!found.is_empty(), "{}: {table}", host.test.kind);
            hashes.extend(found);
        }
        for hash in &hashes {
            // As a cookie and a link hold their secret, as it is written in the database, and as a token holds its own.
            let cookie = data_encoding::BASE64URL_NOPAD.encode(hash);
            let token = new_secret(bearer::TOKEN, &mut |bytes| bytes.copy_from_slice(hash)).reveal().to_owned();
            for made_up in [cookie, data_encoding::HEXLOWER.encode(hash), token] {
                assert_eq!(host.accounts.session(&made_up).await, Ok(None), "{}", host.test.kind);
                assert_eq!(host.accounts.awaits_factor(&made_up).await, Ok(false), "{}", host.test.kind);
                assert_eq!(code(host.accounts.check_reset(&made_up).await), Code::LinkExpired, "{}", host.test.kind);
                assert_eq!(code(host.accounts.invitation(&made_up).await), Code::LinkExpired, "{}", host.test.kind);
                assert_eq!(host.accounts.bearer(&made_up).await, Ok(None), "{}", host.test.kind);
            }
        }
        // What they are the hashes of opens what it should.
        assert!(host.resolve(&session).await.is_some());
        assert_eq!(host.accounts.awaits_factor(waits.expose()).await, Ok(true));
        let reset = host.reset_tokens().await.pop().expect("a token");
        host.accounts.check_reset(&reset).await.expect("good");
        host.accounts.invitation(&host.invitation_token(&invitation, 0)).await.expect("good");
        assert!(host.accounts.bearer(issued.secret.expose()).await.expect("read").is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_90_to_end_all_other_sessions_ends_ones_own_and_nobody_elses() {
    for host in fixtures().await {
        host.member(MAX, Role::Viewer).await;
        let theirs = host.sign_in(MAX, PASSWORD).await.expect("signed in");
        let phone = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        let own = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        let desk = host.sign_in(OWNER, PASSWORD).await.expect("signed in");
        for session in [&theirs, &phone, &own, &desk] {
            assert!(host.resolve(session).await.is_some());
        }
        let actor = host.resolve(&own).await.expect("signed in");
        host.accounts.end_other_sessions(&actor).await.expect("ended");
        for (session, lives) in [(&phone, false), (&desk, false), (&own, true), (&theirs, true)] {
            assert_eq!(host.resolve(session).await.is_some(), lives, "{}", host.test.kind);
        }
        assert_eq!(host.test.count("identity_sessions", "1 = 1").await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_97_an_account_that_is_guessed_at_is_slow_from_everywhere_and_not_for_long() {
    for host in fixtures().await {
        host.member(MAX, Role::Editor).await;
        let sign_in =
            |email: &str, password: &str, address: &str| host.accounts.sign_in(form(email, password), from(address));
        for _ in 0..6 {
            assert_eq!(code(sign_in(OWNER, "wrong", "192.0.2.7").await), Code::SignInFailed);
        }
        // The delay is the account's: another address does not go round it, and shows nothing of it.
        for address in ["192.0.2.7", "198.51.100.4", "2001:db8::4"] {
            assert_eq!(code(sign_in(OWNER, PASSWORD, address).await), Code::SignInFailed, "{address}");
        }
        sign_in(MAX, PASSWORD, "192.0.2.7").await.expect("another account of the same address");
        host.test.clock.advance(1999);
        assert_eq!(code(sign_in(OWNER, PASSWORD, "198.51.100.4").await), Code::SignInFailed);
        host.test.clock.advance(1);
        sign_in(OWNER, PASSWORD, "198.51.100.4").await.expect("two seconds are over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_98_one_address_that_tries_ten_thousand_accounts_is_compared_ten_times() {
    for host in fixtures().await {
        // More than the address has tries; the rest of the list is of people who are not here.
        for number in 0..12 {
            host.member(&format!("person-{number}@host.example"), Role::Viewer).await;
        }
        let before = host.accounts.hasher.work();
        let mut refused = [0, 0];
        for number in 0..10_000 {
            let email = format!("person-{number}@host.example");
            match code(host.accounts.sign_in(form(&email, "wrong"), from("192.0.2.7")).await) {
                Code::SignInFailed => refused[0] += 1,
                Code::TooMany => refused[1] += 1,
                other => panic!("{}: {other}", host.test.kind),
            }
        }
        assert_eq!(refused, [10, 9_990], "{}", host.test.kind);
        assert_eq!(host.accounts.hasher.work() - before, 10, "{}: hashes", host.test.kind);
        assert_eq!(host.test.count("identity_users", "failures > 0").await, 10);
        // Whose address was on the list signs in from elsewhere as ever.
        let known = form("person-3@host.example", PASSWORD);
        host.accounts.sign_in(known, from("198.51.100.4")).await.expect("the password is right");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_101_the_name_of_the_own_organisation_is_no_password() {
    for host in fixtures().await {
        let (_, nina) = host.neighbour("Grandhotel Lausanne", "nina@guest.example").await;
        host.neighbour("Grandhotel Lausanne", OWNER).await;
        host.member(MAX, Role::Editor).await;
        let (owner, max) = (host.actor(OWNER).await, host.actor(MAX).await);
        let change = |actor| host.accounts.change_password(actor, secret(PASSWORD), secret(OF_THE_HOTEL));
        let error = host.refused(change(&owner)).await;
        assert_eq!(error.of("new"), Some(Code::PasswordWeak), "{}", host.test.kind);
        change(&max).await.expect("of no organisation of theirs");
        // By a link it is no better.
        let email = Pii::new(OWNER.to_owned());
        host.accounts.request_reset(email, Language::English, Client::default()).await.expect("asked");
        let token = host.reset_tokens().await.pop().expect("a token");
        let reset = host.accounts.reset_password(&token, secret(OF_THE_HOTEL), Client::default());
        assert_eq!(host.refused(reset).await.of("password"), Some(Code::PasswordWeak), "{}", host.test.kind);
        host.accounts.reset_password(&token, secret(OTHER_PASSWORD), Client::default()).await.expect("a good one");
        // Whoever joins has no account yet, and the organisation a name.
        let host_of_hotel = host.actor("nina@guest.example").await;
        assert_eq!(host_of_hotel.user(), Some(&nina));
        let invitation = host.invite(&host_of_hotel, IVO, Role::Editor).await.expect("invited");
        let token = host.invitation_token(&invitation, 0);
        let error = host.refused(host.accept(&token, OF_THE_HOTEL)).await;
        assert_eq!(error.of("password"), Some(Code::PasswordWeak), "{}", host.test.kind);
        host.accept(&token, PASSWORD).await.expect("a good one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_104_a_link_for_one_account_leaves_every_other_alone() {
    for host in fixtures().await {
        let max = host.member(MAX, Role::Editor).await;
        let (of_owner, of_max) = (host.sign_in(OWNER, PASSWORD).await, host.sign_in(MAX, PASSWORD).await);
        let (of_owner, of_max) = (of_owner.expect("signed in"), of_max.expect("signed in"));
        let email = Pii::new(MAX.to_owned());
        host.accounts.request_reset(email, Language::English, Client::default()).await.expect("asked");
        let tokens = host.reset_tokens().await;
        let [token] = &tokens[..] else { panic!("{} links", tokens.len()) };
        host.accounts.reset_password(token, secret(OTHER_PASSWORD), Client::default()).await.expect("set");
        assert!(host.resolve(&of_max).await.is_none() && host.resolve(&of_owner).await.is_some());
        assert_eq!(code(host.sign_in(OWNER, OTHER_PASSWORD).await), Code::SignInFailed);
        host.sign_in(OWNER, PASSWORD).await.expect("as before");
        assert_eq!(code(host.sign_in(MAX, PASSWORD).await), Code::SignInFailed);
        host.sign_in(MAX, OTHER_PASSWORD).await.expect("the new one");
        let told = host.test.select("SELECT user_id AS line FROM messages WHERE template = 'password_changed'").await;
        assert_eq!(told, [max.to_string()], "{}", host.test.kind);
    }
}
