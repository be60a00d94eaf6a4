//! Asks the browser for a passkey, for forms that a passkey fills in. By attributes, so that the pages stay the server's:
//!
//! | attribute | on | does |
//! | --- | --- | --- |
//! | `data-passkey` | form | is shown where the browser knows passkeys; before it is sent, the question is fetched here |
//! | `data-passkey-new` | form | makes a passkey instead of using one |
//! | `data-passkey-autofill` | form | offers passkeys among what the browser fills into fields |
//! | `data-passkey-answer` | input | takes the answer |
//! | `data-passkey-failed` | anything | is shown if there was none |
//! | `data-without-passkeys` | anything | is shown where the browser knows none |

use std::cell::RefCell;

use js_sys::{Function, JSON, Object, Promise, Reflect};
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
// Not leptos's own: that one is there only on pages with an island.
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, Element, HtmlFormElement, HtmlInputElement, RequestInit, Response};

use crate::ui::alive::all;

thread_local! {
    /// Ends the question that waits in the browser's list of what to fill in: there can be one at a time.
    static WAITING: RefCell<Option<AbortController>> = const { RefCell::new(None) };
}

/// Why there is no answer.
enum Trouble {
    /// The server did not ask.
    Status(u16),
    /// The browser, the device or the person did not answer.
    Browser,
}

impl From<JsValue> for Trouble {
    fn from(_: JsValue) -> Self {
        Self::Browser
    }
}

/// Call once, before the design system's own listeners: a form that waits for its answer is not on its way yet.
pub fn listen() {
    let Some(passkeys) = passkeys() else { return };
    let forms = all("form[data-passkey]");
    for form in &forms {
        hide(form, false);
    }
    for hint in all("[data-without-passkeys]") {
        hide(&hint, true);
    }
    if forms.is_empty() {
        return;
    }
    // Lives as long as the page.
    std::mem::forget(window_event_listener(ev::submit, |event| {
        let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
        let Some(form) = form.filter(|form| form.has_attribute("data-passkey")) else { return };
        if answer(&form).is_none_or(|field| !field.value().is_empty()) {
            return;
        }
        event.prevent_default();
        if let Some(waiting) = WAITING.take() {
            waiting.abort();
        }
        spawn_local(fill(form));
    }));
    let offered = forms.into_iter().find(|form| form.has_attribute("data-passkey-autofill"));
    if let Some(form) = offered.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
        spawn_local(async move {
            // Nothing is said of what nobody asked for.
            if may_offer(&passkeys).await == Some(true)
                && let Ok(given) = offer(&form).await
            {
                send(&form, &given);
            }
        });
    }
}

/// `PublicKeyCredential`, of browsers that read questions as they are sent.
fn passkeys() -> Option<JsValue> {
    let found = Reflect::get(&window(), &"PublicKeyCredential".into()).ok()?;
    let knows = |name: &str| Reflect::get(&found, &name.into()).is_ok_and(|found| found.is_function());
    (!found.is_undefined() && knows("parseCreationOptionsFromJSON") && knows("parseRequestOptionsFromJSON"))
        .then_some(found)
}

fn hide(element: &Element, hidden: bool) {
    let changed = if hidden { element.set_attribute("hidden", "") } else { element.remove_attribute("hidden") };
    if changed.is_err() {
        leptos::logging::warn!("passkey: hidden was refused");
    }
}

fn answer(form: &HtmlFormElement) -> Option<HtmlInputElement> {
    form.query_selector("[data-passkey-answer]").ok()??.dyn_into().ok()
}

fn send(form: &HtmlFormElement, given: &str) {
    if let Some(field) = answer(form) {
        field.set_value(given);
    }
    if form.request_submit().is_err() {
        leptos::logging::warn!("passkey: the form was not sent");
    }
}

fn failed(form: &HtmlFormElement, shown: bool) {
    if let Ok(Some(text)) = form.query_selector("[data-passkey-failed]") {
        hide(&text, !shown);
    }
}

async fn fill(form: HtmlFormElement) {
    failed(&form, false);
    match ask(&form, &Object::new()).await {
        Ok(given) => send(&form, &given),
        // The page that answers asks once more who it is.
        Err(Trouble::Status(403)) => {
            if form.remove_attribute("data-passkey").is_ok() {
                send(&form, "");
            }
        }
        Err(_) => failed(&form, true),
    }
}

async fn may_offer(passkeys: &JsValue) -> Option<bool> {
    let may = call(passkeys, "isConditionalMediationAvailable", &JsValue::UNDEFINED).ok()?;
    JsFuture::from(may.dyn_into::<Promise>().ok()?).await.ok()?.as_bool()
}

/// Waits in the list that the browser shows at the field for the name.
async fn offer(form: &HtmlFormElement) -> Result<String, Trouble> {
    let waiting = AbortController::new()?;
    let how = Object::new();
    Reflect::set(&how, &"mediation".into(), &"conditional".into())?;
    Reflect::set(&how, &"signal".into(), &waiting.signal())?;
    WAITING.set(Some(waiting));
    ask(form, &how).await
}

/// Fetches the question and has the browser answer it; `how` is what the browser should know besides.
async fn ask(form: &HtmlFormElement, how: &Object) -> Result<String, Trouble> {
    let from = form.get_attribute("data-passkey").ok_or(Trouble::Browser)?;
    let init = RequestInit::new();
    init.set_method("POST");
    let asked = JsFuture::from(window().fetch_with_str_and_init(&from, &init)).await?;
    let asked = asked.dyn_into::<Response>()?;
    if !asked.ok() {
        return Err(Trouble::Status(asked.status()));
    }
    let options = JsFuture::from(asked.text()?).await?;
    let options = JSON::parse(&options.as_string().ok_or(Trouble::Browser)?)?;
    let passkeys = passkeys().ok_or(Trouble::Browser)?;
    let credentials = Reflect::get(&window().navigator(), &"credentials".into())?;
    let (parse, act) = if form.has_attribute("data-passkey-new") {
        ("parseCreationOptionsFromJSON", "create")
    } else {
        ("parseRequestOptionsFromJSON", "get")
    };
    Reflect::set(how, &"publicKey".into(), &call(&passkeys, parse, &options)?)?;
    let given = JsFuture::from(call(&credentials, act, how)?.dyn_into::<Promise>()?).await?;
    let given = call(&given, "toJSON", &JsValue::UNDEFINED)?;
    JSON::stringify(&given)?.as_string().ok_or(Trouble::Browser)
}

fn call(target: &JsValue, name: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
    Reflect::get(target, &name.into())?.dyn_into::<Function>()?.call1(target, argument)
}
