//! Erasures on request: what goes, what the receipt says, and that they end whatever cuts them short.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use shutterpost_model::access::Role;
use shutterpost_model::captures::Captures;
use shutterpost_model::error::Code;
use shutterpost_model::events::Events;
use shutterpost_model::identity::Accounts;
use shutterpost_model::privacy::{ErasureKind, ErasureTarget, Privacy, ReceiptFault};
use shutterpost_model::time::DAY;
use shutterpost_vault::wrap::Purpose;

use crate::captures::rows as captures;
use crate::ingest::fixture::{ANNA, OBJECTS, Stand, draft, stands};
use crate::jobs::Permit;
use crate::jobs::objects::DeleteObject;
use crate::jobs::queue::{Job, JobKind};
use crate::jobs::worker::Handler;
use crate::keystore::KeyStore;
use crate::privacy::{FinishErasure, queries, sweep};
use crate::roots::Address;

const BERTA: &str = r#"{"email":"berta@canary.example"}"#;

/// What the jobs do that take over a minute later.
async fn job(stand: &Stand) {
    let (rows, files) = (FinishErasure::new(stand.deps.clone()), DeleteObject::new(stand.deps.storage.clone()));
    let handlers: [(JobKind, &dyn Handler); 2] = [(JobKind::Erase, &rows), (JobKind::DeleteObject, &files)];
    for (kind, handler) in handlers {
        let sql = format!("SELECT subject AS line FROM jobs WHERE kind = '{}' ORDER BY id", kind.as_str());
        for subject in stand.test.select(&sql).await {
            handler.run(&Permit::of_test(), &Job::of_test(kind, &subject)).await.expect("finishes");
        }
    }
}

