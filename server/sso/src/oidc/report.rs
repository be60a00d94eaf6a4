//! The checks of a sign-in by OpenID Connect, and how each ended.

use serde::Serialize;

use super::reject::Reject;

/// The checks of one sign-in, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The settings are whole.
    Settings,
    /// The provider's document (`/.well-known/openid-configuration`) can be read.
    Discovery,
    /// It is of the issuer that was entered.
    DiscoveryIssuer,
    /// All addresses in it can be used.
    Endpoints,
    /// There are keys that can be used.
    Keys,
    /// The provider takes a kind of client authentication that the settings can give.
    ClientAuthentication,
    /// The answer belongs to a sign-in that was begun here, lately, by this browser.
    Attempt,
    /// The answer names the provider (RFC 9207).
    IssuerParameter,
    /// The provider did not refuse.
    Answer,
    /// It gave tokens for the code.
    Exchange,
    /// There is an ID token that can be read.
    IdToken,
    /// Of the provider.
    Issuer,
    /// For us, and for nobody else.
    Audience,
    /// By an algorithm that is taken.
    Algorithm,
    /// By a key that the provider publishes.
    Key,
    Signature,
    Expiry,
    Nonce,
    AuthorizedParty,
    IssuedAt,
    Subject,
    AccessTokenHash,
    /// The UserInfo endpoint answers, where it is asked.
    UserInfo,
    /// About the same person.
    UserInfoSubject,
    /// The person belongs to the organisation: Microsoft's tenant, Google's domain.
    Organisation,
}

impl Check {
    pub const ALL: [Self; 25] = [
        Self::Settings,
        Self::Discovery,
        Self::DiscoveryIssuer,
        Self::Endpoints,
        Self::Keys,
        Self::ClientAuthentication,
        Self::Attempt,
        Self::IssuerParameter,
        Self::Answer,
        Self::Exchange,
        Self::IdToken,
        Self::Issuer,
        Self::Audience,
        Self::Algorithm,
        Self::Key,
        Self::Signature,
        Self::Expiry,
        Self::Nonce,
        Self::AuthorizedParty,
        Self::IssuedAt,
        Self::Subject,
        Self::AccessTokenHash,
        Self::UserInfo,
        Self::UserInfoSubject,
        Self::Organisation,
    ];

    /// What knowing a provider proves.
    pub(super) const DISCOVERY: [Self; 5] =
        [Self::Discovery, Self::DiscoveryIssuer, Self::Endpoints, Self::Keys, Self::ClientAuthentication];

    /// What `openidconnect` checks of an ID token, in its order.
    pub(super) const TOKEN: [Self; 8] = [
        Self::IdToken,
        Self::Issuer,
        Self::Audience,
        Self::Algorithm,
        Self::Key,
        Self::Signature,
        Self::Expiry,
        Self::Nonce,
    ];
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    /// The code and the words of the refusal.
    Failed(&'static str, String),
    NotReached,
}

/// All checks, for the page on which an administrator tries a connection.
#[derive(Debug, Clone, Default)]
pub struct Report {
    passed: Vec<Check>,
    failed: Option<(Check, &'static str, String)>,
}

impl Report {
    pub(super) fn pass(&mut self, check: Check) {
        self.passed.push(check);
    }

    pub(super) fn pass_all(&mut self, checks: &[Check]) {
        self.passed.extend_from_slice(checks);
    }

    /// Those before the failed one, if it is among checks that are made in this order.
    pub(super) fn pass_before(&mut self, failed: Check, order: &[Check]) {
        if order.contains(&failed) {
            self.passed.extend(order.iter().take_while(|check| **check != failed));
        }
    }

    pub(super) fn fail(&mut self, reject: &Reject) {
        let check = reject.check();
        // What is known of a provider is one step: the checks before the one that failed were passed on the way.
        self.pass_before(check, &Check::DISCOVERY);
        self.failed = Some((check, reject.code(), reject.to_string()));
    }

    /// In the order of [`Check::ALL`].
    pub fn checks(&self) -> Vec<(Check, Outcome)> {
        let outcome = |check: Check| match &self.failed {
            Some((failed, code, words)) if *failed == check => Outcome::Failed(code, words.clone()),
            _ if self.passed.contains(&check) => Outcome::Passed,
            _ => Outcome::NotReached,
        };
        Check::ALL.into_iter().map(|check| (check, outcome(check))).collect()
    }
}
