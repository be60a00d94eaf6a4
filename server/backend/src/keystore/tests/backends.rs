//! A rotation over the other backends of root keys, on both databases.

use shutterpost_vault::root::Roots;
use shutterpost_vault::root::pkcs11::softhsm::with_token;
use shutterpost_vault::root::pkcs11::{self, Pkcs11Roots};
use tokio::runtime;

use super::*;
use crate::roots::kms::{self, KmsRoots};
use crate::testing::{self, unsealed_databases};

/// Key store, rotation and a restart over these roots. `number` tells the databases apart.
async fn rotates(open: impl Fn(usize) -> Arc<dyn Roots> + Send + Sync + Clone + 'static) {
    for (number, test) in unsealed_databases().await.into_iter().enumerate() {
        let opened = || {
            let open = open.clone();
            async move { tokio::task::spawn_blocking(move || open(number)).await.expect("no panic") }
        };
        let roots = opened().await;
        // The database has its first generation already, of other roots, and nothing under it.
        let (first, world) = (Arc::clone(&roots), test.world.clone());
        let first = hierarchy::blocking(move || first.create(1, &mut |bytes| world.random.fill(bytes)));
        first.await.expect("created");
        let store = KeyStore::open(&test.keys_url, 2, Arc::clone(&roots), test.ledger(), test.world.clone())
            .await
            .expect("opens");
        let wanted = captures(&test, &organisation(&test), 40);
        let before = store.make(&wanted).await.expect("made");
        for generation in 2..4_u32 {
            test.clock.advance(GENERATION);
            let rotated = store.rotate_if_due().await.expect("rotates");
            assert_eq!((rotated.realms, rotated.keys, rotated.destroyed), (1, 40, 1), "{}", test.kind);
            let (again, number) = (Arc::clone(&roots), generation - 1);
            let (left, old) =
                tokio::task::spawn_blocking(move || (again.generations(), again.unwrap(number, b"", b"")))
                    .await
                    .expect("no panic");
            assert_eq!(left.expect("listed"), [generation], "{}", test.kind);
            assert!(matches!(old, Err(RootError::Destroyed { generation: g }) if g == number), "{}", test.kind);
        }
        let restarted =
            KeyStore::open(&test.keys_url, 2, opened().await, test.ledger(), test.world.clone()).await.expect("opens");
        let after = restarted.find(&wanted).await.expect("found");
        for key in &wanted {
            assert_eq!(after.get(key).expect("kept"), before.get(key).expect("made"), "{}", test.kind);
        }
    }
}

#[test]
fn a_rotation_over_a_hardware_module() {
    with_token(module_path!(), "a_rotation_over_a_hardware_module", |token| {
        let location = token.location.clone();
        let open = move |number| {
            let prefix = format!("test-{number}");
            let roots = Pkcs11Roots::open(&pkcs11::Location { prefix, ..location.clone() });
            Arc::new(roots.expect("the token opens")) as Arc<dyn Roots>
        };
        let runtime = runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(rotates(open));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_over_a_key_service() {
    let process = std::process::id();
    let open = move |number| {
        let prefix = format!("rotation-{process}-{number}");
        let location = kms::Location { region: "eu-central-1".into(), prefix, endpoint: Some(testing::kms()) };
        Arc::new(KmsRoots::open(&location).expect("moto answers")) as Arc<dyn Roots>
    };
    rotates(open).await;
}
