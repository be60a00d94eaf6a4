//! Where tests see each call of the file system that changes something, and let it fail. Nothing of it is in the program.

#[cfg(any(test, feature = "testing"))]
pub use watched::{Watch, watch};

#[cfg(any(test, feature = "testing"))]
pub(crate) use watched::touch;

/// Asks before a file below a watched folder is changed.
#[cfg(not(any(test, feature = "testing")))]
pub(crate) const fn touch(_path: &std::path::Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(any(test, feature = "testing"))]
mod watched {
    use std::fmt;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    type Watcher = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

    static WATCHED: Mutex<Vec<(u64, PathBuf, Watcher)>> = Mutex::new(Vec::new());

    fn watched() -> MutexGuard<'static, Vec<(u64, PathBuf, Watcher)>> {
        WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks `watcher` before anything below the folder is changed, until the value is dropped. What it refuses is not done.
    pub fn watch(folder: &Path, watcher: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Watch {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        watched().push((number, folder.to_owned(), Arc::new(watcher)));
        Watch(number)
    }

    /// Ends the watching when dropped.
    #[must_use]
    pub struct Watch(u64);

    impl fmt::Debug for Watch {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Watch")
        }
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            watched().retain(|(number, ..)| *number != self.0);
        }
    }

    pub(crate) fn touch(path: &Path) -> io::Result<()> {
        // Asked without the lock: the answer may take a while.
        let watcher =
            watched().iter().find(|(_, folder, _)| path.starts_with(folder)).map(|(.., watcher)| watcher.clone());
        watcher.map_or(Ok(()), |watcher| watcher())
    }
}
