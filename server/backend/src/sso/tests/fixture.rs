//! Two organisations, each with a connection, and browsers on their way.

use std::sync::Arc;

use serde_json::{Value, json};
use shutterpost_model::access::{Actor, Role};
use shutterpost_model::connections::{Admission, Connections as _, Kind, NewConnection, OidcDraft, Provider, RoleRule};
use shutterpost_model::error::AppError;
use shutterpost_model::id::{ConnectionId, OrganisationId, UserId};
use shutterpost_model::identity::security::SignedIn;
use shutterpost_model::identity::{Accounts as _, Client, NewSession, SignIn};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::sso::{Answer, Arrived, Begun, Leave, OidcAnswer, SamlAnswer, SingleSignOn as _};
use url::Url;

use super::provider::{Believer, CLIENT, ISSUER, Op};
use crate::connections::ConnectionsService;
use crate::connections::providers::Providers;
use crate::identity::admin::{self, NewMember};
use crate::identity::{AccountsService, PasswordPolicy};
use crate::services::Deps;
use crate::sso::SsoService;
use crate::testing::{self, TestDatabase};

pub(super) const PASSWORD: &str = "tulip carousel nineteen ferry";
pub(super) const OWNER: &str = "olga@host.example";

/// An installation with two organisations. Both are signed in to by the same provider and the same client, so that nothing
/// but the connection keeps them apart.
pub(super) struct Host {
    pub(super) test: TestDatabase,
    pub(super) deps: Deps,
    pub(super) accounts: Arc<AccountsService>,
    pub(super) sso: SsoService,
    pub(super) op: Op,
    pub(super) organisation: OrganisationId,
    pub(super) owner: Actor,
    pub(super) oidc: ConnectionId,
    pub(super) saml: ConnectionId,
    /// Of another organisation.
    pub(super) foreign: ConnectionId,
}

pub(super) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// Who gets in without having been invited, and as what.
pub(super) fn open() -> Admission {
    let rule = |group: &str, role| RoleRule { group: group.to_owned(), role };
    Admission {
        trust_factor: false,
        just_in_time: true,
        default_role: Some(Role::Viewer),
        role_map: vec![rule("desk", Role::Editor), rule("chiefs", Role::Admin)],
    }
}

pub(super) async fn hosts() -> Vec<Host> {
    let mut all = Vec::new();
    for test in testing::databases().await {
        let op = Op::default();
        let providers = Providers { saml: Arc::new(Believer), ..Providers::new(Arc::new(op.clone())) };
        let deps = Deps { providers, ..test.deps() };
        let accounts = Arc::new(AccountsService::new(deps.clone(), PasswordPolicy::FLOOR));
        let sso = SsoService::new(deps.clone(), Arc::clone(&accounts));
        let (organisation, owner) = organisation(&deps, &accounts, "Host", OWNER).await;
        let oidc = connection(&deps, &test, &owner, Kind::Oidc).await;
        let saml = connection(&deps, &test, &owner, Kind::Saml).await;
        let (_, stranger) = self::organisation(&deps, &accounts, "Other", "nina@other.example").await;
        let foreign = connection(&deps, &test, &stranger, Kind::Oidc).await;
        all.push(Host { test, deps, accounts, sso, op, organisation, owner, oidc, saml, foreign });
    }
    all
}

async fn organisation(deps: &Deps, accounts: &AccountsService, name: &str, email: &str) -> (OrganisationId, Actor) {
    let (person, address) = (Pii::new("Some Owner".into()), Pii::new(email.to_owned()));
    let made = admin::create_owner(deps, PasswordPolicy::FLOOR, name, person, address, secret(PASSWORD)).await;
    let (organisation, _) = made.expect("an owner is made");
    let form = SignIn { email: Pii::new(email.to_owned()), password: secret(PASSWORD), remember: false };
    let session = accounts.sign_in(form, Client::default()).await.expect("right").session().expect("no factor");
    let owner = accounts.session(session.cookie.expose()).await.expect("read").expect("new");
    (organisation, owner)
}

/// One that is on. That it had to be tested before is shown elsewhere.
async fn connection(deps: &Deps, test: &TestDatabase, owner: &Actor, kind: Kind) -> ConnectionId {
    let connections = ConnectionsService::new(deps.clone());
    let new = NewConnection { kind, provider: Provider::Other, name: "Our people".into() };
    let id = connections.create(owner, new).await.expect("made");
    match kind {
        Kind::Oidc => {
            let draft = OidcDraft {
                issuer: ISSUER.into(),
                client_id: CLIENT.into(),
                secret: secret("s3cret-of-the-client"),
                ..OidcDraft::default()
            };
            connections.enter_oidc(owner, &id, draft).await.expect("entered");
        }
        Kind::Saml => connections.enter_metadata(owner, &id, metadata(deps)).await.expect("entered"),
    }
    connections.admit(owner, &id, open()).await.expect("entered");
    test.execute(&format!("UPDATE sso_connections SET state = 'on' WHERE id = '{id}'")).await;
    id
}

