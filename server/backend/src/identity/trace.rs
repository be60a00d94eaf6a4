//! What is kept of a sign-in: browser and address, sealed, for 90 days, for the person alone; and whether the browser is
//! new to the account, of which a mail tells.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use shutterpost_model::id::{SignInId, UserId};
use shutterpost_model::identity::Client;
use shutterpost_model::identity::security::{Activity, Method};
use shutterpost_model::language::Language;
use shutterpost_model::messages::Template;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::time::DAY;
use shutterpost_vault::data_key::DataKey;
use shutterpost_vault::keys::Keys;

use super::queries::sign_ins::{self, NewSignInRow};
use super::rows::trace_place;
use crate::context::World;
use crate::db::Tx;
use crate::error::Failure;
use crate::jobs::outbox::{self, NewMessage};
use crate::keystore::{KeyRef, KeyStore, Sealed};

/// How long a sign-in is kept.
pub(super) const KEPT: i64 = 90 * DAY;
/// The table of past sign-ins, as sealed values name it.
pub(super) const TABLE: &str = "identity_sign_ins";
const COOKIE_BYTES: usize = 32;
/// No more mails about new browsers in a day: whoever clears cookies at each start is not to be flooded.
const MAILS_A_DAY: i64 = 3;

/// Where somebody is signing in from.
pub(super) struct Trace {
    key: Arc<DataKey>,
    language: Language,
    device: Pii<String>,
    address: Option<Pii<String>>,
    known_hash: [u8; 32],
    /// A cookie to be known by, for a browser that brought none.
    fresh: Option<Secret>,
}

impl Trace {
    /// Before the transaction: the key that seals it is in the key store.
    pub(super) async fn of(
        world: &World,
        keys: &Keys,
        keystore: &KeyStore,
        (user, language): (&UserId, Language),
        client: &Client,
    ) -> Result<Self, Failure> {
        let brought = client.known.as_ref().and_then(|cookie| {
            let bytes = BASE64URL_NOPAD.decode(cookie.expose().as_bytes()).ok()?;
            <[u8; COOKIE_BYTES]>::try_from(bytes.as_slice()).ok()
        });
        let (secret, fresh) = match brought {
            Some(secret) => (secret, None),
            None => {
                let secret: [u8; COOKIE_BYTES] = world.bytes();
                (secret, Some(Secret::new(BASE64URL_NOPAD.encode(&secret))))
            }
        };
        Ok(Self {
            key: keystore.get(&KeyRef::user(user)).await?,
            language,
            device: Pii::new(client.device.clone()),
            address: client.address.map(|address| Pii::new(address.to_canonical().to_string())),
            // For each account its own: two people at one computer are not told of each other.
            known_hash: keys.lookup_in("browser", user.as_str(), &secret),
            fresh,
        })
    }

    pub(super) fn fresh(&self) -> Option<Secret> {
        self.fresh.clone()
    }

    /// Browser and address, sealed for a row.
    pub(super) fn sealed(
        &self,
        world: &World,
        table: &'static str,
        row: &str,
    ) -> (Sealed<Pii<String>>, Option<Sealed<Pii<String>>>) {
        let seal = |column, value| Sealed::seal(world, &self.key, trace_place(table, column, row), value);
        (seal("device", &self.device), self.address.as_ref().map(|address| seal("address", address)))
    }

    /// A secret of a session, sealed for its row.
    pub(super) fn sealed_secret(
        &self,
        world: &World,
        (table, column, row): (&'static str, &'static str, &str),
        value: &Secret,
    ) -> Sealed<Secret> {
        Sealed::seal(world, &self.key, trace_place(table, column, row), value)
    }

    /// The key of the person, for what else is sealed under it.
    pub(super) fn key(&self) -> &DataKey {
        &self.key
    }

    /// Writes the sign-in down. One that succeeded from a browser new to an account that knows others is told by mail.
    pub(super) async fn note(
        &self,
        tx: &mut Tx,
        world: &World,
        user: &UserId,
        method: Method,
        succeeded: bool,
    ) -> Result<(), Failure> {
        let (id, now) = (world.id(SignInId::new), world.now());
        let (any, from_here) = sign_ins::known(tx, user, &self.known_hash).await?;
        let (device, address) = self.sealed(world, TABLE, id.as_str());
        let row = NewSignInRow {
            id: id.as_str(),
            user_id: user.as_str(),
            at: now.0,
            method: method.as_str(),
            succeeded,
            device,
            address,
            known_hash: &self.known_hash,
        };
        sign_ins::insert(tx, &row).await?;
        if succeeded && any && !from_here {
            let told = sign_ins::told_since(tx, user, Activity::NewDevice, now.plus(-DAY)).await?;
            if told < MAILS_A_DAY {
                tell(tx, world, (user, self.language), Activity::NewDevice, Some(id)).await?;
            }
        }
        Ok(())
    }
}

/// Tells a person by mail what happened to their account.
pub(super) async fn tell(
    tx: &mut Tx,
    world: &World,
    (user, language): (&UserId, Language),
    activity: Activity,
    sign_in: Option<SignInId>,
) -> Result<(), Failure> {
    let mut message = NewMessage::new(Template::Activity, language).user(user.clone()).activity(activity);
    if let Some(sign_in) = sign_in {
        message = message.sign_in(sign_in);
    }
    outbox::enqueue(tx, world, message).await?;
    Ok(())
}
