//! Archives of originals.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::exports::{Download, ExportState, ExportView, Exports, Wanted};
use shutterpost_model::id::{EventId, ExportId};
use shutterpost_model::time::{DAY, Millis};

use super::{Answer, World, elsewhere};

#[async_trait]
impl Exports for World {
    async fn create(&self, _: &Actor, _: &EventId, _: &Wanted, _: &str) -> Answer<ExportView> {
        elsewhere()
    }

    async fn list(&self, _: &Actor, event: &EventId) -> Answer<Vec<ExportView>> {
        let export = |number: u8, state, people| ExportView {
            id: ExportId::new(1, [number; 10]),
            event: event.clone(),
            state,
            captures: 1200,
            prepared: 400,
            people,
            length: (state == ExportState::Ready).then_some(3_500_000_000),
            by: (number != 3).then(|| "Olga <Owner>".to_owned()),
            created_at: Millis(1_800_000_000_000),
            expires_at: Millis(1_800_000_000_000 + DAY),
        };
        Ok(vec![
            export(1, ExportState::Preparing, false),
            export(2, ExportState::Ready, true),
            export(3, ExportState::Ready, false),
            export(4, ExportState::Broken, false),
        ])
    }

    async fn find(&self, _: &Actor, _: &ExportId) -> Answer<ExportView> {
        elsewhere()
    }

    async fn check(&self, _: &Actor, _: &ExportId) -> Answer<()> {
        elsewhere()
    }

    async fn open(&self, _: &Actor, _: &ExportId) -> Answer<Download> {
        elsewhere()
    }
}
