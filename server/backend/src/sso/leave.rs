//! The end of sessions: ours told to the provider, and the provider's told to us.

use shutterpost_model::access::Actor;
use shutterpost_model::error::Code;
use shutterpost_model::id::ConnectionId;
use shutterpost_model::identity::{Accounts as _, Client};
use shutterpost_model::pii::Secret;
use shutterpost_model::sso::{ATTEMPT, Leave, LogoutMessage};
use shutterpost_model::time::Millis;
use shutterpost_sso::oidc::attempt::hash;
use shutterpost_sso::oidc::logout::{EndSession, Ended};
use shutterpost_sso::saml::connection::Connection as Saml;
use shutterpost_sso::saml::logout::{Demand, LogoutAttempt, LogoutMessage as SamlMessage, NameId};
use url::form_urlencoded;

use super::attempts::{Hint, Payload, Purpose};
use super::queries;
use super::service::{Errand, Kept, SsoService, leave};
use super::visit::Names;
use crate::audit::queries as trail;
use crate::audit::record::{Doer, Entry, record};
use crate::connections::rows::{Settings, Usable};
use crate::db::write_tx;
use crate::error::Failure;
use crate::identity::provided;
use crate::services::Deps;

/// A refused message is written down once in so many milliseconds.
const REFUSED_AGAIN: i64 = 60_000;

/// Sessions that a provider has ended.
struct Ending {
    /// Good once, until then.
    id: [u8; 32],
    forget: Millis,
    subject: Option<[u8; 32]>,
    /// Empty: all of the person.
    sessions: Vec<[u8; 32]>,
}

impl SsoService {
    pub(super) async fn try_sign_out(&self, actor: &Actor) -> Result<Option<Leave>, Failure> {
        let came_by = self.accounts.came_with(actor).await?;
        self.accounts.sign_out(actor).await?;
        let Some((connection, hint)) = came_by else { return Ok(None) };
        // The session here is over, whatever becomes of the one there.
        match self.sign_out_there(&connection, &hint).await {
            Ok(leave) => Ok(leave),
            Err(Failure::NotFound) => Ok(None),
            Err(failure) => {
                tracing::warn!(error.cause = ?failure, "the session at the provider goes on");
                Ok(None)
            }
        }
    }

