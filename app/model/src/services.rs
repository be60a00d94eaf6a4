//! All ports together, as pages and handlers receive them.

use std::sync::Arc;

use crate::audit::Audit;
use crate::captures::Captures;
use crate::connections::Connections;
use crate::connections::domains::Domains;
use crate::designs::Designs;
use crate::events::Events;
use crate::exports::Exports;
use crate::guests::Guests;
use crate::identity::passkeys::Passkeys;
use crate::identity::security::Security;
use crate::identity::{Accounts, Directory};
use crate::ingest::Ingest;
use crate::messages::Messages;
use crate::privacy::Privacy;
use crate::privacy::trash::Trash;
use crate::share::Shares;
use crate::sso::SingleSignOn;
use crate::support::Support;
use crate::uploads::Uploads;

/// One handle per port; cheap to clone.
#[derive(Clone)]
pub struct Services {
    pub accounts: Arc<dyn Accounts>,
    pub security: Arc<dyn Security>,
    pub passkeys: Arc<dyn Passkeys>,
    pub directory: Arc<dyn Directory>,
    pub connections: Arc<dyn Connections>,
    pub domains: Arc<dyn Domains>,
    pub sso: Arc<dyn SingleSignOn>,
    pub events: Arc<dyn Events>,
    pub captures: Arc<dyn Captures>,
    pub designs: Arc<dyn Designs>,
    pub exports: Arc<dyn Exports>,
    pub guests: Arc<dyn Guests>,
    pub shares: Arc<dyn Shares>,
    pub messages: Arc<dyn Messages>,
    pub ingest: Arc<dyn Ingest>,
    pub uploads: Arc<dyn Uploads>,
    pub privacy: Arc<dyn Privacy>,
    pub trash: Arc<dyn Trash>,
    pub audit: Arc<dyn Audit>,
    pub support: Arc<dyn Support>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Services")
    }
}
