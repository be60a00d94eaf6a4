//! ffmpeg in a cage. It decodes what strangers sent, in a language without memory safety: it runs in namespaces of its own
//! (no network, no processes of others, no files but its libraries, nothing to write to), under limits for memory, time
//! and output, with a filter on system calls, and never otherwise. Bytes come in and go out through pipes: nothing plain
//! touches a disk, and no name of a file is ever an argument.

mod calls;
mod proof;
mod run;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use run::{Ran, SECOND};

use crate::error::{FilmError, MediaError};

/// Where distributions put programs. `PATH` is the environment's, which does not decide here.
const FOLDERS: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/bin"];

/// What a run may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Address space in bytes.
    pub memory_bytes: u64,
    /// Processor time in seconds.
    pub cpu_seconds: u64,
    /// By the clock.
    pub wall: Duration,
    /// What may come out, in bytes.
    pub output_bytes: u64,
}

impl Budget {
    /// For one picture: 1 GiB, 20 s of processor time, 30 s, and as much as the picture takes.
    pub const PICTURE: Budget =
        Budget { memory_bytes: 1 << 30, cpu_seconds: 20, wall: Duration::from_secs(30), output_bytes: 200_000_000 };

    /// For converting a film that lasts this long (in milliseconds; unknown counts as an hour): 2 GiB, a minute and eight
    /// times its length of processor time, twice that by the clock, 4 MB a second.
    pub fn film(duration: Option<u64>) -> Budget {
        let seconds = duration.map_or(3600, |duration| duration.div_ceil(1000));
        let cpu_seconds = 60 + 8 * seconds;
        Budget {
            memory_bytes: 2 << 30,
            cpu_seconds,
            wall: Duration::from_secs(2 * cpu_seconds),
            output_bytes: 10_000_000 + 4_000_000 * seconds,
        }
    }
}

/// Why there is no sandbox. The texts are for operators and say what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    #[error("films cannot be converted: `{program}` is missing; on Debian: apt-get install {package}")]
    Missing { program: &'static str, package: &'static str },
    #[error(
        "films cannot be converted: the sandbox does not start ({0}). Where this runs in a container, that must be \
             allowed to make user namespaces; see the operator's guide"
    )]
    DoesNotStart(String),
    #[error("films cannot be converted: the sandbox does not hold ({0})")]
    Leaks(&'static str),
    #[error("films cannot be converted: this ffmpeg lacks {0}")]
    Lacks(&'static str),
}

/// A proven sandbox with ffmpeg inside. Cheap to clone; make it once at start.
#[derive(Debug, Clone)]
pub struct Sandbox {
    bwrap: PathBuf,
    prlimit: PathBuf,
    ffmpeg: PathBuf,
    filter: Vec<u8>,
}

impl Sandbox {
    /// Looks for the programs and proves that the sandbox holds: in it, ffmpeg does its work on pipes, reaches no
    /// listener on this machine, reads none of its files, and is under limits and filter. Takes about a second.
    ///
    /// # Errors
    /// What is missing or does not hold. Then films that need converting are refused ([`FilmError::NoSandbox`]); ffmpeg
    /// is never run without.
    pub fn find() -> Result<Sandbox, SandboxError> {
        let found = |program: &'static str, package: &'static str| {
            let places = FOLDERS.iter().map(|folder| Path::new(folder).join(program));
            places.into_iter().find(|path| path.is_file()).ok_or(SandboxError::Missing { program, package })
        };
        let sandbox = Sandbox {
            bwrap: found("bwrap", "bubblewrap")?,
            prlimit: found("prlimit", "util-linux")?,
            ffmpeg: found("ffmpeg", "ffmpeg")?,
            filter: calls::filter().map_err(|_| SandboxError::Leaks("system calls cannot be filtered here"))?,
        };
        proof::prove(&sandbox)?;
        Ok(sandbox)
    }
}

/// What became of a run, for callers that know what they asked for.
pub(crate) fn judged(ran: Ran) -> Result<(), MediaError> {
    let conversion = |what| Err(FilmError::Conversion(what).into());
    let interrupted = |what| Err(FilmError::Interrupted(what).into());
    match ran {
        Ran { input: Some(error), .. } => Err(FilmError::Unreadable(error).into()),
        Ran { too_slow: true, .. } => interrupted("it took too long"),
        Ran { too_much: true, .. } => conversion("more came out than may"),
        Ran { output: Some(error), .. } => Err(FilmError::Unreadable(error).into()),
        Ran { started: false, .. } => Err(FilmError::NoSandbox.into()),
        Ran { code: Some(0), .. } => Ok(()),
        // 128 and the number of a signal, as shells report it; without a number the sandbox itself was ended.
        Ran { code: Some(152 | 137), .. } => conversion("it took more than it may"),
        Ran { code: Some(143) | None, .. } => interrupted("it was asked to end"),
        Ran { code: Some(134..=159), .. } => conversion("the converter crashed"),
        Ran { .. } => conversion("the converter gave up"),
    }
}
