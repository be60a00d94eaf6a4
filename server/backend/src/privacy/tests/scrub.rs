//! Looking at every stored object.

use std::path::{Path, PathBuf};

use shutterpost_model::events::{Branding, Events, LogoChange};
use shutterpost_model::privacy::ErasureTarget;

use crate::ingest::fixture::{ANNA, LOGO, OBJECTS, Stand, stands};
use crate::jobs::Permit;
use crate::privacy::scrub::{known, run};
use crate::privacy::{Flawed, Scrubbed, scrub_all};

async fn all(stand: &Stand) -> Scrubbed {
    scrub_all(&stand.deps, &mut |_| {}).await.expect("looks")
}

async fn piece(stand: &Stand) {
    run(Permit::of_test(), stand.deps.clone()).await.expect("looks");
}

async fn flaws(stand: &Stand) -> i64 {
    known(&mut stand.deps.db.read().await.expect("a connection"), 3).await.expect("reads").flaws
}

fn path(stand: &Stand, object: &str) -> PathBuf {
    stand.test.folder().join("objects").join(object)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_that_a_row_names_is_looked_at() {
    for stand in stands().await {
        for _ in 0..25 {
            stand.capture(Some(ANNA)).await;
        }
        let logo = LogoChange::Replace(LOGO.to_vec());
        stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo, 1).await.expect("saved");
        let objects = stand.deps.storage.names().await;
        assert_eq!(objects.len(), 25 * OBJECTS + 1);
        let seen = all(&stand).await;
        assert_eq!((seen.objects as usize, seen.flawed.len()), (objects.len(), 0), "{}", stand.test.kind);

        // Each of them, whatever row names it.
        for object in objects.iter().step_by(23).chain(objects.last()) {
            let bytes = std::fs::read(path(&stand, object)).expect("is there");
            let cases: [(&str, Option<Vec<u8>>); 3] = [
                ("missing", None),
                ("length", Some(bytes[..bytes.len() - 1].to_vec())),
                ("sealed", Some(bytes.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == 90)).collect())),
            ];
            for (flaw, changed) in cases {
                change(&path(&stand, object), changed.as_deref());
                let expected = vec![Flawed { object: object.clone(), flaw: flaw.into() }];
                assert_eq!(all(&stand).await.flawed, expected, "{}", stand.test.kind);
                assert_eq!(flaws(&stand).await, 1);
            }
            change(&path(&stand, object), Some(&bytes));
            assert!(all(&stand).await.flawed.is_empty());
            assert_eq!(flaws(&stand).await, 0);
        }
    }
}

fn change(path: &Path, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => std::fs::write(path, bytes).expect("is written"),
        None => std::fs::remove_file(path).expect("was there"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_goes_on_where_it_stopped_and_rests_when_it_is_through() {
    for stand in stands().await {
        for _ in 0..3 {
            stand.capture(None).await;
        }
        piece(&stand).await;
        let conn = &mut stand.deps.db.read().await.expect("a connection");
        let first = known(conn, 3).await.expect("reads");
        let (at, objects) = first.finished.expect("all fit into one run");
        assert_eq!((objects, first.flaws), (3 * OBJECTS as i64, 0), "{}", stand.test.kind);
        let objects = stand.deps.storage.names().await;
        let bytes = std::fs::read(path(&stand, &objects[4])).expect("is there");
        change(&path(&stand, &objects[4]), None);
        stand.wait_days(1);
        piece(&stand).await;
        assert_eq!(known(conn, 3).await.expect("reads").finished.map(|(at, _)| at), Some(at), "it rests");
        stand.wait_days(7);
        piece(&stand).await;
        assert_eq!(flaws(&stand).await, 1, "{}: the next pass finds it", stand.test.kind);
        piece(&stand).await;
        assert_eq!(flaws(&stand).await, 1, "and it stays");
        change(&path(&stand, &objects[4]), Some(&bytes));
        piece(&stand).await;
        assert_eq!(flaws(&stand).await, 0, "{}: until it is back", stand.test.kind);
        // Cut short in the middle, the next run does not begin again.
        let last = stand.test.select("SELECT max(id) AS line FROM captures").await.remove(0);
        stand.test.execute(&format!("UPDATE scrub SET source = 'captures', after = '{last}', objects = 5")).await;
        piece(&stand).await;
        assert_eq!(known(conn, 3).await.expect("reads").finished.map(|(_, objects)| objects), Some(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_no_flaw() {
    for stand in stands().await {
        let accepted = stand.accept(crate::ingest::fixture::upload_of(ANNA)).await.expect("accepted");
        let objects = stand.deps.storage.names().await;
        change(&path(&stand, &objects[0]), None);
        piece(&stand).await;
        assert_eq!(flaws(&stand).await, 1, "{}", stand.test.kind);
        stand.erase(ErasureTarget::Capture(accepted.id)).await;
        piece(&stand).await;
        assert_eq!(flaws(&stand).await, 0, "{}", stand.test.kind);
        assert_eq!(all(&stand).await, Scrubbed::default());
    }
}
