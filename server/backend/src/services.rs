//! What every service holds, and putting them together.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
pub use shutterpost_media::inspect::Limits;
use shutterpost_model::messages::MailWriter;
use shutterpost_model::services::Services;
use shutterpost_vault::keys::Keys;

use crate::audit::AuditService;
use crate::captures::CapturesService;
use crate::connections::providers::Providers;
use crate::connections::{ConnectionsService, DomainsService, certificates, domains};
use crate::context::World;
use crate::db::Db;
use crate::designs::DesignsService;
use crate::events::EventsService;
use crate::exports::{ExportsService, People, PrepareExport};
use crate::guests::GuestsService;
use crate::identity::{AccountsService, DirectoryService, PasswordPolicy, bearer, session};
use crate::ingest::{Converter, IngestConfig, IngestService, capture_parts};
use crate::jobs::objects::DeleteObject;
use crate::jobs::queue::JobKind;
use crate::jobs::worker::{Periodic, Worker};
use crate::jobs::{Permit, Wake};
use crate::keystore::{KeyStore, Rotated};
use crate::messages::MessagesService;
use crate::messages::mailer::Mailer;
use crate::messages::send::SendMessage;
use crate::privacy::{FinishErasure, PrivacyService, TrashService, scrub};
use crate::share::SharesService;
use crate::sso::SsoService;
use crate::storage::Storage;
use crate::support::{self, SupportService};
use crate::uploads::{self, UploadsService};

/// What services share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Deps {
    pub db: Db,
    pub world: World,
    pub keys: Arc<Keys>,
    pub keystore: KeyStore,
    pub storage: Storage,
    /// What speaks with identity providers.
    pub providers: Providers,
    /// Canonical origin without a trailing slash, e.g. `https://photos.example`.
    pub origin: String,
}

/// What an operator may decide.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub password: PasswordPolicy,
    /// What uploads are refused before decoding.
    pub limits: Limits,
    /// Threads for pictures; half of the cores if not given.
    pub image_threads: Option<usize>,
    /// Bytes that work on pictures and films may hold in memory; 1 GiB if not given.
    pub image_memory: Option<u64>,
    /// What films and animations are worked on in.
    pub converter: Converter,
}

/// The services and the worker of one process.
#[derive(Debug)]
pub struct Backend {
    pub services: Services,
    pub worker: Worker,
}

/// How often what time deletes is looked for.
const SWEEP: Duration = Duration::from_secs(3600);
/// How often grants of support whose time is over are written down as ended, and told. What they let in ends by the clock,
/// at its moment.
const ENDED: Duration = Duration::from_secs(15);

