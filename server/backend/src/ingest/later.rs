//! What of a capture takes long and nobody waits for: AVIF of a picture, and a film that every browser plays, with the
//! event's design. A job of its own, done when no upload waits for a processor. It may be done twice, or end in the middle: what is added is added in
//! one transaction, and objects without a row are swept.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_media::inspect::Limits;
use shutterpost_media::mark::Mark;
use shutterpost_model::captures::{CaptureKind, Encoding, RenditionName};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, OrganisationId};
use shutterpost_model::share::ChangeTarget;

use super::commit::{facts, own, saves, seal, side, store};
use super::converter::Converter;
use super::marks::{self, Marks};
use super::pictures::{self, Converted};
use super::pool::{Lane, Pool};
use crate::captures::anew::{self, Added};
use crate::captures::queries as captures;
use crate::captures::rows::{self as captures_rows, CaptureRow, RenditionRow};
use crate::changes;
use crate::db::write_tx;
use crate::designs;
use crate::error::Failure;
use crate::events::queries as events;
use crate::events::rows::stored;
use crate::events::scope::EventScope;
use crate::jobs::Permit;
use crate::jobs::queue::Job;
use crate::jobs::worker::{Handler, Outcome};
use crate::services::Deps;

/// Attempts after which something is given up that fails on our side again and again. A photo stays as it is, and of a film
/// is noted that it cannot be shown.
const ATTEMPTS: i32 = 8;
/// The same of what takes too long: each attempt may hold the only thread for hours.
const TIMED_OUT: i32 = 3;

/// Handles `FinishCapture`.
#[derive(Debug)]
pub(crate) struct FinishCapture {
    deps: Deps,
    limits: Limits,
    pool: Arc<Pool>,
    converter: Converter,
    marks: Arc<Marks>,
}

/// A file that was made, before it is sealed.
struct Made {
    name: &'static str,
    encoding: &'static str,
    width: i32,
    height: i32,
    bytes: Vec<u8>,
}

/// What is added to a capture.
#[derive(Default)]
struct Adding {
    made: Vec<Made>,
    /// The original itself, where that is shown or saved.
    own: Option<RenditionRow>,
    duration: Option<i64>,
    unplayable: bool,
}

/// A capture of which something is missing.
struct Unfinished {
    scope: EventScope,
    id: CaptureId,
    row: CaptureRow,
    kind: CaptureKind,
}

#[async_trait]
impl Handler for FinishCapture {
    async fn run(&self, permit: &Permit, job: &Job) -> Result<Outcome, Failure> {
        match self.finish(permit, &job.subject).await {
            Ok(()) => Ok(Outcome::Done),
            Err(Failure::NotFound) => self.missing(permit, job).await,
            // Somebody may install what is missing.
            Err(Failure::Told(AppError { code: code @ Code::FilmsUnavailable, .. })) => Err(code.into()),
            Err(Failure::Told(error)) => {
                tracing::warn!(
                    capture.id = job.subject,
                    error.code = error.code.as_str(),
                    "a capture stays unfinished"
                );
                self.give_up(permit, &job.subject).await
            }
            // It took longer than it may, which is long already.
            Err(Failure::Busy(cause)) if job.attempts >= TIMED_OUT => {
                tracing::warn!(capture.id = job.subject, error.cause = cause, "a capture stays unfinished");
                self.give_up(permit, &job.subject).await
            }
            Err(failure) if job.attempts >= ATTEMPTS => {
                tracing::warn!(capture.id = job.subject, error.cause = ?failure, "a capture stays unfinished");
                self.give_up(permit, &job.subject).await
            }
            Err(failure) => Err(failure),
        }
    }
}

impl FinishCapture {
    pub(super) const fn new(
        deps: Deps,
        limits: Limits,
        pool: Arc<Pool>,
        converter: Converter,
        marks: Arc<Marks>,
    ) -> Self {
        Self { deps, limits, pool, converter, marks }
    }

    /// Ends the job of a capture that was erased meanwhile. Something that a film needs may be missing as well, as a design that
    /// changes at this moment: that is asked for again, and in the end its page says that there is none.
    async fn missing(&self, permit: &Permit, job: &Job) -> Result<Outcome, Failure> {
        match self.look(permit, &job.subject).await {
            Ok(Some(Unfinished { kind: CaptureKind::Film, .. })) if job.attempts >= ATTEMPTS => {
                self.give_up(permit, &job.subject).await
            }
            Ok(Some(Unfinished { kind: CaptureKind::Film, .. })) => {
                Err(Failure::Internal("something that a film needs is missing".into()))
            }
            Ok(_) | Err(Failure::NotFound) => Ok(Outcome::Done),
            Err(failure) => Err(failure),
        }
    }

