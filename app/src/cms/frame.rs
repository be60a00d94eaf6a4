//! The frame around the pages of signed-in people: rail, top bar, content. On a phone the rail becomes a bottom bar.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;

use shutterpost_model::access::Permission;
use shutterpost_model::identity::Me;

use super::context::{use_dev, use_me};
use super::done::DoneToast;
use super::mark::Mark;
use super::support::notice::SupportNotices;
use crate::i18n::Locale;
use crate::texts::{language_of, role, use_locale};
use crate::ui::{Icon, IconName};

/// A place that the rail leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Overview,
    Events,
    Messages,
    People,
    Tokens,
    SignIn,
    Trash,
    Privacy,
    Audit,
    Support,
}

impl Place {
    /// Of daily use; the others hide behind "More" on a phone.
    const DAILY: [Self; 3] = [Self::Overview, Self::Events, Self::Messages];
    const RARE: [Self; 7] =
        [Self::People, Self::Tokens, Self::SignIn, Self::Trash, Self::Privacy, Self::Audit, Self::Support];

    const fn href(self) -> &'static str {
        match self {
            Self::Overview => "/cms/overview",
            Self::Events => "/cms/events",
            Self::Messages => "/cms/messages",
            Self::People => "/cms/people",
            Self::Tokens => "/cms/tokens",
            Self::SignIn => "/cms/sign-in-settings",
            Self::Trash => "/cms/trash",
            Self::Privacy => "/cms/privacy",
            Self::Audit => "/cms/audit",
            Self::Support => "/cms/support-access",
        }
    }

    const fn icon(self) -> IconName {
        match self {
            Self::Overview => IconName::Overview,
            Self::Events => IconName::Calendar,
            Self::Messages => IconName::Mail,
            Self::People => IconName::People,
            Self::Tokens => IconName::Key,
            Self::SignIn => IconName::SignIn,
            Self::Trash => IconName::Trash,
            Self::Privacy => IconName::Lock,
            Self::Audit => IconName::Shield,
            Self::Support => IconName::Eye,
        }
    }

    const fn needs(self) -> Permission {
        match self {
            Self::Overview => Permission::OverviewRead,
            Self::Events => Permission::EventRead,
            Self::Messages => Permission::MessageRead,
            Self::People => Permission::PeopleManage,
            Self::Tokens => Permission::TokenManage,
            Self::SignIn => Permission::SignInManage,
            Self::Trash => Permission::TrashManage,
            Self::Privacy => Permission::PrivacyManage,
            Self::Audit | Self::Support => Permission::AuditRead,
        }
    }

    fn label(self, locale: Locale) -> &'static str {
        match self {
            Self::Overview => td_string!(locale, common.nav_overview),
            Self::Events => td_string!(locale, common.nav_events),
            Self::Messages => td_string!(locale, common.nav_messages),
            Self::People => td_string!(locale, common.nav_people),
            Self::Tokens => td_string!(locale, common.nav_tokens),
            Self::SignIn => td_string!(locale, common.nav_sign_in),
            Self::Trash => td_string!(locale, common.nav_trash),
            Self::Privacy => td_string!(locale, common.nav_privacy),
            Self::Audit => td_string!(locale, common.nav_audit),
            Self::Support => td_string!(locale, support.nav),
        }
    }

    /// The place a path belongs to; captures belong to the events.
    fn of(path: &str) -> Option<Self> {
        if path.starts_with("/cms/captures/") {
            return Some(Self::Events);
        }
        Self::DAILY
            .into_iter()
            .chain(Self::RARE)
            .find(|place| path.strip_prefix(place.href()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

/// Rail, top bar and the page. Nobody signed in (a refusal in front of a page), there is nowhere to lead to.
#[component]
pub fn Frame() -> impl IntoView {
    let locale = use_locale();
    let Some(me) = use_me() else {
        return view! { <main class="plain" id="content"><Outlet/></main> }.into_any();
    };
    let path = use_location().pathname.get_untracked();
    view! {
        <a class="skip-link" href="#content">{td_string!(locale, common.skip_to_content)}</a>
        <div class="frame">
            <aside class="rail">
                <a class="rail-mark" href="/cms/overview">
                    <Mark/>
                    <span class="rail-mark-text">"Shutterpost"</span>
                </a>
                <Rail me=me.clone() current=Place::of(&path)/>
            </aside>
            <header class="top">
                <Breadcrumb me=me.clone() path/>
                <AccountMenu me/>
            </header>
            <main class="content" id="content" tabindex="-1">
                <SupportNotices/>
                <Outlet/>
            </main>
        </div>
        <DoneToast/>
    }
    .into_any()
}

/// Organisation and places.
#[component]
fn Rail(me: Me, current: Option<Place>) -> impl IntoView {
    let locale = use_locale();
    let link = move |place: Place| {
        view! {
            <a
                class="rail-link"
                href=place.href()
                aria-current=(current == Some(place)).then_some("page")
            >
                <Icon name=place.icon()/>
                <span class="rail-text">{place.label(locale)}</span>
            </a>
        }
    };
    let allowed = |place: &Place| me.may(place.needs());
    let daily: Vec<_> = Place::DAILY.into_iter().filter(allowed).collect();
    let rare: Vec<_> = Place::RARE.into_iter().filter(allowed).collect();
    let more = (!rare.is_empty()).then(|| {
        let current_is_rare = current.is_some_and(|place| Place::RARE.contains(&place));
        view! {
            <button
                r#type="button"
                class="rail-link rail-more"
                popovertarget="more-places"
                aria-current=current_is_rare.then_some("true")
            >
                <Icon name=IconName::More/>
                <span class="rail-text">{td_string!(locale, common.nav_more)}</span>
            </button>
            <div class="menu rail-sheet" id="more-places" popover="auto">
                {rare.iter().copied().map(link).collect_view()}
            </div>
        }
    });
    view! {
        <Organisations me=me.clone()/>
        <nav class="rail-places" aria-label=td_string!(locale, common.main_navigation)>
            {daily.into_iter().map(link).collect_view()}
            <div class="rail-rare">{rare.iter().copied().map(link).collect_view()}</div>
            {more}
        </nav>
    }
}

/// The organisation acted in, and the way to the others.
#[component]
fn Organisations(me: Me) -> impl IntoView {
    let locale = use_locale();
    let current = me.current.clone();
    let name = current
        .as_ref()
        .map_or_else(|| td_string!(locale, common.no_organisation).to_owned(), |current| current.name.clone());
    if me.organisations.len() < 2 {
        return view! { <p class="organisation"><span class="organisation-name">{name}</span></p> }.into_any();
    }
    let others = me
        .organisations
        .into_iter()
        .filter(|one| current.as_ref().is_none_or(|current| current.id != one.id))
        .map(|one| {
            view! {
                <button class="menu-item" name="organisation" value=one.id.into_string()>
                    <Icon name=IconName::Organisation/>
                    <span>{one.name}</span>
                </button>
            }
        })
        .collect_view();
    view! {
        <div class="organisation">
            <button
                r#type="button"
                class="organisation-switch"
                popovertarget="organisations"
                title=td_string!(locale, common.switch_organisation)
            >
                <span class="organisation-name">{name}</span>
                <Icon name=IconName::ChevronDown/>
            </button>
            <form class="menu" id="organisations" popover="auto" method="post" action="/cms/account">
                <input r#type="hidden" name="intent" value="organisation"/>
                {others}
            </form>
        </div>
    }
    .into_any()
}

/// Where am I: the organisation, then the place.
#[component]
fn Breadcrumb(me: Me, path: String) -> impl IntoView {
    let locale = use_locale();
    let here = match Place::of(&path) {
        Some(place) if me.may(place.needs()) => {
            Some(view! { <a href=place.href()>{place.label(locale)}</a> }.into_any())
        }
        // Whoever erased a guest sees that erasure, though not the list.
        Some(place) => Some(place.label(locale).into_any()),
        None => path.starts_with("/cms/account").then(|| td_string!(locale, common.nav_account).into_any()),
    };
    view! {
        <nav class="breadcrumb" aria-label=td_string!(locale, common.breadcrumb)>
            <ol>
                {me.current.map(|current| view! { <li class="breadcrumb-organisation">{current.name}</li> })}
                {here.map(|here| view! { <li>{here}</li> })}
            </ol>
        </nav>
    }
}

/// The first letters of a name, for the round mark.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

/// One's own name, account and the way out.
#[component]
fn AccountMenu(me: Me) -> impl IntoView {
    let locale = use_locale();
    let name = me.name.get().clone();
    if me.support.is_some() {
        // Of support, what is their own is at their desk.
        return view! {
            <div class="account">
                <a class="avatar" href="/support" title=name.clone() aria-label=td_string!(locale, support.notice_back)>
                    {initials(&name)}
                </a>
            </div>
        }
        .into_any();
    }
    let my_role = me.current.as_ref().map(|current| role(current.role, language_of(locale)));
    view! {
        <div class="account">
            <button
                r#type="button"
                class="avatar"
                popovertarget="account-menu"
                aria-label=td_string!(locale, common.account_menu)
                title=name.clone()
            >
                {initials(&name)}
            </button>
            <div class="menu" id="account-menu" popover="auto">
                <p class="menu-head">
                    <strong>{name}</strong>
                    <span>{me.email.get().clone()}</span>
                    {my_role.map(|role| view! { <span>{role}</span> })}
                </p>
                <a class="menu-item" href="/cms/account">
                    <Icon name=IconName::Person/>
                    <span>{td_string!(locale, common.nav_account)}</span>
                </a>
                <a class="menu-item" href="/cms/account/security">
                    <Icon name=IconName::Lock/>
                    <span>{td_string!(locale, identity.security)}</span>
                </a>
                {use_dev()
                    .then(|| {
                        view! {
                            <a class="menu-item" href="/dev/outbox">
                                <Icon name=IconName::Mail/>
                                <span>{td_string!(locale, common.nav_outbox)}</span>
                            </a>
                        }
                    })}
                <form method="post" action="/cms/sign-out">
                    <button class="menu-item">
                        <Icon name=IconName::SignOut/>
                        <span>{td_string!(locale, common.sign_out)}</span>
                    </button>
                </form>
            </div>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_a_place() {
        for (path, place) in [
            ("/cms/overview", Some(Place::Overview)),
            ("/cms/events/new", Some(Place::Events)),
            ("/cms/captures/cap_1", Some(Place::Events)),
            ("/cms/people", Some(Place::People)),
            ("/cms/peoples", None),
            ("/cms/privacy/era_1", Some(Place::Privacy)),
            ("/cms/trash", Some(Place::Trash)),
            ("/cms/account", None),
        ] {
            assert_eq!(Place::of(path), place, "{path}");
        }
    }

    #[test]
    fn initials_are_the_first_and_the_last() {
        assert_eq!(initials("Anna Maria Muster"), "AM");
        assert_eq!(initials("émile"), "É");
        assert_eq!(initials("  "), "");
    }
}
