//! API tokens of the organisation.

mod forms;
mod row;
pub(super) mod words;

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::identity::Me;
use shutterpost_model::tokens::Token;

use self::forms::Create;
use self::row::TokenRow;
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::load::load;
use crate::texts::use_locale;
use crate::ui::{Art, Banner, Column, CopyButton, DialogButton, EmptyState, IconName, Meaning, PageHead, PageTitle};
use crate::ui::{Table, Tone};

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

#[component]
fn Tokens(me: Me, tokens: Vec<Token>) -> impl IntoView {
    let locale = use_locale();
    let organisation = me.current.as_ref().map(|current| current.name.clone()).unwrap_or_default();
    let columns = vec![
        Column::text(td_string!(locale, identity.token_column)),
        Column::wide(td_string!(locale, identity.token_scopes)),
        Column::wide(td_string!(locale, identity.token_used)),
        Column::wide(td_string!(locale, identity.token_ends)),
        Column::actions(td_string!(locale, common.actions)),
    ];
    let old = tokens.iter().any(|token| token.scopes.is_none());
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
    let issued = use_form("create").issued().or_else(|| use_form("renew").issued());
    view! {
        <PageHead
            title=td_string!(locale, identity.tokens)
            subtitle=Some(td_string!(locale, identity.tokens_subtitle, organisation = organisation).into())
        >
            <DialogButton dialog="create" tone=Tone::Primary icon=IconName::Plus>
                {td_string!(locale, identity.token_create)}
            </DialogButton>
        </PageHead>
        {["revoke", "end_previous"].map(|intent| view! { <OutcomeBanner intent/> }).collect_view()}
        {issued.map(|secret| view! { <IssuedSecret secret/> })}
        {old.then(|| view! { <Banner meaning=Meaning::Warn>{td_string!(locale, identity.tokens_old)}</Banner> })}
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
