//! People who come by a connection: who they are here, what they may be, and their sessions. That the provider has proved
//! them, and which organisation it speaks for, is decided by whoever calls.

use shutterpost_model::access::{Actor, Role};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{ConnectionId, InvitationId, OrganisationId, PendingId, SessionId, UserId};
use shutterpost_model::identity::security::{Method, SignedIn};
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::time::Millis;
use shutterpost_model::validate;
use shutterpost_vault::keys::Keys;

use super::accounts::{AccountsService, Checked, signed_in};
use super::factors::{Factor, prove};
use crate::context::World;
use crate::db::{Conn, Tx};
use crate::error::Failure;
use crate::identity::queries::provided::{self as queries, ProvidedRow};
use crate::identity::queries::users::Registered;
use crate::identity::queries::{factors, memberships, users};
use crate::identity::rows::sessions::{TABLE, hint_again};
use crate::identity::rows::{User, subject_key, trace_place};
use crate::identity::session::{self, Kind, Opening};
use crate::identity::trace::Trace;
use crate::keystore::{KeyRef, Sealed};
use crate::services::Deps;

/// The table of sign-ins that wait, as sealed values name it.
const PENDING: &str = "identity_pending";

/// By which connection somebody comes, and by what its provider ends the session.
#[derive(Debug, Clone)]
pub(crate) struct Provided {
    pub(crate) connection: ConnectionId,
    pub(crate) session_hash: Option<[u8; 32]>,
    pub(crate) subject_hash: [u8; 32],
    /// What the provider wants to see when the session ends there too.
    pub(crate) hint: Secret,
    /// The session ends no later.
    pub(crate) until: Option<Millis>,
}

impl Provided {
    fn row(&self, hint: Sealed<Secret>) -> ProvidedRow {
        ProvidedRow {
            connection: Some(self.connection.as_str().to_owned()),
            session_hash: self.session_hash.map(|hash| hash.to_vec()),
            subject_hash: Some(self.subject_hash.to_vec()),
            hint: Some(hint),
            until: self.until.map(|until| until.0),
        }
    }
}

/// An account as far as whoever ties it to a provider needs it.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: UserId,
    pub(crate) disabled: bool,
}

/// What somebody is in the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Member(Role),
    /// Was a member, and an admin took that away a short while ago.
    Removed,
    Stranger,
}

/// Somebody at the door, with all that is needed to open it: settled before the transaction.
pub(crate) struct Entering {
    user: UserId,
    trace: Trace,
    newcomer: Option<Newcomer>,
}

struct Newcomer {
    registered: Registered,
    email: Pii<String>,
    name: Pii<String>,
    language: Language,
}

impl std::fmt::Debug for Entering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Entering").field(&self.user).finish()
    }
}

impl Entering {
    pub(crate) const fn user(&self) -> &UserId {
        &self.user
    }

    /// A secret sealed under the person's key, for a row of the caller's.
    pub(crate) fn seal(
        &self,
        world: &World,
        place: (&'static str, &'static str, &str),
        value: &Secret,
    ) -> Sealed<Secret> {
        self.trace.sealed_secret(world, place, value)
    }
}

/// The password of an account, proved, and the second factor still to be.
pub(crate) struct ProvedAccount {
    user: User,
    stored: Sealed<Secret>,
    factor: Option<Factor>,
}

impl std::fmt::Debug for ProvedAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProvedAccount")
    }
}

impl AccountsService {
    /// Counts an attempt of that address; [`Code::TooMany`] if they come too fast.
    pub(crate) fn slow_down(&self, client: &Client) -> Result<(), Failure> {
        Ok(self.addresses.admit(client.address, self.deps.world.now())?)
    }

    /// The account of an id.
    pub(crate) async fn account(&self, user: &UserId) -> Result<Option<Account>, Failure> {
        let user = users::by_id(&mut self.deps.db.read().await?, &self.deps.keystore, user).await?;
        Ok(user.map(|User { id, disabled, .. }| Account { id, disabled }))
    }

    /// The account of an address in canonical form.
    pub(crate) async fn account_of(&self, email: &Pii<String>) -> Result<Option<Account>, Failure> {
        let user = users::by_email(&mut self.deps.db.read().await?, &self.deps.keystore, email).await?;
        Ok(user.map(|User { id, disabled, .. }| Account { id, disabled }))
    }

    /// Whether the account has a second factor in use.
    pub(crate) async fn has_factor(&self, user: &UserId) -> Result<bool, Failure> {
        factors::is_active(&mut self.deps.db.read().await?, user).await
    }

    /// Whether somebody who is signed in could show neither password nor second factor.
    pub(crate) async fn has_nothing_to_show(&self, user: &UserId) -> Result<bool, Failure> {
        let found = users::by_id(&mut self.deps.db.read().await?, &self.deps.keystore, user).await?;
        Ok(found.is_some_and(|user| user.password.is_none()) && !self.has_factor(user).await?)
    }

