//! Configuration: `shutterpost.toml` in the working directory, then the environment, then flags; later wins. The only
//! module that reads the environment. An unknown key is an error that names it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use shutterpost_backend::backup::postgres::Programs;
use shutterpost_backend::backup::{MOST_KEY_DAYS, Retention};
use shutterpost_model::pii::Secret;

/// Why the configuration cannot be used. Shown to the operator; never holds a value that may be secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{origin}: unknown setting {name:?}; known are {known}")]
    Unknown { origin: String, name: String, known: String },
    #[error("{name}: {why}")]
    Value { name: &'static str, why: String },
    #[error("{path}: {why}")]
    File { path: String, why: String },
}

macro_rules! settings {
    ($($(#[$doc:meta])* $field:ident = $variable:literal;)+) => {
        /// The settings as text, by their two spellings: `field` in the file, the variable in the environment.
        const SETTINGS: &[(&str, &str)] = &[$((stringify!($field), $variable)),+];

        #[derive(Debug, Default)]
        struct Raw { $($(#[$doc])* $field: Option<String>,)+ }

        impl Raw {
            fn set(&mut self, field: &str, value: String) -> bool {
                match field {
                    $(stringify!($field) => self.$field = Some(value),)+
                    _ => return false,
                }
                true
            }
        }
    };
}

settings! {
    /// Folder of database, media, keys and local outbox.
    data = "SHUTTERPOST_DATA";
    /// `sqlite:PATH` or `postgres://…`.
    database_url = "DATABASE_URL";
    /// `file:PATH`.
    storage = "SHUTTERPOST_STORAGE";
    /// Canonical origin, e.g. `https://photos.example`.
    url = "SHUTTERPOST_URL";
    /// Address to listen on.
    address = "SHUTTERPOST_ADDRESS";
    port = "SHUTTERPOST_PORT";
    /// Address and port for operators' programs: metrics and health. Without one they are not served.
    admin_address = "SHUTTERPOST_ADMIN_ADDRESS";
    /// Folder with the browser's bundle and its `assets.html`.
    site = "SHUTTERPOST_SITE";
    /// Key file.
    keys = "SHUTTERPOST_KEYS";
    /// Database of the key store: `sqlite:PATH` or `postgres://…`, never the one of `database_url`.
    key_store = "SHUTTERPOST_KEY_STORE";
    /// Folder of the root keys, outside every backup; `pkcs11:…` or `awskms:REGION/PREFIX`.
    roots = "SHUTTERPOST_ROOTS";
    /// File with the passphrase that wraps the root keys; without one a random one is made beside them.
    passphrase_file = "SHUTTERPOST_PASSPHRASE_FILE";
    /// Folder of the ledger of erased keys, outside of what is restored.
    ledger = "SHUTTERPOST_LEDGER";
    /// Folder of a second ledger, on another disk.
    ledger_copy = "SHUTTERPOST_LEDGER_COPY";
    /// Where backups go: `file:PATH` or `s3://BUCKET/PREFIX?region=REGION`.
    backup = "SHUTTERPOST_BACKUP";
    /// Days that backups of data are kept.
    backup_days = "SHUTTERPOST_BACKUP_DAYS";
    /// Days of which every second can be restored.
    backup_fine_days = "SHUTTERPOST_BACKUP_FINE_DAYS";
    /// Days that backups of the key store are kept; seven at most.
    backup_key_days = "SHUTTERPOST_BACKUP_KEY_DAYS";
    /// Folder of PostgreSQL's own programs, for its backups.
    backup_postgres_programs = "SHUTTERPOST_BACKUP_POSTGRES_PROGRAMS";
    /// `smtp://…` or `smtps://…`.
    smtp_url = "SHUTTERPOST_SMTP_URL";
    /// PEM file with the certificate of an authority that the mail server's is signed by, beside the system's.
    smtp_ca = "SHUTTERPOST_SMTP_CA";
    /// Sender of mails, e.g. `Photos <photos@example.com>`.
    mail_from = "SHUTTERPOST_MAIL_FROM";
    /// Proxies whose `X-Forwarded-For` is believed: addresses, comma-separated.
    trusted_proxies = "SHUTTERPOST_TRUSTED_PROXIES";
    /// Name server that is asked for proofs of domains: address, or address and port.
    dns_server = "SHUTTERPOST_DNS_SERVER";
    /// Development mode: local outbox at `/dev/outbox`.
    dev = "SHUTTERPOST_DEV";
    /// Largest upload in bytes.
    upload_bytes = "SHUTTERPOST_UPLOAD_BYTES";
    /// Largest picture in pixels.
    upload_pixels = "SHUTTERPOST_UPLOAD_PIXELS";
    /// Database connections for reading.
    connections = "SHUTTERPOST_CONNECTIONS";
    /// Threads of the image work.
    image_threads = "SHUTTERPOST_IMAGE_THREADS";
    /// Bytes that work on pictures and films may hold in memory.
    image_memory = "SHUTTERPOST_IMAGE_MEMORY";
    /// Log filter, e.g. `info,shutterpost=debug`.
    log = "SHUTTERPOST_LOG";
    /// `json` or `text`.
    log_format = "SHUTTERPOST_LOG_FORMAT";
}

/// Variables that other programs of ours read.
const FOREIGN: &[&str] = &[
    "SHUTTERPOST_CACHE",
    "SHUTTERPOST_SOAK_KILLS",
    "SHUTTERPOST_TEST_IDPS",
    "SHUTTERPOST_TEST_KMS",
    "SHUTTERPOST_TEST_POSTGRES",
    "SHUTTERPOST_TEST_SOFTHSM",
    PUSH_TOKEN,
];

/// Token of a booth, for `shutterpost push`.
const PUSH_TOKEN: &str = "SHUTTERPOST_TOKEN";

/// The token of a booth, if the environment holds one.
pub fn push_token() -> Option<Secret> {
    std::env::var(PUSH_TOKEN)
        .ok()
        .map(|token| token.trim().to_owned())
        .filter(|token| !token.is_empty())
        .map(Secret::new)
}

/// Where the server listens and what it calls itself.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    pub address: IpAddr,
    pub port: u16,
    /// Where metrics and health are served, apart from everything else. `None`: nowhere.
    pub admin: Option<SocketAddr>,
    /// Canonical origin without a trailing slash; used in mails and Open Graph, never the Host header.
    pub origin: String,
    pub trusted_proxies: Vec<IpAddr>,
    /// Asked for proofs of domains; those of the machine if not given.
    pub dns_server: Option<SocketAddr>,
    /// Folder with the browser's bundle; without one the CMS works as plain HTML.
    pub site: Option<PathBuf>,
    pub dev: bool,
    pub upload_bytes: usize,
}

/// Where things are kept.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    pub data: PathBuf,
    pub database_url: String,
    pub storage: String,
    pub keys: PathBuf,
    pub key_store: String,
    pub roots: String,
    /// `None`: one is made.
    pub passphrase_file: Option<PathBuf>,
    pub ledger: PathBuf,
    /// `None`: there is one ledger only.
    pub ledger_copy: Option<PathBuf>,
    pub connections: usize,
}

/// Where backups go, and how long they are kept.
#[derive(Debug, Clone)]
pub struct BackupConfig {
    /// `None`: there are none.
    pub url: Option<String>,
    pub retention: Retention,
    /// Where PostgreSQL's own programs are.
    pub programs: Programs,
}

/// How mail leaves.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// `None`: the local outbox.
    pub smtp_url: Option<String>,
    /// A certificate authority to trust beside the system's.
    pub ca: Option<PathBuf>,
    pub from: Option<String>,
}

/// The image work.
#[derive(Debug, Clone)]
pub struct ImageConfig {
    /// `None`: half of the cores.
    pub threads: Option<usize>,
    /// Bytes that work on pictures and films may hold; `None`: 1 GiB.
    pub memory: Option<u64>,
    pub pixels: u64,
    pub bytes: u64,
}

#[derive(Debug, Clone)]
pub struct LogConfig {
    pub filter: String,
    pub json: bool,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct Config {
    pub http: HttpConfig,
    pub store: StoreConfig,
    pub backup: BackupConfig,
    pub mail: MailConfig,
    pub images: ImageConfig,
    pub log: LogConfig,
}

/// What flags of the command line override.
#[derive(Debug, Default)]
pub struct Overrides {
    pub data: Option<PathBuf>,
    pub port: Option<u16>,
}

impl Config {
    /// Reads file, environment and flags.
    pub fn load(overrides: Overrides) -> Result<Self, ConfigError> {
        let file = Path::new("shutterpost.toml");
        let text = match std::fs::read_to_string(file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(ConfigError::File { path: file.display().to_string(), why: error.to_string() }),
        };
        Self::from_parts(text.as_deref(), std::env::vars(), overrides)
    }

    /// The same from given parts, for tests.
    pub fn from_parts(
        file: Option<&str>,
        environment: impl Iterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> Result<Self, ConfigError> {
        let mut raw = Raw::default();
        let known = || SETTINGS.iter().map(|(field, _)| *field).collect::<Vec<_>>().join(", ");
        if let Some(text) = file {
            let origin = "shutterpost.toml";
            let table: BTreeMap<String, toml::Value> = toml::from_str(text)
                .map_err(|error| ConfigError::File { path: origin.into(), why: error.message().to_owned() })?;
            for (field, value) in table {
                let value = match value {
                    toml::Value::String(text) => text,
                    toml::Value::Integer(number) => number.to_string(),
                    toml::Value::Boolean(flag) => flag.to_string(),
                    _ => {
                        return Err(ConfigError::File {
                            path: origin.into(),
                            why: format!("{field}: must be a text, a whole number, true or false"),
                        });
                    }
                };
                if !raw.set(&field, value) {
                    return Err(ConfigError::Unknown { origin: origin.into(), name: field, known: known() });
                }
            }
        }
        for (name, value) in environment {
            match SETTINGS.iter().find(|(_, variable)| *variable == name) {
                Some((field, _)) => {
                    raw.set(field, value);
                }
                None if name.starts_with("SHUTTERPOST_") && !FOREIGN.contains(&name.as_str()) => {
                    let known = SETTINGS.iter().map(|(_, variable)| *variable).collect::<Vec<_>>().join(", ");
                    return Err(ConfigError::Unknown { origin: "environment".into(), name, known });
                }
                None => {}
            }
        }
        Self::resolve(raw, overrides)
    }

    fn resolve(raw: Raw, overrides: Overrides) -> Result<Self, ConfigError> {
        let data = overrides.data.or_else(|| raw.data.map(PathBuf::from)).unwrap_or_else(|| "data".into());
        let port = overrides.port.map_or_else(|| number("port", raw.port.as_deref(), 8080), Ok)?;
        let origin = raw.url.unwrap_or_else(|| format!("http://localhost:{port}"));
        let dev = flag("dev", raw.dev.as_deref())?;
        let upload_bytes: u64 = number("upload_bytes", raw.upload_bytes.as_deref(), 40_000_000)?;
        Ok(Self {
            http: HttpConfig {
                address: match raw.address.as_deref() {
                    None => IpAddr::V4(Ipv4Addr::LOCALHOST),
                    Some(text) => address("address", text)?,
                },
                port,
                admin: raw.admin_address.filter(|text| !text.is_empty()).map(|text| listener(&text)).transpose()?,
                origin: check_origin(&origin)?,
                trusted_proxies: raw
                    .trusted_proxies
                    .as_deref()
                    .unwrap_or_default()
                    .split(',')
                    .map(str::trim)
                    .filter(|text| !text.is_empty())
                    .map(|text| address("trusted_proxies", text))
                    .collect::<Result<_, _>>()?,
                dns_server: raw
                    .dns_server
                    .filter(|text| !text.is_empty())
                    .map(|text| name_server(&text))
                    .transpose()?,
                site: raw.site.map(PathBuf::from),
                dev,
                upload_bytes: usize::try_from(upload_bytes).unwrap_or(usize::MAX),
            },
            store: StoreConfig {
                database_url: raw
                    .database_url
                    .unwrap_or_else(|| format!("sqlite:{}", data.join("shutterpost.sqlite").display())),
                storage: raw.storage.unwrap_or_else(|| format!("file:{}", data.join("media").display())),
                keys: raw.keys.map_or_else(|| data.join("keys.json"), PathBuf::from),
                key_store: raw
                    .key_store
                    .unwrap_or_else(|| format!("sqlite:{}", data.join("keystore/keys.sqlite").display())),
                roots: raw.roots.unwrap_or_else(|| data.join("roots").display().to_string()),
                ledger: raw.ledger.map_or_else(|| data.join("ledger"), PathBuf::from),
                ledger_copy: raw.ledger_copy.map(PathBuf::from),
                passphrase_file: raw.passphrase_file.map(PathBuf::from),
                connections: number("connections", raw.connections.as_deref(), 8)?,
                data,
            },
            backup: BackupConfig {
                url: raw.backup.filter(|url| !url.is_empty()),
                retention: retention(
                    raw.backup_days.as_deref(),
                    raw.backup_fine_days.as_deref(),
                    raw.backup_key_days.as_deref(),
                )?,
                programs: Programs::new(raw.backup_postgres_programs.map(PathBuf::from)),
            },
            mail: MailConfig {
                smtp_url: raw.smtp_url.filter(|url| !url.is_empty()),
                ca: raw.smtp_ca.map(PathBuf::from),
                from: raw.mail_from,
            },
            images: ImageConfig {
                threads: match raw.image_threads.as_deref() {
                    None => None,
                    Some(text) => Some(number("image_threads", Some(text), 1)?),
                },
                memory: match raw.image_memory.as_deref() {
                    None => None,
                    Some(text) => Some(number("image_memory", Some(text), 1)?),
                },
                pixels: number("upload_pixels", raw.upload_pixels.as_deref(), 100_000_000)?,
                bytes: upload_bytes,
            },
            log: LogConfig {
                filter: raw.log.unwrap_or_else(|| "info".into()),
                json: match raw.log_format.as_deref() {
                    None => !dev,
                    Some("json") => true,
                    Some("text") => false,
                    Some(_) => return Err(ConfigError::Value { name: "log_format", why: "json or text".into() }),
                },
            },
        })
    }
}

fn number<T: std::str::FromStr>(name: &'static str, text: Option<&str>, default: T) -> Result<T, ConfigError> {
    text.map_or(Ok(default), |text| {
        text.trim().parse().map_err(|_| ConfigError::Value { name, why: format!("{text:?} is not a number in range") })
    })
}

/// Days, in the order of the settings.
fn retention(days: Option<&str>, fine: Option<&str>, keys: Option<&str>) -> Result<Retention, ConfigError> {
    let default = Retention::default();
    let days = number("backup_days", days, default.days)?;
    let fine_days = number("backup_fine_days", fine, default.fine_days.min(days))?;
    let key_days = number("backup_key_days", keys, default.key_days)?;
    let wrong = |name, why: String| Err(ConfigError::Value { name, why });
    if fine_days > days {
        return wrong("backup_fine_days", format!("must not be more than backup_days ({days})"));
    }
    if !(1..=MOST_KEY_DAYS).contains(&key_days) {
        let why = format!("must be 1 to {MOST_KEY_DAYS}: an erasure promises that no older copy of a key is left");
        return wrong("backup_key_days", why);
    }
    Ok(Retention { days, fine_days, key_days })
}

fn flag(name: &'static str, text: Option<&str>) -> Result<bool, ConfigError> {
    match text {
        None | Some("" | "0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(_) => Err(ConfigError::Value { name, why: "1 or 0".into() }),
    }
}

fn address(name: &'static str, text: &str) -> Result<IpAddr, ConfigError> {
    text.parse().map_err(|_| ConfigError::Value { name, why: format!("{text:?} is not an IP address") })
}

fn listener(text: &str) -> Result<SocketAddr, ConfigError> {
    let why = || format!("{text:?} is not an address with a port; write for example 127.0.0.1:9090");
    text.parse().map_err(|_| ConfigError::Value { name: "admin_address", why: why() })
}

/// A name server; on the usual port if none is given.
fn name_server(text: &str) -> Result<SocketAddr, ConfigError> {
    let why = || format!("{text:?} is not an address; write for example 192.0.2.53 or 192.0.2.53:53");
    let alone = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
    alone.or_else(|_| text.parse()).map_err(|_| ConfigError::Value { name: "dns_server", why: why() })
}

/// An origin as browsers write it: scheme, host, optional port, nothing behind. Plain http only for this machine:
/// cookies are `Secure`, and browsers treat loopback as secure.
fn check_origin(text: &str) -> Result<String, ConfigError> {
    let wrong = |why: &str| ConfigError::Value { name: "url", why: why.to_owned() };
    let text = text.trim_end_matches('/');
    let (scheme, host) = text.split_once("://").ok_or_else(|| wrong("must begin with https://"))?;
    if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
        return Err(wrong("must be an origin: scheme, host and port, without a path"));
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    match scheme {
        "https" => {}
        "http" if matches!(name, "localhost" | "127.0.0.1" | "[::1]") => {}
        _ => return Err(wrong("must be https; http is for localhost only")),
    }
    Ok(text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: Option<&str>, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::from_parts(file, environment, Overrides::default())
    }

    #[test]
    fn without_settings_everything_is_local() {
        let config = load(None, &[("HOME", "/nowhere")]).expect("defaults");
        assert_eq!(config.http.origin, "http://localhost:8080");
        assert_eq!(config.store.database_url, "sqlite:data/shutterpost.sqlite");
        assert!(config.log.json);
    }

    #[test]
    fn the_environment_wins_over_the_file_and_flags_over_both() {
        let file = "port = 81\nurl = \"https://Photos.example/\"\n";
        let config = load(Some(file), &[("SHUTTERPOST_PORT", "82")]).expect("valid");
        assert_eq!((config.http.port, config.http.origin.as_str()), (82, "https://photos.example"));
        let overrides = Overrides { data: None, port: Some(83) };
        assert_eq!(Config::from_parts(Some(file), std::iter::empty(), overrides).expect("valid").http.port, 83);
    }

    #[test]
    fn what_is_unknown_or_wrong_is_named() {
        for (file, environment, named) in [
            (Some("prot = 1"), vec![], "prot"),
            (None, vec![("SHUTTERPOST_PROT", "1")], "SHUTTERPOST_PROT"),
            (None, vec![("SHUTTERPOST_PORT", "many")], "port"),
            (None, vec![("SHUTTERPOST_URL", "http://photos.example")], "url"),
            (None, vec![("SHUTTERPOST_URL", "https://photos.example/x")], "url"),
            (None, vec![("SHUTTERPOST_TRUSTED_PROXIES", "10.0.0.1, proxy")], "trusted_proxies"),
            (None, vec![("SHUTTERPOST_ADMIN_ADDRESS", "9090")], "admin_address"),
            (None, vec![("SHUTTERPOST_BACKUP_KEY_DAYS", "8")], "backup_key_days"),
            (None, vec![("SHUTTERPOST_BACKUP_KEY_DAYS", "0")], "backup_key_days"),
            (Some("backup_days = 10\nbackup_fine_days = 11"), vec![], "backup_fine_days"),
        ] {
            let error = load(file, &environment).expect_err("wrong").to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
