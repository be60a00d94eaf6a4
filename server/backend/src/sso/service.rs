//! The port of sign-in by connections, and what its parts share.

use std::sync::Arc;

use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::connections::State;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{ConnectionId, SessionId, UserId};
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::language::Language;
use shutterpost_model::pii::Secret;
use shutterpost_model::sso::{
    Answer, Arrived, Begun as Leaving, Departure, Leave, LogoutMessage, SingleSignOn, TieView,
};
use shutterpost_model::time::Millis;
use shutterpost_sso::oidc::attempt::hash;
use shutterpost_sso::oidc::start::Started;
use shutterpost_sso::saml::login::{Attempt, Departure as SamlDeparture, Freshness};
use shutterpost_sso::saml::metadata;
use url::Url;

use super::attempts::{Begun, Payload, Purpose};
use super::queries::{self, AttemptRow, FoundRow};
use crate::audit::record::{Doer, Entry, record};
use crate::connections::queries::usable;
use crate::connections::rows::{Settings, Usable, connection_key};
use crate::db::write_tx;
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::identity::{AccountsService, provided};
use crate::keystore::{Place, Realm, Sealed};
use crate::services::Deps;

/// The table of what was begun, as sealed values name it.
const TABLE: &str = "sso_attempts";

/// The port of sign-in by connections.
pub struct SsoService {
    pub(super) deps: Deps,
    pub(super) accounts: Arc<AccountsService>,
}

impl std::fmt::Debug for SsoService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SsoService")
    }
}

/// What somebody is sent away for.
pub(super) struct Errand {
    pub(super) purpose: Purpose,
    pub(super) holder: Option<(UserId, SessionId)>,
    pub(super) next: Option<String>,
}

/// Something to be stored.
pub(super) struct Kept<'a> {
    pub(super) state_hash: &'a str,
    pub(super) payload: &'a Payload,
    pub(super) browser: &'a Secret,
    pub(super) expires: Millis,
}

impl SsoService {
    pub const fn new(deps: Deps, accounts: Arc<AccountsService>) -> Self {
        Self { deps, accounts }
    }

    pub(super) async fn usable(&self, id: &ConnectionId) -> Result<Usable, Failure> {
        let mut conn = self.deps.db.read().await?;
        usable(&mut conn, &self.deps.keystore, id).await?.ok_or(Failure::NotFound)
    }

    /// A connection by which people sign in now.
    pub(super) async fn switched_on(&self, id: &ConnectionId) -> Result<Usable, Failure> {
        let usable = self.usable(id).await?;
        if usable.state == State::On { Ok(usable) } else { Err(Failure::NotFound) }
    }

    /// Fills with random bytes.
    pub(super) fn fill(&self) -> impl Fn(&mut [u8]) + Sync + use<> {
        let world = self.deps.world.clone();
        move |bytes: &mut [u8]| world.random.fill(bytes)
    }

    /// A new secret of 256 bits.
    pub(super) fn secret(&self) -> Secret {
        Secret::new(BASE64URL_NOPAD.encode(&self.deps.world.bytes::<32>()))
    }

    /// An address of ours for that connection.
    pub(super) fn address(&self, connection: &ConnectionId, page: &str) -> Result<Url, Failure> {
        let text = format!("{}/sso/oidc/{connection}/{page}", self.deps.origin);
        Url::parse(&text).map_err(|error| Failure::internal("an address of our own", error))
    }

    /// Sends somebody to the provider and remembers why.
    async fn leave_for(&self, usable: &Usable, errand: Errand, client: &Client) -> Result<Leaving, Failure> {
        let (now, again) = (self.deps.world.now(), errand.purpose == Purpose::Confirm);
        let begun = match &usable.settings {
            Settings::Oidc(connection) => {
                let (redirect, fill) = (self.address(&usable.id, "callback")?, self.fill());
                let started = if again {
                    self.deps.providers.oidc.start_again(connection, &redirect, &fill, now).await
                } else {
                    self.deps.providers.oidc.start(connection, &redirect, &fill, now).await
                };
                started.map_err(|reject| reject.code()).map(|Started { url, attempt, browser }| {
                    let (state_hash, expires) = (attempt.state_hash().to_owned(), attempt.expires());
                    (Leave::To(url.into()), state_hash, Payload::Oidc(Box::new(attempt)), browser, expires)
                })
            }
            Settings::Saml(connection) => {
                let (relay_state, browser) = (self.secret(), self.secret());
                let freshness = if again { Freshness::Again } else { Freshness::Any };
                let attempt =
                    Attempt { relay_state: relay_state.expose(), id: self.deps.world.bytes(), freshness, now };
                let started = self.deps.providers.saml.start(connection, &attempt);
                started.map_err(|unusable| unusable.code()).map(|(departure, tracker)| {
                    let expires = tracker.ends();
                    (leave(departure), hash(&relay_state), Payload::Saml(Box::new(tracker)), browser, expires)
                })
            }
        };
        match begun {
            Ok((leave, state_hash, payload, browser, expires)) => {
                let kept = Kept { state_hash: &state_hash, payload: &payload, browser: &browser, expires };
                self.keep(usable, errand, kept).await?;
                Ok(Leaving::Leave(Departure { leave, browser }))
            }
            Err(check) => {
                self.refuse(usable, None, check, client).await?;
                Ok(Leaving::Refused { check })
            }
        }
    }

