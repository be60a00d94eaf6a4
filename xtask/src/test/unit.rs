//! Unit and integration tests by cargo-nextest, every test of a database on SQLite and on PostgreSQL.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use super::Tally;
use crate::{
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    idp,
    moto::Moto,
    postgres::Postgres,
    process::{cargo, shown},
    softhsm, tools,
};

/// Runs them; with `postgres`, `moto` and `providers`, where they are is handed to the tests.
pub fn run(
    checkout: &Checkout,
    postgres: Option<&Postgres>,
    moto: Option<&Moto>,
    providers: Option<&idp::Providers>,
) -> Result<Tally, Failure> {
    let softhsm = softhsm::module()?;
    debian::program("exiftool", &["libimage-exiftool-perl"], "the tests on metadata")?;
    debian::program("ffmpeg", &["ffmpeg"], "the tests on films")?;
    debian::program("bwrap", &["bubblewrap"], "the tests on films")?;
    let mut nextest = nextest(checkout, postgres)?;
    if let Some(moto) = moto {
        nextest.env("SHUTTERPOST_TEST_KMS", moto.url());
        // It looks at the form of requests alone, but they have to be signed with something.
        nextest.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env_remove("AWS_SESSION_TOKEN");
    }
    if let Some(providers) = providers {
        nextest.env(idp::VARIABLE, providers.file());
    }
    if std::env::var_os("SHUTTERPOST_TEST_SOFTHSM").is_none() {
        nextest.env("SHUTTERPOST_TEST_SOFTHSM", softhsm);
    }
    count(nextest)
}

/// How much of each crash suite.
#[derive(Debug, Clone, Copy)]
pub struct Soak {
    /// Kills of the program on each database.
    pub kills: u32,
    /// Seeded power cuts.
    pub crashes: u32,
}

/// Runs the suites of crashes and failing calls alone.
pub fn soak(checkout: &Checkout, postgres: Option<&Postgres>, soak: Soak) -> Result<Tally, Failure> {
    let mut nextest = nextest(checkout, postgres)?;
    nextest.args(["--profile", "soak", "--success-output", "immediate"]);
    nextest.args(["-E", "test(crash::uploads) | test(/^faults::/)"]);
    nextest.env("SHUTTERPOST_SOAK_KILLS", soak.kills.to_string());
    nextest.env("SHUTTERPOST_SOAK_CRASHES", soak.crashes.to_string());
    count(nextest)
}

fn nextest(checkout: &Checkout, postgres: Option<&Postgres>) -> Result<Command, Failure> {
    let tools = tools::nextest(checkout)?;
    let mut nextest = cargo(checkout)?;
    nextest.args(["nextest", "run", "--locked", "--no-fail-fast"]);
    if let Some(postgres) = postgres {
        nextest.env("SHUTTERPOST_TEST_POSTGRES", postgres.url());
    }
    tools.choose(&mut nextest);
    Ok(nextest)
}

/// Runs it to its end and reads what passed.
fn count(mut nextest: Command) -> Result<Tally, Failure> {
    // It prints to standard error; read here, because its last line has the numbers.
    nextest.stderr(Stdio::piped());
    let mut child = nextest.spawn().or_fail(format_args!("starting `{}`", shown(&nextest)))?;
    let output = child.stderr.take().or_fail("reading from nextest")?;
    let mut tally = None;
    for line in BufReader::new(output).lines() {
        let line = line.or_fail("reading from nextest")?;
        println!("{line}");
        tally = summary(&line).or(tally);
    }
    let status = child.wait().or_fail("waiting for nextest")?;
    match tally {
        Some(tally) if status.success() || tally.failed > 0 => Ok(tally),
        _ => Err(Failure::new(format!("`{}` ended with {status}", shown(&nextest)))),
    }
}

/// `Summary [ 1.2s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped`
fn summary(line: &str) -> Option<Tally> {
    let (_, counts) = line.trim_start().strip_prefix("Summary")?.split_once(" run: ")?;
    let mut tally = Tally::default();
    for part in counts.split(',') {
        let mut words = part.split_whitespace();
        let number: u64 = words.next()?.parse().ok()?;
        match words.next()? {
            "passed" => tally.passed += number,
            "skipped" => {}
            // failed, timed out, exec failed: none of them passed.
            _ => tally.failed += number,
        }
    }
    Some(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_summary() {
        let line = "     Summary [   0.050s] 14 tests run: 11 passed (1 slow), 2 failed, 1 timed out, 3 skipped";
        assert_eq!(summary(line), Some(Tally { passed: 11, failed: 3 }));
        assert_eq!(summary("Summary [ 0.0s] 1 test run: 1 passed, 0 skipped"), Some(Tally { passed: 1, failed: 0 }));
        assert_eq!(summary("        PASS [   0.005s] xtask tests::x"), None);
    }
}
