//! Erasing for good what has been kept long enough.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{CaptureId, EventId, GuestId, OrganisationId, UserId};
use shutterpost_model::share::ChangeTarget;
use shutterpost_model::time::{DAY, Millis};
use shutterpost_vault::wrap::Purpose;

use super::sweep::Swept;
use crate::audit::record::{Doer, Entry, record};
use crate::captures::trash::since;
use crate::captures::{purge, queries as stored_captures};
use crate::changes;
use crate::db::{Conn, Tx, on_db, write_tx};
use crate::designs;
use crate::error::Failure;
use crate::events::queries as events;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::events::{trash as events_trash, zone};
use crate::guests::{erase, queries as stored_guests, trash as guests_trash};
use crate::identity::removed;
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::jobs::queue::{self, JobKind};
use crate::keystore::Realm;
use crate::schema::events as table;
use crate::services::Deps;
use crate::uploads;

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

/// What must still be so when a transaction begins, since somebody may have restored something meanwhile.
#[derive(Debug, Clone, Copy)]
pub(super) enum If {
    Always,
    /// The captures were deleted before.
    CapturesDeleted(Millis),
    /// The event was deleted before.
    EventDeleted(Millis),
}

/// Events whose retention is over lose captures and guests; those deleted long ago go altogether.
pub(super) async fn events(permit: &Permit, deps: &Deps, swept: &mut Swept) -> Result<(), Failure> {
    let mut conn = deps.db.read().await?;
    let due = due(&mut conn, deps, permit).await?;
    drop(conn);
    for Due { scope, whole } in due {
        let condition = if whole { If::EventDeleted(since(&deps.world)) } else { If::Always };
        // Asked again each time: retention may be extended while earlier ones are worked on.
        while still_due(deps, permit, &scope, whole).await? && erase_batch(deps, &scope, condition, WHY, swept).await? {
        }
        if whole && still_due(deps, permit, &scope, whole).await? {
            erase_event(deps, &scope, condition, WHY, swept).await?;
        }
    }
    Ok(())
}

async fn still_due(deps: &Deps, permit: &Permit, scope: &EventScope, whole: bool) -> Result<bool, Failure> {
    let all = due(&mut deps.db.read().await?, deps, permit).await?;
    Ok(all.iter().any(|due| due.scope.event() == scope.event() && due.whole == whole))
}

