//! The rules of uploads, on both databases.

mod full;
mod later;
mod locked;
mod moving;

use shutterpost_model::captures::Captures;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{Branding, Events, LogoChange};
use shutterpost_model::ingest::{Ingest, Upload};
use shutterpost_model::messages::DeliveryState;
use shutterpost_model::time::Millis;

use super::fixture::{ANNA, HEIC, LOGO, OBJECTS, PICTURE, guest, stands, upload, upload_of};
use super::{IngestConfig, IngestService};
use crate::captures;
use crate::jobs::Wake;
use crate::services::Deps;

fn code(result: Result<impl std::fmt::Debug, AppError>) -> Code {
    result.expect_err("is refused").code
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_becomes_a_capture_with_guest_links_and_message() {
    for stand in stands().await {
        let accepted = stand.capture(Some(ANNA)).await;
        assert!(accepted.share_url.starts_with("https://photos.example/s/"), "{}", stand.test.kind);
        let capture = stand.captures.find(&stand.owner, &accepted.id).await.expect("is found");
        assert_eq!((capture.width, capture.height), (64, 96), "upright");
        assert_eq!(capture.renditions.len(), 7);
        assert_eq!(capture.guests.len(), 1);
        assert_eq!(capture.messages.len(), 1);
        assert_eq!(capture.links.len(), 2);
        assert_eq!(capture.device.as_deref(), Some("Booth 1"));
        assert_eq!(capture.history.len(), 1);
        assert_eq!(capture.history[0].actor.as_deref(), Some("Booth 1"));
        assert!(stand.shows(&accepted.share_url).await);
        assert!(stand.shows(&stand.owner_link(&accepted.id).await).await);
        let page = stand.list().await;
        assert_eq!(page.total, 1);
        assert_eq!(page.items[0].delivery, Some(DeliveryState::Queued));
        assert_eq!(page.items[0].guests, 1);
        assert_eq!(stand.objects().await, OBJECTS);
        let key = captures::rows::key(&stand.organisation, accepted.id.as_str());
        let key = stand.deps.keystore.get(&key).await.expect("was made");
        for name in stand.deps.storage.names().await {
            let stored = stand.deps.storage.get_unsealed(&name).await.expect("is there");
            let bytes = stand.deps.storage.get(&name, &key).await.expect("opens");
            assert!(!bytes.windows(6).any(|window| window == b"canary"), "metadata are gone from {name}");
            assert!(!stored.windows(8).any(|window| window == &bytes[..8]), "{name} is sealed");
        }
        assert_eq!(stand.test.count("jobs", "kind = 'send_message'").await, 1);
        assert_eq!(stand.test.count("audit_entries", "action = 'captures.create'").await, 1);
        let devices = stand.events.devices(&stand.owner, &stand.event).await.expect("lists");
        assert_eq!(devices[0].captures, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phones_own_format_becomes_the_same_renditions_as_any() {
    for stand in stands().await {
        for declared in [None, Some("image/heic"), Some("image/heif")] {
            let before = stand.objects().await;
            let sent = Upload { bytes: HEIC.to_vec(), declared: declared.map(str::to_owned), ..upload_of(ANNA) };
            let accepted = stand.accept(sent).await.expect("is accepted");
            let capture = stand.captures.find(&stand.owner, &accepted.id).await.expect("is found");
            assert_eq!((capture.width, capture.height), (96, 64), "{declared:?}");
            assert_eq!((capture.renditions.len(), stand.objects().await - before), (7, OBJECTS), "{}", stand.test.kind);
            assert!(stand.shows(&accepted.share_url).await);
        }
        assert_eq!(stand.test.count("captures", "media_type = 'image/heic'").await, 3, "kept as it was sent");
        let key = |capture: &str| captures::rows::key(&stand.organisation, capture);
        for line in stand.test.select("SELECT id || ' ' || object AS line FROM captures").await {
            let (capture, object) = line.split_once(' ').expect("two");
            let key = stand.deps.keystore.get(&key(capture)).await.expect("was made");
            let bytes = stand.deps.storage.get(object, &key).await.expect("opens");
            assert!(HEIC.windows(6).any(|window| window == b"canary") && bytes.starts_with(&HEIC[..12]));
            assert!(!bytes.windows(6).any(|window| window == b"canary"), "metadata are gone");
        }
        let wrong = Upload { bytes: HEIC.to_vec(), declared: Some("image/jpeg".into()), ..upload_of(ANNA) };
        assert_eq!(code(stand.accept(wrong).await), Code::FileMismatch);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gives_one_capture_and_the_same_answer() {
    for stand in stands().await {
        let keyed = |json: &str| Upload { key: Some("one".into()), ..upload_of(json) };
        let first = stand.accept(keyed(ANNA)).await.expect("is accepted");
        let before = stand.test.dump().await;
        let again = r#"{"email":"ANNA@canary.example ","consents":[{"granted":true,"purpose":"delivery"}],"name":"Anna Canary"}"#;
        assert_eq!(stand.accept(keyed(again)).await.expect("is accepted"), first, "{}", stand.test.kind);
        assert_eq!(code(stand.accept(keyed(r#"{"name":"Berta"}"#)).await), Code::KeyReused);
        let other_file = Upload { bytes: LOGO.to_vec(), declared: None, ..keyed(ANNA) };
        assert_eq!(code(stand.accept(other_file).await), Code::KeyReused);
        assert_eq!(stand.test.dump().await, before);
        assert_eq!(stand.objects().await, OBJECTS);
        // The key of another uploader is another key.
        let other = stand.ingest.accept(&stand.owner, &stand.event, keyed(ANNA)).await.expect("is accepted");
        assert_ne!(other.id, first.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_equal_requests_at_once_become_one() {
    for stand in stands().await {
        // Two threads for pictures, so that both requests come to the transaction.
        let config = IngestConfig { threads: Some(2), ..IngestConfig::default() };
        let ingest = IngestService::start(stand.deps.clone(), config, Wake::default()).expect("threads");
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (ingest, device, event) = (ingest.clone(), stand.device.clone(), stand.event.clone());
                let upload = Upload { key: Some("raced".into()), ..upload_of(ANNA) };
                tokio::spawn(async move { ingest.accept(&device, &event, upload).await })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.expect("no panic").expect("is accepted"));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{}", stand.test.kind);
        assert_eq!(stand.list().await.total, 1);
        assert_eq!(stand.objects().await, OBJECTS);
        assert_eq!(stand.test.count("messages", "1 = 1").await, 1);
        assert_eq!(stand.test.count("guests", "1 = 1").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_nothing_behind() {
    for stand in stands().await {
        let before = stand.test.dump().await;
        for puts in 0..OBJECTS {
            let storage = stand.deps.storage.full_after(i64::try_from(puts).expect("small"));
            let deps = Deps { storage, ..stand.deps.clone() };
            let config = IngestConfig { threads: Some(1), ..IngestConfig::default() };
            let ingest = IngestService::start(deps, config, Wake::default()).expect("a thread");
            let upload = Upload { key: Some("full".into()), ..upload_of(ANNA) };
            let refused = ingest.accept(&stand.device, &stand.event, upload).await;
            assert_eq!(code(refused), Code::StorageFull, "after {puts} objects on {}", stand.test.kind);
            assert_eq!(stand.objects().await, 0, "after {puts} objects");
        }
        assert_eq!(stand.test.dump().await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_have_a_code_and_leave_nothing_behind() {
    for stand in stands().await {
        let before = stand.test.dump().await;
        let file = |bytes: &[u8], declared: Option<&str>| Upload {
            bytes: bytes.to_vec(),
            declared: declared.map(str::to_owned),
            ..upload()
        };
        let half = &PICTURE[..PICTURE.len() / 2];
        for (upload, expected) in [
            (file(b"", None), Code::FileEmpty),
            (file(b"PK\x03\x04zip renamed to jpg", Some("image/jpeg")), Code::FileKind),
            (file(PICTURE, Some("image/png")), Code::FileMismatch),
            (file(half, Some("image/jpeg")), Code::FileTruncated),
        ] {
            assert_eq!(code(stand.accept(upload).await), expected, "{}", stand.test.kind);
        }
        let early = Upload { captured_at: Some(Millis(0)), ..upload() };
        assert_eq!(stand.accept(early).await.expect_err("refused").of("captured_at"), Some(Code::OutOfRange));
        assert_eq!(stand.test.dump().await, before);
        assert_eq!(stand.objects().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_upload_does_and_only_where() {
    for stand in stands().await {
        let other = stand.events.create(&stand.owner, super::fixture::draft()).await.expect("made");
        let neighbour = stand.neighbour().await;
        let viewer = stand.member("vera@host.example", shutterpost_model::access::Role::Viewer).await;
        let before = stand.test.dump().await;
        for (actor, event, expected) in [
            (&stand.device, &other, Code::NotFound),
            (&neighbour, &stand.event, Code::NotFound),
            (&viewer, &stand.event, Code::Forbidden),
        ] {
            assert_eq!(code(stand.ingest.accept(actor, event, upload()).await), expected, "{}", stand.test.kind);
        }
        assert_eq!(stand.test.dump().await, before);
        stand.events.delete(&stand.owner, &stand.event).await.expect("deleted");
        assert_eq!(code(stand.accept(upload()).await), Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn consents_are_checked_against_the_texts_of_the_event() {
    for stand in stands().await {
        for (json, field) in [
            (r#"{"consents":[{"purpose":"tracking","granted":true}]}"#, "guest.consents.purpose"),
            (
                r#"{"consents":[{"purpose":"marketing","granted":true,"text_version":2}]}"#,
                "guest.consents.text_version",
            ),
        ] {
            let refused = stand.accept(upload_of(json)).await.expect_err("refused");
            assert_eq!(refused.of(field), Some(Code::BadChoice), "{}", stand.test.kind);
        }
        assert_eq!(stand.objects().await, 0);
        // A guest who says no to delivery is kept, and gets nothing.
        let json = r#"{"email":"no@canary.example","consents":[{"purpose":"delivery","granted":false}]}"#;
        let accepted = stand.accept(upload_of(json)).await.expect("is accepted");
        let capture = stand.captures.find(&stand.owner, &accepted.id).await.expect("is found");
        assert!(capture.messages.is_empty());
        assert_eq!(capture.links.len(), 1);
        assert_eq!(capture.guests[0].consents[0].text_version, 1);
        assert!(!capture.guests[0].consents[0].granted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_contact_point_is_one_guest() {
    for stand in stands().await {
        stand.capture(Some(r#"{"email":"anna@canary.example","language":"de"}"#)).await;
        let accepted =
            stand.capture(Some(r#"{"email":"Anna@Canary.example","name":"Anna","phone":"+49301234567"}"#)).await;
        let capture = stand.captures.find(&stand.owner, &accepted.id).await.expect("is found");
        let [guest] = capture.guests.as_slice() else { panic!("one guest") };
        assert_eq!(guest.captures, 2, "{}", stand.test.kind);
        assert_eq!(guest.name.as_ref().map(|name| name.get().as_str()), Some("A…"));
        assert!(guest.phone.is_some());
        assert_eq!(stand.test.count("guests", "1 = 1").await, 1);
        // Without a contact point nobody is recognised.
        stand.capture(Some(r#"{"name":"Somebody"}"#)).await;
        stand.capture(Some(r#"{"name":"Somebody"}"#)).await;
        assert_eq!(stand.test.count("guests", "1 = 1").await, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logo_is_blended_in_where_the_event_wants_it() {
    for stand in stands().await {
        let plain = stand.capture(None).await.id;
        let logo = LogoChange::Replace(LOGO.to_vec());
        let saved = stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo, 1).await;
        saved.expect("saved");
        let marked = stand.capture(None).await.id;
        let unmarked = Branding { mark_pictures: false, ..Branding::default() };
        let saved = stand.events.update_branding(&stand.owner, &stand.event, unmarked, LogoChange::Keep, 2).await;
        saved.expect("saved");
        let plain_again = stand.capture(None).await.id;
        let etags = |id: shutterpost_model::id::CaptureId| {
            let sql = format!(
                "SELECT etag AS line FROM captures_renditions WHERE capture_id = '{id}' ORDER BY name, encoding"
            );
            async move { sql }
        };
        let [plain, marked, plain_again] = [etags(plain).await, etags(marked).await, etags(plain_again).await];
        let (plain, marked) = (stand.test.select(&plain).await, stand.test.select(&marked).await);
        assert_ne!(plain, marked, "{}", stand.test.kind);
        assert_eq!(plain, stand.test.select(&plain_again).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_captures_share_the_bytes_of_a_real_one() {
    for stand in stands().await {
        let none = super::bulk::fill(&stand.deps, &stand.owner, &stand.event, 3).await;
        assert_eq!(code(none), Code::NotFound, "{}", stand.test.kind);
        let model = stand.capture(None).await.id;
        let written = super::bulk::fill(&stand.deps, &stand.owner, &stand.event, 1201).await.expect("written");
        assert_eq!(written, 1201);
        let page = stand.list().await;
        assert_eq!((page.total, page.items.len()), (1202, 200));
        assert_eq!(page.items[0].id, model);
        let one = stand.captures.find(&stand.owner, &page.items[7].id).await.expect("is found");
        assert_eq!((one.renditions.len(), one.links.len()), (7, 1));
        assert!(stand.shows(one.links[0].url.as_deref().expect("not revoked")).await);
        assert_eq!(stand.objects().await, OBJECTS);
    }
}

#[test]
fn a_guest_is_built_from_json() {
    assert_eq!(guest(ANNA).contact().as_deref(), Some("email:anna@canary.example"));
}
