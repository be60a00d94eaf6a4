//! SimpleSAMLphp of Debian, unpacked and not installed: its package wants a web server. PHP serves it.

use std::{fs, path::PathBuf};

use serde_json::json;

use super::{Place, Provider, keys, serve};
use crate::{
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    process::{capture, command, tied},
    progress,
    running::free_port,
};

const NAME: &str = "simplesamlphp";
const WHY: &str = "the tests of SAML";

/// Where it lies and what runs it.
#[derive(Debug)]
pub struct Installed {
    php: PathBuf,
    /// The folder of the package's files: `www`, `lib` and so on.
    share: PathBuf,
}

/// Finds or unpacks it.
pub fn install(checkout: &Checkout) -> Result<Installed, Failure> {
    let php = debian::program("php", &["php-cli", "php-mbstring", "php-xml"], WHY)?;
    // Debian splits off what it cannot do without, and its package names neither.
    let able = "exit(extension_loaded('mbstring') && extension_loaded('dom') ? 0 : 1);";
    if capture(command(&php).args(["-r", able])).is_err() {
        debian::install(&["php-mbstring", "php-xml"], WHY)?;
    }
    let root = checkout.cache.join("tools").join(NAME);
    let share = root.join("usr/share/simplesamlphp");
    // The last thing that an installation makes: one that was cut short is begun anew.
    let whole = root.join("whole");
    if !whole.is_file() {
        let step = progress::step("SimpleSAMLphp", "once, about 5 s");
        if root.exists() {
            fs::remove_dir_all(&root).or_fail(format_args!("removing {}", root.display()))?;
        }
        debian::unpack(NAME, &root)?;
        fs::write(&whole, "").or_fail(format_args!("writing {}", whole.display()))?;
        step.done();
    }
    Ok(Installed { php, share })
}

/// Starts it with the configuration of `end2end/providers/simplesamlphp`.
pub fn start(place: &Place<'_>, installed: &Installed) -> Result<Provider, Failure> {
    let folder = place.own(NAME)?;
    let pair = keys::make(&folder, NAME)?;
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}");
    let mut server = tied(None, &installed.php);
    server
        // The deprecations of the day would be part of its pages.
        .args(["-d", "error_reporting=22527", "-d", "display_errors=0", "-d", "opcache.enable_cli=0"])
        .args(["-d", &format!("session.save_path={}", folder.display())])
        .args(["-S", &format!("127.0.0.1:{port}"), "-t"])
        .arg(installed.share.join("www"))
        // Several workers would stay when it is ended.
        .env_remove("PHP_CLI_SERVER_WORKERS")
        .env("SIMPLESAMLPHP_CONFIG_DIR", place.scripts.join(NAME))
        .env("PROVIDER_URL", &url)
        .env("PROVIDER_FOLDER", &folder)
        .env("PROVIDER_SCRIPTS", place.scripts.join(NAME))
        .env("SERVICE_PROVIDERS", place.folder.join("service-providers"));
    let server = serve(&mut server, &folder, port, "/saml2/idp/metadata.php")?;
    let description = json!({
        "url": url,
        "metadata": format!("{url}/saml2/idp/metadata.php"),
        "key": pair.key,
        "certificate": pair.certificate,
    });
    Ok(Provider { name: NAME, server, description })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_configuration_is_there() {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/providers").join(NAME);
        for file in ["config.php", "authsources.php", "metadata/saml20-idp-hosted.php", "metadata/saml20-sp-remote.php"]
        {
            assert!(scripts.join(file).is_file(), "{file}");
        }
    }
}
