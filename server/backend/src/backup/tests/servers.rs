//! Backups of real servers of PostgreSQL. Each test has servers of its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use shutterpost_model::captures::Captures;
use shutterpost_model::error::Code;
use shutterpost_model::guests::Guests;
use shutterpost_model::privacy::ErasureTarget;
use shutterpost_model::time::Millis;
use shutterpost_vault::root::passphrase::{Passphrase, PassphraseRoots};
use tempfile::TempDir;

use crate::backup::postgres::{Cluster, Programs, copy_now, restore_cluster};
use crate::backup::service::Service;
use crate::backup::{At, BackupFailure, Backups, Database, Restored, Retention, Status, Target, Wish};
use crate::context::{Clock, World};
use crate::db::{DatabaseUrl, Db};
use crate::doctor::{Depth, Patient, examine};
use crate::guests::GuestsService;
use crate::ingest::fixture::{ANNA, Stand};
use crate::keystore::{Copies, KeyStore};
use crate::roots::Address;
use crate::services::Deps;
use crate::testing::server::{TestServer, open_folder, programs};
use crate::testing::{TestDatabase, databases_at, with_postgres};

/// A database and a key store on a server each.
struct Stage {
    test: TestDatabase,
    servers: [TestServer; 2],
    programs: Programs,
    work: TempDir,
    clock: Arc<Ahead>,
    restores: u32,
}

/// The real clock, which is the server's, or so much ahead of it.
#[derive(Default)]
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> Millis {
        Millis(jiff::Timestamp::now().as_millisecond() + self.0.load(Ordering::SeqCst))
    }
}

impl Stage {
    async fn new() -> Self {
        let servers = tokio::task::spawn_blocking(|| {
            std::thread::scope(|scope| [(), ()].map(|()| scope.spawn(TestServer::new)).map(|server| server.join()))
        });
        let servers = servers.await.expect("no panic").map(|server| server.expect("starts"));
        let test = databases_at(servers.each_ref().map(TestServer::url)).await;
        test.execute("CREATE TABLE notes (id BIGINT PRIMARY KEY)").await;
        Self { test, servers, programs: Programs::default(), work: open_folder(), clock: Arc::default(), restores: 0 }
    }

    fn backups(&self) -> Backups {
        let world = World { clock: self.clock.clone(), ..self.test.world.clone() };
        backups(&self.test, world, self.work.path())
    }

    fn clusters(&self) -> Vec<Cluster> {
        let folder = self.work.path().join("work");
        Cluster::of(&self.test.url, &self.test.keys_url, &folder, &self.programs).expect("both are servers")
    }

    /// As a start of the server makes it.
    fn service(&self) -> Service {
        Service::new(self.backups(), Vec::new(), self.clusters(), self.test.deps().storage)
    }

    fn status(&self) -> Status {
        self.backups().status().expect("reads")
    }

    fn spool(&self, database: Database) -> PathBuf {
        self.work.path().join("work").join(database.as_str()).join("spool")
    }

    async fn write(&self) {
        self.test.execute("INSERT INTO notes SELECT coalesce(max(id), 0) + 1 FROM notes").await;
    }

    async fn notes(&self) -> i64 {
        self.test.count("notes", "true").await
    }

    fn generations(&self, database: Database) -> usize {
        self.backups().generations(database).expect("lists").len()
    }

    fn try_restore(&mut self, database: Database, at: At) -> Result<Restored, BackupFailure> {
        self.restores += 1;
        let to = self.work.path().join(format!("restored-{}", self.restores));
        let wish = Wish { database, at, to, force: false };
        restore_cluster(&self.backups(), &self.programs, &wish, &mut |_| {})
    }

    /// The rows of notes on a server that is started as an operator does it.
    async fn restored(&mut self, at: At) -> i64 {
        let restored = self.try_restore(Database::Data, at).expect("comes back");
        let server = TestServer::on(&restored.path);
        let db = Db::open(&server.url(), 2).await.expect("opens");
        let count = crate::testing::count(&db, "notes").await;
        drop(db);
        drop(server);
        fs::remove_dir_all(&restored.path).expect("is removed");
        count
    }

