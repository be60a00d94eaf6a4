//! The rules of designs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::designs::{
    ApplyState, Design, DesignFile, DesignView, Designs, FILE_LARGEST, FILES_MOST, FileKind, Format, NewDesignFile,
    PreviewOn, Progress,
};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{DesignFileId, EventId};
use shutterpost_model::time::Millis;
use shutterpost_model::validate::{self, Check};
use tokio::sync::Semaphore;

use super::files;
use super::preview::Previews;
use super::queries::{self, Begun};
use super::rows::{DesignRow, FileRow};
use super::wanted::Wanted;
use crate::audit::record::{Doer, Entry, record};
use crate::captures::queries as captures;
use crate::db::{Conn, Tx, write_tx};
use crate::error::Failure;
use crate::events::queries as events;
use crate::events::rows as events_rows;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::jobs::Wake;
use crate::jobs::queue::{self, JobKind};
use crate::services::Deps;
use crate::storage::SealedFile;

/// The port of designs. Cheap to clone; what previews keep is shared.
#[derive(Debug, Clone)]
pub struct DesignsService {
    deps: Deps,
    wake: Wake,
    previews: Arc<Previews>,
    /// One file is checked at a time: it may take 250 MB.
    checks: Arc<Semaphore>,
}

impl DesignsService {
    /// `wake` rings the worker of this process when pictures are to be made anew.
    pub fn new(deps: Deps, wake: Wake) -> Self {
        Self { deps, wake, previews: Arc::new(Previews::new()), checks: Arc::new(Semaphore::new(1)) }
    }

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

    async fn read(&self, actor: &Actor, event: &EventId) -> Result<DesignView, Failure> {
        let (mut conn, scope) = self.prove(actor, event, Permission::EventRead).await?;
        let (design, version, remembered) = match queries::find(&mut conn, &scope).await? {
            Some(row) => (row.design()?, row.version, row.remembered()?),
            None => (Design::default(), 0, Vec::new()),
        };
        let files = queries::files(&mut conn, &scope).await?;
        let used: HashSet<&str> = remembered.iter().flat_map(Design::files).map(|(_, _, file)| file.as_str()).collect();
        let to_file = |row: FileRow| {
            let used = used.contains(row.id.as_str());
            row.into_file(used)
        };
        let files = files.into_iter().map(to_file).collect::<Result<_, _>>()?;
        Ok(DesignView { design, version, files })
    }