    /// What is to be done; `None` if nothing is missing. A capture in the trash is finished too: it may come back.
    async fn look(&self, permit: &Permit, capture: &str) -> Result<Option<Unfinished>, Failure> {
        let mut conn = self.deps.db.read().await?;
        let row = captures::of_job(&mut conn, permit, capture).await?.ok_or(Failure::NotFound)?;
        let organisation: OrganisationId = stored(&row.organisation_id)?;
        let scope = EventScope::of_sweep(permit, organisation, captures::event_of(&row)?);
        let id: CaptureId = stored(&row.id)?;
        let kind = row.kind()?;
        let missing = match kind {
            CaptureKind::Still => (RenditionName::Web, Encoding::Avif),
            CaptureKind::Film => (RenditionName::Film, Encoding::Mp4),
            CaptureKind::Animation => return Ok(None),
        };
        let there = captures::renditions(&mut conn, &scope, &id).await?;
        let is_there = there.iter().any(|one| one.kind() == Some(missing));
        Ok((!is_there).then_some(Unfinished { scope, id, row, kind }))
    }

    /// Makes what is missing.
    async fn finish(&self, permit: &Permit, capture: &str) -> Result<(), Failure> {
        let Some(Unfinished { scope, id, row, kind }) = self.look(permit, capture).await? else { return Ok(()) };
        let mark = self.mark(&scope, &row, kind).await?;
        let original = self.original(&scope, &row).await?;
        let adding = if kind == CaptureKind::Still {
            Adding { made: self.avif(original, &row, mark).await?, ..Adding::default() }
        } else {
            self.film(original, &row, mark).await?
        };
        self.add(scope, id, row, adding).await
    }

    /// What the capture has on its other files.
    async fn mark(
        &self,
        scope: &EventScope,
        row: &CaptureRow,
        kind: CaptureKind,
    ) -> Result<Option<Arc<Mark>>, Failure> {
        let Some(mark) = &row.mark else { return Ok(None) };
        let wanted = designs::of_mark(&mut self.deps.db.read().await?, scope, mark).await?;
        let found = match &wanted {
            Some(wanted) => self.marks.of(Lane::Later, scope, wanted).await,
            None => Err(Failure::NotFound),
        };
        match found {
            // Nobody knows any more how that looked. A photo goes without AVIF: another look than that of its other files
            // would be worse. A film would never be shown, so it gets what new ones get.
            Err(Failure::NotFound) if kind == CaptureKind::Film => {
                let mut conn = self.deps.db.read().await?;
                let event = events::find(&mut conn, scope).await?;
                let wanted = designs::wanted(&mut conn, scope, &event).await?;
                drop(conn);
                self.marks.of(Lane::Later, scope, &wanted).await
            }
            found => found,
        }
    }

    async fn original(&self, scope: &EventScope, row: &CaptureRow) -> Result<Vec<u8>, Failure> {
        let key = captures_rows::key(scope.org().organisation(), &row.key_subject);
        let key = self.deps.keystore.get(&key).await?;
        self.deps.storage.get(&row.object, &key).await
    }

    /// Notes of a film that it cannot be shown. Guests may save it as it came if nothing is put on what they get; otherwise
    /// its first picture has to do.
    async fn give_up(&self, permit: &Permit, capture: &str) -> Result<Outcome, Failure> {
        let unfinished = match self.look(permit, capture).await {
            Ok(unfinished) => unfinished,
            Err(Failure::NotFound) => None,
            Err(failure) => return Err(failure),
        };
        let Some(Unfinished { scope, id, row, kind: CaptureKind::Film }) = unfinished else {
            return Ok(Outcome::Done);
        };
        let original = match &row.mark {
            None if saves(&row) => self.original(&scope, &row).await.ok(),
            None | Some(_) => None,
        };
        let own = original.map(|original| own(&row, Encoding::Mp4, facts(&original)));
        let adding = Adding { own, unplayable: true, ..Adding::default() };
        match self.add(scope, id, row, adding).await {
            Ok(()) | Err(Failure::NotFound) => Ok(Outcome::Done),
            Err(failure) => Err(failure),
        }
    }

