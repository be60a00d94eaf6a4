//! Pages for what went wrong.

use leptos::prelude::*;

use shutterpost_model::error::{AppError, Code};

use super::context::CmsError;
use crate::texts;

/// Instead of a page: what happened, what to do, the request's id. Sets the HTTP status on the server.
#[component]
pub fn ErrorPage(error: CmsError) -> impl IntoView {
    let locale = texts::use_locale();
    view! { <p>{texts::error(error.0.code, texts::language_of(locale))}</p> }
}

/// For addresses that lead nowhere.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! { <ErrorPage error=CmsError(AppError::new(Code::NotFound))/> }
}
