//! Rows of `sso_connections` and their conversion.

use std::str::FromStr;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use shutterpost_model::access::Role;
use shutterpost_model::connections::{
    Admission, CertificateView, CertificateWarning, ConnectionSummary, ConnectionView, Kind, OidcView, OwnValues,
    Provider, RoleRule, SamlShape, SamlView, SettingsView, Signed, State, TestReport,
};
use shutterpost_model::id::{ConnectionId, OrganisationId};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;
use shutterpost_sso::oidc::connection::{Authentication, Connection as Oidc, Rules};
use shutterpost_sso::saml::certificate::{Certificate, Warning};
use shutterpost_sso::saml::connection::{Connection as Saml, Own, SubjectSource, Want};
use shutterpost_vault::data_key::DataKey;
use shutterpost_vault::wrap::Purpose;

use crate::context::World;
use crate::error::Failure;
use crate::keystore::{KeyRef, Place, Realm, Sealed};
use crate::schema::sso_connections;

/// The table, as sealed values name it.
pub(crate) const TABLE: &str = "sso_connections";

/// What was agreed with a provider. Secrets are in it: it is stored sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Settings {
    Oidc(Box<Oidc>),
    Saml(Box<Saml>),
}

impl Settings {
    pub(super) fn text(&self) -> Result<Secret, Failure> {
        Ok(Secret::new(serde_json::to_string(self)?))
    }

    /// When the last certificate ends; after that nobody should have to find out.
    pub(super) fn certificate_ends_at(&self) -> Option<i64> {
        match self {
            Self::Oidc(_) => None,
            Self::Saml(saml) => saml.certificates.iter().map(|certificate| certificate.not_after().0).max(),
        }
    }
}

/// The key of what a connection seals.
pub(crate) fn connection_key(organisation: &OrganisationId, connection: &str) -> KeyRef {
    KeyRef::of(organisation, Purpose::Subject, connection)
}

/// Where a value of a connection stands.
pub(crate) fn connection_place<'a>(realm: &'a Realm, column: &'static str, connection: &'a str) -> Place<'a> {
    Place { realm, table: TABLE, column, row: connection }
}

/// Seals values of one connection.
pub(super) struct Sealer<'a> {
    pub(super) world: &'a World,
    pub(super) key: &'a DataKey,
    pub(super) realm: Realm,
    pub(super) connection: &'a str,
}

impl Sealer<'_> {
    pub(super) fn settings(&self, settings: &Settings) -> Result<Sealed<Secret>, Failure> {
        let place = connection_place(&self.realm, "settings", self.connection);
        Ok(Sealed::seal(self.world, self.key, place, &settings.text()?))
    }

    pub(super) fn role_map(&self, rules: &[RoleRule]) -> Result<Sealed<String>, Failure> {
        let place = connection_place(&self.realm, "role_map", self.connection);
        Ok(Sealed::seal(self.world, self.key, place, &serde_json::to_string(rules)?))
    }

    pub(super) fn report(&self, report: &TestReport) -> Result<Sealed<String>, Failure> {
        let place = connection_place(&self.realm, "last_report", self.connection);
        Ok(Sealed::seal(self.world, self.key, place, &serde_json::to_string(report)?))
    }
}

/// Text as stored; anything else in its column is damage.
fn stored<T: FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::Internal("a stored id does not read".into()))
}

fn known<T>(found: Option<T>) -> Result<T, Failure> {
    found.ok_or_else(|| Failure::Internal("a stored connection does not read".into()))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sso_connections)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct ConnectionRow {
    organisation_id: String,
    id: String,
    kind: String,
    provider: String,
    name: String,
    settings: Option<Sealed<Secret>>,
    state: String,
    trust_factor: bool,
    just_in_time: bool,
    default_role: Option<String>,
    role_map: Sealed<String>,
    certificate_ends_at: Option<i64>,
    last_report: Option<Sealed<String>>,
    tested_at: Option<i64>,
    changed_at: i64,
}

/// A connection, open, for rules inside the server.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) organisation: OrganisationId,
    pub(crate) id: ConnectionId,
    pub(crate) kind: Kind,
    pub(crate) provider: Provider,
    pub(crate) name: String,
    pub(crate) settings: Option<Settings>,
    pub(crate) state: State,
    pub(crate) admission: Admission,
    pub(crate) certificate_ends_at: Option<Millis>,
    pub(crate) report: Option<TestReport>,
    pub(crate) tested_at: Option<Millis>,
    pub(crate) changed_at: Millis,
}

