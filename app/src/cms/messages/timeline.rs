//! What became of a message, in plain words.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::access::Permission;
use shutterpost_model::identity::Me;
use shutterpost_model::messages::{DeliveryState, FailureReason, MessageView, Template};
use shutterpost_model::time::Millis;

use crate::texts::{self, Locale, language_of, use_locale};
use crate::ui::{Badge, IconName, Meaning, Submit, Time, Tone};

/// What a message is about.
pub fn subject(locale: Locale, template: Template) -> &'static str {
    match template {
        Template::Capture => td_string!(locale, messages.template_capture),
        Template::Invitation => td_string!(locale, messages.template_invitation),
        Template::Reset => td_string!(locale, messages.template_reset),
        Template::PasswordChanged => td_string!(locale, messages.template_password_changed),
        Template::Activity => td_string!(locale, messages.template_activity),
        Template::Support => td_string!(locale, messages.template_support),
        Template::Notice => td_string!(locale, connections.notice_template),
    }
}

/// A state in a word, and what it means for the reader.
pub fn state(locale: Locale, state: DeliveryState) -> (Meaning, &'static str) {
    match state {
        DeliveryState::Queued => (Meaning::Neutral, td_string!(locale, messages.queued)),
        DeliveryState::Sent => (Meaning::Good, td_string!(locale, messages.sent)),
        DeliveryState::Failed => (Meaning::Bad, td_string!(locale, messages.failed)),
    }
}

/// One thing that happened, or will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Queued,
    Taken,
    Refused(FailureReason),
    /// Another attempt is planned.
    Planned,
}

/// Everything that happened to the message in the order it happened, with what comes next at the end.
fn steps(message: &MessageView) -> Vec<(Millis, Step)> {
    let attempts = message.deliveries.iter().map(|delivery| {
        let step = delivery.failure.map_or(Step::Taken, Step::Refused);
        (delivery.at, step)
    });
    let mut steps: Vec<_> = std::iter::once((message.created_at, Step::Queued)).chain(attempts).collect();
    steps.sort_by_key(|(at, _)| *at);
    if message.state == DeliveryState::Queued
        && !message.deliveries.is_empty()
        && let Some(at) = message.next_attempt_at
    {
        steps.push((at, Step::Planned));
    }
    steps
}

/// A message as a story, with a way to send it again.
#[component]
pub fn Timeline(me: Me, message: MessageView) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let (meaning, word) = state(locale, message.state);
    let steps = steps(&message);
    view! {
        <article class="messages-story">
            <header class="messages-story-head">
                <span class="messages-story-what">{subject(locale, message.template)}</span>
                <Badge meaning>{word}</Badge>
                <span class="muted messages-story-to">{message.to.get().clone()}</span>
            </header>
            <ol class="messages-steps" aria-label=td_string!(locale, messages.timeline)>
                {steps
                    .into_iter()
                    .map(|(at, step)| {
                        let (class, text) = match step {
                            Step::Queued => ("", td_string!(locale, messages.line_created)),
                            Step::Taken => ("messages-step-good", td_string!(locale, messages.line_taken)),
                            Step::Refused(reason) => ("messages-step-bad", texts::failure(reason, language)),
                            Step::Planned => ("messages-step-planned", td_string!(locale, messages.line_next)),
                        };
                        view! {
                            <li class=format!("messages-step {class}")>
                                <span>{text}</span>
                                <span class="muted">
                                    <Time at relative=true/>
                                </span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
            {me.may(Permission::MessageSend).then(|| view! { <SendAgain message=message.id.to_string()/> })}
        </article>
    }
}

/// Queues the message once more: a plain form of one button.
#[component]
pub fn SendAgain(message: String) -> impl IntoView {
    let locale = use_locale();
    view! {
        <form method="post" class="messages-again">
            <input r#type="hidden" name="message" value=message/>
            <Submit intent="send_again" tone=Tone::Quiet icon=IconName::Send>
                {td_string!(locale, messages.send_again)}
            </Submit>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use shutterpost_model::id::MessageId;
    use shutterpost_model::language::Language;
    use shutterpost_model::messages::DeliveryView;
    use shutterpost_model::pii::{Pii, Purpose};

    use super::*;

    #[test]
    fn a_story_is_told_in_order_and_says_what_comes() {
        let message = MessageView {
            id: MessageId::new(1, [1; 10]),
            template: Template::Capture,
            event: None,
            capture: None,
            to: Pii::new("a…@e….com".to_owned()).disclose(Purpose::GuestCare),
            language: Language::English,
            state: DeliveryState::Queued,
            reason: Some(FailureReason::TryLater),
            created_at: Millis(1000),
            sent_at: None,
            next_attempt_at: Some(Millis(9000)),
            deliveries: vec![
                DeliveryView { at: Millis(5000), failure: Some(FailureReason::TimedOut) },
                DeliveryView { at: Millis(3000), failure: Some(FailureReason::TryLater) },
            ],
        };
        let told: Vec<_> = steps(&message).into_iter().map(|(_, step)| step).collect();
        assert_eq!(
            told,
            [
                Step::Queued,
                Step::Refused(FailureReason::TryLater),
                Step::Refused(FailureReason::TimedOut),
                Step::Planned
            ]
        );
        let sent = MessageView { state: DeliveryState::Sent, ..message };
        assert!(!steps(&sent).iter().any(|(_, step)| *step == Step::Planned));
    }
}
