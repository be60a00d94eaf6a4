//! Base copies: a whole server at one moment, sealed, and then restored, replayed and compared.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use shutterpost_model::time::Millis;

use super::private::{Life, Private, Replay};
use super::receiver::{outer_folder, shown};
use super::restore::{Goal, lay_out};
use super::session::{Counted, Session};
use super::ship::{Joint, Shipper};
use super::{Cluster, CopyHead, programs};
use crate::backup::base::BaseMade;
use crate::backup::chain::BaseName;
use crate::backup::sealed::{About, Content};
use crate::backup::{BackupFailure, Backups, Database, file_failure};

/// Between two tries to count the rows, and between two looks whether the log is there.
const STEP: Duration = Duration::from_millis(100);
/// How often tables are asked for that others write to.
const TRIES: u32 = 60;
/// How long the log up to the copy may take to be shipped.
const PATIENCE: Duration = Duration::from_secs(300);

/// Files or a folder, deleted with the value.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// What is there.
    pub(super) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// At a place that is this process's alone; what a crash left there is deleted.
    pub(super) fn at(path: PathBuf) -> Result<Self, BackupFailure> {
        let scratch = Self::new(path);
        scratch.clear().map_err(|error| file_failure(&scratch.0, error))?;
        Ok(scratch)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn clear(&self) -> io::Result<()> {
        let cleared = if self.0.is_dir() { fs::remove_dir_all(&self.0) } else { fs::remove_file(&self.0) };
        cleared.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            tracing::warn!(error.cause = %error, "a copy made for a backup was not deleted");
        }
    }
}

/// A copy in the target.
pub(super) struct Stored {
    name: BaseName,
    head: CopyHead,
    bytes: u64,
    root: Option<u32>,
    /// The base before it in the same chain.
    before: Option<BaseName>,
}

/// Copies the server, and counts its rows.
pub(super) fn copy(backups: &Backups, cluster: &Cluster, joint: &Joint) -> Result<Stored, BackupFailure> {
    let (server, database) = (&cluster.server, cluster.server.database());
    backups.delete_failed()?;
    for generation in backups.generations(database)? {
        let folder = format!("{}/{generation}/base", database.as_str());
        let cleared = backups.0.target.clear_unfinished(&folder);
        cleared.map_err(|error| BackupFailure::Target(error.to_string()))?;
    }
    let before = backups.bases(database, &joint.generation)?.pop();
    let scratch = Scratch::at(cluster.folder.join("copy"))?;
    let bytes = pack(cluster, joint, scratch.path())?;
    let (mut session, mut other) = (server.connect(&backups.0.target)?, server.connect(&backups.0.target)?);
    let usable_from = backups.now();
    let slot = session.slot(&joint.history.slot)?.ok_or_else(|| server.refused("its slot is gone"))?;
    let (counted, rows) = rows_at(cluster, &mut session, &mut other)?;
    let head = CopyHead {
        history: joint.history.clone(),
        major: joint.facts.major(),
        file_bytes: joint.facts.file_bytes(),
        name: server.name().to_owned(),
        role: server.role().to_owned(),
        whole: slot.flushed,
        counted,
        usable_from,
        clock: slot.clock,
        rows,
    };
    let name = BaseName { database, generation: joint.generation.clone(), time: joint.time, number: joint.number };
    let about = About {
        database,
        generation: joint.generation.clone(),
        content: Content::Copy(head.clone()),
        number: joint.number,
        time: joint.time,
        previous: joint.previous.clone(),
        page_size: 0,
        pages: 0,
        end: None,
    };
    let failed = |error: io::Error| file_failure(scratch.path(), error);
    let mut file = File::open(scratch.path()).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let put = backups.put_base(&name.text(), about, length, |piece| file.read_exact(piece).map_err(failed));
    let stored = put.and_then(|()| backups.open_base(&name.text()));
    let (stored, _) = stored.inspect_err(|_| backups.drop_failed(&name))?;
    Ok(Stored { root: stored.root(), name, head, bytes, before })
}

