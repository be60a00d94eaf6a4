//! The trash: what was deleted, until when it can come back, and the ways out of it.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;

use shutterpost_model::access::Permission;
use shutterpost_model::identity::Me;
use shutterpost_model::privacy::trash::{TRASH_DAYS, TrashItem, TrashKind, TrashPage, Trashed};
use shutterpost_model::time::Millis;

use crate::cms::context::use_now;
use crate::cms::events::head::days;
use crate::cms::forms::OutcomeBanner;
use crate::cms::load::load;
use crate::texts::{Locale, language_of, role, use_locale};
use crate::ui::{
    Art, Badge, ButtonLink, Chips, Column, Dialog, DialogActions, DialogButton, EmptyState, Icon, IconName, LoadMore,
    Meaning, Menu, PageHead, PageTitle, Submit, Tab, Table, Time, Tone,
};
use crate::words::{encode, exact, is_one, number};

const ADDRESS: &str = "/cms/trash";
/// The form that the boxes of the rows belong to, wherever they stand.
const SELECTED: &str = "trash-selected";
/// From so few days on the reader is warned.
const SOON: i64 = 3;

/// The address of a list.
fn href(kind: Option<TrashKind>, cursor: Option<&str>) -> String {
    let parts: Vec<_> =
        [kind.map(|kind| format!("kind={}", kind.as_str())), cursor.map(|cursor| format!("cursor={}", encode(cursor)))]
            .into_iter()
            .flatten()
            .collect();
    if parts.is_empty() { ADDRESS.to_owned() } else { format!("{ADDRESS}?{}", parts.join("&")) }
}

/// What was deleted and can be restored, newest first.
#[component]
pub fn TrashListPage() -> impl IntoView {
    let locale = use_locale();
    let (kind, cursor) = use_query_map().with_untracked(|query| {
        let kind = query.get_str("kind").and_then(TrashKind::from_name);
        (kind, query.get("cursor").filter(|cursor| !cursor.is_empty()))
    });
    let later = cursor.is_some();
    view! {
        <PageTitle text=td_string!(locale, privacy.trash)/>
        {load(
            move |services, actor| async move { services.trash.list(&actor, kind, cursor).await },
            move |me, page| view! { <Trash me page kind later/> }.into_any(),
        )}
    }
}

#[component]
fn Trash(
    me: Me,
    page: TrashPage,
    kind: Option<TrashKind>,
    /// Not the first page.
    later: bool,
) -> impl IntoView {
    let locale = use_locale();
    let tabs = std::iter::once(Tab::new(href(None, None), td_string!(locale, privacy.trash_all), kind.is_none()))
        .chain(
            TrashKind::ALL
                .into_iter()
                .map(|other| Tab::new(href(Some(other), None), kinds(locale, other), kind == Some(other))),
        )
        .collect::<Vec<_>>();
    let back = later.then(|| {
        view! {
            <p class="captures-back">
                <ButtonLink href=href(kind, None) icon=IconName::ChevronLeft>
                    {td_string!(locale, privacy.first_page)}
                </ButtonLink>
            </p>
        }
    });
    let next = page.next.map(|cursor| view! { <LoadMore href=href(kind, Some(&cursor))/> });
    let list = if page.items.is_empty() {
        view! { <Empty kind/> }.into_any()
    } else {
        view! { <Items me items=page.items/> }.into_any()
    };
    view! {
        <PageHead
            title=td_string!(locale, privacy.trash)
            subtitle=Some(td_string!(locale, privacy.trash_subtitle, days = TRASH_DAYS).into())
        />
        {["restore", "erase"].map(|intent| view! { <OutcomeBanner intent/> }).collect_view()}
        <Chips label=td_string!(locale, privacy.trash_kinds) tabs/>
        {back}
        {list}
        {next}
    }
}

