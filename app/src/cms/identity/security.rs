//! How one's account is protected, where it is signed in, and where it was signed in to.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::identity::security::{Method, SecurityOverview, SessionView, SignInView};

use crate::cms::forms::OutcomeBanner;
use crate::cms::load::load;
use crate::i18n::Locale;
use crate::texts::use_locale;
use crate::ui::{Badge, ButtonLink, Column, Meaning, PageHead, PageTitle, Submit, Table, Time, Tone};

#[component]
pub fn SecurityPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, identity.security)/>
        {load(
            |services, actor| async move { services.security.overview(&actor).await },
            |me, overview| view! { <Overview two_factor=me.two_factor overview/> }.into_any(),
        )}
    }
}

fn method(locale: Locale, method: Method) -> &'static str {
    match method {
        Method::Password => td_string!(locale, identity.method_password),
        Method::PasswordAndCode => td_string!(locale, identity.method_code),
        Method::PasswordAndRecovery => td_string!(locale, identity.method_recovery),
        Method::PasswordAndPasskey => td_string!(locale, passkeys.method_factor),
        Method::Passkey => td_string!(locale, passkeys.method_alone),
        Method::Invitation => td_string!(locale, identity.method_invitation),
        Method::Provider => td_string!(locale, sso.method_provider),
        Method::ProviderAndFactor => td_string!(locale, sso.method_factor),
        Method::ProviderAndCode => td_string!(locale, sso.method_code),
        Method::ProviderAndPasskey => td_string!(locale, sso.method_passkey),
        Method::ProviderAndRecovery => td_string!(locale, sso.method_recovery),
    }
}

/// Browser and system, or that they are not known.
fn device(locale: Locale, label: &str) -> String {
    if label.is_empty() { td_string!(locale, identity.device_unknown).to_owned() } else { label.to_owned() }
}

#[component]
fn Overview(two_factor: bool, overview: SecurityOverview) -> impl IntoView {
    let locale = use_locale();
    let SecurityOverview { totp_since: _, recovery_left: _, sessions, sign_ins } = overview;
    let (badge, text, tone) = match two_factor {
        true => (
            view! { <Badge meaning=Meaning::Good>{td_string!(locale, identity.two_factor_on)}</Badge> },
            td_string!(locale, identity.two_factor_on_text),
            Tone::default(),
        ),
        false => (
            view! { <Badge meaning=Meaning::Warn>{td_string!(locale, identity.two_factor_off)}</Badge> },
            td_string!(locale, identity.two_factor_off_text),
            Tone::Primary,
        ),
    };
    let action = match two_factor {
        true => td_string!(locale, identity.two_factor_manage),
        false => td_string!(locale, identity.two_factor_set_up),
    };
    let others = sessions.len() > 1;
    let rows = sessions.into_iter().map(|session| view! { <SessionRow session/> }).collect_view();
    view! {
        <PageHead
            title=td_string!(locale, identity.security)
            subtitle=Some(td_string!(locale, identity.security_subtitle).into())
        >
            <ButtonLink href="/cms/account">{td_string!(locale, identity.account)}</ButtonLink>
        </PageHead>
        <div class="sections sections-wide">
            <section class="card" aria-labelledby="factor-title">
                <h2 class="section-title" id="factor-title">
                    {td_string!(locale, identity.two_factor)} " " {badge}
                </h2>
                <p>{text}</p>
                <div class="form-actions">
                    <ButtonLink href="/cms/account/two-factor" tone=tone>{action}</ButtonLink>
                </div>
            </section>
            <section class="card" aria-labelledby="sessions-title">
                <h2 class="section-title" id="sessions-title">{td_string!(locale, identity.sessions)}</h2>
                <p class="muted">{td_string!(locale, identity.sessions_text)}</p>
                <OutcomeBanner intent="end"/>
                <OutcomeBanner intent="end_others"/>
                <ul class="list">{rows}</ul>
                {others
                    .then(|| {
                        view! {
                            <form method="post">
                                <div class="form-actions">
                                    <Submit intent="end_others" tone=Tone::Danger>
                                        {td_string!(locale, identity.sessions_end_others)}
                                    </Submit>
                                </div>
                            </form>
                        }
                    })}
            </section>
            <SignIns sign_ins/>
        </div>
    }
}

#[component]
fn SessionRow(session: SessionView) -> impl IntoView {
    let locale = use_locale();
    let SessionView { id, device: label, address, method: by, first_seen, last_seen, persistent: _, this } = session;
    let address = address.map(|address| format!(" · {}", address.get()));
    let end = if this {
        view! { <Badge meaning=Meaning::Good>{td_string!(locale, identity.session_this)}</Badge> }.into_any()
    } else {
        view! {
            <form method="post">
                <input r#type="hidden" name="session" value=id.into_string()/>
                <Submit intent="end">{td_string!(locale, identity.session_end)}</Submit>
            </form>
        }
        .into_any()
    };
    view! {
        <li class="list-row">
            <span>
                <span class="cell-main">{device(locale, label.get())}</span>
                <span class="cell-sub">{method(locale, by)} {address}</span>
                <span class="cell-sub">
                    {td_string!(locale, identity.session_since)} " " <Time at=first_seen/> " · "
                    {td_string!(locale, identity.last_seen)} " " <Time at=last_seen relative=true/>
                </span>
            </span>
            {end}
        </li>
    }
}

#[component]
fn SignIns(sign_ins: Vec<SignInView>) -> impl IntoView {
    let locale = use_locale();
    let columns = vec![
        Column::text(td_string!(locale, identity.sign_in_when)),
        Column::text(td_string!(locale, identity.sign_in_device)),
        Column::wide(td_string!(locale, identity.sign_in_method)),
        Column::wide(td_string!(locale, identity.sign_in_address)),
    ];
    let rows = sign_ins
        .into_iter()
        .map(|one| {
            let SignInView { at, device: label, address, method: by, succeeded } = one;
            let refused = (!succeeded).then(|| {
                view! { <Badge meaning=Meaning::Bad>{td_string!(locale, identity.sign_in_refused)}</Badge> }
            });
            view! {
                <tr>
                    <th scope="row"><Time at/></th>
                    <td>{device(locale, label.get())} " " {refused}</td>
                    <td class="wide">{method(locale, by)}</td>
                    <td class="wide">{address.map(|address| address.get().clone())}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        // The table is a place of that name already.
        <section class="card">
            <h2 class="section-title">{td_string!(locale, identity.sign_ins)}</h2>
            <p class="muted">{td_string!(locale, identity.sign_ins_text)}</p>
            <Table label=td_string!(locale, identity.sign_ins) columns=columns>{rows}</Table>
        </section>
    }
}
