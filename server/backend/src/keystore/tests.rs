//! The key store on both databases: hierarchy, destruction, rotation, look-ups.

use std::sync::Arc;

use shutterpost_model::id::{CaptureId, OrganisationId};
use shutterpost_model::pii::Pii;

use super::rotation::GENERATION;
use super::*;
use crate::roots::Address;
use crate::testing::{TestDatabase, databases};

mod backends;

fn organisation(test: &TestDatabase) -> OrganisationId {
    test.world.id(OrganisationId::new)
}

fn captures(test: &TestDatabase, organisation: &OrganisationId, count: usize) -> Vec<KeyRef> {
    let key = |_| KeyRef::of(organisation, Purpose::Capture, test.world.id(CaptureId::new).as_str());
    (0..count).map(key).collect()
}

/// Forgets what the process remembers, as a restart does.
fn forget(store: &KeyStore) {
    store.0.keys.forget(|_| true);
    store.0.keks.forget(|_| true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stays_the_same_across_processes_and_is_one_for_all_who_ask_at_once() {
    for test in databases().await {
        let store = &test.keystore;
        let wanted = captures(&test, &organisation(&test), 40);
        let rings = futures_util::future::join_all((0..8).map(|_| {
            let (store, wanted) = (store.clone(), wanted.clone());
            tokio::spawn(async move { store.make(&wanted).await.expect("made") })
        }))
        .await;
        forget(store);
        let again = store.find(&wanted).await.expect("found");
        for ring in rings {
            let ring = ring.expect("no panic");
            for key in &wanted {
                assert_eq!(ring.get(key).expect("made"), again.get(key).expect("kept"), "{}", test.kind);
            }
        }
        let other = captures(&test, &organisation(&test), 1);
        let other = store.make_one(&other[0]).await.expect("made");
        assert_ne!(*other, *again.get(&wanted[0]).expect("kept"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_destroyed_is_never_made_again() {
    for test in databases().await {
        let store = &test.keystore;
        let host = organisation(&test);
        let realm = Realm::Organisation(host.clone());
        let wanted = captures(&test, &host, 2);
        let ring = store.make(&wanted).await.expect("made");
        let id = ring.get(&wanted[0]).expect("made").id();
        let subjects = [wanted[0].subject.as_str()];

        // Another purpose and another organisation leave it alone.
        let foreign = Realm::Organisation(organisation(&test));
        assert!(store.destroy(&foreign, &[Purpose::Capture], &subjects).await.expect("nothing to do").is_empty());
        assert!(store.destroy(&realm, &[Purpose::Event], &subjects).await.expect("nothing to do").is_empty());

        assert_eq!(store.destroy(&realm, &[Purpose::Capture], &subjects).await.expect("destroyed"), [id]);
        assert_eq!(store.destroy(&realm, &[Purpose::Capture], &subjects).await.expect("nothing left"), [id]);
        for _ in 0..2 {
            assert!(matches!(store.get(&wanted[0]).await, Err(Failure::NotFound)), "{}", test.kind);
            assert!(matches!(store.make(&wanted[..1]).await, Err(Failure::Busy(_))));
            assert!(!store.is_alive(&wanted[0]).await.expect("asked"));
            assert!(store.get(&wanted[1]).await.is_ok(), "its neighbour lives");
            forget(store);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_value_opens_in_its_own_place_only() {
    for test in databases().await {
        let host = organisation(&test);
        let (realm, other) = (Realm::Organisation(host.clone()), Realm::Installation);
        let keys = captures(&test, &host, 2);
        let ring = test.keystore.make(&keys).await.expect("made");
        let (key, wrong) = (ring.get(&keys[0]).expect("made"), ring.get(&keys[1]).expect("made"));
        let place = Place { realm: &realm, table: "guests", column: "name", row: "gst_1" };
        let value = Pii::new("Anna Canary".to_owned());
        let sealed = Sealed::seal(&test.world, key, place, &value);
        assert_eq!(sealed.open(key, place).expect("opens"), value);
        assert_eq!(format!("{sealed:?}"), "Sealed");
        for elsewhere in [
            Place { realm: &other, ..place },
            Place { table: "leads", ..place },
            Place { column: "email", ..place },
            Place { row: "gst_2", ..place },
        ] {
            assert!(matches!(sealed.open(key, elsewhere), Err(Failure::Internal(_))), "{elsewhere:?}");
        }
        assert!(sealed.open(wrong, place).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_found_without_being_stored() {
    for test in databases().await {
        let store = &test.keystore;
        let lookup = Lookup::everywhere(Realm::Installation, "users.email");
        assert_eq!(store.holder(&lookup, "a@b.example").await.expect("asked"), None, "nobody yet");
        assert_eq!(store.claim(&lookup, "a@b.example", "usr_1").await.expect("noted"), "usr_1");
        assert_eq!(store.claim(&lookup, "a@b.example", "usr_2").await.expect("asked"), "usr_1", "the first has it");
        assert_eq!(store.holder(&lookup, "a@b.example").await.expect("asked").as_deref(), Some("usr_1"));
        let elsewhere = Lookup::within(Realm::Installation, "users.email", "evt_1");
        assert_eq!(store.holder(&elsewhere, "a@b.example").await.expect("asked"), None);
        store.destroy(&Realm::Installation, &[Purpose::Subject], &["usr_1"]).await.expect("destroyed");
        assert_eq!(store.holder(&lookup, "a@b.example").await.expect("asked"), None, "{}: forgotten", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_generation_wraps_everything_anew_and_destroys_the_old_root() {
    for test in databases().await {
        let store = &test.keystore;
        let hosts = [organisation(&test), organisation(&test)];
        let mut wanted = captures(&test, &hosts[0], 2_300);
        wanted.extend(captures(&test, &hosts[1], 3));
        let before = store.make(&wanted).await.expect("made");
        let erased = wanted.pop().expect("not empty");
        let realm = Realm::Organisation(hosts[1].clone());
        store.destroy(&realm, &[Purpose::Capture], &[&erased.subject]).await.expect("destroyed");
        assert_eq!(store.rotate_if_due().await.expect("nothing is due"), Rotated::default());

        test.clock.advance(GENERATION - 1);
        assert_eq!(store.rotate_if_due().await.expect("nothing is due"), Rotated::default());
        test.clock.advance(1);
        let roots = Arc::clone(&store.0.roots);
        assert_eq!(roots.generations().expect("listed"), [1]);
        let rotated = store.rotate_if_due().await.expect("rotates");
        assert_eq!(rotated, Rotated { realms: 2, keys: 2_302, destroyed: 1 }, "{}", test.kind);
        assert_eq!(roots.generations().expect("listed"), [2]);
        assert!(matches!(roots.unwrap(1, b"", b""), Err(RootError::Destroyed { generation: 1 })));

        for _ in 0..2 {
            let after = store.find(&wanted).await.expect("found");
            for key in &wanted {
                assert_eq!(after.get(key).expect("kept"), before.get(key).expect("made"));
            }
            assert!(matches!(store.get(&erased).await, Err(Failure::NotFound)));
            forget(store);
        }
        assert_eq!(store.rotate_if_due().await.expect("nothing is due"), Rotated::default());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_read_and_made_while_a_rotation_runs() {
    for test in databases().await {
        let store = test.keystore.clone();
        let host = organisation(&test);
        let old = captures(&test, &host, 3_000);
        let before = store.make(&old).await.expect("made");
        let fresh = captures(&test, &host, 60);
        let rotation = tokio::spawn({
            let store = store.clone();
            async move {
                for _ in 0..3 {
                    store.rotate().await.expect("rotates");
                }
            }
        });
        let mut made = Vec::new();
        for (new, old) in fresh.iter().zip(old.iter().step_by(50)) {
            made.push(store.make_one(new).await.expect("made meanwhile"));
            forget(&store);
            assert_eq!(*store.get(old).await.expect("read meanwhile"), *before.get(old).expect("made"));
        }
        rotation.await.expect("no panic");
        store.rotate_if_due().await.expect("finishes");
        forget(&store);
        let after = store.find(&fresh).await.expect("found");
        for (key, made) in fresh.iter().zip(made) {
            assert_eq!(*after.get(key).expect("kept"), *made, "{}", test.kind);
        }
        assert_eq!(store.0.roots.generations().expect("listed").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_realm_key_read_before_a_rotation_and_used_after_it_is_asked_for_again() {
    for test in databases().await {
        let store = test.keystore.clone();
        let organisation = organisation(&test);
        store.make(&captures(&test, &organisation, 1)).await.expect("made");
        let host = Realm::Organisation(organisation);
        let read = async || {
            let mut conn = store.0.db.read().await.expect("a connection");
            let row = queries::realm_key(&mut conn, host.as_str(), host.purpose()).await;
            row.expect("read").expect("there is one")
        };
        let row = read().await;
        store.rotate().await.expect("rotates");
        forget(&store);
        assert!(store.kek_of(&row).await.expect("no fault").is_none(), "{}", test.kind);
        store
            .create_realm_key(host.as_str(), row.purpose().expect("known"), row.version + 2, 1)
            .await
            .expect("nothing");
        let now = read().await;
        assert_eq!(now.version, row.version + 1, "{}: nothing is made under a root that is gone", test.kind);
        // A root that is gone while its key is there is a loss, and said.
        let generation = hierarchy::root_number(now.generation.expect("a root")).expect("small");
        store.0.roots.destroy(generation).expect("destroyed");
        forget(&store);
        let Err(Failure::Internal(cause)) = store.kek_of(&now).await else { panic!("{}: a loss", test.kind) };
        assert!(format!("{cause:?}").contains("was destroyed while a key needs it"), "{cause:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_cut_short_anywhere_goes_on() {
    for test in databases().await {
        let store = test.keystore.clone();
        let wanted = captures(&test, &organisation(&test), 2_500);
        let before = store.make(&wanted).await.expect("made");
        for millis in [0, 1, 2, 4, 8, 16, 32, 64] {
            // The future is dropped after so long, wherever it is; transactions that run end by themselves.
            let cut = tokio::time::timeout(std::time::Duration::from_millis(millis), store.rotate()).await;
            drop(cut);
            forget(&store);
            let some = store.find(&wanted[..20]).await.expect("found");
            for key in &wanted[..20] {
                assert_eq!(some.get(key).expect("kept"), before.get(key).expect("made"), "{}", test.kind);
            }
        }
        // What a transaction of the last cut still does ends before the next one begins.
        store.rotate().await.expect("rotates");
        store.rotate_if_due().await.expect("finishes");
        forget(&store);
        let after = store.find(&wanted).await.expect("found");
        assert!(wanted.iter().all(|key| after.get(key).ok() == before.get(key).ok()));
        assert_eq!(store.0.roots.generations().expect("listed").len(), 1, "{}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_store_is_refused() {
    for test in databases().await {
        let folder = test.folder().join("other");
        std::fs::create_dir(&folder).expect("made");
        let roots = Address::Folder(folder.join("roots"));
        let roots = crate::keys::open_roots(&roots, None, &test.world).expect("opens");
        let url = DatabaseUrl::Sqlite(folder.join("keys.sqlite"));
        let ledger = LedgerPlaces::new(folder.join("ledger"), Vec::new(), &test.keys);
        let other = KeyStore::open(&url, 1, roots, ledger, test.world.clone()).await.expect("opens");
        let storage = test.deps().storage;
        let refused = crate::upgrade::seal(&test.db, &test.url, &other, &storage, &test.world).await;
        let refused = refused.expect_err("refused").to_string();
        assert!(refused.contains(store_name(&test)) && refused.contains("SHUTTERPOST_KEY_STORE"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_beside_a_full_key_store_is_refused() {
    for test in crate::testing::unsealed_databases().await {
        let storage = test.deps().storage;
        let made = captures(&test, &organisation(&test), 1);
        test.keystore.make(&made).await.expect("made, as if restored alone");
        let refused = crate::upgrade::seal(&test.db, &test.url, &test.keystore, &storage, &test.world).await;
        assert!(matches!(refused, Err(KeyStoreFailure::Orphaned)), "{}: {refused:?}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_other_roots_is_refused() {
    for test in databases().await {
        test.keystore.make(&captures(&test, &organisation(&test), 1)).await.expect("made");
        let others = Address::Folder(test.folder().join("other roots"));
        let others = crate::keys::open_roots(&others, None, &test.world).expect("opens");
        let refused = KeyStore::open(&test.keys_url, 1, others, test.ledger(), test.world.clone()).await;
        let refused = refused.expect_err("refused").to_string();
        assert!(refused.contains("SHUTTERPOST_ROOTS"), "{}: {refused}", test.kind);
    }
}

fn store_name(test: &TestDatabase) -> &str {
    test.keystore.id()
}

/// What keeps a rotated-out generation in memory is bounded by the cache's five minutes.
#[tokio::test(flavor = "multi_thread")]
async fn keys_leave_the_memory_after_five_minutes() {
    for test in databases().await {
        let wanted = captures(&test, &organisation(&test), 1);
        test.keystore.make(&wanted).await.expect("made");
        test.keystore.find(&wanted).await.expect("found");
        let kept = || test.keystore.0.keys.get(&wanted[0], test.world.now()).is_some();
        assert!(kept(), "{}", test.kind);
        test.clock.advance(5 * 60_000);
        assert!(!kept());
    }
}
