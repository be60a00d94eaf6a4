//! The rules of events.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{
    Branding, ConsentText, Device, DeviceDraft, Event, EventDraft, EventSummary, Events, LogoChange, Overview,
};
use shutterpost_model::id::{DeviceId, EventId, LogoId};
use shutterpost_model::identity::Issued;
use shutterpost_model::identity::security::Activity;
use shutterpost_model::share::ChangeTarget;
use shutterpost_model::validate;

use super::rows::{self, EventRow, SummaryRow, stored};
use super::scope::{EventScope, Tenant};
use super::{consents, counters, devices, logos, overview, queries, zone};
use crate::audit::record::{Doer, Entry, record};
use crate::changes;
use crate::db::{Conn, write_tx};
use crate::error::Failure;
use crate::identity::bearer::{self, Fresh};
use crate::identity::notices;
use crate::identity::scope::OrgScope;
use crate::keystore::{Realm, Sealed};
use crate::services::Deps;
use crate::support::approvals;

/// Most events of a list; organisations have dozens.
const EVENTS_MOST: i64 = 1000;

/// The port of events on the database.
#[derive(Debug, Clone)]
pub struct EventsService {
    deps: Deps,
}

impl EventsService {
    pub const fn new(deps: Deps) -> Self {
        Self { deps }
    }

    /// An event that the actor may do this with, and a connection to read more.
    async fn prove(
        &self,
        actor: &Actor,
        event: &EventId,
        permission: Permission,
    ) -> Result<(Conn, EventScope), Failure> {
        let org = OrgScope::prove(actor, permission)?;
        let mut conn = self.deps.db.read().await?;
        let scope = EventScope::prove(&mut conn, org, event).await?;
        Ok((conn, scope))
    }

    async fn read_event(&self, actor: &Actor, event: &EventId) -> Result<Event, Failure> {
        let (mut conn, scope) = self.prove(actor, event, Permission::EventRead).await?;
        let row = queries::find(&mut conn, &scope).await?;
        let logo = match &row.logo_id {
            Some(logo) => Some(queries::logo(&mut conn, &scope, &stored(logo)?).await?),
            None => None,
        };
        let consents = consents::current(&mut conn, &scope).await?;
        let captures = counters::captures(&mut conn, &scope).await?;
        row.into_event(logo, consents, captures)
    }

    async fn write_new(&self, actor: &Actor, draft: EventDraft) -> Result<EventId, Failure> {
        let scope = OrgScope::prove(actor, Permission::EventWrite)?;
        let draft = checked(draft)?;
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        let branding = serde_json::to_string(&Branding::default())?;
        write_tx!(self.deps.db, tx => {
            let (id, now) = (world.id(EventId::new), world.now());
            let organisation = scope.organisation().clone();
            let kept_until = draft.kept_until().to_string();
            let EventDraft { name, starts_on, ends_on, time_zone, retention_days } = draft;
            let row = EventRow {
                id: id.as_str().to_owned(),
                organisation_id: organisation.as_str().to_owned(),
                name,
                starts_on: starts_on.to_string(),
                ends_on: ends_on.to_string(),
                time_zone,
                retention_days,
                kept_until,
                branding,
                logo_id: None,
                version: 1,
                created_at: now.0,
                deleted_at: None,
            };
            queries::insert(tx, &scope, &row).await?;
            consents::seed(tx, organisation.as_str(), id.as_str(), now).await?;
            record(tx, &world, Some(&organisation), &doer, Entry::new("events.create").object(id.as_str())).await?;
            Ok(id)
        })
    }

    async fn write_draft(
        &self,
        actor: &Actor,
        event: &EventId,
        draft: EventDraft,
        version: i32,
    ) -> Result<(), Failure> {
        let org = OrgScope::prove(actor, Permission::EventWrite)?;
        // Existence comes before the rules: a foreign id answers 404 whatever was typed.
        let scope = EventScope::prove(&mut self.deps.db.read().await?, org, event).await?;
        let draft = checked(draft)?;
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        write_tx!(self.deps.db, tx => {
            let scope = EventScope::prove(tx, scope.org().clone(), scope.event()).await?;
            let before = queries::find(tx, &scope).await?.draft()?;
            // Photos that are kept for less are deleted sooner.
            let sooner = draft.kept_until() < before.kept_until();
            if sooner && !approvals::settle(tx, &world, scope.org(), "events.update", &[scope.event().as_str()]).await? {
                return Ok(Err(Code::ApprovalNeeded.into()));
            }
            if !queries::update(tx, &scope, &draft, version).await? {
                return Err(Code::Conflict.into());
            }
            let entry = Entry::new("events.update").object(scope.event().as_str()).fields(differences(&before, &draft));
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            changes::record(tx, &world, ChangeTarget::Event(scope.event().clone())).await?;
            Ok(Ok(()))
        })?
    }

