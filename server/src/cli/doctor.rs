//! `shutterpost doctor`: what an operator should know, and what to do about it.

use std::io::Write;

use clap::Args;
use shutterpost_backend::backup::Database;
use shutterpost_backend::doctor::{Depth, Finding, State, examine};
use shutterpost_backend::privacy::{Flawed, Scrubbed, scrub_all};

use super::CommandError;
use crate::adapters;
use crate::config::Config;
use crate::wiring;

#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// Print the findings as JSON on standard output.
    #[arg(long)]
    json: bool,
    /// Read every stored object that a row names to its end first, and say which are missing or damaged. Takes about a
    /// minute for 10 GB in a folder.
    #[arg(long)]
    scrub: bool,
}

pub(super) async fn run(config: Config, arguments: DoctorArguments) -> Result<(), CommandError> {
    let (patient, world) = (wiring::patient(&config)?, adapters::world());
    // The last connection to close would empty the log, and end the chain of backups.
    if patient.backup.is_some() {
        for (database, url) in [(Database::Data, &patient.database), (Database::Keys, &patient.key_store)] {
            if let Some(hold) = wiring::held(database, url) {
                hold.until_exit();
            }
        }
    }
    if arguments.scrub {
        scrub(&config).await?;
    }
    let findings = examine(&patient, Depth::Whole, &world).await;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&findings)?)?;
    } else {
        for Finding { check, state, text, remedy, .. } in &findings {
            let sign = match state {
                State::Good => "ok     ",
                State::Warning => "warning",
                State::Failure => "FAILURE",
            };
            writeln!(out, "{sign}  {check}: {text}")?;
            if let Some(remedy) = remedy {
                writeln!(out, "         {remedy}")?;
            }
        }
    }
    let failures = findings.iter().filter(|finding| finding.state == State::Failure).count();
    if failures == 0 { Ok(()) } else { Err(format!("{failures} checks failed").into()) }
}

/// Looks at every stored object, and tells how far it came. What it found is among the findings after it, and in the log.
async fn scrub(config: &Config) -> Result<(), CommandError> {
    let deps = wiring::deps(config).await?;
    let mut tell = |objects: u64| {
        if objects % 1000 < 20 {
            // Nobody may be listening any more.
            drop(writeln!(std::io::stderr(), "{objects} stored objects looked at"));
        }
    };
    let scrubbed = scrub_all(&deps, &mut tell).await;
    let Scrubbed { objects, bytes, flawed } =
        scrubbed.map_err(|failure| format!("not every stored object was looked at: {failure:?}"))?;
    let mut errors = std::io::stderr().lock();
    writeln!(errors, "{objects} stored objects, {} MB, {} missing or damaged", bytes / 1_000_000, flawed.len())?;
    for Flawed { object, flaw } in flawed {
        writeln!(errors, "  {object}: {flaw}")?;
    }
    Ok(())
}
