//! What was shipped and checked, in the target: for the operator, for metrics, and for those who wait until a backup is
//! done. Names of objects and times, nothing else; not sealed.

use serde::{Deserialize, Serialize};
use shutterpost_model::time::Millis;

use super::target::Target;
use super::{BackupFailure, Database};

pub(super) const NAME: &str = "status.json";
/// So many refused objects are named, the others counted.
const NAMED: usize = 20;

/// Everything that is noted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    pub data: DatabaseStatus,
    pub keys: DatabaseStatus,
    pub media: MediaStatus,
    /// Base copies and segments past their time that could not be deleted.
    pub pruning: Refused,
}

/// Of one database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseStatus {
    /// Everything committed until then can be restored. Unix milliseconds, as all times here.
    pub shipped_until: Option<Millis>,
    /// The chain that grows.
    pub generation: Option<String>,
    /// Segments in it.
    pub segments: u64,
    /// The newest base copy.
    pub base: Option<BaseStatus>,
    /// Why nothing is shipped at the moment.
    pub problem: Option<String>,
    /// Why the last base copy was not made, or did not pass its check.
    pub base_problem: Option<String>,
    /// Why the last base copy was not restored and checked although nothing went wrong.
    pub unchecked: Option<String>,
}

/// A base copy, and how its check went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseStatus {
    pub name: String,
    pub time: Millis,
    pub bytes: u64,
    /// Root generation that it is sealed under; the key store's alone.
    pub root: Option<u32>,
    /// When it was restored and found whole; none if it was not.
    pub verified_at: Option<Millis>,
}

/// Of the stored objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MediaStatus {
    /// When the store was last compared with the target.
    pub compared_at: Option<Millis>,
    /// Objects in the store then.
    pub objects: u64,
    /// Objects and shelves that could not be compared, copied or deleted then.
    pub bad: Refused,
    /// Objects stored since that could not be copied yet.
    pub waiting: Refused,
    /// Both in words, or why nothing was compared.
    pub problem: Option<String>,
}

/// Single objects that something could not be done with, while the others were gone on with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refused {
    pub count: u64,
    /// The first of their names.
    pub names: Vec<String>,
    /// What was said of the first.
    pub reason: Option<String>,
}

impl Refused {
    pub(super) fn add(&mut self, name: &str, failure: &BackupFailure) {
        self.count += 1;
        self.reason.get_or_insert_with(|| failure.to_string());
        if self.names.len() < NAMED {
            self.names.push(name.to_owned());
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.count += other.count;
        self.names.extend(other.names);
        self.names.truncate(NAMED);
        self.reason = self.reason.take().or(other.reason);
    }

    /// In words; `None` if there are none.
    pub fn text(&self) -> Option<String> {
        let reason = self.reason.as_ref()?;
        let more = if self.count > self.names.len() as u64 { " and others" } else { "" };
        Some(format!("{} refused ({}{more}): {reason}", self.count, self.names.join(", ")))
    }
}

impl Status {
    pub(crate) fn read(target: &Target) -> Result<Self, BackupFailure> {
        let Some(text) = target.get(NAME)? else { return Ok(Self::default()) };
        let damaged = |_| BackupFailure::Damaged {
            name: NAME.into(),
            reason: "it does not read; the server writes it anew".into(),
        };
        serde_json::from_slice(&text).map_err(damaged)
    }

    pub(super) fn write(&self, target: &Target) -> Result<(), BackupFailure> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| BackupFailure::Target(error.to_string()))?;
        target.put(NAME, text)
    }

    /// Of one database.
    pub const fn of(&self, database: Database) -> &DatabaseStatus {
        match database {
            Database::Data => &self.data,
            Database::Keys => &self.keys,
        }
    }

    pub(super) const fn of_mut(&mut self, database: Database) -> &mut DatabaseStatus {
        match database {
            Database::Data => &mut self.data,
            Database::Keys => &mut self.keys,
        }
    }
}
