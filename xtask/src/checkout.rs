//! Where things are: the checkout and the cache folder beside it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::failure::{Failure, While as _};

/// The source tree this run works on, and the folder that outlives it.
#[derive(Debug)]
pub struct Checkout {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Tools, toolchain and target folders, shared by every checkout of this user.
    pub cache: PathBuf,
}

impl Checkout {
    /// Finds both: the root from cargo or the working directory, the cache from `SHUTTERPOST_CACHE` or the home folder.
    ///
    /// The root is looked up at run time, not baked in: checkouts that share a target folder share this program too.
    pub fn find() -> Result<Self, Failure> {
        let root = match env::var_os("CARGO_MANIFEST_DIR") {
            Some(manifest) => PathBuf::from(manifest).parent().map(Path::to_owned).or_fail("finding the checkout")?,
            None => {
                let here = env::current_dir().or_fail("finding the working directory")?;
                here.ancestors()
                    .find(|folder| folder.join("Trunk.toml").is_file() && folder.join("xtask").is_dir())
                    .map(Path::to_owned)
                    .ok_or_else(|| Failure::new("run this inside the checkout"))?
            }
        };
        let cache = match env::var_os("SHUTTERPOST_CACHE").filter(|value| !value.is_empty()) {
            Some(folder) => PathBuf::from(folder),
            None => {
                let home = env::var_os("HOME").ok_or_else(|| Failure::new("set SHUTTERPOST_CACHE or HOME"))?;
                PathBuf::from(home).join(".cache/shutterpost")
            }
        };
        fs::create_dir_all(&cache).or_fail(format_args!("making {}", cache.display()))?;
        Ok(Self { root, cache })
    }

    /// Cargo's target folder for this machine: the caller's own choice, or one that survives a fresh clone.
    pub fn target(&self) -> PathBuf {
        match env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty()) {
            Some(folder) => self.root.join(folder),
            None => self.cache.join("target"),
        }
    }

    /// Cargo's target folder for the browser; apart, because its build is locked by Trunk while it runs.
    pub fn target_wasm(&self) -> PathBuf {
        self.cache.join("target-wasm")
    }

    /// Makes cargo look at our crates again when another checkout built last in `target`.
    ///
    /// Cargo names what it makes of a workspace's crates alike in every checkout, and takes it for current while no source
    /// file is newer: an older checkout would be given the crates of a newer one. Dependencies are not affected.
    pub fn claim(&self, target: &Path) -> Result<(), Failure> {
        let mark = target.join(".checkout");
        let root = self.root.display().to_string();
        if fs::read_to_string(&mark).is_ok_and(|text| text == root) {
            return Ok(());
        }
        fs::create_dir_all(target).or_fail(format_args!("making {}", target.display()))?;
        forget_own_crates(target, 3).or_fail(format_args!("tidying {}", target.display()))?;
        fs::write(&mark, root).or_fail(format_args!("writing {}", mark.display()))
    }

    /// Where tools are compiled; apart, so that a `cargo clean` of ours does not cost ten minutes.
    pub fn target_tools(&self) -> PathBuf {
        self.cache.join("target-tools")
    }

    /// The folder of finished bundles.
    pub fn site(&self) -> PathBuf {
        self.root.join("target/site")
    }

    /// The version of a crate in `Cargo.lock`.
    pub fn locked_version(&self, name: &str) -> Result<String, Failure> {
        let path = self.root.join("Cargo.lock");
        let lock = fs::read_to_string(&path).or_fail(format_args!("reading {}", path.display()))?;
        version_in_lock(&lock, name).ok_or_else(|| Failure::new(format!("Cargo.lock names no {name}")))
    }
}

/// Removes what cargo remembers of the workspace's crates, in folders at most so deep.
fn forget_own_crates(folder: &Path, depth: usize) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        if entry.file_name() == ".fingerprint" {
            for known in fs::read_dir(entry.path())? {
                let known = known?;
                let name = known.file_name();
                if OWN_CRATES.iter().any(|own| name.to_string_lossy().starts_with(own)) {
                    fs::remove_dir_all(known.path())?;
                }
            }
        } else if depth > 1 {
            forget_own_crates(&entry.path(), depth - 1)?;
        }
    }
    Ok(())
}

/// How the names of the workspace's crates begin.
const OWN_CRATES: [&str; 2] = ["shutterpost-", "xtask-"];

fn version_in_lock(lock: &str, name: &str) -> Option<String> {
    let heading = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != heading).skip(1);
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_checkouts_crates_are_forgotten_and_its_dependencies_kept() {
        let folder = crate::scratch::Scratch::new("claim").unwrap();
        let target = folder.path().join("target");
        let known = |name: &str| target.join("wasm32/debug/.fingerprint").join(name);
        let first = Checkout { root: "/first".into(), cache: folder.path().to_owned() };
        let second = Checkout { root: "/second".into(), cache: folder.path().to_owned() };
        let build = || ["shutterpost-app-1", "xtask-2", "serde-3"].map(|name| fs::create_dir_all(known(name)).unwrap());
        first.claim(&target).unwrap();
        build();
        first.claim(&target).unwrap();
        assert!(known("shutterpost-app-1").exists(), "its own crates stay");
        second.claim(&target).unwrap();
        assert!(!known("shutterpost-app-1").exists() && !known("xtask-2").exists());
        assert!(known("serde-3").exists());
        build();
        first.claim(&target).unwrap();
        assert!(!known("shutterpost-app-1").exists(), "and back");
    }

    #[test]
    fn reads_a_version_from_the_lock() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in_lock(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in_lock(lock, "wasm"), None);
    }
}