    async fn write(&self, actor: &Actor, event: &EventId, design: Design, version: i32) -> Result<i32, Failure> {
        let (conn, scope) = self.prove(actor, event, Permission::BrandingWrite).await?;
        drop(conn);
        design.check()?;
        let design = check_lines(design).await?;
        let text = serde_json::to_string(&design)?;
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        write_tx!(self.deps.db, tx => {
            queries::lock(tx, &scope).await?;
            check_files(tx, &scope, &design).await?;
            let saved = match queries::find(tx, &scope).await? {
                Some(_) => queries::save(tx, &scope, &text, version, world.now()).await?,
                None if version == 0 => {
                    queries::insert(tx, &scope, &first(&scope, text, world.now())).await?;
                    true
                }
                None => false,
            };
            if !saved {
                return Err(Code::Conflict.into());
            }
            let entry = Entry::new("events.update_design").object(scope.event().as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            Ok(version.saturating_add(1))
        })
    }

    async fn write_file(&self, actor: &Actor, event: &EventId, file: NewDesignFile) -> Result<DesignFile, Failure> {
        let (mut conn, scope) = self.prove(actor, event, Permission::BrandingWrite).await?;
        let NewDesignFile { kind, name, bytes } = file;
        let name = name.trim().to_owned();
        let mut check = Check::default();
        check.rule("name", validate::name(&name));
        if bytes.len() > FILE_LARGEST {
            check.fail("file", Code::TooLarge);
        }
        if bytes.is_empty() {
            check.fail("file", Code::FileEmpty);
        }
        check.finish()?;
        // The transaction counts again; a file too many must not cost a stored object.
        if queries::files(&mut conn, &scope).await?.len() >= FILES_MOST {
            return Err(Code::DesignFilesMany.into());
        }
        drop(conn);
        let (bytes, media_type) = self.checked(kind, bytes).await?;
        let key = events_rows::key(scope.organisation(), scope.event().as_str());
        let key = self.deps.keystore.make_one(&key).await?;
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let world = self.deps.world.clone();
        let sealed = tokio::task::spawn_blocking(move || SealedFile::seal(&world, &key, &bytes)).await;
        let sealed = sealed.map_err(|error| Failure::internal("a file's task ended early", error))??;
        let row = FileRow {
            id: self.deps.world.id(DesignFileId::new).into_string(),
            organisation_id: scope.organisation().as_str().to_owned(),
            event_id: scope.event().as_str().to_owned(),
            kind: kind.as_str().to_owned(),
            name,
            media_type: media_type.to_owned(),
            size,
            object: sealed.name().to_owned(),
            created_at: self.deps.world.now().0,
        };
        let object = row.object.clone();
        if let Err(failure) = self.deps.storage.put(sealed).await {
            self.deps.storage.delete_all(&[object]).await;
            return Err(failure);
        }
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        let written = write_tx!(self.deps.db, tx => {
            queries::lock(tx, &scope).await?;
            if queries::files(tx, &scope).await?.len() >= FILES_MOST {
                return Err(Failure::from(Code::DesignFilesMany));
            }
            queries::insert_file(tx, &scope, &row).await?;
            let entry = Entry::new("events.add_design_file").object(row.id.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            Ok(row)
        });
        match written {
            Ok(row) => row.into_file(false),
            // A commit whose answer got lost may have happened: then the row decides, in the sweep.
            Err(failure @ Failure::Internal(_)) => Err(failure),
            Err(failure) => {
                self.deps.storage.delete_all(&[object]).await;
                Err(failure)
            }
        }
    }

    /// The bytes, and their media type, if the file can be put on pictures.
    async fn checked(&self, kind: FileKind, bytes: Vec<u8>) -> Result<(Vec<u8>, &'static str), Failure> {
        let room = Arc::clone(&self.checks).acquire_owned().await;
        let room = room.map_err(|error| Failure::internal("checks of files have ended", error))?;
        let work = move || {
            let checked = files::check(kind, &bytes);
            // The next one begins when this one has really ended, whoever waits for it.
            drop(room);
            (bytes, checked)
        };
        let checked = tokio::task::spawn_blocking(work).await;
        let (bytes, checked) = checked.map_err(|error| Failure::internal("a file's task ended early", error))?;
        Ok((bytes, checked.map_err(|code| AppError::field("file", code))?))
    }

    async fn delete_file(&self, actor: &Actor, event: &EventId, file: &DesignFileId) -> Result<(), Failure> {
        let (conn, scope) = self.prove(actor, event, Permission::BrandingWrite).await?;
        drop(conn);
        let (world, doer, file) = (self.deps.world.clone(), Doer::from(actor), file.clone());
        let object = write_tx!(self.deps.db, tx => {
            queries::lock(tx, &scope).await?;
            let row = queries::file(tx, &scope, &file).await?;
            if let Some(design) = queries::find(tx, &scope).await? {
                let remembered = design.remembered()?;
                if remembered.iter().any(|design| design.files().iter().any(|(_, _, named)| **named == file)) {
                    return Err(Code::DesignFileUsed.into());
                }
            }
            queries::delete_file(tx, &scope, &file).await?;
            queue::enqueue(tx, &world, JobKind::DeleteObject, &row.object, world.now()).await?;
            let entry = Entry::new("events.remove_design_file").object(file.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            Ok(row.object)
        })?;
        self.deps.storage.delete_all(&[object]).await;
        Ok(())
    }

    async fn show(
        &self,
        actor: &Actor,
        event: &EventId,
        draft: &Design,
        on: PreviewOn,
        format: Format,
    ) -> Result<Vec<u8>, Failure> {
        let (conn, scope) = self.prove(actor, event, Permission::BrandingWrite).await?;
        draft.check()?;
        self.previews.make(&self.deps, conn, (actor, &scope), draft, (on, format)).await
    }

    async fn look(&self, actor: &Actor, event: &EventId) -> Result<Progress, Failure> {
        let (mut conn, scope) = self.prove(actor, event, Permission::EventRead).await?;
        progress(&mut conn, &scope).await
    }

    async fn begin(&self, actor: &Actor, event: &EventId, change: Change) -> Result<Progress, Failure> {
        let (conn, scope) = self.prove(actor, event, Permission::BrandingWrite).await?;
        drop(conn);
        let (world, doer, held) = (self.deps.world.clone(), Doer::from(actor), scope.clone());
        write_tx!(self.deps.db, tx => {
            let scope = held;
            queries::lock(tx, &scope).await?;
            let action = match change {
                Change::Apply => apply(tx, &scope, world.now()).await?.then_some("events.apply_design"),
                Change::Undo => {
                    undo(tx, &scope, world.now()).await?;
                    Some("events.undo_design")
                }
                Change::Pause => queries::turn(tx, &scope, "running", "paused").await?.then_some("events.pause_design"),
                Change::Resume => queries::turn(tx, &scope, "paused", "running").await?.then_some("events.resume_design"),
            };
            if let Some(action) = action {
                if !matches!(change, Change::Pause) {
                    // Its subject is the event. One that waits after a failure is due now.
                    let subject = scope.event().as_str();
                    queue::enqueue(tx, &world, JobKind::ApplyDesign, subject, world.now()).await?;
                    queue::hurry(tx, &world, JobKind::ApplyDesign, subject).await?;
                }
                let entry = Entry::new(action).object(scope.event().as_str());
                record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            }
            Ok(())
        })?;
        self.wake.ring();
        // Counted when nobody waits for the transaction any more.
        progress(&mut self.deps.db.read().await?, &scope).await
    }
}

/// What is done with a run.
#[derive(Debug, Clone, Copy)]
enum Change {
    Apply,
    Pause,
    Resume,
    Undo,
}

/// Begins to give the saved design to all pictures. `false` if that is going on.
async fn apply(tx: &mut Tx, scope: &EventScope, now: Millis) -> Result<bool, Failure> {
    let plain = serde_json::to_string(&Design::default())?;
    let row = match queries::find(tx, scope).await? {
        Some(row) => row,
        // Nothing was ever saved: the logo alone, or nothing.
        None => {
            let row = DesignRow { version: 0, ..first(scope, plain.clone(), now) };
            queries::insert(tx, scope, &row).await?;
            row
        }
    };
    let same = row.applied.as_ref() == Some(&row.design);
    if same && row.is_running() {
        return Ok(false);
    }
    // The first time, pictures have what they had without any design.
    let before = row.applied.as_deref().unwrap_or(&plain);
    let previous = if same { row.previous.as_deref() } else { Some(before) };
    let undoing = same && row.undoing;
    let (design, version, saved_at) = (&row.design, row.version, row.saved_at);
    let begun = Begun { design, version, applied: design, previous, undoing, saved_at };
    queries::begin(tx, scope, begun).await?;
    Ok(true)
}

/// Begins to give the pictures what they had before. A design that was saved since, and is on none but new pictures, stays.
async fn undo(tx: &mut Tx, scope: &EventScope, now: Millis) -> Result<(), Failure> {
    let row = queries::find(tx, scope).await?.ok_or(Code::NothingToUndo)?;
    let before = row.previous.as_deref().ok_or(Code::NothingToUndo)?;
    let (design, version, saved_at) = if row.differs() {
        (row.design.as_str(), row.version, row.saved_at)
    } else {
        (before, row.version.saturating_add(1), now.0)
    };
    let begun = Begun { design, version, applied: before, previous: None, undoing: true, saved_at };
    queries::begin(tx, scope, begun).await
}

/// How far it is: counted where the captures are, so that it is true after a crash as well.
async fn progress(conn: &mut Conn, scope: &EventScope) -> Result<Progress, Failure> {
    let event = events::find(conn, scope).await?;
    let row = queries::find(conn, scope).await?;
    let wanted = Wanted::new(row.as_ref().map(DesignRow::applied).transpose()?, &event)?;
    let (all, done) = captures::count_marked(conn, scope, wanted.mark()).await?;
    Ok(match row {
        None => Progress { state: ApplyState::None, done, all, failed: 0, can_undo: false, differs: false },
        Some(row) => Progress {
            state: row.state()?,
            done,
            all,
            failed: row.failed,
            can_undo: row.previous.is_some(),
            differs: row.differs(),
        },
    })
}

/// The first row of an event.
fn first(scope: &EventScope, design: String, now: Millis) -> DesignRow {
    DesignRow {
        event_id: scope.event().as_str().to_owned(),
        organisation_id: scope.organisation().as_str().to_owned(),
        version: 1,
        design,
        applied: None,
        previous: None,
        saved_at: now.0,
        state: ApplyState::None.as_str().to_owned(),
        undoing: false,
        run: 0,
        after: String::new(),
        changed: 0,
        failed: 0,
    }
}

/// Every file that a design names is there, and for what it is used.
pub(super) async fn check_files(conn: &mut Conn, scope: &EventScope, design: &Design) -> Result<(), Failure> {
    let named = design.files();
    if named.is_empty() {
        return Ok(());
    }
    let mut kinds = HashMap::new();
    for row in queries::files(conn, scope).await? {
        let kind = row.kind()?;
        kinds.insert(row.id, kind);
    }
    let mut check = Check::default();
    for (field, kind, file) in named {
        if kinds.get(file.as_str()) != Some(&kind) {
            check.fail(field, Code::BadChoice);
        }
    }
    Ok(check.finish()?)
}

/// Every line can be set, in our font.
async fn check_lines(design: Design) -> Result<Design, Failure> {
    let work = move || {
        let mut check = Check::default();
        for format in Format::ALL {
            if let Some(line) = &design.own(*format).line {
                check.rule(format!("{}.line.text", format.as_str()), files::check_line(line));
            }
        }
        check.finish().map(|()| design)
    };
    let checked = tokio::task::spawn_blocking(work).await;
    Ok(checked.map_err(|error| Failure::internal("a design's task ended early", error))??)
}

#[async_trait]
impl Designs for DesignsService {
    async fn find(&self, actor: &Actor, event: &EventId) -> Result<DesignView, AppError> {
        Ok(self.read(actor, event).await?)
    }

    async fn save(&self, actor: &Actor, event: &EventId, design: Design, version: i32) -> Result<i32, AppError> {
        Ok(self.write(actor, event, design, version).await?)
    }

    async fn add_file(&self, actor: &Actor, event: &EventId, file: NewDesignFile) -> Result<DesignFile, AppError> {
        Ok(self.write_file(actor, event, file).await?)
    }

    async fn remove_file(&self, actor: &Actor, event: &EventId, file: &DesignFileId) -> Result<(), AppError> {
        Ok(self.delete_file(actor, event, file).await?)
    }

    async fn preview(
        &self,
        actor: &Actor,
        event: &EventId,
        draft: &Design,
        on: PreviewOn,
        format: Format,
    ) -> Result<Vec<u8>, AppError> {
        Ok(self.show(actor, event, draft, on, format).await?)
    }

    async fn apply(&self, actor: &Actor, event: &EventId) -> Result<Progress, AppError> {
        Ok(self.begin(actor, event, Change::Apply).await?)
    }

    async fn progress(&self, actor: &Actor, event: &EventId) -> Result<Progress, AppError> {
        Ok(self.look(actor, event).await?)
    }

    async fn pause(&self, actor: &Actor, event: &EventId) -> Result<Progress, AppError> {
        Ok(self.begin(actor, event, Change::Pause).await?)
    }

    async fn resume(&self, actor: &Actor, event: &EventId) -> Result<Progress, AppError> {
        Ok(self.begin(actor, event, Change::Resume).await?)
    }

    async fn undo(&self, actor: &Actor, event: &EventId) -> Result<Progress, AppError> {
        Ok(self.begin(actor, event, Change::Undo).await?)
    }
}
