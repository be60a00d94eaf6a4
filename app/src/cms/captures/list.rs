//! An event's captures.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;

use shutterpost_model::access::Permission;
use shutterpost_model::captures::{CaptureFilter, CapturePage, PAGE};
use shutterpost_model::events::{Device, Event};
use shutterpost_model::id::EventId;
use shutterpost_model::identity::Me;
use shutterpost_model::messages::DeliveryState;

use super::board::Board;
use super::feed::{FilterQuery, is_restricted};
use crate::cms::events::head::{EventHead, Part, days};
use crate::cms::events::use_event;
use crate::cms::forms::OutcomeBanner;
use crate::cms::island::{Slot, island};
use crate::cms::load::load;
use crate::texts::{language_of, use_locale};
use crate::ui::{Art, ButtonLink, Chips, Dialog, DialogButton, EmptyState, IconName, PageTitle, Tab, Tone, escape};

/// The grid of an event.
#[component]
pub fn CapturesPage() -> impl IntoView {
    let event = use_event();
    let query = use_query_map().with_untracked(|query| FilterQuery::read(|name| query.get(name)));
    let FilterQuery { filter, cursor } = query.clone();
    load(
        |services, actor| async move {
            let event = services.events.find(&actor, &event?).await?;
            let page = services.captures.list(&actor, &event.id, filter, cursor, PAGE).await?;
            // To filter by; whoever may not manage devices filters without.
            let devices = services.events.devices(&actor, &event.id).await?;
            Ok((event, page, devices))
        },
        |me, (event, page, devices)| view! { <Captures me event page devices query/> }.into_any(),
    )
}

#[component]
fn Captures(me: Me, event: Event, page: CapturePage, devices: Vec<Device>, query: FilterQuery) -> impl IntoView {
    let language = language_of(use_locale());
    let board = Board {
        event: event.id.clone(),
        event_name: event.draft.name.clone(),
        may_write: me.may(Permission::CaptureWrite),
        may_export: me.may(Permission::CaptureExport),
        filters: Slot::of(view! { <Filters event=event.id.clone() query=query.clone() devices/> }),
        empty: Slot::of(
            view! { <Empty query=query.clone() event=event.id.clone() device_manage=me.may(Permission::DeviceManage)/> },
        ),
        query,
        page,
    };
    view! {
        <PageTitle text=event.draft.name.clone()/>
        <EventHead
            me=me
            event=event.id
            name=event.draft.name
            subtitle=days(language, event.draft.starts_on, event.draft.ends_on)
            current=Part::Captures
        >
            <Keys/>
        </EventHead>
        {["upload", "delete", "restore"].into_iter().map(|intent| view! { <OutcomeBanner intent/> }).collect_view()}
        {island(board)}
    }
}

/// Filters as chips, each an address of its own; devices in a select, because there may be many.
#[component]
fn Filters(event: EventId, query: FilterQuery, devices: Vec<Device>) -> impl IntoView {
    let locale = use_locale();
    let filter = query.filter;
    let base = format!("/cms/events/{event}");
    let to = |change: &dyn Fn(&mut CaptureFilter)| {
        let mut filter = filter.clone();
        change(&mut filter);
        format!("{base}{}", FilterQuery { filter, cursor: None }.write())
    };
    let mut tabs = vec![Tab::new(base.clone(), td_string!(locale, captures.filter_all), !is_restricted(&filter))];
    for (state, label) in [
        (DeliveryState::Queued, td_string!(locale, captures.filter_queued)),
        (DeliveryState::Sent, td_string!(locale, captures.filter_sent)),
        (DeliveryState::Failed, td_string!(locale, captures.filter_failed)),
    ] {
        // A chosen chip leads back to the list without it.
        let chosen = filter.delivery == Some(state);
        let href = to(&|filter| {
            filter.delivery = (!chosen).then_some(state);
            filter.trash = false;
        });
        tabs.push(Tab::new(href, label, chosen));
    }
    for (guest, label) in
        [(true, td_string!(locale, captures.filter_with)), (false, td_string!(locale, captures.filter_without))]
    {
        let chosen = filter.guest == Some(guest);
        tabs.push(Tab::new(to(&|filter| filter.guest = (!chosen).then_some(guest)), label, chosen));
    }
    let chosen = filter.trash;
    let trash = to(&|filter| {
        *filter = CaptureFilter { trash: !chosen, ..Default::default() };
    });
    tabs.push(Tab::new(trash, td_string!(locale, captures.filter_trash), chosen));
    view! {
        <Chips label=td_string!(locale, captures.filters) tabs/>
        {(!devices.is_empty()).then(|| view! { <DeviceFilter base filter devices/> })}
    }
}

