//! The second step of signing in, and being asked once more who one is.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::error::Code;
use shutterpost_model::identity::passkeys::Offered;

use crate::cms::context::{FormOutcome, RequestContext, request_context, use_me, use_posted};
use crate::cms::error_page::ErrorPage;
use crate::cms::forms::{OutcomeBanner, RefusalBanner};
use crate::cms::identity::fields::CodeField;
use crate::cms::identity::passkeys::PasskeyForm;
use crate::cms::plain::PlainPage;
use crate::texts::{self, language_of, use_locale};
use crate::ui::{Field, PasswordField, Submit, Text, Tone};

/// Code of the authenticator app, or a recovery code: one field takes both. Who has a passkey is asked for that first.
#[component]
pub fn FactorPage() -> impl IntoView {
    Suspend::new(async move {
        let offered = async {
            let context = request_context()?;
            match &context.pending {
                Some(pending) => context.services.passkeys.offered(pending).await,
                None => Ok(Offered { code: true, passkey: false }),
            }
        };
        match offered.await {
            Ok(offered) => view! { <Factor offered/> }.into_any(),
            Err(error) => view! { <main class="plain"><ErrorPage error=error.into()/></main> }.into_any(),
        }
    })
}

#[component]
fn Factor(offered: Offered) -> impl IntoView {
    let locale = use_locale();
    let (text, label, hint) = if offered.code {
        (
            td_string!(locale, identity.factor_text),
            td_string!(locale, identity.factor_code),
            td_string!(locale, identity.factor_hint),
        )
    } else {
        (
            td_string!(locale, passkeys.factor_text),
            td_string!(locale, passkeys.recovery_code),
            td_string!(locale, passkeys.recovery_hint),
        )
    };
    let passkey = offered.passkey.then(|| {
        view! {
            <OutcomeBanner intent="passkey"/>
            <PasskeyForm
                ask="/cms/sign-in/code/passkey"
                tone=Tone::Primary
                label=td_string!(locale, passkeys.use_passkey)
                failed=td_string!(locale, passkeys.failed)
            >
                <input r#type="hidden" name="intent" value="passkey"/>
            </PasskeyForm>
        }
    });
    view! {
        <PlainPage title=td_string!(locale, identity.factor_heading)>
            <p class="plain-text">{text}</p>
            {passkey}
            <OutcomeBanner/>
            <form class="stack" method="post">
                <CodeField label hint autofocus=!offered.passkey/>
                <Submit tone=if offered.passkey { Tone::Plain } else { Tone::Primary }>
                    {td_string!(locale, identity.sign_in)}
                </Submit>
                <a class="link" href="/cms/sign-in">{td_string!(locale, identity.back_to_sign_in)}</a>
            </form>
        </PlainPage>
    }
}

/// The fields of the form that was posted, to be sent once more.
fn hidden_fields(posted: &FormOutcome) -> impl IntoView + use<> {
    let fields = posted.values.iter();
    fields.map(|(name, value)| view! { <input r#type="hidden" name=name.clone() value=value.clone()/> }).collect_view()
}

/// In the place of a form that asked for something sensitive: proves who one is and sends the form along, so that
/// nothing has to be typed twice.
#[component]
pub fn ConfirmPage() -> impl IntoView {
    Suspend::new(async move {
        let provider = match request_context() {
            Ok(RequestContext { actor: Some(actor), services, .. }) => services.sso.proves_by(&actor).await.ok(),
            _ => None,
        };
        match provider.flatten() {
            Some(connection) => view! { <ConfirmByProvider connection/> }.into_any(),
            None => view! { <ConfirmHere/> }.into_any(),
        }
    })
}

/// Where a page that asks once more who one is leads back to: a page, also where the form was no page's own.
fn back(action: &str) -> String {
    let path = action.split('?').next().unwrap_or_default();
    match path.strip_prefix("/sso/").and_then(|rest| rest.strip_suffix("/test")) {
        Some(connection) => format!("/cms/sign-in-settings/connections/{connection}"),
        None => path.to_owned(),
    }
}

/// For people who have nothing to show but what their provider says of them.
#[component]
fn ConfirmByProvider(connection: String) -> impl IntoView {
    let locale = use_locale();
    let back = back(&use_posted().action);
    view! {
        <PlainPage title=td_string!(locale, identity.confirm_heading)>
            <p class="plain-text">{td_string!(locale, sso.confirm_text, connection = connection)}</p>
            <form class="stack" method="post" action="/sso/confirm">
                <input r#type="hidden" name="next" value=back.clone()/>
                <Submit tone=Tone::Primary>{td_string!(locale, sso.confirm_do)}</Submit>
                <a class="link" href=back>{td_string!(locale, common.cancel)}</a>
            </form>
        </PlainPage>
    }
}

#[component]
fn ConfirmHere() -> impl IntoView {
    let locale = use_locale();
    let posted = use_posted();
    let two_factor = use_me().is_some_and(|me| me.two_factor);
    let email = use_me().map(|me| me.email.get().clone()).unwrap_or_default();
    let wrong = posted.error.as_ref().and_then(|error| error.of("proof"));
    // Asked for the first time, there is nothing wrong; any other error stands above the form.
    let other = posted.error.clone().filter(|error| error.code != Code::ConfirmNeeded && wrong.is_none());
    let error = wrong.map(|code| Text::Borrowed(texts::error(code, language_of(locale))));
    let hidden = hidden_fields(&posted);
    let back = back(&posted.action);
    let passkey = use_me().is_some_and(|me| me.passkey).then(|| {
        let hidden = hidden_fields(&posted);
        view! {
            <PasskeyForm
                ask="/cms/passkeys/confirm"
                answer="passkey_proof"
                action=posted.action.clone()
                tone=Tone::Primary
                label=td_string!(locale, passkeys.use_passkey)
                failed=td_string!(locale, passkeys.failed)
            >
                {hidden}
            </PasskeyForm>
        }
    });
    let field = if two_factor {
        view! {
            <Field
                name="proof"
                label=td_string!(locale, identity.factor_code)
                hint=td_string!(locale, identity.factor_hint)
                error
                autocomplete="one-time-code"
                required=true
                autofocus=true
            />
        }
        .into_any()
    } else {
        view! {
            <input r#type="hidden" name="username" value=email autocomplete="username"/>
            <PasswordField
                name="proof"
                label=td_string!(locale, identity.current_password)
                error
                autocomplete="current-password"
                autofocus=true
            />
        }
        .into_any()
    };
    view! {
        <PlainPage title=td_string!(locale, identity.confirm_heading)>
            <p class="plain-text">{td_string!(locale, identity.confirm_text)}</p>
            {other.map(|error| view! { <RefusalBanner error/> })}
            {passkey}
            <form class="stack" method="post" action=posted.action>
                {hidden}
                {field}
                <Submit tone=Tone::Primary>{td_string!(locale, identity.confirm_do)}</Submit>
                <a class="link" href=back>{td_string!(locale, common.cancel)}</a>
            </form>
        </PlainPage>
    }
}
