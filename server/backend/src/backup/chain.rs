//! Names of generations, base copies and segments. They hold times and numbers, which order them, and nothing about
//! anybody. What a name says is said again, sealed, in the object's head.

use data_encoding::HEXLOWER;
use shutterpost_model::time::{DAY, Millis};

use super::sealed::{About, Hash, Head};
use super::{BackupFailure, Backups, Database};

/// A base copy's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BaseName {
    pub(super) database: Database,
    pub(super) generation: String,
    pub(super) time: Millis,
    /// Number of the first segment after it.
    pub(super) number: u64,
}

/// A segment's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentName {
    pub(super) database: Database,
    pub(super) generation: String,
    pub(super) number: u64,
    pub(super) time: Millis,
}

impl BaseName {
    pub(super) fn text(&self) -> String {
        let Self { database, generation, time, number } = self;
        format!("{}/{generation}/base/{:013}-{number:012}", database.as_str(), time.0)
    }

    /// Whether the object is the one of this name.
    pub(super) fn is(&self, about: &About) -> bool {
        let named = (self.database, self.generation.as_str(), self.number, self.time);
        named == (about.database, about.generation.as_str(), about.number, about.time)
    }
}

impl SegmentName {
    pub(super) fn text(&self) -> String {
        let Self { database, generation, number, time } = self;
        format!("{}/{generation}/wal/{:08}/{number:012}-{:013}", database.as_str(), day(*time), time.0)
    }

    /// Whether the object is the one of this name.
    pub(super) fn is(&self, about: &About) -> bool {
        let named = (self.database, self.generation.as_str(), self.number, self.time);
        named == (about.database, about.generation.as_str(), about.number, about.time)
    }
}

fn day(time: Millis) -> i64 {
    time.0.div_euclid(DAY)
}

/// The two numbers at the end of a name.
fn numbers(name: &str) -> Option<(u64, u64)> {
    let (one, two) = name.rsplit('/').next()?.split_once('-')?;
    Some((one.parse().ok()?, two.parse().ok()?))
}

fn millis(number: u64) -> Millis {
    Millis(i64::try_from(number).unwrap_or(i64::MAX))
}

impl Backups {
    /// A name for a new generation.
    pub(super) fn new_generation(&self) -> String {
        format!("{:013}-{}", self.now().0, HEXLOWER.encode(&self.0.world.bytes::<4>()))
    }

    /// All generations, oldest first.
    pub(super) fn generations(&self, database: Database) -> Result<Vec<String>, BackupFailure> {
        self.0.target.folders(database.as_str())
    }

    /// The base copies of a generation, oldest first.
    pub(super) fn bases(&self, database: Database, generation: &str) -> Result<Vec<BaseName>, BackupFailure> {
        let names = self.0.target.list(&format!("{}/{generation}/base", database.as_str()))?;
        let base = |name: &String| {
            let (time, number) = numbers(name)?;
            Some(BaseName { database, generation: generation.to_owned(), time: millis(time), number })
        };
        Ok(names.iter().filter_map(base).collect())
    }

    /// Days of which a generation has segments, oldest first.
    pub(super) fn days(&self, database: Database, generation: &str) -> Result<Vec<String>, BackupFailure> {
        self.0.target.folders(&format!("{}/{generation}/wal", database.as_str()))
    }

    /// The segments of a day, in order.
    pub(super) fn segments_of(
        &self,
        database: Database,
        generation: &str,
        day: &str,
    ) -> Result<Vec<SegmentName>, BackupFailure> {
        let names = self.0.target.list(&format!("{}/{generation}/wal/{day}", database.as_str()))?;
        let segment = |name: &String| {
            let (number, time) = numbers(name)?;
            Some(SegmentName { database, generation: generation.to_owned(), number, time: millis(time) })
        };
        Ok(names.iter().filter_map(segment).collect())
    }

    /// The segments after a base until a moment, in order.
    pub(super) fn segments(&self, base: &BaseName, until: Millis) -> Result<Vec<SegmentName>, BackupFailure> {
        let mut found = Vec::new();
        for day in self.days(base.database, &base.generation)? {
            let number: i64 = day.parse().unwrap_or(-1);
            if (self::day(base.time)..=self::day(until)).contains(&number) {
                found.extend(self.segments_of(base.database, &base.generation, &day)?);
            }
        }
        found.retain(|segment| segment.number >= base.number && segment.time <= until);
        found.sort_unstable_by_key(|segment| segment.number);
        Ok(found)
    }

    /// The last link of the newest chain that grows: its base or its last segment. `None` if there is nothing to go on
    /// with.
    pub(super) fn last_link(&self, database: Database) -> Result<Option<(About, Hash)>, BackupFailure> {
        for generation in self.generations(database)?.into_iter().rev() {
            let bases = self.bases(database, &generation)?;
            let Some(base) = bases.last() else { continue };
            let last_day = self.days(database, &generation)?.pop();
            let segments = match last_day {
                Some(day) => self.segments_of(database, &generation, &day)?,
                None => Vec::new(),
            };
            let Some(segment) = segments.last().filter(|segment| segment.number >= base.number) else {
                let about = match self.open_base(&base.text()) {
                    Ok((Head { about, .. }, _)) => about,
                    // Of before a rotation: the chain that grows is another, or there is none.
                    Err(BackupFailure::RootGone { .. }) => continue,
                    Err(BackupFailure::Damaged { .. } | BackupFailure::Exchanged { .. }) => return Ok(None),
                    Err(failure) => return Err(failure),
                };
                if about.end.is_none() {
                    // A copy made beside the chain, or of a database that had no log.
                    continue;
                }
                let previous = about.previous.clone();
                return Ok(base.is(&about).then_some((about, previous)));
            };
            let found = match self.get_segment(&segment.text()) {
                // Nobody can go on from it; a new chain begins.
                Err(
                    BackupFailure::RootGone { .. } | BackupFailure::Damaged { .. } | BackupFailure::Exchanged { .. },
                ) => return Ok(None),
                other => other?,
            };
            return Ok(found.map(|(head, hash, _)| (head.about, hash)).filter(|(about, _)| segment.is(about)));
        }
        Ok(None)
    }
}
