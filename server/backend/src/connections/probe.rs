//! Looking at a connection from outside: what shows without a person who signs in.

use shutterpost_model::access::Actor;
use shutterpost_model::connections::{ReportLine, State, TestReport, Verdict};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::ConnectionId;
use shutterpost_model::time::Millis;
use shutterpost_sso::fetch::{self, FetchError};
use shutterpost_sso::oidc::connection::Connection as Oidc;
use shutterpost_sso::oidc::report::{Check, Outcome, Report};
use shutterpost_sso::saml::certificate::Warning;
use shutterpost_sso::saml::connection::Connection as Saml;

use super::queries;
use super::rows::Settings;
use super::service::ConnectionsService;
use crate::audit::record::{Doer, Entry, record};
use crate::db::write_tx;
use crate::error::Failure;
use crate::services::Deps;

/// What can be looked at of OpenID Connect without a person; the others need one.
const SEEN: [Check; 6] = [
    Check::Settings,
    Check::Discovery,
    Check::DiscoveryIssuer,
    Check::Endpoints,
    Check::Keys,
    Check::ClientAuthentication,
];

impl ConnectionsService {
    pub(super) async fn try_probe(&self, actor: &Actor, connection: &ConnectionId) -> Result<TestReport, Failure> {
        let scope = self.confirmed(actor)?;
        let (Deps { db, world, keystore, providers, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        let found = queries::find(&mut db.read().await?, &keystore, &scope, connection).await?;
        let usable = found.usable().ok_or(Code::ConnectionUntested)?;
        let now = world.now();
        let lines = match &usable.settings {
            Settings::Oidc(oidc) => probe_oidc(&providers.oidc, oidc, now).await,
            Settings::Saml(saml) => look_at(saml, now),
        };
        let report = TestReport { sign_in: false, lines, at: now };
        let kept = report.clone();
        write_tx!(db, tx => {
            queries::note_report(tx, &world, &keystore, &usable, &kept).await?;
            let entry = Entry::new("connections.test").object(usable.id.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })?;
        Ok(report)
    }

    pub(super) async fn try_fetch_metadata(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        url: &str,
    ) -> Result<(), Failure> {
        // Before anything is fetched: who may not change the connection does not make the server ask.
        let scope = self.confirmed(actor)?;
        let Deps { db, keystore, providers, .. } = &self.deps;
        let found = queries::find(&mut db.read().await?, keystore, &scope, connection).await?;
        if found.state == State::On {
            return Err(Code::ConnectionOn.into());
        }
        let document = fetch::document(&*providers.fetch, url.trim()).await;
        let document = document.map_err(|error| AppError::field("metadata_url", code(error)))?;
        self.try_enter_metadata(actor, connection, document).await
    }
}

const fn code(error: FetchError) -> Code {
    match error {
        FetchError::Address => Code::BadUrl,
        FetchError::Private => Code::UrlPrivate,
        FetchError::Redirect(_) => Code::UrlRedirects,
        FetchError::TooLong => Code::TooLarge,
        FetchError::Unresolved
        | FetchError::Unreachable
        | FetchError::Certificate
        | FetchError::TooSlow
        | FetchError::Broken
        | FetchError::Status(_) => Code::UrlUnreachable,
    }
}

async fn probe_oidc(relying_party: &shutterpost_sso::oidc::RelyingParty, oidc: &Oidc, now: Millis) -> Vec<ReportLine> {
    let mut report = Report::default();
    // What went wrong is in the report.
    let failed = relying_party.probe(oidc, now, &mut report).await.is_err();
    debug_assert_eq!(failed, report.checks().iter().any(|(_, outcome)| matches!(outcome, Outcome::Failed(..))));
    let checks = report.checks().into_iter().filter(|(check, _)| SEEN.contains(check));
    checks
        .map(|(check, outcome)| {
            let (verdict, detail) = match outcome {
                Outcome::Passed => (Verdict::Passed, None),
                Outcome::Failed(code, _) => (Verdict::Failed, Some(code.to_owned())),
                Outcome::NotReached => (Verdict::NotReached, None),
            };
            ReportLine { check: name(check), verdict, detail }
        })
        .collect()
}

/// The stable name of a check, as reports and texts have it.
fn name(check: Check) -> String {
    let value = serde_json::to_value(check).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// SAML asks nobody before somebody signs in: its settings and certificates are looked at.
fn look_at(saml: &Saml, now: Millis) -> Vec<ReportLine> {
    let line = |check: &str, failure: Option<&str>| ReportLine {
        check: check.to_owned(),
        verdict: if failure.is_some() { Verdict::Failed } else { Verdict::Passed },
        detail: failure.map(str::to_owned),
    };
    let settings = saml.check().err();
    let warnings = || saml.certificates.iter().map(|certificate| certificate.warning(now));
    // The key is trusted whatever its dates say, but most providers change it then.
    let ended = warnings().all(|warning| matches!(warning, Some(Warning::Ended | Warning::NotYetValid)));
    vec![
        line("connection", settings.as_ref().map(shutterpost_sso::saml::connection::Unusable::code)),
        line("certificate", ended.then_some("saml_certificate_ended")),
    ]
}
