//! The head of every page of an event: its name and its parts.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Permission;
use shutterpost_model::id::EventId;
use shutterpost_model::identity::Me;
use shutterpost_model::language::Language;
use shutterpost_model::time::Date;

use crate::texts::use_locale;
use crate::ui::{PageHead, Tab, Tabs};

/// A part of an event, each a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Captures,
    Exports,
    Branding,
    Design,
    Devices,
    Settings,
}

impl Part {
    const ALL: [Self; 6] = [Self::Captures, Self::Exports, Self::Branding, Self::Design, Self::Devices, Self::Settings];

    /// What a role needs for the part to be of use.
    const fn needs(self) -> Permission {
        match self {
            Self::Captures => Permission::CaptureRead,
            Self::Exports => Permission::CaptureExport,
            Self::Branding | Self::Design => Permission::BrandingWrite,
            Self::Devices => Permission::DeviceManage,
            Self::Settings => Permission::EventWrite,
        }
    }

    /// The address of the part.
    pub fn href(self, event: &EventId) -> String {
        let part = match self {
            Self::Captures => "",
            Self::Exports => "/exports",
            Self::Branding => "/branding",
            Self::Design => "/design",
            Self::Devices => "/devices",
            Self::Settings => "/settings",
        };
        format!("/cms/events/{event}{part}")
    }
}

/// A range of days as short as it can be said: `1–2 June 2026`.
pub fn days(language: Language, from: Date, to: Date) -> String {
    let last = to.readable(language);
    if from == to {
        last
    } else if (from.year(), from.month()) == (to.year(), to.month()) {
        match language {
            Language::English => format!("{}–{last}", from.day()),
            Language::German => format!("{}.–{last}", from.day()),
        }
    } else {
        format!("{} – {last}", from.readable(language))
    }
}

/// Name, dates and the parts that the reader's role can use; the children are the page's actions.
#[component]
pub fn EventHead(
    me: Me,
    event: EventId,
    #[prop(into)] name: String,
    #[prop(into)] subtitle: String,
    current: Part,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let locale = use_locale();
    let tabs = Part::ALL
        .into_iter()
        .filter(|part| me.may(part.needs()))
        .map(|part| {
            let label = match part {
                Part::Captures => td_string!(locale, events.tab_captures),
                Part::Exports => td_string!(locale, exports.title),
                Part::Branding => td_string!(locale, events.tab_branding),
                Part::Design => td_string!(locale, designs.tab),
                Part::Devices => td_string!(locale, events.tab_devices),
                Part::Settings => td_string!(locale, events.tab_settings),
            };
            Tab::new(part.href(&event), label, part == current)
        })
        .collect::<Vec<_>>();
    let actions = children.map_or_else(|| ().into_any(), |children| children().into_any());
    view! {
        <PageHead title=name subtitle=Some(subtitle.into())>{actions}</PageHead>
        {(tabs.len() > 1).then(|| view! { <Tabs label=td_string!(locale, events.sections) tabs=tabs/> })}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_days_is_said_briefly() {
        let date = |year, month, day| Date::new(year, month, day).expect("valid");
        for (from, to, english, german) in [
            (date(2026, 6, 1), date(2026, 6, 1), "1 June 2026", "1. Juni 2026"),
            (date(2026, 6, 1), date(2026, 6, 2), "1–2 June 2026", "1.–2. Juni 2026"),
            (date(2026, 6, 30), date(2026, 7, 1), "30 June 2026 – 1 July 2026", "30. Juni 2026 – 1. Juli 2026"),
        ] {
            assert_eq!(days(Language::English, from, to), english);
            assert_eq!(days(Language::German, from, to), german);
        }
    }
}