async fn finished(stand: &Stand) -> i64 {
    stand.test.count("privacy_erasures", "finished_at IS NOT NULL AND receipt IS NOT NULL").await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_twice_gets_the_same_erasure_and_receipt() {
    for stand in stands().await {
        let capture = stand.capture(Some(ANNA)).await.id;
        let guest = stand.captures.find(&stand.owner, &capture).await.expect("is found").guests.remove(0).id;
        let target = ErasureTarget::Guest(guest.clone());
        let first = stand.erase(target.clone()).await;
        let receipt = first.receipt.clone().expect("is signed");
        let facts = &receipt.facts;
        assert_eq!((first.kind, first.object.as_str()), (ErasureKind::Guest, guest.as_str()), "{}", stand.test.kind);
        assert!(first.finished_at.is_some());
        let expected = [("captures".into(), 1), ("files".into(), OBJECTS as i64), ("guests".into(), 1)];
        assert_eq!((facts.destroyed.as_slice(), facts.keys), (expected.as_slice(), 2));
        assert_eq!(facts.organisation, stand.organisation.as_str());
        let days = (facts.last_backup_unreadable_at.0 - facts.erased_at.0) / DAY;
        assert!((1..=7).contains(&days), "{days} days");
        assert_eq!(stand.privacy.verify(&receipt.text).as_ref(), Ok(facts));
        stand.test.clock.advance(1000);
        assert_eq!(stand.erase(target).await, first);
        assert_eq!(stand.test.count("audit_entries", "action = 'guests.delete'").await, 1);
        let page = stand.privacy.erasures(&stand.owner, None).await.expect("lists");
        assert_eq!((page.items.as_slice(), page.next), ([first.clone()].as_slice(), None));
        assert_eq!(stand.privacy.erasure(&stand.owner, &first.id).await.expect("is found"), first);

        let mut changed = receipt.text.clone();
        changed.replace_range(10..11, if &changed[10..11] == "A" { "B" } else { "A" });
        assert!(matches!(stand.privacy.verify(&changed), Err(ReceiptFault::Refused | ReceiptFault::Malformed)));
        assert_eq!(stand.privacy.verify("hello"), Err(ReceiptFault::Malformed));
        assert_eq!(stand.privacy.verify(&"A".repeat(100_000)), Err(ReceiptFault::Malformed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_goes_at_once_from_the_trash_too() {
    for stand in stands().await {
        let (gone, kept) = (stand.capture(Some(ANNA)).await.id, stand.capture(Some(BERTA)).await.id);
        stand.captures.delete(&stand.owner, &stand.event, std::slice::from_ref(&gone)).await.expect("to the trash");
        let editor = stand.member("eva@host.example", Role::Editor).await;
        let target = ErasureTarget::Capture(gone.clone());
        let refused = stand.privacy.erase(&editor, &target).await.expect_err("takes an admin");
        assert_eq!(refused.code, Code::Forbidden, "{}", stand.test.kind);
        let erased = stand.erase(target).await;
        assert_eq!(erased.receipt.expect("is signed").facts.kind, ErasureKind::Capture);
        assert!(stand.captures.find(&stand.owner, &gone).await.is_err());
        assert!(stand.captures.find(&stand.owner, &kept).await.is_ok());
        assert_eq!((stand.objects().await, stand.list().await.total), (OBJECTS, 1));
        assert_eq!(stand.privacy.erasure(&editor, &erased.id).await.expect_err("nor shows").code, Code::Forbidden);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_does_not_wait_for_the_keys_of_a_large_event() {
    for stand in stands().await {
        let capture = stand.capture(Some(ANNA)).await.id;
        let hasty = stand.privacy.clone().patient(Duration::ZERO);
        let target = ErasureTarget::Event(stand.event.clone());
        let noted = hasty.erase(&stand.owner, &target).await.expect("is noted");
        assert_eq!((noted.receipt, noted.finished_at), (None, None), "{}", stand.test.kind);
        let due = format!("kind = 'erase' AND run_at <= {}", stand.deps.world.now().0);
        assert_eq!(stand.test.count("jobs", &due).await, 1, "{}: the job goes on at once", stand.test.kind);
        assert!(stand.captures.find(&stand.owner, &capture).await.is_err(), "it is deleted meanwhile");

        job(&stand).await;
        assert_eq!((finished(&stand).await, stand.objects().await), (1, 0), "{}", stand.test.kind);
        let later = stand.privacy.erasure(&stand.owner, &noted.id).await.expect("is found");
        assert_eq!(later.receipt.expect("is signed").facts.kind, ErasureKind::Event);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_cannot_be_read_at_once_and_its_rows_follow() {
    for stand in stands().await {
        let other = stand.events.create(&stand.owner, draft()).await.expect("made");
        let shared = stand.capture(Some(ANNA)).await;
        stand.capture(Some(BERTA)).await;
        let erased = stand.erase(ErasureTarget::Event(stand.event.clone())).await;
        let facts = erased.receipt.expect("is signed").facts;
        assert_eq!(erased.finished_at, None, "{}: the job does the rest", stand.test.kind);
        let files = 2 * OBJECTS as i64;
        let expected = [("captures", 2), ("events", 1), ("files", files), ("guests", 2), ("messages", 2)];
        assert_eq!(facts.destroyed, expected.map(|(name, count)| (name.to_owned(), count)));
        assert_eq!(facts.keys, 5);
        // Nobody reads anything any more, though everything is still there.
        assert_eq!(stand.objects().await, 2 * OBJECTS);
        assert!(!stand.shows(&shared.share_url).await);
        let key = captures::key(&stand.organisation, shared.id.as_str());
        assert!(stand.deps.keystore.get(&key).await.is_err());
        assert!(stand.accept(crate::ingest::fixture::upload()).await.is_err());

        job(&stand).await;
        assert_eq!((finished(&stand).await, stand.objects().await), (1, 0));
        assert_eq!(stand.test.count("events", "1 = 1").await, 1);
        assert!(stand.events.find(&stand.owner, &other).await.is_ok());
        assert!(stand.erase(ErasureTarget::Event(stand.event.clone())).await.finished_at.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_leaves_nothing_but_the_receipt() {
    for stand in stands().await {
        let neighbour = stand.neighbour().await;
        let foreign = ErasureTarget::Organisation(neighbour.organisation().expect("has one").clone());
        assert_eq!(stand.privacy.erase(&stand.owner, &foreign).await.expect_err("refused").code, Code::NotFound);
        let admin = stand.member("ada@host.example", Role::Admin).await;
        let own = ErasureTarget::Organisation(stand.organisation.clone());
        assert_eq!(stand.privacy.erase(&admin, &own).await.expect_err("refused").code, Code::Forbidden);
        stand.capture(Some(ANNA)).await;
        let erased = stand.erase(own.clone()).await;
        let receipt = erased.receipt.expect("is signed");
        assert!(receipt.facts.destroyed.contains(&("accounts".into(), 2)), "{:?}", receipt.facts.destroyed);
        // Guest, capture, event, index, the organisation's own, two accounts.
        assert!(receipt.facts.keys >= 7, "{}: {}", stand.test.kind, receipt.facts.keys);
        let form = shutterpost_model::identity::SignIn {
            email: shutterpost_model::pii::Pii::new("ada@host.example".into()),
            password: shutterpost_model::pii::Secret::new(crate::ingest::fixture::PASSWORD.into()),
            remember: false,
        };
        assert!(stand.accounts.sign_in(form, Default::default()).await.is_err(), "nobody signs in");

        job(&stand).await;
        assert_eq!((finished(&stand).await, stand.objects().await), (1, 0));
        for (table, left) in [("identity_organisations", 1), ("identity_users", 1), ("events", 0), ("guests", 0)] {
            assert_eq!(stand.test.count(table, "1 = 1").await, left, "{table}: the neighbour stays");
        }
        assert_eq!(stand.privacy.verify(&receipt.text).as_ref(), Ok(&receipt.facts));
        assert!(stand.events.create(&neighbour, draft()).await.is_ok());
    }
}

/// Lets a task run for so many of its steps, then drops it, as the end of the process does.
async fn cut_short(polls: usize, task: impl Future<Output = ()>) -> bool {
    let (mut task, mut left) = (Box::pin(task), polls);
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        task.as_mut().poll(context).map(|()| true)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_ends_wherever_it_was_cut_short() {
    for stand in stands().await {
        let mut done = 0;
        for polls in [1, 2, 3, 5, 8, 12, 18, 26] {
            let capture = stand.capture(Some(ANNA)).await.id;
            let found = stand.captures.find(&stand.owner, &capture).await.expect("is found");
            let guest = found.guests.into_iter().next().expect("has one").id;
            let target = ErasureTarget::Guest(guest.clone());
            let work = async {
                stand.privacy.erase(&stand.owner, &target).await.expect("erases");
            };
            cut_short(polls, work).await;
            // A transaction that was under way ends before the next one begins.
            stand.deps.db.ping().await.expect("answers");
            let noted = stand.test.count("privacy_erasures", &format!("object = '{guest}'")).await;
            job(&stand).await;
            if noted == 1 {
                done += 1;
                assert_eq!(finished(&stand).await, done, "{}: after {polls} steps", stand.test.kind);
                assert!(stand.captures.find(&stand.owner, &capture).await.is_err());
            } else {
                stand.erase(target).await;
                done += 1;
            }
        }
        assert_eq!((stand.objects().await, stand.test.count("guests", "1 = 1").await), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_backup_brings_back_is_erased_again() {
    for stand in stands().await {
        let capture = stand.capture(Some(ANNA)).await.id;
        let kept = stand.capture(Some(BERTA)).await.id;
        let living = async || stand.test.count_keys("state <> 'destroyed'").await;
        let alive = living().await;
        for sql in ["CREATE TABLE kept AS SELECT * FROM keys", "CREATE TABLE marked AS SELECT * FROM keystore"] {
            stand.test.execute_keys(sql).await;
        }
        stand.erase(ErasureTarget::Capture(capture.clone())).await;
        assert_eq!(living().await, alive - 2);
        for sql in [
            "DELETE FROM keys",
            "INSERT INTO keys SELECT * FROM kept",
            "DELETE FROM keystore",
            "INSERT INTO keystore SELECT * FROM marked",
        ] {
            stand.test.execute_keys(sql).await;
        }
        assert_eq!(living().await, alive, "{}: a key store from before", stand.test.kind);
        let roots = Address::Folder(stand.test.roots());
        let roots = crate::keys::open_roots(&roots, None, &stand.test.world).expect("opens");
        let restored = KeyStore::open(&stand.test.keys_url, 2, roots, stand.test.ledger(), stand.test.world.clone());
        let restored = restored.await.expect("opens");
        let key = |id: &shutterpost_model::id::CaptureId| captures::key(&stand.organisation, id.as_str());
        assert!(restored.get(&key(&capture)).await.is_err(), "{}", stand.test.kind);
        assert!(restored.get(&key(&kept)).await.is_ok());
        assert_eq!(living().await, alive - 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_backup_brings_back_go_however_old_it_is() {
    for stand in stands().await {
        let capture = stand.capture(Some(ANNA)).await.id;
        let realm = crate::keystore::Realm::Organisation(stand.organisation.clone());
        let purpose = [captures::PURPOSE];
        stand.deps.keystore.destroy(&realm, &purpose, &[capture.as_str()]).await.expect("destroyed");
        // As in a backup from before: the rows are there, and nothing was looked for since.
        stand.wait_days(20);
        let until = queries::finished_until(&mut stand.deps.db.read().await.expect("a connection")).await;
        assert_eq!(until.expect("asked").0, 0, "{}", stand.test.kind);
        let swept = sweep(&Permit::of_test(), &stand.deps).await.expect("sweeps");
        assert_eq!(swept.captures, 1);
        assert_eq!(sweep(&Permit::of_test(), &stand.deps).await.expect("sweeps").captures, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_or_organisation_that_a_backup_brings_back_goes_again() {
    for stand in stands().await {
        let realm = crate::keystore::Realm::Organisation(stand.organisation.clone());
        let other = stand.events.create(&stand.owner, draft()).await.expect("made");
        stand.capture(Some(ANNA)).await;
        // Keys destroyed, rows as they were: what an old backup of the database looks like beside today's keys.
        let purposes = [Purpose::Event];
        stand.deps.keystore.destroy(&realm, &purposes, &[stand.event.as_str()]).await.expect("destroyed");
        sweep(&Permit::of_test(), &stand.deps).await.expect("sweeps");
        let left = stand.test.select("SELECT id AS line FROM events").await;
        assert_eq!(left, [other.as_str()], "{}", stand.test.kind);
        assert_eq!(stand.objects().await, 0);

        stand.deps.keystore.destroy_realm(&realm).await.expect("destroyed");
        sweep(&Permit::of_test(), &stand.deps).await.expect("sweeps");
        for table in ["identity_organisations", "events", "identity_users"] {
            assert_eq!(stand.test.count(table, "1 = 1").await, 0, "{table} on {}", stand.test.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_a_deleted_event_need_not_wait_for_its_trash() {
    for stand in stands().await {
        let capture = stand.capture(Some(ANNA)).await.id;
        let guest = stand.captures.find(&stand.owner, &capture).await.expect("is found").guests.remove(0).id;
        stand.events.delete(&stand.owner, &stand.event).await.expect("deletes");
        let (one, two) = tokio::join!(
            stand.erase(ErasureTarget::Guest(guest.clone())),
            stand.erase(ErasureTarget::Guest(guest.clone())),
        );
        assert_eq!(one.id, two.id, "{}: asked twice at once", stand.test.kind);
        assert_eq!(stand.objects().await, 0);
        let event = stand.erase(ErasureTarget::Event(stand.event.clone())).await;
        assert!(event.receipt.is_some());
        let known = crate::privacy::receipt_of(&stand.deps, guest.as_str()).await.expect("asked");
        assert_eq!(known, one.receipt.or(two.receipt).map(|receipt| receipt.text));
    }
}
