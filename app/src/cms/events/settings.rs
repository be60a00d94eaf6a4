//! What an admin decides about an event: name, days, place in time, how long everything is kept.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_params_map;

use shutterpost_model::access::Permission;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{Event, EventDraft, RETENTION_DEFAULT, RETENTION_RANGE};
use shutterpost_model::id::EventId;
use shutterpost_model::identity::Me;
use shutterpost_model::language::Language;

use super::head::{EventHead, Part, days};
use super::kept::Kept;
use super::zones;
use crate::cms::forms::{FormState, OutcomeBanner, use_form};
use crate::cms::island::island;
use crate::cms::load::load;
use crate::cms::privacy::erase::EraseAtOnce;
use crate::texts::{language_of, use_locale};
use crate::ui::{Banner, Dialog, DialogActions, DialogButton, Field, IconName, PageHead, PageTitle, Submit, Tone};
use crate::words::{is_one, number};

/// Where a new event takes place unless somebody says otherwise: by the language of the page.
const fn usual_zone(language: Language) -> &'static str {
    match language {
        Language::English => "Europe/London",
        Language::German => "Europe/Berlin",
    }
}

/// The form of an event that does not exist yet.
#[component]
pub fn NewEventPage() -> impl IntoView {
    let locale = use_locale();
    let form = use_form("");
    view! {
        <PageTitle text=td_string!(locale, events.new)/>
        <PageHead title=td_string!(locale, events.new)/>
        <OutcomeBanner intent=""/>
        <form method="post" class="stack events-form">
            <DraftFields form draft=None/>
            <div class="form-actions">
                <Submit tone=Tone::Primary>{td_string!(locale, events.create)}</Submit>
            </div>
        </form>
    }
}

/// The id of the event in the address; a text that is none is an event that does not exist.
pub fn use_event() -> Result<EventId, AppError> {
    let id = use_params_map().with_untracked(|params| params.get_str("event").and_then(|id| id.parse().ok()));
    id.ok_or(AppError::new(Code::NotFound))
}

/// The settings of an event.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let event = use_event();
    load(
        |services, actor| async move { services.events.find(&actor, &event?).await },
        |me, event| view! { <Settings me event/> }.into_any(),
    )
}

#[component]
fn Settings(me: Me, event: Event) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let may_write = me.may(Permission::EventWrite);
    let title = format!("{} · {}", td_string!(locale, events.tab_settings), event.draft.name);
    let name = event.draft.name.clone();
    let captures = event.captures;
    let may_erase = me.may(Permission::PrivacyManage);
    view! {
        <PageTitle text=title/>
        <EventHead
            me
            event=event.id
            name=name.clone()
            subtitle=days(language, event.draft.starts_on, event.draft.ends_on)
            current=Part::Settings
        />
        <OutcomeBanner intent="save"/>
        <OutcomeBanner intent="delete"/>
        <OutcomeBanner intent="erase"/>
        {(!may_write).then(|| view! { <Banner>{td_string!(locale, events.read_only)}</Banner> })}
        <form method="post" class="stack events-form">
            <fieldset class="events-fieldset" disabled=!may_write>
                <input r#type="hidden" name="version" value=event.version.to_string()/>
                <DraftFields form=use_form("save") draft=Some(event.draft)/>
                {may_write
                    .then(|| {
                        view! {
                            <div class="form-actions">
                                <Submit intent="save" tone=Tone::Primary>
                                    {td_string!(locale, events.save)}
                                </Submit>
                            </div>
                        }
                    })}
            </fieldset>
        </form>
        {may_write.then(|| view! { <DeleteEvent name=name.clone() captures/> })}
        {may_erase.then(|| view! { <EraseEvent name captures/> })}
    }
}

/// Deleting, at the end of the page and asked for with the number of what goes.
#[component]
fn DeleteEvent(name: String, captures: i64) -> impl IntoView {
    let locale = use_locale();
    let text = match captures {
        0 => td_string!(locale, events.delete_none).to_owned(),
        one if is_one(one) => td_string!(locale, events.delete_one).to_owned(),
        n => td_string!(locale, events.delete_many, n = number(language_of(locale), n)),
    };
    view! {
        <section class="events-danger" aria-labelledby="event-delete-heading">
            <h2 id="event-delete-heading">{td_string!(locale, events.delete_heading)}</h2>
            <p class="muted">{td_string!(locale, events.delete_text)}</p>
            <DialogButton dialog="event-delete" icon=IconName::Trash>
                {td_string!(locale, events.delete)}
            </DialogButton>
            <Dialog id="event-delete" title=td_string!(locale, events.delete_ask, name = name)>
                <form method="post">
                    <p>{text}</p>
                    <DialogActions>
                        <Submit intent="delete" tone=Tone::Danger>
                            {td_string!(locale, events.delete_confirm)}
                        </Submit>
                    </DialogActions>
                </form>
            </Dialog>
        </section>
    }
}

