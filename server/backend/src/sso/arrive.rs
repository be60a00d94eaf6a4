//! The second request of a browser: from what it brought back to a session, or to the name of what was wrong.

use shutterpost_model::access::Role;
use shutterpost_model::connections::{Admission, State, TestReport};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{ConnectionId, IdentityId, InvitationId, RequestId, SessionId, UserId};
use shutterpost_model::identity::security::{Method, SignedIn};
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Purpose as Disclosure, Secret};
use shutterpost_model::sso::{Answer, Arrived, OidcAnswer, SamlAnswer, TieView};
use shutterpost_model::validate;
use shutterpost_sso::Person;
use shutterpost_sso::oidc::attempt::{Callback, hash, matches};
use shutterpost_sso::oidc::reject::Report;
use shutterpost_sso::oidc::signed_in::SignedIn as OidcSignedIn;
use shutterpost_sso::saml::login::{Form, OneUse, Proved};
use shutterpost_vault::keys::Keys;

use super::admission::{Place, place, saw_factor};
use super::attempts::{Begun, Hint, Payload, Proof, Purpose, Refusal};
use super::service::{Errand, Kept, SsoService, refused};
use super::{queries, report};
use crate::audit::record::{Doer, Entry, record};
use crate::connections::queries::note_report;
use crate::connections::rows::{Settings, Usable};
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::identity::provided::{self, Account, Entering, Provided, Standing};
use crate::keystore::Sealed;
use crate::services::Deps;

/// How long somebody may take to prove an account that is to be tied, in milliseconds.
const TIE: i64 = 10 * 60_000;

/// What a provider has proved, and what of it must not be used again.
struct Shown {
    proof: Proof,
    assertion: Option<OneUse>,
}

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

/// Keyed hashes of the names by which a provider knows people and sessions: each connection has its own.
pub(super) struct Names<'a> {
    pub(super) keys: &'a Keys,
    pub(super) connection: &'a ConnectionId,
}

