//! The table itself: enqueueing, claiming under a lease, and what becomes of a claimed job.
//!
//! A claim is a lease of [`LEASE`], not a held lock: a worker that dies loses its jobs when the lease ends. Every claim
//! has a name of its own in `locked_by`, so a worker that was away too long cannot touch what another one took over.

use data_encoding::HEXLOWER;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::JobId;
use shutterpost_model::time::Millis;

use crate::context::World;
use crate::db::{Db, Tx, on_db, write_tx};
use crate::error::Failure;
use crate::schema::jobs;

/// How long a claim lasts unless it is extended, in milliseconds. Longer than an attempt to send may take.
pub(crate) const LEASE: i64 = 60_000;
/// Wait after the first failure, in milliseconds; doubled with each further one.
const BACK_OFF_FIRST: i64 = 30_000;
/// Longest wait between two attempts, in milliseconds.
const BACK_OFF_LONGEST: i64 = 4 * 3_600_000;

/// What a job does with its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobKind {
    /// Send the message whose id is the subject.
    SendMessage,
    /// Delete the stored object whose name is the subject; enqueued with the deletion of its row.
    DeleteObject,
    /// Finish the erasure whose id is the subject.
    Erase,
    /// Give every entry of the export whose id is the subject its place in the archive.
    PrepareExport,
    /// Make what of the capture whose id is the subject takes long: AVIF of a picture, a film that plays everywhere.
    FinishCapture,
    /// Make the pictures of the event whose id is the subject anew, with its design.
    ApplyDesign,
    /// Do what is due again and again; the subject is its name. Never deleted, so that of several workers one does it.
    Periodic,
}

impl JobKind {
    pub(crate) const ALL: [Self; 7] = [
        Self::SendMessage,
        Self::DeleteObject,
        Self::Erase,
        Self::PrepareExport,
        Self::FinishCapture,
        Self::ApplyDesign,
        Self::Periodic,
    ];

    /// Whether it may wait: such jobs come by the hundred thousand or take minutes, and must not stand before a mail.
    pub(crate) const fn is_patient(self) -> bool {
        matches!(self, Self::DeleteObject | Self::PrepareExport | Self::FinishCapture | Self::ApplyDesign)
    }

    /// Whether it keeps a processor busy, or waits until one is idle: of these, few at once.
    pub(crate) const fn is_slow(self) -> bool {
        matches!(self, Self::FinishCapture | Self::ApplyDesign)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SendMessage => "send_message",
            Self::DeleteObject => "delete_object",
            Self::Erase => "erase",
            Self::PrepareExport => "prepare_export",
            Self::FinishCapture => "finish_capture",
            Self::ApplyDesign => "apply_design",
            Self::Periodic => "periodic",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A claimed job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) kind: JobKind,
    pub(crate) subject: String,
    /// Claims so far, this one included; starts anew when somebody asks for the job again.
    pub(crate) attempts: i32,
    /// Name of the claim.
    lease: String,
}

#[cfg(test)]
impl Job {
    /// For tests of what handlers do.
    pub(crate) fn of_test(kind: JobKind, subject: &str) -> Self {
        let id = JobId::new(0, [0; 10]);
        Self { id, kind, subject: subject.to_owned(), attempts: 1, lease: String::new() }
    }
}

/// Enqueues a job; a second one for the same subject is not added.
pub(crate) async fn enqueue(
    tx: &mut Tx,
    world: &World,
    kind: JobKind,
    subject: &str,
    run_at: Millis,
) -> Result<(), Failure> {
    on_db!(tx, conn => diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(world.id(JobId::new).into_string()),
            jobs::kind.eq(kind.as_str()),
            jobs::subject.eq(subject),
            jobs::run_at.eq(run_at.0),
            jobs::attempts.eq(0),
            jobs::created_at.eq(world.now().0),
        ))
        .on_conflict((jobs::kind, jobs::subject))
        .do_nothing()
        .execute(conn).await)?;
    Ok(())
}

