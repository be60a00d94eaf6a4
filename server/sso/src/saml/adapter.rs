//! The one module that names the crate `saml`: everything that is proved is proved and read by it, in one tree.
//!
//! What is added around it, and why:
//! - each signature that is there has to be right. The crate leaves one out that was not asked for;
//! - a signature refers to the ID of what it is in. The crate also takes an empty reference, for the response;
//! - a signed message names its destination, a person did sign in, and names are of a length and form that can be kept and
//!   shown. The crate leaves these to its caller;
//! - messages are bounded before it sees them, in bytes and in what they ask of a reader: it canonicalises before it knows
//!   who has signed, and takes minutes for nested namespaces.

mod explain;
mod person;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::saml::{
    ConsumeLogoutRequest, ConsumeLogoutResponse, ConsumeResponse, DigestAlgorithm, Endpoint, IdpDescriptor,
    InMemoryReplayCache, LoginTracker, LogoutOutcome, PeerCryptoPolicy, ReplayMode, ServiceProvider,
    ServiceProviderConfig, SignatureAlgorithm, SpLogoutSigning, SpLogoutWantSigned, SpWantSigned, SsoResponseBinding,
    SsoResponseEndpoint, X509Certificate,
};
use data_encoding::BASE64;
use shutterpost_model::time::Millis;
use subtle::ConstantTimeEq as _;

use self::explain::{compared, explain};
use self::person::{bounded_id, name, name_id, person};
use super::connection::{Connection, Unusable, Want};
use super::login::{Attempt, Consumed, Departure, Form, Freshness, OneUse, Proved, Tracker};
use super::logout::{Demand, LogoutAttempt, LogoutMessage, LogoutTracker, Outcome};
use super::message::Glimpse;
use super::reject::{Reject, SubjectPlace, Term, clip};
use super::report::Report;
use super::wire::{REQUEST, RESPONSE};
use super::xml::XmlError;
use super::{ATTEMPT, SKEW, SamlVerifier, request, wire};

/// [`SamlVerifier`] by the crate `saml`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Verifier;

impl SamlVerifier for Verifier {
    fn start(&self, connection: &Connection, attempt: &Attempt<'_>) -> Result<(Departure, Tracker), Unusable> {
        request::start(connection, attempt)
    }

    fn consume(&self, connection: &Connection, tracker: Option<&Tracker>, form: &Form<'_>, now: Millis) -> Consumed {
        let mut glimpse = Glimpse::default();
        let outcome = prove(connection, tracker, form, now, &mut glimpse);
        let report = Report::new(outcome.as_ref().err(), |check| compared(check, connection, tracker, &glimpse, now));
        Consumed { outcome, report }
    }

    fn start_logout(
        &self,
        connection: &Connection,
        attempt: &LogoutAttempt<'_>,
    ) -> Result<(Departure, LogoutTracker), Unusable> {
        request::start_logout(connection, attempt)
    }

    fn finish_logout(
        &self,
        connection: &Connection,
        tracker: &LogoutTracker,
        message: &LogoutMessage<'_>,
        now: Millis,
    ) -> Result<Outcome, Reject> {
        connection.check()?;
        if tracker.provider != connection.provider {
            return Err(Reject::OtherConnection);
        }
        let signed = Signed::arrive(connection, message, RESPONSE, "LogoutResponse")?;
        let tracker = ::saml::LogoutTracker {
            request_id: tracker.request.clone(),
            issued_at: system_time(tracker.began),
            peer_entity_id: tracker.provider.clone(),
        };
        let outcome = signed.provider.consume_logout_response(
            &signed.descriptor,
            ConsumeLogoutResponse {
                peer_crypto_policy: None,
                body: &signed.body,
                binding: signed.binding,
                detached_signature: None,
                tracker: &tracker,
                expected_destination: &connection.own.slo,
                now: system_time(now),
                clock_skew: skew(),
            },
        );
        let outcome = outcome.map_err(|error| explain(error, &signed.glimpse, connection, &[], now))?;
        signed.guard(connection, now)?;
        Ok(match outcome {
            LogoutOutcome::Success => Outcome::Ended,
            LogoutOutcome::PartialLogout { .. } => Outcome::Partly,
            LogoutOutcome::Failure { .. } => Outcome::Failed,
        })
    }

    fn receive_logout(
        &self,
        connection: &Connection,
        message: &LogoutMessage<'_>,
        now: Millis,
    ) -> Result<Demand, Reject> {
        connection.check()?;
        let signed = Signed::arrive(connection, message, REQUEST, "LogoutRequest")?;
        let read = signed.provider.consume_logout_request(
            &signed.descriptor,
            ConsumeLogoutRequest {
                peer_crypto_policy: None,
                body: &signed.body,
                binding: signed.binding,
                detached_signature: None,
                expected_destination: &connection.own.slo,
                now: system_time(now),
                clock_skew: skew(),
            },
        );
        let read = read.map_err(|error| explain(error, &signed.glimpse, connection, &[], now))?;
        signed.guard(connection, now)?;
        let mut sessions = Vec::new();
        for session in &read.session_index {
            sessions.push(name(session, SubjectPlace::SessionIndex)?);
        }
        let issued = millis(read.issue_instant);
        Ok(Demand {
            name_id: name_id(&read.name_id)?,
            sessions,
            message: OneUse { id: bounded_id(&read.id)?, keep_until: issued.plus(ATTEMPT + SKEW) },
            relay_state: signed.relay_state,
        })
    }

