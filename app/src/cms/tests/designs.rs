//! The page of an event's picture design.

use shutterpost_model::designs::{ApplyState, Progress};

use super::fakes::{design_file_id, progress};
use super::*;

fn page() -> String {
    format!("/cms/events/{}/design", event_id())
}

fn designed() -> World {
    World { captures: 75, design: true, ..World::default() }
}

/// The tag of the input with this name and value.
fn input<'a>(html: &'a str, name: &str, value: &str) -> &'a str {
    let (name, value) = (format!("name=\"{name}\""), format!("value=\"{value}\""));
    html.split('<')
        .find(|tag| tag.contains(&name) && tag.contains(&value))
        .unwrap_or_else(|| panic!("no {name} {value} in {html}"))
}

fn posted(intent: &str, values: &[(&str, &str)]) -> FormOutcome {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    FormOutcome { intent: intent.into(), values, ..FormOutcome::default() }
}

#[tokio::test]
async fn a_design_stands_in_its_form() {
    let html = Visit::to(format!("{}?format=portrait", page())).in_world(designed()).page().await;
    assert_says(
        &html,
        &[
            "<title>Picture design · Summer &lt;party&gt; · Shutterpost</title>",
            "name=\"version\" value=\"7\"",
            &format!("data-draws=\"{}/preview\"", page()),
            "value=\"Summer &lt;party&gt;\"",
            "Rim &lt;1&gt;.png",
            "48\u{a0}kB",
            "In use",
        ],
    );
    assert_silent(&html, &["Summer <party>", "Rim <1>"]);
    for (name, value) in [
        ("format", "portrait"),
        ("portrait.filter", "warm"),
        ("landscape.filter", "none"),
        ("portrait.line.place", "bottom"),
        ("square.logo.place", "top_left"),
    ] {
        assert!(input(&html, name, value).contains(" checked"), "{name} {value}");
    }
    assert!(!input(&html, "portrait.filter", "cool").contains(" checked"));
    for (name, value) in [("portrait.line.size", "5.5"), ("square.logo.size", "33.3"), ("square.logo.margin", "0")] {
        input(&html, name, value);
    }
    // Each format has nine places for its logo and nine for its line.
    assert_eq!(body(&html).matches("class=\"designs-place\"").count(), 54);
    // One of three files is not used.
    assert_eq!(body(&html).matches("value=\"remove_file\"").count(), 1);
    assert_says(&html, &[&format!("name=\"file\" value=\"{}\"", design_file_id(3))]);
    let german = Visit::to(page()).in_world(designed()).in_german().page().await;
    assert_says(&german, &["Bilddesign", "Für alle Formate dasselbe", "Oben links", "Verwendet"]);
}

#[tokio::test]
async fn an_event_without_a_design_and_without_photos_says_what_can_be_done() {
    let html = Visit::to(page()).in_world(World::default()).page().await;
    assert_says(&html, &["No files yet", "The event has no photos yet.", "name=\"version\" value=\"0\""]);
    assert!(input(&html, "same_for_all", "on").contains(" checked"));
    assert!(input(&html, "on", "newest").contains(" disabled"));
    assert!(input(&html, "on", "sample").contains(" checked"));
    assert_silent(&html, &["value=\"apply\"", "value=\"undo\"", "data-polls", "value=\"event_logo\""]);
}

#[tokio::test]
async fn a_preview_is_shown_without_script_and_keeps_what_was_typed() {
    let typed = [
        ("format", "square"),
        ("on", "sample"),
        ("version", "6"),
        ("square.filter", "vivid"),
        ("landscape.line.text", "Typed"),
    ];
    let line = [
        ("landscape.line.colour", "#ffffff"),
        ("landscape.line.colour.opacity", "100"),
        ("landscape.line.weight", "bold"),
        ("landscape.line.place", "top"),
        ("landscape.line.size", "5"),
        ("landscape.line.margin", "4"),
    ];
    let typed = [&typed[..], &line].concat();
    let html = Visit::to(page()).in_world(designed()).after(posted("preview", &typed)).page().await;
    let picture = data_encoding::BASE64.encode(b"vivid on sample as square");
    assert_says(
        &html,
        &[
            &format!("src=\"data:image/jpeg;base64,{picture}\""),
            "value=\"Typed\"",
            // What somebody else saved meanwhile is not written over.
            "name=\"version\" value=\"6\"",
        ],
    );
    assert!(input(&html, "format", "square").contains(" checked"));
    assert!(!input(&html, "same_for_all", "on").contains(" checked"), "it was not ticked");
    // A draft that cannot be drawn says why, and stays.
    let mut wrong = typed.clone();
    wrong.retain(|(name, _)| !matches!(*name, "landscape.line.text" | "format"));
    wrong.extend([("landscape.line.text", "Snow ☃"), ("format", "landscape")]);
    let html = Visit::to(page()).in_world(designed()).after(posted("preview", &wrong)).page().await;
    assert_says(&html, &["value=\"Snow ☃\"", "data-drawn-trouble"]);
    assert_silent(&html, &["data:image/jpeg"]);
    // Nothing is drawn for whoever only opens the page: the script asks for it.
    let html = Visit::to(page()).in_world(designed()).page().await;
    assert_silent(&html, &["data:image/jpeg"]);
}

