//! All that goes onto the pictures of one format, part by part.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::designs::{
    DesignFile, FRAME_SLICE, FRAME_WIDTH, FileKind, Fit, Format, LOGO_SIZE, MARGIN, Place, ROOM, TEXT_SIZE, Weight,
};

use super::form::upload_field;
use super::inputs::{Colour, Filters, Inputs, Opacity, Places, Size, format_name};
use crate::texts::use_locale;
use crate::ui::{Checkbox, Choice, Field, IconName, Select, Submit};

/// What may be uploaded for an overlay: a photo has no transparency.
const OVERLAYS: &str = "image/svg+xml,image/png,image/webp";
/// What may be uploaded for a frame or a logo.
const PICTURES: &str = "image/svg+xml,image/png,image/webp,image/jpeg";

/// The parts of a format. Which sheet is shown is up to the style sheet, by what is chosen above; all of them are sent.
#[component]
pub(super) fn Sheet(
    inputs: Inputs,
    format: Format,
    files: Vec<DesignFile>,
    /// Whether the event has a logo that could be taken.
    event_logo: bool,
    /// Whether the sheet counts for all formats, as the page opens.
    for_all: bool,
) -> impl IntoView {
    let locale = use_locale();
    let label = if for_all { td_string!(locale, designs.all_formats) } else { format_name(locale, format) };
    view! {
        <div class="designs-sheet" data-format=format.as_str() role="group" aria-label=label>
            <div class="card">
                <Filters inputs=inputs.clone() name=field(format, "filter")/>
            </div>
            <OverlayPart inputs=inputs.clone() format files=files.clone()/>
            <FramePart inputs=inputs.clone() format files=files.clone()/>
            <LogoPart inputs=inputs.clone() format files event_logo/>
            <LinePart inputs=inputs.clone() format/>
            <BackgroundPart inputs format/>
        </div>
    }
}

fn field(format: Format, name: &str) -> String {
    format!("{}.{name}", format.as_str())
}

/// A part that opens and closes; open if there is something in it.
#[component]
fn Part(title: &'static str, open: bool, children: Children) -> impl IntoView {
    view! {
        <details class="card designs-part" open=open>
            <summary class="designs-part-title">{title}</summary>
            <div class="designs-part-body">{children()}</div>
        </details>
    }
}

/// The files of a kind, to choose one from, and a way to add one.
#[component]
fn FileChoice(inputs: Inputs, format: Format, kind: FileKind, files: Vec<DesignFile>) -> impl IntoView {
    let locale = use_locale();
    let name = format!("{}.{}.file", format.as_str(), kind.as_str());
    let upload = upload_field(format, kind);
    let mut options = vec![Choice::new("", td_string!(locale, designs.file_none))];
    let of_kind = files.into_iter().filter(|file| file.kind == kind);
    options.extend(of_kind.map(|file| Choice::new(file.id.to_string(), file.name)));
    let (accept, hint) = match kind {
        FileKind::Overlay => (OVERLAYS, td_string!(locale, designs.upload_overlay_hint)),
        FileKind::Frame | FileKind::Logo => (PICTURES, td_string!(locale, designs.upload_hint)),
    };
    let (value, error, upload_error) = (inputs.text(&name, ""), inputs.error(&name), inputs.error(&upload));
    view! {
        <div class="designs-pair">
            <Select name=name label=td_string!(locale, designs.file) options value=value error=error/>
            <Field
                name=upload
                label=td_string!(locale, designs.upload)
                hint=hint
                kind="file"
                accept=accept
                error=upload_error
            />
        </div>
    }
}

