//! The trash.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission, Role};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{EventId, UserId};
use shutterpost_model::pii::{Pii, Purpose};
use shutterpost_model::privacy::trash::{Trash, TrashItem, TrashKind, TrashPage, TrashTarget, Trashed};
use shutterpost_model::time::{DAY, Date};

use super::{Answer, NOW, World, capture_id, elsewhere, event_id, guest};

/// One of each kind; the last is an owner, whom an admin leaves alone.
fn trash(actor: &Actor) -> Vec<TrashItem> {
    let item = |kind, object: String, what, days: i64| TrashItem {
        kind,
        object,
        what,
        deleted_at: NOW.plus(-days * DAY),
        deleted_by: (days == 0).then(|| "Anna <Muster>".to_owned()),
        restorable_until: NOW.plus((30 - days) * DAY),
        may_restore: true,
    };
    let (event, event_name) = (event_id(), "Summer <party>".to_owned());
    let thumb = format!("/cms/media/{}/thumb-1.webp", capture_id(3));
    let shown = |text: &str| Pii::new(text.to_owned()).disclose(Purpose::GuestCare);
    let capture = Trashed::Capture { event: event.clone(), event_name: event_name.clone(), captured_at: NOW, thumb };
    let guest = Trashed::Guest {
        event,
        event_name,
        name: Some(shown("A…")),
        email: Some(shown("a…@e….com")),
        phone: None,
        captures: 1200,
    };
    let (starts_on, ends_on) = (Date::new(2026, 6, 1).expect("valid"), Date::new(2026, 6, 2).expect("valid"));
    let gala = Trashed::Event { name: "Gala".into(), starts_on, ends_on, captures: 1 };
    let member = Trashed::Member { name: shown("Otto Owner"), email: shown("otto@acme.example"), role: Role::Owner };
    let may_restore = actor.role().is_some_and(|own| own.may_grant(Role::Owner));
    let otto = item(TrashKind::Member, UserId::new(1, [9; 10]).into_string(), member, 29);
    vec![
        item(TrashKind::Capture, capture_id(3).into_string(), capture, 0),
        item(TrashKind::Guest, self::guest().id.into_string(), guest, 2),
        item(TrashKind::Event, EventId::new(1, [8; 10]).into_string(), gala, 27),
        TrashItem { may_restore, ..otto },
    ]
}

#[async_trait]
impl Trash for World {
    async fn list(&self, actor: &Actor, kind: Option<TrashKind>, cursor: Option<String>) -> Answer<TrashPage> {
        if !actor.may(Permission::TrashManage) {
            return Err(AppError::new(Code::Forbidden));
        }
        let mut items = if self.empty { Vec::new() } else { trash(actor) };
        items.retain(|item| kind.is_none_or(|kind| kind == item.kind));
        let next = (cursor.is_none() && !items.is_empty()).then(|| "older+1".to_owned());
        Ok(TrashPage { items, next })
    }
    async fn restore(&self, _: &Actor, _: &TrashTarget) -> Answer<()> {
        elsewhere()
    }
    async fn erase_member(&self, _: &Actor, _: &UserId) -> Answer<()> {
        elsewhere()
    }
}
