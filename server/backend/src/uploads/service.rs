//! The rules of uploads in pieces.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Credential, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::UploadId;
use shutterpost_model::pii::Pii;
use shutterpost_model::uploads::ask::{Append, Bytes, Create};
use shutterpost_model::uploads::decide::{self, Claim, Stored};
use shutterpost_model::uploads::{Incoming, KEPT, Kind, OPEN_MOST, Progress, Stage, Uploads};
use tokio::sync::{Mutex, MutexGuard};

use super::pen::Pen;
use super::rows::{self, OPEN, UploadRow, count};
use super::{erase, finish, queries};
use crate::db::write_tx;
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::ingest::{IngestService, uploader};
use crate::keystore::{Realm, Sealed};
use crate::services::Deps;

/// Files that are taken in at the same time.
const AT_ONCE: usize = 8;
/// How often an upload may move between looking at it and claiming it, before whoever asks is told so.
const TRIES: usize = 3;

/// The port of uploads in pieces. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UploadsService {
    deps: Deps,
    ingest: IngestService,
    largest: u64,
    finishing: Arc<[Mutex<()>; AT_ONCE]>,
}

/// An upload and the proof that it is the actor's.
struct Found {
    scope: EventScope,
    row: UploadRow,
}

impl UploadsService {
    /// `largest`: bytes of the largest file that `ingest` takes.
    pub fn new(deps: Deps, ingest: IngestService, largest: u64) -> Self {
        Self { deps, ingest, largest, finishing: Arc::default() }
    }

    pub(super) const fn deps(&self) -> &Deps {
        &self.deps
    }

    pub(super) const fn ingest(&self) -> &IngestService {
        &self.ingest
    }

    async fn begin(&self, actor: &Actor, ask: Create, mut body: Box<dyn Incoming>) -> Result<Progress, Failure> {
        let event = match (&ask.metadata.event, actor.credential()) {
            (Some(event), _) => event,
            (None, Credential::Device { event, .. }) => event,
            (None, _) => return Err(AppError::field("event", Code::Required).into()),
        };
        let org = OrgScope::prove_upload(actor, event)?;
        let mut conn = self.deps.db.read().await?;
        let scope = EventScope::prove(&mut conn, org, event).await?;
        let begun = decide::create(&ask, self.largest)?;
        let uploader = uploader(actor);
        let joined = match &ask.kind {
            Kind::Whole | Kind::Partial => None,
            Kind::Joined(parts) => {
                let found = queries::of_ids(&mut conn, &scope, &uploader, parts).await?;
                let found: Vec<(String, Stored)> =
                    found.iter().map(|row| Ok((row.id.clone(), row.stored()?))).collect::<Result<_, Failure>>()?;
                let in_order = parts.iter().map(|id| found.iter().find(|(other, _)| other == id.as_str()));
                let in_order = in_order.map(|found| found.map(|(_, stored)| stored));
                Some(decide::join(in_order, self.largest, self.deps.world.now())?)
            }
        };
        let full = queries::open(&mut conn, &scope, &uploader).await? >= OPEN_MOST;
        drop(conn);
        if full && !erase::make_room(&self.deps, &scope, &uploader).await? {
            return Err(Code::TooMany.into());
        }
        let length = begun.length.or(joined);
        let row = self.write_down(&scope, uploader, &ask, length, joined.unwrap_or(0)).await?;
        let id: UploadId = stored(&row.id)?;
        if let (Some(claim), Some(bytes)) = (begun.claim, &ask.bytes) {
            let written = self.write(&scope, &row, claim, bytes, &mut *body).await;
            if let Err(Failure::Told(_)) = &written {
                // Nobody knows its address: the client begins again.
                erase::erase(&self.deps, &scope, &row.id).await?;
            }
            written?;
        }
        self.told(actor, &id).await
    }

    /// Makes its key and its row.
    async fn write_down(
        &self,
        scope: &EventScope,
        uploader: String,
        ask: &Create,
        length: Option<u64>,
        taken: u64,
    ) -> Result<UploadRow, Failure> {
        let Deps { db, world, keystore, .. } = &self.deps;
        let id = world.id(UploadId::new).into_string();
        let now = world.now();
        // On the disk before anything is sealed under it.
        let key = keystore.make_one(&rows::key(scope.organisation(), &id)).await?;
        let realm = Realm::Organisation(scope.organisation().clone());
        let place = rows::metadata_place(&realm, &id);
        let raw = ask.metadata.raw.as_ref();
        let metadata = raw.map(|raw: &Pii<String>| Sealed::seal(world, &key, place, raw));
        let row = UploadRow {
            id: id.clone(),
            organisation_id: scope.organisation().as_str().to_owned(),
            event_id: scope.event().as_str().to_owned(),
            uploader,
            kind: rows::name(&ask.kind).to_owned(),
            joined_of: rows::joined_of(&ask.kind),
            length: length.map(count),
            taken: count(taken),
            claim: 0,
            metadata,
            state: OPEN.to_owned(),
            capture_id: None,
            link_id: None,
            refusal: None,
            created_at: now.0,
            expires_at: now.plus(KEPT).0,
        };
        let (written, scope) = (row.clone(), scope.clone());
        write_tx!(db, tx => {
            // The event may have been deleted while the key was made.
            EventScope::hold(tx, scope.org().clone(), scope.event()).await?;
            queries::insert(tx, &written).await
        })?;
        Ok(row)
    }

