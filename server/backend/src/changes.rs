//! What made cached share pages stale, numbered in commit order. Like the audit trail, it is called by all features and
//! knows none of them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{CaptureId, EventId};
use shutterpost_model::share::{ChangeTarget, ShareChange};
use shutterpost_model::time::Millis;

use crate::context::World;
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::schema::{installation, share_changes};

/// Most changes that one read gives.
const MOST: i64 = 1000;

/// Records a change. Call it late in the transaction: the row with the number stays locked until the commit, and that
/// is what makes the numbers follow the order of commits.
pub(crate) async fn record(tx: &mut Tx, world: &World, target: ChangeTarget) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(installation::table)
        .set(installation::share_sequence.eq(installation::share_sequence + 1))
        .execute(c).await)?;
    let sequence = newest(tx).await?;
    let target = match &target {
        ChangeTarget::Capture(capture) => capture.as_str(),
        ChangeTarget::Event(event) => event.as_str(),
    };
    on_db!(tx, c => diesel::insert_into(share_changes::table)
        .values((
            share_changes::sequence.eq(sequence),
            share_changes::target.eq(target),
            share_changes::at.eq(world.now().0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Changes after a number, oldest first, at most 1000; and the newest number. Numbers without a gap: a first one that
/// is not `after + 1` says that older changes were cleared away.
pub(super) async fn after(conn: &mut Conn, after: i64) -> Result<(Vec<ShareChange>, i64), Failure> {
    // The number first: a change that comes in between is then read twice rather than missed.
    let newest = newest(conn).await?;
    let rows = on_db!(conn, c => share_changes::table
        .filter(share_changes::sequence.gt(after))
        .order(share_changes::sequence.asc())
        .limit(MOST)
        .select((share_changes::sequence, share_changes::target))
        .load::<(i64, String)>(c).await)?;
    let mut changes = Vec::with_capacity(rows.len());
    for (sequence, target) in rows {
        changes.push(ShareChange { sequence, target: read(&target)? });
    }
    Ok((changes, newest))
}

/// Forgets changes that every instance has read long ago.
pub(crate) async fn clear(tx: &mut Tx, before: Millis) -> Result<usize, Failure> {
    on_db!(tx, c => diesel::delete(share_changes::table)
        .filter(share_changes::at.lt(before.0))
        .execute(c).await)
}

async fn newest(conn: &mut Conn) -> Result<i64, Failure> {
    on_db!(conn, c => installation::table.select(installation::share_sequence).first(c).await)
}

fn read(target: &str) -> Result<ChangeTarget, Failure> {
    let capture = target.parse::<CaptureId>().map(ChangeTarget::Capture);
    capture
        .or_else(|_| target.parse::<EventId>().map(ChangeTarget::Event))
        .map_err(|_| Failure::Internal("a stored change names neither capture nor event".into()))
}
