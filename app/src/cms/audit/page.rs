//! The page of the audit trail: areas as chips, newest first, more on demand.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;

use shutterpost_model::audit::{self, AuditFilter, AuditView};

use super::words;
use crate::cms::load::load;
use crate::i18n::Locale;
use crate::texts::{language_of, use_locale};
use crate::ui::{
    Art, ButtonLink, Chips, Column, EmptyState, Icon, IconName, LoadMore, PageHead, PageTitle, Tab, Table, Time,
};
use crate::words::{encode, number};

const ADDRESS: &str = "/cms/audit";
/// Areas that a chip shows; the first part of an action.
pub(super) const FEATURES: [&str; 10] =
    ["identity", "connections", "sso", "support", "events", "captures", "guests", "share", "messages", "privacy"];

fn feature_name(locale: Locale, feature: &str) -> &'static str {
    match feature {
        "identity" => td_string!(locale, audit.feature_identity),
        "connections" => td_string!(locale, sso.feature_connections),
        "sso" => td_string!(locale, sso.feature_sso),
        "events" => td_string!(locale, audit.feature_events),
        "captures" => td_string!(locale, audit.feature_captures),
        "guests" => td_string!(locale, audit.feature_guests),
        "share" => td_string!(locale, audit.feature_share),
        "messages" => td_string!(locale, audit.feature_messages),
        "support" => td_string!(locale, support.feature),
        _ => td_string!(locale, audit.feature_privacy),
    }
}

/// The address of the list with this filter.
fn address(filter: &AuditFilter, cursor: Option<&str>) -> String {
    let parts = [("feature", filter.feature.as_deref()), ("object", filter.object.as_deref()), ("cursor", cursor)];
    let query: Vec<_> =
        parts.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", encode(value?)))).collect();
    if query.is_empty() { ADDRESS.to_owned() } else { format!("{ADDRESS}?{}", query.join("&")) }
}

/// Who did what, when.
#[component]
pub fn AuditPage() -> impl IntoView {
    let locale = use_locale();
    let (filter, cursor) = use_query_map().with_untracked(|query| {
        let filter = AuditFilter {
            feature: query.get_str("feature").filter(|name| FEATURES.contains(name)).map(str::to_owned),
            object: query.get_str("object").filter(|id| !id.is_empty()).map(str::to_owned),
        };
        (filter, query.get_str("cursor").map(str::to_owned))
    });
    let asked = filter.clone();
    view! {
        <PageTitle text=td_string!(locale, audit.audit)/>
        {load(
            move |services, actor| async move { services.audit.list(&actor, asked, cursor).await },
            move |_, page| view! { <Trail filter page/> }.into_any(),
        )}
    }
}

#[component]
fn Trail(filter: AuditFilter, page: audit::AuditPage) -> impl IntoView {
    let locale = use_locale();
    let every = filter.feature.is_none();
    let mut tabs = vec![Tab::new(
        address(&AuditFilter { feature: None, ..filter.clone() }, None),
        td_string!(locale, audit.all),
        every,
    )];
    tabs.extend(FEATURES.map(|feature| {
        let this = AuditFilter { feature: Some(feature.to_owned()), ..filter.clone() };
        Tab::new(address(&this, None), feature_name(locale, feature), filter.feature.as_deref() == Some(feature))
    }));
    let about = filter.object.clone().map(|object| {
        let name = format!("{} {}", words::object_kind(locale, &object), words::short(&object));
        let all = address(&AuditFilter { object: None, ..filter.clone() }, None);
        view! {
            <p class="filter-note">
                <span>{td_string!(locale, audit.only_object, object = name)}</span>
                <a class="link" href=all>{td_string!(locale, audit.show_all)}</a>
            </p>
        }
    });
    let columns = vec![
        Column::wide(td_string!(locale, audit.column_when)),
        Column::text(td_string!(locale, audit.column_who)),
        Column::text(td_string!(locale, audit.column_what)),
        Column::wide(td_string!(locale, audit.column_object)),
    ];
    let list = if page.items.is_empty() {
        view! {
            <EmptyState
                art=Art::Record
                title=td_string!(locale, audit.empty_title)
                text=td_string!(locale, audit.empty_text)
            >
                {(!every)
                    .then(|| view! { <ButtonLink href=ADDRESS>{td_string!(locale, audit.empty_all)}</ButtonLink> })}
            </EmptyState>
        }
        .into_any()
    } else {
        let next = page.next.map(|cursor| address(&filter, Some(&cursor)));
        view! {
            <Table label=td_string!(locale, audit.audit) columns=columns>
                {page.items.into_iter().map(|entry| view! { <Entry entry filter=filter.clone()/> }).collect_view()}
            </Table>
            {next.map(|href| view! { <LoadMore href/> })}
        }
        .into_any()
    };
    view! {
        <PageHead
            title=td_string!(locale, audit.audit)
            subtitle=Some(td_string!(locale, audit.subtitle).into())
        />
        <Chips label=td_string!(locale, audit.filter) tabs=tabs/>
        {about}
        {list}
    }
}

#[component]
fn Entry(entry: AuditView, filter: AuditFilter) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let changed = (!entry.fields.is_empty()).then(|| {
        let names: Vec<_> = entry.fields.iter().map(|field| words::field(locale, field).to_string()).collect();
        view! { <span class="cell-sub">{names.join(", ")}</span> }
    });
    let times = (entry.count > 1).then(|| {
        let count = number(language, entry.count);
        view! { <span class="cell-sub">{td_string!(locale, audit.times, count = count)}</span> }
    });
    let object = entry.object.clone().map(|id| {
        let name = format!("{} {}", words::object_kind(locale, &id), words::short(&id));
        let named = match words::object_page(&id) {
            Some(href) => view! { <a class="link" href=href title=id.clone()>{name}</a> }.into_any(),
            None => view! { <span title=id.clone()>{name}</span> }.into_any(),
        };
        let only = address(&AuditFilter { object: Some(id.clone()), ..filter.clone() }, None);
        let is_only = filter.object.as_deref() == Some(id.as_str());
        let label = td_string!(locale, audit.object_entries);
        view! {
            <span class="audit-object">
                {named}
                {(!is_only).then(|| view! {
                    <a class="button button-quiet audit-only" href=only aria-label=label title=label>
                        <Icon name=IconName::Filter/>
                    </a>
                })}
            </span>
        }
    });
    view! {
        <tr>
            <td class="wide nowrap"><Time at=entry.at relative=true/></td>
            <td>{words::actor(locale, &entry)}</td>
            <td>
                <span>{words::action(locale, &entry.action)}</span>
                {changed}
                {times}
                <span class="cell-sub narrow"><Time at=entry.at relative=true/></span>
            </td>
            <td class="wide">{object}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_an_address() {
        let mut filter = AuditFilter::default();
        assert_eq!(address(&filter, None), "/cms/audit");
        filter.feature = Some("captures".into());
        assert_eq!(address(&filter, Some("a+b")), "/cms/audit?feature=captures&cursor=a%2Bb");
    }
}
