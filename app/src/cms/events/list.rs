//! All events of the organisation.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Permission;
use shutterpost_model::events::EventSummary;
use shutterpost_model::identity::Me;
use shutterpost_model::time::Date;

use super::head::{Part, days};
use crate::cms::context::use_now;
use crate::cms::load::load;
use crate::texts::{language_of, use_locale};
use crate::ui::{Art, Badge, ButtonLink, EmptyState, Icon, IconName, Meaning, PageHead, PageTitle, Tone};
use crate::words::{is_one, number};

/// The page of all events.
#[component]
pub fn EventsPage() -> impl IntoView {
    load(
        |services, actor| async move { services.events.list(&actor).await },
        |me, events| view! { <Events me events/> }.into_any(),
    )
}

#[component]
fn Events(me: Me, events: Vec<EventSummary>) -> impl IntoView {
    let locale = use_locale();
    let may_create = me.may(Permission::EventWrite);
    let create = move || {
        may_create.then(|| {
            view! {
                <ButtonLink href="/cms/events/new" tone=Tone::Primary icon=IconName::Plus>
                    {td_string!(locale, events.new)}
                </ButtonLink>
            }
        })
    };
    let text = if may_create { td_string!(locale, events.empty_text) } else { td_string!(locale, events.empty_read) };
    view! {
        <PageTitle text=td_string!(locale, events.title)/>
        <PageHead title=td_string!(locale, events.title)>{create()}</PageHead>
        {if events.is_empty() {
            view! {
                <EmptyState art=Art::Calendar title=td_string!(locale, events.empty_title) text=text>
                    {create()}
                </EmptyState>
            }
                .into_any()
        } else {
            view! { <EventCards events/> }.into_any()
        }}
    }
}

/// Events as cards, each with its newest capture.
#[component]
pub fn EventCards(events: Vec<EventSummary>) -> impl IntoView {
    let today = use_now().date();
    view! {
        <ul class="events-cards">
            {events.into_iter().map(|event| view! { <EventCard event today/> }).collect_view()}
        </ul>
    }
}

#[component]
fn EventCard(event: EventSummary, today: Date) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let EventSummary { id, name, starts_on, ends_on, captures, cover, .. } = event;
    let count = if is_one(captures) {
        td_string!(locale, events.count_one).to_owned()
    } else {
        td_string!(locale, events.count_many, n = number(language, captures))
    };
    let state = if today < starts_on {
        Some((Meaning::Info, td_string!(locale, events.upcoming)))
    } else if today <= ends_on {
        Some((Meaning::Good, td_string!(locale, events.running)))
    } else {
        None
    };
    let badge = state.map(|(meaning, text)| view! { <Badge meaning>{text}</Badge> });
    view! {
        <li class="card events-card">
            <a class="events-card-link" href=Part::Captures.href(&id)>
                <span class="events-cover">
                    {match cover {
                        Some(cover) => view! { <img src=cover alt="" loading="lazy" decoding="async"/> }.into_any(),
                        None => {
                            view! {
                                <span class="events-cover-none">
                                    <Icon name=IconName::Picture/>
                                    <span>{td_string!(locale, events.no_cover)}</span>
                                </span>
                            }
                                .into_any()
                        }
                    }}
                </span>
                <span class="events-card-name">{name}</span>
                <span class="events-card-line muted">{days(language, starts_on, ends_on)}</span>
                <span class="events-card-line">
                    <span class="muted">{count}</span>
                    {badge}
                </span>
            </a>
        </li>
    }
}
