//! All messages of the organisation.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;

use shutterpost_model::access::Permission;
use shutterpost_model::error::AppError;
use shutterpost_model::identity::Me;
use shutterpost_model::messages::{DeliveryState, MessagePage, MessageView};

use super::api;
use super::timeline::{SendAgain, state, subject};
use crate::cms::context::use_dev;
use crate::cms::forms::{OutcomeBanner, banner};
use crate::cms::load::load;
use crate::cms::words::{encode, is_one, number};
use crate::texts::{self, Locale, language_of, use_locale};
use crate::ui::{
    Art, Badge, Banner, ButtonLink, Chips, Column, EmptyState, ErrorBanner, IconName, LoadMore, PageHead, PageTitle,
    Shape, Skeleton, Tab, Table, Time,
};

/// State and cursor of the list, as the address says.
type Query = (Option<DeliveryState>, Option<String>);

/// The address of a list.
fn href(state: Option<DeliveryState>, cursor: Option<&str>) -> String {
    let parts: Vec<_> = [
        state.map(|state| format!("state={}", state.as_str())),
        cursor.map(|cursor| format!("cursor={}", encode(cursor))),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "/cms/messages".to_owned() } else { format!("/cms/messages?{}", parts.join("&")) }
}

/// The page of all messages.
#[component]
pub fn MessagesPage() -> impl IntoView {
    let query = use_query_map();
    let read = move |get: &dyn Fn(&str) -> Option<String>| -> Query {
        let state = get("state").as_deref().and_then(DeliveryState::from_name);
        (state, get("cursor").filter(|cursor| !cursor.is_empty()))
    };
    let source = move || read(&|name| query.read().get(name));
    let data = Resource::new(source, |(state, cursor)| api::list(state, cursor));
    load(
        data,
        || view! { <Skeleton shape=Shape::Rows/> }.into_any(),
        move |me, page| {
            let (state, cursor) = read(&|name| query.read_untracked().get(name));
            view! { <Messages me page state cursor/> }.into_any()
        },
    )
}

#[component]
fn Messages(me: Me, page: MessagePage, state: Option<DeliveryState>, cursor: Option<String>) -> impl IntoView {
    let locale = use_locale();
    let rows = RwSignal::new(page.items);
    let next = RwSignal::new(page.next);
    let busy = RwSignal::new(false);
    let trouble = RwSignal::new(None::<AppError>);
    let more = Callback::new(move |()| {
        busy.set(true);
        trouble.set(None);
        spawn_local(async move {
            let answer = api::list(state, next.get_untracked()).await;
            if rows.is_disposed() {
                return;
            }
            busy.set(false);
            match answer {
                Ok(page) => {
                    rows.update(|rows| rows.extend(page.items));
                    next.set(page.next);
                }
                Err(error) => trouble.set(Some(error.0)),
            }
        });
    });
    let tabs = std::iter::once(Tab::new(href(None, None), td_string!(locale, messages.all), state.is_none()))
        .chain(DeliveryState::ALL.into_iter().map(|other| {
            let (_, label) = self::state(locale, other);
            Tab::new(href(Some(other), None), label, state == Some(other))
        }))
        .collect::<Vec<_>>();
    let may_send = me.may(Permission::MessageSend);
    let empty = rows.with_untracked(Vec::is_empty);
    let columns = vec![
        Column::text(td_string!(locale, messages.column_to)),
        Column::text(td_string!(locale, messages.column_what)),
        Column::text(td_string!(locale, messages.column_state)),
        Column::wide(td_string!(locale, messages.column_when)),
        Column::actions(td_string!(locale, messages.column_actions)),
    ];
    view! {
        <PageTitle text=td_string!(locale, messages.title)/>
        <PageHead title=td_string!(locale, messages.title)/>
        <OutcomeBanner intent="send_again"/>
        {use_dev()
            .then(|| {
                view! {
                    <Banner>
                        {td_string!(locale, messages.outbox_hint)} " "
                        <a class="link" href="/dev/outbox" rel="external">{td_string!(locale, messages.outbox)}</a>
                    </Banner>
                }
            })}
        <Chips label=td_string!(locale, messages.filters) tabs/>
        {cursor
            .is_some()
            .then(|| {
                view! {
                    <p class="captures-back">
                        <ButtonLink href=href(state, None) icon=IconName::ChevronLeft>
                            {td_string!(locale, messages.first_page)}
                        </ButtonLink>
                    </p>
                }
            })}
        {if empty {
            view! { <Empty state/> }.into_any()
        } else {
            view! {
                <Table label=td_string!(locale, messages.title) columns>
                    <For each=move || rows.get() key=|message| message.id.clone() let:message>
                        <Row message may_send/>
                    </For>
                </Table>
            }
                .into_any()
        }}
        {move || {
            trouble
                .get()
                .map(|error| {
                    let (text, request_id) = banner(&error, language_of(locale));
                    view! { <ErrorBanner text request_id/> }
                })
        }}
        {move || {
            next.get()
                .map(|cursor| view! { <LoadMore href=href(state, Some(&cursor)) busy on_press=more/> })
        }}
    }
}

