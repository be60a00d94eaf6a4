//! Uploads in pieces.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::id::UploadId;
use shutterpost_model::uploads::ask::{Append, Create};
use shutterpost_model::uploads::{Incoming, Progress, Uploads};

use super::{Answer, World, elsewhere};

#[async_trait]
impl Uploads for World {
    async fn create(&self, _: &Actor, _: Create, _: Box<dyn Incoming>) -> Answer<Progress> {
        elsewhere()
    }
    async fn look(&self, _: &Actor, _: &UploadId) -> Answer<Progress> {
        elsewhere()
    }
    async fn append(&self, _: &Actor, _: &UploadId, _: Append, _: Box<dyn Incoming>) -> Answer<Progress> {
        elsewhere()
    }
    async fn end(&self, _: &Actor, _: &UploadId) -> Answer<()> {
        elsewhere()
    }
    fn largest(&self) -> u64 {
        0
    }
}
