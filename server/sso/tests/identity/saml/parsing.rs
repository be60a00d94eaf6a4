//! What is no message of SAML, or too much of one.

use data_encoding::BASE64;
use shutterpost_sso::saml::login::Form;
use shutterpost_sso::saml::{MESSAGE_LIMIT, SamlVerifier as _, Verifier};

use super::providers::{Base, for_each};

/// Puts something before the outermost element.
fn before(base: &Base, prologue: &str) -> String {
    let body = base.xml.find("<?xml").map_or(base.xml.as_str(), |at| &base.xml[at..]);
    let body = match body.strip_prefix("<?xml") {
        Some(rest) => &rest[rest.find("?>").expect("an end") + 2..],
        None => body,
    };
    format!("{prologue}{body}")
}

#[test]
fn document_types_and_instructions() {
    for_each(|base| {
        base.accepts(&before(base, "<?xml version=\"1.0\"?>"));
        let external = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>";
        let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>";
        let parameter = "<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1:9/x.dtd\"> %p;]>";
        for doctype in ["<!DOCTYPE x>", "<!DOCTYPE x [<!ENTITY e \"alice\">]>", external, laughs, parameter] {
            base.refuses(&before(base, doctype), &["saml_doctype"]);
        }
        base.refuses(&before(base, "<?evil x?>"), &["saml_doctype"]);
        let mut document = base.assertion_signed();
        document.at_mut("Assertion/Subject/NameID").set_text("&alice;");
        base.refuses(&document.write(), &["saml_malformed"]);
    });
}

#[test]
fn broken_documents() {
    for_each(|base| {
        let two_roots = format!("{0}{0}", base.document().write());
        let cut = &base.xml[..base.xml.len() / 2];
        let unbalanced = base.xml.replace("</", "<");
        for xml in [&two_roots, cut, &unbalanced, "", " ", "no XML", "<a/>", "<samlp:Response/>"] {
            base.refuses(xml, &["saml_malformed", "saml_encoding", "saml_other_message"]);
        }
        let mut other = base.document();
        other.name = other.sibling_name("LogoutResponse");
        base.refuses(&other.write(), &["saml_other_message"]);
    });
}

#[test]
fn deep_wide_and_large() {
    for_each(|base| {
        let deep = |levels: usize| {
            let mut document = base.assertion_signed();
            let nested = format!("{}{}", "<x xmlns=\"urn:x\">".repeat(levels), "</x>".repeat(levels));
            document.at_mut("Status").set_text(&nested);
            document.write()
        };
        base.refuses(&deep(5000), &["saml_malformed"]);
        base.refuses(&before(base, &format!("<!--{}-->", "x".repeat(10 * 1024 * 1024))), &["saml_too_large"]);
        base.refuses(&before(base, &"<!---->".repeat(200_000)), &["saml_too_large"]);
        // As many as fit into what is read at all: refused or taken, but soon.
        let wide = before(base, &"<!---->".repeat(20_000));
        assert!(wide.len() < MESSAGE_LIMIT * 3 / 4);
        drop(base.judge(&wide));
    });
}

#[test]
fn encodings() {
    for_each(|base| {
        let judge = |saml_response: &str| {
            let form = Form { saml_response, relay_state: Some("k7Jm3vQ0hXw2c9aTt5Yz1A") };
            Verifier.consume(&base.connection, Some(&base.tracker), &form, base.now)
        };
        let encoded = BASE64.encode(base.xml.as_bytes());
        // Some break their lines.
        let broken: Vec<&str> =
            encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        judge(&broken.join("\r\n")).outcome.expect("the same response");
        for wrong in ["", "%%%", "PHg+", &format!("{encoded}="), &encoded.replace('=', "").replacen('A', "_", 1)] {
            let consumed = judge(wrong);
            base.refuses_consumed(consumed, &["saml_encoding", "saml_malformed"], wrong);
        }
        let not_text = BASE64.encode(&[base.xml.as_bytes(), b"\xff\xfe"].concat());
        base.refuses_consumed(judge(&not_text), &["saml_malformed"], "bytes");
        let large = "A".repeat(MESSAGE_LIMIT + 1);
        base.refuses_consumed(judge(&large), &["saml_too_large"], "a large one");
    });
}
