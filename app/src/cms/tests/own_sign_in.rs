//! What owners see of sign-in by their own provider, and who came otherwise.

use super::*;

#[tokio::test]
async fn whoever_came_otherwise_is_told_by_which_connection_to_come() {
    let barred = || World { own_sign_in: true, ..World::default() };
    let html = Visit::to("/cms/own-sign-in").in_world(barred()).page().await;
    assert_says(&html, &["Acme asks everybody", "/start\"", "People &lt;of&gt; Acme", "href=\"/cms/account\""]);
    assert_silent(&html, &["href=\"/cms/events\"", "href=\"/cms/people\""]);
    let html = Visit::to("/cms/own-sign-in").in_world(barred()).in_german().page().await;
    assert_says(&html, &["Über Ihre Organisation anmelden"]);
    // Whom it is open to is not sent away.
    let html = Visit::to("/cms/own-sign-in").page().await;
    assert_says(&html, &["There is nothing to do here.", "href=\"/cms/overview\""]);
    assert_silent(&html, &["/start\""]);
}

#[tokio::test]
async fn owners_see_what_is_asked_for_and_who_is_armed() {
    let html = Visit::to("/cms/sign-in-settings").page().await;
    assert_says(&html, &["Not required", "sign in by one of your connections yourself first", "Nobody is armed."]);
    assert_silent(&html, &["value=\"own_require\"", "value=\"own_relax\"", "value=\"disarm\""]);
    let required = World { own_sign_in: true, ..World::default() };
    let html = Visit::to("/cms/sign-in-settings").in_world(required).page().await;
    assert_says(
        &html,
        &[
            "Required since 3 March 2026.",
            "value=\"own_relax\"",
            "Disarm Anna &lt;b&gt;",
            "Opens nothing",
            "Not used",
            "value=\"30\"",
            "value=\"arm\"",
        ],
    );
}
