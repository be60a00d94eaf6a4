//! The three providers, and what each of them really sends.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use data_encoding::BASE64;
use serde_json::{Value, json};
use shutterpost_model::time::Millis;
use shutterpost_sso::saml::certificate::Certificate;
use shutterpost_sso::saml::connection::{AttributeNames, Connection, Own, SubjectSource, Want};
use shutterpost_sso::saml::login::{Attempt, Consumed, Departure, Form, Freshness, Proved, Tracker};
use shutterpost_sso::saml::metadata;
use shutterpost_sso::saml::{SamlVerifier as _, Verifier};
use url::Url;

use super::http::Browser;
use super::tree::Element;
use super::xmlsec;

const VARIABLE: &str = "SHUTTERPOST_TEST_IDPS";
const ORIGIN: &str = "http://localhost:8443";
const RELAY_STATE: &str = "k7Jm3vQ0hXw2c9aTt5Yz1A";

/// A key and its certificate, as files of PEM.
#[derive(Debug, Clone)]
pub struct Key {
    pub key: String,
    pub certificate: Certificate,
    pub certificate_file: String,
}

/// What runs, as the recipe that started it has described it.
#[derive(Debug)]
pub struct Idps {
    pub xmlsec1: PathBuf,
    /// Where a file may be put for a moment.
    pub folder: PathBuf,
    /// A key that nobody trusts.
    pub stranger: Key,
    described: Value,
}

pub fn idps() -> &'static Idps {
    static IDPS: OnceLock<Idps> = OnceLock::new();
    IDPS.get_or_init(|| {
        let file = std::env::var(VARIABLE).expect(
            "no identity providers for the tests; `cargo xtask test --only unit` starts them and sets SHUTTERPOST_TEST_IDPS",
        );
        let file = Path::new(&file);
        let described: Value = serde_json::from_slice(&std::fs::read(file).expect(VARIABLE)).expect("JSON");
        Idps {
            xmlsec1: text(&described, "xmlsec1").into(),
            folder: file.parent().expect("a folder").to_owned(),
            stranger: Key::of(&described["stranger"]),
            described,
        }
    })
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{VARIABLE} has no {name}"))
}

impl Key {
    fn of(described: &Value) -> Self {
        let certificate_file = text(described, "certificate").to_owned();
        let pem = std::fs::read_to_string(&certificate_file).expect("a certificate");
        Self {
            key: text(described, "key").to_owned(),
            certificate: Certificate::from_text(&pem).expect("a certificate"),
            certificate_file,
        }
    }
}

/// A provider and one response of it to a request of ours, unchanged.
#[derive(Debug)]
pub struct Base {
    pub name: &'static str,
    pub key: Key,
    pub metadata: String,
    pub url: Url,
    pub connection: Connection,
    pub tracker: Tracker,
    pub xml: String,
    /// When it was issued.
    pub now: Millis,
}

/// Runs a case on what each provider sends. That is taken as it is: else a refusal of what was made of it would say nothing.
pub fn for_each(case: impl Fn(&Base)) {
    for base in [base("simplesamlphp"), base("pysaml2"), base("samlp")] {
        base.accepts(&base.xml);
        case(base);
    }
}

