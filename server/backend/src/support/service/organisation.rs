//! What organisations decide: who is let in, for how long, and when it ends.

use shutterpost_model::access::{Actor, Credential, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{GrantId, SupportApprovalId, UserId};
use shutterpost_model::support::{APPROVAL_GOOD, SupportMoment, SupportNotice, SupportPage, minutes as within};

use super::SupportService;
use super::desk::acts;
use crate::audit::record::{Doer, Entry, record};
use crate::db::write_tx;
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::support::queries::grants::Which;
use crate::support::queries::{approvals, grants};
use crate::support::tell;

impl SupportService {
    pub(super) async fn try_notices(&self, actor: &Actor) -> Result<Vec<SupportNotice>, Failure> {
        // Whoever may nothing in the organisation sees nothing of it.
        let Ok(scope) = OrgScope::prove(actor, Permission::OverviewRead) else { return Ok(Vec::new()) };
        let own = matches!(actor.credential(), Credential::Support { .. });
        let which = if own { Which::One(acts(actor)?.grant) } else { Which::RunningIn(&scope, self.deps.world.now()) };
        let found = grants::list(&mut self.deps.db.read().await?, &self.deps.keystore, which).await?;
        Ok(found.into_iter().filter_map(|grant| grant.notice(own)).collect())
    }

    pub(super) async fn try_of_organisation(&self, actor: &Actor) -> Result<SupportPage, Failure> {
        let scope = OrgScope::prove(actor, Permission::AuditRead)?;
        let (keystore, now) = (&self.deps.keystore, self.deps.world.now());
        let mut conn = self.deps.db.read().await?;
        let found = grants::list(&mut conn, keystore, Which::Of(&scope)).await?;
        Ok(SupportPage {
            grants: found.into_iter().map(|grant| grant.view(now)).collect(),
            approvals: approvals::list(&mut conn, keystore, Some(&scope), None, now).await?,
        })
    }

    pub(super) async fn try_allow(&self, actor: &Actor, grant: &GrantId, minutes: i64) -> Result<(), Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::SupportManage, self.deps.world.now())?;
        let allowed = within(minutes).and_then(|()| i32::try_from(minutes).map_err(|_| Code::OutOfRange));
        let minutes = allowed.map_err(|code| AppError::field("minutes", code))?;
        let (world, doer, grant) = (self.deps.world.clone(), Doer::from(actor), grant.clone());
        write_tx!(self.deps.db, tx => {
            if !grants::allow(tx, &scope, &grant, minutes, world.now()).await? {
                return Err(Failure::NotFound);
            }
            tell::owners(tx, &world, scope.organisation(), &grant, SupportMoment::Granted).await?;
            let entry = Entry::new("support.allow").object(grant.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    pub(super) async fn try_refuse(&self, actor: &Actor, grant: &GrantId) -> Result<(), Failure> {
        let scope = OrgScope::prove(actor, Permission::SupportManage)?;
        let (world, doer, grant) = (self.deps.world.clone(), Doer::from(actor), grant.clone());
        write_tx!(self.deps.db, tx => {
            if !grants::refuse(tx, &scope, &grant, world.now()).await? {
                return Err(Failure::NotFound);
            }
            let entry = Entry::new("support.refuse").object(grant.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    pub(super) async fn try_end(&self, actor: &Actor, grant: &GrantId) -> Result<(), Failure> {
        // Not asked once more who they are: taking back what was given must be quick.
        let scope = OrgScope::prove(actor, Permission::SupportManage)?;
        let (world, doer, grant) = (self.deps.world.clone(), Doer::from(actor), grant.clone());
        write_tx!(self.deps.db, tx => {
            let open = grants::open_of(tx, &grant).await?;
            open.filter(|(organisation, _)| organisation == scope.organisation()).ok_or(Failure::NotFound)?;
            if !grants::end(tx, &grant, world.now()).await? {
                return Err(Failure::NotFound);
            }
            tell::owners(tx, &world, scope.organisation(), &grant, SupportMoment::Ended).await?;
            let entry = Entry::new("support.end").object(grant.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    pub(super) async fn try_approve_act(&self, actor: &Actor, approval: &SupportApprovalId) -> Result<(), Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::SupportManage, self.deps.world.now())?;
        let (world, doer, approval) = (self.deps.world.clone(), Doer::from(actor), approval.clone());
        write_tx!(self.deps.db, tx => {
            let now = world.now();
            let waiting = approvals::waiting(tx, &approval, now).await?;
            waiting.filter(|(organisation, _)| organisation == scope.organisation()).ok_or(Failure::NotFound)?;
            let by = scope.user().map(UserId::as_str).unwrap_or_default();
            if !approvals::approve(tx, &approval, by, (now, now.plus(APPROVAL_GOOD))).await? {
                return Err(Failure::NotFound);
            }
            let entry = Entry::new("support.approve").object(approval.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }
}
