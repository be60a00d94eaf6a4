//! Where root keys are kept, as the setting `roots` says it, and the backend that is reached over the network. The others
//! live in the vault.

use std::net::IpAddr;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use shutterpost_vault::root::pkcs11;
use url::{Host, Url};

pub mod kms;

/// A setting that does not say where the root keys are. Shown to the operator; holds no secret.
#[derive(Debug, thiserror::Error)]
#[error(
    "roots: {why}. It is the path of a folder, \
     pkcs11:token=LABEL;object=PREFIX?module-path=/PATH/OF/MODULE.so&pin-source=file:/PATH/OF/PIN, or awskms:REGION/PREFIX"
)]
pub struct AddressError {
    why: String,
}

fn wrong<T>(why: impl Into<String>) -> Result<T, AddressError> {
    Err(AddressError { why: why.into() })
}

/// What the setting `roots` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `PATH` or `file:PATH`.
    Folder(PathBuf),
    /// `pkcs11:…`, an URI of RFC 7512.
    Pkcs11(pkcs11::Location),
    /// `awskms:REGION/PREFIX`, with `?endpoint=URL` for a service that is not AWS's own.
    AwsKms(kms::Location),
}

impl Address {
    /// Reads the setting.
    ///
    /// # Errors
    /// [`AddressError`], which names the setting and how it should look.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        match scheme {
            "file" if rest.is_empty() => wrong("the path is empty"),
            "file" => Ok(Self::Folder(rest.into())),
            "pkcs11" => pkcs11_location(rest).map(Self::Pkcs11),
            "awskms" => kms_location(rest).map(Self::AwsKms),
            "" if rest.is_empty() => wrong("it is empty"),
            // A word and a colon is a backend that somebody hopes for, not a folder.
            word if word.chars().all(|c| c.is_ascii_alphanumeric()) && !word.is_empty() => {
                wrong(format!("{word:?} is no backend; for a folder of that name write file:{text}"))
            }
            _ => Ok(Self::Folder(text.into())),
        }
    }
}

fn pkcs11_location(text: &str) -> Result<pkcs11::Location, AddressError> {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let [token, object] = attributes(path, ';', ["token", "object"])?;
    let [module, pin] = attributes(query, '&', ["module-path", "pin-source"])?;
    let Some(token) = token else { return wrong("the token is missing") };
    let Some(module) = module else { return wrong("module-path is missing") };
    let Some(pin) = pin else { return wrong("pin-source is missing") };
    let pin = pin.strip_prefix("file:").unwrap_or(&pin);
    let pin = pin.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(pin);
    if !pin.starts_with('/') || !module.starts_with('/') {
        return wrong("module-path and pin-source must be whole paths");
    }
    let prefix = prefix(object.as_deref().unwrap_or("shutterpost"))?;
    Ok(pkcs11::Location { module: module.into(), token, prefix, pin: pin.into() })
}

/// The values of these attributes. A PIN in the setting itself is refused like everything else that is not known.
fn attributes<const N: usize>(
    text: &str,
    separator: char,
    known: [&str; N],
) -> Result<[Option<String>; N], AddressError> {
    let mut values = [const { None }; N];
    for attribute in text.split(separator).filter(|attribute| !attribute.is_empty()) {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let place = known.iter().zip(&mut values).find(|(known, _)| **known == name);
        let Some((_, place)) = place else {
            // The name alone: the value may be a secret.
            return wrong(format!("{name:?} is not among {}", known.join(", ")));
        };
        match percent_decode_str(value).decode_utf8() {
            Ok(value) if !value.is_empty() && place.is_none() => *place = Some(value.into_owned()),
            _ => return wrong(format!("{name} is empty, there twice or not UTF-8")),
        }
    }
    Ok(values)
}

fn kms_location(text: &str) -> Result<kms::Location, AddressError> {
    let (place, query) = text.split_once('?').unwrap_or((text, ""));
    let Some((region, name)) = place.split_once('/') else { return wrong("the prefix is missing") };
    if region.is_empty() || !region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return wrong("the region is not one, such as eu-central-1");
    }
    let [endpoint] = attributes(query, '&', ["endpoint"])?;
    if let Some(endpoint) = &endpoint {
        // The keys that are to be wrapped travel in the request.
        if !is_safe_endpoint(endpoint) {
            return wrong("the endpoint must begin with https://, or http:// on this machine");
        }
    }
    Ok(kms::Location { region: region.into(), prefix: prefix(name)?, endpoint })
}

