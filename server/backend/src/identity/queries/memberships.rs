//! Who belongs where, as far as it proves an actor or is made outside of any scope: a person's own memberships, joining
//! by an invitation, and the first owner.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::access::Role;
use shutterpost_model::id::{OrganisationId, UserId};
use shutterpost_model::identity::MyOrganisation;
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows;
use crate::identity::rows::sessions::{Membership, Rules};
use crate::schema::{identity_invitations, identity_memberships, identity_organisations};

/// All organisations of a person, by name.
pub(in crate::identity) async fn of_user(conn: &mut Conn, user: &UserId) -> Result<Vec<MyOrganisation>, Failure> {
    let rows: Vec<(String, String, String)> = on_db!(conn, c => identity_memberships::table
        .inner_join(identity_organisations::table
            .on(identity_organisations::id.eq(identity_memberships::organisation_id)))
        .filter(identity_memberships::user_id.eq(user.as_str()))
        .order((identity_organisations::name, identity_organisations::id))
        .select((identity_organisations::id, identity_organisations::name, identity_memberships::role))
        .load(c).await)?;
    rows.into_iter().map(rows::my_organisation).collect()
}

/// The first organisation of a person, by name.
pub(in crate::identity) async fn first(
    conn: &mut Conn,
    user: &UserId,
) -> Result<Option<(OrganisationId, Role)>, Failure> {
    let found = first_with_rules(conn, user).await?;
    Ok(found.map(|Membership { organisation, role, rules: _ }| (organisation, role)))
}

/// The same, with what the organisation asks of sessions.
pub(in crate::identity) async fn first_with_rules(
    conn: &mut Conn,
    user: &UserId,
) -> Result<Option<Membership>, Failure> {
    let row: Option<(String, String, Rules)> = on_db!(conn, c => identity_memberships::table
        .inner_join(identity_organisations::table
            .on(identity_organisations::id.eq(identity_memberships::organisation_id)))
        .filter(identity_memberships::user_id.eq(user.as_str()))
        .order((identity_organisations::name, identity_organisations::id))
        .select((
            identity_memberships::organisation_id,
            identity_memberships::role,
            Rules::as_select(),
        ))
        .first(c).await.optional())?;
    row.map(|(organisation, role, rules)| {
        Ok(Membership { organisation: rows::id(organisation)?, role: rows::role(&role)?, rules })
    })
    .transpose()
}

/// Whether one of a person's organisations asks for a second factor.
pub(in crate::identity) async fn needs_factor(conn: &mut Conn, user: &UserId) -> Result<bool, Failure> {
    let found: i64 = on_db!(conn, c => identity_memberships::table
        .inner_join(identity_organisations::table
            .on(identity_organisations::id.eq(identity_memberships::organisation_id)))
        .filter(identity_memberships::user_id.eq(user.as_str()))
        .filter(identity_organisations::factor_required_at.is_not_null())
        .count()
        .get_result(c).await)?;
    Ok(found > 0)
}

/// A person's role in an organisation; `None` for strangers.
pub(in crate::identity) async fn role(
    conn: &mut Conn,
    organisation: &OrganisationId,
    user: &UserId,
) -> Result<Option<Role>, Failure> {
    let name: Option<String> = on_db!(conn, c => identity_memberships::table
        .filter(identity_memberships::organisation_id.eq(organisation.as_str()))
        .filter(identity_memberships::user_id.eq(user.as_str()))
        .select(identity_memberships::role)
        .first(c).await.optional())?;
    name.map(|name| rows::role(&name)).transpose()
}

/// Makes changes of memberships wait for each other, so that two owners cannot demote one another at once. SQLite has
/// one writer anyway.
pub(in crate::identity) async fn lock(tx: &mut Tx, organisation: &OrganisationId) -> Result<(), Failure> {
    on_db!(
        tx,
        sqlite c => identity_organisations::table
            .filter(identity_organisations::id.eq(organisation.as_str()))
            .select(identity_organisations::id)
            .first::<String>(c).await,
        // Weaker than `for_update`: inserts that refer to the organisation go on.
        postgres c => identity_organisations::table
            .filter(identity_organisations::id.eq(organisation.as_str()))
            .select(identity_organisations::id)
            .for_no_key_update()
            .first::<String>(c).await,
    )?;
    Ok(())
}

