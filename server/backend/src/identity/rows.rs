//! Rows of the `identity_` tables and their conversion.

use std::str::FromStr;

use diesel::prelude::*;
use shutterpost_model::access::Role;
use shutterpost_model::id::{DeviceId, EventId, InvitationId, OrganisationId, SessionId, TokenId, UserId};
use shutterpost_model::identity::{Invitation, Member, MyOrganisation, Token};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Purpose, Secret};
use shutterpost_model::time::Millis;

use crate::error::Failure;
use crate::schema::{identity_invitations, identity_sessions, identity_tokens, identity_users};

/// An id as stored; anything else in its column is damage.
pub(super) fn id<T: FromStr>(text: String) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::Internal("a stored id does not read".into()))
}

pub(super) fn role(name: &str) -> Result<Role, Failure> {
    Role::from_name(name).ok_or_else(|| Failure::Internal("a stored role does not read".into()))
}

pub(super) fn language(tag: &str) -> Result<Language, Failure> {
    Language::from_tag(tag).ok_or_else(|| Failure::Internal("a stored language does not read".into()))
}

/// A person who may sign in, for rules inside the server.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) id: UserId,
    pub(super) email: Pii<String>,
    pub(super) name: Pii<String>,
    pub(super) language: Language,
    /// PHC string; `None` until a password is set.
    pub(super) password_hash: Option<Secret>,
    pub(super) disabled: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = identity_users)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct UserRow {
    id: String,
    email: String,
    name: String,
    language: String,
    password_hash: Option<String>,
    disabled_at: Option<i64>,
}

impl TryFrom<UserRow> for User {
    type Error = Failure;

    fn try_from(row: UserRow) -> Result<Self, Failure> {
        let UserRow { id: user, email, name, language: tag, password_hash, disabled_at } = row;
        Ok(Self {
            id: id(user)?,
            email: Pii::new(email),
            name: Pii::new(name),
            language: language(&tag)?,
            password_hash: password_hash.map(Secret::new),
            disabled: disabled_at.is_some(),
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = identity_users)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct NewUserRow<'a> {
    pub(super) id: &'a str,
    pub(super) email: &'a str,
    pub(super) name: &'a str,
    pub(super) language: &'a str,
    pub(super) password_hash: &'a str,
    pub(super) failures: i32,
    pub(super) throttled_until: i64,
    pub(super) created_at: i64,
}

#[derive(Insertable)]
#[diesel(table_name = identity_sessions)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct NewSessionRow<'a> {
    pub(super) id: &'a str,
    pub(super) secret_hash: &'a [u8],
    pub(super) user_id: &'a str,
    pub(super) organisation_id: Option<&'a str>,
    pub(super) persistent: bool,
    pub(super) created_at: i64,
    pub(super) last_seen_at: i64,
    pub(super) idle_millis: i64,
    pub(super) expires_at: i64,
}

/// A session with what its user is in the organisation chosen last.
pub(super) struct FoundSession {
    pub(super) session: SessionId,
    pub(super) user: UserId,
    pub(super) disabled: bool,
    pub(super) membership: Option<(OrganisationId, Role)>,
    pub(super) last_seen: Millis,
    pub(super) idle_millis: i64,
    pub(super) expires_at: Millis,
}

#[derive(Queryable)]
pub(super) struct FoundSessionRow {
    session: String,
    user: String,
    disabled_at: Option<i64>,
    organisation: Option<String>,
    role: Option<String>,
    last_seen_at: i64,
    idle_millis: i64,
    expires_at: i64,
}

impl TryFrom<FoundSessionRow> for FoundSession {
    type Error = Failure;

    fn try_from(row: FoundSessionRow) -> Result<Self, Failure> {
        let FoundSessionRow {
            session,
            user,
            disabled_at,
            organisation,
            role: name,
            last_seen_at,
            idle_millis,
            expires_at,
        } = row;
        let membership = match (organisation, name) {
            (Some(organisation), Some(name)) => Some((id(organisation)?, role(&name)?)),
            _ => None,
        };
        Ok(Self {
            session: id(session)?,
            user: id(user)?,
            disabled: disabled_at.is_some(),
            membership,
            last_seen: Millis(last_seen_at),
            idle_millis,
            expires_at: Millis(expires_at),
        })
    }
}

/// A device whose secret was shown.
pub(super) struct FoundDevice {
    pub(super) device: DeviceId,
    pub(super) organisation: OrganisationId,
    pub(super) event: EventId,
    pub(super) last_seen: Option<i64>,
}

impl FoundDevice {
    pub(super) fn read(row: (String, String, String, Option<i64>)) -> Result<Self, Failure> {
        let (device, organisation, event, last_seen) = row;
        Ok(Self { device: id(device)?, organisation: id(organisation)?, event: id(event)?, last_seen })
    }
}

/// An API token whose secret was shown.
pub(super) struct FoundToken {
    pub(super) token: TokenId,
    pub(super) organisation: OrganisationId,
    pub(super) role: Role,
    pub(super) last_used: Option<i64>,
}

impl FoundToken {
    pub(super) fn read(row: (String, String, String, Option<i64>)) -> Result<Self, Failure> {
        let (token, organisation, name, last_used) = row;
        Ok(Self { token: id(token)?, organisation: id(organisation)?, role: role(&name)?, last_used })
    }
}

/// An invitation whose link is good.
#[derive(Debug, Clone)]
pub(super) struct OpenInvitation {
    pub(super) id: InvitationId,
    pub(super) organisation: OrganisationId,
    pub(super) organisation_name: String,
    pub(super) email: Pii<String>,
    pub(super) role: Role,
}

#[derive(Queryable)]
pub(super) struct OpenInvitationRow {
    id: String,
    organisation: String,
    organisation_name: String,
    email: String,
    role: String,
}

impl TryFrom<OpenInvitationRow> for OpenInvitation {
    type Error = Failure;

