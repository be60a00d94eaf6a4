//! Passkeys: forms that a passkey fills in, and one's own list of them.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::identity::passkeys::PasskeyView;

use crate::cms::forms::{OutcomeBanner, use_form};
use crate::texts::use_locale;
use crate::ui::{
    AskDialog, Badge, Dialog, DialogActions, DialogButton, Field, Icon, IconName, Meaning, Submit, Text, Time, Tone,
};

/// A form whose answer comes from a passkey. The browser shows it when it knows passkeys (`ask`); without script there is
/// always another way.
#[component]
pub fn PasskeyForm(
    /// Where the question is asked.
    ask: &'static str,
    /// Makes a passkey; otherwise one is used.
    #[prop(optional)]
    new: bool,
    /// Offered by the browser among what it fills in, before the button is pressed.
    #[prop(optional)]
    autofill: bool,
    /// Name of the field that takes the answer.
    #[prop(default = "credential")]
    answer: &'static str,
    /// Where the form is posted to; its own page if not given.
    #[prop(optional, into)]
    action: Text,
    #[prop(optional)] tone: Tone,
    #[prop(into)] label: Text,
    /// What to say if the browser gave no answer.
    #[prop(into)]
    failed: Text,
    /// Further fields.
    children: Children,
) -> impl IntoView {
    let action = (!action.is_empty()).then_some(action);
    view! {
        <form
            class="stack"
            method="post"
            action=action
            hidden
            data-passkey=ask
            data-passkey-new=new.then_some("")
            data-passkey-autofill=autofill.then_some("")
        >
            {children()}
            <input r#type="hidden" name=answer data-passkey-answer=""/>
            <p class="field-error" role="alert" hidden data-passkey-failed="">
                <Icon name=IconName::Warning/>
                <span>{failed}</span>
            </p>
            <Submit tone=tone icon=IconName::Key>{label}</Submit>
        </form>
    }
}

/// One's own passkeys, and a new one.
#[component]
pub fn PasskeySection(passkeys: Vec<PasskeyView>) -> impl IntoView {
    let locale = use_locale();
    let add = use_form("add_passkey");
    let rows = passkeys.into_iter().map(|passkey| view! { <PasskeyRow passkey/> }).collect_view();
    view! {
        <section class="card" aria-labelledby="passkeys-title">
            <h2 class="section-title" id="passkeys-title">{td_string!(locale, passkeys.title)}</h2>
            <p>{td_string!(locale, passkeys.what)}</p>
            <OutcomeBanner intent="add_passkey"/>
            <OutcomeBanner intent="remove_passkey"/>
            <ul class="list">{rows}</ul>
            <PasskeyForm
                ask="/cms/passkeys/add"
                new=true
                tone=Tone::Primary
                label=td_string!(locale, passkeys.add)
                failed=td_string!(locale, passkeys.add_failed)
            >
                <input r#type="hidden" name="intent" value="add_passkey"/>
                <Field
                    name="name"
                    label=td_string!(locale, passkeys.name)
                    hint=td_string!(locale, passkeys.name_hint)
                    value=add.value("name", td_string!(locale, passkeys.name_default))
                    error=add.error("name")
                    required=true
                />
            </PasskeyForm>
            <p class="field-hint" data-without-passkeys="">{td_string!(locale, passkeys.unsupported)}</p>
        </section>
    }
}

#[component]
fn PasskeyRow(passkey: PasskeyView) -> impl IntoView {
    let locale = use_locale();
    let PasskeyView { id, name, created_at, last_used, verifies, refused } = passkey;
    let id = id.into_string();
    let same = id.clone();
    let rename = use_form("rename_passkey");
    let renamed = rename.failed() && rename.is_about("passkey", &id);
    let state = if refused {
        view! { <Badge meaning=Meaning::Bad>{td_string!(locale, passkeys.refused)}</Badge> }.into_any()
    } else if verifies {
        view! { <Badge meaning=Meaning::Good>{td_string!(locale, passkeys.verifies)}</Badge> }.into_any()
    } else {
        view! { <Badge>{td_string!(locale, passkeys.second_only)}</Badge> }.into_any()
    };
    let used = match last_used {
        Some(at) => view! { {td_string!(locale, passkeys.last_used)} " " <Time at relative=true/> }.into_any(),
        None => td_string!(locale, passkeys.never_used).into_any(),
    };
    let (renames, removes) = (format!("rename-{id}"), format!("remove-{id}"));
    let field = format!("name-{id}");
    view! {
        <li class="list-row">
            <span>
                <span class="cell-main">{name.get().clone()} " " {state}</span>
                <span class="cell-sub">
                    {td_string!(locale, passkeys.since)} " " <Time at=created_at/> " · " {used}
                </span>
                {refused.then(|| view! { <span class="cell-sub">{td_string!(locale, passkeys.refused_text)}</span> })}
            </span>
            <span class="form-actions">
                <DialogButton dialog=renames.clone()>{td_string!(locale, passkeys.rename)}</DialogButton>
                <DialogButton dialog=removes.clone() tone=Tone::Quiet icon=IconName::Trash>
                    {td_string!(locale, passkeys.remove)}
                </DialogButton>
            </span>
            <Dialog id=renames title=td_string!(locale, passkeys.rename_title) open=renamed>
                <form class="stack" method="post">
                    <input r#type="hidden" name="intent" value="rename_passkey"/>
                    <input r#type="hidden" name="passkey" value=same/>
                    <Field
                        id=field
                        name="name"
                        label=td_string!(locale, passkeys.name)
                        value=if renamed { rename.value("name", "") } else { name.get().clone().into() }
                        error=rename.error("name").filter(|_| renamed)
                        required=true
                    />
                    <DialogActions>
                        <Submit tone=Tone::Primary>{td_string!(locale, common.save)}</Submit>
                    </DialogActions>
                </form>
            </Dialog>
            <AskDialog
                id=removes
                title=td_string!(locale, passkeys.remove_title)
                intent="remove_passkey"
                name="passkey"
                value=id
                text=td_string!(locale, passkeys.remove_text)
                action=td_string!(locale, passkeys.remove)
                tone=Tone::Danger
            />
        </li>
    }
}
