//! Uploads.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::id::EventId;
use shutterpost_model::ingest::{Accepted, Ingest, Upload};

use super::{Answer, World, elsewhere};

#[async_trait]
impl Ingest for World {
    async fn accept(&self, _: &Actor, _: &EventId, _: Upload) -> Answer<Accepted> {
        elsewhere()
    }
}
