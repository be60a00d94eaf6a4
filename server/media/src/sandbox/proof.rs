//! Proves that the sandbox holds, by trying what must not work. A kernel or a container that gives less than asked for
//! would otherwise go unnoticed.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use crate::sandbox::run::Extra;
use crate::sandbox::{Budget, Ran, Sandbox, SandboxError};

const BUDGET: Budget =
    Budget { memory_bytes: 1 << 30, cpu_seconds: 10, wall: Duration::from_secs(20), output_bytes: 1_000_000 };

/// A file that every system has and that is not in the sandbox.
const FOREIGN_FILE: &str = "file:/etc/passwd";

pub(super) fn prove(sandbox: &Sandbox) -> Result<(), SandboxError> {
    works(sandbox)?;
    is_limited(sandbox)?;
    reads_no_files(sandbox)?;
    reaches_nobody(sandbox)?;
    can_convert(sandbox)
}

/// Without this, everything below would "hold" because nothing runs at all.
fn works(sandbox: &Sandbox) -> Result<(), SandboxError> {
    let mut through = Vec::new();
    let words =
        ["-nostdin", "-v", "error", "-f", "data", "-i", "pipe:0", "-map", "0", "-c", "copy", "-f", "data", "pipe:1"];
    let ran = sandbox.run(Extra::Nothing, &words, &mut &b"through"[..], &mut through, BUDGET);
    if ran.code == Some(0) && through == b"through" {
        return Ok(());
    }
    let last = ran.complaint.lines().last().unwrap_or("ffmpeg did not do what it does everywhere else");
    Err(SandboxError::DoesNotStart(last.chars().take(200).collect()))
}

fn copied(sandbox: &Sandbox, extra: Extra<'_>, from: &str) -> (Ran, Vec<u8>) {
    let mut output = Vec::new();
    let words = ["-nostdin", "-v", "error", "-protocol_whitelist", "file,tcp", "-f", "data", "-i", from];
    let words = [&words[..], &["-map", "0", "-c", "copy", "-f", "data", "pipe:1"]].concat();
    let ran = sandbox.run(extra, &words, &mut std::io::empty(), &mut output, BUDGET);
    (ran, output)
}

/// The kernel says what applies to the program.
fn is_limited(sandbox: &Sandbox) -> Result<(), SandboxError> {
    let (_, status) = copied(sandbox, Extra::Proc, "file:/proc/self/status");
    let status = String::from_utf8_lossy(&status).into_owned();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if field("Seccomp:") != Some("2") {
        return Err(SandboxError::Leaks("system calls are not filtered"));
    }
    if field("NoNewPrivs:") != Some("1") || field("CapEff:").is_none_or(|set| set.bytes().any(|digit| digit != b'0')) {
        return Err(SandboxError::Leaks("it has privileges"));
    }
    let (_, limits) = copied(sandbox, Extra::Proc, "file:/proc/self/limits");
    let limits = String::from_utf8_lossy(&limits).into_owned();
    let limited = |name: &str, value: u64| {
        let value = value.to_string();
        limits
            .lines()
            .any(|line| line.strip_prefix(name).is_some_and(|line| line.split_whitespace().next() == Some(&value)))
    };
    if !limited("Max address space", BUDGET.memory_bytes)
        || !limited("Max cpu time", BUDGET.cpu_seconds)
        || !limited("Max file size", 0)
    {
        return Err(SandboxError::Leaks("it is not limited"));
    }
    Ok(())
}

pub(super) fn reads_no_files(sandbox: &Sandbox) -> Result<(), SandboxError> {
    let (ran, output) = copied(sandbox, Extra::Nothing, FOREIGN_FILE);
    if ran.code == Some(0) || !output.is_empty() {
        return Err(SandboxError::Leaks("it reads files of this machine"));
    }
    Ok(())
}

pub(super) fn reaches_nobody(sandbox: &Sandbox) -> Result<(), SandboxError> {
    let unknown = |_| SandboxError::Leaks("whether it reaches the network could not be tried");
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(unknown)?;
    listener.set_nonblocking(true).map_err(unknown)?;
    let port = listener.local_addr().map_err(unknown)?.port();
    let (ran, _) = copied(sandbox, Extra::Nothing, &format!("tcp://127.0.0.1:{port}?timeout=2000000"));
    let reached = !matches!(listener.accept(), Err(error) if error.kind() == ErrorKind::WouldBlock);
    if reached || ran.code == Some(0) || ran.too_slow {
        return Err(SandboxError::Leaks("it reaches the network"));
    }
    Ok(())
}

fn can_convert(sandbox: &Sandbox) -> Result<(), SandboxError> {
    for (option, names, lacks) in [
        ("-encoders", &[" libx264 ", " aac "][..], "the encoders libx264 and aac"),
        ("-demuxers", &[" matroska,webm ", " mov,mp4,"][..], "the readers of MP4 and Matroska"),
    ] {
        let mut list = Vec::new();
        sandbox.run(Extra::Nothing, &["-hide_banner", option], &mut std::io::empty(), &mut list, BUDGET);
        let list = String::from_utf8_lossy(&list).into_owned();
        if !names.iter().all(|name| list.contains(name)) {
            return Err(SandboxError::Lacks(lacks));
        }
    }
    Ok(())
}
