//! Destroying keys, so that they stay destroyed. A key's id is in the ledger, which lies outside this database and its
//! backups, before the key is overwritten here: a store restored from a backup that still has it loses it again when it
//! is opened.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::time::{DAY, Millis};
use shutterpost_vault::data_key::KeyId;
use shutterpost_vault::keys::Keys;
use shutterpost_vault::ledger::Mark;
use shutterpost_vault::ledger::file::{LedgerFile, LedgerFileError};
use shutterpost_vault::sign::{Signing, SigningKey};
use shutterpost_vault::wrap::Purpose;

use super::queries::{self, CHUNK, DESTROYED};
use super::rotation::GENERATION;
use super::schema::{keys, keystore};
use super::{KeyStore, KeyStoreFailure, Realm, lookups};
use crate::context::World;
use crate::db::{Conn, Db, Tx, on_db, write_tx};
use crate::error::Failure;

/// Where the ledger lies, and who signs it.
pub struct LedgerPlaces {
    folder: PathBuf,
    copies: Vec<PathBuf>,
    signer: SigningKey,
}

impl LedgerPlaces {
    /// The folder that is read; folders that hold the same, on other disks; and whose key signs.
    pub fn new(folder: PathBuf, copies: Vec<PathBuf>, keys: &Keys) -> Self {
        Self { folder, copies, signer: keys.signing_key(Signing::Ledger) }
    }
}

impl fmt::Debug for LedgerPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LedgerPlaces").field(&self.folder).field(&self.copies).finish()
    }
}

pub(super) async fn open_ledger(db: &Db, places: LedgerPlaces, world: &World) -> Result<LedgerFile, KeyStoreFailure> {
    let unusable = |failure: Failure| KeyStoreFailure::Unusable(format!("{failure:?}"));
    let mut conn = db.read().await.map_err(unusable)?;
    let known = mark(&mut conn).await.map_err(unusable)?.is_some();
    drop(conn);
    let world = world.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let LedgerPlaces { folder, copies, signer } = places;
        LedgerFile::open(&folder, &copies, signer, known, &mut |bytes: &mut [u8]| world.random.fill(bytes))
    });
    Ok(opened.await.map_err(|error| KeyStoreFailure::Unusable(error.to_string()))??)
}

impl KeyStore {
    /// Destroys the subjects' keys of the purposes, and forgets where they were looked up by. Gives the ids of all that
    /// are destroyed then, by this call or an earlier one. On the disk when this returns.
    pub(crate) async fn destroy(
        &self,
        realm: &Realm,
        purposes: &[Purpose],
        subjects: &[&str],
    ) -> Result<Vec<KeyId>, Failure> {
        let purposes: Vec<&'static str> = purposes.iter().map(|purpose| purpose.as_str()).collect();
        loop {
            let mut conn = self.0.db.read().await?;
            let found = queries::ids_of(&mut conn, realm.as_str(), subjects, &purposes).await?;
            drop(conn);
            let living = found.iter().filter(|(_, lives)| *lives).map(|(id, _)| id.as_str());
            let living: Vec<KeyId> = living.map(stored_id).collect::<Result<_, _>>()?;
            if living.is_empty() {
                self.forget_lookups(subjects).await?;
                let gone: HashSet<&str> = subjects.iter().copied().collect();
                self.0.keys.forget(|key| key.realm == *realm && gone.contains(key.subject.as_str()));
                return found.iter().map(|(id, _)| stored_id(id)).collect();
            }
            self.destroy_ids(living).await?;
        }
    }

    /// For subjects that were noted and never got a key; the others' look-ups went with their keys.
    async fn forget_lookups(&self, subjects: &[&str]) -> Result<(), Failure> {
        let left = lookups::of_subjects(&mut self.0.db.read().await?, subjects).await?;
        if left.is_empty() {
            return Ok(());
        }
        write_tx!(self.0.db, tx => lookups::forget(tx, &left).await)
    }

    /// Destroys every key of a realm, its own first, so that nothing under it opens from then on. Gives the ids of all that
    /// are destroyed then.
    pub(crate) async fn destroy_realm(&self, realm: &Realm) -> Result<Vec<KeyId>, Failure> {
        loop {
            let living = living_of_realm(&mut self.0.db.read().await?, realm.as_str()).await?;
            if living.is_empty() {
                self.0.keys.forget(|key| key.realm == *realm);
                let all = destroyed_of_realm(&mut self.0.db.read().await?, realm.as_str()).await?;
                let all: HashSet<KeyId> = all.iter().map(|id| stored_id(id)).collect::<Result<_, _>>()?;
                self.0.keks.forget(|id| all.contains(id));
                return Ok(all.into_iter().collect());
            }
            for chunk in living.chunks(CHUNK) {
                self.destroy_ids(chunk.iter().map(|id| stored_id(id)).collect::<Result<_, _>>()?).await?;
            }
        }
    }

    /// Realms of organisations that were erased: their keys are destroyed, the newest too.
    pub(crate) async fn dead_realms(&self) -> Result<Vec<String>, Failure> {
        let mut conn = self.0.db.read().await?;
        let of_realms = on_db!(conn, c => keys::table
            .filter(keys::purpose.eq(Purpose::Organisation.as_str()))
            .select((keys::realm, keys::state.ne(DESTROYED)))
            .distinct()
            .load::<(String, bool)>(c).await)?;
        let living: HashSet<&str> =
            of_realms.iter().filter(|(_, lives)| *lives).map(|(realm, _)| realm.as_str()).collect();
        Ok(of_realms
            .iter()
            .filter(|(realm, _)| !living.contains(realm.as_str()))
            .map(|(realm, _)| realm.clone())
            .collect())
    }

