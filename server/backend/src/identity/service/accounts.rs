//! Sign-in and a person's own account. Joining by invitation is in [`super::joining`], what concerns passwords in
//! [`super::passwords`].
//!
//! [`AccountsService::check`] proves the person and [`admit`] signs them in, or asks for the second
//! factor (see `factors`). Sign-in by a company's identity provider plugs in between the two.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Credential};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{OrganisationId, SessionId, UserId};
use shutterpost_model::identity::own_sign_in::WayIn;
use shutterpost_model::identity::security::{Method, SignedIn};
use shutterpost_model::identity::{AcceptInvitation, Accounts, Client, InvitationView, Me, NewSession, SignIn};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Purpose, Secret};
use shutterpost_model::validate;
use shutterpost_vault::keys::Keys;

use crate::audit::record::{Doer, Entry, record};
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::identity::hasher::{Hasher, Turn};
use crate::identity::policy::PasswordPolicy;
use crate::identity::queries::{factors, memberships, passkeys, provided, sessions, users};
use crate::identity::rows::{StoredPassword, User, user_place};
use crate::identity::session::Opening;
use crate::identity::throttle::Addresses;
use crate::identity::trace::Trace;
use crate::identity::{bearer, session};
use crate::keystore::{KeyRef, Sealed};
use crate::services::Deps;

/// The port of sign-in on the database.
#[derive(Debug)]
pub struct AccountsService {
    pub(super) deps: Deps,
    pub(crate) hasher: Hasher,
    pub(crate) addresses: Addresses,
}

/// What a check of a password found.
pub(super) enum Checked {
    /// The password is right; `stored` is the hash that says so, `rehash` whether it should be renewed in this turn.
    Right { turn: Turn, stored: Sealed<Secret>, rehash: bool },
    /// Wrong, unknown, disabled or throttled: nobody outside learns which.
    Wrong,
}

impl AccountsService {
    pub fn new(deps: Deps, policy: PasswordPolicy) -> Self {
        Self { deps, hasher: Hasher::new(policy), addresses: Addresses::default() }
    }

    /// Compares a password. The work is the same for every account and for none: one hash, while the attempt is
    /// counted; the count is written in the time that the hash takes, so that it does not show.
    pub(super) async fn check(&self, user: Option<&User>, password: Secret) -> Result<Checked, Failure> {
        let turn = self.hasher.turn().await?;
        let stored = user.and_then(|user| user.password.clone());
        let hash = stored.as_ref().map(|stored| stored.hash.clone());
        let (counted, verified) = tokio::join!(self.count_attempt(user), self.hasher.verify(turn, password, hash));
        let (turn, verified) = verified?;
        let admitted = counted? && verified.ok && user.is_some_and(|user| !user.disabled);
        match stored {
            Some(StoredPassword { stored, hash: _ }) if admitted => {
                Ok(Checked::Right { turn, stored, rehash: verified.rehash })
            }
            _ => Ok(Checked::Wrong),
        }
    }

    async fn count_attempt(&self, user: Option<&User>) -> Result<bool, Failure> {
        let Some(user) = user else { return Ok(false) };
        let (user, now) = (user.id.clone(), self.deps.world.now());
        write_tx!(self.deps.db, tx => users::count_attempt(tx, &user, now).await)
    }

    /// The hash to store after a right password: a renewed one if its cost was another than today's.
    pub(super) async fn renewed(
        &self,
        user: &UserId,
        turn: Turn,
        rehash: bool,
        password: Secret,
    ) -> Result<Option<Sealed<Secret>>, Failure> {
        if !rehash {
            return Ok(None);
        }
        let hash = self.hasher.hash(turn, password, &self.deps.world).await?;
        self.seal_password(user, &hash).await.map(Some)
    }

    /// A hash as the database keeps it: sealed under the person's own key.
    pub(super) async fn seal_password(&self, user: &UserId, hash: &Secret) -> Result<Sealed<Secret>, Failure> {
        let key = self.deps.keystore.get(&KeyRef::user(user)).await?;
        Ok(Sealed::seal(&self.deps.world, &key, user_place("password_hash", user.as_str()), hash))
    }

