//! Rows of guests and what they become.

use diesel::prelude::*;
use shutterpost_model::guests::{ConsentView, GuestView};
use shutterpost_model::id::OrganisationId;
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Disclosed, Pii, Purpose, mask_email, mask_name, mask_phone};
use shutterpost_model::time::Millis;
use shutterpost_vault::wrap::Purpose as KeyPurpose;

use crate::error::Failure;
use crate::events::rows::stored;
use crate::keystore::{KeyRef, Keyring, Place, Realm, Sealed};
use crate::schema::{guests, guests_consents};

/// What the keys of guests are for.
pub(crate) const PURPOSE: KeyPurpose = KeyPurpose::Subject;

/// Where guests are looked up by their contact point, within an event.
pub(crate) const BY_CONTACT: &str = "guests.contact";

/// What a guest is recognised by, as [`shutterpost_model::guests::NewGuest::contact`] spells it.
pub(crate) fn contact(email: Option<&str>, phone: Option<&str>) -> Option<String> {
    email.map(|email| format!("email:{email}")).or_else(|| phone.map(|phone| format!("phone:{phone}")))
}

/// The key of a guest.
pub(crate) fn key(organisation: &OrganisationId, guest: &str) -> KeyRef {
    KeyRef::of(organisation, PURPOSE, guest)
}

/// Where a value of a guest stands.
pub(crate) fn place<'a>(realm: &'a Realm, column: &'static str, guest: &'a str) -> Place<'a> {
    Place { realm, table: "guests", column, row: guest }
}

/// A guest as read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = guests)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct GuestRow {
    pub(crate) id: String,
    pub(crate) organisation_id: String,
    pub(crate) event_id: String,
    name: Option<Sealed<Pii<String>>>,
    email: Option<Sealed<Pii<String>>>,
    phone: Option<Sealed<Pii<String>>>,
    language: String,
    created_at: i64,
}

/// A guest's contact data in the clear.
#[derive(Debug)]
pub(crate) struct Contact {
    pub(crate) name: Option<Pii<String>>,
    pub(crate) email: Option<Pii<String>>,
    pub(crate) phone: Option<Pii<String>>,
}

/// How much of the contact data leaves the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Masked,
    /// For [`Purpose::GuestCare`], with an audit entry.
    Clear,
}

impl GuestRow {
    pub(crate) fn key(&self) -> Result<KeyRef, Failure> {
        Ok(key(&stored(&self.organisation_id)?, &self.id))
    }

    pub(super) const fn created_at(&self) -> Millis {
        Millis(self.created_at)
    }

    pub(super) fn language(&self) -> &str {
        &self.language
    }

    pub(crate) const fn has_email(&self) -> bool {
        self.email.is_some()
    }

    /// Opens the contact data. [`Failure::NotFound`] once the guest's key is destroyed.
    pub(crate) fn contact(&self, ring: &Keyring) -> Result<Contact, Failure> {
        let (realm, key) = (Realm::Organisation(stored(&self.organisation_id)?), ring.get(&self.key()?)?);
        let open = |column: &'static str, value: &Option<Sealed<Pii<String>>>| {
            value.as_ref().map(|value| value.open(key, place(&realm, column, &self.id))).transpose()
        };
        Ok(Contact {
            name: open("name", &self.name)?,
            email: open("email", &self.email)?,
            phone: open("phone", &self.phone)?,
        })
    }

    pub(super) fn into_view(
        self,
        ring: &Keyring,
        sight: Sight,
        captures: i64,
        consents: Vec<ConsentView>,
    ) -> Result<GuestView, Failure> {
        let Contact { name, email, phone } = self.contact(ring)?;
        let Self { id, organisation_id: _, event_id, name: _, email: _, phone: _, language, created_at } = self;
        let show = |value: Option<Pii<String>>, mask: fn(&str) -> String| -> Option<Disclosed<String>> {
            let value = value?;
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
