//! Checks without tests inside: form, lints, and that the browser's crates compile.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use serde_json::Value;

use super::Tally;
use crate::{
    bundle,
    checkout::Checkout,
    failure::{Failure, While as _},
    process::{cargo, run},
    toolchain,
};

/// `cargo fmt --check` over every crate.
pub fn fmt(checkout: &Checkout) -> Result<Tally, Failure> {
    run(cargo(checkout)?.args(["fmt", "--all", "--check"]))?;
    Ok(Tally::ONE)
}

/// clippy over the default members, tests and examples included.
pub fn clippy(checkout: &Checkout) -> Result<Tally, Failure> {
    let mut clippy = cargo(checkout)?;
    // The feature is one example's, which would be left out without it.
    clippy.args(["clippy", "--quiet", "--locked", "--all-targets", "--features", "shutterpost-backend/measuring"]);
    run(clippy.args(["--", "-D", "warnings"]))?;
    Ok(Tally::ONE)
}

/// `cargo check` for the browser without a warning in a crate of ours.
///
/// The warnings are counted and not denied by a flag: other flags than the bundle's would compile everything again.
pub fn wasm(checkout: &Checkout) -> Result<Tally, Failure> {
    let toolchain = toolchain::prepare(checkout)?;
    let mut check = toolchain.cargo(checkout)?;
    check
        .args(["check", "--quiet", "--locked", "--package", "shutterpost-frontend", "--target", toolchain::TARGET])
        .args(["--message-format", "json"])
        .env("RUSTFLAGS", bundle::Kind::Debug.rustflags())
        .stdout(Stdio::piped());
    let mut child = check.spawn().or_fail("starting cargo check")?;
    let output = child.stdout.take().or_fail("reading from cargo check")?;
    let mut complaints = 0;
    for line in BufReader::new(output).lines() {
        let line = line.or_fail("reading from cargo check")?;
        if let Some(rendered) = complaint(&line) {
            complaints += 1;
            println!("{rendered}");
        }
    }
    let status = child.wait().or_fail("waiting for cargo check")?;
    if status.success() && complaints == 0 {
        Ok(Tally::ONE)
    } else {
        Err(Failure::new(format!("cargo check for {} ended with {status}, {complaints} messages", toolchain::TARGET)))
    }
}

/// The text of a compiler's warning or error in one line of cargo's JSON.
fn complaint(line: &str) -> Option<String> {
    let message: Value = serde_json::from_str(line).ok()?;
    let message = message.get("message")?;
    let level = message.get("level")?.as_str()?;
    matches!(level, "warning" | "error")
        .then(|| message.get("rendered").and_then(Value::as_str).unwrap_or(level).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_count_and_notes_do_not() {
        let warning = r#"{"reason":"compiler-message","message":{"level":"warning","rendered":"unused"}}"#;
        assert_eq!(complaint(warning).as_deref(), Some("unused"));
        assert_eq!(complaint(r#"{"reason":"compiler-message","message":{"level":"note","rendered":"x"}}"#), None);
        assert_eq!(complaint(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(complaint("not json"), None);
    }
}
