//! Generations. A new root, a new key for every realm under it, every living key under its realm's new key, and then the
//! old root is destroyed: what backups and stale blocks of a disk still hold of the old wrapping is noise from then on.
//!
//! Reading and making keys goes on meanwhile. Each step is safe to repeat: a rotation that was cut short goes on with the
//! next call.

use std::sync::Arc;

use shutterpost_model::time::{DAY, Millis};
use shutterpost_vault::root::RootError;
use shutterpost_vault::wrap::{Kek, KeyAbout, Purpose};

use super::hierarchy::{blocking, root_number};
use super::queries::{self, ACTIVE, KeyRow, RETIRING};
use super::{KeyStore, KeyStoreFailure};
use crate::db::write_tx;
use crate::error::Failure;

/// How long a generation lives at most, and so how long after an erasure the last backup of the key store can be read.
/// A day less than the promise of seven, so that a failed night does not break it.
pub const GENERATION: i64 = 6 * DAY;
/// How long a rotation waits for backups to follow. A target that is out of order for longer must not keep alive what
/// was erased.
const PATIENCE: i64 = DAY / 2;
/// Keys in one transaction: a tenth of a second, so that uploads need not wait, and few enough batches that it does not
/// count that PostgreSQL passes by all moved keys for each until they are vacuumed.
const BATCH: i64 = 4_000;

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotated {
    /// Realms that got a new key.
    pub realms: i64,
    /// Keys wrapped anew.
    pub keys: i64,
    /// Root generations destroyed.
    pub destroyed: i64,
}

impl KeyStore {
    /// The generation under which new realm keys are wrapped.
    pub(super) async fn newest_generation(&self) -> Result<i32, Failure> {
        let all = queries::generations(&mut self.0.db.read().await?).await?;
        let newest = all.into_iter().rev().find(|(_, state)| state == ACTIVE);
        newest.map(|(generation, _)| generation).ok_or_else(|| Failure::Internal("the key store has no root".into()))
    }

    /// Makes the first generation where there is none; else makes sure that its root is here.
    pub(super) async fn first_generation(&self) -> Result<(), KeyStoreFailure> {
        let unusable = |failure: Failure| KeyStoreFailure::Unusable(format!("{failure:?}"));
        let all = queries::generations(&mut self.0.db.read().await.map_err(unusable)?).await.map_err(unusable)?;
        let Some((newest, _)) = all.iter().rev().find(|(_, state)| state == ACTIVE) else {
            return self.begin_generation().await.map_err(unusable);
        };
        let (roots, newest) = (Arc::clone(&self.0.roots), root_number(*newest).map_err(unusable)?);
        let kept = tokio::task::spawn_blocking(move || roots.generations()).await;
        let kept = kept.map_err(|error| KeyStoreFailure::Unusable(error.to_string()))??;
        if kept.contains(&newest) { Ok(()) } else { Err(KeyStoreFailure::RootMissing { generation: newest }) }
    }

    /// Makes the next root and lets the others retire.
    async fn begin_generation(&self) -> Result<(), Failure> {
        let stored = queries::generations(&mut self.0.db.read().await?).await?;
        let roots = Arc::clone(&self.0.roots);
        let kept = blocking(move || roots.generations()).await?;
        let newest = stored.iter().map(|(generation, _)| *generation).max().unwrap_or(0);
        let kept = kept.into_iter().filter_map(|generation| i32::try_from(generation).ok()).max().unwrap_or(0);
        // A root without a row was made by a process that ended before it wrote one, or is being made right now: used,
        // not passed over, so that two processes agree.
        let next = if kept > newest { kept } else { newest + 1 };
        let (roots, mut number, mut random) = (Arc::clone(&self.0.roots), root_number(next)?, self.random());
        let next = blocking(move || {
            loop {
                match roots.create(number, &mut random) {
                    Ok(()) | Err(RootError::Exists { .. }) => return Ok(number),
                    // The store was restored from a backup that knows less than the roots.
                    Err(RootError::Destroyed { .. }) => number += 1,
                    Err(error) => return Err(error),
                }
            }
        });
        let next = i32::try_from(next.await?).map_err(|error| Failure::internal("too many generations", error))?;
        let now = self.0.world.now();
        write_tx!(self.0.db, tx => {
            queries::insert_generation(tx, next, now).await?;
            queries::retire_generations(tx, next).await
        })
    }

    /// Goes on with a rotation that was cut short, or begins one if the newest generation is old enough.
    pub async fn rotate_if_due(&self) -> Result<Rotated, Failure> {
        let newest = self.newest_generation().await?;
        let since = queries::generation_since(&mut self.0.db.read().await?, newest).await?;
        if Millis(since).plus(GENERATION) <= self.0.world.now() {
            self.rotate().await
        } else {
            self.finish(newest).await
        }
    }

