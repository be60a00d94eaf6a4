//! Writing the bytes of a request. They are sealed and stored in pieces, so that a connection holds a few megabytes at
//! most, and a piece is on the disk before its bytes count. A request with a checksum counts as a whole or not at all.

use std::sync::Arc;

use sha1::Sha1;
use sha2::{Digest, Sha256};
use shutterpost_model::error::Code;
use shutterpost_model::uploads::ask::{Algorithm, Bytes, Checksum};
use shutterpost_model::uploads::decide::Claim;
use shutterpost_model::uploads::{Cut, Incoming, KEPT};
use shutterpost_vault::data_key::DataKey;

use super::queries;
use super::rows::{PartRow, count};
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::jobs::queue::{self, JobKind};
use crate::services::Deps;
use crate::storage::SealedFile;

/// Bytes of a piece. A connection holds about twice as many.
pub(super) const PIECE: usize = 4 * 1024 * 1024;
/// A last piece smaller than this is written anew together with what follows, so that a file in a million requests is not
/// a million objects.
pub(super) const SMALL: i64 = 256 * 1024;

/// Whoever writes, from the claim to the end of the request.
pub(super) struct Pen {
    deps: Deps,
    scope: EventScope,
    upload: String,
    key: Arc<DataKey>,
    claim: Claim,
    /// Bytes that came and are in no piece yet; with those of a small piece before them.
    buffer: Vec<u8>,
    /// Where the buffer begins.
    begins_at: u64,
    /// Where the bytes end that count.
    counted: u64,
    /// The small piece that the next one takes the place of.
    small: Option<PartRow>,
    /// What came is hashed, and counts at the end.
    check: Option<Check>,
    /// Pieces of a request with a checksum, stored and not counted yet.
    waiting: Vec<String>,
}

struct Check {
    expected: Checksum,
    sha1: Sha1,
    sha256: Sha256,
    /// The small piece, which goes when the new one counts.
    replaced: Option<PartRow>,
}

impl Check {
    fn update(&mut self, bytes: &[u8]) {
        match self.expected.algorithm {
            Algorithm::Sha1 => self.sha1.update(bytes),
            Algorithm::Sha256 => self.sha256.update(bytes),
        }
    }

    fn fits(&self) -> bool {
        match self.expected.algorithm {
            Algorithm::Sha1 => self.sha1.clone().finalize().as_slice() == self.expected.digest.as_slice(),
            Algorithm::Sha256 => self.sha256.clone().finalize().as_slice() == self.expected.digest.as_slice(),
        }
    }
}

impl Pen {
    /// Takes the claim; `None` if the upload has moved since it was decided on. What an overtaken writer left is deleted.
    pub(super) async fn claim(
        deps: &Deps,
        scope: &EventScope,
        upload: &str,
        key: Arc<DataKey>,
        claim: Claim,
        checksum: Option<Checksum>,
    ) -> Result<Option<Self>, Failure> {
        let claimed = {
            let (world, scope, upload) = (deps.world.clone(), scope.clone(), upload.to_owned());
            write_tx!(deps.db, tx => {
                if !queries::claim(tx, &scope, &upload, claim).await? {
                    return Ok(None);
                }
                let parts = queries::parts(tx, &scope, &upload).await?;
                let (good, left): (Vec<PartRow>, Vec<PartRow>) =
                    parts.into_iter().partition(|part| part.end() <= count(claim.offset));
                let left: Vec<String> = left.into_iter().map(|part| part.object).collect();
                for object in &left {
                    queue::enqueue(tx, &world, JobKind::DeleteObject, object, world.now()).await?;
                }
                queries::delete_parts(tx, &scope, &left).await?;
                Ok(Some(good.into_iter().next_back()))
            })?
        };
        let Some(last) = claimed else { return Ok(None) };
        let small = last.filter(|part| part.size < SMALL && part.end() == count(claim.offset));
        let buffer = match &small {
            Some(part) => deps.storage.get(&part.object, &key).await?,
            None => Vec::new(),
        };
        let begins_at = claim.offset.saturating_sub(buffer.len() as u64);
        let check = checksum.map(|expected| Check {
            expected,
            sha1: Sha1::new(),
            sha256: Sha256::new(),
            replaced: small.clone(),
        });
        Ok(Some(Self {
            deps: deps.clone(),
            scope: scope.clone(),
            upload: upload.to_owned(),
            key,
            claim,
            buffer,
            begins_at,
            counted: claim.offset,
            small,
            check,
            waiting: Vec::new(),
        }))
    }

