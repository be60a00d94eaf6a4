//! Users and the counters of their failures.

use std::sync::Arc;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::UserId;
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::DataKey;

use crate::context::World;
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows::{self, NewUserRow, User, UserRow, user_place};
use crate::identity::throttle;
use crate::keystore::{KeyRef, KeyStore, Lookup, Realm, Sealed};
use crate::schema::identity_users;

/// Where users are found by their address: one account in the whole installation.
pub(in crate::identity) fn by_address() -> Lookup {
    Lookup::everywhere(Realm::Installation, rows::BY_ADDRESS)
}

/// The user of an address in canonical form.
pub(in crate::identity) async fn by_email(
    conn: &mut Conn,
    keystore: &KeyStore,
    email: &Pii<String>,
) -> Result<Option<User>, Failure> {
    match keystore.holder(&by_address(), email.expose()).await? {
        Some(user) => by_id(conn, keystore, &rows::id(user)?).await,
        None => Ok(None),
    }
}

pub(in crate::identity) async fn by_id(
    conn: &mut Conn,
    keystore: &KeyStore,
    user: &UserId,
) -> Result<Option<User>, Failure> {
    let row: Option<UserRow> = on_db!(conn, c => identity_users::table
        .filter(identity_users::id.eq(user.as_str()))
        .select(UserRow::as_select())
        .first(c).await.optional())?;
    match row {
        Some(row) => row.open(keystore).await.map(Some),
        None => Ok(None),
    }
}

/// A user about to be written: an id, which the address belongs to from now on, and a key on the disk.
#[derive(Debug, Clone)]
pub(in crate::identity) struct Registered {
    pub(in crate::identity) id: UserId,
    key: Arc<DataKey>,
}

/// Settles the id of a new user before the transaction that writes them.
pub(in crate::identity) async fn register(
    world: &World,
    keystore: &KeyStore,
    email: &Pii<String>,
) -> Result<Registered, Failure> {
    let fresh = world.id(UserId::new);
    let id: UserId = rows::id(keystore.claim(&by_address(), email.expose(), fresh.as_str()).await?)?;
    let key = keystore.make_one(&KeyRef::user(&id)).await?;
    Ok(Registered { id, key })
}

impl Registered {
    /// The row, sealed.
    pub(in crate::identity) fn row<'a>(
        &'a self,
        world: &World,
        email: &Pii<String>,
        name: &Pii<String>,
        language: Language,
        hash: &Secret,
    ) -> NewUserRow<'a> {
        let id = self.id.as_str();
        NewUserRow {
            password_hash: Some(Sealed::seal(world, &self.key, user_place("password_hash", id), hash)),
            ..self.row_without_password(world, email, name, language)
        }
    }

    /// The same of somebody who signs in by a provider.
    pub(in crate::identity) fn row_without_password<'a>(
        &'a self,
        world: &World,
        email: &Pii<String>,
        name: &Pii<String>,
        language: Language,
    ) -> NewUserRow<'a> {
        let id = self.id.as_str();
        NewUserRow {
            id,
            email: Sealed::seal(world, &self.key, user_place("email", id), email),
            name: Sealed::seal(world, &self.key, user_place("name", id), name),
            language: language.tag(),
            password_hash: None,
            failures: 0,
            throttled_until: 0,
            created_at: world.now().0,
        }
    }
}

/// Whether there is a user at all.
pub(in crate::identity) async fn any(conn: &mut Conn) -> Result<bool, Failure> {
    let found: Option<String> =
        on_db!(conn, c => identity_users::table.select(identity_users::id).first(c).await.optional())?;
    Ok(found.is_some())
}

pub(in crate::identity) async fn insert(tx: &mut Tx, row: &NewUserRow<'_>) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(identity_users::table).values(row).execute(c).await)?;
    Ok(())
}

/// Counts an attempt as failed before its outcome is known, so that attempts at the same time are all counted.
/// `false` if the account takes no password for now; then nothing is counted.
pub(in crate::identity) async fn count_attempt(tx: &mut Tx, user: &UserId, now: Millis) -> Result<bool, Failure> {
    // The update takes the row's lock, so that what is read after it is this attempt's own count.
    let counted = on_db!(tx, c => diesel::update(identity_users::table)
        .filter(identity_users::id.eq(user.as_str()))
        .filter(identity_users::throttled_until.le(now.0))
        .set(identity_users::failures.eq(identity_users::failures + 1))
        .execute(c).await)?;
    if counted == 0 {
        return Ok(false);
    }
    let failures: i32 = on_db!(tx, c => identity_users::table
        .filter(identity_users::id.eq(user.as_str()))
        .select(identity_users::failures)
        .first(c).await)?;
    let until = now.plus(throttle::account_delay(failures));
    on_db!(tx, c => diesel::update(identity_users::table)
        .filter(identity_users::id.eq(user.as_str()))
        .set(identity_users::throttled_until.eq(until.0))
        .execute(c).await)?;
    Ok(true)
}

/// Forgets the failures after a right password, and stores its renewed hash if there is one. `false` if the user was
/// disabled or got another password since `proved` was read.
pub(in crate::identity) async fn settle(
    tx: &mut Tx,
    user: &UserId,
    proved: &Sealed<Secret>,
    renewed: Option<&Sealed<Secret>>,
) -> Result<bool, Failure> {
    let settled = on_db!(tx, c => diesel::update(identity_users::table)
        .filter(identity_users::id.eq(user.as_str()))
        .filter(identity_users::disabled_at.is_null())
        .filter(identity_users::password_hash.eq(proved))
        .set((
            identity_users::failures.eq(0),
            identity_users::throttled_until.eq(0),
            identity_users::password_hash.eq(renewed.unwrap_or(proved)),
        ))
        .execute(c).await)?;
    Ok(settled > 0)
}

/// Stores a new password's hash and forgets failures.
pub(in crate::identity) async fn set_password(
    tx: &mut Tx,
    user: &UserId,
    hash: &Sealed<Secret>,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_users::table)
        .filter(identity_users::id.eq(user.as_str()))
        .set((
            identity_users::failures.eq(0),
            identity_users::throttled_until.eq(0),
            identity_users::password_hash.eq(hash),
        ))
        .execute(c).await)?;
    Ok(())
}

pub(in crate::identity) async fn set_profile(
    tx: &mut Tx,
    user: &UserId,
    name: &Sealed<Pii<String>>,
    language: Language,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_users::table)
        .filter(identity_users::id.eq(user.as_str()))
        .set((identity_users::name.eq(name), identity_users::language.eq(language.tag())))
        .execute(c).await)?;
    Ok(())
}
