//! The SQL of connections. Owners come with a scope; whoever signs people in knows nothing but the connection's id.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::access::Role;
use shutterpost_model::connections::{Admission, State, TestReport};
use shutterpost_model::id::ConnectionId;

use super::rows::{ConnectionRow, NewConnectionRow, Sealer, SettingsRow, Stored, SummaryRow, Usable};
use crate::context::World;
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::keystore::{KeyStore, Realm, Sealed};
use crate::schema::sso_connections;

/// A connection whose provider's side was entered, whatever its state; `None` if there is none. For sign-in: whoever calls
/// has no organisation yet.
pub(crate) async fn usable(
    conn: &mut Conn,
    keystore: &KeyStore,
    connection: &ConnectionId,
) -> Result<Option<Usable>, Failure> {
    let row: Option<ConnectionRow> = on_db!(conn, c => sso_connections::table
        .filter(sso_connections::id.eq(connection.as_str()))
        .filter(sso_connections::settings.is_not_null())
        .select(ConnectionRow::as_select())
        .first(c).await.optional())?;
    let Some(row) = row else { return Ok(None) };
    match keystore.get(&row.key()?).await {
        Ok(key) => Ok(row.open(&key)?.usable()),
        // It is being deleted at this moment.
        Err(Failure::NotFound) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Keeps what a test found. One that let somebody in counts for the settings that were tested and for no newer ones.
pub(crate) async fn note_report(
    tx: &mut Tx,
    world: &World,
    keystore: &KeyStore,
    tested: &Usable,
    report: &TestReport,
) -> Result<(), Failure> {
    let key = keystore.get(&super::rows::connection_key(&tested.organisation, tested.id.as_str())).await?;
    let realm = Realm::Organisation(tested.organisation.clone());
    let sealed = Sealer { world, key: &key, realm, connection: tested.id.as_str() }.report(report)?;
    let same = on_db!(tx, c => diesel::update(sso_connections::table)
        .filter(sso_connections::organisation_id.eq(tested.organisation.as_str()))
        .filter(sso_connections::id.eq(tested.id.as_str()))
        .filter(sso_connections::changed_at.eq(tested.changed_at.0))
        .set(sso_connections::last_report.eq(&sealed))
        .execute(c).await)?;
    if same > 0 && report.sign_in && report.passed() {
        on_db!(tx, c => diesel::update(sso_connections::table)
            .filter(sso_connections::organisation_id.eq(tested.organisation.as_str()))
            .filter(sso_connections::id.eq(tested.id.as_str()))
            .set(sso_connections::tested_at.eq(report.at.0))
            .execute(c).await)?;
    }
    Ok(())
}

pub(super) async fn list(conn: &mut Conn, scope: &OrgScope) -> Result<Vec<SummaryRow>, Failure> {
    on_db!(conn, c => sso_connections::table
        .filter(sso_connections::organisation_id.eq(scope.organisation().as_str()))
        .order((sso_connections::created_at, sso_connections::id))
        .select((
            sso_connections::id,
            sso_connections::name,
            sso_connections::kind,
            sso_connections::provider,
            sso_connections::state,
            sso_connections::settings.is_not_null(),
            sso_connections::tested_at,
            sso_connections::certificate_ends_at,
        ))
        .load(c).await)
}

pub(super) async fn count(conn: &mut Conn, scope: &OrgScope) -> Result<i64, Failure> {
    on_db!(conn, c => sso_connections::table
        .filter(sso_connections::organisation_id.eq(scope.organisation().as_str()))
        .count().get_result(c).await)
}

/// A connection of the organisation, open.
pub(super) async fn find(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    connection: &ConnectionId,
) -> Result<Stored, Failure> {
    let row: ConnectionRow = on_db!(conn, c => sso_connections::table
        .filter(sso_connections::organisation_id.eq(scope.organisation().as_str()))
        .filter(sso_connections::id.eq(connection.as_str()))
        .select(ConnectionRow::as_select())
        .first(c).await)?;
    let key = keystore.get(&row.key()?).await?;
    row.open(&key)
}

pub(super) async fn insert(tx: &mut Tx, _scope: &OrgScope, row: &NewConnectionRow<'_>) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(sso_connections::table).values(row).execute(c).await)?;
    Ok(())
}

/// Holds the connection until the end of the transaction, so that two changes do not overwrite each other.
pub(super) async fn hold(tx: &mut Tx, scope: &OrgScope, connection: &ConnectionId) -> Result<(), Failure> {
    let held = on_db!(tx, c => diesel::update(sso_connections::table)
        .filter(sso_connections::organisation_id.eq(scope.organisation().as_str()))
        .filter(sso_connections::id.eq(connection.as_str()))
        .set(sso_connections::created_at.eq(sso_connections::created_at))
        .execute(c).await)?;
    if held == 1 { Ok(()) } else { Err(Failure::NotFound) }
}

pub(super) async fn set_settings(
    tx: &mut Tx,
    scope: &OrgScope,
    connection: &ConnectionId,
    row: &SettingsRow,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(sso_connections::table)
        .filter(sso_connections::organisation_id.eq(scope.organisation().as_str()))
        .filter(sso_connections::id.eq(connection.as_str()))
        .set(row)
        .execute(c).await)?;
    Ok(())
}

pub(super) async fn set_admission(
    tx: &mut Tx,
    scope: &OrgScope,
    connection: &ConnectionId,
    admission: &Admission,
    role_map: &Sealed<String>,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(sso_connections::table)
        .filter(sso_connections::organisation_id.eq(scope.organisation().as_str()))
        .filter(sso_connections::id.eq(connection.as_str()))
        .set((
            sso_connections::trust_factor.eq(admission.trust_factor),
            sso_connections::just_in_time.eq(admission.just_in_time),
            sso_connections::default_role.eq(admission.default_role.map(Role::as_str)),
            sso_connections::role_map.eq(role_map),
        ))
        .execute(c).await)?;
    Ok(())
}

pub(super) async fn set_state(
    tx: &mut Tx,
    scope: &OrgScope,
    connection: &ConnectionId,
    state: State,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(sso_connections::table)
        .filter(sso_connections::organisation_id.eq(scope.organisation().as_str()))
        .filter(sso_connections::id.eq(connection.as_str()))
        .set(sso_connections::state.eq(state.as_str()))
        .execute(c).await)?;
    Ok(())
}

/// Deletes the connection; what belongs to it goes along by its foreign keys.
pub(super) async fn delete(tx: &mut Tx, scope: &OrgScope, connection: &ConnectionId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(sso_connections::table)
        .filter(sso_connections::organisation_id.eq(scope.organisation().as_str()))
        .filter(sso_connections::id.eq(connection.as_str()))
        .execute(c).await)?;
    Ok(())
}