/// A connection whose provider's side was entered, for whoever signs people in by it.
#[derive(Debug, Clone)]
pub(crate) struct Usable {
    pub(crate) organisation: OrganisationId,
    pub(crate) id: ConnectionId,
    pub(crate) name: String,
    pub(crate) settings: Settings,
    pub(crate) trust_factor: bool,
    pub(crate) just_in_time: bool,
    pub(crate) default_role: Option<Role>,
    pub(crate) role_map: Vec<RoleRule>,
    /// Off: nobody signs in by it, but for a test.
    pub(crate) state: State,
    /// Of which settings a test was.
    pub(crate) changed_at: Millis,
}

impl ConnectionRow {
    /// The key that opens it.
    pub(crate) fn key(&self) -> Result<KeyRef, Failure> {
        Ok(connection_key(&stored(&self.organisation_id)?, &self.id))
    }

    pub(crate) fn open(self, key: &DataKey) -> Result<Stored, Failure> {
        let Self {
            organisation_id,
            id,
            kind,
            provider,
            name,
            settings,
            state,
            trust_factor,
            just_in_time,
            default_role,
            role_map,
            certificate_ends_at,
            last_report,
            tested_at,
            changed_at,
        } = self;
        let organisation: OrganisationId = stored(&organisation_id)?;
        let realm = Realm::Organisation(organisation.clone());
        let place = |column| connection_place(&realm, column, &id);
        let settings = match settings {
            Some(settings) => Some(serde_json::from_str(settings.open(key, place("settings"))?.expose())?),
            None => None,
        };
        let report = match last_report {
            Some(report) => Some(serde_json::from_str(&report.open(key, place("last_report"))?)?),
            None => None,
        };
        let role = default_role.map(|name| known(Role::from_name(&name))).transpose()?;
        let admission = Admission {
            trust_factor,
            just_in_time,
            default_role: role,
            role_map: serde_json::from_str(&role_map.open(key, place("role_map"))?)?,
        };
        Ok(Stored {
            organisation,
            id: stored(&id)?,
            kind: known(Kind::from_name(&kind))?,
            provider: known(Provider::from_name(&provider))?,
            name,
            settings,
            state: State::from_name(&state),
            admission,
            certificate_ends_at: certificate_ends_at.map(Millis),
            report,
            tested_at: tested_at.map(Millis),
            changed_at: Millis(changed_at),
        })
    }
}

/// A connection as the list needs it: nothing sealed.
#[derive(Queryable)]
pub(super) struct SummaryRow {
    id: String,
    name: String,
    kind: String,
    provider: String,
    state: String,
    complete: bool,
    tested_at: Option<i64>,
    certificate_ends_at: Option<i64>,
}

impl SummaryRow {
    pub(super) fn listed(self) -> Result<ConnectionSummary, Failure> {
        let Self { id, name, kind, provider, state, complete, tested_at, certificate_ends_at } = self;
        Ok(ConnectionSummary {
            id: stored(&id)?,
            name,
            kind: known(Kind::from_name(&kind))?,
            provider: known(Provider::from_name(&provider))?,
            state: State::from_name(&state),
            complete,
            tested_at: tested_at.map(Millis),
            certificate_ends_at: certificate_ends_at.map(Millis),
        })
    }
}

impl Stored {
    /// What whoever signs people in needs of it; nothing before the provider's side was entered.
    pub(super) fn usable(self) -> Option<Usable> {
        let Self { organisation, id, name, settings, state, admission, changed_at, .. } = self;
        let Admission { trust_factor, just_in_time, default_role, role_map } = admission;
        let settings = settings?;
        Some(Usable {
            organisation,
            id,
            name,
            settings,
            trust_factor,
            just_in_time,
            default_role,
            role_map,
            state,
            changed_at,
        })
    }

    /// What owners see; `origin` without a slash at its end.
    pub(super) fn view(self, origin: &str, now: Millis) -> ConnectionView {
        let own = own_values(origin, &self.id, self.kind);
        let Self {
            organisation: _,
            id,
            kind,
            provider,
            name,
            settings,
            state,
            admission,
            certificate_ends_at,
            report,
            tested_at,
            changed_at: _,
        } = self;
        let complete = settings.is_some();
        ConnectionView {
            summary: ConnectionSummary { id, name, kind, provider, state, complete, tested_at, certificate_ends_at },
            own,
            settings: settings.map(|settings| match settings {
                Settings::Oidc(oidc) => SettingsView::Oidc(oidc_view(*oidc)),
                Settings::Saml(saml) => SettingsView::Saml(saml_view(*saml, now)),
            }),
            admission,
            report,
        }
    }
}

