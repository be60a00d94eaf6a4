//! One run of a program in the sandbox.

use std::ffi::{CStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::sandbox::{Budget, Sandbox};

/// Of one read.
const PIECE_BYTES: usize = 128 * 1024;
/// Of what the program says about itself, its last words.
const COMPLAINT_BYTES: usize = 4096;
/// Threads of the converter; processes it cannot have.
const TASKS: u32 = 128;
const OPEN_FILES: u32 = 64;

/// Stands in arguments for the second input.
pub(crate) const SECOND: &str = "pipe:second";

/// Held while a program is started: what is open for one cage is never open in another one.
static STARTING: Mutex<()> = Mutex::new(());

/// What became of a run.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    pub(crate) started: bool,
    /// As the sandbox passes it on.
    pub(crate) code: Option<i32>,
    /// Ended by us.
    pub(crate) too_slow: bool,
    /// More came out than the budget allows.
    pub(crate) too_much: bool,
    /// The input could not be read to where the program wanted it.
    pub(crate) input: Option<ErrorKind>,
    /// What came out could not be passed on.
    pub(crate) output: Option<ErrorKind>,
    /// The end of what it wrote to standard error. May hold something of the film: not for logs.
    pub(crate) complaint: String,
}

impl Ran {
    fn failed(error: &io::Error) -> Ran {
        Ran { complaint: error.to_string(), ..Ran::default() }
    }
}

/// What else is to be seen in the sandbox.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Extra<'a> {
    Nothing,
    /// A second input, which is read by the name [`SECOND`].
    Second(&'a [u8]),
    /// The kernel's view of the program itself.
    Proc,
    /// A program in place of ffmpeg.
    #[cfg_attr(not(test), expect(dead_code, reason = "programs that misbehave exist in tests only"))]
    Program(&'a Path),
}

impl Sandbox {
    /// Runs ffmpeg. Arguments are made by our own code only.
    pub(crate) fn ffmpeg(
        &self,
        arguments: &[&str],
        input: &mut (dyn Read + Send),
        output: &mut (dyn Write + Send),
        budget: Budget,
    ) -> Ran {
        self.run(Extra::Nothing, arguments, input, output, budget)
    }

    /// The same with a second input, which is whole and in memory.
    pub(crate) fn ffmpeg_with(
        &self,
        second: &[u8],
        arguments: &[&str],
        input: &mut (dyn Read + Send),
        output: &mut (dyn Write + Send),
        budget: Budget,
    ) -> Ran {
        self.run(Extra::Second(second), arguments, input, output, budget)
    }

    pub(super) fn run(
        &self,
        extra: Extra<'_>,
        arguments: &[&str],
        input: &mut (dyn Read + Send),
        output: &mut (dyn Write + Send),
        budget: Budget,
    ) -> Ran {
        let (mut child, ended) = match self.start(extra, arguments, budget) {
            Ok(started) => started,
            Err(error) => return Ran::failed(&error),
        };
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut ran = Ran { started: true, ..Ran::default() };
        thread::scope(|scope| {
            let feeding = scope.spawn(|| stdin.and_then(|stdin| feed(input, stdin)));
            let draining = scope.spawn(|| stdout.map(|stdout| drain(stdout, output, budget.output_bytes)));
            let listening = scope.spawn(|| stderr.map(last_words).unwrap_or_default());
            ran.too_slow = !ends_within(&ended, budget.wall);
            // Also when it ended: whatever it left behind in its group. The namespace went with its first process.
            end(&child);
            // A panic is one of a source or a sink of the caller's.
            ran.input = feeding.join().unwrap_or(Some(ErrorKind::Other));
            (ran.too_much, ran.output) = match draining.join() {
                Ok(Some(drained)) => drained,
                Ok(None) => (false, None),
                Err(_) => (false, Some(ErrorKind::Other)),
            };
            ran.complaint = listening.join().unwrap_or_default();
        });
        ran.code = child.wait().ok().and_then(|status| status.code());
        ran
    }

    fn start(&self, extra: Extra<'_>, arguments: &[&str], budget: Budget) -> io::Result<(Child, OwnedFd)> {
        // Until all that is handed on is closed here again.
        let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let filter = handed(c"calls", &self.filter)?;
        let second = match extra {
            Extra::Second(bytes) => Some(handed(c"second", bytes)?),
            _ => None,
        };

        let mut command = Command::new(&self.bwrap);
        command.args(self.cage(extra)).arg("--seccomp").arg(filter.as_raw_fd().to_string());
        command.arg("--").arg("/usr/bin/prlimit");
        let Budget { memory_bytes, cpu_seconds, .. } = budget;
        command.args([
            format!("--as={memory_bytes}:{memory_bytes}"),
            format!("--cpu={cpu_seconds}:{}", cpu_seconds + 1),
            format!("--nproc={TASKS}:{TASKS}"),
            format!("--nofile={OPEN_FILES}:{OPEN_FILES}"),
            "--fsize=0:0".to_owned(),
            "--core=0:0".to_owned(),
        ]);
        command.arg("--").arg(match extra {
            Extra::Program(program) => program,
            _ => Path::new("/usr/bin/ffmpeg"),
        });
        let name = second.as_ref().map(|second| format!("pipe:{}", second.as_raw_fd()));
        command.args(arguments.iter().map(|word| match &name {
            Some(name) if *word == SECOND => name.as_str(),
            _ => word,
        }));
        command.env_clear().current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let pid = Pid::from_child(&child);
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(ended) => Ok((child, ended)),
            Err(error) => {
                end(&child);
                child.wait()?;
                Err(error.into())
            }
        }
    }

    /// The walls. Libraries are all that there is of the file system.
    fn cage(&self, extra: Extra<'_>) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        let mut add = |more: &[&Path]| words.extend(more.iter().map(|word| word.as_os_str().to_owned()));
        let word = Path::new;
        // Ends with the thread that waits for it, so that nothing outlives a server that was killed.
        for flag in ["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv"] {
            add(&[word(flag)]);
        }
        add(&[word("--cap-drop"), word("ALL"), word("--uid"), word("65534"), word("--gid"), word("65534")]);
        add(&[word("--hostname"), word("sandbox")]);
        add(&[word("--ro-bind"), word("/usr/lib"), word("/usr/lib")]);
        for (link, folder) in [("/lib", "/usr/lib"), ("/lib64", "/usr/lib64")] {
            if Path::new(folder).is_dir() && folder != "/usr/lib" {
                add(&[word("--ro-bind"), word(folder), word(folder)]);
            }
            if Path::new(link).is_symlink() {
                add(&[word("--symlink"), word(folder), word(link)]);
            } else if Path::new(link).is_dir() {
                add(&[word("--ro-bind"), word(link), word(link)]);
            }
        }
        // Some libraries are links through here. Neither says anything about the machine but what is installed.
        for shared in ["/etc/alternatives", "/etc/ld.so.cache"] {
            add(&[word("--ro-bind-try"), word(shared), word(shared)]);
        }
        add(&[word("--ro-bind"), &self.prlimit, word("/usr/bin/prlimit")]);
        add(&[word("--ro-bind"), &self.ffmpeg, word("/usr/bin/ffmpeg")]);
        match extra {
            Extra::Nothing | Extra::Second(_) => {}
            Extra::Proc => add(&[word("--proc"), word("/proc")]),
            Extra::Program(program) => add(&[word("--ro-bind"), program, program]),
        }
        add(&[word("--remount-ro"), word("/"), word("--chdir"), word("/")]);
        words
    }
}

