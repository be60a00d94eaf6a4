//! A few threads for pictures, below the priority of everything else, with a bounded queue and one budget for what all of
//! them hold in memory: pages stay fast while pictures are worked on, and a flood of uploads is refused rather than kept.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::error::Failure;

/// Most uploads that wait.
const WAITING_MOST: usize = 64;
/// Bytes that what waits and what is worked on may hold together, unless the operator says otherwise.
pub(super) const MEMORY: u64 = 1 << 30;
/// `nice` of the threads that somebody waits for, and of the one that nobody does.
const NICE: i32 = 10;
const NICEST: i32 = 19;

type Work = Box<dyn FnOnce() + Send>;

/// Whether somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Now,
    /// Whenever nothing waits in the other lane; one at a time.
    Later,
}

/// What a piece of work holds in memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    /// While it waits.
    pub(super) waiting: u64,
    /// While it is worked on, at its peak: an estimate made before anything is decoded.
    pub(super) working: u64,
}

/// The threads. They end when the pool is dropped and the queue is empty.
pub(super) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    memory: u64,
}

#[derive(Default)]
struct Queue {
    now: VecDeque<(Work, Cost)>,
    later: VecDeque<(Work, Cost)>,
    /// Bytes of all that waits and all that is worked on.
    held: u64,
    working: usize,
    closed: bool,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl Pool {
    /// Starts the threads: half of the cores, or as many as given, and one for what may wait. `memory` is the budget in
    /// bytes, [`MEMORY`] if not given.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub(super) fn start(threads: Option<usize>, memory: Option<u64>) -> std::io::Result<Self> {
        let half = || thread::available_parallelism().map_or(1, |cores| cores.get() / 2);
        let memory = memory.unwrap_or(MEMORY);
        let shared = Arc::new(Shared { queue: Mutex::default(), wake: Condvar::new(), memory });
        for index in 0..threads.unwrap_or_else(half).max(1) {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("pictures-{index}")).spawn(move || shared.run(Lane::Now))?;
        }
        let last = Arc::clone(&shared);
        thread::Builder::new().name("pictures-later".to_owned()).spawn(move || last.run(Lane::Later))?;
        Ok(Self { shared })
    }

    /// Does the work on one of the threads, when the budget has room for it. Work whose caller has gone is not begun. One
    /// that alone is more than the budget is done alone.
    ///
    /// # Errors
    /// [`Failure::Busy`] when too much waits already; an internal failure when the work panics.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        cost: Cost,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let work = move || {
            if !answer.is_closed() {
                // A receiver that has gone meanwhile does not want the answer.
                drop(answer.send(work()));
            }
        };
        self.shared.push(lane, Box::new(work), cost)?;
        answered.await.map_err(|_| Failure::Internal("the work on a picture panicked".into()))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

impl Queue {
    const fn lane(&mut self, lane: Lane) -> &mut VecDeque<(Work, Cost)> {
        match lane {
            Lane::Now => &mut self.now,
            Lane::Later => &mut self.later,
        }
    }

    /// Takes the next piece of work, if there is room for it. What may wait is never counted as more than half of the
    /// budget: uploads would stand behind a long film until it is done.
    fn take(&mut self, lane: Lane, memory: u64) -> Option<(Work, Cost)> {
        if lane == Lane::Later && !self.now.is_empty() {
            return None;
        }
        let (held, alone) = (self.held, self.working == 0);
        let waiting = self.lane(lane);
        let (_, cost) = waiting.front_mut()?;
        if lane == Lane::Later {
            cost.working = cost.working.min(memory / 2);
        }
        let Cost { waiting: kept, working } = *cost;
        let then = held.saturating_sub(kept).saturating_add(working);
        if then > memory && !alone {
            return None;
        }
        let next = waiting.pop_front()?;
        self.held = then;
        self.working += 1;
        Some(next)
    }
}

