//! What a provider might say, and sign, that still may not let anybody in. Each is signed again with the provider's own key.

use shutterpost_model::time::Millis;
use shutterpost_sso::saml::connection::{Connection, Own, SubjectSource};
use shutterpost_sso::saml::login::{Attempt, Form, Freshness, Tracker};
use shutterpost_sso::saml::report::{Check, Verdict};
use shutterpost_sso::saml::{ATTEMPT, SKEW, SamlVerifier as _, Verifier};

use super::providers::{Base, for_each};
use super::tree::Element;

const CONFIRMATION: &str = "Assertion/Subject/SubjectConfirmation/SubjectConfirmationData";
const ORIGIN: &str = "http://localhost:8443";

fn at(time: Millis) -> String {
    time.rfc3339()
}

/// The same tracker with one field changed, as if storage had it.
fn changed(tracker: &Tracker, field: &str, value: serde_json::Value) -> Tracker {
    let mut stored = serde_json::to_value(tracker).expect("JSON");
    stored[field] = value;
    serde_json::from_value(stored).expect("a tracker")
}

fn start(connection: &Connection, id: u8, now: Millis) -> Tracker {
    let attempt = Attempt { relay_state: "k7Jm3vQ0hXw2c9aTt5Yz1A", id: [id; 20], freshness: Freshness::Any, now };
    Verifier.start(connection, &attempt).expect("a connection that can be used").1
}

#[test]
fn everything_a_provider_says_is_read() {
    for_each(|base| {
        let proved = base.accepts(&base.xml);
        let person = &proved.person;
        assert_eq!(person.issuer, base.connection.provider);
        assert_eq!(person.email.as_ref().expect("an address").expose(), "alice@example.test", "{}", base.name);
        assert_eq!(person.name.as_ref().expect("a name").expose(), "Alice Ångström", "{}", base.name);
        assert_eq!(person.groups, ["staff", "admins"], "{}", base.name);
        assert!(person.session.is_some() && !person.methods.is_empty(), "{}: {person:?}", base.name);
        assert!(person.authenticated_at.expect("a time") <= base.now);
        assert_eq!(proved.certificate, base.key.certificate.fingerprint());
        // As long as the sign-in could be answered, and no longer.
        let keep_until = proved.assertion.keep_until;
        assert!(keep_until > base.now && keep_until <= base.tracker.ends().plus(SKEW), "{}: {keep_until:?}", base.name);
        let report = base.judge(&base.xml).report;
        assert!(report.lines.iter().all(|line| line.verdict == Verdict::Passed), "{report:?}");
    });
}

#[test]
fn comments_and_cdata_do_not_cut_a_name() {
    for_each(|base| {
        for raw in ["ali<!-- -->ce", "<!--x-->alice", "<![CDATA[ali]]>ce", "ali<![CDATA[ce]]>", "&#97;lice"] {
            let mut document = base.assertion_signed();
            document.at_mut("Assertion/Subject/NameID").set_text(raw);
            base.accepts(&document.write());
        }
        let mut document = base.assertion_signed();
        document.at_mut("Assertion/Subject/NameID").set_text("ali<?x y?>ce");
        base.refuses(&document.write(), &["saml_doctype"]);
        // The other way round: whoever is called like this there is not Alice here.
        let xml = base.saying(|document| document.at_mut("Assertion/Subject/NameID").set_text("alice<!-- -->.evil"));
        let proved = base.judge(&xml).outcome.expect("a name like any other");
        assert_eq!(proved.person.subject.expose(), "alice.evil");
    });
}

#[test]
fn answers_another_request() {
    for_each(|base| {
        let other = start(&base.connection, 9, base.now);
        let consumed = base.judge_with(&base.connection, Some(&other), &base.xml, base.now);
        base.refuses_consumed(consumed, &["saml_in_response_to"], &base.xml);
        let cases: [fn(&mut Element); 4] = [
            |document| document.set("InResponseTo", "_another"),
            |document| document.unset("InResponseTo"),
            |document| document.at_mut(CONFIRMATION).set("InResponseTo", "_another"),
            |document| document.at_mut(CONFIRMATION).unset("InResponseTo"),
        ];
        for case in cases {
            base.refuses(&base.saying(case), &["saml_in_response_to"]);
        }
    });
}

