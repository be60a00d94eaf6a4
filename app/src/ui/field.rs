//! Input of one line.

use leptos::prelude::*;

use super::button::given;
use super::{Icon, IconName, Text};
use crate::texts::use_locale;
use leptos_i18n::td_string;

/// Ids of hint and error of a field, for `aria-describedby`.
pub(super) fn described_by(name: &str, hint: Option<&Text>, error: Option<&Text>) -> Option<String> {
    match (error, hint) {
        (Some(_), Some(_)) => Some(format!("{name}-error {name}-hint")),
        (Some(_), None) => Some(format!("{name}-error")),
        (None, Some(_)) => Some(format!("{name}-hint")),
        (None, None) => None,
    }
}

/// Hint and error below a control.
pub(super) fn below(name: &str, hint: Option<Text>, error: Option<Text>) -> impl IntoView + use<> {
    view! {
        {error.map(|error| {
            view! {
                <p class="field-error" id=format!("{name}-error")>
                    <Icon name=IconName::Warning/>
                    <span>{error}</span>
                </p>
            }
        })}
        {hint.map(|hint| view! { <p class="field-hint" id=format!("{name}-hint")>{hint}</p> })}
    }
}

/// A labelled input. The id is the name, so a name stands once on a page unless `id` is given.
#[component]
pub fn Field(
    #[prop(into)] name: Text,
    #[prop(into)] label: Text,
    /// The input's `type`; text if not given.
    #[prop(default = "text")]
    kind: &'static str,
    #[prop(optional, into)] value: Text,
    /// Said before anything goes wrong.
    #[prop(optional, into)]
    hint: Text,
    /// What is wrong with the value; `None` if nothing.
    #[prop(default = None)]
    error: Option<Text>,
    #[prop(optional)] required: bool,
    #[prop(optional)] autofocus: bool,
    #[prop(optional)] readonly: bool,
    /// Several files.
    #[prop(optional)]
    multiple: bool,
    #[prop(optional, into)] autocomplete: Text,
    #[prop(optional, into)] placeholder: Text,
    #[prop(optional, into)] min: Text,
    #[prop(optional, into)] max: Text,
    /// Media types of files.
    #[prop(optional, into)]
    accept: Text,
    /// Id, if it must differ from the name.
    #[prop(optional, into)]
    id: Text,
    /// Id of a form that the field stands outside of.
    #[prop(optional, into)]
    form: Text,
) -> impl IntoView {
    let id = given(id).unwrap_or_else(|| name.clone());
    let hint = given(hint);
    let described = described_by(&id, hint.as_ref(), error.as_ref());
    view! {
        <div class="field">
            <label class="field-label" for=id.clone()>{label}</label>
            <input
                class="input"
                id=id.clone()
                name=name
                r#type=kind
                value=given(value)
                required=required
                autofocus=autofocus
                readonly=readonly
                multiple=multiple
                autocomplete=given(autocomplete)
                placeholder=given(placeholder)
                min=given(min)
                max=given(max)
                accept=given(accept)
                form=given(form)
                autocapitalize=(kind == "email").then_some("none")
                spellcheck=(kind == "email").then_some("false")
                aria-invalid=error.is_some().then_some("true")
                aria-describedby=described
            />
            {below(&id, hint, error)}
        </div>
    }
}

/// A password. The button that shows it appears with the script.
#[component]
pub fn PasswordField(
    #[prop(into)] name: Text,
    #[prop(into)] label: Text,
    #[prop(optional, into)] hint: Text,
    #[prop(default = None)] error: Option<Text>,
    /// `current-password` or `new-password`, so that password managers help.
    autocomplete: &'static str,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let locale = use_locale();
    let hint = given(hint);
    let described = described_by(&name, hint.as_ref(), error.as_ref());
    let show = td_string!(locale, common.show_password);
    view! {
        <div class="field">
            <label class="field-label" for=name.clone()>{label}</label>
            <div class="input-group">
                <input
                    class="input"
                    id=name.clone()
                    name=name.clone()
                    r#type="password"
                    required=true
                    autofocus=autofocus
                    autocomplete=autocomplete
                    autocapitalize="none"
                    spellcheck="false"
                    maxlength="1024"
                    aria-invalid=error.is_some().then_some("true")
                    aria-describedby=described
                />
                <button
                    r#type="button"
                    class="input-button"
                    hidden=true
                    data-with-script=""
                    data-shows-password=name.clone()
                    data-other-label=td_string!(locale, common.hide_password)
                    aria-pressed="false"
                    aria-label=show
                    title=show
                >
                    <span>
                        <Icon name=IconName::Eye/>
                    </span>
                    <span hidden=true>
                        <Icon name=IconName::EyeOff/>
                    </span>
                </button>
            </div>
            {below(&name, hint, error)}
        </div>
    }
}
