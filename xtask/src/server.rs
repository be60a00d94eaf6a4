//! The server's binary: how it is built and started by every recipe.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    checkout::Checkout,
    failure::Failure,
    process::{cargo, command, run},
    progress,
};

/// How the server is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Debug,
    Release,
}

/// Builds the server and returns its binary.
///
/// No `-p`: with the default members selected as everywhere else, cargo resolves the same features of the dependencies
/// and compiles them once for this, clippy and the tests.
pub fn build(checkout: &Checkout, profile: Profile) -> Result<PathBuf, Failure> {
    let (folder, usually) = match profile {
        Profile::Debug => ("debug", "about 3 minutes at first, seconds after a change"),
        Profile::Release => ("release", "about 6 minutes at first, 2 after a change"),
    };
    let step = progress::step(&format!("the server ({folder})"), usually);
    let mut build = cargo(checkout)?;
    build.args(["build", "--locked", "--bin", "shutterpost"]);
    if profile == Profile::Release {
        build.arg("--release");
    }
    run(&mut build)?;
    step.done();
    Ok(checkout.target().join(folder).join("shutterpost"))
}

/// Where one running server keeps things and listens.
#[derive(Debug, Clone)]
pub struct Place {
    pub data: PathBuf,
    pub site: PathBuf,
    pub port: u16,
}

impl Place {
    /// A command of the binary with this place in its environment. What the caller has set in the environment wins.
    pub fn command(&self, binary: &Path) -> Command {
        let mut server = command(binary);
        let port = self.port.to_string();
        let url = format!("http://localhost:{port}");
        server.env("SHUTTERPOST_DATA", &self.data).env("SHUTTERPOST_SITE", &self.site).env("SHUTTERPOST_PORT", port);
        for (name, value) in [("SHUTTERPOST_URL", url.as_str()), ("SHUTTERPOST_DEV", "1")] {
            if std::env::var_os(name).is_none() {
                server.env(name, value);
            }
        }
        server
    }

    /// Seeds the demo, or finds it there, and writes what one needs to sign in to `json`.
    pub fn seed_demo(&self, binary: &Path, json: &Path) -> Result<(), Failure> {
        run(self.command(binary).arg("demo").arg("--json").arg(json))
    }
}
