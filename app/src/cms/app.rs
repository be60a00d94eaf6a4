//! All pages of the CMS and where they are.

use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use super::error_page::NotFoundPage;
use super::frame::Frame;
use super::identity::account::AccountPage;
use super::identity::factor::{ConfirmPage, FactorPage};
use super::identity::forgot::{ForgotPage, ResetPage};
use super::identity::invitation::InvitationPage;
use super::identity::own_sign_in::OwnSignInPage;
use super::identity::people::PeoplePage;
use super::identity::rules::SignInRulesPage;
use super::identity::security::SecurityPage;
use super::identity::sign_in::SignInPage;
use super::identity::tokens::TokensPage;
use super::identity::two_factor::TwoFactorPage;
use super::sso::leaving::LeavingPage;
use super::sso::refused::RefusedPage;
use super::sso::tie::TiePage;
use super::support::access::SupportAccessPage;
use super::support::desk::DeskPage;
use super::support::joining::StaffInvitationPage;
use super::support::sign_in::{StaffFactorPage, StaffSignInPage};
use super::{audit, captures, connections, designs, events, exports, messages, overview, privacy};

/// Every page, as the server's router writes paths. `/cms` itself redirects and is no page.
pub const fn page_paths() -> &'static [&'static str] {
    &[
        "/cms/sign-in",
        "/cms/sign-in/code",
        "/cms/forgot",
        "/cms/reset/{token}",
        "/cms/invitation/{token}",
        "/sso/{connection}/tie",
        "/cms/overview",
        "/cms/events",
        "/cms/events/new",
        "/cms/events/{event}",
        "/cms/events/{event}/settings",
        "/cms/events/{event}/branding",
        "/cms/events/{event}/design",
        "/cms/events/{event}/devices",
        "/cms/events/{event}/exports",
        "/cms/captures/{capture}",
        "/cms/messages",
        "/cms/people",
        "/cms/tokens",
        "/cms/sign-in-settings",
        "/cms/sign-in-settings/domains",
        "/cms/sign-in-settings/connections",
        "/cms/sign-in-settings/connections/new",
        "/cms/sign-in-settings/connections/{connection}",
        "/cms/trash",
        "/cms/privacy",
        "/cms/privacy/{erasure}",
        "/cms/audit",
        "/cms/account",
        "/cms/account/security",
        "/cms/account/two-factor",
        "/cms/own-sign-in",
        "/cms/support-access",
        "/support",
        "/support/sign-in",
        "/support/sign-in/code",
        "/support/invitation/{token}",
    ]
}

/// The CMS. Everything is awaited, so what is sent is the whole page.
#[component]
pub fn App() -> impl IntoView {
    view! {
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/cms/sign-in") view=SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/cms/sign-in/code") view=FactorPage ssr=SsrMode::Async/>
                <Route path=path!("/cms/confirm") view=ConfirmPage ssr=SsrMode::Async/>
                <Route path=path!("/cms/forgot") view=ForgotPage ssr=SsrMode::Async/>
                <Route path=path!("/cms/reset/:token") view=ResetPage ssr=SsrMode::Async/>
                <Route path=path!("/cms/invitation/:token") view=InvitationPage ssr=SsrMode::Async/>
                <Route path=path!("/support") view=DeskPage ssr=SsrMode::Async/>
                <Route path=path!("/support/sign-in") view=StaffSignInPage ssr=SsrMode::Async/>
                <Route path=path!("/support/sign-in/code") view=StaffFactorPage ssr=SsrMode::Async/>
                <Route path=path!("/support/invitation/:token") view=StaffInvitationPage ssr=SsrMode::Async/>
                <Route path=path!("/cms/sso/leaving") view=LeavingPage ssr=SsrMode::Async/>
                <Route path=path!("/cms/sso/refused") view=RefusedPage ssr=SsrMode::Async/>
                <Route path=path!("/sso/:connection/tie") view=TiePage ssr=SsrMode::Async/>
                <ParentRoute path=path!("/cms") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("overview") view=overview::OverviewPage/>
                    <Route path=path!("events") view=events::EventsPage/>
                    <Route path=path!("events/new") view=events::NewEventPage/>
                    <Route path=path!("events/:event") view=captures::CapturesPage/>
                    <Route path=path!("events/:event/settings") view=events::SettingsPage/>
                    <Route path=path!("events/:event/branding") view=events::BrandingPage/>
                    <Route path=path!("events/:event/design") view=designs::DesignPage/>
                    <Route path=path!("events/:event/devices") view=events::DevicesPage/>
                    <Route path=path!("events/:event/exports") view=exports::ExportsPage/>
                    <Route path=path!("captures/:capture") view=captures::CapturePage/>
                    <Route path=path!("messages") view=messages::MessagesPage/>
                    <Route path=path!("people") view=PeoplePage/>
                    <Route path=path!("tokens") view=TokensPage/>
                    <Route path=path!("sign-in-settings") view=SignInRulesPage/>
                    <Route path=path!("sign-in-settings/domains") view=connections::DomainsPage/>
                    <Route path=path!("sign-in-settings/connections") view=connections::ConnectionsPage/>
                    <Route path=path!("sign-in-settings/connections/new") view=connections::NewConnectionPage/>
                    <Route path=path!("sign-in-settings/connections/:connection") view=connections::ConnectionPage/>
                    <Route path=path!("trash") view=privacy::TrashListPage/>
                    <Route path=path!("privacy") view=privacy::PrivacyPage/>
                    <Route path=path!("privacy/:erasure") view=privacy::ErasurePage/>
                    <Route path=path!("audit") view=audit::AuditPage/>
                    <Route path=path!("account") view=AccountPage/>
                    <Route path=path!("account/security") view=SecurityPage/>
                    <Route path=path!("account/two-factor") view=TwoFactorPage/>
                    <Route path=path!("own-sign-in") view=OwnSignInPage/>
                    <Route path=path!("support-access") view=SupportAccessPage/>
                    <Route path=path!("*any") view=NotFoundPage/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
