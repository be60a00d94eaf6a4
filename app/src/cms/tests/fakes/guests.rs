//! Guests.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::guests::{ConsentView, GuestView, Guests};
use shutterpost_model::id::GuestId;
use shutterpost_model::language::Language;

use super::{Answer, NOW, World, disclosed, elsewhere, event_id};

pub fn guest() -> GuestView {
    GuestView {
        id: GuestId::new(NOW.0, [7; 10]),
        event: event_id(),
        name: Some(disclosed("A…")),
        email: Some(disclosed("a…@e….com")),
        phone: None,
        masked: true,
        language: Language::German,
        captures: 2,
        consents: vec![ConsentView { purpose: "marketing".into(), granted: false, text_version: 3, recorded_at: NOW }],
        created_at: NOW,
    }
}

#[async_trait]
impl Guests for World {
    async fn find(&self, _: &Actor, _: &GuestId) -> Answer<GuestView> {
        Ok(guest())
    }
    async fn reveal(&self, _: &Actor, _: &GuestId) -> Answer<GuestView> {
        Ok(GuestView { masked: false, email: Some(disclosed("anna@example.com")), ..guest() })
    }
    async fn delete(&self, _: &Actor, _: &GuestId) -> Answer<()> {
        elsewhere()
    }
}
