//! The sandbox in which films and animations are worked on, looked for once in a process.

use std::sync::{Arc, OnceLock};

use shutterpost_media::sandbox::Sandbox;
use shutterpost_model::error::Code;

use crate::error::Failure;

/// Looks for the sandbox when it is needed first, and remembers what it found. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Converter(Arc<OnceLock<Option<Sandbox>>>);

impl Converter {
    /// One that never finds any, for tests of what is said then.
    #[cfg(any(test, feature = "testing"))]
    pub fn none() -> Self {
        Self(Arc::new(OnceLock::from(None)))
    }

    /// Looks, unless that was done; takes about a second. Says to the operator what is missing.
    pub fn find(&self) -> Option<&Sandbox> {
        let look = || {
            Sandbox::find()
                .inspect_err(|error| tracing::warn!(error.cause = %error, "films and animations are refused"))
                .ok()
        };
        self.0.get_or_init(look).as_ref()
    }

    /// The sandbox.
    ///
    /// # Errors
    /// [`Code::FilmsUnavailable`]: nothing here may convert, and it is never done outside of the sandbox.
    pub(super) fn get(&self) -> Result<&Sandbox, Failure> {
        self.find().ok_or_else(|| Code::FilmsUnavailable.into())
    }
}