/// Our side of a connection.
pub(super) fn own_values(origin: &str, id: &ConnectionId, kind: Kind) -> OwnValues {
    match kind {
        Kind::Oidc => {
            let base = format!("{origin}/sso/oidc/{id}");
            OwnValues::Oidc {
                redirect: format!("{base}/callback"),
                sign_out: format!("{base}/signed-out"),
                backchannel: format!("{base}/logout"),
            }
        }
        Kind::Saml => {
            let Own { entity_id, acs, slo } = Own::new(origin, id.as_str());
            // A document under our entity id is our metadata.
            OwnValues::Saml { metadata: entity_id.clone(), entity_id, acs, slo }
        }
    }
}

fn oidc_view(oidc: Oidc) -> OidcView {
    let Oidc { issuer, client_id, authentication, rules, scopes: _, group_claims, user_info: _ } = oidc;
    let (team_id, key_id) = match authentication {
        Authentication::Secret { .. } => (String::new(), String::new()),
        Authentication::AppleKey { team_id, key_id, private_key: _ } => (team_id, key_id),
    };
    let realm = match rules {
        Rules::Microsoft { tenant } => tenant,
        Rules::Google { domain } => domain,
        Rules::Standard | Rules::Apple => String::new(),
    };
    OidcView { issuer, client_id, realm, team_id, key_id, group_claims }
}

fn saml_view(saml: Saml, now: Millis) -> SamlView {
    let shape = shape_of(&saml);
    SamlView {
        provider: saml.provider,
        sign_in: saml.sign_in.url,
        sign_out: saml.sign_out.map(|endpoint| endpoint.url),
        certificates: saml.certificates.iter().map(|certificate| certificate_view(certificate, now)).collect(),
        shape,
    }
}

/// How the connection reads responses.
pub(super) fn shape_of(saml: &Saml) -> SamlShape {
    let text = |name: &Option<String>| name.clone().unwrap_or_default();
    SamlShape {
        signed: match saml.want {
            Want::Either => Signed::Either,
            Want::Assertion => Signed::Assertion,
            Want::Response => Signed::Response,
            Want::Both => Signed::Both,
        },
        subject: match &saml.subject {
            SubjectSource::NameId => String::new(),
            SubjectSource::Attribute(name) => name.clone(),
        },
        email: text(&saml.attributes.email),
        name: text(&saml.attributes.name),
        groups: text(&saml.attributes.groups),
        trust_email: saml.trust_email,
    }
}

fn certificate_view(certificate: &Certificate, now: Millis) -> CertificateView {
    CertificateView {
        fingerprint: certificate.fingerprint_text(),
        subject: certificate.subject().to_owned(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        warning: certificate.warning(now).map(|warning| match warning {
            Warning::NotYetValid => CertificateWarning::NotYetValid,
            Warning::Within30Days => CertificateWarning::Within30Days,
            Warning::Within7Days => CertificateWarning::Within7Days,
            Warning::WithinADay => CertificateWarning::WithinADay,
            Warning::Ended => CertificateWarning::Ended,
        }),
    }
}

#[derive(Insertable)]
#[diesel(table_name = sso_connections)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct NewConnectionRow<'a> {
    pub(super) organisation_id: &'a str,
    pub(super) id: &'a str,
    pub(super) kind: &'a str,
    pub(super) provider: &'a str,
    pub(super) name: &'a str,
    pub(super) state: &'a str,
    pub(super) trust_factor: bool,
    pub(super) just_in_time: bool,
    pub(super) role_map: Sealed<String>,
    pub(super) created_at: i64,
    pub(super) changed_at: i64,
}

/// What a change of the settings writes; unlike other changes it makes a test worthless, but for certificates and secrets.
#[derive(AsChangeset)]
#[diesel(table_name = sso_connections)]
#[diesel(treat_none_as_null = true)]
pub(super) struct SettingsRow {
    pub(super) settings: Sealed<Secret>,
    pub(super) certificate_ends_at: Option<i64>,
    /// Of another certificate the owners have not been told.
    pub(super) certificate_told: Option<i32>,
    pub(super) tested_at: Option<i64>,
    pub(super) changed_at: i64,
}
