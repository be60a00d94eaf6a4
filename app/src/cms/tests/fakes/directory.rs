//! People, tokens and the rules of signing in.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission, Role};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{InvitationId, TokenId, UserId};
use shutterpost_model::identity::{Directory, Invitation, Invite, Issued, Member, People, SessionLimits, SignInRules};
use shutterpost_model::time::DAY;
use shutterpost_model::tokens::{OwnToken, PreviousSecret, Scopes, Token, TokenDraft, TokenRenewal, TokenState};

use super::own_sign_in;
use super::{Answer, NOW, World, disclosed, elsewhere};

#[async_trait]
impl Directory for World {
    async fn people(&self, actor: &Actor) -> Answer<People> {
        if !actor.may(Permission::PeopleManage) {
            return Err(AppError::new(Code::Forbidden));
        }
        let member = |number, name, role, last_seen| Member {
            user: UserId::new(1, [number; 10]),
            name: disclosed(name),
            email: disclosed("person@acme.example"),
            role,
            since: NOW,
            last_seen,
            two_factor: role == Role::Owner,
        };
        Ok(People {
            members: vec![
                member(3, "Anna Muster", Role::Owner, Some(NOW)),
                member(6, "Ben </title><b>", Role::Editor, None),
            ],
            invitations: vec![Invitation {
                id: InvitationId::new(1, [7; 10]),
                email: disclosed("carla@acme.example"),
                role: Role::Viewer,
                expires_at: NOW,
                expired: true,
            }],
        })
    }
    async fn invite(&self, _: &Actor, _: Invite) -> Answer<InvitationId> {
        elsewhere()
    }
    async fn renew_invitation(&self, _: &Actor, _: &InvitationId) -> Answer<()> {
        elsewhere()
    }
    async fn revoke_invitation(&self, _: &Actor, _: &InvitationId) -> Answer<()> {
        elsewhere()
    }
    async fn change_role(&self, _: &Actor, _: &UserId, _: Role) -> Answer<()> {
        elsewhere()
    }
    async fn remove_member(&self, _: &Actor, _: &UserId) -> Answer<()> {
        elsewhere()
    }
    async fn sign_out_member(&self, _: &Actor, _: &UserId) -> Answer<()> {
        elsewhere()
    }
    async fn sign_in_rules(&self, _: &Actor) -> Answer<SignInRules> {
        let factor_required_at = self.two_factor.then_some(NOW);
        let limits = SessionLimits { idle: Some(30), absolute: None };
        let own_sign_in = own_sign_in::rules(self.own_sign_in);
        Ok(SignInRules { factor_required_at, limits, with_factor: 1, members: 2, own_sign_in })
    }
    async fn limit_sessions(&self, _: &Actor, _: SessionLimits) -> Answer<()> {
        elsewhere()
    }
    async fn require_own_sign_in(&self, _: &Actor, _: bool) -> Answer<()> {
        elsewhere()
    }
    async fn arm_owner(&self, _: &Actor, _: &UserId, _: i64) -> Answer<()> {
        elsewhere()
    }
    async fn disarm_owner(&self, _: &Actor, _: &UserId) -> Answer<()> {
        elsewhere()
    }
    async fn require_factor(&self, _: &Actor, _: bool) -> Answer<()> {
        elsewhere()
    }
    async fn tokens(&self, _: &Actor) -> Answer<Vec<Token>> {
        if self.empty {
            return Ok(Vec::new());
        }
        let token = |number: u8| Token {
            id: TokenId::new(1, [number; 10]),
            name: "CRM <export>".into(),
            scopes: Some(Scopes::reading()),
            role: Role::Admin,
            hint: "spt_…AbCd".into(),
            made_by: Some(disclosed("Ben <b>")),
            created_at: NOW,
            last_used_at: None,
            expires_at: Some(NOW.plus(30 * DAY)),
            state: TokenState::Active,
            previous: None,
        };
        let previous = PreviousSecret { hint: "spt_…OlDs".into(), until: NOW.plus(DAY), last_used_at: Some(NOW) };
        let soon = Some(NOW.plus(3 * DAY));
        Ok(vec![
            Token { previous: Some(previous), ..token(8) },
            Token { expires_at: soon, state: TokenState::ExpiresSoon, ..token(9) },
            Token { expires_at: Some(NOW), state: TokenState::Expired, ..token(10) },
            Token { state: TokenState::Stopped, role: Role::Reporter, ..token(11) },
            Token { scopes: Some(Scopes::of_role(Role::Editor)), role: Role::Viewer, ..token(12) },
            Token { scopes: None, expires_at: None, made_by: None, role: Role::Editor, ..token(13) },
        ])
    }
    async fn create_token(&self, _: &Actor, _: TokenDraft) -> Answer<Issued<TokenId>> {
        elsewhere()
    }
    async fn renew_token(&self, _: &Actor, _: &TokenId, _: TokenRenewal) -> Answer<Issued<TokenId>> {
        elsewhere()
    }
    async fn end_previous_secret(&self, _: &Actor, _: &TokenId) -> Answer<()> {
        elsewhere()
    }
    async fn own_token(&self, _: &Actor) -> Answer<OwnToken> {
        elsewhere()
    }
    async fn revoke_token(&self, _: &Actor, _: &TokenId) -> Answer<()> {
        elsewhere()
    }
}
