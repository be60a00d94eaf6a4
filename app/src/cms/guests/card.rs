//! A guest beside their capture.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Permission;
use shutterpost_model::guests::{ConsentView, GuestView};
use shutterpost_model::identity::Me;

use super::contact::Contact;
use crate::cms::island::island;
use crate::texts::{language_of, use_locale};
use crate::ui::{AskDialog, Badge, DialogButton, IconName, Meaning, Time, Tone};
use crate::words::{is_one, number};

/// The guest's contact data, consents, and what can be done.
#[component]
pub fn GuestCard(me: Me, guest: GuestView) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let (delete, dialog) = (format!("delete-{}", guest.id), format!("erase-{}", guest.id));
    let id = guest.id.to_string();
    let captures = guest.captures;
    let contact = Contact { may_reveal: guest.masked && me.may(Permission::GuestReveal), guest: guest.clone() };
    let erase = me.may(Permission::GuestWrite).then(|| {
        let text = if is_one(captures) {
            td_string!(locale, guests.erase_one).to_owned()
        } else {
            td_string!(locale, guests.erase_many, n = number(language, captures))
        };
        let own = id.clone();
        view! {
            <div class="guests-actions">
                <DialogButton dialog=delete.clone() tone=Tone::Quiet icon=IconName::Trash>
                    {td_string!(locale, guests.delete)}
                </DialogButton>
                <AskDialog
                    id=delete
                    title=td_string!(locale, guests.delete_ask)
                    intent="trash_guest"
                    name="guest"
                    value=own
                    text=td_string!(locale, guests.delete_text)
                    action=td_string!(locale, guests.delete_confirm)
                    tone=Tone::Danger
                />
                <DialogButton dialog=dialog.clone() tone=Tone::Quiet icon=IconName::Shred>
                    {td_string!(locale, guests.erase)}
                </DialogButton>
                <AskDialog
                    id=dialog
                    title=td_string!(locale, guests.erase_ask)
                    intent="delete_guest"
                    name="guest"
                    value=id
                    text
                    action=td_string!(locale, guests.erase_confirm)
                    tone=Tone::Danger
                />
            </div>
        }
    });
    view! {
        <article class="guests-card">
            {island(contact)}
            <dl class="captures-facts">
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
            {erase}
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
