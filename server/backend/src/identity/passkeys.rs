//! What is asked of a passkey, and whether its answer is right (WebAuthn, relying party). Who has which is in
//! `queries::passkeys`, what they are shown for in `service`. The only file that knows the library.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use shutterpost_model::pii::{Pii, Secret};
use webauthn_rp::bin::{Decode, Encode};
use webauthn_rp::request::auth::{
    AllowedCredentials, AuthenticationVerificationOptions, DiscoverableCredentialRequestOptions,
    NonDiscoverableCredentialRequestOptions,
};
use webauthn_rp::request::register::{
    Extension, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, ResidentKeyRequirement, UserHandle64,
};
use webauthn_rp::request::{
    AsciiDomain, Credentials, PublicKeyCredentialDescriptor, RpId, TimedCeremony, UserVerificationRequirement,
};
use webauthn_rp::response::auth::error::AuthCeremonyErr;
use webauthn_rp::response::register::{CompressedPubKey, DynamicState, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication64, DiscoverableAuthenticationServerState,
    NonDiscoverableAuthentication64, NonDiscoverableAuthenticationServerState, PublicKeyCredentialCreationOptions,
    Registration, RegistrationServerState,
};

use crate::context::World;
use crate::error::Failure;

/// The name under which devices list the account.
const SITE: &str = "Shutterpost";
/// The longest answer that is looked at, in bytes; real ones have a few kilobytes.
const LONGEST: usize = 64 * 1024;

fn broken(error: impl std::fmt::Debug) -> Failure {
    Failure::Internal(format!("a passkey does not read: {error:?}"))
}

/// The site that passkeys are made for: the host of the canonical address, and answers from that address alone.
#[derive(Debug, Clone)]
pub(super) struct Site {
    host: Arc<RpId>,
    origin: Arc<String>,
}

impl Site {
    /// `None` where the address has no name: browsers make no passkeys for numbers.
    pub(super) fn of(origin: &str) -> Option<Self> {
        let host = url::Url::parse(origin).ok()?.domain()?.to_owned();
        let host = RpId::Domain(AsciiDomain::try_from(host).ok()?);
        Some(Self { host: Arc::new(host), origin: Arc::new(origin.to_owned()) })
    }
}

/// A question to a passkey.
pub(super) struct Begun {
    /// Random, and good once.
    pub(super) challenge: [u8; 16],
    /// What the answer must be, for [`Registered::verify`] or [`Asserted::verify`].
    pub(super) state: Secret,
    /// For the browser.
    pub(super) options: String,
}

/// A passkey in the clear, as it lies sealed in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Credential {
    /// By which the device knows the account; random, the same for all passkeys of a person.
    handle: String,
    id: String,
    transports: u8,
    /// Public key.
    fixed: String,
    /// Counter, and what the device said of itself last.
    changing: String,
}

type PublicKey = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn decode(text: &str) -> Result<Vec<u8>, Failure> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(broken)
}

fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], Failure> {
    decode(text)?.try_into().map_err(broken)
}

impl Credential {
    pub(super) fn read(text: &Secret) -> Result<Self, Failure> {
        serde_json::from_str(text.expose()).map_err(broken)
    }

    pub(super) fn write(&self) -> Result<Secret, Failure> {
        serde_json::to_string(self).map(Secret::new).map_err(broken)
    }

    pub(super) fn handle(&self) -> Result<Handle, Failure> {
        decode_array(&self.handle).map(Handle)
    }

    /// The id that the device gave it.
    pub(super) fn id(&self) -> Result<Vec<u8>, Failure> {
        decode(&self.id)
    }

    fn changing(&self) -> Result<DynamicState, Failure> {
        DynamicState::decode(decode_array(&self.changing)?).map_err(broken)
    }

    /// Whether it has shown that it knows its owner.
    pub(super) fn verifies(&self) -> Result<bool, Failure> {
        Ok(self.changing()?.user_verified)
    }

