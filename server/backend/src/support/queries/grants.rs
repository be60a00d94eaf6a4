//! Grants.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::access::Role;
use shutterpost_model::id::{GrantId, OrganisationId, StaffId, UserId};
use shutterpost_model::language::Language;
use shutterpost_model::pii::Pii;
use shutterpost_model::support::{GrantState, SupportAccess};
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows::{id, language};
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::keystore::{KeyStore, Sealed};
use crate::schema::{identity_memberships, identity_organisations, identity_users, support_grants, support_staff};
use crate::support::rows::{Grant, GrantRow, Running};

/// Grants in a list.
const LISTED: i64 = 100;

const ASKED: &str = GrantState::Asked.as_str();
const GRANTED: &str = GrantState::Granted.as_str();

/// A grant to be asked for.
#[derive(Debug, Clone)]
pub(in crate::support) struct NewGrant {
    pub(in crate::support) id: GrantId,
    pub(in crate::support) organisation: OrganisationId,
    pub(in crate::support) staff: StaffId,
    pub(in crate::support) reason: Sealed<Pii<String>>,
    pub(in crate::support) access: SupportAccess,
    pub(in crate::support) minutes: i32,
}

pub(in crate::support) async fn insert(tx: &mut Tx, grant: &NewGrant, now: Millis) -> Result<(), Failure> {
    let NewGrant { id, organisation, staff, reason, access, minutes } = grant;
    on_db!(tx, c => diesel::insert_into(support_grants::table)
        .values((
            support_grants::id.eq(id.as_str()),
            support_grants::organisation_id.eq(organisation.as_str()),
            support_grants::staff_id.eq(staff.as_str()),
            support_grants::reason.eq(reason),
            support_grants::access.eq(access.as_str()),
            support_grants::minutes.eq(*minutes),
            support_grants::state.eq(ASKED),
            support_grants::asked_at.eq(now.0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Whether somebody waits for an answer of the organisation, or is let in.
pub(in crate::support) async fn is_open(
    conn: &mut Conn,
    organisation: &OrganisationId,
    staff: &StaffId,
    now: Millis,
) -> Result<bool, Failure> {
    let open: i64 = on_db!(conn, c => support_grants::table
        .filter(support_grants::organisation_id.eq(organisation.as_str()))
        .filter(support_grants::staff_id.eq(staff.as_str()))
        .filter(support_grants::state.eq(ASKED)
            .or(support_grants::state.eq(GRANTED).and(support_grants::ends_at.gt(now.0))))
        .count()
        .get_result(c).await)?;
    Ok(open > 0)
}

/// The grant as far as it proves that its holder may act now.
pub(in crate::support) async fn running(
    conn: &mut Conn,
    grant: &GrantId,
    staff: &StaffId,
    now: Millis,
) -> Result<Option<Running>, Failure> {
    let row: Option<(String, String)> = on_db!(conn, c => support_grants::table
        .filter(support_grants::id.eq(grant.as_str()))
        .filter(support_grants::staff_id.eq(staff.as_str()))
        .filter(support_grants::state.eq(GRANTED))
        .filter(support_grants::ended_at.is_null())
        .filter(support_grants::ends_at.gt(now.0))
        .select((support_grants::organisation_id, support_grants::access))
        .first(c).await.optional())?;
    row.map(Running::try_from).transpose()
}

/// Notes that a grant was used for the first time; `false` if it was before.
pub(in crate::support) async fn begin(tx: &mut Tx, grant: &GrantId, now: Millis) -> Result<bool, Failure> {
    let begun = on_db!(tx, c => diesel::update(support_grants::table)
        .filter(support_grants::id.eq(grant.as_str()))
        .filter(support_grants::begun_at.is_null())
        .set(support_grants::begun_at.eq(now.0))
        .execute(c).await)?;
    Ok(begun == 1)
}

/// Lets support in; `false` if the grant is not one of the organisation that waits for an answer.
pub(in crate::support) async fn allow(
    tx: &mut Tx,
    scope: &OrgScope,
    grant: &GrantId,
    minutes: i32,
    now: Millis,
) -> Result<bool, Failure> {
    let allowed = on_db!(tx, c => diesel::update(support_grants::table)
        .filter(support_grants::organisation_id.eq(scope.organisation().as_str()))
        .filter(support_grants::id.eq(grant.as_str()))
        .filter(support_grants::state.eq(ASKED))
        .set((
            support_grants::state.eq(GRANTED),
            support_grants::minutes.eq(minutes),
            support_grants::decided_by.eq(scope.user().map(UserId::as_str)),
            support_grants::decided_at.eq(now.0),
            support_grants::ends_at.eq(now.plus(i64::from(minutes) * 60_000).0),
        ))
        .execute(c).await)?;
    Ok(allowed == 1)
}

pub(in crate::support) async fn refuse(
    tx: &mut Tx,
    scope: &OrgScope,
    grant: &GrantId,
    now: Millis,
) -> Result<bool, Failure> {
    let refused = on_db!(tx, c => diesel::update(support_grants::table)
        .filter(support_grants::organisation_id.eq(scope.organisation().as_str()))
        .filter(support_grants::id.eq(grant.as_str()))
        .filter(support_grants::state.eq(ASKED))
        .set((
            support_grants::state.eq(GrantState::Refused.as_str()),
            support_grants::decided_by.eq(scope.user().map(UserId::as_str)),
            support_grants::decided_at.eq(now.0),
        ))
        .execute(c).await)?;
    Ok(refused == 1)
}

/// Ends a grant; `false` if it ended before. Whoever calls has proved whose it is.
pub(in crate::support) async fn end(tx: &mut Tx, grant: &GrantId, at: Millis) -> Result<bool, Failure> {
    let ended = on_db!(tx, c => diesel::update(support_grants::table)
        .filter(support_grants::id.eq(grant.as_str()))
        .filter(support_grants::state.eq_any([ASKED, GRANTED]))
        .set((support_grants::state.eq(GrantState::Ended.as_str()), support_grants::ended_at.eq(at.0)))
        .execute(c).await)?;
    Ok(ended == 1)
}

/// Those whose time is over and that were not written down as ended: id, organisation and end.
pub(in crate::support) async fn expired(
    conn: &mut Conn,
    now: Millis,
) -> Result<Vec<(GrantId, OrganisationId, Millis)>, Failure> {
    let rows: Vec<(String, String, Option<i64>)> = on_db!(conn, c => support_grants::table
        .filter(support_grants::state.eq(GRANTED))
        .filter(support_grants::ends_at.le(now.0))
        .select((support_grants::id, support_grants::organisation_id, support_grants::ends_at))
        .load(c).await)?;
    rows.into_iter()
        .map(|(grant, organisation, end)| Ok((id(grant)?, id(organisation)?, Millis(end.unwrap_or(now.0)))))
        .collect()
}

/// Whose grant it is: organisation and holder, while it is asked for or runs.
pub(in crate::support) async fn open_of(
    conn: &mut Conn,
    grant: &GrantId,
) -> Result<Option<(OrganisationId, StaffId)>, Failure> {
    let row: Option<(String, String)> = on_db!(conn, c => support_grants::table
        .filter(support_grants::id.eq(grant.as_str()))
        .filter(support_grants::state.eq_any([ASKED, GRANTED]))
        .select((support_grants::organisation_id, support_grants::staff_id))
        .first(c).await.optional())?;
    row.map(|(organisation, staff)| Ok((id(organisation)?, id(staff)?))).transpose()
}

/// Ends all grants of somebody; gives those that were open, with their organisations.
pub(in crate::support) async fn open_by(
    conn: &mut Conn,
    staff: &StaffId,
) -> Result<Vec<(GrantId, OrganisationId)>, Failure> {
    let rows: Vec<(String, String)> = on_db!(conn, c => support_grants::table
        .filter(support_grants::staff_id.eq(staff.as_str()))
        .filter(support_grants::state.eq_any([ASKED, GRANTED]))
        .select((support_grants::id, support_grants::organisation_id))
        .load(c).await)?;
    rows.into_iter().map(|(grant, organisation)| Ok((id(grant)?, id(organisation)?))).collect()
}

/// Which grants to read.
#[derive(Debug, Clone, Copy)]
pub(in crate::support) enum Which<'a> {
    One(&'a GrantId),
    OfStaff(&'a StaffId),
    /// Of the scope's organisation.
    Of(&'a OrgScope),
    /// Of the scope's organisation, and running.
    RunningIn(&'a OrgScope, Millis),
}

/// The grants with what names them, newest first.
pub(in crate::support) async fn list(
    conn: &mut Conn,
    keystore: &KeyStore,
    which: Which<'_>,
) -> Result<Vec<Grant>, Failure> {
    let rows: Vec<GrantRow> = on_db!(conn, c => {
        let mut query = support_grants::table
            .inner_join(identity_organisations::table
                .on(identity_organisations::id.eq(support_grants::organisation_id)))
            .inner_join(support_staff::table.on(support_staff::id.eq(support_grants::staff_id)))
            .select((
                support_grants::id,
                support_grants::organisation_id,
                identity_organisations::name,
                support_grants::staff_id,
                support_staff::name,
                support_grants::reason,
                support_grants::access,
                support_grants::minutes,
                support_grants::state,
                support_grants::asked_at,
                support_grants::begun_at,
                support_grants::ends_at,
                support_grants::ended_at,
            ))
            .order((support_grants::asked_at.desc(), support_grants::id.desc()))
            .limit(LISTED)
            .into_boxed();
        match which {
            Which::One(grant) => query = query.filter(support_grants::id.eq(grant.as_str())),
            Which::OfStaff(staff) => query = query.filter(support_grants::staff_id.eq(staff.as_str())),
            Which::Of(scope) => {
                query = query.filter(support_grants::organisation_id.eq(scope.organisation().as_str()));
            }
            Which::RunningIn(scope, now) => {
                query = query
                    .filter(support_grants::organisation_id.eq(scope.organisation().as_str()))
                    .filter(support_grants::state.eq(GRANTED))
                    .filter(support_grants::ends_at.gt(now.0));
            }
        }
        query.load(c).await
    })?;
    let mut grants = Vec::with_capacity(rows.len());
    for row in rows {
        grants.extend(row.open(keystore).await?);
    }
    Ok(grants)
}

/// The grant that a mail tells of.
pub(crate) async fn told(
    conn: &mut Conn,
    keystore: &KeyStore,
    _permit: &Permit,
    grant: &GrantId,
) -> Result<Option<Grant>, Failure> {
    Ok(list(conn, keystore, Which::One(grant)).await?.pop())
}

/// Owners of the organisation who can sign in, with their languages.
pub(in crate::support) async fn owners(
    conn: &mut Conn,
    organisation: &OrganisationId,
) -> Result<Vec<(UserId, Language)>, Failure> {
    let rows: Vec<(String, String)> = on_db!(conn, c => identity_memberships::table
        .inner_join(identity_users::table.on(identity_users::id.eq(identity_memberships::user_id)))
        .filter(identity_memberships::organisation_id.eq(organisation.as_str()))
        .filter(identity_memberships::role.eq(Role::Owner.as_str()))
        .filter(identity_users::disabled_at.is_null())
        .order(identity_users::id)
        .select((identity_users::id, identity_users::language))
        .load(c).await)?;
    rows.into_iter().map(|(user, tag)| Ok((id(user)?, language(&tag)?))).collect()
}

/// The organisation's name.
pub(in crate::support) async fn organisation_name(
    conn: &mut Conn,
    organisation: &OrganisationId,
) -> Result<Option<String>, Failure> {
    on_db!(conn, c => identity_organisations::table
        .filter(identity_organisations::id.eq(organisation.as_str()))
        .select(identity_organisations::name)
        .first(c).await.optional())
}
