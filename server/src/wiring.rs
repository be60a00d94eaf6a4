//! Putting the installation together from its configuration. Wires and decides nothing.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_app::mail::Writer;
use shutterpost_backend::backup::postgres::Cluster;
use shutterpost_backend::backup::{Backups, Database, Hold, Running, Shipped, Source, Target};
use shutterpost_backend::connections::providers::Providers;
use shutterpost_backend::context::World;
use shutterpost_backend::db::{DatabaseUrl, Db};
use shutterpost_backend::doctor::Patient;
use shutterpost_backend::ingest::Converter;
use shutterpost_backend::jobs::worker::Worker;
use shutterpost_backend::jobs::{self, Wake};
use shutterpost_backend::keys;
use shutterpost_backend::keystore::{KeyStore, LedgerPlaces};
use shutterpost_backend::messages::mailer::{Mailer, OutboxMailer, SmtpMailer};
use shutterpost_backend::roots::Address;
use shutterpost_backend::services::{Backend, Deps, Limits, Options};
use shutterpost_backend::storage::Storage;
use shutterpost_backend::upgrade;
use shutterpost_model::messages::OutboxMail;
use shutterpost_model::services::Services;
use shutterpost_vault::keys::Keys;
use shutterpost_vault::root::Roots;

use crate::adapters;
use crate::config::Config;
use crate::http::Operations;

/// Why the installation cannot start.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Database, keys and storage, opened, and the backups of them where a target is set.
#[derive(Debug)]
pub struct Opened {
    pub deps: Deps,
    pub roots: Arc<dyn Roots>,
    pub schedule: Option<Schedule>,
}

/// Backups that have not begun yet.
#[derive(Debug)]
pub struct Schedule {
    backups: Backups,
    databases: Vec<Shipped>,
    clusters: Vec<Cluster>,
    storage: Storage,
}

impl Schedule {
    /// Begins to ship.
    pub fn start(self) -> std::io::Result<Running> {
        let Self { backups, databases, clusters, storage } = self;
        backups.start(databases, clusters, storage)
    }
}

/// Opens database, keys and storage, for a command that is short.
pub async fn deps(config: &Config) -> Result<Deps, StartError> {
    let Opened { deps, schedule, .. } = open(config).await?;
    for shipped in schedule.into_iter().flat_map(|schedule| schedule.databases) {
        if let Some(hold) = shipped.hold {
            hold.until_exit();
        }
    }
    Ok(deps)
}

/// Opens database, keys and storage, for a process that serves and so makes backups.
pub async fn open(config: &Config) -> Result<Opened, StartError> {
    let world = adapters::world();
    std::fs::create_dir_all(&config.store.data)?;
    let url = DatabaseUrl::parse(&config.store.database_url)?;
    let keys_url = DatabaseUrl::parse(&config.store.key_store)?;
    let mut storage = Storage::parse(&config.store.storage).map_err(|error| format!("storage: {error}"))?;
    if config.backup.url.is_some() {
        storage = storage.remembering();
    }
    // Before the first connection: the last one to close would empty the log, and the chain of backups with it.
    let hold = |database, url| config.backup.url.as_ref().and_then(|_| held(database, url));
    let (data_hold, keys_hold) = (hold(Database::Data, &url), hold(Database::Keys, &keys_url));
    let db = Db::open(&url, config.store.connections).await?;
    let keys = keys::open(&db, &config.store.keys, &world).await?;
    let copies = config.store.ledger_copy.iter().cloned().collect();
    let ledger = LedgerPlaces::new(config.store.ledger.clone(), copies, &keys);
    let roots = roots(config, &world).await?;
    let keystore = keystore(config, &keys_url, Arc::clone(&roots), ledger, &world).await?;
    upgrade::seal(&db, &url, &keystore, &storage, &world).await?;
    let schedule = match &config.backup.url {
        None => None,
        Some(target) => {
            let backups = backups(config, target, &keys, Arc::clone(&roots), &world)?;
            let mut databases = Vec::new();
            let all = [(Database::Data, &url, data_hold, &db), (Database::Keys, &keys_url, keys_hold, keystore.db())];
            for (database, url, hold, db) in all {
                if let Some(source) = Source::of(database, url) {
                    databases.push(Shipped { source, hold, db: db.clone() });
                }
            }
            let clusters = clusters(config, &url, &keys_url)?;
            keystore.wait_for_copies(Arc::new(backups.clone()));
            Some(Schedule { backups, databases, clusters, storage: storage.clone() })
        }
    };
    // Providers on this machine are for development alone.
    let providers = if config.http.dev { Providers::with_loopback() } else { Providers::public() };
    let providers = match config.http.dns_server {
        Some(server) => providers.asking(server),
        None => providers,
    };
    let origin = config.http.origin.clone();
    let deps = Deps { db, world, keys: Arc::new(keys), keystore, storage, providers, origin };
    Ok(Opened { deps, roots, schedule })
}

/// Keeps the log of a database from being emptied; nothing if there is no database yet, or it is PostgreSQL.
pub fn held(database: Database, url: &DatabaseUrl) -> Option<Hold> {
    let source = Source::of(database, url)?;
    Hold::begin(&source).unwrap_or_else(|refused| {
        tracing::warn!(error.cause = %refused, "backups begin with a new copy");
        None
    })
}

/// Those of the two databases that lie on servers of PostgreSQL.
pub fn clusters(config: &Config, data: &DatabaseUrl, keys: &DatabaseUrl) -> Result<Vec<Cluster>, StartError> {
    Ok(Cluster::of(data, keys, &config.store.data.join("backup-postgres"), &config.backup.programs)?)
}

