//! One server and what is going on with it: the connection that ships alone, and the shipper over it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use shutterpost_model::time::Millis;

use super::base;
use super::session::Session;
use super::ship::{Seen, Shipper};
use super::{Cluster, Server};
use crate::backup::base::BaseMade;
use crate::backup::{BackupFailure, Backups, Database};

/// Until a server that did not answer, or refused, is asked again.
const AGAIN: Duration = Duration::from_secs(3);

pub(in crate::backup) struct Work {
    cluster: Cluster,
    session: Option<Session>,
    shipper: Option<Shipper>,
    /// How far the chain is; lasts longer than a shipper.
    shipped: Arc<AtomicU64>,
    failed: Option<(Instant, BackupFailure)>,
}

impl Work {
    pub(in crate::backup) fn new(cluster: Cluster) -> Self {
        Self { cluster, session: None, shipper: None, shipped: Arc::default(), failed: None }
    }

    pub(in crate::backup) const fn database(&self) -> Database {
        self.cluster.server.database()
    }

    /// Whether this process is the one that ships. The claim lasts as long as its connection.
    pub(in crate::backup) fn claim(&mut self, backups: &Backups) -> Result<bool, BackupFailure> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.cluster.server.connect(&backups.0.target)?,
        };
        let claimed = session.claim()?;
        self.session = Some(session);
        Ok(claimed)
    }

    /// How far the server's log was received. With whether a chain began or was taken up by this.
    pub(in crate::backup) fn look(&mut self, backups: &Backups) -> (Result<Option<Seen>, BackupFailure>, bool) {
        if let Some((_, failure)) = self.failed.as_ref().filter(|(at, _)| at.elapsed() < AGAIN) {
            return (Err(again(failure)), false);
        }
        self.failed = None;
        let mut begun = false;
        let seen = self.try_look(backups, &mut begun);
        (self.noted(seen), begun)
    }

    fn try_look(&mut self, backups: &Backups, begun: &mut bool) -> Result<Option<Seen>, BackupFailure> {
        let mut shipper = match self.shipper.take() {
            Some(shipper) => shipper,
            None => {
                *begun = true;
                if !self.claim(backups)? {
                    return Err(self.server().refused("another process ships it now"));
                }
                let Some(session) = self.session.take() else { return Ok(None) };
                let (slot, folder) = (self.server().slot(), self.cluster.folder.join("spool"));
                Shipper::start(backups, &self.cluster, session, slot, folder, Arc::clone(&self.shipped))?
            }
        };
        let mut seen = shipper.look()?;
        if seen.is_none() {
            tracing::warn!(backup.database = self.database().as_str(), "the log was cut before it was shipped");
            *begun = true;
            shipper.begin()?;
            seen = shipper.look()?;
        }
        self.shipper = Some(shipper);
        Ok(seen)
    }

    /// After a failure of the server everything about it begins anew, the connection too.
    fn noted<T>(&mut self, outcome: Result<T, BackupFailure>) -> Result<T, BackupFailure> {
        if let Err(failure @ (BackupFailure::Server { .. } | BackupFailure::Shared | BackupFailure::Programs { .. })) =
            &outcome
        {
            self.failed = Some((Instant::now(), again(failure)));
            (self.shipper, self.session) = (None, None);
        }
        outcome
    }

    const fn server(&self) -> &Server {
        &self.cluster.server
    }

    /// Brings what was seen to the target. Gives until when everything is there, if that is new.
    pub(in crate::backup) fn ship(&mut self, seen: Seen) -> Result<Option<Millis>, BackupFailure> {
        let shipped = self.shipper.as_mut().map_or(Ok(None), |shipper| shipper.ship(seen));
        self.noted(shipped)
    }

    /// The chain that grows, and its segments.
    pub(in crate::backup) fn chain(&self) -> Option<(&str, u64)> {
        self.shipper.as_ref().map(|shipper| (shipper.generation(), shipper.segments()))
    }

    /// Lets go of a log that is not shipped for too long.
    pub(in crate::backup) fn relieve(&mut self) -> Result<(), BackupFailure> {
        let relieved = self.shipper.as_mut().map_or(Ok(()), Shipper::relieve);
        self.noted(relieved)
    }

    /// What makes a base copy of the present; none if it cannot be made now.
    pub(in crate::backup) fn base(
        &self,
        backups: &Backups,
    ) -> Option<impl FnOnce() -> Result<BaseMade, BackupFailure> + Send + use<>> {
        let joint = self.shipper.as_ref().and_then(Shipper::joint)?;
        let (backups, cluster) = (backups.clone(), self.cluster.clone());
        Some(move || {
            let stored = base::copy(&backups, &cluster, &joint)?;
            base::proved(&backups, &cluster, &joint, stored)
        })
    }

    /// Whether nothing of the log has come yet.
    #[cfg(test)]
    pub(in crate::backup) fn is_beginning(&self) -> bool {
        self.shipper.as_ref().is_some_and(|shipper| shipper.joint().is_none())
    }

    /// Ends the work; the next start goes on with the chain.
    pub(in crate::backup) fn leave(self) {
        if let Some(shipper) = self.shipper {
            shipper.leave();
        }
    }
}

/// What is said until it is tried again.
fn again(failure: &BackupFailure) -> BackupFailure {
    match failure {
        BackupFailure::Server { database, reason } => {
            BackupFailure::Server { database: *database, reason: reason.clone() }
        }
        BackupFailure::Programs { names, major, named } => {
            BackupFailure::Programs { names: names.clone(), major: *major, named: named.clone() }
        }
        _ => BackupFailure::Shared,
    }
}
