//! API tokens: by the hash of a secret, and those of an organisation.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::access::Role;
use shutterpost_model::id::{OrganisationId, TokenId, UserId};
use shutterpost_model::time::Millis;
use shutterpost_model::tokens::EXPIRED_SHOWN;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows;
use crate::identity::rows::tokens::{
    FoundToken, FoundTokenRow, ListedTokenRow, NewTokenRow, PreviousRow, RenewedRow, SecretRow, TokenRow,
};
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::keystore::Sealed;
use crate::schema::{identity_memberships, identity_tokens, identity_users};

/// The API token of a secret, new or replaced, unless it is revoked. Whether the secret has ended is for the caller.
pub(in crate::identity) async fn by_secret(conn: &mut Conn, hash: &[u8; 32]) -> Result<Option<FoundToken>, Failure> {
    let row: Option<FoundTokenRow> = on_db!(conn, c => identity_tokens::table
        .filter(identity_tokens::secret_hash.eq(hash.as_slice())
            .or(identity_tokens::previous_hash.is_not_null()
                .and(identity_tokens::previous_hash.assume_not_null().eq(hash.as_slice()))))
        .filter(identity_tokens::revoked_at.is_null())
        .select(FoundTokenRow::as_select())
        .first(c).await.optional())?;
    row.map(|row| row.read(hash)).transpose()
}

/// What the maker of a token is now; `None` if they left or may not sign in.
pub(in crate::identity) async fn role_of_maker(
    conn: &mut Conn,
    organisation: &OrganisationId,
    maker: &UserId,
) -> Result<Option<Role>, Failure> {
    let name: Option<String> = on_db!(conn, c => identity_memberships::table
        .inner_join(identity_users::table.on(identity_users::id.eq(identity_memberships::user_id)))
        .filter(identity_memberships::organisation_id.eq(organisation.as_str()))
        .filter(identity_memberships::user_id.eq(maker.as_str()))
        .filter(identity_users::disabled_at.is_null())
        .select(identity_memberships::role)
        .first(c).await.optional())?;
    name.map(|name| rows::role(&name)).transpose()
}

/// Notes the use of the secret, unless it was replaced or ended meanwhile.
pub(in crate::identity) async fn used(tx: &mut Tx, hash: &[u8; 32], now: Millis) -> Result<(), Failure> {
    let noted = on_db!(tx, c => diesel::update(identity_tokens::table)
        .filter(identity_tokens::secret_hash.eq(hash.as_slice()))
        .set(identity_tokens::last_used_at.eq(now.0))
        .execute(c).await)?;
    if noted == 0 {
        on_db!(tx, c => diesel::update(identity_tokens::table)
            .filter(identity_tokens::previous_hash.eq(hash.as_slice()))
            .set(identity_tokens::previous_used_at.eq(now.0))
            .execute(c).await)?;
    }
    Ok(())
}

/// Tokens that are not revoked, newest first; expired ones for a while.
pub(in crate::identity) async fn list(
    conn: &mut Conn,
    scope: &OrgScope,
    now: Millis,
) -> Result<Vec<ListedTokenRow>, Failure> {
    on_db!(conn, c => identity_tokens::table
        .left_join(identity_users::table.on(identity_users::id.nullable().eq(identity_tokens::created_by)))
        .left_join(identity_memberships::table.on(identity_memberships::organisation_id
            .eq(identity_tokens::organisation_id)
            .and(identity_memberships::user_id.nullable().eq(identity_tokens::created_by))))
        .filter(identity_tokens::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_tokens::revoked_at.is_null())
        .filter(identity_tokens::expires_at.is_null()
            .or(identity_tokens::expires_at.gt(now.plus(-EXPIRED_SHOWN).0)))
        .order((identity_tokens::created_at.desc(), identity_tokens::id.desc()))
        .select((
            TokenRow::as_select(),
            identity_users::name.nullable(),
            identity_users::disabled_at.nullable(),
            identity_memberships::role.nullable(),
        ))
        .load(c).await)
}

