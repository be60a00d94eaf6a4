//! The rules of erasures.

use std::time::Duration;

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{ErasureId, OrganisationId};
use shutterpost_model::identity::Client;
use shutterpost_model::identity::security::Activity;
use shutterpost_model::privacy::{
    ErasureKind, ErasurePage, ErasureTarget, ErasureView, Privacy, RECEIPT_MOST, ReceiptFacts, ReceiptFault,
};
use shutterpost_model::share::ChangeTarget;
use shutterpost_vault::sign::{PublicKey, Signing};

use super::rows::{self, ErasureRow};
use super::{erasure, queries};
use crate::audit::record::{Doer, Entry};
use crate::changes;
use crate::db::write_tx;
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::EventScope;
use crate::identity::notices;
use crate::identity::scope::OrgScope;
use crate::jobs::Wake;
use crate::jobs::queue::{self, JobKind};
use crate::services::Deps;
use crate::share::scope::GuestScope;

/// Erasures of a page.
const PAGE: usize = 50;
/// Tells the cursors of this list from those of others.
const LIST: &str = "erasures";

/// How long a request waits for the keys of an event or an organisation; a large one has a hundred thousand.
const PATIENCE: Duration = Duration::from_secs(8);

/// The port of erasures on the databases.
#[derive(Debug, Clone)]
pub struct PrivacyService {
    deps: Deps,
    wake: Wake,
    public: PublicKey,
    patience: Duration,
}

impl PrivacyService {
    pub fn new(deps: Deps, wake: Wake) -> Self {
        let public = deps.keys.signing_key(Signing::Receipt).public();
        Self { deps, wake, public, patience: PATIENCE }
    }

    /// The same with another patience.
    #[cfg(test)]
    pub(crate) const fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    async fn try_erase(&self, actor: &Actor, target: &ErasureTarget) -> Result<ErasureView, Failure> {
        let now = self.deps.world.now();
        let scope = match target.kind() {
            ErasureKind::Guest => OrgScope::prove(actor, Permission::GuestWrite),
            ErasureKind::Capture => OrgScope::prove(actor, Permission::PrivacyManage),
            ErasureKind::Event => OrgScope::prove_confirmed(actor, Permission::PrivacyManage, now),
            ErasureKind::Organisation => OrgScope::prove_confirmed(actor, Permission::OrganisationErase, now),
        }?;
        let row = match self.noted(&scope, target.clone(), Doer::from(actor)).await {
            // Asked twice at once: the other request's is there now.
            Err(Failure::Duplicate(_)) => self.noted(&scope, target.clone(), Doer::from(actor)).await?,
            other => other?,
        };
        if row.receipt.is_none() {
            let keys = async {
                match target {
                    ErasureTarget::Guest(_) | ErasureTarget::Capture(_) => {
                        erasure::small(&self.deps, scope.clone(), &row, target.clone()).await
                    }
                    ErasureTarget::Event(event) => {
                        let event = EventScope::of_erasure(&scope, event.clone());
                        erasure::event_keys(&self.deps, &event, &row).await
                    }
                    ErasureTarget::Organisation(_) => erasure::organisation_keys(&self.deps, &scope, &row).await,
                }
            };
            match tokio::time::timeout(self.patience, keys).await {
                Ok(done) => done?,
                // It may be cut short anywhere; the job goes on at once, and signs when the last key is gone.
                Err(_) => {
                    let (world, id) = (self.deps.world.clone(), row.id.clone());
                    write_tx!(self.deps.db, tx => queue::hurry(tx, &world, JobKind::Erase, &id).await)?;
                }
            }
            self.wake.ring();
        }
        let mut conn = self.deps.db.read().await?;
        queries::find(&mut conn, &scope, &stored(&row.id)?).await?.into_view(&self.public)
    }

    /// Proves that the object is there, or was asked to be erased before, and notes the request.
    async fn noted(&self, scope: &OrgScope, target: ErasureTarget, doer: Doer) -> Result<ErasureRow, Failure> {
        let (world, scope) = (self.deps.world.clone(), scope.clone());
        write_tx!(self.deps.db, tx => {
            if let Some(row) = queries::of_object(tx, &scope, target.object()).await? {
                return Ok(row);
            }
            let now = world.now();
            let mut action = "privacy.erase";
            let mut watchers = Vec::new();
            // Of a deleted event too: whoever asks for an erasure does not wait for its trash.
            match &target {
                ErasureTarget::Guest(guest) => {
                    queries::prove_guest(tx, &scope, guest).await?;
                    action = "guests.delete";
                }
                ErasureTarget::Capture(capture) => queries::prove_capture(tx, &scope, capture).await?,
                ErasureTarget::Event(event) => {
                    queries::mark_event(tx, &scope, event, now).await?;
                    watchers = notices::watchers(tx, &scope).await?;
                }
                ErasureTarget::Organisation(organisation) => {
                    if organisation != scope.organisation() {
                        return Err(Failure::NotFound);
                    }
                    // Closing it ends who its owners are.
                    watchers = notices::watchers(tx, &scope).await?;
                    queries::close(tx, &scope, now).await?;
                }
            }
            let entry = Entry::new(action).object(target.object());
            let row = erasure::request(tx, &world, &scope, &target, &doer, entry).await?;
            match &target {
                ErasureTarget::Event(event) => {
                    let activity = Activity::EventErased;
                    notices::tell_deletion(tx, &world, &scope, &watchers, activity, Some(event)).await?;
                    changes::record(tx, &world, ChangeTarget::Event(event.clone())).await?;
                }
                ErasureTarget::Organisation(_) => {
                    let activity = Activity::OrganisationErased;
                    notices::tell_deletion(tx, &world, &scope, &watchers, activity, None).await?;
                    for event in queries::events_of(tx, &scope).await? {
                        changes::record(tx, &world, ChangeTarget::Event(stored(&event)?)).await?;
                    }
                }
                // With its rows.
                ErasureTarget::Guest(_) | ErasureTarget::Capture(_) => {}
            }
            Ok(row)
        })
    }

