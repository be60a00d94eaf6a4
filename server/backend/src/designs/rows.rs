//! Rows of designs and what they become.

use diesel::prelude::*;
use shutterpost_model::designs::{ApplyState, Design, DesignFile, FileKind};

use crate::error::Failure;
use crate::events::rows::stored;
use crate::schema::{events_design_files, events_designs};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = events_designs)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct DesignRow {
    pub(crate) event_id: String,
    pub(crate) organisation_id: String,
    pub(crate) version: i32,
    /// What was saved.
    pub(crate) design: String,
    /// What all pictures were last to have.
    pub(crate) applied: Option<String>,
    /// What they had before that.
    pub(crate) previous: Option<String>,
    /// Since when new pictures have what was saved.
    pub(crate) saved_at: i64,
    pub(crate) state: String,
    pub(crate) undoing: bool,
    /// Which run it is.
    pub(crate) run: i32,
    /// The capture that the pass came to.
    pub(crate) after: String,
    /// Captures that the pass changed.
    pub(crate) changed: i64,
    /// Captures that the pass could not change.
    pub(crate) failed: i64,
}

impl DesignRow {
    pub(crate) fn design(&self) -> Result<Design, Failure> {
        read(&self.design)
    }

    /// What is given to all pictures; what was saved, where nothing was begun.
    pub(crate) fn applied(&self) -> Result<Design, Failure> {
        read(self.applied.as_ref().unwrap_or(&self.design))
    }

    /// Whether new pictures get something else than a run gives to the others.
    pub(crate) fn differs(&self) -> bool {
        self.applied.as_ref().is_some_and(|applied| *applied != self.design)
    }

    /// Every design that is remembered.
    pub(crate) fn remembered(&self) -> Result<Vec<Design>, Failure> {
        [Some(&self.design), self.applied.as_ref(), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .map(|text| read(text))
            .collect()
    }

    /// Whether a run goes on by itself.
    pub(crate) fn is_running(&self) -> bool {
        self.state == ApplyState::Running.as_str()
    }

    pub(super) fn state(&self) -> Result<ApplyState, Failure> {
        let state = ApplyState::from_name(&self.state);
        let state = state.ok_or_else(|| Failure::Internal("the stored state of a design is unknown".into()))?;
        Ok(if state == ApplyState::Running && self.undoing { ApplyState::Undoing } else { state })
    }
}

fn read(text: &str) -> Result<Design, Failure> {
    Ok(serde_json::from_str(text)?)
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = events_design_files)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct FileRow {
    pub(crate) id: String,
    pub(crate) organisation_id: String,
    pub(crate) event_id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) size: i64,
    pub(crate) object: String,
    pub(crate) created_at: i64,
}

impl FileRow {
    pub(super) fn kind(&self) -> Result<FileKind, Failure> {
        FileKind::from_name(&self.kind).ok_or_else(|| Failure::Internal("a stored file is of an unknown kind".into()))
    }

    /// `used`: whether a remembered design names it.
    pub(super) fn into_file(self, used: bool) -> Result<DesignFile, Failure> {
        let kind = self.kind()?;
        let Self { id, organisation_id: _, event_id: _, kind: _, name, media_type, size, object: _, created_at: _ } =
            self;
        Ok(DesignFile { id: stored(&id)?, kind, name, media_type, size, used })
    }
}
