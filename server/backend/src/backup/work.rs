//! One database of a serving process: its shipper, its base copies, and what becomes of them when something fails.

use std::thread::{self, JoinHandle};

use shutterpost_model::time::{DAY, Millis};

use super::base::{BaseMade, Snapshot};
use super::service::Shipped;
use super::ship::{self, Link, Seen, Shipper};
use super::sqlite::{self, Hold};
use super::status::{DatabaseStatus, Status};
use super::{BackupFailure, Backups, Database, Source};
use crate::db::Db;

/// Between two base copies.
const BASE: i64 = DAY;
/// Until a base copy that failed is made again, when there is another one. Doubled each time it fails.
const AGAIN: i64 = 10 * 60_000;
/// The same while there is none.
const SOON: i64 = 10_000;
/// Never longer than this.
const LATEST: i64 = 4 * 3_600_000;

type BaseJob = JoinHandle<Result<BaseMade, BackupFailure>>;

/// One database and what is going on with it.
pub(super) struct Work {
    pub(super) source: Source,
    /// Until there is a shipper, which has its own.
    hold: Option<Hold>,
    db: Db,
    shipper: Option<Shipper>,
    base_due: Option<Millis>,
    /// Without one nothing of the chain can be restored.
    has_base: bool,
    /// Attempts at a base copy since the last that came about.
    failed: u32,
    /// A moment whose last segment is not in the target yet.
    taken: Option<Snapshot>,
    base: Option<BaseJob>,
}

impl Work {
    pub(super) fn new(Shipped { source, hold, db }: Shipped) -> Self {
        Self { source, hold, db, shipper: None, base_due: None, has_base: false, failed: 0, taken: None, base: None }
    }

    /// Somebody else ships.
    pub(super) fn let_others(&mut self) {
        self.hold = None;
    }

    /// With the shipper's hold on the log SQLite's own checkpoints only cost time.
    pub(super) async fn leave_checkpoints(&self) {
        self.db.leave_checkpoints().await;
    }

    /// Ends the work; the log stays as it is.
    pub(super) fn leave(self) {
        if let Some(shipper) = self.shipper {
            shipper.leave();
        }
    }

    /// How far the log is; a broken chain is begun anew.
    pub(super) fn look(&mut self, backups: &Backups) -> Result<Option<Seen>, BackupFailure> {
        let shipper = match self.shipper.take() {
            Some(shipper) => shipper,
            None => {
                self.forget_bases();
                Shipper::start(backups, self.source.clone(), &mut self.hold)?
            }
        };
        let seen = shipper.look();
        if !matches!(seen, Ok(None)) {
            self.shipper = Some(shipper);
            return seen;
        }
        tracing::warn!(backup.database = self.source.database.as_str(), "the log was emptied before it was shipped");
        self.forget_bases();
        let shipper = shipper.begin_anew()?;
        let seen = shipper.look();
        self.shipper = Some(shipper);
        seen
    }

    /// Brings what was seen to the target. `None` if there is nothing to ship with.
    pub(super) fn ship(
        &mut self,
        seen: Option<Seen>,
        status: &mut DatabaseStatus,
    ) -> Result<Option<()>, BackupFailure> {
        let (Some(shipper), Some(seen)) = (&mut self.shipper, seen) else { return Ok(None) };
        let until = seen.since();
        shipper.ship(seen)?;
        if shipper.empty_log()? == Link::Broken {
            return Ok(None);
        }
        if self.has_base {
            status.shipped_until = Some(until);
        }
        status.problem = None;
        status.generation = Some(shipper.generation().to_owned());
        status.segments = shipper.segments();
        Ok(Some(()))
    }

    /// What belongs to a chain that is given up.
    fn forget_bases(&mut self) {
        (self.base_due, self.has_base, self.failed, self.taken) = (None, false, 0, None);
    }

    /// Whether something of the log is in memory alone.
    pub(super) fn is_waiting(&self) -> bool {
        self.taken.is_some() || self.shipper.as_ref().is_some_and(Shipper::is_waiting)
    }

    /// Whether a base copy is being made.
    #[cfg(test)]
    pub(super) const fn is_copying(&self) -> bool {
        self.base.is_some()
    }

    /// Lets go of a log that has grown too long while nothing is shipped.
    pub(super) fn relieve(&mut self, backups: &Backups) {
        // It would keep the log; there will be another.
        self.taken = None;
        let relieved = match &mut self.shipper {
            Some(shipper) => shipper.relieve(),
            None => self.relieve_without_shipper(backups.0.limits.most),
        };
        if let Err(failure) = relieved {
            warn("backup.log", &failure);
        }
    }

    fn relieve_without_shipper(&mut self, most: u64) -> Result<(), BackupFailure> {
        if ship::is_too_long(&self.source, most)? {
            self.hold = None;
            sqlite::checkpoint(&self.source)?;
        }
        Ok(())
    }

    /// Until a base copy that failed is tried again.
    fn again(&mut self) -> i64 {
        let first = if self.has_base { AGAIN } else { SOON };
        let wait = first.saturating_mul(1 << self.failed.min(16)).min(LATEST);
        self.failed += 1;
        wait
    }

    /// Begins a base copy when one is due and takes the last one's result. Gives whether something happened.
    pub(super) fn bases(&mut self, backups: &Backups, status: &mut Status) -> bool {
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
                    if let Some(problem) = &made.chain_problem {
                        tracing::error!(error.cause = %problem, "the backups before the newest copy are not whole");
                    }
                    // It may be of a chain that was given up meanwhile.
                    if self.shipper.as_ref().is_some_and(|shipper| made.is_of(shipper.generation())) {
                        (self.base_due, self.has_base, self.failed) = (Some(time.plus(BASE)), true, 0);
                    }
                    (status.base, status.base_problem) = (Some(made.status()), made.chain_problem);
                }
                Some(Err(failure)) => self.base_failed(&failure, backups, status),
                None => self.base_due = Some(backups.now().plus(self.again())),
            }
            return true;
        }
        if self.base.is_none()
            && let Err(failure) = self.begin_base(backups, status)
        {
            self.base_failed(&failure, backups, status);
            return true;
        }
        false
    }

    fn base_failed(&mut self, failure: &BackupFailure, backups: &Backups, status: &mut DatabaseStatus) {
        warn("backup.base", failure);
        status.base_problem = Some(failure.to_string());
        self.base_due = Some(backups.now().plus(self.again()));
    }

    fn begin_base(&mut self, backups: &Backups, status: &DatabaseStatus) -> Result<(), BackupFailure> {
        let Some(shipper) = &mut self.shipper else { return Ok(()) };
        if self.taken.is_none() {
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
            if due > backups.now() && !(renewed && self.failed == 0) {
                return Ok(());
            }
            self.taken = shipper.snapshot()?;
        }
        // The chain before it is checked with it, and so has to be there.
        if shipper.is_waiting() {
            return Ok(());
        }
        let Some(snapshot) = self.taken.take() else { return Ok(()) };
        let backups = backups.clone();
        let job = thread::Builder::new().name("backup-base".into()).spawn(move || backups.make_base(snapshot));
        self.base = Some(job.map_err(|error| self.source.refused(error))?);
        Ok(())
    }
}

/// What a thread gave; `None` if it panicked, which its hook has told.
pub(super) fn joined<T>(job: JoinHandle<T>) -> Option<T> {
    job.join().ok()
}

pub(super) fn warn(step: &'static str, failure: &BackupFailure) {
    tracing::error!(backup.step = step, error.cause = %failure, "a backup failed and is tried again");
}
