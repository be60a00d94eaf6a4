//! A second person's word on destructive acts.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{GrantId, OrganisationId, StaffId, SupportApprovalId};
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows::id;
use crate::identity::scope::OrgScope;
use crate::keystore::KeyStore;
use crate::schema::{support_approvals, support_grants, support_staff};
use crate::support::rows::ApprovalRow;
use shutterpost_model::support::ApprovalView;

/// Approvals in a list.
const LISTED: i64 = 100;

/// What a grant wants to do to an object.
#[derive(Debug, Clone, Copy)]
pub(in crate::support) struct Act<'a> {
    pub(in crate::support) grant: &'a GrantId,
    pub(in crate::support) act: &'a str,
    pub(in crate::support) object: &'a str,
}

/// Uses up an approval; `false` if there is none that is good. One statement, so that of two uses one wins.
pub(in crate::support) async fn use_up(tx: &mut Tx, act: Act<'_>, now: Millis) -> Result<bool, Failure> {
    let Act { grant, act, object } = act;
    let used = on_db!(tx, c => diesel::update(support_approvals::table)
        .filter(support_approvals::grant_id.eq(grant.as_str()))
        .filter(support_approvals::act.eq(act))
        .filter(support_approvals::object.eq(object))
        .filter(support_approvals::approved_at.is_not_null())
        .filter(support_approvals::used_at.is_null())
        .filter(support_approvals::expires_at.gt(now.0))
        .set(support_approvals::used_at.eq(now.0))
        .execute(c).await)?;
    Ok(used > 0)
}

/// How far the act has come: whether somebody was asked who can still answer or has, and whether they approved.
pub(in crate::support) async fn found(conn: &mut Conn, act: Act<'_>, now: Millis) -> Result<Option<bool>, Failure> {
    let Act { grant, act, object } = act;
    let rows: Vec<Option<i64>> = on_db!(conn, c => support_approvals::table
        .filter(support_approvals::grant_id.eq(grant.as_str()))
        .filter(support_approvals::act.eq(act))
        .filter(support_approvals::object.eq(object))
        .filter(support_approvals::used_at.is_null())
        .filter(support_approvals::expires_at.gt(now.0))
        .select(support_approvals::approved_at)
        .load(c).await)?;
    Ok((!rows.is_empty()).then(|| rows.iter().any(Option::is_some)))
}

pub(in crate::support) async fn ask(
    tx: &mut Tx,
    approval: &SupportApprovalId,
    scope: &OrgScope,
    act: Act<'_>,
    (now, expires_at): (Millis, Millis),
) -> Result<(), Failure> {
    let Act { grant, act, object } = act;
    on_db!(tx, c => diesel::insert_into(support_approvals::table)
        .values((
            support_approvals::id.eq(approval.as_str()),
            support_approvals::grant_id.eq(grant.as_str()),
            support_approvals::organisation_id.eq(scope.organisation().as_str()),
            support_approvals::act.eq(act),
            support_approvals::object.eq(object),
            support_approvals::asked_at.eq(now.0),
            support_approvals::expires_at.eq(expires_at.0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Of which organisation an approval is and who asked for it, while it waits and its grant runs.
pub(in crate::support) async fn waiting(
    conn: &mut Conn,
    approval: &SupportApprovalId,
    now: Millis,
) -> Result<Option<(OrganisationId, StaffId)>, Failure> {
    let row: Option<(String, String)> = on_db!(conn, c => support_approvals::table
        .inner_join(support_grants::table.on(support_grants::id.eq(support_approvals::grant_id)))
        .filter(support_approvals::id.eq(approval.as_str()))
        .filter(support_approvals::approved_at.is_null())
        .filter(support_approvals::expires_at.gt(now.0))
        .filter(support_grants::ended_at.is_null())
        .filter(support_grants::ends_at.gt(now.0))
        .select((support_approvals::organisation_id, support_grants::staff_id))
        .first(c).await.optional())?;
    row.map(|(organisation, staff)| Ok((id(organisation)?, id(staff)?))).transpose()
}

/// Approves; `false` if somebody was faster. `by` is another member of the staff or an owner.
pub(in crate::support) async fn approve(
    tx: &mut Tx,
    approval: &SupportApprovalId,
    by: &str,
    (now, expires_at): (Millis, Millis),
) -> Result<bool, Failure> {
    let approved = on_db!(tx, c => diesel::update(support_approvals::table)
        .filter(support_approvals::id.eq(approval.as_str()))
        .filter(support_approvals::approved_at.is_null())
        .set((
            support_approvals::approved_by.eq(by),
            support_approvals::approved_at.eq(now.0),
            support_approvals::expires_at.eq(expires_at.0),
        ))
        .execute(c).await)?;
    Ok(approved == 1)
}

/// Those that wait or are good: of one organisation, or of all for the staff.
pub(in crate::support) async fn list(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: Option<&OrgScope>,
    reader: Option<&StaffId>,
    now: Millis,
) -> Result<Vec<ApprovalView>, Failure> {
    let rows: Vec<ApprovalRow> = on_db!(conn, c => {
        let mut query = support_approvals::table
            .inner_join(support_grants::table.on(support_grants::id.eq(support_approvals::grant_id)))
            .inner_join(support_staff::table.on(support_staff::id.eq(support_grants::staff_id)))
            .filter(support_approvals::used_at.is_null())
            .filter(support_approvals::expires_at.gt(now.0))
            .filter(support_grants::ended_at.is_null())
            .filter(support_grants::ends_at.gt(now.0))
            .select((
                support_approvals::id,
                support_approvals::organisation_id,
                support_approvals::act,
                support_approvals::object,
                support_approvals::asked_at,
                support_approvals::approved_at,
                support_approvals::expires_at,
                support_grants::staff_id,
                support_staff::name,
            ))
            .order((support_approvals::asked_at, support_approvals::id))
            .limit(LISTED)
            .into_boxed();
        if let Some(scope) = scope {
            query = query.filter(support_approvals::organisation_id.eq(scope.organisation().as_str()));
        }
        query.load(c).await
    })?;
    let mut listed = Vec::with_capacity(rows.len());
    for row in rows {
        listed.push(row.listed(keystore, reader).await?);
    }
    Ok(listed)
}
