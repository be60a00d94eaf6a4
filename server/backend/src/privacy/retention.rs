//! Erasing for good what has been kept long enough.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{CaptureId, EventId, OrganisationId};
use shutterpost_model::share::ChangeTarget;
use shutterpost_model::time::{DAY, Millis};
use shutterpost_vault::wrap::Purpose;

use super::sweep::{Swept, TRASH};
use crate::audit::record::{Doer, Entry, record};
use crate::captures::{purge, queries as captures};
use crate::changes;
use crate::db::{Conn, on_db, write_tx};
use crate::error::Failure;
use crate::events::queries as events;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::events::zone;
use crate::guests::{erase, queries as guests};
use crate::jobs::Permit;
use crate::jobs::queue::{self, JobKind};
use crate::keystore::Realm;
use crate::schema::events as table;
use crate::services::Deps;

/// Captures or guests in one transaction: short enough that uploads need not wait.
const BATCH: i64 = 200;

/// What the audit entries say.
const WHY: &str = "privacy.retention";

/// An event that is due.
struct Due {
    scope: EventScope,
    /// Deleted long ago: the event itself goes too.
    whole: bool,
}

/// Events whose retention is over lose captures and guests; those deleted long ago go altogether.
pub(super) async fn events(permit: &Permit, deps: &Deps, swept: &mut Swept) -> Result<(), Failure> {
    let mut conn = deps.db.read().await?;
    let due = due(&mut conn, permit, deps.world.now()).await?;
    drop(conn);
    for Due { scope, whole } in due {
        // Asked again each time: retention may be extended while earlier ones are worked on.
        while still_due(deps, permit, &scope, whole).await? && erase_batch(deps, &scope, WHY, swept).await? {}
        if whole && still_due(deps, permit, &scope, whole).await? {
            erase_event(deps, &scope, WHY, swept).await?;
        }
    }
    Ok(())
}

async fn still_due(deps: &Deps, permit: &Permit, scope: &EventScope, whole: bool) -> Result<bool, Failure> {
    let all = due(&mut deps.db.read().await?, permit, deps.world.now()).await?;
    Ok(all.iter().any(|due| due.scope.event() == scope.event() && due.whole == whole))
}

async fn due(conn: &mut Conn, permit: &Permit, now: Millis) -> Result<Vec<Due>, Failure> {
    // Local midnights lie within a day of UTC's; the exact rule follows below.
    let soonest = now.plus(DAY).date().to_string();
    let rows = on_db!(conn, c => table::table
        .filter(table::kept_until.lt(&soonest).nullable().or(table::deleted_at.lt(now.plus(-TRASH).0)))
        .select((table::organisation_id, table::id, table::kept_until, table::time_zone, table::deleted_at))
        .load::<(String, String, String, String, Option<i64>)>(c).await)?;
    let mut due = Vec::new();
    for (organisation, event, kept_until, time_zone, deleted_at) in rows {
        let whole = deleted_at.is_some_and(|at| Millis(at) < now.plus(-TRASH));
        if whole || now >= zone::end_of(&time_zone, stored(&kept_until)?) {
            let (organisation, event): (OrganisationId, EventId) = (stored(&organisation)?, stored(&event)?);
            due.push(Due { scope: EventScope::of_sweep(permit, organisation, event), whole });
        }
    }
    Ok(due)
}

/// Erases an event with everything in it; `why` is the action of the audit entries.
pub(super) async fn erase_rows(deps: &Deps, scope: &EventScope, why: &'static str) -> Result<(), Failure> {
    let mut swept = Swept::default();
    while erase_batch(deps, scope, why, &mut swept).await? {}
    erase_event(deps, scope, why, &mut swept).await
}

