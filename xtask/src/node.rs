//! Node and npm: the browser tests, wasm-opt and the peers of the measurements come from there.

use std::{path::Path, process::Command};

use crate::{
    failure::Failure,
    process::{command, on_path, run},
};

/// npm, or a failure that says how to get it.
pub fn npm() -> Result<Command, Failure> {
    if on_path("npm").is_none() {
        return Err(Failure::new("node and npm are needed (node 20 or newer)"));
    }
    let mut npm = command("npm");
    npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1").env("npm_config_update_notifier", "false");
    Ok(npm)
}

/// Installs packages named with their versions into a folder of their own.
pub fn install_package(folder: &Path, packages: &[&str]) -> Result<(), Failure> {
    run(npm()?
        .args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
        .arg(folder)
        .args(packages))
}
