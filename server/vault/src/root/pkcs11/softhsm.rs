//! A SoftHSM2 for tests: a token of its own in a temporary folder, in a process of its own, because the module reads from
//! the environment where its tokens are.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::Location;

/// Path of the module, where it is not Debian's.
const MODULE: &str = "SHUTTERPOST_TEST_SOFTHSM";
const DEBIAN: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// Set in the process that has the token: the folder.
const FOLDER: &str = "SHUTTERPOST_TEST_TOKEN";
/// Set in a process beside it: what it is to do.
const ROLE: &str = "SHUTTERPOST_TEST_ROLE";

/// A token for the time of a test.
#[derive(Debug)]
pub struct Token {
    /// As an operator would name it; the PIN is right.
    pub location: Location,
    folder: PathBuf,
    test: String,
}

/// Runs the body of a test with a fresh token. `module` is the test's `module_path!()`, `name` its own name: the test is
/// started once more by them, in a process that has the token.
///
/// # Panics
/// If SoftHSM2 is missing, or the body fails.
pub fn with_token(module: &str, name: &str, body: impl FnOnce(&Token)) {
    let path = module.split_once("::").map_or(module, |(_, path)| path);
    let test = format!("{path}::{name}");
    if let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) {
        body(&Token { location: location(&folder), folder: folder.clone(), test });
        if env::var_os(ROLE).is_none() {
            fs::write(folder.join("done"), "").expect("the folder can be written");
        }
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let tokens = folder.join("tokens");
    fs::create_dir(&tokens).expect("made");
    let settings =
        format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
    fs::write(folder.join("softhsm2.conf"), settings).expect("written");
    write_secret(&folder.join("pin"), "314159");
    let mut tool = Command::new("softhsm2-util");
    tool.args(["--init-token", "--free", "--label", "shutterpost", "--pin", "314159", "--so-pin", "271828"]);
    let made = tool.env("SOFTHSM2_CONF", folder.join("softhsm2.conf")).output();
    assert!(
        made.is_ok_and(|made| made.status.success()) && module_path().is_file(),
        "SoftHSM2 is missing; `cargo xtask test --only unit` installs it (Debian's package softhsm2)"
    );
    let status = again(&test, folder).status().expect("the test starts again");
    // A test of another name would have run nothing, and ended well.
    assert!(status.success() && folder.join("done").exists(), "the test's own process ended with {status}");
}

impl Token {
    /// What this process is to do, if it was started by [`Token::beside`].
    pub fn role(&self) -> Option<String> {
        env::var(ROLE).ok()
    }

    /// Starts another process of the same test on the same token, to play a role.
    pub fn beside(&self, role: &str) -> Child {
        again(&self.test, &self.folder).env(ROLE, role).spawn().expect("the test starts again")
    }

    /// The test's folder, to pass things between its processes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Writes a file that only its owner can read.
pub fn write_secret(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("ours");
}

fn again(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().expect("this test has a program"));
    command.args(["--exact", test, "--nocapture"]);
    command.env("SOFTHSM2_CONF", folder.join("softhsm2.conf")).env(FOLDER, folder);
    command
}

fn module_path() -> PathBuf {
    env::var_os(MODULE).map_or_else(|| PathBuf::from(DEBIAN), PathBuf::from)
}

fn location(folder: &Path) -> Location {
    Location { module: module_path(), token: "shutterpost".into(), prefix: "photos".into(), pin: folder.join("pin") }
}
