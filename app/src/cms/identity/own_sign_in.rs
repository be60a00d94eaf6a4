//! Sign-in by the organisation's own provider for everybody: the card in which owners decide it, and the page of whoever
//! came otherwise.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::identity::Me;
use shutterpost_model::identity::own_sign_in::{ARMED_DAYS, ArmedOwner, OwnSignIn, WayIn};

use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::load::load;
use crate::texts::{language_of, use_locale};
use crate::ui::{
    Badge, ButtonLink, Choice, Column, Meaning, PageHead, PageTitle, Select, Submit, Table, Text, Time, Tone,
};
use crate::words::number;

/// Where somebody is led whose session does not open the organisation.
#[component]
pub fn OwnSignInPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, enforce.page_title)/>
        {load(
            |services, actor| async move { services.accounts.ways_in(&actor).await },
            |me, ways| view! { <Ways me ways/> }.into_any(),
        )}
    }
}

#[component]
fn Ways(me: Me, ways: Vec<WayIn>) -> impl IntoView {
    let locale = use_locale();
    let body = if me.own_sign_in_needed {
        let organisation = me.current.map(|current| current.name).unwrap_or_default();
        let none = ways.is_empty().then(|| view! { <p>{td_string!(locale, enforce.page_none)}</p> });
        let ways = ways.into_iter().map(|WayIn { connection, name }| {
            view! {
                <ButtonLink href=format!("/sso/{connection}/start") tone=Tone::Primary>
                    {td_string!(locale, enforce.page_go, name = name.as_str())}
                </ButtonLink>
            }
        });
        view! {
            <p>{td_string!(locale, enforce.page_text, organisation = organisation)}</p>
            {none}
            <div class="form-actions">{ways.collect_view()}</div>
            <p>{td_string!(locale, enforce.page_other)}</p>
            <p><a class="link" href="/cms/account">{td_string!(locale, enforce.page_account)}</a></p>
        }
        .into_any()
    } else {
        view! {
            <p>{td_string!(locale, enforce.page_open)}</p>
            <p><a class="link" href="/cms/overview">{td_string!(locale, enforce.page_back)}</a></p>
        }
        .into_any()
    };
    view! {
        <PageHead title=td_string!(locale, enforce.page_title)/>
        <div class="sections"><section class="card">{body}</section></div>
    }
}

/// Whether everybody has to sign in by the organisation's own provider, and who may get in all the same.
#[component]
pub(super) fn OwnSignInCard(own: OwnSignIn) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let OwnSignIn { required_at, came_by, armed, candidates } = own;
    let badge = match required_at {
        Some(_) => view! { <Badge meaning=Meaning::Good>{td_string!(locale, enforce.on)}</Badge> },
        None => view! { <Badge>{td_string!(locale, enforce.off)}</Badge> },
    };
    let since = required_at.map(|at| {
        view! { <p>{td_string!(locale, enforce.since, date = at.date().readable(language))}</p> }
    });
    let action = if required_at.is_some() {
        view! { <Submit intent="own_relax" tone=Tone::Danger>{td_string!(locale, enforce.relax)}</Submit> }.into_any()
    } else if came_by {
        view! { <Submit intent="own_require" tone=Tone::Primary>{td_string!(locale, enforce.require)}</Submit> }
            .into_any()
    } else {
        view! {
            <ButtonLink href="/cms/sign-in-settings/connections">
                {td_string!(locale, enforce.open_connections)}
            </ButtonLink>
        }
        .into_any()
    };
    let first = (required_at.is_none() && !came_by).then(|| view! { <p>{td_string!(locale, enforce.first)}</p> });
    let list = if armed.is_empty() {
        view! { <p>{td_string!(locale, enforce.armed_none)}</p> }.into_any()
    } else {
        let columns = vec![
            Column::text(td_string!(locale, enforce.armed_name)),
            Column::text(td_string!(locale, enforce.armed_until)),
            Column::text(td_string!(locale, enforce.armed_used)),
            Column::actions(td_string!(locale, enforce.armed_actions)),
        ];
        let rows = armed.into_iter().map(|one| view! { <Armed one/> }).collect_view();
        view! { <Table label=td_string!(locale, enforce.armed_title) columns>{rows}</Table> }.into_any()
    };
    let arm = if candidates.is_empty() {
        view! { <p>{td_string!(locale, enforce.arm_nobody)}</p> }.into_any()
    } else {
        let people = candidates.into_iter().map(|one| Choice::new(one.user.to_string(), one.name.get().clone()));
        view! { <Arm people=people.collect()/> }.into_any()
    };
    view! {
        <section class="card" aria-labelledby="own-sign-in-title">
            <h2 class="section-title" id="own-sign-in-title">{td_string!(locale, enforce.title)} " " {badge}</h2>
            <OutcomeBanner intent="own_require"/>
            <OutcomeBanner intent="own_relax"/>
            <p>{td_string!(locale, enforce.text)}</p>
            {since}
            {first}
            <form method="post">
                <div class="form-actions">{action}</div>
            </form>
        </section>
        <section class="card" aria-labelledby="armed-title">
            <h2 class="section-title" id="armed-title">{td_string!(locale, enforce.armed_title)}</h2>
            <OutcomeBanner intent="arm"/>
            <OutcomeBanner intent="disarm"/>
            <p>{td_string!(locale, enforce.armed_text)}</p>
            {list}
            {arm}
        </section>
    }
}

#[component]
fn Armed(one: ArmedOwner) -> impl IntoView {
    let locale = use_locale();
    let ArmedOwner { user, name, ends_at, used_at, counts } = one;
    let name = name.get().clone();
    let used = match used_at {
        Some(at) => view! { <Time at/> }.into_any(),
        None => td_string!(locale, enforce.armed_unused).into_any(),
    };
    let void = (!counts).then(|| view! { <span class="cell-sub">{td_string!(locale, enforce.armed_void)}</span> });
    let whom = td_string!(locale, enforce.disarm_whom, name = name.as_str());
    view! {
        <tr>
            <th scope="row">{name} {void}</th>
            <td><Time at=ends_at/></td>
            <td>{used}</td>
            <td class="actions">
                <form method="post">
                    <input r#type="hidden" name="user" value=user.to_string()/>
                    <Submit intent="disarm" label=whom>{td_string!(locale, enforce.disarm)}</Submit>
                </form>
            </td>
        </tr>
    }
}

#[component]
fn Arm(people: Vec<Choice>) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("arm");
    let days = ARMED_DAYS.map(|days| {
        let label = match days {
            1 => Text::from(td_string!(locale, enforce.arm_day)),
            days => Text::from(td_string!(locale, enforce.arm_some_days, count = number(language_of(locale), days))),
        };
        Choice::new(days.to_string(), label)
    });
    view! {
        <form class="stack" method="post">
            <Select
                name="user"
                label=td_string!(locale, enforce.arm_user)
                options=people
                value=form.value("user", "")
                error=form.error("user")
            />
            <Select
                name="days"
                label=td_string!(locale, enforce.arm_days)
                options=days.to_vec()
                value=form.value("days", "1")
                error=form.error("days")
            />
            <div class="form-actions">
                <Submit intent="arm">{td_string!(locale, enforce.arm)}</Submit>
            </div>
        </form>
    }
}
