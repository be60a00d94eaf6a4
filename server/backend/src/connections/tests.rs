//! The rules of connections, on both databases, through the port.

use std::sync::Arc;

use shutterpost_model::access::Credential;
use shutterpost_model::access::{Actor, Role};
use shutterpost_model::connections::{
    Admission, Connections, Kind, MOST, NewConnection, OidcDraft, Provider, ReportLine, RoleRule, SamlShape,
    SettingsView, State, TestReport, Verdict,
};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{ConnectionId, OrganisationId, SessionId};
use shutterpost_model::identity::security::CONFIRMED_FOR;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::time::DAY;

use super::rows::Usable;
use super::{ConnectionsService, queries};
use crate::db::write_tx;
use crate::identity::{PasswordPolicy, admin};
use crate::services::Deps;
use crate::testing::{self, TestDatabase};

mod attacks;
mod domains;

/// An organisation with one owner and no connection.
struct Fixture {
    test: TestDatabase,
    deps: Deps,
    connections: Arc<ConnectionsService>,
    organisation: OrganisationId,
    owner: Actor,
}

async fn fixtures() -> Vec<Fixture> {
    let mut all = Vec::new();
    for test in testing::databases().await {
        let deps = test.deps();
        let (organisation, owner) = tenant(&deps, "Host", "olga@host.example").await;
        let connections = Arc::new(ConnectionsService::new(deps.clone()));
        all.push(Fixture { test, deps, connections, organisation, owner });
    }
    all
}

/// An organisation and its owner, who has just shown who they are.
async fn tenant(deps: &Deps, name: &str, email: &str) -> (OrganisationId, Actor) {
    let (organisation, user) = admin::create_owner(
        deps,
        PasswordPolicy::FLOOR,
        name,
        Pii::new("Olga Owner".into()),
        Pii::new(email.into()),
        Secret::new("tulip carousel nineteen ferry".into()),
    )
    .await
    .expect("an owner is made");
    let credential = Credential::Session { user, session: deps.world.id(SessionId::new) };
    let owner = Actor::proven(credential, Some((organisation.clone(), Role::Owner)));
    (organisation, owner.confirmed(deps.world.now()))
}

const SECRET: &str = "s3cret-of-the-client";

fn draft(issuer: &str, secret: &str) -> OidcDraft {
    OidcDraft {
        issuer: issuer.into(),
        client_id: "shutterpost".into(),
        secret: Secret::new(secret.into()),
        ..OidcDraft::default()
    }
}

/// A certificate in base64 that ends in so many days.
fn certificate(deps: &Deps, days: i64) -> String {
    let now = deps.world.now().0 / 1000;
    let mut params = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).expect("a name");
    let at = |seconds: i64| rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds.cast_unsigned());
    params.not_before = at(now - 86_400);
    params.not_after = at(now + days * 86_400);
    let key = rcgen::KeyPair::generate().expect("a key");
    let made = params.self_signed(&key).expect("signed");
    data_encoding::BASE64.encode(made.der())
}

fn metadata(entity: &str, certificates: &[String]) -> Vec<u8> {
    let keys: String = certificates
        .iter()
        .map(|certificate| {
            format!(
                "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
                 </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            )
        })
        .collect();
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{entity}\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{entity}/sso\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    )
    .into_bytes()
}

fn code<T>(result: Result<T, AppError>) -> Code {
    result.err().map(|error| error.code).expect("the call is refused")
}

/// The one field that is wrong, and why.
fn field<T>(result: Result<T, AppError>) -> (String, Code) {
    let error = result.err().expect("the call is refused");
    let [field] = &error.fields[..] else { panic!("{error:?}") };
    (field.field.clone(), field.code)
}

impl Fixture {
    async fn create(&self, kind: Kind, provider: Provider) -> ConnectionId {
        let new = NewConnection { kind, provider, name: "Our people".into() };
        self.connections.create(&self.owner, new).await.expect("made")
    }

    /// A connection of OpenID Connect whose settings are entered.
    async fn oidc(&self) -> ConnectionId {
        let id = self.create(Kind::Oidc, Provider::Other).await;
        self.connections.enter_oidc(&self.owner, &id, draft("https://idp.example", SECRET)).await.expect("entered");
        id
    }

    async fn saml(&self, certificates: &[String]) -> ConnectionId {
        let id = self.create(Kind::Saml, Provider::Keycloak).await;
        let document = metadata("https://idp.example", certificates);
        self.connections.enter_metadata(&self.owner, &id, document).await.expect("entered");
        id
    }

    async fn usable(&self, id: &ConnectionId) -> Option<Usable> {
        let mut conn = self.deps.db.read().await.expect("a connection");
        queries::usable(&mut conn, &self.deps.keystore, id).await.expect("read")
    }

    /// Notes a test of the settings as they were read.
    async fn note(&self, tested: Usable, sign_in: bool, verdict: Verdict) {
        let line = ReportLine { check: "signature".into(), verdict, detail: None };
        let report = TestReport { sign_in, lines: vec![line], at: self.deps.world.now() };
        let Deps { db, world, keystore, .. } = self.deps.clone();
        let noted = write_tx!(db, tx => queries::note_report(tx, &world, &keystore, &tested, &report).await);
        noted.expect("noted");
    }

