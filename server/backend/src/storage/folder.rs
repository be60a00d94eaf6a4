//! What a local folder needs beside `object_store`: permissions, and the files that an upload cut short leaves behind.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use shutterpost_model::time::Millis;

use super::Stored;
use crate::error::Failure;

/// Makes the folder if it is missing and closes it to others.
pub(super) fn prepare(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Takes everybody else's rights from an object and from the two folders above it. The root is closed already, so
/// nobody gets at the object in between.
pub(super) async fn close(root: &Arc<PathBuf>, name: &str) -> Result<(), Failure> {
    let path = root.join(name);
    let root = Arc::clone(root);
    blocking(move || {
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        for directory in path.ancestors().skip(1).take_while(|directory| *directory != root.as_path()) {
            fs::set_permissions(directory, Permissions::from_mode(0o700))?;
        }
        Ok(())
    })
    .await
}

/// The store writes to `NAME#1` first and renames; a crash leaves such files, which it never lists itself.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.contains('#')
}

pub(super) async fn remove(root: &Path, name: &str) -> Result<(), Failure> {
    let path = root.join(name);
    blocking(move || match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    })
    .await
}

/// All files two levels below a shelf.
pub(super) async fn list(root: &Path, shelf: &str) -> Result<Vec<Stored>, Failure> {
    let root = root.to_owned();
    let shelf = shelf.to_owned();
    blocking(move || {
        let mut found = Vec::new();
        for inner in entries(&root.join(&shelf))? {
            let (Some(inner_name), true) = (inner.file_name().to_str().map(str::to_owned), inner.file_type()?.is_dir())
            else {
                continue;
            };
            for file in entries(&inner.path())? {
                let Some(name) = file.file_name().to_str().map(str::to_owned) else { continue };
                let modified = match file.metadata() {
                    Ok(metadata) => metadata.modified()?,
                    // Renamed or deleted since the folder was read.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                };
                let age = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
                let written_at = Millis(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
                found.push(Stored { name: format!("{shelf}/{inner_name}/{name}"), written_at });
            }
        }
        Ok(found)
    })
    .await
}

/// The entries of a folder; none if there is no such folder.
fn entries(path: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(path) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Failure> {
    let outcome = tokio::task::spawn_blocking(work).await;
    Ok(outcome.map_err(|error| Failure::internal("a file operation ended early", error))??)
}
