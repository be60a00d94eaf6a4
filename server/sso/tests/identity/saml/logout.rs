//! Signing out, from here and from there.

use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use shutterpost_model::time::Millis;
use shutterpost_sso::saml::connection::{Binding, Connection, Own, Unusable};
use shutterpost_sso::saml::login::{Departure, Proved};
use shutterpost_sso::saml::logout::{Demand, LogoutAttempt, LogoutMessage, LogoutTracker, NameId, Outcome};
use shutterpost_sso::saml::reject::{Reject, Term};
use shutterpost_sso::saml::{MESSAGE_LIMIT, SKEW, SamlVerifier as _, Verifier};
use std::io::Write as _;
use url::Url;

use super::http::Browser;
use super::providers::{Base, base, for_each, real_time, sign_in};
use super::tree::Element;
use super::xmlsec;

const RELAY_STATE: &str = "Qm9uam91ciwgbGUgbW9uZGU";

/// The query of an address.
fn query(url: &str) -> String {
    Url::parse(url).expect("an address").query().expect("a query").to_owned()
}

fn begin(connection: &Connection, name_id: &NameId, session: Option<&str>) -> (Departure, LogoutTracker) {
    let attempt = LogoutAttempt { name_id, session, relay_state: RELAY_STATE, id: [5; 20], now: real_time() };
    Verifier.start_logout(connection, &attempt).expect("a provider that knows how")
}

/// What pysaml2 sends when it wants Alice's session to end.
fn real_request(base: &Base) -> String {
    let mut url = base.url.join("/end").expect("an address");
    let own = &base.connection.own;
    url.query_pairs_mut()
        .append_pair("service_provider", &own.entity_id)
        .append_pair("slo", &own.slo)
        .append_pair("name", "alice")
        .append_pair("session", "the-session");
    let page = Browser::default().peek(&url);
    let location = page.location.unwrap_or_else(|| panic!("{}: {}", page.status, page.body));
    assert!(location.starts_with(&own.slo), "{location}");
    query(&location)
}

fn receive(connection: &Connection, query: &str, now: Millis) -> Result<Demand, Reject> {
    Verifier.receive_logout(connection, &LogoutMessage::Redirect { query }, now)
}

/// The request, signed inside as it is sent by a form.
fn posted(base: &Base, change: impl FnOnce(&mut Element)) -> String {
    let own = &base.connection.own;
    let mut signature = base.document().at("Signature").clone();
    signature.at_mut("SignedInfo/Reference").set("URI", "#_posted");
    let xml = format!(
        "<p:LogoutRequest xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         ID=\"_posted\" Version=\"2.0\" IssueInstant=\"{}\" Destination=\"{}\"><a:Issuer>{}</a:Issuer>\
         <a:NameID>alice</a:NameID><p:SessionIndex>the-session</p:SessionIndex></p:LogoutRequest>",
        base.now.rfc3339(),
        own.slo,
        base.connection.provider,
    );
    let mut document = Element::parse(&xml);
    // The prefix of the signature was declared on the response by some.
    for (name, value) in base.document().attributes.iter().filter(|(name, _)| name.starts_with("xmlns")) {
        if signature.get(name).is_none() {
            signature.set(name, value);
        }
    }
    document.insert(1, signature);
    change(&mut document);
    let key = &base.key;
    xmlsec::sign(&document, key, &["LogoutRequest"])
}

fn receive_posted(base: &Base, connection: &Connection, xml: &str) -> Result<Demand, Reject> {
    let value = BASE64.encode(xml.as_bytes());
    Verifier.receive_logout(connection, &LogoutMessage::Post { value: &value, relay_state: None }, base.now)
}

fn code<T: std::fmt::Debug>(result: Result<T, Reject>) -> &'static str {
    result.expect_err("refused").code()
}

