//! What tests of everything from events to privacy start from: an organisation with an event, a device and all
//! services, made through the doors that people use.

use shutterpost_model::access::{Actor, Permission, Role};
use shutterpost_model::captures::CapturePage;
use shutterpost_model::error::AppError;
use shutterpost_model::events::{DeviceDraft, EventDraft, Events};
use shutterpost_model::guests::{GuestInput, GuestView, NewGuest};
use shutterpost_model::id::{CaptureId, EventId, GuestId, OrganisationId};
use shutterpost_model::identity::{Accounts, Client, SignIn};
use shutterpost_model::ingest::{Accepted, Ingest, Upload};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::privacy::{ErasureTarget, ErasureView};
use shutterpost_model::share::Shares;
use shutterpost_model::time::Date;

use super::{IngestConfig, IngestService, capture_parts};
use crate::captures::CapturesService;
use crate::db::write_tx;
use crate::designs::DesignsService;
use crate::events::EventsService;
use crate::events::scope::EventScope;
use crate::guests::GuestsService;
use crate::guests::enrol::{enrol, identify};
use crate::identity::admin::{self, NewMember};
use crate::identity::scope::OrgScope;
use crate::identity::{AccountsService, DirectoryService, PasswordPolicy};
use crate::jobs::Wake;
use crate::privacy::{PrivacyService, TrashService};
use crate::services::Deps;
use crate::share::SharesService;
use crate::testing::{self, TestDatabase};

/// 96 × 64 pixels, to be turned by its metadata, which also hold a description.
pub(crate) const PICTURE: &[u8] = include_bytes!("fixture/turned.jpg");
/// 96 × 64 pixels as a phone writes them; its metadata hold a description.
pub(crate) const HEIC: &[u8] = include_bytes!("fixture/phone.heic");
/// A PNG.
pub(crate) const LOGO: &[u8] = include_bytes!("fixture/logo.png");
/// Objects stored for one capture: the original and seven renditions.
pub(crate) const OBJECTS: usize = 8;
pub(crate) const ANNA: &str =
    r#"{"name":"Anna Canary","email":"anna@canary.example","consents":[{"purpose":"delivery","granted":true}]}"#;

pub(crate) const PASSWORD: &str = "tulip carousel nineteen ferry";

/// An organisation with an event that takes place today and ends tomorrow.
pub(crate) struct Stand {
    pub(crate) test: TestDatabase,
    pub(crate) deps: Deps,
    pub(crate) accounts: AccountsService,
    pub(crate) events: EventsService,
    pub(crate) captures: CapturesService,
    pub(crate) designs: DesignsService,
    pub(crate) guests: GuestsService,
    pub(crate) shares: SharesService,
    pub(crate) privacy: PrivacyService,
    pub(crate) trash: TrashService,
    pub(crate) directory: DirectoryService,
    pub(crate) ingest: IngestService,
    pub(crate) organisation: OrganisationId,
    pub(crate) owner: Actor,
    pub(crate) event: EventId,
    pub(crate) device: Actor,
}

/// Who is on a stand.
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) organisation: OrganisationId,
    pub(crate) owner: Actor,
    pub(crate) event: EventId,
    pub(crate) device: Actor,
}

/// One stand on each database.
pub(crate) async fn stands() -> Vec<Stand> {
    let mut all = Vec::new();
    for test in testing::databases().await {
        all.push(Stand::new(test).await);
    }
    all
}

pub(crate) fn draft() -> EventDraft {
    EventDraft {
        name: "Summer party".into(),
        starts_on: Date::new(2027, 1, 15).expect("valid"),
        ends_on: Date::new(2027, 1, 16).expect("valid"),
        time_zone: "Europe/Berlin".into(),
        retention_days: 60,
    }
}

pub(crate) fn guest(json: &str) -> NewGuest {
    serde_json::from_str::<GuestInput>(json).expect("valid JSON").check().expect("a valid guest")
}

pub(crate) fn upload() -> Upload {
    Upload { bytes: PICTURE.to_vec(), declared: Some("image/jpeg".into()), guest: None, key: None, captured_at: None }
}

pub(crate) fn upload_of(json: &str) -> Upload {
    Upload { guest: Some(guest(json)), ..upload() }
}

/// The token in an address of a page.
pub(crate) fn token(address: &str) -> &str {
    address.rsplit('/').next().expect("not empty")
}

impl Stand {
    pub(crate) async fn new(test: TestDatabase) -> Self {
        let deps = test.deps();
        let accounts = AccountsService::new(deps.clone(), PasswordPolicy::FLOOR);
        let organisation = found(&deps, "Host", "olga@host.example").await;
        let owner = sign_in(&accounts, "olga@host.example").await;
        let events = EventsService::new(deps.clone());
        let event = events.create(&owner, draft()).await.expect("the event is made");
        let issued = events.create_device(&owner, &event, DeviceDraft { name: "Booth 1".into() }).await;
        let issued = issued.expect("the device is made");
        let device = accounts.bearer(issued.secret.expose()).await.expect("is read").expect("is known");
        Self::with(test, deps, Who { organisation, owner, event, device })
    }

