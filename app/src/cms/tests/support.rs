//! Support access as owners and the staff see it, and the banner while it lasts.

use shutterpost_model::pii::{Pii, Purpose};
use shutterpost_model::support::SupportAccess;

use super::fakes::{approval_id, grant_id};
use super::*;

fn notice(own: bool) -> SupportNotice {
    let disclosed = |text: &str| Pii::new(text.to_owned()).disclose(Purpose::Directory);
    SupportNotice {
        organisation_name: "Acme".into(),
        staff_name: disclosed("Sam <Support>"),
        reason: disclosed("The gallery of yesterday is empty"),
        access: SupportAccess::Read,
        ends_at: NOW.plus(30 * 60_000),
        own,
    }
}

#[tokio::test]
async fn owners_allow_refuse_and_end() {
    let html = Visit::to("/cms/support-access").page().await;
    assert_says(
        &html,
        &[
            "<title>Support access · Shutterpost</title>",
            "Waiting for your answer",
            "Sam &lt;Support&gt;",
            "The gallery of yesterday is empty",
            "name=\"minutes\"",
            "max=\"60\"",
            "value=\"allow\"",
            "value=\"refuse\"",
            "value=\"end\"",
            "looking and changing",
            // A minute and a half is left.
            "2 min left",
            "Waiting for a second person",
            "Move a capture to the trash",
            &format!("name=\"grant\" value=\"{}\"", grant_id(1)),
            &format!("name=\"approval\" value=\"{}\"", approval_id(2)),
            "not used",
        ],
    );
    let german = Visit::to("/cms/support-access").in_german().page().await;
    assert_says(&german, &["Wartet auf Ihre Antwort", "noch 2 Min.", "Jetzt beenden", "ansehen und ändern"]);
}

#[tokio::test]
async fn admins_see_it_and_decide_nothing() {
    let html = Visit::to("/cms/support-access").by(Role::Admin).page().await;
    assert_says(&html, &["Waiting for your answer", "Sam &lt;Support&gt;"]);
    assert_silent(&html, &["value=\"allow\"", "value=\"refuse\"", "value=\"end\"", "value=\"approve\""]);
    let html = Visit::to("/cms/overview").by(Role::Editor).page().await;
    assert_silent(&html, &["/cms/support-access"]);
}

#[tokio::test]
async fn without_support_the_page_says_how_it_works() {
    let html = Visit::to("/cms/support-access").in_world(World { empty: true, ..World::default() }).page().await;
    assert_says(&html, &["Support has not asked for access and has none.", "an hour at most", "org_"]);
    assert_silent(&html, &["<table", "value=\"allow\""]);
}

#[tokio::test]
async fn wrong_minutes_are_said_at_their_own_request() {
    let values = vec![("grant".to_owned(), grant_id(1).into_string()), ("minutes".to_owned(), "61".to_owned())];
    let error = AppError::field("minutes", Code::OutOfRange);
    let outcome = FormOutcome { intent: "allow".into(), error: Some(error), values, ..FormOutcome::default() };
    let html = Visit::to("/cms/support-access").after(outcome).page().await;
    assert_says(&html, &["aria-invalid=\"true\""]);
}

#[tokio::test]
async fn everybody_sees_while_support_is_let_in() {
    for role in [Role::Owner, Role::Viewer] {
        let html = Visit::to("/cms/events").by(role).while_support(vec![notice(false)]).page().await;
        assert_says(
            &html,
            &[
                "Sam &lt;Support&gt; of Shutterpost’s support may look into Acme until 3 March 2026, 18:20",
                "Reason: The gallery of yesterday is empty",
            ],
        );
        assert_eq!(body(&html).contains("See or end it"), role == Role::Owner, "{role:?}");
    }
    let html = Visit::to("/cms/events").in_german().while_support(vec![notice(false)]).page().await;
    assert_says(&html, &["vom Support von Shutterpost darf bis", "nur ansehen"]);
    assert_silent(&Visit::to("/cms/events").page().await, &["Shutterpost’s support"]);
}

#[tokio::test]
async fn support_sees_where_it_is_and_until_when() {
    let html = Visit::to("/cms/events").while_support(vec![notice(true)]).page().await;
    assert_says(&html, &["You are in Acme as support until 3 March 2026, 18:20", "looking only", "href=\"/support\""]);
    let html = Visit::to("/cms/events").in_german().while_support(vec![notice(true)]).page().await;
    assert_says(&html, &["Sie sind als Support in Acme", "Grund: The gallery"]);
}

#[tokio::test]
async fn the_desk_asks_for_access_and_lists_no_organisations() {
    let html = Visit::to("/support").page().await;
    assert_says(
        &html,
        &[
            "<title>Support desk · Shutterpost</title>",
            "Signed in as Sam &lt;Support&gt;",
            "value=\"ask\"",
            "name=\"organisation\"",
            "name=\"reason\"",
            "value=\"open\"",
            "value=\"finish\"",
            "action=\"/support/sign-out\"",
            "You asked for this yourself.",
            &format!("name=\"approval\" value=\"{}\"", approval_id(2)),
        ],
    );
    let own = format!("name=\"approval\" value=\"{}\"", approval_id(1));
    assert_silent(&html, &["class=\"rail\"", "value=\"leave\"", &own]);
    // One that is over and still open can be left.
    let html = Visit::to("/support").in_world(World { trashed: true, ..World::default() }).page().await;
    assert_says(&html, &["value=\"leave\""]);
    let html = Visit::to("/support").in_world(World { empty: true, ..World::default() }).in_german().page().await;
    assert_says(&html, &["Sie haben noch nicht um Zugang gebeten.", "Um Zugang bitten"]);
}

#[tokio::test]
async fn joining_takes_password_and_app_in_one_step() {
    let html = Visit::to("/support/invitation/good").page().await;
    assert_says(
        &html,
        &[
            "Sam &lt;Support&gt;",
            "sam@shutterpost.example",
            "autocomplete=\"new-password\"",
            "autocomplete=\"one-time-code\"",
            "src=\"/support/invitation/good/qr.svg\"",
            "GEZDGNBVGY3TQOJQ",
        ],
    );
    let (status, html) = Visit::to("/support/invitation/used").answer().await;
    assert_eq!(status, 410);
    assert_says(&html, &["Ask whoever runs this installation for a new link."]);
    let outcome = FormOutcome { issued: Some("aaaa-bbbb\ncccc-dddd".into()), ..FormOutcome::default() };
    let html = Visit::to("/support/invitation/used").after(outcome).page().await;
    assert_says(&html, &["aaaa-bbbb", "cccc-dddd", "href=\"/support/sign-in\""]);
}

#[tokio::test]
async fn staff_sign_in_in_two_steps_and_are_never_remembered() {
    let html = Visit::to("/support/sign-in").page().await;
    assert_says(&html, &["Sign in as support staff", "autocomplete=\"current-password\""]);
    assert_silent(&html, &["name=\"remember\"", "/cms/forgot"]);
    let html = Visit::to("/support/sign-in/code").page().await;
    assert_says(&html, &["autocomplete=\"one-time-code\"", "href=\"/support/sign-in\""]);
}