impl Backend {
    /// Puts the services together.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread for the image work.
    pub fn new(
        deps: Deps,
        options: Options,
        wake: Wake,
        mailer: Arc<dyn Mailer>,
        writer: Arc<dyn MailWriter>,
    ) -> std::io::Result<Self> {
        let Options { password, limits, image_threads, image_memory, converter } = options;
        let parts = capture_parts(&deps);
        let people: Arc<dyn People> = Arc::new(GuestsService::new(deps.clone()));
        let config = IngestConfig { limits, threads: image_threads, memory: image_memory, converter };
        let ingest = IngestService::start(deps.clone(), config, wake.clone())?;
        let (finisher, redesigner) = (ingest.finisher(), ingest.redesigner());
        let accounts = Arc::new(AccountsService::new(deps.clone(), password));
        let uploads = UploadsService::new(deps.clone(), ingest.clone(), limits.max_bytes);
        let services = Services {
            accounts: Arc::<AccountsService>::clone(&accounts),
            support: Arc::new(SupportService::new(deps.clone(), Arc::clone(&accounts))),
            security: Arc::<AccountsService>::clone(&accounts),
            passkeys: Arc::<AccountsService>::clone(&accounts),
            sso: Arc::new(SsoService::new(deps.clone(), accounts)),
            directory: Arc::new(DirectoryService::new(deps.clone())),
            connections: Arc::new(ConnectionsService::new(deps.clone())),
            domains: Arc::new(DomainsService::new(deps.clone())),
            events: Arc::new(EventsService::new(deps.clone())),
            captures: Arc::new(CapturesService::new(deps.clone(), parts)),
            designs: Arc::new(DesignsService::new(deps.clone(), wake.clone())),
            exports: Arc::new(ExportsService::new(deps.clone(), wake.clone(), Arc::clone(&people))),
            guests: Arc::new(GuestsService::new(deps.clone())),
            shares: Arc::new(SharesService::new(deps.clone())),
            messages: Arc::new(MessagesService::new(deps.clone(), wake.clone())),
            ingest: Arc::new(ingest),
            uploads: Arc::new(uploads),
            privacy: Arc::new(PrivacyService::new(deps.clone(), wake.clone())),
            trash: Arc::new(TrashService::new(deps.clone())),
            audit: Arc::new(AuditService::new(deps.clone())),
        };
        let worker = Worker::new(deps.db.clone(), deps.world.clone(), wake)
            .handle(JobKind::SendMessage, SendMessage::new(deps.clone(), mailer, writer))
            .handle(JobKind::Erase, FinishErasure::new(deps.clone()))
            .handle(JobKind::PrepareExport, PrepareExport::new(deps.clone(), people))
            .handle(JobKind::FinishCapture, finisher)
            .handle(JobKind::ApplyDesign, redesigner)
            .handle(JobKind::DeleteObject, DeleteObject::new(deps.storage.clone()))
            .periodic(Periodic {
                name: "rotation",
                every: SWEEP,
                run: {
                    let keystore = deps.keystore.clone();
                    Box::new(move |_| rotate(keystore.clone()).boxed())
                },
            })
            .periodic(Periodic {
                name: "support",
                every: ENDED,
                run: {
                    let deps = deps.clone();
                    Box::new(move |permit| {
                        let deps = deps.clone();
                        async move { support::end_expired(&permit, &deps).await }.boxed()
                    })
                },
            })
            .periodic(Periodic {
                name: "certificates",
                every: certificates::EVERY,
                run: {
                    let deps = deps.clone();
                    Box::new(move |permit| certificates::warn(permit, deps.clone()).boxed())
                },
            })
            .periodic(Periodic {
                name: "domains",
                every: domains::EVERY,
                run: {
                    let deps = deps.clone();
                    Box::new(move |permit| domains::look_again(permit, deps.clone()).boxed())
                },
            })
            .periodic(Periodic {
                name: "scrub",
                every: scrub::EVERY,
                run: {
                    let deps = deps.clone();
                    Box::new(move |permit| scrub::run(permit, deps.clone()).boxed())
                },
            })
            .periodic(Periodic {
                name: "sweep",
                every: SWEEP,
                run: Box::new(move |permit| sweep(permit, deps.clone()).boxed()),
            });
        Ok(Self { services, worker })
    }
}

/// A new generation of root keys when the last one is old enough.
async fn rotate(keystore: KeyStore) -> Result<(), crate::error::Failure> {
    let Rotated { realms, keys, destroyed } = keystore.rotate_if_due().await?;
    if destroyed > 0 {
        tracing::info!(keys.realms = realms, keys.wrapped = keys, keys.roots = destroyed, "root keys renewed");
    }
    Ok(())
}

/// Everything that time deletes: sessions, ended tokens, past retention, trash, leftovers.
async fn sweep(permit: Permit, deps: Deps) -> Result<(), crate::error::Failure> {
    session::sweep(&deps.db, &deps.world, &permit).await?;
    bearer::sweep(&deps.db, &deps.world, permit).await?;
    support::sweep(&permit, &deps).await?;
    crate::sso::sweep(&deps.db, &deps.world, &permit).await?;
    uploads::sweep(&permit, &deps).await?;
    crate::privacy::sweep(&permit, &deps).await?;
    Ok(())
}
