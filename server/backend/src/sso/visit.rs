//! Somebody who comes in: what the provider has proved of them, and what is done for it within one transaction.

use shutterpost_model::connections::Admission;
use shutterpost_model::error::Code;
use shutterpost_model::id::{ConnectionId, IdentityId, InvitationId, RequestId, SessionId};
use shutterpost_model::identity::NewSession;
use shutterpost_model::identity::security::{Method, SignedIn};
use shutterpost_model::pii::Secret;
use shutterpost_model::sso::Arrived;
use shutterpost_model::validate;
use shutterpost_sso::Person;
use shutterpost_sso::oidc::signed_in::SignedIn as OidcSignedIn;
use shutterpost_sso::saml::login::{OneUse, Proved};
use shutterpost_vault::keys::Keys;

use super::admission::{Place, saw_factor};
use super::attempts::{Begun, Hint, Proof, Refusal};
use super::queries;
use super::service::refused;
use crate::audit::record::{Doer, Entry, record};
use crate::connections::rows::Usable;
use crate::context::World;
use crate::db::Tx;
use crate::error::Failure;
use crate::identity::provided::{self, Entering, Provided};
use crate::keystore::Sealed;

/// What a provider has proved, and what of it must not be used again.
pub(super) struct Shown {
    pub(super) proof: Proof,
    pub(super) assertion: Option<OneUse>,
}

/// Keyed hashes of the names by which a provider knows people and sessions: each connection has its own.
pub(super) struct Names<'a> {
    pub(super) keys: &'a Keys,
    pub(super) connection: &'a ConnectionId,
}

impl Names<'_> {
    pub(super) fn identity(&self, proof: &Proof) -> [u8; 32] {
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

/// Somebody who comes in, within the transaction.
pub(super) struct Visit<'a> {
    pub(super) world: &'a World,
    pub(super) keys: &'a Keys,
    pub(super) usable: &'a Usable,
    pub(super) proof: &'a Proof,
    pub(super) entering: &'a Entering,
}

impl Visit<'_> {
    const fn names(&self) -> Names<'_> {
        Names { keys: self.keys, connection: &self.usable.id }
    }

    /// Gives them the place that was decided; the action of the entry, if that changed something.
    pub(super) async fn take_place(
        &self,
        tx: &mut Tx,
        place: Place,
        invitation: Option<&InvitationId>,
    ) -> Result<Option<&'static str>, Failure> {
        let Self { world, usable, entering, .. } = self;
        match place {
            Place::Stays => Ok(None),
            Place::Becomes(role) => {
                provided::set_role(tx, &usable.organisation, entering.user(), role, world.now()).await?;
                Ok(Some("sso.change_role"))
            }
            Place::Joins(role) => {
                provided::join(tx, world, entering, &usable.organisation, (role, invitation)).await?;
                Ok(Some("sso.join"))
            }
        }
    }

    /// From now on the person at the provider is this one here.
    pub(super) async fn be_known(&self, tx: &mut Tx, known: bool) -> Result<(), Failure> {
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

    pub(super) const fn method(&self) -> Method {
        if self.proof.factor && self.usable.trust_factor { Method::ProviderAndFactor } else { Method::Provider }
    }

    pub(super) async fn admit(&self, tx: &mut Tx, method: Method) -> Result<(SignedIn, Option<SessionId>), Failure> {
        let Self { world, keys, usable, proof, entering } = self;
        let provided = self.names().provided(proof);
        provided::admit(tx, world, keys, entering, &usable.organisation, (&provided, method)).await
    }

    /// The session of somebody who has nothing more to show.
    pub(super) async fn open(&self, tx: &mut Tx, method: Method) -> Result<NewSession, Failure> {
        let (signed_in, _) = self.admit(tx, method).await?;
        signed_in.session().ok_or_else(|| Code::SignInNeeded.into())
    }

    pub(super) fn entry(&self, action: Option<&'static str>, session: Option<&SessionId>) -> Entry {
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
pub(super) async fn used_up(
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

pub(super) async fn refused_in(
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

pub(super) fn admission(usable: &Usable) -> Admission {
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

pub(super) fn of_oidc(signed_in: OidcSignedIn) -> Result<Proof, Failure> {
    let OidcSignedIn { person, sub, id_token, notices: _ } = signed_in;
    proof(person, sub.expose().clone(), &Hint::Oidc { id_token: id_token.expose().to_owned() })
}

pub(super) fn of_saml(proved: Proved) -> Result<Shown, Failure> {
    let Proved { person, name_id, assertion, certificate: _ } = proved;
    let hint = Hint::Saml { name_id: name_id.to_stored().expose().clone(), session: person.session.clone() };
    let proof = proof(person, name_id.value.expose().clone(), &hint)?;
    Ok(Shown { proof, assertion: Some(assertion) })
}