/// How it stands with a message, in a sentence below its state.
fn explanation(locale: Locale, message: &MessageView) -> Option<String> {
    let attempts = i64::try_from(message.deliveries.len()).unwrap_or(i64::MAX);
    let tries = match attempts {
        0 => None,
        _ if is_one(attempts) => Some(td_string!(locale, messages.attempts_one).to_owned()),
        _ => Some(td_string!(locale, messages.attempts_many, n = number(language_of(locale), attempts))),
    };
    let reason = message.reason.filter(|_| message.state != DeliveryState::Sent);
    let reason = reason.map(|reason| texts::failure(reason, language_of(locale)).to_string());
    match (reason, tries) {
        (Some(reason), Some(tries)) => Some(format!("{reason} ({tries})")),
        (Some(reason), None) => Some(reason),
        (None, _) => None,
    }
}

#[component]
fn Row(message: MessageView, may_send: bool) -> impl IntoView {
    let locale = use_locale();
    let (meaning, word) = state(locale, message.state);
    let explanation = explanation(locale, &message);
    let next = message.next_attempt_at.filter(|_| message.state == DeliveryState::Queued);
    view! {
        <tr>
            <td class="messages-to">{message.to.get().clone()}</td>
            <td>
                {match &message.capture {
                    Some(capture) => {
                        view! {
                            <a class="link" href=format!("/cms/captures/{capture}") title=td_string!(locale, messages.show_capture)>
                                {subject(locale, message.template)}
                            </a>
                        }
                            .into_any()
                    }
                    None => view! { <span>{subject(locale, message.template)}</span> }.into_any(),
                }}
            </td>
            <td class="messages-state">
                <Badge meaning>{word}</Badge>
                {explanation.map(|text| view! { <span class="muted messages-reason">{text}</span> })}
                {next
                    .map(|at| {
                        view! {
                            <span class="muted messages-reason">
                                {td_string!(locale, messages.next_attempt)} " " <Time at relative=true/>
                            </span>
                        }
                    })}
            </td>
            <td class="wide">
                <Time at=message.created_at relative=true/>
            </td>
            <td class="actions">{may_send.then(|| view! { <SendAgain message=message.id.to_string()/> })}</td>
        </tr>
    }
}

/// What an empty list means.
#[component]
fn Empty(state: Option<DeliveryState>) -> impl IntoView {
    let locale = use_locale();
    let (title, text) = match state {
        None => (td_string!(locale, messages.empty_title), td_string!(locale, messages.empty_text)),
        Some(DeliveryState::Failed) => {
            (td_string!(locale, messages.empty_failed_title), td_string!(locale, messages.empty_failed_text))
        }
        Some(_) => (td_string!(locale, messages.empty_filter_title), td_string!(locale, messages.empty_filter_text)),
    };
    view! {
        <EmptyState art=Art::Letter title text>
            {state
                .is_some()
                .then(|| {
                    view! {
                        <ButtonLink href="/cms/messages">{td_string!(locale, messages.empty_filter_action)}</ButtonLink>
                    }
                })}
        </EmptyState>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_an_address() {
        assert_eq!(href(None, None), "/cms/messages");
        assert_eq!(href(Some(DeliveryState::Failed), Some("a=")), "/cms/messages?state=failed&cursor=a%3D");
    }
}
