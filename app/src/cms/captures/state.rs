//! The grid while it is alive: its list, its selection, and everything that changes them.

use std::collections::HashSet;

use leptos::prelude::*;
use leptos::task::spawn_local;

use shutterpost_model::captures::{CapturePage, CaptureSummary};
use shutterpost_model::error::AppError;
use shutterpost_model::id::{CaptureId, EventId};

use super::api;
use super::feed::{FilterQuery, News, drop_vanished, insert, news, refresh};
use super::selection::Selection;

/// What one grid knows. A handle: copies mean the same grid.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    event: StoredValue<EventId>,
    query: StoredValue<FilterQuery>,
    pub shown: RwSignal<Vec<CaptureSummary>>,
    /// New captures that wait behind the pill, so that nothing moves under the reader's eyes.
    pub waiting: RwSignal<Vec<CaptureSummary>>,
    pub next: RwSignal<Option<String>>,
    /// Captures of the event outside the trash.
    pub total: RwSignal<i64>,
    pub selection: RwSignal<Selection>,
    pub loading: RwSignal<bool>,
    /// Why the next page did not come.
    pub trouble: RwSignal<Option<AppError>>,
    /// The live look at the newest page fails at the moment.
    pub silent: RwSignal<bool>,
    /// Captures that slide in, because they came while the page was open.
    pub arrived: RwSignal<HashSet<CaptureId>>,
    /// Deleted or restored here, perhaps not yet at the server: a look at the newest page must not bring them back.
    leaving: StoredValue<HashSet<CaptureId>>,
    /// Set when what waits behind the pill replaces the list: the cursor that follows it.
    replacement: StoredValue<Option<Option<String>>>,
    looking: StoredValue<bool>,
}

impl Grid {
    pub fn new(event: EventId, query: FilterQuery, page: CapturePage) -> Self {
        Self {
            event: StoredValue::new(event),
            query: StoredValue::new(query),
            shown: RwSignal::new(page.items),
            waiting: RwSignal::new(Vec::new()),
            next: RwSignal::new(page.next),
            total: RwSignal::new(page.total),
            selection: RwSignal::new(Selection::default()),
            loading: RwSignal::new(false),
            trouble: RwSignal::new(None),
            silent: RwSignal::new(false),
            arrived: RwSignal::new(HashSet::new()),
            leaving: StoredValue::new(HashSet::new()),
            replacement: StoredValue::new(None),
            looking: StoredValue::new(false),
        }
    }

    pub fn event(self) -> EventId {
        self.event.get_value()
    }

    pub fn query(self) -> FilterQuery {
        self.query.get_value()
    }

    pub fn in_trash(self) -> bool {
        self.query.with_value(|query| query.filter.trash)
    }

    /// The list as it stands, with the cursor behind it.
    pub fn page(self) -> CapturePage {
        CapturePage {
            items: self.shown.get_untracked(),
            next: self.next.get_untracked(),
            total: self.total.get_untracked(),
        }
    }

    /// Shows the list as it stood before.
    pub fn show(self, page: CapturePage) {
        self.shown.set(page.items);
        self.next.set(page.next);
        self.total.set(page.total);
    }

    /// Ids in the order of the page, not tracked.
    pub fn order(self) -> Vec<CaptureId> {
        self.shown.with_untracked(|shown| shown.iter().map(|capture| capture.id.clone()).collect())
    }

    /// Appends the next page.
    pub fn load_more(self) {
        let Some(cursor) = self.next.get_untracked() else { return };
        if self.loading.get_untracked() {
            return;
        }
        self.loading.set(true);
        self.trouble.set(None);
        let (event, filter) = (self.event(), self.query().filter);
        spawn_local(async move {
            let answer = api::list(event, filter, Some(cursor)).await;
            // The reader may have gone elsewhere in the meantime; then the signals are no more.
            if self.shown.is_disposed() {
                return;
            }
            self.loading.set(false);
            match answer {
                Ok(page) => {
                    let leaving = self.leaving.get_value();
                    let more = page.items.into_iter().filter(|capture| !leaving.contains(&capture.id)).collect();
                    self.shown.update(|shown| insert(shown, more));
                    self.next.set(page.next);
                }
                Err(error) => self.trouble.set(Some(error.0)),
            }
        });
    }

