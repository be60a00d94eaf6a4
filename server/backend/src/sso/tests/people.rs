//! Who somebody is here, and what they may be: never by an address alone, never above the map.

use serde_json::json;
use shutterpost_model::access::Role;
use shutterpost_model::connections::Admission;
use shutterpost_model::error::Code;
use shutterpost_model::identity::security::{Method, Security as _, SignedIn};
use shutterpost_model::identity::{Accounts as _, Client, Directory as _, Invite};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::sso::{Arrived, Leave, SingleSignOn as _};

use super::fixture::{Host, OWNER, PASSWORD, check, hosts, open, secret, session};
use crate::identity::DirectoryService;

async fn role_of(host: &Host, arrived: Arrived) -> Option<Role> {
    host.inside(arrived).await.role()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_39_newcomers_are_what_the_map_says_and_fall_with_it_at_once() {
    for host in hosts().await {
        assert_eq!(role_of(&host, host.visit("anna", &json!({ "groups": ["owner"] })).await).await, Some(Role::Viewer));
        let both = json!({ "groups": ["desk", "chiefs", "staff"] });
        let arrived = host.visit("bert", &both).await;
        let bert = host.inside(arrived).await;
        assert_eq!(bert.role(), Some(Role::Admin));
        assert_eq!(role_of(&host, host.visit("bert", &json!({ "groups": ["desk"] })).await).await, Some(Role::Editor));
        assert_eq!(host.test.count("audit_entries", "action = 'sso.change_role'").await, 1);
        // Without a default whoever has no group stays outside.
        host.admit(Admission { default_role: None, ..open() }).await;
        let away = host.start(&host.oidc).await;
        host.vouch(&away, "bert", &json!({}));
        assert_eq!(check(host.back(&away).await), "no_role");
        host.admit(Admission { just_in_time: false, ..open() }).await;
        let away = host.start(&host.oidc).await;
        host.vouch(&away, "carl", &json!({}));
        assert_eq!(check(host.back(&away).await), "not_member");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_62_123_an_address_of_somebody_elsewhere_is_never_adopted() {
    for host in hosts().await {
        let users = host.test.count("identity_users", "1 = 1").await;
        for verified in [json!(true), json!(false)] {
            let away = host.start(&host.oidc).await;
            host.vouch(&away, "mallory", &json!({ "email": "nina@other.example", "email_verified": verified }));
            assert_eq!(check(host.back(&away).await), "account_elsewhere");
        }
        assert_eq!(host.test.count("identity_users", "1 = 1").await, users);
        assert_eq!(host.test.count("sso_identities", "1 = 1").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_63_only_a_verified_address_makes_an_account() {
    for host in hosts().await {
        let users = host.test.count("identity_users", "1 = 1").await;
        for (claims, why) in [
            (json!({ "email_verified": false }), "email_unverified"),
            (json!({ "email_verified": "false" }), "email_unverified"),
            (json!({ "email_verified": null }), "email_unverified"),
            (json!({ "email": null, "email_verified": null }), "no_email"),
            (json!({ "email": "no address" }), "no_email"),
        ] {
            let away = host.start(&host.oidc).await;
            host.vouch(&away, "dora", &claims);
            assert_eq!(check(host.back(&away).await), why, "{claims}");
        }
        assert_eq!(host.test.count("identity_users", "1 = 1").await, users);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_63_a_domain_that_is_proved_and_led_here_vouches_for_its_addresses() {
    for host in hosts().await {
        let unverified = json!({ "email_verified": null });
        let domain = |verified: &str, connection: &str| {
            format!(
                "INSERT INTO sso_domains (organisation_id, domain, token, connection_id, verified_at, created_at, told) \
                 VALUES ('{}', 'people.example', 'token', {connection}, {verified}, 1, FALSE)",
                host.organisation,
            )
        };
        let own = format!("'{}'", host.oidc);
        let other = format!("'{}'", host.saml);
        for (verified, connection) in [("NULL", own.as_str()), ("1", "NULL"), ("1", other.as_str())] {
            host.test.execute(&domain(verified, connection)).await;
            let away = host.start(&host.oidc).await;
            host.vouch(&away, "dora", &unverified);
            assert_eq!(check(host.back(&away).await), "email_unverified", "{verified} {connection}");
            host.test.execute("DELETE FROM sso_domains").await;
        }
        host.test.execute(&domain("1", &own)).await;
        let away = host.start(&host.oidc).await;
        host.vouch(&away, "dora", &unverified);
        host.back(&away).await.expect("comes in");
        let away = host.start(&host.oidc).await;
        host.vouch(&away, "erika", &json!({ "email": "erika@elsewhere.example", "email_verified": null }));
        assert_eq!(check(host.back(&away).await), "email_unverified", "another domain's address");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_proves_the_account_once_and_is_known_from_then_on() {
    for host in hosts().await {
        let user = host.member("max@people.example", Role::Editor).await;
        let claims = json!({ "groups": ["desk"] });
        let arrived = host.visit("max", &claims).await;
        let Arrived::Tie { cookie, .. } = arrived else { panic!("{arrived:?}") };
        let view = host.sso.tie_view(&host.oidc, cookie.expose()).await.expect("waits");
        assert_eq!((view.email.get().as_str(), view.two_factor), ("max@people.example", false));
        let tie = async |password: &str| {
            let proof = (secret(password), Secret::default());
            host.sso.tie(&host.oidc, cookie.expose(), proof, Client::default()).await
        };
        assert_eq!(tie("not it").await.err().and_then(|error| error.of("password")), Some(Code::WrongPassword));
        // At another connection the cookie means nothing.
        let there = host.sso.tie_view(&host.foreign, cookie.expose()).await;
        assert_eq!(there.err().map(|error| error.code), Some(Code::SignInNeeded));
        let (one, other) = tokio::join!(tie(PASSWORD), tie(PASSWORD));
        let opened: Vec<_> = [one, other].into_iter().flatten().collect();
        let [(opened, next)] = &opened[..] else { panic!("{}: {} sessions", host.test.kind, opened.len()) };
        assert_eq!(next.as_deref(), Some("/cms/people"));
        let actor = host.resolve(opened).await.expect("a session");
        assert_eq!((actor.user(), actor.role()), (Some(&user), Some(Role::Editor)));
        assert_eq!(host.inside(host.visit("max", &claims).await).await.user(), Some(&user));
        assert_eq!(host.test.count("sso_identities", "1 = 1").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_accepted_by_whom_the_provider_vouches_for() {
    for host in hosts().await {
        host.admit(Admission { just_in_time: false, default_role: None, ..Admission::default() }).await;
        let directory = DirectoryService::new(host.deps.clone());
        let invite =
            Invite { email: Pii::new("eva@people.example".into()), role: Role::Editor, language: Language::English };
        directory.invite(&host.owner, invite).await.expect("invited");
        assert_eq!(role_of(&host, host.visit("eva", &json!({})).await).await, Some(Role::Editor));
        assert_eq!(host.test.count("identity_invitations", "accepted_at IS NULL").await, 0);
        // Removed by an admin, no provider brings her back.
        let eva = host.inside(host.visit("eva", &json!({})).await).await;
        directory.remove_member(&host.owner, eva.user().expect("a person")).await.expect("removed");
        host.admit(open()).await;
        let away = host.start(&host.oidc).await;
        host.vouch(&away, "eva", &json!({}));
        assert_eq!(check(host.back(&away).await), "removed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_stays_one_whatever_the_map_says() {
    for host in hosts().await {
        let arrived = host.visit("olga", &json!({ "email": OWNER })).await;
        let Arrived::Tie { cookie, .. } = arrived else { panic!("{arrived:?}") };
        let proof = (secret(PASSWORD), Secret::default());
        let (opened, _) = host.sso.tie(&host.oidc, cookie.expose(), proof, Client::default()).await.expect("tied");
        assert_eq!(host.resolve(&opened).await.and_then(|actor| actor.role()), Some(Role::Owner));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_second_factor_is_asked_for_unless_the_providers_counts() {
    for host in hosts().await {
        let opened = session(host.visit("fred", &json!({})).await);
        let fred = host.resolve(&opened).await.expect("a session");
        host.accounts.begin_totp(&fred).await.expect("begun");
        let setup = host.accounts.totp_setup(&fred).await.expect("read").expect("waits");
        let code = || {
            let seconds = u64::try_from(host.deps.world.now().0 / 1000).expect("after 1970");
            let secret = totp_rs::Secret::try_from_base32(setup.secret.expose()).expect("a secret");
            let totp = totp_rs::Builder::new().with_secret(secret).with_account_name("").build().expect("an app");
            Secret::new(totp.generate(seconds).to_string())
        };
        host.accounts.confirm_totp(&fred, code()).await.expect("right");
        host.test.clock.advance(30_000);
        // What the provider says counts only where an owner said so.
        let arrived = host.visit("fred", &json!({ "amr": ["pwd", "mfa"] })).await;
        let Arrived::SignedIn { signed_in: SignedIn::Factor(pending), .. } = arrived else { panic!("{arrived:?}") };
        let shown =
            host.accounts.present_factor(pending.cookie.expose(), code(), Client::default()).await.expect("right");
        let actor = host.resolve(&shown).await.expect("a session");
        assert_eq!(
            host.test.count("identity_sessions", "method = 'provider_and_code' AND connection_id IS NOT NULL").await,
            1
        );
        let overview = host.accounts.overview(&actor).await.expect("read");
        assert!(overview.sessions.iter().any(|one| one.method == Method::ProviderAndCode));
        // What the provider wants to see at the end came along.
        let leave = host.sso.sign_out(&actor).await.expect("signed out");
        let Some(Leave::To(url)) = leave else { panic!("{leave:?}") };
        assert!(url.contains("id_token_hint="), "{}: {url}", host.test.kind);

        host.admit(Admission { trust_factor: true, ..open() }).await;
        let plain = host.visit("fred", &json!({ "amr": ["pwd"] })).await;
        assert!(matches!(plain, Arrived::SignedIn { signed_in: SignedIn::Factor(_), .. }), "{plain:?}");
        session(host.visit("fred", &json!({ "amr": ["pwd", "mfa"] })).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_organisation_asks_for_two_factors_the_providers_does_if_trusted() {
    for host in hosts().await {
        host.test.execute("UPDATE identity_organisations SET factor_required_at = 1").await;
        assert!(host.inside(host.visit("gina", &json!({ "amr": ["mfa"] })).await).await.lacks_factor());
        host.admit(Admission { trust_factor: true, ..open() }).await;
        assert!(!host.inside(host.visit("gina", &json!({ "amr": ["mfa"] })).await).await.lacks_factor());
        assert!(host.inside(host.visit("gina", &json!({ "amr": ["pwd"] })).await).await.lacks_factor());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_123_a_session_by_a_connection_acts_where_that_belongs_and_nowhere_else() {
    for host in hosts().await {
        let actor = host.inside(host.visit("hans", &json!({})).await).await;
        let user = actor.user().expect("a person").clone();
        let lines =
            host.test.select("SELECT organisation_id AS line FROM identity_memberships ORDER BY created_at").await;
        let other = lines.iter().find(|line| **line != *host.organisation.as_str()).expect("another organisation");
        host.test
            .execute(&format!(
                "INSERT INTO identity_memberships (organisation_id, user_id, role, created_at) \
                 VALUES ('{other}', '{user}', 'owner', 1)"
            ))
            .await;
        let arrived = host.visit("hans", &json!({})).await;
        let opened = session(arrived);
        let actor = host.resolve(&opened).await.expect("a session");
        let switched = host.accounts.switch_organisation(&actor, &other.parse().expect("an id")).await;
        assert_eq!(switched.err().map(|error| error.code), Some(Code::OwnSignInNeeded));
        host.accounts.switch_organisation(&actor, &host.organisation).await.expect("where it is");
        // Removed there, it acts nowhere rather than in the next one.
        host.test
            .execute(&format!(
                "DELETE FROM identity_memberships WHERE user_id = '{user}' AND organisation_id = '{}'",
                host.organisation
            ))
            .await;
        assert_eq!(host.resolve(&opened).await.expect("a session").organisation(), None);
    }
}
