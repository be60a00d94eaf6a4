//! Finding, making and destroying keys.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use shutterpost_vault::data_key::{DataKey, KeyId};
use shutterpost_vault::root::{RootError, unwrap_key, wrap_key};
use shutterpost_vault::wrap::{Kek, KeyAbout, Purpose};

use super::field::Opens;
use super::queries::{self, KeyRow};
use super::{KeyRef, KeyStore, Keyring, Place, Realm, Sealed};
use crate::db::write_tx;
use crate::error::Failure;

/// Versions begin here.
pub(super) const FIRST: u16 = 1;
/// A realm key may be retired between reading it and using it, by a rotation that ran meanwhile; not again and again.
const TRIES: usize = 5;

impl KeyStore {
    /// The keys that there are.
    pub(crate) async fn find(&self, wanted: &[KeyRef]) -> Result<Keyring, Failure> {
        let now = self.0.world.now();
        let mut ring = Keyring::default();
        let mut asked: HashSet<&KeyRef> = HashSet::new();
        for key in wanted {
            match self.0.keys.get(key, now) {
                Some(found) => {
                    ring.0.insert(key.clone(), found);
                }
                None => {
                    asked.insert(key);
                }
            }
        }
        for _ in 0..TRIES {
            if asked.is_empty() {
                break;
            }
            let subjects: Vec<&str> = asked.iter().map(|key| key.subject.as_str()).collect();
            let rows = queries::of_subjects(&mut self.0.db.read().await?, &subjects).await?;
            let mut by_key: HashMap<(&str, &str, &str), &KeyRow> = HashMap::new();
            for row in &rows {
                by_key.insert((&row.realm, &row.purpose, &row.subject), row);
            }
            let mut moved = HashSet::new();
            for key in asked {
                let Some(row) = by_key.get(&(key.realm.as_str(), key.purpose.as_str(), &*key.subject)) else {
                    continue;
                };
                match self.unwrap(row).await? {
                    Some(found) => {
                        let found = Arc::new(found);
                        self.0.keys.put(key.clone(), Arc::clone(&found), now);
                        ring.0.insert(key.clone(), found);
                    }
                    // A rotation put it under another realm key since the row was read.
                    None => {
                        moved.insert(key);
                    }
                }
            }
            asked = moved;
        }
        Ok(ring)
    }

    /// The key; [`Failure::NotFound`] if it was destroyed or never made.
    pub(crate) async fn get(&self, key: &KeyRef) -> Result<Arc<DataKey>, Failure> {
        self.find(std::slice::from_ref(key)).await?.0.remove(key).ok_or(Failure::NotFound)
    }

    /// The keys, made where there are none. They are on the disk when this returns.
    pub(crate) async fn make(&self, wanted: &[KeyRef]) -> Result<Keyring, Failure> {
        for _ in 0..TRIES {
            let ring = self.find(wanted).await?;
            let mut missing: Vec<KeyRef> = wanted.iter().filter(|key| !ring.has(key)).cloned().collect();
            if missing.is_empty() {
                return Ok(ring);
            }
            // In one order for everybody: two who make the same keys wait for each other, but not in a circle.
            missing.sort_unstable_by(|a, b| (&a.subject, a.purpose.as_str()).cmp(&(&b.subject, b.purpose.as_str())));
            missing.dedup();
            self.create(missing).await?;
        }
        Err(Failure::Busy("keys could not be made while realm keys were renewed".into()))
    }

    /// The same for one key.
    pub(crate) async fn make_one(&self, key: &KeyRef) -> Result<Arc<DataKey>, Failure> {
        self.make(std::slice::from_ref(key)).await?.0.remove(key).ok_or(Failure::NotFound)
    }

