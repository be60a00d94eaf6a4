//! How everybody in the organisation signs in.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::identity::{Me, SessionLimits, SignInRules};

use super::own_sign_in::OwnSignInCard;
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::load::load;
use crate::texts::{Locale, language_of, use_locale};
use crate::ui::{Badge, ButtonLink, Choice, Meaning, PageHead, PageTitle, Select, Submit, Text, Tone};
use crate::words::number;

#[component]
pub fn SignInRulesPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, identity.rules)/>
        {load(
            |services, actor| async move { services.directory.sign_in_rules(&actor).await },
            |me, rules| view! { <Rules me rules/> }.into_any(),
        )}
    }
}

#[component]
fn Rules(me: Me, rules: SignInRules) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let organisation = me.current.map(|current| current.name).unwrap_or_default();
    let SignInRules { factor_required_at, limits, with_factor, members, own_sign_in } = rules;
    let count = td_string!(
        locale,
        identity.rules_count,
        count = number(language, with_factor),
        members = number(language, members)
    );
    let badge = match factor_required_at {
        Some(_) => view! { <Badge meaning=Meaning::Good>{td_string!(locale, identity.two_factor_on)}</Badge> },
        None => view! { <Badge>{td_string!(locale, identity.two_factor_off)}</Badge> },
    };
    let since = factor_required_at.map(|at| {
        view! { <p>{td_string!(locale, identity.rules_since, date = at.date().readable(language))}</p> }
    });
    let action = if factor_required_at.is_some() {
        view! { <Submit intent="relax" tone=Tone::Danger>{td_string!(locale, identity.rules_relax)}</Submit> }
            .into_any()
    } else if me.two_factor {
        view! { <Submit intent="require" tone=Tone::Primary>{td_string!(locale, identity.rules_require)}</Submit> }
            .into_any()
    } else {
        // Whoever asks others for it has it.
        view! {
            <ButtonLink href="/cms/account/two-factor" tone=Tone::Primary>
                {td_string!(locale, identity.rules_own)}
            </ButtonLink>
        }
        .into_any()
    };
    view! {
        <PageHead
            title=td_string!(locale, identity.rules)
            subtitle=Some(td_string!(locale, identity.rules_subtitle, organisation = organisation).into())
        />
        <div class="sections">
            <section class="card" aria-labelledby="factor-title">
                <h2 class="section-title" id="factor-title">
                    {td_string!(locale, identity.rules_factor)} " " {badge}
                </h2>
                <OutcomeBanner intent="require"/>
                <OutcomeBanner intent="relax"/>
                <p>{td_string!(locale, identity.rules_factor_text)}</p>
                {since}
                <p>{count} " " <a class="link" href="/cms/people">{td_string!(locale, identity.rules_people)}</a></p>
                <form method="post">
                    <div class="form-actions">{action}</div>
                </form>
            </section>
            <section class="card" aria-labelledby="connections-title">
                <h2 class="section-title" id="connections-title">{td_string!(locale, connections.title)}</h2>
                <p>{td_string!(locale, connections.card_text)}</p>
                <div class="form-actions">
                    <ButtonLink href="/cms/sign-in-settings/connections">
                        {td_string!(locale, connections.card_open)}
                    </ButtonLink>
                    <ButtonLink href="/cms/sign-in-settings/domains">
                        {td_string!(locale, connections.domains_open)}
                    </ButtonLink>
                </div>
            </section>
            <OwnSignInCard own=own_sign_in/>
            <Limits limits/>
        </div>
    }
}

#[component]
fn Limits(limits: SessionLimits) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("limits");
    let choices = |minutes: &[i64]| {
        let none = Choice::new("", td_string!(locale, identity.limits_none));
        let some = minutes.iter().map(|&minutes| Choice::new(minutes.to_string(), duration(locale, minutes)));
        std::iter::once(none).chain(some).collect::<Vec<_>>()
    };
    let chosen = |field: &str, minutes: Option<i64>| {
        form.value(field, minutes.map(|minutes| minutes.to_string()).unwrap_or_default())
    };
    view! {
        <section class="card" aria-labelledby="limits-title">
            <h2 class="section-title" id="limits-title">{td_string!(locale, identity.limits)}</h2>
            <OutcomeBanner intent="limits"/>
            <p>{td_string!(locale, identity.limits_text)}</p>
            <form class="stack" method="post">
                <Select
                    name="idle"
                    label=td_string!(locale, identity.limits_idle)
                    options=choices(&SessionLimits::IDLE)
                    value=chosen("idle", limits.idle)
                    error=form.error("idle")
                />
                <Select
                    name="absolute"
                    label=td_string!(locale, identity.limits_absolute)
                    options=choices(&SessionLimits::ABSOLUTE)
                    value=chosen("absolute", limits.absolute)
                    error=form.error("absolute")
                />
                <div class="form-actions">
                    <Submit intent="limits" tone=Tone::Primary>{td_string!(locale, common.save)}</Submit>
                </div>
            </form>
        </section>
    }
}

/// In the largest unit that comes out even.
fn duration(locale: Locale, minutes: i64) -> Text {
    const HOUR: i64 = 60;
    const DAY: i64 = 24 * HOUR;
    let language = language_of(locale);
    Text::from(match minutes {
        days if days % DAY == 0 => td_string!(locale, identity.limits_days, count = number(language, days / DAY)),
        hours if hours % HOUR == 0 => td_string!(locale, identity.limits_hours, count = number(language, hours / HOUR)),
        minutes => td_string!(locale, identity.limits_minutes, count = number(language, minutes)),
    })
}
