//! The life of an invitation.

use shutterpost_model::access::Role;
use shutterpost_model::error::Code;
use shutterpost_model::identity::{Accounts, Directory};
use shutterpost_model::time::DAY;

use super::{OTHER_PASSWORD, OWNER, PASSWORD, code, fixtures};

const IVO: &str = "ivo@guest.example";

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_makes_an_account_and_is_in() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let id = host.once(host.invite(&owner, " Ivo@Guest.example", Role::Editor)).await;
        assert_eq!(host.test.count("messages", "template = 'invitation' AND language = 'de'").await, 1);
        let people = host.directory.people(&owner).await.expect("people");
        let invited = people.invitations.first().expect("one");
        assert_eq!((invited.email.get().as_str(), invited.role, invited.expired), (IVO, Role::Editor, false));

        let token = host.invitation_token(&id, 0);
        assert!(!host.test.dump().await.contains(&token), "only a hash is stored");
        let view = host.accounts.invitation(&token).await.expect("good");
        assert_eq!((view.organisation.as_str(), view.role, view.has_account), ("Host", Role::Editor, false));

        let error = host.refused(host.accept(&token, "ivo invited ivo guest")).await;
        assert_eq!(error.of("password"), Some(Code::PasswordWeak));
        let session = host.once(host.accept(&token, PASSWORD)).await;
        let actor = host.resolve(&session).await.expect("signed in");
        assert_eq!((actor.organisation(), actor.role()), (Some(&host.organisation), Some(Role::Editor)));

        assert_eq!(code(host.accounts.invitation(&token).await), Code::LinkExpired);
        assert_eq!(host.refused(host.accept(&token, PASSWORD)).await.code, Code::LinkExpired, "used");
        let error = host.refused(host.invite(&owner, IVO, Role::Viewer)).await;
        assert_eq!(error.code, Code::AlreadyMember);
        let people = host.directory.people(&owner).await.expect("people");
        assert_eq!((people.members.len(), people.invitations.len()), (2, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_with_an_account_proves_it_by_its_password() {
    for host in fixtures().await {
        host.neighbour("Neighbour", IVO).await;
        let owner = host.actor(OWNER).await;
        let id = host.invite(&owner, IVO, Role::Viewer).await.expect("invited");
        let token = host.invitation_token(&id, 0);
        assert!(host.accounts.invitation(&token).await.expect("good").has_account);
        let error = host.refused(host.accept(&token, OTHER_PASSWORD)).await;
        assert_eq!(error.of("password"), Some(Code::WrongPassword));
        let session = host.once(host.accept(&token, PASSWORD)).await;
        let actor = host.resolve(&session).await.expect("signed in");
        assert_eq!((actor.organisation(), actor.role()), (Some(&host.organisation), Some(Role::Viewer)));
        assert_eq!(host.test.count("identity_users", "1 = 1").await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_at_an_invitation_is_throttled_like_sign_in() {
    for host in fixtures().await {
        host.neighbour("Neighbour", IVO).await;
        let owner = host.actor(OWNER).await;
        let id = host.invite(&owner, IVO, Role::Viewer).await.expect("invited");
        let token = host.invitation_token(&id, 0);
        for _ in 0..6 {
            host.accept(&token, OTHER_PASSWORD).await.expect_err("wrong");
        }
        let error = host.accept(&token, PASSWORD).await.expect_err("throttled");
        assert_eq!(error.of("password"), Some(Code::WrongPassword), "and nobody learns it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_expires_and_can_be_renewed_and_revoked() {
    for host in fixtures().await {
        let id = host.invite(&host.actor(OWNER).await, IVO, Role::Editor).await.expect("invited");
        let token = host.invitation_token(&id, 0);
        host.test.clock.advance(7 * DAY - 1);
        host.accounts.invitation(&token).await.expect("good");
        host.test.clock.advance(1);
        assert_eq!(code(host.accounts.invitation(&token).await), Code::LinkExpired);
        let owner = host.actor(OWNER).await;
        assert!(host.directory.people(&owner).await.expect("people").invitations.iter().all(|one| one.expired));

        host.once(host.directory.renew_invitation(&owner, &id)).await;
        let renewed = host.invitation_token(&id, 1);
        host.accounts.invitation(&renewed).await.expect("good again");
        assert_eq!(code(host.accounts.invitation(&token).await), Code::LinkExpired, "the old link is dead");
        assert_eq!(host.test.count("messages", "template = 'invitation'").await, 2);

        host.once(host.directory.revoke_invitation(&owner, &id)).await;
        assert_eq!(code(host.accounts.invitation(&renewed).await), Code::LinkExpired);
        assert_eq!(host.refused(host.accept(&renewed, PASSWORD)).await.code, Code::LinkExpired);
        assert_eq!(host.refused(host.directory.revoke_invitation(&owner, &id)).await.code, Code::NotFound);
        assert_eq!(host.refused(host.directory.renew_invitation(&owner, &id)).await.code, Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_invitation_replaces_the_first() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let first = host.invite(&owner, IVO, Role::Editor).await.expect("invited");
        let second = host.once(host.invite(&owner, IVO, Role::Viewer)).await;
        assert_eq!(code(host.accounts.invitation(&host.invitation_token(&first, 0)).await), Code::LinkExpired);
        let view = host.accounts.invitation(&host.invitation_token(&second, 0)).await.expect("good");
        assert_eq!(view.role, Role::Viewer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_acceptances_at_once_are_one() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let id = host.invite(&owner, IVO, Role::Editor).await.expect("invited");
        let token = host.invitation_token(&id, 0);
        let (one, two) = tokio::join!(host.accept(&token, PASSWORD), host.accept(&token, PASSWORD));
        assert!(one.is_ok() != two.is_ok(), "{}: {:?} {:?}", host.test.kind, one.err(), two.err());
        let people = host.directory.people(&owner).await.expect("people").members;
        assert_eq!(people.iter().filter(|member| member.email.get() == IVO).count(), 1);
        assert_eq!(host.test.count("identity_users", "1 = 1").await, people.len() as i64);
    }
}