#[test]
fn unsolicited() {
    for_each(|base| {
        let unasked = base.saying(|document| {
            document.unset("InResponseTo");
            document.at_mut(CONFIRMATION).unset("InResponseTo");
        });
        for xml in [&base.xml, &unasked] {
            let consumed = base.judge_with(&base.connection, None, xml, base.now);
            base.refuses_consumed(consumed, &["saml_unsolicited"], xml);
        }
        base.refuses(&unasked, &["saml_in_response_to"]);
    });
}

#[test]
fn relay_state_is_compared_and_never_followed() {
    for_each(|base| {
        let encoded = data_encoding::BASE64.encode(base.xml.as_bytes());
        for relay_state in
            [None, Some("https://evil.example/"), Some("//evil.example"), Some("javascript:alert(1)"), Some("")]
        {
            let form = Form { saml_response: &encoded, relay_state };
            let consumed = Verifier.consume(&base.connection, Some(&base.tracker), &form, base.now);
            base.refuses_consumed(consumed, &["saml_relay_state"], &base.xml);
        }
    });
}

#[test]
fn too_slow() {
    for_each(|base| {
        let endless = base.saying(|document| {
            let end = at(base.now.plus(10 * ATTEMPT));
            document.at_mut("Assertion/Conditions").set("NotOnOrAfter", &end);
            document.at_mut(CONFIRMATION).set("NotOnOrAfter", &end);
            document.at_mut("Assertion/AuthnStatement").unset("SessionNotOnOrAfter");
        });
        let end = base.tracker.ends();
        base.judge_at(&endless, end).outcome.unwrap_or_else(|reject| panic!("{}: {reject}", base.name));
        base.refuses_consumed(base.judge_at(&endless, end.plus(1)), &["saml_too_slow"], &endless);
        // A clock that was put back does not make it longer.
        base.refuses_consumed(base.judge_at(&endless, base.now.plus(-3_600_000)), &["saml_too_slow"], &endless);
    });
}

#[test]
fn other_audiences() {
    for_each(|base| {
        let own = base.connection.own.entity_id.clone();
        let restriction = |document: &Element, audiences: &[&str]| {
            let mut restriction = document.at("Assertion/Conditions/AudienceRestriction").clone();
            let audience = restriction.take("Audience");
            for text in audiences {
                let mut audience = audience.clone();
                audience.set_text(text);
                restriction.push(audience);
            }
            restriction
        };
        let with = |all: &[&[&str]]| {
            base.saying(|document| {
                let new: Vec<_> = all.iter().map(|audiences| restriction(document, audiences)).collect();
                let conditions = document.at_mut("Assertion/Conditions");
                conditions.take("AudienceRestriction");
                for restriction in new {
                    conditions.push(restriction);
                }
            })
        };
        base.accepts(&with(&[&[&own]]));
        base.accepts(&with(&[&["https://other.example", &own]]));
        base.accepts(&with(&[&[&own], &[&own, "https://other.example"]]));
        base.refuses(&with(&[]), &["saml_audience"]);
        base.refuses(&with(&[&["https://other.example"]]), &["saml_audience"]);
        base.refuses(&with(&[&[&own], &["https://other.example"]]), &["saml_audience"]);
        base.refuses(&with(&[&[&format!("{own}/")]]), &["saml_audience"]);
        base.refuses(&with(&[&[&own.to_uppercase()]]), &["saml_audience"]);
        // The administrator is told both.
        let report = base.judge(&with(&[&["https://other.example"]])).report;
        let line = report.lines.iter().find(|line| line.check == Check::Audience).expect("a line");
        assert_eq!(line.verdict, Verdict::Failed);
        assert_eq!((line.expected.as_deref(), line.found.as_deref()), (Some(&*own), Some("https://other.example")));
        assert_eq!(report.lines.last().expect("a line").verdict, Verdict::NotReached);
    });
}

#[test]
fn other_addresses() {
    for_each(|base| {
        let neighbour = Own::new(ORIGIN, "another").acs;
        let recipient = base.saying(|document| document.at_mut(CONFIRMATION).set("Recipient", &neighbour));
        base.refuses(&recipient, &["saml_recipient"]);
        let nobody = base.saying(|document| document.at_mut(CONFIRMATION).unset("Recipient"));
        base.refuses(&nobody, &["saml_recipient"]);
        let destination = base.saying(|document| document.set("Destination", &neighbour));
        base.refuses(&destination, &["saml_destination"]);
        let nowhere = base.saying(|document| document.unset("Destination"));
        base.refuses(&nowhere, &["saml_destination"]);
    });
}

