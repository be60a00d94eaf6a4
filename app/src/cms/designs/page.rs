//! The page of an event's design: the parts on one side, what they look like on the other.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;

use shutterpost_model::designs::{DesignView, Format, Progress};
use shutterpost_model::error::AppError;
use shutterpost_model::events::Event;
use shutterpost_model::identity::Me;

use super::applying::Applying;
use super::files::Files;
use super::form::{INTENTS, write};
use super::inputs::{Inputs, format_name};
use super::sheet::Sheet;
use super::shown::{Shown, draw};
use crate::cms::context::{FormOutcome, use_posted};
use crate::cms::events::head::{EventHead, Part, days};
use crate::cms::events::use_event;
use crate::cms::forms::OutcomeBanner;
use crate::cms::load::load;
use crate::texts::{language_of, use_locale};
use crate::ui::{Checkbox, PageTitle, Submit, Tone};

/// What the forms beside the large one do, and what a form says that could not be read.
const OTHERS: [&str; 6] = ["", "remove_file", "apply", "pause", "resume", "undo"];

/// What the page shows.
struct Loaded {
    event: Event,
    view: DesignView,
    progress: Progress,
    drawn: Option<Result<String, AppError>>,
}

/// The design of an event; with `?only=progress` how far applying it is, and nothing else.
#[component]
pub fn DesignPage() -> impl IntoView {
    let event = use_event();
    let (alone, format) = use_query_map().with_untracked(|query| {
        let format = query.get_str("format").and_then(Format::from_name);
        (query.get_str("only") == Some("progress"), format.unwrap_or(Format::Landscape))
    });
    let posted = use_posted();
    let of_page = posted.clone();
    load(
        move |services, actor| async move {
            let event = services.events.find(&actor, &event?).await?;
            let view = services.designs.find(&actor, &event.id).await?;
            let progress = services.designs.progress(&actor, &event.id).await?;
            let drawn = draw(&services, &actor, &event.id, &posted).await;
            Ok(Loaded { event, view, progress, drawn })
        },
        move |me, loaded| {
            let Loaded { event, progress, .. } = &loaded;
            if alone {
                return view! { <Applying event=event.id.clone() progress=*progress captures=event.captures/> }
                    .into_any();
            }
            let inputs = inputs(&of_page, &loaded.view, format);
            view! { <Design me loaded inputs/> }.into_any()
        },
    )
}

/// What was typed into the large form before the page came back, or what is saved.
fn inputs(posted: &FormOutcome, saved: &DesignView, format: Format) -> Inputs {
    if INTENTS.contains(&posted.intent.as_str()) {
        return Inputs::new(posted.values.clone(), posted.error.clone());
    }
    let mut values = write(&saved.design);
    values.push(("format".into(), format.as_str().into()));
    Inputs::new(values, None)
}

#[component]
fn Design(me: Me, loaded: Loaded, inputs: Inputs) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let Loaded { event, view, progress, drawn } = loaded;
    let DesignView { design, version, files } = view;
    let title = format!("{} · {}", td_string!(locale, designs.title), event.draft.name);
    // A form that came back keeps the version that it was made from: what somebody else saved is not written over.
    let version = inputs.text("version", &version.to_string());
    let for_all = inputs.for_all();
    let open = inputs.open();
    let formats = Format::ALL.iter().map(|format| {
        let chosen = *format == open;
        view! {
            <label class="chip designs-chip">
                <input
                    class="visually-hidden"
                    r#type="radio"
                    name="format"
                    value=format.as_str()
                    checked=chosen
                />
                {format_name(locale, *format)}
            </label>
        }
    });
    let formats = formats.collect_view();
    let sheets = Format::ALL.iter().map(|format| {
        let for_all = for_all && *format == Format::Landscape;
        let (inputs, files) = (inputs.clone(), files.clone());
        view! { <Sheet inputs format=*format files event_logo=event.logo.is_some() for_all/> }
    });
    let sheets = sheets.collect_view();
    let photos = event.captures > 0;
    let marked = design.is_plain() && event.logo.is_some() && event.branding.mark_pictures;
    let banners = INTENTS.iter().copied().chain(OTHERS).map(|intent| view! { <OutcomeBanner intent/> });
    let banners = banners.collect_view();
    view! {
        <PageTitle text=title/>
        <EventHead
            me
            event=event.id.clone()
            name=event.draft.name.clone()
            subtitle=days(language, event.draft.starts_on, event.draft.ends_on)
            current=Part::Design
        />
        {banners}
        <p class="muted designs-lead">{td_string!(locale, designs.lead)}</p>
        {marked
            .then(|| view! { <p class="muted designs-lead">{td_string!(locale, designs.logo_instead)}</p> })}
        // Checked by the server: a browser cannot point at a field that is hidden.
        <form
            class="designs-form"
            method="post"
            enctype="multipart/form-data"
            novalidate=true
            autocomplete="off"
            data-draws=format!("/cms/events/{}/design/preview", event.id)
        >
            <input r#type="hidden" name="version" value=version/>
            <div class="designs-parts">
                <div class="designs-top">
                    <fieldset class="designs-fieldset">
                        <legend class="visually-hidden">{td_string!(locale, designs.formats)}</legend>
                        <div class="designs-chips">{formats}</div>
                    </fieldset>
                    // The first button of the form is the one that Enter presses.
                    <div data-drawn-now="" data-without-script="">
                        <Submit intent="preview">{td_string!(locale, designs.preview_show)}</Submit>
                    </div>
                </div>
                <Checkbox
                    name="same_for_all"
                    label=td_string!(locale, designs.same_for_all)
                    hint=td_string!(locale, designs.same_hint)
                    checked=for_all
                />
                <p class="field-hint">{td_string!(locale, designs.percent_hint)}</p>
                {sheets}
                <div class="form-actions">
                    <Submit intent="save" tone=Tone::Primary>
                        {td_string!(locale, designs.save)}
                    </Submit>
                </div>
            </div>
            <Shown inputs drawn photos/>
        </form>
        <Applying event=event.id.clone() progress captures=event.captures/>
        <Files files/>
    }
}
