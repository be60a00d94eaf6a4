//! The banner on every page while support is let in: for the organisation's own people, and for whoever acts.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Permission;
use shutterpost_model::support::SupportNotice;

use super::words;
use crate::cms::context::{use_me, use_support};
use crate::texts::{language_of, use_locale};
use crate::ui::{Banner, Meaning};

/// One for each grant that runs.
#[component]
pub fn SupportNotices() -> impl IntoView {
    use_support().into_iter().map(|notice| view! { <Notice notice/> }).collect_view()
}

#[component]
fn Notice(notice: SupportNotice) -> impl IntoView {
    let locale = use_locale();
    let SupportNotice { organisation_name, staff_name, reason, access, ends_at, own } = notice;
    let time = ends_at.readable(language_of(locale), 0);
    let access = words::access(locale, access);
    let reason = td_string!(locale, support.notice_reason, reason = reason.get().as_str());
    let (text, way) = if own {
        let text = td_string!(
            locale,
            support.notice_own,
            organisation = organisation_name.as_str(),
            time = time.as_str(),
            access = access
        );
        (text, Some(("/support", td_string!(locale, support.notice_back))))
    } else {
        let text = td_string!(
            locale,
            support.notice_guest,
            name = staff_name.get().as_str(),
            organisation = organisation_name.as_str(),
            time = time.as_str(),
            access = access
        );
        let may = use_me().is_some_and(|me| me.may(Permission::AuditRead));
        (text, may.then(|| ("/cms/support-access", td_string!(locale, support.notice_see))))
    };
    view! {
        <Banner meaning=if own { Meaning::Warn } else { Meaning::Info }>
            <p>
                {text} " " {reason} " "
                {way.map(|(href, label)| view! { <a class="link" href=href>{label}</a> })}
            </p>
        </Banner>
    }
}