#[test]
fn response_for_another_connection() {
    for_each(|base| {
        // The other organisation uses the same provider.
        let mut other = base.connection.clone();
        other.own = Own::new(ORIGIN, "another");
        let own_tracker = start(&other, 3, base.now);
        let consumed = base.judge_with(&other, Some(&own_tracker), &base.xml, base.now);
        base.refuses_consumed(consumed, &["saml_destination"], &base.xml);
        let consumed = base.judge_with(&other, Some(&base.tracker), &base.xml, base.now);
        base.refuses_consumed(consumed, &["saml_other_connection"], &base.xml);
        // Even if only the assertion is signed and the envelope is rewritten.
        let mut rewritten = base.assertion_signed();
        rewritten.set("Destination", &other.own.acs);
        let same_request = changed(&base.tracker, "acs", other.own.acs.clone().into());
        let consumed = base.judge_with(&other, Some(&same_request), &rewritten.write(), base.now);
        base.refuses_consumed(consumed, &["saml_audience"], &rewritten.write());
        // Or the connection has another provider of the same key.
        let mut renamed = base.connection.clone();
        renamed.provider = "https://other-provider.example".to_owned();
        let tracker = changed(&base.tracker, "provider", renamed.provider.clone().into());
        let consumed = base.judge_with(&renamed, Some(&tracker), &base.xml, base.now);
        base.refuses_consumed(consumed, &["saml_issuer"], &base.xml);
    });
}

#[test]
fn other_issuers() {
    for_each(|base| {
        let other = "https://other-provider.example";
        base.refuses(&base.saying(|document| document.at_mut("Issuer").set_text(other)), &["saml_issuer"]);
        base.refuses(&base.saying(|document| document.at_mut("Assertion/Issuer").set_text(other)), &["saml_issuer"]);
    });
}

#[test]
fn status_other_than_success_with_an_assertion() {
    for_each(|base| {
        for code in ["Responder", "Requester", "AuthnFailed", "success"] {
            let code = format!("urn:oasis:names:tc:SAML:2.0:status:{code}");
            let xml = base.saying(|document| document.at_mut("Status/StatusCode").set("Value", &code));
            base.refuses(&xml, &["saml_status"]);
        }
        // As providers really send it, without one.
        let mut document = base.response_signed();
        document.take("Assertion");
        let code = "urn:oasis:names:tc:SAML:2.0:status:Responder";
        document.at_mut("Status/StatusCode").set("Value", code);
        let xml = super::xmlsec::sign(&document, &base.key, &["Response"]);
        base.refuses(&xml, &["saml_status"]);
    });
}

#[test]
fn times() {
    /// Ends, begins: seconds from now; and whether the clock at `now` accepts it.
    fn with(base: &Base, path: &str, attribute: &str, time: Option<i64>) -> String {
        base.saying(|document| {
            // The other limits are far away.
            let far = at(base.now.plus(20 * 60_000));
            document.at_mut("Assertion/Conditions").set("NotOnOrAfter", &far);
            document.at_mut("Assertion/Conditions").set("NotBefore", &at(base.now.plus(-20 * 60_000)));
            document.at_mut(CONFIRMATION).set("NotOnOrAfter", &far);
            document.at_mut("Assertion/AuthnStatement").unset("SessionNotOnOrAfter");
            match time {
                Some(seconds) => document.at_mut(path).set(attribute, &at(base.now.plus(seconds * 1000))),
                None => document.at_mut(path).unset(attribute),
            }
        })
    }
    for_each(|base| {
        // The base's time may have a fraction, those that are written have none.
        let now = Millis(base.now.0 / 1000 * 1000);
        let ends = [
            ("Assertion/Conditions", "NotOnOrAfter"),
            (CONFIRMATION, "NotOnOrAfter"),
            ("Assertion/AuthnStatement", "SessionNotOnOrAfter"),
        ];
        for (path, attribute) in ends {
            let xml = with(base, path, attribute, Some(-59));
            base.judge_at(&xml, now).outcome.unwrap_or_else(|reject| panic!("{} {path}: {reject}", base.name));
            for seconds in [-60, -61, -86_400] {
                let xml = with(base, path, attribute, Some(seconds));
                base.refuses_consumed(base.judge_at(&xml, now), &["saml_expired"], &xml);
            }
        }
        for path in ["Assertion/Conditions", CONFIRMATION] {
            let begins = with(base, path, "NotBefore", Some(59));
            base.judge_at(&begins, now).outcome.unwrap_or_else(|reject| panic!("{} {path}: {reject}", base.name));
            let begins = with(base, path, "NotBefore", Some(61));
            let judged = base.judge_at(&begins, now);
            let said = judged.outcome.as_ref().map_err(ToString::to_string).err();
            assert!(
                said.is_some_and(|said| said.contains(" 61 s") || said.contains(" 60 s")),
                "how far off it is: {:?}",
                judged.outcome
            );
            base.refuses_consumed(judged, &["saml_not_yet_valid"], &begins);
            let endless = with(base, path, "NotOnOrAfter", None);
            base.refuses_consumed(base.judge_at(&endless, now), &["saml_endless"], &endless);
        }
        let xml = with(base, "Assertion/AuthnStatement", "SessionNotOnOrAfter", Some(3600));
        let proved = base.judge_at(&xml, now).outcome.expect("an hour is left");
        assert_eq!(proved.person.until, Some(now.plus(3_600_000)));
    });
}

