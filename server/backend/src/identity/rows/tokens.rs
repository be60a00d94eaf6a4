//! Rows of API tokens.

use diesel::prelude::*;
use shutterpost_model::access::Role;
use shutterpost_model::id::{OrganisationId, TokenId, UserId};
use shutterpost_model::pii::{Pii, Purpose as Disclosure};
use shutterpost_model::time::Millis;
use shutterpost_model::tokens::{PreviousSecret, SOON, Scopes, Token, TokenState};

use super::{id, role, subject_key, token_place, user_place};
use crate::error::Failure;
use crate::keystore::{KeyRef, Keyring, Realm, Sealed};
use crate::schema::identity_tokens;

/// What stands in the column `role` of a token with scopes. It grants nothing to a version that knows no scopes.
pub(in crate::identity) const NO_ROLE: Role = Role::Reporter;

/// What a token was given.
pub(in crate::identity) enum Grant {
    /// All that the role may: a token from before there were scopes.
    WholeRole(Role),
    /// The scopes, as far as the role at the making and the role of the maker now both hold them.
    Scoped { cap: Role, scopes: Scopes, maker: Option<UserId> },
}

/// An API token whose secret was shown.
pub(in crate::identity) struct FoundToken {
    pub(in crate::identity) token: TokenId,
    pub(in crate::identity) organisation: OrganisationId,
    pub(in crate::identity) grant: Grant,
    /// Of the secret that was shown, which may be the replaced one.
    pub(in crate::identity) ends_at: Option<Millis>,
    pub(in crate::identity) last_used: Option<i64>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = identity_tokens)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(in crate::identity) struct FoundTokenRow {
    id: String,
    organisation_id: String,
    role: String,
    secret_hash: Vec<u8>,
    created_by: Option<String>,
    last_used_at: Option<i64>,
    scopes: Option<String>,
    cap: Option<String>,
    expires_at: Option<i64>,
    previous_until: Option<i64>,
    previous_used_at: Option<i64>,
    previous_by: Option<String>,
}

impl FoundTokenRow {
    /// The token, as the secret with this hash finds it.
    pub(in crate::identity) fn read(self, hash: &[u8; 32]) -> Result<FoundToken, Failure> {
        let Self {
            id: token,
            organisation_id,
            role: name,
            secret_hash,
            created_by,
            last_used_at,
            scopes,
            cap,
            expires_at,
            previous_until,
            previous_used_at,
            previous_by,
        } = self;
        let previous = secret_hash != hash;
        let (ends_at, last_used, maker) = if previous {
            // A replaced secret always has an end.
            (Some(previous_until.unwrap_or(0)), previous_used_at, previous_by)
        } else {
            (expires_at, last_used_at, created_by)
        };
        let grant = match scopes {
            None => Grant::WholeRole(role(&name)?),
            Some(scopes) => Grant::Scoped {
                cap: role(cap.as_deref().unwrap_or_default())?,
                scopes: Scopes::read(&scopes),
                maker: maker.map(id).transpose()?,
            },
        };
        let ends_at = ends_at.map(Millis);
        Ok(FoundToken { token: id(token)?, organisation: id(organisation_id)?, grant, ends_at, last_used })
    }
}

#[derive(Insertable)]
#[diesel(table_name = identity_tokens)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(in crate::identity) struct NewTokenRow<'a> {
    pub(in crate::identity) id: &'a str,
    pub(in crate::identity) organisation_id: &'a str,
    pub(in crate::identity) name: Sealed<String>,
    pub(in crate::identity) role: &'a str,
    pub(in crate::identity) secret_hash: &'a [u8],
    pub(in crate::identity) hint: &'a str,
    pub(in crate::identity) created_by: Option<&'a str>,
    pub(in crate::identity) created_at: i64,
    pub(in crate::identity) scopes: &'a str,
    pub(in crate::identity) cap: &'a str,
    pub(in crate::identity) expires_at: i64,
}

/// The secret of a token as a renewal finds it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = identity_tokens)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(in crate::identity) struct SecretRow {
    pub(in crate::identity) secret_hash: Vec<u8>,
    pub(in crate::identity) hint: String,
    pub(in crate::identity) created_by: Option<String>,
    pub(in crate::identity) last_used_at: Option<i64>,
    pub(in crate::identity) scopes: Option<String>,
    pub(in crate::identity) expires_at: Option<i64>,
}

