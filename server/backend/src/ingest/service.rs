//! The rules of uploads.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_media::inspect::Limits;
use shutterpost_media::mark::Mark;
use shutterpost_model::access::Actor;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, EventId, LinkId};
use shutterpost_model::ingest::{Accepted, CaptureStatus, Ingest, Upload};
use shutterpost_model::share::LinkKind;

use super::commit::{Arrival, Outcome, check_captured_at, commit};
use super::converter::Converter;
use super::later::FinishCapture;
use super::marks::{self, Marks};
use super::pictures::{self, Examined};
use super::pool::{Lane, Pool};
use super::redesign::ApplyDesign;
use super::requests::{self, Fingerprint};
use crate::db::Conn;
use crate::designs::{self, Wanted};
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::EventScope;
use crate::events::{queries as events, zone};
use crate::guests::consents::resolve;
use crate::identity::scope::OrgScope;
use crate::jobs::Wake;
use crate::services::Deps;
use crate::share::links;

/// How often what goes onto pictures is asked for again that changed while it was read.
const TRIES: usize = 3;

/// Limits of uploads and the threads that work on them.
#[derive(Debug, Clone, Default)]
pub struct IngestConfig {
    /// What is refused before decoding: bytes, pixels, longest side.
    pub limits: Limits,
    /// Threads for pictures; half of the cores if not given.
    pub threads: Option<usize>,
    /// Bytes that what waits and what is worked on may hold in memory; 1 GiB if not given.
    pub memory: Option<u64>,
    /// What films and animations are worked on in.
    pub converter: Converter,
}

/// The port of uploads. Cheap to clone; the threads are shared.
#[derive(Debug, Clone)]
pub struct IngestService {
    deps: Deps,
    limits: Limits,
    pool: Arc<Pool>,
    marks: Arc<Marks>,
    converter: Converter,
    wake: Wake,
}

/// What became of a file: the capture, and the link of its share page.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) capture: CaptureId,
    pub(crate) link: LinkId,
}

