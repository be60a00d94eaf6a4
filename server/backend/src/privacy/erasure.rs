//! Erasing at once, on request. The request is on the disk first, with a job that finishes it should this process not;
//! then keys are destroyed, so that nobody can read the rest; then the receipt is signed; then rows and files go. Every
//! step may be done again.

use std::collections::BTreeMap;

use async_trait::async_trait;
use shutterpost_model::id::{ErasureId, OrganisationId};
use shutterpost_model::privacy::ErasureTarget;
use shutterpost_model::share::ChangeTarget;
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::KeyId;
use shutterpost_vault::receipt::{DestroyedKeys, Receipt};
use shutterpost_vault::sign::Signing;
use shutterpost_vault::wrap::Purpose;

use super::queries;
use super::retention::erase_rows;
use super::rows::{ErasureRow, erased};
use crate::audit::record::{Doer, Entry, record};
use crate::captures::purge;
use crate::captures::queries::CHUNK;
use crate::changes;
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::guests::erase::{self, Erased};
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::jobs::queue::{self, Job, JobKind};
use crate::jobs::worker::{Handler, Outcome};
use crate::keystore::Realm;
use crate::services::Deps;
use crate::uploads;

/// When the job takes over from a request that did not get to the end, in milliseconds.
const TAKE_OVER: i64 = 60_000;
/// What an audit entry of an event erased on request says for each batch.
const WHY: &str = "privacy.erase";

/// Notes that the object is to be erased, with the one audit entry of the request, unless it was noted before. The caller
/// has proved that the object is there.
pub(super) async fn request(
    tx: &mut Tx,
    world: &World,
    scope: &impl Tenant,
    target: &ErasureTarget,
    doer: &Doer,
    entry: Entry,
) -> Result<ErasureRow, Failure> {
    if let Some(row) = queries::of_object(tx, scope, target.object()).await? {
        return Ok(row);
    }
    let (id, now) = (world.id(ErasureId::new), world.now());
    let row = ErasureRow {
        id: id.into_string(),
        organisation_id: scope.organisation().as_str().to_owned(),
        kind: target.kind().as_str().to_owned(),
        object: target.object().to_owned(),
        requested_at: now.0,
        receipt: None,
        finished_at: None,
    };
    queries::insert(tx, &row).await?;
    queue::enqueue(tx, world, JobKind::Erase, &row.id, now.plus(TAKE_OVER)).await?;
    record(tx, world, Some(scope.organisation()), doer, entry).await?;
    Ok(row)
}

/// Erases a guest or a capture: one transaction for keys, rows and receipt, then the files.
pub(super) async fn small<T: Tenant + Clone + Send + 'static>(
    deps: &Deps,
    scope: T,
    row: &ErasureRow,
    target: ErasureTarget,
) -> Result<(), Failure> {
    let (deps_of_task, row) = (deps.clone(), row.clone());
    let objects = write_tx!(deps.db, tx => {
        let deps = deps_of_task;
        if !queries::hold(tx, &row.id).await? {
            return Ok(Vec::new());
        }
        let Deps { world, keystore, .. } = &deps;
        let done = match &target {
            ErasureTarget::Guest(guest) => match erase::guest(tx, world, keystore, &scope, guest).await {
                // Retention was faster. What it destroyed belongs on the receipt all the same.
                Err(Failure::NotFound) => {
                    let keys = erase::destroy_keys(keystore, &scope, &[guest.as_str()]).await?;
                    Erased { keys, ..Erased::default() }
                }
                other => other?,
            },
            ErasureTarget::Capture(capture) => {
                erase::captures(tx, world, keystore, &scope, std::slice::from_ref(capture)).await?
            }
            ErasureTarget::Event(_) | ErasureTarget::Organisation(_) => {
                return Err(Failure::Internal("an event is erased in steps".into()));
            }
        };
        let Erased { objects, stale, captures, guests, keys } = done;
        let counts = [("captures", captures), ("files", objects.len()), ("guests", guests)];
        let destroyed = counts.into_iter().map(|(name, count)| (name.to_owned(), count as u64)).collect();
        // After the keys are gone: one wrapped anew in between lives on in backups as long as its new root.
        let unreadable = keystore.last_backup_unreadable_at().await?;
        let receipt = receipt(&deps, &row, &target, destroyed, keys, unreadable)?;
        queries::keep_receipt(tx, &row.id, &receipt).await?;
        queries::finish(tx, &row.id, world.now()).await?;
        for capture in stale {
            changes::record(tx, world, ChangeTarget::Capture(capture)).await?;
        }
        Ok(objects)
    })?;
    deps.storage.delete_all(&objects).await;
    Ok(())
}

