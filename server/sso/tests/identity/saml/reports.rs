//! What an administrator is shown of a sign-in by SAML, and what a log is.

use shutterpost_model::time::Millis;
use shutterpost_sso::saml::login::{Attempt, Consumed, Form, Freshness};
use shutterpost_sso::saml::logout::{LogoutAttempt, LogoutMessage};
use shutterpost_sso::saml::reject::{Place, Reject};
use shutterpost_sso::saml::report::{Check, Report, Verdict};

use super::providers::{Base, base, for_each, idps};
use super::tree::Element;
use super::xmlsec;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";

/// What was expected, and what was found.
fn line(report: &Report, check: Check) -> (Option<&str>, Option<&str>) {
    let line = report.lines.iter().find(|line| line.check == check).expect("every check has a line");
    (line.expected.as_deref(), line.found.as_deref())
}

#[test]
fn every_check_shows_what_was_compared() {
    for_each(|base| {
        let report = base.judge(&base.xml).report;
        let document = base.document();
        let own = &base.connection.own;
        let (provider, acs) = (Some(&*base.connection.provider), Some(&*own.acs));
        let request = document.get("InResponseTo");
        let fingerprint = base.key.certificate.fingerprint_text();
        assert_eq!(line(&report, Check::Destination), (acs, acs));
        assert_eq!(line(&report, Check::Issuer), (provider, provider));
        assert_eq!(line(&report, Check::Status), (Some(SUCCESS), Some(SUCCESS)));
        assert_eq!(line(&report, Check::InResponseTo), (request, request));
        let (trusted, found) = line(&report, Check::Signature);
        assert_eq!(trusted, Some(&*fingerprint), "{}", base.name);
        // One for each signature that says what it was made with.
        assert!(found.is_none_or(|found| found.split(", ").all(|one| one == fingerprint)), "{}: {found:?}", base.name);
        assert!(found.is_some() || !base.xml.contains("X509Certificate"), "{}", base.name);
        assert_eq!(line(&report, Check::AssertionIssuer), (provider, provider));
        let conditions = document.at("Assertion/Conditions");
        let time = |name: &str| {
            conditions
                .get(name)
                .map_or("…".to_owned(), |text| super::providers::parse_time(text).expect("a time").rfc3339())
        };
        let range = format!("{} – {}", time("NotBefore"), time("NotOnOrAfter"));
        assert_eq!(line(&report, Check::Time), (Some(&*base.now.rfc3339()), Some(&*range)));
        let open = base.saying(|document| document.at_mut("Assertion/Conditions").unset("NotBefore"));
        let open = base.judge(&open).report;
        assert_eq!(line(&open, Check::Time).1, Some(&*format!("… – {}", time("NotOnOrAfter"))));
        let audience = Some(&*own.entity_id);
        assert_eq!(line(&report, Check::Audience), (audience, audience));
        assert_eq!(line(&report, Check::Confirmation), (acs, acs));
        for check in [Check::Connection, Check::Form, Check::Attempt, Check::Document, Check::SignIn, Check::Subject] {
            assert_eq!(line(&report, check), (None, None), "{check:?}");
        }
        // Of what is no message nothing was found.
        let none = base.judge("no XML").report;
        for (check, expected) in
            [(Check::Destination, acs), (Check::Audience, audience), (Check::AssertionIssuer, provider)]
        {
            assert_eq!(line(&none, check), (expected, None), "{check:?}");
        }
        assert_eq!(line(&none, Check::Time).1, None);
    });
}

#[test]
fn a_providers_refusal_is_shown_with_its_second_word() {
    for_each(|base| {
        let inner = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed";
        let mut document = base.response_signed();
        document.take("Assertion");
        let code = document.at_mut("Status/StatusCode");
        code.set("Value", RESPONDER);
        let mut second = code.clone();
        second.children.clear();
        second.set("Value", inner);
        code.push(second);
        let xml = xmlsec::sign(&document, &base.key, &["Response"]);
        let Consumed { outcome, report } = base.judge(&xml);
        let detail = Some(inner.to_owned());
        assert_eq!(outcome.expect_err("is refused"), Reject::Status { code: RESPONDER.to_owned(), detail });
        assert_eq!(line(&report, Check::Status), (Some(SUCCESS), Some(&*format!("{RESPONDER}, {inner}"))));
        let failed = report.lines.iter().find(|line| line.verdict == Verdict::Failed).expect("one failed");
        assert_eq!(failed.check, Check::Status);
        assert!(report.reason.is_some_and(|reason| reason.contains(RESPONDER) && reason.contains(inner)));
    });
}

fn refusal(base: &Base, change: impl FnOnce(&mut Element)) -> (Reject, Report) {
    let Consumed { outcome, report } = base.judge(&base.saying(change));
    (outcome.expect_err("is refused"), report)
}

/// Which of the two issuers is wrong is another thing to mend.
#[test]
fn the_wrong_issuer_is_named_with_its_place() {
    for_each(|base| {
        let other = "https://other-provider.example";
        let expected = base.connection.provider.clone();
        let wrong = |place| Reject::Issuer { place, expected: expected.clone(), found: Some(other.to_owned()) };
        let (reject, report) = refusal(base, |document| document.at_mut("Issuer").set_text(other));
        assert_eq!(reject, wrong(Place::Message), "{}", base.name);
        assert_eq!(line(&report, Check::Issuer), (Some(&*expected), Some(other)));
        let (reject, report) = refusal(base, |document| document.at_mut("Assertion/Issuer").set_text(other));
        assert_eq!(reject, wrong(Place::Assertion), "{}", base.name);
        assert_eq!(line(&report, Check::AssertionIssuer), (Some(&*expected), Some(other)));
    });
}

