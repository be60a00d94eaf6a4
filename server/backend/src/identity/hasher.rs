//! Password hashing off the async threads, as many at a time as there are cores: each takes tens of milliseconds and
//! tens of megabytes, so an open door here would let anybody exhaust the machine.

use std::sync::Arc;
use std::time::Duration;

use shutterpost_model::error::Code;
use shutterpost_model::pii::Secret;
use shutterpost_vault::password::{self, Verified};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::policy::{self, PasswordPolicy};
use crate::context::World;
use crate::error::Failure;

/// How long a request waits for its turn before the answer is "busy".
const LONGEST_WAIT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Hasher {
    policy: PasswordPolicy,
    turns: Arc<Semaphore>,
    /// Hashes computed, so that a test can compare the work of two answers.
    #[cfg(test)]
    work: Arc<std::sync::atomic::AtomicU64>,
    /// Hashes under way, and the most there ever were.
    #[cfg(test)]
    at_once: Arc<[std::sync::atomic::AtomicU64; 2]>,
}

/// The right to use one core. It travels into the blocking thread and back, so that a client that hangs up does not
/// free the turn while the core is still busy.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Hasher {
    pub(crate) fn new(policy: PasswordPolicy) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            policy,
            turns: Arc::new(Semaphore::new(cores)),
            #[cfg(test)]
            work: Arc::default(),
            #[cfg(test)]
            at_once: Arc::default(),
        }
    }

    /// Waits for a core.
    pub(crate) async fn turn(&self) -> Result<Turn, Failure> {
        let turns = Arc::clone(&self.turns);
        match tokio::time::timeout(LONGEST_WAIT, turns.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit }),
            Ok(Err(error)) => Err(Failure::internal("the queue of password hashes is closed", error)),
            Err(_) => Err(Failure::Busy("password hashes queue up".into())),
        }
    }

    /// Compares a password with a stored hash; without one, does the same work and finds it wrong.
    pub(crate) async fn verify(
        &self,
        turn: Turn,
        password: Secret,
        stored: Option<Secret>,
    ) -> Result<(Turn, Verified), Failure> {
        let params = self.policy.params();
        self.run(turn, move || match stored {
            Some(stored) => password::verify(password.expose(), stored.expose(), params)
                .map_err(|error| Failure::internal("a stored password hash does not read", error)),
            None => Ok(password::verify_unknown(password.expose(), params)),
        })
        .await
    }

    /// Hashes a password that was judged before.
    pub(crate) async fn hash(&self, turn: Turn, password: Secret, world: &World) -> Result<Secret, Failure> {
        let (params, salt) = (self.policy.params(), world.bytes());
        let hashed = self.run(turn, move || match password::hash(password.expose(), params, salt) {
            Ok(hash) => Ok(Secret::new(hash)),
            Err(password::PasswordError::TooLong) => Err(Code::PasswordLong.into()),
            Err(error) => Err(Failure::internal("a password cannot be hashed", error)),
        });
        hashed.await.map(|(_, hash)| hash)
    }

    /// Judges a new password (see [`policy::judge`]); gives what is wrong with it, if anything.
    pub(crate) async fn judge(
        &self,
        turn: Turn,
        password: Secret,
        personal: Vec<String>,
    ) -> Result<(Turn, Option<Code>), Failure> {
        let turn_and_verdict =
            tokio::task::spawn_blocking(move || (turn, policy::judge(password.expose(), &personal).err()));
        turn_and_verdict.await.map_err(|error| Failure::internal("judging a password ended early", error))
    }

    async fn run<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<(Turn, T), Failure> {
        #[cfg(test)]
        let work = self.counted(work);
        tokio::task::spawn_blocking(move || work().map(|result| (turn, result)))
            .await
            .map_err(|error| Failure::internal("a password hash ended early", error))?
    }

    #[cfg(test)]
    pub(crate) fn work(&self) -> u64 {
        self.work.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// The same work, counted where it is done.
    #[cfg(test)]
    fn counted<T>(&self, work: impl FnOnce() -> T + Send + 'static) -> impl FnOnce() -> T + Send + 'static {
        use std::sync::atomic::Ordering::SeqCst;
        self.work.fetch_add(1, SeqCst);
        let at_once = Arc::clone(&self.at_once);
        move || {
            let [now, most] = &*at_once;
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            let result = work();
            now.fetch_sub(1, SeqCst);
            result
        }
    }

    /// The most hashes that were ever computed at the same time.
    #[cfg(test)]
    pub(crate) fn most_at_once(&self) -> u64 {
        let [_, most] = &*self.at_once;
        most.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Takes every core, to test what happens then.
    #[cfg(test)]
    pub(crate) async fn occupy(&self) -> Vec<Turn> {
        let mut taken = Vec::new();
        while let Ok(permit) = Arc::clone(&self.turns).try_acquire_owned() {
            taken.push(Turn { _permit: permit });
        }
        taken
    }
}
