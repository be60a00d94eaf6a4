//! The rules of exports.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::exports::{Download, ExportState, ExportView, Exports, KEPT, SELECTED_MOST};
use shutterpost_model::id::{CaptureId, EventId, ExportId};
use shutterpost_model::time::Millis;

use super::archive::Sending;
use super::names;
use super::queries::{self, ExportRow};
use crate::audit::record::{Doer, Entry, record};
use crate::db::{Conn, write_tx};
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::jobs::Wake;
use crate::jobs::queue::{self, JobKind};
use crate::services::Deps;

/// The port of exports on the database.
#[derive(Debug, Clone)]
pub struct ExportsService {
    deps: Deps,
    wake: Wake,
}

impl ExportsService {
    pub const fn new(deps: Deps, wake: Wake) -> Self {
        Self { deps, wake }
    }

    async fn make(
        &self,
        actor: &Actor,
        event: &EventId,
        wanted: &[CaptureId],
        key: &str,
    ) -> Result<ExportView, Failure> {
        let org = OrgScope::prove(actor, Permission::CaptureWrite)?;
        if wanted.len() > SELECTED_MOST {
            return Err(AppError::field("captures", Code::OutOfRange).into());
        }
        let mut wanted = wanted.to_vec();
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
                return view(tx, &row).await;
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
            queue::enqueue(tx, &deps.world, JobKind::PrepareExport, &row.id, now).await?;
            let entry = Entry::new("captures.export").object(id.as_str()).count(row.entries);
            record(tx, &deps.world, Some(scope.organisation()), &doer, entry).await?;
            view(tx, &row).await
        })?;
        self.wake.ring();
        Ok(view)
    }

    async fn look(&self, actor: &Actor, export: &ExportId) -> Result<(ExportRow, ExportView), Failure> {
        let org = OrgScope::prove(actor, Permission::CaptureWrite)?;
        let mut conn = self.deps.db.read().await?;
        let row = queries::find(&mut conn, &org, export, self.deps.world.now()).await?;
        let view = view(&mut conn, &row).await?;
        Ok((row, view))
    }

    async fn download(&self, actor: &Actor, export: &ExportId) -> Result<Download, Failure> {
        let (row, view) = self.look(actor, export).await?;
        let (ExportState::Ready, Some(length)) = (view.state, view.length) else {
            return Err(Code::Conflict.into());
        };
        let name = format!("{}.zip", row.folder);
        let archive = Box::new(Sending::new(self.deps.clone(), row)?);
        Ok(Download { length, etag: export.as_str().to_owned(), name, archive })
    }
}

async fn view(conn: &mut Conn, row: &ExportRow) -> Result<ExportView, Failure> {
    let (state, length) = match row.ready_at {
        None => (ExportState::Preparing, None),
        // One of the plan's entries is the list.
        Some(_) if queries::alive(conn, row).await? == row.plan_entries - 1 => {
            (ExportState::Ready, Some(row.plan()?.length()))
        }
        Some(_) => (ExportState::Broken, None),
    };
    Ok(ExportView {
        id: stored(&row.id)?,
        event: stored(&row.event_id)?,
        state,
        captures: row.entries,
        prepared: row.placed.min(row.entries),
        length,
        created_at: Millis(row.created_at),
        expires_at: Millis(row.expires_at),
    })
}

#[async_trait]
impl Exports for ExportsService {
    async fn create(
        &self,
        actor: &Actor,
        event: &EventId,
        captures: &[CaptureId],
        key: &str,
    ) -> Result<ExportView, AppError> {
        Ok(self.make(actor, event, captures, key).await?)
    }

    async fn find(&self, actor: &Actor, export: &ExportId) -> Result<ExportView, AppError> {
        Ok(self.look(actor, export).await?.1)
    }

    async fn open(&self, actor: &Actor, export: &ExportId) -> Result<Download, AppError> {
        Ok(self.download(actor, export).await?)
    }
}