    /// Stores something that was begun.
    pub(super) async fn keep(&self, usable: &Usable, errand: Errand, kept: Kept<'_>) -> Result<(), Failure> {
        let Kept { state_hash, payload, browser, expires } = kept;
        let (state_hash, browser_hash) = (state_hash.to_owned(), hash(browser));
        let payload = self.seal(usable, &state_hash, payload).await?;
        let (Deps { db, world, .. }, connection) = (self.deps.clone(), usable.id.clone());
        write_tx!(db, tx => {
            let Errand { purpose, holder, next } = errand;
            queries::begin(tx, AttemptRow {
                state_hash: &state_hash,
                connection: &connection,
                purpose,
                payload,
                browser_hash: &browser_hash,
                holder: holder.as_ref(),
                next: next.as_deref(),
                now: world.now(),
                expires,
            }).await
        })
    }

    async fn seal(&self, usable: &Usable, row: &str, payload: &Payload) -> Result<Sealed<Secret>, Failure> {
        let key = self.deps.keystore.get(&connection_key(&usable.organisation, usable.id.as_str())).await?;
        let realm = Realm::Organisation(usable.organisation.clone());
        let text = Secret::new(serde_json::to_string(payload)?);
        Ok(Sealed::seal(&self.deps.world, &key, place(&realm, row), &text))
    }

    /// What was begun under that state at this connection, and is not over.
    pub(super) async fn begun(&self, usable: &Usable, state: &Secret) -> Result<Option<Begun>, Failure> {
        let Deps { db, world, keystore, .. } = &self.deps;
        let state_hash = hash(state);
        let found = queries::find(&mut db.read().await?, &usable.id, &state_hash, world.now()).await?;
        let Some(FoundRow { purpose, payload, browser_hash, user, session, next }) = found else {
            return Ok(None);
        };
        let key = keystore.get(&connection_key(&usable.organisation, usable.id.as_str())).await?;
        let realm = Realm::Organisation(usable.organisation.clone());
        let payload = serde_json::from_str(payload.open(&key, place(&realm, &state_hash))?.expose())?;
        let damaged = || Failure::Internal("a stored attempt does not read".into());
        let holder = match (user, session) {
            (Some(user), Some(session)) => {
                Some((user.parse().map_err(|_| damaged())?, session.parse().map_err(|_| damaged())?))
            }
            _ => None,
        };
        Ok(Some(Begun {
            purpose: Purpose::from_name(&purpose).ok_or_else(damaged)?,
            payload,
            browser_hash,
            holder,
            next,
            state_hash,
        }))
    }

    /// Writes down that somebody was refused, and takes along what they had begun.
    pub(super) async fn refuse(
        &self,
        usable: &Usable,
        begun: Option<&Begun>,
        check: &'static str,
        client: &Client,
    ) -> Result<(), Failure> {
        let Deps { db, world, .. } = self.deps.clone();
        let (connection, organisation) = (usable.id.clone(), usable.organisation.clone());
        let state_hash = begun.map(|begun| begun.state_hash.clone());
        let request = client.request.clone();
        write_tx!(db, tx => {
            if let Some(state_hash) = &state_hash {
                queries::take(tx, &connection, state_hash).await?;
            }
            let entry = refused(&connection, check).request(request);
            record(tx, &world, Some(&organisation), &Doer::System, entry).await
        })
    }

    async fn try_start(&self, id: &ConnectionId, next: Option<String>, client: Client) -> Result<Leaving, Failure> {
        let usable = self.switched_on(id).await?;
        self.leave_for(&usable, Errand { purpose: Purpose::SignIn, holder: None, next }, &client).await
    }

