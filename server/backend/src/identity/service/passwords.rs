//! Changing a password, by the old one or by a link sent by mail.

use std::time::Duration;

use shutterpost_model::access::Actor;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{ResetId, UserId};
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::language::Language;
use shutterpost_model::messages::Template;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::validate;
use shutterpost_vault::token::OneTimeToken;

use super::accounts::{AccountsService, Checked, signed_in};
use crate::audit::record::{Doer, Entry, record};
use crate::context::World;
use crate::db::{Conn, Tx, write_tx};
use crate::error::Failure;
use crate::identity::one_time as tokens;
use crate::identity::queries::{factors, memberships, one_time, sessions, users};
use crate::identity::rows::User;
use crate::identity::session;
use crate::jobs::outbox::{self, NewMessage};
use crate::keystore::{KeyRef, Sealed};
use crate::services::Deps;

const MINUTE: i64 = 60_000;
/// A reset link is good for so long.
const RESET_GOOD: i64 = 30 * MINUTE;
/// No more reset mails to one account than these in an hour, whoever asks.
const RESETS_AN_HOUR: i64 = 3;
/// The answer to a request for a reset takes at least this long, so that the few statements by which accounts differ
/// from unknown addresses do not show.
const ANSWER_AFTER: Duration = Duration::from_millis(100);

impl AccountsService {
    pub(super) async fn try_request_reset(
        &self,
        email: Pii<String>,
        language: Language,
        client: Client,
    ) -> Result<(), Failure> {
        let answer_at = tokio::time::Instant::now() + ANSWER_AFTER;
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        self.addresses.admit(client.address, world.now())?;
        let email = validate::email(email.expose()).map_err(|code| AppError::field("email", code))?;
        let email = Pii::new(email);
        let now = world.now();
        let outcome = write_tx!(db, tx => {
            let user = users::by_email(tx, &keystore, &email).await?.filter(|user| !user.disabled);
            let mut entry = Entry::new("identity.request_reset").request(client.request);
            if let Some(user) = user {
                if one_time::resets_since(tx, &user.id, now.plus(-60 * MINUTE)).await? < RESETS_AN_HOUR {
                    let reset = world.id(ResetId::new);
                    let hash = tokens::reset_hash(&keys, &tokens::reset_token(&keys, &reset));
                    one_time::insert_reset(tx, &reset, &user.id, &hash, now, now.plus(RESET_GOOD)).await?;
                    let message = NewMessage::new(Template::Reset, language).user(user.id.clone()).reset(reset);
                    outbox::enqueue(tx, &world, message).await?;
                }
                entry = entry.object(user.id.as_str());
            }
            // Whoever asks has proved nothing, so no user is named as the one who did it.
            record(tx, &world, None, &Doer::System, entry).await
        });
        tokio::time::sleep_until(answer_at).await;
        outcome
    }

    pub(super) async fn try_check_reset(&self, token: &str) -> Result<(), Failure> {
        self.open_reset(token).await.map(|_| ())
    }

    async fn open_reset(&self, token: &str) -> Result<(ResetId, UserId), Failure> {
        let token = OneTimeToken::parse(token).ok_or(Code::LinkExpired)?;
        let hash = tokens::reset_hash(&self.deps.keys, &token);
        let now = self.deps.world.now();
        let open = one_time::open_reset(&mut self.deps.db.read().await?, &hash, now).await?;
        open.ok_or_else(|| Code::LinkExpired.into())
    }

    pub(super) async fn try_reset_password(
        &self,
        token: &str,
        password: Secret,
        client: Client,
    ) -> Result<(), Failure> {
        let Deps { db, world, .. } = self.deps.clone();
        self.addresses.admit(client.address, world.now())?;
        let (reset, user) = self.open_reset(token).await?;
        let user = users::by_id(&mut db.read().await?, &self.deps.keystore, &user).await?.ok_or(Code::LinkExpired)?;
        let personal = self.personal(&mut db.read().await?, &user).await?;
        let hash = self.new_hash("password", password, personal).await?;
        let hash = self.seal_password(&user.id, &hash).await?;
        write_tx!(db, tx => {
            if !one_time::use_reset(tx, &reset, world.now()).await? {
                return Err(Code::LinkExpired.into());
            }
            sessions::delete_of_user(tx, &user.id, None).await?;
            set_password(tx, &world, &user, &hash).await?;
            let entry = Entry::new("identity.reset_password").object(user.id.as_str()).request(client.request);
            record(tx, &world, None, &Doer::User(user.id), entry).await
        })
    }

