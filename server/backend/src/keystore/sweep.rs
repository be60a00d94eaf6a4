//! What the sweep asks: which keys might have no row, and which rows might have no key.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::time::Millis;
use shutterpost_vault::wrap::Purpose;

use super::queries::{ACTIVE, DESTROYED};
use super::schema::{keys, keystore};
use super::{KeyStore, Realm};
use crate::db::{on_db, write_tx};
use crate::error::Failure;

/// A key that belongs to one object: for what, and which.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct Owned {
    pub(crate) realm: String,
    pub(crate) purpose: String,
    pub(crate) subject: String,
    pub(super) id: String,
    pub(super) created_at: i64,
}

impl Owned {
    pub(crate) fn realm(&self) -> Result<Realm, Failure> {
        Realm::parse(&self.realm)
    }
}

/// Purposes of keys that belong to one object each.
const OWNED: [Purpose; 4] = [Purpose::Subject, Purpose::Event, Purpose::Capture, Purpose::Upload];

impl KeyStore {
    /// Living keys made after the last sweep and before `until`, oldest first.
    pub(crate) async fn unswept(&self, until: Millis, after: Option<&Owned>, most: i64) -> Result<Vec<Owned>, Failure> {
        let mut conn = self.0.db.read().await?;
        let since: i64 = on_db!(conn, c => keystore::table.select(keystore::swept_until).first(c).await)?;
        let (at, id) = after.map_or((since, ""), |last| (last.created_at, &last.id));
        on_db!(conn, c => keys::table
            .filter(keys::created_at.gt(at).or(keys::created_at.eq(at).and(keys::id.gt(id))))
            .filter(keys::created_at.lt(until.0))
            .filter(keys::purpose.eq_any(OWNED.map(Purpose::as_str)))
            .filter(keys::state.eq(ACTIVE))
            .order((keys::created_at, keys::id))
            .limit(most)
            .select((keys::realm, keys::purpose, keys::subject, keys::id, keys::created_at))
            .load(c).await)
    }

    /// Whether there is a living key of any object.
    pub(crate) async fn has_owned(&self) -> Result<bool, Failure> {
        let mut conn = self.0.db.read().await?;
        let found: Option<String> = on_db!(conn, c => keys::table
            .filter(keys::purpose.eq_any(OWNED.map(Purpose::as_str)))
            .filter(keys::state.eq(ACTIVE))
            .select(keys::id)
            .first(c).await.optional())?;
        Ok(found.is_some())
    }

    /// Remembers that every key made before `until` was looked at.
    pub(crate) async fn swept(&self, until: Millis) -> Result<(), Failure> {
        write_tx!(self.0.db, tx => {
            // Keys of that very millisecond are still to come.
            on_db!(tx, c => diesel::update(keystore::table)
                .set(keystore::swept_until.eq(until.0 - 1))
                .execute(c).await)?;
            Ok(())
        })
    }

    /// Keys destroyed since then.
    pub(crate) async fn destroyed_since(&self, since: Millis) -> Result<Vec<Owned>, Failure> {
        let mut conn = self.0.db.read().await?;
        on_db!(conn, c => keys::table
            .filter(keys::destroyed_at.ge(since.0))
            .filter(keys::purpose.eq_any(OWNED.map(Purpose::as_str)))
            .filter(keys::state.eq(DESTROYED))
            .select((keys::realm, keys::purpose, keys::subject, keys::id, keys::created_at))
            .load(c).await)
    }
}