#[tokio::test]
async fn what_is_wrong_stands_under_its_field_on_the_open_sheet() {
    let error = AppError::invalid(vec![FieldError { field: "portrait.logo.size".into(), code: Code::OutOfRange }]);
    let values = vec![("format".into(), "square".into()), ("portrait.logo.size".into(), "900".into())];
    let outcome = FormOutcome { intent: "save".into(), error: Some(error), values, ..FormOutcome::default() };
    let html = Visit::to(page()).in_world(designed()).after(outcome.clone()).page().await;
    assert_says(&html, &["id=\"portrait.logo.size-error\"", "role=\"alert\"", "value=\"900\""]);
    assert!(input(&html, "format", "portrait").contains(" checked"));
    // Seen as well if one design was to count for all.
    let outcome = FormOutcome {
        values: [outcome.values.clone(), vec![("same_for_all".into(), "on".into())]].concat(),
        ..outcome
    };
    let html = Visit::to(page()).in_world(designed()).after(outcome).page().await;
    assert!(!input(&html, "same_for_all", "on").contains(" checked"));
    let conflict = FormOutcome { error: Some(AppError::new(Code::Conflict)), ..posted("save", &[("version", "3")]) };
    let html = Visit::to(page()).in_world(designed()).after(conflict).page().await;
    assert_says(&html, &["Somebody else changed this in the meantime.", "name=\"version\" value=\"3\""]);
}

#[tokio::test]
async fn how_far_a_design_is_applied_is_looked_at_again_and_again() {
    let at = |state| World { applying: Some(progress(state)), ..designed() };
    let alone = format!("{}?only=progress", page());
    let running = Visit::to(page()).in_world(at(ApplyState::Running)).page().await;
    assert_says(
        &running,
        &[
            &format!("data-polls=\"{alone}\""),
            "1,200 of 2,400 photos",
            "max=\"2400\"",
            "value=\"1200\"",
            "value=\"pause\"",
            "value=\"undo\"",
        ],
    );
    assert_silent(&running, &["value=\"apply\"", "value=\"resume\""]);
    let html = Visit::to(alone).in_world(at(ApplyState::Running)).page().await;
    assert_says(&html, &["data-polls", "1,200 of 2,400 photos"]);
    assert_silent(&html, &["data-draws", "value=\"save\""]);
    for (state, words, buttons) in [
        (
            ApplyState::Paused,
            &["Paused", "applying again begins with the first photo"][..],
            &["apply", "resume", "undo"][..],
        ),
        (ApplyState::Undoing, &["Being undone"][..], &["pause", "undo"][..]),
        (ApplyState::Done, &["1,200 of 2,400 photos have the design", "Apply again"][..], &["apply", "undo"][..]),
    ] {
        let html = Visit::to(page()).in_world(at(state)).page().await;
        assert_says(&html, words);
        assert_silent(&html, &["All photos have the design", "Another design was saved"]);
        assert_eq!(offered(&html), buttons, "{state:?}");
        assert_eq!(html.contains("data-polls"), state == ApplyState::Undoing, "{state:?}");
    }
}

/// What can be done with the photos that are there.
fn offered(html: &str) -> Vec<&'static str> {
    let there = |button: &&str| body(html).contains(&format!("name=\"intent\" value=\"{button}\""));
    ["apply", "pause", "resume", "undo"].into_iter().filter(there).collect()
}

#[tokio::test]
async fn another_design_can_be_applied_while_one_is_being_applied() {
    for (state, buttons) in [
        (ApplyState::Running, &["apply", "pause", "undo"][..]),
        (ApplyState::Undoing, &["apply", "pause", "undo"][..]),
        (ApplyState::Paused, &["apply", "resume", "undo"][..]),
        (ApplyState::Done, &["apply", "undo"][..]),
    ] {
        let applying = Some(Progress { differs: true, ..progress(state) });
        let html = Visit::to(page()).in_world(World { applying, ..designed() }).page().await;
        assert_says(&html, &["Another design was saved since.", "Apply to the photos that are there"]);
        assert_eq!(offered(&html), buttons, "{state:?}");
    }
}

#[tokio::test]
async fn all_photos_have_the_design_when_none_is_left() {
    for (done, failed, words) in [
        (2400, 0, &["All photos have the design", "2,400 of 2,400 photos"][..]),
        (2399, 0, &["2,399 of 2,400 photos have the design"][..]),
        (2399, 1, &["2,399 of 2,400 photos have the design", "One photo could not be made anew"][..]),
        (2398, 2, &["2,398 of 2,400 photos have the design", "2 photos could not be made anew"][..]),
    ] {
        let applying = Some(Progress { done, failed, ..progress(ApplyState::Done) });
        let html = Visit::to(page()).in_world(World { applying, ..designed() }).page().await;
        assert_says(&html, words);
        assert_eq!(body(&html).contains("All photos have the design"), (done, failed) == (2400, 0), "{done} {failed}");
    }
}
