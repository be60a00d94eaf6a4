//! What the server sends for the pages of events, captures and messages: rendered through the whole application with
//! services that answer from memory.

use http_body_util::BodyExt;

use shutterpost_model::access::Role;
use shutterpost_model::error::{AppError, Code, FieldError};
use shutterpost_model::identity::Client;
use shutterpost_model::language::Language;
use shutterpost_model::support::SupportNotice;

use super::context::{FormOutcome, RequestContext, provide_request_context};
use super::shell::{Assets, shell};

mod connections;
mod designs;
mod exports;
mod fakes;
mod identity;
mod own_sign_in;
mod privacy;
mod sso;
mod support;
mod trash;

use fakes::{NOW, World, actor, capture_id, erasure_id, event_id, services};

/// A request, as far as pages can tell one from another.
struct Visit {
    path: String,
    world: World,
    role: Role,
    language: Language,
    outcome: FormOutcome,
    support: Vec<SupportNotice>,
}

impl Visit {
    fn to(path: impl Into<String>) -> Self {
        let world = World { captures: 75, ..World::default() };
        Self {
            path: path.into(),
            world,
            role: Role::Owner,
            language: Language::English,
            outcome: FormOutcome::default(),
            support: Vec::new(),
        }
    }

    fn while_support(self, support: Vec<SupportNotice>) -> Self {
        Self { support, ..self }
    }

    fn in_world(self, world: World) -> Self {
        Self { world, ..self }
    }

    fn by(self, role: Role) -> Self {
        Self { role, ..self }
    }

    fn in_german(self) -> Self {
        Self { language: Language::German, ..self }
    }

    fn after(self, outcome: FormOutcome) -> Self {
        Self { outcome, ..self }
    }

    /// Status and HTML.
    async fn answer(self) -> (u16, String) {
        // Set by the first test of the process; the others find it set.
        drop(any_spawner::Executor::init_tokio());
        let services = services(self.world);
        let actor = actor(self.role);
        let me = services.accounts.me(&actor).await.ok();
        let context = RequestContext {
            services,
            actor: Some(actor),
            me,
            staff: Some(fakes::staff()),
            support: self.support,
            now: NOW,
            origin: "https://photos.example".into(),
            language: self.language,
            client: Client::default(),
            pending: None,
            request_id: "req_test".into(),
            outcome: self.outcome,
            dev: false,
        };
        let render = leptos_axum::render_app_async_with_context(
            move || provide_request_context(context.clone()),
            || shell(Assets::default()),
        );
        let request = http::Request::builder().uri(self.path).body(Default::default()).expect("a request");
        let response = render(request).await;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(bytes.to_vec()).expect("text"))
    }

    /// The HTML of a page that is there.
    async fn page(self) -> String {
        let (status, html) = self.answer().await;
        assert_eq!(status, 200, "{html}");
        assert!(!html.contains(" style="), "an inline style in {html}");
        html
    }
}

/// The part of a page without the data for the browser, in which texts stand once more.
fn body(html: &str) -> &str {
    html.split("<script>").next().unwrap_or(html)
}

fn assert_says(html: &str, texts: &[&str]) {
    for text in texts {
        assert!(body(html).contains(text), "“{text}” is not in {html}");
    }
}

fn assert_silent(html: &str, texts: &[&str]) {
    for text in texts {
        assert!(!body(html).contains(text), "“{text}” is in {html}");
    }
}

#[tokio::test]
async fn the_overview_puts_first_what_needs_a_person() {
    let html = Visit::to("/cms/overview").page().await;
    assert_says(
        &html,
        &[
            "3 messages could not be delivered",
            "href=\"/cms/messages?state=failed\"",
            "Booth 2 has gone silent",
            "1,234",
            "<polyline",
            "Summer &lt;party&gt;",
        ],
    );
    let (attention, numbers) = (html.find("Needs you"), html.find("overview-numbers"));
    assert!(attention < numbers, "what needs a person comes first");
    let german = Visit::to("/cms/overview").in_german().page().await;
    assert_says(&german, &["3 Nachrichten konnten nicht zugestellt werden", "1.234", "lang=\"de\""]);
}

#[tokio::test]
async fn the_first_visit_says_what_to_do() {
    let empty = World { empty: true, ..World::default() };
    let html = Visit::to("/cms/overview").in_world(empty.clone()).page().await;
    assert_says(&html, &["Nothing needs you right now.", "Your first event starts here", "href=\"/cms/events/new\""]);
    let html = Visit::to("/cms/events").in_world(empty.clone()).page().await;
    assert_says(&html, &["No events yet", "href=\"/cms/events/new\""]);
    let html = Visit::to("/cms/events").in_world(empty).by(Role::Viewer).page().await;
    assert_says(&html, &["An admin of your organisation can."]);
    assert_silent(&html, &["/cms/events/new"]);
}

#[tokio::test]
async fn the_grid_works_without_script() {
    let html = Visit::to(format!("/cms/events/{}", event_id())).page().await;
    let first = capture_id(0);
    assert_says(
        &html,
        &[
            "75 captures",
            "1–2 June 2026",
            &format!("href=\"/cms/captures/{first}\""),
            &format!("name=\"capture\" value=\"{first}\""),
            "captures-ratio-150",
            "name=\"intent\" value=\"delete\"",
            "Capture of 3 March 2026, 17:50 UTC, 1 guest, Delivered",
            &format!("href=\"/cms/events/{}?cursor=cursor%2B2\"", event_id()),
            "enctype=\"multipart/form-data\"",
            &format!("action=\"/cms/events/{}/captures\"", event_id()),
            "Booth 1",
        ],
    );
    assert_eq!(body(&html).matches("captures-tile ").count(), 60);
    let second = Visit::to(format!("/cms/events/{}?cursor=cursor%2B2", event_id())).page().await;
    assert_eq!(body(&second).matches("captures-tile ").count(), 15);
    assert_says(&second, &["Back to the newest"]);
}

