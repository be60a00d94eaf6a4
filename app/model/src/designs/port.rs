//! The port of picture designs: what is asked of them, and how far older pictures have one.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Design, DesignFile, DesignView, Format, NewDesignFile};
use crate::access::Actor;
use crate::error::{AppError, Code};
use crate::id::{CaptureId, DesignFileId, EventId};

/// What a draft is shown on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviewOn {
    /// A drawn picture of the format that is asked for.
    Sample,
    /// The newest capture of the event, in its own format; the sample where there is none.
    Newest,
    /// This one, in its own format.
    Capture(CaptureId),
}

impl fmt::Display for PreviewOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sample => f.write_str("sample"),
            Self::Newest => f.write_str("newest"),
            Self::Capture(capture) => capture.fmt(f),
        }
    }
}

impl FromStr for PreviewOn {
    type Err = Code;

    /// `sample`, `newest` or the id of a capture.
    fn from_str(text: &str) -> Result<Self, Code> {
        match text {
            "sample" => Ok(Self::Sample),
            "newest" => Ok(Self::Newest),
            capture => capture.parse().map(Self::Capture).map_err(|_| Code::BadChoice),
        }
    }
}

choices! {
    /// How far the pictures of an event are made anew.
    ApplyState {
        /// Nothing was begun.
        None = "none",
        Running = "running",
        Paused = "paused",
        /// Every picture has the design, but those that failed.
        Done = "done",
        /// As running, with the design from before.
        Undoing = "undoing",
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub state: ApplyState,
    /// Captures that have the design.
    pub done: i64,
    /// Captures that it is about.
    pub all: i64,
    /// Captures that stay as they were, because their pictures could not be made.
    pub failed: i64,
    /// Whether there is a design from before to go back to.
    pub can_undo: bool,
    /// Whether the saved design, which new pictures have, is another one than older pictures are given.
    pub differs: bool,
}

/// The port of picture designs.
///
/// Whoever reads needs [`crate::access::Permission::EventRead`], whoever changes or previews
/// [`crate::access::Permission::BrandingWrite`].
#[async_trait]
pub trait Designs: Send + Sync {
    /// The saved design; the plain one at version 0 where none was saved.
    async fn find(&self, actor: &Actor, event: &EventId) -> Result<DesignView, AppError>;

    /// Saves; new pictures have the design from then on, and older ones after [`Designs::apply`]. Gives the new version.
    ///
    /// # Errors
    /// [`Code::Conflict`] for another version than the stored one; [`Code::Invalid`] with fields.
    async fn save(&self, actor: &Actor, event: &EventId, design: Design, version: i32) -> Result<i32, AppError>;

    /// Checks and stores a file.
    ///
    /// # Errors
    /// [`Code::Invalid`] with the field `file` or `name`.
    async fn add_file(&self, actor: &Actor, event: &EventId, file: NewDesignFile) -> Result<DesignFile, AppError>;

    /// Removes a file that no design names.
    ///
    /// # Errors
    /// [`Code::DesignFileUsed`] while the saved design names it, the one that older pictures have, or the one that undoing
    /// would bring back.
    async fn remove_file(&self, actor: &Actor, event: &EventId, file: &DesignFileId) -> Result<(), AppError>;

    /// A draft as it would look: JPEG of at most 960 pixels a side. `format` counts for the sample alone.
    ///
    /// # Errors
    /// As [`Designs::save`], but for the version.
    async fn preview(
        &self,
        actor: &Actor,
        event: &EventId,
        draft: &Design,
        on: PreviewOn,
        format: Format,
    ) -> Result<Vec<u8>, AppError>;

    /// Begins to make the pictures of the event anew with the saved design. Begins anew if it is about another one.
    async fn apply(&self, actor: &Actor, event: &EventId) -> Result<Progress, AppError>;

    async fn progress(&self, actor: &Actor, event: &EventId) -> Result<Progress, AppError>;

    /// Stops after the pictures that are being made. Nothing happens unless something runs.
    async fn pause(&self, actor: &Actor, event: &EventId) -> Result<Progress, AppError>;

    /// Goes on. Nothing happens unless something is paused.
    async fn resume(&self, actor: &Actor, event: &EventId) -> Result<Progress, AppError>;

    /// Brings back the design from before the last [`Designs::apply`], as a new version, and begins to give it to all
    /// pictures that do not have it.
    ///
    /// # Errors
    /// [`Code::NothingToUndo`] where there is none.
    async fn undo(&self, actor: &Actor, event: &EventId) -> Result<Progress, AppError>;
}
