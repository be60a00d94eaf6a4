//! What the staff do: ask to be let in, go in, leave, and be the second person for each other.

use shutterpost_model::access::{Actor, Credential, Role};
use shutterpost_model::error::Code;
use shutterpost_model::id::{GrantId, OrganisationId, StaffId, SupportApprovalId};
use shutterpost_model::identity::{Me, MyOrganisation, NewSession};
use shutterpost_model::pii::{Pii, Purpose};
use shutterpost_model::support::{APPROVAL_GOOD, Acting, AskAccess, Desk, StaffActor, SupportAccess, SupportMoment};

use super::SupportService;
use crate::audit::queries as trail;
use crate::audit::record::{Doer, Entry, record};
use crate::db::write_tx;
use crate::error::Failure;
use crate::identity::queries::memberships;
use crate::keystore::{Realm, Sealed};
use crate::services::Deps;
use crate::support::queries::grants::{NewGrant, Which};
use crate::support::queries::{approvals, grants, sessions, staff};
use crate::support::rows::{grant_key, reason_place};
use crate::support::{session, tell};

/// The same thing looked at again is written down once in so many milliseconds.
const VIEWED_AGAIN: i64 = 60_000;

/// Who acts for support, and by which grant.
pub(super) struct Acts<'a> {
    pub(super) staff: &'a StaffId,
    pub(super) grant: &'a GrantId,
    pub(super) access: SupportAccess,
    pub(super) organisation: &'a OrganisationId,
}

/// [`Code::Forbidden`] for everybody but support.
pub(super) fn acts(actor: &Actor) -> Result<Acts<'_>, Failure> {
    match (actor.credential(), actor.organisation()) {
        (Credential::Support { staff, grant, access }, Some(organisation)) => {
            Ok(Acts { staff, grant, access: *access, organisation })
        }
        _ => Err(Code::Forbidden.into()),
    }
}

impl SupportService {
    pub(super) async fn try_desk(&self, actor: &StaffActor) -> Result<Desk, Failure> {
        let (keystore, now) = (&self.deps.keystore, self.deps.world.now());
        let mut conn = self.deps.db.read().await?;
        let person = staff::by_id(&mut conn, keystore, actor.staff()).await?.ok_or(Failure::NotFound)?;
        let own = grants::list(&mut conn, keystore, Which::OfStaff(actor.staff())).await?;
        Ok(Desk {
            name: person.name.disclose(Purpose::OwnData),
            grants: own.into_iter().map(|grant| grant.view(now)).collect(),
            approvals: approvals::list(&mut conn, keystore, None, Some(actor.staff()), now).await?,
            open: sessions::grant(&mut conn, actor.session()).await?,
        })
    }

    pub(super) async fn try_ask(&self, actor: &StaffActor, ask: AskAccess) -> Result<(), Failure> {
        ask.check()?;
        let AskAccess { organisation, reason, minutes, access } = ask;
        let Deps { db, world, keystore, .. } = self.deps.clone();
        // Before a key is made for it: nobody makes keys for what is not there.
        if !memberships::organisation_exists(&mut db.read().await?, &organisation).await? {
            return Err(Failure::NotFound);
        }
        let id = world.id(GrantId::new);
        let key = keystore.make_one(&grant_key(&organisation, id.as_str())).await?;
        let realm = Realm::Organisation(organisation.clone());
        let reason = Pii::new(reason.expose().trim().to_owned());
        let reason = Sealed::seal(&world, &key, reason_place(&realm, id.as_str()), &reason);
        let minutes = i32::try_from(minutes).map_err(|_| Code::OutOfRange)?;
        let (doer, person) = (Doer::from(actor), actor.staff().clone());
        write_tx!(db, tx => {
            let now = world.now();
            if grants::is_open(tx, &organisation, &person, now).await? {
                return Err(Code::Conflict.into());
            }
            let grant = NewGrant { id, organisation, staff: person, reason, access, minutes };
            grants::insert(tx, &grant, now).await?;
            tell::owners(tx, &world, &grant.organisation, &grant.id, SupportMoment::Asked).await?;
            let entry = Entry::new("support.ask").object(grant.id.as_str());
            record(tx, &world, Some(&grant.organisation), &doer, entry).await
        })
    }

    pub(super) async fn try_open(&self, actor: &StaffActor, grant: &GrantId) -> Result<NewSession, Failure> {
        let (world, keys, doer) = (self.deps.world.clone(), self.deps.keys.clone(), Doer::from(actor));
        let (person, session, grant) = (actor.staff().clone(), actor.session().clone(), grant.clone());
        write_tx!(self.deps.db, tx => {
            let now = world.now();
            let running = grants::running(tx, &grant, &person, now).await?.ok_or(Failure::NotFound)?;
            let renewed = session::act_by(tx, &world, &keys, &session, &grant).await?.ok_or(Code::SignInNeeded)?;
            if grants::begin(tx, &grant, now).await? {
                tell::owners(tx, &world, &running.organisation, &grant, SupportMoment::Begun).await?;
            }
            let entry = Entry::new("support.begin").object(grant.as_str());
            record(tx, &world, Some(&running.organisation), &doer, entry).await?;
            Ok(renewed)
        })
    }

