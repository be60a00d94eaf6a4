//! Metadata of real providers, and what is no metadata of them.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use shutterpost_model::time::{DAY, Millis};
use shutterpost_sso::saml::certificate::{Certificate, CertificateError, Warning};
use shutterpost_sso::saml::connection::{Binding, CERTIFICATES, Connection, Own, Unusable, Want};
use shutterpost_sso::saml::login::{Attempt, Departure, Freshness};
use shutterpost_sso::saml::metadata::{LIMIT, MetadataReject, compare, read, write};
use shutterpost_sso::saml::{SamlVerifier as _, Verifier};

use super::providers::{Base, for_each, idps};
use super::tree::Element;

fn changed(base: &Base, change: impl FnOnce(&mut Element)) -> String {
    let mut document = Element::parse(&base.metadata);
    change(&mut document);
    document.write()
}

fn code(base: &Base, xml: &str) -> &'static str {
    read(xml.as_bytes(), Some(&base.connection.provider), base.now).expect_err("refused").code()
}

#[test]
fn of_real_providers() {
    for_each(|base| {
        let metadata = read(base.metadata.as_bytes(), Some(&base.connection.provider), base.now).expect("metadata");
        assert_eq!(metadata.certificates, std::slice::from_ref(&base.key.certificate), "{}", base.name);
        assert_eq!(metadata.sign_in.binding, Binding::Redirect, "{}", base.name);
        assert!(metadata.sign_out.is_some() && !metadata.wants_signed_requests, "{}", base.name);
        // Bindings that nobody here speaks are passed over: providers list those of older protocols too.
        let with_others = changed(base, |document| {
            let role = document.at_mut("IDPSSODescriptor");
            let at = role.position("SingleSignOnService");
            let mut other = role.at("SingleSignOnService").clone();
            other.set("Binding", "urn:mace:shibboleth:1.0:profiles:AuthnRequest");
            role.insert(at, other);
        });
        assert_eq!(read(with_others.as_bytes(), None, base.now).expect("metadata"), metadata);
        let marked = format!("\u{feff}{}", base.metadata);
        assert_eq!(read(marked.as_bytes(), None, base.now).expect("metadata"), metadata);
    });
}

