//! What an organisation asks of everybody who works in it.

use shutterpost_model::access::Permission;
use shutterpost_model::error::Code;
use shutterpost_model::identity::security::Security;
use shutterpost_model::identity::{Accounts, Directory};

use super::{OWNER, PASSWORD, fixtures, secret};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_others_for_a_second_factor_has_it() {
    for host in fixtures().await {
        let owner = host.actor(OWNER).await;
        let refused = host.directory.require_factor(&owner, true).await;
        assert_eq!(refused.err().map(|error| error.code), Some(Code::FactorFirst));
        assert!(!host.actor(OWNER).await.lacks_factor(), "nothing was switched on");
        assert!(host.actor(OWNER).await.may(Permission::SignInManage));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_factor_asked_for_is_kept_until_it_is_asked_for_no_more() {
    for host in fixtures().await {
        let app = host.enrol(OWNER).await;
        let owner = host.resolve(&app.session).await.expect("signed in");
        host.directory.require_factor(&owner, true).await.expect("has it");
        let rules = host.directory.sign_in_rules(&owner).await.expect("read");
        assert!(rules.factor_required_at.is_some() && rules.with_factor == 1);
        let owner = host.resolve(&app.session).await.expect("signed in");
        assert!(!owner.lacks_factor(), "who has it is not concerned");
        let kept = host.accounts.remove_totp(&owner, secret(PASSWORD), host.code(&app.secret)).await;
        assert_eq!(kept.err().map(|error| error.code), Some(Code::FactorKept));
        host.directory.require_factor(&owner, false).await.expect("has it");
        host.accounts.remove_totp(&owner, secret(PASSWORD), host.code(&app.secret)).await.expect("no more");
    }
}