    /// An invitation of the organisation for that address, and the role that it promises.
    pub(crate) async fn invited(
        &self,
        organisation: &OrganisationId,
        email: &Pii<String>,
    ) -> Result<Option<(InvitationId, Role)>, Failure> {
        let Deps { db, keystore, world, .. } = &self.deps;
        let open = queries::open_invitations(&mut db.read().await?, organisation, world.now()).await?;
        let wanted: Vec<KeyRef> = open.iter().map(|row| subject_key(organisation, &row.id)).collect();
        let ring = keystore.find(&wanted).await?;
        for row in open {
            if row.email(organisation, &ring)? == *email {
                return row.promised().map(Some);
            }
        }
        Ok(None)
    }

    /// Somebody with an account, about to come in.
    pub(crate) async fn entering(&self, user: &UserId, client: &Client) -> Result<Entering, Failure> {
        let Deps { world, keys, keystore, .. } = &self.deps;
        let user = self.user(user).await?;
        let trace = Trace::of(world, keys, keystore, (&user.id, user.language), client).await?;
        Ok(Entering { user: user.id, trace, newcomer: None })
    }

    /// The same of somebody without one. The address is theirs from now on.
    pub(crate) async fn entering_anew(
        &self,
        email: Pii<String>,
        name: Option<&Pii<String>>,
        language: Language,
        client: &Client,
    ) -> Result<Entering, Failure> {
        let Deps { world, keys, keystore, .. } = &self.deps;
        let usable = name.map(|name| name.expose().trim().to_owned()).filter(|name| validate::name(name).is_ok());
        let local = email.expose().split('@').next().unwrap_or_default().to_owned();
        let name = Pii::new(usable.unwrap_or(local));
        let registered = users::register(world, keystore, &email).await?;
        let user = registered.id.clone();
        let trace = Trace::of(world, keys, keystore, (&user, language), client).await?;
        Ok(Entering { user, trace, newcomer: Some(Newcomer { registered, email, name, language }) })
    }

    /// Proves that somebody knows an account's password. Counts as a try whatever comes of it.
    pub(crate) async fn prove_account(&self, user: &UserId, password: Secret) -> Result<ProvedAccount, Failure> {
        let user = self.user(user).await?;
        let Checked::Right { turn, stored, rehash: _ } = self.check(Some(&user), password).await? else {
            return Err(AppError::field("password", Code::WrongPassword).into());
        };
        drop(turn);
        let factor = self.active(&user.id).await?;
        Ok(ProvedAccount { user, stored, factor })
    }

    /// By which connection the actor came, and what its provider wants to see when the session ends there too.
    pub(crate) async fn came_with(&self, actor: &Actor) -> Result<Option<(ConnectionId, Secret)>, Failure> {
        let (user, own) = signed_in(actor)?;
        let found = queries::of_session(&mut self.deps.db.read().await?, &user, &own).await?;
        let Some((connection, Some(hint))) = found else { return Ok(None) };
        let key = self.deps.keystore.get(&KeyRef::user(&user)).await?;
        Ok(Some((connection, hint.open(&key, trace_place(TABLE, "id_token_hint", own.as_str()))?)))
    }
}

/// The person and session that act, and by which connection they came.
pub(crate) async fn came_by(
    conn: &mut Conn,
    actor: &Actor,
) -> Result<Option<(UserId, SessionId, ConnectionId)>, Failure> {
    let (user, session) = signed_in(actor)?;
    let found = queries::of_session(conn, &user, &session).await?;
    Ok(found.map(|(connection, _)| (user, session, connection)))
}

/// The person and session that act.
pub(crate) fn own_session(actor: &Actor) -> Result<(UserId, SessionId), Failure> {
    signed_in(actor)
}

/// Whether the user's session is still there.
pub(crate) async fn lives(conn: &mut Conn, user: &UserId, session: &SessionId) -> Result<bool, Failure> {
    queries::lives(conn, user, session).await
}

/// Ends what came by the connection: all of it, that of a person at the provider, or one of its sessions.
pub(crate) async fn end(
    tx: &mut Tx,
    connection: &ConnectionId,
    subject: Option<&[u8; 32]>,
    session: Option<&[u8; 32]>,
) -> Result<usize, Failure> {
    queries::end(tx, connection, subject.map(<[u8; 32]>::as_slice), session.map(<[u8; 32]>::as_slice)).await
}

