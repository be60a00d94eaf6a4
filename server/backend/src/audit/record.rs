//! Writing entries. Called by all features; knows none of them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::access::{Actor, Credential};
use shutterpost_model::id::{AuditId, OrganisationId, RequestId, StaffId, UserId};
use shutterpost_model::support::StaffActor;

use crate::context::World;
use crate::db::{Tx, on_db};
use crate::error::Failure;
use crate::schema::audit_entries;

/// Who did it.
#[derive(Debug, Clone)]
pub(crate) enum Doer {
    Actor(Actor),
    /// A user who is just signing in, joining or setting a password.
    User(UserId),
    /// A member of the staff, outside of any organisation or asking to be let in.
    Staff(StaffId, Option<RequestId>),
    /// A guest, by a link; the id is the link's.
    Guest(String),
    /// A sweep or job.
    System,
}

impl From<&Actor> for Doer {
    fn from(actor: &Actor) -> Self {
        Self::Actor(actor.clone())
    }
}

impl From<&StaffActor> for Doer {
    fn from(staff: &StaffActor) -> Self {
        Self::Staff(staff.staff().clone(), staff.request().cloned())
    }
}

impl Doer {
    fn parts(&self) -> (&'static str, Option<String>) {
        match self {
            Self::Actor(actor) => match actor.credential() {
                Credential::Session { user, .. } => ("user", Some(user.as_str().to_owned())),
                Credential::Token { token, .. } => ("token", Some(token.as_str().to_owned())),
                Credential::Device { device, .. } => ("device", Some(device.as_str().to_owned())),
                Credential::Support { staff, .. } => ("support", Some(staff.as_str().to_owned())),
            },
            Self::User(user) => ("user", Some(user.as_str().to_owned())),
            Self::Staff(staff, _) => ("support", Some(staff.as_str().to_owned())),
            Self::Guest(link) => ("guest", Some(link.clone())),
            Self::System => ("system", None),
        }
    }

    /// Their id, for rows that remember who did something.
    pub(crate) fn id(&self) -> Option<String> {
        self.parts().1
    }

    fn request(&self) -> Option<&RequestId> {
        match self {
            Self::Actor(actor) => actor.request(),
            Self::Staff(_, request) => request.as_ref(),
            _ => None,
        }
    }
}

/// An entry to be written: `Entry::new("captures.delete").object(id.as_str()).count(3)`.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    action: &'static str,
    object: Option<String>,
    count: i64,
    fields: Vec<&'static str>,
    request: Option<RequestId>,
}

impl Entry {
    /// `action` is `feature.verb`.
    pub(crate) const fn new(action: &'static str) -> Self {
        Self { action, object: None, count: 1, fields: Vec::new(), request: None }
    }

    /// Id of the object acted on.
    pub(crate) fn object(mut self, id: impl Into<String>) -> Self {
        self.object = Some(id.into());
        self
    }

    /// How many objects the entry stands for.
    pub(crate) const fn count(mut self, count: i64) -> Self {
        self.count = count;
        self
    }

    /// Names of changed fields; never values.
    pub(crate) fn fields(mut self, fields: Vec<&'static str>) -> Self {
        self.fields = fields;
        self
    }

    /// The request, where no actor carries it.
    pub(crate) fn request(mut self, request: Option<RequestId>) -> Self {
        self.request = request;
        self
    }
}

/// Writes an entry. `organisation` is `None` for what concerns the installation alone (sign-in, own password).
pub(crate) async fn record(
    tx: &mut Tx,
    world: &World,
    organisation: Option<&OrganisationId>,
    doer: &Doer,
    entry: Entry,
) -> Result<(), Failure> {
    let Entry { action, object, count, fields, request } = entry;
    let (actor_kind, actor_id) = doer.parts();
    let request = doer.request().cloned().or(request).map(RequestId::into_string);
    let fields = serde_json::to_string(&fields)?;
    on_db!(tx, conn => diesel::insert_into(audit_entries::table)
        .values((
            audit_entries::id.eq(world.id(AuditId::new).into_string()),
            audit_entries::organisation_id.eq(organisation.map(OrganisationId::as_str)),
            audit_entries::actor_kind.eq(actor_kind),
            audit_entries::actor_id.eq(&actor_id),
            audit_entries::action.eq(action),
            audit_entries::object.eq(&object),
            audit_entries::count.eq(count),
            audit_entries::fields.eq(&fields),
            audit_entries::request_id.eq(&request),
            audit_entries::at.eq(world.now().0),
        ))
        .execute(conn).await)?;
    Ok(())
}