/// Destroys every key of an event, and signs the receipt. The event is marked as deleted, so nothing comes in any more.
pub(super) async fn event_keys(deps: &Deps, scope: &EventScope, row: &ErasureRow) -> Result<(), Failure> {
    let mut keys = Vec::new();
    let most = i64::try_from(CHUNK).unwrap_or(i64::MAX);
    let mut after = String::new();
    loop {
        let ids = queries::captures_after(&mut deps.db.read().await?, scope, &after, most).await?;
        let Some(last) = ids.last() else { break };
        after.clone_from(last);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        keys.extend(purge::destroy_keys(&deps.keystore, scope, &ids).await?);
    }
    after.clear();
    loop {
        let ids = queries::guests_after(&mut deps.db.read().await?, scope, &after, most).await?;
        let Some(last) = ids.last() else { break };
        after.clone_from(last);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        keys.extend(erase::destroy_keys(&deps.keystore, scope, &ids).await?);
    }
    let realm = Realm::Organisation(scope.organisation().clone());
    keys.extend(deps.keystore.destroy(&realm, &[Purpose::Event], &[scope.event().as_str()]).await?);
    keys.extend(uploads::destroy_keys(deps, scope).await?);
    let contents = queries::contents(&mut deps.db.read().await?, scope).await?;
    sign(deps, row, &ErasureTarget::Event(scope.event().clone()), contents, keys).await
}

/// Destroys every key of an organisation, and those of people who are nowhere else; signs the receipt.
pub(super) async fn organisation_keys(deps: &Deps, scope: &OrgScope, row: &ErasureRow) -> Result<(), Failure> {
    let organisation = scope.organisation();
    let mut contents: BTreeMap<&'static str, i64> = BTreeMap::new();
    let events = queries::events_of(&mut deps.db.read().await?, scope).await?;
    for event in &events {
        let event = EventScope::of_erasure(scope, stored(event)?);
        for (name, count) in queries::contents(&mut deps.db.read().await?, &event).await? {
            *contents.entry(name).or_default() += count;
        }
    }
    let people = queries::only_here(&mut deps.db.read().await?, scope).await?;
    contents.insert("accounts", i64::try_from(people.len()).unwrap_or(i64::MAX));
    let mut keys = deps.keystore.destroy_realm(&Realm::Organisation(organisation.clone())).await?;
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    keys.extend(deps.keystore.destroy(&Realm::Installation, &[Purpose::Subject], &people).await?);
    sign(deps, row, &ErasureTarget::Organisation(organisation.clone()), contents.into_iter().collect(), keys).await
}

