//! The SQL of the key store.

use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Text};
use diesel_async::RunQueryDsl;
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::KeyId;
use shutterpost_vault::wrap::Purpose;

use super::schema::{generations, keys, keystore};
use crate::context::World;
use crate::db::{Conn, Db, Tx, on_db, write_tx};
use crate::error::Failure;

/// Ids in one statement.
pub(super) const CHUNK: usize = 500;

pub(super) const ACTIVE: &str = "active";
pub(super) const DECRYPT_ONLY: &str = "decrypt_only";
pub(super) const RETIRING: &str = "retiring";
pub(super) const DESTROYED: &str = "destroyed";

/// What wraps, and what commits: in the column `algorithm`.
const ALGORITHM: &str = "AES-256-GCM-SIV";

/// The store's id; made at the first start.
pub(super) async fn store_id(db: &Db, world: &World) -> Result<String, Failure> {
    let (fresh, now) = (format!("kst_{}", data_encoding::HEXLOWER.encode(&world.bytes::<16>())), world.now());
    write_tx!(db, tx => {
        on_db!(tx, c => diesel::insert_into(keystore::table)
            .values((
                keystore::singleton.eq(1),
                keystore::id.eq(&fresh),
                keystore::created_at.eq(now.0),
                keystore::swept_until.eq(0),
            ))
            .on_conflict_do_nothing()
            .execute(c).await)?;
        on_db!(tx, c => keystore::table.select(keystore::id).first::<String>(c).await)
    })
}

/// Number and state of the generations, oldest first.
pub(super) async fn generations(conn: &mut Conn) -> Result<Vec<(i32, String)>, Failure> {
    on_db!(conn, c => generations::table
        .order(generations::generation)
        .select((generations::generation, generations::state))
        .load(c).await)
}

/// Writes a generation; one that is there stays as it is.
pub(super) async fn insert_generation(tx: &mut Tx, generation: i32, now: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(generations::table)
        .values((
            generations::generation.eq(generation),
            generations::state.eq(ACTIVE),
            generations::created_at.eq(now.0),
        ))
        .on_conflict_do_nothing()
        .execute(c).await)?;
    Ok(())
}

/// Every active generation but the newest begins to retire.
pub(super) async fn retire_generations(tx: &mut Tx, newest: i32) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(generations::table)
        .filter(generations::generation.lt(newest))
        .filter(generations::state.eq(ACTIVE))
        .set(generations::state.eq(RETIRING))
        .execute(c).await)?;
    Ok(())
}

pub(super) async fn generation_destroyed(tx: &mut Tx, generation: i32, now: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(generations::table)
        .filter(generations::generation.eq(generation))
        .set((generations::state.eq(DESTROYED), generations::destroyed_at.eq(now.0)))
        .execute(c).await)?;
    Ok(())
}

/// A key as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = keys)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct KeyRow {
    pub(super) id: String,
    pub(super) realm: String,
    pub(super) purpose: String,
    pub(super) subject: String,
    pub(super) version: i32,
    pub(super) algorithm: String,
    pub(super) state: String,
    pub(super) parent: Option<String>,
    pub(super) generation: Option<i32>,
    pub(super) wrapped: Vec<u8>,
    pub(super) created_at: i64,
}

impl KeyRow {
    /// A new active key. `parent` wraps it, or the root of `generation`.
    #[expect(clippy::too_many_arguments, reason = "one for each column that is not a constant")]
    pub(super) fn new(
        id: KeyId,
        realm: &str,
        purpose: Purpose,
        subject: &str,
        version: i32,
        parent: Option<KeyId>,
        generation: Option<i32>,
        wrapped: Vec<u8>,
        now: Millis,
    ) -> Self {
        Self {
            id: id.as_text(),
            realm: realm.to_owned(),
            purpose: purpose.as_str().to_owned(),
            subject: subject.to_owned(),
            version,
            algorithm: ALGORITHM.to_owned(),
            state: ACTIVE.to_owned(),
            parent: parent.map(|id| id.as_text()),
            generation,
            wrapped,
            created_at: now.0,
        }
    }

    pub(super) fn key_id(&self) -> Result<KeyId, Failure> {
        KeyId::parse(&self.id).ok_or_else(|| Failure::Internal("a stored key id does not read".into()))
    }

    pub(super) fn version(&self) -> Result<u16, Failure> {
        u16::try_from(self.version).map_err(|error| Failure::internal("a stored key version", error))
    }

    pub(super) fn purpose(&self) -> Result<Purpose, Failure> {
        Purpose::parse(&self.purpose).ok_or_else(|| Failure::Internal("a stored key purpose does not read".into()))
    }
}

