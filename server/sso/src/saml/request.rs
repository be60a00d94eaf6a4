//! The messages that we send. None is signed: a request asks for nothing that its sender could not have by other ways, and
//! an answer tells nothing new. So no private key has to be kept for it.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use shutterpost_model::time::Millis;

use super::certificate::Certificate;
use super::connection::{Connection, Unusable};
use super::login::{Attempt, Departure, Freshness, Tracker};
use super::logout::{Demand, LogoutAttempt, LogoutTracker, NameId};
use super::wire::{REQUEST, RESPONSE, depart, escape};
use super::xml::{ASSERTION, PROTOCOL};

/// Begins a sign-in.
pub(super) fn start(connection: &Connection, attempt: &Attempt<'_>) -> Result<(Departure, Tracker), Unusable> {
    connection.check()?;
    let request = message_id(attempt.id);
    let force = match attempt.freshness {
        Freshness::Any => "",
        Freshness::Again => " ForceAuthn=\"true\"",
    };
    let xml = format!(
        "{}{force} ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" AssertionConsumerServiceURL=\"{}\">\
         <saml:Issuer>{}</saml:Issuer><samlp:NameIDPolicy AllowCreate=\"true\"/></samlp:AuthnRequest>",
        opening("AuthnRequest", &request, &connection.sign_in.url, attempt.now),
        escape(&connection.own.acs),
        escape(&connection.own.entity_id),
    );
    let departure = depart(&connection.sign_in, REQUEST, &xml, Some(attempt.relay_state))?;
    let tracker = Tracker {
        request,
        relay_state: digest(attempt.relay_state),
        provider: connection.provider.clone(),
        acs: connection.own.acs.clone(),
        certificates: connection.certificates.iter().map(Certificate::fingerprint).collect(),
        freshness: attempt.freshness,
        began: attempt.now,
    };
    Ok((departure, tracker))
}

/// Begins a sign-out.
pub(super) fn start_logout(
    connection: &Connection,
    attempt: &LogoutAttempt<'_>,
) -> Result<(Departure, LogoutTracker), Unusable> {
    connection.check()?;
    let endpoint = connection.sign_out.as_ref().ok_or(Unusable::NoSignOut)?;
    let request = message_id(attempt.id);
    let session =
        attempt.session.map(|session| format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", escape(session)));
    let xml = format!(
        "{}><saml:Issuer>{}</saml:Issuer>{}{}</samlp:LogoutRequest>",
        opening("LogoutRequest", &request, &endpoint.url, attempt.now),
        escape(&connection.own.entity_id),
        name_id(attempt.name_id),
        session.unwrap_or_default(),
    );
    let departure = depart(endpoint, REQUEST, &xml, Some(attempt.relay_state))?;
    Ok((departure, LogoutTracker { request, provider: connection.provider.clone(), began: attempt.now }))
}

/// Says that a demand was met.
pub(super) fn answer_logout(
    connection: &Connection,
    demand: &Demand,
    id: [u8; 20],
    now: Millis,
) -> Result<Departure, Unusable> {
    connection.check()?;
    let endpoint = connection.sign_out.as_ref().ok_or(Unusable::NoSignOut)?;
    let xml = format!(
        "{} InResponseTo=\"{}\"><saml:Issuer>{}</saml:Issuer><samlp:Status>\
         <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status></samlp:LogoutResponse>",
        opening("LogoutResponse", &message_id(id), &endpoint.url, now),
        escape(&demand.message.id),
        escape(&connection.own.entity_id),
    );
    depart(endpoint, RESPONSE, &xml, demand.relay_state.as_deref())
}

/// SHA-256 of a relay state.
pub(super) fn digest(relay_state: &str) -> [u8; 32] {
    Sha256::digest(relay_state.as_bytes()).into()
}

/// The beginning of a message, up to where its other attributes go.
fn opening(kind: &str, id: &str, destination: &str, now: Millis) -> String {
    format!(
        "<samlp:{kind} xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"{}\" Destination=\"{}\"",
        now.rfc3339(),
        escape(destination),
    )
}

fn name_id(name_id: &NameId) -> String {
    let attribute = |name: &str, value: &Option<String>| match value {
        Some(value) => format!(" {name}=\"{}\"", escape(value)),
        None => String::new(),
    };
    format!(
        "<saml:NameID{}{}{}>{}</saml:NameID>",
        attribute("Format", &name_id.format),
        attribute("NameQualifier", &name_id.qualifier),
        attribute("SPNameQualifier", &name_id.sp_qualifier),
        escape(name_id.value.expose()),
    )
}

/// An ID of XML must not begin with a digit.
fn message_id(bytes: [u8; 20]) -> String {
    format!("_{}", HEXLOWER.encode(&bytes))
}
