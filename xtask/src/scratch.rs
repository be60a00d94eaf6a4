//! Folders that live as long as a recipe. A recipe that was killed could not remove its own, so the next one does.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{
    failure::{Failure, While as _},
    progress,
};

const PREFIX: &str = "shutterpost-xtask-";

/// A folder under the system's folder for temporary files; it is removed with this value.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty folder, named for its purpose and this process.
    pub fn new(purpose: &str) -> Result<Self, Failure> {
        let base = env::temp_dir();
        sweep(&base);
        let folder = base.join(format!("{PREFIX}{purpose}-{}", std::process::id()));
        fs::create_dir_all(&folder).or_fail(format_args!("making {}", folder.display()))?;
        Ok(Self(folder))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        progress::note(&format!("{} could not be removed: {error}", folder.display()));
    }
}

fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_left_over) {
            remove(&entry.path());
        }
    }
}

fn is_left_over(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|rest| rest.rsplit_once('-'))
        .and_then(|(_, pid)| pid.parse::<u32>().ok())
        .is_some_and(|pid| Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{pid}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_processes_that_are_gone_are_left_over() {
        assert!(!is_left_over(&format!("{PREFIX}x-{}", std::process::id())));
        // Above the kernel's highest process id.
        assert!(is_left_over(&format!("{PREFIX}share-bench-4194399")));
        assert!(!is_left_over("shutterpost-4194399"));
        assert!(!is_left_over(&format!("{PREFIX}x-y")));
    }

    #[test]
    fn a_folder_goes_with_its_value() {
        let scratch = Scratch::new("test").unwrap();
        let path = scratch.path().to_owned();
        fs::write(path.join("file"), "x").unwrap();
        drop(scratch);
        assert!(!path.exists());
    }
}
