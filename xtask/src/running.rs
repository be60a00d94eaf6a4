//! Programs that run beside a recipe: started, waited for, measured and always ended.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command},
    time::{Duration, Instant},
};

use crate::{
    failure::{Failure, While as _},
    http,
    process::{capture, command, shown},
    progress,
};

/// A child process that ends with this value.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: String,
    signal: &'static str,
}

impl Running {
    /// Starts the command.
    pub fn start(command: &mut Command) -> Result<Self, Failure> {
        let name = shown(command);
        let child = command.spawn().or_fail(format_args!("starting `{name}`"))?;
        Ok(Self { child, name, signal: "TERM" })
    }

    /// Chooses the signal that asks this program to end.
    pub fn ended_by(mut self, signal: &'static str) -> Self {
        self.signal = signal;
        self
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `GET path` on the port answers with success; an ended process is a failure at once.
    pub fn wait_for(&mut self, port: u16, path: &str, limit: Duration) -> Result<(), Failure> {
        self.wait_until(&format!("{path} answers"), limit, || {
            http::get(port, path, &[]).is_ok_and(|response| response.status == 200)
        })
    }

    /// Waits until `ready` says so, looking every millisecond.
    pub fn wait_until(&mut self, what: &str, limit: Duration, ready: impl Fn() -> bool) -> Result<(), Failure> {
        let started = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait().or_fail("looking after a process")? {
                return Err(Failure::new(format!("`{}` ended with {status} before {what}", self.name)));
            }
            if started.elapsed() > limit {
                return Err(Failure::new(format!("`{}`: {what} not within {}", self.name, progress::seconds(limit))));
            }
            progress::pause(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Running {
    /// Asks the process to end, then makes it.
    fn drop(&mut self) {
        let asked = capture(command("kill").args(["-s", self.signal, &self.pid().to_string()]));
        let started = Instant::now();
        while asked.is_ok() && started.elapsed() < Duration::from_secs(10) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            progress::pause(Duration::from_millis(10));
        }
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            progress::note(&format!("could not end `{}`: {error}", self.name));
        }
    }
}

/// A port of 127.0.0.1 that nobody uses now.
pub fn free_port() -> Result<u16, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .or_fail("looking for a free port")
}

/// Seconds of processor time that the process and everything it has started have used, user and system together.
pub fn cpu_seconds(pid: u32) -> Result<f64, Failure> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").or_fail("looking at the processes")?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // Others end while we look.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let (parent, ticks) = read_stat(&stat).or_fail("reading a process's times")?;
        all.push((id, parent, ticks));
    }
    let ticks = ticks_of_tree(&all, pid).or_fail(format_args!("looking for process {pid}"))?;
    let per_second: f64 = capture(command("getconf").arg("CLK_TCK"))?.trim().parse().or_fail("reading CLK_TCK")?;
    Ok(ticks as f64 / per_second)
}

/// The ticks of a process and its descendants; `all` holds id, parent and ticks.
fn ticks_of_tree(all: &[(u32, u32, u64)], root: u32) -> Option<u64> {
    let (_, _, mut ticks) = *all.iter().find(|(id, _, _)| *id == root)?;
    let mut parents = vec![root];
    while let Some(of) = parents.pop() {
        for (id, _, own) in all.iter().filter(|(_, parent, _)| *parent == of) {
            ticks += own;
            parents.push(*id);
        }
    }
    Some(ticks)
}

/// Parent, and the sum of utime, stime, cutime and cstime (the last two are of finished children): fields 4 and 14 to
/// 17, counted from behind the name, which may contain anything.
fn read_stat(stat: &str) -> Option<(u32, u64)> {
    let after_name = stat.get(stat.rfind(')')? + 2..)?;
    let parent = after_name.split(' ').nth(1)?.parse().ok()?;
    let mut ticks = 0;
    for field in after_name.split(' ').skip(11).take(4) {
        ticks += field.parse::<u64>().ok()?;
    }
    Some((parent, ticks))
}

/// Memory of a process in kilobytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All pages it holds (RSS).
    pub resident: u64,
    /// The same with pages that several processes share divided among them (PSS).
    pub proportional: u64,
}

/// What the process holds now. One that lets nobody look into it tells how much it holds, and not what of that is shared.
pub fn memory(pid: u32) -> Result<Memory, Failure> {
    let status = |_| fs::read_to_string(format!("/proc/{pid}/status"));
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).or_else(status);
    read_memory(&text.or_fail("reading a process's memory")?).or_fail("reading a process's memory")
}

fn read_memory(text: &str) -> Option<Memory> {
    let kilobytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    let resident = kilobytes("Rss:").or_else(|| kilobytes("VmRSS:"))?;
    Some(Memory { resident, proportional: kilobytes("Pss:").unwrap_or(resident) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 100 20 3 4 20 0 1 0 5";
        assert_eq!(read_stat(stat), Some((1, 127)));
    }

    #[test]
    fn times_are_summed_over_descendants_alone() {
        let all = [(1, 0, 1), (7, 1, 10), (8, 7, 100), (9, 8, 1000), (10, 1, 10_000)];
        assert_eq!(ticks_of_tree(&all, 7), Some(1110));
        assert_eq!(ticks_of_tree(&all, 9), Some(1000));
        assert_eq!(ticks_of_tree(&all, 11), None);
    }

    #[test]
    fn reads_both_kinds_of_memory() {
        let text =
            "5581-7ffe ---p 00000000 00:00 0   [rollup]\nRss:     1044 kB\nPss:      132 kB\nPss_Dirty:  88 kB\n";
        assert_eq!(read_memory(text), Some(Memory { resident: 1044, proportional: 132 }));
        assert_eq!(read_memory("VmRSS:\t 77 kB\n"), Some(Memory { resident: 77, proportional: 77 }));
    }

    #[test]
    fn this_process_can_be_measured() {
        let pid = std::process::id();
        assert!(cpu_seconds(pid).is_ok());
        assert!(memory(pid).unwrap().resident > 100);
    }

    #[test]
    fn an_ended_process_is_not_waited_for() {
        let mut running = Running::start(&mut command("true")).unwrap();
        let started = Instant::now();
        assert!(running.wait_until("never", Duration::from_secs(30), || false).is_err());
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}
