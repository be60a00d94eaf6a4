//! From the last byte to the capture. May be begun by several at a time and any number of times: the idempotency key, which
//! is the upload's own id unless its client has a better one, makes it one capture.

use shutterpost_model::access::Actor;
use shutterpost_model::error::AppError;
use shutterpost_model::id::UploadId;
use shutterpost_model::ingest::Upload;
use shutterpost_model::uploads::Kind;
use shutterpost_model::uploads::metadata::Metadata;

use super::queries::{self, Ending};
use super::rows::{DONE, REFUSED, UploadRow, count, key, metadata_place};
use super::{erase, service::UploadsService};
use crate::db::write_tx;
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::keystore::Realm;
use crate::services::Deps;

/// Takes the file in, and closes the upload if that is decided for good. What may go better next time is a failure, and
/// leaves everything as it is.
pub(super) async fn finish(
    service: &UploadsService,
    actor: &Actor,
    scope: &EventScope,
    row: &UploadRow,
) -> Result<(), Failure> {
    let deps = service.deps();
    let metadata = metadata(deps, scope, row).await?;
    let sources = match row.kind()? {
        Kind::Joined(parts) => parts.into_iter().map(UploadId::into_string).collect(),
        Kind::Whole | Kind::Partial => Vec::new(),
    };
    let bytes = bytes(deps, scope, row, &sources).await?;
    let Metadata { event: _, guest, declared, key, captured_at, raw: _ } = metadata;
    let key = Some(key.unwrap_or_else(|| row.id.clone()));
    let upload = Upload { bytes, declared, guest, key, captured_at };
    let ending = match service.ingest().take_in(actor, scope.event(), upload).await {
        Ok(taken) => Ending {
            state: DONE,
            capture: Some(taken.capture.into_string()),
            link: Some(taken.link.into_string()),
            refusal: None,
        },
        Err(Failure::Told(error)) if lasts(&error) => {
            Ending { state: REFUSED, capture: None, link: None, refusal: Some(serde_json::to_string(&error)?) }
        }
        Err(failure) => return Err(failure),
    };
    close(deps, scope, &row.id, sources, ending).await
}

/// Whether the same file would be refused again.
fn lasts(error: &AppError) -> bool {
    matches!(error.code.status(), 410 | 413 | 415 | 422)
}

/// Forgets the pieces, and remembers what became of them. The key is destroyed last, while the row is there: a sweep
/// would not look for it again.
async fn close(deps: &Deps, scope: &EventScope, id: &str, sources: Vec<String>, ending: Ending) -> Result<(), Failure> {
    let objects = {
        let (world, scope, id) = (deps.world.clone(), scope.clone(), id.to_owned());
        write_tx!(deps.db, tx => {
            if !queries::close(tx, &scope, &id, &ending).await? {
                return Ok(Vec::new());
            }
            erase::drop_parts(tx, &world, &scope, &id).await
        })?
    };
    deps.storage.delete_all(&objects).await;
    erase::forget(&deps.keystore, scope, &[id]).await?;
    for source in sources {
        erase::erase(deps, scope, &source).await?;
    }
    Ok(())
}

/// What the client said about the file.
pub(super) async fn metadata(deps: &Deps, scope: &EventScope, row: &UploadRow) -> Result<Metadata, Failure> {
    let Some(sealed) = &row.metadata else { return Ok(Metadata::default()) };
    let key = deps.keystore.get(&key(scope.organisation(), &row.id)).await?;
    let realm = Realm::Organisation(scope.organisation().clone());
    let raw = sealed.open(&key, metadata_place(&realm, &row.id))?;
    // It was read when it came; only a version that reads less could refuse it now.
    Ok(Metadata::read(raw.expose())?)
}

/// The whole file.
async fn bytes(deps: &Deps, scope: &EventScope, row: &UploadRow, sources: &[String]) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(usize::try_from(row.taken).unwrap_or(0));
    if sources.is_empty() {
        append(deps, scope, &row.id, row.taken, &mut bytes).await?;
    }
    for source in sources {
        append(deps, scope, source, i64::MAX, &mut bytes).await?;
    }
    if count(bytes.len() as u64) == row.taken {
        Ok(bytes)
    } else {
        // Erased by somebody else in this moment, or its pieces are not what they were.
        Err(Failure::NotFound)
    }
}

async fn append(deps: &Deps, scope: &EventScope, upload: &str, taken: i64, bytes: &mut Vec<u8>) -> Result<(), Failure> {
    let parts = queries::parts(&mut deps.db.read().await?, scope, upload).await?;
    if parts.is_empty() {
        return Ok(());
    }
    let key = deps.keystore.get(&key(scope.organisation(), upload)).await?;
    let mut end = 0;
    for part in parts.into_iter().filter(|part| part.end() <= taken) {
        if part.begins_at != end {
            return Err(Failure::Internal("the pieces of an upload do not follow each other".into()));
        }
        end = part.end();
        bytes.extend(deps.storage.get(&part.object, &key).await?);
    }
    Ok(())
}