async fn due(conn: &mut Conn, deps: &Deps, permit: &Permit) -> Result<Vec<Due>, Failure> {
    let (now, before) = (deps.world.now(), since(&deps.world));
    // Local midnights lie within a day of UTC's; the exact rule follows below.
    let soonest = now.plus(DAY).date().to_string();
    let rows = on_db!(conn, c => table::table
        .filter(table::kept_until.lt(&soonest).nullable().or(table::deleted_at.lt(before.0)))
        .select((table::organisation_id, table::id, table::kept_until, table::time_zone, table::deleted_at))
        .load::<(String, String, String, String, Option<i64>)>(c).await)?;
    let mut due = Vec::new();
    for (organisation, event, kept_until, time_zone, deleted_at) in rows {
        let whole = deleted_at.is_some_and(|at| Millis(at) < before);
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
    while erase_batch(deps, scope, If::Always, why, &mut swept).await? {}
    erase_event(deps, scope, If::Always, why, &mut swept).await
}

/// Erases some captures, or guests when there are no captures left; `false` when there is neither.
async fn erase_batch(
    deps: &Deps,
    scope: &EventScope,
    condition: If,
    why: &'static str,
    swept: &mut Swept,
) -> Result<bool, Failure> {
    let mut conn = deps.db.read().await?;
    let mut ids: Vec<CaptureId> = Vec::new();
    for id in stored_captures::ids_of_event(&mut conn, scope, BATCH).await? {
        ids.push(stored(&id)?);
    }
    let guests_left = ids.is_empty() && !stored_guests::ids_of_event(&mut conn, scope, 1).await?.is_empty();
    drop(conn);
    if !ids.is_empty() {
        swept.captures += erase_captures(deps, scope.clone(), ids, condition, why).await?;
        return Ok(true);
    }
    if !guests_left {
        return Ok(false);
    }
    let (world, keystore, scope) = (deps.world.clone(), deps.keystore.clone(), scope.clone());
    swept.guests += write_tx!(deps.db, tx => {
        if !holds(tx, &scope, condition).await? {
            return Ok(0);
        }
        let count = erase::remaining(tx, &keystore, &scope, BATCH).await?;
        let entry = Entry::new(why).object(scope.event().as_str()).count(count);
        record(tx, &world, Some(scope.organisation()), &Doer::System, entry).await?;
        Ok(count)
    })?;
    Ok(true)
}

/// Whether the condition on the event still holds; what it says stays so until the end of the transaction.
async fn holds(tx: &mut Tx, scope: &EventScope, condition: If) -> Result<bool, Failure> {
    match condition {
        If::Always | If::CapturesDeleted(_) => Ok(true),
        If::EventDeleted(before) => events_trash::is_old(tx, scope, before).await,
    }
}

/// Erases captures of one event with their guests, in one transaction; gives how many captures.
pub(super) async fn erase_captures(
    deps: &Deps,
    scope: EventScope,
    mut ids: Vec<CaptureId>,
    condition: If,
    why: &'static str,
) -> Result<i64, Failure> {
    let (world, keystore) = (deps.world.clone(), deps.keystore.clone());
    let (count, objects) = write_tx!(deps.db, tx => {
        if !holds(tx, &scope, condition).await? {
            return Ok((0, Vec::new()));
        }
        if let If::CapturesDeleted(before) = condition {
            // Somebody may have taken one back since it was looked for.
            let texts: Vec<&str> = ids.iter().map(CaptureId::as_str).collect();
            purge::lock(tx, &scope, &texts).await?;
            let still = stored_captures::trashed(tx, &scope, &texts, before).await?;
            ids.retain(|id| still.iter().any(|left| left == id.as_str()));
            if ids.is_empty() {
                return Ok((0, Vec::new()));
            }
        }
        let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        let erased = erase::captures(tx, &world, &keystore, &scope, &ids).await?;
        let entry = Entry::new(why).object(scope.event().as_str()).count(count);
        record(tx, &world, Some(scope.organisation()), &Doer::System, entry).await?;
        changes::record(tx, &world, ChangeTarget::Event(scope.event().clone())).await?;
        Ok((count, erased.objects))
    })?;
    deps.storage.delete_all(&objects).await;
    Ok(count)
}

/// Erases a deleted event that is empty by now, with its logos and the files of its design.
async fn erase_event(
    deps: &Deps,
    scope: &EventScope,
    condition: If,
    why: &'static str,
    swept: &mut Swept,
) -> Result<(), Failure> {
    let (world, keystore, scope) = (deps.world.clone(), deps.keystore.clone(), scope.clone());
    let erased = write_tx!(deps.db, tx => {
        if !holds(tx, &scope, condition).await? {
            return Ok(None);
        }
        let realm = Realm::Organisation(scope.organisation().clone());
        keystore.destroy(&realm, &[Purpose::Event], &[scope.event().as_str()]).await?;
        let mut objects = uploads::erase_of_event(tx, &world, &keystore, &scope).await?;
        for logo in events::logos(tx, &scope).await? {
            queue::enqueue(tx, &world, JobKind::DeleteObject, &logo.object, world.now()).await?;
            objects.push(logo.object);
        }
        objects.extend(designs::erase_of_event(tx, &world, &scope).await?);
        if !events::erase(tx, &scope).await? {
            // Another worker was faster.
            return Ok(None);
        }
        let entry = Entry::new(why).object(scope.event().as_str());
        record(tx, &world, Some(scope.organisation()), &Doer::System, entry).await?;
        Ok(Some(objects))
    })?;
    if let Some(objects) = erased {
        deps.storage.delete_all(&objects).await;
        swept.events += 1;
    }
    Ok(())
}

/// Whatever has been in the trash too long: guests with the captures that show nobody else, then captures, then members.
/// Each is looked at again in the transaction that erases it, so that of two workers one does it.
pub(super) async fn trash(permit: &Permit, deps: &Deps, swept: &mut Swept) -> Result<(), Failure> {
    guests(permit, deps, swept).await?;
    captures(permit, deps, swept).await?;
    members(permit, deps, swept).await
}

async fn guests(permit: &Permit, deps: &Deps, swept: &mut Swept) -> Result<(), Failure> {
    loop {
        let before = since(&deps.world);
        let old = guests_trash::old(&mut deps.db.read().await?, permit, before, BATCH).await?;
        if old.is_empty() {
            return Ok(());
        }
        for (organisation, event, guest) in old {
            let scope = EventScope::of_sweep(permit, stored(&organisation)?, stored(&event)?);
            if let Some(captures) = erase_guest(deps, scope, stored(&guest)?, before).await? {
                swept.guests += 1;
                swept.captures += captures;
            }
        }
    }
}

/// Erases a guest who is still in the trash since before; gives how many captures went along.
async fn erase_guest(deps: &Deps, scope: EventScope, guest: GuestId, before: Millis) -> Result<Option<i64>, Failure> {
    let (world, keystore) = (deps.world.clone(), deps.keystore.clone());
    let erased = write_tx!(deps.db, tx => {
        if !guests_trash::is_old(tx, &scope, &guest, before).await? {
            return Ok(None);
        }
        let erased = erase::guest(tx, &world, &keystore, &scope, &guest).await?;
        let entry = Entry::new(WHY).object(guest.as_str());
        record(tx, &world, Some(scope.organisation()), &Doer::System, entry).await?;
        for capture in erased.stale {
            changes::record(tx, &world, ChangeTarget::Capture(capture)).await?;
        }
        Ok(Some((erased.captures, erased.objects)))
    })?;
    let Some((captures, objects)) = erased else { return Ok(None) };
    deps.storage.delete_all(&objects).await;
    Ok(Some(i64::try_from(captures).unwrap_or(i64::MAX)))
}

async fn captures(permit: &Permit, deps: &Deps, swept: &mut Swept) -> Result<(), Failure> {
    loop {
        let mut conn = deps.db.read().await?;
        let before = since(&deps.world);
        let old = stored_captures::old_trash(&mut conn, permit, before, BATCH).await?;
        drop(conn);
        if old.is_empty() {
            return Ok(());
        }
        let mut by_event: BTreeMap<(String, String), Vec<CaptureId>> = BTreeMap::new();
        for (organisation, event, capture) in old {
            by_event.entry((organisation, event)).or_default().push(stored(&capture)?);
        }
        for ((organisation, event), ids) in by_event {
            let scope = EventScope::of_sweep(permit, stored(&organisation)?, stored(&event)?);
            swept.captures += erase_captures(deps, scope, ids, If::CapturesDeleted(before), WHY).await?;
        }
    }
}

async fn members(permit: &Permit, deps: &Deps, swept: &mut Swept) -> Result<(), Failure> {
    loop {
        let before = since(&deps.world);
        let old = removed::old(&mut deps.db.read().await?, permit, before, BATCH).await?;
        if old.is_empty() {
            return Ok(());
        }
        for (organisation, user) in old {
            let scope = OrgScope::of_job(permit, stored(&organisation)?);
            let user: UserId = stored(&user)?;
            let (world, keystore) = (deps.world.clone(), deps.keystore.clone());
            swept.members += write_tx!(deps.db, tx => {
                // Restored, or forgotten by another worker, a moment ago.
                if !removed::erase(tx, &keystore, &scope, &user, before).await? {
                    return Ok(0);
                }
                let entry = Entry::new(WHY).object(user.as_str());
                record(tx, &world, Some(scope.organisation()), &Doer::System, entry).await?;
                Ok(1)
            })?;
        }
    }
}
