//! All pages of the CMS and where they are.

use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::hooks::use_location;
use leptos_router::{SsrMode, path};

use super::context::{Seed, forget_outcome, provide_seed};
use super::error_page::NotFoundPage;
use super::frame::Frame;
use super::identity::account::AccountPage;
use super::identity::forgot::{ForgotPage, ResetPage};
use super::identity::invitation::InvitationPage;
use super::identity::people::PeoplePage;
use super::identity::sign_in::SignInPage;
use super::identity::tokens::TokensPage;
use super::{audit, captures, events, messages, overview};

/// Every page, as the server's router writes paths. `/cms` itself redirects and is no page.
pub const fn page_paths() -> &'static [&'static str] {
    &[
        "/cms/sign-in",
        "/cms/forgot",
        "/cms/reset/{token}",
        "/cms/invitation/{token}",
        "/cms/overview",
        "/cms/events",
        "/cms/events/new",
        "/cms/events/{event}",
        "/cms/events/{event}/settings",
        "/cms/events/{event}/branding",
        "/cms/events/{event}/devices",
        "/cms/captures/{capture}",
        "/cms/messages",
        "/cms/people",
        "/cms/tokens",
        "/cms/audit",
        "/cms/account",
    ]
}

/// The CMS. Everything is awaited on the server, so the first HTML is the whole page.
#[component]
pub fn App() -> impl IntoView {
    provide_seed(SharedValue::new(Seed::of_request).into_inner());
    view! {
        <Router>
            <ForgetOutcome/>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/cms/sign-in") view=SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/cms/forgot") view=ForgotPage ssr=SsrMode::Async/>
                <Route path=path!("/cms/reset/:token") view=ResetPage ssr=SsrMode::Async/>
                <Route path=path!("/cms/invitation/:token") view=InvitationPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("/cms") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("overview") view=overview::OverviewPage/>
                    <Route path=path!("events") view=events::EventsPage/>
                    <Route path=path!("events/new") view=events::NewEventPage/>
                    <Route path=path!("events/:event") view=captures::CapturesPage/>
                    <Route path=path!("events/:event/settings") view=events::SettingsPage/>
                    <Route path=path!("events/:event/branding") view=events::BrandingPage/>
                    <Route path=path!("events/:event/devices") view=events::DevicesPage/>
                    <Route path=path!("captures/:capture") view=captures::CapturePage/>
                    <Route path=path!("messages") view=messages::MessagesPage/>
                    <Route path=path!("people") view=PeoplePage/>
                    <Route path=path!("tokens") view=TokensPage/>
                    <Route path=path!("audit") view=audit::AuditPage/>
                    <Route path=path!("account") view=AccountPage/>
                    <Route path=path!("*any") view=NotFoundPage/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// An error stands where its form is: it goes when the reader goes elsewhere.
#[component]
fn ForgetOutcome() -> impl IntoView {
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            forget_outcome();
        }
        now
    });
}

/// Takes over the page that the server rendered.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    // Whoever reports a broken page can then say more than "unreachable".
    std::panic::set_hook(Box::new(|panic| leptos::logging::error!("{panic}")));
    hydrate_body(App);
}
