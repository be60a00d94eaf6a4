//! Signatures of other kinds, of other keys, over other things.

use shutterpost_sso::saml::connection::Want;
use shutterpost_sso::saml::login::Tracker;
use shutterpost_sso::saml::reject::Reject;

use super::providers::{Base, base, for_each, idps};
use super::tree::Element;
use super::xmlsec;

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// The response that the provider would send, with something changed in the assertion's signature.
fn with_signature(base: &Base, change: impl Fn(&mut Element)) -> Element {
    let mut document = base.assertion_signed();
    change(document.at_mut("Assertion/Signature"));
    document
}

#[test]
fn other_references() {
    for_each(|base| {
        for uri in
            ["http://attacker.example/x", "#xpointer(/)", "#xpointer(id('x'))", "file:///etc/hostname", "#nowhere"]
        {
            let document = with_signature(base, |signature| signature.at_mut("SignedInfo/Reference").set("URI", uri));
            base.refuses(&document.write(), &["saml_signature"]);
        }
        let document = with_signature(base, |signature| signature.at_mut("SignedInfo/Reference").unset("URI"));
        base.refuses(&document.write(), &["saml_signature"]);
    });
}

#[test]
fn values_that_are_no_base64() {
    for_each(|base| {
        for value in ["SignatureValue", "SignedInfo/Reference/DigestValue"] {
            let document = with_signature(base, |signature| signature.at_mut(value).set_text("no%base64!"));
            let refused = base.judge(&document.write()).outcome.expect_err("is refused");
            assert_eq!(refused.code(), "saml_signature", "{value}");
            assert!(refused.to_string().contains("base64"), "{value}: {refused}");
        }
    });
}

#[test]
fn empty_reference_even_if_it_is_signed() {
    for_each(|base| {
        let mut document = base.response_signed();
        document.at_mut("Signature/SignedInfo/Reference").set("URI", "");
        let xml = xmlsec::sign(&document, &base.key, &["Response"]);
        base.refuses(&xml, &["saml_signature"]);
    });
}

#[test]
fn other_transforms() {
    for_each(|base| {
        for algorithm in [
            "http://www.w3.org/TR/1999/REC-xslt-19991116",
            "http://www.w3.org/TR/1999/REC-xpath-19991116",
            "http://www.w3.org/2002/06/xmldsig-filter2",
            "http://www.w3.org/2000/09/xmldsig#base64",
        ] {
            let document = with_signature(base, |signature| {
                let transforms = signature.at_mut("SignedInfo/Reference/Transforms");
                let mut transform = transforms.at("Transform").clone();
                transform.children.clear();
                transform.set("Algorithm", algorithm);
                transforms.insert(0, transform);
            });
            base.refuses(&document.write(), &["saml_algorithm"]);
        }
    });
}

#[test]
fn canonicalisation_with_comments_or_inclusive() {
    for_each(|base| {
        for algorithm in [
            "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        ] {
            let mut document = base.assertion_signed();
            document.at_mut("Assertion/Signature/SignedInfo").walk_mut(&mut |element| {
                if element.get("Algorithm") == Some(EXCLUSIVE) {
                    element.set("Algorithm", algorithm);
                    element.children.clear();
                }
            });
            let xml = xmlsec::sign(&document, &base.key, &["Assertion"]);
            base.refuses(&xml, &["saml_algorithm"]);
        }
    });
}

#[test]
fn sha1() {
    for_each(|base| {
        let mut weak_digest = base.assertion_signed();
        let digest = weak_digest.at_mut("Assertion/Signature/SignedInfo/Reference/DigestMethod");
        digest.set("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1");
        base.refuses(&xmlsec::sign(&weak_digest, &base.key, &["Assertion"]), &["saml_algorithm"]);

        let mut weak_signature = base.assertion_signed();
        let method = weak_signature.at_mut("Assertion/Signature/SignedInfo/SignatureMethod");
        method.set("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1");
        base.refuses(&xmlsec::sign(&weak_signature, &base.key, &["Assertion"]), &["saml_algorithm"]);
    });
}

#[test]
fn hmac_with_the_certificate_as_its_key() {
    for_each(|base| {
        let mut document = base.assertion_signed();
        let method = document.at_mut("Assertion/Signature/SignedInfo/SignatureMethod");
        method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256");
        let xml = xmlsec::sign_with_secret(&document, &base.key.certificate_file, &["Assertion"]);
        base.refuses(&xml, &["saml_algorithm"]);
    });
}

#[test]
fn other_algorithms() {
    for_each(|base| {
        for algorithm in ["http://www.w3.org/2001/04/xmldsig-more#rsa-md5", "none", ""] {
            let document = with_signature(base, |signature| {
                signature.at_mut("SignedInfo/SignatureMethod").set("Algorithm", algorithm);
            });
            base.refuses(&document.write(), &["saml_algorithm"]);
        }
    });
}

