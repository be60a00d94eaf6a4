//! Two databases cannot commit together. A key whose row was never written is destroyed here; a row whose key was destroyed
//! without it, by an erasure that was cut short, is deleted here.

use std::collections::{BTreeMap, HashSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{CaptureId, GuestId};
use shutterpost_model::time::DAY;
use shutterpost_vault::wrap::Purpose;

use super::retention::{If, erase_captures, erase_rows};
use super::sweep::Swept;
use super::{erasure, queries};
use crate::audit::record::{Doer, Entry, record};
use crate::captures::queries::CHUNK;
use crate::db::{Conn, on_db, write_tx};
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::guests::erase;
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::keystore::Owned;
use crate::schema::{
    captures, events, guests, identity_invitations, identity_tokens, identity_users, sso_connections, support_grants,
    support_staff, uploads,
};
use crate::services::Deps;

/// An upload takes seconds; a key that has no row by then will never get one.
const AGE: i64 = 60 * 60_000;
/// How long an erasure may take between its keys and its rows, and how far clocks may be apart.
const MARGIN: i64 = DAY;
/// What the audit entries say.
const WHY: &str = "privacy.erasure";

/// Destroys keys that no row needs.
pub(super) async fn sweep_keys(_permit: &Permit, deps: &Deps, swept: &mut Swept) -> Result<(), Failure> {
    let until = deps.world.now().plus(-AGE);
    let mut last: Option<Owned> = None;
    loop {
        let batch = deps.keystore.unswept(until, last.as_ref(), CHUNK as i64).await?;
        let Some(newest) = batch.last() else { break };
        last = Some(newest.clone());
        let known = known(&mut deps.db.read().await?, &batch).await?;
        for key in batch.iter().filter(|key| !known.contains(&key.subject)) {
            let purpose = Purpose::parse(&key.purpose);
            let purpose = purpose.ok_or_else(|| Failure::Internal("a stored key purpose does not read".into()))?;
            deps.keystore.destroy(&key.realm()?, &[purpose], &[&key.subject]).await?;
            swept.keys += 1;
        }
    }
    deps.keystore.swept(until).await
}

/// Which of the keys' objects there are.
async fn known(conn: &mut Conn, keys: &[Owned]) -> Result<HashSet<String>, Failure> {
    let subjects: Vec<&str> = keys.iter().map(|key| key.subject.as_str()).collect();
    let mut known = HashSet::new();
    macro_rules! in_table {
        ($table:ident) => {
            known.extend(on_db!(conn, c => $table::table
                .filter($table::id.eq_any(subjects.iter().copied()))
                .select($table::id)
                .load::<String>(c).await)?);
        };
    }
    in_table!(captures);
    in_table!(guests);
    in_table!(events);
    in_table!(identity_users);
    in_table!(identity_invitations);
    in_table!(identity_tokens);
    in_table!(support_staff);
    in_table!(support_grants);
    in_table!(sso_connections);
    in_table!(uploads);
    Ok(known)
}

/// Finishes erasures that destroyed keys and did not get to the rows: because they were cut short, or because the rows came
/// back with a backup.
pub(super) async fn finish_erasures(permit: &Permit, deps: &Deps, swept: &mut Swept) -> Result<(), Failure> {
    let now = deps.world.now();
    let since = queries::finished_until(&mut deps.db.read().await?).await?;
    let destroyed = deps.keystore.destroyed_since(since.plus(-MARGIN)).await?;
    let subjects: Vec<&str> = destroyed.iter().map(|key| key.subject.as_str()).collect();
    for chunk in subjects.chunks(CHUNK) {
        let mut conn = deps.db.read().await?;
        let left = on_db!(conn, c => captures::table
            .filter(captures::id.eq_any(chunk.iter().copied()))
            .select((captures::organisation_id, captures::event_id, captures::id))
            .load::<(String, String, String)>(c).await)?;
        let people = on_db!(conn, c => guests::table
            .filter(guests::id.eq_any(chunk.iter().copied()))
            .select((guests::organisation_id, guests::event_id, guests::id))
            .load::<(String, String, String)>(c).await)?;
        drop(conn);
        let mut by_event: BTreeMap<(String, String), Vec<CaptureId>> = BTreeMap::new();
        for (organisation, event, capture) in left {
            by_event.entry((organisation, event)).or_default().push(stored(&capture)?);
        }
        for ((organisation, event), ids) in by_event {
            swept.captures += i64::try_from(ids.len()).unwrap_or(i64::MAX);
            let scope = EventScope::of_sweep(permit, stored(&organisation)?, stored(&event)?);
            erase_captures(deps, scope, ids, If::Always, WHY).await?;
        }
        for (organisation, event, guest) in people {
            let scope = EventScope::of_sweep(permit, stored(&organisation)?, stored(&event)?);
            if finish_guest(deps, scope, stored(&guest)?).await? {
                swept.guests += 1;
            }
        }
    }
    for chunk in subjects.chunks(CHUNK) {
        for (organisation, event) in queries::events_among(&mut deps.db.read().await?, chunk).await? {
            let scope = EventScope::of_sweep(permit, stored(&organisation)?, stored(&event)?);
            erase_rows(deps, &scope, WHY).await?;
            swept.events += 1;
        }
        let people: Vec<String> = chunk.iter().map(|subject| (*subject).to_owned()).collect();
        write_tx!(deps.db, tx => queries::delete_people(tx, &people).await)?;
    }
    let dead = deps.keystore.dead_realms().await?;
    for chunk in dead.chunks(CHUNK) {
        for organisation in queries::organisations_among(&mut deps.db.read().await?, chunk).await? {
            erasure::organisation_rows(deps, &OrgScope::of_job(permit, stored(&organisation)?)).await?;
        }
    }
    write_tx!(deps.db, tx => queries::note_finished(tx, now).await)
}

/// `false` if the guest went with the last capture, or somebody else was faster.
async fn finish_guest(deps: &Deps, scope: EventScope, guest: GuestId) -> Result<bool, Failure> {
    let (world, keystore) = (deps.world.clone(), deps.keystore.clone());
    let objects = write_tx!(deps.db, tx => {
        let erased = match erase::guest(tx, &world, &keystore, &scope, &guest).await {
            Err(Failure::NotFound) => return Ok(None),
            other => other?,
        };
        let entry = Entry::new(WHY).object(guest.as_str());
        record(tx, &world, Some(scope.organisation()), &Doer::System, entry).await?;
        Ok(Some(erased.objects))
    })?;
    let Some(objects) = objects else { return Ok(false) };
    deps.storage.delete_all(&objects).await;
    Ok(true)
}
