//! Pages of signing in by an organisation's own provider.

use shutterpost_model::error::{AppError, Code};

use super::fakes::World;
use super::{FormOutcome, Visit};
use crate::cms::sso::CHECKS;

fn refused(check: &str) -> FormOutcome {
    let mut error = AppError::new(Code::BadRequest);
    error.request_id = Some("req_1".into());
    FormOutcome { intent: check.into(), error: Some(error), ..FormOutcome::default() }
}

#[tokio::test]
async fn every_refusal_says_what_to_do_and_names_the_request() {
    for check in CHECKS {
        let html = Visit::to("/cms/sso/refused").after(refused(check)).page().await;
        assert!(html.contains("Signing in did not work") && html.contains("req_1") && html.contains(check), "{check}");
        assert!(!html.contains("not set up right"), "{check}");
    }
    let html = Visit::to("/cms/sso/refused").in_german().after(refused("<script>")).page().await;
    assert!(html.contains("nicht richtig eingerichtet") && !html.contains("<script>,"), "escaped");
}

#[tokio::test]
async fn the_way_to_the_provider_works_without_script_and_is_escaped() {
    let url = "https://op.example/a?x=1&y=\"><b>";
    let outcome = FormOutcome { intent: "to".into(), action: url.into(), ..FormOutcome::default() };
    let html = Visit::to("/cms/sso/leaving").after(outcome).page().await;
    assert!(html.contains("http-equiv=\"refresh\"") && html.contains("0;url=https://op.example/a?x=1&amp;y=&quot;"));
    assert!(!html.contains("y=\"><b>"));
    let values = vec![("SAMLRequest".to_owned(), "\"><i>".to_owned())];
    let outcome = FormOutcome {
        intent: "form".into(),
        action: "https://idp.example/in".into(),
        values,
        ..FormOutcome::default()
    };
    let html = Visit::to("/cms/sso/leaving").after(outcome).page().await;
    assert!(html.contains("action=\"https://idp.example/in\"") && html.contains("name=\"SAMLRequest\""));
    assert!(!html.contains("\"><i>"));
}

#[tokio::test]
async fn who_has_nothing_else_to_show_is_sent_to_the_provider_once_more() {
    let outcome = FormOutcome {
        action: "/cms/people?x=1".into(),
        error: Some(AppError::new(Code::ConfirmNeeded)),
        ..FormOutcome::default()
    };
    let world = World { by_provider: true, ..World::default() };
    let html = Visit::to("/cms/confirm").in_world(world).after(outcome).page().await;
    assert!(html.contains("action=\"/sso/confirm\"") && html.contains("name=\"next\" value=\"/cms/people\""));
    assert!(html.contains("Sign in &lt;here&gt;") && !html.contains("name=\"proof\""));
}
