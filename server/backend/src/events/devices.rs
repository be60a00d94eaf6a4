//! The SQL of devices.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::DeviceId;
use shutterpost_model::time::Millis;

use super::rows::DeviceRow;
use super::scope::{EventScope, Tenant};
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::keystore::Sealed;
use crate::schema::events_devices;

/// Devices that were not revoked, oldest first.
pub(super) async fn list(conn: &mut Conn, scope: &EventScope) -> Result<Vec<DeviceRow>, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(conn, c => events_devices::table
        .filter(events_devices::organisation_id.eq(organisation))
        .filter(events_devices::event_id.eq(event))
        .filter(events_devices::revoked_at.is_null())
        .order(events_devices::id.asc())
        .select(DeviceRow::as_select())
        .load(c).await)
}

/// A device to be written.
#[derive(Debug, Insertable)]
#[diesel(table_name = events_devices)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct NewDevice {
    pub(super) id: String,
    pub(super) organisation_id: String,
    pub(super) event_id: String,
    pub(super) name: Sealed<String>,
    pub(super) secret_hash: Vec<u8>,
    pub(super) hint: String,
    pub(super) captures: i64,
    pub(super) created_at: i64,
}

pub(super) async fn insert(tx: &mut Tx, _scope: &EventScope, row: &NewDevice) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(events_devices::table).values(row).execute(c).await)?;
    Ok(())
}

/// Makes the device's token worthless; [`Failure::NotFound`] if it is none of the event or was revoked before.
pub(super) async fn revoke(tx: &mut Tx, scope: &EventScope, device: &DeviceId, now: Millis) -> Result<(), Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let changed = on_db!(tx, c => diesel::update(events_devices::table)
        .filter(events_devices::organisation_id.eq(organisation))
        .filter(events_devices::event_id.eq(event))
        .filter(events_devices::id.eq(device.as_str()))
        .filter(events_devices::revoked_at.is_null())
        .set(events_devices::revoked_at.eq(now.0))
        .execute(c).await)?;
    if changed == 1 { Ok(()) } else { Err(Failure::NotFound) }
}

/// Counts a capture that the device uploaded.
pub(crate) async fn seen(tx: &mut Tx, scope: &EventScope, device: &DeviceId, now: Millis) -> Result<(), Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(tx, c => diesel::update(events_devices::table)
        .filter(events_devices::organisation_id.eq(organisation))
        .filter(events_devices::event_id.eq(event))
        .filter(events_devices::id.eq(device.as_str()))
        .set((events_devices::captures.eq(events_devices::captures + 1), events_devices::last_seen_at.eq(now.0)))
        .execute(c).await)?;
    Ok(())
}
