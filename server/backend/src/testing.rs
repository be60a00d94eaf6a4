//! What tests are given: a fresh database of each kind, a clock they set and repeatable randomness.
//!
//! Tests that write need `#[tokio::test(flavor = "multi_thread")]`: diesel-async blocks in place on SQLite.

mod authenticator;
#[cfg(test)]
pub(crate) mod disk;
#[cfg(test)]
pub(crate) mod server;

pub use authenticator::Authenticator;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use diesel::Connection;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use shutterpost_model::time::Millis;
use shutterpost_vault::keys::Keys;
use shutterpost_vault::root::passphrase::{Passphrase, PassphraseRoots};
use tempfile::TempDir;

use crate::connections::providers::Providers;
use crate::context::{Clock, Random, World};
use crate::db::{DatabaseUrl, Db, on_db, write_tx};
use crate::keystore::{KeyStore, LedgerPlaces};
use crate::services::Deps;
use crate::storage::Storage;
use crate::upgrade;

/// URL of a PostgreSQL whose user may create databases; tests run on SQLite alone without it.
const ADMIN_URL: &str = "SHUTTERPOST_TEST_POSTGRES";

/// Whether tests that need servers of PostgreSQL of their own are to be run.
#[cfg(test)]
pub(crate) fn with_postgres() -> bool {
    std::env::var(ADMIN_URL).is_ok()
}

/// Address of a moto that stands in for AWS KMS, and for S3.
#[cfg(test)]
const KMS_URL: &str = "SHUTTERPOST_TEST_KMS";

/// Where AWS KMS and S3 are for the tests.
#[cfg(test)]
pub(crate) fn kms() -> String {
    std::env::var(KMS_URL)
        .expect("no moto for the tests; `cargo xtask test --only unit` starts one and sets SHUTTERPOST_TEST_KMS")
}

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

/// A clock that stands still and repeatable bytes, for what needs no database.
#[cfg(test)]
pub(crate) fn world() -> World {
    World { clock: Arc::new(TestClock(AtomicI64::new(TestClock::START))), random: Arc::new(Seeded(AtomicU64::new(1))) }
}

/// A database of its own with migrations applied, and the world around it. Gone when dropped; keep it until the end of
/// the test.
#[derive(Debug)]
pub struct TestDatabase {
    pub db: Db,
    pub clock: Arc<TestClock>,
    pub world: World,
    pub keys: Arc<Keys>,
    /// In a database of its own, of the same kind.
    pub keystore: KeyStore,
    /// To open it once more.
    pub url: DatabaseUrl,
    /// The same of the key store; its roots lie in [`TestDatabase::roots`].
    pub keys_url: DatabaseUrl,
    /// `sqlite` or `postgres`, for messages of assertions.
    pub kind: &'static str,
    /// For objects; deleted with the database.
    folder: Arc<TempDir>,
    _postgres: Option<[Created; 2]>,
}

/// Opens an empty database on SQLite and, where [`ADMIN_URL`] is set, another on PostgreSQL.
pub async fn databases() -> Vec<TestDatabase> {
    let mut all = Vec::new();
    for test in unsealed_databases().await {
        let storage = test.deps().storage;
        let sealed = upgrade::seal(&test.db, &test.url, &test.keystore, &storage, &test.world).await;
        sealed.expect("there is nothing to seal");
        all.push(test);
    }
    all
}

/// Those on these URLs, which must be empty databases of PostgreSQL.
#[cfg(test)]
pub(crate) async fn databases_at(urls: [DatabaseUrl; 2]) -> TestDatabase {
    let test = open("postgres", urls, TempDir::new().expect("a temporary folder"), None).await;
    let storage = test.deps().storage;
    let sealed = upgrade::seal(&test.db, &test.url, &test.keystore, &storage, &test.world).await;
    sealed.expect("there is nothing to seal");
    test
}

/// The same, as a start finds them that has not sealed yet what an older version stored.
pub(crate) async fn unsealed_databases() -> Vec<TestDatabase> {
    let folder = TempDir::new().expect("a temporary folder");
    let urls = [folder.path().join("test.sqlite"), folder.path().join("keys.sqlite")].map(DatabaseUrl::Sqlite);
    let mut all = vec![open("sqlite", urls, folder, None).await];
    if let Ok(admin) = std::env::var(ADMIN_URL) {
        let created = tokio::task::spawn_blocking(|| [Created::new(admin.clone()), Created::new(admin)]).await;
        let created = created.expect("no panic");
        let urls = created.each_ref().map(|created| DatabaseUrl::Postgres(created.url()));
        all.push(open("postgres", urls, TempDir::new().expect("a temporary folder"), Some(created)).await);
    }
    all
}

async fn open(
    kind: &'static str,
    urls: [DatabaseUrl; 2],
    folder: TempDir,
    postgres: Option<[Created; 2]>,
) -> TestDatabase {
    let [url, keys_url] = urls;
    let db = Db::open(&url, 4).await.expect("a fresh database opens");
    let clock = Arc::new(TestClock(AtomicI64::new(TestClock::START)));
    let world = World { clock: clock.clone(), random: Arc::new(Seeded(AtomicU64::new(1))) };
    let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
    let roots = PassphraseRoots::open(&folder.path().join("roots"), Passphrase::MachineMade, &mut random);
    let roots = Arc::new(roots.expect("fresh roots"));
    let keys = Arc::new(Keys::ephemeral([7; 32]));
    let ledger = LedgerPlaces::new(folder.path().join("ledger"), Vec::new(), &keys);
    let keystore = KeyStore::open(&keys_url, 4, roots, ledger, world.clone()).await.expect("a fresh key store opens");
    let folder = Arc::new(folder);
    TestDatabase { db, clock, world, keys, keystore, url, keys_url, kind, folder, _postgres: postgres }
}

