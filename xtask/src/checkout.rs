//! Where things are: the checkout and the cache folder beside it.

use std::{
    env, fs,
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

fn version_in_lock(lock: &str, name: &str) -> Option<String> {
    let heading = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != heading).skip(1);
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_version_from_the_lock() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in_lock(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in_lock(lock, "wasm"), None);
    }
}
