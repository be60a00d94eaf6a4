//! Objects that no row names: what a crash left between storing the files and writing the rows.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::time::{DAY, Millis};

use super::sweep::Swept;
use crate::captures::purge::in_use;
use crate::db::{Conn, on_db};
use crate::designs;
use crate::error::Failure;
use crate::jobs::Permit;
use crate::schema::events_logos;
use crate::services::Deps;
use crate::storage::Storage;
use crate::uploads;

/// An upload takes seconds; whatever is older and has no row will never get one.
const AGE: i64 = 60 * 60_000;
/// Parts of uploads to a bucket show their age by the bucket's clock, and a slow backup may be at work on others.
const PARTS_AGE: i64 = DAY;

pub(super) async fn sweep(_permit: &Permit, deps: &Deps, swept: &mut Swept) -> Result<(), Failure> {
    let before = deps.world.now().plus(-AGE);
    for shelf in Storage::shelves() {
        let names = old(deps, &shelf, before).await?;
        if names.is_empty() {
            continue;
        }
        let used = named(deps, &names).await?;
        for name in names.iter().filter(|name| !used.contains(*name)) {
            deps.storage.delete(name).await?;
            swept.objects += 1;
        }
    }
    deps.storage.abandon_uploads(deps.world.now().plus(-PARTS_AGE)).await?;
    Ok(())
}

/// Which of the objects a row names.
pub(super) async fn named(deps: &Deps, names: &[String]) -> Result<HashSet<String>, Failure> {
    let mut conn = deps.db.read().await?;
    let mut used = in_use(&mut conn, names).await?;
    used.extend(logos_in_use(&mut conn, names).await?);
    used.extend(designs::in_use(&mut conn, names).await?);
    used.extend(uploads::in_use(&mut conn, names).await?);
    Ok(used)
}

async fn old(deps: &Deps, shelf: &str, before: Millis) -> Result<Vec<String>, Failure> {
    let stored = deps.storage.list(shelf).await?;
    Ok(stored.into_iter().filter(|object| object.written_at < before).map(|object| object.name).collect())
}

async fn logos_in_use(conn: &mut Conn, names: &[String]) -> Result<HashSet<String>, Failure> {
    let mut used = HashSet::new();
    for chunk in names.chunks(crate::captures::queries::CHUNK) {
        let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
        used.extend(on_db!(conn, c => events_logos::table
            .filter(events_logos::object.eq_any(chunk.iter().copied()))
            .select(events_logos::object)
            .load::<String>(c).await)?);
    }
    Ok(used)
}
