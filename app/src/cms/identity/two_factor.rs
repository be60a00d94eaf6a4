//! Setting up codes from an authenticator app, and the recovery codes that come with them.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::identity::Me;
use shutterpost_model::identity::passkeys::PasskeyView;
use shutterpost_model::identity::security::{SecurityOverview, TotpSetup};
use shutterpost_model::time::Millis;

use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::identity::fields::CodeField;
use crate::cms::identity::passkeys::PasskeySection;
use crate::cms::load::load;
use crate::texts::{language_of, use_locale};
use crate::ui::{
    Badge, Banner, ButtonLink, CopyButton, Dialog, DialogActions, DialogButton, Field, IconName, Meaning, PageHead,
    PageTitle, PasswordField, Submit, Tone,
};
use crate::words::number;

/// Few enough that somebody should make new ones.
const FEW: i64 = 3;

#[component]
pub fn TwoFactorPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, identity.two_factor)/>
        {load(
            |services, actor| async move {
                let overview = services.security.overview(&actor).await?;
                let setup = services.security.totp_setup(&actor).await?;
                Ok((overview, setup, services.passkeys.list(&actor).await?))
            },
            |me, (overview, setup, passkeys)| view! { <TwoFactor me overview setup passkeys/> }.into_any(),
        )}
    }
}

#[component]
fn TwoFactor(
    me: Me,
    overview: SecurityOverview,
    setup: Option<TotpSetup>,
    passkeys: Vec<PasskeyView>,
) -> impl IntoView {
    let locale = use_locale();
    let issued = ["confirm", "recovery", "add_passkey"].into_iter().find_map(|intent| use_form(intent).issued());
    let asked = me.current.filter(|_| me.factor_needed).map(|current| {
        view! {
            <Banner meaning=Meaning::Warn>
                <p>{td_string!(locale, identity.factor_asked, organisation = current.name)}</p>
            </Banner>
        }
    });
    let left = overview.recovery_left;
    let recovery = me.two_factor.then(|| view! { <Recovery left/> });
    let body = match (overview.totp_since, setup) {
        (Some(since), _) => view! { <InUse since/> }.into_any(),
        (None, Some(setup)) => view! { <SetUp setup/> }.into_any(),
        (None, None) => view! { <Begin/> }.into_any(),
    };
    view! {
        <PageHead
            title=td_string!(locale, identity.two_factor)
            subtitle=Some(td_string!(locale, identity.two_factor_subtitle).into())
        >
            <ButtonLink href="/cms/account/security">{td_string!(locale, identity.back_to_security)}</ButtonLink>
        </PageHead>
        {asked}
        {issued.map(|codes| view! { <RecoveryCodes codes/> })}
        <div class="sections">{body} <PasskeySection passkeys/> {recovery}</div>
    }
}

/// The codes, shown this once.
#[component]
fn RecoveryCodes(codes: String) -> impl IntoView {
    let locale = use_locale();
    let lines = codes.lines().map(|code| view! { <li><code>{code.to_owned()}</code></li> }).collect_view();
    view! {
        <section class="issued" role="status" aria-labelledby="issued-title">
            <h2 class="issued-title" id="issued-title">{td_string!(locale, identity.recovery_issued_title)}</h2>
            <p>{td_string!(locale, identity.recovery_issued_text)}</p>
            <ol class="recovery-codes">{lines}</ol>
            <div class="issued-row">
                <CopyButton
                    text=codes.clone()
                    label=td_string!(locale, identity.recovery_copy)
                    tone=Tone::Primary
                />
            </div>
        </section>
    }
}

#[component]
fn Begin() -> impl IntoView {
    let locale = use_locale();
    view! {
        <section class="card" aria-labelledby="begin-title">
            <h2 class="section-title" id="begin-title">{td_string!(locale, identity.totp_begin_title)}</h2>
            <OutcomeBanner intent="begin"/>
            <OutcomeBanner intent="confirm"/>
            <p>{td_string!(locale, identity.totp_begin_text)}</p>
            <form method="post">
                <div class="form-actions">
                    <Submit intent="begin" tone=Tone::Primary>{td_string!(locale, identity.totp_begin)}</Submit>
                </div>
            </form>
        </section>
    }
}

