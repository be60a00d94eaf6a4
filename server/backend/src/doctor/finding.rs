//! What a check says: in words for people, in numbers for monitoring.

use serde::Serialize;
use shutterpost_model::time::Millis;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Good,
    /// It works, and a promise rests on somebody's doing.
    Warning,
    /// It does not work, or a promise is broken.
    Failure,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub state: State,
    pub text: String,
    /// What to do; nothing if it is good.
    pub remedy: Option<String>,
    /// The numbers behind it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
}

/// A number behind a finding, to be watched over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// One of [`FIGURES`].
    pub name: &'static str,
    /// Of which of several: the label's name and its value.
    pub of: Option<(&'static str, &'static str)>,
    pub value: f64,
}

/// Every figure by name, with what it says. Times are unix seconds.
pub const FIGURES: [(&str, &str); 16] = [
    (TLS, "Whether the public address is https"),
    (CERTIFICATE_ENDS, "When the certificate of the public address ends"),
    (CLOCK_BEHIND, "Seconds that the clock is behind the newest audit entry"),
    (ROOT_GENERATION, "Number of the newest root key"),
    (ROOT_MADE, "When the newest root key was made"),
    (ROOT_RETIRING, "Whether an older root key waits to be destroyed"),
    (LEDGER_LINES, "Erased keys in a ledger whose every signature holds"),
    (LEDGER_KNOWN, "Erased keys that the key store knows of"),
    (SHIPPED, "Until when everything committed is in the target of the backups"),
    (VERIFIED, "When a base copy was last restored and found whole"),
    (BASE_BYTES, "Size of the newest base copy"),
    (COMPARED, "When stored objects were last compared with the target"),
    (OBJECTS, "Stored objects that the target has"),
    (OBJECTS_FLAWED, "Stored objects that are missing, of another length or do not open"),
    (OBJECTS_SEEN, "When every stored object had been looked at"),
    (DISK_FREE, "Bytes free on the disk of the data"),
];

pub(super) const TLS: &str = "address_tls";
pub(super) const CERTIFICATE_ENDS: &str = "certificate_ends_timestamp_seconds";
pub(super) const CLOCK_BEHIND: &str = "clock_behind_seconds";
pub(super) const ROOT_GENERATION: &str = "root_key_generation";
pub(super) const ROOT_MADE: &str = "root_key_made_timestamp_seconds";
pub(super) const ROOT_RETIRING: &str = "root_key_retiring";
pub(super) const LEDGER_LINES: &str = "ledger_lines";
pub(super) const LEDGER_KNOWN: &str = "ledger_known_lines";
pub(super) const SHIPPED: &str = "backup_shipped_timestamp_seconds";
pub(super) const VERIFIED: &str = "backup_verified_timestamp_seconds";
pub(super) const BASE_BYTES: &str = "backup_base_bytes";
pub(super) const COMPARED: &str = "backup_objects_compared_timestamp_seconds";
pub(super) const OBJECTS: &str = "backup_objects";
pub(super) const OBJECTS_FLAWED: &str = "objects_flawed";
pub(super) const OBJECTS_SEEN: &str = "objects_looked_at_timestamp_seconds";
pub(super) const DISK_FREE: &str = "disk_free_bytes";

/// A time as monitoring wants it.
#[expect(clippy::cast_precision_loss, reason = "milliseconds are exact for 285,000 years")]
pub(super) fn seconds(time: Millis) -> f64 {
    time.0 as f64 / 1000.0
}

/// A count as monitoring wants it; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "nothing is counted that high")]
pub(super) const fn count(number: u64) -> f64 {
    number as f64
}

impl Finding {
    pub(super) fn good(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, state: State::Good, text: text.into(), remedy: None, figures: Vec::new() }
    }

    pub(super) fn warning(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, state: State::Warning, text: text.into(), remedy: Some(remedy.into()), figures: Vec::new() }
    }

    pub(super) fn failure(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, state: State::Failure, text: text.into(), remedy: Some(remedy.into()), figures: Vec::new() }
    }

    /// The finding with a number.
    pub(super) fn figure(mut self, name: &'static str, value: f64) -> Self {
        self.figures.push(Figure { name, of: None, value });
        self
    }

    /// The finding with a number of one of several things.
    pub(super) fn figure_of(mut self, name: &'static str, of: (&'static str, &'static str), value: f64) -> Self {
        self.figures.push(Figure { name, of: Some(of), value });
        self
    }
}
