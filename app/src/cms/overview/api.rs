//! Server functions of the overview.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use shutterpost_model::events::Overview;

use crate::cms::context::CmsError;
#[cfg(feature = "ssr")]
use crate::cms::context::signed_in;

/// The organisation's numbers of today and the last days.
#[server(name = FetchOverview, prefix = "/fn/cms", endpoint = "events/overview", input = Json, output = Json)]
pub async fn overview() -> Result<Overview, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.events.overview(&actor).await?)
}