    /// The services around what is there already.
    pub(crate) fn with(test: TestDatabase, deps: Deps, who: Who) -> Self {
        let Who { organisation, owner, event, device } = who;
        let config = IngestConfig { threads: Some(1), ..IngestConfig::default() };
        let ingest = IngestService::start(deps.clone(), config, Wake::default()).expect("a thread");
        Self {
            captures: CapturesService::new(deps.clone(), capture_parts(&deps)),
            designs: DesignsService::new(deps.clone(), Wake::default()),
            guests: GuestsService::new(deps.clone()),
            shares: SharesService::new(deps.clone()),
            privacy: PrivacyService::new(deps.clone(), Wake::default()),
            trash: TrashService::new(deps.clone()),
            directory: DirectoryService::new(deps.clone()),
            accounts: AccountsService::new(deps.clone(), PasswordPolicy::FLOOR),
            events: EventsService::new(deps.clone()),
            ingest,
            test,
            deps,
            organisation,
            owner,
            event,
            device,
        }
    }

    /// Who is on it.
    pub(crate) fn who(&self) -> Who {
        let Self { organisation, owner, event, device, .. } = self;
        Who { organisation: organisation.clone(), owner: owner.clone(), event: event.clone(), device: device.clone() }
    }

    /// The owner of another organisation.
    pub(crate) async fn neighbour(&self) -> Actor {
        found(&self.deps, "Neighbour", "nina@next.example").await;
        sign_in(&self.accounts, "nina@next.example").await
    }

    /// A member with a role.
    pub(crate) async fn member(&self, email: &str, role: Role) -> Actor {
        let member = NewMember {
            name: Pii::new("Max Member".into()),
            email: Pii::new(email.into()),
            password: Secret::new(PASSWORD.into()),
            role,
            language: Language::English,
        };
        let made = admin::create_member(&self.deps, PasswordPolicy::FLOOR, &self.organisation, member).await;
        made.expect("a member is made");
        sign_in(&self.accounts, email).await
    }

    pub(crate) async fn accept(&self, upload: Upload) -> Result<Accepted, AppError> {
        self.ingest.accept(&self.device, &self.event, upload).await
    }

    /// Uploads a picture, with a guest if there is JSON of one.
    pub(crate) async fn capture(&self, guest: Option<&str>) -> Accepted {
        let upload = guest.map_or_else(upload, upload_of);
        self.accept(upload).await.expect("the upload is accepted")
    }

    /// Puts another guest into a picture, which no door offers yet.
    pub(crate) async fn join(&self, capture: &CaptureId, json: &str) -> GuestId {
        let org = OrgScope::prove(&self.owner, Permission::CaptureWrite).expect("may");
        let (deps, capture, guest) = (self.deps.clone(), capture.clone(), guest(json));
        self.test.execute(&format!("UPDATE captures SET guests = guests + 1 WHERE id = '{capture}'")).await;
        let mut conn = deps.db.read().await.expect("a connection");
        let scope = EventScope::prove(&mut conn, org, &self.event).await.expect("is there");
        drop(conn);
        let identified = identify(&deps, &scope, &guest).await.expect("has a key");
        write_tx!(self.deps.db, tx => {
            enrol(tx, &deps.world, &deps.keystore, &scope, &capture, (&guest, &identified), &[]).await
        })
        .expect("enrols")
    }

    /// The first guest whom a capture shows.
    pub(crate) async fn guest_of(&self, capture: &CaptureId) -> GuestView {
        use shutterpost_model::captures::Captures;
        let capture = self.captures.find(&self.owner, capture).await.expect("is found");
        capture.guests.into_iter().next().expect("shows a guest")
    }

    /// Whole address of the owner link of a capture.
    pub(crate) async fn owner_link(&self, capture: &CaptureId) -> String {
        use shutterpost_model::captures::Captures;
        use shutterpost_model::share::LinkKind;
        let page = self.captures.find(&self.owner, capture).await.expect("is found");
        let link = page.links.into_iter().find(|link| link.kind == LinkKind::Owner).expect("has an owner link");
        link.url.expect("is not revoked")
    }

    /// Erases as the owner.
    pub(crate) async fn erase(&self, target: ErasureTarget) -> ErasureView {
        use shutterpost_model::privacy::Privacy;
        self.privacy.erase(&self.owner, &target).await.expect("erases")
    }

    pub(crate) async fn list(&self) -> CapturePage {
        use shutterpost_model::captures::{CaptureFilter, Captures};
        self.captures.list(&self.owner, &self.event, CaptureFilter::default(), None, 200).await.expect("lists")
    }

    /// Whether the page behind an address shows.
    pub(crate) async fn shows(&self, address: &str) -> bool {
        self.shares.page(token(address)).await.expect("no failure").is_some()
    }

    /// Number of objects in the store.
    pub(crate) async fn objects(&self) -> usize {
        self.deps.storage.names().await.len()
    }

    /// Days later.
    pub(crate) fn wait_days(&self, days: i64) {
        self.test.clock.advance(days * shutterpost_model::time::DAY);
    }
}

async fn found(deps: &Deps, organisation: &str, email: &str) -> OrganisationId {
    let (name, email) = (Pii::new("Olga Owner".into()), Pii::new(email.into()));
    let password = Secret::new(PASSWORD.into());
    let made = admin::create_owner(deps, PasswordPolicy::FLOOR, organisation, name, email, password).await;
    made.expect("an owner is made").0
}

async fn sign_in(accounts: &AccountsService, email: &str) -> Actor {
    let form = SignIn { email: Pii::new(email.into()), password: Secret::new(PASSWORD.into()), remember: true };
    let session = accounts.sign_in(form, Client::default()).await.expect("signs in").session().expect("a session");
    accounts.session(session.cookie.expose()).await.expect("is read").expect("is new")
}
