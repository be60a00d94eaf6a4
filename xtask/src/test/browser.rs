//! What a person does, by Playwright in Chromium against the real server and the release bundle.

use std::fs;

use serde_json::Value;

use super::Tally;
use crate::{
    bundle,
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    idp, node,
    process::{command, run, shown},
    server::{self, Profile},
};

/// Installs what is missing and runs `end2end/`.
pub fn run_all(checkout: &Checkout) -> Result<Tally, Failure> {
    let chromium = debian::program("chromium", &["chromium", "fonts-liberation"], "the browser tests")?;
    // The server makes films with them, and the tests make films to upload.
    debian::program("ffmpeg", &["ffmpeg"], "the browser tests")?;
    debian::program("bwrap", &["bubblewrap"], "the browser tests")?;
    let site = bundle::ensure(checkout, bundle::Kind::Release)?;
    let binary = server::build(checkout, Profile::Debug)?;
    let folder = checkout.root.join("end2end");
    node::install_locked(&folder)?;
    run(command(folder.join("node_modules/.bin/tsc")).arg("--noEmit").current_dir(&folder))?;
    let report = folder.join("test-results/report.json");
    if report.exists() {
        fs::remove_file(&report).or_fail("removing the last report")?;
    }
    // They end with this value.
    let providers = idp::Providers::start(checkout)?;
    let mut playwright = command(folder.join("node_modules/.bin/playwright"));
    playwright
        .arg("test")
        .current_dir(&folder)
        .env("END2END_BINARY", &binary)
        .env("END2END_SITE", &site)
        .env("CHROMIUM", chromium)
        .env(idp::VARIABLE, providers.file())
        // It is set by terminals and makes node warn in every worker.
        .env_remove("NO_COLOR");
    let status = playwright.status().or_fail(format_args!("starting `{}`", shown(&playwright)))?;
    let text = fs::read_to_string(&report)
        .map_err(|error| Failure::new(format!("playwright ended with {status} and left no report ({error})")))?;
    let tally = read_report(&text).or_fail("reading the report of playwright")?;
    if !status.success() && tally.failed == 0 {
        return Err(Failure::new(format!("playwright ended with {status}")));
    }
    Ok(tally)
}

/// The numbers of Playwright's JSON reporter; a flaky test did fail once.
fn read_report(text: &str) -> Option<Tally> {
    let report: Value = serde_json::from_str(text).ok()?;
    let stats = report.get("stats")?;
    let number = |name: &str| stats.get(name).and_then(Value::as_u64).unwrap_or(0);
    let broken = report.get("errors").and_then(Value::as_array).map_or(0, Vec::len) as u64;
    Some(Tally { passed: number("expected"), failed: number("unexpected") + number("flaky") + broken })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_report() {
        let text = r#"{"stats":{"expected":5,"unexpected":1,"flaky":1,"skipped":2},"errors":[{"message":"x"}]}"#;
        assert_eq!(read_report(text), Some(Tally { passed: 5, failed: 3 }));
        assert_eq!(read_report("{}"), None);
    }
}
