//! All messages of the organisation.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;

use shutterpost_model::access::Permission;
use shutterpost_model::identity::Me;
use shutterpost_model::messages::{DeliveryState, MessagePage, MessageView};

use super::timeline::{SendAgain, state, subject};
use crate::cms::context::use_dev;
use crate::cms::forms::OutcomeBanner;
use crate::cms::load::load;
use crate::texts::{self, Locale, language_of, use_locale};
use crate::ui::{
    Art, Badge, Banner, ButtonLink, Chips, Column, EmptyState, IconName, LoadMore, PageHead, PageTitle, Tab, Table,
    Time,
};
use crate::words::{encode, is_one, number};

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
    let (state, cursor) = use_query_map().with_untracked(|query| -> Query {
        let state = query.get_str("state").and_then(DeliveryState::from_name);
        (state, query.get("cursor").filter(|cursor| !cursor.is_empty()))
    });
    let from = cursor.clone();
    load(
        move |services, actor| async move { services.messages.list(&actor, state, from).await },
        move |me, page| view! { <Messages me page state cursor/> }.into_any(),
    )
}

#[component]
fn Messages(me: Me, page: MessagePage, state: Option<DeliveryState>, cursor: Option<String>) -> impl IntoView {
    let locale = use_locale();
    let tabs = std::iter::once(Tab::new(href(None, None), td_string!(locale, messages.all), state.is_none()))
        .chain(DeliveryState::ALL.into_iter().map(|other| {
            let (_, label) = self::state(locale, other);
            Tab::new(href(Some(other), None), label, state == Some(other))
        }))
        .collect::<Vec<_>>();
    let may_send = me.may(Permission::MessageSend);
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
                        <a class="link" href="/dev/outbox">{td_string!(locale, messages.outbox)}</a>
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
        {if page.items.is_empty() {
            view! { <Empty state/> }.into_any()
        } else {
            view! {
                <Table label=td_string!(locale, messages.title) columns>
                    {page.items.into_iter().map(|message| view! { <Row message may_send/> }).collect_view()}
                </Table>
            }
                .into_any()
        }}
        {page.next.map(|cursor| view! { <LoadMore href=href(state, Some(&cursor))/> })}
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