/// Living keys of the subjects, whatever they are for.
pub(super) async fn of_subjects(conn: &mut Conn, subjects: &[&str]) -> Result<Vec<KeyRow>, Failure> {
    let mut rows = Vec::new();
    for chunk in subjects.chunks(CHUNK) {
        rows.extend(on_db!(conn, c => keys::table
            .filter(keys::subject.eq_any(chunk.iter().copied()))
            .filter(keys::state.eq(ACTIVE))
            .select(KeyRow::as_select())
            .load::<KeyRow>(c).await)?);
    }
    Ok(rows)
}

/// A key that is not destroyed.
pub(super) async fn by_id(conn: &mut Conn, id: &KeyId) -> Result<Option<KeyRow>, Failure> {
    on_db!(conn, c => keys::table
        .filter(keys::id.eq(id.as_text()))
        .filter(keys::state.ne(DESTROYED))
        .select(KeyRow::as_select())
        .first(c).await.optional())
}

/// The key that wraps the realm's new keys.
pub(super) async fn realm_key(conn: &mut Conn, realm: &str, purpose: Purpose) -> Result<Option<KeyRow>, Failure> {
    on_db!(conn, c => keys::table
        .filter(keys::subject.eq(realm))
        .filter(keys::purpose.eq(purpose.as_str()))
        .filter(keys::state.eq(ACTIVE))
        .order(keys::version.desc())
        .select(KeyRow::as_select())
        .first(c).await.optional())
}

/// Writes a key unless the subject has one of this purpose and version; says whether it did.
pub(super) async fn insert(tx: &mut Tx, row: &KeyRow) -> Result<bool, Failure> {
    let written = on_db!(tx, c => diesel::insert_into(keys::table)
        .values(row)
        .on_conflict((keys::subject, keys::purpose, keys::version))
        .do_nothing()
        .execute(c).await)?;
    Ok(written == 1)
}

/// Holds a generation until the end of the transaction, so that its root is not destroyed meanwhile; `false` if it is
/// retiring already.
pub(super) async fn hold_generation(tx: &mut Tx, generation: i32) -> Result<bool, Failure> {
    let found: Option<i32> = on_db!(
        tx,
        // A write transaction of SQLite has the whole store to itself.
        sqlite c => generations::table
            .filter(generations::generation.eq(generation))
            .filter(generations::state.eq(ACTIVE))
            .select(generations::generation)
            .first(c).await.optional(),
        postgres c => generations::table
            .filter(generations::generation.eq(generation))
            .filter(generations::state.eq(ACTIVE))
            .select(generations::generation)
            .for_share()
            .first(c).await.optional(),
    )?;
    Ok(found.is_some())
}

/// Whether the realm has a key that lives: whoever was erased has none.
pub(super) async fn has_realm_key(tx: &mut Tx, realm: &str) -> Result<bool, Failure> {
    let found: Option<String> = on_db!(tx, c => keys::table
        .filter(keys::subject.eq(realm))
        .filter(keys::state.ne(DESTROYED))
        .select(keys::id)
        .first(c).await.optional())?;
    Ok(found.is_some())
}

/// Holds a realm key until the end of the transaction, so that it is not retired meanwhile; `false` if it was already.
pub(super) async fn hold_active(tx: &mut Tx, id: &KeyId) -> Result<bool, Failure> {
    let id = id.as_text();
    let found: Option<String> = on_db!(
        tx,
        // A write transaction of SQLite has the whole store to itself.
        sqlite c => keys::table
            .filter(keys::id.eq(&id))
            .filter(keys::state.eq(ACTIVE))
            .select(keys::id)
            .first(c).await.optional(),
        postgres c => keys::table
            .filter(keys::id.eq(&id))
            .filter(keys::state.eq(ACTIVE))
            .select(keys::id)
            .for_share()
            .first(c).await.optional(),
    )?;
    Ok(found.is_some())
}

/// Ids of the subjects' keys for all purposes given, destroyed ones too; and whether they still live.
pub(super) async fn ids_of(
    conn: &mut Conn,
    realm: &str,
    subjects: &[&str],
    purposes: &[&str],
) -> Result<Vec<(String, bool)>, Failure> {
    let mut ids = Vec::new();
    for chunk in subjects.chunks(CHUNK) {
        ids.extend(on_db!(conn, c => keys::table
            .filter(keys::realm.eq(realm))
            .filter(keys::subject.eq_any(chunk.iter().copied()))
            .filter(keys::purpose.eq_any(purposes.iter().copied()))
            .select((keys::id, keys::state.ne(DESTROYED)))
            .load::<(String, bool)>(c).await)?);
    }
    Ok(ids)
}

