//! Retention, trash and orphans.

use std::time::{Duration, UNIX_EPOCH};

use shutterpost_model::captures::Captures;
use shutterpost_model::designs::{Design, Designs, FileKind, Logo, NewDesignFile, Place};
use shutterpost_model::events::{Branding, Events, LogoChange};
use shutterpost_model::id::CaptureId;
use shutterpost_model::ingest::Upload;
use shutterpost_vault::data_key::{DataKey, KeyId};
use shutterpost_vault::wrap::Purpose;

use crate::captures::rows as captures;
use crate::ingest::fixture::{ANNA, LOGO, OBJECTS, Stand, draft, stands, upload_of};
use crate::jobs::Permit;
use crate::keystore::Realm;
use crate::privacy::{Swept, scrub_all, sweep};
use crate::services::Deps;
use crate::storage::{SealedFile, Storage, s3};
use crate::testing::kms;

async fn swept(stand: &Stand) -> Swept {
    sweep(&Permit::of_test(), &stand.deps).await.expect("sweeps")
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_erases_for_good_and_only_what_is_due() {
    for stand in stands().await {
        let longer = shutterpost_model::events::EventDraft { retention_days: 90, ..draft() };
        let other = stand.events.create(&stand.owner, longer).await.expect("made");
        stand.accept(Upload { key: Some("k".into()), ..upload_of(ANNA) }).await.expect("accepted");
        stand.capture(None).await;
        use shutterpost_model::ingest::Ingest;
        let kept = stand.ingest.accept(&stand.owner, &other, crate::ingest::fixture::upload()).await.expect("accepted");
        assert_eq!(swept(&stand).await, Swept::default(), "{}", stand.test.kind);

        // 60 days after the 16th of January, to the minute in Berlin.
        stand.test.clock.set(shutterpost_model::time::Millis(1_805_324_399_999));
        assert_eq!(stand.deps.world.now().rfc3339(), "2027-03-17T22:59:59Z");
        assert_eq!(swept(&stand).await, Swept::default());
        stand.test.clock.advance(1);
        assert_eq!(swept(&stand).await, Swept { captures: 2, ..Swept::default() });
        assert_eq!(stand.objects().await, OBJECTS, "those of the other event");
        let dump = stand.test.dump().await;
        assert!(!dump.to_lowercase().contains("canary"), "{dump}");
        assert_eq!(
            stand.test.count("audit_entries", "action = 'privacy.retention' AND actor_kind = 'system'").await,
            1
        );
        assert_eq!(stand.test.count("ingest_requests", "1 = 1").await, 0);
        assert!(stand.shows(&kept.share_url).await);
        assert_eq!(swept(&stand).await, Swept::default(), "done is done");
        // The event itself stays, with its numbers at nought.
        assert_eq!(stand.events.find(&stand.owner, &stand.event).await.expect("is found").captures, 0);
        assert_eq!(
            stand.accept(crate::ingest::fixture::upload()).await.expect_err("too late").fields[0].field,
            "event"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trash_ends_after_thirty_days() {
    for stand in stands().await {
        let gone = stand.capture(Some(ANNA)).await;
        let kept = stand.capture(Some(r#"{"email":"berta@canary.example"}"#)).await;
        stand.captures.delete(&stand.owner, &stand.event, std::slice::from_ref(&gone.id)).await.expect("deletes");
        stand.wait_days(30);
        assert_eq!(swept(&stand).await, Swept::default(), "{}", stand.test.kind);
        stand.test.clock.advance(1);
        assert_eq!(swept(&stand).await, Swept { captures: 1, ..Swept::default() });
        assert_eq!((stand.list().await.total, stand.objects().await), (1, OBJECTS));
        assert!(stand.captures.find(&stand.owner, &gone.id).await.is_err());
        assert!(stand.shows(&kept.share_url).await);
        let left = stand.captures.find(&stand.owner, &kept.id).await.expect("is found").guests.remove(0).id;
        assert_eq!(stand.test.select("SELECT id AS line FROM guests").await, [left.as_str()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_event_goes_altogether_after_thirty_days() {
    for stand in stands().await {
        let logo = LogoChange::Replace(LOGO.to_vec());
        stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo, 1).await.expect("saved");
        stand.capture(Some(ANNA)).await;
        let file = NewDesignFile { kind: FileKind::Logo, name: "Sign".into(), bytes: LOGO.to_vec() };
        let file = stand.designs.add_file(&stand.owner, &stand.event, file).await.expect("is good").id;
        let mut design = Design::default();
        design.landscape.logo = Some(Logo { file, place: Place::Top, size: 200, margin: 40 });
        stand.designs.save(&stand.owner, &stand.event, design, 0).await.expect("saves");
        assert_eq!(stand.objects().await, OBJECTS + 2);
        stand.events.delete(&stand.owner, &stand.event).await.expect("deletes");
        stand.wait_days(30);
        assert_eq!(swept(&stand).await, Swept::default(), "{}", stand.test.kind);
        stand.test.clock.advance(1);
        assert_eq!(swept(&stand).await, Swept { captures: 1, events: 1, ..Swept::default() });
        assert_eq!(stand.objects().await, 0);
        for table in [
            "events",
            "events_counters",
            "events_devices",
            "events_consents",
            "events_logos",
            "events_designs",
            "events_design_files",
            "guests",
        ] {
            assert_eq!(stand.test.count(table, "1 = 1").await, 0, "{table}");
        }
        // What told its owner of the deletion is the owner's.
        assert_eq!(stand.test.count("messages", "activity IS NULL OR organisation_id IS NOT NULL").await, 0);
        assert_eq!(swept(&stand).await, Swept::default());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_removed_when_they_are_old_enough() {
    for stand in stands().await {
        let logo = LogoChange::Replace(LOGO.to_vec());
        stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo, 1).await.expect("saved");
        stand.capture(None).await;
        let key = DataKey::from_bytes(KeyId::from_bytes([1; 16]), 1, &[7; 32]);
        let file = SealedFile::seal(&stand.deps.world, &key, b"lost in a crash").expect("is sealed");
        let orphan = file.name().to_owned();
        stand.deps.storage.put(file).await.expect("stored");
        let path = stand.test.folder().join("objects").join(&orphan);
        let unfinished = path.with_file_name("0123#1");
        std::fs::write(&unfinished, b"half").expect("written");
        let written = |minutes_ago: i64| {
            let millis = u64::try_from(stand.deps.world.now().plus(-minutes_ago * 60_000).0).expect("after 1970");
            for file in [&path, &unfinished] {
                let file = std::fs::File::options().write(true).open(file).expect("opens");
                file.set_modified(UNIX_EPOCH + Duration::from_millis(millis)).expect("sets");
            }
        };
        written(59);
        assert_eq!(swept(&stand).await, Swept::default(), "{}", stand.test.kind);
        written(61);
        assert_eq!(swept(&stand).await, Swept { objects: 2, ..Swept::default() });
        assert_eq!(stand.objects().await, OBJECTS + 1);
        assert_eq!(swept(&stand).await, Swept::default());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_no_row_needs_is_destroyed_when_it_is_old_enough() {
    for stand in stands().await {
        stand.capture(Some(ANNA)).await;
        let key = captures::key(&stand.organisation, stand.deps.world.id(CaptureId::new).as_str());
        stand.deps.keystore.make(std::slice::from_ref(&key)).await.expect("made by an upload that then failed");
        stand.test.clock.advance(59 * 60_000);
        assert_eq!(swept(&stand).await, Swept::default(), "{}", stand.test.kind);
        stand.test.clock.advance(2 * 60_000);
        assert_eq!(swept(&stand).await, Swept { keys: 1, ..Swept::default() });
        assert!(stand.deps.keystore.get(&key).await.is_err());
        assert_eq!(swept(&stand).await, Swept::default(), "{}: nothing is looked at twice", stand.test.kind);
        stand.capture(Some(ANNA)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_cut_short_is_finished() {
    for stand in stands().await {
        let accepted = stand.capture(Some(ANNA)).await;
        let guest = stand.captures.find(&stand.owner, &accepted.id).await.expect("is found").guests.remove(0).id;
        // The keys are gone, and the process ended before it got to the rows.
        let realm = Realm::Organisation(stand.organisation.clone());
        let keystore = &stand.deps.keystore;
        keystore.destroy(&realm, &[Purpose::Subject], &[guest.as_str()]).await.expect("destroyed");
        keystore.destroy(&realm, &[Purpose::Capture], &[accepted.id.as_str()]).await.expect("destroyed");
        let capture = stand.captures.find(&stand.owner, &accepted.id).await.expect("is still there");
        assert!(capture.guests.is_empty(), "{}: and says nothing of anybody", stand.test.kind);

        assert_eq!(swept(&stand).await, Swept { captures: 1, ..Swept::default() }, "{}", stand.test.kind);
        assert_eq!(stand.test.count("guests", "1 = 1").await + stand.test.count("captures", "1 = 1").await, 0);
        assert_eq!(stand.objects().await, 0);
        assert!(!stand.shows(&accepted.share_url).await);
        // Whoever comes again is somebody new.
        let again = stand.capture(Some(ANNA)).await;
        let guests = stand.captures.find(&stand.owner, &again.id).await.expect("is found").guests;
        assert_ne!(guests[0].id, guest);
        assert_eq!(swept(&stand).await, Swept::default());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_in_a_bucket_are_removed_and_what_a_row_names_is_not() {
    for stand in stands().await {
        stand.capture(Some(ANNA)).await;
        let endpoint = kms();
        let bucket = format!("orphans-{}-{}", stand.test.kind, std::process::id());
        s3::make_bucket(&endpoint, &bucket, true).await;
        let url = format!("s3://{bucket}/media?region=us-east-1&endpoint={endpoint}");
        let storage = Storage::parse(&url).expect("reads");
        let mut named = stand.deps.storage.names().await;
        for name in &named {
            let bytes = stand.deps.storage.get_unsealed(name).await.expect("is there");
            storage.put_back(name, bytes).await.expect("is stored");
        }
        let key = DataKey::from_bytes(KeyId::from_bytes([1; 16]), 1, &[7; 32]);
        storage
            .put(SealedFile::seal(&stand.deps.world, &key, b"nobody's").expect("is sealed"))
            .await
            .expect("is stored");
        let deps = Deps { storage: storage.clone(), ..stand.deps.clone() };
        let swept = sweep(&Permit::of_test(), &deps).await.expect("sweeps");
        assert_eq!(swept, Swept { objects: 1, ..Swept::default() }, "{}", stand.test.kind);
        let mut left = storage.names().await;
        left.sort_unstable();
        named.sort_unstable();
        assert_eq!(left, named, "{}", stand.test.kind);
        let scrubbed = scrub_all(&deps, &mut |_| {}).await.expect("looks");
        assert_eq!((scrubbed.objects as usize, scrubbed.flawed.len()), (OBJECTS, 0), "{}", stand.test.kind);
    }
}
