//! Rows of the `identity_` tables and their conversion.

pub(super) mod tokens;

use std::str::FromStr;

use diesel::prelude::*;
use shutterpost_model::access::Role;
use shutterpost_model::id::{DeviceId, EventId, InvitationId, OrganisationId, UserId};
use shutterpost_model::identity::{Invitation, Member, MyOrganisation};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Disclosed, Pii, Purpose as Disclosure, Secret};
use shutterpost_model::time::Millis;
use shutterpost_vault::wrap::Purpose;

use crate::error::Failure;
use crate::keystore::{KeyRef, KeyStore, Keyring, Place, Realm, Sealed};
use crate::schema::{identity_invitations, identity_users};

pub(super) mod passkeys;
pub(super) mod sessions;

/// An id as stored; anything else in its column is damage.
pub(crate) fn id<T: FromStr>(text: String) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::Internal("a stored id does not read".into()))
}

pub(super) fn role(name: &str) -> Result<Role, Failure> {
    Role::from_name(name).ok_or_else(|| Failure::Internal("a stored role does not read".into()))
}

pub(crate) fn language(tag: &str) -> Result<Language, Failure> {
    Language::from_tag(tag).ok_or_else(|| Failure::Internal("a stored language does not read".into()))
}

/// A person who may sign in, for rules inside the server.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) id: UserId,
    pub(super) email: Pii<String>,
    pub(super) name: Pii<String>,
    pub(super) language: Language,
    /// `None` until a password is set.
    pub(super) password: Option<StoredPassword>,
    pub(super) disabled: bool,
}

/// The hash of a password, open and as the database holds it: what was read is compared with what is there when an answer
/// is settled.
#[derive(Debug, Clone)]
pub(super) struct StoredPassword {
    pub(super) stored: Sealed<Secret>,
    /// PHC string.
    pub(super) hash: Secret,
}

/// Where users are looked up by their address.
pub(crate) const BY_ADDRESS: &str = "users.email";

/// Where a value of a user stands.
pub(crate) fn user_place<'a>(column: &'static str, user: &'a str) -> Place<'a> {
    Place { realm: &Realm::Installation, table: "identity_users", column, row: user }
}

/// Where the secret of a user's authenticator app stands.
pub(super) fn totp_place(user: &str) -> Place<'_> {
    Place { realm: &Realm::Installation, table: "identity_totp", column: "secret", row: user }
}

/// Where what is known of a session's or a sign-in's browser stands.
pub(crate) fn trace_place<'a>(table: &'static str, column: &'static str, row: &'a str) -> Place<'a> {
    Place { realm: &Realm::Installation, table, column, row }
}

/// Where the address of an invitation stands.
pub(crate) fn invitation_place<'a>(realm: &'a Realm, invitation: &'a str) -> Place<'a> {
    Place { realm, table: "identity_invitations", column: "email", row: invitation }
}

/// Where the name of an API token stands.
pub(crate) fn token_place<'a>(realm: &'a Realm, token: &'a str) -> Place<'a> {
    Place { realm, table: "identity_tokens", column: "name", row: token }
}

/// The key of an invited person, or of an API token's name.
pub(crate) fn subject_key(organisation: &OrganisationId, subject: &str) -> KeyRef {
    KeyRef::of(organisation, Purpose::Subject, subject)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = identity_users)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct UserRow {
    id: String,
    email: Sealed<Pii<String>>,
    name: Sealed<Pii<String>>,
    language: String,
    password_hash: Option<Sealed<Secret>>,
    disabled_at: Option<i64>,
}

impl UserRow {
    pub(super) async fn open(self, keystore: &KeyStore) -> Result<User, Failure> {
        let Self { id: user, email, name, language: tag, password_hash, disabled_at } = self;
        let key = keystore.get(&KeyRef::user(&id(user.clone())?)).await?;
        let hash =
            password_hash.as_ref().map(|hash| hash.open(&key, user_place("password_hash", &user))).transpose()?;
        Ok(User {
            email: email.open(&key, user_place("email", &user))?,
            name: name.open(&key, user_place("name", &user))?,
            language: language(&tag)?,
            password: password_hash.zip(hash).map(|(stored, hash)| StoredPassword { stored, hash }),
            disabled: disabled_at.is_some(),
            id: id(user)?,
        })
    }
}

/// Names of users, by their ids.
pub(crate) async fn user_names(
    keystore: &KeyStore,
    rows: Vec<(String, Sealed<Pii<String>>)>,
) -> Result<Vec<(String, Pii<String>)>, Failure> {
    let mut values = Vec::with_capacity(rows.len());
    for (user, sealed) in rows {
        values.push((KeyRef::user(&id(user.clone())?), user, sealed));
    }
    keystore.open_each(user_place("name", ""), values).await
}

/// Names of API tokens, by their ids.
pub(crate) async fn token_names(
    keystore: &KeyStore,
    organisation: &OrganisationId,
    rows: Vec<(String, Sealed<String>)>,
) -> Result<Vec<(String, String)>, Failure> {
    let values = rows.into_iter().map(|(token, sealed)| (subject_key(organisation, &token), token, sealed)).collect();
    keystore.open_each(token_place(&Realm::Organisation(organisation.clone()), ""), values).await
}

