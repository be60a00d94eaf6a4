//! API tokens of the organisation.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Role;
use shutterpost_model::identity::{Me, Token};

use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::load::load;
use crate::i18n::Locale;
use crate::texts::{language_of, role, role_hint, use_locale};
use crate::ui::{
    Art, Choice, Column, CopyButton, Dialog, DialogActions, DialogButton, EmptyState, Field, IconName, PageHead,
    PageTitle, Select, Submit, Table, Time, Tone,
};

/// Tokens for programs; the secret of a new one is shown once.
#[component]
pub fn TokensPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, identity.tokens)/>
        {load(
            |services, actor| async move { services.directory.tokens(&actor).await },
            |me, tokens| view! { <Tokens me tokens/> }.into_any(),
        )}
    }
}

/// The roles a token may have: what the maker may grant, but not ownership, and not the role of people at a stand.
fn roles(me: &Me, locale: Locale) -> Vec<Choice> {
    let language = language_of(locale);
    let own = me.current.as_ref().map(|current| current.role);
    [Role::Viewer, Role::Editor, Role::Admin]
        .into_iter()
        .filter(|one| own.is_some_and(|own| own.may_grant(*one)))
        .map(|one| Choice::new(one.as_str(), format!("{} – {}", role(one, language), role_hint(one, language))))
        .collect()
}

#[component]
fn Tokens(me: Me, tokens: Vec<Token>) -> impl IntoView {
    let locale = use_locale();
    let organisation = me.current.as_ref().map(|current| current.name.clone()).unwrap_or_default();
    let columns = vec![
        Column::text(td_string!(locale, identity.name)),
        Column::text(td_string!(locale, identity.role)),
        Column::wide(td_string!(locale, identity.token_hint)),
        Column::wide(td_string!(locale, identity.token_created)),
        Column::wide(td_string!(locale, identity.token_used)),
        Column::actions(td_string!(locale, common.actions)),
    ];
    let list = if tokens.is_empty() {
        view! {
            <EmptyState
                art=Art::Key
                title=td_string!(locale, identity.tokens_empty_title)
                text=td_string!(locale, identity.tokens_empty_text)
            />
        }
        .into_any()
    } else {
        let rows = tokens.into_iter().map(|token| view! { <TokenRow token/> }).collect_view();
        view! { <Table label=td_string!(locale, identity.tokens) columns=columns>{rows}</Table> }.into_any()
    };
    view! {
        <PageHead
            title=td_string!(locale, identity.tokens)
            subtitle=Some(td_string!(locale, identity.tokens_subtitle, organisation = organisation).into())
        >
            <DialogButton dialog="create" tone=Tone::Primary icon=IconName::Plus>
                {td_string!(locale, identity.token_create)}
            </DialogButton>
        </PageHead>
        <OutcomeBanner intent="revoke"/>
        {use_form("create").issued().map(|secret| view! { <IssuedSecret secret/> })}
        {list}
        <Create me/>
    }
}

/// A secret that will never be seen again.
#[component]
fn IssuedSecret(secret: String) -> impl IntoView {
    let locale = use_locale();
    view! {
        <section class="issued" role="status" aria-labelledby="issued-title">
            <h2 class="issued-title" id="issued-title">{td_string!(locale, identity.token_issued_title)}</h2>
            <p>{td_string!(locale, identity.token_issued_text)}</p>
            <div class="issued-row">
                <code class="issued-secret">{secret.clone()}</code>
                <CopyButton text=secret label=td_string!(locale, identity.token_copy) tone=Tone::Primary/>
            </div>
        </section>
    }
}

#[component]
fn TokenRow(token: Token) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let id = token.id.into_string();
    let dialog = format!("revoke-{id}");
    let used = match token.last_used_at {
        Some(at) => view! { <Time at relative=true/> }.into_any(),
        None => td_string!(locale, common.never).into_any(),
    };
    view! {
        <tr>
            <th scope="row">{token.name.clone()}</th>
            <td>{role(token.role, language)}</td>
            <td class="wide"><code>{token.hint}</code></td>
            <td class="wide">{token.created_at.date().readable(language)}</td>
            <td class="wide">{used}</td>
            <td class="actions">
                <DialogButton dialog=dialog.clone() tone=Tone::Quiet icon=IconName::Trash>
                    {td_string!(locale, identity.token_revoke)}
                </DialogButton>
                <Dialog id=dialog title=td_string!(locale, identity.token_revoke_title, name = token.name)>
                    <form class="stack" method="post">
                        <input r#type="hidden" name="intent" value="revoke"/>
                        <input r#type="hidden" name="token" value=id/>
                        <p>{td_string!(locale, identity.token_revoke_text)}</p>
                        <DialogActions>
                            <Submit tone=Tone::Danger>{td_string!(locale, identity.token_revoke_do)}</Submit>
                        </DialogActions>
                    </form>
                </Dialog>
            </td>
        </tr>
    }
}

/// The dialog that makes a token; it stands open when it was refused.
#[component]
fn Create(me: Me) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("create");
    view! {
        <Dialog id="create" title=td_string!(locale, identity.token_create) open=form.failed()>
            <form class="stack" method="post">
                <input r#type="hidden" name="intent" value="create"/>
                <p class="muted">{td_string!(locale, identity.token_create_text)}</p>
                <OutcomeBanner intent="create"/>
                <Field
                    name="name"
                    label=td_string!(locale, identity.name)
                    hint=td_string!(locale, identity.token_name_hint)
                    value=form.value("name", "")
                    error=form.error("name")
                    autocomplete="off"
                    required=true
                    autofocus=true
                />
                <Select
                    name="role"
                    label=td_string!(locale, identity.role)
                    options=roles(&me, locale)
                    value=form.value("role", Role::Editor.as_str())
                    error=form.error("role")
                />
                <DialogActions>
                    <Submit tone=Tone::Primary>{td_string!(locale, identity.token_create)}</Submit>
                </DialogActions>
            </form>
        </Dialog>
    }
}
