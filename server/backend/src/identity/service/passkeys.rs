//! Passkeys: adding and taking away, and showing one in the place of a code or of the password as well.
//!
//! A question is taken out of its table in the transaction that uses its answer: right or wrong, it is answered once.

use async_trait::async_trait;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use shutterpost_model::access::Actor;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{PasskeyId, UserId};
use shutterpost_model::identity::passkeys::{
    CEREMONY_GOOD, NewCeremony, Offered, PasskeyAnswer, PasskeyView, Passkeys,
};
use shutterpost_model::identity::security::{Activity, Method};
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::validate;
use shutterpost_vault::data_key::DataKey;
use shutterpost_vault::keys::Keys;

use super::accounts::{AccountsService, signed_in};
use super::factors::{finish_pending, renew_recovery, self_only};
use crate::audit::record::{Doer, Entry, record};
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::identity::passkeys::{self, Asserted, Begun, Credential, Handle, Refusal, Registered, Site};
use crate::identity::queries::passkeys as rows;
use crate::identity::queries::passkeys::Ceremony;
use crate::identity::queries::{factors, memberships};
use crate::identity::rows::User;
use crate::identity::rows::passkeys::{NewPasskeyRow, ceremony_place, passkey_place};
use crate::identity::session::{self, Kind, Opening};
use crate::identity::trace::{self, Trace};
use crate::keystore::{KeyRef, Sealed};
use crate::services::Deps;

const BROWSER_BYTES: usize = 32;

/// For what a passkey is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Add,
    Present,
    Confirm,
    SignIn,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "register",
            Self::Present => "factor",
            Self::Confirm => "confirm",
            Self::SignIn => "sign_in",
        }
    }
}

fn refused() -> Failure {
    Code::PasskeyRefused.into()
}

fn name(name: &Pii<String>) -> Result<Pii<String>, Failure> {
    let name = Pii::new(name.expose().trim().to_owned());
    validate::name(name.expose()).map_err(|code| AppError::field("name", code))?;
    Ok(name)
}

/// The question that is answered, by its hashes.
fn answered<'a>(
    keys: &Keys,
    purpose: Purpose,
    user: Option<&'a UserId>,
    challenge: Option<[u8; 16]>,
    browser: Option<&Secret>,
) -> Option<Ceremony<'a>> {
    let browser = BASE64URL_NOPAD.decode(browser?.expose().as_bytes()).ok()?;
    Some(Ceremony {
        challenge: keys.lookup("ceremony", &challenge?),
        browser: keys.lookup("ceremony.browser", &browser),
        purpose: purpose.as_str(),
        user,
    })
}

/// Takes the question out of its table; what its answer must be.
async fn take(tx: &mut Tx, world: &World, keys: &Keys, question: &Ceremony<'_>) -> Result<Option<Secret>, Failure> {
    let Some(state) = rows::take_ceremony(tx, question, world.now()).await? else { return Ok(None) };
    state.open(&keys.ceremony_key(), ceremony_place(&HEXLOWER.encode(&question.challenge))).map(Some)
}

impl AccountsService {
    fn site(&self) -> Result<Site, Failure> {
        Site::of(&self.deps.origin).ok_or_else(refused)
    }

    async fn own_passkeys(&self, user: &UserId) -> Result<Vec<Credential>, Failure> {
        let Deps { db, keystore, .. } = &self.deps;
        let key = keystore.get(&KeyRef::user(user)).await?;
        let found = rows::of_user(&mut db.read().await?, user).await?;
        found.iter().map(|row| row.open(&key)).collect()
    }

