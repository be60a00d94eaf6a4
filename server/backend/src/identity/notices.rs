//! Mails to all owners of an organisation: whoever changes how everybody signs in does not do it unseen. And to one person:
//! what is done with their account is not done unseen. Both learn of what was deleted.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::access::Role;
use shutterpost_model::connections::Notice;
use shutterpost_model::id::{EventId, OrganisationId, UserId};
use shutterpost_model::identity::security::Activity;
use shutterpost_model::language::Language;
use shutterpost_model::messages::Template;
use shutterpost_model::time::{DAY, Millis};

use super::queries::sign_ins;
use super::scope::OrgScope;
use super::trace;
use crate::context::World;
use crate::db::{Tx, on_db};
use crate::error::Failure;
use crate::jobs::outbox::{self, NewMessage};
use crate::schema::{identity_memberships, identity_users};

/// No more mails to a person about one kind of deletion in a day: whoever tidies up does not flood all owners.
const DELETIONS_A_DAY: i64 = 3;

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

/// Who is to learn of a deletion: all owners, and the person who deletes, if it is one and not a token or support.
pub(crate) async fn watchers(tx: &mut Tx, scope: &OrgScope) -> Result<Vec<UserId>, Failure> {
    let mut users: Vec<String> = on_db!(tx, c => identity_memberships::table
        .filter(identity_memberships::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_memberships::role.eq(Role::Owner.as_str()))
        .select(identity_memberships::user_id)
        .load(c).await)?;
    users.extend(scope.user().map(|user| user.as_str().to_owned()));
    users.sort_unstable();
    users.dedup();
    let read =
        |user: &String| user.parse::<UserId>().map_err(|_| Failure::Internal("a stored id does not read".into()));
    users.iter().map(read).collect()
}

/// Enqueues a mail about a deletion for each of them who may sign in. Who goes along with their organisation may not: their
/// address is being erased, so their mail is not begun.
pub(crate) async fn tell_deletion(
    tx: &mut Tx,
    world: &World,
    scope: &OrgScope,
    watchers: &[UserId],
    activity: Activity,
    event: Option<&EventId>,
) -> Result<(), Failure> {
    for user in watchers {
        let language: Option<String> = on_db!(tx, c => identity_users::table
            .filter(identity_users::id.eq(user.as_str()))
            .filter(identity_users::disabled_at.is_null())
            .select(identity_users::language)
            .first(c).await.optional())?;
        let Some(language) = language else { continue };
        if sign_ins::told_since(tx, user, activity, world.now().plus(-DAY)).await? >= DELETIONS_A_DAY {
            continue;
        }
        let language = Language::from_tag(&language).unwrap_or_default();
        let mut message = NewMessage::new(Template::Activity, language)
            .user(user.clone())
            .activity(activity)
            .about(scope.organisation().clone());
        if let Some(event) = event {
            message = message.event(event.clone());
        }
        outbox::enqueue(tx, world, message).await?;
    }
    Ok(())
}
