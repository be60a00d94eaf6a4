//! The second factor: adding and removing it, showing it at sign-in, and proving once more who one is.
//!
//! Each try is counted before it is compared, in the transaction that uses a right code up: of two tries at the same time
//! with one code, one wins, on both databases.

use shutterpost_model::access::Actor;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{RequestId, SessionId, UserId};
use shutterpost_model::identity::security::{Activity, Method, TotpSetup};
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::{DAY, Millis};
use shutterpost_vault::data_key::DataKey;
use shutterpost_vault::keys::Keys;

use super::accounts::{AccountsService, Checked, signed_in};
use super::provided;
use crate::audit::record::{Doer, Entry, record};
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::identity::factors::{self as codes, Shown};
use crate::identity::queries::factors::{Pending, TotpFactor};
use crate::identity::queries::passkeys as rows;
use crate::identity::queries::{factors, memberships, sessions, sign_ins, users};
use crate::identity::rows::{User, totp_place};
use crate::identity::session::{self, Kind, Opening};
use crate::identity::trace::{self, Trace};
use crate::keystore::{KeyRef, Sealed};
use crate::services::Deps;

/// A secret that was begun and not confirmed is offered for so long (milliseconds).
const SETUP_GOOD: i64 = 15 * 60_000;
/// After so many wrong codes in a row the person is told by mail, once a day: whoever gets this far knows the password.
const SUSPICIOUS: i32 = 10;

/// The factor of a user, sealed as stored and open.
pub(super) struct Factor {
    stored: Sealed<Secret>,
    open: Secret,
}

fn wrong(field: &'static str) -> Failure {
    AppError::field(field, Code::WrongCode).into()
}

/// Makes a session of a sign-in that waited, for whoever has just proved a second factor.
pub(super) async fn finish_pending(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    pending: &Pending,
    (method, trace): (Method, &Trace),
    request: Option<RequestId>,
) -> Result<NewSession, Failure> {
    let waited = provided::waiting(tx, &pending.id).await?;
    let method = if waited.is_some() { method.after_provider() } else { method };
    if !factors::end_pending(tx, &pending.id).await? {
        return Err(Code::SignInNeeded.into());
    }
    let kind = if pending.persistent { Kind::Remembered } else { Kind::Browser };
    let opening = Opening { user: &pending.user, organisation: pending.organisation.as_ref(), kind, method, trace };
    let (id, session) = session::open(tx, world, keys, opening).await?;
    if let Some(waited) = &waited {
        provided::pass_on(tx, world, trace, waited, &pending.id, &id).await?;
    }
    let entry = Entry::new("identity.sign_in").object(id.as_str()).request(request);
    record(tx, world, None, &Doer::User(pending.user.clone()), entry).await?;
    Ok(session)
}

impl AccountsService {
    pub(super) async fn user(&self, id: &UserId) -> Result<User, Failure> {
        let mut conn = self.deps.db.read().await?;
        users::by_id(&mut conn, &self.deps.keystore, id).await?.ok_or(Failure::NotFound)
    }

    async fn open_totp(&self, user: &UserId, factor: &TotpFactor) -> Result<Factor, Failure> {
        let key = self.deps.keystore.get(&KeyRef::user(user)).await?;
        Ok(Factor { stored: factor.secret.clone(), open: factor.secret.open(&key, totp_place(user.as_str()))? })
    }