    pub(super) async fn try_leave(&self, actor: &StaffActor) -> Result<(), Failure> {
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        let session = actor.session().clone();
        write_tx!(self.deps.db, tx => {
            let Some(grant) = sessions::grant(tx, &session).await? else { return Ok(()) };
            sessions::leave_grant(tx, &session).await?;
            // One that is over was written down as that.
            if let Some((organisation, _)) = grants::open_of(tx, &grant).await? {
                let entry = Entry::new("support.leave").object(grant.as_str());
                record(tx, &world, Some(&organisation), &doer, entry).await?;
            }
            Ok(())
        })
    }

    pub(super) async fn try_finish(&self, actor: &StaffActor, grant: &GrantId) -> Result<(), Failure> {
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        let (person, session, grant) = (actor.staff().clone(), actor.session().clone(), grant.clone());
        write_tx!(self.deps.db, tx => {
            let open = grants::open_of(tx, &grant).await?;
            let (organisation, _) = open.filter(|(_, holder)| *holder == person).ok_or(Failure::NotFound)?;
            if sessions::grant(tx, &session).await?.as_ref() == Some(&grant) {
                sessions::leave_grant(tx, &session).await?;
            }
            if !grants::end(tx, &grant, world.now()).await? {
                return Err(Failure::NotFound);
            }
            tell::owners(tx, &world, &organisation, &grant, SupportMoment::Ended).await?;
            record(tx, &world, Some(&organisation), &doer, Entry::new("support.end").object(grant.as_str())).await
        })
    }

    pub(super) async fn try_approve(&self, actor: &StaffActor, approval: &SupportApprovalId) -> Result<(), Failure> {
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        let (person, approval) = (actor.staff().clone(), approval.clone());
        write_tx!(self.deps.db, tx => {
            let now = world.now();
            let (organisation, asked_by) =
                approvals::waiting(tx, &approval, now).await?.ok_or(Failure::NotFound)?;
            if asked_by == person {
                return Err(Code::Forbidden.into());
            }
            if !approvals::approve(tx, &approval, person.as_str(), (now, now.plus(APPROVAL_GOOD))).await? {
                return Err(Failure::NotFound);
            }
            let entry = Entry::new("support.approve").object(approval.as_str());
            record(tx, &world, Some(&organisation), &doer, entry).await
        })
    }

    pub(super) async fn try_acting(&self, cookie: &str) -> Result<Acting, Failure> {
        let Some(found) = session::resolve(&self.deps, cookie).await? else { return Ok(Acting::Nobody) };
        let Some(grant) = found.grant else { return Ok(Acting::Outside) };
        let now = self.deps.world.now();
        let running = grants::running(&mut self.deps.db.read().await?, &grant, &found.staff, now).await?;
        let Some(running) = running else { return Ok(Acting::Over) };
        let credential = Credential::Support { staff: found.staff, grant, access: running.access };
        // The role is what pages call them; what they may do is decided by the grant.
        Ok(Acting::By(Actor::proven(credential, Some((running.organisation, Role::Viewer)))))
    }

    pub(super) async fn try_viewed(&self, actor: &Actor, object: Option<&str>) -> Result<(), Failure> {
        const ACTION: &str = "support.view";
        let Acts { staff, grant, organisation, access: _ } = acts(actor)?;
        let object = object.unwrap_or(grant.as_str()).to_owned();
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        let since = world.now().plus(-VIEWED_AGAIN);
        let mut conn = self.deps.db.read().await?;
        if trail::noted(&mut conn, organisation, Some(staff.as_str()), (ACTION, &object), since).await? {
            return Ok(());
        }
        drop(conn);
        let organisation = organisation.clone();
        write_tx!(self.deps.db, tx => {
            record(tx, &world, Some(&organisation), &doer, Entry::new(ACTION).object(object)).await
        })
    }

    pub(super) async fn try_me(&self, actor: &Actor) -> Result<Me, Failure> {
        let Acts { staff: person, organisation, access, grant: _ } = acts(actor)?;
        let mut conn = self.deps.db.read().await?;
        let person = staff::by_id(&mut conn, &self.deps.keystore, person).await?.ok_or(Failure::NotFound)?;
        let name = grants::organisation_name(&mut conn, organisation).await?.ok_or(Failure::NotFound)?;
        let current = MyOrganisation { id: organisation.clone(), name, role: Role::Viewer };
        Ok(Me {
            user: None,
            name: person.name.disclose(Purpose::OwnData),
            email: person.email.disclose(Purpose::OwnData),
            language: person.language,
            organisations: vec![current.clone()],
            current: Some(current),
            two_factor: true,
            factor_needed: false,
            own_sign_in_needed: false,
            support: Some(access),
            passkey: false,
        })
    }
}
