//! A signature that holds, and an assertion that it does not cover: whoever is read must be whoever was signed.

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

use super::providers::{Base, for_each, forge};
use super::tree::{Element, Node};
use super::xmlsec;

/// A wrapped document fails at one of several walls, depending on its provider's prefixes and order.
const WALLS: [&str; 5] = ["saml_assertions", "saml_malformed", "saml_schema", "saml_signature", "saml_unsigned"];

fn element(name: &str, children: Vec<Element>) -> Element {
    Element {
        name: name.to_owned(),
        attributes: Vec::new(),
        children: children.into_iter().map(Node::Element).collect(),
    }
}

/// The document with a forged assertion in the place of its own, and its own without its signature beside it.
struct Parts {
    document: Element,
    signed: Element,
    /// Without its signature.
    bare: Element,
    signature: Element,
    forged: Element,
    at: usize,
}

fn parts(base: &Base) -> Parts {
    let mut document = base.assertion_signed();
    let at = document.position("Assertion");
    let signed = document.take("Assertion");
    let mut bare = signed.clone();
    let signature = bare.take("Signature");
    Parts { document, signed, bare, signature, forged: base.forged(), at }
}

/// Puts the assertion where the provider's was, and expects a wall.
fn refused(base: &Base, mut document: Element, at: usize, assertion: Element) {
    document.insert(at, assertion);
    base.refuses(&document.write(), &WALLS);
}

#[test]
fn no_signature_at_all() {
    for_each(|base| {
        let mut document = base.assertion_signed();
        document.at_mut("Assertion").take("Signature");
        base.refuses(&document.write(), &["saml_unsigned"]);
        forge(document.at_mut("Assertion"));
        base.refuses(&document.write(), &["saml_unsigned"]);
    });
}

#[test]
fn response_signature_removed_and_assertion_unsigned() {
    for_each(|base| {
        let mut document = base.response_signed();
        document.take("Signature");
        base.refuses(&document.write(), &["saml_unsigned"]);
    });
}

#[test]
fn one_of_two_signatures_is_broken() {
    for_each(|base| {
        for path in ["Signature", "Assertion/Signature"] {
            let mut document = base.document();
            let value = document.at_mut(path).at_mut("SignatureValue");
            value.set_text(&BASE64.encode(&[7; 256]));
            // Whichever one is wanted: the other one may not be wrong either.
            base.refuses(&document.write(), &["saml_signature"]);
        }
        // The response's holds, over an assertion whose own is empty.
        let xml = xmlsec::sign(&base.document(), &base.key, &["Response"]);
        base.refuses(&xml, &["saml_signature"]);
    });
}

#[test]
fn value_tampered() {
    for_each(|base| {
        let mut document = base.assertion_signed();
        document.at_mut("Assertion/Subject/NameID").set_text("mallory");
        base.refuses(&document.write(), &["saml_signature"]);
        let mut document = base.response_signed();
        document.at_mut("Assertion/Subject/NameID").set_text("mallory");
        base.refuses(&document.write(), &["saml_signature"]);
    });
}

#[test]
fn xsw1_forged_response_wraps_original_in_object() {
    for_each(|base| {
        let mut forged = base.response_signed();
        let mut original = forged.clone();
        original.take("Signature");
        let at = forged.position("Signature");
        let mut signature = forged.take("Signature");
        signature.push(element(&signature.sibling_name("Object"), vec![original]));
        forged.set("ID", "_forged_response");
        let assertion = forged.at_mut("Assertion");
        assertion.set("ID", "_forged");
        forge(assertion);
        forged.insert(at, signature);
        base.refuses(&forged.write(), &WALLS);
    });
}

#[test]
fn xsw2_detached_signature_before_forged_response() {
    for_each(|base| {
        let mut forged = base.response_signed();
        let mut original = forged.clone();
        original.take("Signature");
        let at = forged.position("Signature");
        forged.set("ID", "_forged_response");
        let assertion = forged.at_mut("Assertion");
        assertion.set("ID", "_forged");
        forge(assertion);
        forged.insert(at, original);
        base.refuses(&forged.write(), &WALLS);
    });
}

#[test]
fn xsw3_forged_before_signed() {
    for_each(|base| {
        let Parts { mut document, signed, forged, at, .. } = parts(base);
        document.insert(at, signed);
        let mut after = document.clone();
        document.insert(at, forged.clone());
        base.refuses(&document.write(), &["saml_assertions"]);
        after.push(forged);
        base.refuses(&after.write(), &["saml_assertions"]);
    });
}

#[test]
fn xsw4_forged_wraps_signed() {
    for_each(|base| {
        let Parts { document, signed, mut forged, at, .. } = parts(base);
        forged.push(signed);
        refused(base, document, at, forged);
    });
}

#[test]
fn xsw5_forged_has_the_signature_and_the_original_stands_at_the_end() {
    for_each(|base| {
        let Parts { mut document, bare, signature, mut forged, at, .. } = parts(base);
        forged.insert(1, signature);
        document.push(bare);
        refused(base, document, at, forged);
    });
}

#[test]
fn xsw6_original_inside_the_copied_signature() {
    for_each(|base| {
        let Parts { document, bare, mut signature, mut forged, at, .. } = parts(base);
        signature.push(bare);
        forged.insert(1, signature);
        refused(base, document, at, forged);
    });
}

