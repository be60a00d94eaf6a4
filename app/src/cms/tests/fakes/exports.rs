//! Archives of originals.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::exports::{Download, ExportView, Exports};
use shutterpost_model::id::{CaptureId, EventId, ExportId};

use super::{Answer, World, elsewhere};

#[async_trait]
impl Exports for World {
    async fn create(&self, _: &Actor, _: &EventId, _: &[CaptureId], _: &str) -> Answer<ExportView> {
        elsewhere()
    }

    async fn find(&self, _: &Actor, _: &ExportId) -> Answer<ExportView> {
        elsewhere()
    }

    async fn open(&self, _: &Actor, _: &ExportId) -> Answer<Download> {
        elsewhere()
    }
}
