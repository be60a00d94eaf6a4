//! The trash as one list, and the ways out of it.

mod list;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, EventId, GuestId, OrganisationId, UserId};
use shutterpost_model::privacy::trash::{TRASH_PAGE, Trash, TrashKind, TrashPage, TrashTarget};
use shutterpost_model::share::ChangeTarget;
use shutterpost_model::time::Millis;

use super::queries;
use crate::audit::record::{Doer, Entry, record};
use crate::captures::trash as captures;
use crate::changes;
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::EventScope;
use crate::events::{counters, trash as events};
use crate::guests::trash as guests;
use crate::identity::removed;
use crate::identity::scope::OrgScope;
use crate::services::Deps;

/// Tells the cursors of this list from those of others.
const LIST: &str = "trash";

/// What a cursor holds: the list, the organisation and the kind it belongs to, and the last line seen.
#[derive(Serialize, Deserialize)]
struct Cursor {
    list: String,
    organisation: OrganisationId,
    kind: Option<TrashKind>,
    at: i64,
    object: String,
}

/// The port of the trash on the databases.
#[derive(Debug, Clone)]
pub struct TrashService {
    deps: Deps,
}

impl TrashService {
    pub const fn new(deps: Deps) -> Self {
        Self { deps }
    }

    async fn try_list(
        &self,
        actor: &Actor,
        kind: Option<TrashKind>,
        cursor: Option<String>,
    ) -> Result<TrashPage, Failure> {
        let scope = OrgScope::prove(actor, Permission::TrashManage)?;
        let after = cursor.map(|cursor| self.open(&scope, kind, &cursor)).transpose()?;
        let mut items = list::read(&self.deps, &scope, kind, after, TRASH_PAGE + 1).await?;
        let more = items.len() > TRASH_PAGE;
        items.truncate(TRASH_PAGE);
        let next = match items.last().filter(|_| more) {
            Some(last) => {
                let cursor = Cursor {
                    list: LIST.to_owned(),
                    organisation: scope.organisation().clone(),
                    kind,
                    at: last.deleted_at.0,
                    object: last.object.clone(),
                };
                Some(self.deps.keys.seal_cursor(&serde_json::to_vec(&cursor)?))
            }
            None => None,
        };
        Ok(TrashPage { items, next })
    }

    fn open(&self, scope: &OrgScope, wanted: Option<TrashKind>, cursor: &str) -> Result<(i64, String), Code> {
        let payload = self.deps.keys.open_cursor(cursor).ok_or(Code::BadCursor)?;
        let Cursor { list, organisation, kind, at, object } =
            serde_json::from_slice(&payload).map_err(|_| Code::BadCursor)?;
        let fits = list == LIST && organisation == *scope.organisation() && kind == wanted;
        if fits { Ok((at, object)) } else { Err(Code::BadCursor) }
    }

    async fn try_restore(&self, actor: &Actor, target: &TrashTarget) -> Result<(), Failure> {
        let Deps { db, world, keystore, .. } = self.deps.clone();
        let scope = match target {
            // Somebody comes in again.
            TrashTarget::Member(_) => OrgScope::prove_confirmed(actor, Permission::TrashManage, world.now())?,
            TrashTarget::Capture(_) | TrashTarget::Guest(_) | TrashTarget::Event(_) => {
                OrgScope::prove(actor, Permission::TrashManage)?
            }
        };
        if let TrashTarget::Guest(guest) = target {
            guests::recognise(&mut db.read().await?, &keystore, &scope, guest).await?;
        }
        let (doer, target) = (Doer::from(actor), target.clone());
        write_tx!(db, tx => {
            let restored = match &target {
                TrashTarget::Capture(id) => capture(tx, &world, &scope, id).await?,
                TrashTarget::Guest(id) => guest(tx, &world, &scope, id).await?,
                TrashTarget::Event(id) => event(tx, &world, &scope, id).await?,
                TrashTarget::Member(id) => removed::restore(tx, &scope, id, captures::since(&world)).await?,
            };
            if restored {
                let entry = Entry::new(action(target.kind())).object(target.object());
                record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            }
            Ok(())
        })
    }

    async fn try_erase_member(&self, actor: &Actor, user: &UserId) -> Result<(), Failure> {
        let Deps { db, world, keystore, .. } = self.deps.clone();
        let scope = OrgScope::prove_confirmed(actor, Permission::PrivacyManage, world.now())?;
        let (doer, user) = (Doer::from(actor), user.clone());
        write_tx!(db, tx => {
            removed::prove(tx, &scope, &user).await?;
            if !removed::erase(tx, &keystore, &scope, &user, Millis(i64::MAX)).await? {
                return Err(Failure::NotFound);
            }
            let entry = Entry::new("identity.erase_member").object(user.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }
}

/// What the audit entry of a restoration says.
const fn action(kind: TrashKind) -> &'static str {
    match kind {
        TrashKind::Capture => "captures.restore",
        TrashKind::Guest => "guests.restore",
        TrashKind::Event => "events.restore",
        TrashKind::Member => "identity.restore_member",
    }
}

async fn capture(tx: &mut Tx, world: &World, scope: &OrgScope, id: &CaptureId) -> Result<bool, Failure> {
    let (event, deleted_at) = captures::place(tx, scope, id).await?;
    if deleted_at.is_none() {
        return Ok(false);
    }
    let scope = EventScope::prove(tx, scope.clone(), &stored(&event)?).await?;
    if captures::take(tx, &scope, &[id.as_str()], captures::since(world)).await? == 0 {
        return Err(Failure::NotFound);
    }
    counters::add_captures(tx, &scope, &event, 1).await?;
    changes::record(tx, world, ChangeTarget::Capture(id.clone())).await?;
    Ok(true)
}

async fn guest(tx: &mut Tx, world: &World, scope: &OrgScope, id: &GuestId) -> Result<bool, Failure> {
    let moved = guests::take(tx, scope, id, captures::since(world)).await?;
    for capture in moved.stale {
        changes::record(tx, world, ChangeTarget::Capture(capture)).await?;
    }
    Ok(moved.changed)
}

async fn event(tx: &mut Tx, world: &World, scope: &OrgScope, id: &EventId) -> Result<bool, Failure> {
    // Its keys are destroyed, or will be in a moment.
    if queries::of_object(tx, scope, id.as_str()).await?.is_some() {
        return Err(Failure::NotFound);
    }
    let restored = events::take(tx, scope, id, captures::since(world)).await?;
    if restored {
        changes::record(tx, world, ChangeTarget::Event(id.clone())).await?;
    }
    Ok(restored)
}

#[async_trait]
impl Trash for TrashService {
    async fn list(
        &self,
        actor: &Actor,
        kind: Option<TrashKind>,
        cursor: Option<String>,
    ) -> Result<TrashPage, AppError> {
        Ok(self.try_list(actor, kind, cursor).await?)
    }

    async fn restore(&self, actor: &Actor, target: &TrashTarget) -> Result<(), AppError> {
        Ok(self.try_restore(actor, target).await?)
    }

    async fn erase_member(&self, actor: &Actor, user: &UserId) -> Result<(), AppError> {
        Ok(self.try_erase_member(actor, user).await?)
    }
}
