//! Servers of PostgreSQL of a test's own, which may be copied, and started again from their copies.

use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use tempfile::TempDir;

use crate::backup::postgres::Identity;
use crate::db::DatabaseUrl;

/// Of the role that the product works as; it must be encoded in a URL.
const PASSWORD: &str = "a b:c@d/e";
const PASSWORD_ENCODED: &str = "a%20b%3Ac%40d%2Fe";

/// A running server; ends with the value.
#[derive(Debug)]
pub(crate) struct TestServer {
    child: Child,
    folder: TempDir,
    port: u16,
}

/// A temporary folder that the user of PostgreSQL can pass through.
pub(crate) fn open_folder() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("is ours");
    folder
}

impl TestServer {
    /// A new one with a role `app` that may replicate and a database `app`.
    pub(crate) fn new() -> Self {
        let folder = open_folder();
        let data = folder.path().join("data");
        let mut initdb = command(&folder, "initdb");
        initdb.args(["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8"]);
        initdb.args(["--locale=C.UTF-8", "--no-sync", "-D"]).arg(&data).stdout(Stdio::null());
        assert!(initdb.status().expect("runs").success());
        let server = Self::start(folder, &data);
        server.administer(&[
            &format!("CREATE ROLE app LOGIN REPLICATION PASSWORD '{PASSWORD}'"),
            "CREATE DATABASE app OWNER app",
        ]);
        server
    }

    /// One on a folder that was restored, as an operator starts it.
    pub(crate) fn on(data: &Path) -> Self {
        Self::start(open_folder(), data)
    }

    fn start(folder: TempDir, data: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        if let Some(identity) = Identity::needed().expect("a user postgres") {
            identity.owns(folder.path()).expect("is given");
        }
        let log = File::create(folder.path().join("log")).expect("a log");
        let mut postgres = command(&folder, "postgres");
        postgres.arg("-D").arg(data).arg("-k").arg(folder.path()).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        postgres.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
        let mut child = postgres.stdout(Stdio::null()).stderr(log).spawn().expect("starts");
        let since = Instant::now();
        loop {
            let lines = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            if lines.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
                return Self { child, folder, port };
            }
            let ended = child.try_wait().expect("is asked").is_some();
            let said = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            assert!(!ended && since.elapsed() < Duration::from_secs(60), "no server: {said}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Runs statements as the administrator.
    pub(crate) fn administer(&self, statements: &[&str]) {
        let url = format!("postgres://postgres@/postgres?host={}&port={}", self.folder.path().display(), self.port);
        // A thread of its own, because the blocking client must not run inside the test's runtime.
        let done = std::thread::scope(|scope| {
            let work = || {
                let mut conn = AsyncConnectionWrapper::<AsyncPgConnection>::establish(&url).expect("answers");
                for sql in statements {
                    conn.batch_execute(sql).expect("the statement is valid");
                }
            };
            scope.spawn(work).join()
        });
        done.expect("no panic");
    }

    /// The URL of one of its databases, as the role of the product.
    pub(crate) fn url_of(&self, name: &str) -> DatabaseUrl {
        DatabaseUrl::Postgres(format!("postgres://app:{PASSWORD_ENCODED}@127.0.0.1:{}/{name}", self.port))
    }

    pub(crate) fn url(&self) -> DatabaseUrl {
        self.url_of("app")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a number");
        let asked = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        assert!(asked.is_ok() || std::thread::panicking(), "the server has ended early");
        self.child.wait().expect("ends");
    }
}

/// The newest programs of PostgreSQL here.
pub(crate) fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("the tests' PostgreSQL is Debian's");
    let number = |path: &PathBuf| path.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let bins = versions.map(|entry| entry.expect("reads").path().join("bin"));
    bins.filter(|bin| bin.join("initdb").is_file()).max_by_key(number).expect("one version")
}

/// A program, run as somebody as whom it runs.
fn command(folder: &TempDir, program: &str) -> Command {
    let mut command = Command::new(programs().join(program));
    command.current_dir(folder.path()).stdin(Stdio::null());
    if let Some(identity) = Identity::needed().expect("a user postgres") {
        identity.owns(folder.path()).expect("is given");
        identity.takes(&mut command);
    }
    command
}