#[test]
fn refusals_name_what_was_found_and_what_we_are() {
    for_each(|base| {
        let own = &base.connection.own;
        let confirmation = "Assertion/Subject/SubjectConfirmation";
        let data = format!("{confirmation}/SubjectConfirmationData");
        let says = |reject: &Reject, words: &[&str]| {
            let said = reject.to_string();
            for word in words {
                assert!(said.contains(word), "{}: {said}", base.name);
            }
        };
        let elsewhere = "https://elsewhere.example/acs";
        let (reject, _) = refusal(base, |document| document.set("Destination", elsewhere));
        says(&reject, &[elsewhere, &own.acs]);
        let (reject, _) = refusal(base, |document| document.unset("Destination"));
        says(&reject, &["nobody in particular", &own.acs]);
        let (reject, report) = refusal(base, |document| document.at_mut(&data).set("Recipient", elsewhere));
        says(&reject, &[elsewhere, &own.acs]);
        assert_eq!(line(&report, Check::Confirmation), (Some(&*own.acs), Some(elsewhere)));
        let (reject, _) = refusal(base, |document| document.at_mut(&data).unset("Recipient"));
        says(&reject, &["the recipient nobody", &own.acs]);
        let vouched = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches";
        let (reject, _) = refusal(base, |document| document.at_mut(confirmation).set("Method", vouched));
        assert_eq!(reject, Reject::Confirmation { methods: vec![vouched.to_owned()] });
        says(&reject, &[vouched]);
        let (reject, _) = refusal(base, |document| {
            document.at_mut("Assertion/Conditions/AudienceRestriction/Audience").set_text(elsewhere);
        });
        assert_eq!(reject, Reject::Audience { expected: own.entity_id.clone(), found: vec![elsewhere.to_owned()] });
        says(&reject, &[elsewhere, &own.entity_id]);
    });
}

/// Whoever sends a message writes what is shown of it: it is cut, and turns nothing around.
#[test]
fn what_a_message_says_is_cut_before_it_is_shown() {
    let base = base("samlp");
    let shown = |given: &str| {
        let (reject, _) = refusal(base, |document| document.set("Destination", given));
        let Reject::Destination { found, .. } = reject else { panic!("{reject}") };
        found.expect("was given")
    };
    assert_eq!(shown(&"x".repeat(256)), "x".repeat(256));
    assert_eq!(shown(&"x".repeat(257)), format!("{}…", "x".repeat(256)));
    assert_eq!(shown("https://a.example/\u{202e}moc"), "https://a.example/\u{fffd}moc");
}

/// The certificate that a message claims is named only if nobody trusts it.
#[test]
fn an_unknown_certificate_is_named() {
    let stranger = &idps().stranger;
    for_each(|base| {
        let document = base.document();
        let certificate = String::from(stranger.certificate.clone());
        let foreign = xmlsec::sign(&document, stranger, &["Assertion", "Response"]);
        let mut foreign = Element::parse(&foreign);
        let mut claimed = 0;
        foreign.walk_mut(&mut |element| {
            if element.local() == "X509Certificate" {
                element.set_text(&certificate);
                claimed += 1;
            }
        });
        let Consumed { outcome, report } = base.judge(&foreign.write());
        let reject = outcome.expect_err("is refused");
        if claimed > 0 && reject.code() == "saml_untrusted_certificate" {
            let (fingerprint, subject) = (stranger.certificate.fingerprint_text(), stranger.certificate.subject());
            assert_eq!(
                reject,
                Reject::UntrustedCertificate { fingerprint: fingerprint.clone(), subject: subject.to_owned() }
            );
            let (_, found) = line(&report, Check::Signature);
            assert!(found.is_some_and(|found| found.contains(&fingerprint)), "{}: {found:?}", base.name);
        } else {
            assert_eq!(reject.code(), "saml_signature", "{}", base.name);
        }
        // The same bytes that claim nothing, or a certificate that is trusted.
        let mut silent = foreign;
        silent.walk_mut(&mut |element| {
            if element.local() == "X509Certificate" {
                element.set_text(&String::from(base.key.certificate.clone()));
            }
        });
        assert_eq!(
            base.judge(&silent.write()).outcome.expect_err("is refused").code(),
            "saml_signature",
            "{}",
            base.name
        );
    });
}

/// What a sign-in is logged as names it, and neither its relay state nor the person.
#[test]
fn logs_name_what_they_speak_of_and_hide_its_secrets() {
    let base = base("samlp");
    let name_id = base.accepts(&base.xml).name_id;
    let attempt = Attempt { relay_state: "a secret", id: [1; 20], freshness: Freshness::Again, now: Millis(0) };
    let logout = LogoutAttempt {
        name_id: &name_id,
        session: Some("a secret"),
        relay_state: "a secret",
        id: [1; 20],
        now: Millis(0),
    };
    let form = Form { saml_response: "a secret", relay_state: Some("a secret") };
    for (shown, name) in [
        (format!("{attempt:?}"), "Attempt { freshness: Again"),
        (format!("{logout:?}"), "LogoutAttempt {"),
        (format!("{form:?}"), "Form {"),
        (format!("{:?}", LogoutMessage::Redirect { query: "a secret" }), "Redirect"),
        (format!("{:?}", LogoutMessage::Post { value: "a secret", relay_state: Some("a secret") }), "Post"),
        (format!("{:?}", base.key.certificate), &*base.key.certificate.fingerprint_text()),
    ] {
        assert!(shown.contains(name) && !shown.contains("secret") && !shown.contains("alice"), "{shown}");
    }
}