    fn answer_logout(
        &self,
        connection: &Connection,
        demand: &Demand,
        id: [u8; 20],
        now: Millis,
    ) -> Result<Departure, Unusable> {
        request::answer_logout(connection, demand, id, now)
    }
}

/// The whole way of a response.
fn prove(
    connection: &Connection,
    tracker: Option<&Tracker>,
    form: &Form<'_>,
    now: Millis,
    glimpse: &mut Glimpse,
) -> Result<Proved, Reject> {
    connection.check()?;
    let xml = wire::decode(form.saml_response)?;
    *glimpse = Glimpse::of(&xml);
    let tracker = tracker.ok_or(Reject::Unsolicited)?;
    check_attempt(connection, tracker, form, now)?;
    check_document(glimpse, "Response")?;

    let descriptor = descriptor(connection)?;
    // A signature that is there has to be right, also where it is not asked for.
    let want = SpWantSigned {
        response: glimpse.signed || matches!(connection.want, Want::Response | Want::Both),
        assertions: glimpse.assertion_signed() || matches!(connection.want, Want::Assertion | Want::Both),
    };
    let provider = service_provider(connection, want)?;
    let identity = provider.consume_response(ConsumeResponse {
        idp: &descriptor,
        peer_crypto_policy: None,
        saml_response: &xml,
        binding: SsoResponseBinding::HttpPost,
        relay_state: None,
        tracker: Some(&crate_tracker(tracker, connection)?),
        expected_destination: &connection.own.acs,
        now: system_time(now),
        clock_skew: skew(),
        // Only so that an assertion for one use is taken at all: what has been used is remembered by our caller, in a
        // table that every node shares.
        replay_cache: Some(&InMemoryReplayCache::default()),
        replay_mode: ReplayMode::All,
        holder_of_key_cert: None,
    });
    let identity = identity.map_err(|error| explain(error, glimpse, connection, &tracker.certificates, now))?;

    check_signed(glimpse, &connection.own.acs)?;
    // The crate would take the time of the assertion for that of a sign-in which it does not state.
    if glimpse.assertion.as_ref().is_none_or(|assertion| assertion.sign_ins == 0) {
        return Err(Reject::NoSignIn);
    }
    let before = tracker.began.0 - millis(identity.authn_instant()).0;
    if tracker.freshness == Freshness::Again && before > SKEW {
        return Err(Reject::NotAnew { seconds: before / 1000 });
    }
    Ok(Proved {
        person: person(connection, &identity, now)?,
        name_id: name_id(identity.name_id())?,
        assertion: OneUse {
            id: bounded_id(identity.assertion_id())?,
            // Past either, it is refused without having been remembered.
            keep_until: millis(identity.not_on_or_after()).min(tracker.ends()).plus(SKEW),
        },
        certificate: identity.verifying_cert_fingerprint(),
    })
}

/// Whether the sign-in that is answered began here and not too long ago.
fn check_attempt(connection: &Connection, tracker: &Tracker, form: &Form<'_>, now: Millis) -> Result<(), Reject> {
    if tracker.acs != connection.own.acs || tracker.provider != connection.provider {
        return Err(Reject::OtherConnection);
    }
    let relay_state = request::digest(form.relay_state.unwrap_or_default());
    if !bool::from(relay_state.ct_eq(&tracker.relay_state)) {
        return Err(Reject::RelayState);
    }
    let seconds = (now.0 - tracker.began.0) / 1000;
    if now > tracker.ends() || tracker.began > now.plus(SKEW) {
        return Err(Reject::TooSlow { seconds });
    }
    Ok(())
}

/// What can be said of a document before anything is verified.
fn check_document(glimpse: &Glimpse, kind: &str) -> Result<(), Reject> {
    match glimpse.broken {
        Some(XmlError::Doctype) => Err(Reject::Doctype),
        Some(XmlError::Malformed) => Err(Reject::Malformed),
        Some(XmlError::TooComplex) => Err(Reject::TooComplex),
        None if glimpse.kind != kind => Err(Reject::OtherMessage { found: clip(&glimpse.kind) }),
        None => Ok(()),
    }
}

/// What a signed message has to have beyond a signature that holds.
fn check_signed(glimpse: &Glimpse, destination: &str) -> Result<(), Reject> {
    if glimpse.refers_elsewhere {
        return Err(Reject::Signature { reason: "its reference is not the ID of the element that it is in" });
    }
    if glimpse.signed && glimpse.destination.is_none() {
        return Err(Reject::Destination { expected: destination.to_owned(), found: None });
    }
    Ok(())
}

/// A message for signing out on its way to the crate.
struct Signed {
    glimpse: Glimpse,
    descriptor: IdpDescriptor,
    provider: ServiceProvider,
    body: Vec<u8>,
    binding: ::saml::Binding,
    relay_state: Option<String>,
}

