//! Sealing what an older version stored in the clear: once, at the first start with a key store, between the migration
//! that makes room for sealed values and the one that drops the plain columns.
//!
//! Every step may be repeated: a start that was cut short goes on where it was, and two instances that start together do
//! the same to the same rows.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{OrganisationId, UserId};
use shutterpost_model::pii::{Pii, Secret};

use crate::captures::rows as captures;
use crate::context::World;
use crate::db::{DatabaseUrl, Db, StartFailure, on_db, write_tx};
use crate::error::Failure;
use crate::events::rows::{self as events, stored};
use crate::guests::rows as guests;
use crate::identity::admin::is_empty;
use crate::identity::rows as identity;
use crate::keystore::{KeyRef, KeyStore, KeyStoreFailure, Lookup, Realm, Sealed};
use crate::storage::{SealedFile, Storage};

#[cfg(test)]
mod tests;

/// Rows in one transaction.
const BATCH: i64 = 200;

/// The tables as they are between the two migrations.
mod before {
    diesel::table! {
        installation (singleton) {
            singleton -> Integer,
            key_store -> Nullable<Text>,
        }
    }
    diesel::table! {
        identity_users (id) {
            id -> Text,
            email -> Text,
            name -> Text,
            password_hash -> Nullable<Text>,
            sealed_email -> Binary,
            sealed_name -> Binary,
            sealed_password -> Nullable<Binary>,
        }
    }
    diesel::table! {
        identity_invitations (id) {
            id -> Text,
            organisation_id -> Text,
            email -> Text,
            sealed_email -> Binary,
        }
    }
    diesel::table! {
        identity_tokens (id) {
            id -> Text,
            organisation_id -> Text,
            name -> Text,
            sealed_name -> Binary,
        }
    }
    diesel::table! {
        events_devices (id) {
            id -> Text,
            organisation_id -> Text,
            event_id -> Text,
            name -> Text,
            sealed_name -> Binary,
        }
    }
    diesel::table! {
        events_logos (id) {
            id -> Text,
            organisation_id -> Text,
            event_id -> Text,
            object -> Text,
        }
    }
    diesel::table! {
        guests (id) {
            id -> Text,
            organisation_id -> Text,
            event_id -> Text,
            name -> Nullable<Text>,
            email -> Nullable<Text>,
            phone -> Nullable<Text>,
            sealed_name -> Nullable<Binary>,
            sealed_email -> Nullable<Binary>,
            sealed_phone -> Nullable<Binary>,
        }
    }
    diesel::table! {
        captures (id) {
            id -> Text,
            organisation_id -> Text,
            object -> Text,
            key_subject -> Text,
        }
    }
    diesel::table! {
        captures_renditions (capture_id, name, encoding) {
            capture_id -> Text,
            name -> Text,
            encoding -> Text,
            object -> Text,
        }
    }
}

/// Seals what is still in the clear, drops the plain columns, and ties database and key store together.
///
/// # Errors
/// [`KeyStoreFailure::Foreign`] if the database belongs to another key store, [`KeyStoreFailure::Orphaned`] if it is empty
/// and the key store is another's.
pub async fn seal(
    db: &Db,
    url: &DatabaseUrl,
    keystore: &KeyStore,
    storage: &Storage,
    world: &World,
) -> Result<(), KeyStoreFailure> {
    let unusable = |failure: Failure| KeyStoreFailure::Unusable(format!("{failure:?}"));
    let known = tied_to(db).await.map_err(unusable)?;
    match known {
        Some(expected) if expected != keystore.id() => {
            return Err(KeyStoreFailure::Foreign { expected, found: keystore.id().to_owned() });
        }
        Some(_) => {}
        None => {
            if keystore.has_owned().await.map_err(unusable)? && is_empty(db).await.map_err(unusable)? {
                return Err(KeyStoreFailure::Orphaned);
            }
            let work = Work { db, keystore, storage, world };
            work.all().await.map_err(unusable)?;
        }
    }
    db.migrate_fully(url).await.map_err(|error: StartFailure| KeyStoreFailure::Start(error))
}

