//! The overview: what needs a person, today's numbers, the newest events.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Permission;
use shutterpost_model::events::{DayNumbers, Overview, SilentDevice};
use shutterpost_model::identity::Me;

use super::sparkline::Sparkline;
use crate::cms::events::head::Part;
use crate::cms::events::list::EventCards;
use crate::cms::load::load;
use crate::texts::{language_of, use_locale};
use crate::ui::{Art, ButtonLink, EmptyState, Icon, IconName, PageHead, PageTitle, Time, Tone};
use crate::words::{is_one, number};

/// The first page after sign-in.
#[component]
pub fn OverviewPage() -> impl IntoView {
    load(
        |services, actor| async move { services.events.overview(&actor).await },
        |me, overview| view! { <Morning me overview/> }.into_any(),
    )
}

#[component]
fn Morning(me: Me, overview: Overview) -> impl IntoView {
    let locale = use_locale();
    let may_create = me.may(Permission::EventWrite);
    let Overview { today, days, failed_messages, waiting_messages, silent_devices, events } = overview;
    let organisation = me.current.map(|current| current.name.into());
    let create = move || {
        may_create.then(|| {
            view! {
                <ButtonLink href="/cms/events/new" tone=Tone::Primary icon=IconName::Plus>
                    {td_string!(locale, events.new)}
                </ButtonLink>
            }
        })
    };
    view! {
        <PageTitle text=td_string!(locale, overview.title)/>
        <PageHead title=td_string!(locale, overview.title) subtitle=organisation>
            {create()}
        </PageHead>
        <Attention failed=failed_messages devices=silent_devices/>
        <Numbers today days waiting=waiting_messages failed=failed_messages/>
        <section class="overview-events">
            <div class="overview-heading">
                <h2>{td_string!(locale, overview.newest)}</h2>
                <a class="link" href="/cms/events">{td_string!(locale, overview.all_events)}</a>
            </div>
            {if events.is_empty() {
                view! {
                    <EmptyState
                        art=Art::Calendar
                        title=td_string!(locale, overview.empty_title)
                        text=td_string!(locale, overview.empty_text)
                    >
                        {create()}
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! { <EventCards events/> }.into_any()
            }}
        </section>
    }
}

/// What waits for a person, before everything else.
#[component]
fn Attention(failed: i64, devices: Vec<SilentDevice>) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    if failed == 0 && devices.is_empty() {
        return view! {
            <p class="overview-calm">
                <Icon name=IconName::Check/>
                <span>{td_string!(locale, overview.attention_none)}</span>
            </p>
        }
        .into_any();
    }
    let messages = (failed > 0).then(|| {
        let text = if is_one(failed) {
            td_string!(locale, overview.failed_one).to_owned()
        } else {
            td_string!(locale, overview.failed_many, n = number(language, failed))
        };
        view! {
            <li class="overview-task overview-task-bad">
                <Icon name=IconName::Warning/>
                <span class="overview-task-text">
                    <strong>{text}</strong>
                </span>
                <a class="link" href="/cms/messages?state=failed">{td_string!(locale, overview.failed_action)}</a>
            </li>
        }
    });
    view! {
        <section class="card overview-attention" aria-labelledby="overview-attention">
            <h2 id="overview-attention">{td_string!(locale, overview.attention)}</h2>
            <ul class="overview-tasks">
                {messages}
                {devices
                    .into_iter()
                    .map(|SilentDevice { event, event_name, device_name, last_seen_at }| {
                        view! {
                            <li class="overview-task">
                                <Icon name=IconName::Device/>
                                <span class="overview-task-text">
                                    <strong>{td_string!(locale, overview.silent, device = device_name)}</strong>
                                    <span class="muted">
                                        {td_string!(locale, overview.silent_at, event = event_name)} " "
                                        <Time at=last_seen_at relative=true/>
                                    </span>
                                </span>
                                <a class="link" href=Part::Devices.href(&event)>{td_string!(locale, overview.silent_action)}</a>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </section>
    }
    .into_any()
}

/// Four numbers, each the way to the list behind it.
#[component]
fn Numbers(today: DayNumbers, days: Vec<DayNumbers>, waiting: i64, failed: i64) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let yesterday = days.iter().rev().nth(1).copied();
    let series = |value: fn(&DayNumbers) -> i64| days.iter().map(value).collect::<Vec<_>>();
    let before = |value: fn(&DayNumbers) -> i64| {
        yesterday.map(|day| td_string!(locale, overview.yesterday, n = number(language, value(&day))))
    };
    let captured: fn(&DayNumbers) -> i64 = |day| day.captures;
    let delivered: fn(&DayNumbers) -> i64 = |day| day.delivered;
    let unsent: fn(&DayNumbers) -> i64 = |day| day.failed;
    let waiting_hint = (waiting > 0).then(|| td_string!(locale, overview.being_sent).to_owned());
    let failed_hint = (failed > 0).then(|| td_string!(locale, overview.to_act, n = number(language, failed)));
    view! {
        <section aria-labelledby="overview-today">
            <div class="overview-heading">
                <h2 id="overview-today">{td_string!(locale, overview.today)}</h2>
                <span class="muted">{td_string!(locale, overview.today_hint)}</span>
            </div>
            <div class="overview-numbers">
                <Figure
                    href="/cms/events"
                    label=td_string!(locale, overview.captures)
                    value=today.captures
                    hint=before(captured)
                    series=series(captured)
                />
                <Figure
                    href="/cms/messages?state=sent"
                    label=td_string!(locale, overview.delivered)
                    value=today.delivered
                    hint=before(delivered)
                    series=series(delivered)
                />
                <Figure
                    href="/cms/messages?state=queued"
                    label=td_string!(locale, overview.waiting)
                    value=waiting
                    hint=waiting_hint
                    series=Vec::new()
                />
                <Figure
                    href="/cms/messages?state=failed"
                    label=td_string!(locale, overview.failed)
                    value=today.failed
                    hint=failed_hint
                    series=series(unsent)
                />
            </div>
        </section>
    }
}

#[component]
fn Figure(
    href: &'static str,
    label: &'static str,
    value: i64,
    hint: Option<String>,
    /// The last days; nothing is drawn if empty.
    series: Vec<i64>,
) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    view! {
        <a class="card overview-number" href=href>
            <span class="overview-number-label">{label}</span>
            <span class="overview-number-value">{number(language, value)}</span>
            <span class="overview-number-hint muted">{hint}</span>
            {(!series.is_empty()).then(|| view! { <Sparkline values=series/> })}
        </a>
    }
}
