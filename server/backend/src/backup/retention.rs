//! What time deletes of the backups themselves.

use std::collections::BTreeSet;

use shutterpost_model::time::{DAY, Millis};

use super::chain::BaseName;
use super::{BackupFailure, Backups, Database, Refused, days};

/// Of data older than the fine days one base copy is kept for so many days.
const COARSE: i64 = 30 * DAY;

/// Which base copies stay, and from which moment on segments do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) bases: Vec<BaseName>,
    pub(super) segments_from: Millis,
}

impl Backups {
    /// From when on every second of the data can be restored.
    pub(super) fn fine(&self) -> Millis {
        self.now().plus(-days(self.0.retention.fine_days))
    }

    /// Decides over base copies, given oldest first. `long` are the generations whose segments reach into the fine days.
    pub(super) fn kept(&self, database: Database, bases: &[BaseName], long: &BTreeSet<String>) -> Kept {
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
        let fine = self.fine();
        // The seconds of the first fine day are replayed onto the last base before it: of each chain that has such
        // seconds, because a copy beside the chain leads nowhere.
        let last = |generation: Option<&String>| {
            let of_it = |base: &&BaseName| generation.is_none_or(|generation| base.generation == *generation);
            bases.iter().filter(of_it).rev().find(|base| base.time <= fine)
        };
        let first = long.iter().map(Some).chain([None]).filter_map(last).min_by_key(|base| base.time);
        let segments_from = first.or(bases.first()).map_or(fine, |base| base.time);
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

    /// Deletes what is past its time; gives what refused to be deleted.
    pub(super) fn prune(&self, database: Database) -> Result<Refused, BackupFailure> {
        let fine = self.fine().0.div_euclid(DAY);
        let (mut all, mut all_days, mut long) = (Vec::new(), Vec::new(), BTreeSet::new());
        for generation in self.generations(database)? {
            all.extend(self.bases(database, &generation)?);
            let days = self.days(database, &generation)?;
            if days.last().and_then(|day| day.parse().ok()).is_some_and(|day: i64| day >= fine) {
                long.insert(generation.clone());
            }
            all_days.push((generation, days));
        }
        all.sort_unstable_by_key(|base| base.time);
        let kept = self.kept(database, &all, &long);
        let mut bad = Refused::default();
        let mut delete = |name: &str| match self.0.target.delete(name) {
            Err(failure) if failure.is_late() => Err(failure),
            Err(failure) => {
                bad.add(name, &failure);
                Ok(())
            }
            Ok(()) => Ok(()),
        };
        for base in all.iter().filter(|base| !kept.bases.contains(base)) {
            delete(&base.text())?;
        }
        for (generation, days) in &all_days {
            for day in days {
                let until = day.parse::<i64>().unwrap_or(i64::MAX / DAY).saturating_add(1).saturating_mul(DAY);
                // Whole days: fewer questions to the target, and nobody needs the rest of one.
                if until > kept.segments_from.0 {
                    continue;
                }
                for segment in self.segments_of(database, generation, day)? {
                    delete(&segment.text())?;
                }
            }
        }
        Ok(bad)
    }
}