    fn descriptor(&self) -> Result<PublicKeyCredentialDescriptor<Vec<u8>>, Failure> {
        let id = CredentialId::<Vec<u8>>::decode(self.id()?).map_err(broken)?;
        Ok(PublicKeyCredentialDescriptor { id, transports: AuthTransports::decode(self.transports).map_err(broken)? })
    }
}

/// The random number by which devices know an account: not its id, which would say whose a found device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle([u8; 64]);

impl Handle {
    pub(super) fn new(world: &World) -> Self {
        Self(world.bytes())
    }

    fn open(self) -> UserHandle64 {
        let Ok(handle) = UserHandle64::decode(self.0);
        handle
    }
}

/// Asks for a new passkey. One that does not know its owner is taken as well: behind the password it is a good factor.
pub(super) fn ask_new(
    site: &Site,
    handle: Handle,
    (name, email): (&Pii<String>, &Pii<String>),
    known: &[Credential],
) -> Result<Begun, Failure> {
    let handle = handle.open();
    let known = known.iter().map(Credential::descriptor).collect::<Result<Vec<_>, _>>()?;
    let person = PublicKeyCredentialUserEntity::from(&handle);
    let mut options = PublicKeyCredentialCreationOptions::passkey(&site.host, person, known);
    options.authenticator_selection.resident_key = ResidentKeyRequirement::Preferred;
    options.authenticator_selection.user_verification = UserVerificationRequirement::Preferred;
    options.extensions = Extension::default();
    let (state, asked) = options.start_ceremony().map_err(broken)?;
    let challenge = state.sent_challenge().0.to_le_bytes();
    let mut options = serde_json::to_value(&asked).map_err(broken)?;
    // The library's own types for names refuse some that people have.
    options["rp"]["name"] = SITE.into();
    options["user"]["name"] = email.expose().as_str().into();
    options["user"]["displayName"] = name.expose().as_str().into();
    Ok(Begun { challenge, state: kept(&state.encode().map_err(broken)?), options: options.to_string() })
}

/// Asks one of these passkeys.
pub(super) fn ask_one_of(site: &Site, known: &[Credential]) -> Result<Begun, Failure> {
    let mut allowed = AllowedCredentials::with_capacity(known.len());
    for credential in known {
        allowed.push(credential.descriptor()?.into());
    }
    let asked = NonDiscoverableCredentialRequestOptions::second_factor(&site.host, allowed);
    let mut asked = asked.map_err(broken)?;
    asked.options().user_verification = UserVerificationRequirement::Preferred;
    let (state, asked) = asked.start_ceremony().map_err(broken)?;
    let challenge = state.sent_challenge().0.to_le_bytes();
    let options = serde_json::to_string(&asked).map_err(broken)?;
    Ok(Begun { challenge, state: kept(&state.encode().map_err(broken)?), options })
}

/// Asks whatever passkey there is. It must verify its owner, since it stands for the password as well.
pub(super) fn ask_any(site: &Site) -> Result<Begun, Failure> {
    let (state, asked) = DiscoverableCredentialRequestOptions::passkey(&site.host).start_ceremony().map_err(broken)?;
    let challenge = state.sent_challenge().0.to_le_bytes();
    let options = serde_json::to_string(&asked).map_err(broken)?;
    Ok(Begun { challenge, state: kept(&state.encode().map_err(broken)?), options })
}

fn kept(state: &[u8]) -> Secret {
    Secret::new(encode(state))
}

