//! Members and invitations of an organisation. Its API tokens are in `tokens`.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission, Role};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{InvitationId, OrganisationId, TokenId, UserId};
use shutterpost_model::identity::{Directory, Invite, Issued, People, SessionLimits, SignInRules};
use shutterpost_model::language::Language;
use shutterpost_model::messages::Template;
use shutterpost_model::pii::Pii;
use shutterpost_model::time::DAY;
use shutterpost_model::tokens::{OwnToken, Token, TokenDraft, TokenRenewal};
use shutterpost_model::validate;

use crate::audit::record::{Doer, Entry, record};
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::identity::one_time;
use crate::identity::queries::{directory, factors, memberships, removed, sessions};
use crate::identity::removed::may_touch;
use crate::identity::rows::{MemberRow, NewInvitationRow, invitation_place, subject_key};
use crate::identity::scope::OrgScope;
use crate::jobs::outbox::{self, NewMessage};
use crate::keystore::{Realm, Sealed};
use crate::services::Deps;

/// An invitation can be accepted for so long.
const INVITATION_GOOD: i64 = 7 * DAY;

/// The port of members, invitations and tokens on the database.
#[derive(Debug)]
pub struct DirectoryService {
    deps: Deps,
}

impl DirectoryService {
    pub const fn new(deps: Deps) -> Self {
        Self { deps }
    }

    /// For the rules of its tokens, in a file of their own.
    pub(super) const fn deps(&self) -> &Deps {
        &self.deps
    }

    async fn try_people(&self, actor: &Actor) -> Result<People, Failure> {
        let scope = OrgScope::prove(actor, Permission::PeopleManage)?;
        let now = self.deps.world.now();
        let mut conn = self.deps.db.read().await?;
        let members = directory::members(&mut conn, &scope).await?;
        let invitations = directory::invitations(&mut conn, &scope).await?;
        drop(conn);
        let organisation = scope.organisation();
        let mut wanted = members.iter().map(MemberRow::key).collect::<Result<Vec<_>, _>>()?;
        wanted.extend(invitations.iter().map(|row| subject_key(organisation, &row.id)));
        let ring = self.deps.keystore.find(&wanted).await?;
        let mut members = members.into_iter().map(|row| row.listed(&ring)).collect::<Result<Vec<_>, _>>()?;
        // Sealed names have no order of their own.
        members.sort_by_cached_key(|member| (member.name.get().to_lowercase(), member.user.clone()));
        let invitations = invitations.into_iter().map(|row| row.listed(organisation, &ring, now));
        Ok(People { members, invitations: invitations.collect::<Result<_, _>>()? })
    }