    async fn try_sign_in(&self, sign_in: SignIn, client: Client) -> Result<SignedIn, Failure> {
        let SignIn { email, password, remember } = sign_in;
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        self.addresses.admit(client.address, world.now())?;
        let user = match validate::email(email.expose()) {
            Ok(email) => users::by_email(&mut db.read().await?, &keystore, &Pii::new(email)).await?,
            Err(_) => None,
        };
        let checked = self.check(user.as_ref(), password.clone()).await?;
        let (Some(user), Checked::Right { turn, stored, rehash }) = (user, checked) else {
            return Err(Code::SignInFailed.into());
        };
        let renewed = self.renewed(&user.id, turn, rehash, password).await?;
        let kind = if remember { session::Kind::Remembered } else { session::Kind::Browser };
        let trace = Trace::of(&world, &keys, &keystore, (&user.id, user.language), &client).await?;
        write_tx!(db, tx => {
            if !users::settle(tx, &user.id, &stored, renewed.as_ref()).await? {
                return Err(Code::SignInFailed.into());
            }
            let organisation = memberships::first(tx, &user.id).await?.map(|(organisation, _)| organisation);
            let opening = Opening {
                user: &user.id,
                organisation: organisation.as_ref(),
                kind,
                method: Method::Password,
                trace: &trace,
            };
            let (admitted, id) = admit(tx, &world, &keys, opening).await?;
            if let Some(id) = id {
                let entry = Entry::new("identity.sign_in").object(id.as_str()).request(client.request);
                record(tx, &world, None, &Doer::User(user.id), entry).await?;
            }
            Ok(admitted)
        })
    }

    async fn try_sign_out(&self, actor: &Actor) -> Result<(), Failure> {
        let (_, session) = signed_in(actor)?;
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        write_tx!(self.deps.db, tx => {
            if sessions::delete(tx, &session).await? {
                record(tx, &world, None, &doer, Entry::new("identity.sign_out").object(session.as_str())).await?;
            }
            Ok(())
        })
    }

    async fn try_me(&self, actor: &Actor) -> Result<Me, Failure> {
        let (id, _) = signed_in(actor)?;
        let mut conn = self.deps.db.read().await?;
        let User { id, email, name, language, password: _, disabled: _ } =
            users::by_id(&mut conn, &self.deps.keystore, &id).await?.ok_or(Failure::NotFound)?;
        let organisations = memberships::of_user(&mut conn, &id).await?;
        let current = organisations.iter().find(|mine| Some(&mine.id) == actor.organisation()).cloned();
        let passkey = passkeys::count(&mut conn, &id).await? > 0;
        let two_factor = passkey || factors::has_totp(&mut conn, &id).await?;
        Ok(Me {
            user: Some(id),
            name: name.disclose(Purpose::OwnData),
            email: email.disclose(Purpose::OwnData),
            language,
            current,
            organisations,
            factor_needed: actor.lacks_factor() && !two_factor,
            own_sign_in_needed: actor.lacks_own_sign_in(),
            two_factor,
            support: None,
            passkey,
        })
    }

    async fn try_update_profile(&self, actor: &Actor, name: Pii<String>, language: Language) -> Result<(), Failure> {
        let (id, _) = signed_in(actor)?;
        let name = Pii::new(name.expose().trim().to_owned());
        validate::name(name.expose()).map_err(|code| AppError::field("name", code))?;
        let Deps { db, world, keystore, .. } = self.deps.clone();
        let doer = Doer::from(actor);
        let key = keystore.get(&KeyRef::user(&id)).await?;
        let sealed = Sealed::seal(&world, &key, user_place("name", id.as_str()), &name);
        write_tx!(db, tx => {
            let user = users::by_id(tx, &keystore, &id).await?.ok_or(Failure::NotFound)?;
            let changed = [("name", user.name != name), ("language", user.language != language)];
            let changed = changed.into_iter().filter_map(|(field, changed)| changed.then_some(field)).collect();
            users::set_profile(tx, &id, &sealed, language).await?;
            let entry = Entry::new("identity.update_profile").object(id.as_str()).fields(changed);
            record(tx, &world, None, &doer, entry).await
        })
    }

