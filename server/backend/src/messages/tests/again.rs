//! The port: listing and sending again.

use shutterpost_model::access::Role;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, GuestId, LinkId, OrganisationId, TokenId};
use shutterpost_model::messages::{DeliveryState, FailureReason, Messages};

use super::stage::{self, Stage};
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::messages::views_of_capture;
use crate::testing::databases;

#[tokio::test(flavor = "multi_thread")]
async fn sending_again_is_a_new_mail_with_fresh_attempts() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        let message = stage.enqueue().await;
        stage.mailer.fail(FailureReason::MessageRefused, 1);
        stage.worker().run_due().await;
        assert!(stage.capture_is("failed").await, "{}", test.kind);

        let (service, editor) = (stage.service(), stage.actor(Role::Editor));
        service.send_again(&editor, &message).await.expect("queued");
        assert!(stage.capture_is("queued").await, "{}", test.kind);
        assert_eq!(stage.messages("state = 'queued' AND attempts = 0 AND reason IS NULL").await, 1, "{}", test.kind);
        // Asked twice, sent once.
        service.send_again(&editor, &message).await.expect("queued");
        test.clock.advance(1);
        stage.worker().run_due().await;
        test.clock.advance(1);
        service.send_again(&editor, &message).await.expect("queued");
        stage.worker().run_due().await;

        let ids: Vec<_> = stage.mailer.taken().into_iter().map(|mail| mail.message_id).collect();
        assert_eq!(
            ids,
            [format!("{message}.1@photos.example"), format!("{message}.2@photos.example")],
            "{}",
            test.kind
        );
        assert_eq!(test.count("audit_entries", "action = 'messages.send_again'").await, 3, "{}", test.kind);

        let page = service.list(&editor, None, None).await.expect("lists");
        let [view] = page.items.as_slice() else { panic!("{}: one message", test.kind) };
        let failures: Vec<_> = view.deliveries.iter().map(|delivery| delivery.failure).collect();
        assert_eq!(failures, [Some(FailureReason::MessageRefused), None, None], "{}", test.kind);
        assert_eq!((view.state, view.to.get().as_str()), (DeliveryState::Sent, "a…@e….com"), "{}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_message_is_hurried() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        let message = stage.enqueue().await;
        stage.mailer.fail(FailureReason::Unreachable, 1);
        stage.worker().run_due().await;
        assert_eq!(stage.worker().run_due().await, 0, "{}", test.kind);
        stage.service().send_again(&stage.actor(Role::Editor), &message).await.expect("queued");
        assert_eq!(stage.worker().run_due().await, 1, "{}", test.kind);
        // It was never sent, so it is still the same mail.
        let ids: Vec<_> = stage.mailer.taken().into_iter().map(|mail| mail.message_id).collect();
        assert_eq!(ids, [format!("{message}@photos.example")], "{}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_again_is_refused_and_changes_nothing() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        let message = stage.enqueue().await;
        stage.worker().run_due().await;
        let service = stage.service();
        let foreign = stage::actor(&test.world.id(TokenId::new), &test.world.id(OrganisationId::new), Role::Owner);
        let viewer = stage.actor(Role::Viewer);
        let before = test.dump().await;
        let code = |result: Result<(), AppError>| result.expect_err("refused").code;
        assert_eq!(code(service.send_again(&foreign, &message).await), Code::NotFound);
        assert_eq!(code(service.send_again(&viewer, &message).await), Code::Forbidden);
        assert_eq!(test.dump().await, before, "{}", test.kind);

        let editor = stage.actor(Role::Editor);
        stage.sql("UPDATE captures SET deleted_at = 1").await;
        assert_eq!(code(service.send_again(&editor, &message).await), Code::Conflict);
        stage.sql("UPDATE guests SET email = NULL").await;
        let before = test.dump().await;
        assert_eq!(code(service.send_again(&editor, &message).await), Code::NoAddress);
        assert_eq!(test.dump().await, before, "{}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_pages_by_cursors_that_fit_it_alone() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        let mut sent = Vec::new();
        for _ in 0..60 {
            test.clock.advance(1);
            sent.push(stage.enqueue().await);
        }
        sent.reverse();
        let (service, viewer) = (stage.service(), stage.actor(Role::Viewer));
        let first = service.list(&viewer, None, None).await.expect("lists");
        let second = service.list(&viewer, None, first.next.clone()).await.expect("lists");
        let ids: Vec<_> = first.items.iter().chain(&second.items).map(|view| view.id.clone()).collect();
        assert_eq!(ids, sent, "{}", test.kind);
        assert_eq!((first.items.len(), second.next), (50, None), "{}", test.kind);

        let queued = service.list(&viewer, Some(DeliveryState::Queued), None).await.expect("lists");
        assert_eq!(queued.items.len(), 50);
        let failed = service.list(&viewer, Some(DeliveryState::Failed), None).await.expect("lists");
        assert_eq!((failed.items.len(), failed.next), (0, None));

        let foreign = stage::actor(&test.world.id(TokenId::new), &test.world.id(OrganisationId::new), Role::Owner);
        for (actor, state, cursor) in [
            (&viewer, Some(DeliveryState::Queued), first.next.clone()),
            (&viewer, None, queued.next),
            (&foreign, None, first.next),
            (&viewer, None, Some("nonsense".to_owned())),
        ] {
            let error = service.list(actor, state, cursor).await.expect_err("refused");
            assert_eq!(error.code, Code::BadCursor, "{}", test.kind);
        }
        assert!(service.list(&foreign, None, None).await.expect("lists").items.is_empty(), "{}", test.kind);
        let reporter = stage.actor(Role::Reporter);
        assert_eq!(service.list(&reporter, None, None).await.expect_err("refused").code, Code::Forbidden);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_shows_its_own_messages() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        let ids = (test.world.id(CaptureId::new), test.world.id(GuestId::new), test.world.id(LinkId::new));
        stage.add(&ids.0, &ids.1, &ids.2, None).await;
        let message = stage.enqueue().await;
        let mut conn = test.db.read().await.expect("a connection");
        let scope = OrgScope::of_job(&Permit::of_test(), stage.organisation.clone());
        let own = views_of_capture(&mut conn, &test.keystore, &scope, &stage.capture).await.expect("lists");
        assert_eq!(own.iter().map(|view| &view.id).collect::<Vec<_>>(), [&message], "{}", test.kind);
        assert!(
            views_of_capture(&mut conn, &test.keystore, &scope, &ids.0).await.expect("lists").is_empty(),
            "{}",
            test.kind
        );
    }
}
