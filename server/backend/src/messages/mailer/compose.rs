//! From a written mail to the bytes that travel.

use std::time::{Duration, UNIX_EPOCH};

use lettre::address::AddressError;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use shutterpost_model::messages::RenderedMail;
use shutterpost_model::time::Millis;
use url::Host;

use super::Envelope;

/// Why a mail cannot be made: the recipient's address, or anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unmade {
    Address,
    Mail,
}

/// Reads an address; an internationalised domain is written in its ASCII form, which every server understands.
pub(super) fn address(text: &str) -> Result<Address, AddressError> {
    let (user, domain) = text.rsplit_once('@').ok_or(AddressError::MissingParts)?;
    if domain.is_ascii() {
        return Address::new(user, domain);
    }
    match Host::parse(domain) {
        Ok(Host::Domain(ascii)) => Address::new(user, ascii),
        _ => Err(AddressError::InvalidDomain),
    }
}

/// Makes the mail: text and HTML as alternatives, marked as written by a program so that nobody's absence answers it.
/// The same input gives the same bytes, so an attempt that is repeated looks like the first.
pub(super) fn compose(envelope: &Envelope, from: &Mailbox, mail: RenderedMail) -> Result<Message, Unmade> {
    let RenderedMail { subject, text, html } = mail;
    let to = address(envelope.to.expose()).map_err(|_| Unmade::Address)?;
    let name = envelope.sender.as_deref().map(one_line).or_else(|| from.name.clone());
    let body = MultiPart::alternative()
        .boundary(boundary(&envelope.message_id))
        .singlepart(SinglePart::plain(text.into_inner()))
        .singlepart(SinglePart::html(html.into_inner()));
    Message::builder()
        .from(Mailbox::new(name, from.email.clone()))
        .to(Mailbox::new(None, to))
        .subject(one_line(subject.expose()))
        .date(date(envelope.at))
        .message_id(Some(format!("<{}>", envelope.message_id)))
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .multipart(body)
        .map_err(|_| Unmade::Mail)
}

/// `=_` cannot occur in quoted-printable or base64, and a line of ours that begins with the id does not exist.
fn boundary(message_id: &str) -> String {
    let id = message_id.split('@').next().unwrap_or_default();
    format!("=_{id}")
}

/// Nothing in a header may start another one.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn date(at: Millis) -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(at.0).unwrap_or(0))
}
