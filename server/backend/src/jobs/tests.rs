//! The worker: panics, stopping, periodic work, leases.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::{Semaphore, oneshot};

use super::queue::{self, Job, JobKind, LEASE};
use super::worker::{Handler, Outcome, Periodic, Worker};
use super::{Backlog, Permit, Wake, backlog};
use crate::db::write_tx;
use crate::error::Failure;
use crate::testing::{TestDatabase, databases};

/// Deletions of objects that are due, the lag in milliseconds, and those that fail.
async fn deletions(test: &TestDatabase) -> (i64, i64, i64) {
    let all = backlog(&test.db, &test.world).await.expect("asks");
    let Backlog { due, lag, failing, .. } =
        all.iter().find(|waiting| waiting.kind == JobKind::DeleteObject.as_str()).expect("every kind");
    (*due, *lag, *failing)
}

async fn enqueue(test: &TestDatabase, subject: &'static str) {
    enqueue_kind(test, JobKind::DeleteObject, subject).await;
}

async fn enqueue_kind(test: &TestDatabase, kind: JobKind, subject: &'static str) {
    let world = test.world.clone();
    write_tx!(test.db, tx => queue::enqueue(tx, &world, kind, subject, world.now()).await).expect("enqueued");
}

/// Panics over `panic`, fails over `fail`, and counts the rest.
struct Moody(Arc<AtomicUsize>);

