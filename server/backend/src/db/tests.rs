//! Both databases behave alike: same schema, same refusals, and nothing half-written whatever happens to a caller.

mod contention;
mod full;

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{DatabaseUrl, Db, StartFailure, on_db, write_tx};
use crate::error::Failure;
use crate::schema::identity_organisations as organisations;
use crate::testing::databases;

async fn insert(tx: &mut super::Tx, id: &str) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(organisations::table)
        .values((organisations::id.eq(id), organisations::name.eq("x"), organisations::created_at.eq(0)))
        .execute(c).await)?;
    Ok(())
}

async fn count(db: &Db) -> i64 {
    let mut conn = db.read().await.expect("a connection");
    on_db!(conn, c => organisations::table.count().get_result::<i64>(c).await).expect("counts")
}

/// What a busy machine may take for a few statements.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_leaves_no_lock_and_no_half_write() {
    for test in databases().await {
        let db = test.db.clone();
        let (begun, started) = tokio::sync::oneshot::channel();
        let (go_on, waiting) = tokio::sync::oneshot::channel::<()>();
        let caller = tokio::spawn({
            let db = db.clone();
            async move {
                write_tx!(db, tx => {
                    insert(tx, "org_one").await?;
                    begun.send(()).ok();
                    waiting.await.ok();
                    insert(tx, "org_two").await
                })
            }
        });
        started.await.expect("the first statement ran");
        // The client hangs up: its future is dropped between two statements.
        caller.abort();
        assert!(caller.await.expect_err("aborted").is_cancelled());
        assert_eq!(count(&db).await, 0, "{}: nothing is visible in between", test.kind);
        go_on.send(()).ok();
        let next = async { write_tx!(db, tx => insert(tx, "org_three").await) };
        tokio::time::timeout(PATIENCE, next).await.expect("no lock stays").expect("writes");
        // PostgreSQL lets the next writer pass by; the transaction ends in its own time.
        let whole = async {
            while count(&db).await < 3 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, whole).await.unwrap_or_else(|_| panic!("{}: the transaction ends", test.kind));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_fails_or_panics_writes_nothing() {
    for test in databases().await {
        let db = test.db.clone();
        let failed: Result<(), Failure> = write_tx!(db, tx => {
            insert(tx, "org_one").await?;
            Err(Failure::NotFound)
        });
        assert!(matches!(failed, Err(Failure::NotFound)));
        let died: Result<(), Failure> = write_tx!(db, tx => {
            insert(tx, "org_two").await?;
            assert!(tx.is_none_of_this(), "a bug in a body");
            Ok(())
        });
        assert!(matches!(died, Err(Failure::Internal(_))));
        write_tx!(db, tx => insert(tx, "org_three").await).expect("the writer is usable");
        assert_eq!(count(&db).await, 1, "{}", test.kind);
    }
}

impl super::Tx {
    /// Always false; keeps the compiler from seeing that the body ends there.
    fn is_none_of_this(&self) -> bool {
        std::hint::black_box(false)
    }
}

/// Tables, columns, keys and indexes in the words of neither database.
const SQLITE: &str = "
    SELECT 'column ' || t.name || '.' || c.name || ' ' || lower(replace(c.type, 'BLOB', 'bytea')) || CASE c.\"notnull\" WHEN 1 THEN '' ELSE ' null' END AS line
      FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite%'
    UNION ALL
    SELECT 'key ' || t.name || ' (' || (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_info(t.name) WHERE pk > 0 ORDER BY pk)) || ')'
      FROM sqlite_schema t WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite%'
    UNION ALL
    SELECT 'foreign ' || t.name || ' (' || f.columns || ') ' || f.target || ' (' || f.others || ') ' || lower(f.on_delete)
      FROM sqlite_schema t JOIN (SELECT t2.name AS owner, k.id, k.\"table\" AS target, k.on_delete,
             group_concat(k.\"from\", ', ') AS columns, group_concat(k.\"to\", ', ') AS others
             FROM sqlite_schema t2 JOIN pragma_foreign_key_list(t2.name) k WHERE t2.type = 'table' GROUP BY t2.name, k.id) f ON f.owner = t.name
      WHERE t.type = 'table'
    UNION ALL
    SELECT 'index ' || i.tbl_name || ' ' || i.name || CASE l.\"unique\" WHEN 1 THEN ' unique' ELSE '' END || ' ('
        || (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) || ')'
        || CASE l.partial WHEN 1 THEN ' partial' ELSE '' END
      FROM sqlite_schema i JOIN pragma_index_list(i.tbl_name) l ON l.name = i.name WHERE i.type = 'index' AND i.sql IS NOT NULL";

const POSTGRES: &str = "
    SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || CASE is_nullable WHEN 'NO' THEN '' ELSE ' null' END AS line
      FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'
    UNION ALL
    SELECT 'key ' || k.conrelid::regclass || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY x.n) FROM unnest(k.conkey) WITH ORDINALITY x(c, n)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.c) || ')'
      FROM pg_constraint k WHERE k.contype = 'p' AND k.connamespace = 'public'::regnamespace AND k.conrelid::regclass::text NOT LIKE '\\_\\_%'
    UNION ALL
    SELECT 'foreign ' || k.conrelid::regclass || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY x.n) FROM unnest(k.conkey) WITH ORDINALITY x(c, n)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.c) || ') ' || k.confrelid::regclass || ' ('
        || (SELECT string_agg(a.attname, ', ' ORDER BY x.n) FROM unnest(k.confkey) WITH ORDINALITY x(c, n)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.c) || ') '
        || CASE k.confdeltype WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE 'no action' END
      FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'index ' || i.indrelid::regclass || ' ' || i.indexrelid::regclass || CASE WHEN i.indisunique THEN ' unique' ELSE '' END || ' ('
        || (SELECT string_agg(a.attname, ', ' ORDER BY x.n) FROM unnest(i.indkey) WITH ORDINALITY x(c, n)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = x.c) || ')' || CASE WHEN i.indpred IS NULL THEN '' ELSE ' partial' END
      FROM pg_index i WHERE i.indrelid::regclass::text IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%')
        AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))";

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_have_the_same_schema() {
    let tests = databases().await;
    let mut schemas = Vec::new();
    for test in &tests {
        let mut lines = test.lines(SQLITE, POSTGRES).await;
        lines.sort();
        assert!(lines.iter().filter(|line| line.starts_with("column ")).count() > 150, "{lines:?}");
        assert!(lines.iter().filter(|line| line.starts_with("foreign ")).count() > 20, "{lines:?}");
        schemas.push(lines);
    }
    for pair in schemas.windows(2) {
        if let [sqlite, postgres] = pair {
            let only = |here: &[String], there: &[String]| {
                here.iter().filter(|line| !there.contains(line)).cloned().collect::<Vec<_>>()
            };
            assert_eq!(only(sqlite, postgres), only(postgres, sqlite));
        }
    }
    // What belongs to an organisation goes with it, and is found by it.
    for line in &schemas[0] {
        let Some(table) = line.strip_prefix("column ").and_then(|rest| rest.split_once(".organisation_id ")) else {
            continue;
        };
        let owned = |prefix: &str, part: &str| {
            schemas[0].iter().any(|other| other.starts_with(&format!("{prefix} {} ", table.0)) && other.contains(part))
        };
        // Receipts outlive what was erased, the organisation included.
        let outlives = table.0 == "privacy_erasures";
        assert!(outlives || owned("foreign", "(organisation_id"), "{} has no foreign key to its organisation", table.0);
        let keyed = schemas[0].iter().any(|other| *other == format!("key {} (organisation_id, user_id)", table.0));
        assert!(keyed || owned("index", "(organisation_id"), "{} has no index by organisation", table.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_version_is_refused() {
    for test in databases().await {
        let mut conn = test.db.read().await.expect("a connection");
        conn.execute_sql(
            "INSERT INTO __diesel_schema_migrations (version, run_on) VALUES ('99990101000000', CURRENT_TIMESTAMP)",
        )
        .await
        .expect("writes");
        drop(conn);
        let refused = Db::open(&test.url, 2).await.expect_err("newer");
        assert!(matches!(&refused, StartFailure::Newer(version) if version.contains("9999")), "{refused}");
    }
}

#[test]
fn an_unknown_scheme_is_named_and_nothing_else_is() {
    for url in ["mysql://root:hush@db/x", "sqlite::memory:", "sqlite:", "postgres:x", "hush", ""] {
        let refused = DatabaseUrl::parse(url).expect_err("unknown").to_string();
        assert!(!refused.contains("hush@") && !refused.contains("root"), "{refused}");
    }
    assert!(matches!(DatabaseUrl::parse("sqlite:data/x.sqlite"), Ok(DatabaseUrl::Sqlite(_))));
    assert!(matches!(DatabaseUrl::parse("postgres://u:p@h/d"), Ok(DatabaseUrl::Postgres(_))));
}
