//! An event's archives, and the form that makes one.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Permission;
use shutterpost_model::events::Event;
use shutterpost_model::exports::{ExportState, ExportView};
use shutterpost_model::identity::Me;

use crate::cms::events::head::{EventHead, Part, days};
use crate::cms::events::use_event;
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::load::load;
use crate::texts::{language_of, use_locale};
use crate::ui::{
    Art, Badge, Banner, ButtonLink, Checkbox, Column, EmptyState, IconName, Meaning, PageTitle, Submit, Table, Time,
    Tone,
};
use crate::words::{bytes, number};

/// The exports of an event.
#[component]
pub fn ExportsPage() -> impl IntoView {
    let event = use_event();
    load(
        |services, actor| async move {
            let event = services.events.find(&actor, &event?).await?;
            let exports = services.exports.list(&actor, &event.id).await?;
            Ok((event, exports))
        },
        |me, (event, exports)| view! { <Exports me event exports/> }.into_any(),
    )
}

#[component]
fn Exports(me: Me, event: Event, exports: Vec<ExportView>) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let title = format!("{} · {}", td_string!(locale, exports.title), event.draft.name);
    let form = use_form("create");
    let may_people = me.may(Permission::PersonalExport);
    let waits = exports.iter().any(|export| export.state == ExportState::Preparing);
    // What is newest on the page: the same form, sent twice, makes one archive.
    let key = exports.first().map_or_else(|| "none".to_owned(), |export| export.id.to_string());
    let columns = vec![
        Column::text(td_string!(locale, exports.column_state)),
        Column::number(td_string!(locale, exports.column_captures)),
        Column::number(td_string!(locale, exports.column_size)),
        Column::text(td_string!(locale, exports.column_made)),
        Column::wide(td_string!(locale, exports.column_kept)),
        Column::actions(td_string!(locale, exports.column_actions)),
    ];
    view! {
        <PageTitle text=title/>
        <EventHead
            me
            event=event.id.clone()
            name=event.draft.name
            subtitle=days(language, event.draft.starts_on, event.draft.ends_on)
            current=Part::Exports
        >
            {waits
                .then(|| {
                    view! {
                        <ButtonLink href=Part::Exports.href(&event.id) tone=Tone::Quiet icon=IconName::Restore>
                            {td_string!(locale, exports.look_again)}
                        </ButtonLink>
                    }
                })}
        </EventHead>
        {match form.error("captures") {
            Some(_) => view! { <Banner meaning=Meaning::Bad>{td_string!(locale, exports.nothing)}</Banner> }.into_any(),
            None => view! { <OutcomeBanner intent="create"/> }.into_any(),
        }}
        <OutcomeBanner intent="download"/>
        <form method="post" class="card events-device-form">
            <p class="muted">{td_string!(locale, exports.hint)}</p>
            <input r#type="hidden" name="key" value=key/>
            {may_people
                .then(|| {
                    view! {
                        <Checkbox
                            name="people"
                            label=td_string!(locale, exports.people)
                            hint=td_string!(locale, exports.people_hint)
                            checked=form.checked("people", false)
                        />
                    }
                })}
            <div class="form-actions">
                <Submit intent="create" tone=Tone::Primary icon=IconName::Download>
                    {td_string!(locale, exports.create)}
                </Submit>
            </div>
        </form>
        {if exports.is_empty() {
            view! {
                <EmptyState
                    art=Art::Pictures
                    title=td_string!(locale, exports.empty_title)
                    text=td_string!(locale, exports.empty_text)
                />
            }
                .into_any()
        } else {
            view! {
                <Table label=td_string!(locale, exports.list) columns>
                    {exports.into_iter().map(|export| view! { <Row export may_people/> }).collect_view()}
                </Table>
            }
                .into_any()
        }}
    }
}

#[component]
fn Row(export: ExportView, may_people: bool) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let ExportView { id, event: _, state, captures, prepared, people, length, by, created_at, expires_at } = export;
    let (meaning, word, more) = match state {
        ExportState::Preparing => {
            let (done, all) = (number(language, prepared), number(language, captures));
            let so_far = td_string!(locale, exports.prepared, done = done, all = all);
            (Meaning::Info, td_string!(locale, exports.state_preparing), Some(so_far))
        }
        ExportState::Ready => (Meaning::Good, td_string!(locale, exports.state_ready), None),
        ExportState::Broken => {
            let why = td_string!(locale, exports.broken_hint).to_owned();
            (Meaning::Warn, td_string!(locale, exports.state_broken), Some(why))
        }
    };
    let with_people = people.then(|| td_string!(locale, exports.with_people));
    let by = by.map(|who| td_string!(locale, exports.by, who = who));
    let size = length.and_then(|length| i64::try_from(length).ok()).map(|length| bytes(language, length));
    let label = td_string!(locale, exports.download);
    let action = match (state, people) {
        (ExportState::Ready, false) => view! {
            <ButtonLink href=format!("/cms/exports/{id}/archive") icon=IconName::Download>
                {label}
            </ButtonLink>
        }
        .into_any(),
        // A form, because it may have to ask who it is first.
        (ExportState::Ready, true) if may_people => view! {
            <form method="post">
                <input r#type="hidden" name="export" value=id.to_string()/>
                <Submit intent="download" icon=IconName::Download>{label}</Submit>
            </form>
        }
        .into_any(),
        (ExportState::Ready, true) => {
            view! { <span class="muted">{td_string!(locale, exports.owners_only)}</span> }.into_any()
        }
        (ExportState::Preparing | ExportState::Broken, _) => ().into_any(),
    };
    view! {
        <tr>
            <td class="messages-state">
                <Badge meaning>{word}</Badge>
                {more.map(|text| view! { <span class="muted messages-reason">{text}</span> })}
            </td>
            <td class="number">
                {number(language, captures)}
                {with_people.map(|text| view! { <span class="muted messages-reason">{text}</span> })}
            </td>
            <td class="number">{size}</td>
            <td>
                <Time at=created_at relative=true/>
                {by.map(|text| view! { <span class="muted messages-reason">{text}</span> })}
            </td>
            <td class="wide">
                <Time at=expires_at/>
            </td>
            <td class="actions">{action}</td>
        </tr>
    }
}
