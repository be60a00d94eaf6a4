//! Devices by the hash of their secret.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::DeviceId;
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows::FoundDevice;
use crate::schema::{events, events_devices};

/// The device of a secret that is not revoked and whose event is not deleted.
pub(in crate::identity) async fn device(conn: &mut Conn, hash: &[u8; 32]) -> Result<Option<FoundDevice>, Failure> {
    let row: Option<(String, String, String, Option<i64>)> = on_db!(conn, c => events_devices::table
        .inner_join(events::table.on(events::id.eq(events_devices::event_id)))
        .filter(events_devices::secret_hash.eq(hash.as_slice()))
        .filter(events_devices::revoked_at.is_null())
        .filter(events::deleted_at.is_null())
        .select((
            events_devices::id,
            events_devices::organisation_id,
            events_devices::event_id,
            events_devices::last_seen_at,
        ))
        .first(c).await.optional())?;
    row.map(FoundDevice::read).transpose()
}

pub(in crate::identity) async fn device_seen(tx: &mut Tx, device: &DeviceId, now: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(events_devices::table)
        .filter(events_devices::id.eq(device.as_str()))
        .set(events_devices::last_seen_at.eq(now.0))
        .execute(c).await)?;
    Ok(())
}
