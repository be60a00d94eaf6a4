//! Why the crate refused, in words that help: its errors with what the message says of itself.

use ::saml::Error;
use shutterpost_model::time::Millis;

use super::super::SKEW;
use super::super::certificate::{Certificate, CertificateError};
use super::super::connection::Connection;
use super::super::login::Tracker;
use super::super::message::Glimpse;
use super::super::reject::{Fault, Place, Reject, SubjectPlace, Term, clip};
use super::super::report::Check;

/// The crate's refusal in our words, with what the message says of itself. `pinned` are the certificates of the attempt.
pub(super) fn explain(
    error: Error,
    glimpse: &Glimpse,
    connection: &Connection,
    pinned: &[[u8; 32]],
    now: Millis,
) -> Reject {
    let own = &connection.own;
    let assertion = glimpse.assertion.as_ref();
    let is_response = glimpse.kind == "Response";
    let methods = || assertion.map(|assertion| assertion.methods.clone()).unwrap_or_default();
    match error {
        Error::SchemaViolation { element, reason } => Reject::Schema { element: clip(&element), reason },
        Error::DestinationMismatch => {
            let expected = if is_response { &own.acs } else { &own.slo };
            Reject::Destination { expected: expected.clone(), found: glimpse.destination.as_deref().map(clip) }
        }
        Error::IssuerMismatch { got, .. } => {
            let outer = glimpse.issuer.as_deref() != Some(&connection.provider);
            let place = if outer { Place::Message } else { Place::Assertion };
            Reject::Issuer { place, expected: connection.provider.clone(), found: got.as_deref().map(clip) }
        }
        Error::StatusNotSuccess { code, .. } => {
            let detail = glimpse.status.as_ref().and_then(|(_, inner)| inner.as_deref());
            Reject::Status { code: clip(&code), detail: detail.map(clip) }
        }
        Error::InResponseToMismatch => Reject::InResponseTo,
        Error::UnsolicitedNotAllowed => Reject::Unsolicited,
        Error::SignatureMissing => Reject::Unsigned { want: connection.want },
        Error::DisallowedAlgorithm { alg: name } | Error::DisallowedTransform { transform: name } => {
            Reject::Algorithm { name: clip(&name) }
        }
        Error::ReferenceResolution => Reject::Signature { reason: "it refers to nothing that is in the message" },
        // What was sent in base64 is decoded before.
        Error::Base64Decode => Reject::Signature { reason: "a value of it is not base64" },
        Error::SignatureVerification { reason: "no candidate cert matched" } => foreign(glimpse, connection, pinned),
        Error::SignatureVerification { reason: "no bearer SubjectConfirmation" } => {
            Reject::Confirmation { methods: methods() }
        }
        Error::HolderOfKeyConfirmation { .. } => Reject::Confirmation { methods: methods() },
        Error::SignatureVerification { reason } => Reject::Signature { reason },
        Error::IdpTrustRootMismatch => Reject::CertificatesChanged,
        Error::NotYetValid => {
            let from = assertion.and_then(|assertion| assertion.not_before.max(assertion.confirmed_from));
            Reject::NotYetValid { seconds: from.map_or(0, |from| (from.0 - now.0) / 1000) }
        }
        Error::Expired => expired(glimpse, now),
        Error::AudienceMismatch => {
            let found = assertion.map(|assertion| assertion.audiences.clone()).unwrap_or_default();
            Reject::Audience { expected: own.entity_id.clone(), found }
        }
        Error::RecipientMismatch => {
            let found = assertion.map(|assertion| assertion.recipients.clone()).unwrap_or_default();
            Reject::Recipient { expected: own.acs.clone(), found }
        }
        Error::NameIdSpQualifierMismatch { .. } => Reject::Subject { of: SubjectPlace::NameId, fault: Fault::Foreign },
        _ if glimpse.encrypted => Reject::Encrypted,
        _ if is_response && glimpse.assertions != 1 => Reject::Assertions { count: glimpse.assertions },
        _ if assertion.is_some_and(|assertion| assertion.not_on_or_after.is_none()) => {
            Reject::Endless { what: Term::Assertion }
        }
        // The crate's own words may quote the message.
        _ => Reject::Malformed,
    }
}

