//! The order of the list as a condition: what comes before or after a position.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Text};

use super::rows::Position;
use crate::schema::captures;

/// `(captured_at, id) < (…)`: a row value is one range of the index on both databases, however many captures share an
/// instant. Diesel has none that SQLite knows, and prepares no statement that holds raw SQL; this one it does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared<'a> {
    operator: &'static str,
    position: &'a Position,
}

impl Position {
    /// Captures further down the list.
    pub(super) const fn older(&self) -> Compared<'_> {
        Compared { operator: " < ", position: self }
    }

    /// Captures further up the list.
    pub(super) const fn newer(&self) -> Compared<'_> {
        Compared { operator: " > ", position: self }
    }
}

impl Expression for Compared<'_> {
    type SqlType = Bool;
}

impl AppearsOnTable<captures::table> for Compared<'_> {}

impl ValidGrouping<()> for Compared<'_> {
    type IsAggregate = is_aggregate::No;
}

impl QueryId for Compared<'_> {
    type QueryId = ();
    // The operator is not part of the type: diesel goes by the text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB> QueryFragment<DB> for Compared<'_>
where
    DB: Backend + HasSqlType<BigInt> + HasSqlType<Text>,
    i64: ToSql<BigInt, DB>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(captures.captured_at, captures.id)");
        out.push_sql(self.operator);
        out.push_sql("(");
        out.push_bind_param::<BigInt, _>(&self.position.captured_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.position.id.as_str())?;
        out.push_sql(")");
        Ok(())
    }
}
