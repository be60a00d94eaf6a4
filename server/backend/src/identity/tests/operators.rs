//! What operators do from the machine.

use shutterpost_model::access::Role;
use shutterpost_model::error::Code;
use shutterpost_model::identity::passkeys::Passkeys;
use shutterpost_model::identity::security::SignedIn;
use shutterpost_model::identity::{Accounts, Client};
use shutterpost_model::pii::Pii;

use super::{OWNER, PASSWORD, code, fixtures, form};
use crate::identity::admin;
use crate::testing;

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_is_empty_until_there_is_somebody() {
    for test in testing::databases().await {
        assert!(admin::is_empty(&test.deps().db).await.expect("read"), "{}", test.kind);
    }
    for host in fixtures().await {
        assert!(!admin::is_empty(&host.deps.db).await.expect("read"));
        host.test.execute("DELETE FROM identity_memberships").await;
        host.test.execute("DELETE FROM identity_users").await;
        assert!(!admin::is_empty(&host.deps.db).await.expect("read"), "{}: an organisation is left", host.test.kind);
    }
    for host in fixtures().await {
        host.test.execute("DELETE FROM identity_memberships").await;
        host.test.execute("DELETE FROM identity_organisations").await;
        assert!(!admin::is_empty(&host.deps.db).await.expect("read"), "{}: a person is left", host.test.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_phone_and_codes_is_let_in_by_the_operator() {
    for host in fixtures().await {
        let remove = async |email: &str| admin::remove_factor(&host.deps, &Pii::new(email.into())).await;
        assert!(!remove(OWNER).await.expect("asked"), "there is none");
        assert!(!remove("nobody@host.example").await.expect("asked"));
        assert_eq!(host.test.count("audit_entries", "action = 'identity.remove_factor'").await, 0);

        host.member("other@host.example", Role::Admin).await;
        let others = host.enrol("other@host.example").await;
        let enrolled = host.enrol(OWNER).await;
        let actor = host.resolve(&enrolled.session).await.expect("a session");
        let question = host.accounts.begin_add(&actor, None).await.expect("asked");
        let mut phone = testing::Authenticator::new(1);
        let given = super::passkeys::new_answer(&mut phone, &question);
        let (session, _) = host.accounts.add(&actor, Pii::new("Phone".into()), given).await.expect("taken");
        let begun = Accounts::sign_in(&host.accounts, form(OWNER, PASSWORD), Client::default()).await.expect("right");
        let SignedIn::Factor(pending) = begun else { panic!("a second factor is asked for") };

        assert!(host.once(remove(&OWNER.to_uppercase())).await);
        let of_owner = format!("user_id = '{}'", host.owner);
        for table in ["identity_totp", "identity_passkeys", "identity_recovery_codes", "identity_pending"] {
            assert_eq!(host.test.count(table, &of_owner).await, 0, "{}: {table}", host.test.kind);
        }
        assert!(host.resolve(&session).await.is_none(), "sessions have ended");
        let question = host.accounts.begin_present(&pending.cookie, None).await;
        assert_eq!(code(question), Code::SignInNeeded, "what waited has, too");
        let told = format!("user_id = '{}' AND activity = 'factor_removed'", host.owner);
        assert_eq!(host.test.count("messages", &told).await, 1);
        // The password is enough again, and others keep theirs.
        host.sign_in(OWNER, PASSWORD).await.expect("the password is right");
        assert!(host.resolve(&others.session).await.is_some());
        assert!(!remove(OWNER).await.expect("asked"), "only once");
    }
}
