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

use super::files::Files;
use super::status::{MediaStatus, Refused, Status};
use super::work::{Engine, Seen, Work, joined, warn};
use super::{BackupFailure, Backups, Database, Source, beside, media, postgres, sqlite};
use crate::db::Db;
use crate::keystore::Copies;
use crate::storage::Storage;

/// Between two looks at the logs.
const TICK: Duration = Duration::from_secs(1);
/// Between two notes of the status, in milliseconds.
const NOTE: i64 = 10_000;
/// Until something that failed is tried again.
const AGAIN: i64 = 10 * 60_000;
/// Until single objects that were refused are tried again.
const BAD: i64 = 3_600_000;

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
    pub fn start(
        self,
        databases: Vec<Shipped>,
        clusters: Vec<postgres::Cluster>,
        storage: Storage,
    ) -> io::Result<Running> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("backup".into()).spawn(move || {
            let mut service = Service::new(self, databases, clusters, storage);
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
                    && let unchecked = keys.unchecked.is_some()
                    && keys
                        .base
                        .is_some_and(|base| base.root == Some(generation) && (base.verified_at.is_some() || unchecked))
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

type TidyJob = JoinHandle<(Result<MediaStatus, BackupFailure>, Result<Refused, BackupFailure>)>;

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
    /// Whether this process has all locks.
    is_alone: bool,
    lock_path: Option<PathBuf>,
    /// Why nothing could be begun.
    problem: Option<String>,
    /// None until it was read.
    status: Option<Status>,
    noted_at: Option<Millis>,
    tidy_due: Millis,
    tidy: Option<TidyJob>,
}

impl Service {
    pub(super) fn new(
        backups: Backups,
        databases: Vec<Shipped>,
        clusters: Vec<postgres::Cluster>,
        storage: Storage,
    ) -> Self {
        let clusters = clusters.into_iter().map(|cluster| Engine::Cluster(Box::new(postgres::Work::new(cluster))));
        let files = databases.into_iter().map(|shipped| Engine::Files(Files::from(shipped)));
        let mut works: Vec<Work> = files.chain(clusters).map(Work::new).collect();
        works.sort_by_key(|work| work.database() == Database::Keys);
        // A file where there is one; of servers the connection that ships has the lock.
        let lock_path = works.iter().find_map(|work| match &work.engine {
            Engine::Files(files) => Some(beside(&files.source.path, ".backup.lock")),
            Engine::Cluster(_) => None,
        });
        Self {
            tidy_due: backups.now(),
            backups,
            works,
            storage,
            objects: Vec::new(),
            lock: None,
            is_alone: false,
            lock_path,
            problem: None,
            status: None,
            noted_at: None,
            tidy: None,
        }
    }

    /// One look at everything.
    pub(super) fn tick(&mut self) {
        match self.prepare() {
            Ok(true) => self.problem = None,
            Ok(false) => {
                // Somebody else ships; what this process stored it still copies itself.
                self.works.iter_mut().for_each(Work::let_others);
                return self.copy_objects();
            }
            Err(failure) => {
                warn_once("backup.start", &failure, &mut self.problem);
                return self.works.iter_mut().for_each(|work| work.relieve(&self.backups));
            }
        }
        self.ship();
        let due = self.bases();
        let tidied = self.tidy();
        self.note(due || tidied);
    }

    /// The last look: what is committed is in the target after it.
    pub(super) fn finish(mut self) {
        if !self.is_alone {
            return self.copy_objects();
        }
        self.ship();
        // The log may have been emptied, and the last of it be in memory alone.
        if self.works.iter().any(Work::is_waiting) {
            self.ship();
        }
        self.note(true);
        self.works.into_iter().for_each(Work::leave);
    }

    /// Takes what the work needs. `false` if another process does it.
    fn prepare(&mut self) -> Result<bool, BackupFailure> {
        if !self.is_alone && !self.take_locks()? {
            return Ok(false);
        }
        if self.status.is_none() {
            self.status = Some(match self.backups.status() {
                // It says nothing that cannot be found out again.
                Err(failure @ BackupFailure::Damaged { .. }) => {
                    warn("backup.status", &failure);
                    Status::default()
                }
                other => other?,
            });
        }
        Ok(true)
    }

    fn take_locks(&mut self) -> Result<bool, BackupFailure> {
        if let Some(path) = self.lock_path.as_ref().filter(|_| self.lock.is_none()) {
            let failed = |error: io::Error| super::file_failure(path, error);
            let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(false),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            self.lock = Some(file);
        }
        for work in &mut self.works {
            if !work.claim(&self.backups)? {
                return Ok(false);
            }
        }
        self.is_alone = true;
        for work in &self.works {
            self.backups.0.target.wait_for(work.leave_checkpoints());
        }
        Ok(true)
    }

    /// Brings what is new to the target. The data are looked at before the keys and stored after them, as are objects:
    /// whatever is in the target has its keys and its files there.
    fn ship(&mut self) {
        let Self { backups, works, .. } = self;
        let seen: Vec<_> = works.iter_mut().map(|work| work.look(backups)).collect();
        // When the data were looked at: until then every key must be in the target before them.
        let looked = seen.first().and_then(|seen| seen.as_ref().ok()?.as_ref()).map(Seen::at);
        self.copy_objects();
        let Some(status) = &mut self.status else { return };
        let mut keys_are_there = true;
        for (work, seen) in self.works.iter_mut().zip(seen).rev() {
            let status = status.of_mut(work.database());
            let outcome = seen.and_then(|seen| match seen {
                Some(seen) if keys_are_there => work.ship(seen, status),
                _ => Ok(None),
            });
            match outcome {
                Ok(Some(until)) => keys_are_there = looked.is_none_or(|looked| until >= looked),
                Ok(None) if keys_are_there => keys_are_there = matches!(work.engine, Engine::Files(_)),
                // Waits for the keys; its log grows meanwhile.
                Ok(None) => work.relieve(&self.backups),
                Err(failure) => {
                    keys_are_there = false;
                    warn_once("backup.ship", &failure, &mut status.problem);
                    work.relieve(&self.backups);
                }
            }
        }
    }

    fn bases(&mut self) -> bool {
        let Some(status) = &mut self.status else { return false };
        self.works.iter_mut().map(|work| work.bases(&self.backups, status)).fold(false, |a, b| a | b)
    }

    fn copy_objects(&mut self) {
        self.objects.append(&mut self.storage.take_fresh());
        let names = std::mem::take(&mut self.objects);
        let (left, bad) = media::copy(&self.backups, &self.storage, names);
        self.objects = left;
        let mut unknown = MediaStatus::default();
        let media = self.status.as_mut().map_or(&mut unknown, |status| &mut status.media);
        if media.waiting != bad {
            if let Some(text) = bad.text() {
                tracing::error!(error.cause = %text, "stored objects were not copied and are tried again");
            }
            media.waiting = bad;
            media.problem = media.waiting.text().or(media.bad.text());
        }
    }

    /// Compares stored objects and deletes what is past its time, once a day.
    fn tidy(&mut self) -> bool {
        let Some(status) = &mut self.status else { return false };
        if let Some(job) = self.tidy.take_if(|job| job.is_finished()) {
            let mut next = DAY;
            match joined(job) {
                Some((media, pruned)) => {
                    match media {
                        Ok(media) => {
                            let waiting = std::mem::take(&mut status.media.waiting);
                            let problem = media.problem.or(waiting.text());
                            status.media = MediaStatus { waiting, problem, ..media };
                        }
                        Err(failure) => {
                            warn("backup.media", &failure);
                            status.media.problem = Some(failure.to_string());
                            next = AGAIN;
                        }
                    }
                    match pruned {
                        Ok(pruned) => status.pruning = pruned,
                        Err(failure) => {
                            warn("backup.prune", &failure);
                            next = AGAIN;
                        }
                    }
                    for bad in [&status.media.bad, &status.pruning] {
                        if let Some(text) = bad.text() {
                            tracing::error!(error.cause = %text, "a part of the backups is tried again");
                            next = next.min(BAD);
                        }
                    }
                }
                None => next = AGAIN,
            }
            self.tidy_due = self.backups.now().plus(next);
            return true;
        }
        if self.tidy.is_none() && self.tidy_due <= self.backups.now() {
            let (backups, storage) = (self.backups.clone(), self.storage.clone());
            let databases: Vec<Database> = self.works.iter().map(Work::database).collect();
            let job = thread::Builder::new().name("backup-tidy".into()).spawn(move || {
                let mut pruned = Refused::default();
                let outcome =
                    databases.iter().try_for_each(|database| backups.prune(*database).map(|bad| pruned.append(bad)));
                (media::compare(&backups, &storage), outcome.map(|()| pruned))
            });
            self.tidy = job.map_err(|error| tracing::warn!(error.cause = %error, "no thread for backups")).ok();
        }
        false
    }

    /// Writes the status now and then, and when something happened.
    fn note(&mut self, now: bool) {
        let Some(status) = &self.status else { return };
        let time = self.backups.now();
        if !now && self.noted_at.is_some_and(|at| at.plus(NOTE) > time) {
            return;
        }
        match status.write(&self.backups.0.target) {
            Ok(()) => self.noted_at = Some(time),
            Err(failure) => warn("backup.status", &failure),
        }
    }

    /// Whether base copies or comparisons are being made, or the last of a log is in memory.
    #[cfg(test)]
    pub(super) fn is_busy(&self) -> bool {
        self.tidy.is_some() || self.works.iter().any(|work| work.is_copying() || work.is_waiting())
    }
}

/// Tells of a failure when it is another than the last time, and not each second.
fn warn_once(step: &'static str, failure: &BackupFailure, before: &mut Option<String>) {
    let problem = Some(failure.to_string());
    if *before != problem {
        warn(step, failure);
        *before = problem;
    }
}
