//! Running other programs. Everything goes through [`command`], so that all of them see the same environment: cargo
//! rebuilds what it believes has changed, and `cargo run` leaves traces of itself that would make it believe so.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::{
    checkout::Checkout,
    failure::{Failure, While as _},
    native, progress,
};

/// A command without standard input and without what `cargo run` added to the environment.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| text.starts_with(prefix));
        if ours || matches!(text, "CARGO" | "CARGO_PRIMARY_PACKAGE" | "OUT_DIR") {
            command.env_remove(&name);
        }
    }
    // Another toolchain's libraries must not come first for the distribution's rustc.
    if let Some(paths) = env::var_os("LD_LIBRARY_PATH") {
        let kept: Vec<PathBuf> = env::split_paths(&paths).filter(|path| !belongs_to_cargo(path)).collect();
        match env::join_paths(kept) {
            Ok(kept) if !kept.is_empty() => command.env("LD_LIBRARY_PATH", kept),
            _ => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
    command
}

fn belongs_to_cargo(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.is_empty() || text.contains("/rustlib/") || text.contains("/toolchains/") || {
        let built = ["/debug", "/release"];
        built.iter().any(|end| text.ends_with(end) || text.contains(&format!("{end}/")))
    }
}

/// Cargo in the root of the checkout, with the shared target folder.
pub fn cargo(checkout: &Checkout) -> Result<Command, Failure> {
    native::prepare()?;
    checkout.claim(&checkout.target())?;
    let mut cargo = command("cargo");
    cargo.current_dir(&checkout.root).env("CARGO_TARGET_DIR", checkout.target());
    Ok(cargo)
}

/// A program that ends with us even when we are killed; as that user, if one is named.
pub fn tied(user: Option<&str>, program: &Path) -> Command {
    if on_path("setpriv").is_none() {
        return command(program);
    }
    let mut setpriv = command("setpriv");
    if let Some(user) = user {
        setpriv.args(["--reuid", user, "--regid", user, "--init-groups"]);
    }
    setpriv.args(["--pdeathsig", "INT"]).arg("--").arg(program);
    setpriv
}

/// Puts folders in front of the command's `PATH`.
pub fn prepend_path(command: &mut Command, folders: &[PathBuf]) {
    let current = command
        .get_envs()
        .find(|(name, _)| *name == "PATH")
        .and_then(|(_, value)| value.map(OsStr::to_owned))
        .or_else(|| env::var_os("PATH"))
        .unwrap_or_default();
    let all: Vec<PathBuf> = folders.iter().cloned().chain(env::split_paths(&current)).collect();
    let joined: OsString = env::join_paths(all).unwrap_or(current);
    command.env("PATH", joined);
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Runs to the end with output shown; anything but success is a failure.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().or_fail(format_args!("starting `{}`", shown(command)))?;
    check(command, status)
}

fn check(command: &Command, status: ExitStatus) -> Result<(), Failure> {
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{}` ended with {status}", shown(command)))) }
}

/// Runs to the end and returns standard output; on failure its standard error is part of the text.
pub fn capture(command: &mut Command) -> Result<String, Failure> {
    let output = command.output().or_fail(format_args!("starting `{}`", shown(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::new(format!("`{}` ended with {}: {words}", shown(command), output.status)))
}

/// Runs with output shown for at most `limit`; `false` when it failed or was ended for being too slow.
pub fn succeeds_within(command: &mut Command, limit: Duration) -> bool {
    let Ok(mut child) = command.spawn() else { return false };
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if started.elapsed() < limit => progress::pause(Duration::from_millis(100)),
            Ok(None) | Err(_) => {
                if let Err(error) = child.kill().and_then(|()| child.wait()) {
                    progress::note(&format!("could not end `{}`: {error}", shown(command)));
                }
                return false;
            }
        }
    }
}

/// The program's path when it is on `PATH`.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    // The folder is not on everybody's PATH, but Debian puts servers there.
    env::split_paths(&paths)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Whether this process may install packages.
pub fn is_root() -> bool {
    capture(command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folders_of_cargo_and_rustup_are_dropped() {
        for path in ["/home/a/.rustup/toolchains/stable/lib", "/x/target/debug/deps", "/x/target/debug", ""] {
            assert!(belongs_to_cargo(Path::new(path)), "{path}");
        }
        assert!(!belongs_to_cargo(Path::new("/opt/oracle/lib")));
    }

    #[test]
    fn a_slow_command_is_ended() {
        assert!(!succeeds_within(command("sleep").arg("30"), Duration::from_millis(150)));
        assert!(succeeds_within(&mut command("true"), Duration::from_secs(20)));
    }
}