#[component]
fn OverlayPart(inputs: Inputs, format: Format, files: Vec<DesignFile>) -> impl IntoView {
    let locale = use_locale();
    let fit = field(format, "overlay.fit");
    let options = Fit::ALL.iter().map(|fit| {
        let label = match fit {
            Fit::Cover => td_string!(locale, designs.fit_cover),
            Fit::Contain => td_string!(locale, designs.fit_contain),
            Fit::Stretch => td_string!(locale, designs.fit_stretch),
        };
        Choice::new(fit.as_str(), label)
    });
    let options: Vec<Choice> = options.collect();
    let (value, error) = (inputs.text(&fit, Fit::Cover.as_str()), inputs.error(&fit));
    let open = !inputs.text(&field(format, "overlay.file"), "").is_empty()
        || inputs.error(&upload_field(format, FileKind::Overlay)).is_some();
    view! {
        <Part title=td_string!(locale, designs.overlay) open>
            <p class="field-hint">{td_string!(locale, designs.overlay_hint)}</p>
            <FileChoice inputs format kind=FileKind::Overlay files/>
            <Select name=fit label=td_string!(locale, designs.overlay_fit) options value=value error=error/>
        </Part>
    }
}

#[component]
fn FramePart(inputs: Inputs, format: Format, files: Vec<DesignFile>) -> impl IntoView {
    let locale = use_locale();
    let name = field(format, "frame");
    let options = vec![
        Choice::new("", td_string!(locale, designs.frame_none)),
        Choice::new("plain", td_string!(locale, designs.frame_plain)),
        Choice::new("picture", td_string!(locale, designs.frame_picture)),
    ];
    let kind = inputs.text(&name, "");
    let open = !kind.is_empty() || inputs.error(&upload_field(format, FileKind::Frame)).is_some();
    view! {
        <Part title=td_string!(locale, designs.frame) open>
            <div class="designs-pair">
                <Select name=name label=td_string!(locale, designs.frame_kind) options value=kind/>
                <Size
                    inputs=inputs.clone()
                    name=field(format, "frame.width")
                    label=td_string!(locale, designs.width)
                    otherwise=30
                    range=FRAME_WIDTH
                />
            </div>
            <fieldset class="designs-fieldset">
                <legend class="field-hint">{td_string!(locale, designs.frame_plain_hint)}</legend>
                <div class="designs-pair">
                    <Colour
                        inputs=inputs.clone()
                        name=field(format, "frame.colour")
                        label=td_string!(locale, designs.colour)
                        otherwise="#ffffff"
                    />
                    <Opacity
                        inputs=inputs.clone()
                        name=field(format, "frame.colour.opacity")
                        label=td_string!(locale, designs.opacity)
                        otherwise="100"
                    />
                </div>
            </fieldset>
            <fieldset class="designs-fieldset">
                <legend class="field-hint">{td_string!(locale, designs.frame_picture_hint)}</legend>
                <FileChoice inputs=inputs.clone() format kind=FileKind::Frame files/>
                <Size
                    inputs
                    name=field(format, "frame.slice")
                    label=td_string!(locale, designs.frame_slice)
                    otherwise=250
                    range=FRAME_SLICE
                />
            </fieldset>
        </Part>
    }
}

#[component]
fn LogoPart(inputs: Inputs, format: Format, files: Vec<DesignFile>, event_logo: bool) -> impl IntoView {
    let locale = use_locale();
    let open = !inputs.text(&field(format, "logo.file"), "").is_empty()
        || inputs.error(&upload_field(format, FileKind::Logo)).is_some();
    view! {
        <Part title=td_string!(locale, designs.logo) open>
            <FileChoice inputs=inputs.clone() format kind=FileKind::Logo files/>
            {event_logo
                .then(|| {
                    view! {
                        <div class="form-actions">
                            <Submit intent="event_logo" icon=IconName::Picture>
                                {td_string!(locale, designs.logo_event)}
                            </Submit>
                        </div>
                    }
                })}
            <div class="designs-pair">
                <Places inputs=inputs.clone() name=field(format, "logo.place") otherwise=Place::BottomRight/>
                <div class="stack">
                    <Size
                        inputs=inputs.clone()
                        name=field(format, "logo.size")
                        label=td_string!(locale, designs.size)
                        otherwise=200
                        range=LOGO_SIZE
                    />
                    <Size
                        inputs
                        name=field(format, "logo.margin")
                        label=td_string!(locale, designs.margin)
                        otherwise=40
                        range=MARGIN
                    />
                </div>
            </div>
        </Part>
    }
}

