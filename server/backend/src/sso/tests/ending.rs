//! The end of sessions at one side or the other, showing once more who one is, and what goes with a connection or person.

use serde_json::{Value, json};
use shutterpost_model::access::Role;
use shutterpost_model::connections::{Connections as _, State};
use shutterpost_model::error::Code;
use shutterpost_model::identity::security::Security as _;
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::pii::Secret;
use shutterpost_model::sso::{Arrived, Leave, LogoutMessage, SingleSignOn as _};
use url::Url;

use super::fixture::{Host, PASSWORD, check, hosts, parameter, secret, session};
use super::provider::{CLIENT, ISSUER, token};
use crate::connections::ConnectionsService;
use crate::identity::factors::code_at;

impl Host {
    fn logout(&self, id: &str, more: &Value) -> String {
        let now = self.deps.world.now().0 / 1000;
        let mut claims = json!({ "iss": ISSUER, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": id,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} } });
        claims.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        token(&claims)
    }

    async fn ended(&self, id: &str, more: &Value) -> Option<Code> {
        self.sso.ended(&self.oidc, &self.logout(id, more)).await.err().map(|error| error.code)
    }

    async fn visit_by_saml(&self, response: &str) -> NewSession {
        let away = self.start(&self.saml).await;
        session(self.back_saying(&away, response).await.expect("an answer"))
    }

    /// The provider by SAML wants sessions to end: `message subject session…`; gives where its answer goes.
    async fn demand(&self, words: &str) -> Result<Url, Code> {
        let message = LogoutMessage::Request { value: words.to_owned(), relay_state: Some("state there".to_owned()) };
        let leave = self.sso.logout_message(&self.saml, message).await.map_err(|error| error.code)?;
        let Some(Leave::To(url)) = leave else { panic!("{words}: {leave:?}") };
        Ok(Url::parse(&url).expect("an address"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_67_a_provider_ends_its_own_sessions_and_no_others() {
    for host in hosts().await {
        let paula = session(host.visit("paula", &json!({})).await);
        let paulas_second = session(host.visit("paula", &json!({ "sid": "sid-two" })).await);
        let rita = session(host.visit("rita", &json!({})).await);
        let away = host.start(&host.foreign).await;
        host.vouch(&away, "paula", &json!({ "email": "paula@elsewhere.example" }));
        let foreign = session(host.back(&away).await.expect("an answer"));
        let alive = async |session: &NewSession| host.resolve(session).await.is_some();

        for (id, more) in [
            ("j1", json!({ "sid": "sid-paula", "nonce": "n" })),
            ("j2", json!({ "sid": "sid-paula", "events": {} })),
            ("j3", json!({ "sid": "sid-paula", "aud": "other" })),
            ("j4", json!({ "sid": "sid-paula", "iss": "https://other.example" })),
            ("j5", json!({})),
        ] {
            assert_eq!(host.ended(id, &more).await, Some(Code::BadRequest), "{more}");
        }
        assert_eq!(host.refusals().await, 1, "whoever sends many does not fill the trail");
        host.test.clock.advance(60_000);
        assert_eq!(host.ended("j5", &json!({})).await, Some(Code::BadRequest));
        assert_eq!(host.refusals().await, 2);
        assert!(alive(&paula).await);
        // Nobody's session: fine, and without effect; so is a session of one person named for another.
        assert_eq!(host.ended("j6", &json!({ "sid": "unknown" })).await, None);
        assert_eq!(host.ended("j7", &json!({ "sid": "sid-paula", "sub": "rita" })).await, None);
        assert!(alive(&paula).await && alive(&rita).await);

        assert_eq!(host.ended("j8", &json!({ "sid": "sid-paula" })).await, None);
        assert!(!alive(&paula).await, "dead at the next request");
        assert!(alive(&paulas_second).await && alive(&rita).await && alive(&foreign).await);
        assert_eq!(
            host.ended("j8", &json!({ "sid": "sid-paula" })).await,
            Some(Code::BadRequest),
            "a token is good once"
        );
        assert_eq!(host.ended("j9", &json!({ "sub": "paula" })).await, None);
        assert!(!alive(&paulas_second).await && alive(&rita).await && alive(&foreign).await);
        assert_eq!(host.test.count("audit_entries", "action = 'sso.sign_out'").await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_68_signing_out_here_leads_to_the_provider_and_back() {
    for host in hosts().await {
        let opened = session(host.visit("paula", &json!({})).await);
        let actor = host.resolve(&opened).await.expect("a session");
        let leave = host.sso.sign_out(&actor).await.expect("signed out");
        assert!(host.resolve(&opened).await.is_none(), "first of all here");
        let Some(Leave::To(url)) = leave else { panic!("{leave:?}") };
        let url = Url::parse(&url).expect("an address");
        assert_eq!(url.path(), "/end");
        assert!(parameter(&url, "id_token_hint").is_some_and(|hint| hint.split('.').count() == 3));
        let back = parameter(&url, "post_logout_redirect_uri").expect("an address");
        assert!(back.ends_with(&format!("/sso/oidc/{}/signed-out", host.oidc)), "{back}");
        let state = secret(&parameter(&url, "state").expect("a state"));
        assert!(!host.sso.signed_out(&host.oidc, &secret("another")).await.expect("an answer"));
        assert!(!host.sso.signed_out(&host.foreign, &state).await.expect("an answer"));
        assert!(host.sso.signed_out(&host.oidc, &state).await.expect("an answer"));
        assert!(!host.sso.signed_out(&host.oidc, &state).await.expect("an answer"), "good once");
        // Who came by a password has nothing to sign out of elsewhere.
        assert_eq!(host.sso.sign_out(&host.owner).await.expect("signed out"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_of_a_session_by_saml_asks_its_provider_too() {
    for host in hosts().await {
        let away = host.start(&host.saml).await;
        let opened = session(host.back_saying(&away, "a1 paula paula@people.example").await.expect("an answer"));
        let actor = host.resolve(&opened).await.expect("a session");
        let leave = host.sso.sign_out(&actor).await.expect("signed out");
        let Some(Leave::To(url)) = leave else { panic!("{leave:?}") };
        assert!(url.starts_with("https://idp.example/slo?SAMLRequest="), "{url}");
        assert_eq!(host.test.count("sso_attempts", "purpose = 'sign_out'").await, 1);
        // Nothing that is not signed ends anything.
        let unsigned = LogoutMessage::Redirect("SAMLRequest=abc".into());
        let told = host.sso.logout_message(&host.saml, unsigned).await;
        assert_eq!(told.err().map(|error| error.code), Some(Code::BadRequest));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_by_saml_ends_its_own_sessions_and_no_others() {
    for host in hosts().await {
        let kind = host.test.kind;
        let first = host.visit_by_saml("a1 paula paula@people.example").await;
        let second = host.visit_by_saml("a2 paula paula@people.example").await;
        let rita = host.visit_by_saml("a3 rita rita@people.example").await;
        // Other connections, where person and session are called the same.
        let called_the_same = |email: &str| json!({ "sid": "index-a1", "email": email });
        let openid = session(host.visit("paula", &called_the_same("paula@rooms.example")).await);
        let away = host.start(&host.foreign).await;
        host.vouch(&away, "paula", &called_the_same("paula@elsewhere.example"));
        let foreign = session(host.back(&away).await.expect("an answer"));
        let alive = async || {
            let mut names = Vec::new();
            for (name, session) in
                [("first", &first), ("second", &second), ("rita", &rita), ("openid", &openid), ("foreign", &foreign)]
            {
                if host.resolve(session).await.is_some() {
                    names.push(name);
                }
            }
            names
        };

        // Nobody's session, and one of somebody else: answered, and without effect.
        for words in ["m1 paula index-unknown", "m2 rita index-a1", "m3 nobody"] {
            assert!(host.demand(words).await.is_ok(), "{words} on {kind}");
        }
        assert_eq!(alive().await, ["first", "second", "rita", "openid", "foreign"], "{kind}");
        assert_eq!(host.test.count("audit_entries", "action = 'sso.sign_out'").await, 0, "{kind}");

        let answer = host.demand("m4 paula index-a1").await.expect("met");
        assert_eq!((answer.host_str(), answer.path()), (Some("idp.example"), "/slo"), "{kind}");
        assert!(parameter(&answer, "SAMLResponse").is_some_and(|response| !response.is_empty()), "{answer}");
        assert_eq!(parameter(&answer, "RelayState").as_deref(), Some("state there"), "{answer}");
        assert_eq!(alive().await, ["second", "rita", "openid", "foreign"], "{kind}: that session alone");

        // The same message with another wish; as one of its own it is met.
        assert_eq!(host.demand("m4 paula").await.err(), Some(Code::BadRequest), "{kind}: a message is good once");
        assert_eq!(alive().await, ["second", "rita", "openid", "foreign"], "{kind}");
        let third = host.visit_by_saml("a4 paula paula@people.example").await;
        assert!(host.demand("m5 paula").await.is_ok(), "{kind}");
        assert_eq!(alive().await, ["rita", "openid", "foreign"], "{kind}: all of the person");
        assert!(host.resolve(&third).await.is_none(), "{kind}");
        assert_eq!(host.test.count("audit_entries", "action = 'sso.sign_out'").await, 2, "{kind}");

        // Their own provider ends those.
        assert_eq!(host.ended("j1", &json!({ "sid": "index-a1" })).await, None, "{kind}");
        assert_eq!(alive().await, ["rita", "foreign"], "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_nothing_else_shows_at_the_provider_once_more_who_they_are() {
    for host in hosts().await {
        let opened = session(host.visit("paula", &json!({})).await);
        let actor = host.resolve(&opened).await.expect("a session");
        assert_eq!(host.sso.proves_by(&actor).await.expect("read").as_deref(), Some("Our people"));
        assert_eq!(host.sso.proves_by(&host.owner).await.expect("read"), None, "has a password");
        host.test.clock.advance(20 * 60_000);
        let go = async || {
            let begun = host.sso.start_confirm(&actor, Some("/cms/tokens".into())).await.expect("begins");
            host.away(&host.oidc, begun)
        };
        let away = go().await;
        assert_eq!(parameter(&away.url, "prompt").as_deref(), Some("login"));
        assert_eq!(parameter(&away.url, "max_age").as_deref(), Some("0"));
        // Somebody else at the provider, and a sign-in there of some time ago.
        host.vouch(&away, "rita", &json!({}));
        assert_eq!(check(host.back(&away).await), "other_person");
        let before = host.deps.world.now().0 / 1000 - 600;
        for stale in [json!({ "auth_time": before }), json!({ "auth_time": null })] {
            let away = go().await;
            host.vouch(&away, "paula", &stale);
            assert_eq!(check(host.back(&away).await), "not_anew");
        }
        assert!(!host.resolve(&opened).await.expect("lives").is_confirmed(host.deps.world.now()));
        let away = go().await;
        host.vouch(&away, "paula", &json!({}));
        let arrived = host.back(&away).await.expect("an answer");
        let Arrived::Confirmed { session: renewed, next } = arrived else { panic!("{arrived:?}") };
        assert_eq!(next.as_deref(), Some("/cms/tokens"));
        assert!(host.resolve(&renewed).await.expect("goes on").is_confirmed(host.deps.world.now()));
        assert!(host.resolve(&opened).await.is_none(), "case 85: under another cookie");
        // The provider still ends it.
        assert_eq!(host.ended("j1", &json!({ "sub": "paula" })).await, None);
        assert!(host.resolve(&renewed).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_password_or_a_factor_shows_that_and_not_the_provider() {
    for host in hosts().await {
        host.member("max@people.example", Role::Editor).await;
        let Arrived::Tie { cookie, .. } = host.visit("max", &json!({})).await else { panic!("no account to prove") };
        let proof = (secret(PASSWORD), Secret::default());
        let (max, _) = host.sso.tie(&host.oidc, cookie.expose(), proof, Client::default()).await.expect("tied");
        let max = host.resolve(&max).await.expect("a session");
        let paula = host.inside(host.visit("paula", &json!({})).await).await;
        host.accounts.begin_totp(&paula).await.expect("begun");
        let app = host.accounts.totp_setup(&paula).await.expect("read").expect("waits").secret;
        let code = secret(&code_at(&app, host.deps.world.now()));
        let (paula, _) = host.accounts.confirm_totp(&paula, code).await.expect("right");
        let paula = host.resolve(&paula).await.expect("a session");
        for (actor, has) in [(&max, "a password"), (&paula, "a factor")] {
            assert_eq!(host.sso.proves_by(actor).await.expect("read"), None, "{}: {has}", host.test.kind);
            let refused = host.sso.start_confirm(actor, None).await;
            assert_eq!(refused.err().map(|error| error.code), Some(Code::Conflict), "{}: {has}", host.test.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_a_connection_or_person_goes_with_it() {
    for host in hosts().await {
        let opened = session(host.visit("paula", &json!({})).await);
        let connections = ConnectionsService::new(host.deps.clone());
        connections.switch(&host.owner, &host.oidc, State::Off).await.expect("off");
        assert!(host.resolve(&opened).await.is_none(), "{}", host.test.kind);
        host.test.execute("UPDATE sso_connections SET state = 'on'").await;
        let opened = session(host.visit("paula", &json!({})).await);
        host.start(&host.oidc).await;
        let user = host.resolve(&opened).await.expect("a session").user().expect("a person").clone();
        host.test.execute(&format!("DELETE FROM identity_users WHERE id = '{user}'")).await;
        assert_eq!(host.test.count("sso_identities", "1 = 1").await, 0);
        session(host.visit("rita", &json!({})).await);
        connections.delete(&host.owner, &host.oidc).await.expect("deleted");
        for table in ["sso_identities", "sso_attempts", "sso_used"] {
            assert_eq!(host.test.count(table, "1 = 1").await, 0, "{table}");
        }
        assert_eq!(host.test.count("identity_sessions", "connection_id IS NOT NULL").await, 0);
        let begun = host.sso.start(&host.oidc, None, Client::default()).await;
        assert_eq!(begun.err().map(|error| error.code), Some(Code::NotFound));
    }
}
