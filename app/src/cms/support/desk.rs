//! The desk of the staff: asking organisations to be let in, going in, and being the second person for each other.
//!
//! There is no list of organisations: who is not told an id by the customer cannot ask.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::support::{Desk, GrantState, GrantView, SupportAccess};

use super::access::{Approvals, left};
use super::words;
use crate::cms::context::use_now;
use crate::cms::done::DoneToast;
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::load::load_for_staff;
use crate::cms::mark::Mark;
use crate::texts::use_locale;
use crate::ui::{Badge, Choice, Field, PageHead, PageTitle, Select, Submit, Tone};

#[component]
pub fn DeskPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, support.desk)/>
        <main class="support-desk" id="content">
            <div class="plain-mark">
                <Mark/>
                <span>"Shutterpost"</span>
            </div>
            {load_for_staff(
                |services, staff| async move { services.support.desk(&staff).await },
                |desk| view! { <AtDesk desk/> }.into_any(),
            )}
        </main>
        <DoneToast/>
    }
}

#[component]
fn AtDesk(desk: Desk) -> impl IntoView {
    let locale = use_locale();
    let Desk { name, grants, approvals, open } = desk;
    let list = if grants.is_empty() {
        view! { <p>{td_string!(locale, support.own_empty)}</p> }.into_any()
    } else {
        let line = move |grant: GrantView| {
            let is_open = open.as_ref() == Some(&grant.id);
            view! { <Own grant is_open/> }
        };
        view! { <ul class="stack">{grants.into_iter().map(line).collect_view()}</ul> }.into_any()
    };
    view! {
        <PageHead
            title=td_string!(locale, support.desk)
            subtitle=Some(td_string!(locale, support.desk_name, name = name.get().as_str()).into())
        >
            <form method="post" action="/support/sign-out">
                <Submit tone=Tone::Quiet>{td_string!(locale, common.sign_out)}</Submit>
            </form>
        </PageHead>
        {["open", "leave", "finish", "approve"].map(|intent| view! { <OutcomeBanner intent=intent/> })}
        <div class="sections">
            <section class="card" aria-labelledby="own-title">
                <h2 class="section-title" id="own-title">{td_string!(locale, support.own_title)}</h2>
                {list}
            </section>
            <Approvals approvals decides=true/>
            <Ask/>
        </div>
    }
}

#[component]
fn Own(grant: GrantView, is_open: bool) -> impl IntoView {
    let locale = use_locale();
    let (state, meaning) = words::state(locale, grant.state);
    let runs = grant.state == GrantState::Granted;
    let until = runs.then(|| view! { <p>{left(locale, grant.ends_at, use_now())}</p> });
    let go = match (runs, is_open) {
        (_, true) => view! {
            <Submit intent="leave" tone=Tone::Primary>{td_string!(locale, support.leave)}</Submit>
        }
        .into_any(),
        (true, false) => view! {
            <Submit intent="open" tone=Tone::Primary>{td_string!(locale, support.open)}</Submit>
        }
        .into_any(),
        (false, false) => ().into_any(),
    };
    let finish = matches!(grant.state, GrantState::Asked | GrantState::Granted).then(|| {
        view! { <Submit intent="finish" tone=Tone::Quiet>{td_string!(locale, support.finish)}</Submit> }
    });
    view! {
        <li>
            <p>
                <strong>{grant.organisation_name.clone()}</strong>
                " "
                <Badge meaning=meaning>{state}</Badge>
                {is_open.then(|| view! { " " <Badge>{td_string!(locale, support.is_open)}</Badge> })}
            </p>
            <p>{words::access(locale, grant.access)} ": " {grant.reason.get().clone()}</p>
            {until}
            <form method="post">
                <input r#type="hidden" name="grant" value=grant.id.into_string()/>
                <div class="form-actions">{go} {finish}</div>
            </form>
        </li>
    }
}

#[component]
fn Ask() -> impl IntoView {
    let locale = use_locale();
    let form = use_form("ask");
    let choices =
        SupportAccess::ALL.into_iter().map(|access| Choice::new(access.as_str(), words::access(locale, access)));
    view! {
        <section class="card" aria-labelledby="ask-title">
            <h2 class="section-title" id="ask-title">{td_string!(locale, support.ask_title)}</h2>
            <p>{td_string!(locale, support.ask_text)}</p>
            <OutcomeBanner intent="ask"/>
            <form class="stack" method="post">
                <Field
                    name="organisation"
                    label=td_string!(locale, support.organisation)
                    hint=td_string!(locale, support.organisation_hint)
                    value=form.value("organisation", "")
                    error=form.error("organisation")
                    autocomplete="off"
                    required=true
                />
                <Field
                    name="reason"
                    label=td_string!(locale, support.reason)
                    hint=td_string!(locale, support.reason_hint)
                    value=form.value("reason", "")
                    error=form.error("reason")
                    autocomplete="off"
                    required=true
                />
                <Field
                    name="minutes"
                    label=td_string!(locale, support.minutes)
                    hint=td_string!(locale, support.ask_minutes_hint)
                    kind="number"
                    min="1"
                    max="60"
                    value=form.value("minutes", "30")
                    error=form.error("minutes")
                    required=true
                />
                <Select
                    name="access"
                    label=td_string!(locale, support.ask_access)
                    options=choices.collect()
                    value=form.value("access", SupportAccess::Read.as_str())
                    error=form.error("access")
                />
                <div class="form-actions">
                    <Submit intent="ask" tone=Tone::Primary>{td_string!(locale, support.ask)}</Submit>
                </div>
            </form>
        </section>
    }
}