    async fn try_start_test(&self, actor: &Actor, id: &ConnectionId) -> Result<Leaving, Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::SignInManage, self.deps.world.now())?;
        let usable = self.usable(id).await?;
        if usable.organisation != *scope.organisation() {
            return Err(Failure::NotFound);
        }
        let holder = Some(provided::own_session(actor)?);
        let client = Client { request: actor.request().cloned(), ..Client::default() };
        self.leave_for(&usable, Errand { purpose: Purpose::Test, holder, next: None }, &client).await
    }

    /// The connection by which the actor came, if that is how they can show who they are.
    async fn proving(&self, actor: &Actor) -> Result<Option<(UserId, SessionId, Usable)>, Failure> {
        let came_by = provided::came_by(&mut self.deps.db.read().await?, actor).await?;
        let Some((user, session, connection)) = came_by else { return Ok(None) };
        if !self.accounts.has_nothing_to_show(&user).await? {
            return Ok(None);
        }
        match self.switched_on(&connection).await {
            Ok(usable) => Ok(Some((user, session, usable))),
            Err(Failure::NotFound) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn try_start_confirm(&self, actor: &Actor, next: Option<String>) -> Result<Leaving, Failure> {
        let (user, session, usable) = self.proving(actor).await?.ok_or(Code::Conflict)?;
        let client = Client { request: actor.request().cloned(), ..Client::default() };
        let errand = Errand { purpose: Purpose::Confirm, holder: Some((user, session)), next };
        self.leave_for(&usable, errand, &client).await
    }

    async fn try_metadata(&self, id: &ConnectionId) -> Result<String, Failure> {
        match self.usable(id).await?.settings {
            Settings::Saml(connection) => Ok(metadata::write(&connection.own, connection.want)),
            Settings::Oidc(_) => Err(Failure::NotFound),
        }
    }
}

/// The entry of a refusal: which connection, and which check.
pub(super) fn refused(connection: &ConnectionId, check: &'static str) -> Entry {
    Entry::new("sso.refuse").object(connection.as_str()).fields(vec![check])
}

fn place<'a>(realm: &'a Realm, row: &'a str) -> Place<'a> {
    Place { realm, table: TABLE, column: "payload", row }
}

/// How a browser leaves, in the words of the model.
pub(super) fn leave(departure: SamlDeparture) -> Leave {
    match departure {
        SamlDeparture::Redirect(url) => Leave::To(url),
        SamlDeparture::Form { action, field, value, relay_state } => {
            let relay_state = relay_state.map(|relay_state| ("RelayState".to_owned(), relay_state));
            let fields = [Some((field.to_owned(), value)), relay_state].into_iter().flatten().collect();
            Leave::Form { action, fields }
        }
    }
}

#[async_trait]
impl SingleSignOn for SsoService {
    async fn start(
        &self,
        connection: &ConnectionId,
        next: Option<String>,
        client: Client,
    ) -> Result<Leaving, AppError> {
        self.try_start(connection, next, client).await.map_err(AppError::from)
    }

    async fn start_test(&self, actor: &Actor, connection: &ConnectionId) -> Result<Leaving, AppError> {
        self.try_start_test(actor, connection).await.map_err(AppError::from)
    }

    async fn proves_by(&self, actor: &Actor) -> Result<Option<String>, AppError> {
        let proving = self.proving(actor).await.map_err(AppError::from)?;
        Ok(proving.map(|(_, _, usable)| usable.name))
    }

    async fn start_confirm(&self, actor: &Actor, next: Option<String>) -> Result<Leaving, AppError> {
        self.try_start_confirm(actor, next).await.map_err(AppError::from)
    }

    async fn arrive(
        &self,
        connection: &ConnectionId,
        answer: Answer,
        browser: Option<Secret>,
        (client, language): (Client, Language),
    ) -> Result<Arrived, AppError> {
        self.try_arrive(connection, answer, browser, (client, language)).await.map_err(AppError::from)
    }

    async fn tie_view(&self, connection: &ConnectionId, cookie: &str) -> Result<TieView, AppError> {
        self.try_tie_view(connection, cookie).await.map_err(AppError::from)
    }

    async fn tie(
        &self,
        connection: &ConnectionId,
        cookie: &str,
        proof: (Secret, Secret),
        client: Client,
    ) -> Result<(NewSession, Option<String>), AppError> {
        self.try_tie(connection, cookie, proof, client).await.map_err(AppError::from)
    }

    async fn sign_out(&self, actor: &Actor) -> Result<Option<Leave>, AppError> {
        self.try_sign_out(actor).await.map_err(AppError::from)
    }

    async fn signed_out(&self, connection: &ConnectionId, state: &Secret) -> Result<bool, AppError> {
        self.try_signed_out(connection, state).await.map_err(AppError::from)
    }

    async fn ended(&self, connection: &ConnectionId, token: &str) -> Result<(), AppError> {
        self.try_ended(connection, token).await.map_err(AppError::from)
    }

    async fn logout_message(
        &self,
        connection: &ConnectionId,
        message: LogoutMessage,
    ) -> Result<Option<Leave>, AppError> {
        self.try_logout_message(connection, message).await.map_err(AppError::from)
    }

    async fn metadata(&self, connection: &ConnectionId) -> Result<String, AppError> {
        self.try_metadata(connection).await.map_err(AppError::from)
    }
}
