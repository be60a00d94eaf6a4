//! What is waiting, for whoever stands at the booth and for programs.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::journal;

/// A file that the server does not want.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RefusedFile {
    pub(super) name: String,
    pub(super) code: String,
    pub(super) detail: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Status {
    pub(super) waiting: usize,
    pub(super) uploading: usize,
    pub(super) done: usize,
    pub(super) refused: Vec<RefusedFile>,
    /// Why nothing goes on, if nothing does.
    pub(super) failing: Option<String>,
}

impl Status {
    /// `12 waiting, 3 uploading, 240 done`.
    pub(super) fn line(&self) -> String {
        let Self { waiting, uploading, done, refused, failing } = self;
        let mut line = format!("{waiting} waiting, {uploading} uploading, {done} done");
        if !refused.is_empty() {
            line.push_str(&format!(", {} refused", refused.len()));
        }
        if let Some(why) = failing {
            line.push_str(&format!(" ({why})"));
        }
        line
    }

    /// Says it on the terminal, and to the file if there is one.
    pub(super) fn tell(&self, file: Option<&Path>) -> io::Result<()> {
        writeln!(io::stdout(), "{}", self.line())?;
        match file {
            Some(file) => journal::replace(file, &serde_json::to_vec_pretty(self)?),
            None => Ok(()),
        }
    }
}