#[tokio::test]
async fn a_viewer_sees_captures_and_changes_nothing() {
    let html = Visit::to(format!("/cms/events/{}", event_id())).by(Role::Viewer).page().await;
    assert_says(&html, &["captures-tile"]);
    assert_silent(&html, &["type=\"checkbox\"", "value=\"delete\"", "type=\"file\"", "/devices"]);
    let html = Visit::to(format!("/cms/captures/{}", capture_id(0))).by(Role::Viewer).page().await;
    assert_silent(&html, &["Reveal", "value=\"delete\"", "renew_link", "send_again", "delete_guest"]);
}

#[tokio::test]
async fn empty_lists_say_why() {
    let none = World::default();
    let event = event_id();
    for (query, text) in
        [("", "No captures yet"), ("?delivery=failed", "Nothing fits this filter"), ("?trash=1", "The trash is empty")]
    {
        let html = Visit::to(format!("/cms/events/{event}{query}")).in_world(none.clone()).page().await;
        assert_says(&html, &[text]);
    }
    let html = Visit::to("/cms/messages?state=sent").page().await;
    assert_says(&html, &["No message is in this state"]);
}

#[tokio::test]
async fn a_capture_shows_all_that_is_known() {
    let html = Visit::to(format!("/cms/captures/{}", capture_id(0))).page().await;
    assert_says(
        &html,
        &[
            "a…@e….com",
            "Reveal contact data",
            "https://photos.example/s/abc",
            "Revoked",
            "name=\"intent\" value=\"renew_link\"",
            "name=\"intent\" value=\"send_again\"",
            "name=\"intent\" value=\"delete_guest\"",
            "Contact data revealed by Anna",
            "captures.unheard_of by the system",
            "2.4\u{a0}MB",
            "3000 × 2000 pixels",
            "alt=\"Capture of 3 March 2026, 17:50 UTC at Summer &lt;party&gt;\"",
            "qr.svg",
            &format!("href=\"/cms/captures/{}\"", capture_id(1)),
        ],
    );
}

#[tokio::test]
async fn what_is_not_there_is_a_404_and_what_fails_names_the_request() {
    for path in ["/cms/events/evt_1", "/cms/captures/nonsense", "/cms/events/nonsense/branding"] {
        let (status, html) = Visit::to(path).answer().await;
        assert_eq!(status, 404, "{path}: {html}");
    }
    let failing = World { failed: true, ..World::default() };
    let (status, html) = Visit::to(format!("/cms/events/{}", event_id())).in_world(failing).answer().await;
    assert_eq!(status, 503);
    assert_says(&html, &["req_test"]);
}

#[tokio::test]
async fn settings_keep_what_was_typed_and_say_what_is_wrong() {
    let path = format!("/cms/events/{}/settings", event_id());
    let html = Visit::to(path.clone()).page().await;
    assert_says(
        &html,
        &[
            "value=\"Summer &lt;party&gt;\"",
            "list=\"time-zones\"",
            "name=\"version\" value=\"4\"",
            "Kept until 2 June 2027",
            "75 captures and the contact data of their guests",
        ],
    );
    let outcome = FormOutcome {
        intent: "save".into(),
        error: Some(AppError::invalid(vec![FieldError { field: "ends_on".into(), code: Code::EndBeforeStart }])),
        values: vec![("name".into(), "Typed".into()), ("ends_on".into(), "2026-05-01".into())],
        ..FormOutcome::default()
    };
    let html = Visit::to(path).after(outcome).page().await;
    assert_says(&html, &["value=\"Typed\"", "value=\"2026-05-01\"", "id=\"ends_on-error\"", "aria-invalid=\"true\""]);
}

#[tokio::test]
async fn branding_is_escaped_and_previewed() {
    let html = Visit::to(format!("/cms/events/{}/branding", event_id())).page().await;
    assert_silent(&html, &["<script>alert(1)", "</textarea><script>"]);
    assert_says(
        &html,
        &[
            "&lt;/textarea&gt;",
            &format!("src=\"/cms/preview/{}?accent=%232f5bd7", event_id()),
            "type=\"color\"",
            "contrast 3.0 : 1",
            "name=\"purpose.0\"",
            "name=\"purpose.1\"",
            "name=\"en.headline\"",
            "name=\"de.mail_message\"",
        ],
    );
}

#[tokio::test]
async fn a_new_device_shows_its_secret_once() {
    let path = format!("/cms/events/{}/devices", event_id());
    let html = Visit::to(path.clone()).page().await;
    assert_says(&html, &["Booth 1", "<code>spd_ab", "never", "name=\"intent\" value=\"revoke\""]);
    let outcome = FormOutcome {
        intent: "create".into(),
        error: None,
        values: vec![("name".into(), "Booth 3".into())],
        issued: Some("spd_secret".into()),
        ..FormOutcome::default()
    };
    let html = Visit::to(path).after(outcome).page().await;
    assert_says(&html, &["spd_secret", "It is shown this once", "curl -X POST"]);
    assert_silent(&html, &["value=\"Booth 3\""]);
}

#[tokio::test]
async fn messages_say_why_they_failed() {
    let html = Visit::to("/cms/messages").page().await;
    assert_says(
        &html,
        &[
            "a…@e….com",
            "Capture is ready",
            "(1 attempt)",
            "name=\"intent\" value=\"send_again\"",
            "href=\"/cms/messages?cursor=more\"",
            "href=\"/cms/messages?state=failed\"",
        ],
    );
}
