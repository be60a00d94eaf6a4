//! The objects on the token: a key for each generation, and a mark for each that was destroyed.

use std::collections::BTreeSet;

use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::pool::Stop;
use crate::root::RootError;

pub(super) const ID_BYTES: usize = 16;

/// Tells keys of one generation apart, should two processes make one at the same time.
pub(super) type Id = [u8; ID_BYTES];

/// What names the marks as ours, beside their label.
const APPLICATION: &[u8] = b"shutterpost";

/// What a key is that was made in the module. One that another process is making right now is not that yet: SoftHSM2 shows
/// it before it has a value.
const USABLE: [Attribute; 3] =
    [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Token(true), Attribute::Local(true)];

/// How the objects of an installation are called.
pub(super) struct Names {
    /// In front of the number.
    stem: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Names {
        Names { stem: format!("{prefix}-root-") }
    }

    fn key(&self, generation: u32) -> Attribute {
        Attribute::Label(format!("{}{generation:010}", self.stem).into_bytes())
    }

    fn mark(&self, generation: u32) -> Attribute {
        Attribute::Label(format!("{}{generation:010}-destroyed", self.stem).into_bytes())
    }

    /// Generations that have a key, destroyed or not, in rising order.
    pub(super) fn living(&self, session: &Session) -> Result<BTreeSet<u32>, Stop> {
        let mut found = BTreeSet::new();
        for handle in session.find_objects(&USABLE)? {
            for attribute in attributes(session, handle, &[AttributeType::Label])? {
                let Attribute::Label(label) = attribute else { continue };
                let label = String::from_utf8_lossy(&label).into_owned();
                let digits = label.strip_prefix(&self.stem).filter(|digits| digits.len() == 10);
                found.extend(digits.and_then(|digits| digits.parse::<u32>().ok()));
            }
        }
        Ok(found)
    }

    /// The keys of a generation, in rising order of their ids.
    pub(super) fn keys(&self, session: &Session, generation: u32) -> Result<Vec<(Id, ObjectHandle)>, Stop> {
        let mut keys: Vec<(Id, ObjectHandle)> = Vec::new();
        let mut wanted = USABLE.to_vec();
        wanted.push(self.key(generation));
        for handle in session.find_objects(&wanted)? {
            for attribute in attributes(session, handle, &[AttributeType::Id])? {
                let Attribute::Id(id) = attribute else { continue };
                // Somebody else's object would have an id of another length.
                keys.extend(id.try_into().ok().map(|id| (id, handle)));
            }
        }
        keys.sort_by_key(|(id, _)| *id);
        Ok(keys)
    }

    /// Makes a key that stays in the module.
    pub(super) fn generate(&self, session: &Session, generation: u32, id: Id) -> Result<(), Stop> {
        let handle = session.generate_key(
            &Mechanism::AesKeyGen,
            &[
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::AES),
                Attribute::ValueLen(32.into()),
                self.key(generation),
                Attribute::Id(id.to_vec()),
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Modifiable(false),
                Attribute::Encrypt(true),
                Attribute::Decrypt(true),
                Attribute::Sign(false),
                Attribute::Verify(false),
                Attribute::Wrap(false),
                Attribute::Unwrap(false),
                Attribute::Derive(false),
            ],
        )?;
        // Believed when it is seen: a key that can leave the module cannot be destroyed.
        let kept = attributes(session, handle, &[AttributeType::Sensitive, AttributeType::NeverExtractable])?;
        if kept.len() == 2
            && kept
                .iter()
                .all(|attribute| matches!(attribute, Attribute::Sensitive(true) | Attribute::NeverExtractable(true)))
        {
            return Ok(());
        }
        session.destroy_object(handle)?;
        let reason = "the module makes keys that can be taken out of it".to_owned();
        Err(RootError::Unusable { reason }.into())
    }

    pub(super) fn is_destroyed(&self, session: &Session, generation: u32) -> Result<bool, Stop> {
        let wanted = [Attribute::Class(ObjectClass::DATA), Attribute::Token(true), self.mark(generation)];
        Ok(!session.find_objects(&wanted)?.is_empty())
    }

    /// Notes for good that a generation is gone. A second mark of the same, made by another process, is in nobody's way.
    pub(super) fn mark_destroyed(&self, session: &Session, generation: u32) -> Result<(), Stop> {
        session.create_object(&[
            Attribute::Class(ObjectClass::DATA),
            Attribute::Token(true),
            // A public object could be removed by whoever reaches the token, without the PIN.
            Attribute::Private(true),
            Attribute::Modifiable(false),
            Attribute::Application(APPLICATION.to_vec()),
            self.mark(generation),
            Attribute::Value(vec![1]),
        ])?;
        Ok(())
    }

    /// Destroys every key of a generation, finished or not.
    pub(super) fn destroy(&self, session: &Session, generation: u32) -> Result<(), Stop> {
        let wanted = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Token(true), self.key(generation)];
        for handle in session.find_objects(&wanted)? {
            match session.destroy_object(handle) {
                Err(error) if is_gone(&error) => {}
                other => other?,
            }
        }
        Ok(())
    }
}

/// The attributes that the object has; none if somebody destroyed it meanwhile.
fn attributes(session: &Session, object: ObjectHandle, wanted: &[AttributeType]) -> Result<Vec<Attribute>, Error> {
    match session.get_attributes(object, wanted) {
        Err(error) if is_gone(&error) => Ok(Vec::new()),
        other => other,
    }
}

fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Pkcs11(RvError::ObjectHandleInvalid, _))
}
