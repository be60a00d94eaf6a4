//! The end of an organisation: only its owners see this, and whoever means it types the name.

use leptos::prelude::*;
use leptos_i18n::td_string;

use crate::cms::forms::{OutcomeBanner, use_form};
use crate::texts::use_locale;
use crate::ui::{Dialog, DialogActions, DialogButton, Field, IconName, Submit, Text, Tone};

const INTENT: &str = "erase_organisation";

/// What goes, and the dialog that asks for the name. It stands open when it was refused.
#[component]
pub fn EraseOrganisation(name: String) -> impl IntoView {
    let locale = use_locale();
    let form = use_form(INTENT);
    // Whatever the service has against the text: it is not the name.
    let wrong =
        form.error("confirm").map(|_| Text::from(td_string!(locale, privacy.organisation_wrong, name = name.clone())));
    view! {
        <section class="privacy-danger" aria-labelledby="organisation-erase-heading">
            <h2 id="organisation-erase-heading">{td_string!(locale, privacy.organisation_heading)}</h2>
            <p>{td_string!(locale, privacy.organisation_text, name = name.clone())}</p>
            <DialogButton dialog="organisation-erase" icon=IconName::Shred>
                {td_string!(locale, privacy.organisation_erase)}
            </DialogButton>
            <Dialog
                id="organisation-erase"
                title=td_string!(locale, privacy.organisation_ask, name = name.clone())
                open=form.failed()
            >
                <form class="stack" method="post">
                    <input r#type="hidden" name="intent" value=INTENT/>
                    <OutcomeBanner intent=INTENT/>
                    <p>{td_string!(locale, privacy.organisation_goes)}</p>
                    <ul class="privacy-list">
                        <li>{td_string!(locale, privacy.organisation_captures)}</li>
                        <li>{td_string!(locale, privacy.organisation_guests)}</li>
                        <li>{td_string!(locale, privacy.organisation_people)}</li>
                    </ul>
                    <p>{td_string!(locale, privacy.organisation_receipt)}</p>
                    <Field
                        name="confirm"
                        label=td_string!(locale, privacy.organisation_confirm)
                        hint=td_string!(locale, privacy.organisation_hint, name = name)
                        value=form.value("confirm", "")
                        error=wrong
                        autocomplete="off"
                        required=true
                    />
                    <DialogActions>
                        <Submit tone=Tone::Danger>{td_string!(locale, privacy.organisation_do)}</Submit>
                    </DialogActions>
                </form>
            </Dialog>
        </section>
    }
}