/// A form that only changes the address; with script, choosing is enough.
#[component]
fn DeviceFilter(base: String, filter: CaptureFilter, devices: Vec<Device>) -> impl IntoView {
    let locale = use_locale();
    let hidden = [
        ("delivery", filter.delivery.map(DeliveryState::as_str)),
        ("guest", filter.guest.map(|with| if with { "with" } else { "without" })),
        ("trash", filter.trash.then_some("1")),
    ];
    view! {
        <form method="get" action=base class="captures-device">
            {hidden
                .into_iter()
                .filter_map(|(name, value)| Some(view! { <input r#type="hidden" name=name value=value?/> }))
                .collect_view()}
            <label class="visually-hidden" for="device">{td_string!(locale, captures.filter_device)}</label>
            <select class="input select" id="device" name="device" data-submits="">
                <option value="" selected=filter.device.is_none()>
                    {td_string!(locale, captures.filter_device_any)}
                </option>
                {devices
                    .into_iter()
                    .map(|device| {
                        let selected = filter.device.as_ref() == Some(&device.id);
                        view! { <option value=device.id.to_string() selected=selected inner_html=escape(&device.name)></option> }
                    })
                    .collect_view()}
            </select>
            <button r#type="submit" class="button" data-without-script="">
                {td_string!(locale, captures.filter_device_apply)}
            </button>
        </form>
    }
}

/// What an empty list means, and what to do.
#[component]
fn Empty(query: FilterQuery, event: EventId, device_manage: bool) -> impl IntoView {
    let locale = use_locale();
    if query.filter.trash {
        return view! {
            <EmptyState
                art=Art::Pictures
                title=td_string!(locale, captures.empty_trash_title)
                text=td_string!(locale, captures.empty_trash_text)
            />
        }
        .into_any();
    }
    if is_restricted(&query.filter) {
        return view! {
            <EmptyState
                art=Art::Pictures
                title=td_string!(locale, captures.empty_filter_title)
                text=td_string!(locale, captures.empty_filter_text)
            >
                <ButtonLink href=format!("/cms/events/{event}")>{td_string!(locale, captures.empty_filter_action)}</ButtonLink>
            </EmptyState>
        }
        .into_any();
    }
    view! {
        <EmptyState
            art=Art::Pictures
            title=td_string!(locale, captures.empty_title)
            text=td_string!(locale, captures.empty_text)
        >
            {device_manage
                .then(|| {
                    view! {
                        <ButtonLink href=Part::Devices.href(&event) icon=IconName::Device>
                            {td_string!(locale, captures.empty_device)}
                        </ButtonLink>
                    }
                })}
        </EmptyState>
    }
    .into_any()
}

/// The keys of the page, for those who look for them.
#[component]
fn Keys() -> impl IntoView {
    let locale = use_locale();
    let keys = [
        (td_string!(locale, captures.key_arrows), td_string!(locale, captures.key_arrows_text)),
        ("x", td_string!(locale, captures.key_x)),
        ("a", td_string!(locale, captures.key_a)),
        (td_string!(locale, captures.key_space), td_string!(locale, captures.key_space_text)),
        (td_string!(locale, captures.key_enter), td_string!(locale, captures.key_enter_text)),
        (td_string!(locale, captures.key_delete), td_string!(locale, captures.key_delete_text)),
        (td_string!(locale, captures.key_escape), td_string!(locale, captures.key_escape_text)),
    ];
    view! {
        <span class="captures-keys">
            <DialogButton dialog="captures-keys" tone=Tone::Quiet>
                {td_string!(locale, captures.keys)}
            </DialogButton>
        </span>
        <Dialog id="captures-keys" title=td_string!(locale, captures.keys_heading)>
            <dl class="captures-keys-list">
                {keys
                    .into_iter()
                    .map(|(key, text)| view! { <dt><kbd>{key}</kbd></dt> <dd>{text}</dd> })
                    .collect_view()}
            </dl>
        </Dialog>
    }
}
