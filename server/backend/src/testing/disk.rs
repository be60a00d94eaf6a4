//! A small disk that can be filled up: a file system in memory, mounted over a folder.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Mounted until dropped.
#[derive(Debug)]
pub(crate) struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Mounts one of `size` (`256k`, `2m`) over the folder. `None`, with a word about it, where this process may not
    /// mount: that takes Linux and an administrator.
    pub(crate) fn mount(path: &Path, size: &str) -> Option<Self> {
        let options = format!("size={size},mode=700");
        let outcome = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(path).output();
        match outcome {
            Ok(output) if output.status.success() => Some(Self { path: path.to_owned() }),
            Ok(output) => {
                eprintln!("skipped, no disk can be mounted: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                eprintln!("skipped, no disk can be mounted: {error}");
                None
            }
        }
    }

    /// Makes it as large, keeping what is on it.
    pub(crate) fn grow(&self, size: &str) {
        let options = format!("remount,size={size}");
        let status = Command::new("mount").args(["-o", &options]).arg(&self.path).status().expect("mount runs");
        assert!(status.success(), "what was mounted can be mounted again");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, because a failed test may still have files open.
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.path).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking(), "the disk is unmounted");
    }
}
