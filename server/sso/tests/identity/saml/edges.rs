//! The last that is taken and the first that is not, and by how much it was wrong: an administrator sets a clock by that.

use shutterpost_model::time::{DAY, Millis};
use shutterpost_sso::saml::certificate::{Certificate, CertificateError, Warning};
use shutterpost_sso::saml::connection::{Connection, Own, Unusable, Want};
use shutterpost_sso::saml::login::{Form, Tracker};
use shutterpost_sso::saml::metadata::{LIMIT, Metadata, MetadataReject, read, write};
use shutterpost_sso::saml::reject::{Fault, Reject, SubjectPlace, Term};
use shutterpost_sso::saml::{ATTEMPT, MESSAGE_LIMIT, SKEW, SamlVerifier as _, Verifier};

use super::providers::{Base, base, for_each};
use super::tree::Element;

const CONFIRMATION: &str = "Assertion/Subject/SubjectConfirmation/SubjectConfirmationData";
const SECOND: i64 = 1000;

/// Messages have whole seconds.
fn whole(time: Millis) -> Millis {
    Millis(time.0 / SECOND * SECOND)
}

/// The same tracker with one field changed, as if storage had it.
fn changed(tracker: &Tracker, field: &str, value: serde_json::Value) -> Tracker {
    let mut stored = serde_json::to_value(tracker).expect("JSON");
    stored[field] = value;
    serde_json::from_value(stored).expect("a tracker")
}

/// A response that holds for twenty minutes each way, with other times put into it.
fn lasting(base: &Base, change: impl FnOnce(&mut Element)) -> String {
    base.saying(|document| {
        let end = base.now.plus(20 * 60_000).rfc3339();
        document.at_mut("Assertion/Conditions").set("NotOnOrAfter", &end);
        document.at_mut("Assertion/Conditions").set("NotBefore", &base.now.plus(-20 * 60_000).rfc3339());
        document.at_mut(CONFIRMATION).set("NotOnOrAfter", &end);
        document.at_mut("Assertion/AuthnStatement").unset("SessionNotOnOrAfter");
        change(document);
    })
}

fn refusal(base: &Base, xml: &str, now: Millis) -> Reject {
    base.judge_at(xml, now).outcome.expect_err("is refused")
}

#[test]
fn what_ended_is_named_with_its_seconds() {
    for_each(|base| {
        let now = whole(base.now);
        let ago = |seconds: i64| now.plus(-seconds * SECOND).rfc3339();
        let assertion = lasting(base, |document| document.at_mut("Assertion/Conditions").set("NotOnOrAfter", &ago(75)));
        assert_eq!(refusal(base, &assertion, now), Reject::Expired { what: Term::Assertion, seconds: 75 });
        let confirmation = lasting(base, |document| {
            // Over as well by now, were it not for the clocks.
            document.at_mut("Assertion/Conditions").set("NotOnOrAfter", &ago(30));
            document.at_mut(CONFIRMATION).set("NotOnOrAfter", &ago(75));
        });
        assert_eq!(refusal(base, &confirmation, now), Reject::Expired { what: Term::Confirmation, seconds: 75 });
        let session = lasting(base, |document| {
            document.at_mut("Assertion/AuthnStatement").set("SessionNotOnOrAfter", &ago(75));
        });
        assert_eq!(refusal(base, &session, now), Reject::Expired { what: Term::Session, seconds: 75 });
        let begins = lasting(base, |document| {
            document.at_mut("Assertion/Conditions").set("NotBefore", &now.plus(75 * SECOND).rfc3339());
        });
        assert_eq!(refusal(base, &begins, now), Reject::NotYetValid { seconds: 75 });
    });
}

#[test]
fn a_sign_in_has_ten_minutes_and_is_told_when_they_are_over() {
    for_each(|base| {
        let xml = lasting(base, |_| {});
        let end = base.tracker.ends();
        base.judge_at(&xml, end).outcome.unwrap_or_else(|reject| panic!("{}: {reject}", base.name));
        assert_eq!(refusal(base, &xml, end.plus(5 * SECOND)), Reject::TooSlow { seconds: 605 });
        // One that began later than now, by another clock of ours: by as much as clocks may differ.
        let ahead = |by: i64| {
            let tracker = changed(&base.tracker, "began", base.now.plus(by).0.into());
            base.judge_with(&base.connection, Some(&tracker), &xml, base.now).outcome
        };
        ahead(SKEW).unwrap_or_else(|reject| panic!("{}: {reject}", base.name));
        assert_eq!(ahead(SKEW + 1).expect_err("is refused").code(), "saml_too_slow");
    });
}