/// Overwrites the keys: what is left says that there was one.
pub(super) async fn destroy(tx: &mut Tx, ids: &[String], now: Millis) -> Result<(), Failure> {
    for chunk in ids.chunks(CHUNK) {
        on_db!(tx, c => diesel::update(keys::table)
            .filter(keys::id.eq_any(chunk.iter()))
            .filter(keys::state.ne(DESTROYED))
            .set((keys::state.eq(DESTROYED), keys::wrapped.eq(Vec::<u8>::new()), keys::destroyed_at.eq(now.0)))
            .execute(c).await)?;
    }
    Ok(())
}

/// Living keys that a realm key wraps, a batch of them, as they lie: their ids are random, and in their order each would
/// be a page of its own.
pub(super) async fn children(conn: &mut Conn, parent: &str, most: i64) -> Result<Vec<KeyRow>, Failure> {
    on_db!(conn, c => keys::table
        .filter(keys::parent.eq(parent))
        .filter(keys::state.ne(DESTROYED))
        .limit(most)
        .select(KeyRow::as_select())
        .load(c).await)
}

/// Puts keys under another realm key, unless somebody destroyed one or did so before. One visit to the database for all
/// of them: a generation ends with as many as there are captures and guests.
pub(super) async fn rewrap(tx: &mut Tx, from: &str, to: &str, wrapped: Vec<(String, Vec<u8>)>) -> Result<(), Failure> {
    let (from, to) = (from.to_owned(), to.to_owned());
    on_db!(
        tx,
        sqlite c => c.spawn_blocking(move |c| {
            for (id, wrapped) in wrapped {
                let row = keys::table
                    .filter(keys::id.eq(id))
                    .filter(keys::parent.eq(&from))
                    .filter(keys::state.ne(DESTROYED));
                diesel::RunQueryDsl::execute(
                    diesel::update(row).set((keys::parent.eq(&to), keys::wrapped.eq(wrapped))),
                    c,
                )?;
            }
            Ok(())
        }).await,
        postgres c => {
            let (ids, wrapped): (Vec<String>, Vec<Vec<u8>>) = wrapped.into_iter().unzip();
            // The parent in a form that no index serves: a planner without fresh statistics would otherwise read all
            // keys of the parent for each batch, a million times a thousand.
            diesel::sql_query(
                "UPDATE keys SET parent = $1, wrapped = given.wrapped \
                 FROM unnest($2, $3) AS given (id, wrapped) \
                 WHERE keys.id = given.id AND keys.parent || '' = $4 AND keys.state <> 'destroyed'",
            )
            .bind::<Text, _>(to)
            .bind::<Array<Text>, _>(ids)
            .bind::<Array<Binary>, _>(wrapped)
            .bind::<Text, _>(from)
            .execute(c).await.map(|_| ())
        },
    )
}

/// Realm keys that the root of an older generation wraps.
pub(super) async fn realm_keys_before(conn: &mut Conn, generation: i32) -> Result<Vec<KeyRow>, Failure> {
    on_db!(conn, c => keys::table
        .filter(keys::generation.lt(generation))
        .filter(keys::state.ne(DESTROYED))
        .order(keys::version)
        .select(KeyRow::as_select())
        .load(c).await)
}

/// Older keys of the same realm wrap nothing new from now on.
pub(super) async fn retire_realm_keys(tx: &mut Tx, newest: &KeyRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(keys::table)
        .filter(keys::subject.eq(&newest.subject))
        .filter(keys::purpose.eq(&newest.purpose))
        .filter(keys::version.lt(newest.version))
        .filter(keys::state.eq(ACTIVE))
        .set(keys::state.eq(DECRYPT_ONLY))
        .execute(c).await)?;
    Ok(())
}

/// Destroys a retired realm key that wraps nothing any more; `false` if it still does.
pub(super) async fn destroy_if_childless(tx: &mut Tx, id: &str, now: Millis) -> Result<bool, Failure> {
    if !children(tx, id, 1).await?.is_empty() {
        return Ok(false);
    }
    destroy(tx, &[id.to_owned()], now).await?;
    Ok(true)
}

/// When a generation began.
pub(super) async fn generation_since(conn: &mut Conn, generation: i32) -> Result<i64, Failure> {
    on_db!(conn, c => generations::table
        .filter(generations::generation.eq(generation))
        .select(generations::created_at)
        .first(c).await)
}
