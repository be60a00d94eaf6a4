//! The backups of a serving process, in a thread of their own: a look at both databases each second, a base copy each
//! day, and what time deletes.

use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_trait::async_trait;
use shutterpost_model::time::{DAY, Millis};

use super::base::{BaseMade, Snapshot};
use super::ship::{Link, Shipper};
use super::status::{DatabaseStatus, MediaStatus, Status};
use super::{BackupFailure, Backups, Database, Source, beside, media, sqlite};
use crate::db::Db;
use crate::keystore::Copies;
use crate::storage::Storage;

/// Between two looks at the logs.
const TICK: Duration = Duration::from_secs(1);
/// Between two notes of the status, in milliseconds.
const NOTE: i64 = 10_000;
/// Between two base copies.
const BASE: i64 = DAY;
/// Until something that failed is tried again.
const AGAIN: i64 = 10 * 60_000;

/// A database to be shipped.
#[derive(Debug)]
pub struct Shipped {
    pub source: Source,
    /// Begun before anybody else opened the database; none if there was no database then.
    pub hold: Option<sqlite::Hold>,
    /// Whose checkpoints are left to the shipper.
    pub db: Db,
}

/// The thread, running.
#[derive(Debug)]
pub struct Running {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Ships the rest and ends.
    pub async fn stop(self) {
        // Gone already if the thread ended by itself.
        drop(self.stop);
        let ended = tokio::task::spawn_blocking(move || self.thread.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::error!("the thread of the backups ended early");
        }
    }
}

impl Backups {
    /// Starts the schedule: of all processes on a database, the one that has the lock does the work.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub fn start(self, databases: Vec<Shipped>, storage: Storage) -> io::Result<Running> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("backup".into()).spawn(move || {
            let mut service = Service::new(self, databases, storage);
            loop {
                service.tick();
                if stopped.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            service.finish();
        })?;
        Ok(Running { stop, thread })
    }
}

/// Knows from the target's status how far backups of the key store are.
#[async_trait]
impl Copies for Backups {
    async fn reach(&self, generation: u32, since: Millis) -> bool {
        let reached = async {
            loop {
                let backups = self.clone();
                let status = tokio::task::spawn_blocking(move || backups.status()).await;
                if let Ok(Ok(Status { keys, .. })) = status
                    && keys.base.is_some_and(|base| base.root == Some(generation) && base.verified_at.is_some())
                    && keys.shipped_until.is_some_and(|until| until >= since)
                {
                    return;
                }
                tokio::time::sleep(TICK).await;
            }
        };
        // A target that does not answer says nothing, and so the root stays.
        tokio::time::timeout(self.0.limits.patience, reached).await.is_ok()
    }
}

type BaseJob = JoinHandle<Result<BaseMade, BackupFailure>>;
type TidyJob = JoinHandle<(Result<MediaStatus, BackupFailure>, Result<u64, BackupFailure>)>;

/// One database and what is going on with it.
struct Work {
    source: Source,
    hold: Option<sqlite::Hold>,
    db: Db,
    shipper: Option<Shipper>,
    base_due: Option<Millis>,
    /// Without one nothing of the chain can be restored.
    has_base: bool,
    /// A moment whose last segment is not in the target yet.
    taken: Option<Snapshot>,
    base: Option<BaseJob>,
}

/// Everything that the thread does.
pub(super) struct Service {
    backups: Backups,
    /// Data first, keys second.
    works: Vec<Work>,
    storage: Storage,
    /// Objects that could not be copied yet.
    objects: Vec<String>,
    /// Only one process has it; it ends with the process.
    lock: Option<File>,
    lock_path: Option<PathBuf>,
    lock_problem: Option<String>,
    status: Status,
    noted_at: Option<Millis>,
    tidy_due: Millis,
    tidy: Option<TidyJob>,
}

impl Service {
    pub(super) fn new(backups: Backups, databases: Vec<Shipped>, storage: Storage) -> Self {
        let mut works: Vec<Work> = databases
            .into_iter()
            .map(|Shipped { source, hold, db }| Work {
                source,
                hold,
                db,
                shipper: None,
                base_due: None,
                has_base: false,
                taken: None,
                base: None,
            })
            .collect();
        works.sort_by_key(|work| work.source.database == Database::Keys);
        let lock_path = works.first().map(|work| beside(&work.source.path, ".backup.lock"));
        Self {
            tidy_due: backups.now(),
            backups,
            works,
            storage,
            objects: Vec::new(),
            lock: None,
            lock_path,
            lock_problem: None,
            status: Status::default(),
            noted_at: None,
            tidy: None,
        }
    }

    /// One look at everything.
    pub(super) fn tick(&mut self) {
        if self.lock.is_none() {
            match self.take_lock() {
                Ok(true) => {}
                Ok(false) => {
                    // Somebody else ships; what this process stored it still copies itself.
                    self.works.iter_mut().for_each(|work| work.hold = None);
                    return self.copy_objects();
                }
                Err(failure) => {
                    let problem = failure.to_string();
                    if self.lock_problem.as_ref() != Some(&problem) {
                        warn("backup.lock", &failure);
                        self.lock_problem = Some(problem);
                    }
                    return;
                }
            }
        }
        self.ship();
        let due =
            self.works.iter_mut().map(|work| work.bases(&self.backups, &mut self.status)).fold(false, |a, b| a | b);
        let tidied = self.tidy();
        self.note(due || tidied);
    }

