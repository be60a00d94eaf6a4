//! How an event looks and speaks to guests: form on one side, the real page on the other.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;

use shutterpost_model::events::{Branding, Event};
use shutterpost_model::identity::Me;
use shutterpost_model::language::Language;

use super::colours::Colours;
use super::head::{EventHead, Part, days};
use super::preview::{Draft, Preview};
use super::settings::use_event;
use crate::cms::forms::{FormState, OutcomeBanner, use_form};
use crate::cms::island::island;
use crate::cms::load::load;
use crate::texts::{language_of, use_locale};
use crate::ui::{PageTitle, Submit, Tone};

mod consents;
mod fields;

use consents::Consents;
use fields::{LanguageTexts, Picture};

/// The parts of the form. All but the consents are one form, so that one button saves them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sheet {
    Page,
    Mail,
    Picture,
    Consents,
}

impl Sheet {
    const ALL: [Self; 4] = [Self::Page, Self::Mail, Self::Picture, Self::Consents];

    const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Mail => "mail",
            Self::Picture => "picture",
            Self::Consents => "consents",
        }
    }

    /// The sheet in which a field stands.
    fn of_field(field: &str) -> Self {
        if field.contains("mail_") {
            Self::Mail
        } else if field == "logo" || field == "mark_pictures" {
            Self::Picture
        } else {
            Self::Page
        }
    }
}

/// The branding of an event.
#[component]
pub fn BrandingPage() -> impl IntoView {
    let event = use_event();
    load(
        |services, actor| async move { services.events.find(&actor, &event?).await },
        |me, event| view! { <EventBranding me event/> }.into_any(),
    )
}

#[component]
fn EventBranding(me: Me, event: Event) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let form = use_form("save");
    // After a failed save the sheet with the first wrong field is open.
    let asked = use_query_map().with_untracked(|query| query.get("tab"));
    let asked = Sheet::ALL.into_iter().find(|sheet| Some(sheet.name()) == asked.as_deref());
    let open = if use_form("consents").failed() {
        Sheet::Consents
    } else {
        form.first_wrong().map(Sheet::of_field).or(asked).unwrap_or(Sheet::Page)
    };
    let title = format!("{} · {}", td_string!(locale, events.tab_branding), event.draft.name);
    let branding = typed(&form, event.branding.clone());
    let colours = Colours {
        accent: branding.accent.to_string(),
        backdrop: branding.backdrop.to_string(),
        accent_error: form.error("accent").map(|text| text.to_string()),
        backdrop_error: form.error("backdrop").map(|text| text.to_string()),
    };
    let preview = Preview { event: event.id.clone(), draft: Draft::of(&branding), language };
    let tabs = Sheet::ALL.map(|sheet| {
        let label = match sheet {
            Sheet::Page => td_string!(locale, events.branding_page),
            Sheet::Mail => td_string!(locale, events.branding_mail),
            Sheet::Picture => td_string!(locale, events.branding_picture),
            Sheet::Consents => td_string!(locale, events.branding_consents),
        };
        // A link where there is no script: the server then opens the sheet.
        view! {
            <a
                class="chip"
                href=format!("?tab={}", sheet.name())
                data-sheet=sheet.name()
                aria-current=(open == sheet).then_some("true")
            >
                {label}
            </a>
        }
    });
    let texts = |mail: bool| {
        Language::ALL
            .map(|language| {
                let texts = event.branding.texts(language).clone();
                view! { <LanguageTexts form=form.clone() language texts mail/> }
            })
            .collect_view()
    };
    let (page_texts, mail_texts) = (texts(false), texts(true));
    view! {
        <PageTitle text=title/>
        <EventHead
            me
            event=event.id.clone()
            name=event.draft.name.clone()
            subtitle=days(language, event.draft.starts_on, event.draft.ends_on)
            current=Part::Branding
        />
        <OutcomeBanner intent="save"/>
        <OutcomeBanner intent="consents"/>
        <div class="events-branding">
            <div class="events-branding-form">
                <nav class="chips" aria-label=td_string!(locale, events.branding_parts)>
                    {tabs}
                </nav>
                // Checked by the server, which then opens the right sheet: a browser cannot point at a field that is hidden.
                <form
                    method="post"
                    enctype="multipart/form-data"
                    novalidate=true
                    data-sheets="page mail picture"
                    hidden=open == Sheet::Consents
                >
                    <input r#type="hidden" name="version" value=event.version.to_string()/>
                    <div class="stack" data-sheets="page" hidden=open != Sheet::Page>
                        {island(colours)}
                        {page_texts}
                        <fields::Addresses form=form.clone() branding=event.branding.clone()/>
                    </div>
                    <div class="stack" data-sheets="mail" hidden=open != Sheet::Mail>
                        {mail_texts}
                    </div>
                    <div class="stack" data-sheets="picture" hidden=open != Sheet::Picture>
                        <Picture form=form.clone() logo=event.logo.clone() mark=event.branding.mark_pictures/>
                    </div>
                    <div class="form-actions">
                        <Submit intent="save" tone=Tone::Primary>
                            {td_string!(locale, events.save)}
                        </Submit>
                    </div>
                </form>
                <div data-sheets="consents" hidden=open != Sheet::Consents>
                    <Consents consents=event.consents/>
                </div>
            </div>
            {island(preview)}
        </div>
    }
}

/// The saved branding with what was typed before a failed save, as far as the preview shows it.
fn typed(form: &FormState, saved: Branding) -> Branding {
    let colour = |name: &str, saved: shutterpost_model::events::colour::Colour| {
        form.value(name, saved.to_string()).parse().unwrap_or(saved)
    };
    let mut branding = saved.clone();
    branding.accent = colour("accent", saved.accent);
    branding.backdrop = colour("backdrop", saved.backdrop);
    for (tag, texts) in [("en", &mut branding.english), ("de", &mut branding.german)] {
        for (name, text) in
            [("headline", &mut texts.headline), ("message", &mut texts.message), ("legal", &mut texts.legal)]
        {
            *text = form.value(&format!("{tag}.{name}"), text.clone()).to_string();
        }
    }
    branding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_sheet() {
        for (field, sheet) in [
            ("accent", Sheet::Page),
            ("en.headline", Sheet::Page),
            ("de.mail_subject", Sheet::Mail),
            ("logo", Sheet::Picture),
            ("imprint_url", Sheet::Page),
        ] {
            assert_eq!(Sheet::of_field(field), sheet, "{field}");
        }
    }
}
