//! Messages.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::id::MessageId;
use shutterpost_model::language::Language;
use shutterpost_model::messages::{
    DeliveryState, DeliveryView, FailureReason, MessagePage, MessageView, Messages, Template,
};

use super::{Answer, NOW, World, capture_id, disclosed, elsewhere, event_id};

pub(super) fn message() -> MessageView {
    MessageView {
        id: MessageId::new(NOW.0, [6; 10]),
        template: Template::Capture,
        event: Some(event_id()),
        capture: Some(capture_id(0)),
        to: disclosed("a…@e….com"),
        language: Language::English,
        state: DeliveryState::Failed,
        reason: Some(FailureReason::AddressRefused),
        created_at: NOW,
        sent_at: None,
        next_attempt_at: None,
        deliveries: vec![DeliveryView { at: NOW.plus(2000), failure: Some(FailureReason::AddressRefused) }],
    }
}

#[async_trait]
impl Messages for World {
    async fn list(&self, _: &Actor, state: Option<DeliveryState>, _: Option<String>) -> Answer<MessagePage> {
        let fits = !self.empty && state.is_none_or(|state| state == DeliveryState::Failed);
        Ok(MessagePage { items: fits.then(message).into_iter().collect(), next: fits.then(|| "more".to_owned()) })
    }
    async fn send_again(&self, _: &Actor, _: &MessageId) -> Answer<()> {
        elsewhere()
    }
}
