//! A guest beside their capture: masked until somebody who may reveals them.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_i18n::td_string;

use shutterpost_model::access::Permission;
use shutterpost_model::error::AppError;
use shutterpost_model::guests::{ConsentView, GuestView};
use shutterpost_model::identity::Me;
use shutterpost_model::pii::Disclosed;

use super::api;
use crate::cms::forms::banner;
use crate::cms::words::{is_one, number};
use crate::texts::{language_of, use_locale};
use crate::ui::{
    Badge, Button, Dialog, DialogActions, DialogButton, ErrorBanner, IconName, Meaning, Submit, Time, Tone,
};

/// The guest's contact data, consents, and what can be done.
#[component]
pub fn GuestCard(me: Me, guest: GuestView) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let masked = guest.clone();
    let shown = RwSignal::new(guest.clone());
    let busy = RwSignal::new(false);
    let trouble = RwSignal::new(None::<AppError>);
    let alive = RwSignal::new(false);
    Effect::new(move || alive.set(true));
    let id = guest.id.clone();
    let reveal = Callback::new(move |()| {
        let id = id.clone();
        busy.set(true);
        trouble.set(None);
        spawn_local(async move {
            let answer = api::reveal(id).await;
            if shown.is_disposed() {
                return;
            }
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
    let may_reveal = guest.masked && me.may(Permission::GuestReveal);
    let dialog = format!("erase-{}", guest.id);
    let captures = guest.captures;
    view! {
        <article class="guests-card">
            <dl class="captures-facts" aria-live="polite">
                {rows}
                <dt>{td_string!(locale, guests.language)}</dt>
                <dd>{guest.language.own_name()}</dd>
                <dt>{td_string!(locale, guests.captures)}</dt>
                <dd>{number(language, captures)}</dd>
                <dt>{td_string!(locale, guests.since)}</dt>
                <dd>
                    <Time at=guest.created_at/>
                </dd>
            </dl>
            <Consents consents=guest.consents/>
            {move || {
                trouble
                    .get()
                    .map(|error| {
                        let (text, request_id) = banner(&error, language);
                        view! { <ErrorBanner text request_id/> }
                    })
            }}
            <div class="guests-actions">
                {may_reveal
                    .then(|| {
                        view! {
                            {move || {
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
                            }}
                        }
                    })}
                {me
                    .may(Permission::GuestWrite)
                    .then(|| {
                        let text = if is_one(captures) {
                            td_string!(locale, guests.erase_one).to_owned()
                        } else {
                            td_string!(locale, guests.erase_many, n = number(language, captures))
                        };
                        view! {
                            <DialogButton dialog=dialog.clone() tone=Tone::Quiet icon=IconName::Trash>
                                {td_string!(locale, guests.erase)}
                            </DialogButton>
                            <Dialog id=dialog title=td_string!(locale, guests.erase_ask)>
                                <form method="post">
                                    <p>{text}</p>
                                    <input r#type="hidden" name="guest" value=guest.id.to_string()/>
                                    <DialogActions>
                                        <Submit intent="delete_guest" tone=Tone::Danger>
                                            {td_string!(locale, guests.erase_confirm)}
                                        </Submit>
                                    </DialogActions>
                                </form>
                            </Dialog>
                        }
                    })}
            </div>
        </article>
    }
}

#[component]
fn Consents(consents: Vec<ConsentView>) -> impl IntoView {
    let locale = use_locale();
    if consents.is_empty() {
        return view! { <p class="field-hint">{td_string!(locale, guests.consents_none)}</p> }.into_any();
    }
    view! {
        <h3 class="captures-minor">{td_string!(locale, guests.consents)}</h3>
        <ul class="guests-consents">
            {consents
                .into_iter()
                .map(|ConsentView { purpose, granted, text_version, recorded_at }| {
                    let (meaning, answer) = if granted {
                        (Meaning::Good, td_string!(locale, guests.granted))
                    } else {
                        (Meaning::Neutral, td_string!(locale, guests.refused))
                    };
                    view! {
                        <li>
                            <Badge meaning>{answer}</Badge>
                            <span>{purpose}</span>
                            <span class="muted">{td_string!(locale, guests.text_version, n = text_version)}</span>
                            <span class="muted">
                                <Time at=recorded_at/>
                            </span>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}