fn metadata(deps: &Deps) -> Vec<u8> {
    let now = deps.world.now().0 / 1000;
    let mut params = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).expect("a name");
    let at = |seconds: i64| rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds.cast_unsigned());
    params.not_before = at(now - 86_400);
    params.not_after = at(now + 86_400 * 100);
    let made = params.self_signed(&rcgen::KeyPair::generate().expect("a key")).expect("signed");
    let certificate = data_encoding::BASE64.encode(made.der());
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"https://idp.example\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor use=\"signing\">\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
         </md:KeyDescriptor><md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example/slo\"/><md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example/sso\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    )
    .into_bytes()
}

/// A browser that was sent away.
#[derive(Clone)]
pub(super) struct Away {
    pub(super) connection: ConnectionId,
    pub(super) state: Secret,
    pub(super) browser: Secret,
    pub(super) url: Url,
}

/// A parameter of an address.
pub(super) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

impl Host {
    pub(super) fn away(&self, connection: &ConnectionId, begun: Begun) -> Away {
        let Begun::Leave(departure) = begun else { panic!("{begun:?}") };
        let Leave::To(url) = departure.leave else { panic!("a form") };
        let url = Url::parse(&url).expect("an address");
        let state = parameter(&url, "state").or_else(|| parameter(&url, "RelayState")).expect("a state");
        Away { connection: connection.clone(), state: Secret::new(state), browser: departure.browser, url }
    }

    pub(super) async fn start(&self, connection: &ConnectionId) -> Away {
        let next = Some("/cms/people".to_owned());
        let begun = self.sso.start(connection, next, Client::default()).await.expect("begins");
        self.away(connection, begun)
    }

    /// The provider's word on somebody for this attempt, with more claims.
    pub(super) fn vouch(&self, away: &Away, subject: &str, more: &Value) {
        let now = self.deps.world.now().0 / 1000;
        let mut claims = json!({ "iss": ISSUER, "sub": subject, "aud": CLIENT, "exp": now + 300, "iat": now,
            "auth_time": now, "sid": format!("sid-{subject}"), "nonce": parameter(&away.url, "nonce"),
            "email": format!("{subject}@people.example"), "email_verified": true, "name": "Paula People" });
        let claims_map = claims.as_object_mut().expect("an object");
        claims_map.extend(more.as_object().cloned().unwrap_or_default());
        self.op.says(claims);
    }

    pub(super) async fn back(&self, away: &Away) -> Result<Arrived, AppError> {
        self.back_in(away, Some(away.browser.clone())).await
    }

    pub(super) async fn back_in(&self, away: &Away, browser: Option<Secret>) -> Result<Arrived, AppError> {
        let (state, code) = (Some(away.state.clone()), Some(secret("SplxlOBeZQQYbYS6WxSbIA")));
        let answer = Answer::Oidc(OidcAnswer { state, code, ..OidcAnswer::default() });
        self.sso.arrive(&away.connection, answer, browser, (Client::default(), Language::German)).await
    }

    /// The same by SAML: `assertion subject email`.
    pub(super) async fn back_saying(&self, away: &Away, response: &str) -> Result<Arrived, AppError> {
        let answer = Answer::Saml(SamlAnswer { response: secret(response), relay_state: Some(away.state.clone()) });
        let browser = Some(away.browser.clone());
        self.sso.arrive(&away.connection, answer, browser, (Client::default(), Language::German)).await
    }

    /// A whole sign-in by OpenID Connect.
    pub(super) async fn visit(&self, subject: &str, more: &Value) -> Arrived {
        let away = self.start(&self.oidc).await;
        self.vouch(&away, subject, more);
        self.back(&away).await.expect("an answer")
    }

    pub(super) async fn resolve(&self, session: &NewSession) -> Option<Actor> {
        self.accounts.session(session.cookie.expose()).await.expect("sessions are read")
    }

    /// The actor of somebody who was let in.
    pub(super) async fn inside(&self, arrived: Arrived) -> Actor {
        self.resolve(&session(arrived)).await.expect("the session is new")
    }

    pub(super) async fn member(&self, email: &str, role: Role) -> UserId {
        let member = NewMember {
            name: Pii::new("Max Member".into()),
            email: Pii::new(email.into()),
            password: secret(PASSWORD),
            role,
            language: Language::English,
        };
        let made = admin::create_member(&self.deps, PasswordPolicy::FLOOR, &self.organisation, member).await;
        made.expect("a member is made")
    }

    pub(super) async fn admit(&self, admission: Admission) {
        let connections = ConnectionsService::new(self.deps.clone());
        connections.admit(&self.owner, &self.oidc, admission).await.expect("entered");
    }

    /// Everything but the trail, which notes refusals.
    pub(super) async fn without_trail(&self) -> String {
        let dump = self.test.dump().await;
        dump.lines().filter(|line| !line.contains("sso.refuse")).collect::<Vec<_>>().join("\n")
    }

    pub(super) async fn refusals(&self) -> i64 {
        self.test.count("audit_entries", "action = 'sso.refuse'").await
    }
}

pub(super) fn session(arrived: Arrived) -> NewSession {
    match arrived {
        Arrived::SignedIn { signed_in: SignedIn::Session(session), .. } => session,
        other => panic!("not let in: {other:?}"),
    }
}

/// Why somebody was refused.
pub(super) fn check(arrived: Result<Arrived, AppError>) -> &'static str {
    match arrived.expect("an answer") {
        Arrived::Refused { check } => check,
        other => panic!("not refused: {other:?}"),
    }
}
