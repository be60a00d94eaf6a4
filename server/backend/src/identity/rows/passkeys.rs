//! Rows of passkeys.

use diesel::prelude::*;
use shutterpost_model::id::UserId;
use shutterpost_model::identity::passkeys::PasskeyView;
use shutterpost_model::pii::{Pii, Purpose, Secret};
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::DataKey;

use super::id;
use crate::error::Failure;
use crate::identity::passkeys::Credential;
use crate::keystore::{Place, Realm, Sealed};
use crate::schema::identity_passkeys;

/// Where a value of a passkey stands.
pub(in crate::identity) fn passkey_place<'a>(column: &'static str, passkey: &'a str) -> Place<'a> {
    Place { realm: &Realm::Installation, table: "identity_passkeys", column, row: passkey }
}

/// Where the state of a ceremony stands; `row` is the hash of its challenge.
pub(in crate::identity) fn ceremony_place(row: &str) -> Place<'_> {
    Place { realm: &Realm::Installation, table: "identity_ceremonies", column: "state", row }
}

#[derive(Insertable)]
#[diesel(table_name = identity_passkeys)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(in crate::identity) struct NewPasskeyRow<'a> {
    pub(in crate::identity) id: &'a str,
    pub(in crate::identity) user_id: &'a str,
    pub(in crate::identity) credential_hash: &'a [u8],
    pub(in crate::identity) credential: Sealed<Secret>,
    pub(in crate::identity) name: Sealed<Pii<String>>,
    pub(in crate::identity) verifies: bool,
    pub(in crate::identity) created_at: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = identity_passkeys)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(in crate::identity) struct PasskeyRow {
    pub(in crate::identity) id: String,
    user_id: String,
    pub(in crate::identity) credential: Sealed<Secret>,
    name: Sealed<Pii<String>>,
    verifies: bool,
    created_at: i64,
    last_used_at: Option<i64>,
    refused_at: Option<i64>,
}

impl PasskeyRow {
    pub(in crate::identity) fn user(&self) -> Result<UserId, Failure> {
        id(self.user_id.clone())
    }

    pub(in crate::identity) const fn is_refused(&self) -> bool {
        self.refused_at.is_some()
    }

    pub(in crate::identity) fn open(&self, key: &DataKey) -> Result<Credential, Failure> {
        Credential::read(&self.credential.open(key, passkey_place("credential", &self.id))?)
    }

    pub(in crate::identity) fn listed(self, key: &DataKey) -> Result<PasskeyView, Failure> {
        let Self { id: passkey, user_id: _, credential: _, name, verifies, created_at, last_used_at, refused_at } =
            self;
        Ok(PasskeyView {
            name: name.open(key, passkey_place("name", &passkey))?.disclose(Purpose::OwnData),
            id: id(passkey)?,
            created_at: Millis(created_at),
            last_used: last_used_at.map(Millis),
            verifies,
            refused: refused_at.is_some(),
        })
    }
}