    pub(super) async fn try_change_password(
        &self,
        actor: &Actor,
        current: Secret,
        new: Secret,
    ) -> Result<NewSession, Failure> {
        let (id, old) = signed_in(actor)?;
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        let user = users::by_id(&mut db.read().await?, &self.deps.keystore, &id).await?.ok_or(Failure::NotFound)?;
        let Checked::Right { turn, stored, rehash: _ } = self.check(Some(&user), current).await? else {
            return Err(AppError::field("current", Code::WrongPassword).into());
        };
        // Given back: judging and hashing the new password queue up by themselves.
        drop(turn);
        let personal = self.personal(&mut db.read().await?, &user).await?;
        let judged = match self.new_hash("new", new, personal).await {
            Ok(hash) => Ok(self.seal_password(&id, &hash).await?),
            Err(failure) => Err(failure),
        };
        let doer = Doer::from(actor);
        let key = keystore.get(&KeyRef::user(&id)).await?;
        write_tx!(db, tx => {
            if !users::settle(tx, &id, &stored, None).await? {
                return Err(AppError::field("current", Code::WrongPassword).into());
            }
            // Only now: the current password was right, so its attempt does not count even if the new one is refused.
            let hash = match judged {
                Ok(hash) => hash,
                Err(failure) => return Ok(Err(failure)),
            };
            let (renewed, session) = session::renew(tx, &world, &keys, &key, &old).await?;
            sessions::delete_of_user(tx, &id, Some(&renewed)).await?;
            set_password(tx, &world, &user, &hash).await?;
            record(tx, &world, None, &doer, Entry::new("identity.change_password").object(id.as_str())).await?;
            Ok(Ok(session))
        })?
    }

    /// Judges a new password and hashes it; what is wrong with it is told under the name of its field.
    async fn new_hash(&self, field: &'static str, password: Secret, personal: Vec<String>) -> Result<Secret, Failure> {
        let turn = self.hasher.turn().await?;
        match self.hasher.judge(turn, password.clone(), personal).await? {
            (_, Some(code)) => Err(AppError::field(field, code).into()),
            (turn, None) => self.hasher.hash(turn, password, &self.deps.world).await,
        }
    }

    /// The words that a password of this person must not be made of.
    async fn personal(&self, conn: &mut Conn, user: &User) -> Result<Vec<String>, Failure> {
        let organisations = memberships::of_user(conn, &user.id).await?;
        let own = [user.name.expose().clone(), user.email.expose().clone()];
        Ok(own.into_iter().chain(organisations.into_iter().map(|organisation| organisation.name)).collect())
    }

    /// The hash of the first password of somebody who has no account yet.
    pub(crate) async fn hash_of_newcomer(
        &self,
        name: &Pii<String>,
        email: &Pii<String>,
        organisation: &str,
        password: Secret,
    ) -> Result<Secret, Failure> {
        let personal = vec![name.expose().clone(), email.expose().clone(), organisation.to_owned()];
        self.new_hash("password", password, personal).await
    }
}

/// Stores a new password, makes open reset links worthless and tells the person by mail.
async fn set_password(tx: &mut Tx, world: &World, user: &User, hash: &Sealed<Secret>) -> Result<(), Failure> {
    users::set_password(tx, &user.id, hash).await?;
    factors::end_pending_of(tx, &user.id).await?;
    one_time::use_resets_of(tx, &user.id, world.now()).await?;
    let message = NewMessage::new(Template::PasswordChanged, user.language).user(user.id.clone());
    outbox::enqueue(tx, world, message).await?;
    Ok(())
}
