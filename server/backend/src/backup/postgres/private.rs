//! A `postgres` of our own on a folder that was restored: it replays the log, is asked, and ends. Reached by a socket in
//! a folder that nobody else can open, and by nothing else.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use data_encoding::HEXLOWER;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::process::Signal;
use shutterpost_model::time::Millis;

use super::Server;
use super::base::Scratch;
use super::programs::Identity;
use super::receiver::{end, shown};
use super::session::Session;
use crate::backup::{BackupFailure, Backups, Database, file_failure};

/// Between two looks whether it is ready.
const STEP: Duration = Duration::from_millis(20);
/// How long its end may take; it writes what is in its memory.
const PATIENCE: Duration = Duration::from_secs(600);
/// What it says when the log ends before the moment that was asked for.
const TOO_SHORT: &str = "recovery ended before configured recovery target was reached";

/// Whether the folder is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Kept,
    /// Nothing is synced.
    Thrown,
}

/// The programs, the folder and what to do with it.
#[derive(Debug, Clone)]
pub(super) struct Replay<'a> {
    pub(super) database: Database,
    pub(super) programs: &'a Path,
    pub(super) data: &'a Path,
    /// By the clock of the server that was copied; none: everything.
    pub(super) until: Option<Millis>,
    pub(super) life: Life,
}

/// How a start went.
enum Start {
    Ready,
    /// What it said.
    Ended(String),
}

pub(super) struct Private {
    child: Child,
    control: Scratch,
    database: Database,
}

impl Private {
    /// Replays, until it is a server of its own that answers.
    pub(super) fn replay(backups: &Backups, replay: &Replay<'_>) -> Result<Self, BackupFailure> {
        let identity = Identity::needed()?;
        let signal = replay.data.join("recovery.signal");
        fs::write(&signal, b"").map_err(|error| file_failure(&signal, error))?;
        if let Some(identity) = identity {
            identity.owns(replay.data)?;
        }
        let failed = |said: &str| BackupFailure::Check {
            database: replay.database,
            reason: format!("PostgreSQL does not start on it: {}", shown(said)),
        };
        let mut private = Self::start(backups, replay, identity, replay.until)?;
        match private.ready(replay.data)? {
            Start::Ready => return Ok(private),
            // Nothing was committed after the moment: then it is as everything replayed.
            Start::Ended(said) if replay.until.is_some() && said.contains(TOO_SHORT) => {}
            Start::Ended(said) => return Err(failed(&said)),
        }
        drop(private);
        let mut private = Self::start(backups, replay, identity, None)?;
        match private.ready(replay.data)? {
            Start::Ready => Ok(private),
            Start::Ended(said) => Err(failed(&said)),
        }
    }

    fn start(
        backups: &Backups,
        replay: &Replay<'_>,
        identity: Option<Identity>,
        until: Option<Millis>,
    ) -> Result<Self, BackupFailure> {
        let control = control(backups)?;
        let write = |name: &str, text: &str| {
            let path = control.path().join(name);
            fs::write(&path, text).map(|()| path.clone()).map_err(|error| file_failure(&path, error))
        };
        let (settings, access) = (write("settings", "")?, write("access", "local all all trust\n")?);
        let names = write("names", "")?;
        let log = control.path().join("log");
        let said = File::options().write(true).create_new(true).mode(0o600).open(&log);
        let said = said.map_err(|error| file_failure(&log, error))?;
        let errors = said.try_clone().map_err(|error| file_failure(&log, error))?;
        let mut command = Command::new(replay.programs.join("postgres"));
        if let Some(identity) = identity {
            identity.takes(&mut command);
            identity.owns(control.path())?;
        }
        command.arg("-D").arg(replay.data).current_dir(control.path()).env("LC_ALL", "C");
        let path = |path: &Path| path.display().to_string();
        let sync = if replay.life == Life::Kept { "on" } else { "off" };
        let mut all = vec![
            ("config_file", path(&settings)),
            ("hba_file", path(&access)),
            ("ident_file", path(&names)),
            ("unix_socket_directories", path(control.path())),
            ("fsync", sync.to_owned()),
            ("full_page_writes", sync.to_owned()),
        ];
        if let Some(until) = until {
            all.push(("recovery_target_time", moment(until)));
        }
        // These win over what the copied server was set to by ALTER SYSTEM.
        let fixed = [
            ("listen_addresses", ""),
            ("port", "5432"),
            ("archive_mode", "off"),
            ("autovacuum", "off"),
            ("cluster_name", ""),
            ("hot_standby", "off"),
            ("huge_pages", "off"),
            ("jit", "off"),
            ("lc_messages", "C"),
            ("log_destination", "stderr"),
            ("logging_collector", "off"),
            ("primary_conninfo", ""),
            // The log lies where it belongs already.
            ("restore_command", "false"),
            ("recovery_target_action", "promote"),
            // Of a later one the target knows nothing; and its number would need a file that says where it comes from.
            ("recovery_target_timeline", "current"),
            ("session_preload_libraries", ""),
            ("shared_preload_libraries", ""),
            ("ssl", "off"),
            ("synchronous_standby_names", ""),
        ];
        all.extend(fixed.map(|(name, value)| (name, value.to_owned())));
        for (name, value) in all {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdin(Stdio::null()).stdout(said).stderr(errors);
        let child = command.spawn().map_err(|error| file_failure(replay.programs, error))?;
        Ok(Self { child, control, database: replay.database })
    }

    /// Waits until it has replayed, or ended.
    fn ready(&mut self, data: &Path) -> Result<Start, BackupFailure> {
        loop {
            if self.child.try_wait().map_err(|error| file_failure(data, error))?.is_some() {
                return Ok(Start::Ended(fs::read_to_string(self.control.path().join("log")).unwrap_or_default()));
            }
            // The last line of this file says how far it is.
            let lines = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            if lines.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
                return Ok(Start::Ready);
            }
            std::thread::park_timeout(STEP);
        }
    }

    /// The folder of its socket.
    pub(super) fn socket(&self) -> &Path {
        self.control.path()
    }

    /// A connection to one of its databases.
    pub(super) fn connect(&self, backups: &Backups, role: &str, name: &str) -> Result<Session, BackupFailure> {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let host = encoded(&self.control.path().to_string_lossy());
        let url = format!("postgres://{}@/{}?host={host}", encoded(role), encoded(name));
        Session::private(&Server::parse(self.database, &url)?, &url, &backups.0.target)
    }

    /// Ends it, with everything on the disk.
    pub(super) fn stop(mut self) -> Result<(), BackupFailure> {
        end(&mut self.child, Signal::INT, PATIENCE).map_err(|error| BackupFailure::Check {
            database: self.database,
            reason: format!("the private server: {error}"),
        })
    }
}

/// A new folder that nobody else can open, with a short path: that of a socket must be.
fn control(backups: &Backups) -> Result<Scratch, BackupFailure> {
    loop {
        let name = format!("shutterpost-{}", HEXLOWER.encode(&backups.0.world.bytes::<8>()));
        let path = std::env::temp_dir().join(name);
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(Scratch::new(path)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(file_failure(&path, error)),
        }
    }
}

/// A moment as PostgreSQL reads it so early, when it knows no names of time zones.
fn moment(at: Millis) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::MAX);
    at.strftime("%Y-%m-%d %H:%M:%S%.3f+00").to_string()
}

impl Drop for Private {
    fn drop(&mut self) {
        if let Err(error) = end(&mut self.child, Signal::QUIT, Duration::from_secs(10)) {
            tracing::warn!(error.cause = %error, "a private server of PostgreSQL did not end");
        }
    }
}