/// Writes the server's files into one compressed archive; gives their bytes.
fn pack(cluster: &Cluster, joint: &Joint, to: &Path) -> Result<u64, BackupFailure> {
    let failed = |error: io::Error| file_failure(to, error);
    let program = cluster.programs.copying(joint.facts.major())?.join("pg_basebackup");
    let file = File::options().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    let mut command = programs::client(&program, &cluster.server);
    // To standard output, with its list of files and their sums at the end. The log comes by the chain.
    command.args(["--pgdata=-", "--format=tar", "--wal-method=none", "--checkpoint=fast", "--label=shutterpost"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    // Read beside, or it would wait for us as we wait for it.
    let said = std::thread::spawn(move || errors.map(io::read_to_string).and_then(Result::ok).unwrap_or_default());
    let mut encoder = DeflateEncoder::new(file, Compression::fast());
    let copied = output.map_or(Ok(0), |mut output| io::copy(&mut output, &mut encoder));
    let status = child.wait().map_err(failed)?;
    let said = said.join().unwrap_or_default();
    if !status.success() {
        return Err(cluster.server.refused(format!("pg_basebackup: {}", shown(&said))));
    }
    let bytes = copied.map_err(failed)?;
    encoder.finish().and_then(|mut file| file.flush()).map_err(failed)?;
    Ok(bytes)
}

fn rows_at(cluster: &Cluster, session: &mut Session, other: &mut Session) -> Result<Counted, BackupFailure> {
    for _ in 0..TRIES {
        if let Some(found) = session.rows_at(other)? {
            return Ok(found);
        }
        session.rest(STEP);
    }
    Err(cluster
        .server
        .refused("its tables were written to by long transactions all the time, and could not be counted"))
}

/// Restores and compares a copy when the log up to it is in the target. One that fails does not stay.
pub(super) fn proved(
    backups: &Backups,
    cluster: &Cluster,
    joint: &Joint,
    stored: Stored,
) -> Result<BaseMade, BackupFailure> {
    let name = stored.name.clone();
    let checked = shipped(backups, joint, &stored).and_then(|()| check(backups, cluster, stored));
    checked.inspect_err(|_| backups.drop_failed(&name))
}

/// Waits until the log up to the copy is in the target.
fn shipped(backups: &Backups, joint: &Joint, stored: &Stored) -> Result<(), BackupFailure> {
    let since = Instant::now();
    while joint.shipped.load(Ordering::Acquire) < stored.head.counted.0 {
        if since.elapsed() > PATIENCE {
            let name = format!("the log after {}", stored.name.text());
            return Err(BackupFailure::Missing { name, before: stored.name.time.rfc3339() });
        }
        backups.0.target.rest(STEP);
    }
    Ok(())
}

/// Restores the copy, and the one before it with the chain since, and compares both with what was counted.
fn check(backups: &Backups, cluster: &Cluster, stored: Stored) -> Result<BaseMade, BackupFailure> {
    let Stored { name, head, bytes, root, before } = stored;
    let mut made = BaseMade {
        database: name.database,
        name: name.text(),
        time: name.time,
        bytes,
        rows: head.rows.values().sum(),
        root,
        segments_checked: 0,
        verified_at: None,
        unchecked: None,
        chain_problem: None,
    };
    let programs = match cluster.programs.replaying(head.major) {
        Ok(programs) => programs,
        Err(missing) => {
            made.unchecked = Some(missing.to_string());
            return Ok(made);
        }
    };
    let scratch = cluster.folder.join("check");
    compare(backups, &name, &head, &programs, &scratch)?;
    if let Some(before) = before {
        match compare(backups, &before, &head, &programs, &scratch) {
            Ok(segments) => made.segments_checked = segments,
            // A new generation of root keys: what is older is noise now, and meant to be.
            Err(BackupFailure::RootGone { .. }) => {}
            // What is before it leads to less than it should; this copy does not need it.
            Err(failure) => made.chain_problem = Some(failure.to_string()),
        }
    }
    made.verified_at = Some(backups.now());
    Ok(made)
}

/// Restores a base and replays until the rows must be as they were counted. Gives how many segments that took.
fn compare(
    backups: &Backups,
    base: &BaseName,
    expected: &CopyHead,
    programs: &Path,
    scratch: &Path,
) -> Result<u64, BackupFailure> {
    let failed = |reason: String| BackupFailure::Check { database: base.database, reason };
    let segments = backups.segments(base, Millis(i64::MAX))?;
    let scratch = Scratch::at(scratch.to_owned())?;
    let laid = lay_out(backups, base, &segments, Goal::Place(expected.counted), scratch.path(), &mut |_| {})?;
    sums(base.database, programs, scratch.path())?;
    let replay = Replay { database: base.database, programs, data: scratch.path(), until: None, life: Life::Thrown };
    let private = Private::replay(backups, &replay)?;
    let mut session = private.connect(backups, &expected.role, &expected.name)?;
    let found = session.rows()?;
    for (table, rows) in &expected.rows {
        let there = found.get(table).copied().unwrap_or(0);
        if there != *rows {
            return Err(failed(format!("{table} has {there} rows, and had {rows} when it was copied")));
        }
    }
    if found.len() != expected.rows.len() {
        return Err(failed("it has other tables".into()));
    }
    indexes(backups, &mut session, &private, programs, expected, base.database)?;
    drop(session);
    private.stop()?;
    Ok(laid.segments)
}

/// Compares every file with the sum that it had when it was copied, where the program for it is installed.
pub(super) fn sums(database: Database, programs: &Path, data: &Path) -> Result<(), BackupFailure> {
    let mut command = Command::new(programs.join("pg_verifybackup"));
    // The log is not part of the copy.
    command.arg("--no-parse-wal").arg(data);
    run(database, command)
}

/// Looks into every table and index, where program and extension for it are installed.
fn indexes(
    backups: &Backups,
    session: &mut Session,
    private: &Private,
    programs: &Path,
    head: &CopyHead,
    database: Database,
) -> Result<(), BackupFailure> {
    let Some(administrator) = session.administrator()?.filter(|_| programs.join("pg_amcheck").is_file()) else {
        return Ok(());
    };
    if !private.connect(backups, &administrator, &head.name)?.offers("amcheck")? {
        return Ok(());
    }
    let mut command = Command::new(programs.join("pg_amcheck"));
    command.args(["--install-missing", "--no-password", "--host"]).arg(private.socket());
    command.args(["--port", "5432", "--username", &administrator, "--database", &head.name]);
    run(database, command)
}

fn run(database: Database, mut command: Command) -> Result<(), BackupFailure> {
    let output = match command.env("LC_ALL", "C").stdin(Stdio::null()).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|error| file_failure(Path::new(command.get_program()), error))?,
    };
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).join(" ");
    Err(BackupFailure::Check { database, reason: shown(&said) })
}