    fn try_from(row: OpenInvitationRow) -> Result<Self, Failure> {
        let OpenInvitationRow { id: invitation, organisation, organisation_name, email, role: name } = row;
        Ok(Self {
            id: id(invitation)?,
            organisation: id(organisation)?,
            organisation_name,
            email: Pii::new(email),
            role: role(&name)?,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = identity_invitations)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct NewInvitationRow<'a> {
    pub(super) id: &'a str,
    pub(super) organisation_id: &'a str,
    pub(super) email: &'a str,
    pub(super) role: &'a str,
    pub(super) language: &'a str,
    pub(super) generation: i32,
    pub(super) token_hash: &'a [u8],
    pub(super) invited_by: Option<&'a str>,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
}

/// An invitation as a change of it needs it.
#[derive(Debug, Clone)]
pub(super) struct PendingInvitation {
    pub(super) role: Role,
    pub(super) language: Language,
    pub(super) generation: i32,
}

impl PendingInvitation {
    pub(super) fn read(row: (String, String, i32)) -> Result<Self, Failure> {
        let (name, tag, generation) = row;
        Ok(Self { role: role(&name)?, language: language(&tag)?, generation })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = identity_invitations)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct InvitationRow {
    id: String,
    email: String,
    role: String,
    expires_at: i64,
}

impl InvitationRow {
    pub(super) fn listed(self, now: Millis) -> Result<Invitation, Failure> {
        let Self { id: invitation, email, role: name, expires_at } = self;
        Ok(Invitation {
            id: id(invitation)?,
            email: Pii::new(email).disclose(Purpose::Directory),
            role: role(&name)?,
            expires_at: Millis(expires_at),
            expired: expires_at <= now.0,
        })
    }
}

#[derive(Queryable)]
pub(super) struct MemberRow {
    user: String,
    name: String,
    email: String,
    role: String,
    created_at: i64,
    last_seen_at: Option<i64>,
}

impl MemberRow {
    pub(super) fn listed(self) -> Result<Member, Failure> {
        let Self { user, name, email, role: member_role, created_at, last_seen_at } = self;
        Ok(Member {
            last_seen: last_seen_at.map(Millis),
            user: id(user)?,
            name: Pii::new(name).disclose(Purpose::Directory),
            email: Pii::new(email).disclose(Purpose::Directory),
            role: role(&member_role)?,
            since: Millis(created_at),
        })
    }
}

pub(super) fn my_organisation(row: (String, String, String)) -> Result<MyOrganisation, Failure> {
    let (organisation, name, role_name) = row;
    Ok(MyOrganisation { id: id(organisation)?, name, role: role(&role_name)? })
}

#[derive(Insertable)]
#[diesel(table_name = identity_tokens)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct NewTokenRow<'a> {
    pub(super) id: &'a str,
    pub(super) organisation_id: &'a str,
    pub(super) name: &'a str,
    pub(super) role: &'a str,
    pub(super) secret_hash: &'a [u8],
    pub(super) hint: &'a str,
    pub(super) created_by: Option<&'a str>,
    pub(super) created_at: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = identity_tokens)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct TokenRow {
    id: String,
    name: String,
    role: String,
    hint: String,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl TryFrom<TokenRow> for Token {
    type Error = Failure;

    fn try_from(row: TokenRow) -> Result<Self, Failure> {
        let TokenRow { id: token, name, role: role_name, hint, created_at, last_used_at } = row;
        Ok(Self {
            id: id(token)?,
            name,
            role: role(&role_name)?,
            hint,
            created_at: Millis(created_at),
            last_used_at: last_used_at.map(Millis),
        })
    }
}
