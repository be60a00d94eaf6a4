//! The child process that receives the log, and the folder that it writes to.
//!
//! The log is stored in files of a fixed length, filled with zeros from the beginning: how far one is written does not
//! show in it. The server knows, for the receiver tells it what is on the disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::wal::{Lsn, parse_file_name};
use super::{Server, programs};
use crate::backup::{BackupFailure, file_failure};

/// How long one may take to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// What it says goes to a file.
const SAID: &str = "receiver.log";
/// As much of it is shown.
const SHOWN: usize = 600;

/// The folder of received files.
#[derive(Debug, Clone)]
pub(super) struct Spool {
    folder: PathBuf,
    file_bytes: u64,
}

/// A file of the log.
#[derive(Debug, Clone)]
struct Part {
    path: PathBuf,
    start: Lsn,
    is_partial: bool,
}

/// Makes a folder that nobody else can read.
pub(super) fn private_folder(path: &Path) -> Result<(), BackupFailure> {
    folder(path, 0o700)
}

/// Makes a folder that others can pass through, because a private server may run as another user, and not look into.
pub(super) fn outer_folder(path: &Path) -> Result<(), BackupFailure> {
    folder(path, 0o711)
}

fn folder(path: &Path, mode: u32) -> Result<(), BackupFailure> {
    fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(|error| file_failure(path, error))
}

impl Spool {
    pub(super) fn open(folder: PathBuf, file_bytes: u64) -> Result<Self, BackupFailure> {
        private_folder(&folder)?;
        Ok(Self { folder, file_bytes })
    }

    pub(super) const fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    fn failed(&self, error: std::io::Error) -> BackupFailure {
        file_failure(&self.folder, error)
    }

    /// The files of a timeline, in order.
    fn parts(&self, timeline: u32) -> Result<Vec<Part>, BackupFailure> {
        let mut parts = BTreeMap::new();
        for entry in fs::read_dir(&self.folder).map_err(|error| self.failed(error))? {
            let path = entry.map_err(|error| self.failed(error))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if let Some((of, start, is_partial)) = parse_file_name(name, self.file_bytes)
                && of == timeline
            {
                parts.insert(start, Part { path, start, is_partial });
            }
        }
        Ok(parts.into_values().collect())
    }

    /// Where the first file begins.
    pub(super) fn first(&self, timeline: u32) -> Result<Option<Lsn>, BackupFailure> {
        Ok(self.parts(timeline)?.first().map(|part| part.start))
    }

