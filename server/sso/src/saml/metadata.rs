//! Metadata: what a provider says of itself, and what we say of ourselves.
//!
//! A provider's metadata is a proposal. It comes from an administrator's file, or from the provider's address by the guard
//! of [`crate::fetch`], and an administrator confirms what is taken from it: a certificate above all.

use shutterpost_model::time::Millis;

use super::adapter::instant;
use super::certificate::{Certificate, CertificateError};
use super::connection::{Binding, Endpoint, Own, Unusable, Want, check_address, check_entity};
use super::reject::clip;
use super::wire::escape;
use super::xml::{self, Limits, METADATA, Node, PROTOCOL, SIGNATURE, XmlError};

/// The largest document in bytes.
pub const LIMIT: usize = 1024 * 1024;

/// More certificates than that nobody has.
const CERTIFICATES: usize = 10;

/// What a provider proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    pub entity_id: String,
    /// By redirect where it knows that, by form otherwise.
    pub sign_in: Endpoint,
    pub sign_out: Option<Endpoint>,
    /// Each once, in the order of the document.
    pub certificates: Vec<Certificate>,
    /// It wants signed requests, which we do not send: an administrator has to switch that off there.
    pub wants_signed_requests: bool,
    pub valid_until: Option<Millis>,
}

/// Why metadata is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataReject {
    #[error("larger than {LIMIT} bytes")]
    TooLarge,
    #[error("it has a document type, which no metadata needs")]
    Doctype,
    #[error("not well-formed XML")]
    Malformed,
    #[error("it is deeper, or of more elements or namespaces, than metadata of a provider is")]
    TooComplex,
    #[error("metadata of many entities; take that of your provider alone")]
    Aggregate,
    #[error("not metadata of SAML")]
    OtherDocument,
    #[error("it describes no identity provider of SAML 2.0")]
    NoProvider,
    #[error("it describes {found}, this connection's provider is {expected}")]
    OtherEntity { expected: String, found: String },
    #[error("it ended {seconds} s ago")]
    Expired { seconds: i64 },
    #[error("it has no certificate to sign with")]
    NoCertificate,
    #[error("it has more than {CERTIFICATES} certificates")]
    TooManyCertificates,
    #[error("a certificate cannot be used: {0}")]
    Certificate(#[from] CertificateError),
    #[error("it has no address to sign in at by redirect or form")]
    NoSignIn,
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl MetadataReject {
    /// Never changes: texts are found by it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "saml_metadata_too_large",
            Self::Doctype => "saml_metadata_doctype",
            Self::Malformed => "saml_metadata_malformed",
            Self::TooComplex => "saml_metadata_too_complex",
            Self::Aggregate => "saml_metadata_aggregate",
            Self::OtherDocument => "saml_metadata_other_document",
            Self::NoProvider => "saml_metadata_no_provider",
            Self::OtherEntity { .. } => "saml_metadata_other_entity",
            Self::Expired { .. } => "saml_metadata_expired",
            Self::NoCertificate => "saml_metadata_no_certificate",
            Self::TooManyCertificates => "saml_metadata_too_many_certificates",
            Self::Certificate(error) => error.code(),
            Self::NoSignIn => "saml_metadata_no_sign_in",
            Self::Unusable(unusable) => unusable.code(),
        }
    }
}

/// Reads a provider's metadata; `expected` is the entity that the connection has already, if it has one.
pub fn read(document: &[u8], expected: Option<&str>, now: Millis) -> Result<Metadata, MetadataReject> {
    if document.len() > LIMIT {
        return Err(MetadataReject::TooLarge);
    }
    // Some editors put a mark before the text.
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let entity = xml::parse(document, Limits::METADATA).map_err(|error| match error {
        XmlError::Doctype => MetadataReject::Doctype,
        XmlError::Malformed => MetadataReject::Malformed,
        XmlError::TooComplex => MetadataReject::TooComplex,
    })?;
    if entity.is(METADATA, "EntitiesDescriptor") {
        return Err(MetadataReject::Aggregate);
    }
    if !entity.is(METADATA, "EntityDescriptor") {
        return Err(MetadataReject::OtherDocument);
    }
    let entity_id = entity.attribute("entityID").unwrap_or_default();
    check_entity(entity_id)?;
    if let Some(expected) = expected.filter(|expected| *expected != entity_id) {
        return Err(MetadataReject::OtherEntity { expected: expected.to_owned(), found: clip(entity_id) });
    }
    let speaks = |role: &&Node| {
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
    };
    let role = entity.all(METADATA, "IDPSSODescriptor").find(speaks).ok_or(MetadataReject::NoProvider)?;

    let valid_until = earliest(&[&entity, role])?;
    if let Some(ended) = valid_until.filter(|end| *end <= now) {
        return Err(MetadataReject::Expired { seconds: (now.0 - ended.0) / 1000 });
    }
    Ok(Metadata {
        entity_id: entity_id.to_owned(),
        sign_in: endpoint(role, "SingleSignOnService")?.ok_or(MetadataReject::NoSignIn)?,
        sign_out: endpoint(role, "SingleLogoutService")?,
        certificates: certificates(role)?,
        wants_signed_requests: matches!(role.attribute("WantAuthnRequestsSigned"), Some("true" | "1")),
        valid_until,
    })
}

