//! The pages of erasures, and the ways to erase at once.

use super::*;

#[tokio::test]
async fn erasures_are_listed_with_their_state_and_the_rest_is_a_page_away() {
    let html = Visit::to("/cms/privacy").page().await;
    assert_says(
        &html,
        &[
            "<title>Privacy · Shutterpost</title>",
            "What erasing does",
            "Being deleted",
            "Done",
            "not yet known",
            "10 March 2026, 17:50 UTC",
            &format!("href=\"/cms/privacy/{}\" title=\"{}\"", erasure_id(0), fakes::guest().id),
            "Guest 07070707",
            "href=\"/cms/privacy?cursor=older%2B1\"",
            "aria-current=\"page\"",
        ],
    );
    assert_silent(&html, &["Back to the newest"]);
    let second = Visit::to("/cms/privacy?cursor=older%2B1").page().await;
    assert_says(&second, &["Back to the newest"]);
    assert_silent(&second, &["cursor="]);
    let german = Visit::to("/cms/privacy").in_german().page().await;
    assert_says(&german, &["Datenschutz", "Wird gelöscht", "Fertig", "10. März 2026, 17:50 UTC", "Gast 07070707"]);
}

#[tokio::test]
async fn without_erasures_the_page_says_what_they_are() {
    let html = Visit::to("/cms/privacy").in_world(World { empty: true, ..World::default() }).page().await;
    assert_says(&html, &["Nothing has been erased at once", "signed receipt"]);
    assert_silent(&html, &["<table"]);
}

#[tokio::test]
async fn privacy_is_for_admins_and_above() {
    for path in ["/cms/privacy".to_owned(), format!("/cms/privacy/{}", erasure_id(1))] {
        let (status, html) = Visit::to(path.clone()).by(Role::Editor).answer().await;
        assert_eq!(status, 403, "{path}");
        assert_silent(&html, &["href=\"/cms/privacy\""]);
        let html = Visit::to(path).by(Role::Admin).page().await;
        assert_says(&html, &["href=\"/cms/privacy\""]);
    }
    // Editors erase guests, and get the receipt.
    let html = Visit::to(format!("/cms/privacy/{}", erasure_id(0))).by(Role::Editor).page().await;
    assert_says(&html, &["Erasure: Guest 07070707", "receipt.txt"]);
    assert_silent(&html, &["href=\"/cms/privacy\""]);
}

#[tokio::test]
async fn only_owners_may_end_the_organisation() {
    let html = Visit::to("/cms/privacy").page().await;
    assert_says(
        &html,
        &[
            "Erase this organisation",
            "Erase Acme for good?",
            "name=\"intent\" value=\"erase_organisation\"",
            "name=\"confirm\"",
            "To confirm, type: Acme",
            "cannot be undone",
            "The next page shows the receipt.",
        ],
    );
    let html = Visit::to("/cms/privacy").by(Role::Admin).page().await;
    assert_silent(&html, &["erase_organisation", "name=\"confirm\""]);
}

#[tokio::test]
async fn a_wrong_name_is_said_in_the_dialog() {
    let outcome = FormOutcome {
        intent: "erase_organisation".into(),
        error: Some(AppError::field("confirm", Code::BadChoice)),
        values: vec![("confirm".into(), "Acme <b>".into())],
        ..FormOutcome::default()
    };
    let html = Visit::to("/cms/privacy").after(outcome.clone()).page().await;
    assert_says(
        &html,
        &[
            "id=\"organisation-erase\" open",
            "value=\"Acme &lt;b&gt;\"",
            "This is not the name. Type it exactly: Acme",
            "id=\"confirm-error\"",
            "aria-invalid=\"true\"",
        ],
    );
    let html = Visit::to("/cms/privacy").after(outcome).in_german().page().await;
    assert_says(&html, &["Das ist nicht der Name. Tippen Sie genau: Acme"]);
}

#[tokio::test]
async fn an_erasure_shows_its_receipt() {
    let address = format!("/cms/privacy/{}", erasure_id(0));
    let html = Visit::to(format!("{address}?done=erased")).page().await;
    assert_says(
        &html,
        &[
            "Erased. Nobody can read it any more.",
            "Erasure: Guest 07070707",
            "<li>1,200 captures",
            "<li>1 guest",
            "1,201",
            "3 March 2026, 17:50 UTC",
            "10 March 2026, 17:50 UTC",
            "readonly",
            "&lt;/textarea&gt;&lt;script&gt;e30.c2ln</textarea>",
            "data-copy=",
            &format!("href=\"{address}/receipt.txt\" download"),
            "href=\"/verify\"",
        ],
    );
    assert_silent(&html, &["Files are still being deleted", "<script>e30"]);
    let german = Visit::to(address).in_german().page().await;
    assert_says(&german, &["Löschung: Gast 07070707", "<li>1.200 Aufnahmen", "Löschbeleg herunterladen"]);
}

#[tokio::test]
async fn an_erasure_under_way_says_what_is_left() {
    let html = Visit::to(format!("/cms/privacy/{}", erasure_id(1))).page().await;
    assert_says(&html, &["Files are still being deleted. Nobody can read them any more", "receipt.txt"]);
    let html = Visit::to(format!("/cms/privacy/{}", erasure_id(2))).page().await;
    assert_says(&html, &["The keys are being destroyed."]);
    assert_silent(&html, &["receipt.txt", "name=\"receipt\""]);
    for path in ["/cms/privacy/nonsense".to_owned(), format!("/cms/privacy/{}", erasure_id(9))] {
        assert_eq!(Visit::to(path).answer().await.0, 404);
    }
}

#[tokio::test]
async fn captures_and_events_can_be_erased_at_once() {
    let capture = format!("/cms/captures/{}", capture_id(0));
    let settings = format!("/cms/events/{}/settings", event_id());
    for (path, dialog) in [(&capture, "capture-erase"), (&settings, "event-erase")] {
        let html = Visit::to(path).by(Role::Admin).page().await;
        assert_says(&html, &["name=\"intent\" value=\"erase\"", &format!("commandfor=\"{dialog}\"")]);
        let html = Visit::to(path).by(Role::Editor).page().await;
        assert_silent(&html, &["value=\"erase\""]);
    }
    let trashed = World { trashed: true, ..World::default() };
    let html = Visit::to(capture.clone()).in_world(trashed).page().await;
    assert_says(&html, &["value=\"restore\"", "value=\"erase\"", "This capture is in the trash."]);
    let html = Visit::to(settings).in_german().page().await;
    assert_says(&html, &["75 Aufnahmen und die Kontaktdaten ihrer Gäste kann niemand je wieder lesen"]);
    let outcome =
        FormOutcome { intent: "erase".into(), error: Some(AppError::new(Code::Busy)), ..FormOutcome::default() };
    let html = Visit::to(capture).after(outcome).page().await;
    assert_says(&html, &["role=\"alert\""]);
}
