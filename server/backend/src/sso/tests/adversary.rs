//! What a provider's word does not do, and what nobody does by another way in than their own.

use std::sync::Arc;

use serde_json::json;
use shutterpost_model::access::Role;
use shutterpost_model::connections::Admission;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::identity::{Accounts as _, Client, Directory as _, Invite, SignIn};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::sso::{Answer, Arrived, SamlAnswer, SingleSignOn as _};
use shutterpost_model::support::{Acting, Support as _};

use super::fixture::{Away, Host, OWNER, PASSWORD, check, hosts, open, secret, session};
use crate::identity::{AccountsService, DirectoryService, PasswordPolicy, factors};
use crate::sso::SsoService;
use crate::support::{SupportService, admin as staff};

const SAM: &str = "sam@shutterpost.example";
const STAFF_PASSWORD: &str = "walnut harbour eleven trombones";

/// Another process of the same installation, or the same one after a restart.
fn node(host: &Host) -> SsoService {
    let accounts = Arc::new(AccountsService::new(host.deps.clone(), PasswordPolicy::FLOOR));
    SsoService::new(host.deps.clone(), accounts)
}

/// [`Host::back_saying`] at that node.
async fn back_at(node: &SsoService, away: &Away, response: &str) -> Result<Arrived, AppError> {
    let answer = Answer::Saml(SamlAnswer { response: secret(response), relay_state: Some(away.state.clone()) });
    let browser = Some(away.browser.clone());
    node.arrive(&away.connection, answer, browser, (Client::default(), Language::German)).await
}

async fn sign_in(host: &Host, email: &str, password: &str) -> Result<(), Code> {
    let form = SignIn { email: Pii::new(email.to_owned()), password: secret(password), remember: false };
    host.accounts.sign_in(form, Client::default()).await.map(|_| ()).map_err(|error| error.code)
}

