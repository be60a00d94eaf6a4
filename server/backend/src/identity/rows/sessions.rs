//! Rows of sessions.

use diesel::prelude::*;
use shutterpost_model::access::Role;
use shutterpost_model::id::{OrganisationId, SessionId, UserId};
use shutterpost_model::identity::SessionLimits;
use shutterpost_model::identity::security::{Method, SessionView};
use shutterpost_model::pii::{Pii, Purpose, Secret};
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::DataKey;

use super::{id, role, trace_place};
use crate::context::World;
use crate::error::Failure;
use crate::keystore::Sealed;
use crate::schema::{identity_organisations, identity_sessions};

/// As `trace_place` and the sealed values name it.
pub(in crate::identity) const TABLE: &str = "identity_sessions";

pub(in crate::identity) const MINUTE: i64 = 60_000;

#[derive(Insertable)]
#[diesel(table_name = identity_sessions)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(in crate::identity) struct NewSessionRow<'a> {
    pub(in crate::identity) id: &'a str,
    pub(in crate::identity) secret_hash: &'a [u8],
    pub(in crate::identity) user_id: &'a str,
    pub(in crate::identity) organisation_id: Option<&'a str>,
    pub(in crate::identity) persistent: bool,
    pub(in crate::identity) created_at: i64,
    pub(in crate::identity) last_seen_at: i64,
    pub(in crate::identity) idle_millis: i64,
    pub(in crate::identity) expires_at: i64,
    pub(in crate::identity) method: Option<&'a str>,
    pub(in crate::identity) confirmed_at: i64,
    pub(in crate::identity) device: Option<Sealed<Pii<String>>>,
    pub(in crate::identity) address: Option<Sealed<Pii<String>>>,
    pub(in crate::identity) connection_id: Option<&'a str>,
    pub(in crate::identity) provider_session_hash: Option<&'a [u8]>,
    pub(in crate::identity) provider_subject_hash: Option<&'a [u8]>,
    pub(in crate::identity) id_token_hint: Option<Sealed<Secret>>,
}

/// What a user is in an organisation, and what it asks of sessions.
pub(in crate::identity) struct Membership {
    pub(in crate::identity) organisation: OrganisationId,
    pub(in crate::identity) role: Role,
    pub(in crate::identity) rules: Rules,
}

/// What an organisation asks of the sessions in it.
#[derive(Clone, Copy, Default, Queryable, Selectable)]
#[diesel(table_name = identity_organisations)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(in crate::identity) struct Rules {
    factor_required_at: Option<i64>,
    session_idle_millis: Option<i64>,
    session_absolute_millis: Option<i64>,
    sso_required_at: Option<i64>,
}

impl Rules {
    pub(in crate::identity) const fn factor_required(self) -> bool {
        self.factor_required_at.is_some()
    }

    pub(in crate::identity) const fn factor_required_at(self) -> Option<Millis> {
        match self.factor_required_at {
            Some(at) => Some(Millis(at)),
            None => None,
        }
    }

    /// Since when everybody has to sign in by the organisation's own provider.
    pub(in crate::identity) const fn own_sign_in_required_at(self) -> Option<Millis> {
        match self.sso_required_at {
            Some(at) => Some(Millis(at)),
            None => None,
        }
    }

    pub(in crate::identity) fn limits(self) -> SessionLimits {
        let minutes = |millis: Option<i64>| millis.map(|millis| millis / MINUTE);
        SessionLimits { idle: minutes(self.session_idle_millis), absolute: minutes(self.session_absolute_millis) }
    }

    /// Whether a session has outlived what the organisation allows.
    pub(in crate::identity) fn are_over(self, begun: Millis, last_seen: Millis, now: Millis) -> bool {
        let over = |since: Millis, limit: Option<i64>| limit.is_some_and(|limit| now >= since.plus(limit));
        over(last_seen, self.session_idle_millis) || over(begun, self.session_absolute_millis)
    }
}

/// A session with what its user is in the organisation chosen last.
pub(in crate::identity) struct FoundSession {
    pub(in crate::identity) session: SessionId,
    pub(in crate::identity) user: UserId,
    pub(in crate::identity) disabled: bool,
    pub(in crate::identity) membership: Option<Membership>,
    /// The user has a second factor in use, or the provider saw one on which the organisation relies.
    pub(in crate::identity) two_factor: bool,
    /// A second factor was shown when this session began.
    pub(in crate::identity) showed_factor: bool,
    pub(in crate::identity) begun: Millis,
    /// Came by a connection, and so acts where that belongs and nowhere else.
    pub(in crate::identity) provided: bool,
    pub(in crate::identity) last_seen: Millis,
    pub(in crate::identity) idle_millis: i64,
    pub(in crate::identity) expires_at: Millis,
    pub(in crate::identity) confirmed_at: Option<Millis>,
}

