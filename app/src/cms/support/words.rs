//! Access, states and acts in plain words.

use leptos_i18n::td_string;

use shutterpost_model::support::{GrantState, SupportAccess};

use crate::i18n::Locale;
use crate::ui::{Meaning, Text};

pub(super) fn access(locale: Locale, access: SupportAccess) -> &'static str {
    match access {
        SupportAccess::Read => td_string!(locale, support.access_read),
        SupportAccess::Write => td_string!(locale, support.access_write),
    }
}

pub(super) fn state(locale: Locale, state: GrantState) -> (&'static str, Meaning) {
    match state {
        GrantState::Asked => (td_string!(locale, support.state_asked), Meaning::Warn),
        GrantState::Granted => (td_string!(locale, support.state_granted), Meaning::Good),
        GrantState::Refused => (td_string!(locale, support.state_refused), Meaning::Neutral),
        GrantState::Ended => (td_string!(locale, support.state_ended), Meaning::Neutral),
    }
}

/// What waits for a second person. An act without words is better named than hidden.
pub(super) fn act(locale: Locale, act: &str) -> Text {
    Text::Borrowed(match act {
        "captures.delete" => td_string!(locale, support.act_captures_delete),
        "events.delete" => td_string!(locale, support.act_events_delete),
        "events.update" => td_string!(locale, support.act_events_update),
        other => return Text::Owned(other.to_owned()),
    })
}
