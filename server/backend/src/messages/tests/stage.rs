//! What the tests of messages share: an event with a guest, a mailer that remembers, a writer that writes little.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Credential, Role};
use shutterpost_model::events::Branding;
use shutterpost_model::id::{CaptureId, EventId, GuestId, LinkId, MessageId, OrganisationId, TokenId};
use shutterpost_model::language::Language;
use shutterpost_model::messages::{FailureReason, Mail, MailWriter, RenderedMail, Template};
use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;
use shutterpost_model::tokens::Reach;

use crate::db::write_tx;
use crate::guests::rows as guests;
use crate::jobs::Wake;
use crate::jobs::outbox::{self, NewMessage};
use crate::jobs::queue::JobKind;
use crate::jobs::worker::Worker;
use crate::keystore::Realm;
use crate::messages::MessagesService;
use crate::messages::mailer::{Envelope, Mailer};
use crate::messages::send::SendMessage;
use crate::services::Deps;
use crate::storage::Storage;
use crate::testing::TestDatabase;

pub(super) const ORIGIN: &str = "https://photos.example:8443";

/// An organisation with an event, a capture and a guest who may see it.
pub(super) struct Stage<'a> {
    pub(super) test: &'a TestDatabase,
    pub(super) deps: Deps,
    pub(super) mailer: Arc<Recorder>,
    pub(super) organisation: OrganisationId,
    pub(super) event: EventId,
    pub(super) capture: CaptureId,
    pub(super) guest: GuestId,
    pub(super) link: LinkId,
}

impl<'a> Stage<'a> {
    pub(super) async fn set(test: &'a TestDatabase) -> Self {
        let world = &test.world;
        let storage = Storage::folder(&test.folder().join("store")).expect("a folder");
        let deps = Deps {
            db: test.db.clone(),
            world: world.clone(),
            keys: test.keys.clone(),
            keystore: test.keystore.clone(),
            storage,
            providers: crate::connections::providers::Providers::with_loopback(),
            origin: ORIGIN.to_owned(),
        };
        let stage = Self {
            test,
            deps,
            mailer: Arc::default(),
            organisation: world.id(OrganisationId::new),
            event: world.id(EventId::new),
            capture: world.id(CaptureId::new),
            guest: world.id(GuestId::new),
            link: world.id(LinkId::new),
        };
        let Self { organisation, event, .. } = &stage;
        let branding = serde_json::to_string(&Branding::default()).expect("serialises");
        stage
            .sql(&format!(
                "INSERT INTO identity_organisations (id, name, created_at) VALUES ('{organisation}', 'Messe AG', 0);
                 INSERT INTO events (id, organisation_id, name, starts_on, ends_on, time_zone, retention_days, kept_until,
                     branding, version, created_at)
                     VALUES ('{event}', '{organisation}', 'Sommerfest', '2027-01-14', '2027-01-16', 'Europe/Berlin', 365,
                     '2028-01-16', '{branding}', 1, 0);"
            ))
            .await;
        stage.add(&stage.capture, &stage.guest, &stage.link, Some("anna@example.com")).await;
        stage
    }

    /// Adds a capture with a guest and the owner link between them.
    pub(super) async fn add(&self, capture: &CaptureId, guest: &GuestId, link: &LinkId, email: Option<&str>) {
        let Self { organisation, event, .. } = self;
        let email = match email {
            Some(email) => self.sealed(guest, "email", email).await,
            None => "NULL".to_owned(),
        };
        let name = self.sealed(guest, "name", "Anna").await;
        let hash = |text: &str| match self.test.db.is_sqlite() {
            true => format!("X'{}'", data_encoding::HEXLOWER.encode(text.as_bytes())),
            false => format!("'\\x{}'", data_encoding::HEXLOWER.encode(text.as_bytes())),
        };
        let (token, media) = (hash(link.as_str()), hash(&format!("m{link}")));
        self.sql(&format!(
            "INSERT INTO captures (id, organisation_id, event_id, uploader, media_type, width, height, size, orientation,
                 object, revision, captured_at, received_at, guests)
                 VALUES ('{capture}', '{organisation}', '{event}', 'tok_x', 'image/jpeg', 3000, 2000, 1, 1, 'o', 3, 0, 0, 1);
             INSERT INTO captures_renditions (capture_id, name, encoding, organisation_id, width, height, size, object, etag)
                 VALUES ('{capture}', 'web', 'jpg', '{organisation}', 960, 640, 1, 'o', 'e');
             INSERT INTO guests (id, organisation_id, event_id, name, email, language, created_at)
                 VALUES ('{guest}', '{organisation}', '{event}', {name}, {email}, 'de', 0);
             INSERT INTO share_links (id, organisation_id, capture_id, guest_id, kind, generation, token_hash, media_hash,
                 created_at)
                 VALUES ('{link}', '{organisation}', '{capture}', '{guest}', 'owner', 2, {token}, {media}, 0);"
        ))
        .await;
    }

    /// A value of a guest, as a literal of SQL.
    pub(super) async fn sealed(&self, guest: &GuestId, column: &'static str, value: &str) -> String {
        let realm = Realm::Organisation(self.organisation.clone());
        let place = guests::place(&realm, column, guest.as_str());
        self.test.sealed(&guests::key(&self.organisation, guest.as_str()), place, value).await
    }

    pub(super) async fn sql(&self, sql: &str) {
        let sql = sql.to_owned();
        write_tx!(self.test.db, tx => tx.execute_sql(&sql).await).expect("the SQL is valid");
    }

    /// Enqueues "your photo is ready" about the stage's capture.
    pub(super) async fn enqueue(&self) -> MessageId {
        self.enqueue_for(&self.capture, &self.guest, &self.link).await
    }

    pub(super) async fn enqueue_for(&self, capture: &CaptureId, guest: &GuestId, link: &LinkId) -> MessageId {
        let message = NewMessage::new(Template::Capture, Language::German)
            .organisation(self.organisation.clone())
            .event(self.event.clone())
            .capture(capture.clone())
            .guest(guest.clone())
            .link(link.clone());
        let world = self.test.world.clone();
        write_tx!(self.test.db, tx => outbox::enqueue(tx, &world, message).await).expect("enqueued")
    }

    pub(super) fn handler(&self) -> SendMessage {
        SendMessage::new(self.deps.clone(), self.mailer.clone(), Arc::new(Plain))
    }

    pub(super) fn worker(&self) -> Arc<Worker> {
        let worker = Worker::new(self.test.db.clone(), self.test.world.clone(), Wake::default());
        Arc::new(worker.handle(JobKind::SendMessage, self.handler()))
    }

    pub(super) fn service(&self) -> MessagesService {
        MessagesService::new(self.deps.clone(), Wake::default())
    }

    pub(super) fn actor(&self, role: Role) -> Actor {
        actor(&self.test.world.id(TokenId::new), &self.organisation, role)
    }

    /// Number of messages that the SQL condition holds for.
    pub(super) async fn messages(&self, condition: &str) -> i64 {
        self.test.count("messages", condition).await
    }

    /// Whether the capture shows the state.
    pub(super) async fn capture_is(&self, state: &str) -> bool {
        let condition = format!("id = '{}' AND delivery = '{state}'", self.capture);
        self.test.count("captures", &condition).await == 1
    }
}