/// Signs and keeps the receipt, and lets the job go on at once.
async fn sign(
    deps: &Deps,
    row: &ErasureRow,
    target: &ErasureTarget,
    contents: Vec<(&'static str, i64)>,
    keys: Vec<KeyId>,
) -> Result<(), Failure> {
    let unreadable = deps.keystore.last_backup_unreadable_at().await?;
    let counted = contents.into_iter().map(|(name, count)| (name.to_owned(), u64::try_from(count).unwrap_or(0)));
    let receipt = receipt(deps, row, target, counted.collect(), keys, unreadable)?;
    let (world, id) = (deps.world.clone(), row.id.clone());
    write_tx!(deps.db, tx => {
        queries::keep_receipt(tx, &id, &receipt).await?;
        queue::hurry(tx, &world, JobKind::Erase, &id).await
    })
}

/// Deletes the rows and files of an event whose keys are destroyed.
pub(super) async fn event_rows(deps: &Deps, scope: &EventScope, row: &ErasureRow) -> Result<(), Failure> {
    erase_rows(deps, scope, WHY).await?;
    finish(deps, row).await
}

/// The same of an organisation, and of people who are nowhere else.
pub(super) async fn organisation_rows(deps: &Deps, scope: &OrgScope) -> Result<(), Failure> {
    let events = queries::events_of(&mut deps.db.read().await?, scope).await?;
    for event in events {
        erase_rows(deps, &EventScope::of_erasure(scope, stored(&event)?), WHY).await?;
    }
    let scope = scope.clone();
    write_tx!(deps.db, tx => {
        let people = queries::only_here(tx, &scope).await?;
        queries::delete_users(tx, &people).await?;
        queries::delete_organisation(tx, scope.organisation()).await
    })
}

async fn finish(deps: &Deps, row: &ErasureRow) -> Result<(), Failure> {
    let (id, now) = (row.id.clone(), deps.world.now());
    write_tx!(deps.db, tx => queries::finish(tx, &id, now).await)
}

fn receipt(
    deps: &Deps,
    row: &ErasureRow,
    target: &ErasureTarget,
    destroyed: BTreeMap<String, u64>,
    keys: Vec<KeyId>,
    last_backup_unreadable_at: Millis,
) -> Result<String, Failure> {
    let receipt = Receipt {
        id: row.id.clone(),
        organisation: row.organisation_id.clone(),
        kind: erased(target.kind()),
        object: target.object().to_owned(),
        destroyed,
        keys: DestroyedKeys::of(keys),
        erased_at: deps.world.now().0,
        last_backup_unreadable_at: last_backup_unreadable_at.0,
    };
    let signer = deps.keys.signing_key(Signing::Receipt);
    receipt.sign(&signer).map_err(|error| Failure::internal("a receipt", error))
}

/// Goes on with an erasure wherever it was cut short.
#[derive(Debug)]
pub(crate) struct FinishErasure {
    deps: Deps,
}

impl FinishErasure {
    pub(crate) const fn new(deps: Deps) -> Self {
        Self { deps }
    }

    async fn resume(&self, permit: &Permit, row: &ErasureRow) -> Result<(), Failure> {
        let deps = &self.deps;
        let organisation: OrganisationId = row.organisation()?;
        let scope = OrgScope::of_job(permit, organisation.clone());
        let signed = row.receipt.is_some();
        match row.target()? {
            target @ (ErasureTarget::Guest(_) | ErasureTarget::Capture(_)) => small(deps, scope, row, target).await,
            ErasureTarget::Event(event) => {
                let scope = EventScope::of_sweep(permit, organisation, event);
                if !signed {
                    event_keys(deps, &scope, row).await?;
                }
                event_rows(deps, &scope, row).await
            }
            ErasureTarget::Organisation(_) => {
                if !signed {
                    organisation_keys(deps, &scope, row).await?;
                }
                organisation_rows(deps, &scope).await?;
                finish(deps, row).await
            }
        }
    }
}

#[async_trait]
impl Handler for FinishErasure {
    async fn run(&self, permit: &Permit, job: &Job) -> Result<Outcome, Failure> {
        let row = queries::of_job(&mut self.deps.db.read().await?, permit, &job.subject).await?;
        if let Some(row) = row.filter(|row| row.finished_at.is_none()) {
            self.resume(permit, &row).await?;
        }
        Ok(Outcome::Done)
    }
}