async fn tied_to(db: &Db) -> Result<Option<String>, Failure> {
    let mut conn = db.read().await?;
    on_db!(conn, c => before::installation::table.select(before::installation::key_store).first(c).await)
}

struct Work<'a> {
    db: &'a Db,
    keystore: &'a KeyStore,
    storage: &'a Storage,
    world: &'a World,
}

impl Work<'_> {
    async fn all(&self) -> Result<(), Failure> {
        while self.users().await? {}
        while self.invitations().await? {}
        while self.tokens().await? {}
        while self.devices().await? {}
        self.guests().await?;
        while self.captures().await? {}
        self.logos().await?;
        let store = self.keystore.id().to_owned();
        write_tx!(self.db, tx => {
            on_db!(tx, c => diesel::update(before::installation::table)
                .set(before::installation::key_store.eq(&store))
                .execute(c).await)?;
            Ok(())
        })
    }

    async fn users(&self) -> Result<bool, Failure> {
        use before::identity_users as table;
        let mut conn = self.db.read().await?;
        let rows = on_db!(conn, c => table::table
            .filter(table::sealed_email.eq(Vec::<u8>::new()))
            .limit(BATCH)
            .select((table::id, table::email, table::name, table::password_hash))
            .load::<(String, String, String, Option<String>)>(c).await)?;
        drop(conn);
        let mut sealed = Vec::with_capacity(rows.len());
        for (user, email, name, password) in rows {
            let key = KeyRef::user(&stored::<UserId>(&user)?);
            self.keystore.claim(&Lookup::everywhere(Realm::Installation, identity::BY_ADDRESS), &email, &user).await?;
            let key = self.keystore.make_one(&key).await?;
            let email = Sealed::seal(self.world, &key, identity::user_place("email", &user), &Pii::new(email));
            let name = Sealed::seal(self.world, &key, identity::user_place("name", &user), &Pii::new(name));
            let place = identity::user_place("password_hash", &user);
            let password = password.map(|hash| Sealed::seal(self.world, &key, place, &Secret::new(hash)));
            sealed.push((user, email, name, password));
        }
        let more = !sealed.is_empty();
        write_tx!(self.db, tx => {
            for (user, email, name, password) in sealed {
                on_db!(tx, c => diesel::update(table::table.filter(table::id.eq(&user)))
                    .set((
                        table::sealed_email.eq(&email),
                        table::sealed_name.eq(&name),
                        table::sealed_password.eq(&password),
                    ))
                    .execute(c).await)?;
            }
            Ok(())
        })?;
        Ok(more)
    }

    async fn invitations(&self) -> Result<bool, Failure> {
        use before::identity_invitations as table;
        let mut conn = self.db.read().await?;
        let rows = on_db!(conn, c => table::table
            .filter(table::sealed_email.eq(Vec::<u8>::new()))
            .limit(BATCH)
            .select((table::id, table::organisation_id, table::email))
            .load::<(String, String, String)>(c).await)?;
        drop(conn);
        let mut sealed = Vec::with_capacity(rows.len());
        for (invitation, organisation, email) in rows {
            let organisation: OrganisationId = stored(&organisation)?;
            let key = identity::subject_key(&organisation, &invitation);
            let key = self.keystore.make_one(&key).await?;
            let realm = Realm::Organisation(organisation);
            let place = identity::invitation_place(&realm, &invitation);
            let email = Sealed::seal(self.world, &key, place, &Pii::new(email));
            sealed.push((invitation, email));
        }
        let more = !sealed.is_empty();
        write_tx!(self.db, tx => {
            for (invitation, email) in sealed {
                on_db!(tx, c => diesel::update(table::table.filter(table::id.eq(&invitation)))
                    .set(table::sealed_email.eq(&email))
                    .execute(c).await)?;
            }
            Ok(())
        })?;
        Ok(more)
    }

    async fn tokens(&self) -> Result<bool, Failure> {
        use before::identity_tokens as table;
        let mut conn = self.db.read().await?;
        let rows = on_db!(conn, c => table::table
            .filter(table::sealed_name.eq(Vec::<u8>::new()))
            .limit(BATCH)
            .select((table::id, table::organisation_id, table::name))
            .load::<(String, String, String)>(c).await)?;
        drop(conn);
        let mut sealed = Vec::with_capacity(rows.len());
        for (token, organisation, name) in rows {
            let organisation: OrganisationId = stored(&organisation)?;
            let key = identity::subject_key(&organisation, &token);
            let key = self.keystore.make_one(&key).await?;
            let realm = Realm::Organisation(organisation);
            let name = Sealed::seal(self.world, &key, identity::token_place(&realm, &token), &name);
            sealed.push((token, name));
        }
        let more = !sealed.is_empty();
        write_tx!(self.db, tx => {
            for (token, name) in sealed {
                on_db!(tx, c => diesel::update(table::table.filter(table::id.eq(&token)))
                    .set(table::sealed_name.eq(&name))
                    .execute(c).await)?;
            }
            Ok(())
        })?;
        Ok(more)
    }

    async fn devices(&self) -> Result<bool, Failure> {
        use before::events_devices as table;
        let mut conn = self.db.read().await?;
        let rows = on_db!(conn, c => table::table
            .filter(table::sealed_name.eq(Vec::<u8>::new()))
            .limit(BATCH)
            .select((table::id, table::organisation_id, table::event_id, table::name))
            .load::<(String, String, String, String)>(c).await)?;
        drop(conn);
        let mut sealed = Vec::with_capacity(rows.len());
        for (device, organisation, event, name) in rows {
            let organisation: OrganisationId = stored(&organisation)?;
            let key = events::key(&organisation, &event);
            let key = self.keystore.make_one(&key).await?;
            let realm = Realm::Organisation(organisation);
            let name = Sealed::seal(self.world, &key, events::device_place(&realm, &device), &name);
            sealed.push((device, name));
        }
        let more = !sealed.is_empty();
        write_tx!(self.db, tx => {
            for (device, name) in sealed {
                on_db!(tx, c => diesel::update(table::table.filter(table::id.eq(&device)))
                    .set(table::sealed_name.eq(&name))
                    .execute(c).await)?;
            }
            Ok(())
        })?;
        Ok(more)
    }

    /// By id, since a guest without any contact data has nothing that shows whether it was looked at.
    async fn guests(&self) -> Result<(), Failure> {
        use before::guests as table;
        let mut after = String::new();
        loop {
            let mut conn = self.db.read().await?;
            type Row = (String, String, String, Option<String>, Option<String>, Option<String>);
            let rows = on_db!(conn, c => table::table
                .filter(table::id.gt(&after))
                .order(table::id)
                .limit(BATCH)
                .select((table::id, table::organisation_id, table::event_id, table::name, table::email, table::phone))
                .load::<Row>(c).await)?;
            drop(conn);
            let Some(last) = rows.last() else { return Ok(()) };
            after.clone_from(&last.0);
            let mut sealed = Vec::with_capacity(rows.len());
            for (guest, organisation, event, name, email, phone) in rows {
                let organisation: OrganisationId = stored(&organisation)?;
                let realm = Realm::Organisation(organisation.clone());
                let contact = guests::contact(email.as_deref(), phone.as_deref());
                if let Some(contact) = contact {
                    let lookup = Lookup::within(realm.clone(), guests::BY_CONTACT, &event);
                    self.keystore.claim(&lookup, &contact, &guest).await?;
                }
                let key = guests::key(&organisation, &guest);
                let key = self.keystore.make_one(&key).await?;
                let seal = |column: &'static str, value: Option<String>| {
                    let place = guests::place(&realm, column, &guest);
                    value.map(|value| Sealed::seal(self.world, &key, place, &Pii::new(value)))
                };
                let (name, email, phone) = (seal("name", name), seal("email", email), seal("phone", phone));
                sealed.push((guest, name, email, phone));
            }
            write_tx!(self.db, tx => {
                for (guest, name, email, phone) in sealed {
                    on_db!(tx, c => diesel::update(table::table.filter(table::id.eq(&guest)))
                        .set((
                            table::sealed_name.eq(&name),
                            table::sealed_email.eq(&email),
                            table::sealed_phone.eq(&phone),
                        ))
                        .execute(c).await)?;
                }
                Ok(())
            })?;
        }
    }

    /// One capture, with all that share its bytes.
    async fn captures(&self) -> Result<bool, Failure> {
        use before::captures as table;
        use before::captures_renditions as renditions;
        let mut conn = self.db.read().await?;
        let row = on_db!(conn, c => table::table
            .filter(table::key_subject.eq(""))
            .order(table::id)
            .select((table::id, table::organisation_id, table::object))
            .first::<(String, String, String)>(c).await.optional())?;
        let Some((capture, organisation, object)) = row else { return Ok(false) };
        let mut objects = vec![object.clone()];
        objects.extend(on_db!(conn, c => renditions::table
            .filter(renditions::capture_id.eq(&capture))
            .select(renditions::object)
            .load::<String>(c).await)?);
        drop(conn);
        let key = captures::key(&stored(&organisation)?, &capture);
        let key = self.keystore.make_one(&key).await?;
        let mut moved = Vec::with_capacity(objects.len());
        for old in objects {
            let file = SealedFile::seal(self.world, &key, &self.storage.get_unsealed(&old).await?)?;
            moved.push((old, file.name().to_owned()));
            self.storage.put(file).await?;
        }
        let old: Vec<String> = moved.iter().map(|(old, _)| old.clone()).collect();
        write_tx!(self.db, tx => {
            on_db!(tx, c => diesel::update(table::table.filter(table::object.eq(&object)))
                .set(table::key_subject.eq(&capture))
                .execute(c).await)?;
            for (old, new) in &moved {
                on_db!(tx, c => diesel::update(table::table.filter(table::object.eq(old)))
                    .set(table::object.eq(new))
                    .execute(c).await)?;
                on_db!(tx, c => diesel::update(renditions::table.filter(renditions::object.eq(old)))
                    .set(renditions::object.eq(new))
                    .execute(c).await)?;
            }
            Ok(())
        })?;
        self.storage.delete_all(&old).await;
        Ok(true)
    }

    async fn logos(&self) -> Result<(), Failure> {
        use before::events_logos as table;
        let mut conn = self.db.read().await?;
        let rows = on_db!(conn, c => table::table
            .select((table::id, table::organisation_id, table::event_id, table::object))
            .load::<(String, String, String, String)>(c).await)?;
        drop(conn);
        for (logo, organisation, event, old) in rows {
            let key = events::key(&stored(&organisation)?, &event);
            let key = self.keystore.make_one(&key).await?;
            let bytes = self.storage.get_unsealed(&old).await?;
            // Sealed by a start that was cut short.
            if SealedFile::is_one(&bytes) {
                continue;
            }
            let file = SealedFile::seal(self.world, &key, &bytes)?;
            let new = file.name().to_owned();
            self.storage.put(file).await?;
            write_tx!(self.db, tx => {
                on_db!(tx, c => diesel::update(table::table.filter(table::id.eq(&logo)))
                    .set(table::object.eq(&new))
                    .execute(c).await)?;
                Ok(())
            })?;
            self.storage.delete_all(&[old]).await;
        }
        Ok(())
    }
}