    /// The factor in use, if there is one.
    pub(super) async fn active(&self, user: &UserId) -> Result<Option<Factor>, Failure> {
        let found = factors::totp(&mut self.deps.db.read().await?, user).await?;
        match found.filter(|factor| factor.confirmed_at.is_some()) {
            Some(factor) => self.open_totp(user, &factor).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn try_awaits_factor(&self, cookie: &str) -> Result<bool, Failure> {
        let Deps { db, world, keys, .. } = &self.deps;
        Ok(session::pending(db, world, keys, cookie).await?.is_some())
    }

    pub(super) async fn try_present_factor(
        &self,
        cookie: &str,
        code: Secret,
        client: Client,
    ) -> Result<NewSession, Failure> {
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        self.addresses.admit(client.address, world.now())?;
        let pending = session::pending(&db, &world, &keys, cookie).await?.ok_or(Code::SignInNeeded)?;
        let user = self.user(&pending.user).await?;
        // With passkeys alone there are recovery codes and no others.
        let factor = self.active(&user.id).await?;
        let trace = Trace::of(&world, &keys, &keystore, (&user.id, user.language), &client).await?;
        write_tx!(db, tx => {
            let left = factors::try_pending(tx, &pending.id).await?.ok_or(Code::SignInNeeded)?;
            let Some(method) = prove(tx, &world, &keys, &user, factor.as_ref(), &code).await? else {
                trace.note(tx, &world, &user.id, Method::PasswordAndCode, false).await?;
                // Kept, not rolled back: the count of the try.
                return Ok(Err(if left == 0 { Code::SignInNeeded.into() } else { wrong("code") }));
            };
            finish_pending(tx, &world, &keys, &pending, (method, &trace), client.request).await.map(Ok)
        })?
    }

    pub(super) async fn try_begin_totp(&self, actor: &Actor) -> Result<(), Failure> {
        let (user, _) = signed_in(actor)?;
        let Deps { db, world, keystore, .. } = self.deps.clone();
        self.confirmed(actor)?;
        let key = keystore.get(&KeyRef::user(&user)).await?;
        let secret = Sealed::seal(&world, &key, totp_place(user.as_str()), &codes::new_secret(&world));
        let begun = write_tx!(db, tx => factors::begin_totp(tx, &user, &secret, world.now()).await)?;
        if begun { Ok(()) } else { Err(Code::Conflict.into()) }
    }

    pub(super) fn confirmed(&self, actor: &Actor) -> Result<(), Failure> {
        if actor.is_confirmed(self.deps.world.now()) { Ok(()) } else { Err(Code::ConfirmNeeded.into()) }
    }

    /// The secret that waits for its first code.
    async fn waiting(&self, user: &UserId) -> Result<Option<Factor>, Failure> {
        let found = factors::totp(&mut self.deps.db.read().await?, user).await?;
        let now = self.deps.world.now();
        let fresh = |factor: &TotpFactor| factor.confirmed_at.is_none() && now < factor.created_at.plus(SETUP_GOOD);
        match found.filter(fresh) {
            Some(factor) => self.open_totp(user, &factor).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn try_totp_setup(&self, actor: &Actor) -> Result<Option<TotpSetup>, Failure> {
        let (user, _) = signed_in(actor)?;
        let Some(factor) = self.waiting(&user).await? else { return Ok(None) };
        codes::setup(factor.open, &self.user(&user).await?.email).map(Some)
    }

    pub(super) async fn try_confirm_totp(
        &self,
        actor: &Actor,
        code: Secret,
    ) -> Result<(NewSession, Vec<Secret>), Failure> {
        let (user, own) = signed_in(actor)?;
        let Deps { db, world, keys, .. } = self.deps.clone();
        self.confirmed(actor)?;
        let factor = self.waiting(&user).await?.ok_or(Code::LinkExpired)?;
        let user = self.user(&user).await?;
        let key = self.deps.keystore.get(&KeyRef::user(&user.id)).await?;
        let doer = Doer::from(actor);
        let now = world.now();
        let step = match Shown::read(&code) {
            Some(Shown::Code(code)) => codes::step_of(&factor.open, &code, now)?,
            _ => None,
        };
        let step = step.ok_or_else(|| wrong("code"))?;
        write_tx!(db, tx => {
            if !factors::confirm_totp(tx, &user.id, &factor.stored, step, now).await? {
                return Err(Code::Conflict.into());
            }
            // The first factor brings them, whichever it is.
            let shown = match rows::count(tx, &user.id).await? {
                0 => renew_recovery(tx, &world, &keys, &user.id).await?,
                _ => Vec::new(),
            };
            let session = self_only(tx, &world, &keys, &key, (&user.id, &own)).await?;
            trace::tell(tx, &world, (&user.id, user.language), Activity::FactorAdded, None).await?;
            record(tx, &world, None, &doer, Entry::new("identity.add_factor").object(user.id.as_str())).await?;
            Ok((session, shown))
        })
    }

    pub(super) async fn try_remove_totp(
        &self,
        actor: &Actor,
        password: Secret,
        code: Secret,
    ) -> Result<NewSession, Failure> {
        let (user, own) = signed_in(actor)?;
        let Deps { db, world, keys, .. } = self.deps.clone();
        let user = self.user(&user).await?;
        let factor = self.active(&user.id).await?.ok_or(Failure::NotFound)?;
        let Checked::Right { turn, stored, rehash: _ } = self.check(Some(&user), password).await? else {
            return Err(AppError::field("password", Code::WrongPassword).into());
        };
        drop(turn);
        let key = self.deps.keystore.get(&KeyRef::user(&user.id)).await?;
        let doer = Doer::from(actor);
        write_tx!(db, tx => {
            if !users::settle(tx, &user.id, &stored, None).await? {
                return Err(AppError::field("password", Code::WrongPassword).into());
            }
            if prove(tx, &world, &keys, &user, Some(&factor), &code).await?.is_none() {
                return Ok(Err(wrong("code")));
            }
            factors::remove_totp(tx, &user.id).await?;
            if !factors::is_active(tx, &user.id).await? {
                // Said to those alone who proved who they are.
                if memberships::needs_factor(tx, &user.id).await? {
                    return Err(Code::FactorKept.into());
                }
                factors::delete_recovery(tx, &user.id).await?;
            }
            let session = self_only(tx, &world, &keys, &key, (&user.id, &own)).await?;
            trace::tell(tx, &world, (&user.id, user.language), Activity::FactorRemoved, None).await?;
            record(tx, &world, None, &doer, Entry::new("identity.remove_factor").object(user.id.as_str())).await?;
            Ok(Ok(session))
        })?
    }

    pub(super) async fn try_renew_recovery(&self, actor: &Actor) -> Result<Vec<Secret>, Failure> {
        let (user, _) = signed_in(actor)?;
        let Deps { db, world, keys, .. } = self.deps.clone();
        self.confirmed(actor)?;
        let user = self.user(&user).await?;
        let doer = Doer::from(actor);
        write_tx!(db, tx => {
            if !factors::is_active(tx, &user.id).await? {
                return Err(Failure::NotFound);
            }
            let shown = renew_recovery(tx, &world, &keys, &user.id).await?;
            trace::tell(tx, &world, (&user.id, user.language), Activity::RecoveryRenewed, None).await?;
            record(tx, &world, None, &doer, Entry::new("identity.renew_recovery").object(user.id.as_str())).await?;
            Ok(shown)
        })
    }

    pub(super) async fn try_confirm(&self, actor: &Actor, proof: Secret) -> Result<(NewSession, Actor), Failure> {
        let (user, own) = signed_in(actor)?;
        let Deps { db, world, keys, .. } = self.deps.clone();
        let user = self.user(&user).await?;
        let key = self.deps.keystore.get(&KeyRef::user(&user.id)).await?;
        let doer = Doer::from(actor);
        let entry = Entry::new("identity.confirm").object(own.as_str());
        let factor = self.active(&user.id).await?;
        let two_factor = factors::is_active(&mut db.read().await?, &user.id).await?;
        let (session, renewed) = match two_factor {
            true => write_tx!(db, tx => {
                if prove(tx, &world, &keys, &user, factor.as_ref(), &proof).await?.is_none() {
                    return Ok(Err(wrong("proof")));
                }
                let renewed = session::renew(tx, &world, &keys, &key, &own).await?;
                record(tx, &world, None, &doer, entry).await?;
                Ok(Ok(renewed))
            })??,
            false => {
                let Checked::Right { turn, stored, rehash: _ } = self.check(Some(&user), proof).await? else {
                    return Err(AppError::field("proof", Code::WrongPassword).into());
                };
                drop(turn);
                write_tx!(db, tx => {
                    if !users::settle(tx, &user.id, &stored, None).await? {
                        return Err(AppError::field("proof", Code::WrongPassword).into());
                    }
                    let renewed = session::renew(tx, &world, &keys, &key, &own).await?;
                    record(tx, &world, None, &doer, entry).await?;
                    Ok(renewed)
                })?
            }
        };
        Ok((renewed, actor.clone().renewed(session).confirmed(self.deps.world.now())))
    }
}

/// Compares what was shown with the factor in use, and uses it up. `None` if it is wrong, was used before, or comes too
/// soon after many wrong ones: the answer does not tell which.
pub(super) async fn prove(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    user: &User,
    factor: Option<&Factor>,
    shown: &Secret,
) -> Result<Option<Method>, Failure> {
    let now: Millis = world.now();
    // Without an app there are recovery codes alone, of 80 random bits: nobody guesses those, at whatever speed.
    if factor.is_some() {
        let Some(failures) = factors::count_try(tx, &user.id, now).await? else { return Ok(None) };
        let day = now.plus(-DAY);
        if failures >= SUSPICIOUS && sign_ins::told_since(tx, &user.id, Activity::CodesGuessed, day).await? == 0 {
            trace::tell(tx, world, (&user.id, user.language), Activity::CodesGuessed, None).await?;
        }
    }
    match Shown::read(shown) {
        Some(Shown::Code(code)) => {
            let Some(factor) = factor else { return Ok(None) };
            let Some(step) = codes::step_of(&factor.open, &code, now)? else { return Ok(None) };
            let used = factors::use_step(tx, &user.id, &factor.stored, step).await?;
            Ok(used.then_some(Method::PasswordAndCode))
        }
        Some(Shown::Recovery(code)) => {
            let hash = code.hash(keys, user.id.as_str());
            if !factors::use_recovery(tx, &user.id, code.selector(), &hash).await? {
                return Ok(None);
            }
            trace::tell(tx, world, (&user.id, user.language), Activity::RecoveryUsed, None).await?;
            let entry = Entry::new("identity.use_recovery").object(user.id.as_str());
            record(tx, world, None, &Doer::User(user.id.clone()), entry).await?;
            Ok(Some(Method::PasswordAndRecovery))
        }
        None => Ok(None),
    }
}

/// A new set of recovery codes in the place of the old one, as shown once.
pub(super) async fn renew_recovery(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    user: &UserId,
) -> Result<Vec<Secret>, Failure> {
    let (made, shown) = codes::recovery_codes(world);
    let hashed: Vec<_> = made.iter().map(|code| (code, code.hash(keys, user.as_str()))).collect();
    factors::replace_recovery(tx, user, &hashed, world.now()).await?;
    Ok(shown)
}

/// Ends every other session and sign-in of the person, and gives this one a new cookie.
pub(super) async fn self_only(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    key: &DataKey,
    (user, own): (&UserId, &SessionId),
) -> Result<NewSession, Failure> {
    let (own, session) = session::renew(tx, world, keys, key, own).await?;
    sessions::delete_of_user(tx, user, Some(&own)).await?;
    factors::end_pending_of(tx, user).await?;
    Ok(session)
}
