//! Shows a design while it is entered: the draft is sent to the server, which draws it. By attributes, so that the page stays
//! the server's:
//!
//! | attribute | on | does |
//! | --- | --- | --- |
//! | `data-draws` | form | is sent to this address after each change |
//! | `data-drawn` | img | shows the answer |
//! | `data-drawn-none` | anything | is hidden once there is one |
//! | `data-drawn-trouble`, `data-otherwise` | anything | says why there is none |
//! | `data-drawn-now` | anything with a button | the button that sends the form with its files, and comes back with the page |

use std::cell::{Cell, RefCell};
use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
// Not leptos's own: that one is there only on pages with an island.
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, FormData, HtmlElement, HtmlFormElement, RequestInit, Response, Url};

use crate::ui::alive::{all, nearest, set, set_hidden};

/// How long after the last change the draft is sent.
const PAUSE: Duration = Duration::from_millis(120);
/// What the server says in plain words: the draft is wrong.
const WRONG: u16 = 422;

thread_local! {
    /// Counts changes. An answer counts if nothing has changed since it was asked for.
    static CHANGES: Cell<u32> = const { Cell::new(0) };
    /// The address of the picture that is shown, which the browser keeps until it is given back.
    static SHOWN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Call once.
pub fn listen() {
    let form = all("form[data-draws]").into_iter().next().and_then(|form| form.dyn_into::<HtmlFormElement>().ok());
    let Some(form) = form else { return };
    // What the browser kept of an earlier visit is drawn as it stands there.
    changed(form.clone());
    // Lives as long as the page.
    std::mem::forget(window_event_listener(ev::input, move |event| {
        if nearest(&event, "form[data-draws]").is_none() {
            return;
        }
        if nearest(&event, "input[type=file]").is_some() {
            upload();
        } else {
            changed(form.clone());
        }
    }));
}

/// A file is sent once and stays with the server, instead of with every draft.
fn upload() {
    let button = all("[data-drawn-now] button").into_iter().next().and_then(|one| one.dyn_into::<HtmlElement>().ok());
    if let Some(button) = button {
        button.click();
    }
}

fn changed(form: HtmlFormElement) {
    let change = CHANGES.get().wrapping_add(1);
    CHANGES.set(change);
    set_timeout(
        move || {
            if CHANGES.get() == change {
                spawn_local(async move {
                    if draw(&form, change).await.is_err() && CHANGES.get() == change {
                        say(None);
                    }
                });
            }
        },
        PAUSE,
    );
}

async fn draw(form: &HtmlFormElement, change: u32) -> Result<(), JsValue> {
    let draft = FormData::new_with_form(form)?;
    for field in all("form[data-draws] input[type=file]") {
        draft.delete(&field.get_attribute("name").unwrap_or_default());
    }
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&draft);
    let to = form.get_attribute("data-draws").unwrap_or_default();
    let answer = JsFuture::from(window().fetch_with_str_and_init(&to, &init)).await?.dyn_into::<Response>()?;
    if !answer.ok() {
        let words = JsFuture::from(answer.text()?).await?.as_string();
        if CHANGES.get() == change {
            say(words.filter(|_| answer.status() == WRONG));
        }
        return Ok(());
    }
    let picture = JsFuture::from(answer.blob()?).await?.dyn_into::<Blob>()?;
    if CHANGES.get() == change {
        let address = Url::create_object_url_with_blob(&picture)?;
        for image in all("[data-drawn]") {
            set(&image, "src", Some(&address));
            set_hidden(&image, false);
        }
        if let Some(before) = SHOWN.replace(Some(address)) {
            Url::revoke_object_url(&before)?;
        }
        for hint in all("[data-drawn-none]") {
            set_hidden(&hint, true);
        }
        say(Some(String::new()));
    }
    Ok(())
}

/// Says why there is no picture of what was entered; the empty text if there is one.
fn say(words: Option<String>) {
    for place in all("[data-drawn-trouble]") {
        let words = words.clone().or_else(|| place.get_attribute("data-otherwise"));
        // Said aloud when it changes, and not with every key.
        if place.text_content() != words {
            place.set_text_content(words.as_deref());
        }
    }
}