#[test]
fn xsw7_signed_in_extensions() {
    for_each(|base| {
        for with_its_signature in [false, true] {
            let Parts { mut document, signed, signature, mut forged, at, .. } = parts(base);
            let extensions = element(&document.sibling_name("Extensions"), vec![signed]);
            let status = document.position("Status");
            document.insert(status, extensions);
            if with_its_signature {
                forged.insert(1, signature);
            }
            refused(base, document, at + 1, forged);
        }
    });
}

#[test]
fn xsw8_original_in_object_of_the_copied_signature() {
    for_each(|base| {
        let Parts { document, bare, mut signature, mut forged, at, .. } = parts(base);
        signature.push(element(&signature.sibling_name("Object"), vec![bare]));
        forged.insert(1, signature);
        refused(base, document, at, forged);
    });
}

#[test]
fn signed_in_advice_of_forged() {
    for_each(|base| {
        for with_its_signature in [false, true] {
            let Parts { document, signed, signature, mut forged, at, .. } = parts(base);
            let advice = element(&forged.sibling_name("Advice"), vec![signed]);
            let conditions = forged.position("Conditions");
            forged.insert(conditions + 1, advice);
            if with_its_signature {
                forged.insert(1, signature);
            }
            refused(base, document, at, forged);
        }
    });
}

#[test]
fn signature_moved_into_status() {
    for_each(|base| {
        let mut document = base.response_signed();
        let signature = document.take("Signature");
        document.at_mut("Status").push(signature);
        base.refuses(&document.write(), &WALLS);
        let mut document = base.assertion_signed();
        let signature = document.at_mut("Assertion").take("Signature");
        document.at_mut("Status").push(signature);
        base.refuses(&document.write(), &WALLS);
    });
}

#[test]
fn duplicate_id() {
    for_each(|base| {
        let mut document = base.assertion_signed();
        let id = document.at("Assertion").get("ID").expect("an ID").to_owned();
        document.set("ID", &id);
        base.refuses(&document.write(), &["saml_malformed"]);

        let Parts { mut document, signed, mut forged, at, .. } = parts(base);
        forged.set("ID", &id);
        let extensions = element(&document.sibling_name("Extensions"), vec![signed]);
        let status = document.position("Status");
        document.insert(status, extensions);
        document.insert(at + 1, forged);
        base.refuses(&document.write(), &["saml_malformed"]);
    });
}

#[test]
fn xml_id_equals_another_id() {
    for_each(|base| {
        let mut document = base.assertion_signed();
        let id = document.at("Assertion").get("ID").expect("an ID").to_owned();
        document.at_mut("Status").set("xml:id", &id);
        base.refuses(&document.write(), &["saml_malformed"]);

        let Parts { document, mut forged, signature, at, .. } = parts(base);
        forged.unset("ID");
        forged.set("xml:id", &id);
        forged.insert(1, signature);
        refused(base, document, at, forged);
    });
}

#[test]
fn two_references() {
    for_each(|base| {
        let mut document = base.assertion_signed();
        let info = document.at_mut("Assertion/Signature/SignedInfo");
        let reference = info.at("Reference").clone();
        info.push(reference);
        let xml = xmlsec::sign(&document, &base.key, &["Assertion"]);
        base.refuses(&xml, &["saml_signature"]);
    });
}

#[test]
fn attacker_prefix_and_default_namespace() {
    const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
    for_each(|base| {
        // The same name by another prefix is the same name.
        let Parts { mut document, signed, mut forged, at, .. } = parts(base);
        document.insert(at, signed.clone());
        forged.name = "evil:Assertion".to_owned();
        forged.set("xmlns:evil", ASSERTION);
        document.insert(at, forged.clone());
        base.refuses(&document.write(), &WALLS);
        // The same prefix for another name is another name: what was signed is not an assertion any more.
        let Parts { document, mut signed, at, .. } = parts(base);
        let declaration = match signed.name.split_once(':') {
            Some((prefix, _)) => format!("xmlns:{prefix}"),
            None => "xmlns".to_owned(),
        };
        signed.set(&declaration, "urn:attacker");
        refused(base, document, at, signed);
        // A default namespace that swallows what has no prefix.
        let Parts { mut document, signed, forged, at, .. } = parts(base);
        let mut swallowed = element("Assertion", vec![signed]);
        swallowed.set("xmlns", "urn:attacker");
        document.insert(at, swallowed);
        refused(base, document, at, forged);
    });
}

#[test]
fn relative_namespace_does_not_void_canonicalisation() {
    for_each(|base| {
        let Parts { document, mut signature, mut forged, at, .. } = parts(base);
        // Libraries have failed at this and hashed nothing.
        forged.set("xmlns:relative", "1");
        forged.set("relative:x", "1");
        let id = forged.get("ID").expect("an ID").to_owned();
        let reference = signature.at_mut("SignedInfo/Reference");
        reference.set("URI", &format!("#{id}"));
        reference.at_mut("DigestValue").set_text(&BASE64.encode(&Sha256::digest(b"")));
        forged.insert(1, signature);
        refused(base, document, at, forged);
    });
}

#[test]
fn attribute_pollution() {
    for_each(|base| {
        let Parts { document, signed, signature, mut forged, at, .. } = parts(base);
        let id = signed.get("ID").expect("an ID").to_owned();
        forged.set("xmlns:evil", "urn:attacker");
        forged.attributes.insert(0, ("evil:ID".to_owned(), id.clone()));
        forged.insert(1, signature.clone());
        refused(base, document.clone(), at, forged.clone());
        // The same attribute twice is no XML.
        forged.attributes.push(("ID".to_owned(), id));
        refused(base, document, at, forged);
    });
}
