//! Making the pictures and films of an event anew, with another design. A job for each event, in slices: what it came to stands in
//! the design's row, and what has the design in the captures' own. So it may end anywhere, and be done twice.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_media::convert;
use shutterpost_media::inspect::Limits;
use shutterpost_media::mark::Mark;
use shutterpost_media::rendition::Rendition;
use shutterpost_model::captures::{CaptureKind, Encoding, RenditionName};
use shutterpost_model::error::Code;
use shutterpost_model::id::{CaptureId, OrganisationId};
use shutterpost_model::share::ChangeTarget;

use super::commit::{facts, own, saves, seal, side, store};
use super::converter::Converter;
use super::marks::{self, Marks};
use super::pictures::{self, Converted, Inspected, Moves, Pictures};
use super::pool::{Cost, Lane, Pool};
use crate::captures::anew::{self, AnewFilm};
use crate::captures::look;
use crate::captures::queries as captures;
use crate::captures::rows::{self as captures_rows, CaptureRow, RenditionRow};
use crate::changes;
use crate::db::write_tx;
use crate::designs::queries as stored_designs;
use crate::designs::{self, Wanted};
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::EventScope;
use crate::jobs::Permit;
use crate::jobs::queue::{self, Job, JobKind};
use crate::jobs::worker::{Handler, Outcome};
use crate::services::Deps;

/// Captures of one slice; then other work that waits has its turn.
const SLICE: i64 = 10;
/// Attempts after which a capture that fails on our side again and again is passed over.
const ATTEMPTS: i32 = 4;

/// Handles `ApplyDesign`; the subject is the event.
#[derive(Debug)]
pub(crate) struct ApplyDesign {
    deps: Deps,
    limits: Limits,
    pool: Arc<Pool>,
    converter: Converter,
    marks: Arc<Marks>,
}

/// What was made of a capture.
struct Anew {
    pictures: Pictures,
    film: Film,
}

/// What becomes of the film of a capture that is one.
enum Film {
    /// It is none, or the one that is there, or is being made, has nothing on it and gets nothing.
    Stays,
    /// It plays everywhere and gets nothing.
    Original(RenditionRow),
    Made(Converted),
    /// None can be made. As it came, guests may save it where nothing is put on what they get.
    Unplayable(Option<RenditionRow>),
}

/// What the captures of a slice get.
struct Run<'a> {
    scope: &'a EventScope,
    number: i32,
    wanted: &'a Wanted,
    mark: Option<Arc<Mark>>,
}

#[async_trait]
impl Handler for ApplyDesign {
    async fn run(&self, permit: &Permit, job: &Job) -> Result<Outcome, Failure> {
        let mut conn = self.deps.db.read().await?;
        // Went with its event.
        let Some(row) = stored_designs::of_job(&mut conn, permit, &job.subject).await? else {
            return Ok(Outcome::Done);
        };
        let organisation: OrganisationId = stored(&row.organisation_id)?;
        let scope = EventScope::of_sweep(permit, organisation, stored(&row.event_id)?);
        if row.is_running() {
            let wanted = designs::of_run(&mut conn, &scope, &row).await?;
            let newer = designs::newer(&mut conn, &scope, &row).await?;
            let marks = (wanted.mark(), newer.as_ref());
            let slice = captures::otherwise_marked(&mut conn, &scope, marks, &row.after, SLICE).await?;
            drop(conn);
            let number = row.run;
            if slice.is_empty() {
                let scope = scope.clone();
                write_tx!(self.deps.db, tx => stored_designs::end_pass(tx, &scope, number).await)?;
            } else {
                let mark = self.marks.of(Lane::Later, &scope, &wanted).await?;
                self.slice(&Run { scope: &scope, number, wanted: &wanted, mark }, slice, job).await?;
            }
        } else {
            drop(conn);
        }
        self.settle(&scope, job).await
    }
}

impl ApplyDesign {
    pub(super) const fn new(
        deps: Deps,
        limits: Limits,
        pool: Arc<Pool>,
        converter: Converter,
        marks: Arc<Marks>,
    ) -> Self {
        Self { deps, limits, pool, converter, marks }
    }