/// Makes a waiting job due at once and forgets its failures. One that is being worked on stays as it is.
pub(crate) async fn hurry(tx: &mut Tx, world: &World, kind: JobKind, subject: &str) -> Result<(), Failure> {
    let now = world.now().0;
    on_db!(tx, conn => diesel::update(jobs::table)
        .filter(jobs::kind.eq(kind.as_str()))
        .filter(jobs::subject.eq(subject))
        .filter(jobs::locked_until.is_null().or(jobs::locked_until.le(now)))
        .set((jobs::run_at.eq(now), jobs::attempts.eq(0)))
        .execute(conn).await)?;
    Ok(())
}

/// Jobs of the kinds that are due and not claimed, without those named by id.
macro_rules! due {
    ($kinds:expr, $except:expr, $now:expr) => {
        jobs::table
            .filter(jobs::kind.eq_any($kinds))
            .filter(jobs::id.ne_all($except))
            .filter(jobs::run_at.le($now))
            .filter(jobs::locked_until.is_null().or(jobs::locked_until.le($now)))
            .order((jobs::run_at, jobs::id))
            .select(jobs::id)
    };
}

/// Claims up to `most` due jobs, oldest first. `except` are ids this process still works on, whatever their lease says.
pub(crate) async fn claim(
    db: &Db,
    world: &World,
    kinds: Vec<&'static str>,
    except: Vec<String>,
    most: i64,
) -> Result<Vec<Job>, Failure> {
    let now = world.now().0;
    // Looking is cheap; only a look that finds something takes SQLite's one writer.
    let mut conn = db.read().await?;
    let found = on_db!(conn, c => due!(&kinds, &except, now).first::<String>(c).await.optional())?;
    drop(conn);
    if found.is_none() {
        return Ok(Vec::new());
    }
    let lease = HEXLOWER.encode(&world.bytes::<12>());
    write_tx!(db, tx => {
        let ids: Vec<String> = on_db!(
            tx,
            // The write transaction excludes every other claimer.
            sqlite c => due!(&kinds, &except, now).limit(most).load(c).await,
            postgres c => due!(&kinds, &except, now).limit(most).for_update().skip_locked().load(c).await,
        )?;
        on_db!(tx, c => diesel::update(jobs::table)
            .filter(jobs::id.eq_any(&ids))
            .set((
                jobs::locked_by.eq(&lease),
                jobs::locked_until.eq(now.saturating_add(LEASE)),
                jobs::attempts.eq(jobs::attempts + 1),
            ))
            .execute(c).await)?;
        let rows: Vec<(String, String, String, i32)> = on_db!(tx, c => jobs::table
            .filter(jobs::id.eq_any(&ids))
            .order((jobs::run_at, jobs::id))
            .select((jobs::id, jobs::kind, jobs::subject, jobs::attempts))
            .load(c).await)?;
        rows.into_iter()
            .map(|(id, kind, subject, attempts)| {
                let id = id.parse().map_err(|error| Failure::internal("id of a job", error))?;
                let kind = JobKind::from_name(&kind).ok_or_else(|| Failure::internal("kind of a job", kind))?;
                Ok(Job { id, kind, subject, attempts, lease: lease.clone() })
            })
            .collect()
    })
}

/// Extends the claim from now on; `false` if it was lost.
pub(crate) async fn hold(tx: &mut Tx, world: &World, job: &Job) -> Result<bool, Failure> {
    let until = world.now().plus(LEASE).0;
    let held = on_db!(tx, conn => diesel::update(jobs::table)
        .filter(jobs::id.eq(job.id.as_str()))
        .filter(jobs::locked_by.eq(&job.lease))
        .set(jobs::locked_until.eq(until))
        .execute(conn).await)?;
    Ok(held == 1)
}

