//! From what owners enter to settings that can be used, and from what is wrong with them to the field it is in.

use shutterpost_model::connections::{OidcDraft, Provider, SamlShape, Signed, label};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;
use shutterpost_sso::fetch::Fetch;
use shutterpost_sso::oidc::connection::{Authentication, Connection as Oidc};
use shutterpost_sso::oidc::reject::{Reject, Setting};
use shutterpost_sso::saml::certificate::{Certificate, CertificateError};
use shutterpost_sso::saml::connection::{
    AttributeNames, CERTIFICATES, Connection as Saml, Own, SubjectSource, Unusable, Want,
};
use shutterpost_sso::saml::metadata::{self, Metadata, MetadataReject};

/// Claims with groups, of one connection.
const MOST_CLAIMS: usize = 5;

/// Settings of OpenID Connect. `before` gives the secret that was not entered anew, as long as it is for the same client
/// of the same provider: a secret is never sent to where it was not meant for.
pub(super) fn oidc(
    provider: Provider,
    draft: &OidcDraft,
    before: Option<&Oidc>,
    fetch: &dyn Fetch,
) -> Result<Oidc, AppError> {
    let client_id = draft.client_id.trim();
    let (issuer, realm) = (draft.issuer.trim(), draft.realm.trim());
    let secret = Secret::new(draft.secret.expose().trim().to_owned());
    let mut made = match provider {
        Provider::Entra => Oidc::microsoft(realm, client_id, secret),
        Provider::Google => Oidc::google(realm, client_id, secret),
        Provider::Apple => Oidc::apple(client_id, draft.team_id.trim(), draft.key_id.trim(), secret),
        Provider::Okta | Provider::Keycloak | Provider::Adfs | Provider::Other => {
            Oidc::standard(issuer, client_id, secret)
        }
    };
    if draft.secret.expose().trim().is_empty()
        && let Some(before) = before.filter(|before| before.issuer == made.issuer && before.client_id == made.client_id)
    {
        keep_secret(&mut made.authentication, &before.authentication);
    }
    let claims: Vec<&str> = draft.group_claims.split(',').map(str::trim).filter(|claim| !claim.is_empty()).collect();
    if !claims.is_empty() {
        let right = claims.len() <= MOST_CLAIMS && claims.iter().all(|claim| label(claim).is_ok());
        if !right {
            return Err(AppError::field("group_claims", Code::TooLong));
        }
        made.group_claims = claims.into_iter().map(str::to_owned).collect();
    }
    made.check(fetch).map_err(|reject| setting(&reject))?;
    Ok(made)
}

fn keep_secret(made: &mut Authentication, before: &Authentication) {
    match (made, before) {
        (Authentication::Secret { secret, .. }, Authentication::Secret { secret: kept, .. })
        | (Authentication::AppleKey { private_key: secret, .. }, Authentication::AppleKey { private_key: kept, .. }) => {
            *secret = kept.clone()
        }
        _ => {}
    }
}

/// The field of a setting that cannot be.
fn setting(reject: &Reject) -> AppError {
    let Reject::Setting(setting) = reject else { return Code::Invalid.into() };
    match setting {
        Setting::Issuer => AppError::field("issuer", Code::BadUrl),
        Setting::ClientId => AppError::field("client_id", Code::Required),
        Setting::ClientSecret => AppError::field("secret", Code::Required),
        Setting::Tenant => AppError::field("realm", Code::BadTenant),
        Setting::Domain => AppError::field("realm", Code::BadDomain),
        Setting::AppleKey => AppError::field("secret", Code::BadKey),
        Setting::Scope => AppError::field("group_claims", Code::BadText),
    }
}

/// Whether people go on being sent to the same place, as the same client.
pub(super) fn same_provider(before: &Oidc, after: &Oidc) -> bool {
    before.issuer == after.issuer && before.client_id == after.client_id && before.rules == after.rules
}

/// What metadata makes of a connection.
pub(super) enum Change {
    /// Certificates alone: whoever could sign in still can.
    Certificates,
    Everything,
}

