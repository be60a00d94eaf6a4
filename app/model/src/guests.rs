//! Guests: the people in the pictures, their contact points and consents.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::error::{AppError, Code};
use crate::id::{EventId, GuestId};
use crate::language::Language;
use crate::pii::{Disclosed, Pii};
use crate::time::Millis;
use crate::validate::{self, Check};

/// Most consents that one request may carry.
pub const CONSENTS_MOST: usize = 16;

/// A guest as booths and API clients send one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestInput {
    #[serde(default)]
    pub name: Option<Pii<String>>,
    #[serde(default)]
    pub email: Option<Pii<String>>,
    #[serde(default)]
    pub phone: Option<Pii<String>>,
    /// BCP 47 tag; languages we do not speak fall back to English.
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub consents: Vec<ConsentInput>,
}

/// A yes or no to one purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentInput {
    pub purpose: String,
    pub granted: bool,
    /// Version of the text that was shown; the current one if absent.
    #[serde(default)]
    pub text_version: Option<i32>,
}

/// A guest after validation, every contact point in its canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGuest {
    pub name: Option<Pii<String>>,
    pub email: Option<Pii<String>>,
    pub phone: Option<Pii<String>>,
    pub language: Language,
    /// Sorted, one a purpose.
    pub consents: Vec<ConsentInput>,
}

impl NewGuest {
    /// The contact point that makes the guest unique in the event: the e-mail address, else the number.
    pub fn contact(&self) -> Option<String> {
        let email = self.email.as_ref().map(|email| format!("email:{}", email.expose()));
        email.or_else(|| self.phone.as_ref().map(|phone| format!("phone:{}", phone.expose())))
    }

    /// The same text for the same guest, whatever the order and spelling of the JSON: input of the keyed hash that
    /// compares requests under one idempotency key.
    pub fn canonical(&self) -> Pii<String> {
        let text = |value: &Option<Pii<String>>| value.as_ref().map(|inner| inner.expose().clone());
        let consents: Vec<_> =
            self.consents.iter().map(|c| serde_json::json!([c.purpose, c.granted, c.text_version])).collect();
        Pii::new(
            serde_json::json!([text(&self.name), text(&self.email), text(&self.phone), self.language.tag(), consents])
                .to_string(),
        )
    }
}

/// More is no guest.
const JSON_MOST: usize = 16 * 1024;

impl GuestInput {
    /// Reads and checks the JSON of a guest. A field nobody knows is named, since a misspelt one would lose an address
    /// silently.
    pub fn read(text: &str) -> Result<NewGuest, AppError> {
        if text.len() > JSON_MOST {
            return Err(AppError::field("guest", Code::TooLong));
        }
        // A list would be read as well, field by field, and nobody means that.
        if !text.trim_start().starts_with('{') {
            return Err(AppError::field("guest", Code::BadRequest));
        }
        let input: Self = serde_json::from_str(text).map_err(|error| {
            let unknown = error.is_data().then(|| error.to_string());
            let name = unknown.as_deref().and_then(|text| text.strip_prefix("unknown field `")?.split('`').next());
            match name {
                Some(name) if name.len() <= 40 => AppError::field(format!("guest.{name}"), Code::UnknownField),
                _ => AppError::field("guest", Code::BadRequest),
            }
        })?;
        input.check()
    }

