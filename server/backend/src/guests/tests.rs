//! The rules of guests, on both databases.

use shutterpost_model::access::Role;
use shutterpost_model::captures::Captures;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::guests::Guests;
use shutterpost_model::privacy::{ErasureTarget, Privacy};

use crate::ingest::fixture::{ANNA, OBJECTS, stands};

fn code(result: Result<impl std::fmt::Debug, AppError>) -> Code {
    result.expect_err("is refused").code
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_data_are_masked_until_revealed_and_that_is_recorded() {
    for stand in stands().await {
        let capture = stand.capture(Some(ANNA)).await.id;
        let masked = stand.guest_of(&capture).await;
        assert!(masked.masked, "{}", stand.test.kind);
        assert_eq!(masked.email.as_ref().map(|email| email.get().as_str()), Some("a…@c….example"));
        let viewer = stand.member("vera@host.example", Role::Viewer).await;
        assert_eq!(stand.guests.find(&viewer, &masked.id).await.expect("is found"), masked);
        assert_eq!(code(stand.guests.reveal(&viewer, &masked.id).await), Code::Forbidden);
        assert_eq!(stand.test.count("audit_entries", "action = 'guests.reveal'").await, 0);
        let clear = stand.guests.reveal(&stand.owner, &masked.id).await.expect("reveals");
        assert_eq!(clear.email.as_ref().map(|email| email.get().as_str()), Some("anna@canary.example"));
        assert!(!clear.masked);
        assert_eq!(stand.test.count("audit_entries", "action = 'guests.reveal'").await, 1);
        let neighbour = stand.neighbour().await;
        assert_eq!(code(stand.guests.find(&neighbour, &masked.id).await), Code::NotFound);
        let target = ErasureTarget::Guest(masked.id);
        assert_eq!(code(stand.privacy.erase(&neighbour, &target).await), Code::NotFound);
        assert_eq!(code(stand.privacy.erase(&viewer, &target).await), Code::Forbidden);
        assert_eq!(stand.test.count("privacy_erasures", "1 = 1").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_a_guest_takes_pictures_of_nobody_else() {
    for stand in stands().await {
        let alone = stand.capture(Some(ANNA)).await;
        let together = stand.capture(Some(ANNA)).await;
        let berta = stand.join(&together.id, r#"{"email":"berta@canary.example"}"#).await;
        let (owner_link, anna) = (stand.owner_link(&together.id).await, stand.guest_of(&alone.id).await.id);
        assert!(stand.shows(&owner_link).await);

        stand.erase(ErasureTarget::Guest(anna.clone())).await;
        assert_eq!(code(stand.guests.find(&stand.owner, &anna).await), Code::NotFound, "{}", stand.test.kind);
        assert_eq!(code(stand.captures.find(&stand.owner, &alone.id).await), Code::NotFound);
        let kept = stand.captures.find(&stand.owner, &together.id).await.expect("is found");
        assert_eq!(kept.guests.iter().map(|guest| &guest.id).collect::<Vec<_>>(), [&berta]);
        assert!(kept.messages.is_empty());
        assert!(!stand.shows(&owner_link).await);
        assert!(stand.shows(&together.share_url).await);
        let page = stand.list().await;
        assert_eq!((page.total, page.items[0].guests, page.items[0].delivery), (1, 1, None));
        assert_eq!(stand.objects().await, OBJECTS);
        assert!(!stand.test.dump().await.contains("anna@canary"));
        assert_eq!(stand.test.count("audit_entries", "action = 'guests.delete'").await, 1);
        // The jobs repeat what was done at once, in case it was not.
        let jobs = stand.test.count("jobs", "kind = 'delete_object'").await;
        assert_eq!(usize::try_from(jobs), Ok(OBJECTS));

        stand.erase(ErasureTarget::Guest(berta)).await;
        assert_eq!((stand.list().await.total, stand.objects().await), (0, 0));
    }
}
