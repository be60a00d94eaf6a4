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

/// Seconds of processor time the process and its finished children have used, user and system together.
pub fn cpu_seconds(pid: u32) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).or_fail("reading a process's times")?;
    let ticks = cpu_ticks(&stat).or_fail("reading a process's times")?;
    let per_second: f64 = capture(command("getconf").arg("CLK_TCK"))?.trim().parse().or_fail("reading CLK_TCK")?;
    Ok(ticks as f64 / per_second)
}

/// utime, stime, cutime and cstime: fields 14 to 17, counted from behind the name, which may contain anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let after_name = stat.get(stat.rfind(')')? + 2..)?;
    let mut sum = 0;
    for field in after_name.split(' ').skip(11).take(4) {
        sum += field.parse::<u64>().ok()?;
    }
    Some(sum)
}

/// Kilobytes of memory the process holds (VmRSS).
pub fn resident_kilobytes(pid: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).or_fail("reading a process's memory")?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|number| number.trim().parse().ok())
        .or_fail("reading a process's memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 100 20 3 4 20 0 1 0 5";
        assert_eq!(cpu_ticks(stat), Some(127));
    }

    #[test]
    fn this_process_can_be_measured() {
        let pid = std::process::id();
        assert!(cpu_seconds(pid).is_ok());
        assert!(resident_kilobytes(pid).unwrap() > 100);
    }

    #[test]
    fn an_ended_process_is_not_waited_for() {
        let mut running = Running::start(&mut command("true")).unwrap();
        let started = Instant::now();
        assert!(running.wait_until("never", Duration::from_secs(30), || false).is_err());
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}
