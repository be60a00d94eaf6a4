//! The second request of a browser: from what it brought back to a session, or to the name of what was wrong.

use shutterpost_model::access::Role;
use shutterpost_model::connections::{State, TestReport};
use shutterpost_model::id::{ConnectionId, InvitationId, UserId};
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::sso::{Answer, Arrived, OidcAnswer, SamlAnswer};
use shutterpost_sso::oidc::attempt::{Callback, matches};
use shutterpost_sso::oidc::report::Report;
use shutterpost_sso::saml::login::{Form, OneUse};

use super::admission::place;
use super::attempts::{Begun, Payload, Proof, Purpose, Refusal};
use super::service::{SsoService, refused};
use super::visit::{Names, Shown, Visit, admission, of_oidc, of_saml, refused_in, used_up};
use super::{queries, report};
use crate::audit::record::{Doer, Entry, record};
use crate::connections::domains;
use crate::connections::queries::note_report;
use crate::connections::rows::{Settings, Usable};
use crate::db::write_tx;
use crate::error::Failure;
use crate::identity::provided::{self, Account, Entering, Standing};
use crate::services::Deps;

/// The verdict on an answer, and for tests how it came about.
struct Verdict {
    outcome: Result<Shown, &'static str>,
    report: Option<TestReport>,
    /// Somebody else's browser: what was begun stays for its own.
    foreign: bool,
}

impl Verdict {
    const fn no(check: &'static str, foreign: bool) -> Self {
        Self { outcome: Err(check), report: None, foreign }
    }
}

impl SsoService {
    pub(super) async fn try_arrive(
        &self,
        id: &ConnectionId,
        answer: Answer,
        browser: Option<Secret>,
        (client, language): (Client, Language),
    ) -> Result<Arrived, Failure> {
        let usable = self.usable(id).await?;
        let state = match (&answer, &usable.settings) {
            (Answer::Oidc(answer), Settings::Oidc(_)) => answer.state.as_ref(),
            (Answer::Saml(answer), Settings::Saml(_)) => answer.relay_state.as_ref(),
            _ => return Err(Failure::NotFound),
        };
        let begun = match state {
            Some(state) => self.begun(&usable, state).await?.filter(|begun| begun.purpose.arrives()),
            None => None,
        };
        let tests = begun.as_ref().is_some_and(|begun| begun.purpose == Purpose::Test);
        if usable.state == State::Off && !tests {
            return Err(Failure::NotFound);
        }
        let verdict = self.judge(&usable, begun.as_ref(), &answer, browser.as_ref()).await?;
        let Verdict { outcome, report, foreign } = verdict;
        let begun = begun.filter(|_| !foreign);
        if let (Some(begun), Some(report), true) = (&begun, report, tests) {
            return self.tested(&usable, begun, outcome.ok().and_then(|shown| shown.assertion), report, &client).await;
        }
        match (outcome, begun) {
            (Ok(shown), Some(begun)) if begun.purpose == Purpose::Confirm => {
                self.confirmed(&usable, begun, shown, &client).await
            }
            (Ok(shown), Some(begun)) => self.came(&usable, begun, shown, (client, language)).await,
            (Ok(_), None) => self.no(&usable, None, Refusal::Used.code(), &client).await,
            (Err(check), begun) => self.no(&usable, begun.as_ref(), check, &client).await,
        }
    }

    async fn no(
        &self,
        usable: &Usable,
        begun: Option<&Begun>,
        check: &'static str,
        client: &Client,
    ) -> Result<Arrived, Failure> {
        self.refuse(usable, begun, check, client).await?;
        Ok(Arrived::Refused { check })
    }

