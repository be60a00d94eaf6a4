//! Why a recipe stopped: one text for a person at a terminal.

use std::fmt;

/// What went wrong, in words that say what to do where that is known.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Adds what was being done to an error of the standard library.
pub trait While<T> {
    /// `doing` completes the sentence "while …".
    fn or_fail(self, doing: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn or_fail(self, doing: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure(format!("while {doing}: {error}")))
    }
}

impl<T> While<T> for Option<T> {
    fn or_fail(self, doing: impl fmt::Display) -> Result<T, Failure> {
        self.ok_or_else(|| Failure(format!("while {doing}: nothing found")))
    }
}
