//! Sessions and memberships of people who come by a connection. Which organisation that is, the connection says; these
//! queries act in it alone.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{ConnectionId, OrganisationId, PendingId, SessionId, UserId};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows;
use crate::keystore::Sealed;
use crate::schema::{identity_invitations, identity_pending, identity_removed_members, identity_sessions};

/// By what a provider ends a session, as rows hold it.
#[derive(Debug, Clone, Queryable)]
pub(in crate::identity) struct ProvidedRow {
    pub(in crate::identity) connection: Option<String>,
    pub(in crate::identity) session_hash: Option<Vec<u8>>,
    pub(in crate::identity) subject_hash: Option<Vec<u8>>,
    pub(in crate::identity) hint: Option<Sealed<Secret>>,
    pub(in crate::identity) until: Option<i64>,
}

/// The organisation in which a session stays because it came by its connection; `None` for sessions of other kinds.
pub(in crate::identity) async fn stays_in(
    conn: &mut Conn,
    session: &SessionId,
) -> Result<Option<OrganisationId>, Failure> {
    let found: Option<Option<String>> = on_db!(conn, c => identity_sessions::table
        .filter(identity_sessions::id.eq(session.as_str()))
        .filter(identity_sessions::connection_id.is_not_null())
        .select(identity_sessions::organisation_id)
        .first(c).await.optional())?;
    found.flatten().map(rows::id).transpose()
}

/// By which connection a living session of the user came, and what is sealed for its end.
pub(in crate::identity) async fn of_session(
    conn: &mut Conn,
    user: &UserId,
    session: &SessionId,
) -> Result<Option<(ConnectionId, Option<Sealed<Secret>>)>, Failure> {
    let found: Option<(Option<String>, Option<Sealed<Secret>>)> = on_db!(conn, c => identity_sessions::table
        .filter(identity_sessions::id.eq(session.as_str()))
        .filter(identity_sessions::user_id.eq(user.as_str()))
        .select((identity_sessions::connection_id, identity_sessions::id_token_hint))
        .first(c).await.optional())?;
    let Some((Some(connection), hint)) = found else { return Ok(None) };
    Ok(Some((rows::id(connection)?, hint)))
}

/// Whether the user's session is still there.
pub(in crate::identity) async fn lives(conn: &mut Conn, user: &UserId, session: &SessionId) -> Result<bool, Failure> {
    let found: i64 = on_db!(conn, c => identity_sessions::table
        .filter(identity_sessions::id.eq(session.as_str()))
        .filter(identity_sessions::user_id.eq(user.as_str()))
        .count()
        .get_result(c).await)?;
    Ok(found > 0)
}

/// Notes by which connection a new session came. It ends no later than the provider says.
pub(in crate::identity) async fn attach(tx: &mut Tx, session: &SessionId, row: &ProvidedRow) -> Result<(), Failure> {
    let ProvidedRow { connection, session_hash, subject_hash, hint, until } = row;
    on_db!(tx, c => diesel::update(identity_sessions::table)
        .filter(identity_sessions::id.eq(session.as_str()))
        .set((
            identity_sessions::connection_id.eq(connection),
            identity_sessions::provider_session_hash.eq(session_hash),
            identity_sessions::provider_subject_hash.eq(subject_hash),
            identity_sessions::id_token_hint.eq(hint),
        ))
        .execute(c).await)?;
    if let Some(until) = until {
        on_db!(tx, c => diesel::update(identity_sessions::table)
            .filter(identity_sessions::id.eq(session.as_str()))
            .filter(identity_sessions::expires_at.gt(*until))
            .set(identity_sessions::expires_at.eq(*until))
            .execute(c).await)?;
    }
    Ok(())
}