    /// Has the answer proved. Changes nothing.
    async fn judge(
        &self,
        usable: &Usable,
        begun: Option<&Begun>,
        answer: &Answer,
        browser: Option<&Secret>,
    ) -> Result<Verdict, Failure> {
        let now = self.deps.world.now();
        let ours = |begun: &Begun| browser.is_some_and(|browser| matches(browser, &begun.browser_hash));
        if begun.is_some_and(|begun| !ours(begun)) {
            return Ok(Verdict::no("other_browser", true));
        }
        match (answer, &usable.settings, begun.map(|begun| &begun.payload)) {
            (Answer::Oidc(answer), Settings::Oidc(connection), Some(Payload::Oidc(attempt))) => {
                let OidcAnswer { state, code, iss, error, user } = answer.clone();
                let callback = Callback { state, code, iss, error, user };
                let mut made = Report::default();
                let finished =
                    self.deps.providers.oidc.finish(connection, attempt, &callback, browser, now, &mut made).await;
                let report = report::of_oidc(&made, finished.is_ok(), now)?;
                let outcome = match finished {
                    Ok(signed_in) => Ok(Shown { proof: of_oidc(signed_in)?, assertion: None }),
                    Err(reject) => Err(reject.code()),
                };
                Ok(Verdict { outcome, report: Some(report), foreign: false })
            }
            // Nothing is asked of anybody.
            (Answer::Oidc(_), ..) => Ok(Verdict::no("state", false)),
            (Answer::Saml(answer), Settings::Saml(connection), payload) => {
                let tracker = match payload {
                    Some(Payload::Saml(tracker)) => Some(&**tracker),
                    _ => None,
                };
                let SamlAnswer { response, relay_state } = answer;
                let relay_state = relay_state.as_ref().map(Secret::expose);
                let form = Form { saml_response: response.expose(), relay_state };
                let consumed = self.deps.providers.saml.consume(connection, tracker, &form, now);
                let report = report::of_saml(&consumed.report, now)?;
                let outcome = match consumed.outcome {
                    Ok(proved) => Ok(of_saml(proved)?),
                    Err(reject) => Err(reject.code()),
                };
                Ok(Verdict { outcome, report: Some(report), foreign: false })
            }
            (Answer::Saml(_), ..) => Ok(Verdict::no("saml_unsolicited", false)),
        }
    }

    /// Ends a test: whoever began it must still be signed in. Nobody is let in, nothing but the report is kept.
    async fn tested(
        &self,
        usable: &Usable,
        begun: &Begun,
        assertion: Option<OneUse>,
        report: TestReport,
        client: &Client,
    ) -> Result<Arrived, Failure> {
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        let (usable, begun, request) = (usable.clone(), begun.clone(), client.request.clone());
        write_tx!(db, tx => {
            let Some((user, session)) = &begun.holder else { return Err(Failure::NotFound) };
            let mut check = used_up(tx, &keys, &usable, &begun, assertion.as_ref()).await?.err();
            if check.is_none() && !provided::lives(tx, user, session).await? {
                check = Some(Refusal::Used);
            }
            if let Some(check) = check {
                let entry = refused(&usable.id, check.code()).request(request);
                record(tx, &world, Some(&usable.organisation), &Doer::System, entry).await?;
                return Ok(Arrived::Refused { check: check.code() });
            }
            note_report(tx, &world, &keystore, &usable, &report).await?;
            let entry = Entry::new("sso.test").object(usable.id.as_str()).request(request);
            record(tx, &world, Some(&usable.organisation), &Doer::User(user.clone()), entry).await?;
            Ok(Arrived::Tested)
        })
    }

    /// Lets a session go on whose holder has shown at the provider who they are.
    async fn confirmed(
        &self,
        usable: &Usable,
        begun: Begun,
        shown: Shown,
        client: &Client,
    ) -> Result<Arrived, Failure> {
        let Deps { db, world, keys, .. } = self.deps.clone();
        let identity = Names { keys: &keys, connection: &usable.id }.identity(&shown.proof);
        let found = queries::user_of(&mut db.read().await?, &usable.id, &identity).await?;
        let holder = begun.holder.clone().filter(|(user, _)| found.as_ref() == Some(user));
        let Some((user, session)) = holder else {
            return self.no(usable, Some(&begun), Refusal::OtherPerson.code(), client).await;
        };
        let entering = self.accounts.entering(&user, client).await?;
        let (usable, request) = (usable.clone(), client.request.clone());
        write_tx!(db, tx => {
            if let Err(refusal) = used_up(tx, &keys, &usable, &begun, shown.assertion.as_ref()).await? {
                return refused_in(tx, &world, &usable, refusal, request).await;
            }
            if !queries::touch(tx, &usable.id, (&identity, &user), world.now()).await? {
                return refused_in(tx, &world, &usable, Refusal::OtherPerson, request).await;
            }
            let renewed: NewSession = provided::renew(tx, &world, &keys, &entering, &session).await?;
            let entry = Entry::new("identity.confirm").object(session.as_str()).request(request);
            record(tx, &world, None, &Doer::User(user), entry).await?;
            Ok(Arrived::Confirmed { session: renewed, next: begun.next })
        })
    }

