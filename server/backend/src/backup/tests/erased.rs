//! Backups of the key store end with their root, and what was erased does not come back with the data.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use shutterpost_model::captures::Captures;
use shutterpost_model::error::Code;
use shutterpost_model::guests::Guests;
use shutterpost_model::privacy::ErasureTarget;
use shutterpost_model::time::{DAY, Millis};
use shutterpost_vault::root::passphrase::{Passphrase, PassphraseRoots};

use crate::backup::service::{Service, Shipped};
use crate::backup::{
    At, BackupFailure, Backups, Database, Hold, Retention, Source, Target, Wish, base_now, restore, restore_media,
};
use crate::db::{DatabaseUrl, Db};
use crate::guests::GuestsService;
use crate::ingest::fixture::{ANNA, OBJECTS, Stand, stands};
use crate::keystore::{Copies, KeyStore};
use crate::services::Deps;
use crate::storage::Storage;

const BERTA: &str =
    r#"{"name":"Berta Canary","email":"berta@canary.example","consents":[{"purpose":"delivery","granted":true}]}"#;

async fn stand() -> Stand {
    stands().await.into_iter().find(|stand| stand.test.db.is_sqlite()).expect("SQLite is always there")
}

fn roots(stand: &Stand) -> Arc<PassphraseRoots> {
    let world = stand.test.world.clone();
    let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
    Arc::new(PassphraseRoots::open(&stand.test.roots(), Passphrase::MachineMade, &mut random).expect("opens"))
}

fn backups(stand: &Stand) -> Backups {
    let target = Target::parse(&format!("file:{}", stand.test.folder().join("target").display())).expect("opens");
    Backups::new(target, stand.test.keys.backup_key(), roots(stand), stand.test.world.clone(), Retention::default())
}

fn service(stand: &Stand) -> Service {
    let shipped = |database, url: &DatabaseUrl, db: &Db| {
        let source = Source::of(database, url).expect("SQLite");
        let hold = Hold::begin(&source).expect("holds");
        Shipped { source, hold, db: db.clone() }
    };
    let databases = vec![
        shipped(Database::Keys, &stand.test.keys_url, stand.test.keystore.db()),
        shipped(Database::Data, &stand.test.url, &stand.test.db),
    ];
    Service::new(backups(stand), databases, Vec::new(), stand.deps.storage.clone())
}

