//! Whom the organisation lets in, why and until when.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Permission;
use shutterpost_model::identity::Me;
use shutterpost_model::support::{ApprovalView, GrantState, GrantView, SupportPage};
use shutterpost_model::time::Millis;

use super::words;
use crate::cms::audit::words as trail;
use crate::cms::context::use_now;
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::load::load;
use crate::texts::{language_of, use_locale};
use crate::ui::{Badge, Column, Field, PageHead, PageTitle, Submit, Table, Time, Tone};
use crate::words::number;

#[component]
pub fn SupportAccessPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, support.title)/>
        {load(
            |services, actor| async move { services.support.of_organisation(&actor).await },
            |me, page| view! { <Access me page/> }.into_any(),
        )}
    }
}

#[component]
fn Access(me: Me, page: SupportPage) -> impl IntoView {
    let locale = use_locale();
    let decides = me.may(Permission::SupportManage);
    let (organisation, id) = me.current.map(|current| (current.name, current.id.into_string())).unwrap_or_default();
    let SupportPage { grants, approvals } = page;
    let none = grants.is_empty();
    let (asked, others): (Vec<_>, Vec<_>) = grants.into_iter().partition(|grant| grant.state == GrantState::Asked);
    let (running, past): (Vec<_>, Vec<_>) = others.into_iter().partition(|grant| grant.state == GrantState::Granted);
    let asked = (!asked.is_empty()).then(|| {
        view! {
            <section class="card" aria-labelledby="asked-title">
                <h2 class="section-title" id="asked-title">{td_string!(locale, support.asked_title)}</h2>
                {asked.into_iter().map(|grant| view! { <Asked grant decides/> }).collect_view()}
            </section>
        }
    });
    let running = (!running.is_empty()).then(|| {
        view! {
            <section class="card" aria-labelledby="running-title">
                <h2 class="section-title" id="running-title">{td_string!(locale, support.running_title)}</h2>
                {running.into_iter().map(|grant| view! { <Running grant decides/> }).collect_view()}
            </section>
        }
    });
    view! {
        <PageHead
            title=td_string!(locale, support.title)
            subtitle=Some(td_string!(locale, support.subtitle, organisation = organisation.as_str()).into())
        />
        {["allow", "refuse", "end", "approve"].map(|intent| view! { <OutcomeBanner intent=intent/> })}
        <div class="sections">
            {asked}
            {running}
            <Approvals approvals decides/>
            <section class="card" aria-labelledby="how-title">
                <h2 class="section-title" id="how-title">{td_string!(locale, support.how_title)}</h2>
                <p>{td_string!(locale, support.how_text)}</p>
                {none.then(|| view! { <p>{td_string!(locale, support.nothing_asked)}</p> })}
                <p class="field-hint">{td_string!(locale, support.your_id, id = id.as_str())}</p>
            </section>
            <Past past/>
        </div>
    }
}

/// Who, how much and why.
#[component]
pub(super) fn Who(grant: GrantView) -> impl IntoView {
    let locale = use_locale();
    let reason = td_string!(locale, support.notice_reason, reason = grant.reason.get().as_str());
    let minutes = td_string!(locale, support.asks_minutes, count = number(language_of(locale), grant.minutes));
    view! {
        <p>
            <strong>{grant.staff_name.get().clone()}</strong>
            ": "
            {words::access(locale, grant.access)}
            ", "
            {minutes}
        </p>
        <p>{reason}</p>
    }
}

#[component]
fn Asked(grant: GrantView, decides: bool) -> impl IntoView {
    let locale = use_locale();
    let id = grant.id.as_str().to_owned();
    let form = use_form("allow");
    let error = form.error("minutes").filter(|_| form.is_about("grant", &id));
    let answer = decides.then(|| {
        view! {
            <form class="stack" method="post">
                <input r#type="hidden" name="grant" value=id.clone()/>
                <Field
                    name="minutes"
                    id=format!("minutes-{id}")
                    label=td_string!(locale, support.minutes)
                    kind="number"
                    value=grant.minutes.to_string()
                    min="1"
                    max="60"
                    hint=td_string!(locale, support.minutes_hint)
                    error
                />
                <div class="form-actions">
                    <Submit intent="allow" tone=Tone::Primary>{td_string!(locale, support.allow)}</Submit>
                    <Submit intent="refuse" tone=Tone::Quiet>{td_string!(locale, support.refuse)}</Submit>
                </div>
            </form>
        }
    });
    view! {
        <Who grant=grant.clone()/>
        {answer}
    }
}