    /// Keeps a question until it is answered, for the browser with this cookie or a new one.
    async fn keep(
        &self,
        purpose: Purpose,
        user: Option<&UserId>,
        begun: Begun,
        browser: Option<&Secret>,
    ) -> Result<NewCeremony, Failure> {
        let Deps { db, world, keys, .. } = self.deps.clone();
        let Begun { challenge, state, options } = begun;
        let brought = browser.and_then(|cookie| {
            let bytes = BASE64URL_NOPAD.decode(cookie.expose().as_bytes()).ok()?;
            <[u8; BROWSER_BYTES]>::try_from(bytes.as_slice()).ok()
        });
        let browser = Secret::new(BASE64URL_NOPAD.encode(&brought.unwrap_or_else(|| world.bytes())));
        let user = user.cloned();
        let answer = browser.clone();
        write_tx!(db, tx => {
            let question = answered(&keys, purpose, user.as_ref(), Some(challenge), Some(&answer)).ok_or_else(refused)?;
            let row = HEXLOWER.encode(&question.challenge);
            let state = Sealed::seal(&world, &keys.ceremony_key(), ceremony_place(&row), &state);
            rows::insert_ceremony(tx, &question, &state, world.now().plus(CEREMONY_GOOD)).await
        })?;
        Ok(NewCeremony { options, browser, max_age: CEREMONY_GOOD / 1000 })
    }

    async fn try_list(&self, actor: &Actor) -> Result<Vec<PasskeyView>, Failure> {
        let (user, _) = signed_in(actor)?;
        let Deps { db, keystore, .. } = &self.deps;
        let key = keystore.get(&KeyRef::user(&user)).await?;
        let found = rows::of_user(&mut db.read().await?, &user).await?;
        found.into_iter().map(|row| row.listed(&key)).collect()
    }

    async fn try_begin_add(&self, actor: &Actor, browser: Option<&Secret>) -> Result<NewCeremony, Failure> {
        let (user, _) = signed_in(actor)?;
        self.confirmed(actor)?;
        let known = self.own_passkeys(&user).await?;
        let handle = match known.first() {
            Some(passkey) => passkey.handle()?,
            None => Handle::new(&self.deps.world),
        };
        let User { name, email, .. } = self.user(&user).await?;
        let begun = passkeys::ask_new(&self.site()?, handle, (&name, &email), &known)?;
        self.keep(Purpose::Add, Some(&user), begun, browser).await
    }

    async fn try_add(
        &self,
        actor: &Actor,
        label: Pii<String>,
        answer: PasskeyAnswer,
    ) -> Result<(NewSession, Vec<Secret>), Failure> {
        let (user, own) = signed_in(actor)?;
        self.confirmed(actor)?;
        let label = name(&label)?;
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        let site = self.site()?;
        let PasskeyAnswer { credential, browser } = answer;
        let registered = Registered::read(&credential).ok_or_else(refused)?;
        let user = self.user(&user).await?;
        let key = keystore.get(&KeyRef::user(&user.id)).await?;
        let doer = Doer::from(actor);
        write_tx!(db, tx => {
            let question = answered(&keys, Purpose::Add, Some(&user.id), registered.challenge(), browser.as_ref());
            let Some(state) = take(tx, &world, &keys, &question.ok_or_else(refused)?).await? else {
                return Err(refused());
            };
            let credential = match registered.verify(&site, &state) {
                Ok(credential) => credential,
                Err(Refusal::Failed(failure)) => return Err(failure),
                Err(refusal) => {
                    tracing::info!(?refusal, "a new passkey was refused");
                    // Kept, not rolled back: that the question was answered.
                    return Ok(Err(refused()));
                }
            };
            let first = !factors::is_active(tx, &user.id).await?;
            let id = world.id(PasskeyId::new);
            let row = NewPasskeyRow {
                id: id.as_str(),
                user_id: user.id.as_str(),
                credential_hash: &credential_hash(&keys, &credential.id()?),
                credential: Sealed::seal(&world, &key, passkey_place("credential", id.as_str()), &credential.write()?),
                name: Sealed::seal(&world, &key, passkey_place("name", id.as_str()), &label),
                verifies: credential.verifies()?,
                created_at: world.now().0,
            };
            if !rows::insert(tx, &row).await? {
                return Ok(Err(refused()));
            }
            let recovery = if first { renew_recovery(tx, &world, &keys, &user.id).await? } else { Vec::new() };
            let session = self_only(tx, &world, &keys, &key, (&user.id, &own)).await?;
            trace::tell(tx, &world, (&user.id, user.language), Activity::PasskeyAdded, None).await?;
            record(tx, &world, None, &doer, Entry::new("identity.add_passkey").object(id.as_str())).await?;
            Ok(Ok((session, recovery)))
        })?
    }

