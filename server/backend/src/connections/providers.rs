//! What speaks with providers: one for the whole process, because it remembers what they publish.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use shutterpost_sso::fetch::{Fetch, GuardedFetch, Reach, SystemResolver};
use shutterpost_sso::oidc::RelyingParty;
use shutterpost_sso::saml::{SamlVerifier, Verifier};
use tokio_rustls::rustls::RootCertStore;

/// Both protocols, and the guard in front of what is fetched. Cheap to clone.
#[derive(Clone)]
pub struct Providers {
    pub fetch: Arc<dyn Fetch>,
    pub oidc: Arc<RelyingParty>,
    pub saml: Arc<dyn SamlVerifier>,
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Providers")
    }
}

impl Providers {
    /// Speaks through this guard.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { oidc: Arc::new(RelyingParty::new(Arc::clone(&fetch))), saml: Arc::new(Verifier), fetch }
    }

    /// Those of the internet.
    pub fn public() -> Self {
        Self::of_machine(Reach::Public)
    }

    /// Those on this machine as well, for development and tests.
    pub fn with_loopback() -> Self {
        Self::of_machine(Reach::LoopbackToo)
    }

    /// By the machine's resolver and the authorities that it trusts. A machine without any serves all the same: nobody
    /// can use a connection there.
    fn of_machine(reach: Reach) -> Self {
        let fetch = GuardedFetch::new(reach).unwrap_or_else(|none| {
            tracing::warn!(error.cause = %none, "identity providers cannot be reached");
            GuardedFetch::with(reach, Arc::new(SystemResolver), RootCertStore::empty(), Duration::from_secs(5))
        });
        Self::new(Arc::new(fetch))
    }
}
