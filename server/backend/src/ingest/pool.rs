//! A few threads for pictures, below the priority of everything else, with a bounded queue: pages stay fast while
//! pictures are worked on, and a flood of uploads is refused rather than kept in memory.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::error::Failure;

/// Most uploads that wait.
const WAITING_MOST: usize = 64;
/// Most bytes of files that wait; one file is always let in.
const WAITING_BYTES: usize = 256 << 20;
/// `nice` of the threads.
const NICE: i32 = 10;

type Work = Box<dyn FnOnce() + Send>;

/// The threads. They end when the pool is dropped and the queue is empty.
pub(super) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Work, usize)>,
    bytes: usize,
    closed: bool,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl Pool {
    /// Starts the threads: half of the cores, or as many as given.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub(super) fn start(threads: Option<usize>) -> std::io::Result<Self> {
        let half = || thread::available_parallelism().map_or(1, |cores| cores.get() / 2);
        let shared = Arc::new(Shared { queue: Mutex::default(), wake: Condvar::new() });
        for index in 0..threads.unwrap_or_else(half).max(1) {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("pictures-{index}")).spawn(move || shared.run())?;
        }
        Ok(Self { shared })
    }

    /// Does the work on one of the threads. `bytes` is what waiting for it keeps in memory. Work whose caller has gone
    /// is not begun.
    ///
    /// # Errors
    /// [`Failure::Busy`] when too much waits already; an internal failure when the work panics.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let work = move || {
            if !answer.is_closed() {
                // A receiver that has gone meanwhile does not want the answer.
                drop(answer.send(work()));
            }
        };
        self.shared.push(Box::new(work), bytes)?;
        answered.await.map_err(|_| Failure::Internal("the work on a picture panicked".into()))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

impl Shared {
    /// A panic cannot happen while the lock is held, and would leave the queue whole.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, work: Work, bytes: usize) -> Result<(), Failure> {
        let mut queue = self.lock();
        let full = queue.waiting.len() >= WAITING_MOST || queue.bytes.saturating_add(bytes) > WAITING_BYTES;
        if full && !queue.waiting.is_empty() {
            return Err(Failure::Busy("too many pictures wait to be worked on".into()));
        }
        queue.bytes += bytes;
        queue.waiting.push_back((work, bytes));
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    fn run(&self) {
        if let Err(error) = rustix::process::setpriority_process(None, NICE) {
            tracing::warn!(error.cause = %error, "picture threads keep the normal priority");
        }
        loop {
            let mut queue = self.lock();
            let work = loop {
                if let Some((work, bytes)) = queue.waiting.pop_front() {
                    queue.bytes -= bytes;
                    break work;
                }
                if queue.closed {
                    return;
                }
                queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            };
            drop(queue);
            // The thread outlives a panic of a codec; the caller sees it by the channel that closes.
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!("the work on a picture panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_panic_fails_one_picture_and_no_thread() {
        let pool = Pool::start(Some(1)).expect("a thread");
        let failed: Result<(), _> = pool.run(1, || panic!("a codec fails in this test")).await;
        assert!(matches!(failed, Err(Failure::Internal(_))));
        assert_eq!(pool.run(1, || 7).await.expect("works on"), 7);
    }

    #[tokio::test]
    async fn a_flood_is_refused_and_what_waits_is_done() {
        let pool = Arc::new(Pool::start(Some(1)).expect("a thread"));
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let blocking = Arc::clone(&pool);
        let first = tokio::spawn(async move {
            blocking
                .run(1, move || {
                    begun.send(()).expect("awaited");
                    released.recv().expect("released");
                })
                .await
        });
        has_begun.await.expect("the first one runs");
        let waiting: Vec<_> = (0..WAITING_MOST)
            .map(|number| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.run(1, move || number).await })
            })
            .collect();
        while pool.shared.lock().waiting.len() < WAITING_MOST {
            tokio::task::yield_now().await;
        }
        assert!(matches!(pool.run(1, || ()).await, Err(Failure::Busy(_))));
        release.send(()).expect("awaited");
        first.await.expect("no panic").expect("done");
        for (number, task) in waiting.into_iter().enumerate() {
            assert_eq!(task.await.expect("no panic").expect("done"), number);
        }
    }
}