/// Backups to a target, with the keys that seal them.
fn backups(
    config: &Config,
    target: &str,
    keys: &Keys,
    roots: Arc<dyn Roots>,
    world: &World,
) -> Result<Backups, StartError> {
    let target = Target::parse(target).map_err(|error| format!("backup: {error}"))?;
    Ok(Backups::new(target, keys.backup_key(), roots, world.clone(), config.backup.retention))
}

/// Backups for the command line, which opens neither database nor key store. What seals them must be there already.
pub async fn backups_alone(config: &Config, target: &str) -> Result<Backups, StartError> {
    let (world, store) = (adapters::world(), &config.store);
    let keys = Keys::open(&store.keys)?;
    if let Address::Folder(folder) = Address::parse(&store.roots)?
        && !folder.exists()
    {
        let folder = folder.display();
        return Err(format!(
            "the folder of root keys {folder} is missing. Put it back first, or set SHUTTERPOST_ROOTS"
        )
        .into());
    }
    let roots = roots(config, &world).await?;
    backups(config, target, &keys, roots, &world)
}

/// Where everything is that `doctor` and the monitor look at.
pub fn patient(config: &Config) -> Result<Patient, StartError> {
    let store = config.store.clone();
    Ok(Patient {
        origin: config.http.origin.clone(),
        data: store.data,
        database: DatabaseUrl::parse(&store.database_url)?,
        key_store: DatabaseUrl::parse(&store.key_store)?,
        storage: store.storage,
        keys: store.keys,
        roots: Address::parse(&store.roots)?,
        passphrase_file: store.passphrase_file,
        opened: None,
        ledger: store.ledger,
        ledger_copy: store.ledger_copy,
        backup: config.backup.url.clone(),
        programs: config.backup.programs.clone(),
    })
}

/// Opens the root keys.
async fn roots(config: &Config, world: &World) -> Result<Arc<dyn Roots>, StartError> {
    let store = &config.store;
    let (address, file, source) = (Address::parse(&store.roots)?, store.passphrase_file.clone(), world.clone());
    // An operator's passphrase is stretched, and devices and services take their time.
    let roots = tokio::task::spawn_blocking(move || keys::open_roots(&address, file.as_deref(), &source));
    Ok(roots.await??)
}

/// Opens the key store.
async fn keystore(
    config: &Config,
    url: &DatabaseUrl,
    roots: Arc<dyn Roots>,
    ledger: LedgerPlaces,
    world: &World,
) -> Result<KeyStore, StartError> {
    let store = &config.store;
    if store.key_store == store.database_url {
        return Err("key_store: must be another database than database_url, or the keys lie in its backups".into());
    }
    Ok(KeyStore::open(url, store.connections, roots, ledger, world.clone()).await?)
}

/// The installation, ready to serve and to work.
pub struct Installation {
    pub services: Services,
    pub world: World,
    pub operations: Arc<dyn Operations>,
    pub worker: Worker,
    /// Looked for when it is needed first, which takes a second.
    pub converter: Converter,
}

impl std::fmt::Debug for Installation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Installation")
    }
}

/// Puts the services around the opened parts.
pub fn install(config: &Config, deps: Deps) -> Result<Installation, StartError> {
    let wake = Wake::default();
    let outbox = OutboxMailer::new(config.store.data.join("outbox"));
    let mailer: Arc<dyn Mailer> = match &config.mail.smtp_url {
        Some(url) => {
            let mailer = SmtpMailer::new(url, config.mail.from.as_deref(), &deps.origin)?;
            Arc::new(match &config.mail.ca {
                Some(file) => {
                    let pem = std::fs::read(file).map_err(|error| format!("smtp_ca: {}: {error}", file.display()))?;
                    mailer.trusting(&pem)?
                }
                None => mailer,
            })
        }
        None => Arc::new(outbox.clone()),
    };
    let converter = Converter::default();
    let options = Options {
        image_threads: config.images.threads,
        image_memory: config.images.memory,
        converter: converter.clone(),
        limits: Limits { max_bytes: config.images.bytes, max_pixels: config.images.pixels, ..Limits::default() },
        ..Options::default()
    };
    let (db, keystore, storage) = (deps.db.clone(), deps.keystore.clone(), deps.storage.clone());
    let (world, clock) = (deps.world.clone(), deps.world.clone());
    let Backend { services, worker } = Backend::new(deps, options, wake.clone(), mailer, Arc::new(Writer))?;
    let outbox = config.mail.smtp_url.is_none().then_some(outbox);
    let operations = Arc::new(Parts { db, world: clock, keystore, storage, wake, outbox });
    Ok(Installation { services, world, operations, worker, converter })
}

struct Parts {
    db: Db,
    world: World,
    keystore: KeyStore,
    storage: Storage,
    wake: Wake,
    outbox: Option<OutboxMailer>,
}

#[async_trait]
impl Operations for Parts {
    async fn check(&self) -> Vec<(&'static str, bool)> {
        vec![
            ("database", self.db.ping().await.is_ok()),
            ("storage", self.storage.check().await.is_ok()),
            ("keys", self.keystore.ping().await.is_ok()),
        ]
    }

    async fn outbox(&self) -> Vec<OutboxMail> {
        match &self.outbox {
            Some(outbox) => outbox.list().await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    async fn lag(&self) -> Option<i64> {
        let backlog = jobs::backlog(&self.db, &self.world).await.ok()?;
        Some(backlog.iter().map(|waiting| waiting.lag).max().unwrap_or(0))
    }

    fn changed(&self) {
        self.wake.ring();
    }
}