/// Whether nobody between here and there can read what is sent.
pub(crate) fn is_safe_endpoint(endpoint: &str) -> bool {
    Url::parse(endpoint).is_ok_and(|url| match url.scheme() {
        "https" => url.host().is_some(),
        "http" => url.host().is_some_and(|host| is_this_machine(&host)),
        _ => false,
    })
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
    }
}

/// What every backend takes in the name of a key.
fn prefix(text: &str) -> Result<String, AddressError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
        return wrong("the prefix must be 1 to 64 letters, digits, - or _");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_backend_has_its_address() {
        for folder in ["data/roots", "/srv/roots", "./a:b", "/srv/a:b"] {
            assert_eq!(Address::parse(folder).expect("a folder"), Address::Folder(folder.into()));
        }
        assert_eq!(Address::parse("file:a:b").expect("a folder"), Address::Folder("a:b".into()));
        let module = "module-path=/usr/lib/softhsm/libsofthsm2.so";
        for (pin, object, prefix) in [
            ("file:/etc/pin%20of%20ours", ";object=photos", "photos"),
            ("file:///etc/pin of ours", "", "shutterpost"),
            ("/etc/pin of ours", ";object=shutterpost", "shutterpost"),
        ] {
            let text = format!("pkcs11:token=My%20token{object}?{module}&pin-source={pin}");
            let expected = pkcs11::Location {
                module: "/usr/lib/softhsm/libsofthsm2.so".into(),
                token: "My token".into(),
                prefix: prefix.into(),
                pin: "/etc/pin of ours".into(),
            };
            assert_eq!(Address::parse(&text).expect("a token"), Address::Pkcs11(expected));
        }
        let location = |endpoint: Option<&str>| {
            let endpoint = endpoint.map(str::to_owned);
            Address::AwsKms(kms::Location { region: "eu-central-1".into(), prefix: "photos".into(), endpoint })
        };
        assert_eq!(Address::parse("awskms:eu-central-1/photos").expect("a service"), location(None));
        for endpoint in ["https://kms.example:8443", "http://127.0.0.1:5000", "http://[::1]:5000", "http://localhost:1"]
        {
            let text = format!("awskms:eu-central-1/photos?endpoint={endpoint}");
            assert_eq!(Address::parse(&text).expect("a service"), location(Some(endpoint)));
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_the_setting() {
        for (text, expected) in [
            ("", "empty"),
            ("file:", "empty"),
            ("vault:transit", "\"vault\" is no backend"),
            ("pkcs11:", "token is missing"),
            ("pkcs11:token=", "token is empty"),
            ("pkcs11:token=a;token=b", "twice"),
            ("pkcs11:token=%ff", "not UTF-8"),
            ("pkcs11:token=a;slot-id=1", "\"slot-id\" is not among token, object"),
            ("pkcs11:token=a", "module-path is missing"),
            ("pkcs11:token=a?module-path=/m", "pin-source is missing"),
            ("pkcs11:token=a?module-path=m&pin-source=/p", "whole paths"),
            ("pkcs11:token=a?module-path=/m&pin-source=file:p", "whole paths"),
            ("pkcs11:token=a;object=a%2Fb?module-path=/m&pin-source=/p", "prefix"),
            ("pkcs11:token=a?module-path=/m&pin-value=314159", "\"pin-value\" is not among"),
            ("awskms:eu-central-1", "prefix is missing"),
            ("awskms:/photos", "region"),
            ("awskms:eu central/photos", "region"),
            ("awskms:eu-central-1/", "prefix"),
            ("awskms:eu-central-1/a/b", "prefix"),
            ("awskms:eu-central-1/a?url=x", "\"url\""),
            ("awskms:eu-central-1/a?endpoint=http://kms.example", "endpoint"),
            ("awskms:eu-central-1/a?endpoint=http://127.0.0.1.example", "endpoint"),
            ("awskms:eu-central-1/a?endpoint=kms.example", "endpoint"),
        ] {
            let error = Address::parse(text).expect_err(text).to_string();
            assert!(error.starts_with("roots: ") && error.contains(expected), "{text}: {error}");
            assert!(error.contains("pkcs11:token=LABEL") && !error.contains("314159"), "{error}");
        }
    }
}
