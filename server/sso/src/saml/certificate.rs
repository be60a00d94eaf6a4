//! The certificates by which a provider signs.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shutterpost_model::time::{DAY, Millis};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

/// The largest certificate in bytes of DER.
const LIMIT: usize = 16 * 1024;

/// The smallest key of RSA in bits.
const RSA_BITS: usize = 2048;

/// A certificate that was read. The key in it is what is trusted: as everywhere in SAML, who issued it and when it ends
/// decides nothing, because it was handed over by an administrator. Its end is still worth a warning.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Certificate {
    der: Vec<u8>,
    fingerprint: [u8; 32],
    subject: String,
    not_before: Millis,
    not_after: Millis,
}

/// Why a certificate cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("this is not a certificate in PEM or base64")]
    Encoding,
    #[error("the certificate is larger than {LIMIT} bytes")]
    TooLarge,
    #[error("this is not an X.509 certificate")]
    Malformed,
    #[error("the key is neither RSA nor P-256 nor P-384")]
    Kind,
    #[error("the RSA key has {bits} bits; {RSA_BITS} are needed")]
    Weak { bits: usize },
}

impl CertificateError {
    /// Never changes: texts are found by it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Encoding => "saml_certificate_encoding",
            Self::TooLarge => "saml_certificate_too_large",
            Self::Malformed => "saml_certificate_malformed",
            Self::Kind => "saml_certificate_kind",
            Self::Weak { .. } => "saml_certificate_weak",
        }
    }
}

/// What an administrator should know of a certificate's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    NotYetValid,
    Within30Days,
    Within7Days,
    WithinADay,
    Ended,
}

impl Certificate {
    /// Reads DER.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > LIMIT {
            return Err(CertificateError::TooLarge);
        }
        let (rest, read) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateError::Malformed);
        }
        match read.public_key().parsed() {
            Ok(PublicKey::RSA(key)) if key.key_size() < RSA_BITS => {
                return Err(CertificateError::Weak { bits: key.key_size() });
            }
            Ok(PublicKey::RSA(_)) => {}
            Ok(PublicKey::EC(point)) if matches!(point.key_size(), 256 | 384) => {}
            _ => return Err(CertificateError::Kind),
        }
        let validity = read.validity();
        Ok(Self {
            fingerprint: Sha256::digest(der).into(),
            subject: super::reject::clip(&read.subject().to_string()),
            not_before: Millis(validity.not_before.timestamp().saturating_mul(1000)),
            not_after: Millis(validity.not_after.timestamp().saturating_mul(1000)),
            der: der.to_vec(),
        })
    }

    /// Reads PEM, or the base64 between its lines, as administrators paste it and metadata holds it.
    pub fn from_text(text: &str) -> Result<Self, CertificateError> {
        // Four characters hold three bytes; lines and spaces are a few more.
        if text.len() > 2 * LIMIT {
            return Err(CertificateError::TooLarge);
        }
        let inner = match text.split_once("-----BEGIN CERTIFICATE-----") {
            Some((_, rest)) => {
                let (inner, after) = rest.split_once("-----END CERTIFICATE-----").ok_or(CertificateError::Encoding)?;
                // Two at once would be one of them ignored.
                if after.contains("-----BEGIN") {
                    return Err(CertificateError::Encoding);
                }
                inner
            }
            None => text,
        };
        let packed: String = inner.chars().filter(|char| !char.is_ascii_whitespace()).collect();
        let der = BASE64.decode(packed.as_bytes()).map_err(|_| CertificateError::Encoding)?;
        Self::from_der(&der)
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the DER.
    pub const fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// The same in hexadecimal, as `openssl x509 -fingerprint -sha256` has it without colons.
    pub fn fingerprint_text(&self) -> String {
        HEXLOWER.encode(&self.fingerprint)
    }

    pub fn subject(&self) -> &str {
        &self.subject
    }

    pub const fn not_before(&self) -> Millis {
        self.not_before
    }

    pub const fn not_after(&self) -> Millis {
        self.not_after
    }

    /// What should be said about it now, if anything.
    pub fn warning(&self, now: Millis) -> Option<Warning> {
        let left = self.not_after.0.saturating_sub(now.0);
        match left {
            _ if now < self.not_before => Some(Warning::NotYetValid),
            left if left <= 0 => Some(Warning::Ended),
            left if left <= DAY => Some(Warning::WithinADay),
            left if left <= 7 * DAY => Some(Warning::Within7Days),
            left if left <= 30 * DAY => Some(Warning::Within30Days),
            _ => None,
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("fingerprint", &self.fingerprint_text()).finish_non_exhaustive()
    }
}

impl TryFrom<String> for Certificate {
    type Error = CertificateError;

    fn try_from(text: String) -> Result<Self, CertificateError> {
        Self::from_text(&text)
    }
}

impl From<Certificate> for String {
    fn from(certificate: Certificate) -> Self {
        BASE64.encode(&certificate.der)
    }
}