#[component]
fn SetUp(setup: TotpSetup) -> impl IntoView {
    let locale = use_locale();
    let secret = setup.secret.expose().to_owned();
    // Groups of four are easier to type; apps take the spaces.
    let grouped: Vec<&str> = secret.as_bytes().chunks(4).filter_map(|group| std::str::from_utf8(group).ok()).collect();
    let grouped = grouped.join(" ");
    view! {
        <section class="card" aria-labelledby="setup-title">
            <h2 class="section-title" id="setup-title">{td_string!(locale, identity.totp_setup_title)}</h2>
            <OutcomeBanner intent="confirm"/>
            <ol class="steps">
                <li>
                    <p>{td_string!(locale, identity.totp_step_scan)}</p>
                    <img
                        class="totp-qr"
                        src="/cms/account/two-factor/qr.svg"
                        width="200"
                        height="200"
                        alt=td_string!(locale, identity.totp_qr)
                    />
                    <details>
                        <summary>{td_string!(locale, identity.totp_by_hand)}</summary>
                        <div class="issued-row">
                            <code class="issued-secret">{grouped}</code>
                            <CopyButton text=secret label=td_string!(locale, identity.totp_copy)/>
                        </div>
                        <p class="field-hint">
                            <a class="link" href=setup.uri.expose().to_owned()>
                                {td_string!(locale, identity.totp_open_app)}
                            </a>
                        </p>
                    </details>
                </li>
                <li>
                    <form class="stack" method="post">
                        <CodeField
                            intent="confirm"
                            label=td_string!(locale, identity.totp_step_code)
                            hint=td_string!(locale, identity.totp_code_hint)
                            autofocus=true
                        />
                        <div class="form-actions">
                            <Submit intent="confirm" tone=Tone::Primary>
                                {td_string!(locale, identity.totp_confirm)}
                            </Submit>
                        </div>
                    </form>
                </li>
            </ol>
        </section>
    }
}

#[component]
fn InUse(since: Millis) -> impl IntoView {
    let locale = use_locale();
    let since = since.date().readable(language_of(locale));
    let remove = use_form("remove");
    view! {
        <section class="card" aria-labelledby="totp-title">
            <h2 class="section-title" id="totp-title">
                {td_string!(locale, identity.totp)} " "
                <Badge meaning=Meaning::Good>{td_string!(locale, identity.two_factor_on)}</Badge>
            </h2>
            <p>{td_string!(locale, identity.totp_since, date = since)}</p>
            <div class="form-actions">
                <DialogButton dialog="remove" tone=Tone::Quiet icon=IconName::Trash>
                    {td_string!(locale, identity.totp_remove)}
                </DialogButton>
            </div>
            <Dialog id="remove" title=td_string!(locale, identity.totp_remove_title) open=remove.failed()>
                <form class="stack" method="post">
                    <input r#type="hidden" name="intent" value="remove"/>
                    <p>{td_string!(locale, identity.totp_remove_text)}</p>
                    <OutcomeBanner intent="remove"/>
                    <PasswordField
                        name="password"
                        label=td_string!(locale, identity.current_password)
                        error=remove.error("password")
                        autocomplete="current-password"
                    />
                    <Field
                        name="code"
                        label=td_string!(locale, identity.factor_code)
                        hint=td_string!(locale, identity.factor_hint)
                        error=remove.error("code")
                        autocomplete="one-time-code"
                        required=true
                    />
                    <DialogActions>
                        <Submit tone=Tone::Danger>{td_string!(locale, identity.totp_remove)}</Submit>
                    </DialogActions>
                </form>
            </Dialog>
        </section>
    }
}

#[component]
fn Recovery(left: i64) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let few = (left < FEW).then(|| {
        view! {
            <Banner meaning=Meaning::Warn>
                <p>{td_string!(locale, identity.recovery_few)}</p>
            </Banner>
        }
    });
    view! {
        <section class="card" aria-labelledby="recovery-title">
            <h2 class="section-title" id="recovery-title">{td_string!(locale, identity.recovery)}</h2>
            <OutcomeBanner intent="recovery"/>
            {few}
            <p>{td_string!(locale, identity.recovery_text)}</p>
            <p>{td_string!(locale, identity.recovery_left, count = number(language, left))}</p>
            <form method="post">
                <div class="form-actions">
                    <Submit intent="recovery">{td_string!(locale, identity.recovery_renew)}</Submit>
                </div>
            </form>
        </section>
    }
}
