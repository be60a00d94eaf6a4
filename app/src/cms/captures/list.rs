//! An event's captures.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::{use_navigate, use_params_map, use_query_map};
use serde::{Deserialize, Serialize};

use shutterpost_model::access::Permission;
use shutterpost_model::captures::CapturePage;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{Device, Event};
use shutterpost_model::id::EventId;
use shutterpost_model::identity::Me;
use shutterpost_model::messages::DeliveryState;

use super::api;
use super::feed::{FilterQuery, is_restricted};
use super::grid::CaptureGrid;
use super::state::{Grid, kept};
use super::upload::Uploads;
use crate::cms::context::{Answer, CmsError};
use crate::cms::events;
use crate::cms::events::head::{EventHead, Part, days};
use crate::cms::forms::OutcomeBanner;
use crate::cms::load::load;
use crate::cms::words::{is_one, number};
use crate::texts::{language_of, use_locale};
use crate::ui::{
    Art, Banner, ButtonLink, Chips, Dialog, DialogButton, EmptyState, IconName, Meaning, PageTitle, Shape, Skeleton,
    Tab, Tone,
};

/// Everything the page shows at first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Data {
    event: Event,
    page: CapturePage,
    /// To filter by.
    devices: Vec<Device>,
}

async fn fetch(event: Option<EventId>, query: FilterQuery) -> Answer<Data> {
    let id = event.ok_or(CmsError(AppError::new(Code::NotFound)))?;
    let event = events::api::find(id.clone()).await?;
    let page = match kept(&id, &query) {
        Some(page) => page,
        None => api::list(id.clone(), query.filter, query.cursor).await?,
    };
    let devices = events::api::devices(id).await?;
    Ok(Data { event, page, devices })
}

/// The grid of an event.
#[component]
pub fn CapturesPage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let source = move || {
        let event = params.read().get("event").and_then(|id| id.parse().ok());
        (event, FilterQuery::read(|name| query.read().get(name)))
    };
    let data = Resource::new(source, |(event, query)| fetch(event, query));
    load(
        data,
        || view! { <Skeleton shape=Shape::Grid/> }.into_any(),
        move |me, data| {
            // The query that the data were fetched for; it changes only together with them.
            let query = FilterQuery::read(|name| query.read_untracked().get(name));
            view! { <Captures me data query/> }.into_any()
        },
    )
}

#[component]
fn Captures(me: Me, data: Data, query: FilterQuery) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let Data { event, page, devices } = data;
    let may_write = me.may(Permission::CaptureWrite);
    let grid = Grid::new(event.id.clone(), query.clone(), page);
    let in_trash = query.filter.trash;
    let count = move || {
        let total = grid.total.get();
        if is_one(total) {
            td_string!(locale, events.count_one).to_owned()
        } else {
            td_string!(locale, events.count_many, n = number(language, total))
        }
    };
    let empty = Memo::new(move |_| grid.shown.with(Vec::is_empty));
    let filter = query.clone();
    let name = event.draft.name.clone();
    let id = event.id.clone();
    let device_manage = me.may(Permission::DeviceManage);
    view! {
        <PageTitle text=event.draft.name.clone()/>
        <EventHead
            me=me
            event=event.id.clone()
            name=event.draft.name.clone()
            subtitle=days(language, event.draft.starts_on, event.draft.ends_on)
            current=Part::Captures
        >
            <Keys/>
        </EventHead>
        {["upload", "delete", "restore"].into_iter().map(|intent| view! { <OutcomeBanner intent/> }).collect_view()}
        {(may_write && !in_trash)
            .then(|| {
                view! {
                    <Uploads
                        event=event.id.clone()
                        event_name=event.draft.name.clone()
                        arrived=Callback::new(move |()| grid.look(false))
                    />
                }
            })}
        <div class="captures-filters">
            <Filters event=event.id.clone() query=query.clone() devices/>
            <span class="captures-count muted">{count}</span>
        </div>
        {in_trash.then(|| view! { <Banner>{td_string!(locale, captures.trash_hint)}</Banner> })}
        {query
            .cursor
            .is_some()
            .then(|| {
                let newest = FilterQuery { cursor: None, ..query.clone() }.write();
                view! {
                    <p class="captures-back">
                        <ButtonLink href=format!("/cms/events/{id}{newest}") icon=IconName::ChevronLeft>
                            {td_string!(locale, captures.first_page)}
                        </ButtonLink>
                    </p>
                }
            })}
        {move || {
            grid.silent
                .get()
                .then(|| view! { <Banner meaning=Meaning::Warn>{td_string!(locale, captures.live_off)}</Banner> })
        }}
        {move || empty.get().then(|| view! { <Empty query=filter.clone() event=event.id.clone() device_manage/> })}
        <CaptureGrid grid event_name=name may_write/>
    }
}

/// Filters as chips, each an address of its own; devices in a select, because there may be many.
#[component]
fn Filters(event: EventId, query: FilterQuery, devices: Vec<Device>) -> impl IntoView {
    let locale = use_locale();
    let filter = query.filter;
    let base = format!("/cms/events/{event}");
    let to = |change: &dyn Fn(&mut shutterpost_model::captures::CaptureFilter)| {
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
        *filter = shutterpost_model::captures::CaptureFilter { trash: !chosen, ..Default::default() };
    });
    tabs.push(Tab::new(trash, td_string!(locale, captures.filter_trash), chosen));
    view! {
        <Chips label=td_string!(locale, captures.filters) tabs/>
        {(!devices.is_empty()).then(|| view! { <DeviceFilter base filter devices/> })}
    }
}

/// A form that only changes the address; with script, choosing is enough.
#[component]
fn DeviceFilter(
    base: String,
    filter: shutterpost_model::captures::CaptureFilter,
    devices: Vec<Device>,
) -> impl IntoView {
    let locale = use_locale();
    let navigate = use_navigate();
    let alive = RwSignal::new(false);
    Effect::new(move || alive.set(true));
    let change = {
        let (base, filter) = (base.clone(), filter.clone());
        move |event: leptos::ev::Event| {
            let filter = shutterpost_model::captures::CaptureFilter {
                device: event_target_value(&event).parse().ok(),
                ..filter.clone()
            };
            let query = FilterQuery { filter, cursor: None }.write();
            navigate(&format!("{base}{query}"), leptos_router::NavigateOptions::default());
        }
    };
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
            <select class="input select" id="device" name="device" on:change=change>
                <option value="" selected=filter.device.is_none()>
                    {td_string!(locale, captures.filter_device_any)}
                </option>
                {devices
                    .into_iter()
                    .map(|device| {
                        let selected = filter.device.as_ref() == Some(&device.id);
                        view! { <option value=device.id.to_string() selected=selected>{device.name}</option> }
                    })
                    .collect_view()}
            </select>
            <button r#type="submit" class="button" hidden=move || alive.get()>
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
