//! To the millisecond and to the second caller: what has been read as good may be gone when it is used.

use shutterpost_model::access::{Credential, Permission, Role};
use shutterpost_model::id::{PendingId, ResetId};
use shutterpost_model::identity::passkeys::{CEREMONY_GOOD, Passkeys};
use shutterpost_model::identity::security::{Security, SignedIn};
use shutterpost_model::identity::{Accounts, Client, SignIn};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::time::DAY;

use super::{Fixture, OTHER_PASSWORD, OWNER, PASSWORD, fixtures, form, secret};
use crate::db::write_tx;
use crate::error::Failure;
use crate::identity::one_time;
use crate::identity::queries::{directory, factors, one_time as links, provided, sessions, users};
use crate::identity::scope::OrgScope;
use crate::keystore::Sealed;

const MINUTE: i64 = 60_000;

impl Fixture {
    /// The only id in a table.
    async fn only(&self, table: &str) -> String {
        let ids = self.test.select(&format!("SELECT id AS line FROM {table}")).await;
        let [id] = &ids[..] else { panic!("{}: {} rows of {table}", self.test.kind, ids.len()) };
        id.clone()
    }
}

/// Two who come at the same time have both read it as good; to one of them the database says that it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_one_use_is_used_by_one_of_two() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let now = host.deps.world.now();
        let invitation = host.invite(&owner, "ivo@guest.example", Role::Viewer).await.expect("invited");
        let token = one_time::invitation_token(&host.deps.keys, &invitation, 0);
        let hash = one_time::invitation_hash(&host.deps.keys, &token);
        // Another one, renewed once and then accepted without its link, by whom a provider vouches for.
        let other = host.invite(&owner, "eva@guest.example", Role::Viewer).await.expect("invited");
        let renewed = one_time::invitation_token(&host.deps.keys, &other, 1);
        let renewed = one_time::invitation_hash(&host.deps.keys, &renewed);
        let revoked = host.invite(&owner, "udo@guest.example", Role::Viewer).await.expect("invited");
        let scope = OrgScope::prove(&owner, Permission::PeopleManage).expect("an owner");
        let app = host.enrol(OWNER).await;
        let email = Pii::new(OWNER.to_owned());
        host.accounts.request_reset(email, Language::German, Client::default()).await.expect("sent");
        let reset: ResetId = host.only("identity_resets").await.parse().expect("an id");
        let waiting = Accounts::sign_in(&host.accounts, form(OWNER, PASSWORD), Client::default()).await.expect("right");
        assert!(matches!(waiting, SignedIn::Factor(_)));
        let pending: PendingId = host.only("identity_pending").await.parse().expect("an id");
        let actor = host.resolve(&app.session).await.expect("signed in");
        let Credential::Session { session, .. } = actor.credential() else { panic!("a session") };
        for first in [true, false] {
            let (invitation, reset, pending, ended) =
                (invitation.clone(), reset.clone(), pending.clone(), session.clone());
            let (scope, other, revoked) = (scope.clone(), other.clone(), revoked.clone());
            let used: Result<[bool; 7], Failure> = write_tx!(host.deps.db, tx => Ok([
                links::accept(tx, &invitation, &hash, now).await?,
                directory::renew_invitation(tx, &scope, &other, 0, &renewed, now).await?,
                provided::accept_invitation(tx, other.as_str(), now).await?,
                directory::revoke_invitation(tx, &scope, &revoked, now).await?,
                links::use_reset(tx, &reset, now).await?,
                factors::end_pending(tx, &pending).await?,
                sessions::delete(tx, &ended).await?,
            ]));
            assert_eq!(used.expect("is written"), [first; 7], "{}", host.test.kind);
        }
    }
}

/// Of two who prove the same password, one may have changed it meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_replaced_meanwhile_proves_nothing() {
    for host in fixtures().await {
        let actor = host.actor(OWNER).await;
        let read = || async {
            let mut conn = host.deps.db.read().await.expect("a connection");
            let user = users::by_id(&mut conn, &host.deps.keystore, &host.owner).await.expect("read");
            user.and_then(|user| user.password).expect("has one").stored
        };
        let before = read().await;
        let settle = |proved: Sealed<Secret>| {
            let (db, user) = (host.deps.db.clone(), host.owner.clone());
            async move { write_tx!(db, tx => users::settle(tx, &user, &proved, None).await) }
        };
        assert!(settle(before.clone()).await.expect("is written"));
        host.accounts.change_password(&actor, secret(PASSWORD), secret(OTHER_PASSWORD)).await.expect("changed");
        assert!(!settle(before).await.expect("is written"));
        assert!(settle(read().await).await.expect("is written"));
    }
}

/// Cookies end with what they stand for, in seconds.
#[tokio::test(flavor = "multi_thread")]
async fn cookies_last_as_long_as_what_they_open() {
    for host in fixtures().await {
        let question = host.accounts.begin_sign_in(None).await.expect("asked");
        assert_eq!(question.max_age, CEREMONY_GOOD / 1000);
        let remember = || async {
            let sign_in = SignIn { remember: true, ..form(OWNER, PASSWORD) };
            Accounts::sign_in(&host.accounts, sign_in, Client::default()).await.expect("signed in")
        };
        let session = remember().await.session().expect("a session");
        let actor = host.resolve(&session).await.expect("signed in");
        // Goes on under another cookie, and ends when it would have ended.
        host.test.clock.advance(DAY);
        let renewed = host.accounts.change_password(&actor, secret(PASSWORD), secret(OTHER_PASSWORD)).await;
        assert_eq!(renewed.expect("changed").max_age, Some(29 * 24 * 3600));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_begun_waits_for_a_quarter_of_an_hour() {
    for host in fixtures().await {
        let actor = host.actor(OWNER).await;
        host.accounts.begin_totp(&actor).await.expect("begun");
        host.test.clock.advance(15 * MINUTE - 1);
        assert!(host.accounts.totp_setup(&actor).await.expect("read").is_some());
        host.test.clock.advance(1);
        assert!(host.accounts.totp_setup(&actor).await.expect("read").is_none());
        // And a sign-in that waits for its factor has ten minutes.
        host.enrol(OWNER).await;
        let waiting = Accounts::sign_in(&host.accounts, form(OWNER, PASSWORD), Client::default()).await.expect("right");
        let SignedIn::Factor(pending) = waiting else { panic!("no second factor was asked for") };
        assert_eq!(pending.max_age, 600);
    }
}
