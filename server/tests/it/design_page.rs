//! The page of a picture design: files that come with the form, drafts that are drawn, and what is wrong with them.

use axum::http::StatusCode;
use shutterpost_model::access::Role;

use crate::support::{Answer, App, As, Tenant, apps, multipart, tenant};

const SIGN: &str =
    r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><path fill="#c33" d="M0 0h40v20H0z"/></svg>"##;

/// The fields of a logo in the upper left of every picture.
const LOGO: [(&str, &str); 4] = [
    ("same_for_all", "on"),
    ("landscape.logo.place", "top_left"),
    ("landscape.logo.size", "30"),
    ("landscape.logo.margin", "2.5"),
];

fn page(home: &Tenant) -> String {
    format!("/cms/events/{}/design", home.event)
}

async fn post(app: &App, who: &As, path: &str, fields: &[(&str, &str)]) -> Answer {
    let parts: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, name.ends_with(".upload").then_some("image/svg+xml"), value.as_bytes().to_vec()))
        .collect();
    app.post(path, who, "multipart/form-data; boundary=line", multipart(&parts)).await
}

/// The value of the option that is chosen in the select with this name.
fn chosen(html: &str, name: &str) -> String {
    let select = html.split("<select").find(|part| part.contains(&format!("name=\"{name}\""))).expect("a select");
    let option =
        select.split("<option").find(|option| option.split('>').next().is_some_and(|tag| tag.contains(" selected")));
    let value = option.and_then(|option| option.split("value=\"").nth(1)).expect("a chosen option");
    value.split('"').next().expect("a value").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_with_the_form_and_is_chosen_for_its_part() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let editor = app.sign_in(&home.email(Role::Editor)).await;
        let fields = [&LOGO[..], &[("intent", "preview"), ("version", "0"), ("landscape.logo.upload", SIGN)]].concat();
        let answer = post(&app, &editor, &page(&home), &fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let html = answer.text();
        let file = chosen(&html, "landscape.logo.file");
        assert!(file.starts_with("dsf_") && file != home.design_file, "{file}");
        assert!(html.contains("src=\"data:image/jpeg;base64,"), "the picture is on the page: {html}");
        assert!(html.contains("value=\"2.5\""), "what was typed is there: {html}");
        // Nothing is saved by a preview but the file; by saving, everything is.
        let actor = app.actor(&editor).await;
        let event = home.event.parse().expect("an id");
        let designs = &app.http.services().designs;
        let found = designs.find(&actor, &event).await.expect("a design");
        assert!(found.version == 0 && found.design.is_plain() && found.files.len() == 2, "{found:?}");
        let fields = [&LOGO[..], &[("intent", "save"), ("version", "0"), ("landscape.logo.file", &file)]].concat();
        let answer = post(&app, &editor, &page(&home), &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let found = designs.find(&actor, &event).await.expect("a design");
        let logo = found.design.landscape.logo.expect("a logo");
        assert_eq!((logo.file.as_str(), logo.size, logo.margin), (&*file, 300, 25));
        // A second one who had the page open learns it, and overwrites nothing.
        let answer = post(&app, &editor, &page(&home), &[("intent", "save"), ("version", "0")]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text());
        assert_eq!(designs.find(&actor, &event).await.expect("a design").version, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_is_told_under_its_field() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let editor = app.sign_in(&home.email(Role::Editor)).await;
        let script = r#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
        let fields = [("intent", "preview"), ("format", "square"), ("square.overlay.upload", script)];
        let answer = post(&app, &editor, &page(&home), &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        let html = answer.text();
        assert!(html.contains("id=\"square.overlay.upload-error\""), "{html}");
        assert!(!html.contains("data:image/jpeg"), "{html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logo_of_the_event_can_be_taken() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let editor = app.sign_in(&home.email(Role::Editor)).await;
        let fields = [&LOGO[..], &[("intent", "event_logo"), ("format", "square")]].concat();
        let answer = post(&app, &editor, &page(&home), &fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        // One design for all, so it is not the open format's.
        assert!(chosen(&answer.text(), "landscape.logo.file").starts_with("dsf_"));
        assert_eq!(chosen(&answer.text(), "square.logo.file"), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_drawn_and_changes_nothing() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let editor = app.sign_in(&home.email(Role::Editor)).await;
        let path = format!("{}/preview", page(&home));
        let before = app.database.dump().await;
        let mut pictures = Vec::new();
        for (on, filter) in [("sample", "none"), ("sample", "black_and_white"), ("newest", "none")] {
            let fields = [("on", on), ("same_for_all", "on"), ("format", "portrait"), ("landscape.filter", filter)];
            let answer = post(&app, &editor, &path, &fields).await;
            assert_eq!(answer.status, StatusCode::OK, "{on} {filter}: {}", answer.text());
            assert_eq!(answer.header("content-type"), "image/jpeg");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(answer.body.starts_with(&[0xFF, 0xD8]), "a JPEG");
            pictures.push(answer.body);
        }
        assert!(pictures[0] != pictures[1] && pictures[0] != pictures[2]);
        for (fields, words) in [
            ([("landscape.background", "on"), ("landscape.background.colour", "red")], "Use a colour such as #2f5bd7."),
            ([("same_for_all", "on"), ("on", "elsewhere")], "Please choose one of the offered values."),
        ] {
            let answer = post(&app, &editor, &path, &fields).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            assert_eq!(answer.text(), words);
            assert!(answer.header("content-type").starts_with("text/plain"));
        }
        assert!(app.database.dump().await == before, "a draft changed the database");
    }
}