/// Ends the claim and puts the job back for a later attempt; `false` if the claim was lost.
pub(crate) async fn put_back(tx: &mut Tx, job: &Job, run_at: Millis, attempts: i32) -> Result<bool, Failure> {
    let held = on_db!(tx, conn => diesel::update(jobs::table)
        .filter(jobs::id.eq(job.id.as_str()))
        .filter(jobs::locked_by.eq(&job.lease))
        .set((
            jobs::run_at.eq(run_at.0),
            jobs::attempts.eq(attempts),
            jobs::locked_by.eq(None::<String>),
            jobs::locked_until.eq(None::<i64>),
        ))
        .execute(conn).await)?;
    Ok(held == 1)
}

/// Deletes the job because its work is done, whoever holds it now.
pub(crate) async fn finish(tx: &mut Tx, job: &Job) -> Result<(), Failure> {
    on_db!(tx, conn => diesel::delete(jobs::table).filter(jobs::id.eq(job.id.as_str())).execute(conn).await)?;
    Ok(())
}

/// Deletes the job without its work done; `false` if the claim was lost, and then somebody else decides.
pub(crate) async fn give_up(tx: &mut Tx, job: &Job) -> Result<bool, Failure> {
    let held = on_db!(tx, conn => diesel::delete(jobs::table)
        .filter(jobs::id.eq(job.id.as_str()))
        .filter(jobs::locked_by.eq(&job.lease))
        .execute(conn).await)?;
    Ok(held == 1)
}

/// When to try again after so many attempts: 30 s, doubled each time up to 4 h, a quarter more or less at random so
/// that what failed together does not come back together.
pub(crate) fn back_off(world: &World, attempts: i32) -> Millis {
    let doublings = attempts.clamp(1, 30) - 1;
    let base = (BACK_OFF_FIRST << doublings).min(BACK_OFF_LONGEST);
    let jitter = i64::from(u32::from_le_bytes(world.bytes())) % (base / 2);
    world.now().plus((base - base / 4 + jitter).min(BACK_OFF_LONGEST))
}

/// Jobs of one kind that wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    pub kind: &'static str,
    /// Jobs that are due and not done, those being worked on included.
    pub due: i64,
    /// How long the one that waits longest has been due, in milliseconds; 0 if none is. Says whether a worker keeps up.
    pub lag: i64,
    /// Jobs that failed at least [`FAILING`] times and will be tried again.
    pub failing: i64,
}

/// A job that failed so often did not fail by chance.
const FAILING: i32 = 3;

/// What waits, by kind, without periodic work.
///
/// # Errors
/// Of the database.
pub async fn backlog(db: &Db, world: &World) -> Result<Vec<Backlog>, Failure> {
    let now = world.now().0;
    let mut conn = db.read().await?;
    let due: Vec<(String, i64, Option<i64>)> = on_db!(conn, c => jobs::table
        .filter(jobs::run_at.le(now))
        .group_by(jobs::kind)
        .select((jobs::kind, diesel::dsl::count_star(), diesel::dsl::min(jobs::run_at)))
        .load(c).await)?;
    let failing: Vec<(String, i64)> = on_db!(conn, c => jobs::table
        .filter(jobs::attempts.ge(FAILING))
        .group_by(jobs::kind)
        .select((jobs::kind, diesel::dsl::count_star()))
        .load(c).await)?;
    let kinds = JobKind::ALL.into_iter().filter(|kind| *kind != JobKind::Periodic).map(JobKind::as_str);
    Ok(kinds
        .map(|kind| {
            let (count, oldest) = due.iter().find(|row| row.0 == kind).map_or((0, None), |row| (row.1, row.2));
            let failing = failing.iter().find(|row| row.0 == kind).map_or(0, |row| row.1);
            Backlog { kind, due: count, lag: oldest.map_or(0, |run_at| now.saturating_sub(run_at)), failing }
        })
        .collect())
}
