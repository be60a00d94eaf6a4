//! Case 128: an organisation that asks everybody to sign in by its own provider, and its owner for emergencies.

use serde_json::json;
use shutterpost_model::access::{Actor, Permission, Role};
use shutterpost_model::connections::{Connections as _, State};
use shutterpost_model::error::Code;
use shutterpost_model::id::UserId;
use shutterpost_model::identity::security::{Security as _, SignedIn};
use shutterpost_model::identity::{Accounts as _, Client, Directory as _, NewSession, SignIn};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::sso::{Arrived, SingleSignOn as _};
use shutterpost_model::time::DAY;

use super::fixture::{Host, OWNER, PASSWORD, hosts, secret, session};
use crate::connections::ConnectionsService;
use crate::identity::factors::code_at;
use crate::identity::{DirectoryService, admin};
use crate::jobs::Permit;

const OTHER_OWNER: &str = "otto@host.example";
const ADMIN: &str = "ada@host.example";
const STEP: i64 = 30_000;
/// The year 2100.
const FAR: i64 = 4_102_444_800_000;

fn directory(host: &Host) -> DirectoryService {
    DirectoryService::new(host.deps.clone())
}

async fn by_password(host: &Host, email: &str) -> SignedIn {
    let form = SignIn { email: Pii::new(email.into()), password: secret(PASSWORD), remember: false };
    host.accounts.sign_in(form, Client::default()).await.expect("right")
}

async fn password_session(host: &Host, email: &str) -> NewSession {
    by_password(host, email).await.session().expect("no factor")
}

/// Sets up an app, and gives its secret and the session in which that was done.
async fn enrol(host: &Host, email: &str) -> (Secret, NewSession) {
    let actor = host.resolve(&password_session(host, email).await).await.expect("a session");
    host.accounts.begin_totp(&actor).await.expect("begun");
    let app = host.accounts.totp_setup(&actor).await.expect("read").expect("waits").secret;
    let (session, _) = host.accounts.confirm_totp(&actor, code(host, &app)).await.expect("right");
    host.test.clock.advance(STEP);
    (app, session)
}

fn code(host: &Host, app: &Secret) -> Secret {
    secret(&code_at(app, host.deps.world.now()))
}

/// Signs in by password and code; takes thirty seconds.
async fn with_factor(host: &Host, email: &str, app: &Secret) -> NewSession {
    let SignedIn::Factor(waits) = by_password(host, email).await else { panic!("no factor was asked for") };
    let shown = host.accounts.present_factor(waits.cookie.expose(), code(host, app), Client::default()).await;
    host.test.clock.advance(STEP);
    shown.expect("right")
}

/// The owner, come by the connection for the first time.
async fn boss(host: &Host, app: Option<&Secret>) -> NewSession {
    let arrived = host.visit("olga", &json!({ "email": OWNER })).await;
    let Arrived::Tie { cookie, .. } = arrived else { panic!("{arrived:?}") };
    let proof = (secret(PASSWORD), app.map(|app| code(host, app)).unwrap_or_default());
    let (opened, _) = host.sso.tie(&host.oidc, cookie.expose(), proof, Client::default()).await.expect("tied");
    host.test.clock.advance(STEP);
    opened
}

async fn actor(host: &Host, session: &NewSession) -> Actor {
    host.resolve(session).await.expect("still signed in")
}

async fn barred(host: &Host, session: &NewSession) -> bool {
    let actor = actor(host, session).await;
    let nothing = Permission::ALL.iter().all(|permission| !actor.may(*permission));
    assert_eq!(nothing, actor.lacks_own_sign_in(), "{}", host.test.kind);
    nothing
}

