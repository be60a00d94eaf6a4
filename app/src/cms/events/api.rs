//! Server functions of events.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use shutterpost_model::events::{Device, Event, EventSummary};
use shutterpost_model::id::EventId;

use crate::cms::context::CmsError;
#[cfg(feature = "ssr")]
use crate::cms::context::signed_in;

/// All events of the organisation, newest start first.
#[server(prefix = "/fn/cms", endpoint = "events/list", input = Json, output = Json)]
pub async fn list() -> Result<Vec<EventSummary>, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.events.list(&actor).await?)
}

/// An event with its branding and consents.
#[server(prefix = "/fn/cms", endpoint = "events/find", input = Json, output = Json)]
pub async fn find(event: EventId) -> Result<Event, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.events.find(&actor, &event).await?)
}

/// The devices of an event, without their secrets.
#[server(prefix = "/fn/cms", endpoint = "events/devices", input = Json, output = Json)]
pub async fn devices(event: EventId) -> Result<Vec<Device>, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.events.devices(&actor, &event).await?)
}
