//! The proof that an event belongs to the organisation that was proved before.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{EventId, OrganisationId};

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::schema::events;

/// Any scope that lies inside one organisation. Only scopes implement it, so a query that takes one still takes a
/// proof.
pub(crate) trait Tenant: Sync {
    fn organisation(&self) -> &OrganisationId;
}

impl Tenant for OrgScope {
    fn organisation(&self) -> &OrganisationId {
        OrgScope::organisation(self)
    }
}

/// An event of the organisation in which a permission was proved.
#[derive(Debug, Clone)]
pub(crate) struct EventScope {
    org: OrgScope,
    event: EventId,
}

impl Tenant for EventScope {
    fn organisation(&self) -> &OrganisationId {
        self.org.organisation()
    }
}

impl EventScope {
    /// Proves that the event is one of the organisation; [`Failure::NotFound`] for foreign and deleted ones alike.
    pub(crate) async fn prove(conn: &mut Conn, org: OrgScope, event: &EventId) -> Result<Self, Failure> {
        let organisation = org.organisation().as_str();
        on_db!(conn, c => events::table
            .filter(events::organisation_id.eq(organisation))
            .filter(events::id.eq(event.as_str()))
            .filter(events::deleted_at.is_null())
            .select(events::version)
            .first::<i32>(c).await)?;
        Ok(Self { org, event: event.clone() })
    }

    /// The same, and the event stays undeleted until the end of the transaction: what is written into it is seen by
    /// whoever deletes it next.
    pub(crate) async fn hold(tx: &mut Tx, org: OrgScope, event: &EventId) -> Result<Self, Failure> {
        let organisation = org.organisation().as_str();
        on_db!(
            tx,
            // A write transaction of SQLite has the whole database to itself.
            sqlite c => events::table
                .filter(events::organisation_id.eq(organisation))
                .filter(events::id.eq(event.as_str()))
                .filter(events::deleted_at.is_null())
                .select(events::version)
                .first::<i32>(c).await,
            postgres c => events::table
                .filter(events::organisation_id.eq(organisation))
                .filter(events::id.eq(event.as_str()))
                .filter(events::deleted_at.is_null())
                .select(events::version)
                .for_share()
                .first::<i32>(c).await,
        )?;
        Ok(Self { org, event: event.clone() })
    }

    /// An event as a sweep found it, deleted or not.
    pub(crate) fn of_sweep(permit: &Permit, organisation: OrganisationId, event: EventId) -> Self {
        Self { org: OrgScope::of_job(permit, organisation), event }
    }

    /// An event whose erasure the organisation's actor asked for: deleted by then, and its rows still to go. Queries
    /// compare organisation and event both, so a foreign id finds nothing.
    pub(crate) fn of_erasure(org: &OrgScope, event: EventId) -> Self {
        Self { org: org.clone(), event }
    }

    pub(crate) const fn org(&self) -> &OrgScope {
        &self.org
    }

    pub(crate) const fn event(&self) -> &EventId {
        &self.event
    }
}
