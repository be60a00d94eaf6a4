//! The rules of guests.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::error::AppError;
use shutterpost_model::guests::{GuestView, Guests};
use shutterpost_model::id::{CaptureId, GuestId};
use shutterpost_model::share::ChangeTarget;

use super::queries;
use super::rows::{ConsentRow, GuestRow, Sight};
use super::trash::{self, Moved};
use crate::audit::record::{Doer, Entry, record};
use crate::captures::parts::OfCapture;
use crate::changes;
use crate::db::{Conn, write_tx};
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::keystore::KeyStore;
use crate::services::Deps;

/// The port of guests on the database.
#[derive(Debug, Clone)]
pub struct GuestsService {
    deps: Deps,
}

impl GuestsService {
    pub const fn new(deps: Deps) -> Self {
        Self { deps }
    }

    pub(super) const fn keystore(&self) -> &KeyStore {
        &self.deps.keystore
    }

    async fn read(&self, actor: &Actor, guest: &GuestId) -> Result<GuestView, Failure> {
        let scope = OrgScope::prove(actor, Permission::GuestRead)?;
        let mut conn = self.deps.db.read().await?;
        let row = queries::find(&mut conn, &scope, guest).await?;
        view(&mut conn, &self.deps.keystore, &scope, row, Sight::Masked).await
    }

    async fn read_clear(&self, actor: &Actor, guest: &GuestId) -> Result<GuestView, Failure> {
        let scope = OrgScope::prove(actor, Permission::GuestReveal)?;
        let Deps { db, world, keystore, .. } = self.deps.clone();
        let (doer, guest) = (Doer::from(actor), guest.clone());
        write_tx!(db, tx => {
            let row = queries::find(tx, &scope, &guest).await?;
            let entry = Entry::new("guests.reveal").object(guest.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            view(tx, &keystore, &scope, row, Sight::Clear).await
        })
    }
}

impl GuestsService {
    async fn try_delete(&self, actor: &Actor, guest: &GuestId) -> Result<(), Failure> {
        let scope = OrgScope::prove(actor, Permission::GuestWrite)?;
        let (world, doer, guest) = (self.deps.world.clone(), Doer::from(actor), guest.clone());
        write_tx!(self.deps.db, tx => {
            let Moved { stale, changed } = trash::put(tx, &scope, &guest, doer.id().as_deref(), world.now()).await?;
            if !changed {
                return Ok(());
            }
            let entry = Entry::new("guests.trash").object(guest.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            for capture in stale {
                changes::record(tx, &world, ChangeTarget::Capture(capture)).await?;
            }
            Ok(())
        })
    }
}

async fn view(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    row: GuestRow,
    sight: Sight,
) -> Result<GuestView, Failure> {
    let ring = keystore.find(&[row.key()?]).await?;
    let captures = queries::captures_of(conn, scope, &row.id).await?;
    let mut consents = queries::consents(conn, scope, &row.id).await?;
    // Newest first: what counts is the last word on each purpose.
    consents.sort_by(|a, b| a.purpose.cmp(&b.purpose));
    consents.dedup_by(|later, kept| later.purpose == kept.purpose);
    row.into_view(&ring, sight, captures, consents.into_iter().map(ConsentRow::into_view).collect())
}

#[async_trait]
impl OfCapture<GuestView> for GuestsService {
    async fn of_capture(
        &self,
        conn: &mut Conn,
        scope: &OrgScope,
        capture: &CaptureId,
    ) -> Result<Vec<GuestView>, Failure> {
        let rows = queries::of_capture(conn, scope, capture).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            match view(conn, &self.deps.keystore, scope, row, Sight::Masked).await {
                Ok(view) => views.push(view),
                // Being erased at this moment.
                Err(Failure::NotFound) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(views)
    }
}

#[async_trait]
impl Guests for GuestsService {
    async fn find(&self, actor: &Actor, guest: &GuestId) -> Result<GuestView, AppError> {
        Ok(self.read(actor, guest).await?)
    }

    async fn reveal(&self, actor: &Actor, guest: &GuestId) -> Result<GuestView, AppError> {
        Ok(self.read_clear(actor, guest).await?)
    }

    async fn delete(&self, actor: &Actor, guest: &GuestId) -> Result<(), AppError> {
        Ok(self.try_delete(actor, guest).await?)
    }
}
