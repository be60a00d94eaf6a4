//! Messages as the CMS shows them, with masked addresses.

use std::collections::HashMap;

use shutterpost_model::id::CaptureId;
use shutterpost_model::messages::{DeliveryView, MessageView};
use shutterpost_model::pii::{Pii, Purpose, mask_email};

use super::queries::{self, Addressed};
use super::rows::Message;
use crate::db::Conn;
use crate::error::Failure;
use crate::guests::rows::{key as guest_key, place as guest_place};
use crate::identity::rows::{invitation_place, subject_key};
use crate::identity::scope::OrgScope;
use crate::keystore::{KeyRef, KeyStore, Realm};

/// The messages about a capture, newest first, for its page.
pub(crate) async fn views_of_capture(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    capture: &CaptureId,
) -> Result<Vec<MessageView>, Failure> {
    let rows = queries::of_capture(conn, scope, capture).await?;
    views(conn, keystore, scope, rows).await
}

/// Turns rows into views, in the same order.
pub(super) async fn views(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    rows: Vec<Addressed>,
) -> Result<Vec<MessageView>, Failure> {
    let organisation = scope.organisation();
    let realm = Realm::Organisation(organisation.clone());
    let mut sealed = Vec::with_capacity(rows.len());
    for (row, guest, invited) in rows {
        sealed.push((Message::try_from(row)?, guest, invited));
    }
    let key = |message: &Message| match message {
        Message { guest: Some(guest), .. } => Some(guest_key(organisation, guest.as_str())),
        Message { invitation: Some(invitation), .. } => Some(subject_key(organisation, invitation.as_str())),
        _ => None,
    };
    let wanted: Vec<KeyRef> = sealed.iter().filter_map(|(message, ..)| key(message)).collect();
    let ring = keystore.find(&wanted).await?;
    let mut messages = Vec::with_capacity(sealed.len());
    for (message, guest, invited) in sealed {
        // Without its key it belongs to somebody who is being erased at this moment.
        let key = key(&message).and_then(|key| ring.get(&key).ok());
        let address = match (&message, key, guest, invited) {
            (Message { guest: Some(guest), .. }, Some(key), Some(email), _) => {
                Some(email.open(key, guest_place(&realm, "email", guest.as_str()))?)
            }
            (Message { invitation: Some(invitation), .. }, Some(key), _, Some(email)) => {
                Some(email.open(key, invitation_place(&realm, invitation.as_str()))?)
            }
            _ => None,
        };
        messages.push((message, address));
    }
    let ids: Vec<String> = messages.iter().map(|(message, _)| message.id.as_str().to_owned()).collect();
    let mut deliveries: HashMap<String, Vec<DeliveryView>> = HashMap::new();
    for row in queries::deliveries(conn, scope, &ids).await? {
        deliveries.entry(row.message_id.clone()).or_default().push(row.try_into()?);
    }
    let view = |(message, address): (Message, Option<Pii<String>>)| {
        let Message {
            id,
            organisation: _,
            event,
            capture,
            guest: _,
            link: _,
            user: _,
            invitation: _,
            reset: _,
            template,
            language,
            generation: _,
            state,
            reason,
            created_at,
            next_attempt_at,
            sent_at,
            activity: _,
            sign_in: _,
            support: _,
            notice: _,
            about: _,
        } = message;
        let masked = address.map(|address| mask_email(address.expose())).unwrap_or_default();
        MessageView {
            deliveries: deliveries.remove(id.as_str()).unwrap_or_default(),
            id,
            template,
            event,
            capture,
            to: Pii::new(masked).disclose(Purpose::GuestCare),
            language,
            state,
            reason,
            created_at,
            sent_at,
            next_attempt_at,
        }
    };
    Ok(messages.into_iter().map(view).collect())
}
