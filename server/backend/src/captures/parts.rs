//! What a capture's page shows of the features above this one. They hand it in, so that captures import none of them.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_model::captures::LinkView;
use shutterpost_model::guests::GuestView;
use shutterpost_model::id::CaptureId;
use shutterpost_model::messages::MessageView;

use crate::db::Conn;
use crate::error::Failure;
use crate::identity::scope::OrgScope;

/// Reads what a feature has on one capture of the organisation.
#[async_trait]
pub(crate) trait OfCapture<T>: Send + Sync {
    async fn of_capture(&self, conn: &mut Conn, scope: &OrgScope, capture: &CaptureId) -> Result<Vec<T>, Failure>;
}

/// The features above, as [`super::CapturesService`] asks them.
#[derive(Clone)]
pub struct CaptureParts {
    pub(crate) guests: Arc<dyn OfCapture<GuestView>>,
    pub(crate) links: Arc<dyn OfCapture<LinkView>>,
    pub(crate) messages: Arc<dyn OfCapture<MessageView>>,
}

impl std::fmt::Debug for CaptureParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CaptureParts")
    }
}
