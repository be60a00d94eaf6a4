//! Presses: copying, showing a password, closing, opening dialogs, sheets of a form.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::{document, set_timeout, window, window_event_listener};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, HtmlDialogElement, HtmlElement};

use super::dom::{all, all_in, nearest, set, set_hidden};
use super::keys::is_unmodified;
use super::more;

/// How long a button says that it has copied.
const SAID: Duration = Duration::from_secs(2);

pub(super) fn listen() {
    for dialog in all("dialog[open]") {
        if let Ok(dialog) = dialog.dyn_into::<HtmlDialogElement>() {
            dialog.close();
            show(&dialog);
        }
    }
    // Lives as long as the page.
    std::mem::forget(window_event_listener(ev::click, |event| {
        if event.default_prevented() || event.button() != 0 {
            return;
        }
        if let Some(button) = nearest(&event, "[data-copy]") {
            copy(button);
        } else if let Some(button) = nearest(&event, "[data-shows-password]") {
            toggle_password(&button);
        } else if let Some(button) = nearest(&event, "[data-closes]") {
            let outer = button.get_attribute("data-closes").and_then(|selector| button.closest(&selector).ok()?);
            if let Some(outer) = outer {
                outer.remove();
            }
        } else if let Some(link) = nearest(&event, "a[data-more]").filter(|_| is_unmodified(&event)) {
            event.prevent_default();
            more::add(link);
        } else if let Some(link) = nearest(&event, "a[data-sheet]").filter(|_| is_unmodified(&event)) {
            event.prevent_default();
            open_sheet(&link);
        } else if let Some(button) = nearest(&event, "[commandfor][command=show-modal]") {
            open_dialog(&button);
        } else if let Some(link) = nearest(&event, "a[href]").filter(|_| is_unmodified(&event)) {
            leave(&link);
        }
    }));
}

/// Shows the other of the two icons of a button.
fn swap_icons(button: &Element) {
    for icon in all_in(button, ":scope > span:has(> svg)") {
        set_hidden(&icon, !icon.has_attribute("hidden"));
    }
}

fn copy(button: Element) {
    if button.has_attribute("data-said") {
        return;
    }
    let written = window().navigator().clipboard().write_text(&button.get_attribute("data-copy").unwrap_or_default());
    leptos::task::spawn_local(async move {
        if JsFuture::from(written).await.is_err() {
            leptos::logging::warn!("copy: the browser refused");
            return;
        }
        let said = button.get_attribute("data-copied");
        let face = button.query_selector(".button-text").ok().flatten();
        let label = face.as_ref().and_then(|face| face.text_content());
        let status = button.query_selector("[role=status]").ok().flatten();
        let say = move |face_says: Option<&str>, status_says: Option<&str>| {
            if let Some(face) = &face {
                face.set_text_content(face_says);
            }
            if let Some(status) = &status {
                status.set_text_content(status_says);
            }
        };
        set(&button, "data-said", Some(""));
        swap_icons(&button);
        say(said.as_deref(), said.as_deref());
        set_timeout(
            move || {
                set(&button, "data-said", None);
                swap_icons(&button);
                say(label.as_deref(), None);
            },
            SAID,
        );
    });
}

fn toggle_password(button: &Element) {
    let field = button.get_attribute("data-shows-password").and_then(|id| document().get_element_by_id(&id));
    let Some(field) = field else { return };
    let shows = button.get_attribute("aria-pressed").as_deref() == Some("true");
    set(&field, "type", Some(if shows { "password" } else { "text" }));
    set(button, "aria-pressed", Some(if shows { "false" } else { "true" }));
    let (label, other) = (button.get_attribute("aria-label"), button.get_attribute("data-other-label"));
    set(button, "data-other-label", label.as_deref());
    set(button, "aria-label", other.as_deref());
    set(button, "title", other.as_deref());
    swap_icons(button);
}

fn show(dialog: &HtmlDialogElement) {
    if !dialog.open() && dialog.show_modal().is_err() {
        leptos::logging::warn!("dialog: not in the document");
    }
}

/// For browsers that do not know `command`.
fn open_dialog(button: &Element) {
    if js_sys::Reflect::has(button, &"commandForElement".into()).unwrap_or(false) {
        return;
    }
    let dialog = button.get_attribute("commandfor").and_then(|id| document().get_element_by_id(&id));
    if let Some(dialog) = dialog.and_then(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok()) {
        show(&dialog);
    }
}

/// Sheets are parts of one form, so what was typed in one stays while another is looked at.
fn open_sheet(link: &Element) {
    let Some(name) = link.get_attribute("data-sheet") else { return };
    for other in all("a[data-sheet]") {
        let current = other.get_attribute("data-sheet").as_ref() == Some(&name);
        set(&other, "aria-current", current.then_some("true"));
    }
    for sheet in all("[data-sheets]") {
        let shown = sheet.get_attribute("data-sheets").is_some_and(|names| names.split(' ').any(|one| one == name));
        set_hidden(&sheet, !shown);
    }
}

/// The page that goes says so: the style sheet shows it if the next one is slow.
fn leave(link: &Element) {
    let href = link.get_attribute("href").unwrap_or_default();
    let stays = href.starts_with('#') || link.has_attribute("download") || link.has_attribute("target");
    let ours = link.dyn_ref::<HtmlElement>().is_some() && href.starts_with(['/', '?']);
    if ours && !stays {
        super::form::mark_leaving(true);
    }
}
