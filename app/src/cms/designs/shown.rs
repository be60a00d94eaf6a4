//! What a design looks like: drawn by the server, for the script while somebody types, and without script at the press of a
//! button.

use data_encoding::BASE64;
use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Actor;
use shutterpost_model::designs::PreviewOn;
use shutterpost_model::error::AppError;
use shutterpost_model::id::EventId;
use shutterpost_model::services::Services;

use super::form::{open_format, read};
use super::inputs::Inputs;
use crate::cms::context::FormOutcome;
use crate::texts::{self, language_of, use_locale};

/// The draft that was just posted, as the address of a picture with the picture in it. `None` if nothing was to be shown, or
/// if the draft could not be read.
pub(super) async fn draw(
    services: &Services,
    actor: &Actor,
    event: &EventId,
    posted: &FormOutcome,
) -> Option<Result<String, AppError>> {
    if posted.error.is_some() || !matches!(posted.intent.as_str(), "preview" | "event_logo") {
        return None;
    }
    let on = posted.values.iter().find(|(name, _)| name == "on").and_then(|(_, on)| on.parse().ok());
    let on = on.unwrap_or(PreviewOn::Sample);
    let draft = read(&posted.values).ok()?;
    let drawn = services.designs.preview(actor, event, &draft, on, open_format(&posted.values)).await;
    Some(drawn.map(|picture| format!("data:image/jpeg;base64,{}", BASE64.encode(&picture))))
}

/// The picture, and on what the design is shown.
#[component]
pub(super) fn Shown(
    inputs: Inputs,
    drawn: Option<Result<String, AppError>>,
    /// Whether the event has a photo to show it on.
    photos: bool,
) -> impl IntoView {
    let locale = use_locale();
    let (address, trouble) = match drawn {
        None => (None, None),
        Some(Ok(address)) => (Some(address), None),
        Some(Err(error)) => {
            let code = error.fields.first().map_or(error.code, |wrong| wrong.code);
            (None, Some(texts::error(code, language_of(locale))))
        }
    };
    let nothing = address.is_none();
    let newest = photos && inputs.text("on", "newest") == "newest";
    let choice = |value: &'static str, label: &'static str, checked: bool, disabled: bool| {
        view! {
            <label class="chip designs-chip">
                <input
                    class="visually-hidden"
                    r#type="radio"
                    name="on"
                    value=value
                    checked=checked
                    disabled=disabled
                />
                {label}
            </label>
        }
    };
    let hint = if photos {
        td_string!(locale, designs.preview_newest_hint)
    } else {
        td_string!(locale, designs.preview_no_photo)
    };
    view! {
        <aside class="designs-shown" aria-label=td_string!(locale, designs.preview)>
            <div class="designs-shown-head">
                <h2>{td_string!(locale, designs.preview)}</h2>
                <fieldset class="designs-fieldset">
                    <legend class="visually-hidden">{td_string!(locale, designs.preview_on)}</legend>
                    <div class="designs-chips">
                        {choice("newest", td_string!(locale, designs.on_newest), newest, !photos)}
                        {choice("sample", td_string!(locale, designs.on_sample), !newest, false)}
                    </div>
                </fieldset>
            </div>
            <div class="designs-stage">
                <img
                    class="designs-picture"
                    src=address
                    alt=td_string!(locale, designs.preview_alt)
                    hidden=nothing
                    data-drawn=""
                />
                <p class="muted" hidden=!nothing data-drawn-none="">
                    {td_string!(locale, designs.preview_none)}
                </p>
            </div>
            <p
                class="field-error"
                role="status"
                data-drawn-trouble=""
                data-otherwise=td_string!(locale, designs.preview_failed)
            >
                {trouble}
            </p>
            <p class="field-hint">{td_string!(locale, designs.preview_hint)}</p>
            <p class="field-hint">{hint}</p>
        </aside>
    }
}
