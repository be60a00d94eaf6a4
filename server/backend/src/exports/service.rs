//! The rules of exports.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Credential, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::exports::{
    Download, ExportState, ExportView, Exports, KEPT, LISTED_MOST, SELECTED_MOST, Wanted,
};
use shutterpost_model::id::{EventId, ExportId};
use shutterpost_model::identity::security::Activity;
use shutterpost_model::time::{DAY, Millis};

use super::archive::Sending;
use super::names;
use super::people::{self, People};
use super::queries::{self, ExportRow};
use crate::audit::queries as audit;
use crate::audit::record::{Doer, Entry, record};
use crate::db::{Conn, write_tx};
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::notices;
use crate::identity::scope::OrgScope;
use crate::jobs::Wake;
use crate::jobs::queue::{self, JobKind};
use crate::services::Deps;

/// The port of exports on the database.
#[derive(Clone)]
pub struct ExportsService {
    deps: Deps,
    wake: Wake,
    people: Arc<dyn People>,
}

impl std::fmt::Debug for ExportsService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExportsService")
    }
}

/// Guests are told to people who showed who they are, and to no program, whatever its token may do.
fn by_a_person(actor: &Actor) -> Result<(), Failure> {
    match actor.credential() {
        Credential::Session { .. } => Ok(()),
        Credential::Token { .. } | Credential::Support { .. } | Credential::Device { .. } => {
            Err(Code::Forbidden.into())
        }
    }
}

impl ExportsService {
    pub(crate) fn new(deps: Deps, wake: Wake, people: Arc<dyn People>) -> Self {
        Self { deps, wake, people }
    }

    async fn make(&self, actor: &Actor, event: &EventId, wanted: &Wanted, key: &str) -> Result<ExportView, Failure> {
        let org = OrgScope::prove_confirmed(actor, Permission::CaptureExport, self.deps.world.now())?;
        let &Wanted { ref captures, people } = wanted;
        if people {
            by_a_person(actor)?;
            OrgScope::prove(actor, Permission::PersonalExport)?;
        }
        if captures.len() > SELECTED_MOST {
            return Err(AppError::field("captures", Code::OutOfRange).into());
        }
        let mut wanted = captures.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let doer = Doer::from(actor);
        let asks = doer.id().unwrap_or_default();
        let request = self.deps.keys.lookup_in("export-request", &asks, key.as_bytes());
        let (deps, event) = (self.deps.clone(), event.clone());
        let view = write_tx!(self.deps.db, tx => {
            let now = deps.world.now();
            let scope = EventScope::hold(tx, org, &event).await?;
            if let Some(row) = queries::by_request(tx, &scope, &request, now).await? {
                return view(tx, &deps, scope.org(), &row).await;
            }
            // Its key may have been used before for one that is past its time.
            queries::clear(tx, now).await?;
            let id = deps.world.id(ExportId::new);
            let name = queries::event_name(tx, &scope).await?;
            let mut row = ExportRow {
                id: id.as_str().to_owned(),
                organisation_id: scope.organisation().as_str().to_owned(),
                event_id: event.as_str().to_owned(),
                request_hash: request.to_vec(),
                folder: names::folder(&name),
                entries: 0,
                placed: 0,
                plan_entries: 0,
                plan_files: 0,
                plan_directory: 0,
                list_length: 0,
                list_crc: 0,
                ready_at: None,
                created_at: now.0,
                expires_at: now.plus(KEPT).0,
                created_by: doer.id(),
                people,
                guests: 0,
                guests_placed: 0,
                guests_length: 0,
                guests_crc: 0,
                consents_length: 0,
                consents_crc: 0,
                json_length: 0,
                json_crc: 0,
            };
            queries::insert(tx, &scope, &row).await?;
            row.entries = match &wanted[..] {
                [] => queries::freeze_event(tx, &scope, &row.id).await?,
                these => queries::freeze_these(tx, &scope, &row.id, these).await?,
            };
            if row.entries == 0 {
                return Err(AppError::field("captures", Code::Required).into());
            }
            queries::set_entries(tx, &scope, &row.id, row.entries).await?;
            let (action, activity, unless_since) = if people {
                queries::freeze_people(tx, &scope, &row.id).await?;
                ("guests.export", Activity::PeopleExported, None)
            } else {
                // Some make many in a day: the first tells them that it is done with their account.
                ("captures.export", Activity::Exported, Some(now.plus(-DAY)))
            };
            queue::enqueue(tx, &deps.world, JobKind::PrepareExport, &row.id, now).await?;
            let entry = Entry::new(action).object(id.as_str()).count(row.entries);
            record(tx, &deps.world, Some(scope.organisation()), &doer, entry).await?;
            if let Some(user) = scope.org().user() {
                notices::tell_person(tx, &deps.world, user, activity, unless_since).await?;
            }
            view(tx, &deps, scope.org(), &row).await
        })?;
        self.wake.ring();
        Ok(view)
    }

