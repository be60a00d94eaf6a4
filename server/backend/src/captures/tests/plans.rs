//! How both databases look for a page of the list: along an index that has the right order already, and by nothing
//! else, whatever the filter. The rest of an event of a hundred thousand captures is never read.

use diesel::backend::Backend;
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Integer, Text};
use diesel::sqlite::Sqlite;
use shutterpost_model::access::Permission;
use shutterpost_model::captures::CaptureFilter;
use shutterpost_model::events::Events;
use shutterpost_model::id::{DeviceId, EventId};
use shutterpost_model::messages::DeliveryState;
use shutterpost_model::time::Millis;

use crate::captures::queries::listed;
use crate::captures::rows::{Position, SummaryRow};
use crate::db::on_db;
use crate::events::scope::EventScope;
use crate::identity::scope::OrgScope;
use crate::ingest::bulk;
use crate::ingest::fixture::{Stand, stands};
use crate::schema::captures;

/// A statement of which the plan is asked for.
struct Explain<Q> {
    query: Q,
}

/// Of SQLite: id, parent, unused, what is done.
struct ExplainSqlite<Q>(Explain<Q>);

/// Of PostgreSQL: lines.
struct ExplainPostgres<Q>(Explain<Q>);

impl<Q> ExplainSqlite<Q> {
    fn new(query: Q) -> Self
    where
        Q: QueryFragment<Sqlite>,
    {
        Self(Explain { query })
    }
}

impl<Q> ExplainPostgres<Q> {
    fn new(query: Q) -> Self
    where
        Q: QueryFragment<Pg>,
    {
        Self(Explain { query })
    }
}

impl<Q> Explain<Q> {
    fn walk<'b, DB: Backend>(&'b self, words: &str, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        Q: QueryFragment<DB>,
    {
        out.unsafe_to_cache_prepared();
        out.push_sql(words);
        self.query.walk_ast(out.reborrow())
    }
}

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for ExplainSqlite<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk("EXPLAIN QUERY PLAN ", out)
    }
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for ExplainPostgres<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk("EXPLAIN ", out)
    }
}

impl<Q> QueryId for ExplainSqlite<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> QueryId for ExplainPostgres<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for ExplainSqlite<Q> {
    type SqlType = (Integer, Integer, Integer, Text);
}

impl<Q> Query for ExplainPostgres<Q> {
    type SqlType = Text;
}

/// The plan for a page, as the database describes it.
async fn plan(stand: &Stand, scope: &EventScope, filter: &CaptureFilter, after: Option<&Position>) -> String {
    // Here alone: its `execute` would be found before that of the test's database.
    use diesel_async::RunQueryDsl;
    let mut conn = stand.test.db.read().await.expect("a connection");
    let most = 201;
    let lines: Vec<String> = on_db!(
        conn,
        sqlite c => ExplainSqlite::new(listed!(scope, filter, after, most))
            .load::<(i32, i32, i32, String)>(c).await
            .map(|rows| rows.into_iter().map(|(_, _, _, what)| what).collect()),
        postgres c => ExplainPostgres::new(listed!(scope, filter, after, most)).load::<String>(c).await,
    )
    .expect("the statement is valid");
    lines.join("\n")
}

/// Whether the plan goes along one index from where the page begins, and reads it in its order.
fn is_along_an_index(sqlite: bool, plan: &str) -> bool {
    if sqlite {
        plan.starts_with("SEARCH captures USING INDEX captures_") && plan.lines().count() == 1
    } else {
        plan.contains("Index Scan") && !plan.contains("Seq Scan") && !plan.contains("Bitmap") && !plan.contains("Sort")
    }
}