/// Why an answer was not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Not the answer to this question; why, for the log.
    Wrong(String),
    /// Everything is right but the counter: somebody else has a copy.
    Copied,
    Failed(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The answer to [`ask_new`], as far as it reads.
pub(super) struct Registered(Registration);

impl Registered {
    pub(super) fn read(answer: &Secret) -> Option<Self> {
        let answer = answer.expose();
        (answer.len() <= LONGEST).then(|| Registration::from_json_relaxed(answer.as_bytes()).ok()).flatten().map(Self)
    }

    /// The challenge that it says it answers.
    pub(super) fn challenge(&self) -> Option<[u8; 16]> {
        Some(self.0.challenge_relaxed().ok()?.0.to_le_bytes())
    }

    pub(super) fn verify(&self, site: &Site, state: &Secret) -> Result<Credential, Refusal> {
        let state = RegistrationServerState::<64>::decode(&decode(state.expose())?).map_err(broken)?;
        let options = RegistrationVerificationOptions::<String, String> {
            allowed_origins: std::slice::from_ref(&*site.origin),
            // Some devices tell more than they were asked; nothing is read of it.
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let found = state.verify(&site.host, &self.0, &options).map_err(|error| Refusal::Wrong(error.to_string()))?;
        let (id, transports, handle, fixed, changing, _) = found.into_parts();
        Ok(Credential {
            handle: encode(handle.as_ref()),
            id: encode(id.as_ref()),
            transports: transports.encode().map_err(broken)?,
            fixed: encode(&fixed.encode().map_err(broken)?),
            changing: encode(&changing.encode().map_err(broken)?),
        })
    }
}

/// The answer of a passkey that is known, as far as it reads.
pub(super) enum Asserted {
    /// To [`ask_one_of`].
    One(NonDiscoverableAuthentication64),
    /// To [`ask_any`].
    Any(DiscoverableAuthentication64),
}

impl Asserted {
    pub(super) fn read_one(answer: &Secret) -> Option<Self> {
        let answer = Some(answer.expose()).filter(|answer| answer.len() <= LONGEST)?;
        NonDiscoverableAuthentication64::from_json_relaxed(answer.as_bytes()).ok().map(Self::One)
    }

    pub(super) fn read_any(answer: &Secret) -> Option<Self> {
        let answer = Some(answer.expose()).filter(|answer| answer.len() <= LONGEST)?;
        DiscoverableAuthentication64::from_json_relaxed(answer.as_bytes()).ok().map(Self::Any)
    }

    /// The challenge that it says it answers.
    pub(super) fn challenge(&self) -> Option<[u8; 16]> {
        let challenge = match self {
            Self::One(answer) => answer.challenge_relaxed(),
            Self::Any(answer) => answer.challenge_relaxed(),
        };
        Some(challenge.ok()?.0.to_le_bytes())
    }

    /// The id of the passkey that it says it comes from.
    pub(super) fn credential(&self) -> Vec<u8> {
        let id = match self {
            Self::One(answer) => answer.raw_id(),
            Self::Any(answer) => answer.raw_id(),
        };
        id.as_ref().to_vec()
    }

    /// The passkey as it is from now on.
    pub(super) fn verify(&self, site: &Site, state: &Secret, known: &Credential) -> Result<Credential, Refusal> {
        let state = decode(state.expose())?;
        let handle = known.handle()?.open();
        let id = known.id()?;
        let id = CredentialId::<&[u8]>::decode(&id).map_err(broken)?;
        let fixed = StaticState::<PublicKey>::decode(&decode(&known.fixed)?).map_err(broken)?;
        let mut own = AuthenticatedCredential::new(id, &handle, fixed, known.changing()?).map_err(broken)?;
        let options = AuthenticationVerificationOptions::<String, String> {
            allowed_origins: std::slice::from_ref(&*site.origin),
            error_on_unsolicited_extensions: false,
            update_uv: true,
            ..AuthenticationVerificationOptions::default()
        };
        let verified = match self {
            Self::One(answer) => NonDiscoverableAuthenticationServerState::decode(&state)
                .map_err(broken)?
                .verify(&site.host, answer, &mut own, &options),
            Self::Any(answer) => DiscoverableAuthenticationServerState::decode(&state)
                .map_err(broken)?
                .verify(&site.host, answer, &mut own, &options),
        };
        match verified {
            Ok(_) => {
                let changing = encode(&own.dynamic_state().encode().map_err(broken)?);
                Ok(Credential { changing, ..known.clone() })
            }
            Err(AuthCeremonyErr::SignatureCounter) => Err(Refusal::Copied),
            Err(error) => Err(Refusal::Wrong(error.to_string())),
        }
    }
}
