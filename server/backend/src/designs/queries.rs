//! The SQL of designs.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::DesignFileId;
use shutterpost_model::time::Millis;

use super::rows::{DesignRow, FileRow};
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::jobs::Permit;
use crate::schema::{events, events_design_files, events_designs};

/// Holds the event until the end of the transaction: its design and its files are changed by one at a time. Done in a way
/// that both databases know; 404 once it is deleted.
pub(super) async fn lock(tx: &mut Tx, scope: &EventScope) -> Result<(), Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let held = on_db!(tx, c => diesel::update(events::table)
        .filter(events::organisation_id.eq(organisation))
        .filter(events::id.eq(event))
        .filter(events::deleted_at.is_null())
        .set(events::version.eq(events::version))
        .execute(c).await)?;
    if held == 1 { Ok(()) } else { Err(Failure::NotFound) }
}

pub(crate) async fn find(conn: &mut Conn, scope: &EventScope) -> Result<Option<DesignRow>, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(conn, c => events_designs::table
        .filter(events_designs::organisation_id.eq(organisation))
        .filter(events_designs::event_id.eq(event))
        .select(DesignRow::as_select())
        .first(c).await.optional())
}

/// The design that a job is about.
pub(crate) async fn of_job(conn: &mut Conn, _permit: &Permit, event: &str) -> Result<Option<DesignRow>, Failure> {
    on_db!(conn, c => events_designs::table
        .filter(events_designs::event_id.eq(event))
        .select(DesignRow::as_select())
        .first(c).await.optional())
}

pub(super) async fn insert(tx: &mut Tx, _scope: &EventScope, row: &DesignRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(events_designs::table).values(row).execute(c).await)?;
    Ok(())
}

/// Saves a design over the version that is named; `false` if there is another one by now.
pub(super) async fn save(
    tx: &mut Tx,
    scope: &EventScope,
    design: &str,
    version: i32,
    now: Millis,
) -> Result<bool, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let saved = on_db!(tx, c => diesel::update(events_designs::table)
        .filter(events_designs::organisation_id.eq(organisation))
        .filter(events_designs::event_id.eq(event))
        .filter(events_designs::version.eq(version))
        .set((
            events_designs::design.eq(design),
            events_designs::version.eq(version.saturating_add(1)),
            events_designs::saved_at.eq(now.0),
        ))
        .execute(c).await)?;
    Ok(saved == 1)
}

/// What begins a run.
pub(super) struct Begun<'a> {
    pub(super) design: &'a str,
    pub(super) version: i32,
    pub(super) applied: &'a str,
    pub(super) previous: Option<&'a str>,
    pub(super) undoing: bool,
    pub(super) saved_at: i64,
}

/// Begins a run; one that was going on is over.
pub(super) async fn begin(tx: &mut Tx, scope: &EventScope, begun: Begun<'_>) -> Result<(), Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let Begun { design, version, applied, previous, undoing, saved_at } = begun;
    on_db!(tx, c => diesel::update(events_designs::table)
        .filter(events_designs::organisation_id.eq(organisation))
        .filter(events_designs::event_id.eq(event))
        .set((
            events_designs::design.eq(design),
            events_designs::version.eq(version),
            events_designs::applied.eq(Some(applied)),
            events_designs::previous.eq(previous),
            events_designs::saved_at.eq(saved_at),
            events_designs::state.eq("running"),
            events_designs::undoing.eq(undoing),
            events_designs::run.eq(events_designs::run + 1),
            events_designs::after.eq(""),
            events_designs::changed.eq(0_i64),
            events_designs::failed.eq(0_i64),
        ))
        .execute(c).await)?;
    Ok(())
}

/// From one state into another; `false` if it is in none of that name.
pub(super) async fn turn(tx: &mut Tx, scope: &EventScope, from: &str, to: &str) -> Result<bool, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let turned = on_db!(tx, c => diesel::update(events_designs::table)
        .filter(events_designs::organisation_id.eq(organisation))
        .filter(events_designs::event_id.eq(event))
        .filter(events_designs::state.eq(from))
        .set(events_designs::state.eq(to))
        .execute(c).await)?;
    Ok(turned == 1)
}

/// Counts a capture that the run changes, and holds the run until the end of the transaction; `false` if it is over.
pub(crate) async fn count_changed(tx: &mut Tx, scope: &EventScope, run: i32) -> Result<bool, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let counted = on_db!(tx, c => diesel::update(events_designs::table)
        .filter(events_designs::organisation_id.eq(organisation))
        .filter(events_designs::event_id.eq(event))
        .filter(events_designs::run.eq(run))
        .set(events_designs::changed.eq(events_designs::changed + 1))
        .execute(c).await)?;
    Ok(counted == 1)
}