    /// Looks at the newest page: shows what is new (or lets it wait behind the pill if `hold`), takes over what
    /// changed, and drops what others deleted. The trash and pages in the middle of the list stand still.
    pub fn look(self, hold: bool) {
        let query = self.query();
        if query.filter.trash || query.cursor.is_some() || self.looking.get_value() {
            return;
        }
        self.looking.set_value(true);
        let event = self.event();
        spawn_local(async move {
            let answer = api::list(event, query.filter, None).await;
            if self.shown.is_disposed() {
                return;
            }
            self.looking.set_value(false);
            self.silent.set(answer.is_err());
            if let Ok(page) = answer {
                self.take_in(page, hold);
            }
        });
    }

    fn take_in(self, mut page: CapturePage, hold: bool) {
        self.leaving.with_value(|leaving| page.items.retain(|capture| !leaving.contains(&capture.id)));
        if self.total.get_untracked() != page.total {
            self.total.set(page.total);
        }
        let known: HashSet<_> = self
            .shown
            .with_untracked(|shown| shown.iter().map(|capture| capture.id.clone()).collect::<HashSet<_>>())
            .into_iter()
            .chain(
                self.waiting
                    .with_untracked(|waiting| waiting.iter().map(|capture| capture.id.clone()).collect::<Vec<_>>()),
            )
            .collect();
        match news(&known, &page.items) {
            News::Gap => {
                self.waiting.set(page.items);
                self.replacement.set_value(Some(page.next));
            }
            News::Some(unseen) => {
                self.shown.maybe_update(|shown| {
                    let changed = refresh(shown, &page.items);
                    drop_vanished(shown, &page.items, page.next.is_none()) || changed
                });
                if !unseen.is_empty() {
                    self.waiting.update(|waiting| insert(waiting, unseen));
                }
            }
        }
        if !hold {
            self.show_waiting();
        }
    }

    /// Lets the captures behind the pill in.
    pub fn show_waiting(self) {
        let more = self.waiting.with_untracked(Clone::clone);
        if more.is_empty() {
            return;
        }
        self.waiting.set(Vec::new());
        self.arrived.update(|arrived| arrived.extend(more.iter().map(|capture| capture.id.clone())));
        if let Some(next) = self.replacement.get_value() {
            self.replacement.set_value(None);
            self.shown.set(more);
            self.next.set(next);
        } else {
            self.shown.update(|shown| insert(shown, more));
        }
        let order = self.order();
        self.selection.update(|selection| selection.retain(&order));
    }

    /// Takes the captures out of the grid at once and gives them, for [`Grid::put_back`].
    pub fn take_out(self, captures: &[CaptureId]) -> Vec<CaptureSummary> {
        let going: HashSet<_> = captures.iter().cloned().collect();
        let mut taken = Vec::new();
        self.shown.update(|shown| {
            shown.retain(|capture| {
                let goes = going.contains(&capture.id);
                if goes {
                    taken.push(capture.clone());
                }
                !goes
            });
        });
        self.leaving.update_value(|leaving| leaving.extend(going));
        self.selection.update(Selection::clear);
        self.count(-1, taken.len());
        taken
    }

    /// The reverse: the server refused, or the person changed their mind.
    pub fn put_back(self, taken: Vec<CaptureSummary>) {
        self.leaving.update_value(|leaving| {
            for capture in &taken {
                leaving.remove(&capture.id);
            }
        });
        self.count(1, taken.len());
        self.shown.update(|shown| insert(shown, taken));
    }

    /// The total counts what is outside the trash, so leaving the trash raises it.
    fn count(self, sign: i64, captures: usize) {
        let captures = i64::try_from(captures).unwrap_or_default();
        let sign = if self.in_trash() { -sign } else { sign };
        self.total.update(|total| *total = (*total + sign * captures).max(0));
    }
}
