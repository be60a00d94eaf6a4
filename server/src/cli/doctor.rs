//! `shutterpost doctor`: what an operator should know, and what to do about it.

use std::io::Write;

use clap::Args;
use shutterpost_backend::backup::Database;
use shutterpost_backend::doctor::{Depth, Finding, State, examine};

use super::CommandError;
use crate::adapters;
use crate::config::Config;
use crate::wiring;

#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// Print the findings as JSON on standard output.
    #[arg(long)]
    json: bool,
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