impl IngestService {
    /// Starts the threads. `wake` rings the worker of this process when a message waits.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub fn start(deps: Deps, config: IngestConfig, wake: Wake) -> std::io::Result<Self> {
        let IngestConfig { limits, threads, memory, converter } = config;
        let pool = Arc::new(Pool::start(threads, memory)?);
        let marks = Arc::new(Marks::new(deps.clone(), limits, Arc::clone(&pool)));
        Ok(Self { deps, limits, pool, marks, converter, wake })
    }

    /// What makes later what takes long, on the same threads.
    pub(crate) fn finisher(&self) -> FinishCapture {
        let Self { deps, limits, pool, marks, converter, wake: _ } = self.clone();
        FinishCapture::new(deps, limits, pool, converter, marks)
    }

    /// What makes the pictures of an event anew, on the same threads.
    pub(crate) fn redesigner(&self) -> ApplyDesign {
        let Self { deps, limits, pool, marks, converter, wake: _ } = self.clone();
        ApplyDesign::new(deps, limits, pool, converter, marks)
    }

    /// Takes a capture in, as [`Ingest::accept`] says.
    pub(crate) async fn take_in(&self, actor: &Actor, event: &EventId, upload: Upload) -> Result<Taken, Failure> {
        let org = OrgScope::prove_upload(actor, event)?;
        let mut conn = self.deps.db.read().await?;
        let scope = EventScope::prove(&mut conn, org, event).await?;
        let Upload { bytes, declared, guest, key, captured_at } = upload;
        let captured_at = check_captured_at(captured_at, self.deps.world.now())?;
        // Not held while the file is read: it may be 40 MB.
        drop(conn);
        let (bytes, examined) = self.examine(bytes).await?;
        let uploader = requests::uploader(actor);
        let fingerprint =
            key.map(|key| Fingerprint::new(&self.deps.keys, &uploader, &key, examined.file_hash, guest.as_ref()));

        let mut conn = self.deps.db.read().await?;
        if let Some(answer) = self.answered(&mut conn, &scope, fingerprint.as_ref()).await? {
            return Ok(answer);
        }
        let inspected = examined.inspected.map_err(pictures::failure)?;
        pictures::check_declared(declared.as_deref(), &inspected)?;
        if let Some(guest) = &guest {
            resolve(&mut conn, &scope, guest).await?;
        }
        drop(conn);
        let (wanted, mark) = self.mark(&scope).await?;

        let size = bytes.len();
        let (limits, converter) = (self.limits, self.converter.clone());
        let cost = marks::with(inspected.cost(size), mark.as_deref());
        let work = move || pictures::make(&bytes, inspected, mark.as_deref(), &limits, &converter);
        let made = self.pool.run(Lane::Now, cost, work).await??;
        let arrival = Arrival {
            actor: actor.clone(),
            scope: scope.clone(),
            uploader,
            fingerprint: fingerprint.clone(),
            guest,
            captured_at,
            size: i64::try_from(size).unwrap_or(i64::MAX),
            mark: wanted.mark().map(str::to_owned),
        };
        let task = tokio::spawn(commit(self.deps.clone(), arrival, made));
        match task.await.map_err(|error| Failure::internal("the task of an upload ended early", error))?? {
            Outcome::Written { capture, link } => {
                self.wake.ring();
                Ok(Taken { capture, link })
            }
            Outcome::Overtaken => {
                let mut conn = self.deps.db.read().await?;
                let answer = self.answered(&mut conn, &scope, fingerprint.as_ref()).await?;
                // The winner's row can be gone only if the sweep took it in this very moment.
                answer.ok_or_else(|| Code::KeyBusy.into())
            }
        }
    }

    /// Hashes and inspects, off the threads that answer requests.
    async fn examine(&self, bytes: Vec<u8>) -> Result<(Arc<Vec<u8>>, Examined), Failure> {
        let limits = self.limits;
        let bytes = Arc::new(bytes);
        let shared = Arc::clone(&bytes);
        let examined = tokio::task::spawn_blocking(move || pictures::examine(&shared, &limits)).await;
        Ok((bytes, examined.map_err(|error| Failure::internal("the examination of an upload ended early", error))?))
    }

    async fn answered(
        &self,
        conn: &mut Conn,
        scope: &EventScope,
        fingerprint: Option<&Fingerprint>,
    ) -> Result<Option<Taken>, Failure> {
        let Some(fingerprint) = fingerprint else { return Ok(None) };
        let answer = requests::answered(conn, scope, fingerprint).await?;
        Ok(answer.map(|(capture, link)| Taken { capture, link }))
    }

    /// The link's first address, also for a request repeated after the link was renewed: the answer is the same.
    pub(crate) fn accepted(&self, taken: Taken) -> Accepted {
        let Taken { capture, link } = taken;
        let share_url = links::address(&self.deps.keys, &self.deps.origin, &link, LinkKind::View, links::FIRST);
        Accepted { id: capture, status: CaptureStatus::Ready, share_url }
    }

    /// What the event wants on its pictures, and that ready to be put on. It may change in between, and its files go with it.
    async fn mark(&self, scope: &EventScope) -> Result<(Wanted, Option<Arc<Mark>>), Failure> {
        for _ in 0..TRIES {
            let wanted = self.wanted(&mut self.deps.db.read().await?, scope).await?;
            match self.marks.of(Lane::Now, scope, &wanted).await {
                Err(Failure::NotFound) => {}
                mark => return Ok((wanted, mark?)),
            }
        }
        Err(Failure::Busy("what goes onto the pictures of an event changes, or a file of it is missing".into()))
    }

    /// What the event wants on its pictures. Refuses uploads into an event whose retention is over: they would be deleted at
    /// once.
    async fn wanted(&self, conn: &mut Conn, scope: &EventScope) -> Result<Wanted, Failure> {
        let event = events::find(conn, scope).await?;
        if self.deps.world.now() >= zone::end_of(&event.time_zone, stored(&event.kept_until)?) {
            return Err(AppError::field("event", Code::OutOfRange).into());
        }
        designs::wanted(conn, scope, &event).await
    }
}

#[async_trait]
impl Ingest for IngestService {
    async fn accept(&self, actor: &Actor, event: &EventId, upload: Upload) -> Result<Accepted, AppError> {
        let taken = self.take_in(actor, event, upload).await?;
        Ok(self.accepted(taken))
    }
}