#[test]
fn an_earlier_sign_in_counts_as_anew_within_the_difference_of_clocks() {
    for_each(|base| {
        let began = whole(base.now);
        let tracker = changed(&base.tracker, "began", began.0.into());
        let anew = changed(&tracker, "freshness", "again".into());
        let signed_in = |before: i64, tracker: &Tracker| {
            let instant = began.plus(-before * SECOND).rfc3339();
            let xml = base.saying(|document| document.at_mut("Assertion/AuthnStatement").set("AuthnInstant", &instant));
            base.judge_with(&base.connection, Some(tracker), &xml, base.now).outcome
        };
        signed_in(60, &anew).unwrap_or_else(|reject| panic!("{}: {reject}", base.name));
        assert_eq!(signed_in(61, &anew).expect_err("is refused"), Reject::NotAnew { seconds: 61 });
        signed_in(61, &tracker).unwrap_or_else(|reject| panic!("{}: {reject}", base.name));
    });
}

#[test]
fn names_and_groups_have_a_length() {
    for_each(|base| {
        let called = |name: &str| {
            base.judge(&base.saying(|document| document.at_mut("Assertion/Subject/NameID").set_text(name)))
        };
        assert_eq!(called(&"é".repeat(256)).outcome.expect("fits").person.subject.expose(), &"é".repeat(256));
        assert_eq!(
            called(&"é".repeat(257)).outcome.expect_err("is refused"),
            Reject::Subject { of: SubjectPlace::NameId, fault: Fault::TooLong }
        );
        let groups = base.connection.attributes.groups.clone().expect("a name");
        let member = |names: &[String]| {
            let xml = base.saying(|document| {
                document.at_mut("Assertion").walk_mut(&mut |element| {
                    if element.local() == "Attribute" && element.get("Name") == Some(&groups) {
                        let mut value = element.take("AttributeValue");
                        element.children.clear();
                        for name in names {
                            value.set_text(name);
                            element.push(value.clone());
                        }
                    }
                });
            });
            base.judge(&xml).outcome
        };
        let numbered = |count: usize| (0..count).map(|number| format!("group {number}")).collect::<Vec<_>>();
        assert_eq!(member(&numbered(1000)).expect("fits").person.groups, numbered(1000));
        let refused = member(&numbered(1001)).expect_err("is refused");
        assert_eq!(refused, Reject::Attribute { name: groups.clone(), fault: Fault::TooMany });
        assert_eq!(member(&["x".repeat(256)]).expect("fits").person.groups, ["x".repeat(256)]);
        let refused = member(&["x".repeat(257)]).expect_err("is refused");
        assert_eq!(refused, Reject::Attribute { name: groups.clone(), fault: Fault::TooLong });
        // What is empty is no group.
        assert_eq!(member(&["a".to_owned(), " ".to_owned()]).expect("fits").person.groups, ["a"]);
    });
}

/// Where no attribute is named for it, a NameID counts as an address if it says that it is one, and not otherwise.
#[test]
fn a_name_is_an_address_only_where_it_says_so() {
    for_each(|base| {
        let email = |attribute: Option<&str>, format: &str| {
            let xml = base.saying(|document| {
                let name = document.at_mut("Assertion/Subject/NameID");
                name.set("Format", format);
                name.set_text("alice@example.test");
            });
            let mut connection = base.connection.clone();
            connection.attributes.email = attribute.map(str::to_owned);
            let consumed = base.judge_with(&connection, Some(&base.tracker), &xml, base.now);
            let person = consumed.outcome.unwrap_or_else(|reject| panic!("{}: {reject}", base.name)).person;
            assert_eq!(person.email_verified, person.email.is_some(), "the organisation answers for addresses");
            person.email.map(|email| email.expose().clone())
        };
        let address = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
        let persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
        assert_eq!(email(None, address).as_deref(), Some("alice@example.test"));
        assert_eq!(email(None, persistent), None);
        assert_eq!(email(Some("no such attribute"), address), None);
    });
}

