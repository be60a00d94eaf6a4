//! Server functions that the grid calls.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

#[cfg(feature = "ssr")]
use shutterpost_model::captures::PAGE;
use shutterpost_model::captures::{CaptureFilter, CapturePage};
use shutterpost_model::id::{CaptureId, EventId};

use crate::cms::context::CmsError;
#[cfg(feature = "ssr")]
use crate::cms::context::signed_in;

/// A page of an event's captures, newest first.
#[server(prefix = "/fn/cms", endpoint = "captures/list", input = Json, output = Json)]
pub async fn list(event: EventId, filter: CaptureFilter, cursor: Option<String>) -> Result<CapturePage, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.captures.list(&actor, &event, filter, cursor, PAGE).await?)
}

/// Moves captures to the trash; gives how many were not there before.
#[server(prefix = "/fn/cms", endpoint = "captures/delete", input = Json, output = Json)]
pub async fn delete(event: EventId, captures: Vec<CaptureId>) -> Result<i64, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.captures.delete(&actor, &event, &captures).await?)
}

/// Takes captures back out of the trash; gives how many were in it.
#[server(prefix = "/fn/cms", endpoint = "captures/restore", input = Json, output = Json)]
pub async fn restore(event: EventId, captures: Vec<CaptureId>) -> Result<i64, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.captures.restore(&actor, &event, &captures).await?)
}
