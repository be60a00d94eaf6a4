//! From a proved assertion to a person. Names are bounded and free of characters by which two look alike.

use ::saml::{Attribute, Identity, NameIdFormat};
use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;

use super::super::connection::{Connection, SubjectSource};
use super::super::logout::NameId;
use super::super::reject::{Fault, Reject, SubjectPlace, clip, unfit};
use super::millis;
use crate::Person;

/// The longest name of a person or session: what SAML demands of persistent ones (Core, 8.3.7).
const NAME_LIMIT: usize = 256;
const EMAIL_LIMIT: usize = 254;
const GROUP_LIMIT: usize = 256;
const GROUPS: usize = 1000;

/// Who the assertion is about, in our words.
pub(super) fn person(connection: &Connection, identity: &Identity, now: Millis) -> Result<Person, Reject> {
    let names = &connection.attributes;
    let first = |wanted: &Option<String>, limit: usize| -> Result<Option<Pii<String>>, Reject> {
        let Some(name) = wanted else { return Ok(None) };
        let value = values(identity, name).next().map(|value| text(value, limit)).transpose();
        let value = value.map_err(|fault| Reject::Attribute { name: clip(name), fault })?;
        Ok(value.map(Pii::new))
    };
    let name_id = identity.name_id();
    let subject = match &connection.subject {
        SubjectSource::NameId if name_id.format == NameIdFormat::Transient => {
            return Err(Reject::Subject { of: SubjectPlace::NameId, fault: Fault::Transient });
        }
        SubjectSource::NameId => name(&name_id.value, SubjectPlace::NameId)?,
        SubjectSource::Attribute(wanted) => {
            let mut all = values(identity, wanted);
            let subject = name(all.next().unwrap_or_default(), SubjectPlace::Attribute)?;
            if all.next().is_some() {
                return Err(Reject::Subject { of: SubjectPlace::Attribute, fault: Fault::TooMany });
            }
            subject
        }
    };
    let email = match first(&names.email, EMAIL_LIMIT)? {
        None if names.email.is_none() && name_id.format == NameIdFormat::EmailAddress => {
            Some(Pii::new(name(&name_id.value, SubjectPlace::NameId)?))
        }
        email => email,
    };
    let mut groups = Vec::new();
    if let Some(wanted) = &names.groups {
        for value in values(identity, wanted) {
            let group = text(value, GROUP_LIMIT).map_err(|fault| Reject::Attribute { name: clip(wanted), fault })?;
            groups.push(group);
        }
        if groups.len() > GROUPS {
            return Err(Reject::Attribute { name: clip(wanted), fault: Fault::TooMany });
        }
    }
    let session = identity.session_index().map(|index| name(index, SubjectPlace::SessionIndex)).transpose()?;
    Ok(Person {
        issuer: connection.provider.clone(),
        subject: Pii::new(subject),
        email_verified: connection.trust_email && email.is_some(),
        email,
        name: first(&names.name, NAME_LIMIT)?,
        groups,
        methods: identity.authn_context_class_ref().map(clip).into_iter().collect(),
        session,
        // A sign-in of the future would count as fresh for longer than others do.
        authenticated_at: Some(millis(identity.authn_instant()).min(now)),
        until: identity.session_not_on_or_after().map(millis),
    })
}

/// What the assertion has under this name, in all attributes of it.
fn values<'a>(identity: &'a Identity, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = identity.attributes().iter().filter(move |attribute: &&Attribute| attribute.name == name);
    named.flat_map(|attribute| &attribute.values).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// A name that can be kept, compared and shown.
pub(super) fn name(value: &str, of: SubjectPlace) -> Result<String, Reject> {
    text(value.trim(), NAME_LIMIT).map_err(|fault| Reject::Subject { of, fault })
}

fn text(value: &str, limit: usize) -> Result<String, Fault> {
    if value.is_empty() {
        Err(Fault::Missing)
    } else if value.chars().count() > limit {
        Err(Fault::TooLong)
    } else if value.chars().any(unfit) {
        Err(Fault::Characters)
    } else {
        Ok(value.to_owned())
    }
}

/// An ID is a key of a table.
pub(super) fn bounded_id(id: &str) -> Result<String, Reject> {
    text(id, NAME_LIMIT).map_err(|_| Reject::Malformed)
}

pub(super) fn name_id(given: &::saml::NameId) -> Result<NameId, Reject> {
    let bounded = |value: &Option<String>| {
        let value = value.as_deref().filter(|value| !value.is_empty());
        value.map(|value| name(value, SubjectPlace::NameId)).transpose()
    };
    let format = match &given.format {
        // Also stands for one that was not given.
        NameIdFormat::Unspecified => None,
        format => Some(name(format.as_uri(), SubjectPlace::NameId)?),
    };
    Ok(NameId {
        value: Pii::new(name(&given.value, SubjectPlace::NameId)?),
        format,
        qualifier: bounded(&given.name_qualifier)?,
        sp_qualifier: bounded(&given.sp_name_qualifier)?,
    })
}
