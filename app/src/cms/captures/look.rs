//! Quick look: one capture large above the grid, without leaving it.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::captures::CaptureSummary;
use shutterpost_model::id::CaptureId;

use super::feed::rendition;
use super::grid::moves;
use super::live::focus;
use super::state::Grid;
use crate::texts::{language_of, use_locale};
use crate::ui::{Button, ButtonLink, IconName, Tone};
use crate::words::exact;

/// The dialog; open while `capture` is set. Arrows walk, space and Escape close.
#[component]
pub fn QuickLook(grid: Grid, capture: RwSignal<Option<CaptureId>>, event_name: String) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let dialog = NodeRef::<leptos::html::Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        match capture.get() {
            Some(_) if !dialog.open() && dialog.show_modal().is_err() => {
                leptos::logging::warn!("look.open: the dialog is not in the document");
            }
            None if dialog.open() => dialog.close(),
            _ => {}
        }
    });
    let close = Callback::new(move |()| {
        if let Some(id) = capture.get_untracked() {
            capture.set(None);
            focus(&id);
        }
    });
    let go = move |step: i64| {
        let Some(id) = capture.get_untracked() else { return };
        let order = grid.order();
        let place = order.iter().position(|other| *other == id).and_then(|place| i64::try_from(place).ok());
        let target = place.and_then(|place| usize::try_from(place + step).ok()).and_then(|index| order.get(index));
        if let Some(target) = target {
            capture.set(Some(target.clone()));
            if order.last() == Some(target) {
                grid.load_more();
            }
        }
    };
    let keys = move |event: leptos::ev::KeyboardEvent| {
        match event.key().as_str() {
            "ArrowLeft" | "ArrowUp" => go(-1),
            "ArrowRight" | "ArrowDown" => go(1),
            " " => close.run(()),
            "x" => {
                if let Some(id) = capture.get_untracked() {
                    grid.selection.update(|selection| selection.toggle(&id));
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let current = move || {
        let id = capture.get()?;
        grid.shown.with(|shown| shown.iter().find(|other| other.id == id).cloned())
    };
    view! {
        <dialog
            node_ref=dialog
            class="captures-look"
            aria-label=td_string!(locale, captures.quick_look)
            on:close=move |_| close.run(())
            on:keydown=keys
        >
            {move || {
                current()
                    .map(|summary: CaptureSummary| {
                        let when = exact(language, summary.captured_at);
                        let alt = td_string!(locale, captures.alt, when = when.clone(), event = event_name.clone());
                        // It shows the first picture of what moves, and says so.
                        let when = match moves(locale, summary.kind, summary.duration) {
                            Some(moves) if summary.unplayable => {
                                format!("{when} · {moves} · {}", td_string!(locale, captures.unplayable))
                            }
                            Some(moves) => format!("{when} · {moves}"),
                            None => when,
                        };
                        view! {
                            <img
                                class="captures-look-picture"
                                src=rendition(&summary.thumb, "large")
                                width=summary.width.to_string()
                                height=summary.height.to_string()
                                alt=alt
                            />
                            <div class="captures-look-bar">
                                <Button
                                    on_press=Callback::new(move |()| go(-1))
                                    tone=Tone::Quiet
                                    icon=IconName::ChevronLeft
                                    label=td_string!(locale, captures.previous)
                                />
                                <span class="captures-look-when">{when}</span>
                                <ButtonLink href=format!("/cms/captures/{}", summary.id) tone=Tone::Quiet>
                                    {td_string!(locale, captures.open)}
                                </ButtonLink>
                                <Button
                                    on_press=Callback::new(move |()| go(1))
                                    tone=Tone::Quiet
                                    icon=IconName::ChevronRight
                                    label=td_string!(locale, captures.next)
                                />
                                <Button
                                    on_press=close
                                    tone=Tone::Quiet
                                    icon=IconName::Close
                                    label=td_string!(locale, captures.close)
                                />
                            </div>
                        }
                    })
            }}
        </dialog>
    }
}
