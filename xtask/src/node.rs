//! Node and npm: the browser tests, wasm-opt and the peers of the measurements come from there.

use std::{fs, path::Path, process::Command};

use crate::{
    failure::{Failure, While as _},
    process::{command, on_path, run},
    progress, stamp,
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

/// `npm ci` in the folder, unless its lock is the one that was installed last.
pub fn install_locked(folder: &Path) -> Result<(), Failure> {
    let mark = folder.join("node_modules/.installed");
    let stamp = stamp::of(&[folder.join("package-lock.json")], &[])
        .or_fail(format_args!("reading the lock of {}", folder.display()))?;
    if stamp::is_current(&mark, &stamp) {
        return Ok(());
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let step = progress::step(&format!("npm ci in {name}"), "about 10 s");
    run(npm()?.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder))?;
    fs::write(&mark, stamp).or_fail("marking the packages as installed")?;
    step.done();
    Ok(())
}

/// Installs packages named with their versions into a folder of their own.
pub fn install_package(folder: &Path, packages: &[&str]) -> Result<(), Failure> {
    run(npm()?
        .args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
        .arg(folder)
        .args(packages))
}
