//! The rules of events, on both databases.

use shutterpost_model::access::Role;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{Branding, ConsentText, DeviceDraft, EventDraft, Events, LogoChange};
use shutterpost_model::identity::Accounts;

use crate::ingest::fixture::{ANNA, LOGO, PICTURE, draft, stands};

fn code(result: Result<impl std::fmt::Debug, AppError>) -> Code {
    result.expect_err("is refused").code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_save_is_a_conflict_and_changes_nothing() {
    for stand in stands().await {
        let event = stand.events.find(&stand.owner, &stand.event).await.expect("is found");
        assert_eq!(event.version, 1, "{}", stand.test.kind);
        assert_eq!(
            event.consents.iter().map(|text| text.purpose.as_str()).collect::<Vec<_>>(),
            ["delivery", "marketing"]
        );
        let renamed = EventDraft { name: " Winter party ".into(), time_zone: "europe/vienna".into(), ..draft() };
        stand.events.update(&stand.owner, &stand.event, renamed.clone(), 1).await.expect("saved");
        let event = stand.events.find(&stand.owner, &stand.event).await.expect("is found");
        assert_eq!((event.version, event.draft.name.as_str()), (2, "Winter party"));
        assert_eq!(event.draft.time_zone, "Europe/Vienna");
        let fields = stand.test.select("SELECT fields AS line FROM audit_entries WHERE action = 'events.update'").await;
        assert_eq!(fields, [r#"["name","time_zone"]"#]);
        let before = stand.test.dump().await;
        assert_eq!(code(stand.events.update(&stand.owner, &stand.event, renamed.clone(), 1).await), Code::Conflict);
        let logo = LogoChange::Replace(LOGO.to_vec());
        let branding = stand.events.update_branding(&stand.owner, &stand.event, Branding::default(), logo, 1).await;
        assert_eq!(code(branding), Code::Conflict);
        let lost = EventDraft { time_zone: "Mars/Olympus".into(), name: String::new(), ..draft() };
        let refused = stand.events.update(&stand.owner, &stand.event, lost, 2).await.expect_err("refused");
        assert_eq!((refused.of("time_zone"), refused.of("name")), (Some(Code::BadTimeZone), Some(Code::Required)));
        let long = EventDraft { name: "x".repeat(10_000), ..draft() };
        assert_eq!(stand.events.create(&stand.owner, long).await.expect_err("refused").of("name"), Some(Code::TooLong));
        assert_eq!(stand.test.dump().await, before);
        assert_eq!(stand.objects().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_events_are_not_found_and_roles_are_obeyed() {
    for stand in stands().await {
        let neighbour = stand.neighbour().await;
        let editor = stand.member("edgar@host.example", Role::Editor).await;
        let before = stand.test.dump().await;
        assert_eq!(code(stand.events.find(&neighbour, &stand.event).await), Code::NotFound, "{}", stand.test.kind);
        assert_eq!(code(stand.events.update(&neighbour, &stand.event, draft(), 1).await), Code::NotFound);
        assert_eq!(code(stand.events.delete(&neighbour, &stand.event).await), Code::NotFound);
        assert_eq!(code(stand.events.devices(&neighbour, &stand.event).await), Code::NotFound);
        assert_eq!(code(stand.events.update(&editor, &stand.event, draft(), 1).await), Code::Forbidden);
        assert_eq!(code(stand.events.delete(&editor, &stand.event).await), Code::Forbidden);
        let device = DeviceDraft { name: "Mine".into() };
        assert_eq!(code(stand.events.create_device(&editor, &stand.event, device).await), Code::Forbidden);
        assert_eq!(code(stand.events.list(&stand.device).await), Code::Forbidden);
        assert_eq!(stand.test.dump().await, before);
        assert!(stand.events.list(&neighbour).await.expect("lists").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_logo_replaces_the_old_one_on_disk_too() {
    for stand in stands().await {
        let save = |logo: LogoChange, version: i32| {
            let (events, owner, event) = (stand.events.clone(), stand.owner.clone(), stand.event.clone());
            async move { events.update_branding(&owner, &event, Branding::default(), logo, version).await }
        };
        save(LogoChange::Replace(LOGO.to_vec()), 1).await.expect("saved");
        let first = stand.deps.storage.names().await;
        let logo = stand.events.find(&stand.owner, &stand.event).await.expect("is found").logo.expect("has a logo");
        assert_eq!((logo.width, logo.height, first.len()), (96, 64, 1), "{}", stand.test.kind);
        assert_eq!(logo.url, format!("/cms/logos/{}/{}", stand.event, logo.id));
        assert!(
            stand.events.logo(&stand.owner, &stand.event, &logo.id).await.expect("is there").starts_with(b"\x89PNG")
        );
        let neighbour = stand.neighbour().await;
        assert_eq!(code(stand.events.logo(&neighbour, &stand.event, &logo.id).await), Code::NotFound);

        let bad = save(LogoChange::Replace(b"<svg/>".to_vec()), 2).await.expect_err("refused");
        assert_eq!(bad.of("logo"), Some(Code::FileKind));
        save(LogoChange::Replace(PICTURE.to_vec()), 2).await.expect("saved");
        let second = stand.deps.storage.names().await;
        assert_eq!(second.len(), 1);
        assert_ne!(first, second);
        assert_eq!(code(stand.events.logo(&stand.owner, &stand.event, &logo.id).await), Code::NotFound);
        save(LogoChange::Keep, 3).await.expect("saved");
        assert_eq!(stand.deps.storage.names().await, second);
        save(LogoChange::Remove, 4).await.expect("saved");
        assert_eq!(stand.objects().await, 0);
        assert_eq!(stand.events.find(&stand.owner, &stand.event).await.expect("is found").logo, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_consent_text_is_a_new_version() {
    for stand in stands().await {
        let mut texts = stand.events.find(&stand.owner, &stand.event).await.expect("is found").consents;
        texts[1].english = "News, please.".into();
        let partners = ConsentText {
            purpose: "partners".into(),
            version: 9,
            english: "Partners".into(),
            german: "Partner".into(),
        };
        texts.push(partners);
        stand.events.update_consents(&stand.owner, &stand.event, texts.clone()).await.expect("saved");
        let saved = stand.events.find(&stand.owner, &stand.event).await.expect("is found").consents;
        let versions: Vec<_> = saved.iter().map(|text| (text.purpose.as_str(), text.version)).collect();
        assert_eq!(versions, [("delivery", 1), ("marketing", 2), ("partners", 1)], "{}", stand.test.kind);
        texts[0].purpose = "Not A Purpose".into();
        texts[1].german = " ".into();
        let refused = stand.events.update_consents(&stand.owner, &stand.event, texts).await.expect_err("refused");
        assert_eq!((refused.of("purpose.0"), refused.of("german.1")), (Some(Code::BadChoice), Some(Code::Required)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_unknown() {
    for stand in stands().await {
        let draft = DeviceDraft { name: "Booth 2".into() };
        let issued = stand.events.create_device(&stand.owner, &stand.event, draft).await.expect("made");
        assert!(issued.secret.expose().starts_with("spd_"), "{}", stand.test.kind);
        assert!(!stand.test.dump().await.contains(issued.secret.expose()));
        let known = || async { stand.accounts.bearer(issued.secret.expose()).await.expect("is read").is_some() };
        assert!(known().await);
        assert_eq!(stand.events.devices(&stand.owner, &stand.event).await.expect("lists").len(), 2);
        stand.events.revoke_device(&stand.owner, &stand.event, &issued.item.id).await.expect("revoked");
        assert!(!known().await);
        assert_eq!(code(stand.events.revoke_device(&stand.owner, &stand.event, &issued.item.id).await), Code::NotFound);
        assert_eq!(stand.events.devices(&stand.owner, &stand.event).await.expect("lists").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_counts_days_and_names_silent_devices() {
    for stand in stands().await {
        let accepted = stand.capture(Some(ANNA)).await;
        stand.capture(None).await;
        stand.test.clock.advance(21 * 60_000);
        let overview = stand.events.overview(&stand.owner).await.expect("reads");
        assert_eq!((overview.today.captures, overview.waiting_messages), (2, 1), "{}", stand.test.kind);
        assert_eq!(overview.days.len(), 14);
        assert_eq!(overview.days.last(), Some(&overview.today));
        assert_eq!(overview.silent_devices.len(), 1);
        assert_eq!(overview.silent_devices[0].device_name, "Booth 1");
        assert_eq!(overview.events[0].captures, 2);
        let cover = overview.events[0].cover.as_deref().expect("has a cover");
        assert!(cover.starts_with("/cms/media/cap_") && cover.ends_with("/thumb-1.webp"), "{cover}");
        let sent = "UPDATE messages SET state = 'sent', sent_at = created_at";
        stand.test.execute(sent).await;
        stand.wait_days(1);
        let overview = stand.events.overview(&stand.owner).await.expect("reads");
        assert_eq!((overview.today.captures, overview.days[12].captures, overview.days[12].delivered), (0, 2, 1));
        assert!(overview.silent_devices.is_empty());
        let owner = stand.owner.clone().confirmed(stand.test.deps().world.now());
        stand.events.delete(&owner, &stand.event).await.expect("deletes");
        assert!(stand.events.list(&stand.owner).await.expect("lists").is_empty());
        assert!(!stand.shows(&accepted.share_url).await);
    }
}
