//! Setting up connections.

use super::fakes::connection_id;
use super::*;

const LIST: &str = "/cms/sign-in-settings/connections";

fn page(number: u8) -> Visit {
    Visit::to(format!("{LIST}/{}", connection_id(number)))
}

#[tokio::test]
async fn the_list_says_where_each_connection_is() {
    let html = Visit::to(LIST).page().await;
    assert_says(
        &html,
        &["Staff &lt;1&gt;", "Microsoft Entra ID · OpenID Connect", ">On<", "Not tested", "Not set up yet"],
    );
    assert_silent(&html, &["Staff <1>"]);
    let html = Visit::to(LIST).in_world(World { empty: true, ..World::default() }).in_german().page().await;
    assert_says(&html, &["Noch keine Verbindung", "Neue Verbindung"]);
    for path in [LIST.to_owned(), format!("{LIST}/new")] {
        assert_eq!(Visit::to(path).by(Role::Admin).answer().await.0, 403);
    }
    assert_eq!(page(9).answer().await.0, 404);
    assert_eq!(Visit::to(format!("{LIST}/con_x")).answer().await.0, 404);
}

#[tokio::test]
async fn a_connection_shows_what_to_copy_and_never_a_secret() {
    let html = page(1).page().await;
    let copy = format!("data-copy=\"https://photos.example/sso/oidc/{}/callback\"", connection_id(1));
    assert_says(
        &html,
        &[
            &copy,
            "App registrations",
            "value=\"client &lt;1&gt;\"",
            "A secret is stored.",
            "value=\"crew &lt;b&gt;\"",
            "People can sign in by this connection.",
        ],
    );
    assert_silent(&html, &["value=\"owner\"", "name=\"issuer\"", "crew <b>"]);
    let test = format!("action=\"/sso/{}/test\"", connection_id(1));
    assert_says(&html, &[&test]);
    // Nothing to test and nothing to switch on before the provider's side is entered.
    let html = page(3).page().await;
    assert_silent(&html, &["/test\"", ">Switch on<", "value=\"probe\""]);
    assert_says(&html, &["First sign in once as a test.", "name=\"issuer\""]);
}

#[tokio::test]
async fn a_report_names_each_check_and_what_to_do() {
    let html = page(1).page().await;
    assert_says(&html, &["Last test sign-in", "Not reached", "invalid_client", "look whether the secret has ended"]);
    let html = page(1).in_german().page().await;
    assert_says(&html, &["Letzte Anmeldung zur Probe", "Fehlgeschlagen", "ob das Geheimnis abgelaufen ist"]);
}

#[tokio::test]
async fn certificates_show_fingerprint_and_end() {
    let html = page(2).page().await;
    let pairs = ["AB:01"; 16].join(":");
    assert_says(&html, &[&pairs, "Ends within 7 days", "CN=idp &lt;b&gt;", "multipart/form-data", "/acs\""]);
    assert_silent(&html, &["CN=idp <b>"]);
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_but_not_the_secret() {
    let values = [("intent", "oidc"), ("issuer", "http://x"), ("client_id", "mine"), ("secret", "hush-hush")];
    let outcome = FormOutcome {
        intent: "oidc".into(),
        error: Some(AppError::field("issuer", Code::BadUrl)),
        values: values.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        ..FormOutcome::default()
    };
    let html = page(3).after(outcome).page().await;
    assert_says(&html, &["value=\"mine\"", "value=\"http://x\"", "Use an address that begins with https://."]);
    assert_silent(&html, &["hush-hush"]);
}

#[tokio::test]
async fn domains_show_their_proof_and_where_they_lead() {
    let html = Visit::to("/cms/sign-in-settings/domains").page().await;
    assert_says(
        &html,
        &["data-copy=\"_shutterpost.a.example\"", ">Proved<", "Proof is missing", "Not proved", "Staff &lt;1&gt;"],
    );
    let chosen = format!("<option value=\"{}\" selected>", connection_id(1));
    assert_says(&html, &[&chosen]);
    let html = Visit::to("/cms/sign-in-settings/domains").in_german().page().await;
    assert_says(&html, &["Nachweis fehlt", "Name des TXT-Eintrags"]);
}

#[tokio::test]
async fn the_sign_in_offers_the_company_account_by_the_address_alone() {
    let html = Visit::to("/cms/sign-in").page().await;
    assert_says(&html, &["name=\"company\"", "formnovalidate", "Sign in with company account"]);
    let outcome = FormOutcome {
        error: Some(AppError::field("email", Code::NoConnection)),
        values: vec![("email".into(), "anna@acme.example".into())],
        ..FormOutcome::default()
    };
    let html = Visit::to("/cms/sign-in").after(outcome).page().await;
    assert_says(&html, &["value=\"anna@acme.example\"", "Sign in with your password."]);
}
