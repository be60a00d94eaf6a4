//! How messages travel: base64 in a form, or deflated in a query. Both ways bounded before anything is allocated.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};

use data_encoding::BASE64;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use percent_encoding::percent_decode_str;

use super::MESSAGE_LIMIT;
use super::connection::{Binding, Endpoint, Unusable, check_address};
use super::login::Departure;
use super::logout::LogoutMessage;
use super::reject::Reject;

/// What a message is called in a form or a query.
pub(super) const REQUEST: &str = "SAMLRequest";
pub(super) const RESPONSE: &str = "SAMLResponse";

/// The bytes of a form's field. Lines may be broken.
pub(super) fn decode(value: &str) -> Result<Vec<u8>, Reject> {
    if value.len() > MESSAGE_LIMIT {
        return Err(Reject::TooLarge { limit: MESSAGE_LIMIT });
    }
    let packed: Vec<u8> = value.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    match BASE64.decode(&packed) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(Reject::Encoding { reason: "not base64" }),
    }
}

/// Sends XML to the endpoint.
pub(super) fn depart(
    endpoint: &Endpoint,
    field: &'static str,
    xml: &str,
    relay_state: Option<&str>,
) -> Result<Departure, Unusable> {
    let mut url = check_address(&endpoint.url)?;
    Ok(match endpoint.binding {
        Binding::Redirect => {
            let mut query = url.query_pairs_mut();
            query.append_pair(field, &BASE64.encode(&deflate(xml)));
            if let Some(relay_state) = relay_state {
                query.append_pair("RelayState", relay_state);
            }
            drop(query);
            Departure::Redirect(url.into())
        }
        Binding::Post => Departure::Form {
            action: url.into(),
            field,
            value: BASE64.encode(xml.as_bytes()),
            relay_state: relay_state.map(str::to_owned),
        },
    })
}

fn deflate(xml: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(xml.as_bytes()).and_then(|()| encoder.finish()).expect("a Vec takes all that is written to it")
}

/// A message for signing out, looked at before the crate that verifies sees it: that one inflates up to 10 MiB, and of two
/// parameters with one name it takes the last.
#[derive(Debug)]
pub(super) struct Arrived {
    pub xml: Vec<u8>,
    pub relay_state: Option<String>,
}

/// Reads it; `field` is what it has to be.
pub(super) fn arrive(message: &LogoutMessage<'_>, field: &'static str) -> Result<Arrived, Reject> {
    match message {
        LogoutMessage::Post { value, relay_state } => {
            Ok(Arrived { xml: decode(value)?, relay_state: relay_state.map(str::to_owned) })
        }
        LogoutMessage::Redirect { query } => {
            if query.len() > MESSAGE_LIMIT {
                return Err(Reject::TooLarge { limit: MESSAGE_LIMIT });
            }
            let mut found: [Option<&str>; 4] = [None; 4];
            // As the crate splits it: what it would not see is not looked at either.
            for pair in query.split('&') {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let place = match name {
                    REQUEST | RESPONSE if name == field => 0,
                    REQUEST | RESPONSE => {
                        let reason = "a request where a response belongs, or the other way round";
                        return Err(Reject::Encoding { reason });
                    }
                    "RelayState" => 1,
                    "SigAlg" => 2,
                    "Signature" => 3,
                    // The only one there is, and what is meant without it, is to deflate.
                    "SAMLEncoding" if value.ends_with("DEFLATE") => continue,
                    "SAMLEncoding" => return Err(Reject::Encoding { reason: "an unknown encoding" }),
                    _ => continue,
                };
                if found.get_mut(place).is_some_and(|found| found.replace(value).is_some()) {
                    return Err(Reject::Encoding { reason: "a parameter is there twice" });
                }
            }
            let [message, relay_state, ..] = found;
            let message = unescape(message.ok_or(Reject::Encoding { reason: "there is no message" })?)?;
            // Some write a space as a plus; the message has none, and a plus in it is one of base64.
            let relay_state = relay_state.map(|value| unescape(&value.replace('+', " "))).transpose()?;
            Ok(Arrived { xml: inflate(&decode(&message)?)?, relay_state })
        }
    }
}

fn unescape(value: &str) -> Result<String, Reject> {
    let decoded = percent_decode_str(value).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| Reject::Encoding { reason: "a parameter is not UTF-8" })
}

fn inflate(deflated: &[u8]) -> Result<Vec<u8>, Reject> {
    let mut xml = Vec::new();
    let limit = MESSAGE_LIMIT as u64 + 1;
    let read = DeflateDecoder::new(deflated).take(limit).read_to_end(&mut xml);
    read.map_err(|_| Reject::Encoding { reason: "not deflated" })?;
    if xml.len() > MESSAGE_LIMIT {
        return Err(Reject::TooLarge { limit: MESSAGE_LIMIT });
    }
    Ok(xml)
}

/// A text as content or attribute of XML.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // What is no character of XML cannot be written in any way.
            char if char.is_control() => escaped.push('\u{fffd}'),
            char => escaped.push(char),
        }
    }
    escaped
}
