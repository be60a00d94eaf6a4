//! The live part of an event's page: uploads, the filters' row, the grid.

use leptos::prelude::*;
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};

use shutterpost_model::captures::CapturePage;
use shutterpost_model::id::EventId;

use super::feed::FilterQuery;
use super::grid::CaptureGrid;
use super::state::Grid;
use super::upload::Uploads;
use crate::cms::island::{Island, Slot};
use crate::texts::{language_of, use_locale};
use crate::ui::{Banner, ButtonLink, IconName, Meaning};
use crate::words::{is_one, number};

/// What the grid begins with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Board {
    pub event: EventId,
    pub event_name: String,
    pub query: FilterQuery,
    pub page: CapturePage,
    pub may_write: bool,
    pub may_export: bool,
    /// Chips and selects: links and a form.
    #[serde(skip)]
    pub filters: Slot,
    /// What an empty list means, and what to do.
    #[serde(skip)]
    pub empty: Slot,
}

impl Island for Board {
    const NAME: &'static str = "captures";

    fn view(self) -> AnyView {
        let locale = use_locale();
        let language = language_of(locale);
        let Self { event, event_name, query, page, may_write, may_export, filters, empty } = self;
        let in_trash = query.filter.trash;
        let newest = query.cursor.is_some().then(|| {
            let newest = FilterQuery { cursor: None, ..query.clone() }.write();
            view! {
                <p class="captures-back">
                    <ButtonLink href=format!("/cms/events/{event}{newest}") icon=IconName::ChevronLeft>
                        {td_string!(locale, captures.first_page)}
                    </ButtonLink>
                </p>
            }
        });
        let grid = Grid::new(event.clone(), query, page);
        let count = move || {
            let total = grid.total.get();
            if is_one(total) {
                td_string!(locale, events.count_one).to_owned()
            } else {
                td_string!(locale, events.count_many, n = number(language, total))
            }
        };
        let is_empty = Memo::new(move |_| grid.shown.with(Vec::is_empty));
        let uploads = (may_write && !in_trash).then(|| {
            view! {
                <Uploads event event_name=event_name.clone() arrived=Callback::new(move |()| grid.look(false))/>
            }
        });
        let silent = move || {
            grid.silent
                .get()
                .then(|| view! { <Banner meaning=Meaning::Warn>{td_string!(locale, captures.live_off)}</Banner> })
        };
        view! {
            {uploads}
            <div class="captures-filters">
                {filters.place()}
                <span class="captures-count muted">{count}</span>
            </div>
            {in_trash.then(|| view! { <Banner>{td_string!(locale, captures.trash_hint)}</Banner> })}
            {newest}
            {silent}
            <div hidden=move || !is_empty.get()>{empty.place()}</div>
            <CaptureGrid grid event_name may_write may_export/>
        }
        .into_any()
    }
}