/// The same at once and for good.
#[component]
fn EraseEvent(name: String, captures: i64) -> impl IntoView {
    let locale = use_locale();
    let text = match captures {
        0 => td_string!(locale, events.erase_none).to_owned(),
        one if is_one(one) => td_string!(locale, events.erase_one).to_owned(),
        n => td_string!(locale, events.erase_many, n = number(language_of(locale), n)),
    };
    view! {
        <section class="events-danger" aria-labelledby="event-erase-heading">
            <h2 id="event-erase-heading">{td_string!(locale, events.erase_heading)}</h2>
            <p class="muted">{td_string!(locale, events.erase_text)}</p>
            <EraseAtOnce
                dialog="event-erase"
                label=td_string!(locale, events.erase)
                question=td_string!(locale, events.erase_ask, name = name)
                confirm=td_string!(locale, events.erase_confirm)
            >
                <p>{text}</p>
                <p><strong>{td_string!(locale, events.erase_final)}</strong></p>
            </EraseAtOnce>
        </section>
    }
}

/// The fields that new and existing events share.
#[component]
fn DraftFields(form: FormState, draft: Option<EventDraft>) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let saved = |value: fn(&EventDraft) -> String| draft.as_ref().map(value).unwrap_or_default();
    let name = form.value("name", saved(|draft| draft.name.clone()));
    let starts_on = form.value("starts_on", saved(|draft| draft.starts_on.to_string()));
    let ends_on = form.value("ends_on", saved(|draft| draft.ends_on.to_string()));
    let zone = draft.as_ref().map_or(usual_zone(language).to_owned(), |draft| draft.time_zone.clone());
    let zone = form.value("time_zone", zone);
    let retention = draft.as_ref().map_or(RETENTION_DEFAULT, |draft| draft.retention_days);
    let retention = form.value("retention_days", retention.to_string());
    let kept = Kept { ends_on: ends_on.to_string(), retention_days: retention.to_string() };
    view! {
        <Field
            name="name"
            label=td_string!(locale, events.name)
            hint=td_string!(locale, events.name_hint)
            value=name
            error=form.error("name")
            required=true
        />
        <div class="events-pair">
            <Field
                name="starts_on"
                label=td_string!(locale, events.starts_on)
                kind="date"
                value=starts_on
                error=form.error("starts_on")
                required=true
            />
            <Field
                name="ends_on"
                label=td_string!(locale, events.ends_on)
                kind="date"
                value=ends_on
                error=form.error("ends_on")
                required=true
            />
        </div>
        <ZoneField value=zone error=form.error("time_zone")/>
        <Field
            name="retention_days"
            label=td_string!(locale, events.retention)
            hint=td_string!(locale, events.retention_hint)
            kind="number"
            value=retention
            min=RETENTION_RANGE.start().to_string()
            max=RETENTION_RANGE.end().to_string()
            error=form.error("retention_days")
            required=true
        />
        {island(kept)}
    }
}

/// A text field that offers common zones; any IANA name may be typed.
#[component]
fn ZoneField(value: crate::ui::Text, error: Option<crate::ui::Text>) -> impl IntoView {
    let locale = use_locale();
    let described = if error.is_some() { "time_zone-error time_zone-hint" } else { "time_zone-hint" };
    view! {
        <div class="field">
            <label class="field-label" for="time_zone">{td_string!(locale, events.time_zone)}</label>
            <input
                class="input"
                id="time_zone"
                name="time_zone"
                list="time-zones"
                value=value
                required=true
                autocomplete="off"
                spellcheck="false"
                aria-invalid=error.is_some().then_some("true")
                aria-describedby=described
            />
            {error.map(|error| view! { <p class="field-error" id="time_zone-error">{error}</p> })}
            <p class="field-hint" id="time_zone-hint">{td_string!(locale, events.time_zone_hint)}</p>
            <datalist id="time-zones">
                {zones::COMMON.iter().map(|zone| view! { <option value=*zone></option> }).collect_view()}
            </datalist>
        </div>
    }
}