/// A signature that no trusted certificate made: names the one that it says it was made with.
fn foreign(glimpse: &Glimpse, connection: &Connection, pinned: &[[u8; 32]]) -> Reject {
    let claimed = glimpse.certificates.iter().map(|text| Certificate::from_text(text));
    let claimed: Vec<Certificate> = claimed.filter_map(Result::ok).collect();
    let trusted = |one: &Certificate| connection.certificates.contains(one);
    if let Some(unknown) = claimed.iter().find(|one| !trusted(one)) {
        let (fingerprint, subject) = (unknown.fingerprint_text(), unknown.subject().to_owned());
        return Reject::UntrustedCertificate { fingerprint, subject };
    }
    if claimed.iter().any(|one| trusted(one) && !pinned.is_empty() && !pinned.contains(&one.fingerprint())) {
        return Reject::CertificatesChanged;
    }
    Reject::Signature { reason: "no trusted certificate made it" }
}

/// The crate has one word for all that can end.
fn expired(glimpse: &Glimpse, now: Millis) -> Reject {
    let ended = |end: Option<Millis>| end.filter(|end| end.0 <= now.0 - SKEW).map(|end| (now.0 - end.0) / 1000);
    let Some(assertion) = &glimpse.assertion else { return Reject::Expired { what: Term::Message, seconds: 0 } };
    if let Some(seconds) = ended(assertion.not_on_or_after) {
        Reject::Expired { what: Term::Assertion, seconds }
    } else if let Some(seconds) = ended(assertion.confirmed_until) {
        Reject::Expired { what: Term::Confirmation, seconds }
    } else if let Some(seconds) = ended(assertion.session_end) {
        Reject::Expired { what: Term::Session, seconds }
    } else {
        Reject::Endless { what: Term::Confirmation }
    }
}

/// The two values of a check, for a report.
pub(super) fn compared(
    check: Check,
    connection: &Connection,
    tracker: Option<&Tracker>,
    glimpse: &Glimpse,
    now: Millis,
) -> (Option<String>, Option<String>) {
    let own = &connection.own;
    let assertion = glimpse.assertion.as_ref();
    let shown = |text: &Option<String>| text.as_deref().map(clip);
    let joined = |all: Option<&Vec<String>>| all.filter(|all| !all.is_empty()).map(|all| all.join(", "));
    let range = |from: Option<Millis>, until: Option<Millis>| {
        let time = |time: Option<Millis>| time.map_or_else(|| "…".to_owned(), Millis::rfc3339);
        (from.is_some() || until.is_some()).then(|| format!("{} – {}", time(from), time(until)))
    };
    match check {
        Check::Destination => (Some(own.acs.clone()), shown(&glimpse.destination)),
        Check::Issuer => (Some(connection.provider.clone()), shown(&glimpse.issuer)),
        Check::Status => {
            let found = glimpse.status.as_ref().map(|(outer, inner)| match inner {
                Some(inner) => clip(&format!("{outer}, {inner}")),
                None => clip(outer),
            });
            (Some("urn:oasis:names:tc:SAML:2.0:status:Success".to_owned()), found)
        }
        Check::InResponseTo => (tracker.map(|tracker| tracker.request.clone()), shown(&glimpse.in_response_to)),
        Check::Signature => {
            let trusted = connection.certificates.iter().map(Certificate::fingerprint_text).collect::<Vec<_>>();
            let read = glimpse.certificates.iter().map(|text| Certificate::from_text(text));
            let found: Vec<String> = read.map(fingerprint_or_reason).collect();
            (Some(trusted.join(", ")), joined(Some(&found)))
        }
        Check::AssertionIssuer => (Some(connection.provider.clone()), assertion.and_then(|one| shown(&one.issuer))),
        Check::Time => (Some(now.rfc3339()), assertion.and_then(|one| range(one.not_before, one.not_on_or_after))),
        Check::Audience => (Some(own.entity_id.clone()), joined(assertion.map(|one| &one.audiences))),
        Check::Confirmation => (Some(own.acs.clone()), joined(assertion.map(|one| &one.recipients))),
        _ => (None, None),
    }
}

fn fingerprint_or_reason(read: Result<Certificate, CertificateError>) -> String {
    read.map_or_else(|error| error.to_string(), |certificate| certificate.fingerprint_text())
}