impl Names<'_> {
    fn identity(&self, proof: &Proof) -> [u8; 32] {
        let text = format!("{}\0{}", proof.issuer, proof.subject);
        self.keys.lookup_in("provider-identity", self.connection.as_str(), text.as_bytes())
    }

    pub(super) fn subject(&self, name: &str) -> [u8; 32] {
        self.keys.lookup_in("provider-subject", self.connection.as_str(), name.as_bytes())
    }

    pub(super) fn session(&self, name: &str) -> [u8; 32] {
        self.keys.lookup_in("provider-session", self.connection.as_str(), name.as_bytes())
    }

    pub(super) fn used(&self, kind: &str, id: &str) -> [u8; 32] {
        self.keys.lookup_in("provider-used", self.connection.as_str(), format!("{kind}\0{id}").as_bytes())
    }

    fn provided(&self, proof: &Proof) -> Provided {
        Provided {
            connection: self.connection.clone(),
            session_hash: proof.session.as_deref().map(|session| self.session(session)),
            subject_hash: self.subject(&proof.ends_by),
            hint: Secret::new(proof.hint.clone()),
            until: proof.until,
        }
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
            return Ok(Err(Refusal::EmailUnverified));
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

    /// Has somebody prove once that the account with their address is theirs.
    async fn to_tie(
        &self,
        usable: &Usable,
        begun: Begun,
        shown: Shown,
        account: Account,
        client: &Client,
    ) -> Result<Arrived, Failure> {
        let Deps { db, world, keys, .. } = self.deps.clone();
        let Shown { proof, assertion } = shown;
        let cookie = self.secret();
        let payload = Payload::Tie(Box::new(Proof { account: Some(account.id.as_str().to_owned()), ..proof }));
        let (taken, request, held) = (usable.clone(), client.request.clone(), begun.clone());
        let left = write_tx!(db, tx => {
            if let Err(refusal) = used_up(tx, &keys, &taken, &held, assertion.as_ref()).await? {
                return Ok(Some(refused_in(tx, &world, &taken, refusal, request).await?));
            }
            Ok(None)
        })?;
        if let Some(refused) = left {
            return Ok(refused);
        }
        let errand = Errand { purpose: Purpose::Tie, holder: None, next: begun.next };
        let expires = self.deps.world.now().plus(TIE);
        let state_hash = hash(&cookie);
        self.keep(usable, errand, Kept { state_hash: &state_hash, payload: &payload, browser: &cookie, expires })
            .await?;
        Ok(Arrived::Tie { cookie, max_age: TIE / 1000 })
    }

    /// What waits to be tied, by its cookie.
    async fn waiting(&self, usable: &Usable, cookie: &str) -> Result<(Begun, Proof, UserId), Failure> {
        let begun = self.begun(usable, &Secret::new(cookie.to_owned())).await?;
        let begun = begun.filter(|begun| begun.purpose == Purpose::Tie).ok_or(Code::SignInNeeded)?;
        let Payload::Tie(proof) = &begun.payload else { return Err(Code::SignInNeeded.into()) };
        let account = proof.account.as_deref().and_then(|id| id.parse().ok()).ok_or(Code::SignInNeeded)?;
        let proof = Proof::clone(proof);
        Ok((begun, proof, account))
    }

    pub(super) async fn try_tie_view(&self, id: &ConnectionId, cookie: &str) -> Result<TieView, Failure> {
        let usable = self.switched_on(id).await?;
        let (_, proof, account) = self.waiting(&usable, cookie).await?;
        Ok(TieView {
            connection: usable.name,
            email: Pii::new(proof.email.unwrap_or_default()).disclose(Disclosure::OwnData),
            two_factor: self.accounts.has_factor(&account).await?,
        })
    }

    pub(super) async fn try_tie(
        &self,
        id: &ConnectionId,
        cookie: &str,
        (password, code): (Secret, Secret),
        client: Client,
    ) -> Result<(NewSession, Option<String>), Failure> {
        self.accounts.slow_down(&client)?;
        let usable = self.switched_on(id).await?;
        let (begun, proof, account) = self.waiting(&usable, cookie).await?;
        let proved = self.accounts.prove_account(&account, password).await?;
        let entering = self.accounts.entering(&account, &client).await?;
        let Deps { db, world, keys, .. } = self.deps.clone();
        let outcome = write_tx!(db, tx => {
            let Some(method) = proved.settle(tx, &world, &keys, &code).await? else {
                // Kept, not rolled back: the count of the try.
                return Ok(Err(Code::WrongCode));
            };
            if !queries::take(tx, &usable.id, &begun.state_hash).await? {
                return Err(Code::SignInNeeded.into());
            }
            let visit = Visit { world: &world, keys: &keys, usable: &usable, proof: &proof, entering: &entering };
            let standing = provided::standing(tx, &usable.organisation, entering.user()).await?;
            let Ok(place) = place(standing, &admission(&usable), &proof.groups, None) else {
                return Err(Code::Forbidden.into());
            };
            visit.take_place(tx, place, None).await?;
            visit.be_known(tx, false).await?;
            // The account's own second factor was shown just now.
            let method = if method.has_factor() { method } else { visit.method() };
            let session = visit.open(tx, method).await?;
            let entry = Entry::new("sso.tie").object(usable.id.as_str()).request(client.request);
            record(tx, &world, Some(&usable.organisation), &Doer::User(entering.user().clone()), entry).await?;
            Ok(Ok((session, begun.next)))
        })?;
        outcome.map_err(|code| AppError::field("code", code).into())
    }
}

/// Where somebody whom the connection has not brought before goes on.
enum Door {
    Known(Entering),
    Tie(Account),
    Joins(Entering, Option<(InvitationId, Role)>),
}

/// Somebody who comes in, within the transaction.
struct Visit<'a> {
    world: &'a World,
    keys: &'a Keys,
    usable: &'a Usable,
    proof: &'a Proof,
    entering: &'a Entering,
}

