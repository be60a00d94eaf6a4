//! Who is told by mail of what was deleted, and of what.

use std::sync::Arc;

use shutterpost_model::access::Role;
use shutterpost_model::events::Events as _;
use shutterpost_model::id::TokenId;
use shutterpost_model::privacy::{ErasureTarget, Privacy as _};
use shutterpost_model::time::DAY;

use super::stage::{Plain, Recorder, actor};
use crate::ingest::fixture::{Stand, draft, stands};
use crate::jobs::queue::{Job, JobKind};
use crate::jobs::worker::{Handler as _, Worker};
use crate::jobs::{Permit, Wake};
use crate::messages::send::SendMessage;
use crate::privacy::FinishErasure;

const ADA: &str = "ada@host.example";
const OLGA: &str = "olga@host.example";

/// Sends what waits: to whom, what, and the names below the link.
async fn told(stand: &Stand) -> Vec<(String, String, Vec<String>)> {
    let mailer = Arc::new(Recorder::default());
    let handler = SendMessage::new(stand.deps.clone(), mailer.clone(), Arc::new(Plain));
    let worker = Worker::new(stand.deps.db.clone(), stand.deps.world.clone(), Wake::default());
    Arc::new(worker.handle(JobKind::SendMessage, handler)).run_due().await;
    let mut told = Vec::new();
    for mail in mailer.taken() {
        let mut lines = mail.text.lines().map(str::to_owned);
        let what = lines.next().expect("says what");
        told.push((mail.to, what, lines.skip(3).collect()));
    }
    told.sort();
    told
}

fn mail(to: &str, what: &str, names: &[&str]) -> (String, String, Vec<String>) {
    (to.to_owned(), what.to_owned(), names.iter().map(|name| (*name).to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_the_trash_is_told_to_whoever_did_it_and_to_owners() {
    for stand in stands().await {
        let admin = stand.member(ADA, Role::Admin).await;
        stand.member("max@host.example", Role::Admin).await;
        stand.neighbour().await;
        stand.events.delete(&admin, &stand.event).await.expect("deletes");
        let names = ["Summer party", "Host"];
        let expected = [mail(ADA, "event_deleted", &names), mail(OLGA, "event_deleted", &names)];
        assert_eq!(told(&stand).await, expected, "{}", stand.test.kind);
        assert!(stand.events.delete(&admin, &stand.event).await.is_err());
        assert!(told(&stand).await.is_empty(), "{}: told once", stand.test.kind);

        // A token is nobody who reads mails.
        let token = actor(&stand.deps.world.id(TokenId::new), &stand.organisation, Role::Admin);
        let second = stand.events.create(&stand.owner, draft()).await.expect("made");
        stand.events.delete(&token, &second).await.expect("deletes");
        assert_eq!(told(&stand).await, [mail(OLGA, "event_deleted", &names)], "{}", stand.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_tidies_up_is_told_three_times_a_day() {
    for stand in stands().await {
        for _ in 0..4 {
            let event = stand.events.create(&stand.owner, draft()).await.expect("made");
            stand.events.delete(&stand.owner, &event).await.expect("deletes");
        }
        assert_eq!(told(&stand).await.len(), 3, "{}", stand.test.kind);
        stand.test.clock.advance(DAY);
        let token = actor(&stand.deps.world.id(TokenId::new), &stand.organisation, Role::Admin);
        stand.events.delete(&token, &stand.event).await.expect("deletes");
        assert_eq!(told(&stand).await.len(), 1, "{}: another day", stand.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_event_is_told_once_and_by_name_while_it_has_one() {
    for stand in stands().await {
        let admin = stand.member(ADA, Role::Admin).await;
        let target = ErasureTarget::Event(stand.event.clone());
        stand.privacy.erase(&admin, &target).await.expect("erases");
        stand.privacy.erase(&admin, &target).await.expect("asked twice");
        let names = ["Summer party", "Host"];
        let expected = [mail(ADA, "event_erased", &names), mail(OLGA, "event_erased", &names)];
        assert_eq!(told(&stand).await, expected, "{}", stand.test.kind);

        let second = stand.events.create(&stand.owner, draft()).await.expect("made");
        let erased = stand.erase(ErasureTarget::Event(second)).await;
        let job = Job::of_test(JobKind::Erase, erased.id.as_str());
        FinishErasure::new(stand.deps.clone()).run(&Permit::of_test(), &job).await.expect("finishes");
        assert_eq!(told(&stand).await, [mail(OLGA, "event_erased", &["Host"])], "{}", stand.test.kind);
    }
}

/// Whose account goes along has no address any more: their mail is not begun. Whoever is elsewhere too is told, though
/// nothing is left of the organisation.
#[tokio::test(flavor = "multi_thread")]
async fn an_erased_organisation_is_told_to_owners_who_stay() {
    for stand in stands().await {
        let nina = stand.neighbour().await;
        let sql = format!(
            "INSERT INTO identity_memberships (organisation_id, user_id, role, created_at) VALUES ('{}', '{}', 'owner', 0)",
            stand.organisation,
            nina.user().expect("is a person")
        );
        stand.test.execute(&sql).await;
        let erased = stand.erase(ErasureTarget::Organisation(stand.organisation.clone())).await;
        assert_eq!(stand.test.count("messages", "activity = 'organisation_erased'").await, 1, "{}", stand.test.kind);
        let job = Job::of_test(JobKind::Erase, erased.id.as_str());
        FinishErasure::new(stand.deps.clone()).run(&Permit::of_test(), &job).await.expect("finishes");
        assert_eq!(told(&stand).await, [mail("nina@next.example", "organisation_erased", &[])], "{}", stand.test.kind);
    }
}