    /// In the ledger first; then here.
    async fn destroy_ids(&self, ids: Vec<KeyId>) -> Result<(), Failure> {
        let now = self.0.world.now();
        self.with_ledger(move |ledger| ledger.append(&ids, now.0)).await?;
        self.apply().await
    }

    /// What [`KeyStore::open`] does with the ledger: everything destroyed before there was one is entered, everything
    /// entered is destroyed.
    pub(super) async fn apply_ledger(&self) -> Result<(), KeyStoreFailure> {
        let unusable = |failure: Failure| KeyStoreFailure::Unusable(format!("{failure:?}"));
        if mark(&mut self.0.db.read().await.map_err(unusable)?).await.map_err(unusable)?.is_none() {
            let gone = destroyed(&mut self.0.db.read().await.map_err(unusable)?).await.map_err(unusable)?;
            let (ledger, now) = (Arc::clone(&self.0.ledger), self.0.world.now());
            let ids: Vec<KeyId> = gone.iter().map(|id| stored_id(id)).collect::<Result<_, _>>().map_err(unusable)?;
            let entered = tokio::task::spawn_blocking(move || ledger.append(&ids, now.0)).await;
            entered.map_err(|error| KeyStoreFailure::Unusable(error.to_string()))??;
        }
        self.apply().await.map_err(unusable)
    }

    /// Destroys what the ledger holds behind the store's mark, whoever entered it.
    async fn apply(&self) -> Result<(), Failure> {
        let known = mark(&mut self.0.db.read().await?).await?;
        let (entries, reached) = self.with_ledger(move |ledger| ledger.after(known)).await?;
        if known == Some(reached) {
            return Ok(());
        }
        let now = self.0.world.now();
        write_tx!(self.0.db, tx => {
            for chunk in entries.chunks(CHUNK) {
                let ids: Vec<String> = chunk.iter().map(|entry| entry.key.as_text()).collect();
                let subjects = subjects_of(tx, &ids).await?;
                queries::destroy(tx, &ids, now).await?;
                lookups::forget(tx, &subjects).await?;
            }
            advance(tx, reached).await
        })?;
        Ok(())
    }

    async fn with_ledger<T: Send + 'static>(
        &self,
        call: impl FnOnce(&LedgerFile) -> Result<T, LedgerFileError> + Send + 'static,
    ) -> Result<T, Failure> {
        let ledger = Arc::clone(&self.0.ledger);
        let result = tokio::task::spawn_blocking(move || call(&ledger)).await;
        let result = result.map_err(|error| Failure::internal("a call of the ledger ended early", error))?;
        result.map_err(|error| match error {
            LedgerFileError::Busy { .. } => Failure::Busy(error.to_string()),
            error => Failure::internal("the ledger of erased keys", error),
        })
    }

    /// From when on no backup of the key store opens what was destroyed before this call: the roots that wrapped it are
    /// destroyed a generation after they were made, or now if that is over, and a day later at most; some backends take
    /// their time with it.
    pub(crate) async fn last_backup_unreadable_at(&self) -> Result<Millis, Failure> {
        let newest = self.newest_generation().await?;
        let since = queries::generation_since(&mut self.0.db.read().await?, newest).await?;
        let due = (since + GENERATION).max(self.0.world.now().0);
        Ok(Millis(due).plus(DAY + self.0.roots.days_of_grace() * DAY))
    }
}

fn stored_id(text: &str) -> Result<KeyId, Failure> {
    KeyId::parse(text).ok_or_else(|| Failure::Internal("a stored key id does not read".into()))
}

pub(super) async fn mark(conn: &mut Conn) -> Result<Option<Mark>, Failure> {
    let (count, hash) = on_db!(conn, c => keystore::table
        .select((keystore::ledger_count, keystore::ledger_hash))
        .first::<(i64, Option<Vec<u8>>)>(c).await)?;
    let Some(hash) = hash else { return Ok(None) };
    let hash = hash.try_into().map_err(|_| Failure::Internal("a stored mark of the ledger does not read".into()))?;
    let count = u64::try_from(count).map_err(|error| Failure::internal("a stored mark of the ledger", error))?;
    Ok(Some(Mark { count, hash }))
}

/// Never back: another process may have applied more.
async fn advance(tx: &mut Tx, reached: Mark) -> Result<(), Failure> {
    let count = i64::try_from(reached.count).map_err(|error| Failure::internal("the ledger is too long", error))?;
    on_db!(tx, c => diesel::update(keystore::table)
        .filter(keystore::ledger_count.lt(count).or(keystore::ledger_hash.is_null()))
        .set((keystore::ledger_count.eq(count), keystore::ledger_hash.eq(reached.hash.to_vec())))
        .execute(c).await)?;
    Ok(())
}

async fn subjects_of(tx: &mut Tx, ids: &[String]) -> Result<Vec<String>, Failure> {
    on_db!(tx, c => keys::table.filter(keys::id.eq_any(ids.iter())).select(keys::subject).load(c).await)
}

async fn destroyed(conn: &mut Conn) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => keys::table.filter(keys::state.eq(DESTROYED)).order(keys::id).select(keys::id).load(c).await)
}

/// Keys that live, those which wrap others first.
async fn living_of_realm(conn: &mut Conn, realm: &str) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => keys::table
        .filter(keys::realm.eq(realm))
        .filter(keys::state.ne(DESTROYED))
        .order((keys::generation.is_null(), keys::id))
        .select(keys::id)
        .load(c).await)
}

async fn destroyed_of_realm(conn: &mut Conn, realm: &str) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => keys::table
        .filter(keys::realm.eq(realm))
        .filter(keys::state.eq(DESTROYED))
        .select(keys::id)
        .load(c).await)
}
