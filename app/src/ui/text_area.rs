//! Input of several lines.

use leptos::prelude::*;

use super::button::given;
use super::field::{below, described_by};
use super::{Text, escape};

/// The content of a `<textarea>` as HTML.
///
/// leptos 0.8 writes the children of a textarea to the page as they are, so a value with `</textarea><script>` would
/// become code. It also takes content set by `inner_html` as it is, which is why it is escaped here. A parser drops one
/// line break after the start tag; on the server one is added in front of a value that begins with one.
fn content(value: &str) -> String {
    let safe = escape(value);
    if cfg!(feature = "ssr") && value.starts_with(['\n', '\r']) { format!("\n{safe}") } else { safe }
}

/// A labelled textarea, the only one in the application.
#[component]
pub fn TextArea(
    #[prop(into)] name: Text,
    #[prop(into)] label: Text,
    #[prop(optional, into)] value: Text,
    #[prop(default = 4)] rows: u32,
    #[prop(optional, into)] hint: Text,
    #[prop(default = None)] error: Option<Text>,
    #[prop(optional, into)] placeholder: Text,
    /// Characters; the server checks it as well.
    #[prop(optional)]
    maxlength: Option<u32>,
    #[prop(optional)] required: bool,
    /// To be read and copied.
    #[prop(optional)]
    readonly: bool,
    /// A text that programs wrote: nothing in it is spelt wrong or remembered.
    #[prop(optional)]
    code: bool,
) -> impl IntoView {
    let hint = given(hint);
    let described = described_by(&name, hint.as_ref(), error.as_ref());
    view! {
        <div class="field">
            <label class="field-label" for=name.clone()>{label}</label>
            <textarea
                class="input text-area"
                id=name.clone()
                name=name.clone()
                rows=rows.to_string()
                placeholder=given(placeholder)
                maxlength=maxlength.map(|characters| characters.to_string())
                required=required
                readonly=readonly
                spellcheck=code.then_some("false")
                autocapitalize=code.then_some("none")
                autocomplete=code.then_some("off")
                aria-invalid=error.is_some().then_some("true")
                aria-describedby=described
                inner_html=content(&value)
            ></textarea>
            {below(&name, hint, error)}
        </div>
    }
}