    /// One capture after the other, until somebody pauses, or wants another design.
    async fn slice(&self, run: &Run<'_>, slice: Vec<CaptureRow>, job: &Job) -> Result<(), Failure> {
        for row in slice {
            let now = stored_designs::find(&mut self.deps.db.read().await?, run.scope).await?;
            if !now.is_some_and(|now| now.is_running() && now.run == run.number) {
                return Ok(());
            }
            let (id, revision, kind) = (row.id.clone(), row.revision, row.kind()?);
            let failed = match self.anew(run, row).await {
                Ok(()) => false,
                // Erased meanwhile, or made anew by somebody else; or its original is missing, which `doctor` tells of.
                Err(Failure::NotFound) => {
                    let mut conn = self.deps.db.read().await?;
                    captures::revision(&mut conn, run.scope, &stored(&id)?).await? == Some(revision)
                }
                Err(Failure::Told(error)) => {
                    tracing::warn!(capture.id = id, error.code = error.code.as_str(), "a capture keeps its pictures");
                    true
                }
                Err(Failure::Internal(cause)) if job.attempts >= ATTEMPTS => {
                    tracing::warn!(capture.id = id, error.cause = cause, "a capture keeps its pictures");
                    true
                }
                // It took longer than it may, again and again.
                Err(Failure::Busy(cause)) if kind != CaptureKind::Still && job.attempts >= ATTEMPTS => {
                    tracing::warn!(capture.id = id, error.cause = cause, "what moves keeps its pictures");
                    true
                }
                Err(failure) => return Err(failure),
            };
            let (scope, number) = (run.scope.clone(), run.number);
            write_tx!(self.deps.db, tx => stored_designs::came_to(tx, &scope, number, &id, failed).await)?;
            if kind == CaptureKind::Film {
                // It may have taken minutes: others have their turn.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Puts the job back for the next slice, or ends it; whoever resumes in this moment comes before or after that.
    async fn settle(&self, scope: &EventScope, job: &Job) -> Result<Outcome, Failure> {
        let (scope, job, world) = (scope.clone(), job.clone(), self.deps.world.clone());
        write_tx!(self.deps.db, tx => {
            if stored_designs::hold_running(tx, &scope).await? {
                // A lost claim is somebody else's by now.
                queue::put_back(tx, &job, world.now(), 0).await?;
            } else {
                queue::give_up(tx, &job).await?;
            }
            Ok(())
        })?;
        Ok(Outcome::Settled)
    }

    async fn anew(&self, run: &Run<'_>, row: CaptureRow) -> Result<(), Failure> {
        let key = captures_rows::key(run.scope.org().organisation(), &row.key_subject);
        let key = self.deps.keystore.get(&key).await?;
        let original = self.deps.storage.get(&row.object, &key).await?;
        // What is stored was accepted once, and cleaning may have made it a little longer.
        let limits = Limits { max_bytes: u64::MAX, ..self.limits };
        let orientation = u8::try_from(row.orientation).unwrap_or(1);
        let looking = tokio::task::spawn_blocking(move || {
            let inspected = pictures::inspect_stored(&original, orientation, &limits);
            (original, inspected)
        });
        let (original, inspected) =
            looking.await.map_err(|error| Failure::internal("the examination of a capture ended early", error))?;
        let inspected = inspected?;
        let mark = run.mark.clone();
        let mut cost = marks::with(inspected.cost(original.len()), mark.as_deref());
        if inspected.film().is_some() {
            let converting = marks::with(pictures::conversion_cost(&original), mark.as_deref());
            cost = Cost { working: cost.working.max(converting.working), ..cost };
        }
        let converter = self.converter.clone();
        let work = {
            let row = row.clone();
            move || make(&row, &original, inspected, mark.as_deref(), &limits, &converter)
        };
        let made = self.pool.run(Lane::Later, cost, work).await??;
        let mark = run.wanted.mark().map(str::to_owned);
        let writing = write(self.deps.clone(), run.scope.clone(), (run.number, mark), row, made);
        // In a task of its own, so that a process that stops does not end it between two of its steps.
        tokio::spawn(writing).await.map_err(|error| Failure::internal("the task of a capture ended early", error))?
    }
}

/// Makes the pictures of a capture, and its film. Both are shown together: until a film is made, the one before is.
fn make(
    row: &CaptureRow,
    original: &[u8],
    inspected: Inspected,
    mark: Option<&Mark>,
    limits: &Limits,
    converter: &Converter,
) -> Result<Anew, Failure> {
    let pictures = pictures::make(original, inspected, mark, limits, converter)?;
    let gets = inspected.film().zip(mark).is_some_and(|(info, mark)| convert::changes(mark, info));
    let original_itself = || own(row, Encoding::Mp4, facts(original));
    let film = if pictures.kind != CaptureKind::Film || (row.mark.is_none() && !gets && !row.unplayable) {
        Film::Stays
    } else {
        match pictures::convert_film(original, mark, converter) {
            Ok(None) => Film::Original(original_itself()),
            Ok(Some(converted)) => Film::Made(converted),
            // Without what converts, nothing is known of the film.
            Err(Failure::Told(error)) if error.code != Code::FilmsUnavailable => {
                tracing::warn!(capture.id = row.id, error.code = error.code.as_str(), "a film cannot be shown");
                Film::Unplayable((mark.is_none() && saves(row)).then(original_itself))
            }
            Err(failure) => return Err(failure),
        }
    };
    Ok(Anew { pictures, film })
}

/// Seals, stores, and puts the rows in the place of the others, unless the capture is gone, was changed meanwhile, or the run
/// is over.
async fn write(
    deps: Deps,
    scope: EventScope,
    (run, mark): (i32, Option<String>),
    row: CaptureRow,
    made: Anew,
) -> Result<(), Failure> {
    let organisation = scope.org().organisation().clone();
    let capture: CaptureId = stored(&row.id)?;
    // Asked again: it may have been destroyed, and then nothing more is sealed under it.
    let key = deps.keystore.get(&captures_rows::key(&organisation, &row.key_subject)).await?;
    let Anew { pictures, film } = made;
    let Pictures { renditions, backdrop, placeholder, moves, later, .. } = pictures;
    let becomes = match &film {
        Film::Stays => AnewFilm::Stays,
        Film::Original(_) => AnewFilm::Goes { unplayable: false, duration: None },
        Film::Made(Converted { duration, .. }) => AnewFilm::Goes { unplayable: false, duration: *duration },
        Film::Unplayable(_) => AnewFilm::Goes { unplayable: true, duration: None },
    };
    let sealing = {
        let (world, organisation, capture) = (deps.world.clone(), organisation.clone(), capture.clone());
        tokio::task::spawn_blocking(move || {
            let look = (backdrop, placeholder.as_bytes());
            let look = look::seal(&world, &key, &organisation, capture.as_str(), look);
            let (mut rows, mut files) = (Vec::new(), Vec::new());
            let mut add = |what: (&str, &str, i32, i32), bytes: &[u8]| -> Result<(), Failure> {
                let (row, file) = seal(&world, &key, (&organisation, &capture), what, bytes)?;
                rows.push(row);
                files.push(file);
                Ok(())
            };
            for Rendition { name, encoding, width, height, bytes } in renditions {
                let (width, height) = (side(width), side(height));
                add((name.as_str(), encoding.extension(), width, height), &bytes)?;
            }
            let mp4 = (RenditionName::Film.as_str(), Encoding::Mp4.extension());
            if let Moves::Both { film, width, height, original: _ } = moves {
                add((mp4.0, mp4.1, width, height), &film)?;
            }
            match film {
                Film::Made(Converted { film, width, height, duration: _ }) => {
                    add((mp4.0, mp4.1, width, height), &film)?;
                }
                Film::Original(row) | Film::Unplayable(Some(row)) => rows.push(row),
                Film::Stays | Film::Unplayable(None) => {}
            }
            Ok::<_, Failure>((look, rows, files))
        })
    };
    let sealed = sealing.await.map_err(|error| Failure::internal("the sealing of a capture ended early", error))?;
    let (look, rows, files) = sealed?;
    // What is missing of a film that stays is being made already.
    let later = later && row.kind()? == CaptureKind::Still;
    let objects = store(&deps, files).await?;
    let written = {
        let (world, scope) = (deps.world.clone(), scope.clone());
        write_tx!(deps.db, tx => {
            if !stored_designs::count_changed(tx, &scope, run).await? {
                return Ok(false);
            }
            let anew = anew::Anew { mark: mark.as_deref(), look, renditions: &rows, film: becomes };
            let named = (capture.as_str(), row.revision);
            let Some(old) = anew::replace_renditions(tx, &scope, named, anew).await? else {
                // Nothing was changed, so nothing is counted.
                return Err(Failure::NotFound);
            };
            for object in &old {
                queue::enqueue(tx, &world, JobKind::DeleteObject, object, world.now()).await?;
            }
            if later {
                queue::enqueue(tx, &world, JobKind::FinishCapture, capture.as_str(), world.now()).await?;
            }
            changes::record(tx, &world, ChangeTarget::Capture(capture)).await?;
            Ok(true)
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
