//! Mails to all owners of an organisation: whoever changes how everybody signs in does not do it unseen. And to one person:
//! what is done with their account is not done unseen.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::access::Role;
use shutterpost_model::connections::Notice;
use shutterpost_model::id::{OrganisationId, UserId};
use shutterpost_model::identity::security::Activity;
use shutterpost_model::language::Language;
use shutterpost_model::messages::Template;
use shutterpost_model::time::Millis;

use super::queries::sign_ins;
use super::trace;
use crate::context::World;
use crate::db::{Tx, on_db};
use crate::error::Failure;
use crate::jobs::outbox::{self, NewMessage};
use crate::schema::{identity_memberships, identity_users};

/// Enqueues the notice for each owner who may sign in.
pub(crate) async fn tell_owners(
    tx: &mut Tx,
    world: &World,
    organisation: &OrganisationId,
    notice: Notice,
) -> Result<(), Failure> {
    let owners: Vec<(String, String)> = on_db!(tx, c => identity_memberships::table
        .inner_join(identity_users::table.on(identity_users::id.eq(identity_memberships::user_id)))
        .filter(identity_memberships::organisation_id.eq(organisation.as_str()))
        .filter(identity_memberships::role.eq(Role::Owner.as_str()))
        .filter(identity_users::disabled_at.is_null())
        .select((identity_users::id, identity_users::language))
        .load(c).await)?;
    for (user, language) in owners {
        let user: UserId = user.parse().map_err(|_| Failure::Internal("a stored id does not read".into()))?;
        let language = Language::from_tag(&language).unwrap_or_default();
        let message = NewMessage::new(Template::Notice, language).user(user).notice(notice, organisation.clone());
        outbox::enqueue(tx, world, message).await?;
    }
    Ok(())
}

/// Enqueues a mail to a person about what was done with their account, unless they were sent one of the same since then.
pub(crate) async fn tell_person(
    tx: &mut Tx,
    world: &World,
    user: &UserId,
    activity: Activity,
    unless_since: Option<Millis>,
) -> Result<(), Failure> {
    if let Some(since) = unless_since
        && sign_ins::told_since(tx, user, activity, since).await? > 0
    {
        return Ok(());
    }
    let language: String = on_db!(tx, c => identity_users::table
        .filter(identity_users::id.eq(user.as_str()))
        .select(identity_users::language)
        .first(c).await)?;
    let language = Language::from_tag(&language).unwrap_or_default();
    trace::tell(tx, world, (user, language), activity, None).await
}
