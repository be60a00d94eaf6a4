//! What of a capture takes long and nobody waits for: AVIF of a picture, and a film that every browser plays. A job of its
//! own, done when no upload waits for a processor. It may be done twice, or end in the middle: what is added is added in
//! one transaction, and objects without a row are swept.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_media::inspect::Limits;
use shutterpost_media::mark::Mark;
use shutterpost_model::captures::{CaptureKind, Encoding, RenditionName};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, OrganisationId};
use shutterpost_model::share::ChangeTarget;

use super::commit::{seal, side, store};
use super::converter::Converter;
use super::marks::{self, Marks};
use super::pictures::{self, Converted};
use super::pool::{Lane, Pool};
use crate::captures::queries as captures;
use crate::captures::rows::{self as captures_rows, CaptureRow};
use crate::changes;
use crate::db::write_tx;
use crate::designs::{self, Wanted};
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::EventScope;
use crate::jobs::Permit;
use crate::jobs::queue::Job;
use crate::jobs::worker::{Handler, Outcome};
use crate::services::Deps;

/// Attempts after which something is given up that fails on our side again and again. The capture stays as it is.
const ATTEMPTS: i32 = 8;

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

#[async_trait]
impl Handler for FinishCapture {
    async fn run(&self, permit: &Permit, job: &Job) -> Result<Outcome, Failure> {
        match self.finish(permit, &job.subject).await {
            // Erased meanwhile: there is nothing to finish.
            Ok(()) | Err(Failure::NotFound) => Ok(Outcome::Done),
            // Somebody may install what is missing.
            Err(Failure::Told(AppError { code: code @ Code::FilmsUnavailable, .. })) => Err(code.into()),
            Err(Failure::Told(error)) => {
                tracing::warn!(
                    capture.id = job.subject,
                    error.code = error.code.as_str(),
                    "a capture stays unfinished"
                );
                Ok(Outcome::Done)
            }
            Err(failure) if job.attempts >= ATTEMPTS => {
                tracing::warn!(capture.id = job.subject, error.cause = ?failure, "a capture stays unfinished");
                Ok(Outcome::Done)
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

    /// Makes what is missing. A capture in the trash is finished too: it may come back.
    async fn finish(&self, permit: &Permit, capture: &str) -> Result<(), Failure> {
        let mut conn = self.deps.db.read().await?;
        let row = captures::of_job(&mut conn, permit, capture).await?.ok_or(Failure::NotFound)?;
        let organisation: OrganisationId = stored(&row.organisation_id)?;
        let scope = EventScope::of_sweep(permit, organisation, captures::event_of(&row)?);
        let id: CaptureId = stored(&row.id)?;
        let missing = match row.kind()? {
            CaptureKind::Still => (RenditionName::Web, Encoding::Avif),
            CaptureKind::Film => (RenditionName::Film, Encoding::Mp4),
            CaptureKind::Animation => return Ok(()),
        };
        if captures::renditions(&mut conn, &scope, &id).await?.iter().any(|one| one.kind() == Some(missing)) {
            return Ok(());
        }
        let wanted = match &row.mark {
            // Something else than the other files have would be worse than none of this kind: gone is gone. Films of their
            // own have nothing on them.
            Some(mark) if row.kind()? == CaptureKind::Still => {
                designs::of_mark(&mut conn, &scope, mark).await?.ok_or(Failure::NotFound)?
            }
            Some(_) | None => Wanted::Nothing,
        };
        drop(conn);
        let mark = self.marks.of(Lane::Later, &scope, &wanted).await?;
        let key = captures_rows::key(scope.org().organisation(), &row.key_subject);
        let key = self.deps.keystore.get(&key).await?;
        let original = self.deps.storage.get(&row.object, &key).await?;
        let (made, duration) = if row.kind()? == CaptureKind::Still {
            (self.avif(original, &row, mark).await?, None)
        } else {
            self.film(original).await?
        };
        let adding = add(self.deps.clone(), scope, id, row, made, duration);
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

    async fn film(&self, original: Vec<u8>) -> Result<(Vec<Made>, Option<i64>), Failure> {
        let (cost, converter) = (pictures::conversion_cost(&original), self.converter.clone());
        let work = move || pictures::convert_film(&original, &converter);
        let Converted { film: bytes, width, height, duration } = self.pool.run(Lane::Later, cost, work).await??;
        let (name, encoding) = (RenditionName::Film.as_str(), Encoding::Mp4.extension());
        Ok((vec![Made { name, encoding, width, height, bytes }], duration))
    }
}

/// Seals, stores, and writes the rows, unless the capture is gone or was finished by somebody else meanwhile.
async fn add(
    deps: Deps,
    scope: EventScope,
    capture: CaptureId,
    row: CaptureRow,
    made: Vec<Made>,
    duration: Option<i64>,
) -> Result<(), Failure> {
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
    let (rows, files) = sealed?;
    let objects = store(&deps, files).await?;
    let written = {
        let (world, scope) = (deps.world.clone(), scope.clone());
        write_tx!(deps.db, tx => {
            let named = (capture.as_str(), row.revision);
            let added = captures::add_renditions(tx, &scope, named, &rows, duration).await?;
            if added {
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
