//! The pages before sign-in, and those of people, tokens, account and the audit trail.

use shutterpost_model::id::TokenId;

use super::*;

fn refused(intent: &str, error: AppError, values: &[(&str, &str)]) -> FormOutcome {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    FormOutcome { intent: intent.into(), error: Some(error), values, ..FormOutcome::default() }
}

#[tokio::test]
async fn sign_in_keeps_the_address_and_never_the_password() {
    let outcome = refused("", AppError::new(Code::SignInFailed), &[("email", "anna@acme.example"), ("remember", "on")]);
    let html = Visit::to("/cms/sign-in?next=/cms/people").after(outcome).page().await;
    assert_says(
        &html,
        &[
            "<title>Sign in · Shutterpost</title>",
            "E-mail address or password is wrong.",
            "value=\"anna@acme.example\"",
            "autocomplete=\"current-password\"",
            "checked",
            "?lang=de",
        ],
    );
    assert_silent(&html, &["class=\"rail\"", "action="]);
}

#[tokio::test]
async fn a_page_says_what_was_done_before() {
    let html = Visit::to("/cms/sign-in?done=signed_out").page().await;
    assert_says(&html, &["You are signed out"]);
    let html = Visit::to("/cms/sign-in?done=signed_out").in_german().page().await;
    assert_says(&html, &["Sie sind abgemeldet", "<html lang=\"de\">"]);
    let html = Visit::to("/cms/sign-in?done=%3Cscript%3E").page().await;
    assert_silent(&html, &["class=\"toast\""]);
    // The address of a refused form still holds what was done before it.
    let outcome = refused("", AppError::new(Code::SignInFailed), &[]);
    let html = Visit::to("/cms/sign-in?done=signed_out").after(outcome).page().await;
    assert_silent(&html, &["You are signed out"]);
}

#[tokio::test]
async fn an_asked_for_reset_says_the_same_to_everybody() {
    assert_says(&Visit::to("/cms/forgot").page().await, &["Send link"]);
    let html = Visit::to("/cms/forgot?done=reset_requested").page().await;
    assert_says(&html, &["If the address has an account"]);
    assert_silent(&html, &["<form"]);
}

#[tokio::test]
async fn dead_links_say_what_to_do() {
    let (status, html) = Visit::to("/cms/reset/used").answer().await;
    assert_eq!(status, 410);
    assert_says(&html, &["This link no longer works", "href=\"/cms/forgot\""]);
    let (status, html) = Visit::to("/cms/invitation/used").answer().await;
    assert_eq!(status, 410);
    assert_says(&html, &["Ask for a new invitation."]);
    assert_says(&Visit::to("/cms/reset/good").page().await, &["autocomplete=\"new-password\""]);
}

#[tokio::test]
async fn an_invitation_asks_newcomers_for_a_name_and_others_for_their_password() {
    let html = Visit::to("/cms/invitation/new").page().await;
    assert_says(&html, &["Join Acme &lt;b&gt;", "as Editor", "name=\"name\"", "new-password"]);
    let html = Visit::to("/cms/invitation/known").page().await;
    assert_says(&html, &["You have an account", "current-password"]);
    assert_silent(&html, &["name=\"name\""]);
}

#[tokio::test]
async fn titles_are_escaped() {
    let html = Visit::to("/cms/invitation/new").page().await;
    assert!(html.contains("<title>Join Acme &lt;b&gt; · Shutterpost</title>"), "{html}");
}

#[tokio::test]
async fn people_offer_what_the_role_allows() {
    let html = Visit::to("/cms/people").page().await;
    assert_says(
        &html,
        &["Ben &lt;/title&gt;&lt;b&gt;", "Remove Ben", "carla@acme.example", "Expired", "value=\"owner\"", ">you<"],
    );
    let html = Visit::to("/cms/people").by(Role::Admin).page().await;
    assert_silent(&html, &["value=\"owner\"", "Remove Anna Muster?"]);
    let (status, html) = Visit::to("/cms/people").by(Role::Viewer).answer().await;
    assert_eq!(status, 403);
    assert_says(&html, &["Your role does not include this", "req_test", "href=\"/cms/overview\""]);
}

