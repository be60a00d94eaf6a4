//! API tokens of an organisation: made, renewed, revoked.

use shutterpost_model::access::{Actor, Permission, Role};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{TokenId, UserId};
use shutterpost_model::identity::Issued;
use shutterpost_model::time::Millis;
use shutterpost_model::tokens::{OVERLAP, OwnToken, Reach, Replaced, Scopes, Token, TokenDraft, TokenRenewal};

use super::directory::DirectoryService;
use crate::audit::record::{Doer, Entry, record};
use crate::db::write_tx;
use crate::error::Failure;
use crate::identity::bearer;
use crate::identity::queries::tokens;
use crate::identity::rows::tokens::{NO_ROLE, NewTokenRow, PreviousRow, RenewedRow, SecretRow, keys, listed};
use crate::identity::rows::{subject_key, token_place};
use crate::identity::scope::{OrgScope, TokenFacts};
use crate::keystore::{Realm, Sealed};
use crate::services::Deps;

impl DirectoryService {
    pub(super) async fn try_tokens(&self, actor: &Actor) -> Result<Vec<Token>, Failure> {
        let scope = OrgScope::prove(actor, Permission::TokenManage)?;
        let now = self.deps().world.now();
        let rows = tokens::list(&mut self.deps().db.read().await?, &scope, now).await?;
        let organisation = scope.organisation();
        let mut wanted = Vec::with_capacity(rows.len() * 2);
        for row in &rows {
            wanted.extend(keys(organisation, row)?);
        }
        let ring = self.deps().keystore.find(&wanted).await?;
        rows.into_iter().map(|row| listed(row, organisation, &ring, now)).collect()
    }

    pub(super) async fn try_create_token(&self, actor: &Actor, draft: TokenDraft) -> Result<Issued<TokenId>, Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::TokenManage, self.deps().world.now())?;
        let (Deps { db, world, keys, keystore, .. }, doer) = (self.deps().clone(), Doer::from(actor));
        let now = world.now();
        let ends = draft.check(now)?;
        let role = role_behind(actor, draft.scopes)?;
        let (id, name) = (world.id(TokenId::new), draft.name.trim().to_owned());
        let key = subject_key(scope.organisation(), id.as_str());
        let key = keystore.make_one(&key).await?;
        write_tx!(db, tx => {
            let realm = Realm::Organisation(scope.organisation().clone());
            let bearer::Fresh { secret, hash, hint } = bearer::fresh(&world, &keys, bearer::TOKEN);
            let row = NewTokenRow {
                id: id.as_str(),
                organisation_id: scope.organisation().as_str(),
                name: Sealed::seal(&world, &key, token_place(&realm, id.as_str()), &name),
                role: NO_ROLE.as_str(),
                secret_hash: &hash,
                hint: &hint,
                created_by: scope.user().map(UserId::as_str),
                created_at: now.0,
                scopes: &draft.scopes.to_string(),
                cap: role.as_str(),
                expires_at: ends.0,
            };
            tokens::insert(tx, &scope, &row).await?;
            let entry = Entry::new("identity.create_token").object(id.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            Ok(Issued { item: id, secret })
        })
    }

    pub(super) async fn try_renew_token(
        &self,
        actor: &Actor,
        token: &TokenId,
        renewal: TokenRenewal,
    ) -> Result<Issued<TokenId>, Failure> {
        let scope = OrgScope::prove_confirmed(actor, Permission::TokenManage, self.deps().world.now())?;
        let (Deps { db, world, keys, .. }, doer) = (self.deps().clone(), Doer::from(actor));
        let now = world.now();
        let ends = renewal.check(now)?;
        let (actor, token) = (actor.clone(), token.clone());
        write_tx!(db, tx => {
            let SecretRow { secret_hash, hint, created_by, last_used_at, scopes, expires_at } =
                tokens::secret(tx, &scope, &token).await?.ok_or(Failure::NotFound)?;
            // What a token without scopes may do nobody chose; it is replaced by one with scopes.
            let scopes = scopes.ok_or_else(|| AppError::field("token", Code::BadChoice))?;
            let role = role_behind(&actor, Scopes::read(&scopes))?;
            let living = expires_at.is_none_or(|at| at > now.0);
            let previous = match renewal.replaced {
                Replaced::Overlaps if living => {
                    let until = now.plus(OVERLAP).min(expires_at.map_or(Millis(i64::MAX), Millis));
                    PreviousRow {
                        previous_hash: Some(secret_hash.clone()),
                        previous_hint: Some(hint),
                        previous_until: Some(until.0),
                        previous_used_at: last_used_at,
                        previous_by: created_by,
                    }
                }
                Replaced::Overlaps | Replaced::EndsNow => PreviousRow::default(),
            };
            let bearer::Fresh { secret, hash, hint } = bearer::fresh(&world, &keys, bearer::TOKEN);
            let row = RenewedRow {
                secret_hash: &hash,
                hint: &hint,
                created_by: scope.user().map(UserId::as_str),
                last_used_at: None,
                cap: role.as_str(),
                expires_at: ends.0,
                previous,
            };
            if !tokens::renew(tx, &scope, &token, &secret_hash, &row).await? {
                return Err(Code::Conflict.into());
            }
            let entry = Entry::new("identity.renew_token").object(token.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            Ok(Issued { item: token, secret })
        })
    }

    pub(super) async fn try_end_previous_secret(&self, actor: &Actor, token: &TokenId) -> Result<(), Failure> {
        let scope = OrgScope::prove(actor, Permission::TokenManage)?;
        let (Deps { db, world, .. }, doer, token) = (self.deps().clone(), Doer::from(actor), token.clone());
        write_tx!(db, tx => {
            if !tokens::end_previous(tx, &scope, &token, world.now()).await? {
                return Err(Failure::NotFound);
            }
            let entry = Entry::new("identity.end_token_secret").object(token.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    pub(super) async fn try_revoke_token(&self, actor: &Actor, token: &TokenId) -> Result<(), Failure> {
        let scope = OrgScope::prove(actor, Permission::TokenManage)?;
        let (Deps { db, world, .. }, doer, token) = (self.deps().clone(), Doer::from(actor), token.clone());
        write_tx!(db, tx => {
            if !tokens::revoke(tx, &scope, &token, world.now()).await? {
                return Err(Failure::NotFound);
            }
            let entry = Entry::new("identity.revoke_token").object(token.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    pub(super) async fn try_own_token(&self, actor: &Actor) -> Result<OwnToken, Failure> {
        let (scope, TokenFacts { token, reach, ends_at }) = OrgScope::prove_token(actor)?;
        let sealed = tokens::name(&mut self.deps().db.read().await?, &scope, &token).await?;
        let organisation = scope.organisation().clone();
        let key = self.deps().keystore.get(&subject_key(&organisation, token.as_str())).await?;
        let realm = Realm::Organisation(organisation.clone());
        let name = sealed.open(&key, token_place(&realm, token.as_str()))?;
        let role = actor.role().unwrap_or(NO_ROLE);
        let scopes = match reach {
            Reach::WholeRole => Scopes::of_role(role),
            Reach::Scopes(scopes) => scopes.effective(role),
        };
        Ok(OwnToken { id: token, organisation, name, scopes, expires_at: ends_at })
    }
}

/// The role that a token gets, which holds all its scopes: the maker's, but never ownership.
fn role_behind(maker: &Actor, scopes: Scopes) -> Result<Role, Failure> {
    let role = maker.role().unwrap_or(NO_ROLE).lesser(Role::Admin);
    if scopes.within(role) == scopes { Ok(role) } else { Err(Code::RoleTooHigh.into()) }
}
