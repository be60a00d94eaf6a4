//! What a guest agreed to, checked against the wordings of the event.

use shutterpost_model::error::{AppError, Code};
use shutterpost_model::guests::NewGuest;

use crate::db::Conn;
use crate::error::Failure;
use crate::events::consents;
use crate::events::scope::EventScope;

/// A yes or no with the version of the text that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) purpose: String,
    pub(crate) granted: bool,
    pub(crate) text_version: i32,
}

/// Gives every consent its text version, the current one if none was named. Purposes and versions that the event does
/// not have are refused: a consent to an unknown text proves nothing.
pub(crate) async fn resolve(conn: &mut Conn, scope: &EventScope, guest: &NewGuest) -> Result<Vec<Resolved>, Failure> {
    if guest.consents.is_empty() {
        return Ok(Vec::new());
    }
    let texts = consents::all(conn, scope).await?;
    let mut resolved = Vec::with_capacity(guest.consents.len());
    for consent in &guest.consents {
        let versions = || texts.iter().filter(|text| text.purpose == consent.purpose).map(|text| text.version);
        let Some(newest) = versions().max() else {
            return Err(AppError::field("guest.consents.purpose", Code::BadChoice).into());
        };
        let text_version = consent.text_version.unwrap_or(newest);
        if !versions().any(|version| version == text_version) {
            return Err(AppError::field("guest.consents.text_version", Code::BadChoice).into());
        }
        resolved.push(Resolved { purpose: consent.purpose.clone(), granted: consent.granted, text_version });
    }
    Ok(resolved)
}

/// Whether a message may be sent: leaving an address is asking for the photo, unless the guest said no to just that.
pub(crate) fn may_deliver(consents: &[Resolved]) -> bool {
    !consents.iter().any(|consent| consent.purpose == consents::DELIVERY && !consent.granted)
}
