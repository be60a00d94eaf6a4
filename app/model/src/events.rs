//! Events, their branding and consent texts, and the devices that upload into them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::error::{AppError, Code};
use crate::id::{DeviceId, EventId, LogoId};
use crate::identity::Issued;
use crate::language::Language;
use crate::time::{Date, Millis};
use crate::validate::{self, Check};

pub mod colour;

use colour::Colour;

/// Days after the event's end until captures and contact data are deleted, unless the event says otherwise.
pub const RETENTION_DEFAULT: i32 = 365;
/// Shortest and longest retention, in days.
pub const RETENTION_RANGE: std::ops::RangeInclusive<i32> = 1..=3650;

/// What an admin decides about an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDraft {
    pub name: String,
    pub starts_on: Date,
    pub ends_on: Date,
    /// IANA name such as `Europe/Berlin`; existence is checked on the server.
    pub time_zone: String,
    /// Days after the end.
    pub retention_days: i32,
}

impl EventDraft {
    /// The rules that need no time zone database.
    pub fn check(&self) -> Check {
        let mut check = Check::default();
        check.rule("name", validate::name(&self.name));
        if self.ends_on < self.starts_on {
            check.fail("ends_on", Code::EndBeforeStart);
        }
        check.rule("time_zone", validate::line(&self.time_zone, 64));
        if !RETENTION_RANGE.contains(&self.retention_days) {
            check.fail("retention_days", Code::OutOfRange);
        }
        check
    }

    /// The last day on which captures of the event exist; they are deleted on the day after.
    pub fn kept_until(&self) -> Date {
        self.ends_on.plus_days(i64::from(self.retention_days))
    }
}

/// The client's words in one language; an empty text means "use the product's own".
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BrandTexts {
    /// Above the photo's story on the share page.
    pub headline: String,
    pub message: String,
    /// Legal text at the foot of share page and mail.
    pub legal: String,
    pub mail_subject: String,
    pub mail_message: String,
}

/// How an event looks and speaks to guests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branding {
    pub accent: Colour,
    /// Backdrop of the share page.
    pub backdrop: Colour,
    pub english: BrandTexts,
    pub german: BrandTexts,
    /// `https` addresses or empty.
    pub privacy_url: String,
    pub imprint_url: String,
    /// Whether the logo is blended into the pictures.
    pub mark_pictures: bool,
}

impl Default for Branding {
    fn default() -> Self {
        Self {
            accent: Colour::ACCENT,
            backdrop: Colour::BACKDROP,
            english: BrandTexts::default(),
            german: BrandTexts::default(),
            privacy_url: String::new(),
            imprint_url: String::new(),
            mark_pictures: true,
        }
    }
}

impl Branding {
    pub const fn texts(&self, language: Language) -> &BrandTexts {
        match language {
            Language::English => &self.english,
            Language::German => &self.german,
        }
    }

    pub fn check(&self) -> Result<(), AppError> {
        let mut check = Check::default();
        for language in Language::ALL {
            let texts = self.texts(language);
            let tag = language.tag();
            check.rule(format!("{tag}.headline"), validate::line(&texts.headline, validate::LINE));
            check.rule(format!("{tag}.mail_subject"), validate::line(&texts.mail_subject, validate::LINE));
            check.rule(format!("{tag}.message"), validate::paragraph(&texts.message));
            check.rule(format!("{tag}.legal"), validate::paragraph(&texts.legal));
            check.rule(format!("{tag}.mail_message"), validate::paragraph(&texts.mail_message));
        }
        check.rule("privacy_url", validate::url(&self.privacy_url));
        check.rule("imprint_url", validate::url(&self.imprint_url));
        check.finish()
    }
}

/// A line of the list of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSummary {
    pub id: EventId,
    pub name: String,
    pub starts_on: Date,
    pub ends_on: Date,
    pub time_zone: String,
    pub captures: i64,
    /// Address of the newest capture's thumb.
    pub cover: Option<String>,
}

/// An event with everything that its pages show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    #[serde(flatten)]
    pub draft: EventDraft,
    pub branding: Branding,
    /// The uploaded logo, if any, and its address in the CMS.
    pub logo: Option<Logo>,
    pub consents: Vec<ConsentText>,
    pub captures: i64,
    pub created_at: Millis,
    /// Counts up with every change; a save with an older number is a [`Code::Conflict`].
    pub version: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    pub id: LogoId,
    /// Address in the CMS.
    pub url: String,
    pub width: i32,
    pub height: i32,
}