#[async_trait]
impl Handler for Moody {
    async fn run(&self, _permit: &Permit, job: &Job) -> Result<Outcome, Failure> {
        assert_ne!(job.subject, "panic");
        if job.subject == "fail" {
            return Err(Failure::Internal("the test's failure".into()));
        }
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Outcome::Done)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_panics_or_fails_comes_back_and_harms_no_other() {
    for test in databases().await {
        for subject in ["panic", "a", "fail", "b"] {
            enqueue(&test, subject).await;
        }
        // A second one for the same subject is the same job.
        enqueue(&test, "panic").await;
        let done = Arc::new(AtomicUsize::new(0));
        let worker = Worker::new(test.db.clone(), test.world.clone(), Wake::default());
        let worker = Arc::new(worker.handle(JobKind::DeleteObject, Moody(done.clone())));
        assert_eq!(worker.run_due().await, 4, "{}", test.kind);
        assert_eq!(done.load(Ordering::SeqCst), 2, "{}", test.kind);
        assert_eq!(test.count("jobs", "locked_by IS NULL AND attempts = 1").await, 2, "{}", test.kind);
        assert_eq!(worker.run_due().await, 0, "{}: both wait", test.kind);
        test.clock.advance(40_000);
        assert_eq!(worker.run_due().await, 2, "{}: both come back", test.kind);
    }
}

/// Reports that it began, and waits for leave to end.
struct Slow {
    begun: Arc<Semaphore>,
    leave: Arc<Semaphore>,
}

#[async_trait]
impl Handler for Slow {
    async fn run(&self, _permit: &Permit, _job: &Job) -> Result<Outcome, Failure> {
        self.begun.add_permits(1);
        self.leave.acquire().await.expect("open").forget();
        Ok(Outcome::Done)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_starts_a_job_and_stopping_lets_it_finish() {
    for test in databases().await {
        let (begun, leave) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let wake = Wake::default();
        let worker = Worker::new(test.db.clone(), test.world.clone(), wake.clone())
            .handle(JobKind::DeleteObject, Slow { begun: begun.clone(), leave: leave.clone() })
            .handle(JobKind::SendMessage, Slow { begun: begun.clone(), leave: leave.clone() });
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(worker.run(stopped.map(|_| ())));
        for subject in ["a", "b", "c", "d", "e", "f"] {
            enqueue(&test, subject).await;
        }
        wake.ring();
        begun.acquire_many(3).await.expect("open").forget();
        // However many deletions wait, a mail finds a place.
        enqueue_kind(&test, JobKind::SendMessage, "mail").await;
        wake.ring();
        begun.acquire().await.expect("open").forget();
        assert_eq!(test.count("jobs", "locked_by IS NOT NULL AND kind = 'send_message'").await, 1, "{}", test.kind);
        stop.send(()).expect("the worker listens");
        assert_eq!(test.count("jobs", "locked_by IS NOT NULL").await, 4, "{}: four at a time", test.kind);
        leave.add_permits(4);
        tokio::time::timeout(Duration::from_secs(10), running).await.expect("stops").expect("no panic");
        assert_eq!(test.count("jobs", "locked_by IS NULL").await, 3, "{}: no new claims", test.kind);
        assert_eq!(test.count("jobs", "1 = 1").await, 3, "{}: the four are done", test.kind);
    }
}

/// What keeps a processor busy for minutes leaves a place to what is done at once, although nobody waits for either.
#[tokio::test(flavor = "multi_thread")]
async fn slow_work_leaves_a_place_to_other_work_that_may_wait() {
    for test in databases().await {
        let (begun, leave) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let wake = Wake::default();
        let worker = Worker::new(test.db.clone(), test.world.clone(), wake.clone())
            .handle(JobKind::FinishCapture, Slow { begun: begun.clone(), leave: leave.clone() })
            .handle(JobKind::DeleteObject, Slow { begun: begun.clone(), leave: leave.clone() });
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(worker.run(stopped.map(|_| ())));
        for subject in ["a", "b", "c"] {
            enqueue_kind(&test, JobKind::FinishCapture, subject).await;
        }
        wake.ring();
        begun.acquire_many(2).await.expect("open").forget();
        enqueue_kind(&test, JobKind::DeleteObject, "object").await;
        wake.ring();
        begun.acquire().await.expect("open").forget();
        assert_eq!(test.count("jobs", "locked_by IS NOT NULL AND kind = 'finish_capture'").await, 2, "{}", test.kind);
        assert_eq!(test.count("jobs", "locked_by IS NOT NULL AND kind = 'delete_object'").await, 1, "{}", test.kind);
        stop.send(()).expect("the worker listens");
        leave.add_permits(4);
        tokio::time::timeout(Duration::from_secs(10), running).await.expect("stops").expect("no panic");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn periodic_work_is_done_by_one_worker_and_again_when_due() {
    for test in databases().await {
        let (count, ran) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let wakes = [Wake::default(), Wake::default()];
        let mut stops = Vec::new();
        let mut running = Vec::new();
        for wake in &wakes {
            let (count, ran) = (count.clone(), ran.clone());
            let run = Box::new(move |_permit| {
                count.fetch_add(1, Ordering::SeqCst);
                ran.add_permits(1);
                futures_util::future::ready(Ok(())).boxed()
            });
            let periodic = Periodic { name: "sweep", every: Duration::from_secs(3600), run };
            let worker = Worker::new(test.db.clone(), test.world.clone(), wake.clone()).periodic(periodic);
            let (stop, stopped) = oneshot::channel::<()>();
            running.push(tokio::spawn(worker.run(stopped.map(|_| ()))));
            stops.push(stop);
        }
        ran.acquire().await.expect("open").forget();
        // Until it is put back, the lease keeps the others away; after that, the time.
        while test.count("jobs", "run_at > 1800000000000").await == 0 {
            tokio::task::yield_now().await;
        }
        wakes.iter().for_each(Wake::ring);
        assert_eq!(count.load(Ordering::SeqCst), 1, "{}", test.kind);
        test.clock.advance(3_600_000);
        wakes.iter().for_each(Wake::ring);
        ran.acquire().await.expect("open").forget();
        for (stop, running) in stops.into_iter().zip(running) {
            stop.send(()).expect("the worker listens");
            running.await.expect("no panic");
        }
        assert_eq!(count.load(Ordering::SeqCst), 2, "{}", test.kind);
        assert_eq!(test.count("jobs", "kind = 'periodic' AND locked_by IS NULL").await, 1, "{}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_lasts_as_long_as_its_lease() {
    for test in databases().await {
        enqueue(&test, "a").await;
        test.clock.advance(5000);
        assert_eq!(deletions(&test).await, (1, 5000, 0), "{}", test.kind);
        let claim = || queue::claim(&test.db, &test.world, vec![JobKind::DeleteObject.as_str()], Vec::new(), 9);
        let first = claim().await.expect("claims").pop().expect("one job");
        assert!(claim().await.expect("claims").is_empty(), "{}", test.kind);

        test.clock.advance(LEASE - 1);
        let (world, job) = (test.world.clone(), first.clone());
        assert!(write_tx!(test.db, tx => queue::hold(tx, &world, &job).await).expect("holds"), "{}", test.kind);
        test.clock.advance(LEASE - 1);
        assert!(claim().await.expect("claims").is_empty(), "{}: extended", test.kind);
        test.clock.advance(1);
        let second = claim().await.expect("claims").pop().expect("one job");
        assert_eq!((first.id.clone(), second.attempts), (second.id.clone(), 2), "{}", test.kind);

        // It is due, and counts as failing once it was claimed often enough.
        let (kind, attempts) = (JobKind::DeleteObject.as_str(), 3);
        assert_eq!(deletions(&test).await, (1, 4999 + 2 * LEASE, 0), "{}", test.kind);
        test.execute(&format!("UPDATE jobs SET attempts = {attempts} WHERE kind = '{kind}'")).await;
        assert_eq!(deletions(&test).await, (1, 4999 + 2 * LEASE, 1), "{}", test.kind);

        // The first claim is worth nothing any more.
        let (world, job) = (test.world.clone(), first);
        let (held, back, over) = write_tx!(test.db, tx => Ok((
            queue::hold(tx, &world, &job).await?,
            queue::put_back(tx, &job, world.now(), 0).await?,
            queue::give_up(tx, &job).await?,
        )))
        .expect("asks");
        assert!(!held && !back && !over, "{}", test.kind);
        assert!(write_tx!(test.db, tx => queue::give_up(tx, &second).await).expect("asks"), "{}", test.kind);
        assert_eq!(deletions(&test).await, (0, 0, 0), "{}", test.kind);
    }
}
