//! pysaml2 of PyPI, which signs by the program xmlsec1; its own example of a provider is not in the package.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{Place, Provider, keys, serve};
use crate::{
    checkout::Checkout,
    failure::{Failure, While as _},
    moto,
    process::{capture, command, run, tied},
    progress,
    running::free_port,
};

const NAME: &str = "pysaml2";
const VERSION: &str = "7.5.5";

/// The Python of an environment that has it, in the cache folder.
pub fn install(checkout: &Checkout) -> Result<PathBuf, Failure> {
    let root = checkout.cache.join("tools").join(format!("{NAME}-{VERSION}"));
    // The last thing that an installation makes: one that was cut short is begun anew.
    let whole = root.join("whole");
    let python = root.join("bin/python");
    // The environment points to the Python that made it, which may be gone.
    if whole.is_file() && capture(command(&python).args(["-c", "import saml2.server"])).is_ok() {
        return Ok(python);
    }
    let base = moto::python("the tests of SAML")?;
    let step = progress::step(&format!("pip install {NAME} {VERSION}"), "once, about 15 s");
    run(command(base).args(["-m", "venv", "--clear"]).arg(&root))?;
    let wanted = format!("{NAME}=={VERSION}");
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(command(&python).args(quiet).arg(wanted))?;
    fs::write(&whole, "").or_fail(format_args!("writing {}", whole.display()))?;
    step.done();
    Ok(python)
}

/// Starts `end2end/providers/pysaml2.py`.
pub fn start(place: &Place<'_>, python: &Path, xmlsec1: &Path) -> Result<Provider, Failure> {
    let folder = place.own(NAME)?;
    let pair = keys::make(&folder, NAME)?;
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}");
    let mut server = tied(None, python);
    server
        .arg(place.scripts.join("pysaml2_idp.py"))
        .env("PROVIDER_PORT", port.to_string())
        .env("PROVIDER_KEY", &pair.key)
        .env("PROVIDER_CERTIFICATE", &pair.certificate)
        .env("SERVICE_PROVIDERS", place.folder.join("service-providers"))
        .env("XMLSEC1", xmlsec1);
    let server = serve(&mut server, &folder, port, "/metadata")?;
    let description = json!({
        "url": url,
        "metadata": format!("{url}/metadata"),
        "key": pair.key,
        "certificate": pair.certificate,
    });
    Ok(Provider { name: NAME, server, description })
}
