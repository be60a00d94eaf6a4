//! One database of a serving process: how it is shipped, its base copies, and what becomes of them when something fails.

use std::thread::{self, JoinHandle};

use shutterpost_model::time::{DAY, Millis};

use super::base::BaseMade;
use super::files::Files;
use super::status::{DatabaseStatus, Status};
use super::{BackupFailure, Backups, Database, postgres, ship};

/// Between two base copies.
const BASE: i64 = DAY;
/// Until a base copy that failed is made again, when there is another one. Doubled each time it fails.
const AGAIN: i64 = 10 * 60_000;
/// The same while there is none.
const SOON: i64 = 10_000;
/// Never longer than this.
const LATEST: i64 = 4 * 3_600_000;

type BaseJob = JoinHandle<Result<BaseMade, BackupFailure>>;

/// How a database is shipped.
#[expect(clippy::large_enum_variant, reason = "there are two of them, which live as long as the thread")]
pub(super) enum Engine {
    Files(Files),
    Cluster(Box<postgres::Work>),
}

/// How far a database was committed when it was looked at.
pub(super) enum Seen {
    Files(ship::Seen),
    Cluster(postgres::Seen),
}

impl Seen {
    /// When the look ended: nothing that was committed later is in it.
    pub(super) const fn at(&self) -> Millis {
        match self {
            Self::Files(seen) => seen.at(),
            Self::Cluster(seen) => seen.at(),
        }
    }
}

/// One database and what is going on with it.
pub(super) struct Work {
    pub(super) engine: Engine,
    base_due: Option<Millis>,
    /// Without one nothing of the chain can be restored.
    has_base: bool,
    /// Attempts at a base copy since the last that came about.
    failed: u32,
    base: Option<BaseJob>,
}

impl Work {
    pub(super) const fn new(engine: Engine) -> Self {
        Self { engine, base_due: None, has_base: false, failed: 0, base: None }
    }

    pub(super) const fn database(&self) -> Database {
        match &self.engine {
            Engine::Files(files) => files.source.database,
            Engine::Cluster(cluster) => cluster.database(),
        }
    }

    /// Whether this process may ship it, as far as its server knows.
    pub(super) fn claim(&mut self, backups: &Backups) -> Result<bool, BackupFailure> {
        match &mut self.engine {
            Engine::Files(_) => Ok(true),
            Engine::Cluster(cluster) => cluster.claim(backups),
        }
    }

    /// Somebody else ships.
    pub(super) fn let_others(&mut self) {
        if let Engine::Files(files) = &mut self.engine {
            files.let_others();
        }
    }

    /// The one that ships empties the log.
    pub(super) async fn leave_checkpoints(&self) {
        if let Engine::Files(files) = &self.engine {
            files.leave_checkpoints().await;
        }
    }

    /// Ends the work; the next start goes on with the chain.
    pub(super) fn leave(self) {
        match self.engine {
            Engine::Files(files) => files.leave(),
            Engine::Cluster(cluster) => cluster.leave(),
        }
    }

    /// How far the database is committed.
    pub(super) fn look(&mut self, backups: &Backups) -> Result<Option<Seen>, BackupFailure> {
        let (seen, begun) = match &mut self.engine {
            Engine::Files(files) => {
                let (seen, begun) = files.look(backups);
                (seen.map(|seen| seen.map(Seen::Files)), begun)
            }
            Engine::Cluster(cluster) => {
                let (seen, begun) = cluster.look(backups);
                (seen.map(|seen| seen.map(Seen::Cluster)), begun)
            }
        };
        if begun {
            (self.base_due, self.has_base, self.failed) = (None, false, 0);
        }
        seen
    }

    /// Brings what was seen to the target. Gives until when everything is there, if that is known.
    pub(super) fn ship(&mut self, seen: Seen, status: &mut DatabaseStatus) -> Result<Option<Millis>, BackupFailure> {
        let until = match (&mut self.engine, seen) {
            (Engine::Files(files), Seen::Files(seen)) => files.ship(seen)?,
            (Engine::Cluster(cluster), Seen::Cluster(seen)) => cluster.ship(seen)?,
            _ => None,
        };
        if until.is_some() {
            if self.has_base {
                status.shipped_until = until;
            }
            status.problem = None;
            if let Some((generation, segments)) = self.chain() {
                (status.generation, status.segments) = (Some(generation.to_owned()), segments);
            }
        }
        Ok(until)
    }

    /// The chain that grows, and its segments.
    fn chain(&self) -> Option<(&str, u64)> {
        match &self.engine {
            Engine::Files(files) => files.chain(),
            Engine::Cluster(cluster) => cluster.chain(),
        }
    }

    /// Whether something of the log is in memory alone.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(&self.engine, Engine::Files(files) if files.is_waiting())
    }

    /// Whether a base copy is being made, or the first one cannot begin yet.
    #[cfg(test)]
    pub(super) fn is_copying(&self) -> bool {
        self.base.is_some() || matches!(&self.engine, Engine::Cluster(cluster) if cluster.is_beginning())
    }

    /// Lets go of a log that has grown too long while nothing is shipped.
    pub(super) fn relieve(&mut self, backups: &Backups) {
        let relieved = match &mut self.engine {
            Engine::Files(files) => files.relieve(backups),
            Engine::Cluster(cluster) => cluster.relieve(),
        };
        if let Err(failure) = relieved {
            warn("backup.log", &failure);
        }
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
        let database = self.database();
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
                    if self.chain().is_some_and(|(generation, _)| made.is_of(generation)) {
                        (self.base_due, self.has_base, self.failed) = (Some(time.plus(BASE)), true, 0);
                    }
                    status.unchecked.clone_from(&made.unchecked);
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
        let Some((generation, _)) = self.chain() else { return Ok(()) };
        if !matches!(&self.engine, Engine::Files(files) if files.is_taken()) {
            let due = match self.base_due {
                Some(due) => due,
                // At the start: a day after the last one of this chain, or now.
                None => {
                    let last = backups.bases(self.database(), generation)?.pop();
                    self.has_base = last.is_some();
                    last.map_or(backups.now(), |base| base.time.plus(BASE))
                }
            };
            self.base_due = Some(due);
            // What is sealed under an older root is noise when that is destroyed, which is soon.
            let renewed = self.database() == Database::Keys
                && status.base.as_ref().is_none_or(|base| base.root != backups.newest_root().ok());
            if due > backups.now() && !(renewed && self.failed == 0) {
                return Ok(());
            }
        }
        let thread = thread::Builder::new().name("backup-base".into());
        let begun = match &mut self.engine {
            Engine::Files(files) => {
                let Some(snapshot) = files.snapshot()? else { return Ok(()) };
                let backups = backups.clone();
                thread.spawn(move || backups.make_base(snapshot))
            }
            Engine::Cluster(cluster) => match cluster.base(backups) {
                Some(make) => thread.spawn(make),
                None => return Ok(()),
            },
        };
        self.base = Some(begun.map_err(|error| BackupFailure::Target(format!("no thread for a base copy: {error}")))?);
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
