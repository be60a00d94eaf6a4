//! Answered uploads by idempotency key: the same request twice gives one capture and the same answer.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::access::{Actor, Credential};
use shutterpost_model::error::Code;
use shutterpost_model::guests::NewGuest;
use shutterpost_model::id::{CaptureId, LinkId};
use shutterpost_model::time::Millis;
use shutterpost_vault::keys::Keys;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::schema::ingest_requests;

/// What makes two requests the same one.
#[derive(Debug, Clone)]
pub(super) struct Fingerprint {
    uploader: String,
    key_hash: [u8; 32],
    file_hash: [u8; 32],
    guest_hash: [u8; 32],
}

/// The id under which an actor uploads.
pub(crate) fn uploader(actor: &Actor) -> String {
    match actor.credential() {
        Credential::Device { device, event: _ } => device.as_str().to_owned(),
        Credential::Token { token, .. } => token.as_str().to_owned(),
        Credential::Session { user, session: _ } => user.as_str().to_owned(),
        Credential::Support { staff, .. } => staff.as_str().to_owned(),
    }
}

impl Fingerprint {
    /// Keys are the uploader's own: another device's equal key is another key.
    pub(super) fn new(keys: &Keys, uploader: &str, key: &str, file_hash: [u8; 32], guest: Option<&NewGuest>) -> Self {
        let guest = guest.map(NewGuest::canonical);
        let guest = guest.as_ref().map_or("", |text| text.expose().as_str());
        Self {
            uploader: uploader.to_owned(),
            key_hash: keys.lookup_in("idempotency-key", uploader, key.as_bytes()),
            file_hash,
            guest_hash: keys.lookup("idempotency-guest", guest.as_bytes()),
        }
    }
}

/// The answer given before under this key; [`Code::KeyReused`] if that was to another request.
pub(super) async fn answered(
    conn: &mut Conn,
    scope: &EventScope,
    fingerprint: &Fingerprint,
) -> Result<Option<(CaptureId, LinkId)>, Failure> {
    let Fingerprint { uploader, key_hash, file_hash, guest_hash } = fingerprint;
    type Row = (String, Vec<u8>, Vec<u8>, String, String);
    let row: Option<Row> = on_db!(conn, c => ingest_requests::table
        .filter(ingest_requests::uploader.eq(uploader))
        .filter(ingest_requests::key_hash.eq(key_hash.as_slice()))
        .filter(ingest_requests::organisation_id.eq(scope.organisation().as_str()))
        .select((
            ingest_requests::event_id,
            ingest_requests::file_hash,
            ingest_requests::guest_hash,
            ingest_requests::capture_id,
            ingest_requests::link_id,
        ))
        .first(c).await.optional())?;
    let Some((event, file, guest, capture, link)) = row else { return Ok(None) };
    if event == scope.event().as_str() && file == file_hash && guest == guest_hash {
        Ok(Some((stored(&capture)?, stored(&link)?)))
    } else {
        Err(Code::KeyReused.into())
    }
}

/// Takes the key; `false` if another request has it. On PostgreSQL this waits for one that is just taking it.
pub(super) async fn take(
    tx: &mut Tx,
    scope: &EventScope,
    fingerprint: &Fingerprint,
    capture: &CaptureId,
    link: &LinkId,
    now: Millis,
) -> Result<bool, Failure> {
    let Fingerprint { uploader, key_hash, file_hash, guest_hash } = fingerprint;
    let written = on_db!(tx, c => diesel::insert_into(ingest_requests::table)
        .values((
            ingest_requests::uploader.eq(uploader),
            ingest_requests::key_hash.eq(key_hash.as_slice()),
            ingest_requests::organisation_id.eq(scope.organisation().as_str()),
            ingest_requests::event_id.eq(scope.event().as_str()),
            ingest_requests::file_hash.eq(file_hash.as_slice()),
            ingest_requests::guest_hash.eq(guest_hash.as_slice()),
            ingest_requests::capture_id.eq(capture.as_str()),
            ingest_requests::link_id.eq(link.as_str()),
            ingest_requests::created_at.eq(now.0),
        ))
        .on_conflict((ingest_requests::uploader, ingest_requests::key_hash))
        .do_nothing()
        .execute(c).await)?;
    Ok(written == 1)
}

/// Forgets keys that no client repeats any more. Until then a key outlives its capture: a booth that repeats an
/// upload must not bring back a photo that its guest has deleted meanwhile.
pub(crate) async fn clear(tx: &mut Tx, before: Millis) -> Result<usize, Failure> {
    on_db!(tx, c => diesel::delete(ingest_requests::table)
        .filter(ingest_requests::created_at.lt(before.0))
        .execute(c).await)
}