/// The current wording of one purpose that guests are asked about. An edit makes a new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentText {
    /// Stable name such as `delivery` or `marketing`: lower-case letters, digits, dashes.
    pub purpose: String,
    pub version: i32,
    pub english: String,
    pub german: String,
}

/// What to do with the logo when branding is saved.
#[derive(Debug, Clone, Default)]
pub enum LogoChange {
    #[default]
    Keep,
    Remove,
    /// The bytes of a PNG, WebP or JPEG file.
    Replace(Vec<u8>),
}

/// A device of an event, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub id: DeviceId,
    pub name: String,
    /// Prefix and last four characters of the secret, to recognise it by: `spd_…Ab3x`.
    pub hint: String,
    pub created_at: Millis,
    pub last_seen_at: Option<Millis>,
    pub captures: i64,
}

/// A new device.
#[derive(Debug, Clone, Deserialize)]
pub struct DeviceDraft {
    pub name: String,
}

/// What an organisation looks at in the morning. Days are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    pub today: DayNumbers,
    /// The last 14 days, oldest first, today last.
    pub days: Vec<DayNumbers>,
    /// Messages that could not be sent and wait for a person.
    pub failed_messages: i64,
    pub waiting_messages: i64,
    /// Devices of running events that were silent for 20 minutes although they uploaded today.
    pub silent_devices: Vec<SilentDevice>,
    /// The newest events.
    pub events: Vec<EventSummary>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayNumbers {
    pub day: Date,
    pub captures: i64,
    pub delivered: i64,
    pub failed: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentDevice {
    pub event: EventId,
    pub event_name: String,
    pub device_name: String,
    pub last_seen_at: Millis,
}

/// The port of events and devices.
#[async_trait]
pub trait Events: Send + Sync {
    async fn overview(&self, actor: &Actor) -> Result<Overview, AppError>;
    /// All events of the organisation, newest start first.
    async fn list(&self, actor: &Actor) -> Result<Vec<EventSummary>, AppError>;
    async fn find(&self, actor: &Actor, event: &EventId) -> Result<Event, AppError>;
    async fn create(&self, actor: &Actor, draft: EventDraft) -> Result<EventId, AppError>;
    async fn update(&self, actor: &Actor, event: &EventId, draft: EventDraft, version: i32) -> Result<(), AppError>;
    async fn delete(&self, actor: &Actor, event: &EventId) -> Result<(), AppError>;
    async fn update_branding(
        &self,
        actor: &Actor,
        event: &EventId,
        branding: Branding,
        logo: LogoChange,
        version: i32,
    ) -> Result<(), AppError>;
    /// Saves wordings; those that differ from the current version become a new one.
    async fn update_consents(&self, actor: &Actor, event: &EventId, texts: Vec<ConsentText>) -> Result<(), AppError>;
    /// The logo as a stripped PNG.
    async fn logo(&self, actor: &Actor, event: &EventId, logo: &LogoId) -> Result<Vec<u8>, AppError>;
    async fn devices(&self, actor: &Actor, event: &EventId) -> Result<Vec<Device>, AppError>;
    async fn create_device(
        &self,
        actor: &Actor,
        event: &EventId,
        draft: DeviceDraft,
    ) -> Result<Issued<Device>, AppError>;
    async fn revoke_device(&self, actor: &Actor, event: &EventId, device: &DeviceId) -> Result<(), AppError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> EventDraft {
        EventDraft {
            name: "Summer party".into(),
            starts_on: Date::new(2026, 6, 1).expect("valid"),
            ends_on: Date::new(2026, 6, 2).expect("valid"),
            time_zone: "Europe/Berlin".into(),
            retention_days: RETENTION_DEFAULT,
        }
    }

    #[test]
    fn an_event_is_kept_a_year_after_its_end() {
        assert_eq!(draft().kept_until().to_string(), "2027-06-02");
        assert!(draft().check().errors().is_empty());
    }

    #[test]
    fn an_event_cannot_end_before_it_starts() {
        let mut wrong = draft();
        wrong.ends_on = Date::new(2026, 5, 31).expect("valid");
        wrong.retention_days = 0;
        wrong.name.clear();
        let error = wrong.check().finish().expect_err("three problems");
        assert_eq!(error.of("ends_on"), Some(Code::EndBeforeStart));
        assert_eq!(error.of("retention_days"), Some(Code::OutOfRange));
        assert_eq!(error.of("name"), Some(Code::Required));
    }
}
