//! The rules of support, on both databases, through the ports.

mod grants;
mod signing;

use std::sync::Arc;

use shutterpost_model::access::{Actor, Role};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{GrantId, OrganisationId};
use shutterpost_model::identity::{Accounts, Client, NewSession, SignIn};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::support::{Acting, AskAccess, StaffActor, Support, SupportAccess};

use super::{SupportService, admin};
use crate::identity::admin::{NewMember, create_member, create_owner};
use crate::identity::{AccountsService, PasswordPolicy, factors};
use crate::services::Deps;
use crate::testing::{self, TestDatabase};

const PASSWORD: &str = "tulip carousel nineteen ferry";
const STAFF_PASSWORD: &str = "walnut harbour eleven trombones";
const OWNER: &str = "olga@host.example";
const SAM: &str = "sam@shutterpost.example";
const TOM: &str = "tom@shutterpost.example";
const MINUTE: i64 = 60_000;

/// An installation with an organisation, its owner, and nobody of the staff.
struct Fixture {
    test: TestDatabase,
    deps: Deps,
    accounts: Arc<AccountsService>,
    support: SupportService,
    organisation: OrganisationId,
}

async fn fixtures() -> Vec<Fixture> {
    let mut all = Vec::new();
    for test in testing::databases().await {
        let deps = test.deps();
        let (organisation, _) = owner(&deps, "Host", OWNER).await;
        let accounts = Arc::new(AccountsService::new(deps.clone(), PasswordPolicy::FLOOR));
        let support = SupportService::new(deps.clone(), Arc::clone(&accounts));
        all.push(Fixture { test, deps, accounts, support, organisation });
    }
    all
}

async fn owner(deps: &Deps, name: &str, email: &str) -> (OrganisationId, shutterpost_model::id::UserId) {
    let (person, email) = (Pii::new("Olga Owner".into()), Pii::new(email.to_owned()));
    create_owner(deps, PasswordPolicy::FLOOR, name, person, email, secret(PASSWORD)).await.expect("an owner is made")
}

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn pii(text: &str) -> Pii<String> {
    Pii::new(text.into())
}

fn code<T>(result: Result<T, AppError>) -> Code {
    result.err().map(|error| error.code).expect("the call is refused")
}

/// The token at the end of a link.
fn token(link: &Secret) -> String {
    link.expose().rsplit('/').next().expect("a token").to_owned()
}

impl Fixture {
    async fn invite(&self, email: &str) -> String {
        let invited = admin::invite(&self.deps, pii("Sam Support"), pii(email), Language::English).await;
        token(&invited.expect("invited"))
    }

    /// Somebody of the staff who has joined; gives the secret of their app and the recovery codes.
    async fn join(&self, email: &str) -> (Secret, Vec<Secret>) {
        let token = self.invite(email).await;
        let setup = self.support.invitation(&token).await.expect("open").setup;
        let code = self.code(&setup.secret);
        let joined = self.support.accept_invitation(&token, secret(STAFF_PASSWORD), code, Client::default()).await;
        let codes = joined.expect("joined");
        self.next_code();
        (setup.secret, codes)
    }

    fn code(&self, of: &Secret) -> Secret {
        Secret::new(factors::code_at(of, self.deps.world.now()))
    }

    /// The app shows another code.
    fn next_code(&self) {
        self.test.clock.advance(30_000);
    }

    async fn sign_in(&self, email: &str, app: &Secret) -> NewSession {
        let pending = self.support.sign_in(pii(email), secret(STAFF_PASSWORD), Client::default()).await;
        let cookie = pending.expect("the password is right").cookie;
        let code = self.code(app);
        let session = self.support.present_factor(cookie.expose(), code, Client::default()).await;
        self.next_code();
        session.expect("the code is right")
    }

    async fn staff(&self, session: &NewSession) -> StaffActor {
        self.support.staff(session.cookie.expose()).await.expect("read").expect("a session")
    }

    /// Somebody of the staff, signed in.
    async fn arrive(&self, email: &str) -> (NewSession, StaffActor) {
        let (app, _) = self.join(email).await;
        let session = self.sign_in(email, &app).await;
        let staff = self.staff(&session).await;
        (session, staff)
    }

    async fn person(&self, email: &str) -> Actor {
        let form = SignIn { email: pii(email), password: secret(PASSWORD), remember: false };
        let session =
            self.accounts.sign_in(form, Client::default()).await.expect("right").session().expect("no factor");
        self.accounts.session(session.cookie.expose()).await.expect("read").expect("a session")
    }

    async fn owner(&self) -> Actor {
        self.person(OWNER).await
    }

    async fn member(&self, email: &str, role: Role) {
        let member = NewMember {
            name: pii("Max Member"),
            email: pii(email),
            password: secret(PASSWORD),
            role,
            language: Language::German,
        };
        create_member(&self.deps, PasswordPolicy::FLOOR, &self.organisation, member).await.expect("a member is made");
    }

    async fn ask(&self, staff: &StaffActor, access: SupportAccess) -> GrantId {
        self.support.ask(staff, self.asking(access)).await.expect("asked");
        self.support.desk(staff).await.expect("read").grants.first().expect("the newest").id.clone()
    }

    fn asking(&self, access: SupportAccess) -> AskAccess {
        let organisation = self.organisation.clone();
        AskAccess { organisation, reason: pii("The gallery of yesterday is empty"), minutes: 60, access }
    }

    /// Opens a grant, under a cookie that is another one from then on.
    async fn open(&self, (session, staff): (&mut NewSession, &mut StaffActor), grant: &GrantId) {
        *session = self.support.open(staff, grant).await.expect("opened");
        *staff = self.staff(session).await;
    }

    /// Asked for, allowed for an hour and opened.
    async fn let_in(&self, (session, staff): (&mut NewSession, &mut StaffActor), access: SupportAccess) -> GrantId {
        let grant = self.ask(staff, access).await;
        self.support.allow(&self.owner().await, &grant, 60).await.expect("allowed");
        self.open((session, staff), &grant).await;
        grant
    }

    async fn acting(&self, session: &NewSession) -> Acting {
        self.support.acting(session.cookie.expose()).await.expect("read")
    }

    async fn acts(&self, session: &NewSession) -> Actor {
        match self.acting(session).await {
            Acting::By(actor) => actor,
            other => panic!("{}: {other:?}", self.test.kind),
        }
    }

    /// Actions of the organisation's trail with the kind of actor, in the order of their names.
    async fn trail(&self) -> Vec<String> {
        let of = format!(
            "SELECT action || ' ' || actor_kind AS line FROM audit_entries WHERE organisation_id = '{}' \
             AND action LIKE 'support.%' ORDER BY line",
            self.organisation
        );
        self.test.select(&of).await
    }

    /// Whom mails about support go to, and what they tell.
    async fn mails(&self) -> Vec<String> {
        self.test
            .select("SELECT support_moment || ' ' || user_id AS line FROM messages WHERE template = 'support' ORDER BY line")
            .await
    }
}