    async fn try_rename(&self, actor: &Actor, passkey: &PasskeyId, label: Pii<String>) -> Result<(), Failure> {
        let (user, _) = signed_in(actor)?;
        let label = name(&label)?;
        let Deps { db, world, keystore, .. } = self.deps.clone();
        let key = keystore.get(&KeyRef::user(&user)).await?;
        let sealed = Sealed::seal(&world, &key, passkey_place("name", passkey.as_str()), &label);
        let (doer, passkey) = (Doer::from(actor), passkey.clone());
        write_tx!(db, tx => {
            if !rows::rename(tx, &user, &passkey, &sealed).await? {
                return Err(Failure::NotFound);
            }
            record(tx, &world, None, &doer, Entry::new("identity.rename_passkey").object(passkey.as_str())).await
        })
    }

    async fn try_remove(&self, actor: &Actor, passkey: &PasskeyId) -> Result<NewSession, Failure> {
        let (user, own) = signed_in(actor)?;
        self.confirmed(actor)?;
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        let user = self.user(&user).await?;
        let key = keystore.get(&KeyRef::user(&user.id)).await?;
        let (doer, passkey) = (Doer::from(actor), passkey.clone());
        write_tx!(db, tx => {
            if !rows::remove(tx, &user.id, &passkey).await? {
                return Err(Failure::NotFound);
            }
            if !factors::is_active(tx, &user.id).await? {
                if memberships::needs_factor(tx, &user.id).await? {
                    return Err(Code::FactorKept.into());
                }
                factors::delete_recovery(tx, &user.id).await?;
            }
            let session = self_only(tx, &world, &keys, &key, (&user.id, &own)).await?;
            trace::tell(tx, &world, (&user.id, user.language), Activity::PasskeyRemoved, None).await?;
            record(tx, &world, None, &doer, Entry::new("identity.remove_passkey").object(passkey.as_str())).await?;
            Ok(session)
        })
    }

    async fn try_offered(&self, pending: &Secret) -> Result<Offered, Failure> {
        let Deps { db, world, keys, .. } = &self.deps;
        let Some(pending) = session::pending(db, world, keys, pending.expose()).await? else {
            return Ok(Offered::default());
        };
        let mut conn = db.read().await?;
        Ok(Offered {
            code: factors::has_totp(&mut conn, &pending.user).await?,
            passkey: rows::count(&mut conn, &pending.user).await? > 0,
        })
    }

    async fn ask_own(&self, purpose: Purpose, user: &UserId, browser: Option<&Secret>) -> Result<NewCeremony, Failure> {
        let known = self.own_passkeys(user).await?;
        if known.is_empty() {
            return Err(refused());
        }
        let begun = passkeys::ask_one_of(&self.site()?, &known)?;
        self.keep(purpose, Some(user), begun, browser).await
    }

    async fn try_begin_present(&self, pending: &Secret, browser: Option<&Secret>) -> Result<NewCeremony, Failure> {
        let Deps { db, world, keys, .. } = &self.deps;
        let pending = session::pending(db, world, keys, pending.expose()).await?.ok_or(Code::SignInNeeded)?;
        self.ask_own(Purpose::Present, &pending.user, browser).await
    }

    async fn try_begin_confirm(&self, actor: &Actor, browser: Option<&Secret>) -> Result<NewCeremony, Failure> {
        self.ask_own(Purpose::Confirm, &signed_in(actor)?.0, browser).await
    }

    async fn try_present(
        &self,
        pending: &Secret,
        answer: PasskeyAnswer,
        client: Client,
    ) -> Result<NewSession, Failure> {
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        self.addresses.admit(client.address, world.now())?;
        let pending = session::pending(&db, &world, &keys, pending.expose()).await?.ok_or(Code::SignInNeeded)?;
        let shown = self.shown(Purpose::Present, &pending.user, answer, Asserted::read_one).await?;
        let trace = Trace::of(&world, &keys, &keystore, (&shown.user.id, shown.user.language), &client).await?;
        write_tx!(db, tx => {
            let left = factors::try_pending(tx, &pending.id).await?.ok_or(Code::SignInNeeded)?;
            let method = Method::PasswordAndPasskey;
            if !prove(tx, &world, &keys, &shown).await? {
                trace.note(tx, &world, &shown.user.id, method, false).await?;
                // Kept, not rolled back: the count of the try.
                return Ok(Err(if left == 0 { Code::SignInNeeded.into() } else { refused() }));
            }
            finish_pending(tx, &world, &keys, &pending, (method, &trace), client.request).await.map(Ok)
        })?
    }

