//! Instead of a page: what happened, what it means, what to do.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_location;

use shutterpost_model::error::{AppError, Code};

use super::context::{CmsError, use_outcome};
use super::refusal::banner;
use crate::texts::{language_of, use_locale};
use crate::ui::{Art, ButtonLink, EmptyState, PageTitle, Text, Tone};

/// What went wrong, in a page's place. Sets the HTTP status.
#[component]
pub fn ErrorPage(error: CmsError) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let CmsError(error) = error;
    super::respond::set_status(error.code.status());
    let (text, reference) = banner(&error, language);
    let (art, title, text) = match error.code {
        Code::NotFound => {
            (Art::Signpost, td_string!(locale, common.not_found_title), td_string!(locale, common.not_found_text))
        }
        Code::Forbidden => {
            (Art::Door, td_string!(locale, common.forbidden_title), td_string!(locale, common.forbidden_text))
        }
        Code::SupportOver => (Art::Door, td_string!(locale, common.forbidden_title), text),
        Code::Busy => (Art::Unplugged, td_string!(locale, common.unreachable_title), text),
        _ => (Art::Unplugged, td_string!(locale, common.failed_title), text),
    };
    let location = use_location();
    let path = location.pathname.get_untracked();
    let (href, label): (Text, _) = match error.code {
        Code::NotFound | Code::Forbidden => ("/cms/overview".into(), td_string!(locale, common.to_overview)),
        Code::SupportOver => ("/support".into(), td_string!(locale, support.notice_back)),
        Code::SignInNeeded => (format!("/cms/sign-in?next={path}").into(), td_string!(locale, common.sign_in_again)),
        _ => (path.into(), td_string!(locale, common.try_again)),
    };
    let reference = reference.or_else(|| error.request_id.filter(|_| error.code == Code::Forbidden));
    view! {
        <PageTitle text=title/>
        <EmptyState art=art title=title text=text>
            <a class="button button-primary" href=href>{label}</a>
            {reference
                .map(|id| view! { <p class="reference">{td_string!(locale, common.reference, id = id)}</p> })}
        </EmptyState>
    }
}

/// For addresses that lead nowhere, and for refusals in front of a page, which the server shows at an address of none.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    let error = use_outcome("").error.unwrap_or_else(|| AppError::new(Code::NotFound));
    view! { <ErrorPage error=CmsError(error)/> }
}

/// For people who belong to no organisation.
#[component]
pub fn NoOrganisation() -> impl IntoView {
    let locale = use_locale();
    view! {
        <EmptyState
            art=Art::Door
            title=td_string!(locale, common.no_organisation_title)
            text=td_string!(locale, common.no_organisation_text)
        >
            <ButtonLink href="/cms/account" tone=Tone::Primary>{td_string!(locale, common.nav_account)}</ButtonLink>
        </EmptyState>
    }
}
