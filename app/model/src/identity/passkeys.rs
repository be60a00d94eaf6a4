//! Passkeys: keys on a person's phone, computer or security key, which open the account in the place of a code or of the
//! password as well. The browser and the device do the work (WebAuthn); what passes here is JSON as browsers write it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Client, NewSession};
use crate::access::Actor;
use crate::error::AppError;
use crate::id::PasskeyId;
use crate::pii::{Disclosed, Pii, Secret};
use crate::time::Millis;

/// How long a question to a passkey may be answered, in milliseconds.
pub const CEREMONY_GOOD: i64 = 5 * 60_000;

/// A passkey as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyView {
    pub id: PasskeyId,
    pub name: Disclosed<String>,
    pub created_at: Millis,
    pub last_used: Option<Millis>,
    /// It has shown that it knows its owner (by finger, face or PIN), so that it can sign in without a password.
    pub verifies: bool,
    /// It counted backwards, so there is a copy of it: nothing is taken from it any more.
    pub refused: bool,
}

/// A question to a passkey, for the browser that asked for it.
#[derive(Debug, Clone)]
pub struct NewCeremony {
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`.
    pub options: String,
    /// The cookie without which the answer is worth nothing.
    pub browser: Secret,
    /// Seconds until the question is worthless, for `Max-Age`.
    pub max_age: i64,
}

/// What a browser answered, and the cookie that came along.
#[derive(Debug, Clone)]
pub struct PasskeyAnswer {
    /// `RegistrationResponseJSON` or `AuthenticationResponseJSON`.
    pub credential: Secret,
    pub browser: Option<Secret>,
}

/// What a sign-in that waits can be finished with, besides recovery codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offered {
    pub code: bool,
    pub passkey: bool,
}

/// The port of passkeys. Each question is answered once, within [`CEREMONY_GOOD`], by the browser and the person it was
/// asked of and for what it was asked; anything else is [`crate::error::Code::PasskeyRefused`], whatever was wrong.
#[async_trait]
pub trait Passkeys: Send + Sync {
    /// One's own, oldest first.
    async fn list(&self, actor: &Actor) -> Result<Vec<PasskeyView>, AppError>;
    /// Asks for a new passkey. `browser` is the cookie of an earlier question, here and in the other calls: several may be
    /// open in one browser.
    async fn begin_add(&self, actor: &Actor, browser: Option<&Secret>) -> Result<NewCeremony, AppError>;
    /// Puts a passkey into use. All other sessions end. With the first factor come recovery codes, which are shown this
    /// once.
    async fn add(
        &self,
        actor: &Actor,
        name: Pii<String>,
        answer: PasskeyAnswer,
    ) -> Result<(NewSession, Vec<Secret>), AppError>;
    async fn rename(&self, actor: &Actor, passkey: &PasskeyId, name: Pii<String>) -> Result<(), AppError>;
    /// Takes a passkey away. All other sessions end; with the last factor the recovery codes go as well, unless an
    /// organisation of the person asks for one ([`crate::error::Code::FactorKept`]).
    async fn remove(&self, actor: &Actor, passkey: &PasskeyId) -> Result<NewSession, AppError>;
    /// What the sign-in behind the cookie can be finished with.
    async fn offered(&self, pending: &Secret) -> Result<Offered, AppError>;
    /// Asks one of the passkeys of whoever showed the password.
    async fn begin_present(&self, pending: &Secret, browser: Option<&Secret>) -> Result<NewCeremony, AppError>;
    /// Ends a sign-in with a passkey in the place of a code.
    async fn present(&self, pending: &Secret, answer: PasskeyAnswer, client: Client) -> Result<NewSession, AppError>;
    /// Asks one of one's own passkeys, to prove once more who one is.
    async fn begin_confirm(&self, actor: &Actor, browser: Option<&Secret>) -> Result<NewCeremony, AppError>;
    /// Proves it; the session gets a new cookie.
    async fn confirm(&self, actor: &Actor, answer: PasskeyAnswer) -> Result<(NewSession, Actor), AppError>;
    /// Asks whatever passkey the device has for this site; it must verify its owner.
    async fn begin_sign_in(&self, browser: Option<&Secret>) -> Result<NewCeremony, AppError>;
    /// Signs in without address and password.
    async fn sign_in(&self, answer: PasskeyAnswer, client: Client) -> Result<NewSession, AppError>;
}
