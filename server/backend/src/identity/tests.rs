//! The rules of identity, on both databases, through the ports.

mod adversary;
mod bearers;
mod directory;
mod edges;
mod joining;
mod operators;
mod passwords;
mod rules;
mod sessions;
mod sign_in;
mod tokens;
mod trail;
mod factors;
mod passkeys;

use std::future::Future;

use shutterpost_model::access::{Actor, Role};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{InvitationId, OrganisationId, ResetId, UserId};
use shutterpost_model::identity::{AcceptInvitation, Directory};
use shutterpost_model::identity::{Accounts, Client, Invite, NewSession, SignIn};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};

use super::admin::{self, NewMember};
use super::{AccountsService, DirectoryService, PasswordPolicy, one_time};
use crate::services::Deps;
use crate::testing::{self, TestDatabase};

const PASSWORD: &str = "tulip carousel nineteen ferry";
const OTHER_PASSWORD: &str = "walnut harbour eleven trombones";
const OWNER: &str = "olga@host.example";

/// An organisation with one owner.
struct Fixture {
    test: TestDatabase,
    deps: Deps,
    accounts: AccountsService,
    directory: DirectoryService,
    organisation: OrganisationId,
    owner: UserId,
}

async fn fixtures() -> Vec<Fixture> {
    let mut all = Vec::new();
    for test in testing::databases().await {
        let deps = test.deps();
        let (organisation, owner) = admin::create_owner(
            &deps,
            PasswordPolicy::FLOOR,
            "Host",
            Pii::new("Olga Owner".into()),
            Pii::new(OWNER.into()),
            secret(PASSWORD),
        )
        .await
        .expect("an owner is made");
        let accounts = AccountsService::new(deps.clone(), PasswordPolicy::FLOOR);
        let directory = DirectoryService::new(deps.clone());
        all.push(Fixture { test, deps, accounts, directory, organisation, owner });
    }
    all
}

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn form(email: &str, password: &str) -> SignIn {
    SignIn { email: Pii::new(email.into()), password: secret(password), remember: false }
}

impl Fixture {
    async fn sign_in(&self, email: &str, password: &str) -> Result<NewSession, AppError> {
        let signed_in = self.accounts.sign_in(form(email, password), Client::default()).await?;
        Ok(signed_in.session().expect("no second factor"))
    }

    async fn resolve(&self, session: &NewSession) -> Option<Actor> {
        self.accounts.session(session.cookie.expose()).await.expect("sessions are read")
    }

    /// The actor of somebody who signs in with [`PASSWORD`].
    async fn actor(&self, email: &str) -> Actor {
        let session = self.sign_in(email, PASSWORD).await.expect("the password is right");
        self.resolve(&session).await.expect("the session is new")
    }

    async fn member(&self, email: &str, role: Role) -> UserId {
        let member = NewMember {
            name: Pii::new("Max Member".into()),
            email: Pii::new(email.into()),
            password: secret(PASSWORD),
            role,
            language: Language::English,
        };
        admin::create_member(&self.deps, PasswordPolicy::FLOOR, &self.organisation, member)
            .await
            .expect("a member is made")
    }

    /// Another organisation with its owner.
    async fn neighbour(&self, name: &str, email: &str) -> (OrganisationId, UserId) {
        let (name, person) = (name.to_owned(), Pii::new("Nina Neighbour".into()));
        let email = Pii::new(email.into());
        admin::create_owner(&self.deps, PasswordPolicy::FLOOR, &name, person, email, secret(PASSWORD))
            .await
            .expect("made")
    }

    async fn invite(&self, actor: &Actor, email: &str, role: Role) -> Result<InvitationId, AppError> {
        let invite = Invite { email: Pii::new(email.into()), role, language: Language::German };
        self.directory.invite(actor, invite).await
    }

    fn invitation_token(&self, id: &InvitationId, generation: i32) -> String {
        one_time::invitation_token(&self.deps.keys, id, generation).reveal()
    }

    async fn accept(&self, token: &str, password: &str) -> Result<NewSession, AppError> {
        let accept = AcceptInvitation {
            name: Pii::new("Ivo Invited".into()),
            password: secret(password),
            language: Language::German,
        };
        let joined = self.accounts.accept_invitation(token, accept, Client::default()).await?;
        Ok(joined.session().expect("no second factor"))
    }

    /// Tokens of the resets that can still be used, as the mails hold them.
    async fn reset_tokens(&self) -> Vec<String> {
        let ids = self.test.select("SELECT id AS line FROM identity_resets WHERE used_at IS NULL ORDER BY id").await;
        ids.iter()
            .map(|id| one_time::reset_token(&self.deps.keys, &id.parse::<ResetId>().expect("an id")).reveal())
            .collect()
    }

    /// Runs a call that changes something and checks that it left exactly one entry in the trail.
    async fn once<T>(&self, call: impl Future<Output = Result<T, AppError>>) -> T {
        let before = self.test.count("audit_entries", "1 = 1").await;
        let value = call.await.expect("the call succeeds");
        assert_eq!(self.test.count("audit_entries", "1 = 1").await, before + 1, "{}: one entry", self.test.kind);
        value
    }

    /// Runs a call that is refused and checks that it changed nothing, but for the throttle of accounts.
    async fn refused<T>(&self, call: impl Future<Output = Result<T, AppError>>) -> AppError {
        let before = self.without_throttle().await;
        let Err(error) = call.await else { panic!("{}: the call is not refused", self.test.kind) };
        assert_eq!(self.without_throttle().await, before, "{}: {error:?}", self.test.kind);
        error
    }

    async fn without_throttle(&self) -> String {
        let sql = "UPDATE identity_users SET failures = 0, throttled_until = 0";
        let kept = self
            .test
            .select(
                "SELECT id || '|' || CAST(failures AS TEXT) || '|' || CAST(throttled_until AS TEXT) AS line \
                 FROM identity_users",
            )
            .await;
        self.test.execute(sql).await;
        let dump = self.test.dump().await;
        for line in kept {
            let [id, failures, until] = line.split('|').collect::<Vec<_>>()[..] else { panic!("three columns") };
            let sql =
                format!("UPDATE identity_users SET failures = {failures}, throttled_until = {until} WHERE id = '{id}'");
            self.test.execute(&sql).await;
        }
        dump
    }
}

fn code<T>(result: Result<T, AppError>) -> Code {
    result.err().map(|error| error.code).expect("the call is refused")
}
