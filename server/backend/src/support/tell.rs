//! Telling owners by mail, and writing down that a grant's time is over.

use shutterpost_model::id::{GrantId, OrganisationId};
use shutterpost_model::messages::Template;
use shutterpost_model::support::SupportMoment;

use super::queries::grants;
use crate::audit::record::{Doer, Entry, record};
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::jobs::Permit;
use crate::jobs::outbox::{self, NewMessage};
use crate::services::Deps;

/// A mail to every owner of the organisation.
pub(super) async fn owners(
    tx: &mut Tx,
    world: &World,
    organisation: &OrganisationId,
    grant: &GrantId,
    moment: SupportMoment,
) -> Result<(), Failure> {
    for (user, language) in grants::owners(tx, organisation).await? {
        let message = NewMessage::new(Template::Support, language).user(user).support(grant.clone(), moment);
        outbox::enqueue(tx, world, message).await?;
    }
    Ok(())
}

/// Writes down that grants have ended whose time is over. What they let in ended by the clock; this is for the trail and
/// the mail.
pub(crate) async fn end_expired(_permit: &Permit, deps: &Deps) -> Result<(), Failure> {
    let now = deps.world.now();
    let over = grants::expired(&mut deps.db.read().await?, now).await?;
    for (grant, organisation, at) in over {
        let world = deps.world.clone();
        write_tx!(deps.db, tx => {
            if grants::end(tx, &grant, at).await? {
                owners(tx, &world, &organisation, &grant, SupportMoment::Ended).await?;
                let entry = Entry::new("support.end").object(grant.as_str());
                record(tx, &world, Some(&organisation), &Doer::System, entry).await?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