    async fn add(&self, scope: EventScope, id: CaptureId, row: CaptureRow, adding: Adding) -> Result<(), Failure> {
        let adding = add(self.deps.clone(), scope, id, row, adding);
        // In a task of its own, so that a process that stops does not end it between two of its steps.
        tokio::spawn(adding).await.map_err(|error| Failure::internal("the task of a capture ended early", error))?
    }

    async fn avif(&self, original: Vec<u8>, row: &CaptureRow, mark: Option<Arc<Mark>>) -> Result<Vec<Made>, Failure> {
        let limits = self.limits;
        let orientation = u8::try_from(row.orientation).unwrap_or(1);
        let cost = marks::with(pictures::avif_cost(&original, &limits)?, mark.as_deref());
        let work = move || pictures::make_avif(&original, orientation, mark.as_deref(), &limits);
        let renditions = self.pool.run(Lane::Later, cost, work).await??;
        let made = renditions.into_iter().map(|rendition| Made {
            name: rendition.name.as_str(),
            encoding: rendition.encoding.extension(),
            width: side(rendition.width),
            height: side(rendition.height),
            bytes: rendition.bytes,
        });
        Ok(made.collect())
    }

    async fn film(&self, original: Vec<u8>, row: &CaptureRow, mark: Option<Arc<Mark>>) -> Result<Adding, Failure> {
        let facts = facts(&original);
        let cost = marks::with(pictures::conversion_cost(&original), mark.as_deref());
        let converter = self.converter.clone();
        let work = move || pictures::convert_film(&original, mark.as_deref(), &converter);
        let Some(converted) = self.pool.run(Lane::Later, cost, work).await?? else {
            return Ok(Adding { own: Some(own(row, Encoding::Mp4, facts)), ..Adding::default() });
        };
        let Converted { film: bytes, width, height, duration } = converted;
        let (name, encoding) = (RenditionName::Film.as_str(), Encoding::Mp4.extension());
        Ok(Adding { made: vec![Made { name, encoding, width, height, bytes }], duration, ..Adding::default() })
    }
}

/// Seals, stores, and writes the rows, unless the capture is gone or was finished by somebody else meanwhile.
async fn add(
    deps: Deps,
    scope: EventScope,
    capture: CaptureId,
    row: CaptureRow,
    adding: Adding,
) -> Result<(), Failure> {
    let Adding { made, own, duration, unplayable } = adding;
    let organisation = scope.org().organisation();
    // Asked again: it may have been destroyed, and then nothing more is sealed under it.
    let key = deps.keystore.get(&captures_rows::key(organisation, &row.key_subject)).await?;
    let sealing = {
        let (world, organisation, capture) = (deps.world.clone(), organisation.clone(), capture.clone());
        tokio::task::spawn_blocking(move || {
            let each = made.iter().map(|Made { name, encoding, width, height, bytes }| {
                seal(&world, &key, (&organisation, &capture), (name, encoding, *width, *height), bytes)
            });
            each.collect::<Result<(Vec<_>, Vec<_>), Failure>>()
        })
    };
    let sealed = sealing.await.map_err(|error| Failure::internal("the sealing of a capture ended early", error))?;
    let (mut rows, files) = sealed?;
    rows.extend(own);
    let objects = store(&deps, files).await?;
    let written = {
        let (world, scope) = (deps.world.clone(), scope.clone());
        write_tx!(deps.db, tx => {
            let named = (capture.as_str(), row.revision);
            let added = Added { renditions: &rows, duration, unplayable };
            if anew::add_renditions(tx, &scope, named, added).await? {
                changes::record(tx, &world, ChangeTarget::Capture(capture)).await?;
                return Ok(true);
            }
            // Made anew meanwhile, perhaps by somebody whose own job for the rest was this one: once more, then.
            if captures::revision(tx, &scope, &capture).await?.is_some_and(|revision| revision != row.revision) {
                return Err(Failure::Busy("a capture was made anew while it was finished".into()));
            }
            Ok(false)
        })
    };
    match written {
        Ok(true) => Ok(()),
        Ok(false) => {
            deps.storage.delete_all(&objects).await;
            Ok(())
        }
        // A commit whose answer got lost may have happened: then the rows decide, in the sweep.
        Err(failure @ Failure::Internal(_)) => Err(failure),
        Err(failure) => {
            deps.storage.delete_all(&objects).await;
            Err(failure)
        }
    }
}
