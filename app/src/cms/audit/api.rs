//! Server functions of the audit trail.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use shutterpost_model::audit::{AuditFilter, AuditPage};

use crate::cms::context::CmsError;
#[cfg(feature = "ssr")]
use crate::cms::context::signed_in;

/// A page of the trail, newest first.
#[server(name = ListAudit, prefix = "/fn/cms", endpoint = "audit/list", input = Json, output = Json)]
pub async fn list(filter: AuditFilter, cursor: Option<String>) -> Result<AuditPage, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.audit.list(&actor, filter, cursor).await?)
}
