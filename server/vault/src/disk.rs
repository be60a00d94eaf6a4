//! Small secret files: readable by their owner only, whole or absent, on the disk before a call returns.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::faults::touch;
use crate::keys::Random;

/// Why a file cannot be used; the caller knows which and says what it was to hold.
#[derive(Debug)]
pub(crate) enum DiskError {
    Io { action: &'static str, source: io::Error },
    OpenToOthers { mode: u32 },
    Unfit { reason: &'static str },
}

impl DiskError {
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, DiskError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

fn io_error(action: &'static str) -> impl Fn(io::Error) -> DiskError {
    move |source| DiskError::Io { action, source }
}

/// Reads a file of at most `most` bytes, after making sure that nobody but the owner can.
pub(crate) fn read(path: &Path, most: u64) -> Result<Zeroizing<String>, DiskError> {
    let file = File::open(path).map_err(io_error("open"))?;
    let metadata = file.metadata().map_err(io_error("inspect"))?;
    if !metadata.is_file() {
        return Err(DiskError::Unfit { reason: "not a regular file" });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(DiskError::OpenToOthers { mode });
    }
    // Reserved at once, so that growing does not leave copies of the keys behind in freed memory.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(most).unwrap_or(0) + 1));
    match file.take(most + 1).read_to_string(&mut text) {
        Ok(_) if text.len() as u64 > most => Err(DiskError::Unfit { reason: "too large" }),
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(DiskError::Unfit { reason: "not UTF-8" }),
        Err(error) => Err(io_error("read")(error)),
    }
}

/// Writes a file unless one is there already, which is left alone. Missing parent folders are made with mode 0700. Says
/// whether the file is this one.
pub(crate) fn place(path: &Path, content: &[u8], random: &mut Random<'_>) -> Result<bool, DiskError> {
    let folder = folder_of(path);
    make_folder(folder)?;
    let temporary = temporary(path, random);
    let written = write_new(&temporary, content).map_err(io_error("write"));
    // A link, because unlike a rename it never replaces: whoever comes second keeps the first one's keys.
    let placed = written.and_then(|()| match touch(path).and_then(|()| fs::hard_link(&temporary, path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(io_error("place")(error)),
    });
    let placed = match touch(&temporary).and_then(|()| fs::remove_file(&temporary)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound && placed.is_ok() => {
            return Err(io_error("tidy up")(error));
        }
        _ => placed?,
    };
    sync_folder(folder)?;
    Ok(placed)
}

/// Writes a file in the place of the one that is there: readers see the old one or the new one, whole.
pub(crate) fn replace(path: &Path, text: &str, random: &mut Random<'_>) -> Result<(), DiskError> {
    let temporary = temporary(path, random);
    let written = write_new(&temporary, text.as_bytes()).map_err(io_error("write"));
    if let Err(error) =
        written.and_then(|()| touch(path).and_then(|()| fs::rename(&temporary, path)).map_err(io_error("replace")))
    {
        // The first error is the one that matters; a half-written file is in nobody's way.
        drop(fs::remove_file(&temporary));
        return Err(error);
    }
    sync_folder(folder_of(path))
}

/// Makes an empty file unless it is there already.
pub(crate) fn mark(path: &Path) -> Result<(), DiskError> {
    match write_new(path, &[]) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(io_error("make")(error)),
        _ => {}
    }
    sync_folder(folder_of(path))
}

/// Overwrites a file with what `noise` gives, then removes it. A missing file is as good as removed.
pub(crate) fn shred(path: &Path, noise: &mut Random<'_>) -> Result<(), DiskError> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return sync_folder(folder_of(path)),
        other => other.map_err(io_error("open"))?,
    };
    let length = file.metadata().map_err(io_error("inspect"))?.len();
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    noise(&mut bytes);
    touch(path).and_then(|()| file.rewind()).and_then(|()| file.write_all(&bytes)).map_err(io_error("overwrite"))?;
    touch(path).and_then(|()| file.sync_all()).map_err(io_error("sync"))?;
    match touch(path).and_then(|()| fs::remove_file(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error("remove")(error)),
        _ => {}
    }
    sync_folder(folder_of(path))
}

/// Makes a folder and its parents, open to their owner only.
pub(crate) fn make_folder(folder: &Path) -> Result<(), DiskError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io_error("make the folder of"))
}

fn sync_folder(folder: &Path) -> Result<(), DiskError> {
    touch(folder)
        .and_then(|()| File::open(folder))
        .and_then(|folder| folder.sync_all())
        .map_err(io_error("sync the folder of"))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A name that no other process uses.
fn temporary(path: &Path, random: &mut Random<'_>) -> PathBuf {
    let mut suffix = [0; 8];
    random(&mut suffix);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", HEXLOWER.encode(&suffix)));
    PathBuf::from(name)
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    touch(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    touch(path)?;
    file.write_all(content)?;
    touch(path)?;
    file.sync_all()
}
