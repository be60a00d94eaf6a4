//! What is done with selected captures, and how it is undone.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_i18n::td_string;

use shutterpost_model::captures::CaptureSummary;
use shutterpost_model::id::CaptureId;

use super::api;
use super::selection::Selection;
use super::state::Grid;
use crate::texts::{self, Locale, language_of, use_locale};
use crate::ui::{Button, Icon, IconName, Tone};
use crate::words::{is_one, number};

/// What the notice at the bottom says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Notice {
    /// These went. They can come back as soon as the server knows that they went.
    Done {
        taken: Vec<CaptureSummary>,
        restored: bool,
        settled: bool,
    },
    Failed(String),
}

/// Deleting, or restoring in the trash: at once on the screen, then on the server, with words and everything back if
/// that fails, and a way back if it does not.
#[derive(Debug, Clone, Copy)]
pub struct Removal {
    grid: Grid,
    locale: Locale,
    notice: RwSignal<Option<Notice>>,
}

impl Removal {
    pub fn new(grid: Grid) -> Self {
        Self { grid, locale: use_locale(), notice: RwSignal::new(None) }
    }

    /// Deletes the captures, or restores them if this is the trash.
    pub fn run(self, captures: Vec<CaptureId>) {
        if captures.is_empty() {
            return;
        }
        let Self { grid, .. } = self;
        let restored = grid.in_trash();
        let taken = grid.take_out(&captures);
        self.notice.set(Some(Notice::Done { taken: taken.clone(), restored, settled: false }));
        let event = grid.event();
        spawn_local(async move {
            let answer =
                if restored { api::restore(event, captures).await } else { api::delete(event, captures).await };
            if grid.shown.is_disposed() {
                return;
            }
            match answer {
                Ok(_) => self.notice.update(|notice| {
                    // A newer notice may stand there by now.
                    if let Some(Notice::Done { taken: noticed, settled, .. }) = notice
                        && *noticed == taken
                    {
                        *settled = true;
                    }
                }),
                Err(error) => {
                    grid.put_back(taken);
                    self.fail(&error);
                }
            }
        });
    }

    fn undo(self, taken: Vec<CaptureSummary>, restored: bool) {
        let Self { grid, .. } = self;
        self.notice.set(None);
        grid.put_back(taken.clone());
        let event = grid.event();
        spawn_local(async move {
            let captures: Vec<_> = taken.into_iter().map(|capture| capture.id).collect();
            let ids = captures.clone();
            let answer = if restored { api::delete(event, ids).await } else { api::restore(event, ids).await };
            if let Err(error) = answer
                && !grid.shown.is_disposed()
            {
                drop(grid.take_out(&captures));
                self.fail(&error);
            }
        });
    }

    fn fail(self, error: &crate::cms::context::CmsError) {
        let why = texts::error(error.0.code, language_of(self.locale));
        self.notice.set(Some(Notice::Failed(td_string!(self.locale, captures.undone, why = why))));
    }
}

/// Slides in as soon as something is selected: by the style sheet, so that it does without script too.
#[component]
pub fn SelectionBar(grid: Grid, removal: Removal, may_export: bool) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let (intent, icon, label) = if grid.in_trash() {
        ("restore", IconName::Restore, td_string!(locale, captures.restore))
    } else {
        ("delete", IconName::Trash, td_string!(locale, captures.delete))
    };
    let count = move || match grid.selection.with(Selection::count) {
        0 => td_string!(locale, captures.selection).to_owned(),
        count if is_one(count) => td_string!(locale, captures.selected_one).to_owned(),
        count => td_string!(locale, captures.selected_many, n = number(language, count)),
    };
    let act = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        removal.run(grid.selection.with_untracked(Selection::captures));
    };
    let alive = RwSignal::new(false);
    Effect::new(move || alive.set(true));
    view! {
        <div class="captures-bar" role="region" aria-label=td_string!(locale, captures.selection)>
            <span class="captures-bar-count" aria-live="polite">{count}</span>
            <button r#type="submit" class="button" name="intent" value=intent on:click=act>
                <Icon name=icon/>
                <span class="button-text">{label}</span>
            </button>
            // The form as it is: what follows is a page of its own. Nothing of the trash is taken away.
            {(may_export && !grid.in_trash())
                .then(|| {
                    view! {
                        <button r#type="submit" class="button" name="intent" value="export">
                            <Icon name=IconName::Download/>
                            <span class="button-text">{td_string!(locale, captures.export)}</span>
                        </button>
                    }
                })}
            {move || {
                alive
                    .get()
                    .then(|| {
                        view! {
                            <Button
                                tone=Tone::Quiet
                                on_press=Callback::new(move |()| {
                                    let order = grid.order();
                                    grid.selection.update(|selection| selection.toggle_all(&order));
                                })
                            >
                                {td_string!(locale, captures.select_all)}
                            </Button>
                            <Button
                                tone=Tone::Quiet
                                icon=IconName::Close
                                label=td_string!(locale, captures.clear)
                                on_press=Callback::new(move |()| grid.selection.update(Selection::clear))
                            />
                        }
                    })
            }}
        </div>
        <NoticeToast removal/>
    }
}

/// What was done, with a way back.
#[component]
fn NoticeToast(removal: Removal) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let close = move |_| removal.notice.set(None);
    let face = move |notice: Notice| {
        let (class, icon, text, back) = match notice {
            Notice::Failed(text) => ("toast captures-toast captures-toast-bad", IconName::Warning, text, None),
            Notice::Done { taken, restored, settled } => {
                let count = i64::try_from(taken.len()).unwrap_or(i64::MAX);
                let n = number(language, count);
                let text = match (restored, is_one(count)) {
                    (false, true) => td_string!(locale, captures.deleted_one).to_owned(),
                    (false, false) => td_string!(locale, captures.deleted_many, n = n),
                    (true, true) => td_string!(locale, captures.restored_one).to_owned(),
                    (true, false) => td_string!(locale, captures.restored_many, n = n),
                };
                ("toast captures-toast", IconName::Check, text, settled.then_some((taken, restored)))
            }
        };
        view! {
            <div class=class role="status">
                <Icon name=icon/>
                <span>{text}</span>
                {back
                    .map(|(taken, restored)| {
                        view! {
                            <button
                                r#type="button"
                                class="captures-undo"
                                on:click=move |_| removal.undo(taken.clone(), restored)
                            >
                                {td_string!(locale, captures.undo)}
                            </button>
                        }
                    })}
                <button
                    r#type="button"
                    class="toast-close"
                    aria-label=td_string!(locale, captures.close)
                    on:click=close
                >
                    <Icon name=IconName::Close/>
                </button>
            </div>
        }
    };
    view! { <div class="captures-notice">{move || removal.notice.get().map(face)}</div> }
}
