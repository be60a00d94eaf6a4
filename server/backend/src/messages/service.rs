//! The port of messages.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::MessageId;
use shutterpost_model::messages::{DeliveryState, MessagePage, Messages, Template};
use shutterpost_model::time::Millis;

use super::rows::Message;
use super::{queries, views};
use crate::audit::record::{self, Doer, Entry};
use crate::context::World;
use crate::db::{Conn, Tx, write_tx};
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::jobs::Wake;
use crate::jobs::queue::{self, JobKind};
use crate::services::Deps;

/// Messages in a page of the list.
const PAGE: i64 = 50;

/// The port of messages on the database.
#[derive(Debug)]
pub struct MessagesService {
    deps: Deps,
    wake: Wake,
}

impl MessagesService {
    /// `wake` rings the worker of this process.
    pub const fn new(deps: Deps, wake: Wake) -> Self {
        Self { deps, wake }
    }

    async fn page(
        &self,
        actor: &Actor,
        state: Option<DeliveryState>,
        cursor: Option<String>,
    ) -> Result<MessagePage, Failure> {
        let scope = OrgScope::prove(actor, Permission::MessageRead)?;
        let list = cursor_of(&scope, state);
        let before = cursor.map(|cursor| self.open_cursor(&list, &cursor)).transpose()?;
        let mut conn = self.deps.db.read().await?;
        // One more than shown tells whether there is a next page.
        let mut rows = queries::list(&mut conn, &scope, state, before.as_ref(), PAGE + 1).await?;
        let shown = usize::try_from(PAGE).unwrap_or(usize::MAX);
        let more = rows.len() > shown;
        rows.truncate(shown);
        let items = views::views(&mut conn, &self.deps.keystore, &scope, rows).await?;
        let next = items
            .last()
            .filter(|_| more)
            .map(|last| self.deps.keys.seal_cursor(format!("{list}{}", last.id).as_bytes()));
        Ok(MessagePage { items, next })
    }

    fn open_cursor(&self, list: &str, cursor: &str) -> Result<MessageId, Failure> {
        let payload = self.deps.keys.open_cursor(cursor).and_then(|payload| String::from_utf8(payload).ok());
        let id = payload.as_deref().and_then(|payload| payload.strip_prefix(list)).and_then(|id| id.parse().ok());
        id.ok_or_else(|| Code::BadCursor.into())
    }

    async fn again(&self, actor: &Actor, id: &MessageId) -> Result<(), Failure> {
        let scope = OrgScope::prove(actor, Permission::MessageSend)?;
        let (world, actor, id) = (self.deps.world.clone(), actor.clone(), id.clone());
        write_tx!(self.deps.db, tx => {
            let message = queries::lock(tx, &scope, &id).await?;
            check_deliverable(tx, &scope, &message, world.now()).await?;
            requeue(tx, &scope, &world, &message).await?;
            let entry = Entry::new("messages.send_again").object(id.as_str());
            record::record(tx, &world, Some(scope.organisation()), &Doer::from(&actor), entry).await
        })?;
        self.wake.ring();
        Ok(())
    }
}

/// What a cursor of the list must begin with: another organisation's or state's cursor does not fit.
fn cursor_of(scope: &OrgScope, state: Option<DeliveryState>) -> String {
    format!("messages|{}|{}|", scope.organisation(), state.map_or("all", DeliveryState::as_str))
}

/// Refuses messages that can only fail: [`Code::NoAddress`] for a guest who left none, [`Code::Conflict`] for what was
/// deleted, revoked, accepted or is too old since.
async fn check_deliverable(conn: &mut Conn, scope: &OrgScope, message: &Message, now: Millis) -> Result<(), Failure> {
    match (message.template, message) {
        (Template::Capture, Message { event: Some(event), capture: Some(capture), guest: Some(guest), .. }) => {
            match queries::guest(conn, scope, guest).await? {
                Some(row) if row.has_email() => {}
                Some(_) => return Err(Code::NoAddress.into()),
                None => return Err(Code::Conflict.into()),
            }
            let link = message.link.as_ref().ok_or(Code::Conflict)?;
            let there = queries::capture(conn, scope, event, capture).await?.is_some()
                && queries::owner_link(conn, scope, link, capture, guest).await?.is_some();
            if there { Ok(()) } else { Err(Code::Conflict.into()) }
        }
        (Template::Invitation, Message { invitation: Some(invitation), .. }) => {
            let open = queries::invitation(conn, scope, invitation, now).await?;
            if open.is_some() { Ok(()) } else { Err(Code::Conflict.into()) }
        }
        // Mails about somebody's own account are asked for by that person alone.
        _ => Err(Failure::NotFound),
    }
}

/// A message that still waits is only hurried; one that was sent or given up starts a new generation.
async fn requeue(tx: &mut Tx, scope: &OrgScope, world: &World, message: &Message) -> Result<(), Failure> {
    let generation = match message.state {
        DeliveryState::Queued => message.generation,
        DeliveryState::Sent | DeliveryState::Failed => message.generation.saturating_add(1),
    };
    queries::requeue(tx, scope, &message.id, generation, world.now()).await?;
    queue::hurry(tx, world, JobKind::SendMessage, message.id.as_str()).await?;
    queue::enqueue(tx, world, JobKind::SendMessage, message.id.as_str(), world.now()).await?;
    match &message.capture {
        Some(capture) => queries::mark_capture(tx, scope, capture).await,
        None => Ok(()),
    }
}

#[async_trait]
impl Messages for MessagesService {
    async fn list(
        &self,
        actor: &Actor,
        state: Option<DeliveryState>,
        cursor: Option<String>,
    ) -> Result<MessagePage, AppError> {
        self.page(actor, state, cursor).await.map_err(AppError::from)
    }

    async fn send_again(&self, actor: &Actor, message: &MessageId) -> Result<(), AppError> {
        self.again(actor, message).await.map_err(AppError::from)
    }
}