    async fn all(&self, actor: &Actor, event: &EventId) -> Result<Vec<ExportView>, Failure> {
        let org = OrgScope::prove(actor, Permission::CaptureExport)?;
        let mut conn = self.deps.db.read().await?;
        let scope = EventScope::prove(&mut conn, org, event).await?;
        let rows = queries::list(&mut conn, &scope, self.deps.world.now(), LISTED_MOST).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(view(&mut conn, &self.deps, scope.org(), &row).await?);
        }
        Ok(views)
    }

    async fn look(&self, actor: &Actor, export: &ExportId) -> Result<(OrgScope, ExportRow, ExportView), Failure> {
        let org = OrgScope::prove(actor, Permission::CaptureExport)?;
        let mut conn = self.deps.db.read().await?;
        let row = queries::find(&mut conn, &org, export, self.deps.world.now()).await?;
        let view = view(&mut conn, &self.deps, &org, &row).await?;
        Ok((org, row, view))
    }

    /// What is downloaded, and its length, by whoever may.
    async fn ready(&self, actor: &Actor, export: &ExportId) -> Result<(OrgScope, ExportRow, u64), Failure> {
        let (org, row, view) = self.look(actor, export).await?;
        if row.people {
            by_a_person(actor)?;
            OrgScope::prove_confirmed(actor, Permission::PersonalExport, self.deps.world.now())?;
        }
        match (view.state, view.length) {
            (ExportState::Ready, Some(length)) => Ok((org, row, length)),
            _ => Err(Code::Conflict.into()),
        }
    }

    async fn download(&self, actor: &Actor, export: &ExportId) -> Result<Download, Failure> {
        let (org, row, length) = self.ready(actor, export).await?;
        if row.people {
            let (world, doer, organisation) = (self.deps.world.clone(), Doer::from(actor), org.organisation().clone());
            let entry = Entry::new("guests.export_download").object(export.as_str()).count(row.guests);
            write_tx!(self.deps.db, tx => record(tx, &world, Some(&organisation), &doer, entry).await)?;
        }
        let name = format!("{}.zip", row.folder);
        let archive = Box::new(Sending::new(self.deps.clone(), Arc::clone(&self.people), org, row)?);
        Ok(Download { length, etag: export.as_str().to_owned(), name, archive })
    }
}

async fn view(conn: &mut Conn, deps: &Deps, org: &OrgScope, row: &ExportRow) -> Result<ExportView, Failure> {
    // Of the plan's entries that are no captures, one is the list; the others are about people.
    let others = 1 + i64::try_from(people::entries(row)?.len()).unwrap_or(i64::MAX - 1);
    let (state, length) = match row.ready_at {
        None => (ExportState::Preparing, None),
        Some(_)
            if queries::alive(conn, row).await? == row.plan_entries - others
                && (!row.people || queries::people_alive(conn, row).await? == row.guests) =>
        {
            (ExportState::Ready, Some(row.plan()?.length()))
        }
        Some(_) => (ExportState::Broken, None),
    };
    let by = match &row.created_by {
        Some(id) => audit::names(conn, &deps.keystore, org, std::slice::from_ref(id)).await?.remove(id),
        None => None,
    };
    Ok(ExportView {
        id: stored(&row.id)?,
        event: stored(&row.event_id)?,
        state,
        captures: row.entries,
        prepared: row.placed.min(row.entries),
        people: row.people,
        length,
        by,
        created_at: Millis(row.created_at),
        expires_at: Millis(row.expires_at),
    })
}

#[async_trait]
impl Exports for ExportsService {
    async fn create(&self, actor: &Actor, event: &EventId, wanted: &Wanted, key: &str) -> Result<ExportView, AppError> {
        Ok(self.make(actor, event, wanted, key).await?)
    }

    async fn list(&self, actor: &Actor, event: &EventId) -> Result<Vec<ExportView>, AppError> {
        Ok(self.all(actor, event).await?)
    }

    async fn find(&self, actor: &Actor, export: &ExportId) -> Result<ExportView, AppError> {
        Ok(self.look(actor, export).await?.2)
    }

    async fn check(&self, actor: &Actor, export: &ExportId) -> Result<(), AppError> {
        self.ready(actor, export).await?;
        Ok(())
    }

    async fn open(&self, actor: &Actor, export: &ExportId) -> Result<Download, AppError> {
        Ok(self.download(actor, export).await?)
    }
}