    /// Begins a new generation and brings everything under it.
    pub async fn rotate(&self) -> Result<Rotated, Failure> {
        self.begin_generation().await?;
        let newest = self.newest_generation().await?;
        self.finish(newest).await
    }

    /// Brings everything under the newest generation and destroys the others.
    async fn finish(&self, newest: i32) -> Result<Rotated, Failure> {
        let mut rotated = Rotated::default();
        let old = queries::realm_keys_before(&mut self.0.db.read().await?, newest).await?;
        for row in old {
            let purpose = row.purpose()?;
            if row.state == ACTIVE {
                self.create_realm_key(&row.realm, purpose, row.version + 1, newest).await?;
                rotated.realms += 1;
            }
            rotated.keys += self.move_children(&row, purpose).await?;
        }
        let stored = queries::generations(&mut self.0.db.read().await?).await?;
        let left = queries::realm_keys_before(&mut self.0.db.read().await?, newest).await?;
        let retiring = stored.iter().any(|(_, state)| state == RETIRING);
        if retiring && !self.are_copied(newest).await? {
            tracing::warn!(
                keys.generation = newest,
                "backups do not follow yet; the old root stays until the next call"
            );
            return Ok(rotated);
        }
        for (generation, _) in stored.iter().filter(|(_, state)| state == RETIRING) {
            if left.iter().any(|row| row.generation == Some(*generation)) {
                continue;
            }
            let (roots, number) = (Arc::clone(&self.0.roots), root_number(*generation)?);
            blocking(move || roots.destroy(number)).await?;
            let (generation, now) = (*generation, self.0.world.now());
            write_tx!(self.0.db, tx => queries::generation_destroyed(tx, generation, now).await)?;
            rotated.destroyed += 1;
        }
        Ok(rotated)
    }

    /// Whether a backup holds everything as it is wrapped now, or is not to be waited for.
    async fn are_copied(&self, newest: i32) -> Result<bool, Failure> {
        let Some(copies) = self.0.copies.get() else { return Ok(true) };
        let since = queries::generation_since(&mut self.0.db.read().await?, newest).await?;
        let now = self.0.world.now();
        Ok(Millis(since).plus(PATIENCE) <= now || copies.reach(root_number(newest)?, now).await)
    }

    /// Wraps everything under a retired realm key by its successor, and destroys it.
    async fn move_children(&self, from: &KeyRow, purpose: Purpose) -> Result<i64, Failure> {
        let mut conn = self.0.db.read().await?;
        let newest = queries::realm_key(&mut conn, &from.realm, purpose).await?;
        drop(conn);
        // A realm that is erased meanwhile has no successor, and nothing left to move.
        let Some(to) = newest.filter(|to| to.id != from.id) else { return Ok(0) };
        // Somebody else's rotation ended meanwhile: it moved everything.
        let (Some(old), Some(new)) = (self.kek_of(from).await?, self.kek_of(&to).await?) else { return Ok(0) };
        let mut moved = 0;
        loop {
            let batch = queries::children(&mut self.0.db.read().await?, &from.id, BATCH).await?;
            if batch.is_empty() {
                break;
            }
            let (old, new, mut random) = (Arc::clone(&old), Arc::clone(&new), self.random());
            let count = i64::try_from(batch.len()).unwrap_or(i64::MAX);
            let work = tokio::task::spawn_blocking(move || rewrap(&old, &new, &batch, &mut random)).await;
            let wrapped = work.map_err(|error| Failure::internal("the re-wrapping of keys ended early", error))??;
            let (from, to) = (from.id.clone(), to.id.clone());
            write_tx!(self.0.db, tx => queries::rewrap(tx, &from, &to, wrapped).await)?;
            moved += count;
        }
        let (id, now) = (from.id.clone(), self.0.world.now());
        write_tx!(self.0.db, tx => queries::destroy_if_childless(tx, &id, now).await)?;
        self.0.keks.forget(|id| id.as_text() == from.id);
        Ok(moved)
    }
}

/// Id and new wrapping of each key.
fn rewrap(
    old: &Kek,
    new: &Kek,
    batch: &[KeyRow],
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut wrapped = Vec::with_capacity(batch.len());
    for row in batch {
        let about = KeyAbout { organisation: &row.realm, purpose: row.purpose()? };
        let moved = old.rewrap(new, row.key_id()?, row.version()?, &about, &row.wrapped, random);
        wrapped.push((row.id.clone(), moved.map_err(|error| Failure::internal("a stored key", error))?));
    }
    Ok(wrapped)
}