    async fn try_invite(&self, actor: &Actor, invite: Invite) -> Result<InvitationId, Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::PeopleManage, self.deps.world.now())?;
        let Invite { email, role, language } = invite;
        let email = validate::email(email.expose()).map_err(|code| AppError::field("email", code))?;
        let email = Pii::new(email);
        may_touch(&scope, role)?;
        let (Deps { db, world, keys, keystore, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        let id = world.id(InvitationId::new);
        let key = subject_key(scope.organisation(), id.as_str());
        let key = keystore.make_one(&key).await?;
        write_tx!(db, tx => {
            directory::lock_members(tx, &scope).await?;
            if directory::is_member(tx, &keystore, &scope, &email).await? {
                return Err(Code::AlreadyMember.into());
            }
            let former = directory::invitations_of(tx, &keystore, &scope, &email).await?;
            for (_, promised) in &former {
                may_touch(&scope, *promised)?;
            }
            let now = world.now();
            for (invitation, _) in &former {
                directory::revoke_invitation(tx, &scope, invitation, now).await?;
            }
            let realm = Realm::Organisation(scope.organisation().clone());
            let token = one_time::invitation_token(&keys, &id, 0);
            let row = NewInvitationRow {
                id: id.as_str(),
                organisation_id: scope.organisation().as_str(),
                email: Sealed::seal(&world, &key, invitation_place(&realm, id.as_str()), &email),
                role: role.as_str(),
                language: language.tag(),
                generation: 0,
                token_hash: &one_time::invitation_hash(&keys, &token),
                invited_by: scope.user().map(UserId::as_str),
                created_at: now.0,
                expires_at: now.plus(INVITATION_GOOD).0,
            };
            directory::insert_invitation(tx, &scope, &row).await?;
            mail(tx, &world, &scope, &id, language).await?;
            let entry = Entry::new("identity.invite").object(id.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            Ok(id)
        })
    }

    async fn try_renew(&self, actor: &Actor, id: &InvitationId) -> Result<(), Failure> {
        let scope = OrgScope::prove(actor, Permission::PeopleManage)?;
        let (Deps { db, world, keys, .. }, doer, id) = (self.deps.clone(), Doer::from(actor), id.clone());
        write_tx!(db, tx => {
            let pending = directory::pending_invitation(tx, &scope, &id).await?.ok_or(Failure::NotFound)?;
            may_touch(&scope, pending.role)?;
            let token = one_time::invitation_token(&keys, &id, pending.generation + 1);
            let hash = one_time::invitation_hash(&keys, &token);
            let expires_at = world.now().plus(INVITATION_GOOD);
            if !directory::renew_invitation(tx, &scope, &id, pending.generation, &hash, expires_at).await? {
                return Err(Code::Conflict.into());
            }
            mail(tx, &world, &scope, &id, pending.language).await?;
            let entry = Entry::new("identity.renew_invitation").object(id.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    async fn try_revoke(&self, actor: &Actor, id: &InvitationId) -> Result<(), Failure> {
        let scope = OrgScope::prove(actor, Permission::PeopleManage)?;
        let (Deps { db, world, .. }, doer, id) = (self.deps.clone(), Doer::from(actor), id.clone());
        write_tx!(db, tx => {
            let pending = directory::pending_invitation(tx, &scope, &id).await?.ok_or(Failure::NotFound)?;
            may_touch(&scope, pending.role)?;
            if !directory::revoke_invitation(tx, &scope, &id, world.now()).await? {
                return Err(Failure::NotFound);
            }
            let entry = Entry::new("identity.revoke_invitation").object(id.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    async fn try_change_role(&self, actor: &Actor, user: &UserId, role: Role) -> Result<(), Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::PeopleManage, self.deps.world.now())?;
        let (Deps { db, world, .. }, doer, user) = (self.deps.clone(), Doer::from(actor), user.clone());
        write_tx!(db, tx => {
            let current = locked_role(tx, &scope, &user).await?;
            may_touch(&scope, current)?;
            may_touch(&scope, role)?;
            if role != Role::Owner {
                keeps_an_owner(tx, &scope, current).await?;
            }
            // No session ends: each request looks the role up anew.
            directory::set_role(tx, &scope, &user, role).await?;
            memberships::revoke_invitations(tx, scope.organisation(), &user, Some(role), world.now()).await?;
            let entry = Entry::new("identity.change_role").object(user.as_str()).fields(vec!["role"]);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    async fn try_remove(&self, actor: &Actor, user: &UserId) -> Result<(), Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::PeopleManage, self.deps.world.now())?;
        let (Deps { db, world, .. }, doer, user) = (self.deps.clone(), Doer::from(actor), user.clone());
        write_tx!(db, tx => {
            let current = locked_role(tx, &scope, &user).await?;
            may_touch(&scope, current)?;
            keeps_an_owner(tx, &scope, current).await?;
            removed::remove(tx, &scope, &user, doer.id().as_deref(), world.now()).await?;
            memberships::revoke_invitations(tx, scope.organisation(), &user, None, world.now()).await?;
            sessions::delete_in(tx, &scope, &user).await?;
            let entry = Entry::new("identity.remove_member").object(user.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    async fn try_sign_out_member(&self, actor: &Actor, user: &UserId) -> Result<(), Failure> {
        let scope = OrgScope::prove(actor, Permission::PeopleManage)?;
        let (Deps { db, world, .. }, doer, user) = (self.deps.clone(), Doer::from(actor), user.clone());
        write_tx!(db, tx => {
            may_touch(&scope, locked_role(tx, &scope, &user).await?)?;
            let ended = sessions::delete_in(tx, &scope, &user).await?;
            let entry = Entry::new("identity.sign_out_member").object(user.as_str());
            let entry = entry.count(i64::try_from(ended).unwrap_or(i64::MAX));
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    async fn try_sign_in_rules(&self, actor: &Actor) -> Result<SignInRules, Failure> {
        let scope = OrgScope::prove(actor, Permission::SignInManage)?;
        let mut conn = self.deps.db.read().await?;
        let rules = directory::rules(&mut conn, &scope).await?;
        let (with_factor, members) = directory::with_factor(&mut conn, &scope).await?;
        let factor_required_at = rules.factor_required_at();
        drop(conn);
        let own_sign_in = self.own_sign_in(actor, &scope, rules.own_sign_in_required_at()).await?;
        Ok(SignInRules { factor_required_at, limits: rules.limits(), with_factor, members, own_sign_in })
    }

    async fn try_limit_sessions(&self, actor: &Actor, limits: SessionLimits) -> Result<(), Failure> {
        limits.check()?;
        let scope = OrgScope::prove_confirmed(actor, Permission::SignInManage, self.deps.world.now())?;
        let (Deps { db, world, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        write_tx!(db, tx => {
            directory::lock_members(tx, &scope).await?;
            if directory::rules(tx, &scope).await?.limits() == limits {
                return Ok(());
            }
            directory::set_limits(tx, &scope, limits).await?;
            let entry = Entry::new("identity.change_rules").object(scope.organisation().as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry.fields(vec!["session_limits"])).await
        })
    }

    async fn try_require_factor(&self, actor: &Actor, required: bool) -> Result<(), Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::SignInManage, self.deps.world.now())?;
        let (Deps { db, world, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        let user = scope.user().cloned().ok_or(Code::Forbidden)?;
        write_tx!(db, tx => {
            directory::lock_members(tx, &scope).await?;
            if required && !factors::is_active(tx, &user).await? {
                return Err(Code::FactorFirst.into());
            }
            if directory::rules(tx, &scope).await?.factor_required() == required {
                return Ok(());
            }
            directory::set_factor_required(tx, &scope, required.then(|| world.now())).await?;
            let entry = Entry::new("identity.change_rules").object(scope.organisation().as_str());
            let entry = entry.fields(vec!["factor_required"]);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }
}

/// A member's role, which stays as it is until the transaction ends.
pub(super) async fn locked_role(tx: &mut Tx, scope: &OrgScope, user: &UserId) -> Result<Role, Failure> {
    directory::lock_members(tx, scope).await?;
    directory::member_role(tx, scope, user).await?.ok_or(Failure::NotFound)
}

/// Refuses to take away the last owner; `leaving` is the role about to be lost.
async fn keeps_an_owner(tx: &mut Tx, scope: &OrgScope, leaving: Role) -> Result<(), Failure> {
    if leaving == Role::Owner && directory::owners(tx, scope).await? <= 1 {
        return Err(Code::LastOwner.into());
    }
    Ok(())
}

async fn mail(
    tx: &mut Tx,
    world: &World,
    scope: &OrgScope,
    id: &InvitationId,
    language: Language,
) -> Result<(), Failure> {
    let organisation: OrganisationId = scope.organisation().clone();
    let message = NewMessage::new(Template::Invitation, language).organisation(organisation).invitation(id.clone());
    outbox::enqueue(tx, world, message).await?;
    Ok(())
}

#[async_trait]
impl Directory for DirectoryService {
    async fn people(&self, actor: &Actor) -> Result<People, AppError> {
        self.try_people(actor).await.map_err(AppError::from)
    }

    async fn invite(&self, actor: &Actor, invite: Invite) -> Result<InvitationId, AppError> {
        self.try_invite(actor, invite).await.map_err(AppError::from)
    }

    async fn renew_invitation(&self, actor: &Actor, invitation: &InvitationId) -> Result<(), AppError> {
        self.try_renew(actor, invitation).await.map_err(AppError::from)
    }

    async fn revoke_invitation(&self, actor: &Actor, invitation: &InvitationId) -> Result<(), AppError> {
        self.try_revoke(actor, invitation).await.map_err(AppError::from)
    }

    async fn change_role(&self, actor: &Actor, user: &UserId, role: Role) -> Result<(), AppError> {
        self.try_change_role(actor, user, role).await.map_err(AppError::from)
    }

    async fn remove_member(&self, actor: &Actor, user: &UserId) -> Result<(), AppError> {
        self.try_remove(actor, user).await.map_err(AppError::from)
    }

    async fn sign_out_member(&self, actor: &Actor, user: &UserId) -> Result<(), AppError> {
        self.try_sign_out_member(actor, user).await.map_err(AppError::from)
    }

    async fn sign_in_rules(&self, actor: &Actor) -> Result<SignInRules, AppError> {
        self.try_sign_in_rules(actor).await.map_err(AppError::from)
    }

    async fn require_factor(&self, actor: &Actor, required: bool) -> Result<(), AppError> {
        self.try_require_factor(actor, required).await.map_err(AppError::from)
    }

    async fn require_own_sign_in(&self, actor: &Actor, required: bool) -> Result<(), AppError> {
        self.try_require_own_sign_in(actor, required).await.map_err(AppError::from)
    }

    async fn arm_owner(&self, actor: &Actor, user: &UserId, days: i64) -> Result<(), AppError> {
        self.try_arm(actor, user, days).await.map_err(AppError::from)
    }

    async fn disarm_owner(&self, actor: &Actor, user: &UserId) -> Result<(), AppError> {
        self.try_disarm(actor, user).await.map_err(AppError::from)
    }

    async fn limit_sessions(&self, actor: &Actor, limits: SessionLimits) -> Result<(), AppError> {
        self.try_limit_sessions(actor, limits).await.map_err(AppError::from)
    }

    async fn tokens(&self, actor: &Actor) -> Result<Vec<Token>, AppError> {
        self.try_tokens(actor).await.map_err(AppError::from)
    }

    async fn create_token(&self, actor: &Actor, draft: TokenDraft) -> Result<Issued<TokenId>, AppError> {
        self.try_create_token(actor, draft).await.map_err(AppError::from)
    }

    async fn renew_token(
        &self,
        actor: &Actor,
        token: &TokenId,
        renewal: TokenRenewal,
    ) -> Result<Issued<TokenId>, AppError> {
        self.try_renew_token(actor, token, renewal).await.map_err(AppError::from)
    }

    async fn end_previous_secret(&self, actor: &Actor, token: &TokenId) -> Result<(), AppError> {
        self.try_end_previous_secret(actor, token).await.map_err(AppError::from)
    }

    async fn revoke_token(&self, actor: &Actor, token: &TokenId) -> Result<(), AppError> {
        self.try_revoke_token(actor, token).await.map_err(AppError::from)
    }

    async fn own_token(&self, actor: &Actor) -> Result<OwnToken, AppError> {
        self.try_own_token(actor).await.map_err(AppError::from)
    }
}
