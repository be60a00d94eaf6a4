//! Deletion for good: rows now, bytes by jobs in the same transaction and, to be quick, by the caller after it.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::CaptureId;
use shutterpost_vault::data_key::KeyId;

use super::queries::CHUNK;
use super::rows::PURPOSE;
use crate::context::World;
use crate::db::{Tx, on_db};
use crate::error::Failure;
use crate::events::counters;
use crate::events::scope::Tenant;
use crate::jobs::queue::{self, JobKind};
use crate::keystore::{KeyStore, Realm};
use crate::schema::{captures, captures_renditions, messages};

/// What a purge leaves to its caller.
#[derive(Debug)]
pub(crate) struct Purged {
    /// Objects, which may be deleted at once when the transaction is committed.
    pub(crate) objects: Vec<String>,
    /// Keys that are destroyed.
    pub(crate) keys: Vec<KeyId>,
}

/// Destroys the keys of captures, deletes them with renditions, links and messages, and enqueues the deletion of their
/// objects.
///
/// Ids that are not there (any more) are passed over. Whoever calls this also records what became stale.
pub(crate) async fn purge(
    tx: &mut Tx,
    world: &World,
    keystore: &KeyStore,
    scope: &impl Tenant,
    ids: &[CaptureId],
) -> Result<Purged, Failure> {
    let organisation = scope.organisation().as_str();
    let mut objects = HashSet::new();
    let mut keys = Vec::new();
    let mut outside_trash: HashMap<String, i64> = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let chunk: Vec<&str> = chunk.iter().map(CaptureId::as_str).collect();
        // Messages go by their foreign key as well; but the worker holds a message before its capture, and whoever took
        // them the other way round would meet it in a deadlock.
        on_db!(tx, c => diesel::delete(messages::table)
            .filter(messages::organisation_id.eq(organisation))
            .filter(messages::capture_id.eq_any(chunk.iter().copied()))
            .execute(c).await)?;
        lock(tx, scope, &chunk).await?;
        let rows = on_db!(tx, c => captures::table
            .filter(captures::organisation_id.eq(organisation))
            .filter(captures::id.eq_any(chunk.iter().copied()))
            .select((captures::event_id, captures::object, captures::deleted_at))
            .load::<(String, String, Option<i64>)>(c).await)?;
        // Now, and not after the rows: what is still read at this moment is the last that ever will be.
        keys.extend(destroy_keys(keystore, scope, &chunk).await?);
        for (event, object, deleted_at) in rows {
            objects.insert(object);
            if deleted_at.is_none() {
                *outside_trash.entry(event).or_default() += 1;
            }
        }
        objects.extend(on_db!(tx, c => captures_renditions::table
            .filter(captures_renditions::organisation_id.eq(organisation))
            .filter(captures_renditions::capture_id.eq_any(chunk.iter().copied()))
            .select(captures_renditions::object)
            .load::<String>(c).await)?);
        on_db!(tx, c => diesel::delete(captures::table)
            .filter(captures::organisation_id.eq(organisation))
            .filter(captures::id.eq_any(chunk.iter().copied()))
            .execute(c).await)?;
    }
    let mut objects: Vec<String> = objects.into_iter().collect();
    // Seeded captures share their bytes; an object goes with the last row that names it.
    let used = in_use(tx, &objects).await?;
    objects.retain(|object| !used.contains(object));
    objects.sort_unstable();
    for object in &objects {
        queue::enqueue(tx, world, JobKind::DeleteObject, object, world.now()).await?;
    }
    let mut outside_trash: Vec<_> = outside_trash.into_iter().collect();
    outside_trash.sort_unstable();
    for (event, count) in outside_trash {
        counters::add_captures(tx, scope, &event, -count).await?;
    }
    Ok(Purged { objects, keys })
}

/// Destroys the keys of captures.
pub(crate) async fn destroy_keys(
    keystore: &KeyStore,
    scope: &impl Tenant,
    captures: &[&str],
) -> Result<Vec<KeyId>, Failure> {
    keystore.destroy(&Realm::Organisation(scope.organisation().clone()), &[PURPOSE], captures).await
}

/// Holds the captures' rows until the end of the transaction, so that two deletions of one capture count it once. Done
/// in a way that both databases know.
pub(crate) async fn lock(tx: &mut Tx, scope: &impl Tenant, ids: &[&str]) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    for chunk in ids.chunks(CHUNK) {
        on_db!(tx, c => diesel::update(captures::table)
            .filter(captures::organisation_id.eq(organisation))
            .filter(captures::id.eq_any(chunk.iter().copied()))
            .set(captures::revision.eq(captures::revision))
            .execute(c).await)?;
    }
    Ok(())
}

/// Which of the objects a capture or rendition of any organisation still names. Only names leave this function.
pub(crate) async fn in_use(conn: &mut crate::db::Conn, objects: &[String]) -> Result<HashSet<String>, Failure> {
    let mut used = HashSet::new();
    for chunk in objects.chunks(CHUNK) {
        let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
        used.extend(on_db!(conn, c => captures::table
            .filter(captures::object.eq_any(chunk.iter().copied()))
            .select(captures::object)
            .load::<String>(c).await)?);
        used.extend(on_db!(conn, c => captures_renditions::table
            .filter(captures_renditions::object.eq_any(chunk.iter().copied()))
            .select(captures_renditions::object)
            .distinct()
            .load::<String>(c).await)?);
    }
    Ok(used)
}
