//! A page of an event's captures: keyset paging by an authenticated cursor that fits only this event and filter.

use sha2::{Digest, Sha256};
use shutterpost_model::captures::{CaptureFilter, CapturePage, PAGE_LARGEST};
use shutterpost_model::error::Code;
use shutterpost_vault::keys::Keys;

use super::queries;
use super::rows::{Position, SummaryRow};
use crate::db::Conn;
use crate::error::Failure;
use crate::events::counters;
use crate::events::rows::stored;
use crate::events::scope::EventScope;

pub(super) async fn page(
    conn: &mut Conn,
    scope: &EventScope,
    keys: &Keys,
    filter: &CaptureFilter,
    cursor: Option<&str>,
    limit: i64,
) -> Result<CapturePage, Failure> {
    let binding = binding(scope, filter)?;
    let after = match cursor {
        Some(text) => Some(Position::read(&keys.open_cursor(text).ok_or(Code::BadCursor)?, &binding)?),
        None => None,
    };
    let limit = limit.clamp(1, PAGE_LARGEST);
    // One more than asked for tells whether there is a next page.
    let mut rows = queries::list(conn, scope, filter, after.as_ref(), limit + 1).await?;
    let length = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > length;
    rows.truncate(length);
    let next = match rows.last() {
        Some(last) if more => {
            let position = Position { captured_at: last.captured_at, id: stored(&last.id)? };
            Some(keys.seal_cursor(position.write(&binding).as_bytes()))
        }
        _ => None,
    };
    let items = rows.into_iter().map(SummaryRow::into_summary).collect::<Result<_, _>>()?;
    Ok(CapturePage { items, next, total: counters::captures(conn, scope).await? })
}

/// What a cursor is bound to: this list, the event, and a hash of the filter.
fn binding(scope: &EventScope, filter: &CaptureFilter) -> Result<String, Failure> {
    let digest: [u8; 32] = Sha256::digest(serde_json::to_vec(filter)?).into();
    let hash = data_encoding::HEXLOWER.encode(digest.first_chunk::<8>().expect("SHA-256 has 32 bytes"));
    Ok(format!("captures|{}|{hash}", scope.event()))
}