#[derive(Insertable)]
#[diesel(table_name = identity_users)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct NewUserRow<'a> {
    pub(super) id: &'a str,
    pub(super) email: Sealed<Pii<String>>,
    pub(super) name: Sealed<Pii<String>>,
    pub(super) language: &'a str,
    pub(super) password_hash: Option<Sealed<Secret>>,
    pub(super) failures: i32,
    pub(super) throttled_until: i64,
    pub(super) created_at: i64,
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
    email: Sealed<Pii<String>>,
    role: String,
}

impl OpenInvitationRow {
    pub(super) async fn open(self, keystore: &KeyStore) -> Result<OpenInvitation, Failure> {
        let Self { id: invitation, organisation, organisation_name, email, role: name } = self;
        let organisation: OrganisationId = id(organisation)?;
        let key = keystore.get(&subject_key(&organisation, &invitation)).await?;
        let realm = Realm::Organisation(organisation.clone());
        Ok(OpenInvitation {
            email: email.open(&key, invitation_place(&realm, &invitation))?,
            id: id(invitation)?,
            organisation,
            organisation_name,
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
    pub(super) email: Sealed<Pii<String>>,
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
    pub(super) id: String,
    email: Sealed<Pii<String>>,
    role: String,
    expires_at: i64,
}

impl InvitationRow {
    pub(super) fn email(&self, organisation: &OrganisationId, ring: &Keyring) -> Result<Pii<String>, Failure> {
        let realm = Realm::Organisation(organisation.clone());
        let key = ring.get(&subject_key(organisation, &self.id))?;
        self.email.open(key, invitation_place(&realm, &self.id))
    }

    /// The invitation's id and the role that it promises.
    pub(super) fn promised(self) -> Result<(InvitationId, Role), Failure> {
        Ok((id(self.id)?, role(&self.role)?))
    }

    pub(super) fn listed(
        self,
        organisation: &OrganisationId,
        ring: &Keyring,
        now: Millis,
    ) -> Result<Invitation, Failure> {
        let email = self.email(organisation, ring)?;
        let Self { id: invitation, email: _, role: name, expires_at } = self;
        Ok(Invitation {
            id: id(invitation)?,
            email: email.disclose(Disclosure::Directory),
            role: role(&name)?,
            expires_at: Millis(expires_at),
            expired: expires_at <= now.0,
        })
    }
}

#[derive(Queryable)]
pub(super) struct MemberRow {
    user: String,
    name: Sealed<Pii<String>>,
    email: Sealed<Pii<String>>,
    role: String,
    created_at: i64,
    last_seen_at: Option<i64>,
    factor_confirmed_at: Option<i64>,
    has_passkey: bool,
}

impl MemberRow {
    pub(super) fn key(&self) -> Result<KeyRef, Failure> {
        Ok(KeyRef::user(&id(self.user.clone())?))
    }

    pub(super) fn listed(self, ring: &Keyring) -> Result<Member, Failure> {
        let key = self.key()?;
        let key = ring.get(&key)?;
        let Self { user, name, email, role: member_role, created_at, last_seen_at, factor_confirmed_at, has_passkey } =
            self;
        Ok(Member {
            last_seen: last_seen_at.map(Millis),
            two_factor: factor_confirmed_at.is_some() || has_passkey,
            name: name.open(key, user_place("name", &user))?.disclose(Disclosure::Directory),
            email: email.open(key, user_place("email", &user))?.disclose(Disclosure::Directory),
            user: id(user)?,
            role: role(&member_role)?,
            since: Millis(created_at),
        })
    }
}

/// A member in the trash, as the list shows them.
#[derive(Queryable)]
pub(super) struct RemovedRow {
    user: String,
    name: Sealed<Pii<String>>,
    email: Sealed<Pii<String>>,
    role: String,
    deleted_at: i64,
    deleted_by: Option<String>,
}

/// The same, with their data in the clear.
#[derive(Debug)]
pub(crate) struct RemovedMember {
    pub(crate) user: String,
    pub(crate) name: Disclosed<String>,
    pub(crate) email: Disclosed<String>,
    pub(crate) role: Role,
    pub(crate) deleted_at: i64,
    pub(crate) deleted_by: Option<String>,
}

impl RemovedRow {
    pub(super) fn key(&self) -> Result<KeyRef, Failure> {
        Ok(KeyRef::user(&id(self.user.clone())?))
    }

    pub(super) fn opened(self, ring: &Keyring) -> Result<RemovedMember, Failure> {
        let key = self.key()?;
        let key = ring.get(&key)?;
        let Self { user, name, email, role: member_role, deleted_at, deleted_by } = self;
        Ok(RemovedMember {
            name: name.open(key, user_place("name", &user))?.disclose(Disclosure::Directory),
            email: email.open(key, user_place("email", &user))?.disclose(Disclosure::Directory),
            role: role(&member_role)?,
            user,
            deleted_at,
            deleted_by,
        })
    }
}

/// What a member in the trash gets back.
#[derive(Debug)]
pub(super) struct Removed {
    pub(super) role: Role,
    pub(super) since: Millis,
    pub(super) last_seen: Option<Millis>,
}

impl TryFrom<(String, i64, Option<i64>)> for Removed {
    type Error = Failure;

    fn try_from((name, since, last_seen): (String, i64, Option<i64>)) -> Result<Self, Failure> {
        Ok(Self { role: role(&name)?, since: Millis(since), last_seen: last_seen.map(Millis) })
    }
}

pub(super) fn my_organisation(row: (String, String, String)) -> Result<MyOrganisation, Failure> {
    let (organisation, name, role_name) = row;
    Ok(MyOrganisation { id: id(organisation)?, name, role: role(&role_name)? })
}