    /// Checks and normalises; empty texts count as absent. Field names are prefixed by `guest.`.
    pub fn check(self) -> Result<NewGuest, AppError> {
        let mut check = Check::default();
        let given = |value: Option<Pii<String>>| value.filter(|text| !text.expose().trim().is_empty());
        let name = given(self.name).and_then(|name| {
            let trimmed = name.expose().trim().to_owned();
            check.value("guest.name", validate::name(&trimmed).map(|()| Pii::new(trimmed)))
        });
        let email = given(self.email)
            .and_then(|email| check.value("guest.email", validate::email(email.expose()).map(Pii::new)));
        let phone = given(self.phone)
            .and_then(|phone| check.value("guest.phone", validate::phone(phone.expose()).map(Pii::new)));
        if self.language.as_ref().is_some_and(|tag| tag.len() > 35) {
            check.fail("guest.language", Code::TooLong);
        }
        let mut consents = self.consents;
        if consents.len() > CONSENTS_MOST {
            check.fail("guest.consents", Code::OutOfRange);
            consents.clear();
        }
        for consent in &consents {
            if !purpose_fits(&consent.purpose) {
                check.fail("guest.consents.purpose", Code::BadChoice);
            }
        }
        consents.sort();
        if consents.windows(2).any(|pair| matches!(pair, [a, b] if a.purpose == b.purpose)) {
            check.fail("guest.consents", Code::BadChoice);
        }
        check.finish()?;
        let language = self.language.as_deref().and_then(Language::from_tag).unwrap_or_default();
        Ok(NewGuest { name, email, phone, language, consents })
    }
}

/// The form of a purpose's name: 1 to 40 lower-case letters, digits and dashes.
pub fn purpose_fits(purpose: &str) -> bool {
    (1..=40).contains(&purpose.len())
        && purpose.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A guest in the CMS and the API. Contact data are masked unless the actor may reveal them and asked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestView {
    pub id: GuestId,
    pub event: EventId,
    pub name: Option<Disclosed<String>>,
    pub email: Option<Disclosed<String>>,
    pub phone: Option<Disclosed<String>>,
    /// Whether the three above are masked.
    pub masked: bool,
    pub language: Language,
    pub captures: i64,
    pub consents: Vec<ConsentView>,
    pub created_at: Millis,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentView {
    pub purpose: String,
    pub granted: bool,
    pub text_version: i32,
    pub recorded_at: Millis,
}

/// The port of guests.
#[async_trait]
pub trait Guests: Send + Sync {
    /// The guest with contact data masked.
    async fn find(&self, actor: &Actor, guest: &GuestId) -> Result<GuestView, AppError>;
    /// The guest with contact data in the clear; writes an audit entry.
    async fn reveal(&self, actor: &Actor, guest: &GuestId) -> Result<GuestView, AppError>;
    /// Moves the guest into the trash, with the captures that show nobody else; nothing if they are there already. Owner
    /// links and messages rest until they are restored. [`crate::privacy::Privacy::erase`] does not wait.
    async fn delete(&self, actor: &Actor, guest: &GuestId) -> Result<(), AppError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<NewGuest, AppError> {
        serde_json::from_str::<GuestInput>(json).map_err(|_| AppError::new(Code::BadRequest))?.check()
    }

    #[test]
    fn the_same_guest_is_canonical_in_any_spelling() {
        let a = read(
            r#"{"email":" Anna@Example.com","consents":[{"purpose":"b","granted":true},{"purpose":"a","granted":false}]}"#,
        );
        let b = read(
            r#"{"consents":[{"granted":false,"purpose":"a"},{"purpose":"b","granted":true}],"email":"anna@example.com","name":""}"#,
        );
        let (a, b) = (a.expect("valid"), b.expect("valid"));
        assert_eq!(a.canonical().expose(), b.canonical().expose());
        assert_eq!(a.contact().as_deref(), Some("email:anna@example.com"));
    }

    #[test]
    fn problems_are_named_by_field() {
        let error = read(r#"{"name":"a\nb","email":"x","phone":"123"}"#).expect_err("three problems");
        assert_eq!(error.of("guest.name"), Some(Code::BadText));
        assert_eq!(error.of("guest.email"), Some(Code::BadEmail));
        assert_eq!(error.of("guest.phone"), Some(Code::BadPhone));
        assert!(read(r#"{"nick":"x"}"#).is_err());
        assert!(read(r#"{"consents":[{"purpose":"a","granted":true},{"purpose":"a","granted":false}]}"#).is_err());
    }
}
