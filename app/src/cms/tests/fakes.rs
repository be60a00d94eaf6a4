//! Services that answer from memory, a file a port: enough to render every page of the CMS.

use std::sync::Arc;

use shutterpost_model::access::{Actor, Credential, Role};
use shutterpost_model::designs::Progress;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, ErasureId, EventId, OrganisationId, SessionId, UserId};
use shutterpost_model::pii::{Disclosed, Pii, Purpose};
use shutterpost_model::services::Services;
use shutterpost_model::time::Millis;

mod accounts;
mod audit;
mod captures;
mod connections;
mod designs;
mod directory;
mod domains;
mod events;
mod exports;
mod guests;
mod ingest;
mod messages;
mod own_sign_in;
mod passkeys;
mod privacy;
mod security;
mod shares;
mod sso;
mod support;
mod trash;
mod uploads;

pub use connections::connection_id;
pub use designs::{design_file_id, progress};
pub use guests::guest;
pub use support::{approval_id, grant_id, staff};

type Answer<T> = Result<T, AppError>;

/// 3 March 2026, 17:50 UTC.
pub const NOW: Millis = Millis(1_772_560_245_999);

/// What the organisation holds.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub captures: i64,
    /// Nothing at all: the state after the first sign-in.
    pub empty: bool,
    pub failed: bool,
    /// The capture is in the trash.
    pub trashed: bool,
    /// Whoever asks has an authenticator app in use, or one that waits for its first code.
    pub two_factor: bool,
    pub setting_up: bool,
    /// Whoever asks has two passkeys, one of which was copied.
    pub passkeys: bool,
    /// Whoever asks came by a connection and has nothing else to show.
    pub by_provider: bool,
    /// The organisation asks for sign-in by its own provider, and this session did not come by it.
    pub own_sign_in: bool,
    /// Captures are films; the capture's own is there once `film` is.
    pub moving: bool,
    pub film: bool,
    pub unplayable: bool,
    /// The event has a picture design, and how far it is applied.
    pub design: bool,
    pub applying: Option<Progress>,
}

pub fn event_id() -> EventId {
    EventId::new(NOW.0, [1; 10])
}

pub fn capture_id(number: i64) -> CaptureId {
    CaptureId::new(NOW.0 - number * 60_000, [2; 10])
}

/// The erasure that is done, the one whose files are still being deleted, and the one whose keys are being destroyed.
pub fn erasure_id(number: u8) -> ErasureId {
    ErasureId::new(NOW.0, [number; 10])
}

pub fn actor(role: Role) -> Actor {
    let credential = Credential::Session { user: UserId::new(1, [3; 10]), session: SessionId::new(1, [4; 10]) };
    Actor::proven(credential, Some((OrganisationId::new(1, [5; 10]), role)))
}

fn disclosed(text: &str) -> Disclosed<String> {
    Pii::new(text.to_owned()).disclose(Purpose::OwnData)
}

fn elsewhere<T>() -> Answer<T> {
    Err(AppError::new(Code::Internal))
}

pub fn services(world: World) -> Services {
    let world = Arc::new(world);
    Services {
        accounts: world.clone(),
        security: world.clone(),
        passkeys: world.clone(),
        directory: world.clone(),
        sso: world.clone(),
        connections: world.clone(),
        domains: world.clone(),
        events: world.clone(),
        captures: world.clone(),
        designs: world.clone(),
        exports: world.clone(),
        guests: world.clone(),
        shares: world.clone(),
        messages: world.clone(),
        ingest: world.clone(),
        uploads: world.clone(),
        privacy: world.clone(),
        trash: world.clone(),
        support: world.clone(),
        audit: world,
    }
}
