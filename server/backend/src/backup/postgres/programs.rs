//! PostgreSQL's own programs: where they are, and how they are run.

use std::fs;
use std::os::unix::fs::lchown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Server;
use crate::backup::{BackupFailure, file_failure};

/// Programs that copy and receive: of the server's version or a newer one.
pub(super) const COPYING: &[&str] = &["pg_basebackup", "pg_receivewal"];
/// Programs that replay: of the server's version.
pub(super) const REPLAYING: &[&str] = &["postgres"];
/// Who replays for root, as which PostgreSQL does not run.
const USER: &str = "postgres";

/// Where to look for programs.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    folder: Option<PathBuf>,
}

/// Which versions will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Same,
    SameOrNewer,
}

impl Programs {
    /// In this folder; in none: where packages put them, and on the `PATH`.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The folder of the programs that copy a server of this version.
    pub(super) fn copying(&self, major: u32) -> Result<PathBuf, BackupFailure> {
        self.find(COPYING, major, Fit::SameOrNewer)
    }

    /// The folder of the programs that replay what was copied from a server of this version.
    pub(super) fn replaying(&self, major: u32) -> Result<PathBuf, BackupFailure> {
        self.find(REPLAYING, major, Fit::Same)
    }

    /// Whether copies of a server of this version can be made, and whether they can be checked.
    pub fn suit(&self, major: u32) -> [Result<(), BackupFailure>; 2] {
        [self.copying(major).map(drop), self.replaying(major).map(drop)]
    }

    fn find(&self, names: &[&str], major: u32, fit: Fit) -> Result<PathBuf, BackupFailure> {
        let fits = |folder: &PathBuf| {
            names.iter().all(|name| {
                version(&folder.join(name)).is_some_and(|found| match fit {
                    Fit::Same => found == major,
                    Fit::SameOrNewer => found >= major,
                })
            })
        };
        self.folders(major).into_iter().find(fits).ok_or_else(|| BackupFailure::Programs {
            names: names.join(" and "),
            major,
            named: self.folder.as_ref().map(|folder| format!(" in {}", folder.display())).unwrap_or_default(),
        })
    }

    /// The likeliest first.
    fn folders(&self, major: u32) -> Vec<PathBuf> {
        if let Some(folder) = &self.folder {
            return vec![folder.clone()];
        }
        let mut folders: Vec<PathBuf> = [
            format!("/usr/lib/postgresql/{major}/bin"),
            format!("/usr/pgsql-{major}/bin"),
            format!("/usr/libexec/postgresql{major}"),
        ]
        .map(PathBuf::from)
        .into();
        // Only what the shell looks for too; the setting is the way to name another.
        folders.extend(["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from));
        let mut newer: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
            .collect();
        newer.sort();
        folders.extend(newer.into_iter().rev().map(|(_, folder)| folder));
        folders
    }
}

/// The first number of a program's version; `None` if there is no such program.
fn version(program: &Path) -> Option<u32> {
    if !program.is_file() {
        return None;
    }
    let said = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    // `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; before a release `16beta1`.
    let number = said.split(") ").nth(1)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// A program that speaks to the server. The password is in its environment, where only its user and root can see it.
pub(super) fn client(program: &Path, server: &Server) -> Command {
    let mut command = Command::new(program);
    command
        .arg("--no-password")
        .arg("--dbname")
        .arg(server.address())
        .env("LC_ALL", "C")
        .env("PGAPPNAME", "shutterpost");
    if let Some(password) = server.password() {
        command.env("PGPASSWORD", password);
    }
    command.stdin(Stdio::null());
    command
}

/// As whom PostgreSQL runs, if it cannot run as we do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    user: u32,
    group: u32,
}

impl Identity {
    /// `None`: as we do.
    pub(crate) fn needed() -> Result<Option<Self>, BackupFailure> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let path = Path::new("/etc/passwd");
        let users = fs::read_to_string(path).map_err(|error| file_failure(path, error))?;
        // NAME:PASSWORD:USER:GROUP:…
        let found = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            (name == USER).then_some(Self { user, group })
        });
        found.map(Some).ok_or_else(|| {
            file_failure(path, "there is no user postgres, as whom PostgreSQL is run for root; work as another user")
        })
    }

    pub(crate) fn takes(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }

    /// Gives a file, or a folder with everything in it.
    pub(crate) fn owns(self, path: &Path) -> Result<(), BackupFailure> {
        let failed = |error: std::io::Error| file_failure(path, error);
        lchown(path, Some(self.user), Some(self.group)).map_err(failed)?;
        if fs::symlink_metadata(path).map_err(failed)?.is_dir() {
            for entry in fs::read_dir(path).map_err(failed)? {
                self.owns(&entry.map_err(failed)?.path())?;
            }
        }
        Ok(())
    }
}