    async fn sign_out_there(&self, id: &ConnectionId, hint: &Secret) -> Result<Option<Leave>, Failure> {
        let usable = self.switched_on(id).await?;
        let now = self.deps.world.now();
        let (leave, state, payload) = match (&usable.settings, serde_json::from_str(hint.expose())?) {
            (Settings::Oidc(connection), Hint::Oidc { id_token }) => {
                let (back, fill) = (self.address(id, "signed-out")?, self.fill());
                let id_token = Secret::new(id_token);
                let ending = self.deps.providers.oidc.end_session(connection, Some(&id_token), &back, &fill, now).await;
                match ending.map_err(|reject| Failure::internal("the end of a session at the provider", reject))? {
                    Some(EndSession { url, state }) => (Leave::To(url.into()), state, Payload::OidcSignOut),
                    None => return Ok(None),
                }
            }
            (Settings::Saml(connection), Hint::Saml { name_id, session }) => {
                let (name_id, relay_state) = (NameId::from_stored(&name_id)?, self.secret());
                let attempt = LogoutAttempt {
                    name_id: &name_id,
                    session: session.as_deref(),
                    relay_state: relay_state.expose(),
                    id: self.deps.world.bytes(),
                    now,
                };
                match self.deps.providers.saml.start_logout(connection, &attempt) {
                    Ok((departure, tracker)) => (leave(departure), relay_state, Payload::SamlSignOut(tracker)),
                    // It knows no such address.
                    Err(_) => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        let errand = Errand { purpose: Purpose::SignOut, holder: None, next: None };
        let (state_hash, expires) = (hash(&state), now.plus(ATTEMPT * 1000));
        self.keep(&usable, errand, Kept { state_hash: &state_hash, payload: &payload, browser: &state, expires })
            .await?;
        Ok(Some(leave))
    }

    pub(super) async fn try_signed_out(&self, id: &ConnectionId, state: &Secret) -> Result<bool, Failure> {
        let usable = self.switched_on(id).await?;
        let begun = self.begun(&usable, state).await?;
        match begun {
            Some(begun) if matches!(begun.payload, Payload::OidcSignOut) => {
                let (db, connection) = (self.deps.db.clone(), usable.id);
                write_tx!(db, tx => queries::take(tx, &connection, &begun.state_hash).await)
            }
            _ => Ok(false),
        }
    }

    pub(super) async fn try_ended(&self, id: &ConnectionId, token: &str) -> Result<(), Failure> {
        let usable = self.switched_on(id).await?;
        let Settings::Oidc(connection) = &usable.settings else { return Err(Failure::NotFound) };
        let ended = match self.deps.providers.oidc.ended(connection, token, self.deps.world.now()).await {
            Ok(ended) => ended,
            Err(reject) => {
                self.refuse_message(&usable, reject.code()).await?;
                return Err(Code::BadRequest.into());
            }
        };
        let Ended { id, forget, session, sub } = ended;
        let names = Names { keys: &self.deps.keys, connection: &usable.id };
        let ending = Ending {
            id: names.used("logout", &id),
            forget,
            subject: sub.map(|sub| names.subject(sub.expose())),
            sessions: session.iter().map(|session| names.session(session)).collect(),
        };
        if self.end(&usable, ending).await? { Ok(()) } else { Err(Code::BadRequest.into()) }
    }

    /// Writes down that a message to end sessions was refused, once a minute: whoever knows the address may send one, and
    /// must not fill the organisation's trail.
    async fn refuse_message(&self, usable: &Usable, check: &'static str) -> Result<(), Failure> {
        let since = self.deps.world.now().plus(-REFUSED_AGAIN);
        let entry = ("sso.refuse", usable.id.as_str());
        if trail::noted(&mut self.deps.db.read().await?, &usable.organisation, None, entry, since).await? {
            return Ok(());
        }
        self.refuse(usable, None, check, &Client::default()).await
    }

    /// Ends the sessions; `false` if the message was used before.
    async fn end(&self, usable: &Usable, ending: Ending) -> Result<bool, Failure> {
        let Deps { db, world, .. } = self.deps.clone();
        let (connection, organisation) = (usable.id.clone(), usable.organisation.clone());
        write_tx!(db, tx => {
            let Ending { id, forget, subject, sessions } = ending;
            if !queries::use_up(tx, &connection, &id, forget).await? {
                return Ok(false);
            }
            let mut ended = 0;
            if sessions.is_empty() {
                ended += provided::end(tx, &connection, subject.as_ref(), None).await?;
            }
            for session in &sessions {
                ended += provided::end(tx, &connection, subject.as_ref(), Some(session)).await?;
            }
            if ended > 0 {
                let count = i64::try_from(ended).unwrap_or(i64::MAX);
                let entry = Entry::new("sso.sign_out").object(connection.as_str()).count(count);
                record(tx, &world, Some(&organisation), &Doer::System, entry).await?;
            }
            Ok(true)
        })
    }

    pub(super) async fn try_logout_message(
        &self,
        id: &ConnectionId,
        message: LogoutMessage,
    ) -> Result<Option<Leave>, Failure> {
        let usable = self.switched_on(id).await?;
        let Settings::Saml(connection) = &usable.settings else { return Err(Failure::NotFound) };
        match &message {
            LogoutMessage::Request { value, relay_state } => {
                let message = SamlMessage::Post { value, relay_state: relay_state.as_deref() };
                self.demanded(&usable, connection, &message).await
            }
            LogoutMessage::Response { value, relay_state } => {
                let message = SamlMessage::Post { value, relay_state: relay_state.as_deref() };
                self.answered(&usable, connection, &message, relay_state.as_deref()).await
            }
            LogoutMessage::Redirect(query) => {
                let parameter = |wanted: &str| {
                    let mut pairs = form_urlencoded::parse(query.as_bytes());
                    pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
                };
                let message = SamlMessage::Redirect { query };
                if parameter("SAMLRequest").is_some() {
                    self.demanded(&usable, connection, &message).await
                } else {
                    self.answered(&usable, connection, &message, parameter("RelayState").as_deref()).await
                }
            }
        }
    }

    /// The provider wants sessions to end.
    async fn demanded(
        &self,
        usable: &Usable,
        connection: &Saml,
        message: &SamlMessage<'_>,
    ) -> Result<Option<Leave>, Failure> {
        let now = self.deps.world.now();
        let demand = match self.deps.providers.saml.receive_logout(connection, message, now) {
            Ok(demand) => demand,
            Err(reject) => {
                self.refuse_message(usable, reject.code()).await?;
                return Err(Code::BadRequest.into());
            }
        };
        let names = Names { keys: &self.deps.keys, connection: &usable.id };
        let Demand { name_id, sessions, message, .. } = &demand;
        let ending = Ending {
            id: names.used("logout", &message.id),
            forget: message.keep_until,
            subject: Some(names.subject(name_id.value.expose())),
            sessions: sessions.iter().map(|session| names.session(session)).collect(),
        };
        if !self.end(usable, ending).await? {
            return Err(Code::BadRequest.into());
        }
        Ok(self.deps.providers.saml.answer_logout(connection, &demand, self.deps.world.bytes(), now).ok().map(leave))
    }

    /// The provider answers a sign-out that began here. Whatever it says, the session here is over.
    async fn answered(
        &self,
        usable: &Usable,
        connection: &Saml,
        message: &SamlMessage<'_>,
        relay_state: Option<&str>,
    ) -> Result<Option<Leave>, Failure> {
        let Some(relay_state) = relay_state else { return Err(Code::BadRequest.into()) };
        let begun = self.begun(usable, &Secret::new(relay_state.to_owned())).await?;
        let begun = begun.ok_or(Code::BadRequest)?;
        let Payload::SamlSignOut(tracker) = &begun.payload else { return Err(Code::BadRequest.into()) };
        let outcome = self.deps.providers.saml.finish_logout(connection, tracker, message, self.deps.world.now());
        if let Err(reject) = outcome {
            self.refuse(usable, Some(&begun), reject.code(), &Client::default()).await?;
            return Err(Code::BadRequest.into());
        }
        let (db, id) = (self.deps.db.clone(), usable.id.clone());
        write_tx!(db, tx => queries::take(tx, &id, &begun.state_hash).await)?;
        Ok(None)
    }
}
