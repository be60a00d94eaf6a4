//! Crashes and rivals: no message is lost, and a repetition is recognisable.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use shutterpost_model::id::{CaptureId, GuestId, LinkId};

use super::stage::Stage;
use crate::jobs::Permit;
use crate::jobs::queue::{self, JobKind, LEASE};
use crate::jobs::worker::Handler;
use crate::testing::databases;

/// A future that is dropped instead of being polled once too often.
struct Fuse<F> {
    inner: Pin<Box<F>>,
    polls: usize,
}

impl<F: Future> Future for Fuse<F> {
    type Output = bool;

    /// `true` if the inner future finished, `false` if it was cut off.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        if self.polls == 0 {
            return Poll::Ready(false);
        }
        self.polls -= 1;
        self.inner.as_mut().poll(context).map(|_| true)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_point_neither_loses_nor_disguises_a_message() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        let mut doubled = 0;
        for polls in 0.. {
            assert!(polls < 200, "the handler ends at some time");
            let sent = stage.mailer.taken().len();
            let message = stage.enqueue().await;
            let kinds = vec![JobKind::SendMessage.as_str()];
            let jobs = queue::claim(&test.db, &test.world, kinds, Vec::new(), 1).await.expect("claims");
            let [job] = jobs.as_slice() else { panic!("one job") };
            let (handler, permit) = (stage.handler(), Permit::of_test());
            let finished = Fuse { inner: Box::pin(handler.run(&permit, job)), polls }.await;

            // Nobody takes the job before its lease ends. A transaction that was under way still ends by itself, as one
            // does that had reached the database in a real crash, and may extend the lease once more.
            assert_eq!(stage.worker().run_due().await, 0, "{} {polls}", test.kind);
            let condition = format!("id = '{message}' AND state = 'sent'");
            let mut leases = 0;
            while stage.messages(&condition).await == 0 {
                assert!(leases < 5, "{} {polls}: lost", test.kind);
                test.clock.advance(LEASE);
                stage.worker().run_due().await;
                leases += 1;
            }
            let taken: Vec<_> = stage.mailer.taken().split_off(sent);
            let expected = format!("{message}@photos.example");
            assert!(taken.iter().all(|mail| mail.message_id == expected), "{} {polls}", test.kind);
            assert!((1..=2).contains(&taken.len()), "{} {polls}: {} mails", test.kind, taken.len());
            doubled += taken.len() - 1;
            assert_eq!(test.count("jobs", "1 = 1").await, 0, "{} {polls}", test.kind);
            if finished {
                assert_eq!(taken.len(), 1, "{} {polls}: a finished attempt is not repeated", test.kind);
                break;
            }
        }
        // Between the server's "taken" and the commit lies the one double that SMTP allows.
        assert!(doubled > 0, "{}: the cut between acceptance and commit was tried", test.kind);
        assert_eq!(test.count("messages_deliveries", "finished_at IS NULL").await, 0, "{}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_never_send_the_same_message() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        for _ in 0..40 {
            let ids = (test.world.id(CaptureId::new), test.world.id(GuestId::new), test.world.id(LinkId::new));
            stage.add(&ids.0, &ids.1, &ids.2, Some("anna@example.com")).await;
            stage.enqueue_for(&ids.0, &ids.1, &ids.2).await;
        }
        let (one, two): (Arc<_>, Arc<_>) = (stage.worker(), stage.worker());
        let (a, b) = tokio::join!(
            tokio::spawn(async move { one.run_due().await }),
            tokio::spawn(async move { two.run_due().await }),
        );
        assert_eq!(a.expect("no panic") + b.expect("no panic"), 40, "{}", test.kind);
        let mut ids: Vec<_> = stage.mailer.taken().into_iter().map(|mail| mail.message_id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), stage.mailer.taken().len()), (40, 40), "{}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_away_does_not_undo_what_another_did() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        stage.enqueue().await;
        let kinds = vec![JobKind::SendMessage.as_str()];
        let mut jobs = queue::claim(&test.db, &test.world, kinds, Vec::new(), 1).await.expect("claims");
        let job = jobs.pop().expect("one job");
        test.clock.advance(LEASE);
        assert_eq!(stage.worker().run_due().await, 1, "{}", test.kind);
        // Back after the lease ended: nothing is sent, nothing is written.
        let before = test.dump().await;
        stage.handler().run(&Permit::of_test(), &job).await.expect("ends quietly");
        assert_eq!(test.dump().await, before, "{}", test.kind);
        assert_eq!(stage.mailer.taken().len(), 1, "{}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_ends_its_process_is_given_up() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        stage.enqueue().await;
        for _ in 0..12 {
            let kinds = vec![JobKind::SendMessage.as_str()];
            let jobs = queue::claim(&test.db, &test.world, kinds, Vec::new(), 1).await.expect("claims");
            assert_eq!(jobs.len(), 1, "{}", test.kind);
            test.clock.advance(LEASE);
        }
        stage.worker().run_due().await;
        assert_eq!(stage.messages("state = 'failed' AND reason = 'internal'").await, 1, "{}", test.kind);
        assert_eq!(test.count("jobs", "1 = 1").await, 0, "{}", test.kind);
    }
}
