//! The page of the trash, and the ways that lead into it.

use super::*;

#[tokio::test]
async fn the_trash_says_what_was_deleted_by_whom_and_how_long_it_stays() {
    let html = Visit::to("/cms/trash").page().await;
    assert_says(
        &html,
        &[
            "<title>Trash · Shutterpost</title>",
            "can be restored for 30 days",
            "Capture of 3 March 2026, 17:50 UTC",
            &format!("src=\"/cms/media/{}/thumb-1.webp\"", capture_id(3)),
            "by Anna &lt;Muster&gt;",
            "by somebody who left",
            "A… · a…@e….com",
            "Guest · Summer &lt;party&gt; · 1,200 captures",
            "Event · 1–2 June 2026 · 1 capture",
            "Otto Owner",
            "30 days",
            "28 days",
            "Last day",
            &format!("name=\"item\" value=\"{}\" form=\"trash-selected\"", capture_id(3)),
            "aria-label=\"Restore: Gala\"",
            "href=\"/cms/trash?kind=guest\"",
            "href=\"/cms/trash?cursor=older%2B1\"",
            "href=\"/cms/trash\" aria-current=\"page\"",
        ],
    );
    assert_eq!(body(&html).matches("value=\"erase\"").count(), 4);
    let german = Visit::to("/cms/trash?kind=event").in_german().page().await;
    assert_says(&german, &["Papierkorb", "3 Tage", "1.–2. Juni 2026", "Wiederherstellen", "?kind=event&amp;cursor"]);
    assert_silent(&german, &["Otto Owner", "Zurück zu den neuesten"]);
    let later = Visit::to("/cms/trash?cursor=older%2B1").page().await;
    assert_says(&later, &["Back to the newest"]);
}

#[tokio::test]
async fn an_empty_trash_says_what_it_is_for() {
    let empty = World { empty: true, ..World::default() };
    let html = Visit::to("/cms/trash").in_world(empty.clone()).page().await;
    assert_says(&html, &["The trash is empty", "in case somebody was too quick"]);
    assert_silent(&html, &["<table", "Restore selected"]);
    let html = Visit::to("/cms/trash?kind=member").in_world(empty).page().await;
    assert_says(&html, &["None of this kind", "Show everything"]);
}

#[tokio::test]
async fn the_trash_is_for_admins_and_above_who_leave_owners_alone() {
    for role in [Role::Editor, Role::Viewer] {
        let (status, html) = Visit::to("/cms/trash").by(role).answer().await;
        assert_eq!(status, 403);
        assert_silent(&html, &["href=\"/cms/trash\""]);
    }
    let html = Visit::to("/cms/trash").by(Role::Admin).page().await;
    assert_says(&html, &["Otto Owner"]);
    assert_silent(&html, &["Restore: Otto Owner", "Select: Otto Owner"]);
    assert_eq!(body(&html).matches("value=\"erase\"").count(), 3);
}

#[tokio::test]
async fn what_was_just_deleted_can_be_taken_back() {
    let guest = fakes::guest().id;
    let path = format!("/cms/events/{}?done=guest_deleted&undo={guest}", event_id());
    let html = Visit::to(path.clone()).by(Role::Admin).page().await;
    assert_says(
        &html,
        &[
            "Guest moved to the trash",
            "action=\"/cms/trash\"",
            &format!("name=\"item\" value=\"{guest}\""),
            &format!("name=\"next\" value=\"/cms/events/{}\"", event_id()),
            ">Undo<",
        ],
    );
    let html = Visit::to(path).by(Role::Editor).page().await;
    assert_says(&html, &["Guest moved to the trash"]);
    assert_silent(&html, &[">Undo<"]);
    let html = Visit::to("/cms/events?done=event_deleted&undo=%3Cscript%3E").page().await;
    assert_silent(&html, &[">Undo<", "<script>\""]);
}

#[tokio::test]
async fn a_guest_can_be_deleted_or_erased() {
    let capture = format!("/cms/captures/{}", capture_id(0));
    let html = Visit::to(&capture).by(Role::Editor).page().await;
    assert_says(
        &html,
        &["value=\"trash_guest\"", "value=\"delete_guest\"", "An admin can restore all of it for 30 days."],
    );
    let html = Visit::to(capture).by(Role::Viewer).page().await;
    assert_silent(&html, &["trash_guest"]);
}

#[tokio::test]
async fn a_refused_restoration_is_said_on_the_page() {
    let outcome = FormOutcome {
        intent: "restore".into(),
        error: Some(AppError::new(Code::RoleTooHigh)),
        ..FormOutcome::default()
    };
    let html = Visit::to("/cms/trash").after(outcome).page().await;
    assert_says(&html, &["role=\"alert\""]);
}
