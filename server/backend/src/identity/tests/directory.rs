//! Who may do what to whom.

use std::collections::BTreeSet;

use shutterpost_model::access::{Actor, Role};
use shutterpost_model::error::Code;
use shutterpost_model::id::{InvitationId, OrganisationId};
use shutterpost_model::identity::{Accounts, Directory, SessionLimits};
use shutterpost_model::pii::Pii;
use shutterpost_model::tokens::{Lifetime, Replaced, Scopes, TokenRenewal};

use super::tokens::draft;
use super::{Fixture, OWNER, PASSWORD, fixtures};
use crate::context::Clock;
use crate::identity::admin;

#[tokio::test(flavor = "multi_thread")]
async fn editors_and_below_manage_nobody() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let id = host.invite(&owner, "ivo@guest.example", Role::Viewer).await.expect("invited");
        for role in [Role::Editor, Role::Viewer, Role::Reporter] {
            let email = format!("{}@host.example", role.as_str());
            host.member(&email, role).await;
            let actor = host.actor(&email).await;
            let directory = &host.directory;
            assert_eq!(host.refused(directory.people(&actor)).await.code, Code::Forbidden);
            assert_eq!(host.refused(host.invite(&actor, "x@y.example", Role::Viewer)).await.code, Code::Forbidden);
            assert_eq!(host.refused(directory.renew_invitation(&actor, &id)).await.code, Code::Forbidden);
            assert_eq!(host.refused(directory.revoke_invitation(&actor, &id)).await.code, Code::Forbidden);
            assert_eq!(host.refused(directory.change_role(&actor, &host.owner, role)).await.code, Code::Forbidden);
            assert_eq!(host.refused(directory.remove_member(&actor, &host.owner)).await.code, Code::Forbidden);
            assert_eq!(host.refused(directory.tokens(&actor)).await.code, Code::Forbidden);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_leave_owners_alone() {
    for host in fixtures().await {
        let admin_id = host.member("ada@host.example", Role::Admin).await;
        let viewer = host.member("vera@host.example", Role::Viewer).await;
        let (owner, admin) = (host.actor(OWNER).await, host.actor("ada@host.example").await);
        let invited = host.invite(&owner, "oskar@guest.example", Role::Owner).await.expect("invited");
        let directory = &host.directory;
        let too_high = Code::RoleTooHigh;
        assert_eq!(host.refused(host.invite(&admin, "x@y.example", Role::Owner)).await.code, too_high);
        assert_eq!(host.refused(host.invite(&admin, "oskar@guest.example", Role::Viewer)).await.code, too_high);
        assert_eq!(host.refused(directory.renew_invitation(&admin, &invited)).await.code, too_high);
        assert_eq!(host.refused(directory.revoke_invitation(&admin, &invited)).await.code, too_high);
        assert_eq!(host.refused(directory.change_role(&admin, &host.owner, Role::Viewer)).await.code, too_high);
        assert_eq!(host.refused(directory.change_role(&admin, &viewer, Role::Owner)).await.code, too_high);
        assert_eq!(host.refused(directory.change_role(&admin, &admin_id, Role::Owner)).await.code, too_high);
        assert_eq!(host.refused(directory.remove_member(&admin, &host.owner)).await.code, too_high);
        host.once(directory.change_role(&admin, &viewer, Role::Admin)).await;
        host.once(directory.remove_member(&admin, &viewer)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let directory = &host.directory;
        assert_eq!(host.refused(directory.change_role(&owner, &host.owner, Role::Admin)).await.code, Code::LastOwner);
        assert_eq!(host.refused(directory.remove_member(&owner, &host.owner)).await.code, Code::LastOwner);
        host.once(directory.change_role(&owner, &host.owner, Role::Owner)).await;
        host.member("second@host.example", Role::Owner).await;
        host.once(directory.change_role(&owner, &host.owner, Role::Admin)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_cannot_demote_each_other_at_once() {
    for host in fixtures().await {
        let second = host.member("second@host.example", Role::Owner).await;
        let (one, two) = (host.actor(OWNER).await, host.actor("second@host.example").await);
        for _ in 0..5 {
            let demote = |actor: Actor, user, role| {
                let directory = &host.directory;
                async move { directory.change_role(&actor, &user, role).await }
            };
            let (first, other) = tokio::join!(
                demote(one.clone(), second.clone(), Role::Viewer),
                demote(two.clone(), host.owner.clone(), Role::Viewer),
            );
            assert!(first.is_ok() != other.is_ok(), "{}: {first:?} {other:?}", host.test.kind);
            // Whoever came second is no owner any more.
            assert_eq!(first.and(other).map_err(|error| error.code), Err(Code::Forbidden));
            assert_eq!(host.test.count("identity_memberships", "role = 'owner'").await, 1);
            host.test.execute("UPDATE identity_memberships SET role = 'owner'").await;
        }
    }
}

/// Case 127.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_remove_each_other_at_once_one_stays() {
    for host in fixtures().await {
        host.member("third@host.example", Role::Owner).await;
        for role in [Role::Owner, Role::Admin] {
            for round in 0..5 {
                let emails = ["one", "two"].map(|who| format!("{who}-{round}-{}@host.example", role.as_str()));
                let [one, two] = [host.member(&emails[0], role).await, host.member(&emails[1], role).await];
                let [first, second] = [host.actor(&emails[0]).await, host.actor(&emails[1]).await];
                let (gone, other) = tokio::join!(
                    host.directory.remove_member(&first, &two),
                    host.directory.remove_member(&second, &one),
                );
                assert!(gone.is_ok() != other.is_ok(), "{}: {gone:?} {other:?}", host.test.kind);
                assert_eq!(gone.and(other).map_err(|error| error.code), Err(Code::Forbidden));
                let still = format!("user_id IN ('{one}', '{two}')");
                assert_eq!(host.test.count("identity_memberships", &still).await, 1, "{}", host.test.kind);
            }
        }
    }
}

/// The rules of sign-in change under the same lock.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_their_role_meanwhile_changes_no_rules() {
    for host in fixtures().await {
        let (owner, second) = (host.actor(OWNER).await, host.member("second@host.example", Role::Owner).await);
        // As it was when their request began.
        let before = host.actor("second@host.example").await;
        let limits = SessionLimits { idle: Some(60), absolute: Some(240) };
        for role in [Role::Admin, Role::Viewer] {
            host.once(host.directory.change_role(&owner, &second, role)).await;
            let denied = [
                host.directory.limit_sessions(&before, limits).await,
                host.directory.require_factor(&before, true).await,
                host.directory.require_own_sign_in(&before, false).await,
            ];
            for denied in denied {
                assert_eq!(denied.map_err(|error| error.code), Err(Code::Forbidden), "{} {role:?}", host.test.kind);
            }
        }
        host.once(host.directory.limit_sessions(&owner, limits)).await;
        assert_eq!(host.directory.sign_in_rules(&owner).await.expect("read").limits, limits);
    }
}

/// Case 105.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_invite_any_more_has_invited_nobody() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let (oskar, ada) =
            (host.member("oskar@host.example", Role::Owner).await, host.member("ada@host.example", Role::Admin).await);
        let by_owner = host.actor("oskar@host.example").await;
        let owners = host.invite(&by_owner, "second@guest.example", Role::Owner).await.expect("invited");
        let editors = host.invite(&by_owner, "edda@guest.example", Role::Editor).await.expect("invited");
        let by_admin = host.actor("ada@host.example").await;
        let admins = host.invite(&by_admin, "mine@guest.example", Role::Admin).await.expect("invited");
        let kept = host.invite(&owner, "kept@guest.example", Role::Admin).await.expect("invited");
        let open = async || {
            let listed = host.directory.people(&owner).await.expect("read").invitations;
            listed.into_iter().map(|invitation| invitation.id).collect::<BTreeSet<_>>()
        };
        let all = BTreeSet::from([owners.clone(), editors.clone(), admins.clone(), kept]);
        assert_eq!(open().await, all, "{}", host.test.kind);
        // What an admin could promise as well stays.
        host.once(host.directory.change_role(&owner, &oskar, Role::Admin)).await;
        let gone =
            |gone: &[&InvitationId]| all.iter().filter(|id| !gone.contains(id)).cloned().collect::<BTreeSet<_>>();
        assert_eq!(open().await, gone(&[&owners]));
        host.once(host.directory.change_role(&owner, &oskar, Role::Viewer)).await;
        assert_eq!(open().await, gone(&[&owners, &editors]));
        host.once(host.directory.remove_member(&owner, &ada)).await;
        assert_eq!(open().await, gone(&[&owners, &editors, &admins]), "{}", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_role_counts_at_once_and_a_removed_member_is_out() {
    for host in fixtures().await {
        let editor = host.member("edda@host.example", Role::Editor).await;
        let session = host.sign_in("edda@host.example", PASSWORD).await.expect("signed in");
        let owner = host.actor(OWNER).await;
        host.once(host.directory.change_role(&owner, &editor, Role::Viewer)).await;
        assert_eq!(host.resolve(&session).await.and_then(|actor| actor.role()), Some(Role::Viewer));
        host.once(host.directory.remove_member(&owner, &editor)).await;
        assert!(host.resolve(&session).await.is_none());
        let actor = host.actor("edda@host.example").await;
        assert_eq!(actor.organisation(), None, "signed in, but nowhere");
        assert_eq!(host.refused(host.directory.people(&actor)).await.code, Code::Forbidden);
        let me = host.accounts.me(&actor).await.expect("own data");
        assert!(me.current.is_none() && me.organisations.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organisation_is_not_there() {
    for host in fixtures().await {
        let (_, stranger) = host.neighbour("Neighbour", "nina@neighbour.example").await;
        let owner = host.actor(OWNER).await;
        let nina = host.actor("nina@neighbour.example").await;
        let invitation = host.invite(&nina, "ivo@guest.example", Role::Viewer).await.expect("invited");
        let token = host.directory.create_token(&nina, draft(Scopes::reading())).await.expect("made").item;
        let directory = &host.directory;
        assert_eq!(host.refused(directory.change_role(&owner, &stranger, Role::Viewer)).await.code, Code::NotFound);
        assert_eq!(host.refused(directory.remove_member(&owner, &stranger)).await.code, Code::NotFound);
        assert_eq!(host.refused(directory.renew_invitation(&owner, &invitation)).await.code, Code::NotFound);
        assert_eq!(host.refused(directory.revoke_invitation(&owner, &invitation)).await.code, Code::NotFound);
        assert_eq!(host.refused(directory.revoke_token(&owner, &token)).await.code, Code::NotFound);
        let renewal = TokenRenewal { lifetime: Lifetime::Days(7), replaced: Replaced::Overlaps };
        directory.renew_token(&nina, &token, renewal).await.expect("renewed");
        assert_eq!(host.refused(directory.renew_token(&owner, &token, renewal)).await.code, Code::NotFound);
        assert_eq!(host.refused(directory.end_previous_secret(&owner, &token)).await.code, Code::NotFound);
        let people = directory.people(&owner).await.expect("people");
        assert_eq!((people.members.len(), people.invitations.len()), (1, 0));
        assert!(directory.tokens(&owner).await.expect("tokens").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_shows_when_somebody_was_last_here() {
    for host in fixtures().await {
        host.member("vera@host.example", Role::Viewer).await;
        let owner = host.actor(OWNER).await;
        let people = host.directory.people(&owner).await.expect("people");
        let seen: Vec<bool> = people.members.iter().map(|member| member.last_seen.is_some()).collect();
        assert_eq!(seen, [false, true], "Max, Olga");
        assert_eq!(people.members[1].email.get(), OWNER);
    }
}

/// As stored, membership by membership.
async fn seen(host: &Fixture, organisation: &OrganisationId, email: &str) -> String {
    let user = admin::find_user_by_email(&host.deps, &Pii::new(email.into())).await.expect("read").expect("known");
    let sql = format!(
        "SELECT CAST(last_seen_at AS TEXT) AS line FROM identity_memberships \
         WHERE organisation_id = '{organisation}' AND user_id = '{user}'"
    );
    host.test.select(&sql).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_was_here_also_when_the_session_has_ended_and_only_where_they_were() {
    for host in fixtures().await {
        host.member("vera@host.example", Role::Viewer).await;
        let (aardvark, _) = host.neighbour("Aardvark", OWNER).await;
        let first = host.test.clock.now();
        let vera = host.sign_in("vera@host.example", PASSWORD).await.expect("signed in");
        host.test.clock.advance(5 * 60_000);
        let actor = host.resolve(&vera).await.expect("signed in");
        let used = host.test.clock.now();
        host.accounts.sign_out(&actor).await.expect("signed out");
        host.test.clock.advance(shutterpost_model::time::DAY);

        // Olga begins in the first organisation by name and goes to the other one a minute later.
        let olga = host.actor(OWNER).await;
        let begun = host.test.clock.now();
        host.test.clock.advance(60_000);
        host.accounts.switch_organisation(&olga, &host.organisation).await.expect("switched");
        let switched = host.test.clock.now();
        assert_ne!(first, used);
        assert_eq!(
            seen(&host, &host.organisation, "vera@host.example").await,
            used.0.to_string(),
            "{}",
            host.test.kind
        );
        assert_eq!(seen(&host, &host.organisation, OWNER).await, switched.0.to_string());
        assert_eq!(seen(&host, &aardvark, OWNER).await, begun.0.to_string());

        host.member("second@host.example", Role::Owner).await;
        let people = host.directory.people(&host.actor("second@host.example").await).await.expect("people");
        let vera = people.members.iter().find(|member| member.email.get() == "vera@host.example").expect("a member");
        assert_eq!(vera.last_seen, Some(used));
        assert!(people.members.iter().any(|member| member.user == host.owner && member.last_seen == Some(switched)));
    }
}