/// Settings of SAML from metadata. What is trusted already stays as long as it is the same provider's; in use, the metadata
/// may bring certificates and nothing else.
pub(super) fn saml(
    provider: Provider,
    own: Own,
    document: &[u8],
    before: Option<&Saml>,
    in_use: bool,
    now: Millis,
) -> Result<(Saml, Change), AppError> {
    let expected = before.filter(|_| in_use).map(|before| before.provider.as_str());
    let Metadata { entity_id, sign_in, sign_out, mut certificates, wants_signed_requests: _, valid_until: _ } =
        metadata::read(document, expected, now).map_err(|reject| refused(&reject))?;
    let same = before.filter(|before| before.provider == entity_id);
    if same.is_none() && certificates.len() > CERTIFICATES {
        certificates.sort_by_key(|certificate| std::cmp::Reverse(certificate.not_after()));
        certificates.truncate(CERTIFICATES);
    }
    let made = match same {
        Some(before) => {
            let mut all = before.certificates.clone();
            all.extend(certificates.into_iter().filter(|certificate| !before.certificates.contains(certificate)));
            if all.len() > CERTIFICATES {
                return Err(AppError::field("metadata", Code::TooManyCertificates));
            }
            if in_use {
                Saml { certificates: all, ..before.clone() }
            } else {
                Saml { own, sign_in, sign_out, certificates: all, ..before.clone() }
            }
        }
        None => {
            let (subject, attributes) = (SubjectSource::default(), usual_attributes(provider));
            let want = Want::default();
            let provider = entity_id;
            Saml { own, provider, sign_in, sign_out, certificates, want, subject, attributes, trust_email: false }
        }
    };
    made.check().map_err(|unusable| refused(&MetadataReject::Unusable(unusable)))?;
    let change = if in_use { Change::Certificates } else { Change::Everything };
    Ok((made, change))
}

/// What the products call their attributes, as far as their makers say.
fn usual_attributes(provider: Provider) -> AttributeNames {
    const CLAIMS: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
    let named = |email: &str, name: &str, groups: &str| AttributeNames {
        email: Some(email.to_owned()),
        name: Some(name.to_owned()),
        groups: Some(groups.to_owned()),
    };
    let (email, name) = (format!("{CLAIMS}/emailaddress"), format!("{CLAIMS}/name"));
    match provider {
        Provider::Entra => named(&email, &name, "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"),
        Provider::Adfs => named(&email, &name, "http://schemas.xmlsoap.org/claims/Group"),
        Provider::Keycloak => named("email", "name", "Role"),
        Provider::Google | Provider::Apple | Provider::Okta | Provider::Other => named("email", "name", "groups"),
    }
}

/// Why metadata is of no use, in a code with a text.
fn refused(reject: &MetadataReject) -> AppError {
    let code = match reject {
        MetadataReject::TooLarge => Code::TooLarge,
        MetadataReject::OtherEntity { .. } => Code::OtherProvider,
        MetadataReject::Expired { .. } => Code::MetadataEnded,
        MetadataReject::NoCertificate => Code::BadCertificate,
        MetadataReject::TooManyCertificates => Code::TooManyCertificates,
        MetadataReject::Certificate(error) => certificate_code(*error),
        MetadataReject::NoSignIn | MetadataReject::Unusable(Unusable::Address { .. }) => Code::NoSignInAddress,
        MetadataReject::Unusable(Unusable::Certificates { .. }) => Code::TooManyCertificates,
        MetadataReject::Doctype
        | MetadataReject::Malformed
        | MetadataReject::TooComplex
        | MetadataReject::Aggregate
        | MetadataReject::OtherDocument
        | MetadataReject::NoProvider
        | MetadataReject::Unusable(_) => Code::BadMetadata,
    };
    AppError::field("metadata", code)
}

const fn certificate_code(error: CertificateError) -> Code {
    match error {
        CertificateError::Weak { .. } => Code::WeakCertificate,
        _ => Code::BadCertificate,
    }
}

/// Reads one certificate and trusts it besides those that are there.
pub(super) fn with_certificate(before: &Saml, pem: &str) -> Result<Saml, AppError> {
    let field = |code| AppError::field("certificate", code);
    let certificate = Certificate::from_text(pem.trim()).map_err(|error| field(certificate_code(error)))?;
    let mut certificates = before.certificates.clone();
    if !certificates.contains(&certificate) {
        certificates.push(certificate);
    }
    if certificates.len() > CERTIFICATES {
        return Err(field(Code::TooManyCertificates));
    }
    Ok(Saml { certificates, ..before.clone() })
}

/// The same without one of them; `None` if it is not there.
pub(super) fn without_certificate(before: &Saml, fingerprint: &str) -> Result<Option<Saml>, AppError> {
    let keeps = |certificate: &&Certificate| certificate.fingerprint_text() != fingerprint;
    let certificates: Vec<Certificate> = before.certificates.iter().filter(keeps).cloned().collect();
    if certificates.len() == before.certificates.len() {
        return Ok(None);
    }
    if certificates.is_empty() {
        return Err(Code::LastCertificate.into());
    }
    Ok(Some(Saml { certificates, ..before.clone() }))
}

/// How responses are read from now on.
pub(super) fn shaped(before: &Saml, shape: &SamlShape) -> Saml {
    let named = |name: &str| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    Saml {
        want: match shape.signed {
            Signed::Either => Want::Either,
            Signed::Assertion => Want::Assertion,
            Signed::Response => Want::Response,
            Signed::Both => Want::Both,
        },
        subject: named(&shape.subject).map_or(SubjectSource::NameId, SubjectSource::Attribute),
        attributes: AttributeNames {
            email: named(&shape.email),
            name: named(&shape.name),
            groups: named(&shape.groups),
        },
        trust_email: shape.trust_email,
        ..before.clone()
    }
}