/// Until when, and how much is left of it.
pub(super) fn left(locale: crate::i18n::Locale, ends_at: Option<Millis>, now: Millis) -> String {
    let language = language_of(locale);
    let ends_at = ends_at.unwrap_or(now);
    let until = td_string!(locale, support.until, time = ends_at.readable(language, 0));
    // Rounded up: nothing is left only when it is over.
    let minutes = (ends_at.0 - now.0).max(0).saturating_add(59_999) / 60_000;
    format!("{until}, {}", td_string!(locale, support.minutes_left, count = number(language, minutes)))
}

#[component]
fn Running(grant: GrantView, decides: bool) -> impl IntoView {
    let locale = use_locale();
    let id = grant.id.as_str().to_owned();
    let end = decides.then(|| {
        view! {
            <form method="post">
                <input r#type="hidden" name="grant" value=id/>
                <div class="form-actions">
                    <Submit intent="end" tone=Tone::Danger>{td_string!(locale, support.end)}</Submit>
                </div>
            </form>
        }
    });
    view! {
        <Who grant=grant.clone()/>
        <p>{left(locale, grant.ends_at, use_now())}</p>
        {end}
    }
}

/// What waits for a second person.
#[component]
pub(super) fn Approvals(approvals: Vec<ApprovalView>, decides: bool) -> impl IntoView {
    let locale = use_locale();
    if approvals.is_empty() {
        return None;
    }
    let line = move |approval: ApprovalView| {
        let id = approval.id.as_str().to_owned();
        let object = format!("{} {}", trail::object_kind(locale, &approval.object), trail::short(&approval.object));
        let answer = if approval.approved {
            view! { <Badge>{td_string!(locale, support.approved)}</Badge> }.into_any()
        } else if approval.own {
            view! { <p class="field-hint">{td_string!(locale, support.own_approval)}</p> }.into_any()
        } else if decides {
            view! {
                <form method="post">
                    <input r#type="hidden" name="approval" value=id/>
                    <Submit intent="approve" tone=Tone::Danger>{td_string!(locale, support.approve)}</Submit>
                </form>
            }
            .into_any()
        } else {
            ().into_any()
        };
        view! {
            <li>
                <p>
                    <strong>{approval.staff_name.get().clone()}</strong>
                    ": "
                    {words::act(locale, &approval.act)}
                    " ("
                    <span title=approval.object.clone()>{object}</span>
                    ")"
                </p>
                {answer}
            </li>
        }
    };
    Some(view! {
        <section class="card" aria-labelledby="approvals-title">
            <h2 class="section-title" id="approvals-title">{td_string!(locale, support.approvals_title)}</h2>
            <p>{td_string!(locale, support.approvals_text)}</p>
            <ul class="stack">{approvals.into_iter().map(line).collect_view()}</ul>
        </section>
    })
}

#[component]
fn Past(past: Vec<GrantView>) -> impl IntoView {
    let locale = use_locale();
    if past.is_empty() {
        return None;
    }
    let columns = vec![
        Column::text(td_string!(locale, support.column_who)),
        Column::text(td_string!(locale, support.column_what)),
        Column::wide(td_string!(locale, support.column_when)),
        Column::text(td_string!(locale, support.column_state)),
    ];
    let row = move |grant: GrantView| {
        let (state, meaning) = words::state(locale, grant.state);
        let unused = grant.state == GrantState::Ended && grant.begun_at.is_none();
        view! {
            <tr>
                <td>{grant.staff_name.get().clone()}</td>
                <td>
                    <span>{grant.reason.get().clone()}</span>
                    <span class="cell-sub">{words::access(locale, grant.access)}</span>
                </td>
                <td class="wide nowrap"><Time at=grant.asked_at relative=true/></td>
                <td>
                    <Badge meaning=meaning>{state}</Badge>
                    {unused
                        .then(|| view! { <span class="cell-sub">{td_string!(locale, support.never_used)}</span> })}
                </td>
            </tr>
        }
    };
    Some(view! {
        <section aria-labelledby="past-title">
            <h2 class="section-title" id="past-title">{td_string!(locale, support.past_title)}</h2>
            <Table label=td_string!(locale, support.past_title) columns=columns>
                {past.into_iter().map(row).collect_view()}
            </Table>
        </section>
    })
}