impl Shared {
    /// A panic cannot happen while the lock is held, and would leave the queue whole.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, lane: Lane, work: Work, cost: Cost) -> Result<(), Failure> {
        let mut queue = self.lock();
        let held = queue.held.saturating_add(cost.waiting);
        let waiting = queue.lane(lane);
        // One is always let in.
        if !waiting.is_empty() && (waiting.len() >= WAITING_MOST || held > self.memory) {
            return Err(Failure::Busy("too many pictures wait to be worked on".into()));
        }
        waiting.push_back((work, cost));
        queue.held = held;
        drop(queue);
        self.wake.notify_all();
        Ok(())
    }

    fn run(&self, lane: Lane) {
        let nice = if lane == Lane::Now { NICE } else { NICEST };
        if let Err(error) = rustix::process::setpriority_process(None, nice) {
            tracing::warn!(error.cause = %error, "picture threads keep the normal priority");
        }
        loop {
            let mut queue = self.lock();
            let (work, cost) = loop {
                if let Some(next) = queue.take(lane, self.memory) {
                    break next;
                }
                if queue.closed && queue.lane(lane).is_empty() {
                    return;
                }
                queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            };
            drop(queue);
            // The thread outlives a panic of a codec; the caller sees it by the channel that closes.
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!("the work on a picture panicked");
            }
            let mut queue = self.lock();
            queue.held = queue.held.saturating_sub(cost.working);
            queue.working -= 1;
            drop(queue);
            self.wake.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SMALL: Cost = Cost { waiting: 1, working: 1 };

    #[tokio::test]
    async fn a_panic_fails_one_picture_and_no_thread() {
        let pool = Pool::start(Some(1), None).expect("a thread");
        let failed: Result<(), _> = pool.run(Lane::Now, SMALL, || panic!("a codec fails in this test")).await;
        assert!(matches!(failed, Err(Failure::Internal(_))));
        assert_eq!(pool.run(Lane::Now, SMALL, || 7).await.expect("works on"), 7);
        assert_eq!(pool.run(Lane::Later, SMALL, || 8).await.expect("works on"), 8);
        while pool.shared.lock().working > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.shared.lock().held, 0);
    }

    /// Work that waits for the test, begun when this returns.
    async fn blocked(
        pool: &Arc<Pool>,
        lane: Lane,
        cost: Cost,
    ) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), Failure>>) {
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let blocking = Arc::clone(pool);
        let task = tokio::spawn(async move {
            let work = move || {
                begun.send(()).expect("awaited");
                released.recv().expect("released");
            };
            blocking.run(lane, cost, work).await
        });
        has_begun.await.expect("it runs");
        (release, task)
    }

    fn waits<T: Send + 'static>(
        pool: &Arc<Pool>,
        lane: Lane,
        cost: Cost,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> tokio::task::JoinHandle<Result<T, Failure>> {
        let pool = Arc::clone(pool);
        tokio::spawn(async move { pool.run(lane, cost, work).await })
    }

    async fn until(pool: &Pool, reached: impl Fn(&Queue) -> bool) {
        while !reached(&pool.shared.lock()) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_flood_is_refused_and_what_waits_is_done() {
        let pool = Arc::new(Pool::start(Some(1), None).expect("a thread"));
        let (release, first) = blocked(&pool, Lane::Now, SMALL).await;
        let waiting: Vec<_> = (0..WAITING_MOST).map(|number| waits(&pool, Lane::Now, SMALL, move || number)).collect();
        until(&pool, |queue| queue.now.len() == WAITING_MOST).await;
        assert!(matches!(pool.run(Lane::Now, SMALL, || ()).await, Err(Failure::Busy(_))));
        release.send(()).expect("awaited");
        first.await.expect("no panic").expect("done");
        for (number, task) in waiting.into_iter().enumerate() {
            assert_eq!(task.await.expect("no panic").expect("done"), number);
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_into_the_budget_waits_although_a_thread_is_free() {
        let pool = Arc::new(Pool::start(Some(2), Some(100)).expect("threads"));
        let large = Cost { waiting: 10, working: 80 };
        let (release, first) = blocked(&pool, Lane::Now, large).await;
        let second = waits(&pool, Lane::Now, large, || ());
        until(&pool, |queue| queue.now.len() == 1).await;
        until(&pool, |queue| (queue.working, queue.held) == (1, 90)).await;
        // What would have to wait in memory that is not there is refused.
        assert!(matches!(pool.run(Lane::Now, Cost { waiting: 11, working: 1 }, || ()).await, Err(Failure::Busy(_))));
        release.send(()).expect("awaited");
        first.await.expect("no panic").expect("done");
        second.await.expect("no panic").expect("done");
        // More than the budget alone is done alone.
        let vast = Cost { waiting: 500, working: 5000 };
        pool.run(Lane::Now, vast, || ()).await.expect("done");
    }

    #[tokio::test]
    async fn what_may_wait_lets_everything_else_pass() {
        let pool = Arc::new(Pool::start(Some(1), None).expect("a thread"));
        let (release, first) = blocked(&pool, Lane::Now, SMALL).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |name: &'static str| {
            let order = Arc::clone(&order);
            move || order.lock().expect("no panic").push(name)
        };
        let soon = waits(&pool, Lane::Now, SMALL, note("now"));
        until(&pool, |queue| queue.now.len() == 1).await;
        let later = waits(&pool, Lane::Later, SMALL, note("later"));
        until(&pool, |queue| queue.later.len() == 1).await;
        assert!(order.lock().expect("no panic").is_empty(), "its thread is free, and it waits");
        release.send(()).expect("awaited");
        for task in [first, soon, later] {
            task.await.expect("no panic").expect("done");
        }
        assert_eq!(order.lock().expect("no panic").len(), 2);
    }
}