/// The provider's words, signed by somebody else, with their certificate.
fn signed_by_stranger(base: &Base) -> String {
    let stranger = &idps().stranger;
    let mut document = base.assertion_signed();
    document.at_mut("Assertion").walk_mut(&mut |element| {
        if element.local() == "X509Certificate" {
            element.set_text(&String::from(stranger.certificate.clone()));
        }
    });
    xmlsec::sign(&document, stranger, &["Assertion"])
}

#[test]
fn signed_by_another_key_with_its_own_certificate() {
    for_each(|base| {
        let xml = signed_by_stranger(base);
        base.refuses(&xml, &["saml_untrusted_certificate"]);
        // Whoever has to mend it is told which one it was.
        let expected = Reject::UntrustedCertificate {
            fingerprint: idps().stranger.certificate.fingerprint_text(),
            subject: "CN=stranger".to_owned(),
        };
        assert_eq!(base.judge(&xml).outcome.expect_err("refused"), expected);

        let mut silent = Element::parse(&xml);
        silent.at_mut("Assertion/Signature").take("KeyInfo");
        base.refuses(&silent.write(), &["saml_signature"]);

        // With the trusted certificate beside it, it is no better.
        let mut lying = Element::parse(&xml);
        lying.walk_mut(&mut |element| {
            if element.local() == "X509Certificate" {
                element.set_text(&String::from(base.key.certificate.clone()));
            }
        });
        base.refuses(&lying.write(), &["saml_signature"]);
    });
}

#[test]
fn signed_by_the_provider_of_another_organisation() {
    let other = base("pysaml2");
    for base in [base("simplesamlphp"), base("samlp")] {
        base.accepts(&base.xml);
        let mut document = base.assertion_signed();
        document.at_mut("Assertion/Signature").take("KeyInfo");
        let xml = xmlsec::sign(&document, &other.key, &["Assertion"]);
        base.refuses(&xml, &["saml_signature"]);
    }
}

/// The same sign-in, begun when these were trusted.
fn pinned(tracker: &Tracker, certificates: &[[u8; 32]]) -> Tracker {
    let mut stored = serde_json::to_value(tracker).expect("JSON");
    stored["certificates"] = serde_json::to_value(certificates).expect("JSON");
    serde_json::from_value(stored).expect("a tracker")
}

#[test]
fn rollover() {
    for_each(|base| {
        let old = base.key.certificate.clone();
        let new = idps().stranger.certificate.clone();
        let by_new = signed_by_stranger(base);
        let mut connection = base.connection.clone();
        let before = pinned(&base.tracker, &[old.fingerprint()]);
        let during = pinned(&base.tracker, &[old.fingerprint(), new.fingerprint()]);
        let after = pinned(&base.tracker, &[new.fingerprint()]);

        // Both are trusted: either signs.
        connection.certificates = vec![old.clone(), new.clone()];
        for xml in [&base.xml, &by_new] {
            let consumed = base.judge_with(&connection, Some(&during), xml, base.now);
            consumed.outcome.unwrap_or_else(|reject| panic!("{}: {reject}", base.name));
        }
        // The new one became trusted during the sign-in: it is for the next.
        let consumed = base.judge_with(&connection, Some(&before), &by_new, base.now);
        base.refuses_consumed(consumed, &["saml_certificates_changed"], &by_new);
        base.judge_with(&connection, Some(&before), &base.xml, base.now).outcome.expect("the old one still signs");
        // It is not trusted yet.
        connection.certificates = vec![old];
        let consumed = base.judge_with(&connection, Some(&before), &by_new, base.now);
        base.refuses_consumed(consumed, &["saml_untrusted_certificate"], &by_new);
        // The old one is not trusted any more, from that moment on.
        connection.certificates = vec![new];
        let consumed = base.judge_with(&connection, Some(&after), &base.xml, base.now);
        base.refuses_consumed(consumed, &["saml_untrusted_certificate"], &base.xml);
        let consumed = base.judge_with(&connection, Some(&before), &base.xml, base.now);
        base.refuses_consumed(consumed, &["saml_certificates_changed"], &base.xml);
    });
}

#[test]
fn what_is_wanted_is_there() {
    for_each(|base| {
        let assertion = base.assertion_signed().write();
        let response = base.response_signed().write();
        let cases = [
            (Want::Either, true, true),
            (Want::Assertion, true, false),
            (Want::Response, false, true),
            (Want::Both, false, false),
        ];
        for (want, by_assertion, by_response) in cases {
            let mut connection = base.connection.clone();
            connection.want = want;
            let judge = |xml: &str| base.judge_with(&connection, Some(&base.tracker), xml, base.now);
            judge(&base.xml).outcome.expect("both are signed");
            for (xml, enough) in [(&assertion, by_assertion), (&response, by_response)] {
                let consumed = judge(xml);
                if enough {
                    consumed.outcome.unwrap_or_else(|reject| panic!("{} {want:?}: {reject}", base.name));
                } else {
                    base.refuses_consumed(consumed, &["saml_unsigned"], xml);
                }
            }
        }
    });
}