/// The sealed name of a token that is not revoked.
pub(in crate::identity) async fn name(
    conn: &mut Conn,
    scope: &OrgScope,
    token: &TokenId,
) -> Result<Sealed<String>, Failure> {
    on_db!(conn, c => identity_tokens::table
        .filter(identity_tokens::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_tokens::id.eq(token.as_str()))
        .filter(identity_tokens::revoked_at.is_null())
        .select(identity_tokens::name)
        .first(c).await)
}

pub(in crate::identity) async fn insert(tx: &mut Tx, _scope: &OrgScope, row: &NewTokenRow<'_>) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(identity_tokens::table).values(row).execute(c).await)?;
    Ok(())
}

/// The secret of a token that is not revoked.
pub(in crate::identity) async fn secret(
    tx: &mut Tx,
    scope: &OrgScope,
    token: &TokenId,
) -> Result<Option<SecretRow>, Failure> {
    on_db!(tx, c => identity_tokens::table
        .filter(identity_tokens::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_tokens::id.eq(token.as_str()))
        .filter(identity_tokens::revoked_at.is_null())
        .select(SecretRow::as_select())
        .first(c).await.optional())
}

/// Replaces the secret; `false` if it was replaced or revoked since it was read.
pub(in crate::identity) async fn renew(
    tx: &mut Tx,
    scope: &OrgScope,
    token: &TokenId,
    read: &[u8],
    row: &RenewedRow<'_>,
) -> Result<bool, Failure> {
    let renewed = on_db!(tx, c => diesel::update(identity_tokens::table)
        .filter(identity_tokens::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_tokens::id.eq(token.as_str()))
        .filter(identity_tokens::revoked_at.is_null())
        .filter(identity_tokens::secret_hash.eq(read))
        .set(row)
        .execute(c).await)?;
    Ok(renewed > 0)
}

/// Ends the replaced secret; `false` if there is none (any more).
pub(in crate::identity) async fn end_previous(
    tx: &mut Tx,
    scope: &OrgScope,
    token: &TokenId,
    now: Millis,
) -> Result<bool, Failure> {
    let ended = on_db!(tx, c => diesel::update(identity_tokens::table)
        .filter(identity_tokens::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_tokens::id.eq(token.as_str()))
        .filter(identity_tokens::revoked_at.is_null())
        .filter(identity_tokens::previous_until.gt(now.0))
        .set(PreviousRow::default())
        .execute(c).await)?;
    Ok(ended > 0)
}

/// Revokes a token; `false` if there is none (any more).
pub(in crate::identity) async fn revoke(
    tx: &mut Tx,
    scope: &OrgScope,
    token: &TokenId,
    now: Millis,
) -> Result<bool, Failure> {
    let revoked = on_db!(tx, c => diesel::update(identity_tokens::table)
        .filter(identity_tokens::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_tokens::id.eq(token.as_str()))
        .filter(identity_tokens::revoked_at.is_null())
        .set(identity_tokens::revoked_at.eq(now.0))
        .execute(c).await)?;
    Ok(revoked > 0)
}

/// Forgets replaced secrets that have ended, and revokes tokens that expired long ago: the audit trail still needs their
/// names.
pub(in crate::identity) async fn sweep(tx: &mut Tx, _permit: &Permit, now: Millis) -> Result<usize, Failure> {
    let forgotten = on_db!(tx, c => diesel::update(identity_tokens::table)
        .filter(identity_tokens::previous_until.le(now.0))
        .set(PreviousRow::default())
        .execute(c).await)?;
    let revoked = on_db!(tx, c => diesel::update(identity_tokens::table)
        .filter(identity_tokens::expires_at.le(now.plus(-EXPIRED_SHOWN).0))
        .filter(identity_tokens::revoked_at.is_null())
        .set(identity_tokens::revoked_at.eq(now.0))
        .execute(c).await)?;
    Ok(forgotten + revoked)
}