#[test]
fn must_have_signed_in_anew() {
    for_each(|base| {
        let anew = changed(&base.tracker, "freshness", "again".into());
        let judge = |xml: &str| base.judge_with(&base.connection, Some(&anew), xml, base.now);
        judge(&base.xml).outcome.unwrap_or_else(|reject| panic!("{}: {reject}", base.name));
        let instant = at(base.now.plus(-10 * 60_000));
        let old = base.saying(|document| document.at_mut("Assertion/AuthnStatement").set("AuthnInstant", &instant));
        base.refuses_consumed(judge(&old), &["saml_not_anew"], &old);
        base.accepts(&old);
        // A time that has not come yet does not keep anybody fresh.
        let instant = at(base.now.plus(86_400_000));
        let future = base.saying(|document| document.at_mut("Assertion/AuthnStatement").set("AuthnInstant", &instant));
        assert_eq!(base.accepts(&future).person.authenticated_at, Some(base.now));
        let never = base.saying(|document| drop(document.at_mut("Assertion").take("AuthnStatement")));
        base.refuses(&never, &["saml_no_sign_in"]);
    });
}

#[test]
fn not_confirmed_by_its_bearer() {
    for_each(|base| {
        for method in ["sender-vouches", "holder-of-key", "bearer2"] {
            let method = format!("urn:oasis:names:tc:SAML:2.0:cm:{method}");
            let xml = base.saying(|document| {
                document.at_mut("Assertion/Subject/SubjectConfirmation").set("Method", &method);
            });
            base.refuses(&xml, &["saml_confirmation"]);
        }
    });
}

#[test]
fn no_assertion_and_two() {
    for_each(|base| {
        let mut none = base.response_signed();
        none.take("Assertion");
        base.refuses(&super::xmlsec::sign(&none, &base.key, &["Response"]), &["saml_assertions"]);
        let mut two = base.response_signed();
        let mut second = two.at("Assertion").clone();
        second.set("ID", "_second");
        two.push(second);
        base.refuses(&super::xmlsec::sign(&two, &base.key, &["Response"]), &["saml_assertions"]);
    });
}

#[test]
fn names_that_name_nobody() {
    for_each(|base| {
        let called = |raw: &str| base.saying(|document| document.at_mut("Assertion/Subject/NameID").set_text(raw));
        let long = "a".repeat(10_000);
        for raw in ["", " ", &long, "al\u{202e}ice", "al\u{200b}ice", "al&#9;ice", "alice\u{feff}", "\u{2066}alice"] {
            base.refuses(&called(raw), &["saml_subject"]);
        }
        let mut with_nul = base.assertion_signed();
        with_nul.at_mut("Assertion/Subject/NameID").set_text("alice&#0;");
        base.refuses(&with_nul.write(), &["saml_malformed"]);
        // A name that looks the same is another name.
        let proved = base.judge(&called("\u{430}lice")).outcome.expect("a name like any other");
        assert_ne!(proved.person.subject.expose(), "alice");

        let format = |format: &str| {
            let format = format!("urn:oasis:names:tc:SAML:{format}");
            base.saying(|document| document.at_mut("Assertion/Subject/NameID").set("Format", &format))
        };
        base.refuses(&format("2.0:nameid-format:transient"), &["saml_subject"]);
        base.accepts(&format("1.1:nameid-format:emailAddress"));
        base.accepts(&format("1.1:nameid-format:unspecified"));
        let foreign = base.saying(|document| {
            let name = document.at_mut("Assertion/Subject/NameID");
            name.set("SPNameQualifier", "https://another-service.example");
        });
        base.refuses(&foreign, &["saml_subject"]);
    });
}