    /// Where the last file ends.
    pub(super) fn end(&self, timeline: u32) -> Result<Option<Lsn>, BackupFailure> {
        Ok(self.parts(timeline)?.last().map(|part| part.start.file_end(self.file_bytes)))
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> Result<u64, BackupFailure> {
        let mut bytes = 0;
        for entry in fs::read_dir(&self.folder).map_err(|error| self.failed(error))? {
            bytes += entry.and_then(|entry| entry.metadata()).map_or(0, |found| found.len());
        }
        Ok(bytes)
    }

    /// A piece of one file; `None` if there is no such file.
    pub(super) fn read(&self, timeline: u32, from: Lsn, to: Lsn) -> Result<Option<Vec<u8>>, BackupFailure> {
        let name = from.file_name(timeline, self.file_bytes);
        // It may be finished, and so renamed, between the two.
        for name in [format!("{name}.partial"), name] {
            let path = self.folder.join(name);
            let file = match File::open(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                other => other.map_err(|error| file_failure(&path, error))?,
            };
            let mut bytes = vec![0; usize::try_from(to.0 - from.0).unwrap_or(0)];
            file.read_exact_at(&mut bytes, from.0 % self.file_bytes).map_err(|error| file_failure(&path, error))?;
            return Ok(Some(bytes));
        }
        Ok(None)
    }

    /// Deletes the files before a place, but the last that is finished: by it the receiver knows where to go on.
    pub(super) fn forget(&self, timeline: u32, before: Lsn) -> Result<(), BackupFailure> {
        let mut finished = self.parts(timeline)?;
        finished.retain(|part| !part.is_partial && part.start.file_end(self.file_bytes) <= before);
        finished.pop();
        for part in finished {
            fs::remove_file(&part.path).map_err(|error| file_failure(&part.path, error))?;
        }
        Ok(())
    }

    /// Deletes everything.
    pub(super) fn clear(&self) -> Result<(), BackupFailure> {
        fs::remove_dir_all(&self.folder).map_err(|error| self.failed(error))?;
        private_folder(&self.folder)
    }

    /// Deletes files that were being filled with zeros when a receiver was killed, which it would not go on with.
    fn mend(&self) -> Result<(), BackupFailure> {
        for entry in fs::read_dir(&self.folder).map_err(|error| self.failed(error))? {
            let path = entry.map_err(|error| self.failed(error))?.path();
            let is_partial = path.extension().is_some_and(|extension| extension == "partial");
            let length = fs::metadata(&path).map_err(|error| file_failure(&path, error))?.len();
            if is_partial && length != self.file_bytes {
                fs::remove_file(&path).map_err(|error| file_failure(&path, error))?;
            }
        }
        Ok(())
    }
}

/// `pg_receivewal`, running or about to.
#[derive(Debug)]
pub(super) struct Receiver {
    program: PathBuf,
    server: Server,
    slot: String,
    spool: Spool,
    child: Option<Child>,
}

impl Receiver {
    pub(super) fn new(program: PathBuf, server: Server, slot: String, spool: Spool) -> Self {
        Self { program, server, slot, spool, child: None }
    }

    /// Starts it if it does not run.
    ///
    /// # Errors
    /// What it said before it ended.
    pub(super) fn keep_running(&mut self) -> Result<(), BackupFailure> {
        if let Some(child) = &mut self.child {
            if child.try_wait().map_err(|error| file_failure(&self.program, error))?.is_none() {
                return Ok(());
            }
            self.child = None;
            return Err(self.ended());
        }
        self.spool.mend()?;
        let said = self.said();
        let log = File::options().write(true).create(true).truncate(true).mode(0o600).open(&said);
        let log = log.map_err(|error| file_failure(&said, error))?;
        let mut command = self.command();
        command.stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().map_err(|error| file_failure(&self.program, error))?);
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = programs::client(&self.program, &self.server);
        // Each piece is on the disk before the server is told, and it is told each second at least.
        command.args(["--synchronous", "--status-interval=1", "--no-loop", "--slot", &self.slot, "--directory"]);
        command.arg(&self.spool.folder);
        command
    }

    fn said(&self) -> PathBuf {
        self.spool.folder.with_file_name(SAID)
    }

    fn ended(&self) -> BackupFailure {
        let said = fs::read_to_string(self.said()).unwrap_or_default();
        self.server.refused(format!("pg_receivewal ended: {}", shown(&said)))
    }

    /// Ends it. What it has received stays.
    pub(super) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if let Err(error) = end(&mut child, rustix::process::Signal::INT, PATIENCE) {
            tracing::warn!(error.cause = %error, "pg_receivewal did not end");
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Asks a child to end, and makes it end if it takes too long.
pub(super) fn end(child: &mut Child, signal: rustix::process::Signal, patience: Duration) -> std::io::Result<()> {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw)
        && child.try_wait()?.is_none()
    {
        rustix::process::kill_process(pid, signal)?;
    }
    let since = Instant::now();
    while child.try_wait()?.is_none() {
        if since.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            return Err(std::io::Error::other("it was killed, because it did not end when it was asked to"));
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    Ok(())
}

/// The end of what a program said, on one line.
pub(super) fn shown(said: &str) -> String {
    let said = said.trim();
    let start = (said.len().saturating_sub(SHOWN)..said.len()).find(|at| said.is_char_boundary(*at)).unwrap_or(0);
    said.get(start..).unwrap_or_default().replace('\n', "; ")
}
