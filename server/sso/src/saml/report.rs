//! Every check of a response with what was compared, for the page on which an administrator tries a connection.

use serde::Serialize;

use super::reject::Reject;

/// The checks, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The settings can be used.
    Connection,
    /// Size and encoding of what was sent.
    Form,
    /// We asked for it, here, and not too long ago.
    Attempt,
    /// XML in the form of SAML, with one assertion.
    Document,
    Destination,
    Issuer,
    Status,
    InResponseTo,
    Signature,
    AssertionIssuer,
    Time,
    Audience,
    /// The bearer may use it, here and now.
    Confirmation,
    /// The person did sign in there.
    SignIn,
    Subject,
    Attributes,
}

impl Check {
    pub const ALL: [Self; 16] = [
        Self::Connection,
        Self::Form,
        Self::Attempt,
        Self::Document,
        Self::Destination,
        Self::Issuer,
        Self::Status,
        Self::InResponseTo,
        Self::Signature,
        Self::AssertionIssuer,
        Self::Time,
        Self::Audience,
        Self::Confirmation,
        Self::SignIn,
        Self::Subject,
        Self::Attributes,
    ];
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Passed,
    Failed,
    /// An earlier one failed.
    NotReached,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub check: Check,
    pub verdict: Verdict,
    /// What it should have been, where that is one value.
    pub expected: Option<String>,
    /// What the message says. It is not proved before [`Check::Signature`] has passed.
    pub found: Option<String>,
}

/// All checks of one response. Nothing in it is personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub lines: Vec<Line>,
    /// The failed check's [`Reject::code`].
    pub code: Option<&'static str>,
    /// The same in words, for a log. Pages have texts by the code.
    pub reason: Option<String>,
}

impl Report {
    /// Checks before the failed one have passed; `compared` knows the values.
    pub(super) fn new(failed: Option<&Reject>, compared: impl Fn(Check) -> (Option<String>, Option<String>)) -> Self {
        let at = failed.map(Reject::check);
        let line = |check: Check| {
            let verdict = match at {
                Some(at) if check == at => Verdict::Failed,
                Some(at) if check > at => Verdict::NotReached,
                _ => Verdict::Passed,
            };
            let (expected, found) = compared(check);
            Line { check, verdict, expected, found }
        };
        Self {
            lines: Check::ALL.into_iter().map(line).collect(),
            code: failed.map(Reject::code),
            reason: failed.map(ToString::to_string),
        }
    }
}