/// The same of a sign-in that waits for its second factor.
pub(in crate::identity) async fn attach_pending(
    tx: &mut Tx,
    pending: &PendingId,
    row: &ProvidedRow,
) -> Result<(), Failure> {
    let ProvidedRow { connection, session_hash, subject_hash, hint, until } = row;
    on_db!(tx, c => diesel::update(identity_pending::table)
        .filter(identity_pending::id.eq(pending.as_str()))
        .set((
            identity_pending::connection_id.eq(connection),
            identity_pending::provider_session_hash.eq(session_hash),
            identity_pending::provider_subject_hash.eq(subject_hash),
            identity_pending::id_token_hint.eq(hint),
            identity_pending::session_until.eq(until),
        ))
        .execute(c).await)?;
    Ok(())
}

pub(in crate::identity) async fn of_pending(
    conn: &mut Conn,
    pending: &PendingId,
) -> Result<Option<ProvidedRow>, Failure> {
    on_db!(conn, c => identity_pending::table
        .filter(identity_pending::id.eq(pending.as_str()))
        .filter(identity_pending::connection_id.is_not_null())
        .select((
            identity_pending::connection_id,
            identity_pending::provider_session_hash,
            identity_pending::provider_subject_hash,
            identity_pending::id_token_hint,
            identity_pending::session_until,
        ))
        .first(c).await.optional())
}

/// Ends what came by the connection: all of it, that of a person at the provider, or those of its sessions; gives how many
/// sessions that were.
pub(in crate::identity) async fn end(
    tx: &mut Tx,
    connection: &ConnectionId,
    subject: Option<&[u8]>,
    session: Option<&[u8]>,
) -> Result<usize, Failure> {
    macro_rules! end_in {
        ($table:ident) => {{
            on_db!(tx, c => {
                let all = $table::table.filter($table::connection_id.eq(connection.as_str()));
                match (subject, session) {
                    (None, None) => diesel::delete(all).execute(c).await,
                    (Some(subject), None) => {
                        diesel::delete(all.filter($table::provider_subject_hash.eq(subject))).execute(c).await
                    }
                    (None, Some(session)) => {
                        diesel::delete(all.filter($table::provider_session_hash.eq(session))).execute(c).await
                    }
                    (Some(subject), Some(session)) => {
                        let of_person = all.filter($table::provider_subject_hash.eq(subject));
                        diesel::delete(of_person.filter($table::provider_session_hash.eq(session))).execute(c).await
                    }
                }
            })?
        }};
    }
    end_in!(identity_pending);
    Ok(end_in!(identity_sessions))
}

/// Whether somebody was removed from the organisation lately.
pub(in crate::identity) async fn was_removed(
    conn: &mut Conn,
    organisation: &OrganisationId,
    user: &UserId,
) -> Result<bool, Failure> {
    let found: i64 = on_db!(conn, c => identity_removed_members::table
        .filter(identity_removed_members::organisation_id.eq(organisation.as_str()))
        .filter(identity_removed_members::user_id.eq(user.as_str()))
        .count()
        .get_result(c).await)?;
    Ok(found > 0)
}

/// Invitations of the organisation that could be accepted now, newest first.
pub(in crate::identity) async fn open_invitations(
    conn: &mut Conn,
    organisation: &OrganisationId,
    now: Millis,
) -> Result<Vec<rows::InvitationRow>, Failure> {
    on_db!(conn, c => identity_invitations::table
        .filter(identity_invitations::organisation_id.eq(organisation.as_str()))
        .filter(identity_invitations::accepted_at.is_null())
        .filter(identity_invitations::revoked_at.is_null())
        .filter(identity_invitations::expires_at.gt(now.0))
        .order((identity_invitations::created_at.desc(), identity_invitations::id.desc()))
        .select(rows::InvitationRow::as_select())
        .load(c).await)
}

/// Uses an invitation without its link; `false` if somebody was faster.
pub(in crate::identity) async fn accept_invitation(
    tx: &mut Tx,
    invitation: &str,
    now: Millis,
) -> Result<bool, Failure> {
    let accepted = on_db!(tx, c => diesel::update(identity_invitations::table)
        .filter(identity_invitations::id.eq(invitation))
        .filter(identity_invitations::accepted_at.is_null())
        .filter(identity_invitations::revoked_at.is_null())
        .set(identity_invitations::accepted_at.eq(now.0))
        .execute(c).await)?;
    Ok(accepted > 0)
}
