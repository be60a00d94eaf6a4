//! What components write on the server: safe, labelled, without inline styles.

use leptos::prelude::*;

use super::*;

fn html<V: IntoView>(view: impl FnOnce() -> V) -> String {
    Owner::new().with(|| view().into_view().to_html())
}

const ATTACK: &str = "</textarea></title><script>alert(1)</script>\" onfocus=\"x";

#[test]
fn a_textarea_is_escaped() {
    let html = html(|| view! { <TextArea name="message" label="Message" value=ATTACK/> });
    assert!(!html.contains("<script>"), "{html}");
    assert_eq!(html.matches("</textarea>").count(), 1, "{html}");
    assert!(html.contains("&lt;/textarea&gt;"), "{html}");
}

#[test]
fn a_leading_line_break_of_a_textarea_survives_parsing() {
    let html = html(|| view! { <TextArea name="message" label="Message" value="\nsecond line"/> });
    assert!(html.contains(">\n\nsecond line</textarea>"), "{html}");
}

#[test]
fn values_and_labels_are_escaped_everywhere() {
    let html = html(|| {
        view! {
            <Field name="name" label=ATTACK value=ATTACK hint=ATTACK error=Some(ATTACK.into()) placeholder=ATTACK/>
            <Select name="role" label=ATTACK options=vec![Choice::new(ATTACK, ATTACK)] value=ATTACK/>
            <Checkbox name="yes" label=ATTACK value=ATTACK/>
            <Banner>{ATTACK}</Banner>
            <ErrorBanner text=ATTACK request_id=Some(ATTACK.into())/>
            <Toast text=ATTACK/>
            <EmptyState art=Art::Key title=ATTACK text=ATTACK/>
            <PageHead title=ATTACK subtitle=Some(ATTACK.into())/>
            <CopyButton text=ATTACK label=ATTACK/>
            <Dialog id="d" title=ATTACK>{ATTACK}</Dialog>
            <Menu id="m" label=ATTACK>{ATTACK}</Menu>
            <Tabs label=ATTACK tabs=vec![Tab::new("/x", ATTACK, true)]/>
            <ButtonLink href="/x" label=ATTACK>{ATTACK}</ButtonLink>
            <Table label=ATTACK columns=vec![Column::text(ATTACK)]>{ATTACK}</Table>
        }
    });
    assert!(!html.contains("<script>"), "{html}");
    // In a text a quote is harmless; out of an attribute it would begin a new one.
    assert!(!html.contains("onfocus=\"x\""), "{html}");
    assert!(!html.contains(" style="), "{html}");
}

#[test]
fn an_option_holds_one_text_without_markers() {
    let html = html(|| view! { <Select name="a" label="A" options=vec![Choice::new("x", "X – y")] value="x"/> });
    assert!(html.contains("<option value=\"x\" selected>X – y</option>"), "{html}");
}

#[test]
fn an_error_is_tied_to_its_field() {
    let html = html(|| view! { <Field name="email" label="E-mail" hint="Hint" error=Some("Wrong".into())/> });
    assert!(html.contains("aria-describedby=\"email-error email-hint\""), "{html}");
    assert!(html.contains("aria-invalid=\"true\""), "{html}");
    assert!(html.contains("<label for=\"email\""), "{html}");
    for id in ["email-error", "email-hint", "email"] {
        assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{html}");
    }
}

#[test]
fn a_password_is_never_written_and_helps_password_managers() {
    let html = html(|| view! { <PasswordField name="password" label="Password" autocomplete="new-password"/> });
    assert!(html.contains("type=\"password\""), "{html}");
    assert!(html.contains("autocomplete=\"new-password\""), "{html}");
    assert!(!html.contains("<input class=\"input\" value"), "{html}");
    assert!(html.contains("hidden"), "the show button needs the script: {html}");
}

#[test]
fn a_dialog_opens_and_closes_without_script() {
    let html = html(|| {
        view! {
            <DialogButton dialog="remove">"Remove"</DialogButton>
            <Dialog id="remove" title="Remove?">
                <form method="post">
                    <DialogActions><Submit intent="remove" tone=Tone::Danger>"Remove"</Submit></DialogActions>
                </form>
            </Dialog>
        }
    });
    assert!(html.contains("command=\"show-modal\"") && html.contains("commandfor=\"remove\""), "{html}");
    assert!(html.contains("formmethod=\"dialog\""), "{html}");
    assert!(html.contains("name=\"intent\" value=\"remove\""), "{html}");
    assert!(!html.contains("<dialog open"), "{html}");
}

#[test]
fn a_time_is_written_in_utc_and_says_so() {
    let at = shutterpost_model::time::Millis(1_772_560_245_000);
    let html = html(|| view! { <Time at relative=true/> });
    assert!(html.contains("datetime=\"2026-03-03T17:50:45Z\""), "{html}");
    assert!(html.contains("3 March 2026, 17:50 UTC"), "{html}");
}

#[test]
fn every_icon_is_drawn_and_silent() {
    for name in IconName::ALL {
        let html = html(|| view! { <Icon name=*name/> });
        assert!(html.contains("aria-hidden=\"true\""), "{html}");
        assert!(html.contains("/></svg>"), "{name:?}: {html}");
    }
}

#[test]
fn escaping_covers_text_and_attributes() {
    assert_eq!(escape("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
}

#[test]
fn no_textarea_and_no_inline_style_outside_of_the_design_system() {
    fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let code = std::fs::read_to_string(&path).expect("readable");
                let inside = path
                    .components()
                    .any(|part| ["ui", "mail", "mail.rs", "tests.rs"].iter().any(|name| part.as_os_str() == *name));
                // Mails are read by programs that know nothing but inline styles.
                let styled = code.contains(" style=\"") || code.contains("style:");
                if !inside && (code.contains("<textarea") || styled) {
                    found.push(path.display().to_string());
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.is_empty(), "{found:?}");
}
