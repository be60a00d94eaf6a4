//! Taking a guest in with a capture.

use std::sync::Arc;

use shutterpost_model::guests::NewGuest;
use shutterpost_model::id::{CaptureId, ConsentId, GuestId};
use shutterpost_model::pii::Pii;
use shutterpost_vault::data_key::DataKey;

use super::consents::Resolved;
use super::queries::{self, NewRow};
use super::rows::{self, ConsentRow};
use super::trash;
use crate::context::World;
use crate::db::Tx;
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::keystore::{KeyRef, KeyStore, Lookup, Realm, Sealed};
use crate::services::Deps;

/// Who a guest is, settled before anything is written: the one whom the event knows by the same contact point, or
/// somebody new, with a key on the disk.
#[derive(Debug, Clone)]
pub(crate) struct Identified {
    id: GuestId,
    key: Arc<DataKey>,
}

/// Finds out who the guest is.
pub(crate) async fn identify(deps: &Deps, scope: &EventScope, guest: &NewGuest) -> Result<Identified, Failure> {
    let Deps { db, world, keystore, .. } = deps;
    let fresh = world.id(GuestId::new);
    let id = match guest.contact() {
        Some(contact) => {
            // Unique in the event: the same person at two events is not to be recognised.
            let realm = Realm::Organisation(scope.organisation().clone());
            let lookup = Lookup::within(realm, rows::BY_CONTACT, scope.event().as_str());
            let mut holder = keystore.claim(&lookup, &contact, fresh.as_str()).await?;
            // Whoever comes again while they are in the trash is somebody new: what was deleted stays deleted.
            if holder != fresh.as_str() && trash::rests(&mut db.read().await?, scope, &holder).await? {
                keystore.release(&lookup, &contact, &holder).await?;
                holder = keystore.claim(&lookup, &contact, fresh.as_str()).await?;
            }
            stored(&holder)?
        }
        None => fresh,
    };
    let key = keystore.make_one(&rows::key(scope.organisation(), id.as_str())).await?;
    Ok(Identified { id, key })
}

/// Writes the guest, or brings the one up to date whom the event knows, and adds consents and capture.
pub(crate) async fn enrol(
    tx: &mut Tx,
    world: &World,
    keystore: &KeyStore,
    scope: &EventScope,
    capture: &CaptureId,
    (guest, identified): (&NewGuest, &Identified),
    consents: &[Resolved],
) -> Result<GuestId, Failure> {
    let Identified { id, key } = identified;
    let now = world.now();
    let realm = Realm::Organisation(scope.organisation().clone());
    let seal = |column: &'static str, value: &Option<Pii<String>>| {
        let place = rows::place(&realm, column, id.as_str());
        value.as_ref().map(|value| Sealed::seal(world, key, place, value))
    };
    let row = NewRow {
        id: id.as_str(),
        organisation_id: scope.organisation().as_str(),
        event_id: scope.event().as_str(),
        name: seal("name", &guest.name),
        email: seal("email", &guest.email),
        phone: seal("phone", &guest.phone),
        language: guest.language.tag(),
        created_at: now.0,
    };
    if !queries::insert(tx, scope, &row).await? && !queries::refresh(tx, scope, &row).await? {
        return Err(Failure::Busy("a guest was moved to the trash while they were taken in again".into()));
    }
    // Erased between the two: what was just sealed would be unreadable. The client tries again and gets another guest.
    if !keystore.is_alive(&KeyRef::of(scope.organisation(), rows::PURPOSE, id.as_str())).await? {
        return Err(Failure::Busy("a guest was erased while they were taken in again".into()));
    }
    // An erasure that was cut short would take this capture with it when it is finished, though it was accepted.
    if queries::is_leaving(tx, scope, id.as_str()).await? {
        return Err(Failure::Busy("a guest is being erased".into()));
    }
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
    Ok(id.clone())
}