/// Notes how far a run came: the last capture, and whether it could not be made.
pub(crate) async fn came_to(
    tx: &mut Tx,
    scope: &EventScope,
    run: i32,
    capture: &str,
    failed: bool,
) -> Result<(), Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(tx, c => diesel::update(events_designs::table)
        .filter(events_designs::organisation_id.eq(organisation))
        .filter(events_designs::event_id.eq(event))
        .filter(events_designs::run.eq(run))
        .set((
            events_designs::after.eq(capture),
            events_designs::failed.eq(events_designs::failed + i64::from(failed)),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Ends a pass over the captures: the run is done if the pass changed none, and otherwise begins another one, for what came
/// in meanwhile. A run that is paused at this moment stays so.
pub(crate) async fn end_pass(tx: &mut Tx, scope: &EventScope, run: i32) -> Result<(), Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    if !hold_running(tx, scope).await? {
        return Ok(());
    }
    // Read while it is held: see `one_more_pass`.
    if find(tx, scope).await?.is_some_and(|row| row.run == run && row.changed > 0) {
        on_db!(tx, c => diesel::update(events_designs::table)
            .filter(events_designs::organisation_id.eq(organisation))
            .filter(events_designs::event_id.eq(event))
            .filter(events_designs::run.eq(run))
            .set((
                events_designs::after.eq(""),
                events_designs::changed.eq(0_i64),
                events_designs::failed.eq(0_i64),
            ))
            .execute(c).await)?;
    } else {
        on_db!(tx, c => diesel::update(events_designs::table)
            .filter(events_designs::organisation_id.eq(organisation))
            .filter(events_designs::event_id.eq(event))
            .filter(events_designs::run.eq(run))
            .filter(events_designs::state.eq("running"))
            .set(events_designs::state.eq("done"))
            .execute(c).await)?;
    }
    Ok(())
}

/// For a capture that came in without what a run gives: a run that goes on makes another pass, one that was done goes on.
/// `false` if none was done and none goes on.
pub(super) async fn one_more_pass(tx: &mut Tx, scope: &EventScope) -> Result<bool, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let again = on_db!(tx, c => diesel::update(events_designs::table)
        .filter(events_designs::organisation_id.eq(organisation))
        .filter(events_designs::event_id.eq(event))
        .filter(events_designs::state.eq("running"))
        .set(events_designs::changed.eq(events_designs::changed + 1))
        .execute(c).await)?;
    if again == 1 {
        return Ok(true);
    }
    let begun = on_db!(tx, c => diesel::update(events_designs::table)
        .filter(events_designs::organisation_id.eq(organisation))
        .filter(events_designs::event_id.eq(event))
        .filter(events_designs::state.eq("done"))
        .set((
            events_designs::state.eq("running"),
            events_designs::after.eq(""),
            events_designs::changed.eq(0_i64),
            events_designs::failed.eq(0_i64),
        ))
        .execute(c).await)?;
    Ok(begun == 1)
}

/// Holds the row until the end of the transaction and says whether a run goes on. `false` where there is none.
pub(crate) async fn hold_running(tx: &mut Tx, scope: &EventScope) -> Result<bool, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let held = on_db!(tx, c => diesel::update(events_designs::table)
        .filter(events_designs::organisation_id.eq(organisation))
        .filter(events_designs::event_id.eq(event))
        .set(events_designs::run.eq(events_designs::run))
        .execute(c).await)?;
    Ok(held == 1 && find(tx, scope).await?.is_some_and(|row| row.is_running()))
}

/// All files of the event, oldest first.
pub(crate) async fn files(conn: &mut Conn, scope: &EventScope) -> Result<Vec<FileRow>, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(conn, c => events_design_files::table
        .filter(events_design_files::organisation_id.eq(organisation))
        .filter(events_design_files::event_id.eq(event))
        .order((events_design_files::created_at, events_design_files::id))
        .select(FileRow::as_select())
        .load(c).await)
}

pub(super) async fn file(conn: &mut Conn, scope: &EventScope, file: &DesignFileId) -> Result<FileRow, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(conn, c => events_design_files::table
        .filter(events_design_files::organisation_id.eq(organisation))
        .filter(events_design_files::event_id.eq(event))
        .filter(events_design_files::id.eq(file.as_str()))
        .select(FileRow::as_select())
        .first(c).await)
}

pub(super) async fn insert_file(tx: &mut Tx, _scope: &EventScope, row: &FileRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(events_design_files::table).values(row).execute(c).await)?;
    Ok(())
}

pub(super) async fn delete_file(tx: &mut Tx, scope: &EventScope, file: &DesignFileId) -> Result<(), Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(tx, c => diesel::delete(events_design_files::table)
        .filter(events_design_files::organisation_id.eq(organisation))
        .filter(events_design_files::event_id.eq(event))
        .filter(events_design_files::id.eq(file.as_str()))
        .execute(c).await)?;
    Ok(())
}