    /// The last look: what is committed is in the target after it.
    pub(super) fn finish(mut self) {
        if self.lock.is_none() {
            return self.copy_objects();
        }
        self.ship();
        // The log may have been emptied, and the last of it be in memory alone.
        if self.works.iter().any(Work::is_waiting) {
            self.ship();
        }
        self.note(true);
        for work in self.works {
            if let Some(shipper) = work.shipper {
                shipper.leave();
            }
        }
    }

    fn take_lock(&mut self) -> Result<bool, BackupFailure> {
        let Some(path) = &self.lock_path else { return Ok(true) };
        let failed = |error: io::Error| super::file_failure(path, error);
        let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        self.status = self.backups.status()?;
        self.lock = Some(file);
        for work in &self.works {
            // With the shipper's hold on the log SQLite's own checkpoints only cost time.
            self.backups.0.target.wait_for(work.db.leave_checkpoints());
        }
        Ok(true)
    }

    /// Brings what is new to the target. The data are looked at before the keys and stored after them, as are objects:
    /// whatever is in the target has its keys and its files there.
    fn ship(&mut self) {
        let Self { backups, works, .. } = self;
        let seen: Vec<_> = works.iter_mut().map(|work| work.look(backups)).collect();
        self.copy_objects();
        let mut keys_are_there = true;
        for (work, seen) in self.works.iter_mut().zip(seen).rev() {
            let outcome = seen.and_then(|seen| match (&mut work.shipper, seen) {
                (Some(shipper), Some(seen)) if keys_are_there => {
                    let until = seen.since();
                    shipper.ship(seen)?;
                    shipper.empty_log().map(|link| (link == Link::Whole).then_some(until))
                }
                _ => Ok(None),
            });
            let status = self.status.of_mut(work.source.database);
            match outcome {
                Ok(Some(until)) => status.shipped(work.has_base.then_some(until), work.shipper.as_ref()),
                Ok(None) if keys_are_there => {}
                // Waits for the keys; its log grows meanwhile.
                Ok(None) => work.relieve(),
                Err(failure) => {
                    keys_are_there = false;
                    let problem = Some(failure.to_string());
                    // Once, and not each second.
                    if status.problem != problem {
                        warn("backup.ship", &failure);
                        status.problem = problem;
                    }
                    work.relieve();
                }
            }
        }
    }

    fn copy_objects(&mut self) {
        self.objects.append(&mut self.storage.take_fresh());
        let names = std::mem::take(&mut self.objects);
        let (left, failure) = media::copy(&self.backups, &self.storage, names);
        self.objects = left;
        if let Some(failure) = failure {
            warn("backup.media", &failure);
        }
    }

    /// Compares stored objects and deletes what is past its time, once a day.
    fn tidy(&mut self) -> bool {
        if let Some(job) = self.tidy.take_if(|job| job.is_finished()) {
            match joined(job) {
                Some((Ok(media), pruned)) => {
                    self.status.media = media;
                    self.tidy_due = self.backups.now().plus(DAY);
                    if let Err(failure) = pruned {
                        warn("backup.prune", &failure);
                        self.tidy_due = self.backups.now().plus(AGAIN);
                    }
                }
                Some((Err(failure), _)) => {
                    warn("backup.media", &failure);
                    self.status.media.problem = Some(failure.to_string());
                    self.tidy_due = self.backups.now().plus(AGAIN);
                }
                None => self.tidy_due = self.backups.now().plus(AGAIN),
            }
            return true;
        }
        if self.tidy.is_none() && self.tidy_due <= self.backups.now() {
            let (backups, storage) = (self.backups.clone(), self.storage.clone());
            let databases: Vec<Database> = self.works.iter().map(|work| work.source.database).collect();
            let job = thread::Builder::new().name("backup-tidy".into()).spawn(move || {
                let pruned = databases.iter().map(|database| backups.prune(*database)).sum();
                (media::compare(&backups, &storage), pruned)
            });
            self.tidy = job.map_err(|error| tracing::warn!(error.cause = %error, "no thread for backups")).ok();
        }
        false
    }

    /// Writes the status now and then, and when something happened.
    fn note(&mut self, now: bool) {
        let time = self.backups.now();
        if !now && self.noted_at.is_some_and(|at| at.plus(NOTE) > time) {
            return;
        }
        match self.status.write(&self.backups.0.target) {
            Ok(()) => self.noted_at = Some(time),
            Err(failure) => warn("backup.status", &failure),
        }
    }

    /// Whether base copies or comparisons are being made.
    #[cfg(test)]
    pub(super) fn is_busy(&self) -> bool {
        self.tidy.is_some() || self.works.iter().any(|work| work.base.is_some() || work.is_waiting())
    }
}

