//! Server functions of guests.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use shutterpost_model::guests::GuestView;
use shutterpost_model::id::GuestId;

use crate::cms::context::CmsError;
#[cfg(feature = "ssr")]
use crate::cms::context::signed_in;

/// The guest with contact data in the clear; the service writes an audit entry.
#[server(prefix = "/fn/cms", endpoint = "guests/reveal", input = Json, output = Json)]
pub async fn reveal(guest: GuestId) -> Result<GuestView, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.guests.reveal(&actor, &guest).await?)
}
