//! Putting the installation together from its configuration. Wires and decides nothing.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_app::mail::Writer;
use shutterpost_backend::context::World;
use shutterpost_backend::db::{DatabaseUrl, Db};
use shutterpost_backend::jobs::Wake;
use shutterpost_backend::jobs::worker::Worker;
use shutterpost_backend::keys;
use shutterpost_backend::keystore::{KeyStore, LedgerPlaces};
use shutterpost_backend::messages::mailer::{Mailer, OutboxMailer, SmtpMailer};
use shutterpost_backend::roots::Address;
use shutterpost_backend::services::{Backend, Deps, Limits, Options};
use shutterpost_backend::storage::Storage;
use shutterpost_backend::upgrade;
use shutterpost_model::messages::OutboxMail;
use shutterpost_model::services::Services;

use crate::adapters;
use crate::config::Config;
use crate::http::Operations;

/// Why the installation cannot start.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Opens database, keys and storage.
pub async fn deps(config: &Config) -> Result<Deps, StartError> {
    let world = adapters::world();
    std::fs::create_dir_all(&config.store.data)?;
    let url = DatabaseUrl::parse(&config.store.database_url)?;
    let storage = Storage::parse(&config.store.storage)?;
    let db = Db::open(&url, config.store.connections).await?;
    let keys = keys::open(&db, &config.store.keys, &world).await?;
    let copies = config.store.ledger_copy.iter().cloned().collect();
    let ledger = LedgerPlaces::new(config.store.ledger.clone(), copies, &keys);
    let keystore = keystore(config, ledger, &world).await?;
    upgrade::seal(&db, &url, &keystore, &storage, &world).await?;
    Ok(Deps { db, world, keys: Arc::new(keys), keystore, storage, origin: config.http.origin.clone() })
}

/// Opens root keys and key store.
async fn keystore(config: &Config, ledger: LedgerPlaces, world: &World) -> Result<KeyStore, StartError> {
    let store = &config.store;
    if store.key_store == store.database_url {
        return Err("key_store: must be another database than database_url, or the keys lie in its backups".into());
    }
    let (address, file, source) = (Address::parse(&store.roots)?, store.passphrase_file.clone(), world.clone());
    // An operator's passphrase is stretched, and devices and services take their time.
    let roots = tokio::task::spawn_blocking(move || keys::open_roots(&address, file.as_deref(), &source));
    let url = DatabaseUrl::parse(&store.key_store)?;
    Ok(KeyStore::open(&url, store.connections, roots.await??, ledger, world.clone()).await?)
}

/// The installation, ready to serve and to work.
pub struct Installation {
    pub services: Services,
    pub world: World,
    pub operations: Arc<dyn Operations>,
    pub worker: Worker,
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
    let options = Options {
        image_threads: config.images.threads,
        limits: Limits { max_bytes: config.images.bytes, max_pixels: config.images.pixels, ..Limits::default() },
        ..Options::default()
    };
    let (db, keystore, storage) = (deps.db.clone(), deps.keystore.clone(), deps.storage.clone());
    let world = deps.world.clone();
    let Backend { services, worker } = Backend::new(deps, options, wake.clone(), mailer, Arc::new(Writer))?;
    let outbox = config.mail.smtp_url.is_none().then_some(outbox);
    let operations = Arc::new(Parts { db, keystore, storage, wake, outbox });
    Ok(Installation { services, world, operations, worker })
}

struct Parts {
    db: Db,
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

    fn changed(&self) {
        self.wake.ring();
    }
}
