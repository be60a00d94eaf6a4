//! Rows of events and what they become.

use std::str::FromStr;

use diesel::prelude::*;
use shutterpost_model::captures::{Encoding, RenditionFile, RenditionName, cms_media};
use shutterpost_model::events::{Branding, ConsentText, Device, Event, EventDraft, EventSummary, Logo};
use shutterpost_model::id::{CaptureId, EventId, LogoId, OrganisationId};
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::DataKey;
use shutterpost_vault::wrap::Purpose;

use crate::error::Failure;
use crate::keystore::{KeyRef, KeyStore, Place, Realm, Sealed};
use crate::schema::{events, events_consents, events_devices, events_logos};

/// Reads back a value that we wrote as text.
pub(crate) fn stored<T: FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::Internal("a stored value does not read back".into()))
}

/// An optional value of the same kind.
pub(crate) fn stored_option<T: FromStr>(text: Option<&str>) -> Result<Option<T>, Failure> {
    text.map(stored).transpose()
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = events)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct EventRow {
    pub(crate) id: String,
    pub(crate) organisation_id: String,
    pub(crate) name: String,
    pub(crate) starts_on: String,
    pub(crate) ends_on: String,
    pub(crate) time_zone: String,
    pub(crate) retention_days: i32,
    pub(crate) kept_until: String,
    pub(crate) branding: String,
    pub(crate) logo_id: Option<String>,
    pub(crate) version: i32,
    pub(crate) created_at: i64,
    pub(crate) deleted_at: Option<i64>,
}

impl EventRow {
    pub(crate) fn branding(&self) -> Result<Branding, Failure> {
        Ok(serde_json::from_str(&self.branding)?)
    }

    pub(crate) fn draft(&self) -> Result<EventDraft, Failure> {
        Ok(EventDraft {
            name: self.name.clone(),
            starts_on: stored(&self.starts_on)?,
            ends_on: stored(&self.ends_on)?,
            time_zone: self.time_zone.clone(),
            retention_days: self.retention_days,
        })
    }

    pub(super) fn into_event(
        self,
        logo: Option<LogoRow>,
        consents: Vec<ConsentRow>,
        captures: i64,
    ) -> Result<Event, Failure> {
        let draft = self.draft()?;
        let branding = self.branding()?;
        let Self {
            id,
            organisation_id: _,
            name: _,
            starts_on: _,
            ends_on: _,
            time_zone: _,
            retention_days: _,
            kept_until: _,
            branding: _,
            logo_id: _,
            version,
            created_at,
            deleted_at: _,
        } = self;
        Ok(Event {
            id: stored(&id)?,
            draft,
            branding,
            logo: logo.map(LogoRow::into_logo).transpose()?,
            consents: consents.into_iter().map(ConsentRow::into_text).collect(),
            captures,
            created_at: Millis(created_at),
            version,
        })
    }
}

/// A line of the list: event, captures, newest capture and its revision.
#[derive(Debug, Queryable)]
pub(super) struct SummaryRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) starts_on: String,
    pub(super) ends_on: String,
    pub(super) time_zone: String,
    pub(super) captures: i64,
    pub(super) cover: Option<String>,
    pub(super) cover_revision: Option<i32>,
}

impl SummaryRow {
    pub(super) fn into_summary(self) -> Result<EventSummary, Failure> {
        let Self { id, name, starts_on, ends_on, time_zone, captures, cover, cover_revision } = self;
        let cover: Option<CaptureId> = stored_option(cover.as_deref())?;
        let cover = cover.zip(cover_revision).map(|(capture, revision)| {
            cms_media(&capture, RenditionFile { name: RenditionName::Thumb, encoding: Encoding::WebP, revision })
        });
        Ok(EventSummary {
            id: stored(&id)?,
            name,
            starts_on: stored(&starts_on)?,
            ends_on: stored(&ends_on)?,
            time_zone,
            captures,
            cover,
        })
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = events_logos)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct LogoRow {
    pub(crate) id: String,
    pub(crate) organisation_id: String,
    pub(crate) event_id: String,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) object: String,
    pub(crate) created_at: i64,
}

impl LogoRow {
    pub(super) fn into_logo(self) -> Result<Logo, Failure> {
        let Self { id, organisation_id: _, event_id, width, height, object: _, created_at: _ } = self;
        let (id, event): (LogoId, EventId) = (stored(&id)?, stored(&event_id)?);
        Ok(Logo { url: logo_address(&event, &id), id, width, height })
    }
}

/// Address of a logo for signed-in people.
pub(crate) fn logo_address(event: &EventId, logo: &LogoId) -> String {
    format!("/cms/logos/{event}/{logo}")
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = events_consents)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct ConsentRow {
    pub(crate) event_id: String,
    pub(crate) purpose: String,
    pub(crate) version: i32,
    pub(crate) organisation_id: String,
    pub(crate) english: String,
    pub(crate) german: String,
    pub(crate) created_at: i64,
}

impl ConsentRow {
    fn into_text(self) -> ConsentText {
        let Self { event_id: _, purpose, version, organisation_id: _, english, german, created_at: _ } = self;
        ConsentText { purpose, version, english, german }
    }
}

/// The key of what people wrote or uploaded for an event: names of devices, logos.
pub(crate) fn key(organisation: &OrganisationId, event: &str) -> KeyRef {
    KeyRef::of(organisation, PURPOSE, event)
}

/// What the keys of events are for.
pub(crate) const PURPOSE: Purpose = Purpose::Event;

/// Where the name of a device stands.
pub(crate) fn device_place<'a>(realm: &'a Realm, device: &'a str) -> Place<'a> {
    Place { realm, table: "events_devices", column: "name", row: device }
}

/// Names of devices, by their ids, of rows of id, event and sealed name.
pub(crate) async fn device_names(
    keystore: &KeyStore,
    organisation: &OrganisationId,
    rows: Vec<(String, String, Sealed<String>)>,
) -> Result<Vec<(String, String)>, Failure> {
    let values = rows.into_iter().map(|(device, event, sealed)| (key(organisation, &event), device, sealed)).collect();
    keystore.open_each(device_place(&Realm::Organisation(organisation.clone()), ""), values).await
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = events_devices)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct DeviceRow {
    id: String,
    name: Sealed<String>,
    hint: String,
    captures: i64,
    created_at: i64,
    last_seen_at: Option<i64>,
}

impl DeviceRow {
    pub(super) fn into_device(self, realm: &Realm, key: &DataKey) -> Result<Device, Failure> {
        let name = self.name.open(key, device_place(realm, &self.id))?;
        let Self { id, name: _, hint, captures, created_at, last_seen_at } = self;
        Ok(Device {
            id: stored(&id)?,
            name,
            hint,
            created_at: Millis(created_at),
            last_seen_at: last_seen_at.map(Millis),
            captures,
        })
    }
}
