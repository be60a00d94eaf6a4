//! Looks at the installation again and again, and hands what it finds to the metrics.

use std::sync::Arc;
use std::time::Duration;

use shutterpost_backend::context::World;
use shutterpost_backend::db::Db;
use shutterpost_backend::doctor::{Depth, Finding, Patient, SLOW, State, examine};
use shutterpost_backend::jobs::backlog;
use shutterpost_model::time::Millis;

use crate::metrics::{Found, Metrics};

/// Between two looks: an alert comes at most so much later.
const EVERY: Duration = Duration::from_secs(30);
/// Between two looks at what costs more, in milliseconds.
const WHOLE: i64 = 3_600_000;

/// Watches one installation.
#[derive(Debug)]
pub struct Monitor {
    patient: Patient,
    db: Db,
    world: World,
    metrics: Arc<Metrics>,
    /// What the last whole look alone can say, and when that was.
    slow: Option<(Millis, Vec<Finding>)>,
    /// Checks that failed at the last look, with whether that was told.
    failing: Vec<(&'static str, bool)>,
}

impl Monitor {
    pub const fn new(patient: Patient, db: Db, world: World, metrics: Arc<Metrics>) -> Self {
        Self { patient, db, world, metrics, slow: None, failing: Vec::new() }
    }

    /// Looks until it is dropped.
    pub async fn run(mut self) {
        loop {
            self.look().await;
            tokio::time::sleep(EVERY).await;
        }
    }

    /// One look.
    pub async fn look(&mut self) {
        let now = self.world.now();
        let due = self.slow.as_ref().is_none_or(|(at, _)| now.0 - at.0 >= WHOLE);
        let depth = if due { Depth::Whole } else { Depth::Quick };
        let mut findings = examine(&self.patient, depth, &self.world).await;
        match &self.slow {
            Some((_, slow)) if !due => findings.extend(slow.iter().cloned()),
            _ => {
                let slow = findings.iter().filter(|finding| SLOW.contains(&finding.check));
                self.slow = Some((now, slow.cloned().collect()));
            }
        }
        self.tell(&findings);
        let backlog = backlog(&self.db, &self.world).await.ok();
        self.metrics.found(Found { at: now, findings, backlog });
    }

    /// A check that fails twice in a row is told once: the first backups of a server, for one, take a moment.
    fn tell(&mut self, findings: &[Finding]) {
        let mut failing: Vec<(&'static str, bool)> = Vec::new();
        for Finding { check, text, .. } in findings.iter().filter(|finding| finding.state == State::Failure) {
            let before = self.failing.iter().find(|(name, _)| name == check);
            if let Some((_, false)) = before {
                tracing::error!(doctor.check = check, doctor.finding = text, "a check fails");
            }
            failing.push((check, before.is_some()));
        }
        self.failing = failing;
    }
}