    async fn tested(&self, id: &ConnectionId) {
        let usable = self.usable(id).await.expect("settings");
        self.note(usable, true, Verdict::Passed).await;
    }

    async fn switched_on(&self, id: &ConnectionId) {
        self.tested(id).await;
        self.connections.switch(&self.owner, id, State::On).await.expect("switched on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_entered_comes_back_without_its_secret() {
    for host in fixtures().await {
        let id = host.oidc().await;
        let view = host.connections.find(&host.owner, &id).await.expect("there");
        let text = serde_json::to_string(&view).expect("JSON");
        assert!(text.contains("https://idp.example") && !text.contains(SECRET), "{text}");
        assert!(text.contains(&format!("https://photos.example/sso/oidc/{id}/callback")), "{text}");
        assert_eq!(view.summary.state, State::Off);
        assert!(view.summary.complete && view.summary.tested_at.is_none());
        let usable = host.usable(&id).await.expect("complete");
        assert!(usable.settings.text().expect("JSON").expose().contains(SECRET));
        assert_eq!((usable.organisation, usable.state), (host.organisation.clone(), State::Off));
        // The client's secret stays as long as nobody enters another, and for this provider alone.
        host.connections.enter_oidc(&host.owner, &id, draft("https://idp.example", " ")).await.expect("kept");
        let kept = host.usable(&id).await.expect("complete");
        assert!(kept.settings.text().expect("JSON").expose().contains(SECRET));
        let moved = host.connections.enter_oidc(&host.owner, &id, draft("https://evil.example", "")).await;
        assert_eq!(field(moved), ("secret".into(), Code::Required));
        for plain in ["idp.example", SECRET, "Our people"] {
            let dump = host.test.dump().await;
            assert_eq!(dump.contains(plain), plain == "Our people", "{}: {plain}", host.test.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_in_by_settings_that_nobody_tested() {
    for host in fixtures().await {
        let id = host.oidc().await;
        let switch = |state| host.connections.switch(&host.owner, &id, state);
        assert_eq!(code(switch(State::On).await), Code::ConnectionUntested);
        // Looking from outside is no sign-in, and a failed one is none either.
        let usable = host.usable(&id).await.expect("complete");
        host.note(usable.clone(), false, Verdict::Passed).await;
        host.note(usable.clone(), true, Verdict::Failed).await;
        assert_eq!(code(switch(State::On).await), Code::ConnectionUntested);
        // Nor is one with settings that have changed since it began.
        host.connections.enter_oidc(&host.owner, &id, draft("https://other.example", SECRET)).await.expect("entered");
        host.note(usable, true, Verdict::Passed).await;
        assert_eq!(code(switch(State::On).await), Code::ConnectionUntested);
        host.tested(&id).await;
        switch(State::On).await.expect("tested");
        assert_eq!(host.usable(&id).await.map(|usable| usable.state), Some(State::On));
        // Whoever changes how everybody signs in does not do it unseen.
        assert_eq!(host.test.count("messages", "notice = 'switched_on' AND template = 'notice'").await, 1);
        let view = host.connections.find(&host.owner, &id).await.expect("there");
        assert!(view.report.is_some_and(|report| report.passed() && report.sign_in));
        // In use, the provider stays who it is.
        let moved = host.connections.enter_oidc(&host.owner, &id, draft("https://evil.example", "x")).await;
        assert_eq!(code(moved), Code::ConnectionOn);
        host.connections
            .enter_oidc(&host.owner, &id, draft("https://other.example", "renewed"))
            .await
            .expect("a secret");
        assert_eq!(host.usable(&id).await.map(|usable| usable.state), Some(State::On));
        switch(State::Off).await.expect("off");
        assert_eq!(code(switch(State::On).await), Code::ConnectionUntested);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_certificate_bridges_the_change_to_it() {
    for host in fixtures().await {
        let [old, new, third, fourth] = [20, 400, 500, 600].map(|days| certificate(&host.deps, days));
        let id = host.saml(std::slice::from_ref(&old)).await;
        host.switched_on(&id).await;
        let ends = |days: i64| host.deps.world.now().0 + days * DAY;
        let view = host.connections.find(&host.owner, &id).await.expect("there");
        let near = |at: i64, wanted: i64| (at - wanted).abs() < 2000;
        assert!(view.summary.certificate_ends_at.is_some_and(|at| near(at.0, ends(20))));
        let pem = format!("-----BEGIN CERTIFICATE-----\n{new}\n-----END CERTIFICATE-----\n");
        host.connections.add_certificate(&host.owner, &id, &pem).await.expect("added");
        host.connections.add_certificate(&host.owner, &id, &pem).await.expect("the same once more changes nothing");
        let view = host.connections.find(&host.owner, &id).await.expect("there");
        assert_eq!(view.summary.state, State::On, "whoever could sign in still can");
        assert!(view.summary.tested_at.is_some());
        assert!(view.summary.certificate_ends_at.is_some_and(|at| near(at.0, ends(400))));
        let Some(SettingsView::Saml(saml)) = view.settings else { panic!("SAML") };
        let [first, second] = &saml.certificates[..] else { panic!("{:?}", saml.certificates) };
        assert!(first.warning.is_some() && second.warning.is_none());
        // The provider's new metadata brings what is not there yet, up to three.
        let newer = metadata("https://idp.example", &[new.clone(), third.clone()]);
        host.connections.enter_metadata(&host.owner, &id, newer).await.expect("three together");
        let refused = host.connections.add_certificate(&host.owner, &id, &fourth).await;
        assert_eq!(field(refused), ("certificate".into(), Code::TooManyCertificates));
        host.connections.remove_certificate(&host.owner, &id, &first.fingerprint).await.expect("the old one goes");
        let gone = host.connections.remove_certificate(&host.owner, &id, &first.fingerprint).await;
        assert_eq!(code(gone), Code::NotFound);
        host.connections.remove_certificate(&host.owner, &id, &second.fingerprint).await.expect("one is left");
        let view = host.connections.find(&host.owner, &id).await.expect("there");
        let Some(SettingsView::Saml(saml)) = view.settings else { panic!("SAML") };
        let last = host.connections.remove_certificate(&host.owner, &id, &saml.certificates[0].fingerprint).await;
        assert_eq!(code(last), Code::LastCertificate);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_responses_are_read_can_be_changed_but_not_who_people_are() {
    for host in fixtures().await {
        let id = host.saml(&[certificate(&host.deps, 90)]).await;
        let view = host.connections.find(&host.owner, &id).await.expect("there");
        let Some(SettingsView::Saml(saml)) = view.settings else { panic!("SAML") };
        assert_eq!(saml.shape.groups, "Role", "as Keycloak names it");
        let shape = SamlShape { email: "mail".into(), trust_email: true, ..saml.shape };
        host.connections.shape_saml(&host.owner, &id, shape.clone()).await.expect("changed");
        host.switched_on(&id).await;
        let other = SamlShape { subject: "uid".into(), ..shape.clone() };
        assert_eq!(code(host.connections.shape_saml(&host.owner, &id, other).await), Code::ConnectionOn);
        let long = SamlShape { email: "x".repeat(300), ..shape };
        assert_eq!(field(host.connections.shape_saml(&host.owner, &id, long).await), ("email".into(), Code::TooLong));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn admission_is_kept_as_it_was_entered() {
    for host in fixtures().await {
        let id = host.oidc().await;
        let rule = |group: &str, role| RoleRule { group: group.into(), role };
        let admission = Admission {
            trust_factor: true,
            just_in_time: true,
            default_role: Some(Role::Viewer),
            role_map: vec![rule("  crew ", Role::Editor), rule(" ", Role::Admin), rule("leads", Role::Admin)],
        };
        host.connections.admit(&host.owner, &id, admission.clone()).await.expect("kept");
        let Usable { trust_factor, just_in_time, default_role, role_map, .. } = host.usable(&id).await.expect("there");
        assert!(trust_factor && just_in_time && default_role == Some(Role::Viewer));
        assert_eq!(role_map, [rule("crew", Role::Editor), rule("leads", Role::Admin)]);
        let owners = Admission { role_map: vec![rule("bosses", Role::Owner)], ..admission };
        assert_eq!(field(host.connections.admit(&host.owner, &id, owners).await), ("role_map".into(), Code::BadChoice));
        assert!(!host.test.dump().await.contains("leads"), "{}: groups are sealed", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_connection_leaves_neither_row_nor_key() {
    for host in fixtures().await {
        let id = host.oidc().await;
        host.connections.delete(&host.owner, &id).await.expect("deleted");
        assert_eq!(host.test.count("sso_connections", "1 = 1").await, 0);
        assert_eq!(host.test.count_keys(&format!("subject = '{id}' AND state = 'active'")).await, 0);
        assert!(host.usable(&id).await.is_none());
        assert_eq!(code(host.connections.delete(&host.owner, &id).await), Code::NotFound);
        let actions = host.test.select("SELECT action AS line FROM audit_entries ORDER BY at, id").await;
        for action in ["connections.create", "connections.change", "connections.delete"] {
            assert_eq!(actions.iter().filter(|line| *line == action).count(), 1, "{actions:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_not_too_many() {
    for host in fixtures().await {
        for _ in 0..MOST {
            host.create(Kind::Oidc, Provider::Okta).await;
        }
        let new = NewConnection { kind: Kind::Oidc, provider: Provider::Okta, name: "One more".into() };
        assert_eq!(code(host.connections.create(&host.owner, new).await), Code::TooMany);
        assert_eq!(host.connections.list(&host.owner).await.expect("listed").len(), MOST);
        host.test.clock.advance(CONFIRMED_FOR);
        let new = NewConnection { kind: Kind::Oidc, provider: Provider::Okta, name: "Late".into() };
        assert_eq!(code(host.connections.create(&host.owner, new).await), Code::ConfirmNeeded);
    }
}
