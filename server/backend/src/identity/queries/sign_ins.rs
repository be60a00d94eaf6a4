//! Sign-ins of the past: for the person they belong to, and to notice a browser that is new.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{SignInId, UserId};
use shutterpost_model::identity::security::{Activity, Method};
use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::keystore::Sealed;
use crate::schema::{identity_sign_ins, messages};

/// More are not shown.
const SHOWN: i64 = 100;

#[derive(Insertable)]
#[diesel(table_name = identity_sign_ins)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(in crate::identity) struct NewSignInRow<'a> {
    pub(in crate::identity) id: &'a str,
    pub(in crate::identity) user_id: &'a str,
    pub(in crate::identity) at: i64,
    pub(in crate::identity) method: &'a str,
    pub(in crate::identity) succeeded: bool,
    pub(in crate::identity) device: Sealed<Pii<String>>,
    pub(in crate::identity) address: Option<Sealed<Pii<String>>>,
    pub(in crate::identity) known_hash: &'a [u8],
}

pub(in crate::identity) async fn insert(tx: &mut Tx, row: &NewSignInRow<'_>) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(identity_sign_ins::table).values(row).execute(c).await)?;
    Ok(())
}

/// A sign-in as stored.
#[derive(Queryable)]
pub(in crate::identity) struct SignInRow {
    pub(in crate::identity) id: String,
    pub(in crate::identity) at: i64,
    method: String,
    pub(in crate::identity) succeeded: bool,
    pub(in crate::identity) device: Sealed<Pii<String>>,
    pub(in crate::identity) address: Option<Sealed<Pii<String>>>,
}

impl SignInRow {
    pub(in crate::identity) fn method(&self) -> Result<Method, Failure> {
        Method::from_name(&self.method).ok_or_else(|| Failure::Internal("a stored sign-in does not read".into()))
    }
}

/// Newest first.
pub(in crate::identity) async fn of_user(conn: &mut Conn, user: &UserId) -> Result<Vec<SignInRow>, Failure> {
    on_db!(conn, c => identity_sign_ins::table
        .filter(identity_sign_ins::user_id.eq(user.as_str()))
        .order((identity_sign_ins::at.desc(), identity_sign_ins::id.desc()))
        .limit(SHOWN)
        .select((
            identity_sign_ins::id,
            identity_sign_ins::at,
            identity_sign_ins::method,
            identity_sign_ins::succeeded,
            identity_sign_ins::device,
            identity_sign_ins::address,
        ))
        .load(c).await)
}

/// Whether the account was signed in to before, and whether from the browser of this cookie.
pub(in crate::identity) async fn known(
    conn: &mut Conn,
    user: &UserId,
    known_hash: &[u8],
) -> Result<(bool, bool), Failure> {
    let succeeded = || {
        identity_sign_ins::table
            .filter(identity_sign_ins::user_id.eq(user.as_str()))
            .filter(identity_sign_ins::succeeded.eq(true))
            .select(identity_sign_ins::id)
    };
    let any: Option<String> = on_db!(conn, c => succeeded().first(c).await.optional())?;
    let from_here: Option<String> = on_db!(conn, c => succeeded()
        .filter(identity_sign_ins::known_hash.eq(known_hash))
        .first(c).await.optional())?;
    Ok((any.is_some(), from_here.is_some()))
}

/// How many mails about this a user was sent since then.
pub(in crate::identity) async fn told_since(
    conn: &mut Conn,
    user: &UserId,
    activity: Activity,
    since: Millis,
) -> Result<i64, Failure> {
    on_db!(conn, c => messages::table
        .filter(messages::user_id.eq(user.as_str()))
        .filter(messages::activity.eq(activity.as_str()))
        .filter(messages::created_at.gt(since.0))
        .count()
        .get_result(c).await)
}

pub(in crate::identity) async fn delete_before(tx: &mut Tx, before: Millis) -> Result<usize, Failure> {
    on_db!(tx, c => diesel::delete(identity_sign_ins::table)
        .filter(identity_sign_ins::at.le(before.0))
        .execute(c).await)
}

/// The browser and system of a sign-in, for the mail about it.
pub(crate) async fn device(
    conn: &mut Conn,
    user: &UserId,
    sign_in: &SignInId,
) -> Result<Option<Sealed<Pii<String>>>, Failure> {
    on_db!(conn, c => identity_sign_ins::table
        .filter(identity_sign_ins::user_id.eq(user.as_str()))
        .filter(identity_sign_ins::id.eq(sign_in.as_str()))
        .select(identity_sign_ins::device)
        .first(c).await.optional())
}