#[component]
fn LinePart(inputs: Inputs, format: Format) -> impl IntoView {
    let locale = use_locale();
    let (text, weight, backing) =
        (field(format, "line.text"), field(format, "line.weight"), field(format, "line.backing"));
    let words = inputs.text(&text, "");
    let (open, error) = (!words.is_empty(), inputs.error(&text));
    let weights = Weight::ALL.iter().map(|weight| {
        let label = match weight {
            Weight::Regular => td_string!(locale, designs.weight_regular),
            Weight::Bold => td_string!(locale, designs.weight_bold),
        };
        Choice::new(weight.as_str(), label)
    });
    let weights: Vec<Choice> = weights.collect();
    let (chosen_weight, has_backing) = (inputs.text(&weight, Weight::Bold.as_str()), inputs.ticked(&backing));
    view! {
        <Part title=td_string!(locale, designs.line) open>
            <Field
                name=text
                label=td_string!(locale, designs.line_text)
                hint=td_string!(locale, designs.line_text_hint)
                value=words
                error=error
            />
            <div class="designs-pair">
                <Places inputs=inputs.clone() name=field(format, "line.place") otherwise=Place::Bottom/>
                <div class="stack">
                    <Size
                        inputs=inputs.clone()
                        name=field(format, "line.size")
                        label=td_string!(locale, designs.size)
                        otherwise=50
                        range=TEXT_SIZE
                    />
                    <Size
                        inputs=inputs.clone()
                        name=field(format, "line.margin")
                        label=td_string!(locale, designs.margin)
                        otherwise=40
                        range=MARGIN
                    />
                </div>
            </div>
            <div class="designs-pair">
                <Select name=weight label=td_string!(locale, designs.weight) options=weights value=chosen_weight/>
                <Colour
                    inputs=inputs.clone()
                    name=field(format, "line.colour")
                    label=td_string!(locale, designs.colour)
                    otherwise="#ffffff"
                />
                <Opacity
                    inputs=inputs.clone()
                    name=field(format, "line.colour.opacity")
                    label=td_string!(locale, designs.opacity)
                    otherwise="100"
                />
            </div>
            <Checkbox name=backing label=td_string!(locale, designs.backing) checked=has_backing/>
            <div class="designs-pair">
                <Colour
                    inputs=inputs.clone()
                    name=field(format, "line.ground")
                    label=td_string!(locale, designs.backing_colour)
                    otherwise="#000000"
                />
                <Opacity
                    inputs
                    name=field(format, "line.ground.opacity")
                    label=td_string!(locale, designs.backing_opacity)
                    otherwise="50"
                />
            </div>
        </Part>
    }
}

#[component]
fn BackgroundPart(inputs: Inputs, format: Format) -> impl IntoView {
    let locale = use_locale();
    let name = field(format, "background");
    let on = inputs.ticked(&name);
    let sides = [
        ("top", td_string!(locale, designs.top)),
        ("right", td_string!(locale, designs.right)),
        ("bottom", td_string!(locale, designs.bottom)),
        ("left", td_string!(locale, designs.left)),
    ];
    let colour_inputs = inputs.clone();
    let sides = sides.map(|(side, label)| {
        let name = field(format, &format!("background.{side}"));
        view! { <Size inputs=inputs.clone() name label otherwise=50 range=ROOM/> }
    });
    view! {
        <Part title=td_string!(locale, designs.background) open=on>
            <Checkbox name=name label=td_string!(locale, designs.background_on) checked=on/>
            <Colour
                inputs=colour_inputs
                name=field(format, "background.colour")
                label=td_string!(locale, designs.colour)
                otherwise="#ffffff"
            />
            <div class="designs-sides">{sides}</div>
        </Part>
    }
}
