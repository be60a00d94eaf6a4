//! The page of an event's archives, the way to it, and captures that move.

use super::*;

#[tokio::test]
async fn archives_say_how_far_they_are_and_who_made_them() {
    let path = format!("/cms/events/{}/exports", event_id());
    let html = Visit::to(path.clone()).page().await;
    assert_says(
        &html,
        &[
            "<title>Archives · Summer &lt;party&gt; · Shutterpost</title>",
            "400 of 1,200",
            "by Olga &lt;Owner&gt;",
            "3.5\u{a0}GB",
            "Something in it was deleted or changed since.",
            "with guests and consents",
            "name=\"people\"",
            "name=\"intent\" value=\"create\"",
            "name=\"intent\" value=\"download\"",
            "name=\"key\" value=\"exp_",
            "Look again",
            &format!("href=\"{path}\" aria-current=\"page\""),
        ],
    );
    assert_eq!(body(&html).matches("/archive\"").count(), 1, "one that anybody may, and one that asks first");
    let german = Visit::to(path.clone()).in_german().page().await;
    assert_says(&german, &["Herunterladen", "400 von 1.200", "Mit Gästen und Einwilligungen", "3,5\u{a0}GB"]);
    let editor = Visit::to(path.clone()).by(Role::Editor).page().await;
    assert_says(&editor, &["/archive\"", "For owners"]);
    assert_silent(&editor, &["name=\"people\"", "value=\"download\""]);
    let outcome = FormOutcome {
        intent: "create".into(),
        error: Some(AppError::field("captures", Code::Required)),
        values: vec![("people".into(), "on".into())],
        ..FormOutcome::default()
    };
    let html = Visit::to(path).after(outcome).page().await;
    assert_says(&html, &["role=\"alert\"", "name=\"people\" value=\"on\" checked"]);
}

#[tokio::test]
async fn a_selection_is_downloaded_without_script() {
    let grid = format!("/cms/events/{}", event_id());
    let html = Visit::to(grid.clone()).by(Role::Editor).page().await;
    assert_says(&html, &["name=\"intent\" value=\"export\"", &format!("href=\"{grid}/exports\"")]);
    let trash = Visit::to(format!("{grid}?trash=1")).by(Role::Editor).page().await;
    assert_silent(&trash, &["value=\"export\""]);
    let viewer = Visit::to(grid).by(Role::Viewer).page().await;
    assert_silent(&viewer, &["value=\"export\"", "/exports\""]);
}

#[tokio::test]
async fn what_moves_says_so_and_plays() {
    let moving = World { captures: 3, moving: true, ..World::default() };
    let grid = format!("/cms/events/{}", event_id());
    let html = Visit::to(grid.clone()).in_world(moving.clone()).page().await;
    assert_says(&html, &["captures-moves", "<span>0:12", "17:50 UTC, Video, 0:12, 1 guest", "video/quicktime"]);
    assert_silent(&Visit::to(grid).page().await, &["captures-moves"]);
    let page = format!("/cms/captures/{}", capture_id(0));
    let pending = Visit::to(page.clone()).in_world(moving.clone()).page().await;
    assert_says(&pending, &["still being prepared", "<picture>", "0:12"]);
    let broken = World { film: true, unplayable: true, ..moving.clone() };
    let tiles = Visit::to(format!("/cms/events/{}", event_id())).in_world(broken.clone()).page().await;
    assert_says(&tiles, &["17:50 UTC, Video, 0:12, cannot be shown, 1 guest"]);
    let html = Visit::to(page.clone()).in_world(broken).page().await;
    assert_says(&html, &["This video cannot be shown in a browser", "upload it again", "<picture>"]);
    assert_silent(&html, &["<video", "still being prepared"]);
    let html = Visit::to(page).in_world(World { film: true, ..moving }).page().await;
    let video = html.split("<video ").nth(1).and_then(|rest| rest.split('>').next()).expect("a film");
    let film = format!("src=\"/cms/media/{}/film-1.mp4\"", capture_id(0));
    for attribute in
        ["controls", "playsinline", "preload=\"metadata\"", "web-1.jpg\"", "aria-label=\"Capture of", &film]
    {
        assert!(video.contains(attribute), "{attribute} in {video}");
    }
    assert!(!video.contains("autoplay") && !video.contains("loop"), "{video}");
}