#[tokio::test]
async fn a_refused_invitation_stands_open_with_what_was_typed() {
    let error = AppError::field("email", Code::BadEmail);
    let outcome = refused("invite", error, &[("intent", "invite"), ("email", "ben@"), ("role", "viewer")]);
    let html = Visit::to("/cms/people").after(outcome).page().await;
    assert_says(&html, &["<dialog id=\"invite\" open", "value=\"ben@\"", "This is not an e-mail address."]);
    assert!(html.contains("<option value=\"viewer\" selected>"), "{html}");
}

#[tokio::test]
async fn a_new_secret_is_shown_once() {
    let outcome = FormOutcome { intent: "create".into(), issued: Some("spt_secret".into()), ..FormOutcome::default() };
    let html = Visit::to("/cms/tokens").after(outcome).page().await;
    assert_says(&html, &["spt_secret", "Copy it now", "CRM &lt;export&gt;"]);
    let html = Visit::to("/cms/tokens").in_world(World { empty: true, ..World::default() }).page().await;
    assert_says(&html, &["No API tokens"]);
    assert_silent(&html, &["spt_secret"]);
}

#[tokio::test]
async fn tokens_say_what_they_may_and_for_how_long() {
    let html = Visit::to("/cms/tokens").page().await;
    assert_says(
        &html,
        &[
            "guests:read",
            "Made by Ben &lt;b&gt; on 3 March 2026",
            "in 30 days",
            "in 3 days",
            ">Expired<",
            "Old secret",
            "spt_…OlDs",
            "End old secret now",
            "no longer a member",
            "has a lesser role now",
            "Everything a role may: Editor",
            "before tokens had scopes",
        ],
    );
    // All three of the stopped one, four of the narrowed one; on phones they stand in another place once more.
    assert_eq!(body(&html).matches("token-scope-off").count(), 2 * (3 + 4));
    // Of a token without scopes nobody chose what it may do: it is replaced, not renewed.
    assert_eq!(body(&html).matches("value=\"renew\"").count(), 5);
    let html = Visit::to("/cms/tokens").in_german().page().await;
    assert_says(&html, &["in 30 Tagen", "Altes Geheimnis", "Alles, was eine Rolle darf: Bearbeiter"]);
}

#[tokio::test]
async fn a_refused_token_stands_open_with_what_was_chosen() {
    let values = [
        ("intent", "create"),
        ("name", "CRM"),
        ("preset", "choose"),
        ("scope", "guests:read"),
        ("expires", "date"),
        ("until", "2020-01-01"),
    ];
    let outcome = refused("create", AppError::field("until", Code::OutOfRange), &values);
    let html = Visit::to("/cms/tokens").after(outcome).page().await;
    assert_says(&html, &["<dialog id=\"create\" open", "value=\"CRM\"", "value=\"2020-01-01\""]);
    assert!(html.contains("<option value=\"date\" selected>"), "{html}");
    for (id, checked) in [("preset-choose", true), ("preset-all", false), ("scope-guests-read", true)] {
        let start = html.find(&format!("id=\"{id}\"")).expect(id);
        let tag: String = html[start..].chars().take_while(|c| *c != '>').collect();
        assert_eq!(tag.contains(" checked"), checked, "{tag}");
    }
    assert_eq!(html.matches("<dialog").count(), html.matches("<dialog id=").count());

    let token = TokenId::new(1, [9; 10]).to_string();
    let values = [("intent", "renew"), ("token", token.as_str()), ("expires", "8"), ("replaced", "ends")];
    let outcome = refused("renew", AppError::field("expires", Code::BadChoice), &values);
    let html = Visit::to("/cms/tokens").after(outcome).page().await;
    assert_says(&html, &[&format!("<dialog id=\"renew-{token}\" open")]);
    assert_eq!(html.matches(" open").count(), 1, "the dialogs of other tokens are closed");
}

