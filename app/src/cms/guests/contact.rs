//! A guest's contact data: masked until somebody who may reveals them.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};

use shutterpost_model::error::AppError;
use shutterpost_model::guests::GuestView;
use shutterpost_model::pii::Disclosed;

use super::api;
use crate::cms::island::Island;
use crate::cms::refusal::banner;
use crate::texts::{language_of, use_locale};
use crate::ui::{Button, ErrorBanner, IconName};

/// The guest as the server showed them, and whether the reader may see more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Contact {
    pub guest: GuestView,
    pub may_reveal: bool,
}

impl Island for Contact {
    const NAME: &'static str = "contact";

    fn view(self) -> AnyView {
        let locale = use_locale();
        let Self { guest, may_reveal } = self;
        let id = guest.id.clone();
        let masked = guest.clone();
        let shown = RwSignal::new(guest);
        let busy = RwSignal::new(false);
        let trouble = RwSignal::new(None::<AppError>);
        let alive = RwSignal::new(false);
        Effect::new(move || alive.set(true));
        let reveal = Callback::new(move |()| {
            let id = id.clone();
            busy.set(true);
            trouble.set(None);
            spawn_local(async move {
                let answer = api::reveal(id).await;
                busy.set(false);
                match answer {
                    Ok(guest) => shown.set(guest),
                    Err(error) => trouble.set(Some(error.0)),
                }
            });
        });
        let hide = Callback::new(move |()| shown.set(masked.clone()));
        let text = |value: &Option<Disclosed<String>>| value.as_ref().map(|value| value.get().clone());
        let rows = move || {
            let guest = shown.get();
            [
                (td_string!(locale, guests.name), text(&guest.name)),
                (td_string!(locale, guests.email), text(&guest.email)),
                (td_string!(locale, guests.phone), text(&guest.phone)),
            ]
            .into_iter()
            .filter_map(|(label, value)| Some((label, value?)))
            .map(|(label, value)| view! { <dt>{label}</dt> <dd class="guests-contact">{value}</dd> })
            .collect_view()
        };
        let why = move || {
            trouble.get().map(|error| {
                let (text, request_id) = banner(&error, language_of(locale));
                view! { <ErrorBanner text request_id/> }
            })
        };
        let button = move || {
            if shown.with(|guest| guest.masked) {
                view! {
                    <Button
                        icon=IconName::Eye
                        on_press=reveal
                        disabled=Signal::derive(move || busy.get() || !alive.get())
                    >
                        {td_string!(locale, guests.reveal)}
                    </Button>
                    <p class="field-hint">{td_string!(locale, guests.reveal_hint)}</p>
                }
                .into_any()
            } else {
                view! {
                    <Button icon=IconName::EyeOff on_press=hide>
                        {td_string!(locale, guests.hide)}
                    </Button>
                    <p class="field-hint" role="status">{td_string!(locale, guests.revealed)}</p>
                }
                .into_any()
            }
        };
        view! {
            <dl class="captures-facts" aria-live="polite">
                {rows}
            </dl>
            {why}
            {may_reveal.then(|| view! { <div class="guests-actions">{button}</div> })}
        }
        .into_any()
    }
}