    /// Writes what comes; gives where the bytes end that count.
    ///
    /// # Errors
    /// [`Code::TooLarge`], [`Code::UploadChecksum`], and [`Code::UploadOffset`] if somebody else began to write.
    pub(super) async fn write(mut self, bytes: &Bytes, body: &mut dyn Incoming) -> Result<u64, Failure> {
        let outcome = self.take(bytes, body).await;
        let whole = match outcome {
            Ok(whole) => whole,
            Err(failure) => {
                self.drop_waiting().await;
                return Err(failure);
            }
        };
        let Some(check) = &self.check else { return Ok(self.counted) };
        if !check.fits() || !whole {
            self.drop_waiting().await;
            return Err(Code::UploadChecksum.into());
        }
        self.count_waiting().await
    }

    /// Reads the request to its end, or to where it was cut; `true` if it is whole.
    async fn take(&mut self, bytes: &Bytes, body: &mut dyn Incoming) -> Result<bool, Failure> {
        let mut came = 0_u64;
        let cut = loop {
            match body.next().await {
                Ok(Some(more)) => {
                    came = came.saturating_add(more.len() as u64);
                    if came > self.claim.most {
                        return Err(Code::TooLarge.into());
                    }
                    if let Some(check) = &mut self.check {
                        check.update(&more);
                    }
                    let mut rest = more.as_slice();
                    while !rest.is_empty() {
                        let (now, later) = rest.split_at(rest.len().min(PIECE.saturating_sub(self.buffer.len())));
                        self.buffer.extend_from_slice(now);
                        rest = later;
                        if self.buffer.len() >= PIECE {
                            self.store().await?;
                        }
                    }
                }
                Ok(None) => break false,
                Err(Cut) => break true,
            }
        };
        let whole = !cut && bytes.size.is_none_or(|size| size == came);
        let has_new = self.begins_at.saturating_add(self.buffer.len() as u64) > self.end();
        // What came of a cut request is kept, unless its checksum will never come.
        if has_new && (whole || self.check.is_none()) {
            self.store().await?;
        }
        Ok(whole)
    }

    /// Where the bytes end that are in pieces, counted or not.
    fn end(&self) -> u64 {
        self.counted.max(self.begins_at)
    }

    /// Seals and stores the buffer, and has its bytes count if there is no checksum to wait for.
    async fn store(&mut self) -> Result<(), Failure> {
        let plain = std::mem::take(&mut self.buffer);
        let size = plain.len() as u64;
        let (world, key) = (self.deps.world.clone(), Arc::clone(&self.key));
        // Milliseconds: not on a thread that answers requests.
        let sealing = tokio::task::spawn_blocking(move || SealedFile::seal(&world, &key, &plain)).await;
        let file = sealing.map_err(|error| Failure::internal("the sealing of a piece ended early", error))??;
        let object = file.name().to_owned();
        if let Err(failure) = self.deps.storage.put(file).await {
            self.deps.storage.delete_all(&[object]).await;
            return Err(failure);
        }
        let part = PartRow {
            object: object.clone(),
            upload_id: self.upload.clone(),
            organisation_id: self.scope.organisation().as_str().to_owned(),
            begins_at: count(self.begins_at),
            size: count(size),
        };
        let end = self.begins_at.saturating_add(size);
        let counts = self.check.is_none();
        let replaced = self.small.take().filter(|_| counts);
        let written = self.enter(part, counts.then_some((self.counted, end)), replaced.clone()).await;
        match written {
            Ok(true) => {}
            Ok(false) => {
                self.deps.storage.delete_all(&[object]).await;
                return Err(Code::UploadOffset.into());
            }
            // A commit whose answer got lost may have happened: then the rows decide.
            Err(failure) => return Err(failure),
        }
        if let Some(replaced) = replaced {
            self.deps.storage.delete_all(&[replaced.object]).await;
        }
        self.begins_at = end;
        if counts {
            self.counted = end;
        } else {
            self.waiting.push(object);
        }
        Ok(())
    }

