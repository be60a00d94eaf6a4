//! Reading the trail.

use std::collections::BTreeSet;

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::audit::{Audit, AuditFilter, AuditPage};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{AuditId, OrganisationId};

use super::queries::{self, Selection};
use super::rows::AuditRow;
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::services::Deps;

/// Entries of a page.
const PAGE: usize = 50;
/// Longer filters name no feature and no object of ours.
const LONGEST_FILTER: usize = 64;

/// The port of the audit trail on the database.
#[derive(Debug)]
pub struct AuditService {
    deps: Deps,
}

impl AuditService {
    pub const fn new(deps: Deps) -> Self {
        Self { deps }
    }

    async fn try_list(&self, actor: &Actor, filter: AuditFilter, cursor: Option<String>) -> Result<AuditPage, Failure> {
        let scope = OrgScope::prove(actor, Permission::AuditRead)?;
        check(&filter)?;
        let before = match cursor {
            Some(cursor) => Some(self.open(&scope, &filter, &cursor)?),
            None => None,
        };
        let AuditFilter { feature, object } = filter.clone();
        let selection = Selection { feature, object, before };

        let mut conn = self.deps.db.read().await?;
        let mut rows = queries::list(&mut conn, &scope, &selection, PAGE as i64 + 1).await?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next = rows.last().filter(|_| more).map(|last| self.seal(&scope, &filter, &last.id)).transpose()?;

        let actors: BTreeSet<&String> = rows.iter().filter_map(|row| row.actor_id.as_ref()).collect();
        let actors: Vec<String> = actors.into_iter().cloned().collect();
        let names = queries::names(&mut conn, &self.deps.keystore, &scope, &actors).await?;
        let listed = |row: AuditRow| row.listed(|id| names.get(id).cloned());
        Ok(AuditPage { items: rows.into_iter().map(listed).collect::<Result<_, _>>()?, next })
    }

    /// A cursor is bound to organisation and filter: moved elsewhere it is refused rather than read as a place there.
    fn seal(&self, scope: &OrgScope, filter: &AuditFilter, last: &str) -> Result<String, Failure> {
        let payload = serde_json::to_vec(&(LIST, scope.organisation(), filter, last))?;
        Ok(self.deps.keys.seal_cursor(&payload))
    }

    fn open(&self, scope: &OrgScope, filter: &AuditFilter, cursor: &str) -> Result<String, Code> {
        let payload = self.deps.keys.open_cursor(cursor).ok_or(Code::BadCursor)?;
        let (list, organisation, own, last): (String, OrganisationId, AuditFilter, AuditId) =
            serde_json::from_slice(&payload).map_err(|_| Code::BadCursor)?;
        let fits = list == LIST && organisation == *scope.organisation() && own == *filter;
        if fits { Ok(last.into_string()) } else { Err(Code::BadCursor) }
    }
}

/// Tells the cursors of this list from those of others.
const LIST: &str = "audit";

fn check(filter: &AuditFilter) -> Result<(), AppError> {
    let AuditFilter { feature, object } = filter;
    let word = |text: &String| text.len() <= LONGEST_FILTER && text.bytes().all(|byte| byte.is_ascii_lowercase());
    if !feature.as_ref().is_none_or(word) {
        return Err(AppError::field("feature", Code::BadChoice));
    }
    if object.as_ref().is_some_and(|object| object.len() > LONGEST_FILTER) {
        return Err(AppError::field("object", Code::TooLong));
    }
    Ok(())
}

#[async_trait]
impl Audit for AuditService {
    async fn list(&self, actor: &Actor, filter: AuditFilter, cursor: Option<String>) -> Result<AuditPage, AppError> {
        self.try_list(actor, filter, cursor).await.map_err(AppError::from)
    }
}
