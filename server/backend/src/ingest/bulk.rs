//! Filling an event with captures for measurements and demonstrations: rows only, sharing the bytes of a real one.

use std::fmt::Write as _;

use diesel_async::RunQueryDsl;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, EventId, LinkId};
use shutterpost_model::share::LinkKind;

use crate::audit::record::{Doer, Entry, record};
use crate::captures::queries;
use crate::captures::rows::CaptureRow;
use crate::context::World;
use crate::db::{Tx, on_db, write_tx};
use crate::error::Failure;
use crate::events::counters;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::services::Deps;
use crate::share::links::{FIRST, Tokens};

/// Rows in one statement and, times ten, in one transaction.
const STATEMENT: i64 = 500;
const TRANSACTION: i64 = 5_000;
/// Milliseconds between two captures.
const APART: i64 = 7_000;

/// Writes `count` captures into the event, each a little older than the one before, beginning at its newest capture,
/// whose renditions they share. Gives how many were written.
///
/// # Errors
/// [`Code::NotFound`] if the event has no capture to start from.
pub async fn fill(deps: &Deps, actor: &Actor, event: &EventId, count: i64) -> Result<i64, AppError> {
    let org = OrgScope::prove(actor, Permission::CaptureWrite)?;
    let mut conn = deps.db.read().await?;
    let scope = EventScope::prove(&mut conn, org, event).await?;
    let model = queries::newest(&mut conn, &scope).await?.ok_or(Code::NotFound)?;
    drop(conn);
    let mut written = 0;
    while written < count {
        let batch = TRANSACTION.min(count - written);
        let (deps, scope, model, doer) = (deps.clone(), scope.clone(), model.clone(), Doer::from(actor));
        let first = written;
        write_tx!(deps.db, tx => {
            let mut done = 0;
            while done < batch {
                let rows = STATEMENT.min(batch - done);
                insert(tx, &deps, &scope, &model, first + done, rows).await?;
                done += rows;
            }
            let entry = Entry::new("captures.create").object(scope.event().as_str()).count(batch);
            record(tx, &deps.world, Some(scope.organisation()), &doer, entry).await?;
            counters::add_captures(tx, &scope, scope.event().as_str(), batch).await
        })?;
        written += batch;
    }
    Ok(written)
}

/// Everything put into the text below is made here: ids of hexadecimal digits, hashes and numbers.
async fn insert(
    tx: &mut Tx,
    deps: &Deps,
    scope: &EventScope,
    model: &CaptureRow,
    first: i64,
    count: i64,
) -> Result<(), Failure> {
    let (mut captures, mut sqlite_links, mut postgres_links) = (String::new(), String::new(), String::new());
    for index in first..first + count {
        let separator = if index == first { "" } else { ", " };
        let capture = backdated(&deps.world, model, index);
        let captured_at = model.captured_at - (index + 1) * APART;
        let link = deps.world.id(LinkId::new);
        let (token, media) = Tokens::derive(&deps.keys, &link, LinkKind::View, FIRST).hashes(&deps.keys);
        let (token, media) = (data_encoding::HEXLOWER.encode(&token), data_encoding::HEXLOWER.encode(&media));
        let text = "writing into a String cannot fail";
        write!(captures, "{separator}('{capture}', {captured_at})").expect(text);
        write!(sqlite_links, "{separator}('{link}', '{capture}', x'{token}', x'{media}')").expect(text);
        write!(postgres_links, "{separator}('{link}', '{capture}', '\\x{token}'::bytea, '\\x{media}'::bytea)")
            .expect(text);
    }
    let model = &model.id;
    run(
        tx,
        &format!(
            "INSERT INTO captures (id, organisation_id, event_id, device_id, uploader, media_type, width, height, size, \
             orientation, object, key_subject, revision, captured_at, received_at, guests, delivery, deleted_at, kind, \
             duration) \
             SELECT v.column1, t.organisation_id, t.event_id, t.device_id, t.uploader, t.media_type, t.width, t.height, \
             t.size, t.orientation, t.object, t.key_subject, t.revision, v.column2, v.column2, 0, NULL, NULL, \
             t.kind, t.duration \
             FROM (VALUES {captures}) AS v CROSS JOIN captures AS t WHERE t.id = '{model}'"
        ),
    )
    .await?;
    run(
        tx,
        &format!(
            "INSERT INTO captures_renditions \
             (capture_id, name, encoding, organisation_id, width, height, size, object, etag) \
             SELECT v.column1, t.name, t.encoding, t.organisation_id, t.width, t.height, t.size, t.object, t.etag \
             FROM (VALUES {captures}) AS v CROSS JOIN captures_renditions AS t WHERE t.capture_id = '{model}'"
        ),
    )
    .await?;
    let links = if matches!(tx.conn(), crate::db::Conn::Sqlite(_)) { sqlite_links } else { postgres_links };
    let (organisation, now) = (scope.organisation(), deps.world.now().0);
    run(
        tx,
        &format!(
            "INSERT INTO share_links \
             (id, organisation_id, capture_id, kind, generation, token_hash, media_hash, created_at) \
             SELECT v.column1, '{organisation}', v.column2, 'view', {FIRST}, v.column3, v.column4, {now} \
             FROM (VALUES {links}) AS v"
        ),
    )
    .await
}

/// An id as old as the capture pretends to be, so that ids and times agree.
fn backdated(world: &World, model: &CaptureRow, index: i64) -> CaptureId {
    CaptureId::new(model.captured_at - (index + 1) * APART, world.bytes())
}

async fn run(tx: &mut Tx, sql: &str) -> Result<(), Failure> {
    on_db!(tx, c => diesel::sql_query(sql).execute(c).await)?;
    Ok(())
}
