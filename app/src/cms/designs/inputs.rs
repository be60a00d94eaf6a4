//! The inputs of the form that no other form has, and what stands in all of them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::designs::{Filter, Format, Place};
use shutterpost_model::error::AppError;

use super::form::{hundredths, open_format};
use crate::i18n::Locale;
use crate::texts::{self, language_of, use_locale};
use crate::ui::{Field, Text};

/// What stands in the fields: what was typed before the page came back, or else what is saved.
#[derive(Clone)]
pub(super) struct Inputs {
    values: Arc<Vec<(String, String)>>,
    error: Option<AppError>,
}

impl Inputs {
    pub(super) fn new(values: Vec<(String, String)>, error: Option<AppError>) -> Self {
        Self { values: Arc::new(values), error }
    }

    pub(super) fn text(&self, name: &str, otherwise: &str) -> String {
        let found = self.values.iter().find(|(field, _)| field == name);
        found.map_or(otherwise, |(_, value)| value.as_str()).to_owned()
    }

    /// Whether the box is ticked: one that is not is not sent at all.
    pub(super) fn ticked(&self, name: &str) -> bool {
        self.values.iter().any(|(field, _)| field == name)
    }

    /// What is wrong with the field.
    pub(super) fn error(&self, name: &str) -> Option<Text> {
        let code = self.error.as_ref()?.of(name)?;
        Some(Text::Borrowed(texts::error(code, language_of(use_locale()))))
    }

    /// The format that the first wrong field is of.
    fn wrong(&self) -> Option<Format> {
        let wrong = self.error.as_ref()?.fields.first()?;
        Format::from_name(wrong.field.split('.').next().unwrap_or_default())
    }

    /// The format whose sheet is open: that with the first wrong field, or the chosen one.
    pub(super) fn open(&self) -> Format {
        self.wrong().unwrap_or_else(|| open_format(&self.values))
    }

    /// Whether the sheet of landscape pictures counts for all. Not while what is wrong stands on another one, which would be
    /// hidden.
    pub(super) fn for_all(&self) -> bool {
        self.ticked("same_for_all") && self.wrong().is_none_or(|format| format == Format::Landscape)
    }
}

pub(super) fn format_name(locale: Locale, format: Format) -> &'static str {
    match format {
        Format::Portrait => td_string!(locale, designs.portrait),
        Format::Landscape => td_string!(locale, designs.landscape),
        Format::Square => td_string!(locale, designs.square),
    }
}

fn place_name(locale: Locale, place: Place) -> &'static str {
    match place {
        Place::TopLeft => td_string!(locale, designs.place_top_left),
        Place::Top => td_string!(locale, designs.place_top),
        Place::TopRight => td_string!(locale, designs.place_top_right),
        Place::Left => td_string!(locale, designs.place_left),
        Place::Centre => td_string!(locale, designs.place_centre),
        Place::Right => td_string!(locale, designs.place_right),
        Place::BottomLeft => td_string!(locale, designs.place_bottom_left),
        Place::Bottom => td_string!(locale, designs.place_bottom),
        Place::BottomRight => td_string!(locale, designs.place_bottom_right),
    }
}

fn filter_name(locale: Locale, filter: Filter) -> &'static str {
    match filter {
        Filter::None => td_string!(locale, designs.filter_none),
        Filter::BlackAndWhite => td_string!(locale, designs.filter_black_and_white),
        Filter::Warm => td_string!(locale, designs.filter_warm),
        Filter::Cool => td_string!(locale, designs.filter_cool),
        Filter::Faded => td_string!(locale, designs.filter_faded),
        Filter::Vivid => td_string!(locale, designs.filter_vivid),
    }
}

/// A size in hundredths of the shorter side.
#[component]
pub(super) fn Size(
    inputs: Inputs,
    name: String,
    label: &'static str,
    /// In thousandths.
    otherwise: u16,
    range: RangeInclusive<u16>,
) -> impl IntoView {
    let value = inputs.text(&name, &hundredths(otherwise));
    let error = inputs.error(&name);
    view! {
        <Field
            name=name
            label=label
            kind="number"
            value=value
            min=hundredths(*range.start())
            max=hundredths(*range.end())
            error=error
        />
    }
}

/// A colour.
#[component]
pub(super) fn Colour(inputs: Inputs, name: String, label: &'static str, otherwise: &'static str) -> impl IntoView {
    let (value, error) = (inputs.text(&name, otherwise), inputs.error(&name));
    view! { <Field name=name label=label kind="color" value=value error=error/> }
}