impl Visit<'_> {
    const fn names(&self) -> Names<'_> {
        Names { keys: self.keys, connection: &self.usable.id }
    }

    /// Gives them the place that was decided; the action of the entry, if that changed something.
    async fn take_place(
        &self,
        tx: &mut Tx,
        place: Place,
        invitation: Option<&InvitationId>,
    ) -> Result<Option<&'static str>, Failure> {
        let Self { world, usable, entering, .. } = self;
        match place {
            Place::Stays => Ok(None),
            Place::Becomes(role) => {
                provided::set_role(tx, &usable.organisation, entering.user(), role).await?;
                Ok(Some("sso.change_role"))
            }
            Place::Joins(role) => {
                provided::join(tx, world, entering, &usable.organisation, (role, invitation)).await?;
                Ok(Some("sso.join"))
            }
        }
    }

    /// From now on the person at the provider is this one here.
    async fn be_known(&self, tx: &mut Tx, known: bool) -> Result<(), Failure> {
        let Self { world, usable, proof, entering, .. } = self;
        let (hash, user, now) = (self.names().identity(proof), entering.user(), world.now());
        let id = world.id(IdentityId::new);
        let noted = if known {
            queries::touch(tx, &usable.id, (&hash, user), now).await?
        } else {
            let subject = Secret::new(proof.subject.clone());
            let subject: Sealed<Secret> = entering.seal(world, ("sso_identities", "subject", id.as_str()), &subject);
            queries::tie(tx, &usable.id, &id, (&hash, &subject, user), now).await?
        };
        // What was looked at before the transaction is so no more: begun anew it goes well.
        if noted { Ok(()) } else { Err(Code::Conflict.into()) }
    }

    const fn method(&self) -> Method {
        if self.proof.factor && self.usable.trust_factor { Method::ProviderAndFactor } else { Method::Provider }
    }

    async fn admit(&self, tx: &mut Tx, method: Method) -> Result<(SignedIn, Option<SessionId>), Failure> {
        let Self { world, keys, usable, proof, entering } = self;
        let provided = self.names().provided(proof);
        provided::admit(tx, world, keys, entering, &usable.organisation, (&provided, method)).await
    }

    /// The session of somebody who has nothing more to show.
    async fn open(&self, tx: &mut Tx, method: Method) -> Result<NewSession, Failure> {
        let (signed_in, _) = self.admit(tx, method).await?;
        signed_in.session().ok_or_else(|| Code::SignInNeeded.into())
    }

    fn entry(&self, action: Option<&'static str>, session: Option<&SessionId>) -> Entry {
        match (action, session) {
            (Some("sso.change_role"), _) => {
                Entry::new("sso.change_role").object(self.entering.user().as_str()).fields(vec!["role"])
            }
            (Some(action), _) => Entry::new(action).object(self.usable.id.as_str()),
            (None, Some(session)) => Entry::new("sso.sign_in").object(session.as_str()),
            (None, None) => Entry::new("sso.sign_in").object(self.usable.id.as_str()),
        }
    }
}

/// Takes what was begun, and notes what must not come again. Of two at once, one gets past here.
async fn used_up(
    tx: &mut Tx,
    keys: &Keys,
    usable: &Usable,
    begun: &Begun,
    assertion: Option<&OneUse>,
) -> Result<Result<(), Refusal>, Failure> {
    if !queries::take(tx, &usable.id, &begun.state_hash).await? {
        return Ok(Err(Refusal::Used));
    }
    if let Some(OneUse { id, keep_until }) = assertion {
        let hash = Names { keys, connection: &usable.id }.used("assertion", id);
        if !queries::use_up(tx, &usable.id, &hash, *keep_until).await? {
            return Ok(Err(Refusal::Used));
        }
    }
    Ok(Ok(()))
}

async fn refused_in(
    tx: &mut Tx,
    world: &World,
    usable: &Usable,
    refusal: Refusal,
    request: Option<RequestId>,
) -> Result<Arrived, Failure> {
    let entry = refused(&usable.id, refusal.code()).request(request);
    record(tx, world, Some(&usable.organisation), &Doer::System, entry).await?;
    Ok(Arrived::Refused { check: refusal.code() })
}

fn admission(usable: &Usable) -> Admission {
    let Usable { trust_factor, just_in_time, default_role, role_map, .. } = usable;
    Admission {
        trust_factor: *trust_factor,
        just_in_time: *just_in_time,
        default_role: *default_role,
        role_map: role_map.clone(),
    }
}

fn proof(person: Person, ends_by: String, hint: &Hint) -> Result<Proof, Failure> {
    let Person { issuer, subject, email, email_verified, name, groups, methods, session, authenticated_at: _, until } =
        person;
    // An address that is none leads nowhere.
    let email = email.and_then(|email| validate::email(email.expose()).ok());
    Ok(Proof {
        issuer,
        subject: subject.expose().clone(),
        email,
        email_verified,
        name: name.map(|name| name.expose().clone()),
        groups,
        factor: saw_factor(&methods),
        session,
        ends_by,
        hint: serde_json::to_string(hint)?,
        until,
        account: None,
    })
}

fn of_oidc(signed_in: OidcSignedIn) -> Result<Proof, Failure> {
    let OidcSignedIn { person, sub, id_token, notices: _ } = signed_in;
    proof(person, sub.expose().clone(), &Hint::Oidc { id_token: id_token.expose().to_owned() })
}

fn of_saml(proved: Proved) -> Result<Shown, Failure> {
    let Proved { person, name_id, assertion, certificate: _ } = proved;
    let hint = Hint::Saml { name_id: name_id.to_stored().expose().clone(), session: person.session.clone() };
    let proof = proof(person, name_id.value.expose().clone(), &hint)?;
    Ok(Shown { proof, assertion: Some(assertion) })
}
