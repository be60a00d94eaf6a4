//! Share pages.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::captures::{MediaFile, RenditionFile};
use shutterpost_model::id::{EventId, LinkId};
use shutterpost_model::share::{ResolvedShare, ShareChange, SharePage, Shares};

use super::{Answer, World, elsewhere};

#[async_trait]
impl Shares for World {
    async fn page(&self, _: &str) -> Answer<Option<ResolvedShare>> {
        elsewhere()
    }
    async fn media(&self, _: &str, _: RenditionFile) -> Answer<Option<MediaFile>> {
        elsewhere()
    }
    async fn logo(&self, _: &str) -> Answer<Option<MediaFile>> {
        elsewhere()
    }
    async fn changes(&self, _: i64) -> Answer<(Vec<ShareChange>, i64)> {
        elsewhere()
    }
    async fn renew(&self, _: &Actor, _: &LinkId) -> Answer<()> {
        elsewhere()
    }
    async fn revoke(&self, _: &Actor, _: &LinkId) -> Answer<()> {
        elsewhere()
    }
    async fn preview(&self, _: &Actor, _: &EventId) -> Answer<SharePage> {
        elsewhere()
    }
}
