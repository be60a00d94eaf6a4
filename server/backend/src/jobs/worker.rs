//! The worker: claims due jobs, runs them side by side, and survives what they do.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use shutterpost_model::error::AppError;
use tokio::task::{Id, JoinSet};
use tokio::time::{sleep, timeout};

use super::queue::{self, Job, JobKind};
use super::{Permit, Wake};
use crate::context::World;
use crate::db::{Db, write_tx};
use crate::error::Failure;

/// Jobs run at once.
const CONCURRENCY: usize = 4;
/// Of these, jobs that nobody waits for: one place is always left for those that somebody does.
const PATIENT: usize = CONCURRENCY - 1;
/// Of those in turn, jobs that take a processor for minutes: the others go on beside them.
const SLOW: usize = PATIENT - 1;
/// Kinds of jobs that are claimed together.
#[derive(Debug, Clone, Copy)]
struct Group {
    patient: bool,
    slow: bool,
}
/// Those that somebody waits for come first, and the slow ones last.
const ALL: [Group; 3] =
    [Group { patient: false, slow: false }, Group { patient: true, slow: false }, Group { patient: true, slow: true }];
const QUICK: [Group; 2] = [ALL[0], ALL[1]];
/// Longest time until a due job is seen although nobody rang.
const POLL: Duration = Duration::from_secs(1);
/// How often the lease of a running job is extended.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// How long running jobs may take to finish when the process stops; longer than an attempt to send.
const GRACE: Duration = Duration::from_secs(40);
/// Wait until a periodic task that failed is tried again, in milliseconds.
const PERIODIC_AGAIN: i64 = 60_000;

/// How a handler left its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The work is done; the worker deletes the job.
    Done,
    /// The handler deleted or put back the job in its own transaction.
    Settled,
}

/// Does the work of one kind of job. It may run more than once for the same job (after a crash), so it repeats
/// harmlessly. A [`Failure`] or a panic puts the job back with growing waits.
#[async_trait]
pub(crate) trait Handler: Send + Sync {
    async fn run(&self, permit: &Permit, job: &Job) -> Result<Outcome, Failure>;
}

/// Work that is due again and again; of all workers on a database one does it at a time.
pub(crate) struct Periodic {
    /// Stable name, unique in the installation.
    pub(crate) name: &'static str,
    pub(crate) every: Duration,
    pub(crate) run: Box<PeriodicRun>,
}

/// What a periodic task does.
pub(crate) type PeriodicRun = dyn Fn(Permit) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync;

/// Runs jobs until it is told to stop.
pub struct Worker {
    db: Db,
    world: World,
    wake: Wake,
    handlers: Vec<(JobKind, Box<dyn Handler>)>,
    periodic: Vec<Periodic>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Worker")
    }
}

impl Worker {
    /// A worker that knows no job yet.
    pub(crate) fn new(db: Db, world: World, wake: Wake) -> Self {
        Self { db, world, wake, handlers: Vec::new(), periodic: Vec::new() }
    }

    /// The worker with a handler for a kind of job; kinds without one are left to other workers.
    pub(crate) fn handle(mut self, kind: JobKind, handler: impl Handler + 'static) -> Self {
        self.handlers.push((kind, Box::new(handler)));
        self
    }

    /// The worker with a periodic task; first due at once.
    pub(crate) fn periodic(mut self, periodic: Periodic) -> Self {
        self.periodic.push(periodic);
        self
    }

