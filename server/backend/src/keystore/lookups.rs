//! Blind indexes: finding a row by a value that the data database holds only sealed. Here and not there, so that what an
//! erased person could be recognised by is in no long-lived backup.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_vault::index::ColumnIndex;

use super::queries::CHUNK;
use super::schema::lookups;
use super::{KeyRef, KeyStore, Realm};
use crate::db::{Conn, Tx, on_db, write_tx};
use crate::error::Failure;

/// What is looked up: the field, and where its values are unique.
#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    realm: Realm,
    field: &'static str,
    scope: String,
}

impl Lookup {
    /// Unique in the whole realm.
    pub(crate) fn everywhere(realm: Realm, field: &'static str) -> Self {
        Self { realm, field, scope: String::new() }
    }

    /// Unique within one object, such as an event.
    pub(crate) fn within(realm: Realm, field: &'static str, scope: &str) -> Self {
        Self { realm, field, scope: scope.to_owned() }
    }
}

impl KeyStore {
    /// The object that has the value.
    pub(crate) async fn holder(&self, lookup: &Lookup, value: &str) -> Result<Option<String>, Failure> {
        let hash = match self.get(&KeyRef::lookup(&lookup.realm)).await {
            Ok(key) => ColumnIndex::new(&key, lookup.field, &lookup.scope).of(value).to_vec(),
            // Nothing was ever noted.
            Err(Failure::NotFound) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let Lookup { realm, field, scope } = lookup;
        let mut conn = self.0.db.read().await?;
        on_db!(conn, c => lookups::table
            .filter(lookups::realm.eq(realm.as_str()))
            .filter(lookups::field.eq(*field))
            .filter(lookups::scope.eq(scope))
            .filter(lookups::hash.eq(&hash))
            .select(lookups::subject)
            .first(c).await.optional())
    }

    /// Notes that `subject` has the value, unless another object has it: gives whichever does. On the disk when this
    /// returns. Before the row: the object found may have no row yet, or never get one.
    pub(crate) async fn claim(&self, lookup: &Lookup, value: &str, subject: &str) -> Result<String, Failure> {
        let key = self.make_one(&KeyRef::lookup(&lookup.realm)).await?;
        let hash = ColumnIndex::new(&key, lookup.field, &lookup.scope).of(value).to_vec();
        let (Lookup { realm, field, scope }, subject) = (lookup.clone(), subject.to_owned());
        let now = self.0.world.now();
        write_tx!(self.0.db, tx => {
            on_db!(tx, c => diesel::insert_into(lookups::table)
                .values((
                    lookups::realm.eq(realm.as_str()),
                    lookups::field.eq(field),
                    lookups::scope.eq(&scope),
                    lookups::hash.eq(&hash),
                    lookups::subject.eq(&subject),
                    lookups::created_at.eq(now.0),
                ))
                .on_conflict_do_nothing()
                .execute(c).await)?;
            on_db!(tx, c => lookups::table
                .filter(lookups::realm.eq(realm.as_str()))
                .filter(lookups::field.eq(field))
                .filter(lookups::scope.eq(&scope))
                .filter(lookups::hash.eq(&hash))
                .select(lookups::subject)
                .first::<String>(c).await)
        })
    }
}

impl KeyStore {
    /// Forgets that `subject` has the value, so that another object may claim it.
    pub(crate) async fn release(&self, lookup: &Lookup, value: &str, subject: &str) -> Result<(), Failure> {
        let key = self.get(&KeyRef::lookup(&lookup.realm)).await?;
        let hash = ColumnIndex::new(&key, lookup.field, &lookup.scope).of(value).to_vec();
        let (Lookup { realm, field, scope }, subject) = (lookup.clone(), subject.to_owned());
        write_tx!(self.0.db, tx => {
            on_db!(tx, c => diesel::delete(lookups::table)
                .filter(lookups::realm.eq(realm.as_str()))
                .filter(lookups::field.eq(field))
                .filter(lookups::scope.eq(&scope))
                .filter(lookups::hash.eq(&hash))
                .filter(lookups::subject.eq(&subject))
                .execute(c).await)?;
            Ok(())
        })
    }
}

/// Those of the subjects that can be found by something.
pub(super) async fn of_subjects(conn: &mut Conn, subjects: &[&str]) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for chunk in subjects.chunks(CHUNK) {
        found.extend(on_db!(conn, c => lookups::table
            .filter(lookups::subject.eq_any(chunk.iter().copied()))
            .select(lookups::subject)
            .load::<String>(c).await)?);
    }
    Ok(found)
}

/// Forgets what the subjects can be found by.
pub(super) async fn forget(tx: &mut Tx, subjects: &[String]) -> Result<(), Failure> {
    for chunk in subjects.chunks(CHUNK) {
        on_db!(tx, c => diesel::delete(lookups::table)
            .filter(lookups::subject.eq_any(chunk.iter()))
            .execute(c).await)?;
    }
    Ok(())
}
