//! Plain forms and what became of them: what was typed stands in its field again, what is wrong stands under it.

use leptos::prelude::*;

use shutterpost_model::error::AppError;
use shutterpost_model::language::Language;

use super::context::{FormOutcome, use_outcome};
use super::refusal::banner;
use crate::texts::{self, language_of, use_locale};
use crate::ui::{ErrorBanner, Text};

/// A form's memory of having been posted.
#[derive(Debug, Clone)]
pub struct FormState {
    outcome: FormOutcome,
    language: Language,
}

/// The state of the form with this intent; `""` on pages with one form.
pub fn use_form(intent: &str) -> FormState {
    FormState { outcome: use_outcome(intent), language: language_of(use_locale()) }
}

impl FormState {
    /// Whether the form was refused just now.
    pub const fn failed(&self) -> bool {
        self.outcome.error.is_some()
    }

    /// What was typed into the field, or what stands there otherwise.
    pub fn value(&self, field: &str, otherwise: impl Into<Text>) -> Text {
        match self.outcome.values.iter().find(|(name, _)| name == field) {
            Some((_, typed)) => Text::Owned(typed.clone()),
            None if self.failed() => Text::Borrowed(""),
            None => otherwise.into(),
        }
    }

    /// Whether the box was checked, or is otherwise: an unchecked box is not sent at all.
    pub fn checked(&self, field: &str, otherwise: bool) -> bool {
        if self.failed() { self.outcome.values.iter().any(|(name, _)| name == field) } else { otherwise }
    }

    /// What is wrong with the field.
    pub fn error(&self, field: &str) -> Option<Text> {
        let code = self.outcome.error.as_ref()?.of(field)?;
        Some(Text::Borrowed(texts::error(code, self.language)))
    }

    /// The first field that something is wrong with.
    pub fn first_wrong(&self) -> Option<&str> {
        self.outcome.error.as_ref()?.fields.first().map(|wrong| wrong.field.as_str())
    }

    /// Whether the outcome is about the object with this value, e.g. the row a dialog belongs to.
    pub fn is_about(&self, field: &str, value: &str) -> bool {
        self.outcome.values.iter().any(|(name, typed)| name == field && typed == value)
    }

    /// The secret to show this once.
    pub fn issued(&self) -> Option<String> {
        self.outcome.issued.clone()
    }
}

/// Above a form: what went wrong with it, if something did.
#[component]
pub fn OutcomeBanner(
    /// The form's intent; empty on pages with one form.
    #[prop(optional, into)]
    intent: Text,
) -> impl IntoView {
    use_outcome(&intent).error.map(|error| view! { <RefusalBanner error/> })
}

/// Why a form was refused.
#[component]
pub(in crate::cms) fn RefusalBanner(error: AppError) -> impl IntoView {
    let (text, request_id) = banner(&error, language_of(use_locale()));
    view! { <ErrorBanner text=text request_id=request_id/> }
}

#[cfg(test)]
mod tests {
    use shutterpost_model::error::{AppError, Code};

    use super::*;

    fn refused() -> FormState {
        let outcome = FormOutcome {
            error: Some(AppError::field("email", Code::BadEmail)),
            values: vec![("email".into(), "x".into()), ("remember".into(), "on".into())],
            ..FormOutcome::default()
        };
        FormState { outcome, language: Language::English }
    }

    #[test]
    fn a_refused_form_keeps_what_was_typed() {
        let form = refused();
        assert_eq!(form.value("email", "old"), "x");
        assert_eq!(form.value("name", "old"), "", "the field was emptied");
        assert!(form.checked("remember", false));
        assert!(!form.checked("other", true), "the box was unchecked");
        assert_eq!(form.error("email").as_deref(), Some("This is not an e-mail address."));
        assert_eq!(form.error("name"), None);
    }

    #[test]
    fn a_form_that_was_not_posted_shows_what_is_stored() {
        let form = FormState { outcome: FormOutcome::default(), language: Language::German };
        assert_eq!(form.value("email", "old"), "old");
        assert!(form.checked("remember", true));
        assert_eq!(form.error("email"), None);
    }
}
