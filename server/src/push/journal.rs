//! What is known of each file: one line of JSON a change, on the disk before anything depends on it. A line that a power
//! cut tore is not there. At the start the file is written anew without what is outdated, and takes the old one's place
//! in one step.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How far a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum Known {
    /// Its upload has this address.
    Open { upload: String },
    /// The server has it.
    Done { capture: String },
    /// The server does not want it.
    Refused { code: String, detail: String },
}

/// A file by its name and content, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) changed_at: i64,
    pub(super) sha256: String,
    /// Length of the file of its guest, and when that was changed, if there was one. Not on the disk: who was guest is no
    /// business of a journal, and what was refused is tried again after a start.
    #[serde(skip)]
    pub(super) guest: Option<(u64, i64)>,
    #[serde(flatten)]
    pub(super) known: Known,
}

/// The journal, opened by one program at a time.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    lines: BTreeMap<String, Line>,
    _lock: File,
}

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("another `shutterpost push` works with {0}")]
    InUse(PathBuf),
    #[error("{path}: {error}")]
    Unusable { path: PathBuf, error: io::Error },
}

impl Journal {
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let unusable = |error| JournalError::Unusable { path: path.to_owned(), error };
        let lock = File::create(beside(path, "lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let lines = read(path).map_err(unusable)?;
        let mut text = Vec::new();
        for line in lines.values() {
            text.extend(encode(line).map_err(unusable)?);
        }
        replace(path, &text).map_err(unusable)?;
        let file = File::options().append(true).open(path).map_err(unusable)?;
        Ok(Self { file, lines, _lock: lock })
    }

    /// What is known of the file of this name.
    pub(super) fn of(&self, name: &str) -> Option<&Line> {
        self.lines.get(name)
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.values()
    }

    /// Writes down what became of a file; it is on the disk when this returns.
    pub(super) fn note(&mut self, line: Line) -> io::Result<()> {
        self.file.write_all(&encode(&line)?)?;
        self.file.sync_data()?;
        self.lines.insert(line.name.clone(), line);
        Ok(())
    }
}

fn encode(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}

/// The last line of each file. What does not read was torn, and everything after it is read all the same.
fn read(path: &Path) -> io::Result<BTreeMap<String, Line>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok());
    let mut last: BTreeMap<String, Line> = lines.map(|line| (line.name.clone(), line)).collect();
    // Why the server refused a file may be mended by now, in its guest or on the server: each is tried once more.
    last.retain(|_, line| !matches!(line.known, Known::Refused { .. }));
    Ok(last)
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(extension);
    path.with_file_name(name)
}

/// Writes a file so that after a power cut there is the old one or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = beside(path, "new");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&fresh, path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_none_and_the_last_word_counts() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("journal");
        let line =
            |known| Line { name: "a.jpg".into(), size: 3, changed_at: 4, sha256: "00".into(), guest: None, known };
        let (open, done) =
            (line(Known::Open { upload: "/uploads/x".into() }), line(Known::Done { capture: "cap_1".into() }));
        let mut journal = Journal::open(&path).expect("opens");
        assert!(matches!(Journal::open(&path), Err(JournalError::InUse(_))));
        journal.note(open).expect("is written");
        journal.note(done.clone()).expect("is written");
        drop(journal);
        let mut bytes = std::fs::read(&path).expect("is there");
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 2);
        bytes.extend(br#"{"name":"b.jpg","si"#);
        std::fs::write(&path, bytes).expect("is written");
        let journal = Journal::open(&path).expect("opens");
        assert_eq!(journal.of("a.jpg"), Some(&done));
        assert!(journal.of("b.jpg").is_none());
        let text = std::fs::read_to_string(&path).expect("is there");
        assert_eq!(text.lines().count(), 1, "written anew without what is outdated");
    }
}
