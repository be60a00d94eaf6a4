//! Devices and API tokens by the hash of their secret.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{DeviceId, TokenId};
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows::{FoundDevice, FoundToken};
use crate::schema::{events, events_devices, identity_tokens};

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

/// The API token of a secret that is not revoked.
pub(in crate::identity) async fn token(conn: &mut Conn, hash: &[u8; 32]) -> Result<Option<FoundToken>, Failure> {
    let row: Option<(String, String, String, Option<i64>)> = on_db!(conn, c => identity_tokens::table
        .filter(identity_tokens::secret_hash.eq(hash.as_slice()))
        .filter(identity_tokens::revoked_at.is_null())
        .select((
            identity_tokens::id,
            identity_tokens::organisation_id,
            identity_tokens::role,
            identity_tokens::last_used_at,
        ))
        .first(c).await.optional())?;
    row.map(FoundToken::read).transpose()
}

pub(in crate::identity) async fn token_used(tx: &mut Tx, token: &TokenId, now: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_tokens::table)
        .filter(identity_tokens::id.eq(token.as_str()))
        .set(identity_tokens::last_used_at.eq(now.0))
        .execute(c).await)?;
    Ok(())
}
