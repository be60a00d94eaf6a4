//! Taking a guest in with a capture.

use shutterpost_model::guests::NewGuest;
use shutterpost_model::id::{CaptureId, ConsentId, GuestId};
use shutterpost_vault::keys::Keys;

use super::consents::Resolved;
use super::queries::{self, NewRow};
use super::rows::ConsentRow;
use crate::context::World;
use crate::db::Tx;
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};

/// Writes the guest, or finds the one whom the event knows by the same contact point, and adds consents and capture.
pub(crate) async fn enrol(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    scope: &EventScope,
    capture: &CaptureId,
    guest: &NewGuest,
    consents: &[Resolved],
) -> Result<GuestId, Failure> {
    let fresh = world.id(GuestId::new);
    let now = world.now();
    // A key of its own per event: the same person at two events is not to be recognised.
    let hash =
        guest.contact().map(|contact| keys.lookup_in("guest-contact", scope.event().as_str(), contact.as_bytes()));
    let row = NewRow {
        id: fresh.as_str(),
        organisation_id: scope.organisation().as_str(),
        event_id: scope.event().as_str(),
        contact_hash: hash.as_ref().map(|hash| hash.as_slice()),
        name: guest.name.as_ref().map(|name| name.expose().as_str()),
        email: guest.email.as_ref().map(|email| email.expose().as_str()),
        phone: guest.phone.as_ref().map(|phone| phone.expose().as_str()),
        language: guest.language.tag(),
        created_at: now.0,
    };
    let id = if queries::insert(tx, scope, &row).await? {
        fresh
    } else {
        stored(&queries::refresh(tx, scope, &row).await?)?
    };
    let rows: Vec<ConsentRow> = consents
        .iter()
        .map(|Resolved { purpose, granted, text_version }| ConsentRow {
            id: world.id(ConsentId::new).into_string(),
            organisation_id: scope.organisation().as_str().to_owned(),
            guest_id: id.as_str().to_owned(),
            purpose: purpose.clone(),
            granted: *granted,
            text_version: *text_version,
            recorded_at: now.0,
        })
        .collect();
    queries::insert_consents(tx, scope, &rows).await?;
    queries::insert_shown(tx, scope, id.as_str(), capture, now).await?;
    Ok(id)
}