/// One provider's, fetched once in a process.
pub fn base(name: &'static str) -> &'static Base {
    static BASES: [OnceLock<Base>; 3] = [const { OnceLock::new() }; 3];
    let index = ["simplesamlphp", "pysaml2", "samlp"].iter().position(|known| *known == name).expect("one of three");
    BASES[index].get_or_init(|| Base::fetch(name))
}

impl Base {
    fn fetch(name: &'static str) -> Self {
        let described = &idps().described[name];
        let own = Own::new(ORIGIN, name);
        make_known(name, &own);
        let metadata_url = Url::parse(text(described, "metadata")).expect("an address");
        let page = Browser::default().get(&metadata_url);
        assert_eq!(page.status, 200, "{name}: {}", page.body);
        let now = real_time();
        let read = metadata::read(page.body.as_bytes(), None, now).unwrap_or_else(|error| panic!("{name}: {error}"));
        let connection = Connection {
            own,
            provider: read.entity_id,
            sign_in: read.sign_in,
            sign_out: read.sign_out,
            certificates: read.certificates,
            want: Want::Either,
            subject: SubjectSource::NameId,
            attributes: AttributeNames {
                email: Some(attribute(name, "mail").to_owned()),
                name: Some(attribute(name, "displayName").to_owned()),
                groups: Some(attribute(name, "groups").to_owned()),
            },
            trust_email: true,
        };
        let (_, tracker, xml) = sign_in(name, &connection, now);
        let issued = Element::parse(&xml).get("IssueInstant").and_then(parse_time).expect("a time");
        Self {
            name,
            key: Key::of(described),
            metadata: page.body,
            url: Url::parse(text(described, "url")).expect("an address"),
            connection,
            tracker,
            xml,
            now: issued,
        }
    }

    pub fn document(&self) -> Element {
        Element::parse(&self.xml)
    }

    /// The same with the assertion's signature alone, as most providers send it.
    pub fn assertion_signed(&self) -> Element {
        let mut document = self.document();
        document.take("Signature");
        self.accepts(&document.write());
        document
    }

    /// The same with the response's signature alone, signed again.
    pub fn response_signed(&self) -> Element {
        let mut document = self.document();
        document.at_mut("Assertion").take("Signature");
        let xml = xmlsec::sign(&document, &self.key, &["Response"]);
        self.accepts(&xml);
        Element::parse(&xml)
    }

    /// Signs both again with the provider's own key, after something was changed.
    pub fn signed_again(&self, document: &Element) -> String {
        xmlsec::sign(document, &self.key, &["Assertion", "Response"])
    }

    /// Changes the whole response and signs it again as the provider would.
    pub fn saying(&self, change: impl FnOnce(&mut Element)) -> String {
        let mut document = self.document();
        change(&mut document);
        self.signed_again(&document)
    }

    pub fn judge(&self, xml: &str) -> Consumed {
        self.judge_at(xml, self.now)
    }

    pub fn judge_at(&self, xml: &str, now: Millis) -> Consumed {
        self.judge_with(&self.connection, Some(&self.tracker), xml, now)
    }

    pub fn judge_with(&self, connection: &Connection, tracker: Option<&Tracker>, xml: &str, now: Millis) -> Consumed {
        let encoded = BASE64.encode(xml.as_bytes());
        let form = Form { saml_response: &encoded, relay_state: Some(RELAY_STATE) };
        Verifier.consume(connection, tracker, &form, now)
    }

    /// It is Alice.
    pub fn accepts(&self, xml: &str) -> Proved {
        let proved = self.judge(xml).outcome.unwrap_or_else(|reject| panic!("{}: {reject}\n{xml}", self.name));
        assert_eq!(proved.person.subject.expose(), "alice", "{}", self.name);
        proved
    }

    /// Refused, for one of these reasons.
    pub fn refuses(&self, xml: &str, codes: &[&str]) {
        self.refuses_consumed(self.judge(xml), codes, xml);
    }

    pub fn refuses_consumed(&self, consumed: Consumed, codes: &[&str], xml: &str) {
        match consumed.outcome {
            Ok(proved) => panic!("{}: taken for {}\n{xml}", self.name, proved.person.subject.expose()),
            Err(reject) => {
                assert!(codes.contains(&reject.code()), "{}: {} ({reject})\n{xml}", self.name, reject.code());
                // The page that tries a connection tells the same.
                assert_eq!(consumed.report.code, Some(reject.code()));
            }
        }
    }

    /// The assertion of somebody else, unsigned.
    pub fn forged(&self) -> Element {
        let mut forged = self.document().at("Assertion").clone();
        forged.take("Signature");
        forged.set("ID", "_forged");
        forge(&mut forged);
        forged
    }
}

/// Makes an assertion one about Mallory, who is in every group.
pub fn forge(assertion: &mut Element) {
    assertion.at_mut("Subject/NameID").set_text("mallory");
    assertion.walk_mut(&mut |element| {
        if element.local() == "AttributeValue" {
            element.set_text("owners");
        }
    });
}

/// What the providers call their attributes.
fn attribute(provider: &str, name: &'static str) -> &'static str {
    match (provider, name) {
        ("pysaml2", "mail") => "urn:oid:0.9.2342.19200300.100.1.3",
        ("pysaml2", "displayName") => "urn:oid:2.16.840.1.113730.3.1.241",
        _ => name,
    }
}

/// Begins a sign-in, and is Alice at the provider.
pub fn sign_in(name: &str, connection: &Connection, now: Millis) -> (Browser, Tracker, String) {
    let attempt = Attempt { relay_state: RELAY_STATE, id: random_id(), freshness: Freshness::Any, now };
    let (departure, tracker) = Verifier.start(connection, &attempt).expect("a connection that can be used");
    let Departure::Redirect(url) = departure else { panic!("{name} wants a form") };
    let mut browser = Browser::default();
    let mut page = browser.get(&Url::parse(&url).expect("an address"));
    for _ in 0..3 {
        let mut form = page.form();
        if let Some(response) = form.field("SAMLResponse") {
            assert_eq!(form.action.as_str(), connection.own.acs, "{name}");
            assert_eq!(form.field("RelayState"), Some(RELAY_STATE), "{name}");
            let packed: String = response.chars().filter(|char| !char.is_whitespace()).collect();
            let xml = BASE64.decode(packed.as_bytes()).expect("base64");
            return (browser, tracker, String::from_utf8(xml).expect("UTF-8"));
        }
        form.set("username", "alice");
        form.set("password", "alicepw");
        page = browser.submit(&form);
    }
    panic!("{name} does not let Alice in: {}", page.body);
}

/// Puts our names where the providers look for them. All tests write the same.
fn make_known(name: &str, own: &Own) {
    let folder = Path::new(text(&idps().described, "service_providers"));
    let file = folder.join(format!("{name}.json"));
    let draft = folder.join(format!("{name}.{}.draft", std::process::id()));
    let known = json!({ "entity_id": own.entity_id, "acs": own.acs, "slo": own.slo });
    std::fs::write(&draft, known.to_string()).and_then(|()| std::fs::rename(&draft, &file)).expect("a file");
}

/// The providers have clocks of their own.
#[expect(clippy::disallowed_methods, reason = "a real provider looks at its own clock")]
pub fn real_time() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Millis(i64::try_from(since.as_millis()).expect("before the end of time"))
}

/// Another one at each call; providers remember what they have seen.
fn random_id() -> [u8; 20] {
    use std::hash::{BuildHasher as _, RandomState};
    let mut id = [0; 20];
    for chunk in id.chunks_mut(8) {
        let word = RandomState::new().hash_one(chunk.len()).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
    id
}

/// `2027-01-15T08:00:00Z`, with or without a fraction.
pub fn parse_time(text: &str) -> Option<Millis> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let days = date.parse::<shutterpost_model::time::Date>().ok()?.days();
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let parts: Vec<i64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hour, minute, second] = parts[..] else { return None };
    let millis: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    Some(Millis(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + millis))
}
