//! What a test found, in the form in which connections keep it.

use shutterpost_model::connections::{ReportLine, TestReport, Verdict};
use shutterpost_model::time::Millis;
use shutterpost_sso::oidc::report::{Outcome, Report as OidcReport};
use shutterpost_sso::saml::report::{Report as SamlReport, Verdict as SamlVerdict};

use crate::error::Failure;

/// The stable name of a check.
fn name(check: impl serde::Serialize) -> Result<String, Failure> {
    match serde_json::to_value(check)? {
        serde_json::Value::String(name) => Ok(name),
        _ => Err(Failure::Internal("a check has no name".into())),
    }
}

/// Checks that nothing came to because the settings need none of them count as passed once somebody was proved.
pub(super) fn of_oidc(report: &OidcReport, proved: bool, at: Millis) -> Result<TestReport, Failure> {
    let mut lines = Vec::new();
    for (check, outcome) in report.checks() {
        let (verdict, detail) = match outcome {
            Outcome::Passed => (Verdict::Passed, None),
            Outcome::Failed(code, _) => (Verdict::Failed, Some(code.to_owned())),
            Outcome::NotReached if proved => continue,
            Outcome::NotReached => (Verdict::NotReached, None),
        };
        lines.push(ReportLine { check: name(check)?, verdict, detail });
    }
    Ok(TestReport { sign_in: true, lines, at })
}

pub(super) fn of_saml(report: &SamlReport, at: Millis) -> Result<TestReport, Failure> {
    let mut lines = Vec::new();
    for line in &report.lines {
        let (verdict, detail) = match line.verdict {
            SamlVerdict::Passed => (Verdict::Passed, None),
            SamlVerdict::Failed => (Verdict::Failed, report.code.map(str::to_owned)),
            SamlVerdict::NotReached => (Verdict::NotReached, None),
        };
        lines.push(ReportLine { check: name(line.check)?, verdict, detail });
    }
    Ok(TestReport { sign_in: true, lines, at })
}
