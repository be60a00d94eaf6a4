//! From the queue to the mail server.

use shutterpost_model::id::{InvitationId, ResetId, UserId};
use shutterpost_model::language::Language;
use shutterpost_model::messages::{FailureReason, Template};
use shutterpost_vault::token::LinkKind;

use super::stage::{ORIGIN, Stage};
use crate::db::write_tx;
use crate::identity::{one_time, rows};
use crate::jobs::outbox::{self, NewMessage};
use crate::keystore::{KeyRef, Realm};
use crate::messages::send::ATTEMPTS;
use crate::testing::databases;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_once_with_everything_it_needs() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        let message = stage.enqueue().await;
        assert!(stage.capture_is("queued").await, "{}", test.kind);

        assert_eq!(stage.worker().run_due().await, 1, "{}", test.kind);
        assert_eq!(stage.worker().run_due().await, 0, "{}", test.kind);

        let taken = stage.mailer.taken();
        let [mail] = taken.as_slice() else { panic!("{}: one mail, not {}", test.kind, taken.len()) };
        assert_eq!(mail.message_id, format!("{message}@photos.example"));
        assert_eq!(mail.to, "anna@example.com");
        assert_eq!(mail.sender.as_deref(), Some("Messe AG"));
        assert_eq!(mail.at, test.world.now());
        let link = test.keys.link_token(stage.link.as_str(), LinkKind::Owner, 2).reveal();
        let media = test.keys.media_token(stage.link.as_str(), LinkKind::Owner, 2).reveal();
        let expected = format!("Anna\n{ORIGIN}/s/{link}\n{ORIGIN}/m/{media}/web-3.jpg\n960x640\n\n2028-01-16");
        assert_eq!(mail.text, expected);

        assert_eq!(stage.messages("state = 'sent' AND sent_at IS NOT NULL AND next_attempt_at IS NULL").await, 1);
        assert_eq!(test.count("messages_deliveries", "failure IS NULL AND finished_at IS NOT NULL").await, 1);
        assert_eq!(test.count("jobs", "1 = 1").await, 0);
        assert!(stage.capture_is("sent").await, "{}", test.kind);
        // The outbox holds no address and no token.
        assert!(!test.dump().await.contains(&link), "{}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_failures_wait_longer_each_time_and_end() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        stage.enqueue().await;
        stage.mailer.fail(FailureReason::TryLater, 100);
        let worker = stage.worker();
        let mut base = 30_000;
        for attempt in 1..ATTEMPTS {
            assert_eq!(worker.run_due().await, 1, "{} attempt {attempt}", test.kind);
            let now = test.world.now().0;
            let (least, most) = (now + base * 3 / 4, now + (base * 5 / 4).min(4 * 3_600_000));
            let waits = format!(
                "state = 'queued' AND reason = 'try_later' AND attempts = {attempt} \
                 AND next_attempt_at BETWEEN {least} AND {most}"
            );
            assert_eq!(stage.messages(&waits).await, 1, "{} attempt {attempt}", test.kind);
            test.clock.advance(base * 3 / 4 - 1);
            assert_eq!(worker.run_due().await, 0, "{} attempt {attempt} waits", test.kind);
            test.clock.advance(base / 2 + 1);
            base = (base * 2).min(4 * 3_600_000);
        }
        assert_eq!(worker.run_due().await, 1);
        assert_eq!(stage.messages("state = 'failed' AND reason = 'try_later' AND next_attempt_at IS NULL").await, 1);
        assert_eq!(test.count("messages_deliveries", "failure = 'try_later'").await, i64::from(ATTEMPTS));
        assert_eq!(test.count("jobs", "1 = 1").await, 0);
        assert!(stage.capture_is("failed").await, "{}", test.kind);
        assert!(stage.mailer.taken().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_failure_ends_at_once() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        stage.enqueue().await;
        stage.mailer.fail(FailureReason::AddressRefused, 1);
        stage.worker().run_due().await;
        assert_eq!(stage.messages("state = 'failed' AND reason = 'address_refused'").await, 1, "{}", test.kind);
        assert_eq!(test.count("jobs", "1 = 1").await, 0);
        assert!(stage.capture_is("failed").await, "{}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_not_sent() {
    let ways = [
        ("UPDATE captures SET deleted_at = 1", 1),
        ("UPDATE events SET deleted_at = 1", 1),
        ("UPDATE share_links SET revoked_at = 1", 1),
        ("UPDATE guests SET email = NULL", 1),
        // The message goes with its guest; the job finds nothing.
        ("DELETE FROM guests", 0),
    ];
    for (sql, failed) in ways {
        for test in databases().await {
            let stage = Stage::set(&test).await;
            stage.enqueue().await;
            stage.sql(sql).await;
            assert_eq!(stage.worker().run_due().await, 1, "{} {sql}", test.kind);
            assert!(stage.mailer.taken().is_empty(), "{} {sql}", test.kind);
            assert_eq!(stage.messages("state = 'failed' AND reason = 'gone'").await, failed, "{} {sql}", test.kind);
            assert_eq!(test.count("messages_deliveries", "1 = 1").await, 0, "{} {sql}", test.kind);
            assert_eq!(test.count("jobs", "1 = 1").await, 0, "{} {sql}", test.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_panics_fails_its_message_alone() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        let world = &test.world;
        stage.enqueue().await;
        let name = stage.sealed(&stage.guest, "name", "Panic").await;
        stage.sql(&format!("UPDATE guests SET name = {name}")).await;
        let (capture, guest, link) = (
            world.id(shutterpost_model::id::CaptureId::new),
            world.id(shutterpost_model::id::GuestId::new),
            world.id(shutterpost_model::id::LinkId::new),
        );
        stage.add(&capture, &guest, &link, Some("ben@example.com")).await;
        stage.enqueue_for(&capture, &guest, &link).await;
        assert_eq!(stage.worker().run_due().await, 2, "{}", test.kind);
        assert_eq!(stage.messages("state = 'queued' AND reason = 'internal'").await, 1, "{}", test.kind);
        assert_eq!(stage.messages("state = 'sent'").await, 1, "{}", test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_about_accounts_carry_their_one_time_links() {
    for test in databases().await {
        let stage = Stage::set(&test).await;
        let world = test.world.clone();
        let (user, reset) = (world.id(UserId::new), world.id(ResetId::new));
        let invitation = world.id(InvitationId::new);
        let organisation = stage.organisation.clone();
        let hash = if test.db.is_sqlite() { "X'00'" } else { "'\\x00'" };
        let expires = world.now().plus(3_600_000).0;
        let week = world.now().plus(7 * 86_400_000).0;
        let (key, realm) = (KeyRef::user(&user), Realm::Organisation(organisation.clone()));
        let email = test.sealed(&key, rows::user_place("email", user.as_str()), "owner@example.com").await;
        let name = test.sealed(&key, rows::user_place("name", user.as_str()), "Olga").await;
        let key = rows::subject_key(&organisation, invitation.as_str());
        let invited = rows::invitation_place(&realm, invitation.as_str());
        let invited = test.sealed(&key, invited, "new@example.com").await;
        stage
            .sql(&format!(
                "INSERT INTO identity_users (id, email, name, language, failures, throttled_until, created_at)
                     VALUES ('{user}', {email}, {name}, 'en', 0, 0, 0);
                 INSERT INTO identity_resets (id, user_id, token_hash, created_at, expires_at)
                     VALUES ('{reset}', '{user}', {hash}, 0, {expires});
                 INSERT INTO identity_invitations (id, organisation_id, email, role, language, generation, token_hash,
                     invited_by, created_at, expires_at)
                     VALUES ('{invitation}', '{organisation}', {invited}, 'editor', 'en', 1, {hash}, '{user}', 0,
                     {week});"
            ))
            .await;
        let mails = [
            NewMessage::new(Template::Reset, Language::English).user(user.clone()).reset(reset.clone()),
            NewMessage::new(Template::PasswordChanged, Language::English).user(user),
            NewMessage::new(Template::Invitation, Language::English)
                .organisation(organisation)
                .invitation(invitation.clone()),
        ];
        write_tx!(test.db, tx => {
            for mail in mails {
                outbox::enqueue(tx, &world, mail).await?;
            }
            Ok(())
        })
        .expect("enqueued");
        stage.worker().run_due().await;
        let mut texts: Vec<_> = stage.mailer.taken().into_iter().map(|mail| (mail.to, mail.text)).collect();
        texts.sort();
        let reset = one_time::reset_token(&test.keys, &reset).reveal();
        let invitation = one_time::invitation_token(&test.keys, &invitation, 1).reveal();
        let expected = [
            ("new@example.com".to_owned(), format!("Olga\n{ORIGIN}/cms/invitation/{invitation}\n2027-01-21")),
            ("owner@example.com".to_owned(), "2027-01-15T08:00:00Z".to_owned()),
            ("owner@example.com".to_owned(), format!("{ORIGIN}/cms/reset/{reset}\n60")),
        ];
        assert_eq!(texts, expected, "{}", test.kind);
    }
}
