//! The grid: justified rows of tiles in reserved boxes, a selection, and the keys that work on both.

use std::collections::HashSet;

use leptos::prelude::*;
use leptos_i18n::td_string;
use wasm_bindgen::JsCast;

use shutterpost_model::captures::{CaptureKind, CaptureSummary};
use shutterpost_model::id::CaptureId;
use shutterpost_model::language::Language;
use shutterpost_model::messages::DeliveryState;

use super::bar::{Removal, SelectionBar};
use super::feed::{FilterQuery, ratio_class};
use super::live;
use super::look::QuickLook;
use super::place;
use super::selection::Direction;
use super::state::Grid;
use crate::cms::refusal::banner;
use crate::texts::{Locale, language_of, use_locale};
use crate::ui::{ErrorBanner, Icon, IconName, LoadMore, Skeleton, Time, alive};
use crate::words::{exact, is_one, number, playing};

/// What a tile says to those who do not see it.
fn description(locale: Locale, capture: &CaptureSummary) -> String {
    let language = language_of(locale);
    let mut text = td_string!(locale, captures.tile, when = exact(language, capture.captured_at));
    let guests = guests(locale, language, i64::from(capture.guests));
    let moves = moves(locale, capture.kind, capture.duration);
    let unplayable = capture.unplayable.then(|| td_string!(locale, captures.unplayable).to_owned());
    let delivery = capture.delivery.map(|state| delivery(locale, state).to_owned());
    for part in [moves, unplayable, guests, delivery].into_iter().flatten() {
        text.push_str(", ");
        text.push_str(&part);
    }
    text
}

/// What kind of thing moves, and how long; nothing of a still.
pub(super) fn moves(locale: Locale, kind: CaptureKind, duration: Option<i64>) -> Option<String> {
    Some(match (kind, duration.map(playing)) {
        (CaptureKind::Still, _) => return None,
        (CaptureKind::Film, Some(length)) => td_string!(locale, captures.video_of, length = length),
        (CaptureKind::Film, None) => td_string!(locale, captures.video).to_owned(),
        (CaptureKind::Animation, Some(length)) => td_string!(locale, captures.animation_of, length = length),
        (CaptureKind::Animation, None) => td_string!(locale, captures.animation).to_owned(),
    })
}

fn guests(locale: Locale, language: Language, count: i64) -> Option<String> {
    match count {
        0 => None,
        _ if is_one(count) => Some(td_string!(locale, captures.guests_one).to_owned()),
        _ => Some(td_string!(locale, captures.guests_many, n = number(language, count))),
    }
}

/// A delivery's state in words.
pub fn delivery(locale: Locale, state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Queued => td_string!(locale, captures.state_queued),
        DeliveryState::Sent => td_string!(locale, captures.state_sent),
        DeliveryState::Failed => td_string!(locale, captures.state_failed),
    }
}

/// The grid of one event and filter. Without script it is a form of checkboxes with buttons, and links.
#[component]
pub fn CaptureGrid(grid: Grid, event_name: String, may_write: bool, may_export: bool) -> impl IntoView {
    let locale = use_locale();
    let looked_at = RwSignal::new(None::<CaptureId>);
    let removal = Removal::new(grid);
    let end = NodeRef::<leptos::html::Div>::new();
    let list = NodeRef::<leptos::html::Ul>::new();
    live::watch(grid);
    live::load_ahead(grid, end);
    keep_early_choices(grid, list);
    place::come_back(grid);
    localise_tiles(grid);
    Effect::new(move || {
        let keys = window_event_listener(leptos::ev::keydown, move |event| {
            press(&event, grid, looked_at, may_write.then_some(removal));
        });
        on_cleanup(move || keys.remove());
    });
    let next = move || {
        grid.next.get().map(|cursor| {
            let href =
                format!("/cms/events/{}{}", grid.event(), FilterQuery { cursor: Some(cursor), ..grid.query() }.write());
            view! { <LoadMore href=href busy=grid.loading on_press=Callback::new(move |()| grid.load_more())/> }
        })
    };
    let trouble = move || {
        grid.trouble.get().map(|error| {
            let (text, request_id) = banner(&error, language_of(locale));
            view! { <ErrorBanner text request_id/> }
        })
    };
    view! {
        <NewPill grid/>
        <form method="post" class="captures-form">
            <ul class="captures-grid" node_ref=list aria-label=td_string!(locale, captures.grid)>
                <For
                    each=move || grid.shown.get()
                    // A tile is drawn afresh when what it says changes.
                    key=|capture| {
                        (capture.id.clone(), capture.delivery, capture.guests, capture.duration, capture.unplayable)
                    }
                    let:capture
                >
                    <Tile grid capture may_write/>
                </For>
            </ul>
            {may_write.then(|| view! { <SelectionBar grid removal may_export/> })}
        </form>
        {move || grid.loading.get().then(|| view! { <Skeleton/> })}
        {trouble}
        {next}
        <div node_ref=end class="captures-end"></div>
        <QuickLook grid capture=looked_at event_name/>
    }
}

