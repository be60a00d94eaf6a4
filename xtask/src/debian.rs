//! System packages: installed where we may, named where we may not.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::{
    failure::Failure,
    process::{command, is_root, on_path, run},
    progress,
};

/// Finds the program, installing the packages that bring it when this is Debian and we are root.
pub fn program(name: &str, packages: &[&str], why: &str) -> Result<PathBuf, Failure> {
    if let Some(path) = on_path(name) {
        return Ok(path);
    }
    install(packages, why)?;
    on_path(name).ok_or_else(|| Failure::new(format!("{} brought no `{name}`", packages.join(" "))))
}

/// Whether [`install`] can do anything here.
pub fn can_install() -> bool {
    Path::new("/usr/bin/apt-get").exists() && is_root()
}

/// Installs the packages, or says which ones are needed.
pub fn install(packages: &[&str], why: &str) -> Result<(), Failure> {
    let list = packages.join(" ");
    if !can_install() {
        return Err(Failure::new(format!(
            "{why} needs system packages that are missing. On Debian, as root:\n\n    apt-get install {list}\n"
        )));
    }
    let step = progress::step(&format!("Debian packages for {why}: {list}"), "under a minute");
    update_lists()?;
    run(command("apt-get")
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive"))?;
    step.done();
    Ok(())
}

/// Once a run is enough, but once is needed: a new machine has no lists at all.
fn update_lists() -> Result<(), Failure> {
    static UPDATED: OnceLock<()> = OnceLock::new();
    if UPDATED.get().is_none() {
        run(command("apt-get").args(["update", "--quiet"]))?;
        UPDATED.get_or_init(|| ());
    }
    Ok(())
}