/// Erases some captures, or guests when there are no captures left; `false` when there is neither.
async fn erase_batch(deps: &Deps, scope: &EventScope, why: &'static str, swept: &mut Swept) -> Result<bool, Failure> {
    let mut conn = deps.db.read().await?;
    let mut ids: Vec<CaptureId> = Vec::new();
    for id in captures::ids_of_event(&mut conn, scope, BATCH).await? {
        ids.push(stored(&id)?);
    }
    let guests_left = ids.is_empty() && !guests::ids_of_event(&mut conn, scope, 1).await?.is_empty();
    drop(conn);
    if !ids.is_empty() {
        swept.captures += i64::try_from(ids.len()).unwrap_or(i64::MAX);
        erase_captures(deps, scope.clone(), ids, None, why).await?;
        return Ok(true);
    }
    if !guests_left {
        return Ok(false);
    }
    let (world, keystore, scope) = (deps.world.clone(), deps.keystore.clone(), scope.clone());
    swept.guests += write_tx!(deps.db, tx => {
        let count = erase::remaining(tx, &keystore, &scope, BATCH).await?;
        let entry = Entry::new(why).object(scope.event().as_str()).count(count);
        record(tx, &world, Some(scope.organisation()), &Doer::System, entry).await?;
        Ok(count)
    })?;
    Ok(true)
}

/// Erases captures of one event with their guests, in one transaction.
pub(super) async fn erase_captures(
    deps: &Deps,
    scope: EventScope,
    mut ids: Vec<CaptureId>,
    trashed_before: Option<Millis>,
    why: &'static str,
) -> Result<(), Failure> {
    let (world, keystore) = (deps.world.clone(), deps.keystore.clone());
    let objects = write_tx!(deps.db, tx => {
        if let Some(before) = trashed_before {
            // Somebody may have taken one back since it was looked for.
            let texts: Vec<&str> = ids.iter().map(CaptureId::as_str).collect();
            purge::lock(tx, &scope, &texts).await?;
            let still = captures::trashed(tx, &scope, &texts, before).await?;
            ids.retain(|id| still.iter().any(|left| left == id.as_str()));
        }
        let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        let erased = erase::captures(tx, &world, &keystore, &scope, &ids).await?;
        let entry = Entry::new(why).object(scope.event().as_str()).count(count);
        record(tx, &world, Some(scope.organisation()), &Doer::System, entry).await?;
        changes::record(tx, &world, ChangeTarget::Event(scope.event().clone())).await?;
        Ok(erased.objects)
    })?;
    deps.storage.delete_all(&objects).await;
    Ok(())
}

/// Erases a deleted event that is empty by now, with its logos.
async fn erase_event(deps: &Deps, scope: &EventScope, why: &'static str, swept: &mut Swept) -> Result<(), Failure> {
    let (world, keystore, scope) = (deps.world.clone(), deps.keystore.clone(), scope.clone());
    let objects = write_tx!(deps.db, tx => {
        let realm = Realm::Organisation(scope.organisation().clone());
        keystore.destroy(&realm, &[Purpose::Event], &[scope.event().as_str()]).await?;
        let mut objects = Vec::new();
        for logo in events::logos(tx, &scope).await? {
            queue::enqueue(tx, &world, JobKind::DeleteObject, &logo.object, world.now()).await?;
            objects.push(logo.object);
        }
        events::erase(tx, &scope).await?;
        let entry = Entry::new(why).object(scope.event().as_str());
        record(tx, &world, Some(scope.organisation()), &Doer::System, entry).await?;
        Ok(objects)
    })?;
    deps.storage.delete_all(&objects).await;
    swept.events += 1;
    Ok(())
}

/// Captures that have been in the trash too long.
pub(super) async fn trash(permit: &Permit, deps: &Deps, swept: &mut Swept) -> Result<(), Failure> {
    loop {
        let mut conn = deps.db.read().await?;
        let before = deps.world.now().plus(-TRASH);
        let old = captures::old_trash(&mut conn, permit, before, BATCH).await?;
        drop(conn);
        if old.is_empty() {
            return Ok(());
        }
        let mut by_event: BTreeMap<(String, String), Vec<CaptureId>> = BTreeMap::new();
        for (organisation, event, capture) in old {
            by_event.entry((organisation, event)).or_default().push(stored(&capture)?);
        }
        for ((organisation, event), ids) in by_event {
            swept.captures += i64::try_from(ids.len()).unwrap_or(i64::MAX);
            let scope = EventScope::of_sweep(permit, stored(&organisation)?, stored(&event)?);
            erase_captures(deps, scope, ids, Some(before), WHY).await?;
        }
    }
}
