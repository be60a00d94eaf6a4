//! A database of SQLite: its shipper, and what becomes of its log while there is none.

use shutterpost_model::time::Millis;

use super::base::Snapshot;
use super::service::Shipped;
use super::ship::{self, Link, Seen, Shipper};
use super::sqlite::{self, Hold};
use super::{BackupFailure, Backups, Source};
use crate::db::Db;

/// One database as files.
pub(super) struct Files {
    pub(super) source: Source,
    /// Until there is a shipper, which has its own.
    hold: Option<Hold>,
    db: Db,
    shipper: Option<Shipper>,
    /// A moment whose last segment is not in the target yet.
    taken: Option<Snapshot>,
}

impl From<Shipped> for Files {
    fn from(Shipped { source, hold, db }: Shipped) -> Self {
        Self { source, hold, db, shipper: None, taken: None }
    }
}

impl Files {
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

    /// How far the log is; a broken chain is begun anew. With whether a chain began or was taken up by this.
    pub(super) fn look(&mut self, backups: &Backups) -> (Result<Option<Seen>, BackupFailure>, bool) {
        let mut begun = false;
        let seen = self.try_look(backups, &mut begun);
        if begun {
            self.taken = None;
        }
        (seen, begun)
    }

    fn try_look(&mut self, backups: &Backups, begun: &mut bool) -> Result<Option<Seen>, BackupFailure> {
        let shipper = match self.shipper.take() {
            Some(shipper) => shipper,
            None => {
                *begun = true;
                Shipper::start(backups, self.source.clone(), &mut self.hold)?
            }
        };
        let seen = shipper.look();
        if !matches!(seen, Ok(None)) {
            self.shipper = Some(shipper);
            return seen;
        }
        tracing::warn!(backup.database = self.source.database.as_str(), "the log was emptied before it was shipped");
        *begun = true;
        let shipper = shipper.begin_anew()?;
        let seen = shipper.look();
        self.shipper = Some(shipper);
        seen
    }

    /// Brings what was seen to the target. Gives until when everything is there; `None` if the chain broke.
    pub(super) fn ship(&mut self, seen: Seen) -> Result<Option<Millis>, BackupFailure> {
        let Some(shipper) = &mut self.shipper else { return Ok(None) };
        let until = seen.since();
        shipper.ship(seen)?;
        shipper.empty_log().map(|link| (link == Link::Whole).then_some(until))
    }

    /// The chain that grows, and its segments.
    pub(super) fn chain(&self) -> Option<(&str, u64)> {
        self.shipper.as_ref().map(|shipper| (shipper.generation(), shipper.segments()))
    }

    /// Whether something of the log is in memory alone.
    pub(super) fn is_waiting(&self) -> bool {
        self.is_taken() || self.shipper.as_ref().is_some_and(Shipper::is_waiting)
    }

    /// Whether a moment was taken for a base copy that has not begun.
    pub(super) const fn is_taken(&self) -> bool {
        self.taken.is_some()
    }

    /// Takes the present for a base copy. Gives it when the chain before it is in the target, with which it is checked.
    pub(super) fn snapshot(&mut self) -> Result<Option<Snapshot>, BackupFailure> {
        let Some(shipper) = &mut self.shipper else { return Ok(None) };
        if self.taken.is_none() {
            self.taken = shipper.snapshot()?;
        }
        if shipper.is_waiting() {
            return Ok(None);
        }
        Ok(self.taken.take())
    }

    /// Lets go of a log that has grown too long while nothing is shipped.
    pub(super) fn relieve(&mut self, backups: &Backups) -> Result<(), BackupFailure> {
        // It would keep the log; there will be another.
        self.taken = None;
        match &mut self.shipper {
            Some(shipper) => shipper.relieve(),
            None if ship::is_too_long(&self.source, backups.0.limits.most)? => {
                self.hold = None;
                sqlite::checkpoint(&self.source).map(drop)
            }
            None => Ok(()),
        }
    }
}
