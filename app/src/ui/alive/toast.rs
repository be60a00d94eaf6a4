//! Confirmations: said aloud, gone after a while, and not said again on a reload.

use std::time::Duration;

use leptos::prelude::{set_timeout, window};

use super::dom::all;

/// When a confirmation has faded by the style sheet.
const SHOWN: Duration = Duration::from_secs(9);

pub(super) fn start() {
    let toasts = all("[data-toast]");
    if toasts.is_empty() {
        return;
    }
    clean_address();
    for toast in toasts {
        // Screen readers say what changes, and this stood there from the start.
        if let Some(words) = toast.query_selector(".toast-text").ok().flatten() {
            let text = words.text_content();
            words.set_text_content(None);
            set_timeout(move || words.set_text_content(text.as_deref()), Duration::from_millis(50));
        }
        set_timeout(move || toast.remove(), SHOWN);
    }
}

/// Takes `done`, `n` and `undo` out of the address bar without leaving the page.
fn clean_address() {
    let location = window().location();
    let (Ok(path), Ok(search)) = (location.pathname(), location.search()) else { return };
    let kept: Vec<_> = search
        .trim_start_matches('?')
        .split('&')
        .filter(|part| !part.is_empty() && !["done=", "n=", "undo="].iter().any(|ours| part.starts_with(ours)))
        .collect();
    let address = if kept.is_empty() { path } else { format!("{path}?{}", kept.join("&")) };
    let replaced = window()
        .history()
        .and_then(|history| history.state().map(|state| (history, state)))
        .and_then(|(history, state)| history.replace_state_with_url(&state, "", Some(&address)));
    if replaced.is_err() {
        leptos::logging::warn!("toast: the browser kept the address");
    }
}