/// An organisation that asks for it, with a second owner who has an app: the first owner by the provider, and the other's
/// account and app.
async fn asked(host: &Host) -> (NewSession, UserId, Secret) {
    let otto = host.member(OTHER_OWNER, Role::Owner).await;
    let (app, _) = enrol(host, OTHER_OWNER).await;
    let olga = boss(host, None).await;
    directory(host).require_own_sign_in(&actor(host, &olga).await, true).await.expect("came by it");
    (olga, otto, app)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_128_only_who_came_by_a_connection_that_is_on_asks_others_for_it() {
    for host in hosts().await {
        let directory = directory(&host);
        let refused = directory.require_own_sign_in(&host.owner, true).await;
        assert_eq!(refused.err().map(|error| error.code), Some(Code::OwnSignInFirst));
        assert!(!directory.sign_in_rules(&host.owner).await.expect("read").own_sign_in.came_by);
        let olga = boss(&host, None).await;
        let olga = actor(&host, &olga).await;
        host.test.execute(&format!("UPDATE sso_connections SET state = 'off' WHERE id = '{}'", host.oidc)).await;
        let refused = directory.require_own_sign_in(&olga, true).await;
        assert_eq!(refused.err().map(|error| error.code), Some(Code::OwnSignInFirst), "it is off");
        host.test.execute(&format!("UPDATE sso_connections SET state = 'on' WHERE id = '{}'", host.oidc)).await;
        host.member(ADMIN, Role::Admin).await;
        let ada = actor(&host, &password_session(&host, ADMIN).await).await;
        let refused = directory.require_own_sign_in(&ada, true).await;
        assert_eq!(refused.err().map(|error| error.code), Some(Code::Forbidden));
        assert_eq!(host.test.count("identity_organisations", "sso_required_at IS NOT NULL").await, 0);

        directory.require_own_sign_in(&olga, true).await.expect("came by it");
        directory.require_own_sign_in(&olga, true).await.expect("nothing to do");
        let rules = directory.sign_in_rules(&olga).await.expect("read").own_sign_in;
        assert!(rules.came_by && rules.required_at.is_some() && rules.armed.is_empty());
        assert_eq!(host.test.count("audit_entries", "action = 'identity.change_rules'").await, 1);
        assert_eq!(host.test.count("messages", "notice = 'own_sign_in_required'").await, 1);
        host.test.clock.advance(20 * 60_000);
        let late = directory.require_own_sign_in(&olga, false).await;
        assert_eq!(late.err().map(|error| error.code), Some(Code::ConfirmNeeded));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_128_a_password_opens_nothing_from_the_next_request_on_and_the_provider_does() {
    for host in hosts().await {
        host.member(ADMIN, Role::Admin).await;
        let under_way = password_session(&host, ADMIN).await;
        assert!(!barred(&host, &under_way).await, "the control");
        let (olga, ..) = asked(&host).await;
        assert!(barred(&host, &under_way).await && barred(&host, &password_session(&host, ADMIN).await).await);
        let (app, with_app) = enrol(&host, ADMIN).await;
        assert!(barred(&host, &with_app).await, "a second factor is not what is asked for");
        let ada = actor(&host, &with_factor(&host, ADMIN, &app).await).await;
        let refused = directory(&host).people(&ada).await;
        assert_eq!(refused.err().map(|error| error.code), Some(Code::OwnSignInNeeded));
        let me = host.accounts.me(&ada).await.expect("one's own account");
        assert!(me.own_sign_in_needed && !me.may(Permission::EventRead));
        let ways = host.accounts.ways_in(&ada).await.expect("read");
        let mut ways: Vec<_> = ways.into_iter().map(|way| way.connection).collect();
        ways.sort();
        let mut on = vec![host.oidc.clone(), host.saml.clone()];
        on.sort();
        assert_eq!(ways, on, "those of this organisation");

        // Whatever organisation the session would fall back to.
        host.test.execute("UPDATE identity_sessions SET organisation_id = NULL WHERE connection_id IS NULL").await;
        assert!(actor(&host, &with_app).await.lacks_own_sign_in());
        assert!(!barred(&host, &olga).await && !barred(&host, &session(host.visit("paul", &json!({})).await)).await);
        // Another organisation is not concerned.
        let nina = actor(&host, &password_session(&host, "nina@other.example").await).await;
        assert!(nina.may(Permission::SignInManage));

        directory(&host).require_own_sign_in(&actor(&host, &olga).await, false).await.expect("an owner");
        assert!(!barred(&host, &with_app).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_128_an_armed_owner_gets_in_by_their_factor_and_all_owners_are_told_once() {
    for host in hosts().await {
        let (olga, otto, app) = asked(&host).await;
        let directory = directory(&host);
        let before = with_factor(&host, OTHER_OWNER, &app).await;
        assert!(barred(&host, &before).await, "the control: a factor alone opens nothing");
        directory.arm_owner(&actor(&host, &olga).await, &otto, 7).await.expect("an owner with a factor");
        assert_eq!(host.test.count("messages", "notice = 'owner_armed'").await, 2, "all owners");
        assert_eq!(host.test.count("audit_entries", "action = 'identity.use_emergency'").await, 0);
        let (one, other) = tokio::join!(host.resolve(&before), host.resolve(&before));
        assert!([one, other].into_iter().flatten().filter(|actor| actor.may(Permission::SignInManage)).count() == 2);
        let again = with_factor(&host, OTHER_OWNER, &app).await;
        assert!(!barred(&host, &again).await);
        assert_eq!(host.test.count("audit_entries", "action = 'identity.use_emergency'").await, 1);
        assert_eq!(host.test.count("messages", "notice = 'emergency_used'").await, 2);
        let rules = directory.sign_in_rules(&actor(&host, &again).await).await.expect("open to them").own_sign_in;
        assert!(rules.armed.iter().all(|one| one.user == otto && one.used_at.is_some() && one.counts));
        assert_eq!((rules.armed.len(), rules.came_by), (1, false));

        // Taken back at once, for the session under way.
        let boss = actor(&host, &olga).await;
        directory.disarm_owner(&boss, &otto).await.expect("armed");
        assert!(barred(&host, &again).await);
        let nothing = directory.disarm_owner(&boss, &otto).await;
        assert_eq!(nothing.err().map(|error| error.code), Some(Code::NotFound));
        assert_eq!(host.test.count("messages", "notice = 'owner_disarmed'").await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_128_what_an_armed_owner_may_ends_to_the_millisecond() {
    for host in hosts().await {
        let (olga, otto, app) = asked(&host).await;
        directory(&host).arm_owner(&actor(&host, &olga).await, &otto, 1).await.expect("an owner with a factor");
        host.test.clock.advance(DAY - 2 * STEP);
        let session = with_factor(&host, OTHER_OWNER, &app).await;
        host.test.clock.advance(STEP - 1);
        assert!(!barred(&host, &session).await, "{}", host.test.kind);
        host.test.clock.advance(1);
        assert!(barred(&host, &session).await, "{}", host.test.kind);
        // Armed anew it is used anew.
        admin::arm_owner(&host.deps, &host.organisation, &Pii::new(OTHER_OWNER.into())).await.expect("by the operator");
        assert!(!barred(&host, &session).await);
        assert_eq!(host.test.count("audit_entries", "action = 'identity.use_emergency'").await, 2);
        assert_eq!(host.test.count("identity_emergencies", "armed_by IS NULL").await, 1);
        host.test.clock.advance(DAY);
        crate::identity::session::sweep(&host.test.db, &host.deps.world, &Permit::of_test()).await.expect("swept");
        assert_eq!(host.test.count("identity_emergencies", "1 = 1").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_128_nobody_is_armed_but_an_owner_with_a_factor_and_what_is_lost_opens_nothing() {
    for host in hosts().await {
        let ada = host.member(ADMIN, Role::Admin).await;
        let (admins, _) = enrol(&host, ADMIN).await;
        let (olga, otto, app) = asked(&host).await;
        let directory = directory(&host);
        let boss = actor(&host, &olga).await;
        let offered = directory.sign_in_rules(&boss).await.expect("read").own_sign_in.candidates;
        assert_eq!(offered.iter().map(|one| &one.user).collect::<Vec<_>>(), [&otto], "{}", host.test.kind);
        let refused = directory.arm_owner(&boss, &ada, 1).await.expect_err("no owner");
        assert_eq!(refused.of("user"), Some(Code::BadChoice));
        let own = boss.user().expect("a person").clone();
        assert_eq!(directory.arm_owner(&boss, &own, 1).await.err().map(|error| error.code), Some(Code::FactorFirst));
        for days in [0, 2, 31, -1] {
            let refused = directory.arm_owner(&boss, &otto, days).await.expect_err("no choice");
            assert_eq!(refused.of("days"), Some(Code::BadChoice), "{days}");
        }
        let nina = host.test.select("SELECT id AS line FROM identity_users ORDER BY created_at, id").await;
        let strangers = nina.iter().filter(|id| ![own.as_str(), otto.as_str(), ada.as_str()].contains(&id.as_str()));
        for stranger in strangers {
            let refused = directory.arm_owner(&boss, &stranger.parse().expect("an id"), 1).await;
            assert_eq!(refused.err().map(|error| error.code), Some(Code::NotFound));
        }
        let operator = admin::arm_owner(&host.deps, &host.organisation, &Pii::new(ADMIN.into())).await;
        assert_eq!(operator.expect_err("no owner").of("user"), Some(Code::BadChoice));
        let operator = admin::arm_owner(&host.deps, &host.organisation, &Pii::new("nina@other.example".into())).await;
        assert_eq!(operator.err().map(|error| error.code), Some(Code::NotFound));
        assert_eq!(host.test.count("identity_emergencies", "1 = 1").await, 0);

        // A row that should not be there opens nothing for who is no owner.
        let row = |user: &UserId| {
            format!(
                "INSERT INTO identity_emergencies (organisation_id, user_id, armed_at, ends_at) \
                 VALUES ('{}', '{user}', 1, {})",
                host.organisation, FAR
            )
        };
        host.test.execute(&row(&ada)).await;
        let admins = with_factor(&host, ADMIN, &admins).await;
        assert!(barred(&host, &admins).await);
        // Nor does a session that showed no factor, nor one whose factor or role is gone.
        host.test.execute(&row(&otto)).await;
        let armed = directory.sign_in_rules(&boss).await.expect("read").own_sign_in.armed;
        assert_eq!(armed.len(), 2);
        assert!(armed.iter().all(|one| one.counts == (one.user == otto)), "{}: nor is it told so", host.test.kind);
        let session = with_factor(&host, OTHER_OWNER, &app).await;
        assert!(!barred(&host, &session).await, "the control");
        let method = |name: &str| format!("UPDATE identity_sessions SET method = '{name}' WHERE user_id = '{otto}'");
        host.test.execute(&method("password")).await;
        assert!(barred(&host, &session).await, "no factor shown");
        host.test.execute(&method("password_and_code")).await;
        assert!(!barred(&host, &session).await, "the control");
        let role = |name: &str| format!("UPDATE identity_memberships SET role = '{name}' WHERE user_id = '{otto}'");
        host.test.execute(&role("admin")).await;
        assert!(barred(&host, &session).await, "no owner any more");
        host.test.execute(&role("owner")).await;
        host.test.execute(&format!("DELETE FROM identity_totp WHERE user_id = '{otto}'")).await;
        assert!(barred(&host, &session).await, "the factor is gone");
        // Who is removed is armed no more.
        directory.remove_member(&boss, &otto).await.expect("removed");
        assert_eq!(host.test.count("identity_emergencies", &format!("user_id = '{otto}'")).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_128_the_last_connection_stays_on_while_everybody_has_to_come_by_one() {
    for host in hosts().await {
        let (olga, ..) = asked(&host).await;
        let boss = actor(&host, &olga).await;
        let connections = ConnectionsService::new(host.deps.clone());
        connections.switch(&boss, &host.saml, State::Off).await.expect("there is another one");
        let last = connections.switch(&boss, &host.oidc, State::Off).await;
        assert_eq!(last.err().map(|error| error.code), Some(Code::LastConnection));
        let last = connections.delete(&boss, &host.oidc).await;
        assert_eq!(last.err().map(|error| error.code), Some(Code::LastConnection));
        assert!(!barred(&host, &session(host.visit("paul", &json!({})).await)).await, "it still opens");
        connections.delete(&boss, &host.saml).await.expect("it was off");
        directory(&host).require_own_sign_in(&boss, false).await.expect("an owner");
        connections.delete(&boss, &host.oidc).await.expect("nobody has to come by it");
    }
}
