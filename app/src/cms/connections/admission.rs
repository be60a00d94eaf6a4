//! Who gets in by a connection, and as what.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Role;
use shutterpost_model::connections::{Admission, MOST_ROLES};

use crate::cms::forms::{OutcomeBanner, use_form};
use crate::texts::{language_of, role, use_locale};
use crate::ui::{Checkbox, Choice, Field, Select, Submit, Tone};

/// Empty rows below the rules that there are.
const SPARE: usize = 3;

#[component]
pub fn AdmissionCard(admission: Admission) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let form = use_form("admit");
    let Admission { trust_factor, just_in_time, default_role, role_map } = admission;
    let grantable = || Role::ALL.into_iter().filter(|role| *role != Role::Owner);
    let roles = || grantable().map(|one| Choice::new(one.as_str(), role(one, language))).collect::<Vec<_>>();
    let mut defaults = vec![Choice::new("", td_string!(locale, connections.no_role))];
    defaults.extend(roles());
    let rows = (role_map.len() + SPARE).min(MOST_ROLES);
    let rules = (0..rows)
        .map(|index| {
            let rule = role_map.get(index);
            let (group, role) = (format!("group.{index}"), format!("role.{index}"));
            let stored = rule.map(|rule| rule.group.clone()).unwrap_or_default();
            let given = rule.map_or(Role::Viewer, |rule| rule.role);
            let number = index + 1;
            view! {
                <div class="map-row">
                    <Field
                        label=td_string!(locale, connections.map_group, number = number)
                        value=form.value(&group, stored)
                        name=group
                        autocomplete="off"
                    />
                    <Select
                        label=td_string!(locale, connections.map_role, number = number)
                        options=roles()
                        value=form.value(&role, given.as_str())
                        name=role
                    />
                </div>
            }
        })
        .collect_view();
    let error = form.error("role_map").map(|error| view! { <p class="field-error">{error}</p> });
    view! {
        <section class="card" aria-labelledby="admission-title">
            <h2 class="section-title" id="admission-title">{td_string!(locale, connections.step_admission)}</h2>
            <form class="stack" method="post">
                <OutcomeBanner intent="admit"/>
                <Checkbox
                    name="just_in_time"
                    label=td_string!(locale, connections.just_in_time)
                    hint=td_string!(locale, connections.just_in_time_hint)
                    checked=form.checked("just_in_time", just_in_time)
                />
                <Checkbox
                    name="trust_factor"
                    label=td_string!(locale, connections.trust_factor)
                    hint=td_string!(locale, connections.trust_factor_hint)
                    checked=form.checked("trust_factor", trust_factor)
                />
                <Select
                    name="default_role"
                    label=td_string!(locale, connections.default_role)
                    options=defaults
                    value=form.value("default_role", default_role.map(Role::as_str).unwrap_or_default())
                    error=form.error("default_role")
                />
                <fieldset class="stack">
                    <legend class="field-label">{td_string!(locale, connections.role_map)}</legend>
                    <p class="muted">{td_string!(locale, connections.role_map_text)}</p>
                    {error}
                    {rules}
                </fieldset>
                <div class="form-actions">
                    <Submit intent="admit" tone=Tone::Primary>{td_string!(locale, connections.save)}</Submit>
                </div>
            </form>
        </section>
    }
}
