//! A token in the list: what it is, how long it lives, and what can be done with it.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::tokens::{PreviousSecret, Scopes, Token, TokenScope, TokenState};

use super::forms::Renew;
use super::words::{left, scope};
use crate::cms::context::use_now;
use crate::i18n::Locale;
use crate::texts::{language_of, role, use_locale};
use crate::ui::{AskDialog, Badge, DialogButton, IconName, Meaning, Menu, Submit, Text, Time, Tone};

/// One token.
#[component]
pub fn TokenRow(token: Token) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let made = token.created_at.date().readable(language);
    let made = match &token.made_by {
        Some(name) => td_string!(locale, identity.token_made_by, name = name.get().clone(), date = made),
        None => td_string!(locale, identity.token_made, date = made),
    };
    let used = || match token.last_used_at {
        Some(at) => view! { <Time at relative=true/> }.into_any(),
        None => td_string!(locale, common.never).into_any(),
    };
    let note = note(locale, &token).map(|text| view! { <span class="token-note">{text}</span> });
    let previous = token.previous.clone().map(|previous| view! { <Previous previous/> });
    view! {
        <tr>
            <th scope="row" class="token-name">
                <span class="cell-main">{token.name.clone()}</span>
                <span class="cell-sub">
                    <code>{token.hint.clone()}</code>
                </span>
                <span class="cell-sub">{made}</span>
                <span class="narrow">
                    <Granted token=token.clone()/>
                    <span class="token-ends">
                        <span class="cell-sub">{td_string!(locale, identity.token_ends)} ":"</span>
                        <Ends token=token.clone()/>
                    </span>
                    <span class="cell-sub">{td_string!(locale, identity.token_used)} ": " {used()}</span>
                </span>
                {note}
                {previous}
            </th>
            <td class="wide">
                <Granted token=token.clone()/>
            </td>
            <td class="wide token-when">{used()}</td>
            <td class="wide token-when">
                <Ends token=token.clone()/>
            </td>
            <td class="actions">
                <Actions token/>
            </td>
        </tr>
    }
}

/// Why a token does less than it was made for, if it does.
fn note(locale: Locale, token: &Token) -> Option<Text> {
    if token.state == TokenState::Stopped {
        return Some(td_string!(locale, identity.token_stopped_text).into());
    }
    let narrowed = token.scopes.is_some_and(|scopes| scopes.within(token.role) != scopes);
    narrowed.then(|| td_string!(locale, identity.token_narrowed_text).into())
}

/// Its scopes; those that are not in effect are struck out. Or the role of an old token.
#[component]
fn Granted(token: Token) -> impl IntoView {
    let locale = use_locale();
    let Some(scopes) = token.scopes else {
        let role = role(token.role, language_of(locale));
        return view! {
            <span class="token-scopes">
                <Badge meaning=Meaning::Warn>{td_string!(locale, identity.token_whole_role, role = role)}</Badge>
            </span>
        }
        .into_any();
    };
    let effective = if token.state == TokenState::Stopped { Scopes::default() } else { token.effective() };
    let chip = |one: TokenScope| {
        let words = scope(locale, one);
        if effective.contains(one) {
            view! { <code class="token-scope" title=words>{one.as_str()}</code> }.into_any()
        } else {
            view! {
                <s class="token-scope token-scope-off" title=words>
                    <code>{one.as_str()}</code>
                </s>
            }
            .into_any()
        }
    };
    view! { <span class="token-scopes">{scopes.iter().map(chip).collect_view()}</span> }.into_any()
}

/// When it ends, and what that means today.
#[component]
fn Ends(token: Token) -> impl IntoView {
    let locale = use_locale();
    let now = use_now();
    let Some(at) = token.expires_at else {
        return view! { <Badge meaning=Meaning::Warn>{td_string!(locale, identity.token_endless)}</Badge> }.into_any();
    };
    let (meaning, text) = match token.state {
        TokenState::Active => (None, left(locale, now, at)),
        TokenState::ExpiresSoon => (Some(Meaning::Warn), left(locale, now, at)),
        TokenState::Expired => (Some(Meaning::Bad), td_string!(locale, identity.expired).to_owned()),
        TokenState::Stopped => (Some(Meaning::Bad), td_string!(locale, identity.token_stopped).to_owned()),
    };
    let state = match meaning {
        Some(meaning) => view! { <Badge meaning>{text}</Badge> }.into_any(),
        None => text.into_any(),
    };
    view! {
        <span class="token-state">{state}</span>
        <span class="cell-sub">
            <Time at/>
        </span>
    }
    .into_any()
}

/// The replaced secret while it works: whoever still uses it has to be given the new one.
#[component]
fn Previous(previous: PreviousSecret) -> impl IntoView {
    let locale = use_locale();
    let PreviousSecret { hint, until, last_used_at } = previous;
    let used = match last_used_at {
        Some(at) => view! { <Time at relative=true/> }.into_any(),
        None => td_string!(locale, common.never).into_any(),
    };
    view! {
        <span class="token-previous">
            <span>
                {td_string!(locale, identity.token_previous)} " " <code>{hint}</code> " "
                {td_string!(locale, identity.token_previous_ends, left = left(locale, use_now(), until))}
            </span>
            <span>{td_string!(locale, identity.token_used)} ": " {used}</span>
        </span>
    }
}

/// The menu of a token's row, and the dialogs it opens.
#[component]
fn Actions(token: Token) -> impl IntoView {
    let locale = use_locale();
    let label = td_string!(locale, identity.row_actions, name = token.name.clone());
    let (id, name) = (token.id.to_string(), token.name.clone());
    let (renew, revoke) = (format!("renew-{id}"), format!("revoke-{id}"));
    let renews = token.scopes.is_some();
    let renew_item = renews.then(|| {
        view! {
            <DialogButton dialog=renew.clone() tone=Tone::Quiet icon=IconName::Key>
                {td_string!(locale, identity.token_renew)}
            </DialogButton>
        }
    });
    let end_item = token.previous.is_some().then(|| {
        view! {
            <form method="post">
                <input r#type="hidden" name="token" value=id.clone()/>
                <Submit intent="end_previous" tone=Tone::Quiet icon=IconName::Close>
                    {td_string!(locale, identity.token_end_previous)}
                </Submit>
            </form>
        }
    });
    view! {
        <Menu id=format!("menu-{id}") label=label clone:revoke>
            {renew_item}
            {end_item}
            <DialogButton dialog=revoke.clone() tone=Tone::Quiet icon=IconName::Trash>
                {td_string!(locale, identity.token_revoke)}
            </DialogButton>
        </Menu>
        {renews.then(|| view! { <Renew id=renew token=token/> })}
        <AskDialog
            id=revoke
            title=td_string!(locale, identity.token_revoke_title, name = name)
            intent="revoke"
            name="token"
            value=id
            text=td_string!(locale, identity.token_revoke_text)
            action=td_string!(locale, identity.token_revoke_do)
            tone=Tone::Danger
        />
    }
}
