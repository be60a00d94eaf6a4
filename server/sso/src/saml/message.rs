//! A look at a message before anything of it is proved. It says why a message was refused, and lets more be refused; who
//! somebody is is never read here.

use shutterpost_model::time::Millis;

use super::adapter::instant;
use super::xml::{self, ASSERTION, Limits, Node, PROTOCOL, SIGNATURE, XmlError};

/// What a message says of itself.
#[derive(Debug, Default)]
pub(super) struct Glimpse {
    pub broken: Option<XmlError>,
    /// The name of its outermost element, where that is one of the protocol.
    pub kind: String,
    pub destination: Option<String>,
    pub issuer: Option<String>,
    pub in_response_to: Option<String>,
    /// The outer and the inner code.
    pub status: Option<(String, Option<String>)>,
    pub issued: Option<Millis>,
    pub assertions: usize,
    pub encrypted: bool,
    /// The message itself has a signature.
    pub signed: bool,
    /// A signature in it refers to something else than the ID of the element that it is in.
    pub refers_elsewhere: bool,
    /// What the signatures say they were made with, in base64.
    pub certificates: Vec<String>,
    pub assertion: Option<Assertion>,
}

/// What the first assertion says.
#[derive(Debug, Default)]
pub(super) struct Assertion {
    pub signed: bool,
    pub issuer: Option<String>,
    pub not_before: Option<Millis>,
    pub not_on_or_after: Option<Millis>,
    pub audiences: Vec<String>,
    pub methods: Vec<String>,
    pub recipients: Vec<String>,
    pub confirmed_from: Option<Millis>,
    pub confirmed_until: Option<Millis>,
    /// How often it says that the person signed in.
    pub sign_ins: usize,
    pub session_end: Option<Millis>,
}

impl Glimpse {
    pub(super) fn of(xml: &[u8]) -> Self {
        match xml::parse(xml, Limits::MESSAGE) {
            Ok(root) => Self::of_root(&root),
            Err(broken) => Self { broken: Some(broken), ..Self::default() },
        }
    }

    fn of_root(root: &Node) -> Self {
        let text = |node: &Node, local: &str| node.one(ASSERTION, local).map(|found| found.text().to_owned());
        let mut seen = Self {
            kind: if root.is(PROTOCOL, root.local()) { root.local().to_owned() } else { String::new() },
            destination: root.attribute("Destination").map(str::to_owned),
            issuer: text(root, "Issuer"),
            in_response_to: root.attribute("InResponseTo").map(str::to_owned),
            status: root.one(PROTOCOL, "Status").and_then(|status| status.one(PROTOCOL, "StatusCode")).map(|code| {
                let inner = code.one(PROTOCOL, "StatusCode").and_then(|inner| inner.attribute("Value"));
                (code.attribute("Value").unwrap_or_default().to_owned(), inner.map(str::to_owned))
            }),
            issued: root.attribute("IssueInstant").and_then(instant),
            assertions: root.all(ASSERTION, "Assertion").chain(root.all(ASSERTION, "EncryptedAssertion")).count(),
            encrypted: root.one(ASSERTION, "EncryptedAssertion").is_some(),
            signed: root.one(SIGNATURE, "Signature").is_some(),
            ..Self::default()
        };
        let assertion = root.one(ASSERTION, "Assertion");
        for holder in [Some(root), assertion].into_iter().flatten() {
            for signature in holder.all(SIGNATURE, "Signature") {
                seen.refers_elsewhere |= !refers_to(signature, holder);
                signature.walk(&mut |node| {
                    if node.is(SIGNATURE, "X509Certificate") {
                        seen.certificates.push(node.text().to_owned());
                    }
                });
            }
        }
        seen.assertion = assertion.map(|assertion| {
            seen.encrypted |= assertion
                .one(ASSERTION, "Subject")
                .is_some_and(|subject| subject.one(ASSERTION, "EncryptedID").is_some());
            Assertion { issuer: text(assertion, "Issuer"), ..Assertion::of(assertion) }
        });
        seen
    }

    /// Whether its assertion has a signature.
    pub(super) fn assertion_signed(&self) -> bool {
        self.assertion.as_ref().is_some_and(|assertion| assertion.signed)
    }
}

impl Assertion {
    fn of(node: &Node) -> Self {
        let time = |node: &Node, name: &str| node.attribute(name).and_then(instant);
        let mut seen = Self { signed: node.one(SIGNATURE, "Signature").is_some(), ..Self::default() };
        if let Some(conditions) = node.one(ASSERTION, "Conditions") {
            seen.not_before = time(conditions, "NotBefore");
            seen.not_on_or_after = time(conditions, "NotOnOrAfter");
            let restrictions = conditions.all(ASSERTION, "AudienceRestriction");
            let audiences = restrictions.flat_map(|restriction| restriction.all(ASSERTION, "Audience"));
            seen.audiences = audiences.map(|audience| super::reject::clip(audience.text())).collect();
        }
        let subject = node.one(ASSERTION, "Subject");
        for confirmation in subject.iter().flat_map(|subject| subject.all(ASSERTION, "SubjectConfirmation")) {
            seen.methods.push(super::reject::clip(confirmation.attribute("Method").unwrap_or_default()));
            if let Some(data) = confirmation.one(ASSERTION, "SubjectConfirmationData") {
                seen.recipients.extend(data.attribute("Recipient").map(super::reject::clip));
                seen.confirmed_from = seen.confirmed_from.max(time(data, "NotBefore"));
                seen.confirmed_until = seen.confirmed_until.max(time(data, "NotOnOrAfter"));
            }
        }
        for statement in node.all(ASSERTION, "AuthnStatement") {
            seen.sign_ins += 1;
            seen.session_end = seen.session_end.or(time(statement, "SessionNotOnOrAfter"));
        }
        seen
    }
}

/// SAML Core, 5.4.2: one reference, to the ID of the element that is signed. XML signatures could refer to the whole document
/// by an empty text, which the crate takes for the response.
fn refers_to(signature: &Node, holder: &Node) -> bool {
    let Some(id) = holder.attribute("ID").filter(|id| !id.is_empty()) else { return false };
    let references = signature.all(SIGNATURE, "SignedInfo").flat_map(|info| info.all(SIGNATURE, "Reference"));
    let uris: Vec<_> = references.map(|reference| reference.attribute("URI").unwrap_or_default()).collect();
    matches!(uris[..], [uri] if uri.strip_prefix('#') == Some(id))
}