#[test]
fn asked_from_here_and_answered() {
    let base = base("pysaml2");
    let proved = base.accepts(&base.xml);
    // It goes through storage.
    let name_id = NameId::from_stored(proved.name_id.to_stored().expose()).expect("as it was stored");
    assert_eq!(name_id, proved.name_id);
    let (departure, tracker) = begin(&base.connection, &name_id, proved.person.session.as_deref());
    let Departure::Redirect(url) = departure else { panic!("a redirect") };
    let page = Browser::default().peek(&Url::parse(&url).expect("an address"));
    let answer = query(&page.location.unwrap_or_else(|| panic!("{}: {}", page.status, page.body)));
    let finish = |connection: &Connection, tracker: &LogoutTracker, query: &str| {
        Verifier.finish_logout(connection, tracker, &LogoutMessage::Redirect { query }, real_time())
    };
    assert_eq!(finish(&base.connection, &tracker, &answer).expect("signed"), Outcome::Ended);

    let unsigned = answer.split("&SigAlg=").next().expect("a beginning");
    assert_eq!(code(finish(&base.connection, &tracker, unsigned)), "saml_unsigned");
    let attempt =
        LogoutAttempt { name_id: &name_id, session: None, relay_state: RELAY_STATE, id: [6; 20], now: real_time() };
    let (_, other) = Verifier.start_logout(&base.connection, &attempt).expect("a request");
    assert_eq!(code(finish(&base.connection, &other, &answer)), "saml_in_response_to");
    let mut neighbour = base.connection.clone();
    neighbour.own = Own::new("http://localhost:8443", "another");
    assert_eq!(code(finish(&neighbour, &tracker, &answer)), "saml_destination");
    neighbour.provider = "https://other-provider.example".to_owned();
    assert_eq!(code(finish(&neighbour, &tracker, &answer)), "saml_other_connection");
}

#[test]
fn a_provider_without_an_address_for_it() {
    let base = base("pysaml2");
    let name_id = base.accepts(&base.xml).name_id;
    let mut connection = base.connection.clone();
    connection.sign_out = None;
    let attempt =
        LogoutAttempt { name_id: &name_id, session: None, relay_state: RELAY_STATE, id: [5; 20], now: real_time() };
    assert_eq!(Verifier.start_logout(&connection, &attempt).expect_err("no address"), Unusable::NoSignOut);
}

#[test]
fn asked_from_there_and_answered() {
    let base = base("pysaml2");
    let now = real_time();
    let demand = receive(&base.connection, &real_request(base), now).expect("signed");
    assert_eq!(demand.name_id.value.expose(), "alice");
    assert_eq!(demand.sessions, ["the-session"]);
    assert!(demand.message.keep_until > now);
    let mut connection = base.connection.clone();
    connection.sign_out.as_mut().expect("an address").binding = Binding::Post;
    let answer = Verifier.answer_logout(&connection, &demand, [8; 20], now).expect("an address");
    let Departure::Form { field, value, .. } = answer else { panic!("a form") };
    let xml = String::from_utf8(BASE64.decode(value.as_bytes()).expect("base64")).expect("UTF-8");
    let answer = Element::parse(&xml);
    assert_eq!((field, answer.get("InResponseTo")), ("SAMLResponse", Some(&*demand.message.id)));
}

#[test]
fn redirected_demands_that_are_refused() {
    let base = base("pysaml2");
    let now = real_time();
    let real = real_request(base);
    receive(&base.connection, &real, now).expect("the control");
    let unsigned = real.split("&SigAlg=").next().expect("a beginning");
    assert_eq!(code(receive(&base.connection, unsigned, now)), "saml_unsigned");
    // The signature of one over the words of another.
    let (message, signature) = real.split_at(unsigned.len());
    let other = real_request(base);
    let other_message = other.split("&SigAlg=").next().expect("a beginning");
    assert_ne!(message, other_message);
    let spliced = format!("{other_message}{signature}");
    assert_eq!(code(receive(&base.connection, &spliced, now)), "saml_signature");
    // What is read twice could be read differently.
    for twice in [
        format!("{real}&{message}"),
        format!("{message}&{real}"),
        format!("{real}&RelayState=a&RelayState=b"),
        format!("{real}&SigAlg=x"),
        format!("{real}&Signature=x"),
        format!("{real}&SAMLResponse=PHg%2B"),
        format!("{real}&SAMLEncoding=urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:other"),
    ] {
        assert_eq!(code(receive(&base.connection, &twice, now)), "saml_encoding");
    }
    let deflated = "SAMLEncoding=urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
    receive(&base.connection, &format!("{real}&{deflated}&more=1"), now).expect("says what is meant without it");
    let as_response = real.replacen("SAMLRequest=", "SAMLResponse=", 1);
    assert_eq!(code(receive(&base.connection, &as_response, now)), "saml_encoding");
    assert_eq!(code(receive(&base.connection, "", now)), "saml_encoding");
    let weak = real.replace("rsa-sha256", "rsa-sha1");
    assert!(matches!(code(receive(&base.connection, &weak, now)), "saml_algorithm" | "saml_signature"));
    // For another connection, of this provider or of another one.
    let mut neighbour = base.connection.clone();
    neighbour.own = Own::new("http://localhost:8443", "another");
    assert_eq!(code(receive(&neighbour, &real, now)), "saml_destination");
    let mut renamed = base.connection.clone();
    renamed.provider = "https://other-provider.example".to_owned();
    assert_eq!(code(receive(&renamed, &real, now)), "saml_issuer");
    let mut other_key = base.connection.clone();
    other_key.certificates = super::providers::base("samlp").connection.certificates.clone();
    assert_eq!(code(receive(&other_key, &real, now)), "saml_signature");
    // Too old to be remembered, or from the future.
    assert_eq!(code(receive(&base.connection, &real, now.plus(11 * 60_000))), "saml_expired");
    assert_eq!(code(receive(&base.connection, &real, now.plus(-120_000))), "saml_not_yet_valid");
}