/// Makes somebody a member. Who was removed before joins anew, and leaves the trash.
pub(in crate::identity) async fn insert(
    tx: &mut Tx,
    organisation: &OrganisationId,
    user: &UserId,
    role: Role,
    now: Millis,
) -> Result<(), Failure> {
    super::removed::forget(tx, organisation.as_str(), user).await?;
    on_db!(tx, c => diesel::insert_into(identity_memberships::table)
        .values((
            identity_memberships::organisation_id.eq(organisation.as_str()),
            identity_memberships::user_id.eq(user.as_str()),
            identity_memberships::role.eq(role.as_str()),
            identity_memberships::created_at.eq(now.0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Notes that a person was here just now. In any transaction before a change of their sessions: whoever removes a
/// member locks the two in this order.
pub(in crate::identity) async fn seen(
    tx: &mut Tx,
    organisation: &OrganisationId,
    user: &UserId,
    now: Millis,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_memberships::table)
        .filter(identity_memberships::organisation_id.eq(organisation.as_str()))
        .filter(identity_memberships::user_id.eq(user.as_str()))
        .set(identity_memberships::last_seen_at.eq(now.0))
        .execute(c).await)?;
    Ok(())
}

/// The oldest organisation of that name.
pub(in crate::identity) async fn organisation_by_name(
    conn: &mut Conn,
    name: &str,
) -> Result<Option<OrganisationId>, Failure> {
    let id: Option<String> = on_db!(conn, c => identity_organisations::table
        .filter(identity_organisations::name.eq(name))
        .order((identity_organisations::created_at, identity_organisations::id))
        .select(identity_organisations::id)
        .first(c).await.optional())?;
    id.map(rows::id).transpose()
}

/// Whether there is an organisation at all.
pub(in crate::identity) async fn any_organisation(conn: &mut Conn) -> Result<bool, Failure> {
    let found: Option<String> = on_db!(conn, c => identity_organisations::table
        .select(identity_organisations::id)
        .first(c).await.optional())?;
    Ok(found.is_some())
}

pub(in crate::identity) async fn insert_organisation(
    tx: &mut Tx,
    organisation: &OrganisationId,
    name: &str,
    now: Millis,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(identity_organisations::table)
        .values((
            identity_organisations::id.eq(organisation.as_str()),
            identity_organisations::name.eq(name),
            identity_organisations::created_at.eq(now.0),
        ))
        .execute(c).await)?;
    Ok(())
}

pub(crate) async fn organisation_exists(conn: &mut Conn, organisation: &OrganisationId) -> Result<bool, Failure> {
    let found: i64 = on_db!(conn, c => identity_organisations::table
        .filter(identity_organisations::id.eq(organisation.as_str()))
        .count()
        .get_result(c).await)?;
    Ok(found > 0)
}

/// Ends the open invitations by somebody that they could not make any more as what they are by now (`None`: no member).
/// So nobody keeps a way in by having invited another address of their own in time.
pub(in crate::identity) async fn revoke_invitations(
    tx: &mut Tx,
    organisation: &OrganisationId,
    user: &UserId,
    role: Option<Role>,
    now: Millis,
) -> Result<(), Failure> {
    let may_grant = |promised: &Role| role.is_some_and(|role| role.may_grant(*promised));
    let beyond: Vec<&str> =
        Role::ALL.into_iter().filter(|promised| !may_grant(promised)).map(|role| role.as_str()).collect();
    on_db!(tx, c => diesel::update(identity_invitations::table)
        .filter(identity_invitations::organisation_id.eq(organisation.as_str()))
        .filter(identity_invitations::invited_by.eq(user.as_str()))
        .filter(identity_invitations::role.eq_any(&beyond))
        .filter(identity_invitations::accepted_at.is_null())
        .filter(identity_invitations::revoked_at.is_null())
        .set(identity_invitations::revoked_at.eq(now.0))
        .execute(c).await)?;
    Ok(())
}

pub(in crate::identity) async fn set_role(
    tx: &mut Tx,
    organisation: &OrganisationId,
    user: &UserId,
    role: Role,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_memberships::table)
        .filter(identity_memberships::organisation_id.eq(organisation.as_str()))
        .filter(identity_memberships::user_id.eq(user.as_str()))
        .set(identity_memberships::role.eq(role.as_str()))
        .execute(c).await)?;
    Ok(())
}
