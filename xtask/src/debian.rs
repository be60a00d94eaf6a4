//! System packages: installed where we may, named where we may not.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::{
    failure::{Failure, While as _},
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

/// Downloads one package and unpacks it into the folder, without what it depends on and without installing it.
pub fn unpack(package: &str, into: &Path) -> Result<(), Failure> {
    fs::create_dir_all(into).or_fail(format_args!("making {}", into.display()))?;
    // The unprivileged user that apt downloads as may not write where we may.
    let download = || {
        let mut download = command("apt-get");
        download.args(["download", "--quiet", "-o", "APT::Sandbox::User=root", package]).current_dir(into);
        run(&mut download)
    };
    if download().is_err() {
        update_lists()?;
        download()?;
    }
    for entry in fs::read_dir(into).or_fail(format_args!("reading {}", into.display()))?.flatten() {
        if entry.path().extension().is_some_and(|end| end == "deb") {
            run(command("dpkg").arg("-x").arg(entry.path()).arg(into))?;
        }
    }
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
