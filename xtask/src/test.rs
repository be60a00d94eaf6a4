//! `cargo xtask test`: everything that must pass before a change is whole, cheap checks first.

mod browser;
mod budget;
mod checks;
mod licences;
mod unit;

use std::{process::ExitCode, time::Instant};

pub use unit::Soak;

use crate::{args::Args, checkout::Checkout, failure::Failure, fuzz, idp, moto::Moto, postgres::Postgres, progress};

/// The parts, in the order they run.
const PARTS: [&str; 7] = ["fmt", "licences", "clippy", "wasm", "unit", "bundle", "browser"];

/// Which parts to run.
#[derive(Debug)]
pub struct Only {
    names: Vec<String>,
    fuzz: bool,
}

impl Only {
    /// Reads `--only a,b`, where nothing means all, and `--fuzz`.
    pub fn parse(mut args: Args) -> Result<Self, Failure> {
        let names: Vec<String> = args
            .value("--only")?
            .map(|list| list.split(',').map(|name| name.trim().to_owned()).collect())
            .unwrap_or_default();
        let fuzz = args.flag("--fuzz");
        args.finish()?;
        match names.iter().find(|name| !PARTS.contains(&name.as_str())) {
            Some(unknown) => {
                Err(Failure::new(format!("there is no part `{unknown}`; there are: {}", PARTS.join(", "))))
            }
            None => Ok(Self { names, fuzz }),
        }
    }

    fn includes(&self, part: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == part)
    }
}

/// How many tests passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    /// One check that has no tests inside.
    pub const ONE: Self = Self { passed: 1, failed: 0 };
}

/// Everything so far.
#[derive(Debug, Default)]
struct Report {
    sum: Tally,
    lines: Vec<String>,
}

impl Report {
    /// Runs one part and counts it; a part that could not run is one failure.
    fn part(&mut self, name: &str, what: &str, run: impl FnOnce() -> Result<Tally, Failure>) {
        println!("\n{}", progress::bold(&format!("━━ {name}: {what}")));
        let started = Instant::now();
        let (tally, reason) = match run() {
            Ok(tally) => (tally, None),
            Err(failure) => (Tally { passed: 0, failed: 1 }, Some(failure)),
        };
        self.sum.passed += tally.passed;
        self.sum.failed += tally.failed;
        let verdict = if tally.failed == 0 { "ok" } else { "FAILED" };
        let time = progress::seconds(started.elapsed());
        println!("━━ {name}: {verdict}, {time}");
        self.lines
            .push(format!("{name:<10} {verdict:<7} {:>5} passed {:>4} failed  {time}", tally.passed, tally.failed));
        if let Some(failure) = reason {
            println!("{failure}");
            self.lines.push(format!("           {failure}").lines().next().unwrap_or_default().to_owned());
        }
    }
}

/// Runs the parts and ends with the one line that says how many passed.
pub fn run(checkout: &Checkout, only: &Only) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let mut report = Report::default();
    if only.includes("fmt") {
        report.part("fmt", "cargo fmt --check", || checks::fmt(checkout));
    }
    if only.includes("licences") {
        report.part("licences", "licences and sources of all crates", || licences::check(checkout));
    }
    if only.includes("clippy") {
        report.part("clippy", "clippy without a warning (about 3 minutes at first)", || checks::clippy(checkout));
    }
    if only.includes("wasm") {
        report.part("wasm", "the browser's crates compile (about 2 minutes at first)", || checks::wasm(checkout));
    }
    if only.includes("unit") {
        let what = "unit and integration tests, SQLite and PostgreSQL, PKCS#11, KMS and identity providers (about 7 minutes at first)";
        report.part("unit", what, || {
            // Ended here, also when a test panics the recipe.
            let postgres = if std::env::var_os("SHUTTERPOST_TEST_POSTGRES").is_some() {
                progress::note("PostgreSQL of SHUTTERPOST_TEST_POSTGRES");
                None
            } else {
                let own = Postgres::start()?;
                progress::note(&own.describe());
                Some(own)
            };
            let moto = if std::env::var_os("SHUTTERPOST_TEST_KMS").is_some() {
                progress::note("AWS KMS of SHUTTERPOST_TEST_KMS");
                None
            } else {
                let own = Moto::start(checkout)?;
                progress::note(&own.describe());
                Some(own)
            };
            let providers = if std::env::var_os(idp::VARIABLE).is_some() {
                progress::note(&format!("identity providers of {}", idp::VARIABLE));
                // Those may be another checkout's; the client of resumable uploads lies beside ours.
                idp::install_packages(checkout)?;
                None
            } else {
                let own = idp::Providers::start(checkout)?;
                progress::note(&own.describe());
                Some(own)
            };
            unit::run(checkout, postgres.as_ref(), moto.as_ref(), providers.as_ref())
        });
    }
    if only.fuzz {
        report.part("fuzz", "damaged input, a minute for each target", || {
            fuzz::fuzz(checkout, &fuzz::Options::in_tests()?)
        });
    }
    if only.includes("bundle") {
        report.part("bundle", "release bundle and its size (about 10 minutes at first)", || budget::check(checkout));
    }
    if only.includes("browser") {
        report.part("browser", "Playwright in Chromium", || browser::run_all(checkout));
    }

    println!("\n{}", progress::bold(&format!("━━ all, {}", progress::seconds(started.elapsed()))));
    for line in &report.lines {
        println!("{line}");
    }
    println!("{} passed, {} failed", report.sum.passed, report.sum.failed);
    Ok(if report.sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `cargo xtask soak`: the crash suites with many more kills, power cuts and failing calls than a run of all tests has time
/// for.
pub fn soak(checkout: &Checkout, soak: Soak) -> Result<ExitCode, Failure> {
    let mut report = Report::default();
    let Soak { kills, crashes } = soak;
    let what = format!(
        "{kills} kills on each database (about a second each), {crashes} power cuts (about four a second), every call failing"
    );
    report.part("soak", &what, || {
        let own = match std::env::var_os("SHUTTERPOST_TEST_POSTGRES") {
            Some(_) => None,
            None => Some(Postgres::start()?),
        };
        unit::soak(checkout, own.as_ref(), soak)
    });
    Ok(if report.sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_chosen_by_name() {
        let only = Only::parse(Args::from_words(&["--only", "fmt, unit"])).unwrap();
        assert!(only.includes("fmt") && only.includes("unit") && !only.includes("browser"));
        assert!(Only::parse(Args::from_words(&[])).unwrap().includes("browser"));
        assert!(Only::parse(Args::from_words(&["--only", "units"])).is_err());
        assert!(Only::parse(Args::from_words(&["--fuzz", "--only", "unit"])).unwrap().fuzz);
    }

    #[test]
    fn a_part_that_could_not_run_is_one_failure() {
        let mut report = Report::default();
        report.part("a", "", || Ok(Tally { passed: 4, failed: 0 }));
        report.part("b", "", || Err(Failure::new("no")));
        assert_eq!(report.sum, Tally { passed: 4, failed: 1 });
    }
}
