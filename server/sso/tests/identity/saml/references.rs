//! Signatures written by hand and signed by the provider's own key, so that they hold in whoever computes as XMLDSig says:
//! what they refer to must be what is read, or nothing is.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

use super::providers::{Base, Key, for_each};
use super::tree::{Element, Node};
use super::xmlsec;

/// In its canonical form, which is what the key signs.
fn signed_info(uri: Option<&str>, digest: &str) -> String {
    let uri = uri.map(|uri| format!(" URI=\"{uri}\"")).unwrap_or_default();
    format!(
        "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
         <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod>\
         <ds:Reference{uri}><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>\
         <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
}

fn sign(key: &Key, signed: &str) -> String {
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-sign", &key.key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    openssl.stdin.take().expect("a pipe").write_all(signed.as_bytes()).expect("openssl reads");
    let output = openssl.wait_with_output().expect("openssl ends");
    assert!(output.status.success(), "openssl cannot sign with {}", key.key);
    BASE64.encode(&output.stdout)
}

/// By the provider's key, over whatever has this digest.
fn signature(base: &Base, uri: Option<&str>, digest: &str) -> Element {
    let info = signed_info(uri, digest);
    let value = sign(&base.key, &info);
    Element::parse(&format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}\
         <ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>"
    ))
}

/// A document without a signature in one of its elements, and where that would stand.
struct Unsigned {
    document: Element,
    /// The local name of the element.
    holder: &'static str,
    id: String,
    at: usize,
    /// Of the element, as another program computes it.
    digest: String,
}

impl Unsigned {
    fn new(base: &Base, mut document: Element, holder: &'static str) -> Self {
        let element = held(&mut document, holder);
        let id = element.get("ID").expect("an ID").to_owned();
        let at = element.position("Issuer") + 1;
        let mut new = Self { document, holder, id, at, digest: String::new() };
        let reference = format!("#{}", new.id);
        let xml = xmlsec::sign(&new.with(&signature(base, Some(&reference), "")), &base.key, &[holder]);
        let mut signed = Element::parse(&xml);
        let signed = held(&mut signed, holder).at("Signature");
        new.digest = packed(&signed.at("SignedInfo/Reference/DigestValue").text());
        // That program and this hand mean the same by a signature.
        let own = signature(base, Some(&reference), &new.digest);
        assert_eq!(packed(&signed.at("SignatureValue").text()), own.at("SignatureValue").text(), "{}", base.name);
        new
    }

    fn with(&self, signature: &Element) -> Element {
        let mut document = self.document.clone();
        held(&mut document, self.holder).insert(self.at, signature.clone());
        document
    }

    /// Signed with its own digest, and a reference of this kind.
    fn referring(&self, base: &Base, uri: Option<&str>) -> Element {
        self.with(&signature(base, uri, &self.digest))
    }
}

fn held<'a>(document: &'a mut Element, holder: &str) -> &'a mut Element {
    if document.local() == holder { document } else { document.at_mut(holder) }
}

fn packed(text: &str) -> String {
    text.chars().filter(|char| !char.is_whitespace()).collect()
}

/// Serves a document on this machine; gives its address and counts who comes.
fn serve(body: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a visitor");
            counted.fetch_add(1, Ordering::SeqCst);
            let asked = stream.read(&mut [0; 4096]).expect("a request");
            assert!(asked > 0, "somebody came and asked for nothing");
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).expect("an answer");
        }
    });
    (format!("http://{address}/response.xml"), visits)
}

