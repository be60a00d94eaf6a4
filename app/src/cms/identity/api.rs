//! Server functions of identity.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use shutterpost_model::identity::{InvitationView, Me, People, Token};

use crate::cms::context::CmsError;
#[cfg(feature = "ssr")]
use crate::cms::context::{request_context, signed_in};

/// The signed-in person.
#[server(name = FindMe, prefix = "/fn/cms", endpoint = "identity/me", input = Json, output = Json)]
pub async fn me() -> Result<Me, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.accounts.me(&actor).await?)
}

/// Members and invitations of the organisation.
#[server(name = ListPeople, prefix = "/fn/cms", endpoint = "identity/people", input = Json, output = Json)]
pub async fn people() -> Result<People, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.directory.people(&actor).await?)
}

/// API tokens of the organisation, without their secrets.
#[server(name = ListTokens, prefix = "/fn/cms", endpoint = "identity/tokens", input = Json, output = Json)]
pub async fn tokens() -> Result<Vec<Token>, CmsError> {
    let (services, actor) = signed_in()?;
    Ok(services.directory.tokens(&actor).await?)
}

/// The invitation behind a link; open to anybody who has the link.
#[server(name = FindInvitation, prefix = "/fn/auth", endpoint = "identity/invitation", input = Json, output = Json)]
pub async fn invitation(token: String) -> Result<InvitationView, CmsError> {
    let context = request_context()?;
    Ok(context.services.accounts.invitation(&token).await?)
}

/// Whether a link to set a new password is still good; open to anybody who has the link.
#[server(name = CheckReset, prefix = "/fn/auth", endpoint = "identity/check_reset", input = Json, output = Json)]
pub async fn check_reset(token: String) -> Result<(), CmsError> {
    let context = request_context()?;
    Ok(context.services.accounts.check_reset(&token).await?)
}
