//! The dialogs that make and renew a token. What a choice hides or shows is done by style sheets, so they work without
//! script; where a browser cannot, everything is shown.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Role;
use shutterpost_model::identity::Me;
use shutterpost_model::tokens::{Lifetime, Scopes, Token, TokenScope};

use super::words::scope;
use crate::cms::forms::{FormState, OutcomeBanner, use_form};
use crate::i18n::Locale;
use crate::texts::use_locale;
use crate::ui::{Checkbox, Choice, Dialog, DialogActions, Field, Icon, IconName, Select, Submit, Text, Tone};

/// The value of `expires` that asks for a day.
const DATE: &str = "date";
/// The presets, in their order.
const PRESETS: [&str; 4] = ["upload", "read", "all", "choose"];

/// The dialog that makes a token; it stands open when it was refused.
#[component]
pub fn Create(me: Me) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("create");
    let role = me.current.as_ref().map_or(Role::Reporter, |current| current.role);
    // What was typed belongs to the token that now exists.
    let name = if form.issued().is_some() { "".into() } else { form.value("name", "") };
    view! {
        <Dialog id="create" title=td_string!(locale, identity.token_create) open=form.failed()>
            <form class="stack" method="post">
                <input r#type="hidden" name="intent" value="create"/>
                <OutcomeBanner intent="create"/>
                <Field
                    name="name"
                    label=td_string!(locale, identity.name)
                    hint=td_string!(locale, identity.token_name_hint)
                    value=name
                    error=form.error("name")
                    autocomplete="off"
                    required=true
                    autofocus=true
                />
                <ScopeFields form=form.clone() offered=Scopes::of_role(role)/>
                <LifetimeFields form/>
                <DialogActions>
                    <Submit tone=Tone::Primary>{td_string!(locale, identity.token_create)}</Submit>
                </DialogActions>
            </form>
        </Dialog>
    }
}

fn preset(locale: Locale, name: &str) -> (&'static str, &'static str) {
    match name {
        "upload" => (td_string!(locale, identity.preset_upload), td_string!(locale, identity.preset_upload_hint)),
        "read" => (td_string!(locale, identity.preset_read), td_string!(locale, identity.preset_read_hint)),
        "all" => (td_string!(locale, identity.preset_all), td_string!(locale, identity.preset_all_hint)),
        _ => (td_string!(locale, identity.preset_choose), td_string!(locale, identity.preset_choose_hint)),
    }
}

/// What it may do: a preset, or scope by scope.
#[component]
fn ScopeFields(form: FormState, offered: Scopes) -> impl IntoView {
    let locale = use_locale();
    let chosen = form.value("preset", "");
    let error = form.error("scope").or_else(|| form.error("preset"));
    let described = error.is_some().then_some("scope-error");
    let radio = |name: &'static str| {
        let (label, hint) = preset(locale, name);
        let id = format!("preset-{name}");
        view! {
            <label class="token-preset" for=id.clone()>
                <input
                    r#type="radio"
                    id=id.clone()
                    name="preset"
                    value=name
                    required=true
                    checked=chosen.as_str() == name
                    aria-describedby=described
                />
                <span>
                    <span class="token-preset-name">{label}</span>
                    <span class="field-hint">{hint}</span>
                </span>
            </label>
        }
    };
    let boxes = TokenScope::ALL
        .into_iter()
        .filter(|one| offered.contains(*one))
        .map(|one| {
            view! {
                <Checkbox
                    id=format!("scope-{}", one.as_str().replace(':', "-"))
                    name="scope"
                    value=one.as_str()
                    label=scope(locale, one)
                    hint=one.as_str()
                    checked=form.is_about("scope", one.as_str())
                />
            }
        })
        .collect_view();
    view! {
        <fieldset class="token-rights">
            <legend class="field-label">{td_string!(locale, identity.token_rights)}</legend>
            <div class="token-presets">{PRESETS.map(radio).collect_view()}</div>
            <div class="token-boxes">{boxes}</div>
            {error
                .map(|error| {
                    view! {
                        <p class="field-error" id="scope-error">
                            <Icon name=IconName::Warning/>
                            <span>{error}</span>
                        </p>
                    }
                })}
        </fieldset>
    }
}

/// How long the secret works. `suffix` tells the ids of several forms of a page apart.
#[component]
fn LifetimeFields(form: FormState, #[prop(optional, into)] suffix: Text) -> impl IntoView {
    let locale = use_locale();
    let days = |days: i64| Choice::new(days.to_string(), td_string!(locale, identity.token_days, count = days));
    let mut choices: Vec<_> = Lifetime::DAYS.into_iter().map(days).collect();
    choices.push(Choice::new(DATE, td_string!(locale, identity.token_on_day)));
    view! {
        <div class="token-lifetime">
            <Select
                id=format!("expires{suffix}")
                name="expires"
                label=td_string!(locale, identity.token_ends)
                options=choices
                value=form.value("expires", Lifetime::USUAL.to_string())
                error=form.error("expires")
            />
            // Without `min` and `max`: a value outside of them in a hidden field would hold the form back and not say why.
            <div class="token-until">
                <Field
                    id=format!("until{suffix}")
                    name="until"
                    kind="date"
                    label=td_string!(locale, identity.token_last_day)
                    hint=td_string!(locale, identity.token_last_day_hint)
                    value=form.value("until", "")
                    error=form.error("until")
                />
            </div>
        </div>
    }
}

/// The dialog that gives a token a new secret; it stands open when it was refused.
#[component]
pub fn Renew(#[prop(into)] id: Text, token: Token) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("renew");
    let token_id = token.id.to_string();
    // The forms of the other rows know nothing of it.
    let mine = form.failed() && form.is_about("token", &token_id);
    let form = if mine { form } else { use_form("") };
    let choices = vec![
        Choice::new("overlaps", td_string!(locale, identity.token_overlaps)),
        Choice::new("ends", td_string!(locale, identity.token_ends_now)),
    ];
    view! {
        <Dialog id title=td_string!(locale, identity.token_renew_title, name = token.name) open=mine>
            <form class="stack" method="post">
                <input r#type="hidden" name="intent" value="renew"/>
                <input r#type="hidden" name="token" value=token_id.clone()/>
                {mine.then(|| view! { <OutcomeBanner intent="renew"/> })}
                <p class="muted">{td_string!(locale, identity.token_renew_text)}</p>
                <Select
                    id=format!("replaced-{token_id}")
                    name="replaced"
                    label=td_string!(locale, identity.token_replaced)
                    options=choices
                    value=form.value("replaced", "overlaps")
                />
                <LifetimeFields form=form suffix=format!("-{token_id}")/>
                <DialogActions>
                    <Submit tone=Tone::Primary>{td_string!(locale, identity.token_renew_do)}</Submit>
                </DialogActions>
            </form>
        </Dialog>
    }
}