/// The earlier end of those that have one. An end that cannot be read is one that cannot be kept.
fn earliest(nodes: &[&Node]) -> Result<Option<Millis>, MetadataReject> {
    let ends = nodes.iter().filter_map(|node| node.attribute("validUntil"));
    let ends: Option<Vec<Millis>> = ends.map(instant).collect();
    Ok(ends.ok_or(MetadataReject::Malformed)?.into_iter().min())
}

/// The first address by redirect, else the first by form. Others (artifact, SOAP, those of older protocols) are passed over.
fn endpoint(role: &Node, service: &str) -> Result<Option<Endpoint>, MetadataReject> {
    let by = |uri: &str| role.all(METADATA, service).find(|node| node.attribute("Binding") == Some(uri));
    let redirect = by(REDIRECT).map(|node| (node, Binding::Redirect));
    let Some((node, binding)) = redirect.or_else(|| by(POST).map(|node| (node, Binding::Post))) else {
        return Ok(None);
    };
    let url = node.attribute("Location").unwrap_or_default();
    check_address(url)?;
    Ok(Some(Endpoint { url: url.to_owned(), binding }))
}

fn certificates(role: &Node) -> Result<Vec<Certificate>, MetadataReject> {
    let mut found: Vec<Certificate> = Vec::new();
    let mut error = None;
    for key in role.all(METADATA, "KeyDescriptor") {
        if key.attribute("use").is_some_and(|usage| usage != "signing") {
            continue;
        }
        for data in key.all(SIGNATURE, "KeyInfo").flat_map(|info| info.all(SIGNATURE, "X509Data")) {
            for text in data.all(SIGNATURE, "X509Certificate") {
                match Certificate::from_text(text.text()) {
                    Ok(certificate) if found.contains(&certificate) => {}
                    Ok(certificate) => found.push(certificate),
                    Err(unusable) => error = Some(unusable),
                }
            }
        }
    }
    match error {
        // One that we cannot read beside one that we can is a provider in the middle of a change.
        Some(error) if found.is_empty() => Err(error.into()),
        _ if found.is_empty() => Err(MetadataReject::NoCertificate),
        _ if found.len() > CERTIFICATES => Err(MetadataReject::TooManyCertificates),
        _ => Ok(found),
    }
}

/// How the certificates of newer metadata differ from those that are trusted. Nothing of it is trusted by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// An administrator has to confirm each.
    pub new: Vec<Certificate>,
    pub kept: Vec<Certificate>,
    /// Trusted, and not named any more: an administrator should take them away.
    pub gone: Vec<Certificate>,
}

/// Compares what is trusted with what newer metadata has.
pub fn compare(trusted: &[Certificate], newer: &Metadata) -> Difference {
    let (kept, gone) = trusted.iter().cloned().partition(|certificate| newer.certificates.contains(certificate));
    let new = newer.certificates.iter().filter(|certificate| !trusted.contains(certificate)).cloned().collect();
    Difference { new, kept, gone }
}

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// Our own metadata, for the provider's administrator. Always the same bytes for the same settings.
pub fn write(own: &Own, want: Want) -> String {
    let assertions = matches!(want, Want::Assertion | Want::Both);
    let Own { entity_id, acs, slo } = own;
    let (entity_id, acs, slo) = (escape(entity_id), escape(acs), escape(slo));
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="{METADATA}" entityID="{entity_id}">
  <md:SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="{assertions}" protocolSupportEnumeration="{PROTOCOL}">
    <md:SingleLogoutService Binding="{REDIRECT}" Location="{slo}"/>
    <md:SingleLogoutService Binding="{POST}" Location="{slo}"/>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>
    <md:AssertionConsumerService Binding="{POST}" Location="{acs}" index="0" isDefault="true"/>
  </md:SPSSODescriptor>
</md:EntityDescriptor>
"#
    )
}
