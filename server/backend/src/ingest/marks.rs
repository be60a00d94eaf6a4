//! What is put on pictures, decoded once and kept for the next of them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use shutterpost_media::inspect::Limits;
use shutterpost_media::mark::Mark;
use shutterpost_model::id::EventId;

use super::pool::{Cost, Lane, Pool};
use crate::designs::{self, Wanted, Worn};
use crate::error::Failure;
use crate::events::queries as events;
use crate::events::rows::{self as events_rows, stored};
use crate::events::scope::{EventScope, Tenant};
use crate::services::Deps;

/// Most marks that are kept. A design holds up to 25 MB for each format.
const KEPT: usize = 4;
/// What preparing the largest design holds in memory.
const PREPARING: u64 = 250_000_000;
/// What decoding the largest logo holds: 25 megapixels of four bytes.
const DECODING: u64 = 100_000_000;

/// Marks by their event and name. A name never changes what it stands for.
pub(super) struct Marks {
    deps: Deps,
    limits: Limits,
    pool: Arc<Pool>,
    kept: Mutex<VecDeque<(EventId, String, Arc<Mark>)>>,
    /// One is prepared at a time, in each lane: many uploads at once wait for the same one, and never for what may wait.
    now: tokio::sync::Mutex<()>,
    later: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Marks")
    }
}

impl Marks {
    pub(super) fn new(deps: Deps, limits: Limits, pool: Arc<Pool>) -> Self {
        Self {
            deps,
            limits,
            pool,
            kept: Mutex::default(),
            now: tokio::sync::Mutex::default(),
            later: tokio::sync::Mutex::default(),
        }
    }

    /// What is wanted, ready to be put on pictures; decoded in the lane where there is none yet.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if a file of it is gone.
    pub(super) async fn of(
        &self,
        lane: Lane,
        scope: &EventScope,
        wanted: &Wanted,
    ) -> Result<Option<Arc<Mark>>, Failure> {
        let Some(name) = wanted.mark() else { return Ok(None) };
        // One that was removed is gone, whatever is kept here.
        let logo = match wanted {
            Wanted::Logo(logo) => Some(events::logo(&mut self.deps.db.read().await?, scope, &stored(logo)?).await?),
            Wanted::Nothing | Wanted::Design(_) => None,
        };
        if let Some(kept) = self.find(scope.event(), name) {
            return Ok(Some(kept));
        }
        let turn = match lane {
            Lane::Now => self.now.lock().await,
            Lane::Later => self.later.lock().await,
        };
        if let Some(kept) = self.find(scope.event(), name) {
            return Ok(Some(kept));
        }
        let mark = match (wanted, logo) {
            (Wanted::Design(worn), _) => self.design(lane, scope, worn).await?,
            (Wanted::Nothing | Wanted::Logo(_), Some(row)) => self.logo(lane, scope, &row.object).await?,
            (Wanted::Nothing | Wanted::Logo(_), None) => return Ok(None),
        };
        let mark = Arc::new(mark);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((scope.event().clone(), name.to_owned(), Arc::clone(&mark)));
        while kept.len() > KEPT {
            kept.pop_front();
        }
        drop(turn);
        Ok(Some(mark))
    }

    /// The one used last goes last.
    fn find(&self, event: &EventId, name: &str) -> Option<Arc<Mark>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(of, named, _)| of == event && named == name)?;
        let found = kept.remove(place)?;
        let mark = Arc::clone(&found.2);
        kept.push_back(found);
        Some(mark)
    }

    /// Our own file, so a failure is ours.
    async fn logo(&self, lane: Lane, scope: &EventScope, object: &str) -> Result<Mark, Failure> {
        let key = self.deps.keystore.get(&events_rows::key(scope.organisation(), scope.event().as_str())).await?;
        let bytes = self.deps.storage.get(object, &key).await?;
        let limits = self.limits;
        let cost = Cost { waiting: bytes.len() as u64, working: DECODING };
        let mark = self.pool.run(lane, cost, move || Mark::from_bytes(&bytes, &limits)).await?;
        mark.map_err(|error| Failure::internal("the stored logo does not read", error))
    }

    async fn design(&self, lane: Lane, scope: &EventScope, worn: &Worn) -> Result<Mark, Failure> {
        let design = Arc::clone(&worn.design);
        let files = designs::read(&self.deps, scope, &designs::named(&design)).await?;
        let waiting: u64 = files.values().map(|bytes| bytes.len() as u64).sum();
        let cost = Cost { waiting, working: PREPARING };
        self.pool.run(lane, cost, move || designs::prepare(&design, &files)).await?
    }
}

/// The cost of work on a picture that gets this mark.
pub(super) fn with(cost: Cost, mark: Option<&Mark>) -> Cost {
    Cost { working: cost.working.saturating_add(mark.map_or(0, Mark::memory_bytes)), ..cost }
}
