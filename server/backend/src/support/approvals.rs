//! What deletes waits for a second person when support does it: another member of the staff, or an owner.

use shutterpost_model::access::{Actor, Credential};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::SupportApprovalId;
use shutterpost_model::support::APPROVAL_GOOD;

use super::queries::approvals::{self, Act};
use crate::audit::record::{Doer, Entry, record};
use crate::context::World;
use crate::db::Tx;
use crate::error::Failure;
use crate::identity::scope::OrgScope;

/// More at once is no mending, and nobody approves it one by one.
const AT_ONCE: usize = 20;

/// Whether the act may be done now. Of everybody but support: yes. Of support: if each object was approved, which uses the
/// approvals up. Otherwise the missing ones are asked for; the caller then commits that, does nothing else and says
/// [`Code::ApprovalNeeded`]. To be called when it is proved that the objects are the scope's.
pub(crate) async fn settle(
    tx: &mut Tx,
    world: &World,
    scope: &OrgScope,
    name: &'static str,
    objects: &[&str],
) -> Result<bool, Failure> {
    let Some(Credential::Support { grant, .. }) = scope.actor().map(Actor::credential) else { return Ok(true) };
    if objects.len() > AT_ONCE {
        return Err(AppError::new(Code::OutOfRange).into());
    }
    let now = world.now();
    let act = |object| Act { grant, act: name, object };
    let (mut approved, mut unknown) = (true, Vec::new());
    for object in objects {
        match approvals::found(tx, act(object), now).await? {
            Some(true) => {}
            Some(false) => approved = false,
            None => unknown.push(*object),
        }
    }
    if approved && unknown.is_empty() {
        for object in objects {
            if !approvals::use_up(tx, act(object), now).await? {
                // Somebody did the same with it in this moment.
                return Err(Code::Conflict.into());
            }
        }
        return Ok(true);
    }
    let doer = scope.actor().map_or(Doer::System, Doer::from);
    for object in unknown {
        let id = world.id(SupportApprovalId::new);
        approvals::ask(tx, &id, scope, act(object), (now, now.plus(APPROVAL_GOOD))).await?;
        let entry = Entry::new("support.ask_approval").object(object);
        record(tx, world, Some(scope.organisation()), &doer, entry).await?;
    }
    Ok(false)
}
