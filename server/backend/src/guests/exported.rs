//! Guests as an archive tells of them.

use std::collections::HashMap;

use async_trait::async_trait;
use shutterpost_model::time::Millis;

use super::rows::{ConsentRow, Contact};
use super::{GuestsService, queries};
use crate::db::Conn;
use crate::error::Failure;
use crate::exports::{People, Person};
use crate::identity::scope::OrgScope;

#[async_trait]
impl People for GuestsService {
    async fn people(
        &self,
        conn: &mut Conn,
        scope: &OrgScope,
        guests: &[String],
        until: Millis,
    ) -> Result<Vec<Person>, Failure> {
        let rows = queries::these(conn, scope, guests).await?;
        let keys = rows.iter().map(super::rows::GuestRow::key).collect::<Result<Vec<_>, _>>()?;
        let ring = self.keystore().find(&keys).await?;
        let mut consents: HashMap<String, Vec<ConsentRow>> = HashMap::new();
        for row in queries::consents_of(conn, scope, guests, until).await? {
            consents.entry(row.guest_id.clone()).or_default().push(row);
        }
        let mut people = Vec::with_capacity(rows.len());
        for row in rows {
            let Contact { name, email, phone } = match row.contact(&ring) {
                Ok(contact) => contact,
                // Being erased at this moment.
                Err(Failure::NotFound) => continue,
                Err(failure) => return Err(failure),
            };
            let consents = consents.remove(&row.id).unwrap_or_default();
            people.push(Person {
                created_at: row.created_at(),
                language: row.language().to_owned(),
                id: row.id,
                name,
                email,
                phone,
                consents: consents.into_iter().map(ConsentRow::into_view).collect(),
            });
        }
        Ok(people)
    }
}
