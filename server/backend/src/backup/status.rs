//! What was shipped and checked, in the target: for the operator, for metrics, and for those who wait until a backup is
//! done. Names of objects and times, nothing else; not sealed.

use serde::{Deserialize, Serialize};
use shutterpost_model::time::Millis;

use super::target::Target;
use super::{BackupFailure, Database};

const NAME: &str = "status.json";

/// Everything that is noted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    pub data: DatabaseStatus,
    pub keys: DatabaseStatus,
    pub media: MediaStatus,
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
    pub problem: Option<String>,
}

impl Status {
    pub(crate) fn read(target: &Target) -> Result<Self, BackupFailure> {
        let Some(text) = target.get(NAME)? else { return Ok(Self::default()) };
        let damaged = |_| BackupFailure::Damaged { name: NAME.into(), reason: "it does not read; delete it".into() };
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