#[test]
fn deflate_bomb() {
    let base = base("pysaml2");
    let mut bomb = DeflateEncoder::new(Vec::new(), Compression::best());
    let block = [b' '; 64 * 1024];
    for _ in 0..1600 {
        bomb.write_all(&block).expect("memory");
    }
    let bomb = BASE64.encode(&bomb.finish().expect("memory"));
    assert!(bomb.len() < MESSAGE_LIMIT, "{} bytes for 100 MiB", bomb.len());
    let mut url = Url::parse("http://localhost/").expect("an address");
    url.query_pairs_mut().append_pair("SAMLRequest", &bomb);
    assert_eq!(code(receive(&base.connection, &query(url.as_str()), base.now)), "saml_too_large");
    let not_deflated = "SAMLRequest=PHg%2B";
    assert_eq!(code(receive(&base.connection, not_deflated, base.now)), "saml_encoding");
}

#[test]
fn posted_demands() {
    for_each(|base| {
        let real = posted(base, |_| {});
        let demand =
            receive_posted(base, &base.connection, &real).unwrap_or_else(|reject| panic!("{}: {reject}", base.name));
        assert_eq!(
            (demand.name_id.value.expose().as_str(), demand.sessions),
            ("alice", vec!["the-session".to_owned()])
        );

        let mut unsigned = Element::parse(&real);
        unsigned.take("Signature");
        assert_eq!(code(receive_posted(base, &base.connection, &unsigned.write())), "saml_unsigned");
        let mut tampered = Element::parse(&real);
        tampered.at_mut("NameID").set_text("bob");
        assert_eq!(code(receive_posted(base, &base.connection, &tampered.write())), "saml_signature");
        let old = base.now.plus(-11 * 60_000).rfc3339();
        let old = posted(base, |document| document.set("IssueInstant", &old));
        assert_eq!(code(receive_posted(base, &base.connection, &old)), "saml_expired");
        let ended = base.now.plus(-61_000).rfc3339();
        let ended = posted(base, |document| document.set("NotOnOrAfter", &ended));
        assert_eq!(code(receive_posted(base, &base.connection, &ended)), "saml_expired");
        let nowhere = posted(base, |document| document.unset("Destination"));
        assert_eq!(code(receive_posted(base, &base.connection, &nowhere)), "saml_destination");
        let nobody = posted(base, |document| document.at_mut("NameID").set_text("\u{202e}"));
        assert_eq!(code(receive_posted(base, &base.connection, &nobody)), "saml_subject");
        let mut neighbour = base.connection.clone();
        neighbour.own = Own::new("http://localhost:8443", "another");
        assert_eq!(code(receive_posted(base, &neighbour, &real)), "saml_destination");
        // A proved response is not a demand.
        assert_eq!(code(receive_posted(base, &base.connection, &base.xml)), "saml_other_message");
    });
}

/// Ten minutes old at most, and ahead by no more than clocks differ: nothing has to be remembered for longer.
#[test]
fn demands_have_their_time_to_the_second() {
    for_each(|base| {
        let now = Millis(base.now.0 / 1000 * 1000);
        let received = |seconds: i64| {
            let issued = now.plus(seconds * 1000).rfc3339();
            let xml = posted(base, |document| document.set("IssueInstant", &issued));
            let value = BASE64.encode(xml.as_bytes());
            Verifier.receive_logout(&base.connection, &LogoutMessage::Post { value: &value, relay_state: None }, now)
        };
        let oldest = received(-600).unwrap_or_else(|reject| panic!("{}: {reject}", base.name));
        assert_eq!(oldest.message.keep_until, now.plus(SKEW), "as long as it could come again");
        assert_eq!(received(-605).expect_err("is too old"), Reject::Expired { what: Term::Message, seconds: 5 });
        received(60).unwrap_or_else(|reject| panic!("{}: {reject}", base.name));
        assert_eq!(received(75).expect_err("is ahead"), Reject::NotYetValid { seconds: 75 });
    });
}

