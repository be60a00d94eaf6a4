//! What a page shows of a capture until its picture is there: a colour, and a blurred idea of the picture. Both say
//! something of what is on it, so they are sealed under the capture's key like the picture itself.

use data_encoding::{BASE64, HEXLOWER};
use shutterpost_media::placeholder;
use shutterpost_model::id::OrganisationId;
use shutterpost_vault::data_key::DataKey;

use super::rows;
use crate::context::World;
use crate::error::Failure;
use crate::keystore::{KeyStore, Place, Realm, Sealed};

/// Bytes of the colour, which come first: red, green, blue.
const COLOUR: usize = 3;

fn place<'a>(realm: &'a Realm, capture: &'a str) -> Place<'a> {
    Place { realm, table: "captures", column: "look", row: capture }
}

/// Seals the colour and the hash of the blurred picture for a row.
pub(crate) fn seal(
    world: &World,
    key: &DataKey,
    organisation: &OrganisationId,
    capture: &str,
    (colour, hash): ([u8; COLOUR], &[u8]),
) -> Sealed<String> {
    let realm = Realm::Organisation(organisation.clone());
    let text = HEXLOWER.encode(&[&colour[..], hash].concat());
    Sealed::seal(world, key, place(&realm, capture), &text)
}

/// The blurred picture as an address that holds all of it. `subject` is the capture whose key opens it.
pub(crate) async fn placeholder(
    keystore: &KeyStore,
    organisation: &OrganisationId,
    (capture, subject): (&str, &str),
    look: Option<&Sealed<String>>,
) -> Result<Option<String>, Failure> {
    let Some(look) = look else { return Ok(None) };
    let key = keystore.get(&rows::key(organisation, subject)).await?;
    let realm = Realm::Organisation(organisation.clone());
    let text = look.open(&key, place(&realm, capture))?;
    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|error| Failure::internal("a stored look", error))?;
    let picture = bytes.get(COLOUR..).and_then(placeholder::png);
    Ok(picture.map(|picture| format!("data:image/png;base64,{}", BASE64.encode(&picture))))
}
