//! What a guest's token proves.

use shutterpost_model::id::{CaptureId, EventId, LinkId, OrganisationId};
use shutterpost_model::share::LinkKind;
use shutterpost_model::time::Millis;

use super::links::{Domain, hash};
use super::queries;
use super::rows::OpenRow;
use crate::db::Conn;
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::Tenant;
use crate::events::zone;
use crate::services::Deps;

/// A link that is good at this moment: known, not revoked, its capture and event not deleted, retention not over.
#[derive(Debug, Clone)]
pub(crate) struct GuestScope {
    organisation: OrganisationId,
    event: EventId,
    capture: CaptureId,
    link: LinkId,
    kind: LinkKind,
}

impl Tenant for GuestScope {
    fn organisation(&self) -> &OrganisationId {
        &self.organisation
    }
}

/// A good link with what its page needs.
pub(super) struct Opened {
    pub(super) scope: GuestScope,
    pub(super) row: OpenRow,
    /// When retention ends.
    pub(super) valid_until: Millis,
}

impl GuestScope {
    /// Proves the token of a page. Whatever is wrong with it costs one query and gives `None`.
    pub(super) async fn prove(conn: &mut Conn, deps: &Deps, token: &str) -> Result<Option<Opened>, Failure> {
        let row = queries::by_token(conn, &hash(&deps.keys, Domain::Page, token)).await?;
        Self::opened(row, deps.world.now())
    }

    /// Proves the token of an owner link.
    pub(crate) async fn of_owner(conn: &mut Conn, deps: &Deps, token: &str) -> Result<Option<Self>, Failure> {
        let opened = Self::prove(conn, deps, token).await?;
        Ok(opened.map(|opened| opened.scope).filter(|scope| scope.kind == LinkKind::Owner))
    }

    fn opened(row: Option<OpenRow>, now: Millis) -> Result<Option<Opened>, Failure> {
        let Some(row) = row else { return Ok(None) };
        let valid_until = zone::end_of(&row.event.time_zone, stored(&row.event.kept_until)?);
        if now >= valid_until {
            return Ok(None);
        }
        let scope = Self {
            organisation: stored(&row.event.organisation_id)?,
            event: stored(&row.event.id)?,
            capture: stored(&row.link.capture_id)?,
            link: stored(&row.link.id)?,
            kind: row.link.kind()?,
        };
        Ok(Some(Opened { scope, row, valid_until }))
    }

    pub(crate) const fn event(&self) -> &EventId {
        &self.event
    }

    pub(crate) const fn capture(&self) -> &CaptureId {
        &self.capture
    }

    pub(crate) const fn link(&self) -> &LinkId {
        &self.link
    }

    pub(crate) const fn kind(&self) -> LinkKind {
        self.kind
    }
}