/// Bytes in memory that a program which is started finds open. Not closed on exec, unlike everything else that is open here:
/// that is how they get there.
pub(super) fn handed(name: &CStr, bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create(name, MemfdFlags::empty())?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// Kills the program and all others of its group. It is not waited for yet, so that the number is still its own.
fn end(child: &Child) {
    // Gone already, which is what was wanted.
    if let Err(rustix::io::Errno::SRCH) = kill_process_group(Pid::from_child(child), Signal::KILL) {}
}

fn ends_within(ended: &OwnedFd, wall: Duration) -> bool {
    let deadline = std::time::Instant::now() + wall;
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(ended, PollFlags::IN)], Some(&left)) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Writes the input as long as the program reads; why it could not be read.
fn feed(input: &mut (dyn Read + Send), mut to: impl Write) -> Option<ErrorKind> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let bytes = match input.read(&mut piece) {
            Ok(0) => return None,
            Ok(count) => piece.get(..count)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Some(error.kind()),
        };
        // It had enough, or died, which its own end tells.
        if to.write_all(bytes).is_err() {
            return None;
        }
    }
}

/// Passes on what comes out; whether it was too much, and why it could not be passed on.
fn drain(mut from: impl Read, output: &mut (dyn Write + Send), limit: u64) -> (bool, Option<ErrorKind>) {
    let mut piece = vec![0; PIECE_BYTES];
    let mut sum = 0;
    loop {
        let bytes = match from.read(&mut piece) {
            Ok(0) => return (false, None),
            Ok(count) => piece.get(..count).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return (false, Some(error.kind())),
        };
        sum += bytes.len() as u64;
        if sum > limit {
            return (true, None);
        }
        if let Err(error) = output.write_all(bytes) {
            return (false, Some(error.kind()));
        }
    }
}

fn last_words(mut from: impl Read) -> String {
    let mut kept = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        kept.extend_from_slice(piece.get(..count).unwrap_or_default());
        let surplus = kept.len().saturating_sub(COMPLAINT_BYTES);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).into_owned()
}