#[test]
fn refused_by_name() {
    for_each(|base| {
        let own = base.connection.provider.clone();
        let body = changed(base, |_| {});
        for doctype in ["<!DOCTYPE x>", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>"] {
            assert_eq!(code(base, &format!("{doctype}{body}")), "saml_metadata_doctype");
        }
        assert_eq!(code(base, &body[..body.len() / 2]), "saml_metadata_malformed");
        assert_eq!(code(base, ""), "saml_metadata_malformed");
        assert_eq!(code(base, "<html></html>"), "saml_metadata_other_document");
        assert_eq!(code(base, &format!("{body}<!--{}-->", "x".repeat(20 * LIMIT))), "saml_metadata_too_large");
        assert_eq!(code(base, &write(&base.connection.own, Want::Either)), "saml_metadata_other_entity");
        let ours = write(&base.connection.own, Want::Either);
        assert_eq!(read(ours.as_bytes(), None, base.now).expect_err("ours"), MetadataReject::NoProvider);
        let aggregate =
            format!("<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">{body}</EntitiesDescriptor>");
        assert_eq!(code(base, &aggregate), "saml_metadata_aggregate");

        let other = changed(base, |document| document.set("entityID", "https://other-provider.example"));
        let refused = read(other.as_bytes(), Some(&own), base.now).expect_err("another");
        let found = "https://other-provider.example".to_owned();
        assert_eq!(refused, MetadataReject::OtherEntity { expected: own, found });
        for entity in ["", "a b", &"x".repeat(1025)] {
            let named = changed(base, |document| document.set("entityID", entity));
            let refused = read(named.as_bytes(), None, base.now).expect_err("no name");
            assert_eq!(refused, MetadataReject::Unusable(Unusable::Provider));
        }
        let ended = base.now.plus(-1000).rfc3339();
        assert_eq!(code(base, &changed(base, |document| document.set("validUntil", &ended))), "saml_metadata_expired");
        let role_ended = changed(base, |document| document.at_mut("IDPSSODescriptor").set("validUntil", &ended));
        assert_eq!(code(base, &role_ended), "saml_metadata_expired");
        let unclear = changed(base, |document| document.set("validUntil", "next week"));
        assert_eq!(code(base, &unclear), "saml_metadata_malformed");
    });
}

#[test]
fn without_what_is_needed() {
    for_each(|base| {
        let without = |local: &str| {
            changed(base, |document| {
                let role = document.at_mut("IDPSSODescriptor");
                while role.find(local).is_some() {
                    role.take(local);
                }
            })
        };
        assert_eq!(code(base, &without("KeyDescriptor")), "saml_metadata_no_certificate");
        assert_eq!(code(base, &without("SingleSignOnService")), "saml_metadata_no_sign_in");
        assert!(read(without("SingleLogoutService").as_bytes(), None, base.now).expect("metadata").sign_out.is_none());
        let certificate = |text: &str| {
            changed(base, |document| {
                document.walk_mut(&mut |element| {
                    if element.local() == "X509Certificate" {
                        element.set_text(text);
                    }
                });
            })
        };
        assert_eq!(code(base, &certificate("%%%")), "saml_certificate_encoding");
        assert_eq!(code(base, &certificate("PHg+")), "saml_certificate_malformed");
        for address in ["javascript:alert(1)", "http://provider.example/", "https://a:b@provider.example/", "//x", ""] {
            let elsewhere = changed(base, |document| {
                for service in document.at_mut("IDPSSODescriptor").elements_mut() {
                    if service.local() == "SingleSignOnService" {
                        service.set("Location", address);
                    }
                }
            });
            assert_eq!(code(base, &elsewhere), "saml_connection_address", "{address}");
        }
    });
}

#[test]
fn newer_metadata_is_compared_and_not_trusted() {
    for_each(|base| {
        let old = base.key.certificate.clone();
        let new = idps().stranger.certificate.clone();
        let newer = changed(base, |document| {
            let role = document.at_mut("IDPSSODescriptor");
            let at = role.position("KeyDescriptor");
            let mut key = role.at("KeyDescriptor").clone();
            key.walk_mut(&mut |element| {
                if element.local() == "X509Certificate" {
                    element.set_text(&String::from(new.clone()));
                }
            });
            role.insert(at, key);
        });
        let newer = read(newer.as_bytes(), Some(&base.connection.provider), base.now).expect("metadata");
        let difference = compare(std::slice::from_ref(&old), &newer);
        assert_eq!((difference.new, difference.kept), (vec![new.clone()], vec![old.clone()]));
        assert!(difference.gone.is_empty());
        let same = read(base.metadata.as_bytes(), None, base.now).expect("metadata");
        assert_eq!(compare(&[old, new.clone()], &same).gone, [new]);
    });
}

#[test]
fn certificates_and_their_end() {
    let certificate = &idps().stranger.certificate;
    let end = certificate.not_after();
    let at = |left: i64| certificate.warning(Millis(end.0 - left));
    assert_eq!(certificate.warning(certificate.not_before().plus(-1)), Some(Warning::NotYetValid));
    assert_eq!(at(0), Some(Warning::Ended));
    assert_eq!(at(1), Some(Warning::WithinADay));
    assert_eq!(at(DAY + 1), Some(Warning::Within7Days));
    assert_eq!(at(7 * DAY), Some(Warning::Within7Days));
    assert_eq!(at(7 * DAY + 1), Some(Warning::Within30Days));
    // It was made for thirty days.
    assert!(at(30 * DAY + 1).is_none_or(|warning| warning == Warning::NotYetValid));

    let text = String::from(certificate.clone());
    assert_eq!(Certificate::from_text(&text).as_ref(), Ok(certificate));
    let pem = std::fs::read_to_string(&idps().stranger.certificate_file).expect("a certificate");
    assert_eq!(Certificate::from_text(&pem).as_ref(), Ok(certificate));
    assert_eq!(Certificate::from_text(&format!("{pem}{pem}")), Err(CertificateError::Encoding));
    assert_eq!(Certificate::from_text(&"A".repeat(100_000)), Err(CertificateError::TooLarge));
    // As `openssl x509 -fingerprint -sha256` has it, by which an administrator compares it.
    let digest = Sha256::digest(certificate.der());
    assert_eq!(certificate.fingerprint(), <[u8; 32]>::from(digest));
    assert_eq!(certificate.fingerprint_text(), HEXLOWER.encode(&digest));
    let mut longer = certificate.der().to_vec();
    longer.push(0);
    assert_eq!(Certificate::from_der(&longer), Err(CertificateError::Malformed));
}

#[test]
fn weak_keys() {
    let folder = &idps().folder;
    let made = |name: &str, options: &[&str]| {
        let [key, certificate] = ["key", "crt"].map(|end| folder.join(format!("{name}-{}.{end}", std::process::id())));
        let output = std::process::Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=weak", "-newkey"])
            .args(options)
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .expect("openssl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let pem = std::fs::read_to_string(&certificate).expect("a certificate");
        std::fs::remove_file(key).and_then(|()| std::fs::remove_file(certificate)).expect("ours");
        Certificate::from_text(&pem)
    };
    assert_eq!(made("rsa", &["rsa:1024"]), Err(CertificateError::Weak { bits: 1024 }));
    assert_eq!(made("ed", &["ed25519"]), Err(CertificateError::Kind));
    assert!(made("p256", &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]).is_ok());
    assert_eq!(made("p521", &["ec", "-pkeyopt", "ec_paramgen_curve:P-521"]), Err(CertificateError::Kind));
}

#[test]
fn connections_that_cannot_be_used() {
    for_each(|base| {
        let good = &base.connection;
        assert_eq!(good.check(), Ok(()));
        let stored = serde_json::to_string(good).expect("JSON");
        assert_eq!(&serde_json::from_str::<Connection>(&stored).expect("as it was stored"), good);

        let bad = |change: fn(&mut Connection)| {
            let mut connection = good.clone();
            change(&mut connection);
            let judged = base.judge_with(&connection, Some(&base.tracker), &base.xml, base.now);
            judged.outcome.expect_err("unusable").code()
        };
        assert_eq!(bad(|connection| connection.certificates.clear()), "saml_connection_certificates");
        let many = bad(|connection| {
            let one = connection.certificates[0].clone();
            connection.certificates = vec![one; CERTIFICATES + 1];
        });
        assert_eq!(many, "saml_connection_certificates");
        assert_eq!(bad(|connection| connection.provider.clear()), "saml_connection_provider");
        assert_eq!(
            bad(|connection| connection.provider = connection.own.entity_id.clone()),
            "saml_connection_ourselves"
        );
        assert_eq!(bad(|connection| connection.sign_in.url = "javascript:x".to_owned()), "saml_connection_address");
    });
}

#[test]
fn our_own() {
    let own = Own::new("https://photos.example", "cnx_1");
    assert_eq!(own.acs, "https://photos.example/sso/saml/cnx_1/acs");
    let xml = write(&own, Want::Assertion);
    let document = Element::parse(&xml);
    assert_eq!(document.get("entityID"), Some("https://photos.example/sso/saml/cnx_1/metadata"));
    let role = document.at("SPSSODescriptor");
    assert_eq!(role.get("WantAssertionsSigned"), Some("true"));
    assert_eq!(role.at("AssertionConsumerService").get("Location"), Some(&*own.acs));
    // No key to encrypt to: nobody should.
    assert!(role.find("KeyDescriptor").is_none());
    assert_eq!(xml, write(&own, Want::Assertion));
}

#[test]
fn requests_are_what_providers_read() {
    for_each(|base| {
        let attempt = |freshness| Attempt { relay_state: "state", id: [1; 20], freshness, now: base.now };
        let mut connection = base.connection.clone();
        connection.sign_in.binding = Binding::Post;
        let (departure, tracker) = Verifier.start(&connection, &attempt(Freshness::Again)).expect("a connection");
        let Departure::Form { action, field, value, relay_state } = departure else { panic!("a form") };
        assert_eq!((&*action, field, relay_state.as_deref()), (&*connection.sign_in.url, "SAMLRequest", Some("state")));
        let xml = data_encoding::BASE64.decode(value.as_bytes()).expect("base64");
        let request = Element::parse(std::str::from_utf8(&xml).expect("UTF-8"));
        assert_eq!(request.get("ForceAuthn"), Some("true"));
        assert_eq!(request.get("AssertionConsumerServiceURL"), Some(&*connection.own.acs));
        assert_eq!(request.at("Issuer").text(), connection.own.entity_id);
        assert_eq!(tracker.ends(), base.now.plus(600_000));
        // Different bytes, different request.
        let other = Attempt { id: [2; 20], ..attempt(Freshness::Any) };
        assert_ne!(Verifier.start(&connection, &other).expect("a connection").1, tracker);
    });
}