    /// Enters a piece; `false` if somebody else has begun to write.
    async fn enter(
        &self,
        part: PartRow,
        moves: Option<(u64, u64)>,
        replaced: Option<PartRow>,
    ) -> Result<bool, Failure> {
        let (world, scope, claim) = (self.deps.world.clone(), self.scope.clone(), self.claim);
        let upload = self.upload.clone();
        // A request that waits for its checksum moves nothing, and asks in the same way whether it is still its turn.
        let moves = moves.unwrap_or((self.counted, self.counted));
        let entered = write_tx!(self.deps.db, tx => {
            let until = world.now().plus(KEPT);
            if !queries::advance(tx, &scope, &upload, claim, moves, until).await? {
                return Err(Failure::NotFound);
            }
            queries::insert_part(tx, &part).await?;
            if let Some(replaced) = replaced {
                replace(tx, &world, &scope, replaced).await?;
            }
            Ok(())
        });
        match entered {
            Ok(()) => Ok(true),
            Err(Failure::NotFound) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Has the pieces of a request count whose checksum fits.
    async fn count_waiting(mut self) -> Result<u64, Failure> {
        let end = self.begins_at;
        if self.waiting.is_empty() {
            return Ok(self.counted);
        }
        let replaced = self.check.take().and_then(|check| check.replaced);
        let (world, scope, claim) = (self.deps.world.clone(), self.scope.clone(), self.claim);
        let (upload, moves) = (self.upload.clone(), (self.counted, end));
        let old = replaced.as_ref().map(|part| part.object.clone());
        let moved = write_tx!(self.deps.db, tx => {
            if !queries::advance(tx, &scope, &upload, claim, moves, world.now().plus(KEPT)).await? {
                return Ok(false);
            }
            if let Some(replaced) = replaced {
                replace(tx, &world, &scope, replaced).await?;
            }
            Ok(true)
        })?;
        if !moved {
            self.drop_waiting().await;
            return Err(Code::UploadOffset.into());
        }
        self.deps.storage.delete_all(old.as_slice()).await;
        Ok(end)
    }

    /// Deletes pieces that will never count. What fails is left to whoever writes next.
    async fn drop_waiting(&mut self) {
        let objects = std::mem::take(&mut self.waiting);
        if objects.is_empty() {
            return;
        }
        let (scope, rows) = (self.scope.clone(), objects.clone());
        let deleted = write_tx!(self.deps.db, tx => queries::delete_parts(tx, &scope, &rows).await);
        match deleted {
            Ok(()) => self.deps.storage.delete_all(&objects).await,
            Err(failure) => {
                tracing::warn!(error.cause = ?failure, "pieces that do not count are left for the next writer")
            }
        }
    }
}

/// Takes a piece out that another one has taken the place of.
async fn replace(
    tx: &mut Tx,
    world: &crate::context::World,
    scope: &EventScope,
    replaced: PartRow,
) -> Result<(), Failure> {
    queue::enqueue(tx, world, JobKind::DeleteObject, &replaced.object, world.now()).await?;
    queries::delete_parts(tx, scope, &[replaced.object]).await
}
