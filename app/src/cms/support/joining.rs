//! The page behind the link by which somebody joins the staff: password and authenticator app in one step, so that nobody
//! has one without the other.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_location;

use shutterpost_model::support::StaffInvitation;

use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::identity::fields::{CodeField, NewPasswordField, WayOut, behind_link};
use crate::cms::plain::PlainPage;
use crate::texts::use_locale;
use crate::ui::{ButtonLink, CopyButton, Submit, Tone};

#[component]
pub fn StaffInvitationPage() -> impl IntoView {
    // The link has been used up by then.
    if let Some(codes) = use_form("").issued() {
        return view! { <Joined codes/> }.into_any();
    }
    let locale = use_locale();
    let way_out = WayOut {
        text: td_string!(locale, support.invitation_dead),
        href: "/support/sign-in",
        label: td_string!(locale, support.to_sign_in),
    };
    behind_link(
        |services, token| async move { services.support.invitation(&token).await },
        way_out,
        |invitation| view! { <Join invitation/> }.into_any(),
    )
}

#[component]
fn Join(invitation: StaffInvitation) -> impl IntoView {
    let locale = use_locale();
    let StaffInvitation { name, email, setup } = invitation;
    let (name, email) = (name.into_inner(), email.into_inner());
    let text = td_string!(locale, support.invitation_text, name = name.as_str(), email = email.as_str());
    let secret = setup.secret.expose().to_owned();
    let qr = format!("{}/qr.svg", use_location().pathname.get_untracked());
    view! {
        <PlainPage title=td_string!(locale, support.invitation_heading)>
            <p class="plain-text">{text}</p>
            <OutcomeBanner/>
            <form class="stack" method="post">
                // For password managers: which account the password belongs to.
                <input r#type="hidden" name="username" value=email autocomplete="username"/>
                <NewPasswordField label=td_string!(locale, identity.password)/>
                <p>{td_string!(locale, identity.totp_step_scan)}</p>
                <img class="totp-qr" src=qr width="200" height="200" alt=td_string!(locale, identity.totp_qr)/>
                <details>
                    <summary>{td_string!(locale, identity.totp_by_hand)}</summary>
                    <div class="issued-row">
                        <code class="issued-secret">{secret.clone()}</code>
                        <CopyButton text=secret label=td_string!(locale, identity.totp_copy)/>
                    </div>
                </details>
                <CodeField
                    label=td_string!(locale, identity.totp_step_code)
                    hint=td_string!(locale, identity.totp_code_hint)
                />
                <Submit tone=Tone::Primary>{td_string!(locale, support.invitation_join)}</Submit>
            </form>
        </PlainPage>
    }
}

/// The recovery codes, shown this once.
#[component]
fn Joined(codes: String) -> impl IntoView {
    let locale = use_locale();
    let lines = codes.lines().map(|code| view! { <li><code>{code.to_owned()}</code></li> }).collect_view();
    view! {
        <PlainPage title=td_string!(locale, support.joined_title)>
            <p class="plain-text">{td_string!(locale, support.joined_text)}</p>
            <ol class="recovery-codes">{lines}</ol>
            <div class="issued-row">
                <CopyButton text=codes.clone() label=td_string!(locale, identity.recovery_copy)/>
                <ButtonLink href="/support/sign-in" tone=Tone::Primary>
                    {td_string!(locale, support.to_sign_in)}
                </ButtonLink>
            </div>
        </PlainPage>
    }
}
