//! An organisation that asks everybody to sign in by its own provider, and its owners for emergencies.

use shutterpost_model::access::{Actor, Permission, Role};
use shutterpost_model::connections::Notice;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{ConnectionId, OrganisationId, UserId};
use shutterpost_model::identity::own_sign_in::{ARMED_DAYS, ArmedOwner, Candidate, OwnSignIn, WayIn};
use shutterpost_model::time::{DAY, Millis};

use super::directory::{DirectoryService, locked_role};
use super::{accounts::AccountsService, provided};
use crate::audit::record::{Doer, Entry, record};
use crate::context::World;
use crate::db::{Conn, Db, Tx, write_tx};
use crate::error::Failure;
use crate::identity::notices;
use crate::identity::queries::{directory, emergencies, factors, memberships};
use crate::identity::rows::{self, MemberRow};
use crate::identity::scope::OrgScope;
use crate::services::Deps;

impl AccountsService {
    pub(super) async fn try_ways_in(&self, actor: &Actor) -> Result<Vec<WayIn>, Failure> {
        let (Some(_), Some(organisation)) = (actor.user(), actor.organisation()) else { return Ok(Vec::new()) };
        let found = emergencies::switched_on(&mut self.deps.db.read().await?, organisation).await?;
        found.into_iter().map(|(id, name)| Ok(WayIn { connection: rows::id(id)?, name })).collect()
    }
}

impl DirectoryService {
    /// For those who decide: the scope has proved it.
    pub(super) async fn own_sign_in(
        &self,
        actor: &Actor,
        scope: &OrgScope,
        required_at: Option<Millis>,
    ) -> Result<OwnSignIn, Failure> {
        let Deps { db, world, keystore, .. } = self.deps();
        let mut conn = db.read().await?;
        let came_by = came_by(&mut conn, actor, scope).await?;
        let armed = emergencies::list(&mut conn, scope, world.now()).await?;
        let members = directory::members(&mut conn, scope).await?;
        drop(conn);
        let ring = keystore.find(&members.iter().map(MemberRow::key).collect::<Result<Vec<_>, _>>()?).await?;
        let mut members = members.into_iter().map(|row| row.listed(&ring)).collect::<Result<Vec<_>, _>>()?;
        members.sort_by_cached_key(|member| (member.name.get().to_lowercase(), member.user.clone()));
        let mut list = Vec::new();
        for (user, ends_at, used_at) in armed {
            // Armed are members alone.
            let Some(member) = members.iter().find(|member| member.user.as_str() == user) else { continue };
            list.push(ArmedOwner {
                user: member.user.clone(),
                name: member.name.clone(),
                ends_at: Millis(ends_at),
                used_at: used_at.map(Millis),
                counts: member.role == Role::Owner && member.two_factor,
            });
        }
        let candidates = members.into_iter().filter(|member| member.role == Role::Owner && member.two_factor);
        let candidates = candidates.map(|member| Candidate { user: member.user, name: member.name }).collect();
        Ok(OwnSignIn { required_at, came_by, armed: list, candidates })
    }

