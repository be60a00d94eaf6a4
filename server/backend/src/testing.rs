//! What tests are given: a fresh database of each kind, a clock they set and repeatable randomness.
//!
//! Tests that write need `#[tokio::test(flavor = "multi_thread")]`: diesel-async blocks in place on SQLite.

#[cfg(test)]
pub(crate) mod disk;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use diesel::Connection;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use shutterpost_model::time::Millis;
use shutterpost_vault::keys::Keys;
use tempfile::TempDir;

use crate::context::{Clock, Random, World};
use crate::db::{DatabaseUrl, Db, on_db, write_tx};
use crate::services::Deps;
use crate::storage::Storage;

/// URL of a PostgreSQL whose user may create databases; tests run on SQLite alone without it.
const ADMIN_URL: &str = "SHUTTERPOST_TEST_POSTGRES";

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// 2027-01-15, 08:00 UTC.
    const START: i64 = 1_800_000_000_000;

    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub fn set(&self, now: Millis) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst))
    }
}

/// SplitMix64: the same bytes in every run. Never for anything but tests.
#[derive(Debug)]
struct Seeded(AtomicU64);

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let word = (mixed ^ (mixed >> 31)).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

/// A database of its own with migrations applied, and the world around it. Gone when dropped; keep it until the end of
/// the test.
#[derive(Debug)]
pub struct TestDatabase {
    pub db: Db,
    pub clock: Arc<TestClock>,
    pub world: World,
    pub keys: Arc<Keys>,
    /// To open it once more.
    pub url: DatabaseUrl,
    /// `sqlite` or `postgres`, for messages of assertions.
    pub kind: &'static str,
    /// For objects; deleted with the database.
    folder: TempDir,
    _postgres: Option<Created>,
}

/// Opens an empty database on SQLite and, where [`ADMIN_URL`] is set, another on PostgreSQL.
pub async fn databases() -> Vec<TestDatabase> {
    let folder = TempDir::new().expect("a temporary folder");
    let url = DatabaseUrl::Sqlite(folder.path().join("test.sqlite"));
    let mut all = vec![open("sqlite", &url, folder, None).await];
    if let Ok(admin) = std::env::var(ADMIN_URL) {
        let created = tokio::task::spawn_blocking(|| Created::new(admin)).await.expect("no panic");
        let url = DatabaseUrl::Postgres(created.url());
        all.push(open("postgres", &url, TempDir::new().expect("a temporary folder"), Some(created)).await);
    }
    all
}

async fn open(kind: &'static str, url: &DatabaseUrl, folder: TempDir, postgres: Option<Created>) -> TestDatabase {
    let db = Db::open(url, 4).await.expect("a fresh database opens");
    let clock = Arc::new(TestClock(AtomicI64::new(TestClock::START)));
    let world = World { clock: clock.clone(), random: Arc::new(Seeded(AtomicU64::new(1))) };
    TestDatabase {
        db,
        clock,
        world,
        keys: Arc::new(Keys::ephemeral([7; 32])),
        url: url.clone(),
        kind,
        folder,
        _postgres: postgres,
    }
}

/// A line of any table.
#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl TestDatabase {
    /// A folder for the test's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What services are made of, with a store of its own.
    pub fn deps(&self) -> Deps {
        Deps {
            db: self.db.clone(),
            world: self.world.clone(),
            keys: Arc::clone(&self.keys),
            storage: Storage::folder(&self.folder().join("objects")).expect("a folder for objects"),
            origin: "https://photos.example".into(),
        }
    }

    /// Every row of every table as text, to show that something changed nothing.
    pub async fn dump(&self) -> String {
        let mut text = String::new();
        for table in self.lines(TABLES_SQLITE, TABLES_POSTGRES).await {
            let columns = format!("SELECT 'quote(' || name || ')' AS line FROM pragma_table_info('{table}')");
            let sqlite = if self.db.is_sqlite() {
                let columns = self.lines(&columns, "").await.join(" || '|' || ");
                format!("SELECT {columns} AS line FROM {table} ORDER BY 1")
            } else {
                String::new()
            };
            let postgres = format!("SELECT {table}::text AS line FROM {table} ORDER BY 1");
            text.push_str(&format!("{table}\n  {}\n", self.lines(&sqlite, &postgres).await.join("\n  ")));
        }
        text
    }

    /// Number of rows of a table, of those that the SQL condition holds for.
    pub async fn count(&self, table: &str, condition: &str) -> i64 {
        let sql = format!("SELECT CAST(count(*) AS TEXT) AS line FROM {table} WHERE {condition}");
        self.select(&sql).await[0].parse().expect("a number")
    }

    /// Runs a query that is the same on both databases and gives one text column named `line`.
    pub async fn select(&self, sql: &str) -> Vec<String> {
        self.lines(sql, sql).await
    }

    /// Runs a statement that no door of the product offers, to bring about what a test is about.
    pub async fn execute(&self, sql: &str) {
        let sql = sql.to_owned();
        write_tx!(self.db, tx => tx.execute_sql(&sql).await).expect("the statement is valid");
    }

    pub(crate) async fn lines(&self, sqlite: &str, postgres: &str) -> Vec<String> {
        // Here alone: its `load` would be found before that of an atomic.
        use diesel_async::RunQueryDsl;
        let mut conn = self.db.read().await.expect("a connection");
        let rows: Vec<Line> = on_db!(
            conn,
            sqlite c => diesel::sql_query(sqlite).load(c).await,
            postgres c => diesel::sql_query(postgres).load(c).await,
        )
        .expect("the query is valid");
        rows.into_iter().map(|row| row.line).collect()
    }
}

const TABLES_SQLITE: &str = "SELECT name AS line FROM sqlite_master WHERE type = 'table' \
                             AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY 1";
const TABLES_POSTGRES: &str = "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public' \
                               AND tablename NOT LIKE '\\_\\_%' ORDER BY 1";

/// A database made on a PostgreSQL; dropped with the value.
#[derive(Debug)]
struct Created {
    admin: String,
    name: String,
}

impl Created {
    fn new(admin: String) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Processes of one test run share the server; a crashed run may have left a database of this name behind.
        let name = format!("shutterpost_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        execute(&admin, &[format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")]);
        Self { admin, name }
    }

    fn url(&self) -> String {
        let (server, query) =
            self.admin.split_once('?').map_or((&*self.admin, None), |(url, query)| (url, Some(query)));
        let (scheme, rest) = server.split_once("://").expect("a URL");
        let authority = rest.split('/').next().unwrap_or_default();
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{scheme}://{authority}/{}{query}", self.name)
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        let Self { admin, name } = self;
        let (admin, sql) = (admin.clone(), format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        // A thread of its own, because the blocking client must not run inside the test's runtime.
        let dropped = std::thread::spawn(move || execute(&admin, &[sql])).join();
        assert!(dropped.is_ok() || std::thread::panicking(), "the test database {name} could not be dropped");
    }
}

fn execute(admin: &str, statements: &[String]) {
    let mut conn = AsyncConnectionWrapper::<AsyncPgConnection>::establish(admin).expect("PostgreSQL answers");
    for sql in statements {
        conn.batch_execute(sql).expect("the statement is valid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_database_is_dumped_the_same_twice() {
    for test in databases().await {
        let dump = test.dump().await;
        assert!(dump.contains("identity_users"), "{}: {dump}", test.kind);
        assert_eq!(dump, test.dump().await);
        assert_eq!(test.count("installation", "singleton = 1").await, 1);
    }
}