/// A base copy right now, beside a server of ours that may be running: a chain of its own, as long as it takes to check it.
///
/// # Errors
/// [`BackupFailure`]; nothing is in the target then, or what is there does not pass its check.
pub fn copy_now(backups: &Backups, cluster: &Cluster) -> Result<BaseMade, BackupFailure> {
    let mut cluster = cluster.clone();
    // Apart from what the running server receives and copies.
    cluster.folder.push("by-hand");
    outer_folder(&cluster.folder)?;
    let lock = cluster.folder.join("lock");
    let locked = File::options().create(true).truncate(false).write(true).open(&lock).and_then(|file| {
        file.lock()?;
        Ok(file)
    });
    let _lock = locked.map_err(|error| file_failure(&lock, error))?;
    let session = cluster.server.connect(&backups.0.target)?;
    let slot = format!("{}_by_hand", cluster.server.slot());
    let mut shipper = Shipper::start(backups, &cluster, session, slot, cluster.folder.join("spool"), Arc::default())?;
    let made = chain(backups, &cluster, &mut shipper);
    // Whatever came of it: what the server keeps for a slot fills its disk.
    let forgotten = shipper.forget();
    let made = made?;
    forgotten?;
    Ok(made)
}

fn chain(backups: &Backups, cluster: &Cluster, shipper: &mut Shipper) -> Result<BaseMade, BackupFailure> {
    shipper.begin()?;
    let mut ship = || -> Result<Option<Joint>, BackupFailure> {
        match shipper.look()? {
            Some(seen) => shipper.ship(seen)?,
            None => return Err(cluster.server.refused("its log was cut before it was received")),
        };
        Ok(shipper.joint())
    };
    let since = Instant::now();
    let joint = loop {
        match ship()? {
            Some(joint) => break joint,
            None if since.elapsed() > PATIENCE => return Err(cluster.server.refused("its log does not come")),
            None => {}
        }
    };
    let stored = copy(backups, cluster, &joint)?;
    while joint.shipped.load(Ordering::Acquire) < stored.head.counted.0 && since.elapsed() < PATIENCE * 2 {
        ship()?;
    }
    proved(backups, cluster, &joint, stored)
}
