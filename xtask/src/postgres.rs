//! A PostgreSQL for the tests: fresh, on loopback, without a care for power cuts, gone afterwards.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use crate::{
    debian,
    failure::{Failure, While as _},
    process::{capture, command, is_root, on_path, tied},
    progress,
    running::{Running, free_port},
    scratch::Scratch,
};

/// A server with the superuser `postgres` and no password, on a port of 127.0.0.1; it ends with this value.
#[derive(Debug)]
pub struct Postgres {
    // Fields are dropped in this order: the server must be gone before its folder.
    server: Running,
    folder: Scratch,
    port: u16,
}

impl Postgres {
    /// Installs it if that is possible and necessary, and starts it.
    pub fn start() -> Result<Self, Failure> {
        let step = progress::step("a PostgreSQL for the tests", "about 3 s");
        let server = Self::new("postgres")?;
        step.done();
        Ok(server)
    }

    /// The same, one of several, named for its purpose.
    pub fn new(purpose: &str) -> Result<Self, Failure> {
        let programs = programs()?;
        let folder = own_folder(purpose)?;
        let data = folder.path().join("data");
        capture(
            tied(user(), &programs.join("initdb"))
                .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
                .arg(&data)
                .current_dir(folder.path()),
        )?;
        Self::serve(folder, &data)
    }

    /// One on a folder that was made before, as an operator starts it.
    pub fn on(data: &Path, purpose: &str) -> Result<Self, Failure> {
        Self::serve(own_folder(purpose)?, data)
    }

    fn serve(folder: Scratch, data: &Path) -> Result<Self, Failure> {
        let programs = programs()?;
        let port = free_port()?;
        let log = fs::File::create(folder.path().join("log")).or_fail("making the server's log")?;
        let errors = log.try_clone().or_fail("making the server's log")?;
        let mut server = tied(user(), &programs.join("postgres"));
        server.arg("-D").arg(data).arg("-k").arg(folder.path()).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300"] {
            server.args(["-c", setting]);
        }
        server.current_dir(folder.path()).stdout(Stdio::from(log)).stderr(Stdio::from(errors));
        let mut server = Running::start(&mut server)?
            // TERM would wait for connections that a failed test has left behind.
            .ended_by("INT");
        server.wait_until("it takes connections", Duration::from_secs(60), || accepts(&programs, port)).map_err(
            |failure| {
                let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
                Failure::new(format!("{failure}\n{log}"))
            },
        )?;
        Ok(Self { server, folder, port })
    }

    /// The administrator's URL, under which the tests make databases of their own.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Where it runs, for a person who looks.
    pub fn describe(&self) -> String {
        format!("process {}, port {}, {}", self.server.pid(), self.port, self.folder.path().display())
    }
}

/// It refuses to run as root; Debian's package made a user for it.
fn user() -> Option<&'static str> {
    is_root().then_some("postgres")
}

/// A folder that belongs to who runs it.
fn own_folder(purpose: &str) -> Result<Scratch, Failure> {
    let folder = Scratch::new(purpose)?;
    if let Some(user) = user() {
        let id = |what: &str| -> Result<u32, Failure> {
            capture(command("id").args([what, user]))?.trim().parse().or_fail("asking for the user postgres")
        };
        chown(folder.path(), Some(id("-u")?), Some(id("-g")?)).or_fail("handing the folder to postgres")?;
    }
    Ok(folder)
}

fn accepts(programs: &Path, port: u16) -> bool {
    capture(command(programs.join("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])).is_ok()
}

/// The folder with initdb and postgres; Debian keeps them off the PATH, one folder a version.
fn programs() -> Result<PathBuf, Failure> {
    if let Some(found) = find_programs() {
        return Ok(found);
    }
    debian::install(&["postgresql"], "the tests on PostgreSQL")?;
    find_programs().ok_or_else(|| Failure::new("the package postgresql brought no initdb"))
}

fn find_programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .collect();
    versions.sort();
    versions.pop().map(|(_, bin)| bin).or_else(|| on_path("initdb")?.parent().map(Path::to_owned))
}