    fn wait(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }
}

fn backups(test: &TestDatabase, world: World, folder: &Path) -> Backups {
    let target = Target::parse(&format!("file:{}", folder.join("target").display())).expect("opens");
    Backups::new(target, test.keys.backup_key(), roots(test), world, Retention::default())
}

fn roots(test: &TestDatabase) -> Arc<PassphraseRoots> {
    let world = test.world.clone();
    let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
    Arc::new(PassphraseRoots::open(&test.roots(), Passphrase::MachineMade, &mut random).expect("opens"))
}

/// Backups that nobody asks until it is opened: they would be waited for.
#[derive(Debug)]
struct Gate {
    backups: Backups,
    is_open: AtomicBool,
}

#[async_trait]
impl Copies for Gate {
    async fn reach(&self, generation: u32, since: Millis) -> bool {
        self.is_open.load(Ordering::SeqCst) && self.backups.reach(generation, since).await
    }
}

/// Ticks until nothing is left to be done.
fn settle(service: &mut Service) {
    loop {
        service.tick();
        if !service.is_busy() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Ticks until everything committed by now is in the target.
fn shipped(stage: &Stage, service: &mut Service) {
    let now = stage.clock.now();
    for _ in 0..10 {
        // The status is noted now and then.
        stage.wait(11_000);
        service.tick();
        let status = stage.status();
        if [status.data, status.keys].iter().all(|of| of.shipped_until.is_some_and(|until| until >= now)) {
            return;
        }
    }
    panic!("not shipped: {:?}", stage.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_moment_of_a_server_comes_back() {
    if !with_postgres() {
        return;
    }
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    stage.write().await;
    settle(&mut service);
    let status = stage.status();
    for of in [&status.data, &status.keys] {
        assert_eq!((&of.problem, &of.base_problem, &of.unchecked), (&None, &None, &None));
        assert!(of.base.as_ref().is_some_and(|base| base.verified_at.is_some()), "{of:?}");
    }
    assert!(status.keys.base.is_some_and(|base| base.root == Some(1)));
    let mut recorded = Vec::new();
    for round in 0..4 {
        stage.write().await;
        shipped(&stage, &mut service);
        let notes = stage.notes().await;
        recorded.push((stage.clock.now(), notes));
        tokio::time::sleep(Duration::from_millis(10)).await;
        if round == 1 {
            // The process dies, and somebody writes before the next one starts.
            drop(service);
            stage.write().await;
            service = stage.service();
        }
        stage.write().await;
        shipped(&stage, &mut service);
    }
    assert_eq!(stage.generations(Database::Data), 1, "one chain through crash and start");
    for (at, notes) in [recorded[0], recorded[3]] {
        assert_eq!(stage.restored(At::Time(at)).await, notes, "{}", at.rfc3339());
    }
    stage.write().await;
    let notes = stage.notes().await;
    service.finish();
    assert_eq!(stage.restored(At::Latest).await, notes, "a clean end leaves nothing unshipped");

    // What was received and not shipped is lost, and so much was written since that the server keeps no more of it.
    fs::remove_dir_all(stage.spool(Database::Data)).expect("is removed");
    for _ in 0..2 {
        stage.write().await;
        stage.servers[0].administer(&["SELECT pg_switch_wal()", "CHECKPOINT"]);
    }
    stage.servers[0].administer(&["SELECT pg_drop_replication_slot('shutterpost_app')"]);
    let mut service = stage.service();
    settle(&mut service);
    assert_eq!(stage.generations(Database::Data), 2, "a new chain");
    assert_eq!(stage.generations(Database::Keys), 1);
    let notes = stage.notes().await;
    assert_eq!(stage.restored(At::Latest).await, notes);
    assert_eq!(stage.restored(At::Time(recorded[2].0)).await, recorded[2].1, "the old chain leads to its moments");

    // A day later there is another copy, and the chain since the one before leads to it.
    stage.wait(86_400_000);
    stage.write().await;
    settle(&mut service);
    let status = stage.status().data;
    assert_eq!(status.base_problem, None);
    let bases = stage.backups().bases(Database::Data, &status.generation.expect("a chain")).expect("lists");
    assert_eq!(bases.len(), 2);

    // In place of a copy that is damaged the one before it leads to the same; without the end of the log, to less.
    let target = stage.work.path().join("target");
    let newest = bases[1].text();
    let mut bytes = fs::read(target.join(&newest)).expect("is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(target.join(&newest), bytes).expect("writes");
    let notes = stage.notes().await;
    let restored = stage.try_restore(Database::Data, At::Latest).expect("comes back");
    assert_eq!(restored.skipped.iter().map(|skipped| &*skipped.name).collect::<Vec<_>>(), [&*newest]);
    assert!(restored.whole, "{:?}", restored.skipped);
    fs::remove_dir_all(&restored.path).expect("is removed");
    assert_eq!(stage.restored(At::Latest).await, notes);
    let segments = stage.backups().segments(&bases[0], Millis(i64::MAX)).expect("lists");
    let last = segments[segments.len() - 1].text();
    fs::write(target.join(&last), b"torn").expect("writes");
    let restored = stage.try_restore(Database::Data, At::Latest).expect("comes back");
    assert!(!restored.whole && restored.skipped.iter().any(|skipped| skipped.name == last), "{:?}", restored.skipped);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_does_not_open_after_restoring_servers_and_old_keys_are_noise() {
    if !with_postgres() {
        return;
    }
    let Stage { test, servers, programs, work, .. } = Stage::new().await;
    let stand = Stand::new(test).await;
    let clusters = || {
        let folder = work.path().join("work");
        Cluster::of(&stand.test.url, &stand.test.keys_url, &folder, &programs).expect("both are servers")
    };
    let backups = || backups(&stand.test, stand.test.world.clone(), work.path());
    let mut service = Service::new(backups(), Vec::new(), clusters(), stand.deps.storage.clone());
    let capture = stand.capture(Some(ANNA)).await.id;
    let page = stand.captures.find(&stand.owner, &capture).await.expect("is found");
    let anna = page.guests.into_iter().next().expect("a guest").id;
    settle(&mut service);
    service.tick();
    let oldest = stand.test.world.now();
    stand.wait_days(2);
    stand.erase(ErasureTarget::Guest(anna.clone())).await;
    settle(&mut service);

    let restore = |name: &str, database, at| {
        let wish = Wish { database, at, to: work.path().join(name), force: false };
        restore_cluster(&backups(), &programs, &wish, &mut |_| {})
    };
    let data = TestServer::on(&restore("data", Database::Data, At::Time(oldest)).expect("comes back").path);
    let db = Db::open(&data.url(), 2).await.expect("opens");
    for (name, at) in [("newest", At::Latest), ("oldest", At::Time(oldest))] {
        let keys = TestServer::on(&restore(name, Database::Keys, at).expect("comes back").path);
        let world = stand.test.world.clone();
        let keystore = KeyStore::open(&keys.url(), 2, roots(&stand.test), stand.test.ledger(), world).await;
        let keystore = keystore.expect("opens");
        let guests = GuestsService::new(Deps { db: db.clone(), keystore, ..stand.deps.clone() });
        let refused = guests.find(&stand.owner, &anna).await;
        assert!(
            refused.as_ref().is_err_and(|error| error.code == Code::NotFound)
                || refused.as_ref().is_ok_and(|view| view.email.is_none()),
            "{name}: {refused:?}"
        );
    }

    // The root goes as soon as a backup under the new one was checked, and with it what was sealed under it.
    let gate = Arc::new(Gate { backups: backups(), is_open: AtomicBool::new(false) });
    stand.test.keystore.wait_for_copies(gate.clone());
    let rotated = stand.test.keystore.rotate().await;
    assert_eq!(rotated.expect("rotates").destroyed, 0, "no backup has followed");
    settle(&mut service);
    service.tick();
    stand.test.clock.advance(11_000);
    service.tick();
    gate.is_open.store(true, Ordering::SeqCst);
    assert_eq!(stand.test.keystore.rotate_if_due().await.expect("goes on").destroyed, 1);
    let refused = restore("noise", Database::Keys, At::Time(oldest));
    assert!(matches!(refused, Err(BackupFailure::RootGone { generation: 1, .. })), "{refused:?}");
    restore("new", Database::Keys, At::Latest).expect("the copy under the new root opens");
    drop(servers);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_backed_up_or_restored_is_refused_by_name() {
    if !with_postgres() {
        return;
    }
    let mut stage = Stage::new().await;
    let made = copy_now(&stage.backups(), &stage.clusters()[0]).expect("a copy by hand");
    assert!(made.rows > 0 && made.verified_at.is_some() && made.unchecked.is_none());
    let notes = stage.notes().await;
    assert_eq!(stage.restored(At::Latest).await, notes, "it needs no chain of a server");
    let slots = "SELECT CAST(count(*) AS TEXT) AS line FROM pg_replication_slots";
    assert_eq!(stage.test.select(slots).await, ["0"], "it leaves nothing behind on the server");

    // Where something is, nothing is restored.
    let to = stage.work.path().join("mine");
    fs::create_dir(&to).expect("makes");
    fs::write(to.join("mine"), b"mine").expect("writes");
    let wish = |force| Wish { database: Database::Data, at: At::Latest, to: to.clone(), force };
    let refused = restore_cluster(&stage.backups(), &stage.programs, &wish(false), &mut |_| {});
    assert!(matches!(refused, Err(BackupFailure::Exists { .. })), "{refused:?}");
    assert_eq!(fs::read(to.join("mine")).expect("is there"), b"mine");
    let restored = restore_cluster(&stage.backups(), &stage.programs, &wish(true), &mut |_| {}).expect("is told to");
    assert_eq!(fs::read(restored.moved[0].join("mine")).expect("is there"), b"mine");
    // What came back is on a timeline of its own, and is backed up like any other.
    let again = TestServer::on(&restored.path);
    let folder = stage.work.path().join("again");
    let clusters = Cluster::of(&again.url(), &stage.test.keys_url, &folder, &stage.programs).expect("read");
    let made = copy_now(&stage.backups(), &clusters[0]).expect("a copy of what came back");
    assert!(made.verified_at.is_some() && made.rows > 0);
    drop(again);
    for name in stage.backups().0.target.list("data").expect("lists") {
        if name.contains(made.name.split('/').nth(1).expect("a generation")) {
            fs::remove_file(stage.work.path().join("target").join(name)).expect("is removed");
        }
    }

    // A damaged copy and a missing piece.
    let target = stage.work.path().join("target");
    let names = stage.backups().0.target.list("data").expect("lists");
    // The first segment is from before the copy.
    let (base, piece) = (&names[0], &names[2]);
    let whole = fs::read(target.join(base)).expect("is there");
    let changed = whole.iter().enumerate().map(|(at, byte)| if at == whole.len() / 2 { byte ^ 1 } else { *byte });
    fs::write(target.join(base), changed.collect::<Vec<_>>()).expect("writes");
    let refused = stage.try_restore(Database::Data, At::Latest);
    assert!(matches!(&refused, Err(BackupFailure::Damaged { name, .. }) if name == base), "{refused:?}");
    fs::write(target.join(base), &whole).expect("writes");
    fs::remove_file(target.join(piece)).expect("removes");
    let refused = stage.try_restore(Database::Data, At::Latest);
    assert!(matches!(&refused, Err(BackupFailure::Missing { name, .. }) if name.contains("segment 2")), "{refused:?}");

    // Programs that are not there.
    let empty = stage.work.path().join("programs");
    fs::create_dir(&empty).expect("makes");
    stage.programs = Programs::new(Some(empty.clone()));
    let refused = copy_now(&stage.backups(), &stage.clusters()[0]).expect_err("no programs").to_string();
    assert!(refused.contains("pg_basebackup") && refused.contains("backup_postgres_programs"), "{refused}");
    for name in ["pg_basebackup", "pg_receivewal"] {
        symlink(programs().join(name), empty.join(name)).expect("links");
    }
    let made = copy_now(&stage.backups(), &stage.clusters()[0]).expect("is made, and not checked");
    assert!(made.verified_at.is_none() && made.unchecked.is_some_and(|reason| reason.contains("postgres of")));
    stage.programs = Programs::default();

    // One server for both, also in the schedule.
    stage.servers[0].administer(&["CREATE DATABASE other OWNER app"]);
    let shared = [stage.test.url.clone(), stage.servers[0].url_of("other")];
    let folder = stage.work.path().join("shared");
    let clusters = |urls: &[DatabaseUrl; 2]| Cluster::of(&urls[0], &urls[1], &folder, &stage.programs).expect("read");
    let refused = copy_now(&stage.backups(), &clusters(&shared)[1]).expect_err("shared");
    assert!(matches!(refused, BackupFailure::Shared), "{refused}");
    let mut service = Service::new(stage.backups(), Vec::new(), clusters(&shared), stage.test.deps().storage);
    settle(&mut service);
    let status = stage.status();
    assert!(status.keys.problem.is_some_and(|problem| problem.contains("a server of its own")));
    assert!(status.data.shipped_until.is_none() && status.keys.shipped_until.is_none());
    drop(service);
    let told = doctors_words(&stage, shared).await;
    assert!(told.iter().any(|text| text.contains("one server of PostgreSQL")), "{told:?}");
    let told = doctors_words(&stage, [stage.test.url.clone(), stage.test.keys_url.clone()]).await;
    assert!(!told.iter().any(|text| text.contains("one server of PostgreSQL")), "{told:?}");
    assert!(told.iter().any(|text| text.contains("without limit")), "{told:?}");

    // A role that may not.
    stage.servers[0].administer(&["ALTER ROLE app NOREPLICATION"]);
    let refused = copy_now(&stage.backups(), &stage.clusters()[0]).expect_err("may not").to_string();
    assert!(refused.contains("ALTER ROLE"), "{refused}");
    let told = doctors_words(&stage, [stage.test.url.clone(), stage.test.keys_url.clone()]).await;
    assert!(told.iter().any(|text| text.contains("cannot be backed up")), "{told:?}");
}

/// What the doctor says of servers.
async fn doctors_words(stage: &Stage, [database, key_store]: [DatabaseUrl; 2]) -> Vec<String> {
    let folder = stage.test.folder();
    let patient = Patient {
        origin: "https://photos.example".into(),
        data: folder.to_owned(),
        database,
        key_store,
        storage: format!("file:{}", folder.join("objects").display()),
        keys: folder.join("keys.json"),
        roots: Address::Folder(stage.test.roots()),
        passphrase_file: None,
        opened: None,
        ledger: folder.join("ledger"),
        ledger_copy: None,
        backup: Some(format!("file:{}", stage.work.path().join("target").display())),
        programs: stage.programs.clone(),
    };
    let findings = examine(&patient, Depth::Quick, &stage.test.world).await;
    findings.into_iter().filter(|finding| finding.check == "PostgreSQL").map(|finding| finding.text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_breaks_no_chain_and_one_process_ships() {
    if !with_postgres() {
        return;
    }
    let mut stage = Stage::new().await;
    let mut service = stage.service();
    settle(&mut service);
    let mut second = stage.service();
    second.tick();
    stage.write().await;
    second.tick();
    assert!(stage.restored(At::Latest).await < stage.notes().await, "the second ships nothing");
    shipped(&stage, &mut service);
    assert_eq!(stage.restored(At::Latest).await, stage.notes().await);

    // Connections and receiver are cut.
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'shutterpost%'";
    stage.servers[0].administer(&[cut]);
    stage.wait(11_000);
    service.tick();
    assert!(stage.status().data.problem.is_some());
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    shipped(&stage, &mut service);
    assert_eq!(stage.status().data.problem, None);
    assert_eq!(stage.generations(Database::Data), 1, "the chain goes on");

    // Two processes on one slot: who is ended leaves its place.
    drop(service);
    second.tick();
    stage.write().await;
    shipped(&stage, &mut second);
    assert_eq!(stage.generations(Database::Data), 1);
    assert_eq!(stage.restored(At::Latest).await, stage.notes().await, "it takes over");
}