/// An event with captures of every kind, the scope that proves it, and a place in the middle of its list.
async fn crowded(stand: &Stand) -> (EventScope, Position, DeviceId) {
    stand.capture(None).await;
    bulk::fill(&stand.deps, &stand.owner, &stand.event, 4000).await.expect("written");
    // One in twenty from this device, one in seven without a guest, one in thirty failed, some in the trash.
    for sql in [
        "UPDATE captures SET device_id = 'dev_other' WHERE captured_at / 7000 % 20 <> 0",
        "UPDATE captures SET guests = 1 WHERE captured_at / 7000 % 7 <> 0",
        "UPDATE captures SET delivery = CASE WHEN captured_at / 7000 % 30 = 0 THEN 'failed' ELSE 'sent' END",
        "UPDATE captures SET deleted_at = 1 WHERE captured_at / 7000 % 40 = 3",
    ] {
        stand.test.execute(sql).await;
    }
    if !stand.test.db.is_sqlite() {
        stand.test.execute("ANALYZE captures").await;
    }
    let middle =
        "SELECT CAST(captured_at AS TEXT) || ' ' || id AS line FROM captures ORDER BY captured_at, id LIMIT 2001";
    let middle = stand.test.select(middle).await.pop().expect("many captures");
    let (captured_at, id) = middle.split_once(' ').expect("two columns");
    let position = Position { captured_at: captured_at.parse().expect("a number"), id: id.parse().expect("an id") };
    let org = OrgScope::prove(&stand.owner, Permission::CaptureRead).expect("the owner may");
    let event: &EventId = &stand.event;
    let mut conn = stand.test.db.read().await.expect("a connection");
    let scope = EventScope::prove(&mut conn, org, event).await.expect("their event");
    let device = stand.events.devices(&stand.owner, event).await.expect("lists").remove(0).id;
    (scope, position, device)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_has_an_index_in_the_order_of_the_list() {
    for stand in stands().await {
        let (scope, position, device) = crowded(&stand).await;
        let sqlite = stand.test.db.is_sqlite();
        let all = CaptureFilter::default();
        let time = Some(Millis(position.captured_at));
        for (filter, index) in [
            (all.clone(), "captures_list"),
            (CaptureFilter { from: time, ..all.clone() }, "captures_list"),
            (CaptureFilter { to: time, ..all.clone() }, "captures_list"),
            (CaptureFilter { delivery: Some(DeliveryState::Failed), ..all.clone() }, "captures_delivery"),
            (CaptureFilter { device: Some(device.clone()), ..all.clone() }, "captures_device"),
            (CaptureFilter { guest: Some(true), ..all.clone() }, "captures_with_guest"),
            (CaptureFilter { guest: Some(false), ..all.clone() }, "captures_without_guest"),
            (CaptureFilter { trash: true, ..all.clone() }, "captures_trash"),
        ] {
            for after in [None, Some(&position)] {
                let plan = plan(&stand, &scope, &filter, after).await;
                assert!(is_along_an_index(sqlite, &plan), "{filter:?} on {}: {plan}", stand.test.kind);
                assert!(plan.contains(&format!("{index} ")), "{filter:?} on {}: {plan}", stand.test.kind);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_combination_of_filters_is_sorted_or_read_from_end_to_end() {
    for stand in stands().await {
        let (scope, position, device) = crowded(&stand).await;
        let time = Millis(position.captured_at);
        let mut filters = vec![CaptureFilter::default()];
        let with = |filters: &mut Vec<CaptureFilter>, change: &dyn Fn(&mut CaptureFilter)| {
            let changed: Vec<_> = filters
                .iter()
                .cloned()
                .map(|mut filter| {
                    change(&mut filter);
                    filter
                })
                .collect();
            filters.extend(changed);
        };
        with(&mut filters, &|filter| filter.delivery = Some(DeliveryState::Sent));
        with(&mut filters, &|filter| filter.device = Some(device.clone()));
        with(&mut filters, &|filter| filter.guest = Some(true));
        with(&mut filters, &|filter| filter.from = Some(time.plus(-9_000_000)));
        with(&mut filters, &|filter| filter.to = Some(time));
        with(&mut filters, &|filter| filter.trash = true);
        assert_eq!(filters.len(), 64);
        for filter in &filters {
            for after in [None, Some(&position)] {
                let plan = plan(&stand, &scope, filter, after).await;
                let along = is_along_an_index(stand.test.db.is_sqlite(), &plan);
                assert!(along, "{filter:?} on {}: {plan}", stand.test.kind);
            }
        }
    }
}