#[test]
fn demands_have_a_length_to_the_byte() {
    let base = base("pysaml2");
    let inflated = |length: usize| {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
        deflate.write_all(&vec![b' '; length]).expect("memory");
        let mut url = Url::parse("http://localhost/").expect("an address");
        url.query_pairs_mut().append_pair("SAMLRequest", &BASE64.encode(&deflate.finish().expect("memory")));
        code(receive(&base.connection, &query(url.as_str()), base.now))
    };
    assert_eq!(inflated(MESSAGE_LIMIT), "saml_malformed");
    assert_eq!(inflated(MESSAGE_LIMIT + 1), "saml_too_large");
    let asked = |length: usize| code(receive(&base.connection, &format!("a={}", "x".repeat(length - 2)), base.now));
    assert_eq!(asked(MESSAGE_LIMIT), "saml_encoding");
    assert_eq!(asked(MESSAGE_LIMIT + 1), "saml_too_large");
}

#[test]
fn posted_demand_around_a_signed_assertion() {
    for_each(|base| {
        let real = posted(base, |_| {});
        receive_posted(base, &base.connection, &real).expect("the control");
        let mut assertion = base.assertion_signed().at("Assertion").clone();
        for (name, value) in base.document().attributes.iter().filter(|(name, _)| name.starts_with("xmlns")) {
            if assertion.get(name).is_none() {
                assertion.set(name, value);
            }
        }
        let mut forged = Element::parse(&real);
        forged.take("Signature");
        forged.at_mut("NameID").set_text("bob");
        // As a child, at either end; with its signature taken out and put on the demand.
        let mut inside = forged.clone();
        inside.push(assertion.clone());
        let mut first = forged.clone();
        first.insert(0, assertion.clone());
        let mut moved = forged.clone();
        let signature = assertion.take("Signature");
        moved.insert(1, signature.clone());
        let mut moved_with_it = moved.clone();
        moved_with_it.push(assertion.clone());
        let mut object = signature.clone();
        object.push(Element {
            name: signature.sibling_name("Object"),
            attributes: Vec::new(),
            children: vec![super::tree::Node::Element(assertion)],
        });
        let mut in_object = forged;
        in_object.insert(1, object);
        for document in [inside, first, moved, moved_with_it, in_object] {
            let refused = code(receive_posted(base, &base.connection, &document.write()));
            let walls = ["saml_malformed", "saml_schema", "saml_signature", "saml_unsigned"];
            assert!(walls.contains(&refused), "{}: {refused}", base.name);
        }
    });
}

/// Signs Alice in and keeps the browser, which is signed in there now too.
fn at_simplesamlphp() -> (&'static Base, Browser, Proved) {
    let base = base("simplesamlphp");
    let (browser, tracker, xml) = sign_in(base.name, &base.connection, real_time());
    let consumed = base.judge_with(&base.connection, Some(&tracker), &xml, real_time());
    (base, browser, consumed.outcome.expect("Alice"))
}

#[test]
fn simplesamlphp_is_asked_from_here() {
    let (base, mut browser, proved) = at_simplesamlphp();
    let (departure, tracker) = begin(&base.connection, &proved.name_id, proved.person.session.as_deref());
    let Departure::Redirect(url) = departure else { panic!("a redirect") };
    let answer = browser.follow_to(&Url::parse(&url).expect("an address"), &base.connection.own.slo);
    let message = LogoutMessage::Redirect { query: &query(&answer) };
    let outcome = Verifier.finish_logout(&base.connection, &tracker, &message, real_time());
    assert_eq!(outcome.expect("signed"), Outcome::Ended);
}

#[test]
fn simplesamlphp_asks_from_there() {
    let (base, mut browser, proved) = at_simplesamlphp();
    let start = base.url.join("/saml2/idp/initSLO.php?RelayState=/").expect("an address");
    let asked = query(&browser.follow_to(&start, &base.connection.own.slo));
    let demand = receive(&base.connection, &asked, real_time()).expect("signed");
    assert_eq!(demand.name_id.value.expose(), "alice");
    assert_eq!(demand.sessions, [proved.person.session.expect("a session")]);
    // It understands the answer, and is done.
    let answer = Verifier.answer_logout(&base.connection, &demand, [8; 20], real_time()).expect("an address");
    let Departure::Redirect(url) = answer else { panic!("a redirect") };
    let page = browser.get(&Url::parse(&url).expect("an address"));
    assert_eq!(page.status, 200, "{}", page.body);
    let unsigned = asked.split("&SigAlg=").next().expect("a beginning");
    assert_eq!(code(receive(&base.connection, unsigned, real_time())), "saml_unsigned");
}