/// The name under which somebody is known after a sign-in.
async fn name(host: &Host, arrived: Arrived) -> String {
    let actor = host.inside(arrived).await;
    host.accounts.me(&actor).await.expect("own data").name.get().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_24_an_assertion_is_good_once_on_all_nodes_and_after_a_restart() {
    const SAID: &str = "a1 paula paula@people.example";
    for host in hosts().await {
        let other = node(&host);
        let away = host.start(&host.saml).await;
        session(host.back_saying(&away, SAID).await.expect("an answer"));
        // Its thief has an attempt of their own, at another node.
        assert_eq!(check(back_at(&other, &host.start(&host.saml).await, SAID).await), "used");
        let fresh = "a2 paula paula@people.example";
        session(back_at(&other, &host.start(&host.saml).await, fresh).await.expect("an answer"));
        assert_eq!(check(host.back_saying(&host.start(&host.saml).await, fresh).await), "used");
        // And one that began later remembers what it never saw.
        let restarted = node(&host);
        for said in [SAID, fresh] {
            assert_eq!(check(back_at(&restarted, &host.start(&host.saml).await, said).await), "used");
        }
        for round in 0..4 {
            let said = format!("b{round} paula paula@people.example");
            let (one, two) = (host.start(&host.saml).await, host.start(&host.saml).await);
            let (one, two) = tokio::join!(host.back_saying(&one, &said), back_at(&other, &two, &said));
            let won = [one, two].into_iter().filter(|arrived| matches!(arrived, Ok(Arrived::SignedIn { .. }))).count();
            assert_eq!(won, 1, "{} in round {round}", host.test.kind);
        }
        assert_eq!(host.test.count("identity_sessions", "connection_id IS NOT NULL").await, 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_66_a_name_that_is_told_once_stays() {
    for host in hosts().await {
        // As Apple does: the name comes with the first sign-in and with no other.
        assert_eq!(name(&host, host.visit("anna", &json!({ "name": "Anna Blum" })).await).await, "Anna Blum");
        for later in [json!(null), json!(""), json!("Somebody Else")] {
            let again = host.visit("anna", &json!({ "name": later })).await;
            assert_eq!(name(&host, again).await, "Anna Blum", "{}: {later}", host.test.kind);
        }
        // Without one the address has to do.
        assert_eq!(name(&host, host.visit("bert", &json!({ "name": null })).await).await, "bert");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_81_an_address_of_the_staff_makes_a_member_and_nobody_of_the_staff() {
    for host in hosts().await {
        let support = SupportService::new(host.deps.clone(), Arc::clone(&host.accounts));
        let (who, address) = (Pii::new("Sam Support".to_owned()), Pii::new(SAM.to_owned()));
        let link = staff::invite(&host.deps, who, address.clone(), Language::English).await.expect("invited");
        let token = link.expose().rsplit('/').next().expect("a token").to_owned();
        let rows = async || {
            let dump = host.test.dump().await;
            let table = dump.split("\nsupport_staff\n").nth(1).expect("the table");
            table.lines().take_while(|line| line.starts_with("  ")).map(str::to_owned).collect::<Vec<_>>()
        };
        // Invited to the staff, and then of it.
        for joined in [false, true] {
            if joined {
                let setup = support.invitation(&token).await.expect("open").setup;
                let code = Secret::new(factors::code_at(&setup.secret, host.deps.world.now()));
                let accepted = support.accept_invitation(&token, secret(STAFF_PASSWORD), code, Client::default());
                accepted.await.expect("joined");
            }
            let before = rows().await;
            assert_eq!(before.len(), 1, "{}", host.test.kind);
            let claims = json!({ "email": SAM, "groups": ["staff", "support", "shutterpost"] });
            let opened = session(host.visit("sam", &claims).await);
            let actor = host.resolve(&opened).await.expect("a member");
            assert_eq!((actor.organisation(), actor.role()), (Some(&host.organisation), Some(Role::Viewer)));
            let cookie = opened.cookie.expose();
            assert_eq!(support.staff(cookie).await, Ok(None), "{}", host.test.kind);
            assert_eq!(support.acting(cookie).await, Ok(Acting::Nobody), "{}", host.test.kind);
            assert_eq!(support.awaits_factor(cookie).await, Ok(false), "{}", host.test.kind);
            assert_eq!(rows().await, before, "{}: whoever is of the staff", host.test.kind);
            assert_eq!(host.test.count("support_sessions", "1 = 1").await, 0);
        }
        // Their own way in is open as ever.
        let pending = support.sign_in(address, secret(STAFF_PASSWORD), Client::default()).await.expect("right");
        assert_eq!(support.awaits_factor(pending.cookie.expose()).await, Ok(true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_96_an_account_without_a_password_has_none_that_is_right() {
    for host in hosts().await {
        let paula = host.inside(host.visit("paula", &json!({})).await).await;
        for password in ["", PASSWORD, "null", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA"] {
            let before = host.accounts.hasher.work();
            assert_eq!(sign_in(&host, "paula@people.example", password).await, Err(Code::SignInFailed), "{password}");
            assert_eq!(host.accounts.hasher.work() - before, 1, "{}: the work of any account", host.test.kind);
        }
        sign_in(&host, OWNER, PASSWORD).await.expect("an account with one");
        // By the connection she comes in as ever.
        assert_eq!(host.inside(host.visit("paula", &json!({})).await).await.user(), paula.user());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_97_whoever_guesses_a_password_keeps_nobody_from_the_connection() {
    for host in hosts().await {
        let user = host.member("max@people.example", Role::Editor).await;
        let claims = json!({ "groups": ["desk"] });
        let Arrived::Tie { cookie, .. } = host.visit("max", &claims).await else { panic!("no account to prove") };
        let proof = (secret(PASSWORD), Secret::default());
        host.sso.tie(&host.oidc, cookie.expose(), proof, Client::default()).await.expect("tied");
        for _ in 0..6 {
            assert_eq!(sign_in(&host, "max@people.example", "wrong").await, Err(Code::SignInFailed));
        }
        assert_eq!(sign_in(&host, "max@people.example", PASSWORD).await, Err(Code::SignInFailed), "slowed down");
        assert_eq!(host.inside(host.visit("max", &claims).await).await.user(), Some(&user), "{}", host.test.kind);
        // Which says nothing of the password: that waits for its two seconds.
        assert_eq!(sign_in(&host, "max@people.example", PASSWORD).await, Err(Code::SignInFailed));
        host.test.clock.advance(2000);
        sign_in(&host, "max@people.example", PASSWORD).await.expect("two seconds are over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_105_an_invitation_is_for_its_address_alone() {
    for host in hosts().await {
        host.admit(Admission { just_in_time: false, ..open() }).await;
        let directory = DirectoryService::new(host.deps.clone());
        let email = Pii::new("eva@people.example".to_owned());
        let invite = Invite { email, role: Role::Editor, language: Language::English };
        directory.invite(&host.owner, invite).await.expect("invited");
        let users = host.test.count("identity_users", "1 = 1").await;
        for (claims, why) in [
            (json!({}), "not_member"),
            (json!({ "email": "eva@other.example" }), "not_member"),
            (json!({ "email": "eva+1@people.example" }), "not_member"),
            // Hers, but nobody says that it is.
            (json!({ "email": "eva@people.example", "email_verified": false }), "email_unverified"),
        ] {
            let away = host.start(&host.oidc).await;
            host.vouch(&away, "mallory", &claims);
            assert_eq!(check(host.back(&away).await), why, "{}: {claims}", host.test.kind);
            let waiting = host.test.count("identity_invitations", "accepted_at IS NULL").await;
            assert_eq!(waiting, 1, "{}: it stays open", host.test.kind);
        }
        assert_eq!(host.test.count("identity_users", "1 = 1").await, users);
        let eva = host.inside(host.visit("eva", &json!({ "groups": ["desk"] })).await).await;
        assert_eq!(eva.role(), Some(Role::Editor));
        assert_eq!(host.test.count("identity_invitations", "accepted_at IS NULL").await, 0);
    }
}