#[component]
fn Empty(kind: Option<TrashKind>) -> impl IntoView {
    let locale = use_locale();
    let title = match kind {
        None => td_string!(locale, privacy.trash_empty_title),
        Some(_) => td_string!(locale, privacy.trash_empty_kind_title),
    };
    view! {
        <EmptyState art=Art::Bin title text=td_string!(locale, privacy.trash_empty_text, days = TRASH_DAYS)>
            {kind
                .is_some()
                .then(|| view! { <ButtonLink href=ADDRESS>{td_string!(locale, privacy.trash_show_all)}</ButtonLink> })}
        </EmptyState>
    }
}

#[component]
fn Items(me: Me, items: Vec<TrashItem>) -> impl IntoView {
    let locale = use_locale();
    let now = use_now();
    let columns = vec![
        Column::tick(td_string!(locale, privacy.trash_select)),
        Column::text(td_string!(locale, privacy.trash_what)),
        Column::wide(td_string!(locale, privacy.trash_deleted)),
        Column::wide(td_string!(locale, privacy.trash_left)),
        Column::actions(td_string!(locale, common.actions)),
    ];
    view! {
        <Table label=td_string!(locale, privacy.trash) columns>
            {items.into_iter().map(|item| view! { <Row me=me.clone() item now/> }).collect_view()}
        </Table>
        <form class="trash-bar" id=SELECTED method="post">
            <Submit intent="restore" icon=IconName::Restore>{td_string!(locale, privacy.trash_restore_selected)}</Submit>
            <span class="field-hint">{td_string!(locale, privacy.trash_restore_hint)}</span>
        </form>
    }
}

/// What a kind is called in the filter.
fn kinds(locale: Locale, kind: TrashKind) -> &'static str {
    match kind {
        TrashKind::Capture => td_string!(locale, privacy.trash_captures),
        TrashKind::Guest => td_string!(locale, privacy.trash_guests),
        TrashKind::Event => td_string!(locale, privacy.trash_events),
        TrashKind::Member => td_string!(locale, privacy.trash_members),
    }
}

fn captures(locale: Locale, count: i64) -> String {
    if is_one(count) {
        td_string!(locale, privacy.captures_one).to_owned()
    } else {
        td_string!(locale, privacy.captures_many, n = number(language_of(locale), count))
    }
}

/// What the row is about, in one line and a smaller one.
fn name(locale: Locale, what: &Trashed) -> (String, String) {
    let language = language_of(locale);
    match what {
        Trashed::Capture { event: _, event_name, captured_at, thumb: _ } => {
            (td_string!(locale, privacy.trash_capture, when = exact(language, *captured_at)), event_name.clone())
        }
        Trashed::Guest { event: _, event_name, name, email, phone, captures: count } => {
            let known = [name, email, phone].into_iter().flatten().map(|value| value.get().clone());
            let known = known.collect::<Vec<_>>().join(" · ");
            let title =
                if known.is_empty() { td_string!(locale, privacy.trash_guest_unnamed).to_owned() } else { known };
            let kind = td_string!(locale, privacy.kind_guest);
            (title, format!("{kind} · {event_name} · {}", captures(locale, *count)))
        }
        Trashed::Event { name, starts_on, ends_on, captures: count } => {
            let kind = td_string!(locale, privacy.kind_event);
            let when = days(language, *starts_on, *ends_on);
            (name.clone(), format!("{kind} · {when} · {}", captures(locale, *count)))
        }
        Trashed::Member { name, email, role: was } => {
            (name.get().clone(), format!("{} · {}", email.get(), role(*was, language)))
        }
    }
}

/// A picture of it, or the sign of its kind.
fn sign(what: &Trashed) -> AnyView {
    let icon = match what {
        Trashed::Capture { thumb, .. } => {
            return view! { <img class="trash-sign" src=thumb.clone() alt="" width="40" height="40" loading="lazy"/> }
                .into_any();
        }
        Trashed::Guest { .. } => IconName::Person,
        Trashed::Event { .. } => IconName::Calendar,
        Trashed::Member { .. } => IconName::People,
    };
    view! { <span class="trash-sign"><Icon name=icon/></span> }.into_any()
}