    async fn try_confirm_by_passkey(
        &self,
        actor: &Actor,
        answer: PasskeyAnswer,
    ) -> Result<(NewSession, Actor), Failure> {
        let (user, own) = signed_in(actor)?;
        let Deps { db, world, keys, .. } = self.deps.clone();
        let shown = self.shown(Purpose::Confirm, &user, answer, Asserted::read_one).await?;
        let doer = Doer::from(actor);
        let (session, renewed) = write_tx!(db, tx => {
            if !prove(tx, &world, &keys, &shown).await? {
                return Ok(Err(refused()));
            }
            let renewed = session::renew(tx, &world, &keys, &shown.key, &own).await?;
            record(tx, &world, None, &doer, Entry::new("identity.confirm").object(own.as_str())).await?;
            Ok(Ok(renewed))
        })??;
        Ok((renewed, actor.clone().renewed(session).confirmed(self.deps.world.now())))
    }

    /// An answer with the person it should be of and their key. Which passkeys they have is looked up in the transaction.
    async fn shown(
        &self,
        purpose: Purpose,
        user: &UserId,
        answer: PasskeyAnswer,
        read: fn(&Secret) -> Option<Asserted>,
    ) -> Result<Shown, Failure> {
        let PasskeyAnswer { credential, browser } = answer;
        Ok(Shown {
            purpose,
            site: self.site()?,
            asserted: read(&credential).ok_or_else(refused)?,
            browser,
            user: self.user(user).await?,
            key: self.deps.keystore.get(&KeyRef::user(user)).await?,
        })
    }

    async fn try_sign_in_by_passkey(&self, answer: PasskeyAnswer, client: Client) -> Result<NewSession, Failure> {
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        self.addresses.admit(client.address, world.now())?;
        let asserted = Asserted::read_any(&answer.credential).ok_or_else(refused)?;
        let hash = credential_hash(&keys, &asserted.credential());
        let found = rows::by_credential(&mut db.read().await?, &hash).await?.ok_or_else(refused)?;
        let shown = self.shown(Purpose::SignIn, &found.user()?, answer, Asserted::read_any).await?;
        if shown.user.disabled {
            return Err(refused());
        }
        let trace = Trace::of(&world, &keys, &keystore, (&shown.user.id, shown.user.language), &client).await?;
        write_tx!(db, tx => {
            if !prove(tx, &world, &keys, &shown).await? {
                return Ok(Err(refused()));
            }
            let organisation = memberships::first(tx, &shown.user.id).await?.map(|(organisation, _)| organisation);
            let opening = Opening {
                user: &shown.user.id,
                organisation: organisation.as_ref(),
                kind: Kind::Browser,
                method: Method::Passkey,
                trace: &trace,
            };
            let (id, session) = session::open(tx, &world, &keys, opening).await?;
            let entry = Entry::new("identity.sign_in").object(id.as_str()).request(client.request);
            record(tx, &world, None, &Doer::User(shown.user.id), entry).await?;
            Ok(Ok(session))
        })?
    }
}

/// What a passkey is looked up by.
fn credential_hash(keys: &Keys, credential: &[u8]) -> [u8; 32] {
    keys.lookup("passkey", credential)
}

/// An answer, and of whom it should be.
struct Shown {
    purpose: Purpose,
    site: Site,
    asserted: Asserted,
    browser: Option<Secret>,
    user: User,
    key: std::sync::Arc<DataKey>,
}

