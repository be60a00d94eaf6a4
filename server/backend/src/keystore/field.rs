//! Sealed values in rows. They go through Diesel as bytes; sealing and opening happen where row, organisation and key are
//! known, because all of them are bound to the value.

use std::fmt;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Binary;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_vault::data_key::DataKey;
use shutterpost_vault::field::FieldContext;

use super::Realm;
use crate::context::World;
use crate::error::Failure;

/// Where a value stands: bound to it, so that it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) realm: &'a Realm,
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) row: &'a str,
}

impl Place<'_> {
    fn context(&self) -> FieldContext<'_> {
        let Self { realm, table, column, row } = self;
        FieldContext { organisation: realm.as_str(), table, column, row }
    }
}

/// A value as the database holds it. `T` is what it opens to.
#[derive(Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub(crate) struct Sealed<T> {
    bytes: Vec<u8>,
    opens_to: PhantomData<T>,
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed")
    }
}

impl<T, DB: Backend> FromSql<Binary, DB> for Sealed<T>
where
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self { bytes: Vec::from_sql(bytes)?, opens_to: PhantomData })
    }
}

impl<T, DB: Backend> ToSql<Binary, DB> for Sealed<T>
where
    [u8]: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.bytes.as_slice().to_sql(out)
    }
}

/// What a sealed value opens to.
pub(crate) trait Opens: Sized {
    fn text(&self) -> &str;
    fn opened(text: String) -> Self;
}

impl Opens for Pii<String> {
    fn text(&self) -> &str {
        self.expose()
    }

    fn opened(text: String) -> Self {
        Self::new(text)
    }
}

impl Opens for Secret {
    fn text(&self) -> &str {
        self.expose()
    }

    fn opened(text: String) -> Self {
        Self::new(text)
    }
}

/// Labels that people give to things, which may name somebody.
impl Opens for String {
    fn text(&self) -> &str {
        self
    }

    fn opened(text: String) -> Self {
        text
    }
}

impl<T: Opens> Sealed<T> {
    pub(crate) fn seal(world: &World, key: &DataKey, place: Place<'_>, value: &T) -> Self {
        let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
        let bytes = key.seal(&place.context(), value.text().as_bytes(), &mut random);
        Self { bytes, opens_to: PhantomData }
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The value. Anything but what was sealed for this place is an internal failure: rows are not changed by others.
    pub(crate) fn open(&self, key: &DataKey, place: Place<'_>) -> Result<T, Failure> {
        let plain = key.open(&place.context(), &self.bytes);
        let plain = plain.map_err(|error| Failure::internal("a sealed value", error))?;
        let text = std::str::from_utf8(&plain).map_err(|error| Failure::internal("a sealed value", error))?;
        Ok(T::opened(text.to_owned()))
    }
}