/// The provider wants its own words back when the session ends.
#[test]
fn a_name_keeps_its_format_and_qualifiers() {
    for_each(|base| {
        let own = base.connection.own.entity_id.clone();
        let name_id = |format: &str, qualifier: &str| {
            let xml = base.saying(|document| {
                let name = document.at_mut("Assertion/Subject/NameID");
                name.set("Format", format);
                name.set("NameQualifier", qualifier);
                name.set("SPNameQualifier", &own);
            });
            base.accepts(&xml).name_id
        };
        let persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
        let found = name_id(persistent, "https://provider.example");
        assert_eq!(found.format.as_deref(), Some(persistent));
        assert_eq!(found.qualifier.as_deref(), Some("https://provider.example"));
        assert_eq!(found.sp_qualifier.as_deref(), Some(&*own));
        let found = name_id("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified", "");
        assert_eq!((found.format, found.qualifier), (None, None));
    });
}

#[test]
fn messages_have_a_length_to_the_byte() {
    let base = base("samlp");
    let judge = |saml_response: &str| {
        let form = Form { saml_response, relay_state: Some("k7Jm3vQ0hXw2c9aTt5Yz1A") };
        Verifier.consume(&base.connection, Some(&base.tracker), &form, base.now).outcome.expect_err("is no message")
    };
    assert_eq!(judge(&"A".repeat(MESSAGE_LIMIT)).code(), "saml_malformed");
    assert_eq!(judge(&"A".repeat(MESSAGE_LIMIT + 1)), Reject::TooLarge { limit: MESSAGE_LIMIT });
    assert_eq!(judge("").code(), "saml_encoding");
    assert_eq!(judge(" ").code(), "saml_encoding");
}

