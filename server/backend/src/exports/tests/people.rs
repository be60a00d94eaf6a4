//! Guests and consents in archives: who may, what is in them, and that nothing outlives its guest.

use shutterpost_model::access::{Actor, Role};
use shutterpost_model::error::Code;
use shutterpost_model::exports::{Download, ExportState, ExportView, Exports as _, Wanted};
use shutterpost_model::guests::Guests as _;
use shutterpost_model::privacy::ErasureTarget;
use shutterpost_model::privacy::trash::{Trash as _, TrashTarget};
use shutterpost_model::time::DAY;

use super::{downloaded, prepared, read, service, unpacked};
use crate::ingest::fixture::{ANNA, Stand, stands};

const BERT: &str = r#"{"name":"=Bert","phone":"+49 30 1234567","language":"de"}"#;

fn with_people() -> Wanted {
    Wanted { captures: Vec::new(), people: true }
}

async fn made(stand: &Stand, key: &str) -> ExportView {
    let view = service(stand).create(&stand.owner, &stand.event, &with_people(), key).await.expect("is made");
    prepared(stand, &view).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_tells_of_the_guests_in_it_and_is_the_same_from_any_byte_on() {
    for stand in stands().await {
        // Seconds apart, so that everybody has their place.
        let first = stand.capture(Some(ANNA)).await.id;
        stand.test.clock.advance(1000);
        let shared = stand.capture(Some(ANNA)).await.id;
        stand.test.clock.advance(1000);
        let bert = stand.join(&shared, BERT).await;
        stand.capture(None).await;
        let view = made(&stand, "all").await;
        assert_eq!((view.state, view.captures, view.people), (ExportState::Ready, 3, true), "{}", stand.test.kind);
        assert_eq!(view.by.as_deref(), Some("Olga Owner"));
        let bytes = downloaded(&stand, &view).await;
        let folder = unpacked(&stand, &bytes);
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file");
        let anna = stand.guest_of(&first).await.id;
        let guests = text("guests.csv");
        let lines: Vec<&str> = guests.trim_end().split("\r\n").collect();
        assert_eq!(lines.len(), 3, "{guests}");
        assert_eq!(lines[0], "\u{feff}id,created_at,language,name,email,phone,files");
        assert!(
            lines[1].starts_with(&format!("{anna},")) && lines[1].contains(r#""Anna Canary","anna@canary.example","""#)
        );
        assert!(lines[1].contains("000001_") && lines[1].contains(" 000002_"), "{}", lines[1]);
        assert!(
            lines[2].contains(&format!("{bert},")) && lines[2].contains(r#",de,"'=Bert","","'+49301234567","#),
            "{guests}"
        );
        let consents = text("consents.csv");
        assert!(consents.contains(&format!("{anna},delivery,true,")), "{consents}");
        let json: serde_json::Value = serde_json::from_str(&text("guests.json")).expect("JSON");
        assert_eq!(json[0]["email"], "anna@canary.example");
        assert_eq!(json[0]["consents"][0]["purpose"], "delivery");
        assert_eq!((&json[1]["phone"], json.as_array().map(Vec::len)), (&"+49301234567".into(), Some(2)));

        let Download { mut archive, .. } = service(&stand).open(&stand.owner, &view.id).await.expect("is ready");
        for from in (0..bytes.len()).rev().take(3000).step_by(7) {
            archive.seek(from as u64);
            assert!(read(&mut *archive).await.expect("to its end") == bytes[from..], "{}: {from}", stand.test.kind);
        }
        assert_eq!(stand.test.count("audit_entries", "action = 'guests.export' AND count = 3").await, 1);
        assert_eq!(stand.test.count("audit_entries", "action = 'guests.export_download' AND count = 2").await, 2);
        assert_eq!(stand.test.count("messages", "activity = 'people_exported'").await, 1, "{}", stand.test.kind);
        let listed = service(&stand).list(&stand.owner, &stand.event).await.expect("is listed");
        assert_eq!(listed, [view]);
        let stored = stand.test.dump().await;
        assert!(!format!("{stored:?}").contains("canary.example"), "nothing of it is kept in the clear");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_for_owners_who_showed_lately_who_they_are() {
    for stand in stands().await {
        stand.capture(Some(ANNA)).await;
        let view = made(&stand, "all").await;
        let admin = stand.member("admin@host.example", Role::Admin).await;
        let exports = service(&stand);
        let refused = async |actor: &Actor| {
            exports.create(actor, &stand.event, &with_people(), "mine").await.expect_err("no").code
        };
        assert_eq!(refused(&admin).await, Code::Forbidden);
        assert_eq!(exports.open(&admin, &view.id).await.expect_err("no").code, Code::Forbidden);
        assert_eq!(exports.find(&admin, &view.id).await.expect("that there is one").id, view.id);
        exports.create(&admin, &stand.event, &Wanted::default(), "mine").await.expect("captures alone");
        let viewer = stand.member("viewer@host.example", Role::Viewer).await;
        let plain = exports.create(&viewer, &stand.event, &Wanted::default(), "mine").await;
        assert_eq!(plain.expect_err("no").code, Code::Forbidden);
        assert_eq!(exports.list(&viewer, &stand.event).await.expect_err("no").code, Code::Forbidden);
        exports.check(&stand.owner, &view.id).await.expect("may");
        stand.test.clock.advance(DAY / 24);
        assert_eq!(refused(&stand.owner).await, Code::ConfirmNeeded);
        let photos = exports.create(&stand.owner, &stand.event, &Wanted::default(), "later").await;
        assert_eq!(photos.expect_err("no").code, Code::ConfirmNeeded);
        assert_eq!(exports.check(&stand.owner, &view.id).await.expect_err("no").code, Code::ConfirmNeeded);
        assert_eq!(exports.open(&stand.owner, &view.id).await.expect_err("no").code, Code::ConfirmNeeded);
        assert_eq!(stand.test.count("exports", "people").await, 1, "{}", stand.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_or_changes_ends_the_download() {
    for stand in stands().await {
        let capture = stand.capture(None).await.id;
        let bert = stand.join(&capture, BERT).await;
        stand.test.clock.advance(1000);
        stand.join(&capture, ANNA).await;
        let view = made(&stand, "all").await;
        let bytes = downloaded(&stand, &view).await;
        let state = async |view: &ExportView| service(&stand).find(&stand.owner, &view.id).await.expect("found").state;
        let Download { mut archive, .. } = service(&stand).open(&stand.owner, &view.id).await.expect("is ready");

        // In the trash, and back.
        stand.guests.delete(&stand.owner, &bert).await.expect("goes to the trash");
        assert_eq!(state(&view).await, ExportState::Broken, "{}", stand.test.kind);
        let (sent, code) = read(&mut *archive).await.expect_err("it cannot be sent to its end");
        assert!(code == Code::NotFound && bytes.starts_with(&sent) && sent.len() < bytes.len());
        assert!(!String::from_utf8_lossy(&sent).contains("Bert"), "{}", stand.test.kind);
        stand.trash.restore(&stand.owner, &TrashTarget::Guest(bert.clone())).await.expect("comes back");
        assert!(downloaded(&stand, &view).await == bytes, "{}", stand.test.kind);

        // Somebody says another name: what was promised byte by byte is not there any more.
        stand.join(&stand.capture(None).await.id, &ANNA.replace("Anna Canary", "Anne Canary")).await;
        assert_eq!(state(&view).await, ExportState::Ready, "not looked at yet");
        archive.seek(0);
        let (sent, code) = read(&mut *archive).await.expect_err("it cannot be sent to its end");
        assert!(code == Code::NotFound && bytes.starts_with(&sent));
        let sent = String::from_utf8_lossy(&sent).into_owned();
        assert!(sent.contains("Bert") && !sent.contains("Anne"), "{}", stand.test.kind);
        assert_eq!(state(&view).await, ExportState::Broken, "{}", stand.test.kind);

        let next = made(&stand, "next").await;
        let later = String::from_utf8_lossy(&downloaded(&stand, &next).await).into_owned();
        assert!(later.contains("Anne Canary") && later.contains("Bert"), "{}", stand.test.kind);
        let Download { mut archive, .. } = service(&stand).open(&stand.owner, &next.id).await.expect("is ready");
        stand.erase(ErasureTarget::Guest(bert)).await;
        let (sent, _) = read(&mut *archive).await.expect_err("it cannot be sent to its end");
        assert!(!String::from_utf8_lossy(&sent).contains("Bert"), "{}", stand.test.kind);
        assert_eq!(state(&next).await, ExportState::Broken);
    }
}