fn left(locale: Locale, count: i64) -> (Meaning, String) {
    let meaning = if count <= SOON { Meaning::Warn } else { Meaning::Neutral };
    let text = if is_one(count) {
        td_string!(locale, privacy.trash_last_day).to_owned()
    } else {
        td_string!(locale, privacy.trash_days, n = count)
    };
    (meaning, text)
}

#[component]
fn Row(me: Me, item: TrashItem, now: Millis) -> impl IntoView {
    let locale = use_locale();
    let (title, details) = name(locale, &item.what);
    let (meaning, remaining) = left(locale, item.days_left(now));
    let by = match &item.deleted_by {
        Some(who) => td_string!(locale, privacy.trash_by, who = who.clone()),
        None => td_string!(locale, privacy.trash_by_nobody).to_owned(),
    };
    let select = td_string!(locale, privacy.trash_select_one, name = title.clone());
    let restore = td_string!(locale, privacy.trash_restore_one, name = title.clone());
    // What phones show in place of two columns.
    let again = remaining.clone();
    let narrow = view! {
        <span class="cell-sub narrow">
            <Badge meaning>{again}</Badge>
            " "
            {by.clone()}
        </span>
    };
    let may_erase = me.may(Permission::PrivacyManage) && item.may_restore;
    let actions = item.may_restore.then(|| {
        view! {
            <div class="trash-actions">
                <form method="post">
                    <input r#type="hidden" name="item" value=item.object.clone()/>
                    <Submit intent="restore" icon=IconName::Restore label=restore>
                        {td_string!(locale, privacy.trash_restore)}
                    </Submit>
                </form>
                {may_erase.then(|| view! { <Erase item=item.clone() name=title.clone()/> })}
            </div>
        }
    });
    let box_of_row = item.may_restore.then(|| {
        view! {
            <input r#type="checkbox" name="item" value=item.object.clone() form=SELECTED aria-label=select/>
        }
    });
    view! {
        <tr>
            <td class="tick">{box_of_row}</td>
            <th scope="row">
                <div class="trash-what">
                    {sign(&item.what)}
                    <div>
                        <span class="cell-main">{title.clone()}</span>
                        <span class="cell-sub">{details}</span>
                        {narrow}
                    </div>
                </div>
            </th>
            <td class="wide">
                <Time at=item.deleted_at relative=true/>
                <span class="cell-sub">{by}</span>
            </td>
            <td class="wide nowrap"><Badge meaning>{remaining}</Badge></td>
            <td class="actions">{actions}</td>
        </tr>
    }
}

/// For good and at once, behind a question.
#[component]
fn Erase(item: TrashItem, name: String) -> impl IntoView {
    let locale = use_locale();
    let dialog = format!("erase-{}", item.object);
    let text = match item.kind {
        TrashKind::Capture => td_string!(locale, privacy.trash_erase_capture),
        TrashKind::Guest => td_string!(locale, privacy.trash_erase_guest),
        TrashKind::Event => td_string!(locale, privacy.trash_erase_event),
        TrashKind::Member => td_string!(locale, privacy.trash_erase_member),
    };
    view! {
        <Menu
            id=format!("menu-{}", item.object)
            label=td_string!(locale, privacy.trash_more, name = name.clone())
            clone:dialog
        >
            <DialogButton dialog=dialog.clone() tone=Tone::Quiet icon=IconName::Shred>
                {td_string!(locale, privacy.trash_erase)}
            </DialogButton>
        </Menu>
        <Dialog id=dialog title=td_string!(locale, privacy.trash_erase_ask, name = name)>
            <form class="stack" method="post">
                <input r#type="hidden" name="item" value=item.object/>
                <p>{text}</p>
                <DialogActions>
                    <Submit intent="erase" tone=Tone::Danger>{td_string!(locale, privacy.trash_erase_confirm)}</Submit>
                </DialogActions>
            </form>
        </Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_an_address() {
        assert_eq!(href(None, None), "/cms/trash");
        assert_eq!(href(Some(TrashKind::Member), Some("a=")), "/cms/trash?kind=member&cursor=a%3D");
    }
}
