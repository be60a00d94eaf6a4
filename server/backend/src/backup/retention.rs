//! What time deletes of the backups themselves.

use std::collections::BTreeSet;

use shutterpost_model::time::{DAY, Millis};

use super::chain::BaseName;
use super::{BackupFailure, Backups, Database, days};

/// Of data older than the fine days one base copy is kept for so many days.
const COARSE: i64 = 30 * DAY;

/// Which base copies stay, and from which moment on segments do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) bases: Vec<BaseName>,
    pub(super) segments_from: Millis,
}

impl Backups {
    /// Decides over base copies, given oldest first.
    pub(super) fn kept(&self, database: Database, bases: &[BaseName]) -> Kept {
        let retention = self.0.retention;
        let now = self.now();
        let ago = |millis: i64| now.plus(-millis);
        if database == Database::Keys {
            // No exception, not even for the last one: it is noise by then, and the promise is that it is gone.
            let oldest = ago(days(retention.key_days));
            let bases: Vec<_> = bases.iter().filter(|base| base.time >= oldest).cloned().collect();
            let segments_from = bases.first().map_or(oldest, |base| base.time);
            return Kept { bases, segments_from };
        }
        let fine = ago(days(retention.fine_days));
        // The seconds of the first fine day are replayed onto the last base before it.
        let first = bases.iter().rev().find(|base| base.time <= fine).or(bases.first());
        let segments_from = first.map_or(fine, |base| base.time);
        let oldest = ago(days(retention.days));
        let mut months = BTreeSet::new();
        let bases = bases
            .iter()
            .filter(|base| {
                base.time >= segments_from || (base.time >= oldest && months.insert(base.time.0.div_euclid(COARSE)))
            })
            .cloned()
            .collect();
        Kept { bases, segments_from }
    }

    /// Deletes what is past its time; gives how many objects went.
    pub(super) fn prune(&self, database: Database) -> Result<u64, BackupFailure> {
        let generations = self.generations(database)?;
        let mut all = Vec::new();
        for generation in &generations {
            all.extend(self.bases(database, generation)?);
        }
        all.sort_unstable_by_key(|base| base.time);
        let kept = self.kept(database, &all);
        let mut deleted = 0;
        for base in all.iter().filter(|base| !kept.bases.contains(base)) {
            self.0.target.delete(&base.text())?;
            deleted += 1;
        }
        for generation in &generations {
            for day in self.days(database, generation)? {
                let until = day.parse::<i64>().unwrap_or(i64::MAX / DAY).saturating_add(1).saturating_mul(DAY);
                // Whole days: fewer questions to the target, and nobody needs the rest of one.
                if until > kept.segments_from.0 {
                    continue;
                }
                for segment in self.segments_of(database, generation, &day)? {
                    self.0.target.delete(&segment.text())?;
                    deleted += 1;
                }
            }
        }
        Ok(deleted)
    }
}