/// A standing clock, and bytes that are the same for the same seed.
#[cfg(test)]
pub(crate) fn seeded(seed: u64) -> (Arc<TestClock>, World) {
    let clock = Arc::new(TestClock(AtomicI64::new(TestClock::START)));
    // Far apart: what one start draws must not come again after the next.
    let random = Seeded(AtomicU64::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)));
    (clock.clone(), World { clock, random: Arc::new(random) })
}

/// How many seeds of the crash tests to run instead of those of every run, and the one seed to run instead.
#[cfg(test)]
pub(crate) fn seeds_asked_for() -> (Option<u64>, Option<u64>) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    (number("SHUTTERPOST_SOAK_CRASHES"), number("SHUTTERPOST_CRASH_SEED"))
}

/// A line of any table.
#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl TestDatabase {
    /// Databases on SQLite that are open already, on a folder with `test.sqlite` and `keys.sqlite`.
    #[cfg(test)]
    pub(crate) fn of(
        folder: Arc<TempDir>,
        db: Db,
        keystore: KeyStore,
        (clock, world): (Arc<TestClock>, World),
        keys: Arc<Keys>,
    ) -> Self {
        let [url, keys_url] = ["test.sqlite", "keys.sqlite"].map(|name| DatabaseUrl::Sqlite(folder.path().join(name)));
        Self { db, clock, world, keys, keystore, url, keys_url, kind: "sqlite", folder, _postgres: None }
    }

    /// A folder for the test's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of root keys.
    pub fn roots(&self) -> PathBuf {
        self.folder().join("roots")
    }

    /// The ledger of erased keys, as a start finds it.
    #[cfg(test)]
    pub(crate) fn ledger(&self) -> LedgerPlaces {
        LedgerPlaces::new(self.folder().join("ledger"), Vec::new(), &self.keys)
    }

    /// What services are made of, with a store of its own.
    pub fn deps(&self) -> Deps {
        Deps {
            db: self.db.clone(),
            world: self.world.clone(),
            keys: Arc::clone(&self.keys),
            keystore: self.keystore.clone(),
            storage: Storage::folder(&self.folder().join("objects")).expect("a folder for objects"),
            // Providers of tests are on this machine.
            providers: Providers::with_loopback(),
            origin: "https://photos.example".into(),
        }
    }

    /// A value sealed for its place, as a literal of SQL.
    #[cfg(test)]
    pub(crate) async fn sealed(
        &self,
        key: &crate::keystore::KeyRef,
        place: crate::keystore::Place<'_>,
        value: &str,
    ) -> String {
        let ring = self.keystore.make(std::slice::from_ref(key)).await.expect("a key");
        let sealed = crate::keystore::Sealed::seal(&self.world, ring.get(key).expect("made"), place, &value.to_owned());
        let hex = data_encoding::HEXLOWER.encode(sealed.bytes());
        if self.db.is_sqlite() { format!("x'{hex}'") } else { format!("'\\x{hex}'") }
    }

    /// Every row of every table as text, to show that something changed nothing.
    pub async fn dump(&self) -> String {
        dump(&self.db).await
    }

    /// The same of the key store.
    pub async fn dump_keys(&self) -> String {
        dump(self.keystore.database()).await
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

    /// [`TestDatabase::count`] in the key store.
    #[cfg(test)]
    pub(crate) async fn count_keys(&self, condition: &str) -> i64 {
        let sql = format!("SELECT CAST(count(*) AS TEXT) AS line FROM keys WHERE {condition}");
        lines(self.keystore.database(), &sql, &sql).await[0].parse().expect("a number")
    }

    /// [`TestDatabase::execute`] in the key store.
    pub async fn execute_keys(&self, sql: &str) {
        let sql = sql.to_owned();
        write_tx!(self.keystore.database(), tx => tx.execute_sql(&sql).await).expect("the statement is valid");
    }

    pub(crate) async fn lines(&self, sqlite: &str, postgres: &str) -> Vec<String> {
        lines(&self.db, sqlite, postgres).await
    }
}

/// Number of rows of a table of any database.
#[cfg(test)]
pub(crate) async fn count(db: &Db, table: &str) -> i64 {
    let sql = format!("SELECT CAST(count(*) AS TEXT) AS line FROM {table}");
    lines(db, &sql, &sql).await[0].parse().expect("a number")
}

pub(crate) async fn lines(db: &Db, sqlite: &str, postgres: &str) -> Vec<String> {
    // Here alone: its `load` would be found before that of an atomic.
    use diesel_async::RunQueryDsl;
    let mut conn = db.read().await.expect("a connection");
    let rows: Vec<Line> = on_db!(
        conn,
        sqlite c => diesel::sql_query(sqlite).load(c).await,
        postgres c => diesel::sql_query(postgres).load(c).await,
    )
    .expect("the query is valid");
    rows.into_iter().map(|row| row.line).collect()
}

async fn dump(db: &Db) -> String {
    let mut text = String::new();
    for table in lines(db, TABLES_SQLITE, TABLES_POSTGRES).await {
        let columns = format!("SELECT 'quote(' || name || ')' AS line FROM pragma_table_info('{table}')");
        let sqlite = if db.is_sqlite() {
            let columns = lines(db, &columns, "").await.join(" || '|' || ");
            format!("SELECT {columns} AS line FROM {table} ORDER BY 1")
        } else {
            String::new()
        };
        let postgres = format!("SELECT {table}::text AS line FROM {table} ORDER BY 1");
        text.push_str(&format!("{table}\n  {}\n", lines(db, &sqlite, &postgres).await.join("\n  ")));
    }
    text
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
