//! Erasures.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{ErasureId, OrganisationId};
use shutterpost_model::identity::Client;
use shutterpost_model::privacy::{
    ErasureKind, ErasurePage, ErasureTarget, ErasureView, Privacy, ReceiptFacts, ReceiptFault, ReceiptView,
};
use shutterpost_model::time::DAY;

use super::{Answer, NOW, World, capture_id, elsewhere, erasure_id, event_id, guest};

fn erasure(number: u8) -> ErasureView {
    let (kind, object) = match number {
        0 => (ErasureKind::Guest, guest().id.into_string()),
        1 => (ErasureKind::Event, event_id().into_string()),
        _ => (ErasureKind::Capture, capture_id(9).into_string()),
    };
    let facts = ReceiptFacts {
        id: erasure_id(number).into_string(),
        organisation: OrganisationId::new(1, [5; 10]).into_string(),
        kind,
        object: object.clone(),
        destroyed: vec![("captures".into(), 1200), ("guests".into(), 1)],
        keys: 1201,
        erased_at: NOW,
        last_backup_unreadable_at: NOW.plus(7 * DAY),
    };
    ErasureView {
        id: erasure_id(number),
        kind,
        object,
        requested_at: NOW.plus(-60_000),
        finished_at: (number == 0).then(|| NOW.plus(60_000)),
        receipt: (number < 2).then(|| ReceiptView { text: "</textarea><script>e30.c2ln".into(), facts }),
    }
}

#[async_trait]
impl Privacy for World {
    async fn erase(&self, _: &Actor, _: &ErasureTarget) -> Answer<ErasureView> {
        elsewhere()
    }
    async fn erase_by_owner(&self, _: &str, _: Client) -> Answer<Option<ErasureView>> {
        elsewhere()
    }
    async fn erasures(&self, actor: &Actor, cursor: Option<String>) -> Answer<ErasurePage> {
        if !actor.may(Permission::PrivacyManage) {
            return Err(AppError::new(Code::Forbidden));
        }
        if self.empty {
            return Ok(ErasurePage { items: Vec::new(), next: None });
        }
        let next = cursor.is_none().then(|| "older+1".to_owned());
        Ok(ErasurePage { items: [2, 1, 0].map(erasure).into(), next })
    }
    async fn erasure(&self, actor: &Actor, id: &ErasureId) -> Answer<ErasureView> {
        let found = [0, 1, 2].map(erasure).into_iter().find(|erasure| erasure.id == *id);
        let found = found.ok_or(AppError::new(Code::NotFound))?;
        let needs = if found.kind == ErasureKind::Guest { Permission::GuestWrite } else { Permission::PrivacyManage };
        if actor.may(needs) { Ok(found) } else { Err(AppError::new(Code::Forbidden)) }
    }
    fn verify(&self, _: &str) -> Result<ReceiptFacts, ReceiptFault> {
        Err(ReceiptFault::Malformed)
    }
    fn public_key(&self) -> String {
        String::new()
    }
}
