//! Gives captures what the features above them know about one.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_model::id::CaptureId;
use shutterpost_model::messages::MessageView;

use crate::captures::CaptureParts;
use crate::captures::parts::OfCapture;
use crate::db::Conn;
use crate::error::Failure;
use crate::guests::GuestsService;
use crate::identity::scope::OrgScope;
use crate::keystore::KeyStore;
use crate::messages::views_of_capture;
use crate::services::Deps;
use crate::share::SharesService;

/// The parts of a capture's page, for [`crate::captures::CapturesService::new`].
pub fn capture_parts(deps: &Deps) -> CaptureParts {
    CaptureParts {
        guests: Arc::new(GuestsService::new(deps.clone())),
        links: Arc::new(SharesService::new(deps.clone())),
        messages: Arc::new(Messages(deps.keystore.clone())),
    }
}

struct Messages(KeyStore);

#[async_trait]
impl OfCapture<MessageView> for Messages {
    async fn of_capture(
        &self,
        conn: &mut Conn,
        scope: &OrgScope,
        capture: &CaptureId,
    ) -> Result<Vec<MessageView>, Failure> {
        views_of_capture(conn, &self.0, scope, capture).await
    }
}
