//! Rows of guests and what they become.

use diesel::prelude::*;
use shutterpost_model::guests::{ConsentView, GuestView};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Disclosed, Pii, Purpose, mask_email, mask_name, mask_phone};
use shutterpost_model::time::Millis;

use crate::error::Failure;
use crate::events::rows::stored;
use crate::schema::{guests, guests_consents};

/// A guest as read. Contact data become [`Pii`] with the first line that touches them.
#[derive(Queryable, Selectable)]
#[diesel(table_name = guests)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct GuestRow {
    pub(crate) id: String,
    pub(crate) event_id: String,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    language: String,
    created_at: i64,
}

/// How much of the contact data leaves the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Masked,
    /// For [`Purpose::GuestCare`], with an audit entry.
    Clear,
}

impl GuestRow {
    pub(super) fn into_view(
        self,
        sight: Sight,
        captures: i64,
        consents: Vec<ConsentView>,
    ) -> Result<GuestView, Failure> {
        let Self { id, event_id, name, email, phone, language, created_at } = self;
        let show = |value: Option<String>, mask: fn(&str) -> String| -> Option<Disclosed<String>> {
            let value = Pii::new(value?);
            let shown = match sight {
                Sight::Masked => Pii::new(mask(value.expose())),
                Sight::Clear => value,
            };
            Some(shown.disclose(Purpose::GuestCare))
        };
        Ok(GuestView {
            id: stored(&id)?,
            event: stored(&event_id)?,
            name: show(name, mask_name),
            email: show(email, mask_email),
            phone: show(phone, mask_phone),
            masked: sight == Sight::Masked,
            language: Language::from_tag(&language).unwrap_or_default(),
            captures,
            consents,
            created_at: Millis(created_at),
        })
    }
}

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = guests_consents)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct ConsentRow {
    pub(super) id: String,
    pub(super) organisation_id: String,
    pub(super) guest_id: String,
    pub(super) purpose: String,
    pub(super) granted: bool,
    pub(super) text_version: i32,
    pub(super) recorded_at: i64,
}

impl ConsentRow {
    pub(super) fn into_view(self) -> ConsentView {
        let Self { id: _, organisation_id: _, guest_id: _, purpose, granted, text_version, recorded_at } = self;
        ConsentView { purpose, granted, text_version, recorded_at: Millis(recorded_at) }
    }
}