#[tokio::test]
async fn the_account_shows_ones_own_data() {
    let html = Visit::to("/cms/account").page().await;
    assert_says(
        &html,
        &["value=\"Anna Muster\"", "value=\"anna@acme.example\"", "name=\"current\"", "action=\"/cms/sign-out\""],
    );
    let error = AppError::field("current", Code::WrongPassword);
    let html = Visit::to("/cms/account").after(refused("password", error, &[])).page().await;
    assert_says(&html, &["This is not your current password.", "current-error"]);
}

#[tokio::test]
async fn the_trail_speaks_plainly_and_goes_on() {
    let html = Visit::to("/cms/audit?feature=captures").page().await;
    assert_says(
        &html,
        &[
            "moved captures to the trash",
            "3 objects",
            "Former member",
            "retention",
            "leads.create",
            "href=\"/cms/audit?feature=captures&amp;cursor=older\"",
            "aria-current=\"page\"",
        ],
    );
    let html = Visit::to("/cms/audit").in_world(World { empty: true, ..World::default() }).page().await;
    assert_says(&html, &["Nothing here yet"]);
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let (status, html) = Visit::to("/cms/nowhere").answer().await;
    assert_eq!(status, 404);
    assert_says(&html, &["There is nothing here", "href=\"/cms/overview\""]);
    // A refusal in front of a page is shown at an address of none.
    let outcome = refused("", AppError::new(Code::CrossSite), &[]);
    let (status, html) = Visit::to("/cms/error").after(outcome).answer().await;
    assert_eq!(status, 403);
    assert_says(&html, &["The request came from another site"]);
}

#[tokio::test]
async fn every_page_has_its_route() {
    for path in crate::cms::page_paths() {
        let path = path
            .replace("{token}", "new")
            .replace("{event}", event_id().as_str())
            .replace("{capture}", capture_id(0).as_str())
            .replace("{erasure}", erasure_id(0).as_str())
            .replace("{connection}", fakes::connection_id(1).as_str());
        let (status, html) = Visit::to(path.clone()).answer().await;
        assert!(status == 200 || (status == 410 && path.contains("reset")), "{path}: {status} {html}");
    }
}

#[tokio::test]
async fn security_shows_what_protects_and_where_it_is_signed_in() {
    let html = Visit::to("/cms/account/security").page().await;
    assert_says(
        &html,
        &[
            "Off",
            "Set up",
            "Firefox · Windows",
            "Unknown device",
            "This device",
            "Sign out everywhere else",
            "Wrong code",
        ],
    );
    // This device is not offered to be signed out: that is what the menu is for.
    assert_eq!(body(&html).matches("name=\"session\"").count(), 1);
    let world = World { two_factor: true, ..World::default() };
    let html = Visit::to("/cms/account/security").in_world(world).in_german().page().await;
    assert_says(&html, &["Verwalten", "Überall sonst abmelden"]);
}

#[tokio::test]
async fn an_app_is_set_up_by_picture_or_by_hand() {
    assert_says(&Visit::to("/cms/account/two-factor").page().await, &["Set up now"]);
    let setting_up = || World { setting_up: true, ..World::default() };
    let html = Visit::to("/cms/account/two-factor").in_world(setting_up()).page().await;
    assert_says(&html, &["/cms/account/two-factor/qr.svg", "GEZD GNBV GY3T QOJQ", "autocomplete=\"one-time-code\""]);
    let outcome = refused("confirm", AppError::field("code", Code::WrongCode), &[]);
    let html = Visit::to("/cms/account/two-factor").in_world(setting_up()).after(outcome).page().await;
    assert_says(&html, &["This code is wrong", "id=\"code-error\""]);
}

