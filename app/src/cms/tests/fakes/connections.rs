//! Connections from memory: one by OpenID Connect in use, one by SAML whose certificate is about to end, one just begun.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission, Role};
use shutterpost_model::connections::{
    Admission, CertificateView, CertificateWarning, ConnectionSummary, ConnectionView, Connections, Kind,
    NewConnection, OidcDraft, OidcView, OwnValues, Provider, ReportLine, RoleRule, SamlShape, SamlView, SettingsView,
    State, TestReport, Verdict,
};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::ConnectionId;
use shutterpost_model::time::DAY;

use super::{Answer, NOW, World, elsewhere};

/// The first is OpenID Connect, the second SAML, the third not set up yet.
pub fn connection_id(number: u8) -> ConnectionId {
    ConnectionId::new(NOW.0, [number; 10])
}

fn summary(number: u8) -> ConnectionSummary {
    let oidc = number == 1;
    ConnectionSummary {
        id: connection_id(number),
        name: format!("Staff <{number}>"),
        kind: if number == 2 { Kind::Saml } else { Kind::Oidc },
        provider: if oidc { Provider::Entra } else { Provider::Keycloak },
        state: if oidc { State::On } else { State::Off },
        complete: number < 3,
        tested_at: oidc.then_some(NOW),
        certificate_ends_at: (number == 2).then(|| NOW.plus(5 * DAY)),
    }
}

fn line(check: &str, verdict: Verdict, detail: Option<&str>) -> ReportLine {
    ReportLine { check: check.into(), verdict, detail: detail.map(str::to_owned) }
}

fn settings(number: u8) -> Option<SettingsView> {
    let certificate = CertificateView {
        fingerprint: "ab01".repeat(16),
        subject: "CN=idp <b>".into(),
        not_before: NOW,
        not_after: NOW.plus(5 * DAY),
        warning: Some(CertificateWarning::Within7Days),
    };
    match number {
        1 => Some(SettingsView::Oidc(OidcView {
            issuer: "https://login.microsoftonline.com/x/v2.0".into(),
            client_id: "client <1>".into(),
            realm: "11111111-2222-3333-4444-555555555555".into(),
            ..OidcView::default()
        })),
        2 => Some(SettingsView::Saml(SamlView {
            provider: "https://idp.example/<entity>".into(),
            sign_in: "https://idp.example/sso".into(),
            sign_out: None,
            certificates: vec![certificate],
            shape: SamlShape::default(),
        })),
        _ => None,
    }
}

#[async_trait]
impl Connections for World {
    async fn list(&self, actor: &Actor) -> Answer<Vec<ConnectionSummary>> {
        if !actor.may(Permission::SignInManage) {
            return Err(AppError::denied(actor, Permission::SignInManage));
        }
        Ok(if self.empty { Vec::new() } else { (1..=3).map(summary).collect() })
    }

    async fn find(&self, _: &Actor, id: &ConnectionId) -> Answer<ConnectionView> {
        let number = (1..=3).find(|number| connection_id(*number) == *id).ok_or(Code::NotFound)?;
        let own = if number == 2 {
            let base = format!("https://photos.example/sso/saml/{id}");
            let (entity_id, metadata) = (format!("{base}/metadata"), format!("{base}/metadata"));
            OwnValues::Saml { entity_id, metadata, acs: format!("{base}/acs"), slo: format!("{base}/slo") }
        } else {
            let base = format!("https://photos.example/sso/oidc/{id}");
            OwnValues::Oidc {
                redirect: format!("{base}/callback"),
                sign_out: format!("{base}/signed-out"),
                backchannel: format!("{base}/logout"),
            }
        };
        let lines = vec![
            line("discovery", Verdict::Passed, None),
            line("exchange", Verdict::Failed, Some("invalid_client")),
            line("signature", Verdict::NotReached, None),
        ];
        Ok(ConnectionView {
            summary: summary(number),
            own,
            settings: settings(number),
            admission: Admission {
                role_map: vec![RoleRule { group: "crew <b>".into(), role: Role::Editor }],
                default_role: Some(Role::Viewer),
                ..Admission::default()
            },
            report: (number == 1).then_some(TestReport { sign_in: true, lines, at: NOW }),
        })
    }

    async fn create(&self, _: &Actor, _: NewConnection) -> Answer<ConnectionId> {
        elsewhere()
    }

    async fn enter_oidc(&self, _: &Actor, _: &ConnectionId, _: OidcDraft) -> Answer<()> {
        elsewhere()
    }

    async fn enter_metadata(&self, _: &Actor, _: &ConnectionId, _: Vec<u8>) -> Answer<()> {
        elsewhere()
    }

    async fn shape_saml(&self, _: &Actor, _: &ConnectionId, _: SamlShape) -> Answer<()> {
        elsewhere()
    }

    async fn add_certificate(&self, _: &Actor, _: &ConnectionId, _: &str) -> Answer<()> {
        elsewhere()
    }

    async fn remove_certificate(&self, _: &Actor, _: &ConnectionId, _: &str) -> Answer<()> {
        elsewhere()
    }

    async fn admit(&self, _: &Actor, _: &ConnectionId, _: Admission) -> Answer<()> {
        elsewhere()
    }

    async fn switch(&self, _: &Actor, _: &ConnectionId, _: State) -> Answer<()> {
        elsewhere()
    }

    async fn delete(&self, _: &Actor, _: &ConnectionId) -> Answer<()> {
        elsewhere()
    }

    async fn fetch_metadata(&self, _: &Actor, _: &ConnectionId, _: &str) -> Answer<()> {
        elsewhere()
    }

    async fn probe(&self, _: &Actor, _: &ConnectionId) -> Answer<TestReport> {
        elsewhere()
    }
}
