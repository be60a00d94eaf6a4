//! What a passkey is beside an app and recovery codes, and what a change of them ends.

use shutterpost_model::access::Role;
use shutterpost_model::error::Code;
use shutterpost_model::identity::passkeys::Passkeys;
use shutterpost_model::identity::security::{FACTOR_TRIES, Security};
use shutterpost_model::identity::{Accounts, Client, Directory};
use shutterpost_model::pii::Secret;

use super::super::{OWNER, PASSWORD, code, fixtures, secret};
use super::{OTHER, answer, label};
use crate::testing::Authenticator;

#[tokio::test(flavor = "multi_thread")]
async fn with_a_passkey_somebody_has_two_factor_sign_in() {
    for host in fixtures().await {
        host.member(OTHER, Role::Admin).await;
        let mut phone = Authenticator::new(1);
        let (session, _) = host.equip(OWNER, &mut phone).await;
        let owner = host.resolve(&session).await.expect("a session");
        let me = host.accounts.me(&owner).await.expect("read");
        assert!(me.two_factor && me.passkey);
        host.directory.require_factor(&owner, true).await.expect("whoever asks for it has it");
        let rules = host.directory.sign_in_rules(&owner).await.expect("read");
        assert_eq!((rules.with_factor, rules.members), (1, 2));
        let people = host.directory.people(&owner).await.expect("read");
        assert_eq!(people.members.iter().filter(|member| member.two_factor).count(), 1);
        let other = host.actor(OTHER).await;
        assert!(other.lacks_factor(), "the control");
        let me = host.accounts.me(&other).await.expect("read");
        assert!(!me.two_factor && !me.passkey, "nor do they stand for one another's owner");
        let (session, _) = host.equip_actor(&other, &mut Authenticator::new(2)).await;
        assert!(!host.resolve(&session).await.expect("a session").lacks_factor());
        // The last factor stays while an organisation asks for one.
        let [mine] = &host.accounts.list(&owner).await.expect("read")[..] else { panic!("one passkey") };
        assert_eq!(code(host.accounts.remove(&owner, &mine.id).await), Code::FactorKept);
        host.directory.require_factor(&owner, false).await.expect("relaxed");
        host.accounts.remove(&owner, &mine.id).await.expect("removed");
        let left = format!("user_id = '{}'", host.owner);
        assert_eq!(host.test.count("identity_recovery_codes", &left).await, 0, "they go with the last factor");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_and_a_passkey_stand_for_one_another() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let offered = host.accounts.offered(&host.pending(OWNER).await).await.expect("read");
        assert!(offered.code && !offered.passkey, "{}: there is none yet", host.test.kind);
        let actor = host.resolve(&app.session).await.expect("a session");
        let mut phone = Authenticator::new(1);
        let (session, recovery) = host.equip_actor(&actor, &mut phone).await;
        assert!(recovery.is_empty());
        assert_eq!(host.resolve(&app.session).await.map(|_| ()), None, "the session has another cookie");
        let pending = host.pending(OWNER).await;
        let offered = host.accounts.offered(&pending).await.expect("read");
        assert!(offered.passkey && offered.code);
        let code = host.code(&app.secret);
        host.accounts.present_factor(pending.expose(), code, Client::default()).await.expect("by the app");
        let actor = host.resolve(&session).await.expect("a session");
        host.test.clock.advance(30_000);
        let session =
            host.accounts.remove_totp(&actor, secret(PASSWORD), host.code(&app.secret)).await.expect("removed");
        let actor = host.resolve(&session).await.expect("a session");
        let overview = host.accounts.overview(&actor).await.expect("read");
        assert_eq!((overview.totp_since, overview.recovery_left), (None, 10), "the codes stay with the passkey");
        assert!(host.enters(&mut phone).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_stands_for_a_lost_passkey() {
    for host in fixtures().await {
        let (_, recovery) = host.equip(OWNER, &mut Authenticator::new(1)).await;
        let pending = host.pending(OWNER).await;
        let show = async |code: &Secret| {
            let shown = host.accounts.present_factor(pending.expose(), code.clone(), Client::default()).await;
            shown.map_err(|error| error.of("code").unwrap_or(error.code))
        };
        assert_eq!(show(&secret("123456")).await.err(), Some(Code::WrongCode), "there is no app");
        assert_eq!(show(&secret("0000-0000-0000-0000-0000")).await.err(), Some(Code::WrongCode));
        let session = show(&recovery[0]).await.expect("right");
        let actor = host.resolve(&session).await.expect("a session");
        // It proves once more who one is, too; the password does not.
        let confirm = async |proof: &Secret| Security::confirm(&host.accounts, &actor, proof.clone()).await.map(|_| ());
        assert!(confirm(&secret(PASSWORD)).await.is_err());
        assert!(confirm(&recovery[0]).await.is_err(), "used");
        assert!(confirm(&recovery[1]).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_proves_once_more_who_one_is() {
    for host in fixtures().await {
        let mut phone = Authenticator::new(1);
        let (session, _) = host.equip(OWNER, &mut phone).await;
        host.test.clock.advance(16 * 60_000);
        let actor = host.resolve(&session).await.expect("a session");
        let mine = host.accounts.list(&actor).await.expect("read").remove(0).id;
        assert_eq!(code(host.accounts.remove(&actor, &mine).await), Code::ConfirmNeeded);
        let question = host.accounts.begin_confirm(&actor, None).await.expect("asked");
        let given = answer(&mut phone, &question);
        let (session, confirmed) = Passkeys::confirm(&host.accounts, &actor, given).await.expect("right");
        assert!(host.resolve(&session).await.is_some());
        host.accounts.remove(&confirmed, &mine).await.expect("removed");
        assert_eq!(host.enters(&mut phone).await.err(), Some(Code::PasskeyRefused));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_ends_the_other_sessions_and_is_told_by_mail() {
    for host in fixtures().await {
        let other = host.sign_in(OWNER, PASSWORD).await.expect("right");
        let (session, _) = host.equip(OWNER, &mut Authenticator::new(1)).await;
        assert!(host.resolve(&other).await.is_none());
        let actor = host.resolve(&session).await.expect("a session");
        let waiting = host.pending(OWNER).await;
        let mine = host.accounts.list(&actor).await.expect("read").remove(0).id;
        host.once(host.accounts.rename(&actor, &mine, label("Pocket"))).await;
        assert_eq!(host.accounts.list(&actor).await.expect("read")[0].name.get(), "Pocket");
        let session = host.once(host.accounts.remove(&actor, &mine)).await;
        assert!(host.resolve(&session).await.is_some());
        assert!(!host.accounts.awaits_factor(waiting.expose()).await.expect("read"));
        let told = host.test.select("SELECT activity AS line FROM messages WHERE activity LIKE 'passkey%'").await;
        assert_eq!(told.len(), 2, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_touches_the_passkeys_of_somebody_else() {
    for host in fixtures().await {
        host.member(OTHER, Role::Admin).await;
        let (session, _) = host.equip(OWNER, &mut Authenticator::new(1)).await;
        let owner = host.resolve(&session).await.expect("a session");
        let mine = host.accounts.list(&owner).await.expect("read").remove(0).id;
        let other = host.actor(OTHER).await;
        assert!(host.accounts.list(&other).await.expect("read").is_empty());
        assert_eq!(host.refused(host.accounts.rename(&other, &mine, label("Mine"))).await.code, Code::NotFound);
        assert_eq!(host.refused(host.accounts.remove(&other, &mine)).await.code, Code::NotFound);
        assert_eq!(host.accounts.list(&owner).await.expect("read").len(), 1);
        // They go with the account.
        host.test.execute(&format!("DELETE FROM identity_memberships WHERE user_id = '{}'", host.owner)).await;
        host.test.execute(&format!("DELETE FROM identity_users WHERE id = '{}'", host.owner)).await;
        assert_eq!(host.test.count("identity_passkeys", "1 = 1").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_sign_in_has_five_tries_with_passkeys_as_well() {
    for host in fixtures().await {
        let mut phone = Authenticator::new(1);
        host.equip(OWNER, &mut phone).await;
        let pending = host.pending(OWNER).await;
        let mut stranger = Authenticator { handle: phone.handle.clone(), ..Authenticator::new(2) };
        for left in (0..FACTOR_TRIES).rev() {
            let question = host.asked(&pending).await;
            let refused = host.present(&pending, answer(&mut stranger, &question)).await.err();
            assert_eq!(refused, Some(if left == 0 { Code::SignInNeeded } else { Code::PasskeyRefused }));
        }
        assert!(host.accounts.begin_present(&pending, None).await.is_err());
    }
}