#[tokio::test]
async fn recovery_codes_are_shown_once_and_said_to_run_out() {
    let in_use = || World { two_factor: true, ..World::default() };
    let outcome =
        FormOutcome { intent: "confirm".into(), issued: Some("aaaa-1\nbbbb-2".into()), ..FormOutcome::default() };
    let html = Visit::to("/cms/account/two-factor").in_world(in_use()).after(outcome).page().await;
    assert_says(&html, &["<code>aaaa-1", "<code>bbbb-2", "They are shown this once"]);
    let html = Visit::to("/cms/account/two-factor").in_world(in_use()).page().await;
    assert_says(&html, &["Left: 2", "Only few recovery codes are left", "Turn off"]);
    assert_silent(&html, &["aaaa-1"]);
}

#[tokio::test]
async fn whoever_is_asked_once_more_loses_nothing_of_the_form() {
    let outcome = FormOutcome {
        action: "/cms/people".into(),
        ..refused("invite", AppError::new(Code::ConfirmNeeded), &[("intent", "invite"), ("email", "\"><b>@x.example")])
    };
    let html = Visit::to("/cms/confirm").after(outcome).page().await;
    assert_says(
        &html,
        &[
            "Confirm it is you",
            "action=\"/cms/people\"",
            "name=\"intent\" value=\"invite\"",
            "autocomplete=\"current-password\"",
        ],
    );
    assert_silent(&html, &["<b>@x", "class=\"rail\"", "class=\"banner"]);
    let outcome = FormOutcome {
        action: "/cms/people".into(),
        ..refused("invite", AppError::field("proof", Code::WrongCode), &[("intent", "invite")])
    };
    let world = World { two_factor: true, ..World::default() };
    let html = Visit::to("/cms/confirm").in_world(world).after(outcome).page().await;
    assert_says(&html, &["autocomplete=\"one-time-code\"", "This code is wrong"]);
}

#[tokio::test]
async fn passkeys_are_explained_listed_and_hidden_until_the_browser_knows_them() {
    let html = Visit::to("/cms/sign-in").page().await;
    assert_says(&html, &["Sign in with a passkey", "data-passkey-autofill", "autocomplete=\"username webauthn\""]);
    let form = html.split("<form").find(|form| form.contains("data-passkey=")).expect("a form");
    assert!(form.split('>').next().is_some_and(|tag| tag.contains("hidden")), "{form}");
    let html = Visit::to("/cms/account/two-factor").page().await;
    assert_says(&html, &["A passkey is a key that your phone", "Add a passkey", "Set up now"]);
    assert_silent(&html, &["Recovery codes"]);
    let world = || World { passkeys: true, ..World::default() };
    let html = Visit::to("/cms/account/two-factor").in_world(world()).page().await;
    assert_says(
        &html,
        &["My &lt;phone&gt;", "Works without password", "not used yet", "Blocked", "Somebody may have a copy"],
    );
    assert_silent(&html, &["<phone>"]);
    let html = Visit::to("/cms/account/security").in_world(world()).page().await;
    assert_says(&html, &["Manage"]);
    let html = Visit::to("/cms/sign-in/code").in_world(world()).in_german().page().await;
    assert_says(&html, &["autocomplete=\"one-time-code\""]);
    let outcome = FormOutcome {
        action: "/cms/people".into(),
        ..refused("invite", AppError::new(Code::ConfirmNeeded), &[("intent", "invite"), ("email", "new@x.example")])
    };
    let html = Visit::to("/cms/confirm").in_world(world()).after(outcome).page().await;
    assert_says(&html, &["data-passkey=\"/cms/passkeys/confirm\"", "name=\"passkey_proof\"", "Use a passkey"]);
    assert_eq!(html.matches("value=\"new@x.example\"").count(), 2, "both forms send it along");
}