/// How much of what lies below is hidden, of a hundred.
#[component]
pub(super) fn Opacity(inputs: Inputs, name: String, label: &'static str, otherwise: &'static str) -> impl IntoView {
    let (value, error) = (inputs.text(&name, otherwise), inputs.error(&name));
    view! { <Field name=name label=label kind="number" value=value min="0" max="100" error=error/> }
}

/// The nine places as they lie in a picture.
#[component]
pub(super) fn Places(inputs: Inputs, name: String, otherwise: Place) -> impl IntoView {
    let locale = use_locale();
    let chosen = inputs.text(&name, otherwise.as_str());
    let places = Place::ALL.iter().map(|place| {
        let label = place_name(locale, *place);
        let checked = chosen == place.as_str();
        view! {
            <label class="designs-place" title=label>
                <input
                    r#type="radio"
                    name=name.clone()
                    value=place.as_str()
                    checked=checked
                    aria-label=label
                />
            </label>
        }
    });
    view! {
        <fieldset class="designs-fieldset">
            <legend class="field-label">{td_string!(locale, designs.place)}</legend>
            <div class="designs-places">{places.collect_view()}</div>
        </fieldset>
    }
}

/// A shore in the evening: something of every colour and brightness, to try filters on.
const SCENE: &str = r##"<path fill="#5d83ad" d="M0 0h60v40H0z"/><path fill="#e8b48a" d="M0 14h60v12H0z"/><circle cx="42" cy="15" r="6" fill="#fff0b8"/><path fill="#4b6070" d="m0 26 14-9 12 8 10-6 24 10v11H0z"/><path fill="#3f6b3a" d="M0 32c16-6 34-2 60-4v12H0z"/><circle cx="15" cy="29" r="4" fill="#e2b08e"/><path fill="#b2333a" d="M8 40c0-6 3-8 7-8s7 2 7 8z"/>"##;

/// The filters, each as what it does to a picture.
#[component]
pub(super) fn Filters(inputs: Inputs, name: String) -> impl IntoView {
    let locale = use_locale();
    let chosen = inputs.text(&name, Filter::None.as_str());
    let filters = Filter::ALL.iter().map(|filter| {
        let checked = chosen == filter.as_str();
        view! {
            <label class="designs-filter">
                <input
                    class="visually-hidden"
                    r#type="radio"
                    name=name.clone()
                    value=filter.as_str()
                    checked=checked
                />
                <svg
                    class=format!("designs-scene designs-scene-{}", filter.as_str())
                    viewBox="0 0 60 40"
                    width="60"
                    height="40"
                    aria-hidden="true"
                    inner_html=SCENE
                ></svg>
                <span>{filter_name(locale, *filter)}</span>
            </label>
        }
    });
    view! {
        <fieldset class="designs-fieldset">
            <legend class="designs-part-title">{td_string!(locale, designs.filter)}</legend>
            <div class="designs-filters">{filters.collect_view()}</div>
        </fieldset>
    }
}

#[cfg(test)]
mod tests {
    use shutterpost_model::error::Code;

    use super::*;

    #[test]
    fn the_sheet_with_the_first_wrong_field_is_open() {
        let values = vec![("format".to_owned(), "square".to_owned())];
        assert_eq!(Inputs::new(values.clone(), None).open(), Format::Square);
        let wrong = AppError::field("portrait.logo.size", Code::OutOfRange);
        assert_eq!(Inputs::new(values.clone(), Some(wrong)).open(), Format::Portrait);
        assert_eq!(Inputs::new(values, Some(AppError::new(Code::Conflict))).open(), Format::Square);
        assert_eq!(Inputs::new(Vec::new(), None).open(), Format::Landscape);
    }

    #[test]
    fn a_sheet_with_a_wrong_field_is_not_hidden_by_one_for_all() {
        let values = vec![("same_for_all".to_owned(), "on".to_owned())];
        let for_all = |error: Option<AppError>| Inputs::new(values.clone(), error).for_all();
        let wrong = |field: &str| Some(AppError::field(field, Code::OutOfRange));
        assert!(for_all(None) && for_all(wrong("landscape.logo.size")) && for_all(wrong("on")));
        assert!(!for_all(wrong("portrait.logo.size")) && !Inputs::new(Vec::new(), None).for_all());
    }
}