    /// Claims and writes.
    async fn write(
        &self,
        scope: &EventScope,
        row: &UploadRow,
        claim: Claim,
        bytes: &Bytes,
        body: &mut dyn Incoming,
    ) -> Result<bool, Failure> {
        let key = self.deps.keystore.get(&rows::key(scope.organisation(), &row.id)).await?;
        let pen = Pen::claim(&self.deps, scope, &row.id, key, claim, bytes.checksum.clone()).await?;
        let Some(pen) = pen else { return Ok(false) };
        pen.write(bytes, body).await?;
        Ok(true)
    }

    /// The upload, if it is the actor's and its event is there. Whose it is decides before how old it is.
    async fn find(&self, actor: &Actor, id: &UploadId) -> Result<Found, Failure> {
        let org = match actor.credential() {
            Credential::Device { event, .. } => OrgScope::prove_upload(actor, event)?,
            _ => OrgScope::prove(actor, Permission::CaptureCreate)?,
        };
        let mut conn = self.deps.db.read().await?;
        let row = queries::find(&mut conn, &org, &uploader(actor), id).await?.ok_or(Failure::NotFound)?;
        let scope = EventScope::prove(&mut conn, org, &stored(&row.event_id)?).await?;
        Ok(Found { scope, row })
    }

    async fn add(
        &self,
        actor: &Actor,
        id: &UploadId,
        ask: &Append,
        mut body: Box<dyn Incoming>,
    ) -> Result<Progress, Failure> {
        for _ in 0..TRIES {
            let Found { scope, row } = self.find(actor, id).await?;
            let claim = decide::append(ask, Some(&row.stored()?), self.largest, self.deps.world.now())?;
            // Nothing is left to be written, only to be told.
            if row.state != OPEN || self.write(&scope, &row, claim, &ask.bytes, &mut *body).await? {
                return self.told(actor, id).await;
            }
        }
        Err(Code::UploadOffset.into())
    }

    /// The turn to take an upload in: one at a time of each, and few of all, since each is whole in memory.
    async fn turn(&self, id: &UploadId) -> MutexGuard<'_, ()> {
        let number =
            id.as_str().bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let [first, ..] = &*self.finishing;
        self.finishing.get(number % AT_ONCE).unwrap_or(first).lock().await
    }

    /// How far it is; takes the file in where that is due.
    async fn told(&self, actor: &Actor, id: &UploadId) -> Result<Progress, Failure> {
        let Found { scope, mut row } = self.find(actor, id).await?;
        let _turn = match row.is_ripe() {
            true => Some(self.turn(id).await),
            false => None,
        };
        if row.is_ripe() {
            // Whoever had the turn before may have finished it.
            row = self.find(actor, id).await?.row;
        }
        decide::living(Some(&row.stored()?), self.deps.world.now())?;
        if row.is_ripe() {
            let finished = finish::finish(self, actor, &scope, &row).await;
            row = self.find(actor, id).await?.row;
            // Of several who finish at once one is the last to read the pieces; what counts is that it is done.
            if row.state == OPEN {
                finished?;
            }
        }
        let Stored { kind, length, offset, closed: _, expires_at, claim: _ } = row.stored()?;
        let stage = match (row.taken()?, row.refusal()?) {
            (Some(taken), _) => Stage::Done(self.ingest.accepted(taken)),
            (None, Some(error)) => Stage::Refused(error),
            (None, None) => Stage::Open,
        };
        let metadata = finish::metadata(&self.deps, &scope, &row).await?.raw;
        Ok(Progress { id: id.clone(), kind, offset, length, expires_at, metadata, stage })
    }

    async fn terminate(&self, actor: &Actor, id: &UploadId) -> Result<(), Failure> {
        let Found { scope, row } = self.find(actor, id).await?;
        decide::living(Some(&row.stored()?), self.deps.world.now())?;
        erase::erase(&self.deps, &scope, &row.id).await
    }

    /// Runs in a task of its own, so that a client that hangs up cannot stop it between a piece and its row.
    async fn alone<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, AppError> {
        let span = tracing::Span::current();
        let task = tokio::spawn(tracing::Instrument::instrument(work, span));
        let ended = task.await.map_err(|error| Failure::internal("the task of an upload ended early", error));
        Ok(ended.and_then(|outcome| outcome)?)
    }
}

#[async_trait]
impl Uploads for UploadsService {
    async fn create(&self, actor: &Actor, create: Create, body: Box<dyn Incoming>) -> Result<Progress, AppError> {
        let (service, actor) = (self.clone(), actor.clone());
        self.alone(async move { service.begin(&actor, create, body).await }).await
    }

    async fn look(&self, actor: &Actor, upload: &UploadId) -> Result<Progress, AppError> {
        let (service, actor, upload) = (self.clone(), actor.clone(), upload.clone());
        self.alone(async move { service.told(&actor, &upload).await }).await
    }

    async fn append(
        &self,
        actor: &Actor,
        upload: &UploadId,
        append: Append,
        body: Box<dyn Incoming>,
    ) -> Result<Progress, AppError> {
        let (service, actor, upload) = (self.clone(), actor.clone(), upload.clone());
        self.alone(async move { service.add(&actor, &upload, &append, body).await }).await
    }

    async fn end(&self, actor: &Actor, upload: &UploadId) -> Result<(), AppError> {
        let (service, actor, upload) = (self.clone(), actor.clone(), upload.clone());
        self.alone(async move { service.terminate(&actor, &upload).await }).await
    }

    fn largest(&self) -> u64 {
        self.largest
    }
}
