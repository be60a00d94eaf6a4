//! The design and the photos that were there before it: applying, how far that is, pausing and undoing.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::designs::{ApplyState, Progress};
use shutterpost_model::id::EventId;

use crate::texts::{language_of, use_locale};
use crate::ui::{Badge, IconName, Meaning, Submit, Tone};
use crate::words::{is_one, number};

/// The address of this part alone, for whoever looks again and again.
fn alone(event: &EventId) -> String {
    format!("/cms/events/{event}/design?only=progress")
}

/// How far it is, and what can be done. While something runs the script takes how far it is anew.
#[component]
pub(super) fn Applying(
    event: EventId,
    progress: Progress,
    /// Captures of the event.
    captures: i64,
) -> impl IntoView {
    let locale = use_locale();
    let Progress { state, done, all, failed, can_undo, differs } = progress;
    let runs = matches!(state, ApplyState::Running | ApplyState::Undoing);
    let nothing = captures == 0 && state == ApplyState::None;
    let hint = if nothing { td_string!(locale, designs.apply_none) } else { td_string!(locale, designs.apply_hint) };
    let again = if matches!(state, ApplyState::Done | ApplyState::Paused) && !differs {
        td_string!(locale, designs.apply_again)
    } else {
        td_string!(locale, designs.apply)
    };
    let then = if differs {
        Some(td_string!(locale, designs.apply_differs))
    } else if state == ApplyState::Paused {
        Some(td_string!(locale, designs.apply_restart))
    } else {
        None
    };
    view! {
        <section class="section" aria-labelledby="design-applying" data-polled="">
            <h2 class="section-title" id="design-applying">{td_string!(locale, designs.apply_title)}</h2>
            <p class="muted">{hint}</p>
            {then.map(|text| view! { <p>{text}</p> })}
            <div class="designs-progress" data-polls=runs.then(|| alone(&event))>
                {(state != ApplyState::None).then(|| view! { <HowFar state done all failed/> })}
            </div>
            // Read as the page's other form is, which has files.
            <form method="post" enctype="multipart/form-data" class="form-actions">
                {((!runs || differs) && !nothing)
                    .then(|| {
                        view! {
                            <Submit intent="apply" icon=IconName::Brush>
                                {again}
                            </Submit>
                        }
                    })}
                {runs.then(|| view! { <Submit intent="pause">{td_string!(locale, designs.pause)}</Submit> })}
                {(state == ApplyState::Paused)
                    .then(|| {
                        view! {
                            <Submit intent="resume" icon=IconName::Play>
                                {td_string!(locale, designs.resume)}
                            </Submit>
                        }
                    })}
                {can_undo
                    .then(|| {
                        view! {
                            <Submit intent="undo" tone=Tone::Quiet icon=IconName::Restore>
                                {td_string!(locale, designs.undo)}
                            </Submit>
                        }
                    })}
            </form>
            {can_undo.then(|| view! { <p class="field-hint">{td_string!(locale, designs.undo_hint)}</p> })}
        </section>
    }
}

#[component]
fn HowFar(state: ApplyState, done: i64, all: i64, failed: i64) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let (meaning, word) = match state {
        ApplyState::None | ApplyState::Running => (Meaning::Info, Some(td_string!(locale, designs.state_running))),
        ApplyState::Undoing => (Meaning::Info, Some(td_string!(locale, designs.state_undoing))),
        ApplyState::Paused => (Meaning::Warn, Some(td_string!(locale, designs.state_paused))),
        ApplyState::Done if failed == 0 && done >= all => (Meaning::Good, Some(td_string!(locale, designs.state_done))),
        ApplyState::Done => (Meaning::Warn, None),
    };
    let (done_text, all_text) = (number(language, done), number(language, all));
    let so_far = match word {
        Some(_) => td_string!(locale, designs.progress, done = done_text, all = all_text),
        None => td_string!(locale, designs.state_done_some, done = done_text, all = all_text),
    };
    let left_out = (failed > 0).then(|| {
        if is_one(failed) {
            td_string!(locale, designs.failed_one).to_owned()
        } else {
            td_string!(locale, designs.failed, count = number(language, failed))
        }
    });
    view! {
        <div class="designs-how-far">
            {match word {
                Some(word) => {
                    view! {
                        <Badge meaning>{word}</Badge>
                        <span>{so_far}</span>
                    }
                        .into_any()
                }
                None => view! { <Badge meaning>{so_far}</Badge> }.into_any(),
            }}
        </div>
        <progress
            class="designs-bar"
            // Of one, if there is nothing: a bar without an end would run for ever.
            max=all.max(1).to_string()
            value=(if all == 0 { 1 } else { done.min(all) }).to_string()
            aria-label=td_string!(locale, designs.progress_bar)
        ></progress>
        {left_out.map(|text| view! { <p class="field-hint">{text}</p> })}
    }
}