impl Signed {
    fn arrive(
        connection: &Connection,
        message: &LogoutMessage<'_>,
        field: &'static str,
        kind: &str,
    ) -> Result<Self, Reject> {
        let wire::Arrived { xml, relay_state } = wire::arrive(message, field)?;
        let glimpse = Glimpse::of(&xml);
        check_document(&glimpse, kind)?;
        let (body, binding) = match message {
            LogoutMessage::Redirect { query } => (query.as_bytes().to_vec(), ::saml::Binding::HttpRedirect),
            LogoutMessage::Post { .. } => (BASE64.encode(&xml).into_bytes(), ::saml::Binding::HttpPost),
        };
        let provider = service_provider(connection, SpWantSigned::default())?;
        Ok(Self { glimpse, descriptor: descriptor(connection)?, provider, body, binding, relay_state })
    }

    /// What the crate leaves to us: where it is for, and when it was made, so that it need not be remembered for ever.
    fn guard(&self, connection: &Connection, now: Millis) -> Result<(), Reject> {
        check_signed(&self.glimpse, &connection.own.slo)?;
        if self.glimpse.destination.is_none() {
            return Err(Reject::Destination { expected: connection.own.slo.clone(), found: None });
        }
        let age = now.0 - self.glimpse.issued.ok_or(Reject::Malformed)?.0;
        if age > ATTEMPT {
            return Err(Reject::Expired { what: Term::Message, seconds: (age - ATTEMPT) / 1000 });
        }
        if age < -SKEW {
            return Err(Reject::NotYetValid { seconds: -age / 1000 });
        }
        Ok(())
    }
}

fn service_provider(connection: &Connection, want_signed: SpWantSigned) -> Result<ServiceProvider, Reject> {
    let own = &connection.own;
    let provider = ServiceProvider::new(ServiceProviderConfig {
        entity_id: own.entity_id.clone(),
        acs: vec![SsoResponseEndpoint::post(&own.acs, 0, true)],
        slo: vec![Endpoint::redirect(&own.slo, 0, true), Endpoint::post(&own.slo, 1, false)],
        name_id_formats: Vec::new(),
        signing_key: None,
        decryption_key: None,
        sign_authn_requests: false,
        want_signed,
        allow_unsolicited: false,
        logout_signing: SpLogoutSigning { sign_requests: false, sign_responses: false },
        logout_want_signed: SpLogoutWantSigned { requests: true, responses: true },
        default_peer_crypto_policy: PeerCryptoPolicy::strong_defaults(),
        // Nothing is signed with them.
        outbound_signature_algorithm: SignatureAlgorithm::RsaSha256,
        outbound_digest_algorithm: DigestAlgorithm::Sha256,
    });
    provider.map_err(|_| Reject::Connection(Unusable::Provider))
}

fn descriptor(connection: &Connection) -> Result<IdpDescriptor, Reject> {
    let certificates = &connection.certificates;
    let read: Result<Vec<_>, _> = certificates.iter().map(|one| X509Certificate::from_der(one.der())).collect();
    let unusable = |_| Reject::Connection(Unusable::Certificates { count: certificates.len() });
    Ok(IdpDescriptor {
        entity_id: connection.provider.clone(),
        sso_endpoints: Vec::new(),
        slo_endpoints: Vec::new(),
        artifact_resolution_endpoints: Vec::new(),
        signing_certs: read.map_err(unusable)?,
        encryption_certs: Vec::new(),
        supported_name_id_formats: Vec::new(),
        want_authn_requests_signed: false,
        valid_until: None,
        cache_duration: None,
    })
}

/// The crate makes its tracker from a sealed text alone, for callers that give it to the browser. Ours never leaves the
/// server: it is sealed and opened in one breath, under a key that guards nothing.
fn crate_tracker(tracker: &Tracker, connection: &Connection) -> Result<LoginTracker, Reject> {
    const NOWHERE: [u8; 32] = [0; 32];
    let began = system_time(tracker.began);
    let payload = ::saml::sp::LoginTrackerPayload {
        request_id: tracker.request.clone(),
        issued_at: began,
        idp_entity_id: tracker.provider.clone(),
        acs_endpoint: SsoResponseEndpoint::post(&connection.own.acs, 0, true),
        requested_authn_context: None,
        requested_name_id_format: None,
        idp_signing_cert_fingerprints: tracker.certificates.clone(),
        idp_artifact_resolution_services: Vec::new(),
    };
    let sealed = payload.seal(&NOWHERE).map_err(|_| Reject::Malformed)?;
    LoginTracker::open(&sealed, &NOWHERE, began, skew()).map_err(|_| Reject::Malformed)
}

/// An instant as SAML writes it.
pub(super) fn instant(text: &str) -> Option<Millis> {
    ::saml::parse_xs_datetime(text.trim()).ok().map(millis)
}

fn millis(time: SystemTime) -> Millis {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        Err(before) => Millis(i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis)),
    }
}

fn system_time(time: Millis) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(time.0).unwrap_or(0))
}

fn skew() -> Duration {
    Duration::from_millis(SKEW.unsigned_abs())
}
