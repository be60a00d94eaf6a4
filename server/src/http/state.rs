//! What handlers share.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_app::cms::Assets;
use shutterpost_backend::context::World;
use shutterpost_model::messages::OutboxMail;
use shutterpost_model::services::Services;

use super::limit::Limiter;
use super::share_cache::ShareCache;
use crate::config::HttpConfig;
use crate::log::{RequestLine, RequestLog};
use crate::metrics::Metrics;

/// What HTTP asks of the installation beside the ports.
#[async_trait]
pub trait Operations: Send + Sync {
    /// Each part by name, `true` if it works; all must.
    async fn check(&self) -> Vec<(&'static str, bool)>;
    /// Mails of the local outbox, newest first; empty when mail leaves by SMTP.
    async fn outbox(&self) -> Vec<OutboxMail>;
    /// How long the job that waits longest has been due, in milliseconds. `None` if the database does not say.
    async fn lag(&self) -> Option<i64>;
    /// A request changed something and may have enqueued work.
    fn changed(&self);
}

/// What the state is made of.
pub struct HttpParts {
    pub services: Services,
    pub world: World,
    pub config: HttpConfig,
    /// `None` when no bundle was built: pages work as plain HTML.
    pub assets: Option<Assets>,
    pub log: RequestLog,
    pub metrics: Arc<Metrics>,
    pub operations: Arc<dyn Operations>,
}

impl std::fmt::Debug for HttpParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpParts")
    }
}

struct Inner {
    parts: HttpParts,
    shares: ShareCache,
    limiter: Limiter,
}

/// The state of all handlers; cheap to clone.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    pub fn new(parts: HttpParts) -> Self {
        // Pages are rendered by tasks of this process's runtime; a second call finds it set.
        if any_spawner::Executor::init_tokio().is_err() {
            tracing::debug!("the executor of pages was set before");
        }
        let shares = ShareCache::new(parts.services.shares.clone());
        Self(Arc::new(Inner { parts, shares, limiter: Limiter::default() }))
    }

    pub fn services(&self) -> &Services {
        &self.0.parts.services
    }

    pub fn world(&self) -> &World {
        &self.0.parts.world
    }

    pub fn config(&self) -> &HttpConfig {
        &self.0.parts.config
    }

    pub fn assets(&self) -> Option<&Assets> {
        self.0.parts.assets.as_ref()
    }

    /// Counts and logs an answered request.
    pub(super) fn answered(&self, line: RequestLine) {
        self.0.parts.metrics.request(&line);
        self.0.parts.log.line(line);
    }

    pub fn metrics(&self) -> &Metrics {
        &self.0.parts.metrics
    }

    pub fn operations(&self) -> &dyn Operations {
        &*self.0.parts.operations
    }

    pub fn shares(&self) -> &ShareCache {
        &self.0.shares
    }

    pub(super) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }
}