    /// Opens one column of several rows, by their ids; `place` is that of any row. What has no key is being erased at this
    /// moment and left out.
    pub(crate) async fn open_each<T: Opens>(
        &self,
        place: Place<'_>,
        values: Vec<(KeyRef, String, Sealed<T>)>,
    ) -> Result<Vec<(String, T)>, Failure> {
        let wanted: Vec<KeyRef> = values.iter().map(|(key, ..)| key.clone()).collect();
        let ring = self.find(&wanted).await?;
        let mut opened = Vec::with_capacity(values.len());
        for (key, row, sealed) in values {
            if let Ok(key) = ring.get(&key) {
                let value = sealed.open(key, Place { row: &row, ..place })?;
                opened.push((row, value));
            }
        }
        Ok(opened)
    }

    /// Makes keys of their own for what has none; whoever is second leaves the first one's.
    async fn create(&self, missing: Vec<KeyRef>) -> Result<(), Failure> {
        let now = self.0.world.now();
        let mut keks: HashMap<Realm, Arc<Kek>> = HashMap::new();
        for key in &missing {
            if !keks.contains_key(&key.realm) {
                keks.insert(key.realm.clone(), self.realm_key(&key.realm).await?);
            }
        }
        let mut random = self.random();
        let mut rows = Vec::with_capacity(missing.len());
        for KeyRef { realm, purpose, subject } in &missing {
            let kek = keks.get(realm).ok_or_else(|| Failure::Internal("a realm without its key".into()))?;
            let key = DataKey::random(KeyId::random(&mut random), FIRST, &mut random);
            let about = KeyAbout { organisation: realm.as_str(), purpose: *purpose };
            let wrapped = kek.wrap(&key, &about, &mut random);
            let parent = Some(kek.key().id());
            let version = i32::from(FIRST);
            rows.push(KeyRow::new(key.id(), realm.as_str(), *purpose, subject, version, parent, None, wrapped, now));
        }
        let parents: Vec<KeyId> = keks.values().map(|kek| kek.key().id()).collect();
        write_tx!(self.0.db, tx => {
            for parent in &parents {
                if !queries::hold_active(tx, parent).await? {
                    // Retired since it was read: nothing is written, and the caller tries again.
                    return Ok(());
                }
            }
            for row in &rows {
                queries::insert(tx, row).await?;
            }
            Ok(())
        })
    }

    /// The key that wraps the realm's new keys; made when the realm has none.
    async fn realm_key(&self, realm: &Realm) -> Result<Arc<Kek>, Failure> {
        for _ in 0..TRIES {
            let found = queries::realm_key(&mut self.0.db.read().await?, realm.as_str(), realm.purpose()).await?;
            match found {
                Some(row) => {
                    if let Some(kek) = self.kek_of(&row).await? {
                        return Ok(kek);
                    }
                }
                None => {
                    let generation = self.newest_generation().await?;
                    self.create_realm_key(realm.as_str(), realm.purpose(), i32::from(FIRST), generation).await?;
                }
            }
        }
        Err(Failure::Busy("a realm key was made while roots were renewed, or is erased".into()))
    }

    /// Makes and wraps a realm key, unless somebody did meanwhile.
    pub(super) async fn create_realm_key(
        &self,
        realm: &str,
        purpose: Purpose,
        version: i32,
        generation: i32,
    ) -> Result<(), Failure> {
        let mut random = self.random();
        let number = u16::try_from(version).map_err(|error| Failure::internal("too many versions of a key", error))?;
        let key = DataKey::random(KeyId::random(&mut random), number, &mut random);
        let id = key.id();
        let (roots, root, name) = (Arc::clone(&self.0.roots), root_number(generation)?, realm.to_owned());
        let wrapped = blocking(move || {
            let about = KeyAbout { organisation: &name, purpose };
            unless_destroyed(wrap_key(&*roots, root, &key, &about, &mut random))
        });
        // A rotation ended since the generation was read: nothing is written, and the caller tries again.
        let Some(wrapped) = wrapped.await? else { return Ok(()) };
        let now = self.0.world.now();
        let row = KeyRow::new(id, realm, purpose, realm, version, None, Some(generation), wrapped, now);
        write_tx!(self.0.db, tx => {
            // A rotation may have begun since, and destroys the root; or the realm was erased: then nothing is written.
            let alive = version == i32::from(FIRST) || queries::has_realm_key(tx, &row.realm).await?;
            if alive && queries::hold_generation(tx, generation).await? && queries::insert(tx, &row).await? {
                queries::retire_realm_keys(tx, &row).await?;
            }
            Ok(())
        })
    }

