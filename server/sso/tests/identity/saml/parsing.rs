//! What is no message of SAML, or too much of one.

use std::time::{Duration, Instant};

use data_encoding::BASE64;
use shutterpost_sso::saml::login::Form;
use shutterpost_sso::saml::{MESSAGE_LIMIT, SamlVerifier as _, Verifier};

use super::providers::{Base, for_each};
use super::tree::Element;
use super::xmlsec;

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
            base.refuses(xml, &["saml_malformed", "saml_encoding", "saml_other_message", "saml_too_complex"]);
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
        base.refuses(&deep(5000), &["saml_too_complex"]);
        base.refuses(&before(base, &format!("<!--{}-->", "x".repeat(10 * 1024 * 1024))), &["saml_too_large"]);
        base.refuses(&before(base, &"<!---->".repeat(200_000)), &["saml_too_large"]);
        let wide = before(base, &"<!---->".repeat(20_000));
        assert!(wide.len() < MESSAGE_LIMIT * 3 / 4);
        base.refuses(&wide, &["saml_too_complex"]);
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

/// Each of these kept the crate that verifies busy for seconds or minutes: it canonicalises what a stranger has sent.
#[test]
fn namespaces_by_the_thousand() {
    /// Declarations on each of nested elements, and as many elements inside as there is room for.
    fn nested(depth: usize, declarations: usize, room: usize) -> String {
        let mut inner = String::new();
        for level in 0..depth {
            inner.push_str("<a:x xmlns:a=\"urn:u\"");
            for number in 1..declarations {
                inner.push_str(&format!(" xmlns:b{level}.{number}=\"urn:u\""));
            }
            inner.push('>');
        }
        let left = room.saturating_sub(inner.len() + depth * 6);
        inner.push_str(&"<a:y/>".repeat(left / 6));
        inner.push_str(&"</a:x>".repeat(depth));
        inner
    }
    for_each(|base| {
        let with = |inner: &str| {
            let mut document = base.response_signed();
            let at = document.position("Status");
            let name = document.sibling_name("Extensions");
            let mut extensions = Element { name, attributes: Vec::new(), children: Vec::new() };
            extensions.set_text(inner);
            document.insert(at, extensions);
            document.write()
        };
        // It would be read, were it signed.
        let few = with(&nested(3, 3, 2_000));
        base.accepts(&xmlsec::sign(&Element::parse(&few), &base.key, &["Response"]));
        for (depth, declarations, room) in
            [(90, 60, 180_000), (10, 20, 170_000), (5, 31, 170_000), (28, 1, 170_000), (1, 31, 170_000), (30, 2, 0)]
        {
            let xml = with(&nested(depth, declarations, room));
            let begun = Instant::now();
            base.refuses(&xml, &["saml_too_complex"]);
            assert!(begun.elapsed() < Duration::from_secs(1), "{}: {depth}, {declarations}", base.name);
        }
        let attributes: String = (0..9_000).map(|number| format!(" x{number}=\"\"")).collect();
        let begun = Instant::now();
        base.refuses(&with(&format!("<x xmlns=\"urn:u\"{attributes}/>")), &["saml_too_complex"]);
        // A list of prefixes in which every element is looked for.
        let mut listed = base.response_signed();
        let transforms = listed.at_mut("Signature/SignedInfo/Reference/Transforms");
        let transform = transforms.elements_mut().last().expect("a transform");
        let name = "ec:InclusiveNamespaces".to_owned();
        let mut list = Element { name, attributes: Vec::new(), children: Vec::new() };
        list.set("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#");
        list.set("PrefixList", &"q ".repeat(70_000));
        transform.push(list);
        base.refuses(&listed.write(), &["saml_too_complex"]);
        // The most that is let through to the crate.
        let most = with(&nested(20, 1, 3_800 * 6));
        base.refuses(&most, &["saml_signature"]);
        assert!(begun.elapsed() < Duration::from_secs(2), "{}: {:?}", base.name, begun.elapsed());
    });
}