    async fn try_switch(&self, actor: &Actor, organisation: &OrganisationId) -> Result<(), Failure> {
        let (user, session) = signed_in(actor)?;
        let (world, doer, organisation) = (self.deps.world.clone(), Doer::from(actor), organisation.clone());
        write_tx!(self.deps.db, tx => {
            memberships::role(tx, &organisation, &user).await?.ok_or(Failure::NotFound)?;
            // Whoever runs the provider of one organisation could otherwise act in every other.
            if provided::stays_in(tx, &session).await?.is_some_and(|only| only != organisation) {
                return Err(Code::OwnSignInNeeded.into());
            }
            memberships::seen(tx, &organisation, &user, world.now()).await?;
            if !sessions::set_organisation(tx, &session, &organisation).await? {
                return Err(Code::SignInNeeded.into());
            }
            let entry = Entry::new("identity.switch_organisation").object(organisation.as_str());
            record(tx, &world, Some(&organisation), &doer, entry).await
        })
    }
}

/// Signs somebody in whose password was right, or has them show their second factor. Gives the session's id if there is
/// one by now.
pub(super) async fn admit(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    opening: Opening<'_>,
) -> Result<(SignedIn, Option<SessionId>), Failure> {
    if factors::is_active(tx, opening.user).await? {
        let organisation = opening.organisation.cloned();
        let (_, pending) = session::open_pending(tx, world, keys, opening.user, organisation, opening.kind).await?;
        return Ok((SignedIn::Factor(pending), None));
    }
    let (id, session) = session::open(tx, world, keys, opening).await?;
    Ok((SignedIn::Session(session), Some(id)))
}

/// The person behind a session; devices and tokens have no account of their own.
pub(super) fn signed_in(actor: &Actor) -> Result<(UserId, SessionId), Failure> {
    match actor.credential() {
        Credential::Session { user, session } => Ok((user.clone(), session.clone())),
        Credential::Token { .. } | Credential::Device { .. } | Credential::Support { .. } => {
            Err(Code::Forbidden.into())
        }
    }
}

#[async_trait]
impl Accounts for AccountsService {
    async fn sign_in(&self, sign_in: SignIn, client: Client) -> Result<SignedIn, AppError> {
        self.try_sign_in(sign_in, client).await.map_err(AppError::from)
    }

    async fn session(&self, cookie: &str) -> Result<Option<Actor>, AppError> {
        let Deps { db, world, keys, .. } = &self.deps;
        session::resolve(db, world, keys, cookie).await.map_err(AppError::from)
    }

    async fn bearer(&self, secret: &str) -> Result<Option<Actor>, AppError> {
        let Deps { db, world, keys, .. } = &self.deps;
        bearer::resolve(db, world, keys, secret).await.map_err(AppError::from)
    }

    async fn sign_out(&self, actor: &Actor) -> Result<(), AppError> {
        self.try_sign_out(actor).await.map_err(AppError::from)
    }

    async fn request_reset(&self, email: Pii<String>, language: Language, client: Client) -> Result<(), AppError> {
        self.try_request_reset(email, language, client).await.map_err(AppError::from)
    }

    async fn check_reset(&self, token: &str) -> Result<(), AppError> {
        self.try_check_reset(token).await.map_err(AppError::from)
    }

    async fn reset_password(&self, token: &str, password: Secret, client: Client) -> Result<(), AppError> {
        self.try_reset_password(token, password, client).await.map_err(AppError::from)
    }

    async fn invitation(&self, token: &str) -> Result<InvitationView, AppError> {
        self.try_invitation(token).await.map_err(AppError::from)
    }

    async fn accept_invitation(
        &self,
        token: &str,
        accept: AcceptInvitation,
        client: Client,
    ) -> Result<SignedIn, AppError> {
        self.try_accept(token, accept, client).await.map_err(AppError::from)
    }

    async fn me(&self, actor: &Actor) -> Result<Me, AppError> {
        self.try_me(actor).await.map_err(AppError::from)
    }

    async fn ways_in(&self, actor: &Actor) -> Result<Vec<WayIn>, AppError> {
        self.try_ways_in(actor).await.map_err(AppError::from)
    }

    async fn update_profile(&self, actor: &Actor, name: Pii<String>, language: Language) -> Result<(), AppError> {
        self.try_update_profile(actor, name, language).await.map_err(AppError::from)
    }

    async fn change_password(&self, actor: &Actor, current: Secret, new: Secret) -> Result<NewSession, AppError> {
        self.try_change_password(actor, current, new).await.map_err(AppError::from)
    }

    async fn switch_organisation(&self, actor: &Actor, organisation: &OrganisationId) -> Result<(), AppError> {
        self.try_switch(actor, organisation).await.map_err(AppError::from)
    }
}
