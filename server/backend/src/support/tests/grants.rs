//! What grants let in, until when, and who is told.

use shutterpost_model::access::Permission;
use shutterpost_model::events::{EventDraft, Events};
use shutterpost_model::support::GrantState;
use shutterpost_model::time::Date;

use super::*;
use crate::audit::AuditService;
use crate::events::EventsService;
use crate::jobs::Permit;
use crate::support::end_expired;
use shutterpost_model::audit::{Audit, AuditFilter};

fn draft(retention_days: i32) -> EventDraft {
    EventDraft {
        name: "Gala".into(),
        starts_on: Date::new(2027, 1, 20).expect("valid"),
        ends_on: Date::new(2027, 1, 21).expect("valid"),
        time_zone: "UTC".into(),
        retention_days,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_grant_nothing_opens_and_with_one_its_organisation_alone() {
    for f in fixtures().await {
        let (mut session, mut staff) = f.arrive(SAM).await;
        assert_eq!(f.acting(&session).await, Acting::Outside);
        let grant = f.ask(&staff, SupportAccess::Read).await;
        assert_eq!(code(f.support.open(&staff, &grant).await), Code::NotFound, "asked for is not allowed");
        assert_eq!(code(f.support.ask(&staff, f.asking(SupportAccess::Write)).await), Code::Conflict);

        // Neither an admin nor another organisation's owner decides.
        f.member("adam@host.example", Role::Admin).await;
        let admin = f.person("adam@host.example").await;
        assert_eq!(code(f.support.allow(&admin, &grant, 5).await), Code::Forbidden);
        owner(&f.deps, "Other", "otto@other.example").await;
        let stranger = f.person("otto@other.example").await;
        for refused in [
            f.support.allow(&stranger, &grant, 5).await,
            f.support.refuse(&stranger, &grant).await,
            f.support.end(&stranger, &grant).await,
        ] {
            assert_eq!(code(refused), Code::NotFound);
        }
        assert!(f.support.of_organisation(&stranger).await.expect("read").grants.is_empty());

        f.support.allow(&f.owner().await, &grant, 30).await.expect("allowed");
        assert_eq!(f.acting(&session).await, Acting::Outside, "allowed is not opened");
        let (other, tom) = f.arrive(TOM).await;
        assert_eq!(code(f.support.open(&tom, &grant).await), Code::NotFound, "it is for one person");
        assert_eq!(code(f.support.finish(&tom, &grant).await), Code::NotFound);
        f.open((&mut session, &mut staff), &grant).await;
        let actor = f.acts(&session).await;
        assert_eq!(actor.organisation(), Some(&f.organisation));
        assert_eq!(f.acting(&other).await, Acting::Outside);
        for permission in Permission::ALL {
            assert_eq!(actor.may(permission), Role::Viewer.grants(permission), "{permission:?}");
        }
        let unknown = AskAccess { organisation: OrganisationId::new(1, [9; 10]), ..f.asking(SupportAccess::Read) };
        assert_eq!(code(f.support.ask(&tom, unknown).await), Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_ends_to_the_millisecond_in_a_session_under_way() {
    for f in fixtures().await {
        let (mut session, mut staff) = f.arrive(SAM).await;
        let grant = f.ask(&staff, SupportAccess::Read).await;
        f.support.allow(&f.owner().await, &grant, 10).await.expect("allowed");
        f.open((&mut session, &mut staff), &grant).await;
        f.acts(&session).await;
        f.test.clock.advance(10 * MINUTE - 1);
        f.acts(&session).await;
        assert_eq!(f.support.notices(&f.owner().await).await.expect("read").len(), 1);
        f.test.clock.advance(1);
        assert_eq!(f.acting(&session).await, Acting::Over, "{}", f.test.kind);
        assert_eq!(code(f.support.open(&staff, &grant).await), Code::NotFound);
        assert!(f.support.notices(&f.owner().await).await.expect("read").is_empty());
        let page = f.support.of_organisation(&f.owner().await).await.expect("read");
        assert_eq!(page.grants.first().map(|grant| grant.state), Some(GrantState::Ended));

        // Written down and told once, whoever looks how often.
        let before = f.mails().await.len();
        for _ in 0..2 {
            end_expired(&Permit::of_test(), &f.deps).await.expect("ended");
        }
        assert_eq!(f.mails().await.len(), before + 1);
        assert!(f.trail().await.contains(&"support.end system".to_owned()));
        assert_eq!(f.acting(&session).await, Acting::Over, "until it is left");
        f.support.leave(&staff).await.expect("left");
        assert_eq!(f.acting(&session).await, Acting::Outside);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_is_the_most_and_the_database_holds_it_too() {
    for f in fixtures().await {
        let (_, staff) = f.arrive(SAM).await;
        let grant = f.ask(&staff, SupportAccess::Read).await;
        let owner = f.owner().await;
        for minutes in [-1, 0, 61, i64::MAX] {
            let error = f.support.allow(&owner, &grant, minutes).await.expect_err("refused");
            assert_eq!(error.of("minutes"), Some(Code::OutOfRange), "{minutes}");
        }
        f.support.allow(&owner, &grant, 60).await.expect("allowed");
        assert_eq!(code(f.support.allow(&owner, &grant, 60).await), Code::NotFound, "not made longer");
        let held = f.test.count("support_grants", "ends_at = decided_at + 3600000").await;
        assert_eq!(held, 1);
        f.test.clock.advance(16 * MINUTE);
        let second = AskAccess { minutes: 5, ..f.asking(SupportAccess::Read) };
        let (_, tom) = f.arrive(TOM).await;
        f.support.ask(&tom, second).await.expect("asked");
        let grant = f.support.desk(&tom).await.expect("read").grants.first().expect("one").id.clone();
        // Letting somebody in is sensitive; ending is quick.
        let stale = owner;
        assert_eq!(code(f.support.allow(&stale, &grant, 5).await), Code::ConfirmNeeded);
        f.support.refuse(&stale, &grant).await.expect("refused");
        assert_eq!(code(f.support.open(&tom, &grant).await), Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_owner_ends_is_over_at_once() {
    for f in fixtures().await {
        let (mut session, mut staff) = f.arrive(SAM).await;
        let grant = f.let_in((&mut session, &mut staff), SupportAccess::Write).await;
        f.acts(&session).await;
        f.support.end(&f.owner().await, &grant).await.expect("ended");
        assert_eq!(f.acting(&session).await, Acting::Over);
        assert_eq!(code(f.support.end(&f.owner().await, &grant).await), Code::NotFound);
        // Leaving and signing in again bring nothing back.
        f.support.leave(&staff).await.expect("left");
        assert_eq!(code(f.support.open(&staff, &grant).await), Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_deletes_waits_for_a_second_person_and_is_good_once() {
    for f in fixtures().await {
        let events = EventsService::new(f.deps.clone());
        let owner = f.owner().await;
        let event = events.create(&owner, draft(90)).await.expect("made");
        let (mut session, mut sam) = f.arrive(SAM).await;
        let (_, tom) = f.arrive(TOM).await;
        f.let_in((&mut session, &mut sam), SupportAccess::Write).await;
        let actor = f.acts(&session).await;
        let version = events.find(&actor, &event).await.expect("read").version;

        // Mending needs nobody else; shortening how long photos are kept does.
        events.update(&actor, &event, draft(120), version).await.expect("longer");
        let shorter = || events.update(&actor, &event, draft(30), version + 1);
        assert_eq!(code(shorter().await), Code::ApprovalNeeded);
        assert_eq!(code(events.delete(&actor, &event).await), Code::ApprovalNeeded);
        assert_eq!(code(events.delete(&actor, &event).await), Code::ApprovalNeeded, "asked once");
        let waiting = f.support.desk(&sam).await.expect("read").approvals;
        assert_eq!(waiting.iter().map(|one| one.act.as_str()).collect::<Vec<_>>(), ["events.update", "events.delete"]);
        let delete = waiting.iter().find(|one| one.act == "events.delete").expect("asked for").clone();
        assert!(delete.own);
        assert_eq!(code(f.support.approve(&sam, &delete.id).await), Code::Forbidden, "a second person");
        f.support.approve(&tom, &delete.id).await.expect("approved");
        assert_eq!(code(f.support.approve(&tom, &delete.id).await), Code::NotFound);
        assert_eq!(code(shorter().await), Code::ApprovalNeeded, "one act");

        // A quarter of an hour after it was given it is worth nothing.
        f.wait(&session, 15).await;
        assert_eq!(code(events.delete(&f.acts(&session).await, &event).await), Code::ApprovalNeeded);
        let owner = f.owner().await;
        let page = f.support.of_organisation(&owner).await.expect("read");
        let asked = page.approvals.first().expect("asked for again");
        f.support.approve_act(&owner, &asked.id).await.expect("an owner approves");
        f.wait(&session, 14).await;
        let actor = f.acts(&session).await;
        events.delete(&actor, &event).await.expect("deleted");
        assert_eq!(f.test.count("support_approvals", "used_at IS NOT NULL").await, 1);
        f.test.execute(&format!("UPDATE events SET deleted_at = NULL WHERE id = '{event}'")).await;
        assert_eq!(code(events.delete(&actor, &event).await), Code::ApprovalNeeded, "good once");
        // A foreign owner approves nothing.
        super::owner(&f.deps, "Other", "otto@other.example").await;
        let stranger = f.person("otto@other.example").await;
        let page = f.support.of_organisation(&f.owner().await).await.expect("read");
        let asked = page.approvals.first().expect("asked for");
        assert_eq!(code(f.support.approve_act(&stranger, &asked.id).await), Code::NotFound);
    }
}

impl Fixture {
    /// Lets minutes pass in which the session is used.
    async fn wait(&self, session: &NewSession, minutes: i64) {
        for _ in 0..minutes {
            self.test.clock.advance(MINUTE);
            self.acts(session).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_owner_is_told_and_nobody_else() {
    for f in fixtures().await {
        f.member("second@host.example", Role::Owner).await;
        f.member("adam@host.example", Role::Admin).await;
        owner(&f.deps, "Other", "otto@other.example").await;
        let (mut session, mut staff) = f.arrive(SAM).await;
        let grant = f.let_in((&mut session, &mut staff), SupportAccess::Read).await;
        f.support.leave(&staff).await.expect("left");
        f.open((&mut session, &mut staff), &grant).await;
        f.acts(&session).await;
        f.support.finish(&staff, &grant).await.expect("ended");
        assert_eq!(f.acting(&session).await, Acting::Outside);
        let owners = f
            .test
            .select(&format!(
                "SELECT user_id AS line FROM identity_memberships WHERE role = 'owner' AND organisation_id = '{}' \
                 ORDER BY user_id",
                f.organisation
            ))
            .await;
        assert_eq!(owners.len(), 2);
        let mut told: Vec<String> = ["asked", "granted", "begun", "ended"]
            .into_iter()
            .flat_map(|moment| owners.iter().map(move |owner| format!("{moment} {owner}")))
            .collect();
        told.sort_unstable();
        assert_eq!(f.mails().await, told, "{}: once each, however often it is opened", f.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_in_the_organisations_own_trail_with_a_name() {
    for f in fixtures().await {
        let (mut session, mut staff) = f.arrive(SAM).await;
        let grant = f.let_in((&mut session, &mut staff), SupportAccess::Write).await;
        let actor = f.acts(&session).await;
        let event = EventsService::new(f.deps.clone()).create(&actor, draft(90)).await.expect("made");
        for _ in 0..3 {
            f.support.viewed(&actor, Some(event.as_str())).await.expect("noted");
        }
        f.support.viewed(&actor, None).await.expect("noted");
        f.test.clock.advance(MINUTE);
        f.support.viewed(&actor, Some(event.as_str())).await.expect("noted");
        f.support.leave(&staff).await.expect("left");
        f.support.finish(&staff, &grant).await.expect("ended");
        let expected = [
            "support.allow user",
            "support.ask support",
            "support.begin support",
            "support.end support",
            "support.leave support",
            "support.view support",
            "support.view support",
            "support.view support",
        ];
        assert_eq!(f.trail().await, expected, "{}", f.test.kind);
        let trail = AuditService::new(f.deps.clone());
        let page = trail.list(&f.owner().await, AuditFilter::default(), None).await.expect("read");
        let made = page.items.iter().find(|entry| entry.action == "events.create").expect("an entry");
        assert_eq!((made.actor_kind.as_str(), made.actor_name.as_deref()), ("support", Some("Sam Support")));
        // Nobody but support looks as support.
        assert_eq!(code(f.support.viewed(&f.owner().await, None).await), Code::Forbidden);
        assert_eq!(code(trail.list(&actor, AuditFilter::default(), None).await), Code::Forbidden);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_is_sealed_and_goes_with_the_organisation() {
    for f in fixtures().await {
        let (mut session, mut staff) = f.arrive(SAM).await;
        f.let_in((&mut session, &mut staff), SupportAccess::Read).await;
        let dump = f.test.dump().await;
        assert!(!dump.contains("gallery of yesterday") && !dump.contains(SAM), "{}", f.test.kind);
        let found = f.support.notices(&f.owner().await).await.expect("read");
        assert_eq!(found.first().expect("runs").reason.get(), "The gallery of yesterday is empty");
        let delete = format!("DELETE FROM identity_organisations WHERE id = '{}'", f.organisation);
        f.test.execute(&delete).await;
        assert_eq!(f.test.count("support_grants", "1 = 1").await, 0);
        assert_eq!(f.acting(&session).await, Acting::Over, "and the session acts nowhere else");
        assert!(f.support.desk(&staff).await.expect("read").grants.is_empty());
    }
}
