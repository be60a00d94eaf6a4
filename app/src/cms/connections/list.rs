//! The connections of the organisation.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::connections::{ConnectionSummary, State};
use shutterpost_model::identity::Me;
use shutterpost_model::time::{DAY, Millis};

use super::words;
use crate::cms::context::use_now;
use crate::cms::load::load;
use crate::i18n::Locale;
use crate::texts::use_locale;
use crate::ui::{Art, Badge, ButtonLink, Column, EmptyState, Meaning, PageHead, PageTitle, Table, Time, Tone};

/// An end that is so near is marked.
const NEAR: i64 = 30 * DAY;

#[component]
pub fn ConnectionsPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, connections.title)/>
        {load(
            |services, actor| async move { services.connections.list(&actor).await },
            |me, connections| view! { <Connections me connections/> }.into_any(),
        )}
    }
}

#[component]
fn Connections(me: Me, connections: Vec<ConnectionSummary>) -> impl IntoView {
    let locale = use_locale();
    let organisation = me.current.map(|current| current.name).unwrap_or_default();
    let body = if connections.is_empty() {
        view! {
            <EmptyState
                art=Art::Key
                title=td_string!(locale, connections.empty_title)
                text=td_string!(locale, connections.empty_text)
            />
        }
        .into_any()
    } else {
        let columns = vec![
            Column::text(td_string!(locale, connections.column_name)),
            Column::text(td_string!(locale, connections.column_state)),
            Column::wide(td_string!(locale, connections.column_certificate)),
        ];
        let now = use_now();
        let rows = connections.into_iter().map(|one| view! { <Row one now/> }).collect_view();
        view! { <Table label=td_string!(locale, connections.title) columns>{rows}</Table> }.into_any()
    };
    view! {
        <PageHead
            title=td_string!(locale, connections.title)
            subtitle=Some(td_string!(locale, connections.subtitle, organisation = organisation).into())
        >
            <ButtonLink href="/cms/sign-in-settings/connections/new" tone=Tone::Primary>
                {td_string!(locale, connections.new)}
            </ButtonLink>
        </PageHead>
        {body}
    }
}

#[component]
fn Row(one: ConnectionSummary, now: Millis) -> impl IntoView {
    let locale = use_locale();
    let about = format!("{} · {}", words::provider(locale, one.provider), words::kind(locale, one.kind));
    let near = |at: Millis| at.0 - now.0 <= NEAR;
    let ends = one.certificate_ends_at.map(|at| {
        let badge = near(at).then(|| view! { <Badge meaning=Meaning::Warn><Time at/></Badge> });
        badge.map_or_else(|| view! { <Time at/> }.into_any(), IntoAny::into_any)
    });
    view! {
        <tr>
            <th scope="row">
                <a class="link" href=format!("/cms/sign-in-settings/connections/{}", one.id)>{one.name.clone()}</a>
                <span class="cell-sub">{about}</span>
            </th>
            <td>{state(locale, &one)}</td>
            <td class="wide">{ends}</td>
        </tr>
    }
}

/// Where the connection is on its way.
pub fn state(locale: Locale, one: &ConnectionSummary) -> AnyView {
    let (meaning, text) = match (one.state, one.complete, one.tested_at) {
        (State::On, ..) => (Meaning::Good, td_string!(locale, connections.state_on)),
        (State::Off, false, _) => (Meaning::Neutral, td_string!(locale, connections.state_draft)),
        (State::Off, true, None) => (Meaning::Warn, td_string!(locale, connections.state_untested)),
        (State::Off, true, Some(_)) => (Meaning::Neutral, td_string!(locale, connections.state_off)),
    };
    view! { <Badge meaning>{text}</Badge> }.into_any()
}
