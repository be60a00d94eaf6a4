//! Uploaded logos: re-encoded, stored, and removed with their rows.

use shutterpost_media::error::{FilmError, MediaError};
use shutterpost_media::inspect::Limits;
use shutterpost_media::mark::{self, Logo};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::LogoChange;
use shutterpost_model::id::LogoId;

use super::queries;
use super::rows::{self, LogoRow};
use super::scope::{EventScope, Tenant};
use crate::context::World;
use crate::db::Tx;
use crate::error::Failure;
use crate::jobs::queue::{self, JobKind};
use crate::services::Deps;
use crate::storage::SealedFile;

/// Logos are drawings; more is a photo by mistake.
const LIMITS: Limits = Limits { max_bytes: 8_000_000, max_pixels: 25_000_000, max_side: 10_000 };

/// What the transaction does with the logo.
pub(super) enum Plan {
    Keep,
    Remove,
    Replace(LogoRow),
}

/// Stores a new logo. The caller deletes the object again if the transaction fails.
pub(super) async fn prepare(deps: &Deps, scope: &EventScope, change: LogoChange) -> Result<Plan, Failure> {
    let bytes = match change {
        LogoChange::Keep => return Ok(Plan::Keep),
        LogoChange::Remove => return Ok(Plan::Remove),
        LogoChange::Replace(bytes) => bytes,
    };
    let outcome = tokio::task::spawn_blocking(move || mark::logo(&bytes, &LIMITS)).await;
    let outcome = outcome.map_err(|error| Failure::internal("the logo's task ended early", error))?;
    let Logo { width, height, bytes } = outcome.map_err(|error| AppError::field("logo", code(error)))?;
    let key = rows::key(scope.organisation(), scope.event().as_str());
    let key = deps.keystore.make_one(&key).await?;
    let file = SealedFile::seal(&deps.world, &key, &bytes)?;
    let object = file.name().to_owned();
    if let Err(failure) = deps.storage.put(file).await {
        deps.storage.delete_all(&[object]).await;
        return Err(failure);
    }
    let side = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    Ok(Plan::Replace(LogoRow {
        id: deps.world.id(LogoId::new).into_string(),
        organisation_id: scope.organisation().as_str().to_owned(),
        event_id: scope.event().as_str().to_owned(),
        width: side(width),
        height: side(height),
        object,
        created_at: deps.world.now().0,
    }))
}

impl Plan {
    /// The object stored for it, if any.
    pub(super) fn object(&self) -> Option<&str> {
        match self {
            Self::Replace(row) => Some(&row.object),
            Self::Keep | Self::Remove => None,
        }
    }

    /// Carries the plan out in the rows: gives the logo that is in use afterwards and the objects to be deleted.
    pub(super) async fn apply(
        &self,
        tx: &mut Tx,
        world: &World,
        scope: &EventScope,
        current: Option<String>,
    ) -> Result<(Option<String>, Vec<String>), Failure> {
        let next = match self {
            Self::Keep => return Ok((current, Vec::new())),
            Self::Remove => None,
            Self::Replace(row) => {
                queries::insert_logo(tx, scope, row).await?;
                Some(row.id.clone())
            }
        };
        let mut objects = Vec::new();
        for old in queries::logos(tx, scope).await?.into_iter().filter(|row| Some(&row.id) != next.as_ref()) {
            queries::delete_logo(tx, scope, &old.id).await?;
            queue::enqueue(tx, world, JobKind::DeleteObject, &old.object, world.now()).await?;
            objects.push(old.object);
        }
        Ok((next, objects))
    }
}

/// What a client is told about a picture that was refused.
pub(crate) fn code(error: MediaError) -> Code {
    match error {
        MediaError::Empty => Code::FileEmpty,
        MediaError::TooLarge { .. } => Code::TooLarge,
        MediaError::NotAnImage | MediaError::Unsupported(_) | MediaError::Animated => Code::FileKind,
        MediaError::Truncated => Code::FileTruncated,
        MediaError::Malformed(_) => Code::FileDamaged,
        MediaError::TooManyPixels { .. } => Code::FilePixels,
        MediaError::Encode(_) => Code::Internal,
        MediaError::Film(film) => match film {
            FilmError::NotAFilm => Code::FileKind,
            FilmError::NoPictures | FilmError::Conversion(_) => Code::FileDamaged,
            FilmError::TooLong { .. }
            | FilmError::TooManyTracks { .. }
            | FilmError::TooManyFrames { .. }
            | FilmError::TooFast { .. } => Code::FileLong,
            FilmError::NoSandbox => Code::FilmsUnavailable,
            FilmError::Interrupted(_) => Code::Busy,
            FilmError::Unreadable(_) => Code::Internal,
        },
    }
}