    async fn try_erase_by_owner(&self, token: &str, client: Client) -> Result<Option<ErasureView>, Failure> {
        // Wrong tokens must not queue for the one writer.
        let mut conn = self.deps.db.read().await?;
        let known = GuestScope::of_owner(&mut conn, &self.deps, token).await?;
        drop(conn);
        if known.is_none() {
            return Ok(None);
        }
        let (deps, token) = (self.deps.clone(), token.to_owned());
        let noted = match note_owner(&deps, token.clone(), client.clone()).await {
            // A second click: the first one's is there now, and its link is dead.
            Err(Failure::Duplicate(_)) => note_owner(&deps, token, client).await?,
            other => other?,
        };
        let Some((scope, target, row)) = noted else { return Ok(None) };
        erasure::small(&self.deps, scope.clone(), &row, target.clone()).await?;
        let mut conn = self.deps.db.read().await?;
        let row = queries::of_object(&mut conn, &scope, target.object()).await?.ok_or(Failure::NotFound)?;
        Ok(Some(row.into_view(&self.public)?))
    }

    async fn try_erasures(&self, actor: &Actor, cursor: Option<String>) -> Result<ErasurePage, Failure> {
        let scope = OrgScope::prove(actor, Permission::PrivacyManage)?;
        let before = cursor.map(|cursor| self.open(&scope, &cursor)).transpose()?;
        let mut conn = self.deps.db.read().await?;
        let mut rows = queries::list(&mut conn, &scope, before.as_deref(), PAGE as i64 + 1).await?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next = rows.last().filter(|_| more).map(|last| self.seal(&scope, &last.id)).transpose()?;
        let items = rows.into_iter().map(|row| row.into_view(&self.public)).collect::<Result<_, _>>()?;
        Ok(ErasurePage { items, next })
    }

    async fn try_erasure(&self, actor: &Actor, id: &ErasureId) -> Result<ErasureView, Failure> {
        // Whoever erased a guest may see that erasure.
        let scope = OrgScope::prove(actor, Permission::GuestWrite)?;
        let view = queries::find(&mut self.deps.db.read().await?, &scope, id).await?.into_view(&self.public)?;
        if view.kind != ErasureKind::Guest {
            OrgScope::prove(actor, Permission::PrivacyManage)?;
        }
        Ok(view)
    }

    /// A cursor is bound to the organisation: moved elsewhere it is refused rather than read as a place there.
    fn seal(&self, scope: &OrgScope, last: &str) -> Result<String, Failure> {
        Ok(self.deps.keys.seal_cursor(&serde_json::to_vec(&(LIST, scope.organisation(), last))?))
    }

    fn open(&self, scope: &OrgScope, cursor: &str) -> Result<String, Code> {
        let payload = self.deps.keys.open_cursor(cursor).ok_or(Code::BadCursor)?;
        let (list, organisation, last): (String, OrganisationId, ErasureId) =
            serde_json::from_slice(&payload).map_err(|_| Code::BadCursor)?;
        let fits = list == LIST && organisation == *scope.organisation();
        if fits { Ok(last.into_string()) } else { Err(Code::BadCursor) }
    }
}

/// The receipt of an erasure, by its id or its object's, for whoever has the machine.
///
/// # Errors
/// What the database says.
pub async fn receipt_of(deps: &Deps, id: &str) -> Result<Option<String>, Failure> {
    queries::receipt_of(&mut deps.db.read().await?, id).await
}

/// Notes what the holder of an owner link asks for; `None` if the link is none.
async fn note_owner(
    deps: &Deps,
    token: String,
    client: Client,
) -> Result<Option<(GuestScope, ErasureTarget, ErasureRow)>, Failure> {
    let deps_of_task = deps.clone();
    write_tx!(deps.db, tx => {
        let deps = deps_of_task;
        let Some(scope) = GuestScope::of_owner(tx, &deps, &token).await? else { return Ok(None) };
        let target = ErasureTarget::Capture(scope.capture().clone());
        let doer = Doer::Guest(scope.link().as_str().to_owned());
        let entry = Entry::new("share.delete").object(target.object()).request(client.request);
        let row = erasure::request(tx, &deps.world, &scope, &target, &doer, entry).await?;
        Ok(Some((scope, target, row)))
    })
}

#[async_trait]
impl Privacy for PrivacyService {
    async fn erase(&self, actor: &Actor, target: &ErasureTarget) -> Result<ErasureView, AppError> {
        Ok(self.try_erase(actor, target).await?)
    }

    async fn erase_by_owner(&self, token: &str, client: Client) -> Result<Option<ErasureView>, AppError> {
        Ok(self.try_erase_by_owner(token, client).await?)
    }

    async fn erasures(&self, actor: &Actor, cursor: Option<String>) -> Result<ErasurePage, AppError> {
        Ok(self.try_erasures(actor, cursor).await?)
    }

    async fn erasure(&self, actor: &Actor, id: &ErasureId) -> Result<ErasureView, AppError> {
        Ok(self.try_erasure(actor, id).await?)
    }

    fn verify(&self, receipt: &str) -> Result<ReceiptFacts, ReceiptFault> {
        if receipt.len() > RECEIPT_MOST {
            return Err(ReceiptFault::Malformed);
        }
        rows::verify(receipt, &self.public)
    }

    fn public_key(&self) -> String {
        self.public.as_text()
    }
}