/// Read as metadata, because anybody can write that: documents up to the limit are read, and none beyond.
#[test]
fn documents_have_depth_width_and_length() {
    let judged = |xml: &str| read(xml.as_bytes(), None, Millis(0)).expect_err("is no metadata");
    type Case = (&'static str, fn(usize) -> String, usize);
    let cases: [Case; 6] = [
        ("depth", |count| format!("{}{}", "<a>".repeat(count), "</a>".repeat(count)), 64),
        // The outermost is one of them.
        ("elements", |count| format!("<a>{}</a>", "<b/>".repeat(count - 1)), 20_000),
        ("attributes", |count| format!("<a{}/>", (0..count).map(|at| format!(" a{at}=\"\"")).collect::<String>()), 64),
        (
            "namespaces",
            |count| {
                let declared =
                    |from: usize, to: usize| (from..to).map(|at| format!(" xmlns:a{at}=\"urn:a\"")).collect::<String>();
                format!("<a{}><b{}/></a>", declared(0, 40), declared(40, count))
            },
            64,
        ),
        // Beginning, end and the end of the document are parts, too.
        ("parts", |count| format!("<a>{}</a>", "<!---->".repeat(count - 3)), 100_000),
        (
            "prefixes",
            |count| {
                format!("<a PrefixList=\"{}\"><b PrefixList=\"{}\"/></a>", "p".repeat(500), "p".repeat(count - 500))
            },
            1024,
        ),
    ];
    for (what, document, most) in cases {
        assert_eq!(judged(&document(most)), MetadataReject::OtherDocument, "{what}");
        assert_eq!(judged(&document(most + 1)), MetadataReject::TooComplex, "{what}");
    }
    let long = |length: usize| format!("<a><!--{}--></a>", "x".repeat(length - "<a><!----></a>".len()));
    assert_eq!(judged(&long(LIMIT)), MetadataReject::OtherDocument);
    assert_eq!(judged(&long(LIMIT + 1)), MetadataReject::TooLarge);
    // Around an element count those of what it is in, and not those of its neighbours.
    let neighbours = format!("<a>{}</a>", "<b xmlns:x=\"urn:x\"/>".repeat(100));
    assert_eq!(judged(&neighbours), MetadataReject::OtherDocument);
    for broken in ["<a/><b/>", "<a></a><b></b>", "<a>", "<a b=\"&x;\"/>", "<a>&x;</a>", "<x:a/>", "text"] {
        assert_eq!(judged(broken), MetadataReject::Malformed, "{broken}");
    }
}

fn metadata(base: &Base, change: impl FnOnce(&mut Element)) -> Result<Metadata, MetadataReject> {
    let mut document = Element::parse(&base.metadata);
    change(&mut document);
    read(document.write().as_bytes(), Some(&base.connection.provider), base.now)
}

#[test]
fn metadata_ends_to_the_second() {
    for_each(|base| {
        let ending = |at: Millis| metadata(base, |document| document.set("validUntil", &at.rfc3339()));
        let refused = ending(base.now.plus(-75 * SECOND)).expect_err("is over");
        assert!(matches!(refused, MetadataReject::Expired { seconds: 75 | 76 }), "{refused}");
        let until = whole(base.now).plus(SECOND);
        assert_eq!(ending(until).expect("is still good").valid_until, Some(until));
        let at = |now: Millis| {
            let mut document = Element::parse(&base.metadata);
            document.set("validUntil", &until.rfc3339());
            read(document.write().as_bytes(), None, now)
        };
        assert!(at(until.plus(-1)).is_ok());
    });
}

fn made() -> Certificate {
    let made = rcgen::generate_simple_self_signed(["provider.example".to_owned()]).expect("a certificate");
    Certificate::from_der(made.cert.der()).expect("can be used")
}

#[test]
fn metadata_has_ten_certificates_at_most_and_those_to_sign_with() {
    for_each(|base| {
        let with = |usage: Option<&str>, certificates: &[Certificate]| {
            metadata(base, |document| {
                let role = document.at_mut("IDPSSODescriptor");
                let at = role.position("KeyDescriptor");
                let key = role.take("KeyDescriptor");
                while role.find("KeyDescriptor").is_some() {
                    role.take("KeyDescriptor");
                }
                for certificate in certificates {
                    let mut key = key.clone();
                    match usage {
                        Some(usage) => key.set("use", usage),
                        None => key.unset("use"),
                    }
                    key.walk_mut(&mut |element| {
                        if element.local() == "X509Certificate" {
                            element.set_text(&String::from(certificate.clone()));
                        }
                    });
                    role.insert(at, key);
                }
            })
        };
        let certificates: Vec<Certificate> = (0..11).map(|_| made()).collect();
        assert_eq!(with(Some("signing"), &certificates[..10]).expect("fits").certificates.len(), 10);
        assert_eq!(with(Some("signing"), &certificates).expect_err("too many"), MetadataReject::TooManyCertificates);
        assert_eq!(with(None, &certificates[..1]).expect("is for both").certificates, certificates[..1]);
        let refused = with(Some("encryption"), &certificates[..1]).expect_err("is for nothing");
        assert_eq!(refused, MetadataReject::NoCertificate);
        // One that cannot be read beside one that can is a provider in the middle of a change.
        let beside = metadata(base, |document| {
            let role = document.at_mut("IDPSSODescriptor");
            let mut key = role.at("KeyDescriptor").clone();
            key.walk_mut(&mut |element| {
                if element.local() == "X509Certificate" {
                    element.set_text("PHg+");
                }
            });
            role.insert(role.position("KeyDescriptor"), key);
        });
        assert_eq!(beside.expect("one is enough").certificates, std::slice::from_ref(&base.key.certificate));
        let twice = [certificates[0].clone(), certificates[0].clone()];
        assert_eq!(with(None, &twice).expect("is one").certificates, certificates[..1]);
    });
}

#[test]
fn metadata_says_whether_requests_are_to_be_signed() {
    for_each(|base| {
        for (said, wants) in [("true", true), ("1", true), ("false", false), ("0", false)] {
            let read = metadata(base, |document| {
                document.at_mut("IDPSSODescriptor").set("WantAuthnRequestsSigned", said);
            });
            assert_eq!(read.expect("metadata").wants_signed_requests, wants, "{said}");
        }
    });
}

#[test]
fn certificates_have_a_length() {
    assert_eq!(Certificate::from_der(&[0; 16 * 1024]), Err(CertificateError::Malformed));
    assert_eq!(Certificate::from_der(&[0; 16 * 1024 + 1]), Err(CertificateError::TooLarge));
    // Lines and spaces are no part of it, and still have an end.
    let certificate = made();
    let spaced = |length: usize| {
        let text = String::from(certificate.clone());
        Certificate::from_text(&format!("{text}{}", " ".repeat(length - text.len())))
    };
    assert_eq!(spaced(32 * 1024).as_ref(), Ok(&certificate));
    assert_eq!(spaced(32 * 1024 + 1), Err(CertificateError::TooLarge));
}

#[test]
fn certificates_are_warned_of_from_their_last_thirty_days_on() {
    // It is good for centuries.
    let certificate = made();
    let left = |left: i64| certificate.warning(certificate.not_after().plus(-left));
    assert_eq!(left(30 * DAY), Some(Warning::Within30Days));
    assert_eq!(left(30 * DAY + 1), None);
    assert_eq!(certificate.warning(certificate.not_before()), None);
    assert_eq!(certificate.warning(certificate.not_before().plus(-1)), Some(Warning::NotYetValid));
}

#[test]
fn settings_have_a_length_and_addresses_a_form() {
    let base = base("samlp");
    let check = |change: &dyn Fn(&mut Connection)| {
        let mut connection = base.connection.clone();
        change(&mut connection);
        connection.check()
    };
    assert_eq!(check(&|connection| connection.provider = "x".repeat(1024)), Ok(()));
    assert_eq!(check(&|connection| connection.provider = "x".repeat(1025)), Err(Unusable::Provider));
    for odd in ["a b", "a\u{0}", "a\tb"] {
        assert_eq!(check(&|connection| connection.provider = odd.to_owned()), Err(Unusable::Provider), "{odd:?}");
    }
    let at = |url: &str| check(&|connection| connection.sign_in.url = url.to_owned());
    let long = |length: usize| format!("{:x<length$}", "https://provider.example/");
    assert_eq!(at(&long(1024)), Ok(()));
    for url in [
        "https://provider.example/sso?a=b",
        "http://localhost:8080/sso",
        "http://127.0.0.1/sso",
        "http://127.8.8.8/sso",
        "http://[::1]:8080/sso",
    ] {
        assert_eq!(at(url), Ok(()), "{url}");
    }
    for url in [
        &*long(1025),
        "http://provider.example/sso",
        "http://localhost.example/sso",
        "http://10.0.0.1/sso",
        "http://[::2]/sso",
        "ftp://localhost/sso",
        "https://user@provider.example/",
        "https://:password@provider.example/",
        "https://provider.example/#part",
        "data:text/html,x",
        "provider.example",
    ] {
        assert!(matches!(at(url), Err(Unusable::Address { .. })), "{url:.60}");
        let sign_out = check(&|connection| {
            let mut endpoint = connection.sign_in.clone();
            endpoint.url = url.to_owned();
            connection.sign_out = Some(endpoint);
        });
        assert!(matches!(sign_out, Err(Unusable::Address { .. })), "{url:.60}");
    }
}

/// What we write of ourselves is read as it was meant, whatever the name of the place.
#[test]
fn our_own_words_are_escaped() {
    let own = Own::new("https://photos.example/a&b<c>d\"e'f\u{1}g", "cnx_1");
    let xml = write(&own, Want::Either);
    let escaped = "https://photos.example/a&amp;b&lt;c&gt;d&quot;e&apos;f\u{fffd}g/sso/saml/cnx_1/acs";
    assert_eq!(Element::parse(&xml).at("SPSSODescriptor/AssertionConsumerService").get("Location"), Some(escaped));
    for (want, signed) in
        [(Want::Assertion, "true"), (Want::Both, "true"), (Want::Either, "false"), (Want::Response, "false")]
    {
        let role = Element::parse(&write(&own, want));
        assert_eq!(role.at("SPSSODescriptor").get("WantAssertionsSigned"), Some(signed), "{want:?}");
    }
}

#[test]
fn what_breaks_the_schema_is_called_that() {
    for_each(|base| {
        let strange = base.saying(|document| {
            let name = document.sibling_name("Strange");
            document.push(Element { name, attributes: Vec::new(), children: Vec::new() });
        });
        base.refuses(&strange, &["saml_schema"]);
    });
}

/// What is kept so that nothing is used twice is kept for as long as it could be: the shorter of assertion and sign-in.
#[test]
fn used_messages_are_remembered_as_long_as_they_last() {
    for_each(|base| {
        let long = base.judge(&lasting(base, |_| {})).outcome.expect("is accepted");
        assert_eq!(long.assertion.keep_until, base.tracker.ends().plus(SKEW));
        let end = whole(base.now).plus(2 * 60_000);
        let short = lasting(base, |document| {
            document.at_mut("Assertion/Conditions").set("NotOnOrAfter", &end.rfc3339());
        });
        let short = base.judge(&short).outcome.expect("is accepted");
        assert_eq!(short.assertion.keep_until, end.plus(SKEW));
        assert!(end.plus(SKEW) < base.now.plus(ATTEMPT));
    });
}