#[test]
fn attribute_that_names_the_person() {
    for_each(|base| {
        let mut connection = base.connection.clone();
        let email = connection.attributes.email.clone().expect("a name");
        connection.subject = SubjectSource::Attribute(email);
        let judge = |connection: &Connection| base.judge_with(connection, Some(&base.tracker), &base.xml, base.now);
        let proved = judge(&connection).outcome.expect("one address");
        assert_eq!(proved.person.subject.expose(), "alice@example.test");
        // Signing out still needs the provider's own name.
        assert_eq!(proved.name_id.value.expose(), "alice");
        for missing in [connection.attributes.groups.clone().expect("a name"), "nothing".to_owned()] {
            connection.subject = SubjectSource::Attribute(missing);
            base.refuses_consumed(judge(&connection), &["saml_subject"], &base.xml);
        }
    });
}

#[test]
fn groups_are_words_and_not_roles() {
    for_each(|base| {
        let xml = base.saying(|document| {
            document.at_mut("Assertion").walk_mut(&mut |element| {
                if element.local() == "AttributeValue" && element.text() == "admins" {
                    element.set_text("shutterpost:staff:owner");
                }
            });
        });
        // A connection maps them; what it does not name stays a word.
        assert_eq!(base.accepts(&xml).person.groups, ["staff", "shutterpost:staff:owner"]);
        let xml = base.saying(|document| {
            document.at_mut("Assertion").walk_mut(&mut |element| {
                if element.local() == "AttributeValue" && element.text() == "admins" {
                    element.set_text("adm\u{202e}ins");
                }
            });
        });
        base.refuses(&xml, &["saml_attribute"]);
    });
}

#[test]
fn addresses_are_verified_only_where_the_organisation_answers_for_them() {
    for_each(|base| {
        assert!(base.accepts(&base.xml).person.email_verified);
        let mut connection = base.connection.clone();
        connection.trust_email = false;
        let consumed = base.judge_with(&connection, Some(&base.tracker), &base.xml, base.now);
        assert!(!consumed.outcome.expect("as before").person.email_verified);
    });
}

#[test]
fn reports_and_refusals_hold_nothing_personal() {
    for_each(|base| {
        let xml = base.saying(|document| document.set("InResponseTo", "_another"));
        let consumed = base.judge(&xml);
        let said = format!("{:?} {:?}", consumed.report, consumed.outcome);
        for personal in ["alice", "Ångström", "admins"] {
            assert!(!said.contains(personal), "{}: {said}", base.name);
        }
        let accepted = format!("{:?}", base.judge(&base.xml));
        for personal in ["alice", "Ångström"] {
            assert!(!accepted.contains(personal), "{}: {accepted}", base.name);
        }
    });
}

#[test]
fn for_one_use_alone() {
    for_each(|base| {
        let xml = base.saying(|document| {
            let conditions = document.at_mut("Assertion/Conditions");
            let mut once = conditions.at("AudienceRestriction").clone();
            once.name = once.sibling_name("OneTimeUse");
            once.children.clear();
            conditions.push(once);
        });
        // It is remembered by whoever makes the session, as any other.
        let proved = base.accepts(&xml);
        assert_eq!(proved.assertion.id, Element::parse(&xml).at("Assertion").get("ID").expect("an ID"));
    });
}

#[test]
fn encrypted() {
    for_each(|base| {
        let mut document = base.response_signed();
        let mut assertion = document.take("Assertion");
        assertion.name = assertion.sibling_name("EncryptedAssertion");
        assertion.attributes.retain(|(name, _)| name.starts_with("xmlns"));
        assertion.set_text("<x:EncryptedData xmlns:x=\"http://www.w3.org/2001/04/xmlenc#\"/>");
        document.push(assertion);
        base.refuses(&super::xmlsec::sign(&document, &base.key, &["Response"]), &["saml_encrypted"]);
        let xml = base.saying(|document| {
            let subject = document.at_mut("Assertion/Subject");
            let name = subject.at_mut("NameID");
            name.name = name.sibling_name("EncryptedID");
            name.set_text("<x:EncryptedData xmlns:x=\"http://www.w3.org/2001/04/xmlenc#\"/>");
        });
        base.refuses(&xml, &["saml_encrypted", "saml_schema"]);
    });
}