/// Whether a passkey of this person answers what was asked of this browser; uses the question and the counter up.
async fn prove(tx: &mut Tx, world: &World, keys: &Keys, shown: &Shown) -> Result<bool, Failure> {
    let Shown { purpose, site, asserted, browser, user, key } = shown;
    // Whoever may answer was not known when it was asked.
    let of = Some(&user.id).filter(|_| *purpose != Purpose::SignIn);
    let Some(question) = answered(keys, *purpose, of, asserted.challenge(), browser.as_ref()) else {
        return Ok(false);
    };
    let Some(state) = take(tx, world, keys, &question).await? else { return Ok(false) };
    let found = rows::by_credential(tx, &credential_hash(keys, &asserted.credential())).await?;
    let Some(row) = found else { return Ok(false) };
    if row.user()? != user.id || row.is_refused() {
        return Ok(false);
    }
    match asserted.verify(site, &state, &row.open(key)?) {
        Ok(after) => {
            let sealed = Sealed::seal(world, key, passkey_place("credential", &row.id), &after.write()?);
            rows::used(tx, &row, &sealed, after.verifies()?, world.now()).await
        }
        Err(Refusal::Copied) => {
            rows::refuse(tx, &row, world.now()).await?;
            trace::tell(tx, world, (&user.id, user.language), Activity::PasskeyCopied, None).await?;
            record(tx, world, None, &Doer::System, Entry::new("identity.refuse_passkey").object(&row.id)).await?;
            Ok(false)
        }
        Err(Refusal::Wrong(reason)) => {
            tracing::info!(reason, "an answer of a passkey was refused");
            Ok(false)
        }
        Err(Refusal::Failed(failure)) => Err(failure),
    }
}

#[async_trait]
impl Passkeys for AccountsService {
    async fn list(&self, actor: &Actor) -> Result<Vec<PasskeyView>, AppError> {
        self.try_list(actor).await.map_err(AppError::from)
    }

    async fn begin_add(&self, actor: &Actor, browser: Option<&Secret>) -> Result<NewCeremony, AppError> {
        self.try_begin_add(actor, browser).await.map_err(AppError::from)
    }

    async fn add(
        &self,
        actor: &Actor,
        name: Pii<String>,
        answer: PasskeyAnswer,
    ) -> Result<(NewSession, Vec<Secret>), AppError> {
        self.try_add(actor, name, answer).await.map_err(AppError::from)
    }

    async fn rename(&self, actor: &Actor, passkey: &PasskeyId, name: Pii<String>) -> Result<(), AppError> {
        self.try_rename(actor, passkey, name).await.map_err(AppError::from)
    }

    async fn remove(&self, actor: &Actor, passkey: &PasskeyId) -> Result<NewSession, AppError> {
        self.try_remove(actor, passkey).await.map_err(AppError::from)
    }

    async fn offered(&self, pending: &Secret) -> Result<Offered, AppError> {
        self.try_offered(pending).await.map_err(AppError::from)
    }

    async fn begin_present(&self, pending: &Secret, browser: Option<&Secret>) -> Result<NewCeremony, AppError> {
        self.try_begin_present(pending, browser).await.map_err(AppError::from)
    }

    async fn present(&self, pending: &Secret, answer: PasskeyAnswer, client: Client) -> Result<NewSession, AppError> {
        self.try_present(pending, answer, client).await.map_err(AppError::from)
    }

    async fn begin_confirm(&self, actor: &Actor, browser: Option<&Secret>) -> Result<NewCeremony, AppError> {
        self.try_begin_confirm(actor, browser).await.map_err(AppError::from)
    }

    async fn confirm(&self, actor: &Actor, answer: PasskeyAnswer) -> Result<(NewSession, Actor), AppError> {
        self.try_confirm_by_passkey(actor, answer).await.map_err(AppError::from)
    }

    async fn begin_sign_in(&self, browser: Option<&Secret>) -> Result<NewCeremony, AppError> {
        let begin = async { self.keep(Purpose::SignIn, None, passkeys::ask_any(&self.site()?)?, browser).await };
        begin.await.map_err(AppError::from)
    }

    async fn sign_in(&self, answer: PasskeyAnswer, client: Client) -> Result<NewSession, AppError> {
        self.try_sign_in_by_passkey(answer, client).await.map_err(AppError::from)
    }
}