    pub(super) async fn try_require_own_sign_in(&self, actor: &Actor, required: bool) -> Result<(), Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::SignInManage, self.deps().world.now())?;
        let (Deps { db, world, .. }, doer, actor) = (self.deps().clone(), Doer::from(actor), actor.clone());
        write_tx!(db, tx => {
            lock(tx, &scope).await?;
            if required && !came_by(tx, &actor, &scope).await? {
                return Err(Code::OwnSignInFirst.into());
            }
            if directory::rules(tx, &scope).await?.own_sign_in_required_at().is_some() == required {
                return Ok(());
            }
            emergencies::set_required(tx, &scope, required.then(|| world.now())).await?;
            let notice = if required { Notice::OwnSignInRequired } else { Notice::OwnSignInFree };
            notices::tell_owners(tx, &world, scope.organisation(), notice).await?;
            let entry = Entry::new("identity.change_rules").object(scope.organisation().as_str());
            let entry = entry.fields(vec!["own_sign_in"]);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    pub(super) async fn try_arm(&self, actor: &Actor, user: &UserId, days: i64) -> Result<(), Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::SignInManage, self.deps().world.now())?;
        if !ARMED_DAYS.contains(&days) {
            return Err(AppError::field("days", Code::BadChoice).into());
        }
        let (Deps { db, world, .. }, doer, user) = (self.deps().clone(), Doer::from(actor), user.clone());
        write_tx!(db, tx => {
            let role = locked_role(tx, &scope, &user).await?;
            let by = (scope.user(), &doer);
            arm(tx, &world, scope.organisation(), (&user, role), days, by).await
        })
    }

    pub(super) async fn try_disarm(&self, actor: &Actor, user: &UserId) -> Result<(), Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::SignInManage, self.deps().world.now())?;
        let (Deps { db, world, .. }, doer, user) = (self.deps().clone(), Doer::from(actor), user.clone());
        write_tx!(db, tx => {
            if !emergencies::disarm(tx, scope.organisation(), &user).await? {
                return Err(Failure::NotFound);
            }
            notices::tell_owners(tx, &world, scope.organisation(), Notice::OwnerDisarmed).await?;
            let entry = Entry::new("identity.disarm_owner").object(user.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }
}

/// Whether the actor came by a connection of the organisation that is on.
async fn came_by(conn: &mut Conn, actor: &Actor, scope: &OrgScope) -> Result<bool, Failure> {
    if actor.user().is_none() {
        return Ok(false);
    }
    let Some((_, _, connection)) = provided::came_by(conn, actor).await? else { return Ok(false) };
    let on = emergencies::switched_on(conn, scope.organisation()).await?;
    Ok(on.iter().any(|(id, _)| id == connection.as_str()))
}

/// Arms an owner, who stays one until the transaction ends, for so many days.
async fn arm(
    tx: &mut Tx,
    world: &World,
    organisation: &OrganisationId,
    (user, role): (&UserId, Role),
    days: i64,
    (by, doer): (Option<&UserId>, &Doer),
) -> Result<(), Failure> {
    if role != Role::Owner {
        return Err(AppError::field("user", Code::BadChoice).into());
    }
    if !factors::is_active(tx, user).await? {
        return Err(Code::FactorFirst.into());
    }
    let now = world.now();
    emergencies::arm(tx, organisation, user, by, (now, now.plus(days * DAY))).await?;
    notices::tell_owners(tx, world, organisation, Notice::OwnerArmed).await?;
    let entry = Entry::new("identity.arm_owner").object(user.as_str());
    record(tx, world, Some(organisation), doer, entry).await
}

/// Arms an owner for a day, by the operator of the machine. Not found without such a member.
pub(in crate::identity) async fn arm_by_operator(
    tx: &mut Tx,
    world: &World,
    organisation: &OrganisationId,
    user: &UserId,
) -> Result<(), Failure> {
    memberships::lock(tx, organisation).await?;
    let role = memberships::role(tx, organisation, user).await?.ok_or(Failure::NotFound)?;
    arm(tx, world, organisation, (user, role), 1, (None, &Doer::System)).await
}

/// Whether an owner with a second factor is let in without the provider, because they are armed. The first time is written
/// down and told to all owners; what cannot be written down lets nobody in.
pub(in crate::identity) async fn let_in(
    db: &Db,
    world: &World,
    organisation: &OrganisationId,
    user: &UserId,
) -> Result<bool, Failure> {
    let now = world.now();
    match emergencies::armed(&mut db.read().await?, organisation, user, now).await? {
        None => return Ok(false),
        Some(Some(_)) => return Ok(true),
        Some(None) => {}
    }
    let (world, organisation, user) = (world.clone(), organisation.clone(), user.clone());
    write_tx!(db, tx => {
        if !emergencies::used(tx, &organisation, &user, now).await? {
            // Somebody was faster: another request of theirs, or who took it back.
            return Ok(emergencies::armed(tx, &organisation, &user, now).await?.is_some());
        }
        notices::tell_owners(tx, &world, &organisation, Notice::EmergencyUsed).await?;
        let entry = Entry::new("identity.use_emergency").object(user.as_str());
        record(tx, &world, Some(&organisation), &Doer::User(user.clone()), entry).await?;
        Ok(true)
    })
}

/// Makes whoever asks everybody for the own sign-in, and whoever switches connections off, wait for each other.
pub(crate) async fn lock(tx: &mut Tx, scope: &OrgScope) -> Result<(), Failure> {
    directory::lock_members(tx, scope).await
}

/// [`Code::LastConnection`] if the connection is the last that is on while everybody has to come by one.
pub(crate) async fn keeps_a_way_in(tx: &mut Tx, scope: &OrgScope, leaving: &ConnectionId) -> Result<(), Failure> {
    if directory::rules(tx, scope).await?.own_sign_in_required_at().is_none() {
        return Ok(());
    }
    let on = emergencies::switched_on(tx, scope.organisation()).await?;
    if on.len() == 1 && on.iter().all(|(id, _)| id == leaving.as_str()) {
        return Err(Code::LastConnection.into());
    }
    Ok(())
}
