//! oidc-provider of npm, which is certified by the OpenID Foundation.

use std::path::Path;

use serde_json::json;

use super::{Place, Provider, serve};
use crate::{failure::Failure, process::tied, running::free_port};

const NAME: &str = "oidc-provider";

/// Starts `end2end/providers/oidc.mjs`. It makes its keys itself, and clients register there.
pub fn start(place: &Place<'_>) -> Result<Provider, Failure> {
    let folder = place.own(NAME)?;
    let port = free_port()?;
    let mut server = tied(None, Path::new("node"));
    server.arg(place.scripts.join("oidc.mjs")).env("PROVIDER_PORT", port.to_string());
    let server = serve(&mut server, &folder, port, "/.well-known/openid-configuration")?;
    let description = json!({ "url": format!("http://127.0.0.1:{port}") });
    Ok(Provider { name: NAME, server, description })
}
