//! A stand-in for AWS KMS and S3 for the tests: moto, on loopback, forgets everything when it ends.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use crate::{
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    process::{capture, command, on_path, run, tied},
    progress,
    running::{Running, free_port},
    scratch::Scratch,
};

const VERSION: &str = "5.2.5";
/// What its server needs beside it; `moto[server]` brings everything for every service of AWS, four times as much.
const BESIDE: [&str; 2] = ["flask", "flask-cors"];

/// A server on a port of 127.0.0.1; it ends with this value.
#[derive(Debug)]
pub struct Moto {
    // Fields are dropped in this order: the server must be gone before its folder.
    server: Running,
    folder: Scratch,
    port: u16,
}

impl Moto {
    /// Installs it if that is necessary, and starts it.
    pub fn start(checkout: &Checkout) -> Result<Self, Failure> {
        let program = program(checkout)?;
        let step = progress::step("a stand-in for AWS KMS (moto) for the tests", "about 2 s");
        let folder = Scratch::new("moto")?;
        let port = free_port()?;
        let log = fs::File::create(folder.path().join("log")).or_fail("making the server's log")?;
        let errors = log.try_clone().or_fail("making the server's log")?;
        let mut server = tied(None, &program);
        server.args(["-H", "127.0.0.1", "-p", &port.to_string()]).current_dir(folder.path());
        server.stdout(Stdio::from(log)).stderr(Stdio::from(errors));
        let mut server = Running::start(&mut server)?.ended_by("INT");
        server.wait_for(port, "/moto-api/", Duration::from_secs(60)).map_err(|failure| {
            let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            Failure::new(format!("{failure}\n{log}"))
        })?;
        step.done();
        Ok(Self { server, folder, port })
    }

    /// The address of the service.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it runs, for a person who looks.
    pub fn describe(&self) -> String {
        format!("moto: process {}, port {}, {}", self.server.pid(), self.port, self.folder.path().display())
    }
}

/// The server's program, in an environment of Python's own under the cache folder.
fn program(checkout: &Checkout) -> Result<PathBuf, Failure> {
    let root = checkout.cache.join("tools").join(format!("moto-{VERSION}"));
    // The last thing that an installation makes: one that was cut short is begun anew.
    let whole = root.join("whole");
    let program = root.join("bin/moto_server");
    // The environment points to the Python that made it, which may be gone.
    if whole.is_file() && works(&root.join("bin/python")) {
        return Ok(program);
    }
    let python = python("the tests of AWS KMS")?;
    let step = progress::step(&format!("pip install moto {VERSION}"), "once, about 15 s");
    run(command(python).args(["-m", "venv", "--clear"]).arg(&root))?;
    let moto = format!("moto=={VERSION}");
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(command(root.join("bin/python")).args(quiet).arg(moto).args(BESIDE))?;
    fs::write(&whole, "").or_fail(format_args!("writing {}", whole.display()))?;
    step.done();
    Ok(program)
}

fn works(python: &Path) -> bool {
    capture(command(python).args(["-c", "import moto, flask, flask_cors"])).is_ok()
}

/// A Python that can make environments; Debian splits that off.
pub fn python(why: &str) -> Result<PathBuf, Failure> {
    let usable =
        || on_path("python3").filter(|python| capture(command(python).args(["-c", "import ensurepip"])).is_ok());
    if let Some(python) = usable() {
        return Ok(python);
    }
    debian::install(&["python3", "python3-venv"], why)?;
    usable().ok_or_else(|| Failure::new("python3 and python3-venv brought no Python that makes environments"))
}