    async fn mark_deleted(&self, actor: &Actor, event: &EventId) -> Result<(), Failure> {
        let org = OrgScope::prove_confirmed(actor, Permission::EventWrite, self.deps.world.now())?;
        let (world, doer, event) = (self.deps.world.clone(), Doer::from(actor), event.clone());
        write_tx!(self.deps.db, tx => {
            let scope = EventScope::prove(tx, org, &event).await?;
            if !approvals::settle(tx, &world, scope.org(), "events.delete", &[event.as_str()]).await? {
                return Ok(Err(Code::ApprovalNeeded.into()));
            }
            queries::mark_deleted(tx, &scope, doer.id().as_deref(), world.now()).await?;
            let entry = Entry::new("events.delete").object(event.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            let watchers = notices::watchers(tx, scope.org()).await?;
            let activity = Activity::EventDeleted;
            notices::tell_deletion(tx, &world, scope.org(), &watchers, activity, Some(&event)).await?;
            changes::record(tx, &world, ChangeTarget::Event(event)).await?;
            Ok(Ok(()))
        })?
    }

    async fn write_branding(
        &self,
        actor: &Actor,
        event: &EventId,
        branding: Branding,
        logo: LogoChange,
        version: i32,
    ) -> Result<(), Failure> {
        let (mut conn, scope) = self.prove(actor, event, Permission::BrandingWrite).await?;
        branding.check()?;
        // A stale form must not cost a stored object; the transaction checks again.
        if queries::find(&mut conn, &scope).await?.version != version {
            return Err(Code::Conflict.into());
        }
        drop(conn);
        let plan = logos::prepare(&self.deps, &scope, logo).await?;
        let stored_object = plan.object().map(str::to_owned);
        let text = serde_json::to_string(&branding)?;
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        let outcome = write_tx!(self.deps.db, tx => {
            let scope = EventScope::prove(tx, scope.org().clone(), scope.event()).await?;
            let before = queries::find(tx, &scope).await?;
            let (logo, objects) = plan.apply(tx, &world, &scope, before.logo_id.clone()).await?;
            if !queries::update_branding(tx, &scope, &text, logo.as_deref(), version).await? {
                return Err(Failure::from(Code::Conflict));
            }
            let mut fields = Vec::new();
            if before.branding != text {
                fields.push("branding");
            }
            if before.logo_id != logo {
                fields.push("logo");
            }
            let entry = Entry::new("events.update_branding").object(scope.event().as_str()).fields(fields);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            changes::record(tx, &world, ChangeTarget::Event(scope.event().clone())).await?;
            Ok(objects)
        });
        match outcome {
            Ok(objects) => {
                self.deps.storage.delete_all(&objects).await;
                Ok(())
            }
            Err(failure) => {
                self.deps.storage.delete_all(stored_object.as_slice()).await;
                Err(failure)
            }
        }
    }

    async fn write_consents(&self, actor: &Actor, event: &EventId, texts: Vec<ConsentText>) -> Result<(), Failure> {
        let (conn, scope) = self.prove(actor, event, Permission::BrandingWrite).await?;
        drop(conn);
        consents::check(&texts)?;
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        write_tx!(self.deps.db, tx => {
            let scope = EventScope::prove(tx, scope.org().clone(), scope.event()).await?;
            let added = consents::save(tx, &scope, &texts, world.now()).await?;
            let entry = Entry::new("events.update_consents").object(scope.event().as_str()).count(added);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    async fn read_logo(&self, actor: &Actor, event: &EventId, logo: &LogoId) -> Result<Vec<u8>, Failure> {
        let (mut conn, scope) = self.prove(actor, event, Permission::EventRead).await?;
        let row = queries::logo(&mut conn, &scope, logo).await?;
        drop(conn);
        let key = self.deps.keystore.get(&rows::key(scope.organisation(), event.as_str())).await?;
        self.deps.storage.get(&row.object, &key).await
    }

    async fn write_device(
        &self,
        actor: &Actor,
        event: &EventId,
        draft: DeviceDraft,
    ) -> Result<Issued<Device>, Failure> {
        let (conn, scope) = self.prove(actor, event, Permission::DeviceManage).await?;
        drop(conn);
        let name = draft.name.trim().to_owned();
        validate::name(&name).map_err(|code| AppError::field("name", code))?;
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        let doer = Doer::from(actor);
        let key = rows::key(scope.organisation(), event.as_str());
        let key = keystore.make_one(&key).await?;
        write_tx!(db, tx => {
            let scope = EventScope::prove(tx, scope.org().clone(), scope.event()).await?;
            let realm = Realm::Organisation(scope.organisation().clone());
            let Fresh { secret, hash, hint } = bearer::fresh(&world, &keys, bearer::DEVICE);
            let (id, now) = (world.id(DeviceId::new), world.now());
            let row = devices::NewDevice {
                id: id.as_str().to_owned(),
                organisation_id: scope.organisation().as_str().to_owned(),
                event_id: scope.event().as_str().to_owned(),
                name: Sealed::seal(&world, &key, rows::device_place(&realm, id.as_str()), &name),
                secret_hash: hash.to_vec(),
                hint,
                captures: 0,
                created_at: now.0,
            };
            devices::insert(tx, &scope, &row).await?;
            let entry = Entry::new("events.create_device").object(id.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            let item = Device { id, name, hint: row.hint, created_at: now, last_seen_at: None, captures: 0 };
            Ok(Issued { item, secret })
        })
    }

    async fn stop_device(&self, actor: &Actor, event: &EventId, device: &DeviceId) -> Result<(), Failure> {
        let org = OrgScope::prove(actor, Permission::DeviceManage)?;
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        let (event, device) = (event.clone(), device.clone());
        write_tx!(self.deps.db, tx => {
            let scope = EventScope::prove(tx, org, &event).await?;
            devices::revoke(tx, &scope, &device, world.now()).await?;
            let entry = Entry::new("events.revoke_device").object(device.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }
}

#[async_trait]
impl Events for EventsService {
    async fn overview(&self, actor: &Actor) -> Result<Overview, AppError> {
        let scope = OrgScope::prove(actor, Permission::OverviewRead)?;
        let mut conn = self.deps.db.read().await?;
        Ok(overview::read(&mut conn, &self.deps.keystore, &scope, self.deps.world.now()).await?)
    }

    async fn list(&self, actor: &Actor) -> Result<Vec<EventSummary>, AppError> {
        let scope = OrgScope::prove(actor, Permission::EventRead)?;
        let mut conn = self.deps.db.read().await?;
        let rows = queries::list(&mut conn, &scope, EVENTS_MOST).await?;
        Ok(rows.into_iter().map(SummaryRow::into_summary).collect::<Result<_, _>>()?)
    }

    async fn find(&self, actor: &Actor, event: &EventId) -> Result<Event, AppError> {
        Ok(self.read_event(actor, event).await?)
    }

    async fn create(&self, actor: &Actor, draft: EventDraft) -> Result<EventId, AppError> {
        Ok(self.write_new(actor, draft).await?)
    }

    async fn update(&self, actor: &Actor, event: &EventId, draft: EventDraft, version: i32) -> Result<(), AppError> {
        Ok(self.write_draft(actor, event, draft, version).await?)
    }

    async fn delete(&self, actor: &Actor, event: &EventId) -> Result<(), AppError> {
        Ok(self.mark_deleted(actor, event).await?)
    }

    async fn update_branding(
        &self,
        actor: &Actor,
        event: &EventId,
        branding: Branding,
        logo: LogoChange,
        version: i32,
    ) -> Result<(), AppError> {
        Ok(self.write_branding(actor, event, branding, logo, version).await?)
    }

    async fn update_consents(&self, actor: &Actor, event: &EventId, texts: Vec<ConsentText>) -> Result<(), AppError> {
        Ok(self.write_consents(actor, event, texts).await?)
    }

    async fn logo(&self, actor: &Actor, event: &EventId, logo: &LogoId) -> Result<Vec<u8>, AppError> {
        Ok(self.read_logo(actor, event, logo).await?)
    }

    async fn devices(&self, actor: &Actor, event: &EventId) -> Result<Vec<Device>, AppError> {
        let (mut conn, scope) = self.prove(actor, event, Permission::EventRead).await?;
        let rows = devices::list(&mut conn, &scope).await?;
        drop(conn);
        let key = rows::key(scope.organisation(), event.as_str());
        let ring = self.deps.keystore.find(std::slice::from_ref(&key)).await?;
        let (realm, opened) = (Realm::Organisation(scope.organisation().clone()), rows.into_iter());
        Ok(opened.map(|row| row.into_device(&realm, ring.get(&key)?)).collect::<Result<_, Failure>>()?)
    }

    async fn create_device(
        &self,
        actor: &Actor,
        event: &EventId,
        draft: DeviceDraft,
    ) -> Result<Issued<Device>, AppError> {
        Ok(self.write_device(actor, event, draft).await?)
    }

    async fn revoke_device(&self, actor: &Actor, event: &EventId, device: &DeviceId) -> Result<(), AppError> {
        Ok(self.stop_device(actor, event, device).await?)
    }
}

/// The draft with all rules applied, the time zone in its canonical spelling.
fn checked(mut draft: EventDraft) -> Result<EventDraft, AppError> {
    draft.name = draft.name.trim().to_owned();
    let mut check = draft.check();
    if let Some(zone) = check.value("time_zone", zone::canonical(&draft.time_zone)) {
        draft.time_zone = zone;
    }
    check.finish()?;
    Ok(draft)
}

/// Names of the fields that a save changed.
fn differences(before: &EventDraft, after: &EventDraft) -> Vec<&'static str> {
    let EventDraft { name, starts_on, ends_on, time_zone, retention_days } = before;
    let changed = [
        ("name", *name != after.name),
        ("starts_on", *starts_on != after.starts_on),
        ("ends_on", *ends_on != after.ends_on),
        ("time_zone", *time_zone != after.time_zone),
        ("retention_days", *retention_days != after.retention_days),
    ];
    changed.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect()
}
