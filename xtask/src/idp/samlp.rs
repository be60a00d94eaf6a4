//! samlp of npm, on node's own HTTP server.

use std::path::Path;

use serde_json::json;

use super::{Place, Provider, keys, serve};
use crate::{failure::Failure, process::tied, running::free_port};

const NAME: &str = "samlp";

/// Starts `end2end/providers/samlp.mjs`.
pub fn start(place: &Place<'_>) -> Result<Provider, Failure> {
    let folder = place.own(NAME)?;
    let pair = keys::make(&folder, NAME)?;
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}");
    let mut server = tied(None, Path::new("node"));
    server
        .arg(place.scripts.join("samlp.mjs"))
        .env("PROVIDER_PORT", port.to_string())
        .env("PROVIDER_KEY", &pair.key)
        .env("PROVIDER_CERTIFICATE", &pair.certificate)
        .env("SERVICE_PROVIDERS", place.folder.join("service-providers"));
    let server = serve(&mut server, &folder, port, "/metadata")?;
    let description = json!({
        "url": url,
        "metadata": format!("{url}/metadata"),
        "key": pair.key,
        "certificate": pair.certificate,
    });
    Ok(Provider { name: NAME, server, description })
}