    /// Somebody was proved who wants in.
    async fn came(
        &self,
        usable: &Usable,
        begun: Begun,
        shown: Shown,
        (client, language): (Client, Language),
    ) -> Result<Arrived, Failure> {
        let Deps { db, keys, .. } = &self.deps;
        let identity = Names { keys, connection: &usable.id }.identity(&shown.proof);
        let known = queries::user_of(&mut db.read().await?, &usable.id, &identity).await?;
        let door = match known {
            Some(user) => Door::Known(self.accounts.entering(&user, &client).await?),
            None => match self.stranger(usable, &shown.proof, language, &client).await? {
                Ok(door) => door,
                Err(refusal) => return self.no(usable, Some(&begun), refusal.code(), &client).await,
            },
        };
        match door {
            Door::Tie(account) => self.to_tie(usable, begun, shown, account, &client).await,
            Door::Known(entering) => self.enter(usable, begun, shown, (entering, None, true), client).await,
            Door::Joins(entering, invitation) => {
                self.enter(usable, begun, shown, (entering, invitation, false), client).await
            }
        }
    }

    /// Who somebody is whom the connection has not brought before. An address leads to an account of this organisation, and
    /// to its own proof; never into one of anybody else.
    async fn stranger(
        &self,
        usable: &Usable,
        proof: &Proof,
        language: Language,
        client: &Client,
    ) -> Result<Result<Door, Refusal>, Failure> {
        let Some(email) = proof.email.clone().map(Pii::new) else { return Ok(Err(Refusal::NoEmail)) };
        if let Some(account) = self.accounts.account_of(&email).await? {
            return Ok(if account.disabled {
                Err(Refusal::Disabled)
            } else if self.is_member(usable, &account.id).await? {
                Ok(Door::Tie(account))
            } else {
                Err(Refusal::AccountElsewhere)
            });
        }
        let invited = self.accounts.invited(&usable.organisation, &email).await?;
        let promised = invited.as_ref().map(|(_, role)| *role);
        if let Err(refusal) = place(Standing::Stranger, &admission(usable), &proof.groups, promised) {
            return Ok(Err(refusal));
        }
        if !proof.email_verified {
            let speaker = (&usable.organisation, &usable.id);
            if !domains::speaks_for(&mut self.deps.db.read().await?, speaker, &email).await? {
                return Ok(Err(Refusal::EmailUnverified));
            }
        }
        let name = proof.name.clone().map(Pii::new);
        let entering = self.accounts.entering_anew(email, name.as_ref(), language, client).await?;
        Ok(Ok(Door::Joins(entering, invited)))
    }

    async fn is_member(&self, usable: &Usable, user: &UserId) -> Result<bool, Failure> {
        let (db, organisation, user) = (self.deps.db.clone(), usable.organisation.clone(), user.clone());
        let standing = write_tx!(db, tx => provided::standing(tx, &organisation, &user).await)?;
        Ok(matches!(standing, Standing::Member(_)))
    }

    /// Opens the door, in one transaction with everything that is used up by it.
    async fn enter(
        &self,
        usable: &Usable,
        begun: Begun,
        shown: Shown,
        (entering, invitation, known): (Entering, Option<(InvitationId, Role)>, bool),
        client: Client,
    ) -> Result<Arrived, Failure> {
        let disabled = self.accounts.account(entering.user()).await?.is_some_and(|account| account.disabled);
        if disabled {
            return self.no(usable, Some(&begun), Refusal::Disabled.code(), &client).await;
        }
        let Deps { db, world, keys, .. } = self.deps.clone();
        let usable = usable.clone();
        write_tx!(db, tx => {
            let request = client.request;
            if let Err(refusal) = used_up(tx, &keys, &usable, &begun, shown.assertion.as_ref()).await? {
                return refused_in(tx, &world, &usable, refusal, request).await;
            }
            let visit = Visit { world: &world, keys: &keys, usable: &usable, proof: &shown.proof, entering: &entering };
            let standing = provided::standing(tx, &usable.organisation, entering.user()).await?;
            let promised = invitation.as_ref().map(|(_, role)| *role);
            let action = match place(standing, &admission(&usable), &shown.proof.groups, promised) {
                Err(refusal) => return refused_in(tx, &world, &usable, refusal, request).await,
                Ok(place) => visit.take_place(tx, place, invitation.as_ref().map(|(id, _)| id)).await?,
            };
            visit.be_known(tx, known).await?;
            let method = visit.method();
            let (signed_in, session) = visit.admit(tx, method).await?;
            if action.is_some() || session.is_some() {
                let entry = visit.entry(action, session.as_ref()).request(request);
                record(tx, &world, Some(&usable.organisation), &Doer::User(entering.user().clone()), entry).await?;
            }
            Ok(Arrived::SignedIn { signed_in, next: begun.next })
        })
    }
}

/// Where somebody whom the connection has not brought before goes on.
enum Door {
    Known(Entering),
    Tie(Account),
    Joins(Entering, Option<(InvitationId, Role)>),
}