#[derive(Queryable)]
pub(in crate::identity) struct FoundSessionRow {
    session: String,
    user: String,
    disabled_at: Option<i64>,
    organisation: Option<String>,
    role: Option<String>,
    last_seen_at: i64,
    idle_millis: i64,
    expires_at: i64,
    confirmed_at: Option<i64>,
    created_at: i64,
    rules: Option<Rules>,
    factor_confirmed_at: Option<i64>,
    has_passkey: bool,
    method: Option<String>,
    connection: Option<String>,
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
            confirmed_at,
            created_at,
            rules,
            factor_confirmed_at,
            has_passkey,
            method,
            connection,
        } = row;
        let method = method.as_deref().and_then(Method::from_name);
        let membership = match (organisation, name) {
            (Some(organisation), Some(name)) => Some(Membership {
                organisation: id(organisation)?,
                role: role(&name)?,
                rules: rules.unwrap_or_default(),
            }),
            _ => None,
        };
        Ok(Self {
            session: id(session)?,
            user: id(user)?,
            disabled: disabled_at.is_some(),
            membership,
            two_factor: factor_confirmed_at.is_some() || has_passkey || method == Some(Method::ProviderAndFactor),
            showed_factor: method.is_some_and(Method::has_factor),
            provided: connection.is_some(),
            begun: Millis(created_at),
            last_seen: Millis(last_seen_at),
            idle_millis,
            expires_at: Millis(expires_at),
            confirmed_at: confirmed_at.map(Millis),
        })
    }
}

/// A session that another goes on for.
#[derive(Queryable, Selectable)]
#[diesel(table_name = identity_sessions)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(in crate::identity) struct ReplacedSessionRow {
    user_id: String,
    organisation_id: Option<String>,
    pub(in crate::identity) persistent: bool,
    created_at: i64,
    idle_millis: i64,
    pub(in crate::identity) expires_at: i64,
    method: Option<String>,
    device: Option<Sealed<Pii<String>>>,
    address: Option<Sealed<Pii<String>>>,
    connection_id: Option<String>,
    provider_session_hash: Option<Vec<u8>>,
    provider_subject_hash: Option<Vec<u8>>,
    id_token_hint: Option<Sealed<Secret>>,
}

impl ReplacedSessionRow {
    /// The row of the one that goes on, from `now` on: the same limits, another id and secret, what is sealed sealed anew.
    pub(in crate::identity) fn renewed<'a>(
        &'a self,
        world: &World,
        key: &DataKey,
        (old, new): (&SessionId, &'a SessionId),
        secret_hash: &'a [u8],
    ) -> Result<NewSessionRow<'a>, Failure> {
        let Self {
            user_id,
            organisation_id,
            persistent,
            created_at,
            idle_millis,
            expires_at,
            method,
            device,
            address,
            connection_id,
            provider_session_hash,
            provider_subject_hash,
            id_token_hint,
        } = self;
        let again = |sealed: &Option<Sealed<Pii<String>>>, column| {
            let open = sealed.as_ref().map(|sealed| sealed.open(key, trace_place(TABLE, column, old.as_str())));
            Ok::<_, Failure>(
                open.transpose()?.map(|open| Sealed::seal(world, key, trace_place(TABLE, column, new.as_str()), &open)),
            )
        };
        Ok(NewSessionRow {
            id: new.as_str(),
            secret_hash,
            user_id,
            organisation_id: organisation_id.as_deref(),
            persistent: *persistent,
            created_at: *created_at,
            last_seen_at: world.now().0,
            idle_millis: *idle_millis,
            expires_at: *expires_at,
            method: method.as_deref(),
            confirmed_at: world.now().0,
            device: again(device, "device")?,
            address: again(address, "address")?,
            connection_id: connection_id.as_deref(),
            provider_session_hash: provider_session_hash.as_deref(),
            provider_subject_hash: provider_subject_hash.as_deref(),
            id_token_hint: hint_again(world, key, id_token_hint.as_ref(), (TABLE, old.as_str()), new.as_str())?,
        })
    }
}

/// What the provider wants to see when a session ends, sealed for another row of sessions.
pub(in crate::identity) fn hint_again(
    world: &World,
    key: &DataKey,
    hint: Option<&Sealed<Secret>>,
    (table, old): (&'static str, &str),
    new: &str,
) -> Result<Option<Sealed<Secret>>, Failure> {
    let Some(hint) = hint else { return Ok(None) };
    let open = hint.open(key, trace_place(table, "id_token_hint", old))?;
    Ok(Some(Sealed::seal(world, key, trace_place(TABLE, "id_token_hint", new), &open)))
}

/// A session as the list of its owner shows it.
#[derive(Queryable)]
pub(in crate::identity) struct OwnSessionRow {
    id: String,
    persistent: bool,
    created_at: i64,
    last_seen_at: i64,
    method: Option<String>,
    device: Option<Sealed<Pii<String>>>,
    address: Option<Sealed<Pii<String>>>,
}

impl OwnSessionRow {
    pub(in crate::identity) fn listed(self, key: &DataKey, this: &SessionId) -> Result<SessionView, Failure> {
        let Self { id: session, persistent, created_at, last_seen_at, method, device, address } = self;
        let open = |sealed: Option<Sealed<Pii<String>>>, column| {
            sealed.map(|sealed| sealed.open(key, trace_place(TABLE, column, &session))).transpose()
        };
        Ok(SessionView {
            device: open(device, "device")?.unwrap_or_default().disclose(Purpose::OwnData),
            address: open(address, "address")?.map(|address| address.disclose(Purpose::OwnData)),
            // Begun before this was written down, when there was nothing else.
            method: method.as_deref().and_then(Method::from_name).unwrap_or(Method::Password),
            first_seen: Millis(created_at),
            last_seen: Millis(last_seen_at),
            persistent,
            this: session == this.as_str(),
            id: id(session)?,
        })
    }
}
