//! What is known of a key store without opening it: nothing is made, migrated or applied.

use shutterpost_model::time::Millis;
use shutterpost_vault::ledger::Mark;

use super::erased;
use super::queries::{self, ACTIVE, RETIRING};
use crate::db::{DatabaseUrl, Db};
use crate::error::Failure;

/// The state of a key store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outlook {
    /// The newest root generation, and when it began; `None` before the first start.
    pub(crate) generation: Option<(u32, Millis)>,
    /// A generation whose root is to be destroyed.
    pub(crate) retiring: Option<i32>,
    /// How far the ledger was applied.
    pub(crate) mark: Option<Mark>,
}

impl Outlook {
    pub(crate) async fn of(url: &DatabaseUrl) -> Result<Self, Failure> {
        let db = Db::attach(url).map_err(|failure| Failure::internal("the key store", failure))?;
        let mut conn = db.read().await?;
        let all = queries::generations(&mut conn).await?;
        let retiring = all.iter().find(|(_, state)| state == RETIRING).map(|(generation, _)| *generation);
        let newest = all.into_iter().rev().find(|(_, state)| state == ACTIVE);
        let generation = match newest {
            Some((number, _)) => {
                let since = Millis(queries::generation_since(&mut conn, number).await?);
                Some((super::hierarchy::root_number(number)?, since))
            }
            None => None,
        };
        Ok(Self { generation, retiring, mark: erased::mark(&mut conn).await? })
    }
}