    /// Works until `shutdown` is ready; then claims nothing more and gives running jobs time to finish. Whatever still
    /// runs after that is dropped, as in a crash: its lease ends and another worker does it again.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let worker = Arc::new(self);
        let mut running = Running::default();
        let mut announced = worker.periodic.is_empty();
        tokio::pin!(shutdown);
        loop {
            if !announced {
                announced = worker.announce().await.map_err(|failure| warn(failure, "announce")).is_ok();
            }
            worker.fill(&mut running, true, &ALL).await;
            let free = running.free() > 0;
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                () = running.one_ended() => {}
                () = worker.wake.rung(), if free => {}
                () = sleep(POLL), if free => {}
            }
        }
        if timeout(GRACE, running.all_ended()).await.is_err() {
            tracing::warn!(jobs.running = running.tasks.len(), "jobs did not finish in time and will be done again");
        }
    }

    /// Does everything that is due now, periodic and slow work aside, and gives how many jobs ran. For tests and commands
    /// that must not end before their mails are out.
    pub async fn run_due(self: &Arc<Self>) -> usize {
        self.run_until_empty(&QUICK).await
    }

    /// The same, slow work included.
    pub async fn run_all_due(self: &Arc<Self>) -> usize {
        self.run_until_empty(&ALL).await
    }

    async fn run_until_empty(self: &Arc<Self>, groups: &[Group]) -> usize {
        let mut running = Running::default();
        loop {
            self.fill(&mut running, false, groups).await;
            if running.tasks.is_empty() {
                return running.started;
            }
            running.one_ended().await;
        }
    }

    /// The kinds of a group that this worker does.
    fn kinds(&self, periodic: bool, Group { patient, slow }: Group) -> Vec<&'static str> {
        let periodic = (periodic && !self.periodic.is_empty()).then_some(JobKind::Periodic);
        let kinds = self.handlers.iter().map(|(kind, _)| *kind).chain(periodic);
        let wanted = |kind: &JobKind| kind.is_patient() == patient && kind.is_slow() == slow;
        kinds.filter(wanted).map(JobKind::as_str).collect()
    }

    /// Writes the rows of periodic tasks that have none yet.
    async fn announce(&self) -> Result<(), Failure> {
        let names: Vec<_> = self.periodic.iter().map(|periodic| periodic.name).collect();
        let world = self.world.clone();
        write_tx!(self.db, tx => {
            for name in names {
                queue::enqueue(tx, &world, JobKind::Periodic, name, world.now()).await?;
            }
            Ok(())
        })
    }

    /// Claims as many jobs as there is room for and starts them; those that somebody waits for first.
    async fn fill(self: &Arc<Self>, running: &mut Running, periodic: bool, groups: &[Group]) {
        for &Group { patient, slow } in groups {
            let mut room = running.free();
            if patient {
                room = room.min(PATIENT.saturating_sub(running.count(JobKind::is_patient)));
            }
            if slow {
                room = room.min(SLOW.saturating_sub(running.count(JobKind::is_slow)));
            }
            let kinds = self.kinds(periodic, Group { patient, slow });
            let most = i64::try_from(room).unwrap_or(0);
            if most == 0 || kinds.is_empty() {
                continue;
            }
            let claimed = queue::claim(&self.db, &self.world, kinds, running.ids(), most).await;
            match claimed {
                Ok(jobs) => jobs.into_iter().for_each(|job| running.start(Arc::clone(self), job)),
                Err(failure) => warn(failure, "claim"),
            }
        }
    }

    async fn work(&self, job: Job) {
        let ended = AssertUnwindSafe(self.held(&job, self.dispatch(&job))).catch_unwind().await;
        let settled = match ended {
            Ok(Ok(Outcome::Settled)) => Ok(()),
            Ok(Ok(Outcome::Done)) => self.finish(job.clone()).await,
            Ok(Err(failure)) => {
                warn(failure, job.kind.as_str());
                self.put_back(job.clone()).await
            }
            Err(_) => {
                // The panic's text was printed by the hook; it is not repeated, since it may quote anything.
                tracing::error!(job.id = job.id.as_str(), job.kind = job.kind.as_str(), "a job panicked");
                self.put_back(job.clone()).await
            }
        };
        if let Err(failure) = settled {
            // The lease ends by itself, and the job is done again.
            warn(failure, job.kind.as_str());
        }
    }

    /// Runs the work and extends the lease meanwhile. A lost lease does not stop the work: what it does last is to
    /// check the lease itself.
    async fn held<T>(&self, job: &Job, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                result = &mut work => return result,
                () = sleep(HEARTBEAT) => {
                    let (world, job) = (self.world.clone(), job.clone());
                    let held = write_tx!(self.db, tx => queue::hold(tx, &world, &job).await);
                    if let Err(failure) = held {
                        warn(failure, "hold");
                    }
                }
            }
        }
    }

    async fn dispatch(&self, job: &Job) -> Result<Outcome, Failure> {
        if job.kind == JobKind::Periodic {
            return self.run_periodic(job).await;
        }
        let handler = self.handlers.iter().find(|(kind, _)| *kind == job.kind);
        let (_, handler) = handler.ok_or_else(|| Failure::internal("no handler for a job", job.kind.as_str()))?;
        handler.run(&Permit(()), job).await
    }

    async fn run_periodic(&self, job: &Job) -> Result<Outcome, Failure> {
        let Some(periodic) = self.periodic.iter().find(|periodic| periodic.name == job.subject) else {
            // Of another version of the program, which does it; a worker of that version takes it when it comes by.
            let (at, job) = (self.world.now().plus(PERIODIC_AGAIN), job.clone());
            write_tx!(self.db, tx => queue::put_back(tx, &job, at, 0).await)?;
            return Ok(Outcome::Settled);
        };
        (periodic.run)(Permit(())).await?;
        let every = i64::try_from(periodic.every.as_millis()).unwrap_or(i64::MAX);
        let (at, job) = (self.world.now().plus(every), job.clone());
        write_tx!(self.db, tx => queue::put_back(tx, &job, at, 0).await)?;
        Ok(Outcome::Settled)
    }

    async fn finish(&self, job: Job) -> Result<(), Failure> {
        write_tx!(self.db, tx => queue::finish(tx, &job).await)
    }

    async fn put_back(&self, job: Job) -> Result<(), Failure> {
        let at = match job.kind {
            JobKind::Periodic => self.world.now().plus(PERIODIC_AGAIN),
            _ => queue::back_off(&self.world, job.attempts),
        };
        write_tx!(self.db, tx => queue::put_back(tx, &job, at, job.attempts).await.map(|_| ()))
    }
}

/// Logs what went wrong and goes on: the next look at the table tries again.
fn warn(failure: Failure, step: &'static str) {
    // The conversion logs the cause.
    let code = AppError::from(failure).code;
    tracing::warn!(job.step = step, error.code = code.as_str(), "a job did not go through");
}

/// The jobs being worked on in this process.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    jobs: HashMap<Id, (String, JobKind)>,
    started: usize,
}

impl Running {
    fn free(&self) -> usize {
        CONCURRENCY.saturating_sub(self.tasks.len())
    }

    fn ids(&self) -> Vec<String> {
        self.jobs.values().map(|(id, _)| id.clone()).collect()
    }

    /// How many of them are of such a kind.
    fn count(&self, is: impl Fn(JobKind) -> bool) -> usize {
        self.jobs.values().filter(|(_, kind)| is(*kind)).count()
    }

    fn start(&mut self, worker: Arc<Worker>, job: Job) {
        let named = (job.id.as_str().to_owned(), job.kind);
        let task = self.tasks.spawn(async move { worker.work(job).await });
        self.jobs.insert(task.id(), named);
        self.started += 1;
    }

    /// Waits until a job ends; for ever if none runs.
    async fn one_ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => self.jobs.remove(&id),
            Some(Err(error)) => self.jobs.remove(&error.id()),
            None => std::future::pending().await,
        };
    }

    async fn all_ended(&mut self) {
        while !self.tasks.is_empty() {
            self.one_ended().await;
        }
    }
}