pub(super) fn actor(token: &TokenId, organisation: &OrganisationId, role: Role) -> Actor {
    let credential = Credential::Token { token: token.clone(), reach: Reach::WholeRole, ends_at: None };
    Actor::proven(credential, Some((organisation.clone(), role)))
}

/// What a recorder was given.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    pub(super) message_id: String,
    pub(super) to: String,
    pub(super) sender: Option<String>,
    pub(super) at: Millis,
    pub(super) text: String,
}

/// A mail server of one mailbox: takes everything, unless told to fail.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    taken: Mutex<Vec<Recorded>>,
    /// Failures to answer with, one an attempt; then everything is taken.
    pub(super) failures: Mutex<VecDeque<FailureReason>>,
}

impl Recorder {
    pub(super) fn taken(&self) -> Vec<Recorded> {
        self.taken.lock().expect("no panic").clone()
    }

    pub(super) fn fail(&self, reason: FailureReason, times: usize) {
        self.failures.lock().expect("no panic").extend(std::iter::repeat_n(reason, times));
    }
}

#[async_trait]
impl Mailer for Recorder {
    async fn send(&self, envelope: &Envelope, mail: RenderedMail) -> Result<(), FailureReason> {
        // Points at which a test may drop the attempt: before and after the server took the mail.
        tokio::task::yield_now().await;
        if let Some(reason) = self.failures.lock().expect("no panic").pop_front() {
            return Err(reason);
        }
        self.taken.lock().expect("no panic").push(Recorded {
            message_id: envelope.message_id.clone(),
            to: envelope.to.expose().clone(),
            sender: envelope.sender.clone(),
            at: envelope.at,
            text: mail.text.into_inner(),
        });
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// Writes the addresses in the mail, line by line; panics over a guest named "Panic".
pub(super) struct Plain;

impl MailWriter for Plain {
    fn write(&self, mail: &Mail, language: Language) -> RenderedMail {
        let text = match mail {
            Mail::Capture { guest_name, link, picture, logo, kept_until, .. } => {
                let name = guest_name.as_ref().map(|name| name.expose().as_str()).unwrap_or_default();
                assert_ne!(name, "Panic");
                let (picture, width, height) = (picture.0.expose(), picture.1, picture.2);
                let logo = logo.as_ref().map(|(logo, _, _)| logo.expose()).unwrap_or_default();
                format!("{name}\n{}\n{picture}\n{width}x{height}\n{logo}\n{kept_until}", link.expose())
            }
            Mail::Invitation { inviter, link, expires_on, .. } => {
                format!("{}\n{}\n{expires_on}", inviter.expose(), link.expose())
            }
            Mail::Reset { link, minutes } => format!("{}\n{minutes}", link.expose()),
            Mail::Notice { organisation, link, .. } => format!("{organisation}\n{}", link.expose()),
            Mail::PasswordChanged { at, .. } => at.rfc3339(),
            Mail::Activity { what, at, device, event, organisation, link } => {
                let about: String =
                    [event, organisation].into_iter().flatten().map(|name| format!("\n{name}")).collect();
                format!("{}\n{}\n{}\n{}{about}", what.as_str(), at.rfc3339(), device.expose(), link.expose())
            }
            Mail::Support { moment, name, reason, link, .. } => {
                format!("{}\n{}\n{}\n{}", moment.as_str(), name.expose(), reason.expose(), link.expose())
            }
        };
        RenderedMail {
            subject: Pii::new(language.tag().to_owned()),
            html: Pii::new(format!("<p>{text}</p>")),
            text: Pii::new(text),
        }
    }
}