/// One capture of the grid.
#[component]
fn Tile(grid: Grid, capture: CaptureSummary, may_write: bool) -> impl IntoView {
    let locale = use_locale();
    let description = description(locale, &capture);
    let select = td_string!(locale, captures.select, when = exact(language_of(locale), capture.captured_at));
    let arrived = grid.arrived.with_untracked(|arrived| arrived.contains(&capture.id));
    let CaptureSummary { id, kind, duration, unplayable, captured_at, width, height, thumb, guests, delivery, .. } =
        capture;
    let icon = if unplayable { IconName::Warning } else { IconName::Play };
    // The link around it says the same to those who do not see it.
    let moves = (kind != CaptureKind::Still).then(|| {
        view! {
            <span class="captures-moves" aria-hidden="true">
                <Icon name=icon/>
                {duration.map(|duration| view! { <span>{playing(duration)}</span> })}
            </span>
        }
    });
    let mark = match delivery {
        Some(DeliveryState::Failed) => Some(("captures-mark captures-mark-bad", IconName::Warning)),
        Some(DeliveryState::Queued) => Some(("captures-mark", IconName::Clock)),
        Some(DeliveryState::Sent) => Some(("captures-mark", IconName::Check)),
        None => None,
    };
    let chosen = {
        let id = id.clone();
        Memo::new(move |_| grid.selection.with(|selection| selection.contains(&id)))
    };
    let click = {
        let id = id.clone();
        move |event: leptos::ev::MouseEvent| {
            grid.selection.update(|selection| {
                if event.shift_key() {
                    selection.extend(&grid.order(), &id);
                } else {
                    selection.toggle(&id);
                }
            });
        }
    };
    let opened = id.clone();
    view! {
        <li
            class=format!("captures-tile {}", ratio_class(width, height))
            class:captures-arrived=arrived
            class:captures-chosen=move || chosen.get()
            data-capture=id.to_string()
        >
            <a
                class="captures-open"
                href=format!("/cms/captures/{id}")
                aria-label=description
                on:click=move |_| place::leave(grid, opened.clone())
            >
                <img
                    src=thumb
                    width=width.to_string()
                    height=height.to_string()
                    alt=""
                    loading="lazy"
                    decoding="async"
                />
                {moves}
                <span class="captures-caption">
                    <Time at=captured_at relative=true/>
                    <span class="captures-marks">
                        {(guests > 0).then(|| view! { <span class="captures-mark"><Icon name=IconName::Person/></span> })}
                        {mark.map(|(class, name)| view! { <span class=class><Icon name/></span> })}
                    </span>
                </span>
            </a>
            {may_write
                .then(|| {
                    view! {
                        <label class="captures-check">
                            <input
                                r#type="checkbox"
                                name="capture"
                                value=id.to_string()
                                aria-label=select
                                prop:checked=move || chosen.get()
                                on:click=click
                            />
                        </label>
                    }
                })}
        </li>
    }
}

/// How many came in while the reader was further down.
#[component]
fn NewPill(grid: Grid) -> impl IntoView {
    let locale = use_locale();
    let text = move || {
        let count = grid.waiting.with(|waiting| i64::try_from(waiting.len()).unwrap_or(i64::MAX));
        match count {
            0 => None,
            1 => Some(td_string!(locale, captures.new_one).to_owned()),
            _ => Some(td_string!(locale, captures.new_many, n = number(language_of(locale), count))),
        }
    };
    let show = move |_| {
        grid.show_waiting();
        window().scroll_to_with_x_and_y(0.0, 0.0);
    };
    view! {
        <div class="captures-pill-place" role="status">
            {move || {
                text()
                    .map(|text| {
                        view! {
                            <button r#type="button" class="captures-pill" on:click=show>
                                <Icon name=IconName::Plus/>
                                <span>{text}</span>
                            </button>
                        }
                    })
            }}
        </div>
    }
}

/// Times of new tiles are written in the reader's zone too.
fn localise_tiles(grid: Grid) {
    Effect::new(move || {
        grid.shown.track();
        // After the frame in which the tiles are put into the page.
        request_animation_frame(alive::localise);
    });
}

/// Boxes ticked before the page came alive stay ticked.
fn keep_early_choices(grid: Grid, list: NodeRef<leptos::html::Ul>) {
    Effect::new(move |before: Option<()>| {
        let Some(list) = list.get() else { return };
        if before.is_some() {
            return;
        }
        let Ok(ticked) = list.query_selector_all("input[name=capture]:checked") else { return };
        let early: HashSet<CaptureId> = (0..ticked.length())
            .filter_map(|index| ticked.get(index)?.dyn_into::<web_sys::HtmlInputElement>().ok()?.value().parse().ok())
            .collect();
        if !early.is_empty() {
            grid.selection.update(|selection| early.iter().for_each(|id| selection.toggle(id)));
        }
    });
}

/// The keys of the grid; without `removal` the reader may not delete.
fn press(
    event: &leptos::ev::KeyboardEvent,
    grid: Grid,
    looked_at: RwSignal<Option<CaptureId>>,
    removal: Option<Removal>,
) {
    if alive::is_elsewhere(event) {
        return;
    }
    let key = event.key();
    if let Some(direction) = Direction::from_key(&key) {
        // Only left and right enter the grid; the others scroll the page until a tile has the focus.
        if !matches!(direction, Direction::Back | Direction::Forth) && live::focused().is_none() {
            return;
        }
        event.prevent_default();
        live::walk(grid, direction);
        return;
    }
    match (key.as_str(), live::focused()) {
        // On a box, space ticks it.
        (" ", Some(_)) if live::is_box(event) => return,
        (" ", Some(id)) => looked_at.set(Some(id)),
        ("x" | "X", Some(id)) if removal.is_some() => grid.selection.update(|selection| {
            if event.shift_key() { selection.extend(&grid.order(), &id) } else { selection.toggle(&id) }
        }),
        ("a" | "A", _) if removal.is_some() => {
            let order = grid.order();
            grid.selection.update(|selection| selection.toggle_all(&order));
        }
        ("Escape", _) => grid.selection.update(super::selection::Selection::clear),
        ("Delete" | "Backspace", focused) => {
            let Some(removal) = removal else { return };
            let mut captures = grid.selection.with_untracked(super::selection::Selection::captures);
            if captures.is_empty() {
                captures.extend(focused);
            }
            removal.run(captures);
        }
        _ => return,
    }
    event.prevent_default();
}
