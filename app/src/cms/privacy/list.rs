//! The list of erasures, what erasing means, and the way to erase the organisation.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;

use shutterpost_model::access::Permission;
use shutterpost_model::identity::Me;
use shutterpost_model::privacy::{ErasurePage, ErasureView};

use super::organisation::EraseOrganisation;
use super::{ADDRESS, href, name};
use crate::cms::load::load;
use crate::texts::use_locale;
use crate::ui::{
    Art, Badge, ButtonLink, Column, EmptyState, IconName, LoadMore, Meaning, PageHead, PageTitle, Table, Time, Tone,
};
use crate::words::encode;

/// What was erased, newest first.
#[component]
pub fn PrivacyPage() -> impl IntoView {
    let locale = use_locale();
    let cursor = use_query_map().with_untracked(|query| query.get_str("cursor").map(str::to_owned));
    let later = cursor.is_some();
    view! {
        <PageTitle text=td_string!(locale, privacy.title)/>
        {load(
            |services, actor| async move { services.privacy.erasures(&actor, cursor).await },
            move |me, page| view! { <Erasures me page later/> }.into_any(),
        )}
    }
}

#[component]
fn Erasures(
    me: Me,
    page: ErasurePage,
    /// Not the first page.
    later: bool,
) -> impl IntoView {
    let locale = use_locale();
    let columns = vec![
        Column::text(td_string!(locale, privacy.fact_object)),
        Column::wide(td_string!(locale, privacy.fact_requested)),
        Column::text(td_string!(locale, privacy.column_state)),
        Column::wide(td_string!(locale, privacy.fact_backups)),
    ];
    let list = if page.items.is_empty() {
        view! {
            <EmptyState
                art=Art::Key
                title=td_string!(locale, privacy.empty_title)
                text=td_string!(locale, privacy.empty_text)
            />
        }
        .into_any()
    } else {
        let next = page.next.map(|cursor| format!("{ADDRESS}?cursor={}", encode(&cursor)));
        view! {
            <Table label=td_string!(locale, privacy.erasures) columns=columns>
                {page.items.into_iter().map(|erasure| view! { <Row erasure/> }).collect_view()}
            </Table>
            {next.map(|href| view! { <LoadMore href/> })}
        }
        .into_any()
    };
    let newest = later.then(|| {
        view! {
            <ButtonLink href=ADDRESS tone=Tone::Quiet icon=IconName::ChevronLeft>
                {td_string!(locale, privacy.first_page)}
            </ButtonLink>
        }
    });
    let erase = me.current.filter(|current| current.role.grants(Permission::OrganisationErase));
    view! {
        <PageHead
            title=td_string!(locale, privacy.title)
            subtitle=Some(td_string!(locale, privacy.subtitle).into())
        />
        <About/>
        {newest}
        {list}
        {erase.map(|current| view! { <EraseOrganisation name=current.name/> })}
    }
}

/// What the word means, as against the trash.
#[component]
fn About() -> impl IntoView {
    let locale = use_locale();
    view! {
        <section class="privacy-about" aria-labelledby="privacy-about">
            <h2 id="privacy-about">{td_string!(locale, privacy.about)}</h2>
            <ul>
                <li>{td_string!(locale, privacy.about_trash)}</li>
                <li>{td_string!(locale, privacy.about_erase)}</li>
                <li>{td_string!(locale, privacy.about_backups)}</li>
            </ul>
            <p>{td_string!(locale, privacy.about_where)}</p>
        </section>
    }
}

#[component]
fn Row(erasure: ErasureView) -> impl IntoView {
    let locale = use_locale();
    let (meaning, state) = match erasure.finished_at {
        Some(_) => (Meaning::Good, td_string!(locale, privacy.state_done)),
        None => (Meaning::Info, td_string!(locale, privacy.state_running)),
    };
    let backups = match &erasure.receipt {
        Some(receipt) => view! { <Time at=receipt.facts.last_backup_unreadable_at/> }.into_any(),
        None => view! { <span class="muted">{td_string!(locale, privacy.pending)}</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row">
                <a class="link" href=href(&erasure.id) title=erasure.object.clone()>
                    {name(locale, &erasure)}
                </a>
                <span class="cell-sub narrow"><Time at=erasure.requested_at relative=true/></span>
            </th>
            <td class="wide nowrap"><Time at=erasure.requested_at relative=true/></td>
            <td><Badge meaning>{state}</Badge></td>
            <td class="wide nowrap">{backups}</td>
        </tr>
    }
}