    /// The key of a row; `None` if the key that wraps it is not there any more.
    async fn unwrap(&self, row: &KeyRow) -> Result<Option<DataKey>, Failure> {
        let parent = row.parent.as_deref().and_then(KeyId::parse);
        let parent = parent.ok_or_else(|| Failure::Internal("a stored key names none that wraps it".into()))?;
        let Some(kek) = self.kek(&parent).await? else { return Ok(None) };
        let about = KeyAbout { organisation: &row.realm, purpose: row.purpose()? };
        let key = kek.unwrap(row.key_id()?, row.version()?, &about, &row.wrapped);
        key.map(Some).map_err(|error| Failure::internal("a stored key", error))
    }

    async fn kek(&self, id: &KeyId) -> Result<Option<Arc<Kek>>, Failure> {
        if let Some(kek) = self.0.keks.get(id, self.0.world.now()) {
            return Ok(Some(kek));
        }
        let row = queries::by_id(&mut self.0.db.read().await?, id).await?;
        match row {
            Some(row) => self.kek_of(&row).await,
            None => Ok(None),
        }
    }

    /// The realm key of a row, unwrapped by its root; `None` if a rotation ended since the row was read, which destroys
    /// first the key and then its root.
    pub(super) async fn kek_of(&self, row: &KeyRow) -> Result<Option<Arc<Kek>>, Failure> {
        let (id, version) = (row.key_id()?, row.version()?);
        let now = self.0.world.now();
        if let Some(kek) = self.0.keks.get(&id, now) {
            return Ok(Some(kek));
        }
        let generation = row.generation.ok_or_else(|| Failure::Internal("a realm key names no root".into()))?;
        let (roots, root) = (Arc::clone(&self.0.roots), root_number(generation)?);
        let (realm, purpose, wrapped) = (row.realm.clone(), row.purpose()?, row.wrapped.clone());
        let key = blocking(move || {
            let about = KeyAbout { organisation: &realm, purpose };
            unless_destroyed(unwrap_key(&*roots, root, id, version, &about, &wrapped))
        });
        let Some(key) = key.await? else {
            if queries::by_id(&mut self.0.db.read().await?, &id).await?.is_none() {
                return Ok(None);
            }
            return Err(Failure::Internal(format!("the root of generation {root} was destroyed while a key needs it")));
        };
        let kek = Arc::new(Kek::new(key));
        self.0.keks.put(id, Arc::clone(&kek), now);
        Ok(Some(kek))
    }

    /// Whether the key is there now, whatever this process remembers.
    pub(crate) async fn is_alive(&self, key: &KeyRef) -> Result<bool, Failure> {
        let rows = queries::of_subjects(&mut self.0.db.read().await?, &[&key.subject]).await?;
        Ok(rows.iter().any(|row| row.realm == key.realm.as_str() && row.purpose == key.purpose.as_str()))
    }
}

pub(super) fn root_number(generation: i32) -> Result<u32, Failure> {
    u32::try_from(generation).map_err(|error| Failure::internal("a stored generation", error))
}

/// `None` where the root was destroyed.
fn unless_destroyed<T>(result: Result<T, RootError>) -> Result<Option<T>, RootError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(RootError::Destroyed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Roots may live in a device or behind a network: their calls wait on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, RootError> + Send + 'static,
) -> Result<T, Failure> {
    let result = tokio::task::spawn_blocking(call).await;
    let result = result.map_err(|error| Failure::internal("a call of the root keys ended early", error))?;
    result.map_err(|error| Failure::internal("the root keys", error))
}
