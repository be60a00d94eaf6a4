//! What speaks with providers: one for the whole process, because it remembers what they publish.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use shutterpost_sso::fetch::{Fetch, GuardedFetch, Reach, SystemResolver};
use shutterpost_sso::oidc::RelyingParty;
use shutterpost_sso::saml::{SamlVerifier, Verifier};
use tokio_rustls::rustls::RootCertStore;

use super::dns::{NameServers, Texts};

/// Both protocols, and the guard in front of what is fetched. Cheap to clone.
#[derive(Clone)]
pub struct Providers {
    pub fetch: Arc<dyn Fetch>,
    pub oidc: Arc<RelyingParty>,
    pub saml: Arc<dyn SamlVerifier>,
    /// Where proofs of domains are looked up.
    pub names: Arc<dyn Texts>,
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Providers")
    }
}

impl Providers {
    /// Speaks through this guard, and asks the machine's name servers.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        let oidc = Arc::new(RelyingParty::new(Arc::clone(&fetch)));
        Self { oidc, saml: Arc::new(Verifier), names: Arc::new(NameServers::of_machine()), fetch }
    }

    /// Those of the internet.
    pub fn public() -> Self {
        Self::of_machine(Reach::Public)
    }

    /// The same, asking another name server.
    #[must_use]
    pub fn asking(self, server: SocketAddr) -> Self {
        Self { names: Arc::new(NameServers::new(vec![server])), ..self }
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
