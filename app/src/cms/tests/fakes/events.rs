//! Events, the overview and devices.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{
    Branding, ConsentText, DayNumbers, Device, DeviceDraft, Event, EventDraft, EventSummary, Events, LogoChange,
    Overview, SilentDevice,
};
use shutterpost_model::id::{DeviceId, EventId, LogoId};
use shutterpost_model::identity::Issued;
use shutterpost_model::time::Date;

use super::{Answer, NOW, World, capture_id, elsewhere, event_id};

pub(super) fn draft() -> EventDraft {
    EventDraft {
        name: "Summer <party>".into(),
        starts_on: Date::new(2026, 6, 1).expect("valid"),
        ends_on: Date::new(2026, 6, 2).expect("valid"),
        time_zone: "Europe/Berlin".into(),
        retention_days: 365,
    }
}

impl World {
    fn summary(&self) -> EventSummary {
        let EventDraft { name, starts_on, ends_on, time_zone, .. } = draft();
        EventSummary {
            id: event_id(),
            name,
            starts_on,
            ends_on,
            time_zone,
            captures: self.captures,
            cover: (self.captures > 0).then(|| format!("/cms/media/{}/thumb-1.webp", capture_id(0))),
        }
    }
}

#[async_trait]
impl Events for World {
    async fn overview(&self, _: &Actor) -> Answer<Overview> {
        let day = |number: i64| DayNumbers {
            day: NOW.date().plus_days(number - 13),
            captures: number,
            delivered: 1,
            failed: 0,
        };
        Ok(Overview {
            today: DayNumbers { captures: 1234, ..day(13) },
            days: (0..14).map(day).collect(),
            failed_messages: if self.empty { 0 } else { 3 },
            waiting_messages: 0,
            silent_devices: if self.empty {
                Vec::new()
            } else {
                vec![SilentDevice {
                    event: event_id(),
                    event_name: "Summer <party>".into(),
                    device_name: "Booth 2".into(),
                    last_seen_at: NOW,
                }]
            },
            events: if self.empty { Vec::new() } else { vec![self.summary()] },
        })
    }

    async fn list(&self, _: &Actor) -> Answer<Vec<EventSummary>> {
        Ok(if self.empty { Vec::new() } else { vec![self.summary()] })
    }

    async fn find(&self, _: &Actor, event: &EventId) -> Answer<Event> {
        if *event != event_id() {
            return Err(AppError::new(Code::NotFound));
        }
        let mut branding = Branding::default();
        branding.english.message = "</textarea><script>alert(1)</script>".into();
        Ok(Event {
            id: event.clone(),
            draft: draft(),
            branding,
            logo: None,
            consents: vec![ConsentText {
                purpose: "delivery".into(),
                version: 2,
                english: "May we send it?".into(),
                german: "Dürfen wir es senden?".into(),
            }],
            captures: self.captures,
            created_at: NOW,
            version: 4,
        })
    }

    async fn create(&self, _: &Actor, _: EventDraft) -> Answer<EventId> {
        elsewhere()
    }
    async fn update(&self, _: &Actor, _: &EventId, _: EventDraft, _: i32) -> Answer<()> {
        elsewhere()
    }
    async fn delete(&self, _: &Actor, _: &EventId) -> Answer<()> {
        elsewhere()
    }
    async fn update_branding(&self, _: &Actor, _: &EventId, _: Branding, _: LogoChange, _: i32) -> Answer<()> {
        elsewhere()
    }
    async fn update_consents(&self, _: &Actor, _: &EventId, _: Vec<ConsentText>) -> Answer<()> {
        elsewhere()
    }
    async fn logo(&self, _: &Actor, _: &EventId, _: &LogoId) -> Answer<Vec<u8>> {
        elsewhere()
    }

    async fn devices(&self, _: &Actor, _: &EventId) -> Answer<Vec<Device>> {
        let device = |number: u8, name: &str| Device {
            id: DeviceId::new(NOW.0, [number; 10]),
            name: name.into(),
            hint: "spd_ab".into(),
            created_at: NOW,
            last_seen_at: None,
            captures: 7,
        };
        Ok(if self.empty { Vec::new() } else { vec![device(1, "Booth 1"), device(2, "Booth 2")] })
    }

    async fn create_device(&self, _: &Actor, _: &EventId, _: DeviceDraft) -> Answer<Issued<Device>> {
        elsewhere()
    }
    async fn revoke_device(&self, _: &Actor, _: &EventId, _: &DeviceId) -> Answer<()> {
        elsewhere()
    }
}
