//! The key store: every key that opens something of the data database, in a database of its own.
//!
//! ```text
//! root, one a generation (crate::keystore::Roots: passphrase file, HSM, KMS)
//!   └ realm key: of an organisation, or of the installation; renewed with each generation
//!       ├ subject, event, capture and lookup keys: destroyed with what they are for
//! ```
//!
//! A key is on the disk before anything is sealed under it ([`KeyStore::make`] commits by itself, before the data
//! transaction does). The two databases cannot commit together: a key whose row was never written is swept
//! (`crate::privacy`), a row whose key is destroyed counts as gone.

mod cache;
mod erased;
mod field;
mod hierarchy;
mod lookups;
mod outlook;
mod queries;
mod rotation;
mod schema;
mod sweep;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use shutterpost_model::id::{OrganisationId, StaffId, UserId};
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::{DataKey, KeyId};
use shutterpost_vault::ledger::file::{LedgerFile, LedgerFileError};
use shutterpost_vault::root::{RootError, Roots};
use shutterpost_vault::wrap::{Kek, Purpose};

use crate::context::World;
use crate::db::{DatabaseUrl, Db, StartFailure};
use crate::error::Failure;
use cache::Cache;

pub use erased::LedgerPlaces;
pub(crate) use field::{Place, Sealed};
pub(crate) use lookups::Lookup;
pub(crate) use outlook::Outlook;
pub(crate) use rotation::GENERATION;
pub use rotation::Rotated;
pub(crate) use sweep::Owned;

/// What belongs to no organisation: users, sessions, staff.
const INSTALLATION: &str = "installation";

/// Whose keys: an organisation's, or the installation's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Realm {
    Installation,
    Organisation(OrganisationId),
}

impl Realm {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Installation => INSTALLATION,
            Self::Organisation(organisation) => organisation.as_str(),
        }
    }

    /// Reads what [`Realm::as_str`] wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        if text == INSTALLATION {
            return Ok(Self::Installation);
        }
        let organisation = text.parse().map_err(|_| Failure::Internal("a stored realm does not read".into()))?;
        Ok(Self::Organisation(organisation))
    }

    const fn purpose(&self) -> Purpose {
        match self {
            Self::Installation => Purpose::Installation,
            Self::Organisation(_) => Purpose::Organisation,
        }
    }
}

/// Which key: whose, for what, and of which object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct KeyRef {
    realm: Realm,
    purpose: Purpose,
    subject: String,
}

impl KeyRef {
    /// A key of something that the organisation has. The caller holds a scope of that organisation.
    pub(crate) fn of(organisation: &OrganisationId, purpose: Purpose, subject: &str) -> Self {
        Self { realm: Realm::Organisation(organisation.clone()), purpose, subject: subject.to_owned() }
    }

    /// The key of a person who signs in.
    pub(crate) fn user(user: &UserId) -> Self {
        Self { realm: Realm::Installation, purpose: Purpose::Subject, subject: user.as_str().to_owned() }
    }

    /// The key of a member of our own staff.
    pub(crate) fn staff(staff: &StaffId) -> Self {
        Self { realm: Realm::Installation, purpose: Purpose::Subject, subject: staff.as_str().to_owned() }
    }

    fn lookup(realm: &Realm) -> Self {
        Self { realm: realm.clone(), purpose: Purpose::Lookup, subject: realm.as_str().to_owned() }
    }
}

/// Keys at hand. What was destroyed, or never made, is not among them.
#[derive(Debug, Default)]
pub(crate) struct Keyring(HashMap<KeyRef, Arc<DataKey>>);

impl Keyring {
    /// The key, or [`Failure::NotFound`]: what it is for was erased.
    pub(crate) fn get(&self, key: &KeyRef) -> Result<&DataKey, Failure> {
        self.0.get(key).map(|key| &**key).ok_or(Failure::NotFound)
    }

    pub(crate) fn has(&self, key: &KeyRef) -> bool {
        self.0.contains_key(key)
    }
}

/// Why there is no key store. Shown to the operator.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreFailure {
    #[error("the key store: {0}")]
    Start(#[from] StartFailure),
    #[error("the root keys: {0}")]
    Roots(#[from] RootError),
    #[error("{0}")]
    Ledger(#[from] LedgerFileError),
    #[error(
        "the key store is wrapped by root key {generation}, and the root keys that SHUTTERPOST_ROOTS names do not have it. \
         Set it to where they are, or put them back from their copy; under others nothing can be read"
    )]
    RootMissing { generation: u32 },
    #[error(
        "the database is new and empty, and the key store holds the keys of data: it was restored without its database, or \
         DATABASE_URL leads elsewhere. Put the database back first. An empty one would have the keys destroyed, for ever"
    )]
    Orphaned,
    #[error("the key store cannot be used: {0}")]
    Unusable(String),
    #[error(
        "the database belongs to the key store {expected}, and this one is {found}. Restore the right key store from its \
         backup, or set SHUTTERPOST_KEY_STORE to where it is; under another one nothing can be read"
    )]
    Foreign { expected: String, found: String },
}

/// The key store of an installation. Cheap to clone.
#[derive(Clone)]
pub struct KeyStore(Arc<Inner>);

struct Inner {
    id: String,
    db: Db,
    roots: Arc<dyn Roots>,
    ledger: Arc<LedgerFile>,
    world: World,
    keys: Cache<KeyRef, Arc<DataKey>>,
    keks: Cache<KeyId, Arc<Kek>>,
    /// Set where there are backups.
    copies: OnceLock<Arc<dyn Copies>>,
}

/// Knows how far backups of the key store are.
#[async_trait]
pub trait Copies: Send + Sync {
    /// Whether a backup is sealed under the root generation and holds everything that was written until `since`. May
    /// wait a while for it.
    async fn reach(&self, generation: u32, since: Millis) -> bool;
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyStore")
    }
}

impl KeyStore {
    /// Opens the store, makes its tables, and its first generation where there is none. Whatever the ledger says is
    /// erased is destroyed in it before this returns.
    ///
    /// # Errors
    /// [`KeyStoreFailure`], whose text tells the operator what to do.
    pub async fn open(
        url: &DatabaseUrl,
        connections: usize,
        roots: Arc<dyn Roots>,
        ledger: LedgerPlaces,
        world: World,
    ) -> Result<Self, KeyStoreFailure> {
        let db = Db::open_keys(url, connections).await?;
        let unusable = |failure: Failure| KeyStoreFailure::Unusable(format!("{failure:?}"));
        let id = queries::store_id(&db, &world).await.map_err(unusable)?;
        let ledger = Arc::new(erased::open_ledger(&db, ledger, &world).await?);
        let (keys, keks) = (Cache::default(), Cache::default());
        let store = Self(Arc::new(Inner { id, db, roots, ledger, world, keys, keks, copies: OnceLock::new() }));
        store.apply_ledger().await?;
        store.first_generation().await?;
        Ok(store)
    }

    /// From now on no root is destroyed before backups have followed to the next one; otherwise there would be none for a
    /// moment.
    pub fn wait_for_copies(&self, copies: Arc<dyn Copies>) {
        // Set once at the start; a second time changes nothing.
        self.0.copies.get_or_init(|| copies);
    }

    /// The pools of its database.
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// The store's own name, which the data database remembers.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn database(&self) -> &Db {
        &self.0.db
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), Failure> {
        self.0.db.ping().await
    }

    /// Fills from the world's random source, in the shape that the vault asks for.
    fn random(&self) -> impl FnMut(&mut [u8]) + use<> {
        let world = self.0.world.clone();
        move |bytes: &mut [u8]| world.random.fill(bytes)
    }
}