fn settle(service: &mut Service) {
    loop {
        service.tick();
        if !service.is_busy() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// The installation as it comes back on another machine, with roots and ledger put back.
async fn elsewhere(stand: &Stand, name: &str, keys: At, data: At) -> Deps {
    let folder = stand.test.folder().join(name);
    for (database, at, name) in [(Database::Keys, keys, "keys.sqlite"), (Database::Data, data, "data.sqlite")] {
        let wish = Wish { database, at, to: folder.join(name), force: false };
        restore(&backups(stand), &wish, &mut |_| {}).expect("comes back");
    }
    let storage = Storage::folder(&folder.join("media")).expect("a folder");
    restore_media(&backups(stand), &storage, &mut |_| {}).expect("come back");
    let db = Db::open(&DatabaseUrl::Sqlite(folder.join("data.sqlite")), 2).await.expect("opens");
    let keys_url = DatabaseUrl::Sqlite(folder.join("keys.sqlite"));
    let world = stand.test.world.clone();
    let keystore = KeyStore::open(&keys_url, 2, roots(stand), stand.test.ledger(), world).await.expect("opens");
    Deps { db, keystore, storage, ..stand.deps.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_does_not_open_after_restoring_the_oldest_backup() {
    let stand = stand().await;
    let mut service = service(&stand);
    let anna = stand.capture(Some(ANNA)).await.id;
    let berta = stand.capture(Some(BERTA)).await.id;
    let guest = |page: shutterpost_model::captures::Capture| page.guests.into_iter().next().expect("a guest").id;
    let anna = guest(stand.captures.find(&stand.owner, &anna).await.expect("is found"));
    let berta = guest(stand.captures.find(&stand.owner, &berta).await.expect("is found"));
    settle(&mut service);
    let oldest = stand.test.world.now();
    stand.wait_days(2);
    stand.erase(ErasureTarget::Guest(anna.clone())).await;
    settle(&mut service);
    drop(service);

    // Even a key store from before, which has the guest's key, loses it when it is opened beside the ledger.
    for (name, keys) in [("newest keys", At::Latest), ("oldest keys", At::Time(oldest))] {
        let deps = elsewhere(&stand, name, keys, At::Time(oldest)).await;
        let guests = GuestsService::new(deps.clone());
        let refused = guests.find(&stand.owner, &anna).await;
        assert!(
            refused.as_ref().is_err_and(|error| error.code == Code::NotFound)
                || refused.as_ref().is_ok_and(|view| view.email.is_none()),
            "{name}: {refused:?}"
        );
        let clear = guests.reveal(&stand.owner, &berta).await.expect("the other guest is there");
        assert_eq!(clear.email.as_ref().map(|email| email.get().as_str()), Some("berta@canary.example"));
        let names = deps.storage.names().await;
        assert!(names.len() >= OBJECTS, "pictures came back: {}", names.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_pictures_come_back_and_a_wrong_one_is_refused() {
    let mut stand = stand().await;
    stand.deps.storage = stand.deps.storage.clone().remembering();
    let mut service = service(&stand);
    stand.capture(None).await;
    settle(&mut service);
    let names = stand.deps.storage.names().await;
    assert_eq!(names.len(), OBJECTS);
    let key = |name: &str| stand.test.folder().join("objects").join(name);
    let lost: Vec<Vec<u8>> = names.iter().map(|name| std::fs::read(key(name)).expect("is there")).collect();
    for name in &names {
        std::fs::remove_file(key(name)).expect("is lost");
    }
    let restored = restore_media(&backups(&stand), &stand.deps.storage, &mut |_| {}).expect("come back");
    assert_eq!(restored.objects as usize, OBJECTS);
    for (name, bytes) in names.iter().zip(&lost) {
        assert_eq!(std::fs::read(key(name)).expect("is back"), *bytes);
    }

    // What left the store stays in the backup as long as the data do.
    stand.deps.storage.delete_all(&names).await;
    stand.wait_days(2);
    settle(&mut service);
    let kept = |name: &str| stand.test.folder().join("target/media").join(name).exists();
    assert!(names.iter().all(|name| kept(name)));
    stand.wait_days(366);
    settle(&mut service);
    assert!(names.iter().all(|name| !kept(name)));

    let folder = stand.test.folder().join("target/media");
    let wrong = folder.join(&names[0]);
    std::fs::create_dir_all(wrong.parent().expect("has one")).expect("is made");
    std::fs::write(&wrong, &lost[1]).expect("is written");
    let restored = restore_media(&backups(&stand), &stand.deps.storage, &mut |_| {}).expect("goes on");
    assert_eq!((restored.bad.count, &restored.bad.names), (1, &vec![names[0].clone()]), "is another");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_the_key_store_is_noise_when_its_root_is_destroyed() {
    let stand = stand().await;
    let mut service = service(&stand);
    stand.capture(Some(ANNA)).await;
    settle(&mut service);
    let before = stand.test.world.now();
    let wish = |at, to: &str| Wish { database: Database::Keys, at, to: stand.test.folder().join(to), force: false };
    restore(&backups(&stand), &wish(At::Time(before), "one.sqlite"), &mut |_| {}).expect("opens as yet");
    stand.wait_days(1);
    let rotated = stand.test.keystore.rotate().await.expect("rotates");
    assert_eq!(rotated.destroyed, 1);
    let refused = restore(&backups(&stand), &wish(At::Time(before), "two.sqlite"), &mut |_| {});
    assert!(matches!(refused, Err(BackupFailure::RootGone { generation: 1, .. })), "{refused:?}");
    settle(&mut service);
    let restored = restore(&backups(&stand), &wish(At::Latest, "three.sqlite"), &mut |_| {});
    restored.expect("there is a new copy under the new root");
    let url = DatabaseUrl::Sqlite(stand.test.folder().join("three.sqlite"));
    KeyStore::open(&url, 2, roots(&stand), stand.test.ledger(), stand.test.world.clone()).await.expect("opens");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_by_hand_under_a_root_that_is_gone_stops_nothing() {
    let stand = stand().await;
    let mut first = service(&stand);
    stand.capture(Some(ANNA)).await;
    settle(&mut first);
    stand.wait_days(1);
    let source = Source::of(Database::Keys, &stand.test.keys_url).expect("a file");
    base_now(&backups(&stand), &source).expect("is made");
    stand.test.keystore.rotate().await.expect("rotates");
    settle(&mut first);
    drop(first);
    stand.wait_days(1);
    let mut second = service(&stand);
    stand.capture(Some(BERTA)).await;
    settle(&mut second);
    let status = backups(&stand).status().expect("is noted");
    assert_eq!((status.keys.problem, status.data.problem), (None, None));
    assert_eq!(status.keys.shipped_until, Some(stand.test.world.now()));
}

#[derive(Debug, Default)]
struct Told(AtomicBool);

#[async_trait]
impl Copies for Told {
    async fn reach(&self, _: u32, _: Millis) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_root_is_destroyed_before_backups_have_followed() {
    for stand in stands().await {
        let keystore = &stand.test.keystore;
        stand.capture(Some(ANNA)).await;
        let told = Arc::new(Told::default());
        keystore.wait_for_copies(told.clone());
        assert_eq!(keystore.rotate().await.expect("rotates").destroyed, 0);
        assert_eq!(keystore.rotate_if_due().await.expect("goes on").destroyed, 0);
        told.0.store(true, Ordering::SeqCst);
        assert_eq!(keystore.rotate_if_due().await.expect("goes on").destroyed, 1);

        told.0.store(false, Ordering::SeqCst);
        assert_eq!(keystore.rotate().await.expect("rotates").destroyed, 0);
        stand.test.clock.advance(DAY / 2);
        assert_eq!(keystore.rotate_if_due().await.expect("does not wait for ever").destroyed, 1, "{}", stand.test.kind);
    }
}