fn visit(url: &str) -> String {
    let address = url.trim_start_matches("http://").trim_end_matches("/response.xml");
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(b"GET /response.xml HTTP/1.0\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[test]
fn case_15_only_the_id_of_what_it_is_in_is_a_reference_however_right_the_digest() {
    for_each(|base| {
        let mut document = base.response_signed();
        document.take("Signature");
        let (url, visits) = serve(document.write());
        let unsigned = Unsigned::new(base, document, "Response");
        let own = format!("#{}", unsigned.id);
        base.accepts(&unsigned.referring(base, Some(&own)).write());
        // The response is the whole document, so its digest is right under each of these names.
        let by_id = format!("#xpointer(id('{}'))", unsigned.id);
        for uri in ["", "#xpointer(/)", &by_id] {
            let document = unsigned.referring(base, Some(uri));
            let by_program = xmlsec::sign(&document, &base.key, &["Response"]);
            let digest = Element::parse(&by_program).at("Signature/SignedInfo/Reference/DigestValue").text();
            assert_eq!(packed(&digest), unsigned.digest, "{}: {uri}", base.name);
            base.refuses(&by_program, &["saml_signature"]);
            base.refuses(&document.write(), &["saml_signature"]);
        }
        for uri in [None, Some("#"), Some(unsigned.id.as_str()), Some(url.as_str())] {
            base.refuses(&unsigned.referring(base, uri).write(), &["saml_signature"]);
        }
        // Nobody came for the document before this visitor.
        assert!(visit(&url).contains(&unsigned.id));
        assert_eq!(visits.load(Ordering::SeqCst), 1, "{}: somebody fetched what was referred to", base.name);
    });
}

#[test]
fn case_36_a_canonical_form_that_fails_is_not_the_digest_of_nothing() {
    for_each(|base| {
        // Whoever has the key can say anything: a signature by hand over a forged assertion is taken if its digest is right.
        let mut forged = base.document();
        forged.take("Signature");
        let at = forged.position("Assertion");
        forged.take("Assertion");
        forged.insert(at, base.forged());
        let unsigned = Unsigned::new(base, forged, "Assertion");
        let own = format!("#{}", unsigned.id);
        let taken = base.judge(&unsigned.referring(base, Some(&own)).write()).outcome;
        let taken = taken.unwrap_or_else(|reject| panic!("{}: {reject}", base.name));
        assert_eq!(taken.person.subject.expose(), "mallory", "{}", base.name);
        // Libraries have failed at a relative namespace, and hashed nothing instead.
        let nothing = signature(base, Some(&own), &BASE64.encode(&Sha256::digest(b"")));
        base.refuses(&unsigned.with(&nothing).write(), &["saml_signature"]);
        for namespace in ["1", "./a", "../a", "#a", "a b", "%"] {
            let mut document = unsigned.with(&nothing);
            let assertion = document.at_mut("Assertion");
            assertion.set("xmlns:relative", namespace);
            assertion.set("relative:x", "1");
            base.refuses(&document.write(), &["saml_signature", "saml_malformed", "saml_schema"]);
            // Deeper inside, where it takes effect in the middle of the form.
            let mut document = unsigned.with(&nothing);
            let subject = document.at_mut("Assertion/Subject");
            subject.set("xmlns:relative", namespace);
            subject.set("relative:x", "1");
            base.refuses(&document.write(), &["saml_signature", "saml_malformed", "saml_schema"]);
        }
    });
}

#[test]
fn case_37_an_id_of_another_namespace_leads_to_no_other_element() {
    for_each(|base| {
        let mut document = base.assertion_signed();
        let at = document.position("Assertion");
        let signed = document.take("Assertion");
        let id = signed.get("ID").expect("an ID").to_owned();
        let copied = signed.at("Signature").clone();
        let extensions = Element {
            name: document.sibling_name("Extensions"),
            attributes: Vec::new(),
            children: vec![Node::Element(signed)],
        };
        let status = document.position("Status");
        document.insert(status, extensions);
        for with_its_signature in [false, true] {
            for (place, own_id) in [(0, true), (usize::MAX, true), (0, false)] {
                let mut forged = base.forged();
                if !own_id {
                    forged.unset("ID");
                }
                forged.set("xmlns:evil", "urn:attacker");
                let place = place.min(forged.attributes.len());
                forged.attributes.insert(place, ("evil:ID".to_owned(), id.clone()));
                if with_its_signature {
                    forged.insert(1, copied.clone());
                }
                let mut document = document.clone();
                document.insert(at + 1, forged);
                let walls = ["saml_assertions", "saml_malformed", "saml_schema", "saml_signature", "saml_unsigned"];
                base.refuses(&document.write(), &walls);
            }
        }
    });
}
