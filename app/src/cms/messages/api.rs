//! Server functions of messages.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use shutterpost_model::messages::{DeliveryState, MessagePage};

use crate::cms::context::CmsError;
#[cfg(feature = "ssr")]
use crate::cms::context::signed_in;

/// A page of the organisation's messages, newest first.
#[server(prefix = "/fn/cms", endpoint = "messages/list", input = Json, output = Json)]
pub async fn list(state: Option<DeliveryState>, cursor: Option<String>) -> Result<MessagePage, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.messages.list(&actor, state, cursor).await?)
}