/// What a renewal makes of it.
#[derive(AsChangeset)]
#[diesel(table_name = identity_tokens)]
#[diesel(treat_none_as_null = true)]
pub(in crate::identity) struct RenewedRow<'a> {
    pub(in crate::identity) secret_hash: &'a [u8],
    pub(in crate::identity) hint: &'a str,
    pub(in crate::identity) created_by: Option<&'a str>,
    pub(in crate::identity) last_used_at: Option<i64>,
    pub(in crate::identity) cap: &'a str,
    pub(in crate::identity) expires_at: i64,
    #[diesel(embed)]
    pub(in crate::identity) previous: PreviousRow,
}

/// The secret that was replaced; all empty when there is none.
#[derive(AsChangeset, Default)]
#[diesel(table_name = identity_tokens)]
#[diesel(treat_none_as_null = true)]
pub(in crate::identity) struct PreviousRow {
    pub(in crate::identity) previous_hash: Option<Vec<u8>>,
    pub(in crate::identity) previous_hint: Option<String>,
    pub(in crate::identity) previous_until: Option<i64>,
    pub(in crate::identity) previous_used_at: Option<i64>,
    pub(in crate::identity) previous_by: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = identity_tokens)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(in crate::identity) struct TokenRow {
    pub(in crate::identity) id: String,
    name: Sealed<String>,
    role: String,
    hint: String,
    created_by: Option<String>,
    created_at: i64,
    last_used_at: Option<i64>,
    scopes: Option<String>,
    cap: Option<String>,
    expires_at: Option<i64>,
    previous_hint: Option<String>,
    previous_until: Option<i64>,
    previous_used_at: Option<i64>,
}

/// A token with what its maker is now: name, when they were disabled, role.
pub(in crate::identity) type ListedTokenRow = (TokenRow, Option<Sealed<Pii<String>>>, Option<i64>, Option<String>);

/// The keys that listing the row needs.
pub(in crate::identity) fn keys(organisation: &OrganisationId, row: &ListedTokenRow) -> Result<Vec<KeyRef>, Failure> {
    let mut keys = vec![subject_key(organisation, &row.0.id)];
    if let Some(maker) = &row.0.created_by {
        keys.push(KeyRef::user(&id(maker.clone())?));
    }
    Ok(keys)
}

/// The token as it is listed.
pub(in crate::identity) fn listed(
    row: ListedTokenRow,
    organisation: &OrganisationId,
    ring: &Keyring,
    now: Millis,
) -> Result<Token, Failure> {
    let (row, maker_name, disabled_at, maker_role) = row;
    let TokenRow {
        id: token,
        name,
        role: whole,
        hint,
        created_by,
        created_at,
        last_used_at,
        scopes,
        cap,
        expires_at,
        previous_hint,
        previous_until,
        previous_used_at,
    } = row;
    let realm = Realm::Organisation(organisation.clone());
    let maker_role = maker_role.filter(|_| disabled_at.is_none()).map(|name| role(&name)).transpose()?;
    let stopped = scopes.is_some() && maker_role.is_none();
    let role_behind = match &scopes {
        None => role(&whole)?,
        Some(_) => role(cap.as_deref().unwrap_or_default())?.lesser(maker_role.unwrap_or(NO_ROLE)),
    };
    let made_by = match (maker_name, created_by) {
        (Some(sealed), Some(user)) => {
            let key = KeyRef::user(&id(user.clone())?);
            // Without a key they are being erased at this moment.
            let name = ring.has(&key).then(|| sealed.open(ring.get(&key)?, user_place("name", &user))).transpose()?;
            name.map(|name| name.disclose(Disclosure::Directory))
        }
        _ => None,
    };
    let previous = match (previous_hint, previous_until.map(Millis)) {
        (Some(hint), Some(until)) if until > now => {
            Some(PreviousSecret { hint, until, last_used_at: previous_used_at.map(Millis) })
        }
        _ => None,
    };
    Ok(Token {
        name: name.open(ring.get(&subject_key(organisation, &token))?, token_place(&realm, &token))?,
        id: id(token)?,
        scopes: scopes.as_deref().map(Scopes::read),
        role: role_behind,
        hint,
        made_by,
        created_at: Millis(created_at),
        last_used_at: last_used_at.map(Millis),
        expires_at: expires_at.map(Millis),
        state: state(now, expires_at.map(Millis), stopped),
        previous,
    })
}

fn state(now: Millis, expires_at: Option<Millis>, stopped: bool) -> TokenState {
    match expires_at {
        Some(at) if at <= now => TokenState::Expired,
        _ if stopped => TokenState::Stopped,
        Some(at) if at <= now.plus(SOON) => TokenState::ExpiresSoon,
        _ => TokenState::Active,
    }
}
