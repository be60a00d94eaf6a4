//! One connection, in the order in which it is set up.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_params_map;

use shutterpost_model::connections::{ConnectionView, OwnValues, State};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::ConnectionId;

use super::admission::AdmissionCard;
use super::list::state;
use super::report::TestCard;
use super::settings::SettingsCard;
use super::words;
use crate::cms::forms::OutcomeBanner;
use crate::cms::load::load;
use crate::texts::use_locale;
use crate::ui::{ButtonLink, CopyButton, Dialog, DialogActions, DialogButton, PageHead, PageTitle, Submit, Text, Tone};

#[component]
pub fn ConnectionPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get_str("connection").and_then(|id| id.parse().ok()));
    load(
        |services, actor| async move {
            let id: ConnectionId = id.ok_or(AppError::new(Code::NotFound))?;
            services.connections.find(&actor, &id).await
        },
        |_, connection| view! { <Connection connection/> }.into_any(),
    )
}

#[component]
fn Connection(connection: ConnectionView) -> impl IntoView {
    let locale = use_locale();
    let summary = connection.summary.clone();
    let name = summary.name.clone();
    let badge = state(locale, &summary);
    let about = format!("{} · {}", words::provider(locale, summary.provider), words::kind(locale, summary.kind));
    let guide = words::guide(locale, summary.provider, summary.kind);
    view! {
        <PageTitle text=name.clone()/>
        <PageHead title=name.clone() subtitle=Some(about.into())>
            {badge}
            <ButtonLink href="/cms/sign-in-settings/connections">{td_string!(locale, connections.back)}</ButtonLink>
        </PageHead>
        <div class="sections sections-wide">
            <section class="card" aria-labelledby="own-title">
                <h2 class="section-title" id="own-title">{td_string!(locale, connections.step_own)}</h2>
                <p>{guide}</p>
                <OwnTable own=connection.own.clone()/>
            </section>
            <SettingsCard connection=connection.clone()/>
            <AdmissionCard admission=connection.admission.clone()/>
            <TestCard connection=connection/>
            <SwitchCard summary/>
            <Delete name/>
        </div>
    }
}

#[component]
fn OwnTable(own: OwnValues) -> impl IntoView {
    let locale = use_locale();
    let values: Vec<(&'static str, String)> = match own {
        OwnValues::Oidc { redirect, sign_out, backchannel } => vec![
            (td_string!(locale, connections.own_redirect), redirect),
            (td_string!(locale, connections.own_sign_out), sign_out),
            (td_string!(locale, connections.own_backchannel), backchannel),
        ],
        OwnValues::Saml { entity_id, acs, slo, metadata } => vec![
            (td_string!(locale, connections.own_entity), entity_id),
            (td_string!(locale, connections.own_acs), acs),
            (td_string!(locale, connections.own_slo), slo),
            (td_string!(locale, connections.own_metadata), metadata),
        ],
    };
    values
        .into_iter()
        .map(|(label, value)| {
            let copy = td_string!(locale, connections.copy_value, name = label);
            view! {
                <div class="list-row">
                    <div>
                        <span class="field-label">{label}</span>
                        <code class="own-value">{value.clone()}</code>
                    </div>
                    <CopyButton text=value label=copy icon_only=true/>
                </div>
            }
        })
        .collect_view()
}

#[component]
fn SwitchCard(summary: shutterpost_model::connections::ConnectionSummary) -> impl IntoView {
    let locale = use_locale();
    let button = |intent: &'static str, tone: Tone, text: &'static str| {
        view! {
            <form method="post">
                <div class="form-actions">
                    <Submit intent tone>{text}</Submit>
                </div>
            </form>
        }
    };
    let (text, action): (Text, Option<AnyView>) = match (summary.state, summary.tested_at) {
        (State::On, _) => {
            let off = button("off", Tone::Danger, td_string!(locale, connections.switch_off));
            (td_string!(locale, connections.switched_on_text).into(), Some(off.into_any()))
        }
        (State::Off, Some(_)) => {
            let on = button("on", Tone::Primary, td_string!(locale, connections.switch_on));
            (td_string!(locale, connections.switch_text).into(), Some(on.into_any()))
        }
        (State::Off, None) => (td_string!(locale, connections.switch_first).into(), None),
    };
    view! {
        <section class="card" aria-labelledby="switch-title">
            <h2 class="section-title" id="switch-title">{td_string!(locale, connections.step_switch)}</h2>
            <OutcomeBanner intent="on"/>
            <OutcomeBanner intent="off"/>
            <p>{text}</p>
            {action}
        </section>
    }
}

#[component]
fn Delete(name: String) -> impl IntoView {
    let locale = use_locale();
    view! {
        <div class="form-actions">
            <DialogButton dialog="delete" tone=Tone::Danger>{td_string!(locale, connections.delete)}</DialogButton>
        </div>
        <OutcomeBanner intent="delete"/>
        <Dialog id="delete" title=td_string!(locale, connections.delete_title, name = name)>
            <form class="stack" method="post">
                <input r#type="hidden" name="intent" value="delete"/>
                <p>{td_string!(locale, connections.delete_text)}</p>
                <DialogActions>
                    <Submit tone=Tone::Danger>{td_string!(locale, connections.delete_do)}</Submit>
                </DialogActions>
            </form>
        </Dialog>
    }
}