/// What somebody is in the organisation; stays so until the transaction ends.
pub(crate) async fn standing(tx: &mut Tx, organisation: &OrganisationId, user: &UserId) -> Result<Standing, Failure> {
    memberships::lock(tx, organisation).await?;
    if let Some(role) = memberships::role(tx, organisation, user).await? {
        return Ok(Standing::Member(role));
    }
    let removed = queries::was_removed(tx, organisation, user).await?;
    Ok(if removed { Standing::Removed } else { Standing::Stranger })
}

/// Gives a member another role.
pub(crate) async fn set_role(
    tx: &mut Tx,
    organisation: &OrganisationId,
    user: &UserId,
    role: Role,
    now: Millis,
) -> Result<(), Failure> {
    memberships::set_role(tx, organisation, user, role).await?;
    memberships::revoke_invitations(tx, organisation, user, Some(role), now).await
}

/// Makes somebody a member, with an account if they have none, by an invitation if there is one.
pub(crate) async fn join(
    tx: &mut Tx,
    world: &World,
    entering: &Entering,
    organisation: &OrganisationId,
    (role, invitation): (Role, Option<&InvitationId>),
) -> Result<(), Failure> {
    if let Some(Newcomer { registered, email, name, language }) = &entering.newcomer {
        let row = registered.row_without_password(world, email, name, *language);
        users::insert(tx, &row).await.map_err(taken)?;
    }
    if let Some(invitation) = invitation
        && !queries::accept_invitation(tx, invitation.as_str(), world.now()).await?
    {
        return Err(Code::Conflict.into());
    }
    memberships::insert(tx, organisation, &entering.user, role, world.now()).await.map_err(taken)
}

/// Somebody was faster: what was looked at before the transaction is to be looked at again.
fn taken(failure: Failure) -> Failure {
    match failure {
        Failure::Duplicate(_) => Code::Conflict.into(),
        other => other,
    }
}

/// Opens a session, or has the person show their own second factor before, unless the provider saw one on which the
/// organisation relies. Gives the session's id if there is one by now.
pub(crate) async fn admit(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    entering: &Entering,
    organisation: &OrganisationId,
    (provided, method): (&Provided, Method),
) -> Result<(SignedIn, Option<SessionId>), Failure> {
    let Entering { user, trace, newcomer: _ } = entering;
    let hint = |table, row: &str| trace.sealed_secret(world, (table, "id_token_hint", row), &provided.hint);
    if !method.has_factor() && factors::is_active(tx, user).await? {
        let organisation = Some(organisation.clone());
        let (id, pending) = session::open_pending(tx, world, keys, user, organisation, Kind::Browser).await?;
        queries::attach_pending(tx, &id, &provided.row(hint(PENDING, id.as_str()))).await?;
        return Ok((SignedIn::Factor(pending), None));
    }
    let opening = Opening { user, organisation: Some(organisation), kind: Kind::Browser, method, trace };
    let (id, session) = session::open(tx, world, keys, opening).await?;
    queries::attach(tx, &id, &provided.row(hint(TABLE, id.as_str()))).await?;
    Ok((SignedIn::Session(session), Some(id)))
}

/// Lets a session go on under another id and cookie, whose holder showed who they are.
pub(crate) async fn renew(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    entering: &Entering,
    session: &SessionId,
) -> Result<NewSession, Failure> {
    Ok(session::renew(tx, world, keys, entering.trace.key(), session).await?.1)
}

impl ProvedAccount {
    /// Uses the proof up, with the code of the second factor where there is one. `Ok(None)` if that is wrong: the try is to
    /// be kept.
    pub(crate) async fn settle(
        &self,
        tx: &mut Tx,
        world: &World,
        keys: &Keys,
        code: &Secret,
    ) -> Result<Option<Method>, Failure> {
        let Self { user, stored, factor } = self;
        if !users::settle(tx, &user.id, stored, None).await? {
            return Err(AppError::field("password", Code::WrongPassword).into());
        }
        // With passkeys alone, a recovery code is what can be typed.
        if factor.is_none() && !factors::is_active(tx, &user.id).await? {
            return Ok(Some(Method::Provider));
        }
        Ok(prove(tx, world, keys, user, factor.as_ref(), code).await?.map(Method::after_provider))
    }
}

/// What a sign-in that waits knows of its provider.
pub(super) async fn waiting(conn: &mut Conn, pending: &PendingId) -> Result<Option<ProvidedRow>, Failure> {
    queries::of_pending(conn, pending).await
}

/// Hands it on to the session that the sign-in became.
pub(super) async fn pass_on(
    tx: &mut Tx,
    world: &World,
    trace: &Trace,
    waited: &ProvidedRow,
    pending: &PendingId,
    session: &SessionId,
) -> Result<(), Failure> {
    let from = (PENDING, pending.as_str());
    let hint = hint_again(world, trace.key(), waited.hint.as_ref(), from, session.as_str())?;
    queries::attach(tx, session, &ProvidedRow { hint, ..waited.clone() }).await
}