impl Work {
    /// How far the log is; a broken chain is begun anew.
    fn look(&mut self, backups: &Backups) -> Result<Option<super::ship::Seen>, BackupFailure> {
        let shipper = match self.shipper.take() {
            Some(shipper) => shipper,
            None => {
                (self.base_due, self.has_base, self.taken) = (None, false, None);
                Shipper::start(backups, self.source.clone(), &mut self.hold)?
            }
        };
        let seen = shipper.look();
        if !matches!(seen, Ok(None)) {
            self.shipper = Some(shipper);
            return seen;
        }
        tracing::warn!(backup.database = self.source.database.as_str(), "the log was emptied before it was shipped");
        (self.base_due, self.has_base, self.taken) = (None, false, None);
        let shipper = shipper.begin_anew()?;
        let seen = shipper.look();
        self.shipper = Some(shipper);
        seen
    }

    /// Whether something of the log is in memory alone.
    fn is_waiting(&self) -> bool {
        self.taken.is_some() || self.shipper.as_ref().is_some_and(Shipper::is_waiting)
    }

    /// Until a base copy that failed is tried again: soon, while there is none.
    const fn again(&self) -> i64 {
        if self.has_base { AGAIN } else { NOTE }
    }

    /// Lets go of a log that has grown too long.
    fn relieve(&mut self) {
        // It would keep the log; there will be another.
        self.taken = None;
        if let Some(Err(failure)) = self.shipper.as_mut().map(Shipper::relieve) {
            warn("backup.log", &failure);
        }
    }

    /// Begins a base copy when one is due and takes the last one's result. Gives whether something happened.
    fn bases(&mut self, backups: &Backups, status: &mut Status) -> bool {
        let database = self.source.database;
        let status = status.of_mut(database);
        if let Some(job) = self.base.take_if(|job| job.is_finished()) {
            match joined(job) {
                Some(Ok(made)) => {
                    let BaseMade { time, bytes, segments_checked, .. } = made;
                    let name = database.as_str();
                    tracing::info!(
                        backup.database = name,
                        backup.bytes = bytes,
                        backup.segments = segments_checked,
                        "backup checked"
                    );
                    (status.base, status.base_problem) = (Some(made.status()), None);
                    (self.base_due, self.has_base) = (Some(time.plus(BASE)), true);
                }
                Some(Err(failure)) => {
                    warn("backup.base", &failure);
                    status.base_problem = Some(failure.to_string());
                    self.base_due = Some(backups.now().plus(self.again()));
                }
                None => self.base_due = Some(backups.now().plus(self.again())),
            }
            return true;
        }
        if self.base.is_none()
            && let Err(failure) = self.begin_base(backups, status)
        {
            warn("backup.base", &failure);
            status.base_problem = Some(failure.to_string());
            self.base_due = Some(backups.now().plus(self.again()));
            return true;
        }
        false
    }

    fn begin_base(&mut self, backups: &Backups, status: &DatabaseStatus) -> Result<(), BackupFailure> {
        let Some(shipper) = &mut self.shipper else { return Ok(()) };
        if let Some(snapshot) = self.taken.take() {
            // The chain before it is checked with it, and so has to be there.
            if shipper.is_waiting() {
                self.taken = Some(snapshot);
                return Ok(());
            }
            return self.copy(backups, snapshot);
        }
        let due = match self.base_due {
            Some(due) => due,
            // At the start: a day after the last one of this chain, or now.
            None => {
                let last = backups.bases(self.source.database, shipper.generation())?.pop();
                self.has_base = last.is_some();
                last.map_or(backups.now(), |base| base.time.plus(BASE))
            }
        };
        self.base_due = Some(due);
        // What is sealed under an older root is noise when that is destroyed, which is soon.
        let renewed = self.source.database == Database::Keys
            && status.base.as_ref().is_none_or(|base| base.root != backups.newest_root().ok());
        if due > backups.now() && !(renewed && status.base_problem.is_none()) {
            return Ok(());
        }
        self.taken = shipper.snapshot()?;
        if shipper.is_waiting() {
            return Ok(());
        }
        self.taken.take().map_or(Ok(()), |snapshot| self.copy(backups, snapshot))
    }

    fn copy(&mut self, backups: &Backups, snapshot: Snapshot) -> Result<(), BackupFailure> {
        let backups = backups.clone();
        let job = thread::Builder::new().name("backup-base".into()).spawn(move || backups.make_base(snapshot));
        self.base = Some(job.map_err(|error| self.source.refused(error))?);
        Ok(())
    }
}

impl DatabaseStatus {
    fn shipped(&mut self, until: Option<Millis>, shipper: Option<&Shipper>) {
        (self.shipped_until, self.problem) = (until.or(self.shipped_until), None);
        if let Some(shipper) = shipper {
            self.generation = Some(shipper.generation().to_owned());
            self.segments = shipper.segments();
        }
    }
}

/// What a thread gave; `None` if it panicked, which its hook has told.
fn joined<T>(job: JoinHandle<T>) -> Option<T> {
    job.join().ok()
}

fn warn(step: &'static str, failure: &BackupFailure) {
    tracing::error!(backup.step = step, error.cause = %failure, "a backup failed and is tried again");
}
